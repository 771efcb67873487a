"""Dates of a sheet as day numbers on a line without gaps, so that they can be compared and subtracted."""

import calendar
import re
from datetime import date

import numpy as np
import pandas as pd

ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
PARTIAL = re.compile(r"(\d{4})(?:-(\d{2}))?")
STUDY_DAY = re.compile(r"[+-]?\d{1,6}")
#: Day number of ILDR when dates are study days.
ILDR_STUDY_DAY = 0


def day_number(*, text: str, dates: str, partial: bool = False, last: bool = False) -> float:
    """Return the day number of one date.

    Parameters
    ----------
    text
        The cell: ``2026-03-14`` or, with ``study_day``, a whole number other than 0.
    dates
        ``iso`` or ``study_day``.
    partial
        Whether ``2026-03`` and ``2026`` are allowed.
    last
        For a partial date: whether the last possible day is meant, not the first.

    Returns
    -------
    float
        ``iso``: days since 1970-01-01. ``study_day``: days since ILDR, so day 1 gives 0 and day -1 gives -1: there is
        no day 0, and a plain difference of study days would be one too large across ILDR. NaN if it is no such date.
    """
    if dates == "study_day":
        day = int(text) if STUDY_DAY.fullmatch(text) else 0
        return np.nan if day == 0 else float(day - 1 if day > 0 else day)
    try:
        if ISO.fullmatch(text):
            return float((date.fromisoformat(text) - date(1970, 1, 1)).days)
        match = PARTIAL.fullmatch(text) if partial else None
        if match is None:
            return np.nan
        year, month = int(match[1]), int(match[2] or (12 if last else 1))
        day = calendar.monthrange(year, month)[1] if last else 1
        return float((date(year, month, day) - date(1970, 1, 1)).days)
    except ValueError:  # 2026-02-30, month 13
        return np.nan


def day_numbers(*, cells: pd.Series, dates: str, partial: bool = False, last: bool = False) -> pd.Series:
    """Return the day numbers of a column; missing and unreadable cells give NaN. See :func:`day_number`."""
    known = {text: day_number(text=text, dates=dates, partial=partial, last=last) for text in cells.dropna().unique()}
    return cells.map(known).astype(float)

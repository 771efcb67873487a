"""The course of responses of each patient and reader up to progression or the next treatment, and its confirmations."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from gutaxis.clinical.cells import GROUP

#: From best known to worst: of several responses on one day the last of these counts.
RESPONSES = ("NE", "CR", "PR", "SD", "NON-CR/NON-PD", "PD")
NE, CR, PR, SD, NON, PD = range(6)
ABSENT = -1


class Course(NamedTuple):
    """Responses in time: one row per patient and reader (``index``), one column per assessment, padded at the end.

    ``codes`` are positions in ``RESPONSES`` or ABSENT, ``days`` are days from ILDR or NaN, ``dates`` are cells.
    """

    index: pd.MultiIndex
    codes: np.ndarray
    days: np.ndarray
    dates: np.ndarray


class Confirmation(NamedTuple):
    """For each response of a course: the day and date on which it was confirmed, and whether it still could be."""

    days: np.ndarray
    dates: np.ndarray
    open: np.ndarray


def course_rows(*, timepoints: pd.DataFrame, patients: pd.DataFrame) -> pd.DataFrame:
    """Return the time points that count for best response.

    From ILDR to the first PD inclusive, before the day of the next antitumour treatment; of several on one day the
    worst (NE < CR < PR < SD < NON-CR/NON-PD < PD).

    Parameters
    ----------
    timepoints
        patient_id reader day date overall_response.
    patients
        Index patient_id; new_therapy_day, if known.

    Returns
    -------
    pandas.DataFrame
        patient_id reader day date code, sorted.

    Raises
    ------
    ValueError
        For a response that RECIST 1.1 does not have.
    """
    rows = timepoints[[*GROUP, "day", "date"]].copy()
    codes = timepoints["overall_response"].map({name: code for code, name in enumerate(RESPONSES)})
    if codes.isna().any():
        unknown = sorted(timepoints.loc[codes.isna(), "overall_response"].astype(str).unique())
        raise ValueError(f"overall_response {', '.join(unknown)}: one of {', '.join(RESPONSES)}")
    rows["code"] = codes.astype(int)
    therapy = rows["patient_id"].map(patient_days(patients=patients, name="new_therapy_day")).astype(float)
    rows = rows[(rows["day"] >= 0) & ~(rows["day"] >= therapy)]
    rows = rows.sort_values([*GROUP, "day", "code"], kind="stable").drop_duplicates([*GROUP, "day"], keep="last")
    progressed = (rows["code"] == PD).astype(int).groupby([rows[name] for name in GROUP], sort=False)
    return rows[progressed.cumsum() - (rows["code"] == PD) == 0].reset_index(drop=True)


def patient_days(*, patients: pd.DataFrame, name: str) -> pd.Series:
    """Return a day column of the patients, NaN throughout if the sheet has none."""
    if name in patients:
        return patients[name].astype(float)
    return pd.Series(np.nan, patients.index, dtype=float)


def make_course(*, rows: pd.DataFrame, index: pd.MultiIndex) -> Course:
    """Return the rows of :func:`course_rows` as arrays, one line for every patient and reader of ``index``."""
    line = index.get_indexer(pd.MultiIndex.from_frame(rows[GROUP]))
    place = rows.groupby(GROUP, sort=False).cumcount().to_numpy()
    shape = (len(index), int(place.max()) + 1 if len(rows) else 1)
    codes, days = np.full(shape, ABSENT), np.full(shape, np.nan)
    dates = np.full(shape, np.nan, dtype=object)
    codes[line, place], days[line, place], dates[line, place] = rows["code"], rows["day"], rows["date"]
    return Course(index=index, codes=codes, days=days, dates=dates)


def confirmations(*, course: Course, start: int, min_days: int, max_ne: int, accept_sd: bool = False) -> Confirmation:
    """Return which responses of one kind are confirmed, and when first.

    CR is confirmed by a CR ``min_days`` later or more, with only CR and NE between. PR is confirmed by a CR or PR, with
    only CR, PR and NE between and no PR after a CR. At most ``max_ne`` NE lie between.

    Parameters
    ----------
    course
        From :func:`make_course`.
    start
        ``CR`` or ``PR``.
    min_days
        Plain difference of days, without adding 1.
    max_ne
        Most NE between the two.
    accept_sd
        Whether one SD may lie between a PR and its confirmation.

    Returns
    -------
    Confirmation
        Arrays of the course's shape. ``open``: not confirmed, and nothing seen so far rules it out.

    Notes
    -----
    Source: the events of pharmaverse admiralonco (Apache-2.0), ``rsp_y``, ``cbor_cr``, ``cbor_pr``; its published test
    tables are tests here.
    """
    codes, days = course.codes, course.days
    by = (CR,) if start == CR else (CR, PR)
    between = (*by, NE, SD) if accept_sd and start == PR else (*by, NE)
    found, where = np.full(codes.shape, np.nan), np.full(codes.shape, np.nan, dtype=object)
    still = np.zeros(codes.shape, dtype=bool)
    for first in range(codes.shape[1]):
        alive = codes[:, first] == start
        n_ne, n_sd = np.zeros(len(codes), dtype=int), np.zeros(len(codes), dtype=int)
        had_cr = np.zeros(len(codes), dtype=bool)
        done = np.zeros(len(codes), dtype=bool)
        for later in range(first + 1, codes.shape[1]):
            if not alive.any():
                break
            now = codes[:, later]
            n_ne, n_sd = n_ne + (now == NE), n_sd + (now == SD)
            allowed = np.isin(now, between) & (n_ne <= max_ne) & (n_sd <= 1) & ~(had_cr & (now == PR))
            alive = alive & ((now == ABSENT) | allowed)
            had_cr |= now == CR
            hit = alive & np.isin(now, by) & (days[:, later] - days[:, first] >= min_days) & ~done
            found[hit, first], where[hit, first] = days[hit, later], course.dates[hit, later]
            done |= hit
        still[:, first] = alive & ~done
    return Confirmation(days=found, dates=where, open=still)

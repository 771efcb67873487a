"""Best overall response, confirmed and not, and what makes a patient a responder."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from gutaxis.clinical.cells import GROUP
from gutaxis.clinical.course import (
    CR,
    NE,
    NON,
    PD,
    PR,
    SD,
    Confirmation,
    Course,
    confirmations,
    course_rows,
    make_course,
    patient_days,
)
from gutaxis.clinical.recist import study_day
from gutaxis.clinical.settings import ClinicalSettings
from gutaxis.errors import Problem

COLUMNS = [
    "patient_id",
    "reader",
    "bor",
    "cbor",
    "response",
    "first_response_date",
    "confirmed_date",
    "reason",
    "first_response_day",
    "confirmed_day",
    "pending",
    "pd_day",
    "first_unconfirmed_day",
]
#: Numbers of the best responses in an ADaM dataset (AVAL), also their order.
BEST_NUMBERS = {"CR": 1, "PR": 2, "SD": 3, "NON-CR/NON-PD": 4, "PD": 5, "NE": 6, "MISSING": 7}
#: Warning: a partial response or stable disease after a complete response.
W_CR_REGRESS = "W12"


class BestResponse(NamedTuple):
    """What :func:`best_response` returns."""

    table: pd.DataFrame
    warnings: list[Problem]


class _First(NamedTuple):
    """Day and date of the first column that meets a condition, by line; NaN where none does."""

    day: np.ndarray
    date: np.ndarray


def best_response(
    *,
    patients: pd.DataFrame,
    timepoints: pd.DataFrame,
    follow_up: pd.Series,
    settings: ClinicalSettings,
    baselines: pd.DataFrame | None = None,
) -> BestResponse:
    """Return best overall response and responder status of every patient by every reader.

    Confirmed best response is the first of: CR and PR, confirmed (:func:`gutaxis.clinical.course.confirmations`); SD
    for a CR, PR or SD from ``sd_min_days`` on; NON-CR/NON-PD likewise; PD; NE; MISSING without any assessment.
    Unconfirmed best response (``bor``) asks for no confirmation.

    Parameters
    ----------
    patients
        Index patient_id; new_therapy_day, death_day (days from ILDR), if known. Each gets a row per reader.
    timepoints
        From :func:`gutaxis.clinical.recist.recist_timepoints`.
    follow_up
        From :func:`gutaxis.clinical.follow_up.cut_days`.
    settings
        confirmation_days, max_ne_between, sd_min_days, response_definition, reader are used.
    baselines
        From :func:`gutaxis.clinical.recist.assess`, for the reason of NE; may be left out.

    Returns
    -------
    BestResponse
        ``table``: columns ``COLUMNS``, sorted by patient and reader. ``pending`` is Y if there is no confirmed response
        but a CR or PR that nothing has ruled out, and follow-up ends less than ``confirmation_days`` after it.
        ``response``: R, NR, or NA for NE, MISSING, and, if the definition asks for confirmation, pending.
        ``first_response_day``: start of the confirmed response; else of the pending one; else the first CR or PR.
        ``first_unconfirmed_day``: the first CR or PR. ``pd_day``: the first PD, also one after the next treatment.
        ``warnings``: W12 for each course with PR, SD or NON-CR/NON-PD after CR.
    """
    readers = sorted({*timepoints["reader"].unique(), settings.reader})
    index = pd.MultiIndex.from_product([sorted(patients.index), readers], names=GROUP)
    course = make_course(rows=course_rows(timepoints=timepoints, patients=patients), index=index)
    limits = {"min_days": settings.confirmation_days, "max_ne": settings.max_ne_between}
    by_kind = {kind: confirmations(course=course, start=kind, **limits) for kind in (CR, PR)}
    confirmed = {kind: ~np.isnan(found.days).all(axis=1) for kind, found in by_kind.items()}
    bor = _best(course, (course.codes == CR).any(axis=1), (course.codes == PR).any(axis=1), settings.sd_min_days)
    cbor = _best(course, confirmed[CR], confirmed[PR], settings.sd_min_days)

    waiting = _waiting(course, by_kind, patients, follow_up, settings.confirmation_days)
    pending = waiting.any(axis=1) & ~confirmed[CR] & ~confirmed[PR]
    answered = np.isin(course.codes, (CR, PR))
    certain = np.logical_or(*[~np.isnan(found.days) for found in by_kind.values()])
    start = np.where(certain.any(axis=1)[:, None], certain, np.where(pending[:, None], waiting, answered))
    first, any_response = _first(course, start), _first(course, answered)
    proof = _proof(by_kind, certain)

    table = index.to_frame(index=False)
    table["bor"], table["cbor"] = bor, cbor
    table["response"] = _responder(bor, cbor, pending, settings.response_definition)
    table["first_response_date"], table["first_response_day"] = first.date, first.day
    table["confirmed_date"], table["confirmed_day"] = proof.date, proof.day
    table["pending"] = np.where(pending, "Y", "N")
    progressed = timepoints[timepoints["overall_response"] == "PD"].groupby(GROUP)["day"].min()
    table["pd_day"] = progressed.reindex(index).to_numpy(dtype=float)
    table["first_unconfirmed_day"] = any_response.day
    table["reason"] = _reason(table, baselines, settings)
    return BestResponse(table=table[COLUMNS], warnings=_regress(course))


def _best(course: Course, complete: np.ndarray, partial: np.ndarray, sd_min_days: int) -> np.ndarray:
    long_enough = course.days >= sd_min_days
    return np.select(
        [
            complete,
            partial,
            (np.isin(course.codes, (CR, PR, SD)) & long_enough).any(axis=1),
            ((course.codes == NON) & long_enough).any(axis=1),
            (course.codes == PD).any(axis=1),
            (course.codes >= NE).any(axis=1),
        ],
        ["CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE"],
        "MISSING",
    )


def _waiting(
    course: Course,
    by_kind: dict[int, Confirmation],
    patients: pd.DataFrame,
    follow_up: pd.Series,
    confirmation_days: int,
) -> np.ndarray:
    """Return the responses whose confirmation the data cut does not yet allow to be known."""
    owner = course.index.get_level_values("patient_id")
    cut = follow_up.reindex(owner).to_numpy(dtype=float)
    ended = np.zeros(len(cut), dtype=bool)
    for name in ("new_therapy_day", "death_day"):
        # what ends the wait after the data cut is not known at the data cut
        ended |= patient_days(patients=patients, name=name).reindex(owner).to_numpy() <= cut
    still = np.logical_or(*[found.open for found in by_kind.values()])
    return still & (cut[:, None] < course.days + confirmation_days) & ~ended[:, None]


def _first(course: Course, mask: np.ndarray) -> _First:
    line, place = np.arange(len(mask)), mask.argmax(axis=1)
    some = mask.any(axis=1)
    return _First(
        day=np.where(some, course.days[line, place], np.nan), date=np.where(some, course.dates[line, place], np.nan)
    )


def _proof(by_kind: dict[int, Confirmation], certain: np.ndarray) -> _First:
    """Return when the first confirmed response was confirmed."""
    line, place = np.arange(len(certain)), certain.argmax(axis=1)
    complete, partial = by_kind[CR], by_kind[PR]
    is_cr = ~np.isnan(complete.days[line, place])
    return _First(
        day=np.where(is_cr, complete.days[line, place], partial.days[line, place]),
        date=np.where(is_cr, complete.dates[line, place], partial.dates[line, place]),
    )


def _responder(bor: np.ndarray, cbor: np.ndarray, pending: np.ndarray, definition: str) -> np.ndarray:
    """Return R, NR or NA; NA is what cannot be known, never a non-responder."""
    answer = bor if definition == "unconfirmed_response" else cbor
    good = ("CR", "PR", "SD", "NON-CR/NON-PD") if definition == "disease_control" else ("CR", "PR")
    unknown = np.isin(answer, ("NE", "MISSING"))
    if definition == "confirmed_response":
        unknown |= pending
    return np.select([np.isin(answer, good), unknown], ["R", "NA"], "NR")


def _reason(table: pd.DataFrame, baselines: pd.DataFrame | None, settings: ClinicalSettings) -> np.ndarray:
    """Say in words what the best response rests on; days are study days (ILDR is day 1)."""
    first, proof, progressed = (
        study_day(days=table[name]).astype(str) for name in ("first_response_day", "confirmed_day", "pd_day")
    )
    due = study_day(days=table["first_response_day"] + settings.confirmation_days).astype(str)
    no_baseline = np.zeros(len(table), dtype=bool)
    if baselines is not None:
        seen = baselines.set_index(GROUP)["baseline_day"].reindex(pd.MultiIndex.from_frame(table[GROUP]))
        no_baseline = seen.isna().to_numpy()
    cbor, answered = table["cbor"], table["first_unconfirmed_day"].notna()
    sd_day = study_day(days=pd.Series([float(settings.sd_min_days)])).astype(str).iloc[0]
    return np.select(
        [
            table["confirmed_day"].notna(),
            table["pending"] == "Y",
            answered,
            cbor == "SD",
            cbor == "NON-CR/NON-PD",
            cbor == "PD",
            cbor == "MISSING",
            no_baseline,
        ],
        [
            "response on day " + first + ", confirmed on day " + proof,
            "response on day " + first + ", follow-up ends before day " + due + " on which it could be confirmed",
            "response on day " + first + ", not confirmed; counts as " + cbor,
            f"stable on day {sd_day} or later",
            f"no target lesion; neither complete response nor progression on day {sd_day} or later",
            "progression on day " + progressed,
            "no assessment after ILDR that counts",
            f"no baseline scan in the {settings.baseline_window_days} days before ILDR",
        ],
        f"no assessment that can be evaluated, or none on day {sd_day} or later",
    )


def _regress(course: Course) -> list[Problem]:
    had_cr = np.maximum.accumulate(course.codes == CR, axis=1)
    worse = had_cr & np.isin(course.codes, (PR, SD, NON))
    first = _first(course, worse)
    return [
        Problem(
            W_CR_REGRESS,
            "recist_timepoints.tsv",
            None,
            "overall_response",
            str(first.date[line]),
            f"{course.index[line][0]} ({course.index[line][1]}): a lesser response after a complete response",
            "After CR only CR, PD or NE",
            "Query the reading",
        )
        for line in np.flatnonzero(worse.any(axis=1))
    ]

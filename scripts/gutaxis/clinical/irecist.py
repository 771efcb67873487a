"""iRECIST, an optional layer over RECIST 1.1: progression is unconfirmed until the next scan confirms it."""

from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd

from gutaxis.clinical.cells import ASSESSMENT, GROUP
from gutaxis.clinical.settings import ClinicalSettings

MIN_CONFIRM_DAYS, MAX_CONFIRM_DAYS = 28, 56
WORSE_TENTHS = 50
MAX_NEW_TARGETS, MAX_NEW_PER_ORGAN = 5, 2
WALKED = [
    "day",
    "overall_response",
    "target_response",
    "nontarget_response",
    "new_lesion",
    "sum_mm",
    "n_new",
    "new_tenths",
]
COLUMNS = [*ASSESSMENT, "date", "day", "overall_response", "irecist_response", "worse", "iupd_day"]
BEST_COLUMNS = [*GROUP, "ibor", "iupd_day", "icpd_day", "icpd_seen_day"]
#: Best first.
ORDER = ("iCR", "iPR", "iSD", "NON-iCR/NON-iUPD", "iCPD", "iUPD", "iNE")
NON = "NON-iCR/NON-iUPD"


def irecist_timepoints(*, timepoints: pd.DataFrame, cells: pd.DataFrame, settings: ClinicalSettings) -> pd.DataFrame:
    """Return the iRECIST response of every assessment.

    PD by RECIST 1.1 is iUPD. At the next assessment, 28 to 56 days later (plus ``visit_window_days``), it becomes iCPD
    if it is worse: the target sum is 5 mm or more above that of the assessment before; a non-target lesion is again
    called unequivocal progression; the new lesions that are followed (5 at most, 2 per organ) have grown by 5 mm or
    more; there are more new lesions than before; or PD comes from a kind of lesion that had not progressed. If it is
    not worse and no kind of lesion is PD any more, the bar is reset and iCR, iPR or iSD are possible; a new lesion that
    is still there without growth holds iUPD, unless the targets respond (iPR). NE leaves the question open for the
    assessment after it. After iCPD everything is iCPD.

    Parameters
    ----------
    timepoints, cells
        From :func:`gutaxis.clinical.recist.assess`; of several assessments on one day the first row counts for all.
    settings
        ``visit_window_days`` is used.

    Returns
    -------
    pandas.DataFrame
        Columns ``COLUMNS``, sorted as the time points: irecist_response is one of ``ORDER``; worse names what confirmed
        (target, nontarget, new_size, new_number, other_kind); iupd_day is the first day of the block of iUPD it is in.

    Notes
    -----
    Source: Seymour L et al., Lancet Oncol 2017;18:e143-e152. The date of progression is that of the first iUPD of the
    confirmed block.
    """
    rows = timepoints.merge(_new_lesions(cells=cells), on=ASSESSMENT, how="left", validate="one_to_one")
    rows[["n_new", "new_tenths"]] = rows[["n_new", "new_tenths"]].fillna(0)
    rows = rows.sort_values([*GROUP, "day", "assessment_id"], kind="stable", ignore_index=True)
    longest = MAX_CONFIRM_DAYS + settings.visit_window_days
    answers: list[tuple[str, str, float]] = []
    # plain records: a data frame per patient would be ten times slower
    for _, course in groupby(rows[[*GROUP, *WALKED]].to_dict("records"), key=itemgetter(*GROUP)):
        answers += _walk(list(course), longest)
    rows[["irecist_response", "worse", "iupd_day"]] = pd.DataFrame(
        answers, columns=["irecist_response", "worse", "iupd_day"], index=rows.index
    )
    return rows[COLUMNS]


def irecist_best(*, irecist: pd.DataFrame, patients: pd.DataFrame) -> pd.DataFrame:
    """Return the best iRECIST response (not confirmed) and the date of progression of each patient and reader.

    Parameters
    ----------
    irecist
        From :func:`irecist_timepoints`.
    patients
        Index patient_id; new_therapy_day, if known: later assessments do not count.

    Returns
    -------
    pandas.DataFrame
        Columns ``BEST_COLUMNS``, sorted: ibor (one of ``ORDER``), iupd_day (first iUPD), icpd_day (first iUPD of the
        confirmed block: the day of progression), icpd_seen_day (assessment that confirmed it); NaN where none.
    """
    therapy = irecist["patient_id"].map(patients.get("new_therapy_day", pd.Series(np.nan, patients.index)))
    rows = irecist[~(irecist["day"] >= therapy.astype(float))]
    keys = [rows[name] for name in GROUP]
    rank = rows["irecist_response"].map({name: place for place, name in enumerate(ORDER)})
    table = pd.DataFrame({"ibor": rank.groupby(keys).min().map(dict(enumerate(ORDER)))})
    confirmed = rows[rows["irecist_response"] == "iCPD"].groupby(GROUP)
    table["iupd_day"] = rows[rows["irecist_response"] == "iUPD"].groupby(GROUP)["day"].min()
    table["icpd_day"] = confirmed["iupd_day"].first()
    table["icpd_seen_day"] = confirmed["day"].min()
    return table.reset_index()[BEST_COLUMNS]


def _new_lesions(*, cells: pd.DataFrame) -> pd.DataFrame:
    """Return per assessment how many new lesions are there, and the sum of those that are followed by size."""
    new = cells[(cells["category"] == "NEW") & (cells["day"] > 0) & cells["seen"] & ~cells["gone"]]
    counts = new.groupby(ASSESSMENT)["lesion_id"].nunique().rename("n_new")
    sized = new[new["tenths"].notna()]
    first = sized.drop_duplicates([*GROUP, "lesion_id"])
    # the largest first, as for target lesions; nodes are one organ
    first = first.sort_values([*GROUP, "tenths", "lesion_id"], ascending=[True, True, False, True], kind="stable")
    organ = first["organ"].mask(first["is_node"], "lymph nodes").fillna(first["lesion_id"])
    first = first[first.groupby([first["patient_id"], first["reader"], organ]).cumcount() < MAX_NEW_PER_ORGAN]
    first = first[first.groupby(GROUP).cumcount() < MAX_NEW_TARGETS]
    followed = sized.merge(first[[*GROUP, "lesion_id"]], on=[*GROUP, "lesion_id"])
    sums = followed.groupby(ASSESSMENT)["tenths"].sum().rename("new_tenths")
    return pd.concat([counts, sums], axis=1).rename_axis(ASSESSMENT).reset_index()


def _walk(course: list[dict[str, Any]], longest: int) -> list[tuple[str, str, float]]:
    """Go through one patient's assessments: (response, what got worse, first day of the block) for each."""
    answers: list[tuple[str, str, float]] = []
    pending: dict[str, Any] | None = None
    seen_before: dict[str, Any] | None = None
    block, confirmed = np.nan, False
    for row in course:
        if seen_before is not None and row["day"] == seen_before["day"]:
            answers.append(answers[-1])
            continue
        seen_before = row
        if confirmed:
            answers.append(("iCPD", "", block))
            continue
        if pending is None:
            if row["overall_response"] == "PD":
                pending, block = row, row["day"]
                answers.append(("iUPD", "", block))
            else:
                answers.append((_plain(row["overall_response"]), "", np.nan))
            continue
        worse = _worse(before=pending, now=row)
        if worse and MIN_CONFIRM_DAYS <= row["day"] - pending["day"] <= longest:
            confirmed = True
            answers.append(("iCPD", worse, block))
            continue
        response = _reset(row)
        answers.append((response, "", block if response == "iUPD" else np.nan))
        if response == "iUPD":
            pending = row
        elif response != "iNE":
            pending, block = None, np.nan
    return answers


def _kinds(row: dict[str, Any]) -> dict[str, bool]:
    return {
        "target": row["target_response"] == "PD",
        "nontarget": row["nontarget_response"] == "PD",
        "new": row["new_lesion"] == "Y",
    }


def _worse(*, before: dict[str, Any], now: dict[str, Any]) -> str:
    """Return why progression is confirmed, empty if it is not."""
    old, new = _kinds(before), _kinds(now)
    growth = round(10 * now["sum_mm"]) - round(10 * before["sum_mm"]) if _both_sums(before, now) else 0
    if old["target"] and growth >= WORSE_TENTHS:
        return "target"
    if old["nontarget"] and new["nontarget"]:
        return "nontarget"
    if old["new"] and now["n_new"] > before["n_new"]:
        return "new_number"
    if old["new"] and now["new_tenths"] - before["new_tenths"] >= WORSE_TENTHS:
        return "new_size"
    return "other_kind" if any(new[kind] and not old[kind] for kind in old) else ""


def _both_sums(before: dict[str, Any], now: dict[str, Any]) -> bool:
    return not (np.isnan(before["sum_mm"]) or np.isnan(now["sum_mm"]))


def _reset(row: dict[str, Any]) -> str:
    """Return the response at a scan that does not confirm the iUPD before it."""
    if row["overall_response"] != "PD":
        return _plain(row["overall_response"])
    kinds = _kinds(row)
    shrunk = row["target_response"] in {"CR", "PR"}
    return "iPR" if shrunk and kinds["new"] and not kinds["nontarget"] else "iUPD"


def _plain(overall: str) -> str:
    return {"NON-CR/NON-PD": NON, "PD": "iUPD"}.get(overall, f"i{overall}")

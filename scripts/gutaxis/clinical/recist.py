"""RECIST 1.1: from lesion measurements to the response of every patient, reader and assessment."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from gutaxis.clinical.cells import ASSESSMENT, GROUP, lesion_cells
from gutaxis.clinical.overall import new_lesions, nontarget_counts, nontarget_response, overall_response
from gutaxis.clinical.settings import ClinicalSettings
from gutaxis.clinical.target import baselines, target_response, target_sums

TIMEPOINT_COLUMNS = [
    "patient_id",
    "reader",
    "assessment_id",
    "date",
    "ady",
    "sum_mm",
    "baseline_mm",
    "nadir_mm",
    "pct_change_baseline",
    "pct_change_nadir",
    "target_response",
    "nontarget_response",
    "new_lesion",
    "overall_response",
    "day",
    "targets_missing",
]
BASELINE_COLUMNS = [*GROUP, "baseline_day", "baseline_mm", "n_targets", "n_nontargets", "measurable"]


class Recist(NamedTuple):
    """What :func:`assess` returns."""

    timepoints: pd.DataFrame
    baselines: pd.DataFrame
    cells: pd.DataFrame


def study_day(*, days: pd.Series) -> pd.Series:
    """Return ADY, for which the day of ILDR is 1 and the day before -1, from days after ILDR; whole numbers or NA."""
    return days.where(days < 0, days + 1).astype("Int64")


def assess(*, lesions: pd.DataFrame, measurements: pd.DataFrame, settings: ClinicalSettings) -> Recist:
    """Apply RECIST 1.1 to every patient, reader and assessment after ILDR.

    A later assessment never changes an earlier row, with one exception of the criteria: an equivocal new lesion that
    is confirmed later is progression from its first sighting. After a complete overall response any lesion other than
    a node that is seen again is progression; a node progresses by its growth alone.

    Parameters
    ----------
    lesions, measurements
        As in :func:`gutaxis.clinical.cells.lesion_cells`.
    settings
        ``baseline_window_days`` is used.

    Returns
    -------
    Recist
        ``timepoints``: one row per patient, reader and assessment after ILDR, columns ``TIMEPOINT_COLUMNS``, sorted by
        patient, reader, day, assessment. The date is that of the assessment's last scan, or of its first for PD.
        ``day``: days from ILDR. Sums in mm; ``sum_mm`` holds the targets that have a size, the changes in percent are
        given only if none is missing (nor for a nadir of 0). target_response and nontarget_response are NONE where
        there is no such lesion; new_lesion is Y, N or EQUIVOCAL.
        ``baselines``: one row per patient and reader, columns ``BASELINE_COLUMNS``.
        ``cells``: from :func:`gutaxis.clinical.cells.lesion_cells`.

    Raises
    ------
    GutaxisError
        E05 or E13, see there.
    """
    cells = lesion_cells(lesions=lesions, measurements=measurements)
    base = baselines(cells=cells, window_days=settings.baseline_window_days)
    after = cells[cells["day"] > 0]
    table = _assessments(cells=after).merge(base, on=GROUP, how="left", validate="many_to_one")

    sums = target_sums(cells=after, assessments=table)
    counts = nontarget_counts(cells=after, assessments=table)
    target = target_response(sums=sums, assessments=table)
    nontarget = nontarget_response(counts=counts, n_nontargets=table["n_nontargets"])
    new = new_lesions(cells=after, assessments=table)
    first = pd.Series(overall_response(target=target, nontarget=nontarget, new=new) == "CR", table.index).astype(int)
    groups = [table[name] for name in GROUP]
    after_cr = first.groupby(groups, sort=False).cummax().groupby(groups, sort=False).shift(fill_value=0) == 1
    target = np.where(after_cr & (sums["back"] > 0), "PD", target)
    nontarget = np.where(after_cr & (counts["back"] > 0), "PD", nontarget)
    overall = overall_response(target=target, nontarget=nontarget, new=new)

    table = table.assign(
        target_response=target,
        nontarget_response=nontarget,
        new_lesion=new,
        overall_response=overall,
        targets_missing=sums["targets_missing"],
        sum_mm=sums["sum_tenths"] / 10,
        baseline_mm=table["baseline_tenths"] / 10,
        nadir_mm=sums["nadir_tenths"] / 10,
        day=np.where(overall == "PD", table["first_day"], table["last_day"]),
        date=np.where(overall == "PD", table["first_date"], table["last_date"]),
    )
    complete = sums["sum_tenths"].where(sums["targets_missing"] == 0)
    for name, reference in (("baseline", table["baseline_tenths"]), ("nadir", sums["nadir_tenths"])):
        table[f"pct_change_{name}"] = 100 * (complete - reference) / reference.where(reference > 0)
    table["ady"] = study_day(days=table["day"])
    table = table.sort_values([*GROUP, "day", "assessment_id"], kind="stable", ignore_index=True)
    base["baseline_mm"] = base["baseline_tenths"] / 10
    return Recist(timepoints=table[TIMEPOINT_COLUMNS], baselines=base[BASELINE_COLUMNS], cells=cells)


def recist_timepoints(*, lesions: pd.DataFrame, measurements: pd.DataFrame, settings: ClinicalSettings) -> pd.DataFrame:
    """Return only the time points of :func:`assess`."""
    return assess(lesions=lesions, measurements=measurements, settings=settings).timepoints


def _assessments(*, cells: pd.DataFrame) -> pd.DataFrame:
    """Return the assessments in the order of time, with the day and date of their first and last scan."""
    rows = cells.sort_values(["day", "date"], kind="stable").groupby(ASSESSMENT, sort=False)
    table = rows.agg(
        first_day=("day", "first"), last_day=("day", "last"), first_date=("date", "first"), last_date=("date", "last")
    ).reset_index()
    return table.sort_values([*GROUP, "last_day", "first_day", "assessment_id"], kind="stable", ignore_index=True)

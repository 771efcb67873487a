"""Target lesions: baseline, sum of diameters, nadir and response (RECIST 1.1), in whole tenths of a millimetre."""

import numpy as np
import pandas as pd

from gutaxis.clinical.cells import ASSESSMENT, GROUP, LESION

PD_MIN_TENTHS = 50


def baselines(*, cells: pd.DataFrame, window_days: int) -> pd.DataFrame:
    """Return each reader's baseline of each patient.

    A reader's targets are the TARGET lesions that this reader ever looked at. Each counts with its last size on or
    before ILDR and at most ``window_days`` before it; normally all are of one assessment. The baseline sum is known
    only if every target has a size.

    Parameters
    ----------
    cells
        From :func:`gutaxis.clinical.cells.lesion_cells`.
    window_days
        Longest time from the baseline scan to ILDR, in days.

    Returns
    -------
    pandas.DataFrame
        Sorted: patient_id reader baseline_day n_targets n_nontargets baseline_tenths (NaN if incomplete or none)
        measurable (Y if the baseline is complete with one target or more, else N).
    """
    keys = cells[[*LESION, "category"]].drop_duplicates()
    table = pd.DataFrame(index=pd.MultiIndex.from_frame(cells[GROUP].drop_duplicates())).sort_index()
    counts = keys.groupby([*GROUP, "category"], sort=False).size().unstack("category")
    for name, category in (("n_targets", "TARGET"), ("n_nontargets", "NON-TARGET")):
        found = counts[category] if category in counts else pd.Series(0, counts.index)
        table[name] = found.reindex(table.index).fillna(0).astype(int)
    early = cells[cells["day"].between(-window_days, 0) & (cells["category"] != "NEW")]
    scans = early.groupby(GROUP)["day"].max()
    sized = early[(early["category"] == "TARGET") & early["tenths"].notna()].drop_duplicates(LESION, keep="last")
    sums = sized.groupby(GROUP)["tenths"].agg(["sum", "size"]).reindex(table.index)
    complete = (sums["size"] == table["n_targets"]) & (table["n_targets"] > 0)
    table["baseline_day"] = scans.reindex(table.index)
    table["baseline_tenths"] = sums["sum"].where(complete)
    table["measurable"] = np.where(complete, "Y", "N")
    return table.reset_index()


def target_sums(*, cells: pd.DataFrame, assessments: pd.DataFrame) -> pd.DataFrame:
    """Return sums, nadir and how many targets are missing, for every assessment after ILDR.

    Parameters
    ----------
    cells
        Cells after ILDR.
    assessments
        patient_id reader assessment_id n_targets baseline_tenths, in the order of time within patient and reader.

    Returns
    -------
    pandas.DataFrame
        Rows as in ``assessments``: sum_tenths (of the targets that have a size; NaN if none has), targets_missing,
        not_gone (targets that are neither absent nor, as nodes, below 10 mm), back (targets other than nodes that are
        there), nadir_tenths (smallest complete sum before this assessment, baseline included).
    """
    targets = cells[(cells["category"] == "TARGET") & cells["tenths"].notna()]
    parts = targets.assign(not_gone=~targets["gone"], back=(targets["tenths"] > 0) & ~targets["is_node"])
    sums = parts.groupby(ASSESSMENT, sort=False).agg(
        sum_tenths=("tenths", "sum"), sized=("tenths", "size"), not_gone=("not_gone", "sum"), back=("back", "sum")
    )
    sums = sums.reindex(pd.MultiIndex.from_frame(assessments[ASSESSMENT])).set_axis(assessments.index)
    counted = sums[["sized", "not_gone", "back"]].fillna(0).astype(int)
    table = pd.concat([sums[["sum_tenths"]], counted[["not_gone", "back"]]], axis=1)
    table["targets_missing"] = assessments["n_targets"] - counted["sized"]
    complete = table["sum_tenths"].where(table["targets_missing"] == 0, np.inf)
    groups = [assessments[name] for name in GROUP]
    before = complete.groupby(groups, sort=False).cummin().groupby(groups, sort=False).shift(fill_value=np.inf)
    # a baseline that is not known gives no nadir: progression could not be told from growth before ILDR
    table["nadir_tenths"] = np.minimum(before, assessments["baseline_tenths"])
    return table


def target_response(*, sums: pd.DataFrame, assessments: pd.DataFrame) -> np.ndarray:
    """Return the target response of each assessment, reappearance after a complete response apart.

    In this order: NONE without targets; PD if the sum of the targets with a size is at least 1.2 times the nadir and at
    least 5 mm above it, even if others are missing; NE if one is missing or the baseline is; CR if each node is below
    10 mm and all else is absent; PR if the sum is at most 0.7 times the baseline; SD.

    Parameters
    ----------
    sums
        From :func:`target_sums`.
    assessments
        With n_targets and baseline_tenths, rows as in ``sums``.

    Notes
    -----
    Source: Eisenhauer EA et al., Eur J Cancer 2009;45:228-247. All comparisons are between whole numbers.
    """
    now, nadir, baseline = sums["sum_tenths"], sums["nadir_tenths"], assessments["baseline_tenths"]
    return np.select(
        [
            assessments["n_targets"] == 0,
            (5 * now >= 6 * nadir) & (now - nadir >= PD_MIN_TENTHS),
            (sums["targets_missing"] > 0) | baseline.isna(),
            sums["not_gone"] == 0,
            10 * now <= 7 * baseline,
        ],
        ["NONE", "PD", "NE", "CR", "PR"],
        "SD",
    )

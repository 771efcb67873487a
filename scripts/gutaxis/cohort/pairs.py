"""Pairs: which PRE and which POST sample of a patient, assay and material are compared, and why others are not."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

#: What a pair can be. Differences use PAIRED only, comparisons at baseline every PRE, the random intercept all three.
STATUSES = ("PAIRED", "PRE_ONLY", "POST_ONLY", "NONE", "FAILED_QC")
COLUMNS = ["patient_id", "assay", "material", "pre", "post", "pair_id", "pair_status", "reason"]
Row = dict[str, Any]


def make_pairs(*, samples: pd.DataFrame, patients: pd.DataFrame, visits: Mapping[str, Any]) -> pd.DataFrame:
    """Choose a PRE and a POST sample for every patient, assay and material.

    PRE is the last PASS sample on or before ILDR and at most ``baseline_window_days`` before it. POST is the PASS
    sample inside ``post_window_days`` nearest to ``post_target_day``; of two equally near, the earlier. Where the day
    from ILDR is not known the label (timepoint) alone decides, and a dated sample goes first. Ties end with the sample
    id.

    Parameters
    ----------
    samples
        Index sample_id: patient_id assay material timepoint qc control collect_day (days from ILDR, NaN if unknown).
    patients
        Index patient_id.
    visits
        The config section of that name.

    Returns
    -------
    pandas.DataFrame
        Columns ``COLUMNS``, sorted; one row per patient and each (assay, material) that any patient has.
        ``reason`` says what is missing and which samples were not used.
    """
    own = samples[(samples["control"] == "N") & samples["patient_id"].notna()].reset_index()
    groups: dict[tuple[str, str, str], list[Row]] = {}
    names = ["sample_id", "patient_id", "assay", "material", "timepoint", "qc", "collect_day"]
    for row in own[names].to_dict("records"):
        groups.setdefault((row["patient_id"], row["assay"], row["material"]), []).append(row)
    kinds = sorted({(assay, material) for _, assay, material in groups})
    grid = [(patient, *kind) for patient in sorted(patients.index) for kind in kinds]
    table = pd.DataFrame([_pair(key, groups.get(key, []), visits) for key in grid], columns=COLUMNS)
    return table.astype(object)


def _pair(key: tuple[str, str, str], rows: list[Row], visits: Mapping[str, Any]) -> Row:
    low, high = visits["post_window_days"]
    target, window = visits["post_target_day"], visits["baseline_window_days"]
    usable: dict[str, list[Row]] = {"PRE": [], "POST": []}
    notes: list[str] = []
    for row in sorted(rows, key=lambda item: item["sample_id"]):
        name, point, day = row["sample_id"], row["timepoint"], row["collect_day"]
        label, limits = f"{point} sample {name}", (-window, 0) if point == "PRE" else (low, high)
        if row["qc"] != "PASS":
            notes.append(f"{label} has qc {row['qc']}")
        elif not (np.isnan(day) or limits[0] <= day <= limits[1]):
            notes.append(f"{label} is {_days(day)} ILDR, outside {limits[0]} to {limits[1]} days")
        else:
            usable[point].append(row)
    pre = min(usable["PRE"], key=lambda row: (*_rank(row, 0), row["sample_id"]), default=None)
    post = min(usable["POST"], key=lambda row: (*_rank(row, target), row["sample_id"]), default=None)
    for point, chosen in (("PRE", pre), ("POST", post)):
        notes += [f"{point} sample {row['sample_id']} is extra" for row in usable[point] if row is not chosen]
        if chosen is None and not any(row["timepoint"] == point for row in rows):
            notes.append(f"no {point} sample")
    status = {(True, True): "PAIRED", (True, False): "PRE_ONLY", (False, True): "POST_ONLY"}.get(
        (pre is not None, post is not None), "NONE"
    )
    if status == "NONE" and rows and all(row["qc"] != "PASS" for row in rows):
        status = "FAILED_QC"
    reason = "; ".join(notes) if rows else "no sample"
    chosen = [np.nan if row is None else row["sample_id"] for row in (pre, post)]
    return dict(zip(COLUMNS, [*key, *chosen, ".".join(key), status, reason], strict=True))


def _rank(row: Row, target: float) -> tuple[bool, float, float]:
    """Order candidates: dated before undated, then nearest to the target day, then the earlier."""
    day = row["collect_day"]
    return (True, 0.0, 0.0) if np.isnan(day) else (False, abs(day - target), day)


def _days(day: float) -> str:
    return f"{abs(day):g} days {'before' if day < 0 else 'after'}"

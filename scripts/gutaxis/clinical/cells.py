"""Measurements as cells: one row per reader, assessment and lesion, with its size in whole tenths of a millimetre."""

import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError, Problem

#: Whose measurements belong together, and what one assessment of theirs is.
GROUP = ["patient_id", "reader"]
ASSESSMENT = [*GROUP, "assessment_id"]
LESION = [*GROUP, "lesion_id"]
TOO_SMALL_TENTHS = 50
NORMAL_NODE_TENTHS = 100
DEFAULT_READER = "INVESTIGATOR"


def lesion_cells(*, lesions: pd.DataFrame, measurements: pd.DataFrame) -> pd.DataFrame:
    """Return what each reader saw of each lesion at each assessment.

    Nodes count with the short axis (LPERP), other lesions with the longest diameter (LDIAM); a row without an axis is
    taken as the right one. ABSENT is 0, TOO SMALL is 5 mm, a true size below 5 mm is used as it is. A target without a
    size (NOT EVALUATED, PRESENT, EQUIVOCAL, UNEQUIVOCAL PROGRESSION, only the wrong axis) has no size here. If one
    assessment holds a lesion on several days, the last day counts. Rows without a day are left out.

    Parameters
    ----------
    lesions
        patient_id lesion_id category is_node, and organ if known; one row per lesion.
    measurements
        patient_id lesion_id assess_date assess_day (days from ILDR) axis value_mm (mm) state, and, if known,
        assessment_id (else the date is taken) and reader (else INVESTIGATOR).

    Returns
    -------
    pandas.DataFrame
        patient_id reader assessment_id lesion_id category is_node organ date day tenths (0.1 mm, NaN if no size) gone
        seen equivocal progressing evaluated; sorted by patient, reader, day, assessment, lesion.

    Raises
    ------
    GutaxisError
        E05, a lesion that the lesions sheet does not have; E13, two different findings of one lesion on one day by one
        reader.
    """
    rows = _rows(lesions=lesions, measurements=measurements)
    keys = [*ASSESSMENT, "lesion_id"]
    rows = rows.sort_values([*keys, "rank", "day"], kind="stable", ignore_index=True)
    _refuse_contradictions(rows=rows, keys=keys)
    rows = rows.drop_duplicates(keys, keep="last")
    rows = rows.sort_values([*GROUP, "day", "assessment_id", "lesion_id"], kind="stable", ignore_index=True)
    return _findings(rows=rows)


def tenths_of_mm(*, values: pd.Series) -> pd.Series:
    """Return sizes in mm as whole tenths, halves rounded up; what is above 0 stays above 0. NaN stays NaN."""
    # 24.45 * 10 is 244.49999999999997 in binary: the small term puts written halves on the right side
    tenths = np.floor(values * 10 + 0.5 + 1e-6)
    return tenths.mask((values > 0) & (tenths < 1), 1.0)


def _rows(*, lesions: pd.DataFrame, measurements: pd.DataFrame) -> pd.DataFrame:
    """Return the measurements with their lesion; ``rank``: right axis 2, no axis 1, wrong axis 0."""
    names = ["patient_id", "lesion_id", "state", "axis", "value_mm"]
    rows = measurements.reindex(columns=names)
    rows["value_mm"] = rows["value_mm"].astype(float)
    rows["date"] = measurements["assess_date"]
    rows["day"] = measurements["assess_day"].astype(float)
    for name, filler in (("reader", DEFAULT_READER), ("assessment_id", None)):
        given = measurements[name] if name in measurements else pd.Series(np.nan, rows.index, dtype=object)
        rows[name] = given.fillna(rows["date"] if filler is None else filler)
    rows = rows[rows["day"].notna()]
    known = lesions.reindex(columns=["patient_id", "lesion_id", "category", "is_node", "organ"])
    rows = rows.merge(known.drop_duplicates(), on=["patient_id", "lesion_id"], how="left", validate="many_to_one")
    lost = rows[rows["category"].isna()]
    if len(lost):
        patient, lesion = lost.iloc[0][["patient_id", "lesion_id"]]
        wrong = f"Lesion {lesion} of patient {patient} is not in the lesions sheet"
        raise GutaxisError(Problem("E05", "measurements", None, "lesion_id", lesion, wrong, "A known lesion", "Add it"))
    wanted = np.where(rows["is_node"] == "Y", "LPERP", "LDIAM")
    rows["rank"] = np.where(rows["axis"].isna(), 1, np.where(rows["axis"] == wanted, 2, 0))
    return rows


def _refuse_contradictions(*, rows: pd.DataFrame, keys: list[str]) -> None:
    """Raise E13 where the row that counts has a rival of the same day and axis that says something else."""
    rows = rows[rows.duplicated([*keys, "rank", "day"], keep=False)]
    different = rows.drop_duplicates([*keys, "rank", "day", "state", "value_mm"])
    rivals = different[different.duplicated([*keys, "rank", "day"])]
    if len(rivals):
        row = rivals.iloc[0]
        wrong = f"{row['reader']} has two different findings of {row['lesion_id']} of {row['patient_id']} on one day"
        allowed = "One finding per lesion, date and reader"
        raise GutaxisError(
            Problem("E13", "measurements", None, "value_mm", str(row["date"]), wrong, allowed, "Remove one")
        )


def _findings(*, rows: pd.DataFrame) -> pd.DataFrame:
    state, node = rows["state"], rows["is_node"] == "Y"
    size = tenths_of_mm(values=rows["value_mm"]).where(state == "MEASURED")
    size = size.mask(state == "ABSENT", 0.0).mask(state == "TOO SMALL", TOO_SMALL_TENTHS)
    wrong_axis = (rows["rank"] == 0) & (state == "MEASURED") & (size > 0)
    # the diameter of a node bounds its short axis from above: below 10 mm it is normal whichever was measured
    normal = (size == 0) | (node & (size < NORMAL_NODE_TENTHS))
    found = rows[[*ASSESSMENT, "lesion_id", "category", "organ", "date", "day"]].copy()
    found["is_node"] = node
    found["tenths"] = size.mask(wrong_axis)
    found["gone"] = normal
    found["equivocal"] = state == "EQUIVOCAL"
    found["progressing"] = state == "UNEQUIVOCAL PROGRESSION"
    found["seen"] = (size > 0) | state.isin(("PRESENT", "UNEQUIVOCAL PROGRESSION"))
    found["evaluated"] = size.notna() | state.isin(("PRESENT", "UNEQUIVOCAL PROGRESSION", "EQUIVOCAL"))
    return found

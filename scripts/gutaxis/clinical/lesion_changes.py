"""How target lesions change from their own baseline, in and outside the field of ILDR."""

import numpy as np
import pandas as pd

from gutaxis.clinical.cells import lesion_cells
from gutaxis.clinical.settings import ClinicalSettings

COURSE_COLUMNS = ["patient_id", "lesion_id", "field", "day", "tenths", "base", "pct_change"]


def lesion_courses(
    *,
    patients: pd.DataFrame,
    lesions: pd.DataFrame,
    measurements: pd.DataFrame,
    settings: ClinicalSettings,
) -> pd.DataFrame:
    """Return the change of every target lesion from its own baseline, scan by scan.

    Parameters
    ----------
    patients
        Index patient_id; ``new_therapy_day``, if known: scans from that day on are left out.
    lesions, measurements
        As in :func:`gutaxis.clinical.cells.lesion_cells`; ``irradiated`` (Y, N, U) of each lesion.
    settings
        ``reader`` and ``baseline_window_days`` are used.

    Returns
    -------
    pandas.DataFrame
        Sorted, one row per patient, lesion and scan after ILDR: field (Y, N, U), day, tenths and base (0.1 mm),
        pct_change (percent). Lesions without a size at baseline are left out.
    """
    if measurements.empty or lesions.empty:
        return pd.DataFrame(columns=COURSE_COLUMNS)
    cells = lesion_cells(lesions=lesions, measurements=measurements)
    cells = cells[(cells["reader"] == settings.reader) & (cells["category"] == "TARGET") & cells["tenths"].notna()]
    fields = lesions.set_index(["patient_id", "lesion_id"])["irradiated"].fillna("U")
    early = cells[cells["day"].between(-settings.baseline_window_days, 0)]
    base = early.drop_duplicates(["patient_id", "lesion_id"], keep="last").set_index(["patient_id", "lesion_id"])
    table = cells[cells["day"] > 0].join(base["tenths"].rename("base"), on=["patient_id", "lesion_id"])
    table = table.join(fields.rename("field"), on=["patient_id", "lesion_id"])
    table = before_therapy(rows=table[table["base"] > 0], patients=patients).copy()
    table["pct_change"] = 100 * (table["tenths"] - table["base"]) / table["base"]
    return table[COURSE_COLUMNS].sort_values(["patient_id", "lesion_id", "day"], ignore_index=True)


def field_changes(*, courses: pd.DataFrame) -> pd.DataFrame:
    """Return the best change of the sum of the lesions in and outside the field, per patient.

    Parameters
    ----------
    courses
        From :func:`lesion_courses`.

    Returns
    -------
    pandas.DataFrame
        Sorted: patient_id field n_lesions best_pct_change. A scan counts only if every lesion of the field that has a
        baseline was measured.
    """
    keys = ["patient_id", "field"]
    if courses.empty:
        return pd.DataFrame(columns=[*keys, "n_lesions", "best_pct_change"])
    total = courses.groupby(keys)["lesion_id"].nunique().rename("n_lesions")
    scans = courses.groupby([*keys, "day"]).agg(
        now=("tenths", "sum"), base=("base", "sum"), seen=("lesion_id", "nunique")
    )
    scans = scans.reset_index().join(total, on=keys)
    scans = scans[scans["seen"] == scans["n_lesions"]]
    scans["best_pct_change"] = 100 * (scans["now"] - scans["base"]) / scans["base"]
    best = scans.groupby(keys).agg(n_lesions=("n_lesions", "first"), best_pct_change=("best_pct_change", "min"))
    return best.reset_index()


def before_therapy(*, rows: pd.DataFrame, patients: pd.DataFrame) -> pd.DataFrame:
    """Leave out scans from the first day of another antitumour therapy on.

    Parameters
    ----------
    rows
        patient_id, day (days from ILDR).
    patients
        Index patient_id; ``new_therapy_day``, if known.
    """
    if "new_therapy_day" not in patients:
        return rows
    stop = rows["patient_id"].map(patients["new_therapy_day"].astype(float)).fillna(np.inf)
    return rows[rows["day"] < stop]

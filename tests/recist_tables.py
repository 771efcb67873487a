"""Small RECIST tables for tests: a patient's lesions and what was found at each scan, in a few words."""

import numpy as np
import pandas as pd

from gutaxis.clinical.recist import Recist, assess
from gutaxis.clinical.settings import ClinicalSettings

SETTINGS = ClinicalSettings()
STATES = {
    "absent": "ABSENT",
    "small": "TOO SMALL",
    "?": "NOT EVALUATED",
    "there": "PRESENT",
    "worse": "UNEQUIVOCAL PROGRESSION",
    "maybe": "EQUIVOCAL",
}


def lesion_tables(scans: dict, *, nodes=(), patient="P1", reader="INVESTIGATOR", every=42) -> tuple:
    """Lesions and measurements of a patient from ``{lesion: [finding at baseline, at day 42, ...]}``.

    T.. is a target, NT.. non-target, N.. new. A number is a size in mm, None: no row, a word: see STATES.
    """
    lesions, rows = [], []
    for lesion, findings in scans.items():
        kind = "NON-TARGET" if lesion.startswith("NT") else "NEW" if lesion.startswith("N") else "TARGET"
        node = "Y" if lesion in nodes else "N"
        lesions.append({"patient_id": patient, "lesion_id": lesion, "category": kind, "is_node": node, "organ": lesion})
        for scan, found in enumerate(findings):
            if found is None:
                continue
            day = float(scan * every if scan else -7)
            sized = not isinstance(found, str)
            rows.append({
                "patient_id": patient,
                "lesion_id": lesion,
                "assessment_id": f"A{scan}",
                "assess_date": f"D{day:g}",
                "assess_day": day,
                "axis": "LPERP" if node == "Y" else "LDIAM",
                "value_mm": float(found) if sized else np.nan,
                "state": "MEASURED" if sized else STATES[found],
                "reader": reader,
            })  # fmt: skip
    return pd.DataFrame(lesions), pd.DataFrame(rows)


def read(scans: dict, *, settings=SETTINGS, **more) -> Recist:
    lesions, measurements = lesion_tables(scans, **more)
    return assess(lesions=lesions, measurements=measurements, settings=settings)


def responses(scans: dict, column="overall_response", **more) -> list[str]:
    return read(scans, **more).timepoints[column].tolist()


def course_of(*steps: tuple[float, str], patient="P1", reader="INVESTIGATOR") -> pd.DataFrame:
    """Time points from (day, overall response)."""
    rows = [
        {"patient_id": patient, "reader": reader, "day": float(day), "date": f"D{day:g}", "overall_response": overall}
        for day, overall in steps
    ]
    return pd.DataFrame(rows, columns=["patient_id", "reader", "day", "date", "overall_response"])


def patients_of(*names: str, **columns) -> pd.DataFrame:
    """Patients with empty outcome days unless given."""
    table = pd.DataFrame(index=pd.Index(list(names) or ["P1"], name="patient_id"))
    filler = {"cohort": "LUNG", "ildr_day": 0.0, "new_therapy_day": np.nan, "death_day": np.nan}
    return table.assign(**{**filler, **columns})


def followed(*names: str, days=1000.0) -> pd.Series:
    return pd.Series(days, index=list(names) or ["P1"], dtype=float)

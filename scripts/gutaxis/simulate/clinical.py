"""Clinical sheets of the simulated trial: RECIST measurements and events that yield the planted responses."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

FIRST_ILDR = date(2025, 10, 6)
#: Days from ILDR of the scans; the first is the baseline.
SCANS = (-7, 42, 84, 126, 168)
#: Target lesion size relative to baseline at each scan, by planted course.
COURSES: dict[str, tuple[float, ...]] = {
    "CR": (1.0, 0.5, 0.0, 0.0, 0.0),
    "PR": (1.0, 0.65, 0.5, 0.45, 0.45),
    "SD": (1.0, 0.9, 0.85, 0.9, 0.95),
    "PD": (1.0, 1.35, 1.6),
    "PD_DEATH": (1.0, 1.6),
}
#: Lesions of every patient: id, category, organ, node, irradiated, method, baseline size in mm (None: not measured).
LESIONS: tuple[tuple[str, str, str, str, str, str, float | None], ...] = (
    ("T01", "TARGET", "LIVER", "N", "N", "CT", 32.0),
    ("T02", "TARGET", "LUNG", "N", "N", "CT", 21.0),
    ("T03", "TARGET", "LYMPH NODE", "Y", "Y", "CT", 20.0),
    ("NT01", "NON-TARGET", "BONE", "N", "N", "CT", None),
)
DEATH_DAY = 70


def ildr_date(*, number: int) -> date:
    """Return the day of low-dose radiotherapy of the n-th patient: one a week."""
    return FIRST_ILDR + timedelta(weeks=number - 1)


def _number(patient_id: str) -> int:
    return int(patient_id.removeprefix("P"))


def _day(patient_id: str, day: int) -> str:
    return (ildr_date(number=_number(patient_id)) + timedelta(days=day)).isoformat()


def patients_sheet(*, truth: dict[str, Any]) -> list[dict[str, str]]:
    """Return the rows of patients.tsv."""
    rows = []
    for patient_id, planted in truth["patients"].items():
        number, died = _number(patient_id), planted["course"] == "PD_DEATH"
        last_day = DEATH_DAY if died else SCANS[len(COURSES[planted["course"]]) - 1] + 10
        rows.append(
            {
                "patient_id": patient_id,
                "study_source": "ILDR-02",
                "cohort": planted["cohort"],
                "tumor_type": {"LUNG": "NSCLC", "ESOPHAGEAL": "ESCC", "OTHER": "HCC"}[planted["cohort"]],
                "ildr_date": _day(patient_id, 0),
                "ildr_dose_gy": "1",
                "ici_drug": "pembrolizumab" if number % 3 else "atezolizumab",
                "ici_first_date": _day(patient_id, 1),
                "age": str(48 + number * 7 % 31),
                "sex": "F" if number % 3 == 0 else "M",
                "bmi": f"{20 + number * 5 % 9}.5",
                "ecog": str(number % 3 % 2),
                "prior_lines": str(1 + number % 3),
                "prior_icb": "COMBO" if number % 2 else "MONO",
                "prior_icb_best": "SD" if number % 3 else "PD",
                "prior_icb_pd_date": _day(patient_id, -30),
                "n_metastatic_sites": str(2 + number % 3),
                "liver_mets": "Y",
                "prior_pelvic_rt": "N",
                "active_infection": "N",
                "organ_dysfunction": "N",
                "concurrent_therapy": "N",
                "life_exp_ge3mo": "Y",
                "abx_60d": "Y" if number % 5 == 0 else "N",
                "ppi_30d": "Y" if number % 4 == 0 else "N",
                "last_alive_date": _day(patient_id, last_day),
                "death_date": _day(patient_id, last_day) if died else "",
                "death_cause": "CANCER" if died else "",
            }
        )
    return rows


def lesions_sheet(*, truth: dict[str, Any]) -> list[dict[str, str]]:
    """Return the rows of lesions.tsv: three targets, one irradiated node among them, one non-target."""
    return [
        {
            "patient_id": patient_id,
            "lesion_id": lesion,
            "category": category,
            "organ": organ,
            "is_node": node,
            "irradiated": irradiated,
            "method": method,
            "prior_rt": "N",
        }
        for patient_id in truth["patients"]
        for lesion, category, organ, node, irradiated, method, _ in LESIONS
    ]


def _states(*, course: str) -> Iterator[tuple[int, dict[str, tuple[str, str]]]]:
    """Give, scan by scan, each lesion's (value_mm, state)."""
    for scan, share in enumerate(COURSES[course]):
        seen: dict[str, tuple[str, str]] = {}
        for lesion, _, _, node, _, _, size in LESIONS:
            if size is None:
                seen[lesion] = ("", "ABSENT" if share == 0 else "PRESENT")
            elif share == 0 and node == "N":
                seen[lesion] = ("", "ABSENT")
            else:
                # a node that regresses to normal is still measured: 8 mm short axis
                seen[lesion] = (f"{8.0 if share == 0 else size * share:.1f}", "MEASURED")
        yield scan, seen


def measurements_sheet(*, truth: dict[str, Any]) -> list[dict[str, str]]:
    """Return the rows of measurements.tsv: one reader, nodes by short axis."""
    nodes = {lesion: node for lesion, _, _, node, _, _, _ in LESIONS}
    return [
        {
            "patient_id": patient_id,
            "lesion_id": lesion,
            "assessment_id": f"{patient_id}_A{scan}",
            "assess_date": _day(patient_id, SCANS[scan]),
            "visit": "BASELINE" if scan == 0 else f"W{SCANS[scan] // 7}",
            "axis": "LPERP" if nodes[lesion] == "Y" else "LDIAM",
            "value_mm": value,
            "state": state,
            "reader": "INVESTIGATOR",
        }
        for patient_id, planted in truth["patients"].items()
        for scan, seen in _states(course=planted["course"])
        for lesion, (value, state) in seen.items()
    ]


def adverse_events_sheet(*, truth: dict[str, Any]) -> list[dict[str, str]]:
    """Return the rows of adverse_events.tsv: a mild event in every third patient."""
    return [
        {
            "patient_id": patient_id,
            "ae_id": f"{patient_id}_AE1",
            "term": "Diarrhoea",
            "soc": "Gastrointestinal disorders",
            "grade": str(1 + _number(patient_id) % 2),
            "start_date": _day(patient_id, 3),
            "end_date": _day(patient_id, 10),
            "serious": "N",
            "rel_ildr": "RELATED",
            "rel_ici": "NOT RELATED",
            "irae": "N",
            "outcome": "RECOVERED",
        }
        for patient_id in truth["patients"]
        if _number(patient_id) % 3 == 1
    ]


def samples_sheet(*, truth: dict[str, Any], batch: str, reads: str) -> list[dict[str, str]]:
    """Return the rows of one batch's sample sheet.

    Parameters
    ----------
    truth
        The trial's truth.
    batch
        Batch whose rows are wanted.
    reads
        Folder of the reads as seen from the sheet.
    """
    rows = []
    for sample_id, planted in truth["samples"].items():
        if planted["batch"] != batch:
            continue
        patient_id, timepoint = planted["patient_id"], planted["timepoint"]
        rows.append(
            {
                "sample_id": sample_id,
                "patient_id": patient_id or "",
                "assay": "MGX",
                "material": "STOOL" if patient_id else "",
                "timepoint": timepoint or "",
                "collect_date": _day(patient_id, -2 if timepoint == "PRE" else 21) if patient_id else "",
                "batch": batch,
                "qc": "PASS",
                "file_1": ";".join(f"{reads}/{library}_R1.fastq.gz" for library in planted["libraries"]),
                "file_2": ";".join(f"{reads}/{library}_R2.fastq.gz" for library in planted["libraries"]),
                "control": planted["control"],
            }
        )
    return rows

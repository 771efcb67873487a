"""Write a rich simulated clinical trial: sheets, truth and config.

``python -m gutaxis.simulate.clinical_rich --out DIR`` makes 48 patients, one for each branch of the clinical rules.
``--profile realistic`` draws courses with the response and survival rates of a trial after checkpoint blockade.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from gutaxis.files import atomic_write, write_tsv
from gutaxis.simulate.clinical_course import NON_TARGETS, TARGETS
from gutaxis.simulate.clinical_patients import DATA_CUT, SimulatedPatient, patient_truth, plan_rich
from gutaxis.simulate.clinical_realistic import realistic_courses

Rows = list[dict[str, str]]
PROFILES = ("rich", "realistic")
SHEETS = ("patients", "lesions", "measurements", "progressions", "adverse_events", "medications", "samples")


def write_rich_trial(*, out: Path, patients: int = 48, seed: int = 20250926, profile: str = "rich") -> Path:
    """Write the sheets, ``truth.json`` and ``config.yaml`` of a rich clinical trial; return the config's path.

    Parameters
    ----------
    out
        Folder, made if absent. The config's paths are relative to it.
    patients
        Number of patients.
    seed
        Seed of everything that is drawn; the same seed gives the same bytes.
    profile
        ``rich`` (every branch of the rules) or ``realistic`` (rates of a real trial).

    Raises
    ------
    ValueError
        If the profile is not known or ``patients`` is below 1.
    """
    if profile not in PROFILES:
        raise ValueError(f"profile is one of {', '.join(PROFILES)}, got {profile}")
    courses = realistic_courses(n=patients, seed=seed) if profile == "realistic" else None
    planned = plan_rich(n=patients, seed=seed, courses=courses)
    # a sheet without rows would have no columns either: it is left out, as a trial without such events would do
    tables = {name: rows for name in SHEETS if (rows := SHEET_ROWS[name](planned))}
    for name, rows in tables.items():
        write_tsv(pd.DataFrame(rows).replace("", pd.NA), out / f"{name}.tsv")
    truth = {
        "simulated": True,
        "profile": profile,
        "seed": seed,
        "data_cut": DATA_CUT.isoformat(),
        "patients": {patient.patient_id: patient_truth(patient=patient) for patient in planned},
    }
    with atomic_write(out / "truth.json") as part:
        part.write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    config = {
        "output": "results",
        "cohort": {name: [f"{name}.tsv"] if name == "samples" else f"{name}.tsv" for name in tables},
        "response": {"source": "recist"},
        "clinical": {"data_cut": DATA_CUT.isoformat()},
    }
    with atomic_write(out / "config.yaml") as part:
        part.write_text(
            "# Simulated clinical trial, written by python -m gutaxis.simulate.clinical_rich\n"
            + yaml.safe_dump(config),
            encoding="utf-8",
        )
    return out / "config.yaml"


def _patients(planned: list[SimulatedPatient]) -> Rows:
    rows = []
    for patient in planned:
        course, cells = patient.course, dict(patient.background)
        ici = int(cells.pop("ici_first_day"))
        day, cause = course.death or (None, "")
        rows.append(
            {
                "patient_id": patient.patient_id,
                "study_source": course.source,
                "cohort": patient.cohort,
                "ildr_date": patient.date(0),
                "ici_first_date": patient.date(ici),
                **cells,
                "new_therapy_date": "" if course.new_therapy is None else patient.date(course.new_therapy),
                "last_alive_date": patient.date(patient.last),
                "death_date": "" if day is None else patient.date(day),
                "death_cause": cause,
            }
        )
    return rows


def _lesions(planned: list[SimulatedPatient]) -> Rows:
    rows = []
    for patient in planned:
        seen: dict[str, str] = {}
        for scans in patient.scans.values():
            for scan in scans:
                seen |= {lesion: category for lesion, (category, _, _) in scan.found.items()}
        for lesion, category in sorted(seen.items()):
            place = int(lesion.lstrip("NT")) - 1
            organ, node = {"TARGET": TARGETS, "NON-TARGET": NON_TARGETS, "NEW": (("ADRENAL", "N"),)}[category][place]
            rows.append(
                {
                    "patient_id": patient.patient_id,
                    "lesion_id": lesion,
                    "category": category,
                    "organ": organ,
                    "is_node": node,
                    "irradiated": patient.course.irradiated[place] if category == "TARGET" else "N",
                    "method": "CT",
                    "prior_rt": "N",
                }
            )
    return rows


def _measurements(planned: list[SimulatedPatient]) -> Rows:
    return [
        {
            "patient_id": patient.patient_id,
            "lesion_id": lesion,
            "assessment_id": f"{patient.patient_id}_{reader[:3]}{number}",
            "assess_date": patient.date(scan.day),
            "visit": "BASELINE" if number == 0 else f"WEEK {round(scan.day / 7)}",
            "axis": "LPERP" if lesion == "T03" else "LDIAM" if size is not None else "",
            "value_mm": "" if size is None else f"{size:.1f}",
            "state": state,
            "reader": reader,
        }
        for patient in planned
        for reader, scans in patient.scans.items()
        for number, scan in enumerate(scans)
        for lesion, (_, size, state) in scan.found.items()
    ]


def _progressions(planned: list[SimulatedPatient]) -> Rows:
    return [
        {
            "patient_id": patient.patient_id,
            "date": patient.date(day),
            "source": source,
            "psa_ng_ml": "" if psa is None else f"{psa:g}",
            "confirmed": confirmed,
        }
        for patient in planned
        for day, source, psa, confirmed in patient.course.progressions
    ]


def _adverse_events(planned: list[SimulatedPatient]) -> Rows:
    return [
        {
            "patient_id": patient.patient_id,
            "ae_id": f"AE{number}",
            "term": event.term,
            "soc": event.soc,
            "grade": event.grade,
            "start_date": patient.date(event.start)[: 7 if event.month_only else 10],
            "end_date": "" if event.end is None or event.end > patient.last else patient.date(event.end),
            "serious": event.serious,
            "rel_ildr": event.rel_ildr,
            "rel_ici": event.rel_ici,
            "irae": event.irae,
            "outcome": "FATAL" if event.grade == "5" else "ONGOING" if event.end is None else "RECOVERED",
        }
        for patient in planned
        for number, event in enumerate(patient.events, start=1)
    ]


def _medications(planned: list[SimulatedPatient]) -> Rows:
    """Antibiotics before ILDR where the patients sheet says so, and a late course in every seventh patient."""
    rows = []
    for number, patient in enumerate(planned, start=1):
        cells = patient.background
        spans = [("amoxicillin", "ANTIBIOTIC", -20, -13)] if cells["abx_60d"] == "Y" else []
        spans += [("omeprazole", "PPI", -90, 90)] if cells["ppi_30d"] == "Y" else []
        spans += [("levofloxacin", "ANTIBIOTIC", 8, 15)] if number % 7 == 0 and patient.last >= 15 else []
        for drug, kind, start, end in spans:
            stop = patient.date(end) if end <= patient.last else ""
            rows.append(
                {
                    "patient_id": patient.patient_id,
                    "drug": drug,
                    "class": kind,
                    "start": patient.date(start),
                    "end": stop,
                }
            )
    return rows


def _samples(planned: list[SimulatedPatient]) -> Rows:
    """Plasma samples of finished tables; every fifth POST sample is late, when some patients have progressed."""
    rows = []
    for number, patient in enumerate(planned, start=1):
        post = 55 if number % 5 == 0 else 21
        days = {"PRE": -2} | ({"POST": post} if patient.last >= post else {})
        for timepoint, day in days.items():
            rows.append(
                {
                    "sample_id": f"{patient.patient_id}-{timepoint}",
                    "patient_id": patient.patient_id,
                    "assay": "ELISA",
                    "material": "PLASMA",
                    "timepoint": timepoint,
                    "collect_date": patient.date(day),
                    "batch": "B1" if number % 2 else "B2",
                    "qc": "FAIL" if number % 16 == 7 and timepoint == "PRE" else "PASS",
                }
            )
    return rows


SHEET_ROWS: dict[str, Any] = {
    "patients": _patients,
    "lesions": _lesions,
    "measurements": _measurements,
    "progressions": _progressions,
    "adverse_events": _adverse_events,
    "medications": _medications,
    "samples": _samples,
}


def main() -> None:
    """Read the command line and write the trial."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the sheets")
    parser.add_argument("--patients", type=int, default=48)
    parser.add_argument("--seed", type=int, default=20250926)
    parser.add_argument("--profile", choices=PROFILES, default="rich")
    print(write_rich_trial(**vars(parser.parse_args())))


if __name__ == "__main__":
    main()

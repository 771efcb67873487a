"""Time and memory of the whole clinical arm: 10,000 patients, 10 visits, 5 lesions, one core.

`make bench` runs it.
"""

import argparse
import resource
import time

import numpy as np
import pandas as pd

from gutaxis.clinical.endpoints import derive_endpoints
from gutaxis.clinical.settings import ClinicalSettings
from gutaxis.cohort.vocabulary import SHEETS, day_column

LIMIT_SECONDS, LIMIT_MB = 60, 2048
LESIONS = (("T01", "TARGET"), ("T02", "TARGET"), ("T03", "TARGET"), ("NT01", "NON-TARGET"), ("N01", "NEW"))


def make(*, patients: int, visits: int, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return patients, lesions, measurements of a random trial; visits include the baseline."""
    rng = np.random.default_rng(seed)
    ids = np.array([f"P{number:06d}" for number in range(patients)])
    people = pd.DataFrame(
        {
            "cohort": rng.choice(["LUNG", "ESOPHAGEAL", "OTHER"], patients),
            "ildr_day": 0.0,
            "new_therapy_day": np.where(rng.random(patients) < 0.1, rng.integers(50, 300, patients), np.nan),
            "death_day": np.where(rng.random(patients) < 0.3, rng.integers(60, 500, patients), np.nan),
        },
        index=pd.Index(ids, name="patient_id"),
    )
    n = patients * len(LESIONS)
    lesions = pd.DataFrame(
        {
            "patient_id": np.repeat(ids, len(LESIONS)),
            "lesion_id": [name for name, _ in LESIONS] * patients,
            "category": [category for _, category in LESIONS] * patients,
            "is_node": rng.choice(["N", "N", "Y"], n),
            "organ": rng.choice(["LIVER", "LUNG", "BONE"], n),
        }
    )
    rows = lesions.loc[np.repeat(lesions.index, visits)].reset_index(drop=True)
    visit = np.tile(np.arange(visits), n)
    day = np.where(visit == 0, -7, visit * 42)
    growth = np.repeat(rng.normal(0, 0.15, n), visits) * visit + rng.normal(0, 0.05, n * visits)
    target = (rows["category"] == "TARGET").to_numpy()
    new = (rows["category"] == "NEW").to_numpy()
    missing = rng.random(n * visits) < 0.02
    measured = target & ~(missing & (visit > 0))
    late = new & (rng.random(n * visits) < 0.03) & (visit > 0)
    state = np.select(
        [measured, target, late, new, rng.random(n * visits) < 0.01],
        ["MEASURED", "NOT EVALUATED", "EQUIVOCAL", "ABSENT", "UNEQUIVOCAL PROGRESSION"],
        "PRESENT",
    )
    measurements = rows[["patient_id", "lesion_id"]].assign(
        assessment_id=np.char.add("A", visit.astype(str)),
        assess_date=(np.datetime64("2026-01-01") + day).astype(str),
        assess_day=day.astype(float),
        axis=np.where(rows["is_node"] == "Y", "LPERP", "LDIAM"),
        value_mm=np.where(measured, np.round(30 * np.exp(growth), 1), np.nan),
        state=state,
        reader="INVESTIGATOR",
    )
    return people, lesions, measurements.sample(frac=1, random_state=seed)


def _columns(sheet: str) -> list[str]:
    """Every column of a checked sheet, the day numbers beside the dates included."""
    dates = [day_column(name=column.name) for column in SHEETS[sheet] if column.kind in {"date", "partial_date"}]
    return [*(column.name for column in SHEETS[sheet]), *dates]


def cohort_tables(*, patients: int, visits: int) -> dict[str, pd.DataFrame]:
    """Return a random trial as the tables that the clinical arm reads, with one stool pair per patient."""
    people, lesions, measurements = make(patients=patients, visits=visits)
    people["ildr_date"] = "2026-01-05"
    people["ildr_dose_gy"] = 1.0
    people["last_alive_day"] = people["death_day"].fillna(500.0)
    people["last_alive_date"] = people["death_date"] = np.nan
    people["death_cause"] = np.where(people["death_day"].notna(), "CANCER", None)
    people["tumor_type"] = "NSCLC"
    lesions["irradiated"] = np.where(lesions["lesion_id"] == "T01", "Y", "N")
    lesions["prior_rt"] = "N"
    timepoints = ["PRE", "POST"]
    samples = pd.DataFrame(
        {
            "patient_id": np.repeat(people.index, 2),
            "timepoint": timepoints * patients,
            "collect_day": [-2.0, 21.0] * patients,
        }
    )
    samples = samples.assign(assay="MGX", material="STOOL", batch="B1", control="N", qc="PASS")
    samples.index = pd.Index(samples["patient_id"] + "_" + samples["timepoint"], name="sample_id")
    pairs = pd.DataFrame({"patient_id": people.index, "assay": "MGX", "material": "STOOL"})
    pairs["pre"], pairs["post"] = pairs["patient_id"] + "_PRE", pairs["patient_id"] + "_POST"
    pairs = pairs.assign(pair_id=pairs["patient_id"] + ".MGX.STOOL", pair_status="PAIRED", reason=None)
    people, lesions, measurements, samples = (
        table.reindex(columns=[*table.columns, *(c for c in _columns(sheet) if c not in {*table, table.index.name})])
        for sheet, table in (
            ("patients", people),
            ("lesions", lesions),
            ("measurements", measurements),
            ("samples", samples),
        )
    )
    return {"patients": people, "lesions": lesions, "measurements": measurements, "samples": samples, "pairs": pairs}


def main() -> None:
    """Time the arm and fail beyond the limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=10_000)
    parser.add_argument("--visits", type=int, default=10)
    choice = parser.parse_args()
    tables = cohort_tables(patients=choice.patients, visits=choice.visits)
    start = time.perf_counter()
    settings = ClinicalSettings(irecist=True)
    made = derive_endpoints(tables=tables, settings=settings, data_cut="2027-12-31", dates="iso")
    total = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{choice.patients} patients, {len(tables['measurements'])} measurements, {len(made.tables)} tables")
    print(f"{total:.1f} s, peak {memory:.0f} MB (limits {LIMIT_SECONDS} s, {LIMIT_MB} MB)")
    if total > LIMIT_SECONDS or memory > LIMIT_MB:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

"""Time and memory of the RECIST part: 10,000 patients, 10 visits, 5 lesions, one core.

Run from the project's folder with ``OMP_NUM_THREADS=1 PYTHONPATH=scripts`` and the project's Python.
"""

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from gutaxis.clinical.best_response import best_response
from gutaxis.clinical.irecist import irecist_best, irecist_timepoints
from gutaxis.clinical.recist import assess
from gutaxis.clinical.response_rates import landmarks, response_rates, response_sets
from gutaxis.clinical.settings import ClinicalSettings

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


def main() -> None:
    """Time every step and fail beyond the limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=10_000)
    parser.add_argument("--visits", type=int, default=10)
    choice = parser.parse_args()
    patients, lesions, measurements = make(patients=choice.patients, visits=choice.visits)
    settings, follow_up = ClinicalSettings(), pd.Series(400.0, patients.index)
    print(f"{choice.patients} patients, {len(measurements)} measurements")
    total = 0.0

    def timed(name: str, step: Callable, **keys: object) -> object:
        nonlocal total
        start = time.perf_counter()
        result = step(**keys)
        total += time.perf_counter() - start
        print(f"{name:>18} {time.perf_counter() - start:6.2f} s")
        return result

    found = timed("recist", assess, lesions=lesions, measurements=measurements, settings=settings)
    people = {"patients": patients, "timepoints": found.timepoints}
    best = timed("best_response", best_response, **people, follow_up=follow_up, settings=settings).table
    marks = timed("landmarks", landmarks, **people, best=best, follow_up=follow_up, settings=settings)
    sets = timed("response_sets", response_sets, **people, baselines=found.baselines, settings=settings)
    timed("response_rates", response_rates, landmarks=marks, patients=patients, analysis_sets=sets)
    layer = timed("irecist", irecist_timepoints, timepoints=found.timepoints, cells=found.cells, settings=settings)
    timed("irecist_best", irecist_best, irecist=layer, patients=patients)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{'total':>18} {total:6.2f} s, peak {memory:.0f} MB (limits {LIMIT_SECONDS} s, {LIMIT_MB} MB)")
    print(best["cbor"].value_counts().to_string())
    if total > LIMIT_SECONDS or memory > LIMIT_MB:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

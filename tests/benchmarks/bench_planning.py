"""CPU seconds and peak memory of a plan of all arms: `snakemake -n --quiet rules` for 48, 500, 2,000 and 5,000 samples.

N samples are N stool samples with reads, N plasma samples in two modes and N single-cell libraries of N / 2 patients,
with their controls and RECIST measurements: three rows of the sheets for each. The files are there and empty: a plan
reads the sheets, and looks whether files exist and how large they are, but never into them. Fails beyond the limits.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

ROOT = Path(__file__).parents[2]
SIZES = (48, 500, 2000, 5000)
LIMIT_SECONDS, LIMIT_MB = 120, 1536
INDEX = "mpa_vJun23_CHOCOPhlAnSGB_202403"
#: Rows of a controlled batch: samples of one assay in it.
BATCH = 100
#: Day, sizes of the two target lesions (mm) of a responder and of another.
SCANS = {-7: (30, 30), 42: (18, 31), 84: (16, 36), 168: (15, 40)}


def write_study(*, samples: int, folder: Path) -> Path:
    """Write sheets, empty raw files and databases of a made-up study of all arms; return its config.

    Parameters
    ----------
    samples
        Samples of each arm, an even number: PRE and POST of half as many patients.
    folder
        Receives everything; the config's paths are relative to it.
    """
    ids = [f"P{number:05d}" for number in range(samples // 2)]
    patients = pd.DataFrame({"patient_id": ids, "ildr_date": 1, "last_alive_date": 400})
    patients["cohort"] = np.resize(["LUNG", "ESOPHAGEAL", "OTHER"], len(ids))
    patients["abx_60d"] = np.resize(["N", "N", "Y", "N"], len(ids))
    lesions = [(patient, lesion, "TARGET", "LIVER", "N") for patient in ids for lesion in ("T01", "T02")]
    measurements = [
        (patient, lesion, f"{patient}_A{number}", day if day < 0 else day + 1, "LDIAM", sizes[place % 2], "MEASURED")
        for place, patient in enumerate(ids)
        for number, (day, sizes) in enumerate(SCANS.items())
        for lesion in ("T01", "T02")
    ]
    sheets = {
        "patients": patients,
        "lesions": pd.DataFrame(lesions, columns=["patient_id", "lesion_id", "category", "organ", "is_node"]),
        "measurements": pd.DataFrame(
            measurements,
            columns=["patient_id", "lesion_id", "assessment_id", "assess_date", "axis", "value_mm", "state"],
        ),
        "samples": _samples(ids),
    }
    for name, table in sheets.items():
        table.to_csv(folder / f"{name}.tsv", sep="\t", index=False, na_rep="NA")
    for cell in sheets["samples"][["file_1", "file_2"]].stack().dropna():
        path = folder / cell
        path.parent.mkdir(exist_ok=True)
        path.touch()
    databases = _databases(folder)
    config = {
        "output": "results",
        "dates": "study_day",
        "cohort": {name: f"{name}.tsv" for name in sheets},
        "metagenome": {"databases": databases},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def _samples(ids: list[str]) -> pd.DataFrame:
    rows = []
    for place, (patient, timepoint) in enumerate((patient, point) for patient in ids for point in ("PRE", "POST")):
        batch, order = f"B{place // BATCH:03d}", place % BATCH + 1
        shared = {"patient_id": patient, "timepoint": timepoint, "batch": batch, "control": "N"}
        shared["collect_date"] = -1 if timepoint == "PRE" else 22
        name = f"{patient}_{timepoint}"
        stool = {"file_1": f"reads/{name}_R1.fastq.gz", "file_2": f"reads/{name}_R2.fastq.gz"}
        rows.append({**shared, "sample_id": name, "assay": "MGX", "material": "STOOL", **stool})
        plasma = {"file_1": f"spectra/{name}_pos.mzML", "file_2": f"spectra/{name}_neg.mzML", "run_order": order}
        rows.append({**shared, "sample_id": f"{name}_PL", "assay": "METAB", "material": "PLASMA", **plasma})
        material = "PBMC" if place % 4 < 2 else "TUMOR"
        cells = {"file_1": f"cells/{name}.h5"}
        rows.append({**shared, "sample_id": f"{name}_SC", "assay": "SCRNA", "material": material, **cells})
    for number in range(-(-2 * len(ids) // BATCH)):
        batch = f"B{number:03d}"
        for kind in ("BLANK", "MOCK"):
            files = {f"file_{mate}": f"reads/{batch}_{kind}_R{mate}.fastq.gz" for mate in (1, 2)}
            rows.append({"sample_id": f"{batch}_{kind}", "assay": "MGX", "batch": batch, "control": kind, **files})
        for order, kind in enumerate(("POOL_QC", "BLANK"), start=BATCH + 1):
            name = f"{batch}_PL_{kind}"
            files = {"file_1": f"spectra/{name}_pos.mzML", "file_2": f"spectra/{name}_neg.mzML", "run_order": order}
            rows.append({"sample_id": name, "assay": "METAB", "batch": batch, "control": kind, **files})
    return pd.DataFrame(rows).astype({"run_order": "Int64", "collect_date": "Int64"})


def _databases(folder: Path) -> dict[str, str]:
    """Make databases that have the files a plan looks for."""
    ends = ("1", "2", "3", "4", "rev.1", "rev.2")
    files = {
        "host": [f"h.{end}.bt2" for end in ends],
        "metaphlan": [f"{INDEX}.pkl", *(f"{INDEX}.{end}.bt2l" for end in ends)],
        "nucleotide": ["g__A.s__B.centroids.v201901_v31.ffn.gz"],
        "protein": ["uniref90_201901b_full.dmnd"],
    }
    for name, parts in files.items():
        (folder / "db" / name).mkdir(parents=True)
        for part in parts:
            (folder / "db" / name / part).write_text("x")
    return {name: f"db/{name}" for name in files}


def plan(*, folder: Path, profile: Path | None = None) -> tuple[int, float, float, float]:
    """Plan a study and return the number of jobs, CPU seconds, wall seconds and peak memory in MB.

    Parameters
    ----------
    folder
        Of :func:`write_study`.
    profile
        Where the profile of the main process goes (cProfile); None: none is made, which is faster.
    """
    python = [sys.executable, *(["-m", "cProfile", "-o", str(profile)] if profile else [])]
    command = [*python, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    command += ["--configfile", str(folder / "config.yaml"), "--cores", "2", "--dry-run", "--quiet", "rules"]
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as told:
        process = subprocess.Popen(command, stdout=told, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        told.seek(0)
        text = told.read()
    if process.returncode:
        raise SystemExit(text[-4000:])
    return (
        int(re.search(r"^total +(\d+)$", text, flags=re.MULTILINE)[1]),
        used.ru_utime + used.ru_stime,
        wall,
        used.ru_maxrss / 1024,
    )


def main() -> None:
    """Print a row for each size; exit 1 if one of them is beyond the limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, nargs="+", default=SIZES)
    parser.add_argument("--profile", type=Path, help="write the profile of the largest plan here")
    choice = parser.parse_args()
    missed = []
    print(f"{'samples':>8} {'rows':>7} {'jobs':>7} {'CPU s':>7} {'wall s':>7} {'MB':>6}")
    for samples in choice.samples:
        with tempfile.TemporaryDirectory() as name:
            write_study(samples=samples, folder=Path(name))
            rows = len((Path(name) / "samples.tsv").read_text().splitlines()) - 1
            profile = choice.profile if samples == max(choice.samples) else None
            jobs, cpu, wall, memory = plan(folder=Path(name), profile=profile)
        print(f"{samples:>8} {rows:>7} {jobs:>7} {cpu:>7.1f} {wall:>7.1f} {memory:>6.0f}", flush=True)
        if cpu > LIMIT_SECONDS or memory > LIMIT_MB:
            missed.append(samples)
    print(f"limits: {LIMIT_SECONDS} s of CPU, {LIMIT_MB} MB")
    if missed:
        raise SystemExit(f"beyond the limits: {', '.join(map(str, missed))} samples")


if __name__ == "__main__":
    main()

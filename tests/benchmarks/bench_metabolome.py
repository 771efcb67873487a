"""The metabolome's features: CPU against asari on the same files, time from 6 to 96 files, memory of a 200 MB file.

`make bench` runs it; `--parts` chooses. Files are simulated. The comparison needs asari on PATH, else it says so.
"""

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import pandas as pd
from tests.metabolome_files import abundances, cohort, compounds, injection, write_mzml

from gutaxis.metabolome.asari import read_asari, run_asari
from gutaxis.metabolome.features import extract_features
from gutaxis.metabolome.forced import assemble_matrix, force_integrate
from gutaxis.metabolome.intake import intake
from gutaxis.metabolome.link import link_features
from gutaxis.metabolome.presets import PRESETS
from gutaxis.metabolome.selection import select_features

PARTS = ("engines", "growth", "memory")
CPU_SHARE, GROWTH, MEMORY_MB = 0.25, 1.5, 1536
PRESET = PRESETS["orbitrap"]
LINKED = ("linked", "areas", "alignment", "transformations")
FINAL = ("matrix", "state", "features", "cells")


def cpu() -> float:
    """Return the CPU seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def run_arm(*, folder: Path, files: dict[str, Path], injections: pd.DataFrame) -> dict[str, float]:
    """Run every step over all files in this process; return CPU seconds by step."""
    tables = {name: folder / f"{name}.tsv" for name in (*LINKED, *FINAL, "consensus", "decisions")}
    rows = {sample: folder / f"{sample}.row.tsv" for sample in files}
    features = {sample: folder / f"{sample}.featureXML" for sample in files}
    common = {"mode": "positive", "preset": PRESET}
    spent, start = {}, cpu()

    def lap(name: str) -> None:
        nonlocal start
        spent[name], start = cpu() - start, cpu()

    for sample, path in files.items():
        intake(
            sample=sample,
            path=path,
            mode="positive",
            control=injections.at[sample, "control"],
            standards=None,
            rt_unit="auto",
            search_ppm=20.0,
            row=rows[sample],
            trace=folder / "trace.tsv",
            masses=folder / "masses.tsv",
        )
    lap("intake")
    for sample, path in files.items():
        extract_features(sample=sample, path=path, intake=rows[sample], output=features[sample], **common)
    lap("extract")
    link_features(files=features, injections=injections, **common, **{name: tables[name] for name in LINKED})
    lap("link")
    made = {name: tables[name] for name in ("linked", "areas", "consensus", "decisions")}
    select_features(injections=injections, panel=[], min_share=0.5, **common, **made)
    lap("select")
    force_integrate(
        files=files,
        intake=rows,
        consensus=tables["consensus"],
        transformations=tables["transformations"],
        output=folder / "forced.tsv",
        **common,
    )
    lap("force")
    given = {"consensus": tables["consensus"], "areas": tables["areas"], "forced": [folder / "forced.tsv"]}
    assemble_matrix(**given, **{name: tables[name] for name in FINAL})
    lap("assemble")
    return spent


def recall(*, truth: pd.DataFrame, found: pd.DataFrame) -> float:
    """Return the share of compounds with a feature within 8 ppm and 16 s."""
    return float(
        np.mean(
            [
                ((abs(found["mz"] / row["mz"] - 1) < 8e-6) & (abs(found["rt"] - row["rt"]) < 16)).any()
                for _, row in truth.iterrows()
            ]
        )
    )


def child(*words: str) -> dict[str, float]:
    """Run a part of this file in a process of its own and return what its last line says."""
    # stdout is read apart: OpenMS writes there too
    made = subprocess.run([sys.executable, __file__, *words], check=True, capture_output=True, text=True)
    return json.loads(next(line for line in made.stdout.splitlines() if line.startswith("{")))


def bench_engines(*, folder: Path, samples: int) -> bool:
    """CPU and recall of both engines on the same files, each in a process of its own, start-up included."""
    truth, _, injections, files = cohort(
        folder / "spectra", files=samples, n=100, gradient=600.0, interval=0.6, noise=1000, background=120
    )
    size = sum(path.stat().st_size for path in files.values()) / 1e6
    injections.to_csv(folder / "injections.tsv", sep="\t")
    ours = child("--child", "arm", "--folder", str(folder))
    own = sum(ours[step] for step in ("start", "extract", "link", "select", "force", "assemble"))
    found = pd.read_csv(folder / "features.tsv", sep="\t", comment="#")
    mine = recall(truth=truth, found=found)
    print(f"engines: {len(files)} files, {size:.0f} MB; openms {own:.1f} s CPU, recall {mine:.3f}, "
          f"{len(found)} features (reading every file to its end first: {ours['intake']:.1f} s more)")  # fmt: skip
    if shutil.which("asari") is None:
        print("engines: asari is not on PATH, nothing to compare with")
        return True
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    rows = {sample: folder / f"{sample}.row.tsv" for sample in files}
    table = folder / "asari.tsv"
    run_asari(files=files, intake=rows, injections=injections, mode="positive", preset=PRESET, output=table)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    theirs = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    other, _ = read_asari(table=table, samples=sorted(files), mode="positive")
    its = recall(truth=truth, found=other)
    print(f"engines: asari {theirs:.1f} s CPU, recall {its:.3f}, {len(other)} features; "
          f"share {own / theirs:.2f} (limit {CPU_SHARE})")  # fmt: skip
    return own <= CPU_SHARE * theirs and mine >= its


def bench_growth(*, folder: Path) -> bool:
    """CPU per file from 6 to 96 files: it may not grow by more than half."""
    _, _, injections, files = cohort(folder / "spectra", files=90, n=80, noise=300, strays=10)
    per_file = {}
    for number in (6, 24, 96):
        chosen = dict(list(files.items())[: number - 1]) | {"BLANK1": files["BLANK1"]}
        (folder / str(number)).mkdir()
        spent = run_arm(folder=folder / str(number), files=chosen, injections=injections)
        per_file[number] = sum(spent.values()) / number
        steps = ", ".join(f"{step} {1000 * seconds / number:.0f}" for step, seconds in spent.items())
        print(f"growth: {number} files, {1000 * per_file[number]:.0f} ms CPU per file ({steps})")
    growth = per_file[96] / min(per_file[6], per_file[24])
    print(f"growth: per file x {growth:.2f} at 96 files against the better of 6 and 24 (limit {GROWTH})")
    return growth <= GROWTH


def bench_memory(*, folder: Path, megabytes: int) -> bool:
    """Peak memory of each step on one big file, each in a process of its own."""
    truth = compounds(n=300, seed=3, gradient=900.0)
    log2 = abundances(truth=truth, samples=["BIG"], absent=0.0)["BIG"]
    points = int(megabytes * 64_000 / 1500)
    scans = injection(truth=truth, log2=log2, seed=1, gradient=900.0, interval=0.6, noise=points, background=120)
    path = write_mzml(folder / "BIG.mzML", scans)
    del scans
    size = path.stat().st_size / 1e6
    good = True
    for step in ("intake", "extract", "force"):
        start = time.perf_counter()
        peak = child("--child", step, "--folder", str(folder))["mb"]
        print(
            f"memory: {step} of {size:.0f} MB: {peak:.0f} MB, {time.perf_counter() - start:.1f} s (limit {MEMORY_MB})"
        )
        good &= peak <= MEMORY_MB
    return good


def run_child(*, part: str, folder: Path) -> dict[str, float]:
    """Do one part's work and return its figures."""
    if part == "arm":
        start = cpu()
        injections = pd.read_csv(folder / "injections.tsv", sep="\t", index_col=0)
        files = {sample: folder / "spectra" / f"{sample}.mzML" for sample in injections.index}
        return {"start": start, **run_arm(folder=folder, files=files, injections=injections)}
    path, row, found = folder / "BIG.mzML", folder / "row.tsv", folder / "BIG.featureXML"
    about = {"sample": "BIG", "path": path, "mode": "positive"}
    if part == "intake":
        rest = {"trace": folder / "trace.tsv", "masses": folder / "masses.tsv", "standards": None}
        intake(**about, control="N", rt_unit="auto", search_ppm=20.0, row=row, **rest)
    elif part == "extract":
        extract_features(**about, intake=row, preset=PRESET, output=found)
    else:
        injections = pd.DataFrame({"control": ["N"], "group": ["PRE"]}, index=["BIG"])
        tables = {name: folder / f"{name}.tsv" for name in (*LINKED, "consensus", "decisions")}
        common = {"mode": "positive", "preset": PRESET}
        link_features(files={"BIG": found}, injections=injections, **common, **{name: tables[name] for name in LINKED})
        made = {name: tables[name] for name in ("linked", "areas", "consensus", "decisions")}
        select_features(injections=injections, panel=[], min_share=0.5, **common, **made)
        rest = {"consensus": tables["consensus"], "transformations": tables["transformations"]}
        force_integrate(files={"BIG": path}, intake={"BIG": row}, output=folder / "forced.tsv", **common, **rest)
    # not ru_maxrss, which a process inherits from the one that started it
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return {"mb": int(peak[1]) / 1024}


def main() -> None:
    """Measure and fail beyond the limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument(
        "--samples", type=int, default=24, help="study samples of the comparison; QCs and a blank come on top"
    )
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--child", choices=["arm", "intake", "extract", "force"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    choice = parser.parse_args()
    if choice.child:
        print(json.dumps(run_child(part=choice.child, folder=choice.folder)))
        return
    good = True
    for part in choice.parts:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            if part == "engines":
                good &= bench_engines(folder=folder, samples=choice.samples)
            elif part == "growth":
                good &= bench_growth(folder=folder)
            else:
                good &= bench_memory(folder=folder, megabytes=choice.megabytes)
    if not good:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

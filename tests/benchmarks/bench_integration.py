"""Integration and prediction of 48 simulated patients, layers of 300, 500, 50 and 30: <= 20 minutes on two cores.

``make bench`` runs it. The run is that of a user: layers and differential abundance first, not counted, then the
targets `integration` and `prediction` with the defaults (200 shuffled outcomes, 999 permutations of the associations).
"""

import argparse
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from gutaxis.simulate.multilayer import simulate_study
from gutaxis.simulate.multilayer_run import write_run

LIMIT_SECONDS = 1200
FOLDER = Path("results/bench_integration")
COUNTED = ("associations", "network", "factors", "modules", "mediation", "prediction_models", "evidence")


def run(*, targets: list[str], cores: int) -> tuple[float, float]:
    """Run Snakemake; return wall and CPU seconds."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "snakemake", *targets, "--cores", str(cores), "--quiet", "all"]
    subprocess.run([*command, "--configfile", str(FOLDER / "config.yaml")], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=48)
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    shutil.rmtree(FOLDER, ignore_errors=True)
    study = simulate_study(n=arguments.patients, seed=1)
    write_run(study=study, folder=FOLDER, output=str(FOLDER / "results"))
    run(targets=["layers", "differential"], cores=arguments.cores)
    wall, cpu = run(targets=["integration", "prediction"], cores=arguments.cores)
    for rule in COUNTED:
        for table in sorted((FOLDER / "results/benchmarks" / rule).glob("*.tsv")):
            row = pd.read_csv(table, sep="\t").iloc[0]
            print(f"{rule:18} {table.stem:10} {row['s']:7.0f} s  {row['max_rss']:6.0f} MB")
    print(
        f"integration and prediction, {arguments.patients} patients, {arguments.cores} cores: {wall:.0f} s wall, "
        f"{cpu:.0f} s CPU (limit {LIMIT_SECONDS} s)"
    )
    mediation = pd.read_csv(FOLDER / "results/integration/mediation.tsv", sep="\t", comment="#")
    chain = study.chain
    planted = [("x", chain["taxa"]), ("m", chain["metabolites"]), ("y", chain["blood_cells"])]
    for column, feature in planted:
        mediation = mediation[mediation[column] == feature]
    print(mediation[["state", "outcome", "rank", "p_joint", "q"]].to_string(index=False))
    if wall > LIMIT_SECONDS:
        raise SystemExit("too slow")


if __name__ == "__main__":
    main()

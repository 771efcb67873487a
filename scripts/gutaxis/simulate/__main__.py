"""Write the sheets, the truth and the config of a simulated trial.

``python -m gutaxis.simulate --out config/demo --data resources/simulated`` makes the demo that the repository holds.
"""

import argparse
import json
import os
from pathlib import Path

import pandas as pd
import yaml

from gutaxis.files import atomic_write, write_tsv
from gutaxis.simulate import clinical
from gutaxis.simulate.cells import samples_rows as cells_rows
from gutaxis.simulate.cells_plan import plan_cells
from gutaxis.simulate.metabolome import samples_rows
from gutaxis.simulate.metabolome_plan import plan_metabolome
from gutaxis.simulate.trial import plan_trial


def write_trial(
    *, out: Path, data: Path, patients: int, seed: int, pairs: int, output: str, qcs: int = 6, blanks: int = 2,
    cells: int = 400,
) -> Path:  # fmt: skip
    """Write ``truth.json``, the sheets and ``config.yaml`` of a simulated trial; return the config's path.

    Parameters
    ----------
    out
        Folder of the sheets.
    data
        Folder where the workflow will put reads and miniature databases.
    patients, seed, pairs
        As in :func:`gutaxis.simulate.trial.plan_trial`.
    output
        Value of the config key ``output``.
    qcs, blanks
        Injections of pooled QCs and blanks in each batch of the plasma metabolome.
    cells
        Mean number of cells of a single-cell library.
    """
    truth = plan_trial(n=patients, seed=seed, pairs=pairs)
    truth = plan_metabolome(truth=truth, qcs=qcs, blanks=blanks)
    truth = plan_cells(truth=truth, cells=cells)
    with atomic_write(out / "truth.json") as part:
        part.write_text(json.dumps(truth, indent=1) + "\n")
    sheets = {
        "patients": clinical.patients_sheet(truth=truth),
        "lesions": clinical.lesions_sheet(truth=truth),
        "measurements": clinical.measurements_sheet(truth=truth),
        "adverse_events": clinical.adverse_events_sheet(truth=truth),
    }
    reads, injections, libraries = (os.path.relpath(data / name, out) for name in ("reads", "injections", "cells"))
    batches = sorted({sample["batch"] for sample in truth["samples"].values()})
    files = {name: out / f"{name}.tsv" for name in sheets}
    for name, rows in sheets.items():
        write_tsv(pd.DataFrame(rows).replace("", pd.NA), files[name])
    sample_files = []
    for batch in batches:
        rows = clinical.samples_sheet(truth=truth, batch=batch, reads=reads)
        rows += samples_rows(truth=truth, batch=batch, folder=injections)
        rows += cells_rows(truth=truth, batch=batch, folder=libraries)
        sample_files.append(out / f"samples_{batch}.tsv")
        write_tsv(pd.DataFrame(rows).replace("", pd.NA), sample_files[-1])
    config = {
        "output": output,
        "cohort": {
            **{name: str(path) for name, path in files.items()},
            "samples": [str(path) for path in sample_files],
        },
        "metagenome": {
            "databases": {
                name: f"{data}/databases/{name}" for name in ("host", "metaphlan", "nucleotide", "protein", "pathways")
            }
        },
        "simulate": {"truth": str(out / "truth.json"), "directory": str(data)},
    }
    with atomic_write(out / "config.yaml") as part:
        part.write_text("# Simulated trial, written by python -m gutaxis.simulate\n" + yaml.safe_dump(config))
    return out / "config.yaml"


def main() -> None:
    """Read the command line and write the trial."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the sheets")
    parser.add_argument("--data", type=Path, required=True, help="folder for the simulated reads and databases")
    parser.add_argument("--patients", type=int, default=12)
    parser.add_argument("--seed", type=int, default=20240611)
    parser.add_argument("--pairs", type=int, default=16_000, help="mean read pairs of a stool sample")
    parser.add_argument("--output", default="results/demo", help="config key `output`")
    write_trial(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()

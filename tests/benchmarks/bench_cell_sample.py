"""One sample of single cells, 5,000 cells x 20,000 genes: peak memory and CPU of its job.

A part of `make bench-cells`. The matrix is simulated, written as 10x HDF5, and processed in a process of its own.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
MEMORY_GB = 3.0
#: Each part is a process of its own, and this one stays small: a child's peak begins with that of its parent.
MAKE = """
import sys
from pathlib import Path
from tests.cell_files import sample, write_v3
cells, genes = map(int, sys.argv[2:])
made = sample(n_cells=cells, n_genes=genes, types=12, doublets=0.04, dead=0.05, umi=4500, seed=1)
write_v3(Path(sys.argv[1]), made)
print(made.X.nnz / cells)
"""
JOB = """
import json, resource, sys
from pathlib import Path
from gutaxis.single_cell.sample import SampleSettings, process_sample
matrix, cycle, out = map(Path, sys.argv[1:])
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
start = cpu()
files = {"h5ad": out / "a.h5ad", "cells": out / "a.cells.tsv.gz", "qc": out / "a.qc.tsv", "hvg": out / "a.hvg.tsv"}
process_sample(sample="A", path=matrix, cycle=cycle, settings=SampleSettings(), **files)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(json.dumps({"imports": start, "work": cpu() - start, "peak": peak}))
"""


def run(*, code: str, arguments: list[str | Path]) -> list[str]:
    """Run code in a process with one thread; return the lines that it prints."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    paths = os.pathsep.join([str(PROJECT / "scripts"), str(PROJECT)])
    command = [sys.executable, "-c", code, *map(str, arguments)]
    environment = {**os.environ, **threads, "PYTHONPATH": paths}
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()


def main() -> None:
    """Print peak memory and CPU seconds; exit 1 above the bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=5000)
    parser.add_argument("--genes", type=int, default=20_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        matrix = folder / "matrix.h5"
        genes = round(float(run(code=MAKE, arguments=[matrix, str(options.cells), str(options.genes)])[0]))
        *said, last = run(code=JOB, arguments=[matrix, PROJECT / "resources" / "markers" / "cell_cycle.tsv", folder])
        print("\n".join(said))
        used = json.loads(last)
        size = (folder / "a.h5ad").stat().st_size / 1e6
    print(
        f"{options.cells} cells x {options.genes} genes, {genes} genes per cell: peak {used['peak']:.2f} GB, "
        f"{used['imports']:.1f} CPU s of imports, {used['work']:.1f} of work; h5ad {size:.0f} MB"
    )
    if used["peak"] > MEMORY_GB:
        raise SystemExit(f"peak {used['peak']:.2f} GB; the bound is {MEMORY_GB}")


if __name__ == "__main__":
    main()

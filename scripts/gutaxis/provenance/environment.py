"""The process environment of a run: where the tools are, one thread per library call, one hash order."""

import os
from pathlib import Path

#: Variables that fix the number of threads of numerical libraries and Python's hash order: same bytes everywhere.
FIXED = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}


def prepare_environment(*, base: Path) -> None:
    """Put the tools that ``make setup`` built first on PATH and fix threads and hash order for every job.

    Parameters
    ----------
    base
        The project's folder; without ``.tools`` (conda) the PATH entry is harmless.
    """
    tools = str(base / ".tools" / "bin")
    if tools not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([tools, os.environ["PATH"]])
    os.environ.update(FIXED)
    # a caller's PYTHONPATH would let tools import this project's modules in place of their own of the same name
    os.environ.pop("PYTHONPATH", None)

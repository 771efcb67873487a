"""The process environment of a run: where the tools are; one thread, one hash order and one arithmetic per job."""

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
#: Numerical libraries choose code by processor, and sums in another order differ in the last digit. These keep to what
#: every x86-64 processor since 2013 has: OpenBLAS, MKL, NumPy, Numba.
COMMON_INSTRUCTIONS = {
    "OPENBLAS_CORETYPE": "Haswell",
    "MKL_CBWR": "AVX2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "",
}


def common_instructions(*, cpuinfo: str) -> dict[str, str]:
    """Return the variables that make numerical libraries use the same code on every processor that can.

    Parameters
    ----------
    cpuinfo
        Text of ``/proc/cpuinfo``; empty where there is none.

    Returns
    -------
    dict
        :data:`COMMON_INSTRUCTIONS` where the processor has AVX2 and FMA, else nothing: results of an older processor,
        or of another architecture, may differ from others in the last digits.
    """
    flags = next((line.split(":", 1)[1].split() for line in cpuinfo.splitlines() if line.startswith("flags")), [])
    return dict(COMMON_INSTRUCTIONS) if {"avx2", "fma"} <= set(flags) else {}


def prepare_environment(*, base: Path) -> None:
    """Put the tools that ``make setup`` built first on PATH; fix threads, hash order and instructions for every job.

    Parameters
    ----------
    base
        The project's folder; without ``.tools`` (conda) the PATH entry is harmless.
    """
    tools = str(base / ".tools" / "bin")
    if tools not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([tools, os.environ["PATH"]])
    os.environ.update(FIXED)
    cpuinfo = Path("/proc/cpuinfo")
    os.environ.update(common_instructions(cpuinfo=cpuinfo.read_text() if cpuinfo.is_file() else ""))
    # a caller's PYTHONPATH would let tools import this project's modules in place of their own of the same name
    os.environ.pop("PYTHONPATH", None)

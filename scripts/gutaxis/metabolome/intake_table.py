"""Tables between the steps: rows of the intake, read back and put together; features by id."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gutaxis.errors import raise_if_errors
from gutaxis.files import write_tsv
from gutaxis.metabolome.formats import problem

#: What one file is: counts of scans and points, times in seconds, intensities in the instrument's unit.
COLUMNS = [
    "sample_id",
    "mode",
    "status",
    "file",
    "format",
    "scans_declared",
    "scans",
    "ms1",
    "ms2",
    "ms1_used",
    "polarity",
    "spectra_said",
    "spectra",
    "rt_unit",
    "rt_factor",
    "rt_min_s",
    "rt_max_s",
    "scan_interval_s",
    "mz_min",
    "mz_max",
    "peaks",
    "peaks_median",
    "tic",
    "tic_median",
    "base_peak_mz",
    "base_peak_intensity",
    "standards",
    "standards_found",
    "error_ppm_median",
    "error_ppm_max",
    "content",
    "notes",
]


def read_row(*, path: Path) -> dict[str, Any]:
    """Return the row of one file as written by :func:`intake`."""
    return pd.read_csv(path, sep="\t", dtype={"sample_id": str, "notes": str}, keep_default_na=True).iloc[0].to_dict()


def collect_intake(*, rows: Sequence[Path], output: Path) -> None:
    """Put the rows of all files of a mode into one table, sorted by sample; refuse copies.

    Raises
    ------
    GutaxisError
        M09: two samples have the same points in every scan, which two injections never have.
    """
    table = pd.concat([pd.read_csv(path, sep="\t", dtype={"sample_id": str}) for path in rows], ignore_index=True)
    table = table.sort_values("sample_id", kind="stable")
    problems = []
    for _, same in table[table["peaks"] > 0].groupby("content", sort=True):
        if len(same) > 1:
            names = ", ".join(same["sample_id"])
            wrong = f"samples {names} have identical content"
            mend = "Correct the files of these samples in the sample sheet"
            allowed = "Every sample has an injection of its own"
            problems.append(problem("M09", same["file"].iloc[-1], wrong, allowed, mend, value=names))
    raise_if_errors(problems)
    write_tsv(table, output)


def read_table(*, path: Path) -> pd.DataFrame:
    """Read a table of this arm, indexed by its first column."""
    return pd.read_csv(path, sep="\t", index_col=0, dtype={"feature": str})

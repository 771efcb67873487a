"""The checked sheets as files: sorted, typed, with day numbers. What the clinical arm reads instead of the sheets.

Sheets themselves are no inputs of any job: a reordered row would rerun everything. These tables change only when the
content does.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.cohort.model import Cohort
from gutaxis.cohort.vocabulary import SHEETS
from gutaxis.files import write_tsv

TABLES = (
    "patients",
    "lesions",
    "measurements",
    "progressions",
    "adverse_events",
    "medications",
    "samples",
    "pairs",
)
#: Columns of samples that are file lists: nothing after the raw data asks for them.
FILES = ["files_1", "files_2", "file_1", "file_2"]


def write_tables(*, cohort: Cohort, files: dict[str, Path]) -> None:
    """Write every table of a cohort; a sheet that was not given becomes a header alone.

    Parameters
    ----------
    cohort
        The checked cohort.
    files
        Table name (one of ``TABLES``) -> file to write.
    """
    for name in TABLES:
        table = getattr(cohort, name)
        if table is None:
            table = pd.DataFrame(columns=[column.name for column in SHEETS[name]])
        elif name in {"patients", "samples"}:
            table = table.reset_index()
        write_tsv(table.drop(columns=[column for column in FILES if column in table]), files[name])


def read_table(*, path: Path | str) -> pd.DataFrame:
    """Read one table back with the types it had: text, and floats for numbers and days.

    Parameters
    ----------
    path
        A file of :func:`write_tables`, named ``{table}.tsv``. ``patients`` and ``samples`` get their id as index.
    """
    name = Path(path).stem
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, na_values=["NA"])
    kinds = {column.name: column.kind for column in SHEETS.get(name, ())}
    for column in table.columns:
        # day numbers stand beside the dates and are no columns of a sheet; `same_day` is one, and holds words
        day = column not in kinds and column.endswith(("_day", "_day_last"))
        if day or kinds.get(column) in {"number", "integer"}:
            table[column] = table[column].astype(float)
    table = table.where(table.notna(), np.nan)
    if name in {"patients", "samples"}:
        return table.set_index("patient_id" if name == "patients" else "sample_id")
    return table


def read_tables(*, paths: list[str]) -> dict[str, pd.DataFrame]:
    """Read several tables by name; see :func:`read_table`."""
    return {Path(path).stem: read_table(path=path) for path in paths}

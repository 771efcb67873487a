"""A user's own labels of cells, as any tool exports them, to fractions per sample: no counts are needed."""

from pathlib import Path

import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import open_text
from gutaxis.layers.cells import Fractions, fractions_of

COLUMNS = ("cell_id", "sample_id", "label")
_MISSING = ["", "NA", "nan", "NaN", "None"]


def from_labels(*, path: Path, columns: tuple[str, str, str] = COLUMNS) -> Fractions:
    """Read one row per cell and count.

    Parameters
    ----------
    path
        ``.tsv``, ``.txt`` (tab) or ``.csv`` (comma), also .gz, with a header; other columns are not read.
    columns
        Names of the columns that hold cell, sample and label.

    Returns
    -------
    gutaxis.layers.cells.Fractions
        Samples x labels. A cell without a label counts as ``unresolved``: it was seen, so it stays in the whole.

    Raises
    ------
    GutaxisError
        X35 no such file, column or row; X36 a cell twice, or a cell without a sample.
    """
    name = path.name
    if not path.is_file():
        raise GutaxisError(Problem("X35", name, None, None, None, "there is no such file", "A table of cells",
                                   "Correct the path"))  # fmt: skip
    separator = "," if ".csv" in path.suffixes else "\t"
    with open_text(path) as handle:
        table = pd.read_csv(handle, sep=separator, comment="#", dtype=str, keep_default_na=False, na_values=_MISSING)
    lacking = [column for column in columns if column not in table]
    if lacking or table.empty:
        raise GutaxisError(
            Problem(
                "X35", name, None, lacking[0] if lacking else None, None,
                f"no column {', '.join(lacking)}" if lacking else "no rows",
                f"A header with {', '.join(columns)}, and one row per cell",
                "Name the columns of your table in the config, or rename them",
            )
        )  # fmt: skip
    table = table[list(columns)].set_axis(list(COLUMNS), axis=1)
    problems = []
    # one barcode may occur in two samples: 10x barcodes come from one list
    for wrong, rows in (
        ("the cell occurs twice in its sample", table[table.duplicated(["cell_id", "sample_id"])]),
        ("the cell or its sample has no name", table[table[["cell_id", "sample_id"]].isna().any(axis=1)]),
    ):
        if len(rows):
            first = rows.iloc[0]
            value = first["cell_id"] if isinstance(first["cell_id"], str) else None
            problems.append(
                Problem(
                    "X36", name, int(rows.index[0]) + 2, columns[0], value, f"{wrong} ({len(rows)} rows in all)",
                    "Each cell once, with its sample", "Remove the rows, or export the table again",
                )
            )  # fmt: skip
    if problems:
        raise GutaxisError(problems)
    labels = table["label"].fillna("unresolved")
    return fractions_of(counts=pd.crosstab(table["sample_id"], labels))

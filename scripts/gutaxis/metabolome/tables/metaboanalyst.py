"""The CSV of MetaboAnalyst: samples in rows or columns, and one row or column of class labels, which is never read."""

from pathlib import Path

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.tables.cells import Grid, problem, read_grid
from gutaxis.metabolome.tables.found import Found
from gutaxis.metabolome.tables.names import known_name
from gutaxis.metabolome.tables.options import Options
from gutaxis.metabolome.tables.plain import place_in_name

#: Headings of the labels.
LABELS = frozenset({"label", "labels", "class", "group", "groups", "phenotype", "condition"})


def read_metaboanalyst(*, path: Path, options: Options) -> Found:
    """Read a table made for MetaboAnalyst.

    The labels stand in the second row (samples are columns) or the second column (samples are rows). They may be the
    outcome of patients: they are left out, and only their heading is looked at.

    Raises
    ------
    GutaxisError
        M90 neither the second row nor the second column is headed as labels.
    """
    table = read_grid(path=path, sheet=options.sheet, delimiter=options.delimiter)
    header, second = table.rows[0], table.rows[1] if len(table.rows) > 1 else [""]
    below, beside = second[0].lower() in LABELS, len(header) > 1 and header[1].lower() in LABELS
    if below == beside or (options.orientation and below != (options.orientation == "features_by_samples")):
        raise GutaxisError(
            problem(
                code="M90", file=table.file, line=table.lines[0], value=", ".join((second[0], *header[1:2])),
                wrong="the labels cannot be found, and with them what the rows are",
                allowed="`Label` as first cell of the second row (samples in columns) or of the second column",
                mend="Head the labels with `Label`; a table without labels is of format plain",
            )
        )  # fmt: skip
    found = _samples_in_columns(table) if below else _samples_in_rows(table)
    places = place_in_name(names=[str(name) for name in found["ids"]])
    names = {} if places else {"name": [known_name(str(name)) for name in found["ids"]]}
    return Found(
        file=table.file, **found, features=places | names, rows_are_samples=beside,
        rt_factor=options.seconds(default="seconds"),
        notes=("The class labels were left out: samples are described by the sample sheet alone",),
    )  # fmt: skip


def _samples_in_columns(table: Grid) -> dict[str, list]:
    body = table.rows[2:]
    return {
        "samples": table.rows[0][1:],
        "ids": [row[0] for row in body],
        "cells": [row[1:] for row in body],
        "lines": table.lines[2:],
    }


def _samples_in_rows(table: Grid) -> dict[str, list]:
    body = table.rows[1:]
    return {
        "samples": [row[0] for row in body],
        "ids": table.rows[0][2:],
        "cells": [[row[at] for row in body] for at in range(2, len(table.rows[0]))],
        "lines": table.lines[1:],
    }

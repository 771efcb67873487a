"""The older workbook of Metabolon: rows are compounds; samples are described above, compounds to the left.

=========== === ================= ======= ======== =================================
(empty)     ... CLIENT IDENTIFIER P01_PRE P01_POST rows that describe the samples
(empty)     ... TREATMENT         ...     ...      never read
BIOCHEMICAL ... Group HMDB        ...     ...      headings of the compounds
butyrate    ... HMDB00039         1.2e5   2.4e5
=========== === ================= ======= ======== =================================
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.feature_table import DETECTED, IMPUTED
from gutaxis.metabolome.tables.cells import Grid, column_of, need_column, no_sheet, problem
from gutaxis.metabolome.tables.found import Found
from gutaxis.metabolome.tables.names import known_name, mode_of
from gutaxis.metabolome.tables.numbers import MISSING
from gutaxis.metabolome.tables.options import Options

#: Sheet -> what Metabolon did: `ScaledImpData` is scaled to the median of each compound in its batch, then imputed.
OLD_SHEETS: dict[str, frozenset[str]] = {
    "OrigScale": frozenset(),
    "ScaledImpData": frozenset({"batch", "imputed"}),
}
NAME = "BIOCHEMICAL"
SAMPLE_ROWS = ("CLIENT IDENTIFIER", "CLIENT_IDENTIFIER", "SAMPLE NAME", "SAMPLE_NAME", "SAMPLE_ID", "SAMPLE ID")
ABOUT = {
    "hmdb": ("HMDB",), "kegg": ("KEGG",), "pubchem": ("PUBCHEM",), "cas": ("CAS",),
    "super_pathway": ("SUPER PATHWAY", "SUPER_PATHWAY"), "sub_pathway": ("SUB PATHWAY", "SUB_PATHWAY"),
    "platform": ("PLATFORM",), "chem_id": ("CHEMICAL ID", "CHEMICAL_ID", "COMP ID", "COMP_ID"), "ri": ("RI",),
    "mass": ("MASS",),
}  # fmt: skip


def read_old(*, path: Path, sheets: Mapping[str, Grid], options: Options) -> Found:
    """Read a sheet of the older workbook; ``OrigScale`` if the user names none.

    Raises
    ------
    GutaxisError
        M82 a sheet, row or column is missing.
    """
    name = options.sheet or next(sheet for sheet in OLD_SHEETS if sheet in sheets)
    if name not in sheets:
        raise GutaxisError(no_sheet(file=path.name, sheet=name, sheets=sheets))
    table = sheets[name]
    top, label, samples = _frame(table, options)
    header = [cell.upper() for cell in table.rows[top]]
    # The last heading of the compounds shares its cell with the label of the samples' rows: `Group   HMDB`.
    header[label] = header[label].split()[-1] if header[label].split() else ""
    where = {"file": table.file, "line": table.lines[top], "table_format": "metabolon"}
    key = need_column(header=header[: label + 1], names=(options.id_column or NAME,), **where)
    body = table.rows[top + 1 :]
    features: dict[str, list[object]] = {}
    for column, headings in ABOUT.items():
        at = column_of(header=header[: label + 1], names=headings)
        if at is not None:
            features[column] = [row[at].removesuffix(".0") for row in body]
    at = column_of(header=header[: label + 1], names=(NAME,))
    features["name"] = [known_name(row[at]) if at is not None else None for row in body]
    features["mode"] = [mode_of(str(entry)) for entry in features.get("platform", [None] * len(body))]
    cells = [row[label + 1 :] for row in body]
    unit = "peak area" if name == "OrigScale" else "relative to median"
    return Found(
        file=table.file, samples=samples, ids=[row[key].removesuffix(".0") for row in body], cells=cells,
        lines=table.lines[top + 1 :], features=features, unit=unit,
        done=OLD_SHEETS[name], state=_states(sheets, name, table, top, label),
        notes=(f"Sheet {name} of the older workbook was read",),
    )  # fmt: skip


def _frame(table: Grid, options: Options) -> tuple[int, int, list[str]]:
    """Return the row of headings, the column before the values, and the samples."""
    top = next((at for at, row in enumerate(table.rows) if NAME in [cell.upper() for cell in row]), None)
    if not top:
        raise GutaxisError(
            problem(
                code="M82", file=table.file, column=NAME, wrong="there is no row of headings below rows of samples",
                allowed=f"The sheet as Metabolon delivers it, with {NAME}", mend="Restore the first rows of the sheet",
            )
        )  # fmt: skip
    label = next(at for at, cell in enumerate(table.rows[0]) if cell)
    labels = [row[label].upper() for row in table.rows[:top]]
    wanted = (options.sample_column,) if options.sample_column else SAMPLE_ROWS
    at = column_of(header=labels, names=wanted)
    if at is None:
        raise GutaxisError(
            problem(
                code="M82", file=table.file, line=table.lines[0], value=", ".join(labels),
                wrong="no row names the samples", allowed=" or ".join(wanted),
                mend="Set `sample_column` to the row that holds the sample names",
            )
        )  # fmt: skip
    return top, label, table.rows[at][label + 1 :]


def _states(sheets: Mapping[str, Grid], name: str, table: Grid, top: int, label: int) -> np.ndarray | None:
    """Return imputed for cells that are empty in `OrigScale`, if both sheets have the same rows and columns."""
    before = sheets.get("OrigScale")
    if name == "OrigScale" or before is None or len(before.rows) != len(table.rows):
        return None
    if [row[: label + 1] for row in before.rows] != [row[: label + 1] for row in table.rows]:
        return None
    empty = [[cell.lower() in MISSING for cell in row[label + 1 :]] for row in before.rows[top + 1 :]]
    return np.where(np.array(empty), IMPUTED, DETECTED).astype(object)

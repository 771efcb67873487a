"""Alignment results of MS-DIAL (Area.txt, Height.txt ..., versions 3 to 5); its mzTab export is read as mzTab."""

import re
from pathlib import Path

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.tables.cells import WORKBOOKS, Grid, column_of, need_column, problem, read_grid, read_text
from gutaxis.metabolome.tables.found import Found, left_out
from gutaxis.metabolome.tables.mztab import read_mztab
from gutaxis.metabolome.tables.names import doubt, known_name, plain_adduct
from gutaxis.metabolome.tables.options import Options

KEY = "Alignment ID"
#: Column -> column of MS-DIAL.
ABOUT = {
    "name": ("Metabolite name",), "formula": ("Formula",), "inchikey": ("INCHIKEY",), "smiles": ("SMILES",),
    "adduct": ("Adduct type", "Adduct ion name"), "class": ("Ontology",),
}  # fmt: skip
_NOT_SAMPLES = frozenset({"", "na"})
_HEADS = 5


def read_msdial(*, path: Path, options: Options) -> Found:
    """Read an alignment result of MS-DIAL: retention times in minutes; 0 = no peak.

    The rows above the header tell which columns are samples: those with a file type. Averages and standard deviations
    of classes stand behind them and are left out. Whether values are areas or heights stands in the file's name alone,
    as MS-DIAL gives it; a name that begins with Normalized means normalised values.

    Raises
    ------
    GutaxisError
        M82 it is no alignment result.
    """
    if path.suffix.lower() not in WORKBOOKS and read_text(path=path).startswith("MTD\t"):
        return read_mztab(path=path, options=options)
    table = read_grid(path=path, sheet=options.sheet, delimiter=options.delimiter, heads=_HEADS)
    top = next((at for at, row in enumerate(table.rows[: _HEADS + 1]) if KEY in row), None)
    if top is None:
        raise GutaxisError(
            problem(
                code="M82", file=table.file, line=table.lines[0], column=KEY,
                wrong="there is no header with this column: it is no alignment result of MS-DIAL",
                allowed="Area.txt, Height.txt or the mzTab of Export > Alignment result",
                mend="Correct the format, or export the table again",
            )
        )  # fmt: skip
    header, body = table.rows[top], table.rows[top + 1 :]
    where = {"file": table.file, "line": table.lines[top], "table_format": "msdial"}
    key, mz, rt = (
        need_column(header=header, names=(name,), **where) for name in (KEY, "Average Mz", "Average Rt(min)")
    )
    samples, others = _samples(table, top)
    features: dict[str, list[object]] = {
        "mz": [row[mz] for row in body],
        "rt": [row[rt] for row in body],
    }
    for column, names in ABOUT.items():
        at = column_of(header=header, names=names)
        if at is not None:
            features[column] = [_about(column, row[at]) for row in body]
            if column == "name":
                features["name_doubt"] = [doubt(row[at]) for row in body]
    quantity, normalised = _quantity(path, options)
    return Found(
        rt_factor=options.seconds(default="minutes"),
        file=table.file, samples=[header[at] for at in samples], ids=[row[key] for row in body],
        cells=[[row[at] for at in samples] for row in body], lines=table.lines[top + 1 :], features=features,
        unit=f"peak {quantity}" if quantity else "peak area or height",
        done=frozenset({"normalised"} if normalised else ()),
        notes=left_out(names=[header[at] for at in others], what="columns of averages and standard deviations"),
    )  # fmt: skip


def _samples(table: Grid, top: int) -> tuple[list[int], list[int]]:
    """Return the columns of samples and those of averages: the cell `Class` above ends the columns that describe."""
    first = table.rows[0]
    label = column_of(header=first, names=("Class",)) if top else None
    if label is None:
        raise GutaxisError(
            problem(
                code="M82", file=table.file, line=table.lines[0], column="Class",
                wrong="the rows above the header are missing: samples cannot be told from other columns",
                allowed="The export as MS-DIAL writes it, with its rows Class, File type, Injection order",
                mend="Export the table again and leave its first rows in place",
            )
        )  # fmt: skip
    types = next((row for row in table.rows[1:top] if row[label].lower() in ("file type", "type")), first)
    columns = range(label + 1, len(table.rows[top]))
    samples = [at for at in columns if types[at].lower() not in _NOT_SAMPLES]
    return samples, [at for at in columns if at not in samples and table.rows[top][at]]


def _quantity(path: Path, options: Options) -> tuple[str | None, bool]:
    """Return area or height, if told, and whether the file's name says that values are normalised."""
    named = re.match(r"(normali[sz]ed)?_?(area|height)?", path.name, re.IGNORECASE)
    quantity = options.quantity or (named.group(2) or "").lower() or None
    return quantity, bool(named.group(1))


def _about(column: str, entry: str) -> str | None:
    if column == "name":
        return known_name(entry)
    if column == "adduct":
        return plain_adduct(entry)
    return None if entry.lower() in ("unknown", "no record") else entry

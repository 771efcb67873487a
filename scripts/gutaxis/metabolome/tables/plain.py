"""Plain tables: features and samples with or without a few columns that describe features; panels keep their units."""

import re
from collections.abc import Sequence
from pathlib import Path

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.tables.cells import Grid, column_of, need_column, problem, read_grid
from gutaxis.metabolome.tables.found import Found, is_absolute
from gutaxis.metabolome.tables.names import chebi_of, known_name, mode_of
from gutaxis.metabolome.tables.options import Options

#: Headings of columns that describe features -> column of the feature table.
ABOUT = {
    "mz": "mz", "m/z": "mz", "rt": "rt", "retention time": "rt", "retention_time": "rt", "name": "name",
    "formula": "formula", "chebi": "chebi", "hmdb": "hmdb", "kegg": "kegg", "pubchem": "pubchem", "cas": "cas",
    "inchikey": "inchikey", "smiles": "smiles", "adduct": "adduct", "charge": "charge", "class": "class",
    "mode": "mode", "level": "level", "unit": "unit", "units": "unit", "lod": "lod", "lloq": "lloq",
}  # fmt: skip
UNIT_WORDS = ("unit", "units")
#: `Butyrate [umol/L]`: a unit behind a name.
_BRACKET = re.compile(r"(.+?)\s+[\[(]([^\[\]()]+)[\])]")
MIXED = "mixed"


def read_plain(*, path: Path, options: Options) -> Found:
    """Read a plain table of intensities: ids in the first column (or ``id_column``), names in the first row.

    Where rows are features, columns with the headings of :data:`ABOUT` and those of ``annotation`` describe them. Where
    rows are samples, columns of ``annotation`` are left out.

    Raises
    ------
    GutaxisError
        M82 a column that the options name is missing; M90 the orientation is not given.
    """
    return _read(path=path, options=options, panel=False)


def read_panel(*, path: Path, options: Options) -> Found:
    """Read a panel of quantities: as a plain table, with a unit for each compound.

    The unit is that of the option, or of a column (where rows are samples: a row) ``unit``, or of brackets behind the
    names: ``Butyrate [umol/L]``.

    Raises
    ------
    GutaxisError
        As :func:`read_plain`; M92 a compound without a unit.
    """
    return _read(path=path, options=options, panel=True)


def _read(*, path: Path, options: Options, panel: bool) -> Found:
    table = read_grid(path=path, sheet=options.sheet, delimiter=options.delimiter)
    if options.orientation is None:
        raise GutaxisError(
            problem(
                code="M90", file=table.file, column="orientation", wrong="it is not said what the rows are",
                allowed="features_by_samples (a row is a feature) or samples_by_features",
                mend="Set `orientation` of the table",
            )
        )  # fmt: skip
    by_features = options.orientation == "features_by_samples"
    found = _rows_are_features(table, options) if by_features else _rows_are_samples(table, options)
    return _with_units(found, options) if panel else found


def _rows_are_features(table: Grid, options: Options) -> Found:
    header, body = table.rows[0], table.rows[1:]
    key = _key(table, options)
    features: dict[str, list[object]] = {}
    extra = {_named(table, name) for name in options.annotation}
    columns = []
    for at, cell in enumerate(header):
        target = ABOUT.get(cell.lower())
        if at == key:
            continue
        if target and target not in features:
            features[target] = [_about(target, row[at]) for row in body]
        elif at in extra:
            features[cell] = [row[at] for row in body]
        elif cell or any(row[at] for row in body):
            columns.append(at)
    return Found(
        file=table.file, samples=[header[at] for at in columns], ids=[row[key] for row in body], lines=table.lines[1:],
        cells=[[row[at] for at in columns] for row in body], features=features,
        rt_factor=options.seconds(default="seconds"),
    )  # fmt: skip


def _rows_are_samples(table: Grid, options: Options) -> Found:
    header = table.rows[0]
    key = _key(table, options)
    away = {key, *(_named(table, name) for name in options.annotation)}
    columns = [
        at for at, cell in enumerate(header) if at not in away and (cell or any(row[at] for row in table.rows[1:]))
    ]
    numbered = list(zip(table.rows[1:], table.lines[1:], strict=True))
    features: dict[str, list[object]] = {}
    if numbered and numbered[0][0][key].lower() in UNIT_WORDS:
        features["unit"] = [numbered[0][0][at] for at in columns]
        numbered = numbered[1:]
    return Found(
        file=table.file, samples=[row[key] for row, _ in numbered], ids=[header[at] for at in columns],
        cells=[[row[at] for row, _ in numbered] for at in columns], lines=[line for _, line in numbered],
        features=features, rows_are_samples=True,
    )  # fmt: skip


def _with_units(found: Found, options: Options) -> Found:
    """Return a panel: each compound with its unit, taken off its name if it stood there."""
    given = list(found.features.get("unit", [None] * len(found.ids)))
    ids = list(found.ids)
    units: list[str] = []
    for at, name in enumerate(ids):
        bracket = _BRACKET.fullmatch(str(name).strip())
        behind = bracket.group(2).strip() if bracket and is_absolute(unit=bracket.group(2)) else None
        if bracket and behind:
            ids[at] = bracket.group(1)
        units.append(options.unit or str(given[at] or "") or behind or "")
    if "" in units:
        at = units.index("")
        raise GutaxisError(
            problem(
                code="M92", file=found.file, line=None if found.rows_are_samples else found.lines[at], value=ids[at],
                column=str(found.ids[at]) if found.rows_are_samples else None,
                wrong=f"{units.count('')} compounds of the panel have no unit",
                allowed="A unit for each: option `unit`, column or row `unit`, or `Name [umol/L]`",
                mend="Add the units as the laboratory reports them",
            )
        )  # fmt: skip
    names = list(found.features.get("name", ids))
    features = {**found.features, "unit": units, "name": [known_name(str(name or one)) for name, one in
                                                          zip(names, ids, strict=True)]}  # fmt: skip
    return Found(
        file=found.file, samples=found.samples, ids=ids, cells=found.cells, lines=found.lines, features=features,
        rows_are_samples=found.rows_are_samples, rt_factor=found.rt_factor,
        unit=units[0] if len(set(units)) == 1 else MIXED, targeted=True,
    )  # fmt: skip


def _key(table: Grid, options: Options) -> int:
    if not options.id_column:
        return 0
    return need_column(
        header=table.rows[0], names=(options.id_column,), file=table.file, line=table.lines[0], table_format="plain"
    )


def _named(table: Grid, name: str) -> int:
    at = column_of(header=table.rows[0], names=(name,))
    if at is not None:
        return at
    raise GutaxisError(
        problem(
            code="M82", file=table.file, line=table.lines[0], column=name, wrong="there is no such column",
            allowed="Names of the header", mend="Correct `annotation` of the table",
        )
    )  # fmt: skip


def _about(target: str, entry: str) -> str | None:
    if target == "chebi":
        return chebi_of(entry) or (f"CHEBI:{entry}" if entry.isdigit() else None)
    if target == "mode":
        return mode_of(entry)
    return known_name(entry) if target == "name" else entry


def place_in_name(*, names: Sequence[str]) -> dict[str, list[object]]:
    """Return m/z and retention time of features that are named by them: ``205.0972__180.2``, ``205.0972/180.2``.

    If any is named otherwise, nothing is read out of the names.
    """
    found = [re.fullmatch(r"(\d+\.\d+)(?:mz|m/z)?(?:__|/|@|_)(\d+(?:\.\d+)?)(?:rt|min|s)?", name) for name in names]
    if not found or not all(found):
        return {}
    return {
        "mz": [match.group(1) for match in found if match],
        "rt": [match.group(2) for match in found if match],
    }

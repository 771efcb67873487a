"""Tables of MZmine: the export for GNPS (`X.mzML Peak area`) and the modular one (`datafile:X.mzML:area`)."""

import re
from pathlib import Path

import numpy as np

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.feature_table import DETECTED, FORCED
from gutaxis.metabolome.tables.cells import Grid, column_of, need_column, problem, read_grid
from gutaxis.metabolome.tables.found import Found
from gutaxis.metabolome.tables.names import known_name, plain_adduct
from gutaxis.metabolome.tables.options import Options

_PEAK = re.compile(r"(.+?)(?: filtered)? Peak (area|height|status)", re.IGNORECASE)
_DATAFILE = re.compile(r"datafile:(.+):(area|height|feature_state)", re.IGNORECASE)
IDS, MZ, RT = ("row ID", "id"), ("row m/z", "mz"), ("row retention time", "rt")
#: Column -> where MZmine may have it, the best place first.
ABOUT = {
    "name": (
        "compound_name", "spectral_db_matches:compound_name", "compound_db_identity:compound_name",
        "row identity (main ID)",
    ),
    "formula": ("spectral_db_matches:mol_formula", "compound_db_identity:mol_formula", "formulas:formulas"),
    "smiles": ("spectral_db_matches:smiles", "compound_db_identity:smiles"),
    "inchikey": ("compound_db_identity:inchi_key", "spectral_db_matches:inchi_key"),
    "adduct": ("ion_identities:ion_identities", "best ion", "spectral_db_matches:ion_adduct"),
    "group": ("ion_identities:iin_id", "annotation network number", "correlation group ID"),
    "charge": ("charge",),
}  # fmt: skip
#: Words of MZmine for a value that gap filling put in.
_FILLED = frozenset({"estimated"})


def read_mzmine(*, path: Path, options: Options) -> Found:
    """Read a table of MZmine: retention times in minutes; 0 and empty cells are no peak; areas before heights.

    Values that gap filling put in (status ``ESTIMATED``, where the table has it) get the state ``forced``.

    Raises
    ------
    GutaxisError
        M82 a column is missing: id, m/z, retention time, or any of areas or heights.
    """
    table = read_grid(path=path, sheet=options.sheet, delimiter=options.delimiter)
    header, body = table.rows[0], table.rows[1:]
    where = {"file": table.file, "line": table.lines[0], "table_format": "mzmine"}
    key, mz, rt = (need_column(header=header, names=names, **where) for names in (IDS, MZ, RT))
    columns = _columns(header)
    quantity = options.quantity or ("area" if columns["area"] else "height")
    samples = columns[quantity]
    if not samples:
        raise GutaxisError(
            problem(
                code="M82", file=table.file, line=table.lines[0], value=options.quantity,
                wrong="the header has no column of peak areas or heights" if not options.quantity
                else f"the header has no column of {quantity}s",
                allowed="`X.mzML Peak area`, `X.mzML Peak height`, `datafile:X.mzML:area`, `datafile:X.mzML:height`",
                mend="Export the table with areas or heights, or correct `quantity`",
            )
        )  # fmt: skip
    features: dict[str, list[object]] = {
        "mz": [row[mz] for row in body],
        "rt": [row[rt] for row in body],
    }
    for column, sources in ABOUT.items():
        at = column_of(header=header, names=sources)
        if at is not None:
            features[column] = [_about(column, row[at]) for row in body]
    return Found(
        rt_factor=options.seconds(default="minutes"),
        file=table.file, samples=[name for name, _ in samples], ids=[row[key] for row in body], lines=table.lines[1:],
        cells=[[row[at] for _, at in samples] for row in body], features=features, unit=f"peak {quantity}",
        state=_states(table, samples, dict(columns["state"])),
    )  # fmt: skip


def _columns(header: list[str]) -> dict[str, list[tuple[str, int]]]:
    """Return kind (area, height, state) -> sample names and their columns."""
    found: dict[str, list[tuple[str, int]]] = {"area": [], "height": [], "state": []}
    for at, cell in enumerate(header):
        match = _PEAK.fullmatch(cell) or _DATAFILE.fullmatch(cell)
        if match:
            kind = match.group(2).lower()
            found[kind if kind in found else "state"].append((match.group(1), at))
    return found


def _states(table: Grid, samples: list[tuple[str, int]], states: dict[str, int]) -> np.ndarray | None:
    """Return detected or forced for each cell, if the table tells."""
    if not states:
        return None
    return np.array(
        [
            [FORCED if name in states and row[states[name]].lower() in _FILLED else DETECTED for name, _ in samples]
            for row in table.rows[1:]
        ],
        dtype=object,
    )


def _about(column: str, entry: str) -> str | None:
    if column == "name":
        return known_name(entry)
    return plain_adduct(entry) if column == "adduct" else entry

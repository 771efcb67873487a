"""The panel: compounds of the axis with formula, InChIKey and ChEBI id; the ions they make; the lab's reference times.

The tracked panel is ``resources/metabolites/panel.tsv``; a lab adds compounds in a table of the same form, of which
only ``name`` and ``formula`` are required.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from gutaxis.errors import GutaxisError, Problem, raise_if_errors
from gutaxis.files import open_text
from gutaxis.metabolome.masses import ADDUCTS, MODES, Adduct, fits, ion_mz, parse_adduct, parse_formula

REQUIRED = ("name", "formula")
OPTIONAL = (
    "charge", "inchikey", "chebi", "class", "origin", "assay", "role", "isomers", "chebi_name", "checked", "smiles",
)  # fmt: skip
#: Where a compound comes from; what an assay must be to see it.
ORIGINS = ("microbial", "host", "both", "diet")
ASSAYS = ("lcms", "derivatised")
REFERENCE_COLUMNS = ("name", "mode", "rt")
_INCHIKEY = re.compile(r"[A-Z]{14}-[A-Z]{8}[SN]A-[A-Z]")
_CHEBI = re.compile(r"CHEBI:[1-9]\d*")
_MISSING = ("", "NA")
#: Cells by column; None for an empty one.
Row = Mapping[str, str | None]


def read_panel(*, paths: Path | Sequence[Path]) -> pd.DataFrame:
    """Read one panel or several; all mistakes are told together.

    Parameters
    ----------
    paths
        Tab-separated tables with the columns ``name`` and ``formula`` and any of :data:`OPTIONAL`.

    Returns
    -------
    pandas.DataFrame
        Index ``name``, in the order of the files: formula, charge (int), the other columns as text, None if not given.

    Raises
    ------
    GutaxisError
        M62: a column is missing, a cell cannot be used, or a compound occurs twice (by name, ChEBI id or InChIKey).
    """
    rows: list[dict[str, str | int | None]] = []
    problems: list[Problem] = []
    seen: dict[tuple[str, str], str] = {}
    for path in [paths] if isinstance(paths, Path) else paths:
        for line, row in table_rows(path=path, required=REQUIRED, code="M62"):
            found = [*_wrong_cells(path, line, row), *_repeated(path, line, row, seen)]
            problems += found
            if not found:
                rows.append({"name": row["name"], "formula": row["formula"], **_optional(row)})
    raise_if_errors(problems)
    return pd.DataFrame(rows, columns=[*REQUIRED, *OPTIONAL]).set_index("name").astype({"charge": int})


def panel_ions(*, panel: pd.DataFrame, mode: str, adducts: Sequence[Adduct] = ADDUCTS) -> pd.DataFrame:
    """Return every ion that the compounds can make in a mode.

    Returns
    -------
    pandas.DataFrame
        name, formula, adduct, common, copies, charge (signed, of the ion), mz; sorted by m/z, then name.
    """
    if mode not in MODES:
        raise ValueError(f"mode {mode!r} is not one of {MODES}")
    ions = [
        (row.Index, row.formula, adduct.name, adduct.common, adduct.copies, adduct.charge,
         ion_mz(formula=row.formula, adduct=adduct, charge=row.charge))
        for row in panel.itertuples()
        for adduct in adducts
        if adduct.mode == mode and fits(formula=row.formula, adduct=adduct, charge=row.charge)
    ]  # fmt: skip
    columns = ["name", "formula", "adduct", "common", "copies", "charge", "mz"]
    return pd.DataFrame(ions, columns=columns).sort_values(["mz", "name", "adduct"], ignore_index=True)


def isomers(*, panel: pd.DataFrame) -> dict[str, list[str]]:
    """Return for each compound what m/z cannot tell from it: panel compounds of its formula, then its known isomers."""
    keys = list(zip(panel["formula"], panel["charge"], strict=True))
    groups: dict[tuple[str, int], list[str]] = {}
    for name, key in zip(panel.index, keys, strict=True):
        groups.setdefault(key, []).append(name)
    result = {}
    for name, key, others in zip(panel.index, keys, panel["isomers"], strict=True):
        same = sorted(other for other in groups[key] if other != name)
        known = [other for other in (others.split(";") if others else []) if other and other not in same]
        result[name] = [*same, *known]
    return result


def read_references(*, path: Path, panel: pd.DataFrame) -> pd.DataFrame:
    """Read the lab's reference standards: when it saw which compound, measured pure with this column and gradient.

    Parameters
    ----------
    path
        Tab-separated: ``name`` (of the panel), ``mode`` (positive or negative), ``rt`` (seconds), and optionally
        ``adduct``; without it the time holds for all ions of the compound.

    Returns
    -------
    pandas.DataFrame
        name, mode, rt (float, seconds), adduct (None = any); sorted.

    Raises
    ------
    GutaxisError
        M63: a cell cannot be used, or the compound is not in the panel.
    """
    problems, rows = [], []
    for line, row in table_rows(path=path, required=REFERENCE_COLUMNS, code="M63"):
        found = list(_wrong_reference(path, line, row, panel))
        problems += found
        if not found:
            adduct = row.get("adduct")
            rows.append((row["name"], row["mode"], float(row["rt"] or ""), adduct))
    raise_if_errors(problems)
    table = pd.DataFrame(rows, columns=["name", "mode", "rt", "adduct"])
    return table.sort_values(["name", "mode", "rt"], ignore_index=True)


def table_rows(*, path: Path, required: Sequence[str], code: str) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Yield the rows of a small TSV with their line numbers; ``NA`` and empty cells are None.

    Lines that begin with ``#`` are comments.

    Raises
    ------
    GutaxisError
        With ``code``: a required column is missing, or a column occurs twice.
    """
    with open_text(path) as handle:
        lines = handle.read().splitlines()
    body = [(number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    header = body[0][1].split("\t") if body else []
    missing = [column for column in required if column not in header]
    if missing or len(set(header)) < len(header):
        wrong = f"columns are missing: {', '.join(missing)}" if missing else "a column occurs twice"
        place = (path, body[0][0] if body else 1, None)
        raise GutaxisError(_problem(code, place, None, wrong, f"Needed: {', '.join(required)}"))
    reader = csv.reader(io.StringIO("\n".join(line for _, line in body[1:])), delimiter="\t", quoting=csv.QUOTE_NONE)
    for (number, _), cells in zip(body[1:], reader, strict=True):
        padded = [cell.strip() for cell in cells] + [""] * (len(header) - len(cells))
        yield number, {key: None if cell in _MISSING else cell for key, cell in zip(header, padded, strict=False)}


def _optional(row: Row) -> dict[str, str | int | None]:
    return {key: int(row.get(key) or 0) if key == "charge" else row.get(key) for key in OPTIONAL}


def _wrong_cells(path: Path, line: int, row: Row) -> Iterator[Problem]:
    """Yield what is wrong within one row of a panel."""
    for column in REQUIRED:
        if row[column] is None:
            yield _problem("M62", (path, line, column), None, f"{column} is empty", "Every compound has both")
    if row["formula"]:
        try:
            parse_formula(formula=row["formula"])
        except GutaxisError as error:
            inner = error.problems[0]
            yield _problem("M62", (path, line, "formula"), row["formula"], inner.wrong, inner.allowed)
    if row["name"] and ";" in row["name"]:
        yield _problem(
            "M62", (path, line, "name"), row["name"], "A name holds a semicolon", "Semicolons separate names"
        )
    checks = {
        "charge": (re.compile(r"-?[0-3]"), "A whole number from -3 to 3; 0 for all but permanent ions"),
        "inchikey": (_INCHIKEY, "A standard InChIKey of 27 characters"),
        "chebi": (_CHEBI, "CHEBI: and a number"),
        "origin": (re.compile("|".join(ORIGINS)), f"One of {', '.join(ORIGINS)}"),
        "assay": (re.compile("|".join(ASSAYS)), f"One of {', '.join(ASSAYS)}"),
    }
    for column, (pattern, allowed) in checks.items():
        value = row.get(column)
        if value is not None and not pattern.fullmatch(value):
            yield _problem("M62", (path, line, column), value, f"This is no {column} that can be used", allowed)


def _repeated(path: Path, line: int, row: Row, seen: dict[tuple[str, str], str]) -> Iterator[Problem]:
    """Yield a problem for each identity that an earlier row has, and remember this row's."""
    for column in ("name", "chebi", "inchikey"):
        value = row.get(column)
        if value is None:
            continue
        key = (column, value.casefold())
        if key in seen:
            yield _problem("M62", (path, line, column), value, f"It also stands in {seen[key]}", "Each compound once")
        seen.setdefault(key, f"{path.name}:{line}")


def _wrong_reference(path: Path, line: int, row: Row, panel: pd.DataFrame) -> Iterator[Problem]:
    """Yield what is wrong within one row of a table of reference times."""
    if row["name"] not in panel.index:
        yield _problem("M63", (path, line, "name"), row["name"], "No panel has this compound", "A name of the panel")
    if row["mode"] not in MODES:
        yield _problem("M63", (path, line, "mode"), row["mode"], "This is no mode", f"One of {', '.join(MODES)}")
    if not re.fullmatch(r"\d+(\.\d+)?", row["rt"] or ""):
        yield _problem(
            "M63", (path, line, "rt"), row["rt"], "This is no retention time", "Seconds, as a number above 0"
        )
    if adduct := row.get("adduct"):
        try:
            parse_adduct(name=adduct)
        except GutaxisError as error:
            inner = error.problems[0]
            yield _problem("M63", (path, line, "adduct"), adduct, inner.wrong, inner.allowed)


def _problem(code: str, place: tuple[Path, int, str | None], value: str | None, wrong: str, allowed: str) -> Problem:
    path, line, column = place
    return Problem(code, Path(path).name, line, column, value, wrong, allowed, "Correct this line of the table")

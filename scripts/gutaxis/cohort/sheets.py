"""Reading a sheet as text, with the line of every row, and telling the user what keeps it from being read."""

from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.cohort.vocabulary import MISSING, NEVER_EMPTY
from gutaxis.errors import GutaxisError, Problem

MAX_RAGGED = 20


def read_sheet(*, path: Path, sheet: str, label: str | None = None) -> pd.DataFrame:
    """Read a tab-separated sheet.

    Parameters
    ----------
    path
        The file. A byte-order mark, Windows and old Macintosh line ends, quoted cells, blanks around a cell, empty
        lines, and empty cells or columns at the right end (all of them made by spreadsheets) are no problem.
    sheet
        Its kind, such as ``samples``: decides whether it may have no rows.
    label
        Its name in messages; the file's name by default.

    Returns
    -------
    pandas.DataFrame
        Text cells, NaN where empty or ``NA``; ``_file`` and ``_line`` say where a row stands (the header is line 1).

    Raises
    ------
    GutaxisError
        E21, if the file is absent, empty, not UTF-8 text, has a header twice, or rows of another length.
    """
    name = label or Path(path).name
    lines = [line.split("\t") for line in _text(path=Path(path), name=name).split("\n")]
    rows = [(number, [_clean(cell) for cell in cells]) for number, cells in enumerate(lines, start=1)]
    rows = [(number, cells) for number, cells in rows if any(cells)]
    if not rows:
        raise GutaxisError(_problem(name, None, "The sheet is empty", "A header line is needed", "Fill the sheet"))
    (header_line, header), body = rows[0], rows[1:]
    while header and not header[-1]:
        header.pop()
    problems = _header_problems(name, header_line, header)
    ragged = []
    for number, cells in body:
        while len(cells) > len(header) and not cells[-1]:
            cells.pop()
        if len(cells) != len(header):
            ragged.append((number, len(cells)))
    for number, found in ragged[:MAX_RAGGED]:
        wrong = f"The row has {found} cells, the header {len(header)}"
        problems.append(_problem(name, number, wrong, "One cell for every column, tabs between", "Add or remove tabs"))
    if len(ragged) > MAX_RAGGED:
        wrong = f"{len(ragged) - MAX_RAGGED} more rows have the wrong number of cells"
        problems.append(_problem(name, ragged[MAX_RAGGED][0], wrong, "One cell for every column", "Mend them alike"))
    if not body and sheet in NEVER_EMPTY:
        wrong = "The sheet has a header but no rows"
        problems.append(_problem(name, header_line, wrong, f"At least one row of {sheet}", "Add the rows"))
    if problems:
        raise GutaxisError(problems)
    cells = [[np.nan if cell in MISSING else cell for cell in cells] for _, cells in body]
    table = pd.DataFrame(cells, columns=header, dtype=object)
    table.attrs["file"] = name
    table["_file"] = name
    table["_line"] = [number for number, _ in body]
    return table


def _problem(name: str, line: int | None, wrong: str, allowed: str, mend: str, *, column: str | None = None) -> Problem:
    return Problem("E21", name, line, column, None, wrong, allowed, mend)


def _text(*, path: Path, name: str) -> str:
    """Return the file's text with LF line ends and no byte-order mark."""
    if not path.is_file():
        wrong = "This is a folder" if path.is_dir() else "The file does not exist"
        allowed = "Paths in the config are relative to the folder in which Snakemake is started"
        raise GutaxisError(_problem(name, None, f"{wrong} ({path})", allowed, "Correct the path in the config"))
    try:
        data = path.read_bytes()
    except OSError as error:
        wrong = f"The file cannot be read ({error.strerror})"
        raise GutaxisError(_problem(name, None, wrong, "A readable file", "Check its permissions")) from error
    mend = "In the spreadsheet choose `Text (tab delimited)` or CSV with tabs, encoding UTF-8"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data:
        wrong = "The file holds NUL bytes: it is a spreadsheet, compressed, or UTF-16"
        raise GutaxisError(_problem(name, None, wrong, "Plain text in UTF-8", mend))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        wrong = f"Byte {data[error.start]:#04x} is not UTF-8"
        raise GutaxisError(_problem(name, line, wrong, "Plain text in UTF-8", mend)) from error
    # Not str.splitlines: it would also break lines at characters that may stand inside a cell.
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _clean(cell: str) -> str:
    """Strip blanks, and the quotes that spreadsheets put around a cell with a comma."""
    cell = cell.strip()
    if len(cell) >= 2 and cell[0] == cell[-1] == '"':
        cell = cell[1:-1].replace('""', '"').strip()
    return cell


def _header_problems(name: str, line: int, header: list[str]) -> list[Problem]:
    problems = []
    if len(header) == 1 and any(sign in header[0] for sign in ",;"):
        wrong = "The header has commas or semicolons and no tab"
        problems.append(_problem(name, line, wrong, "Cells are separated by tabs", "Save the sheet with tabs"))
    for column in sorted({column for column in header if column and header.count(column) > 1}):
        wrong = f"The column stands {header.count(column)} times in the header"
        problems.append(_problem(name, line, wrong, "Every column once", "Remove or rename one", column=column))
    for place, column in enumerate(header, start=1):
        if not column:
            wrong = f"Column {place} has no header"
            problems.append(_problem(name, line, wrong, "Every column has a name", "Name it or remove it"))
        elif column.startswith("_"):
            wrong = "A column's name must not begin with an underscore"
            problems.append(_problem(name, line, wrong, "A letter first", "Rename it", column=column))
    return problems

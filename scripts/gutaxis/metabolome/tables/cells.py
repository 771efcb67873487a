"""A file as rows of text: separated text of any encoding in use, gzipped or not, and worksheets of a workbook."""

import csv
import gzip
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from gutaxis.errors import GutaxisError, Problem
from gutaxis.layers.names import some

WORKBOOKS = frozenset({".xlsx", ".xlsm"})
_SIGNS = {"comma": ",", "semicolon": ";", "tab": "\t"}
_LARGEST_CELL = 2**24


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Rows of text, all of the same length, without empty rows; numbers of the lines they come from (from 1)."""

    file: str
    rows: list[list[str]]
    lines: list[int]


def problem(
    *, code: str, file: str, wrong: str, allowed: str, mend: str, line: int | None = None,
    column: str | None = None, value: object = None,
) -> Problem:  # fmt: skip
    """Return a finding about a table."""
    return Problem(code, file, line, column, None if value is None else str(value), wrong, allowed, mend)


def read_text(*, path: Path) -> str:
    """Return a text file: UTF-8, UTF-16 with its mark, else the Windows code page; all line ends alike.

    Raises
    ------
    GutaxisError
        M80 no such file, or no text.
    """
    if not path.is_file():
        raise _unreadable(path, "there is no such file", "Correct the path; it is relative to where snakemake is run")
    data = path.read_bytes()
    try:
        data = gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError) as error:
        raise _unreadable(path, f"the file cannot be unpacked ({error})", "Copy it again from its source") from error
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n")
    raise _unreadable(path, "the file is not text", "Save it as text in UTF-8, or correct the path or the format")


def read_grid(*, path: Path, sheet: str | None = None, delimiter: str | None = None, heads: int = 1) -> Grid:
    """Read a table as text.

    Parameters
    ----------
    path
        Text or workbook; text also gzipped.
    sheet
        Worksheet; may be left out if the workbook has one only.
    delimiter
        comma, semicolon or tab; found in the first lines if not given.
    heads
        Rows above the values; these may be shorter than the others. A single one that is one cell short lacks the
        name of the first column, as R writes it.

    Raises
    ------
    GutaxisError
        M80 unreadable; M82 no such sheet; M88 rows of different lengths; M89 nothing in it.
    """
    if path.suffix.lower() in WORKBOOKS:
        sheets = read_workbook(path=path)
        if sheet is None and len(sheets) == 1:
            sheet = next(iter(sheets))
        if sheet not in sheets:
            raise GutaxisError(no_sheet(file=path.name, sheet=sheet, sheets=sheets))
        return sheets[sheet]
    text = read_text(path=path)
    sign = _SIGNS[delimiter] if delimiter else _delimiter(text)
    return _grid(file=path.name, rows=_split(text, sign), heads=heads)


def _grid(*, file: str, rows: list[tuple[int, list[str]]], heads: int) -> Grid:
    """Return numbered rows without the empty ones; empty columns at the right end are taken off."""
    kept = [(line, [cell.strip() for cell in row]) for line, row in rows if any(cell.strip() for cell in row)]
    if not kept:
        raise GutaxisError(
            problem(
                code="M89", file=file, wrong="there is nothing in it", allowed="A header and at least one row",
                mend="Export the table again",
            )
        )  # fmt: skip
    width = max(max(at for at, cell in enumerate(row) if cell) + 1 for _, row in kept)
    if heads == 1 and all(len(row) == len(kept[0][1]) + 1 for _, row in kept[1:]):
        kept[0] = (kept[0][0], ["", *kept[0][1]])
    if short := [line for line, row in kept[heads:] if len(row) < width]:
        raise GutaxisError(
            problem(
                code="M88", file=file, line=short[0], wrong=f"{len(short)} row(s) are shorter than the others",
                allowed=f"{width} cells in each row",
                mend="Look for a cut-off file, for line breaks in cells and for unquoted separators",
            )
        )  # fmt: skip
    rows_kept = [row[:width] + [""] * (width - len(row)) for _, row in kept]
    return Grid(file=file, rows=rows_kept, lines=[line for line, _ in kept])


def read_workbook(*, path: Path) -> dict[str, Grid]:
    """Return the worksheets of a workbook that are not empty, in their order; formulas by their stored results.

    Raises
    ------
    GutaxisError
        M80 no such file, or no workbook; M89 nothing in it.
    """
    if not path.is_file():
        raise _unreadable(path, "there is no such file", "Correct the path; it is relative to where snakemake is run")
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, OSError) as error:
        mend = "Open it in a spreadsheet program and save it as .xlsx"
        raise _unreadable(path, "the file is no workbook (.xlsx)", mend) from error
    sheets = {}
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # some writers store a wrong size, and cells beyond it would be lost
        rows = [(line, [_cell(value) for value in row]) for line, row in enumerate(sheet.values, start=1)]
        if any(any(row) for _, row in rows):
            longest = max(len(row) for _, row in rows)  # rows end with their last cell that is filled
            full = [(line, row + [""] * (longest - len(row))) for line, row in rows]
            sheets[sheet.title] = _grid(file=f"{path.name}[{sheet.title}]", rows=full, heads=0)
    book.close()
    if not sheets:
        raise _unreadable(path, "the workbook is empty", "Export the table again", code="M89")
    return sheets


def no_sheet(*, file: str, sheet: str | None, sheets: Iterable[str]) -> Problem:
    """Return the finding that a worksheet has to be named, or named otherwise."""
    return problem(
        code="M82", file=file, value=sheet, mend="Set `sheet` of the table",
        wrong="the workbook has several sheets" if sheet is None else "the workbook has no such sheet",
        allowed=f"One of: {', '.join(sheets)}",
    )  # fmt: skip


def column_of(*, header: Sequence[str], names: Iterable[str]) -> int | None:
    """Return where the first of the names that occurs stands in a header, whatever its capitals; None if nowhere."""
    low = [cell.lower() for cell in header]
    return next((low.index(name.lower()) for name in names if name.lower() in low), None)


def need_column(*, header: Sequence[str], names: Sequence[str], file: str, line: int, table_format: str) -> int:
    """Return where the first of the names stands in a header.

    Raises
    ------
    GutaxisError
        M82 if none of them does.
    """
    found = column_of(header=header, names=names)
    if found is not None:
        return found
    raise GutaxisError(
        problem(
            code="M82", file=file, line=line, column=names[0], value=some([cell for cell in header if cell]),
            wrong=f"the header lacks this column: it is no table of format {table_format}",
            allowed=f"A column {' or '.join(names)}", mend="Correct the format, or export the table again in full",
        )
    )  # fmt: skip


def _cell(value: object) -> str:
    if value is None:
        return ""
    return str(value).upper() if isinstance(value, bool) else str(value)


def _delimiter(text: str) -> str:
    """Return what separates cells: the sign that most of the first lines have equally often, outside of quotes.

    A comma is tried last: it may be a decimal sign, and stands in the names of compounds.
    """
    lines = [_outside(line) for line in text.split("\n")[:20] if line.strip() and not line.startswith("#")]
    if any("\t" in line for line in lines):
        return "\t"
    counts = [line.count(";") for line in lines]
    return ";" if any(counts) and 2 * counts.count(max(counts)) > len(counts) else ","


def _outside(line: str) -> str:
    """Return what of a line is not in quotes."""
    return "".join(line.split('"')[::2])


def _split(text: str, sign: str) -> list[tuple[int, list[str]]]:
    lines = text.split("\n")
    first = 0  # lines of comment above the header
    while first < len(lines) and lines[first].startswith("#") and sign not in lines[first]:
        first += 1
    if sign == "\t":  # names of compounds hold lone quotation marks; programs that write tabs hardly quote
        return [
            (at, [_unquoted(cell) for cell in line.split(sign)]) for at, line in enumerate(lines[first:], first + 1)
        ]
    csv.field_size_limit(_LARGEST_CELL)
    reader = csv.reader(lines[first:], delimiter=sign)
    return [(reader.line_num + first, row) for row in reader]


def _unquoted(cell: str) -> str:
    return cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def _unreadable(path: Path, wrong: str, mend: str, *, code: str = "M80") -> GutaxisError:
    allowed = "A text table (.csv, .tsv, .txt, .mztab, .json, also .gz) or a workbook (.xlsx)"
    return GutaxisError(problem(code=code, file=path.name, wrong=wrong, allowed=allowed, mend=mend))

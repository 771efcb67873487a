"""Numbers of the report's sentences: each carries the file, the rows and the column it was read from.

A sentence never prints a number that was typed or computed beside the tables: :func:`cell` and :func:`total` read it
from a table and write an HTML ``data`` element that says where it stands. A test opens the finished page, looks each of
them up again and compares.
"""

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from gutaxis.report.sources import Results

#: Column, relation, value: a row counts if all hold. ``in`` takes a list; ``known`` and ``missing`` take None.
Condition = tuple[str, str, Any]
RELATIONS = {
    "==": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
    "in": lambda column, value: column.isin(value),
    "known": lambda column, value: column.notna(),
    "missing": lambda column, value: column.isna(),
}
#: What one number is of the rows that count.
TOTALS = ("rows", "distinct", "sum", "min", "median", "max")

STYLES = {
    "integer": lambda number: f"{round(number):,}",
    "percent": lambda number: f"{100 * number:.0f} %",
    "signed": lambda number: f"{number:+.2f}",
    "two": lambda number: f"{number:.2f}",
    "p": lambda number: "< 0.001" if number < 0.001 else f"{number:.2g}",
    "short": lambda number: f"{number:.3g}",
}


def formatted(*, value: Any, style: str) -> str:
    """Return a value as it is printed.

    Parameters
    ----------
    value
        Number or word; a missing one becomes ``not estimable``.
    style
        ``text``, or a name of :data:`STYLES`: ``integer``; ``percent`` of a fraction, no decimals; ``signed`` and
        ``two``: two decimals, with and without sign; ``p``: two significant digits, ``< 0.001`` below that;
        ``short``: three significant digits.
    """
    if value is None or pd.isna(value):
        return "not estimable"
    return str(value) if style == "text" else STYLES[style](float(value)).replace("-", "\u2212")


def chosen(*, table: pd.DataFrame, where: Sequence[Condition]) -> pd.DataFrame:
    """Return the rows of a table for which every condition holds; a missing value fulfils only ``missing`` and ``!=``.

    Parameters
    ----------
    table
        Any table.
    where
        Conditions, joined by and.
    """
    keep = pd.Series(True, index=table.index)
    for column, relation, value in where:
        keep &= RELATIONS[relation](table[column], value).fillna(False).astype(bool)
    return table[keep]


def cell(*, results: Results, source: str, where: Sequence[Condition], column: str, style: str) -> Markup:
    """Return the value of the one row that the conditions single out.

    Parameters
    ----------
    results, source
        The table it is read from.
    where
        Conditions that exactly one row fulfils.
    column
        Column to read.
    style
        As :func:`formatted`.

    Raises
    ------
    ValueError
        If the conditions leave no row or more than one: a defect of the caller.
    """
    rows = chosen(table=results.table(source), where=where)
    if len(rows) != 1:
        raise ValueError(f"{source}: {len(rows)} rows fulfil {where}, one is needed")
    return _marked(value=rows[column].iloc[0], what="cell", source=source, where=where, column=column, style=style)


def total(
    *,
    results: Results,
    source: str,
    where: Sequence[Condition] = (),
    what: str = "rows",
    column: str = "",
    style: str = "integer",
) -> Markup:
    """Return one number over the rows that fulfil the conditions.

    Parameters
    ----------
    results, source
        The table.
    where
        Conditions; none for all rows.
    what
        One of :data:`TOTALS`.
    column
        Needed by all but ``rows``.
    style
        As :func:`formatted`.
    """
    rows = chosen(table=results.table(source), where=where)
    return _marked(
        value=total_value(rows=rows, what=what, column=column),
        what=what, source=source, where=where, column=column, style=style,
    )  # fmt: skip


def total_value(*, rows: pd.DataFrame, what: str, column: str) -> Any:
    """Return the plain number behind :func:`total`."""
    if what not in TOTALS:
        raise ValueError(f"{what} is none of {', '.join(TOTALS)}")
    if what == "rows":
        return len(rows)
    if what == "distinct":
        return rows[column].nunique()
    return getattr(rows[column], what)()


def sentence(text: str, /, **parts: Any) -> Markup:
    """Return a sentence with its numbers; every part that is no number of this module is escaped.

    Parameters
    ----------
    text
        Words of this package with ``{names}`` of the parts. It holds no digit of a result.
    **parts
        Numbers of :func:`cell` and :func:`total`, or words of the data, which are marked as such.

    Raises
    ------
    TypeError
        If a part is a bare number: nobody could say where it came from.
    """
    return Markup(text).format(**{name: _word(part) for name, part in parts.items()})


def listed(words: Sequence[str]) -> Markup:
    """Return words as an enumeration: ``a, b and c``; escaped."""
    parts = [_word(word) for word in words]
    if len(parts) < 2:
        return Markup("").join(parts)
    return Markup(", ").join(parts[:-1]) + Markup(" and ") + parts[-1]


def _word(part: Any) -> Markup:
    if isinstance(part, Markup):
        return part
    if not isinstance(part, str):
        raise TypeError(f"{part!r} is no word; numbers of a sentence come from cell() or total()")
    return Markup('<span class="name">{}</span>').format(part)


def _marked(*, value: Any, what: str, source: str, where: Sequence[Condition], column: str, style: str) -> Markup:
    plain = value.item() if hasattr(value, "item") else value
    return Markup(
        '<data value="{value}" data-what="{what}" data-source="{source}" data-where="{where}" data-column="{column}"'
        ' data-style="{style}">{text}</data>'
    ).format(
        value="NA" if plain is None or pd.isna(plain) else plain, what=what, source=source,
        where=json.dumps([list(condition) for condition in where], ensure_ascii=False), column=column, style=style,
        text=formatted(value=plain, style=style),
    )  # fmt: skip

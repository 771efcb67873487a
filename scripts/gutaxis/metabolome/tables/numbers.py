"""Cells of text to numbers: what is missing, what lies below the limit of detection, and what is no intensity."""

import re
from collections.abc import Callable, Sequence

import numpy as np

from gutaxis.errors import Problem
from gutaxis.layers.table import MISSING
from gutaxis.metabolome.tables.cells import problem

#: `<LOD`, `< 0.05`, `BLQ`, `n.d.`: measured, and too little to be told. Missing, and counted.
BELOW = re.compile(r"<\s*(l?lo[dq]|[0-9.,]+(e[+-]?\d+)?)|blq|bloq|blod|bld|bql|bdl|nd|n\.d\.|nq|n\.q\.", re.IGNORECASE)
#: Logarithm -> factor that turns it into log2.
TO_LOG2 = {"log2": 1.0, "ln": 1.0 / np.log(2.0), "log10": np.log2(10.0)}
MOST_PROBLEMS = 20

Place = Callable[[int, int], tuple[int | None, str]]


def parse(
    *, cells: Sequence[Sequence[str]], file: str, place: Place, decimal: str = ".", logarithm: bool = False
) -> tuple[np.ndarray, np.ndarray, list[Problem]]:
    """Turn cells into numbers.

    Parameters
    ----------
    cells
        Features x samples.
    file
        Name for the messages.
    place
        (feature, sample) -> line and column of a cell in the file.
    decimal
        Decimal sign.
    logarithm
        Whether negative numbers are allowed.

    Returns
    -------
    tuple
        Values (float, NaN = missing), how many cells of each feature lie below its limit, and at most
        :data:`MOST_PROBLEMS` findings (M83 text, M84 negative or infinite).
    """
    values = np.full((len(cells), len(cells[0]) if cells else 0), np.nan)
    below = np.zeros(len(cells), dtype=int)
    problems: list[Problem] = []
    for feature, row in enumerate(cells):
        quick = _plain_row(row, logarithm) if decimal == "." else None
        if quick is not None:
            values[feature] = quick
            continue
        for sample, cell in enumerate(row):
            text = cell.strip()
            if text.lower() in MISSING:
                continue
            if BELOW.fullmatch(text):
                below[feature] += 1
                continue
            number = _number(text, decimal)
            if number is None or np.isinf(number) or (number < 0 and not logarithm):
                if len(problems) < MOST_PROBLEMS:
                    problems.append(_finding(text, number, decimal, file, place(feature, sample)))
                continue
            values[feature, sample] = number
    return values, below, problems


def _plain_row(row: Sequence[str], logarithm: bool) -> np.ndarray | None:
    """Return a row of which nothing has to be said, many times faster; None if any cell needs a closer look."""
    if any("_" in cell for cell in row):
        return None
    try:
        numbers = np.array([cell or "nan" for cell in row], dtype=float)
    except ValueError:
        return None
    sound = np.isnan(numbers) | (np.isfinite(numbers) & (logarithm | (numbers >= 0)))
    return numbers if sound.all() else None


def _number(text: str, decimal: str) -> float | None:
    """Return a number; None for text, also for what only Python takes for one (1_000)."""
    if decimal == ",":
        if "." in text:
            return None
        text = text.replace(",", ".")
    if "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _finding(text: str, number: float | None, decimal: str, file: str, place: tuple[int | None, str]) -> Problem:
    line, column = place
    if number is None:
        comma = decimal == "." and re.fullmatch(r"-?\d+,\d+(e[+-]?\d+)?", text, re.I)
        return problem(
            code="M83", file=file, line=line, column=column, value=text, wrong="the cell holds text",
            allowed=f"Numbers with `{decimal}` before the decimals; empty or NA if there is none; <LOD below a limit",
            mend='Set `decimal: ","` if this is a decimal comma; else correct the cell' if comma
            else "Correct the cell, or take columns that hold no intensities out of the table",
        )  # fmt: skip
    return problem(
        code="M84", file=file, line=line, column=column, value=text,
        wrong="an intensity is neither negative nor infinite", allowed="Finite numbers of 0 or more",
        mend="Give the values before centring or scaling; if they are logarithms, set `log` to their base",
    )  # fmt: skip

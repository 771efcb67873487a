r"""A table of numbers in a few numbers, so that two runs can be compared by tolerance without the other's table.

A cell with the value :math:`x` of one run agrees with :math:`y` of the other if
:math:`|x - y| \le \mathrm{atol} + \mathrm{rtol}\,|y|`. Values are first put on a scale on which this is one distance
for all sizes of numbers::

    g(x) = asinh(x / f),   f = atol / rtol

Near 0 it is linear, far from 0 it is a logarithm. Two cells further apart than the tolerance differ by at least
rtol / (1 + rtol) on it. (Its slope is 1 / sqrt(x^2 + f^2) >= 1 / (|x| + f); from y towards 0 the mean slope is at least
1 / (|y| + f), which gives rtol; away from 0 at least 1 / ((|y| + f)(1 + rtol)).)

A column of n cells is then told by K projections ``sum_i w_i g(x_i)``. The weights have a random sign and a size drawn
evenly from 0.5 to 1.5; they come from a fixed seed and depend only on K, the number of the column and that of the row.
Two columns agree if each of their K projections differs by no more than ::

    limit = 0.5 * rtol / (1 + rtol)

What this finds: a column in which ONE cell is outside the tolerance always fails, whatever the cell and the number of
rows, since its weight is at least 0.5. Where SEVERAL cells differ, their weighted differences could cancel: a given
cell that is m times the tolerance away leaves each projection undecided with a chance of at most 1 / (2 m), so the
whole difference is overlooked with at most (1 / (2 m))^K; K = 3 and m = 10 give 1.3e-4.

What it allows: n cells that each differ by a random relative error of size e move a projection by about e sqrt(n).
Rounding at the 10th digit in 100,000 rows is 1e-7 at most, a fifth of the limit at rtol = 1e-6. A table whose every
cell differs by nearly the tolerance fails although each cell would pass by itself: a pass is sound, a failure may be
too strict.

Missing values are part of the comparison by their place, and so is every cell that is no number: both by checksum.
Rows in another order are a difference.
"""

import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gutaxis.files import comments_above

#: Projections of a column.
PROJECTIONS = 3
#: Wider tables are told by so many groups of neighbouring columns; a difference is then told by group.
WIDEST = 24
SEED = 20240917
#: Decimals kept: the limit is about half of rtol, so this allows for rtol of 1e-8 and more.
DECIMALS = 9


def limit(*, rtol: float) -> float:
    """Return how far two projections of columns within the tolerance may differ; see the head of this module."""
    return 0.5 * rtol / (1 + rtol)


def fingerprint(*, path: Path, rtol: float, atol: float) -> dict[str, Any]:
    """Return the fingerprint of a table.

    Parameters
    ----------
    path
        TSV as this workflow writes it: lines of comment (``#``), a header, ``NA`` for missing; gzipped or not.
    rtol, atol
        Tolerance of a cell, both greater than 0.

    Returns
    -------
    dict
        ``rows``; ``tolerance`` [rtol, atol]; ``head``, digits of a checksum of the comments and column names;
        ``text``: column -> digits of a checksum of its cells; ``numbers``: column, or ``first..last`` of a group ->
        [number of missing values, digits of a checksum of their places, projections].
    """
    comments, table = _read(path=path)
    numeric = [name for name in table if _is_numeric(table[name])]
    head = _digits("\n".join([*comments, "\t".join(table.columns)]).encode())
    text = {name: _digits("\n".join(map(str, table[name])).encode()) for name in table if name not in numeric}
    numbers = {}
    for names in _groups(numeric):
        label = names[0] if len(names) == 1 else f"{names[0]}..{names[-1]}"
        block = table[names].to_numpy(dtype=float)
        first = table.columns.get_loc(names[0])
        missing = np.isnan(block)
        places = _digits(np.packbits(missing).tobytes()) if missing.any() else ""
        projections = _project(block=np.where(missing, 0.0, block), scale=atol / rtol, first=int(first))
        numbers[label] = [int(missing.sum()), places, *projections]
    return {"rows": len(table), "tolerance": [rtol, atol], "head": head, "text": text, "numbers": numbers}


def compare(*, here: dict[str, Any], there: dict[str, Any]) -> list[dict[str, Any]]:
    """Return where two fingerprints differ by more than the tolerance; an empty list if nowhere.

    Parameters
    ----------
    here, there
        Of :func:`fingerprint`: this run's and the reference's.

    Returns
    -------
    list of dict
        ``column`` (None: the whole table), ``why``, and for numbers ``times_tolerance``: the largest difference of a
        projection as a multiple of the limit.
    """
    if here["tolerance"] != there["tolerance"]:
        told = " and ".join(f"rtol {rtol:g}, atol {atol:g}" for rtol, atol in (here["tolerance"], there["tolerance"]))
        return [_finding(None, f"the two were made for different tolerances: {told}")]
    if here["rows"] != there["rows"]:
        return [_finding(None, f"{here['rows']} rows, {there['rows']} in the reference")]
    kinds = [{name: kind for kind in ("text", "numbers") for name in table[kind]} for table in (here, there)]
    found = [_finding(name, "not in the reference") for name in kinds[0] if name not in kinds[1]]
    found += [_finding(name, "only in the reference") for name in kinds[1] if name not in kinds[0]]
    for name, kind in kinds[0].items():
        if kinds[1].get(name, kind) != kind:
            found.append(_finding(name, f"{kind} here, {kinds[1][name]} in the reference"))
    if not found and here["head"] != there["head"]:
        found.append(_finding(None, "the comment above the table or the order of columns differs"))
    for name in (name for name in here["text"] if name in there["text"]):
        if here["text"][name] != there["text"][name]:
            found.append(_finding(name, "text differs, or rows are in another order"))
    allowed = limit(rtol=here["tolerance"][0])
    for name in (name for name in here["numbers"] if name in there["numbers"]):
        mine, other = here["numbers"][name], there["numbers"][name]
        if mine[:2] != other[:2]:
            found.append(_finding(name, f"missing values differ: {mine[0]}, {other[0]} in the reference"))
            continue
        furthest = max(abs(a - b) for a, b in zip(mine[2:], other[2:], strict=True))
        # half a unit of the last decimal kept, of both
        if furthest > allowed + 10.0**-DECIMALS:
            found.append(_finding(name, "numbers differ by more than the tolerance", furthest / allowed))
    return found


def _finding(column: str | None, why: str, times: float | None = None) -> dict[str, Any]:
    return {"column": column, "why": why, "times_tolerance": None if times is None else float(f"{times:.3g}")}


def _digits(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _read(*, path: Path) -> tuple[list[str], pd.DataFrame]:
    comments = comments_above(path=path)
    try:
        table = pd.read_csv(
            path,
            sep="\t",
            skiprows=len(comments),
            keep_default_na=False,
            na_values=["NA"],
            float_precision="round_trip",
            low_memory=False,
        )
    except pd.errors.EmptyDataError:
        table = pd.DataFrame()
    return comments, table


def _is_numeric(column: pd.Series) -> bool:
    """Whether a column is compared as numbers: some cell is one, none is infinite or a word."""
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return False
    values = column.to_numpy(dtype=float)
    return bool(np.isfinite(values).any() and not np.isinf(values).any())


def _groups(names: list[str]) -> list[list[str]]:
    size = max(1, math.ceil(len(names) / WIDEST))
    return [names[start : start + size] for start in range(0, len(names), size)]


def _project(*, block: np.ndarray, scale: float, first: int) -> list[float]:
    """Return the projections of a block of columns, summed over them; ``first`` is the number of its first column."""
    total = np.zeros(PROJECTIONS)
    for offset in range(block.shape[1]):
        values = np.arcsinh(block[:, offset] / scale)
        # the raw stream of a bit generator, unlike what is drawn from it, is the same in every version of NumPy
        raw = np.random.PCG64([SEED, first + offset]).random_raw(len(values) * PROJECTIONS)
        size = 0.5 + (raw >> np.uint64(12)).astype(float) / 2.0**52
        weights = np.where(raw & np.uint64(1), size, -size).reshape(len(values), PROJECTIONS)
        total += (weights * values[:, None]).sum(axis=0)
    return [round(float(value), DECIMALS) + 0.0 for value in total]

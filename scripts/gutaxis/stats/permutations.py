"""Arrangements of rows or signs under a null hypothesis: drawn at random, or all of them where they are few.

A permutation test is only valid if its arrangements are equally likely under the null hypothesis *of that term*:

* ``time`` in pairs: PRE and POST of a patient may be swapped, which flips the sign of the difference
  (:func:`swap_within_patient`);
* ``response``, ``cohort`` and whatever else belongs to a patient: whole patients change places, inside their block
  (:func:`permute_rows` with one row per patient, :func:`permute_patients` with several);
* swapping inside patients says nothing about a term that belongs to patients: every arrangement gives the same F.

The observed arrangement is never among those returned. With b of k arrangements at least as extreme as the data
p = (b + 1) / (k + 1), which is exact where all arrangements were enumerated, and valid where they were drawn
(Phipson and Smyth 2010, Stat Appl Genet Mol Biol 9:39). Oracle: brute force in the tests; R permute and vegan.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import factorial, prod

import numpy as np

#: Statistics within this relative distance count as equal, so that rounding never decides a tie.
TIE = 1e-9


@dataclass(frozen=True, kw_only=True)
class Arrangements:
    """Arrangements of n rows.

    Parameters
    ----------
    order
        Shape (k, n): row ``order[i, j]`` of the model comes to row j in arrangement i. None: the order stays.
    signs
        Shape (k, n), 1 or -1: factor of row j. None: no signs change.
    exact
        Whether these are all arrangements (apart from the observed one) rather than a random sample.
    scheme
        How they were made, for the table.
    """

    order: np.ndarray | None
    signs: np.ndarray | None
    exact: bool
    scheme: str

    @property
    def count(self) -> int:
        """Number of arrangements, k."""
        chosen = self.order if self.order is not None else self.signs
        return 0 if chosen is None else len(chosen)


def p_value(*, observed: float, permuted: np.ndarray, tail: str = "greater") -> float:
    """Return (b + 1) / (k + 1), b = number of arrangements at least as extreme as the data, ties counted as extreme.

    Parameters
    ----------
    observed
        Statistic of the data; NaN gives NaN.
    permuted
        Shape (k,), statistic of each arrangement; NaN (no residual left) counts as extreme, which is conservative.
    tail
        ``greater``, ``less`` or ``two-sided`` (by absolute value, for statistics centred on 0).
    """
    if not np.isfinite(observed):
        return float("nan")
    permuted = np.asarray(permuted, dtype=float)
    if tail == "two-sided":
        observed, permuted = abs(observed), np.abs(permuted)
    elif tail == "less":
        observed, permuted = -observed, -permuted
    elif tail != "greater":
        raise ValueError(f"tail={tail}: greater, less or two-sided")
    below = permuted < observed - TIE * max(1.0, abs(observed))
    return float((len(permuted) - np.count_nonzero(below) + 1) / (len(permuted) + 1))


def swap_within_patient(*, pairs: int, permutations: int, seed: int) -> Arrangements:
    """Swap PRE and POST inside patients: each of the differences changes its sign or keeps it.

    Parameters
    ----------
    pairs
        Number of patients with both samples.
    permutations
        Most arrangements. If the 2^pairs - 1 others are no more than that, all are returned.
    seed
        Of the random sample.
    """
    scheme = "swap within patient"
    if 2**pairs - 1 <= permutations:
        codes = np.arange(1, 2**pairs)
        bits = (codes[:, None] >> np.arange(pairs)) & 1
        return Arrangements(order=None, signs=(1 - 2 * bits).astype(np.int8), exact=True, scheme=scheme)
    bits = np.random.default_rng(seed).integers(0, 2, size=(permutations, pairs), dtype=np.int8)
    return Arrangements(order=None, signs=(1 - 2 * bits).astype(np.int8), exact=False, scheme=scheme)


def permute_rows(
    *, blocks: np.ndarray, permutations: int, seed: int, design: np.ndarray | None = None, scheme: str = "rows"
) -> Arrangements:
    """Permute rows inside blocks.

    Parameters
    ----------
    blocks
        Shape (n,), labels; rows never leave their block. One label for all: free permutation.
    permutations
        Most arrangements. All are returned if there are no more than that.
    seed
        Of the random sample.
    design
        Shape (n, p). Rows with equal values are interchangeable, so that only distinct arrangements are counted and
        enumerated: 5 against 5 patients have 252, not 10!. None: all rows differ.
    scheme
        Text for the table.
    """
    blocks = np.asarray(blocks)
    members = [np.flatnonzero(blocks == label) for label in sorted(set(blocks.tolist()), key=str)]
    kinds = np.arange(len(blocks)) if design is None else _kinds(np.asarray(design, dtype=float))
    if prod(_distinct(kinds[rows]) for rows in members) - 1 <= permutations:
        each = [list(_multiset_orders(rows, kinds[rows])) for rows in members]
        order = np.empty((prod(map(len, each)), len(blocks)), dtype=np.int32)
        for row, parts in enumerate(product(*each)):
            for rows, part in zip(members, parts, strict=True):
                order[row, rows] = part
        seen = (kinds[order] == kinds).all(axis=1)
        return Arrangements(order=order[~seen], signs=None, exact=True, scheme=scheme)
    rng = np.random.default_rng(seed)
    order = np.empty((permutations, len(blocks)), dtype=np.int32)
    for rows in members:
        order[:, rows] = rows[np.argsort(rng.random((permutations, len(rows)), dtype=np.float32), axis=1)]
    return Arrangements(order=order, signs=None, exact=False, scheme=scheme)


def permute_patients(
    *, patients: np.ndarray, blocks: np.ndarray, permutations: int, seed: int, design: np.ndarray | None = None
) -> Arrangements:
    """Permute whole patients inside blocks; the samples of a patient stay together and in their order.

    Parameters
    ----------
    patients
        Shape (n,), the patient of each row. Rows of a patient must be in the same order for all (PRE before POST).
    blocks
        Shape (n,), constant within a patient. Patients with different numbers of rows never change places, because
        there is no row for row exchange between them.
    permutations, seed
        As in :func:`permute_rows`.
    design
        Shape (n, p), constant within a patient: the terms to be tested, to count distinct arrangements only.

    Raises
    ------
    ValueError
        If a block splits a patient.
    """
    patients, blocks = np.asarray(patients), np.asarray(blocks)
    names = list(dict.fromkeys(patients.tolist()))
    rows = [np.flatnonzero(patients == name) for name in names]
    if any(len(set(blocks[own].tolist())) > 1 for own in rows):
        raise ValueError("a permutation block splits a patient")
    first = np.array([own[0] for own in rows])
    labels = np.array([f"{blocks[own[0]]} x {len(own)} samples" for own in rows], dtype=object)
    outer = permute_rows(
        blocks=labels, permutations=permutations, seed=seed, design=None if design is None else design[first]
    )
    order = np.empty((outer.count, len(patients)), dtype=np.int32)
    for place, own in enumerate(rows):
        partner = np.array([other if len(other) == len(own) else own for other in rows], dtype=np.int32)
        order[:, own] = partner[outer.order[:, place]]
    return Arrangements(order=order, signs=None, exact=outer.exact, scheme="patients")


def _kinds(design: np.ndarray) -> np.ndarray:
    """Return a number for every row, equal for equal rows, shape (n,)."""
    _, kinds = np.unique(np.round(design, 10), axis=0, return_inverse=True)
    return kinds.reshape(-1)


def _distinct(kinds: np.ndarray) -> int:
    counts = Counter(kinds.tolist()).values()
    return factorial(len(kinds)) // prod(map(factorial, counts))


def _multiset_orders(rows: np.ndarray, kinds: np.ndarray) -> Iterator[list[int]]:
    """Yield one order of the rows for each distinct order of their kinds."""
    stock: dict[int, list[int]] = {}
    for row, kind in zip(rows.tolist(), kinds.tolist(), strict=True):
        stock.setdefault(kind, []).append(row)
    used = dict.fromkeys(stock, 0)
    chosen: list[int] = []

    def extend() -> Iterator[list[int]]:
        if len(chosen) == len(rows):
            yield list(chosen)
            return
        for kind, own in stock.items():
            if used[kind] < len(own):
                chosen.append(own[used[kind]])
                used[kind] += 1
                yield from extend()
                used[kind] -= 1
                chosen.pop()

    yield from extend()

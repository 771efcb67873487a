"""Exact null distributions of rank sums: counted out from the observed ranks, ties included."""

import functools

import numpy as np

#: Up to this many observations the null distribution of a rank sum is counted out; above, the normal one is used.
EXACT_UP_TO = 60
#: Most points of the joint null distribution of several strata.
MOST_POINTS = 100_000
#: Sums of ranks that differ by less are equal.
SLACK = 1e-9


@functools.lru_cache(maxsize=4096)
def signed_null(doubled: tuple[int, ...]) -> np.ndarray:
    """Return P(2 T = k), k = 0 .. sum, of the signed-rank sum T, each sign having probability 1/2.

    Parameters
    ----------
    doubled
        Twice the ranks of the absolute differences (mean ranks of ties are halves), sorted.
    """
    null = np.zeros(sum(doubled) + 1)
    null[0], top = 1.0, 0
    for rank in doubled:
        null[rank : top + rank + 1] += null[: top + 1].copy()
        top += rank
    return null / null.sum()


@functools.lru_cache(maxsize=32)
def joint_null(strata: tuple[tuple[int, tuple[int, ...]], ...]) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the null distribution of van Elteren's T = sum_s (R_s - n1_s (n_s + 1) / 2) / (n_s + 1).

    Parameters
    ----------
    strata
        Per stratum the size of the group and twice the ranks of all its members, sorted.

    Returns
    -------
    tuple
        Support, sorted; and P(T < point) for each, with a final 1. None where there is too much to count.
    """
    if any(len(doubled) > EXACT_UP_TO for _, doubled in strata):
        return None
    points, chances = np.zeros(1), np.ones(1)
    for n1, doubled in strata:
        counts = _subset_sums(n1, doubled)
        where = np.flatnonzero(counts)
        if points.size * where.size > 4 * MOST_POINTS:
            return None
        n = len(doubled)
        steps = (where / 2 - n1 * (n + 1) / 2) / (n + 1)
        sums = np.add.outer(points, steps).ravel()
        weights = np.multiply.outer(chances, counts[where] / counts.sum()).ravel()
        # equal sums become one point: with strata of one size there are few
        _, first, inverse = np.unique(np.rint(sums / SLACK), return_index=True, return_inverse=True)
        points, chances = sums[first], np.bincount(inverse, weights=weights)
        if points.size > MOST_POINTS:
            return None
    return points, np.concatenate([[0.0], np.cumsum(chances)])


@functools.lru_cache(maxsize=256)
def _subset_sums(size: int, doubled: tuple[int, ...]) -> np.ndarray:
    """Return how many subsets of ``size`` ranks have each sum of doubled ranks."""
    counts = np.zeros((size + 1, sum(doubled) + 1))
    counts[0, 0] = 1
    for rank in doubled:
        counts[1:, rank:] += counts[:-1, : counts.shape[1] - rank].copy()
    return counts[size]

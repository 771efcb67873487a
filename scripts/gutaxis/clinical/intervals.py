"""Exact binomial confidence intervals, for one proportion or for a column of them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import beta

CLOPPER_PEARSON = "Clopper-Pearson 95%"


class Interval(NamedTuple):
    """A proportion with its limits; NaN where there is no one to count."""

    rate: np.ndarray | float
    low: np.ndarray | float
    high: np.ndarray | float


def clopper_pearson(*, k: ArrayLike, n: ArrayLike, level: float = 0.95) -> Interval:
    """Return proportions with Clopper-Pearson intervals.

    ``low = Beta(a/2; k, n-k+1)``, ``high = Beta(1-a/2; k+1, n-k)`` with ``a = 1 - level``; 0 for ``k = 0`` and 1 for
    ``k = n``. The interval is exact: its coverage is never below ``level``.

    Parameters
    ----------
    k, n
        Successes and trials, whole numbers with ``0 <= k <= n``; scalars or arrays of one shape.
    level
        Confidence level, between 0 and 1.

    Returns
    -------
    Interval
        ``rate``, ``low``, ``high`` as fractions: floats for scalars, else arrays; NaN where ``n`` is 0.

    Raises
    ------
    ValueError
        For ``k`` outside ``0..n``, counts that are not whole, or a level outside ``(0, 1)``.

    Notes
    -----
    Source: Clopper CJ, Pearson ES, Biometrika 1934;26:404-413. Oracle: R ``binom.test``.
    """
    counts, totals = np.broadcast_arrays(np.asarray(k, dtype=float), np.asarray(n, dtype=float))
    whole = (np.floor(counts) == counts) & (np.floor(totals) == totals)
    if not np.all(whole & (counts >= 0) & (counts <= totals)):
        raise ValueError(f"k and n are whole numbers with 0 <= k <= n, got k={k}, n={n}")
    if not 0 < level < 1:
        raise ValueError(f"the level lies between 0 and 1, got {level}")
    tail = (1 - level) / 2
    known = totals > 0
    rate = np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=known)
    # beta.ppf has no value at a shape parameter of 0: these two limits are known without it
    low = np.where(counts == 0, 0.0, beta.ppf(tail, np.maximum(counts, 1), totals - counts + 1))
    high = np.where(counts == totals, 1.0, beta.ppf(1 - tail, counts + 1, np.maximum(totals - counts, 1)))
    limits = [rate, np.where(known, low, np.nan), np.where(known, high, np.nan)]
    if counts.ndim == 0:
        limits = [float(item) for item in limits]
    return Interval(*limits)

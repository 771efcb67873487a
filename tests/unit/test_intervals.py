"""Clopper-Pearson intervals: known values, limits, coverage."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from gutaxis.clinical.intervals import clopper_pearson

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(5, 16, 0.1102, 0.5866), (0, 16, 0, 0.2059), (12, 48, 0.1364, 0.3960), (0, 48, 0, 0.0740), (16, 16, 0.7941, 1)],
)
def test_known_intervals(k, n, low, high):
    found = clopper_pearson(k=k, n=n)
    assert found.rate == k / n
    assert found.low == pytest.approx(low, abs=6e-5)
    assert found.high == pytest.approx(high, abs=6e-5)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_columns_equal_scipy_one_by_one(level):
    n = np.repeat(np.arange(1, 25), 25)
    k = np.minimum(np.tile(np.arange(25), 24), n)
    found = clopper_pearson(k=k, n=n, level=level)
    for row in range(len(n)):
        expected = binomtest(int(k[row]), int(n[row])).proportion_ci(level, method="exact")
        assert (found.low[row], found.high[row]) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_coverage_is_never_below_the_level():
    k = np.arange(17)
    found = clopper_pearson(k=k, n=16)
    for p in np.linspace(0.01, 0.99, 99):
        inside = (found.low <= p) & (p <= found.high)
        assert binom.pmf(k[inside], 16, p).sum() >= 0.95 - 1e-12


def test_nobody_gives_no_rate():
    assert all(np.isnan(value) for value in clopper_pearson(k=0, n=0))
    assert np.isnan(clopper_pearson(k=[0, 1], n=[0, 2]).low[0])


@pytest.mark.parametrize(("k", "n", "level"), [(3, 2, 0.95), (-1, 2, 0.95), (1.5, 2, 0.95), (1, 2, 1.0), (1, 2, 0.0)])
def test_impossible_counts_are_refused(k, n, level):
    with pytest.raises(ValueError):
        clopper_pearson(k=k, n=n, level=level)

"""Repeated rarefaction: its expectation, its streams of random numbers, and where there is none."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammaln

from gutaxis.stats.rarefaction import count_table, rarefy

pytestmark = pytest.mark.unit
COUNTS = pd.DataFrame(
    [[500, 300, 150, 40, 8, 2], [90, 60, 30, 15, 4, 1], [10, 20, 5, 0, 0, 0]],
    index=["deep", "middle", "shallow"], columns=list("abcdef"),
)  # fmt: skip


def expected_observed(numbers, depth):
    """Hurlbert 1971."""
    total = numbers.sum()

    def log_choose(n, k):
        return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)

    missed = [np.exp(log_choose(total - n, depth) - log_choose(total, depth)) if total - n >= depth else 0.0
              for n in numbers if n]  # fmt: skip
    return sum(1 - share for share in missed)


def test_mean_of_the_draws_is_the_expected_number_of_features():
    rarefied = rarefy(counts=COUNTS, seed=1, draws=4000)
    assert rarefied.depth == 200, "the shallowest sample of 100 reads or more decides"
    want = expected_observed(COUNTS.loc["deep"].to_numpy(), 200)
    assert rarefied.values.loc["deep", "observed"] == pytest.approx(want, abs=0.05)
    assert rarefied.values.loc["middle", "observed"] == 6, "a sample at its own depth is drawn whole"
    assert rarefied.values.loc["shallow"].isna().all()


def test_adding_samples_or_reordering_changes_no_other_sample():
    alone = rarefy(counts=COUNTS.loc[["deep"]], seed=3, draws=20, depth=150)
    shuffled = COUNTS.iloc[::-1, ::-1]
    together = rarefy(counts=shuffled, seed=3, draws=20, depth=150)
    pd.testing.assert_series_equal(alone.values.loc["deep"], together.values.loc["deep"])
    other = rarefy(counts=COUNTS.loc[["deep"]], seed=4, draws=20, depth=150)
    assert other.values.loc["deep", "shannon"] != alone.values.loc["deep", "shannon"]


def test_counts_of_relative_abundances_are_shares_of_the_depth_in_any_unit():
    shares = COUNTS.div(COUNTS.sum(axis=1), axis=0)
    totals = COUNTS.sum(axis=1)
    for unit in (1.0, 100.0, 1e6):
        counts, reason = count_table(table=shares * unit, kind="compositional", totals=totals)
        assert reason is None
        assert (counts == COUNTS).all(axis=None)


def test_no_rarefaction_says_why():
    counts, reason = count_table(table=COUNTS, kind="compositional", totals=None)
    assert counts is None
    assert "number of reads or cells" in reason
    assert "no amounts" in count_table(table=COUNTS, kind="log_intensity", totals=None)[1]
    unknown = pd.Series(np.nan, index=COUNTS.index)
    assert "no sample" in count_table(table=COUNTS, kind="compositional", totals=unknown)[1]
    assert "100 reads" in rarefy(counts=COUNTS.loc[["shallow"]], seed=1).reason
    assert "5000" in rarefy(counts=COUNTS, seed=1, depth=5000).reason

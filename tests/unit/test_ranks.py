"""Rank tests: enumeration of signs and of labels within blocks, scipy, intervals that invert the tests."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gutaxis.stats.design import contrast_design
from gutaxis.stats.ranks import rank_fits, rank_sum, signed_rank

pytestmark = pytest.mark.unit


def brute_signed(d):
    d = d[d != 0]
    ranks = stats.rankdata(np.abs(d))
    null = np.array([ranks[np.array(s)].sum() for s in product([False, True], repeat=len(d))])
    t = ranks[d > 0].sum()
    return t, min(1, 2 * min((null <= t + 1e-9).mean(), (null >= t - 1e-9).mean()))


def brute_strata(x, group, blocks):
    """All labels within blocks; van Elteren's weights."""
    parts = []
    for name in np.unique(blocks):
        rows = np.flatnonzero(blocks == name)
        ranks = stats.rankdata(x[rows])
        n, n1 = len(rows), int(group[rows].sum())
        if n1 in (0, n):
            continue
        every = [(ranks[list(c)].sum() - n1 * (n + 1) / 2) / (n + 1) for c in combinations(range(n), n1)]
        parts.append(((ranks[group[rows]].sum() - n1 * (n + 1) / 2) / (n + 1), every))
    t = sum(part[0] for part in parts)
    null = np.array([sum(c) for c in product(*(part[1] for part in parts))])
    return min(1, 2 * min((null <= t + 1e-9).mean(), (null >= t - 1e-9).mean()))


@pytest.mark.parametrize("ties", [False, True])
def test_signed_rank_equals_enumeration(ties):
    rng = np.random.default_rng(1)
    d = rng.normal(0.4, 1, (10, 6))
    d = np.round(d, 0) if ties else d
    fit = signed_rank(values=d)
    for j in range(d.shape[1]):
        t, p = brute_signed(d[:, j])
        assert (fit.statistic[j], fit.p[j]) == pytest.approx((t, p), abs=1e-12)
    if not ties:
        assert fit.p == pytest.approx(stats.wilcoxon(d, axis=0, method="exact").pvalue, abs=1e-12)


def test_signed_rank_of_many_is_the_normal_approximation():
    d = np.random.default_rng(2).normal(0.1, 1, (90, 5))
    fit = signed_rank(values=d)
    assert fit.p == pytest.approx(stats.wilcoxon(d, axis=0, method="asymptotic", correction=True).pvalue, abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_mann_whitney_equals_enumeration(ties):
    rng = np.random.default_rng(3)
    x, group = rng.normal(size=(11, 6)), np.arange(11) < 4
    x[:4] += 0.7
    x = np.round(x, 0) if ties else x
    fit = rank_sum(values=x, group=group)
    assert fit.method == "mann_whitney"
    for j in range(x.shape[1]):
        assert fit.p[j] == pytest.approx(brute_strata(x[:, j], group, np.zeros(11)), abs=1e-12)
    assert fit.statistic == pytest.approx(stats.mannwhitneyu(x[group], x[~group], axis=0).statistic)


@pytest.mark.parametrize("ties", [False, True])
def test_van_elteren_equals_enumeration_within_blocks(ties):
    rng = np.random.default_rng(4)
    blocks = np.repeat(["a", "b", "c", "d"], [5, 6, 4, 3])
    group = np.array([1, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0], dtype=bool)  # d: one class only
    x = rng.normal(size=(18, 5)) + group[:, None] * 0.8 + (blocks == "b")[:, None] * 4
    x = np.round(x, 0) if ties else x
    fit = rank_sum(values=x, group=group, blocks=blocks)
    assert fit.method == "van_elteren"
    assert (fit.n == 15).all()
    for j in range(x.shape[1]):
        assert fit.p[j] == pytest.approx(brute_strata(x[:, j], group, blocks), abs=1e-12)


def test_many_observations_take_the_normal_distribution():
    rng = np.random.default_rng(5)
    x, group = rng.normal(size=(150, 4)), np.arange(150) < 60
    fit = rank_sum(values=x, group=group)
    expected = stats.mannwhitneyu(x[group], x[~group], axis=0, method="asymptotic", use_continuity=True).pvalue
    assert fit.p == pytest.approx(expected, abs=1e-12)
    blocks = np.arange(150) % 2
    two = rank_sum(values=x, group=group, blocks=blocks)
    rows = [np.flatnonzero(blocks == b) for b in (0, 1)]
    scores = np.zeros(x.shape)
    for of in rows:
        scores[of] = stats.rankdata(x[of], axis=0) / (len(of) + 1)
    draws = np.zeros((8000, 150))
    for draw in draws:
        for of in rows:
            draw[rng.choice(of, int(group[of].sum()), replace=False)] = 1
    null, seen = draws @ scores, group @ scores
    expected = np.abs(null - null.mean(axis=0)) >= np.abs(seen - null.mean(axis=0))
    assert two.p == pytest.approx(expected.mean(axis=0), abs=0.02)
    assert (np.isfinite(two.ci_low) & (two.ci_low < two.estimate) & (two.estimate < two.ci_high)).all()


@pytest.mark.parametrize("blocks", [np.zeros(14), np.arange(14) % 2])
def test_interval_of_the_shift_inverts_the_test(blocks):
    rng = np.random.default_rng(6)
    group = np.isin(np.arange(14), [0, 1, 2, 3, 4, 5])
    x = rng.normal(size=(14, 4)) + group[:, None]
    fit = rank_sum(values=x, group=group, blocks=blocks)
    for j in range(4):
        for limit, inside in ((fit.ci_low[j], 1), (fit.ci_high[j], -1)):
            for step, rejected in ((1e-6, False), (-1e-6, True)):
                moved = x[:, j] - group * (limit + inside * step)
                p = rank_sum(values=moved[:, None], group=group, blocks=blocks).p[0]
                assert (p <= 0.05) == rejected


def test_interval_of_the_pseudomedian_inverts_the_test():
    d = np.random.default_rng(7).normal(0.5, 1, (12, 4))
    fit = signed_rank(values=d)
    for j in range(4):
        for limit, inside in ((fit.ci_low[j], 1), (fit.ci_high[j], -1)):
            for step, rejected in ((1e-6, False), (-1e-6, True)):
                p = signed_rank(values=(d[:, j] - limit - inside * step)[:, None]).p[0]
                assert (p <= 0.05) == rejected


def test_hodges_lehmann_is_the_median_of_differences_within_blocks():
    x = np.array([[1.0], [5.0], [2.0], [4.0], [100.0], [103.0], [101.0]])
    group = np.array([1, 1, 0, 0, 1, 0, 0], dtype=bool)
    one = rank_sum(values=x[:4], group=group[:4])
    assert one.estimate[0] == np.median([1 - 2, 1 - 4, 5 - 2, 5 - 4])
    fit = rank_sum(values=x, group=group, blocks=np.array([0, 0, 0, 0, 1, 1, 1]))
    assert -3 <= fit.estimate[0] <= 3  # the blocks lie 100 apart; differences between blocks do not count
    assert signed_rank(values=np.array([[1.0], [2.0], [6.0]])).estimate[0] == np.median([1, 2, 6, 1.5, 3.5, 4])


def test_missing_values_constants_and_tiny_groups():
    x = np.full((9, 4), np.nan)
    x[:, 0] = np.arange(9)
    x[:, 1] = 3.0
    x[:3, 2] = [1, 2, 3]
    x[[0, 1, 8], 3] = [1, 5, 2]
    group = np.arange(9) < 3
    fit = rank_sum(values=x, group=group)
    assert list(fit.reason) == [None, "constant", "no block with values of both groups", None]
    assert fit.n[3] == 3
    assert fit.p[3] == 1
    assert np.isnan(fit.ci_low[3])  # two against one: no 95 % interval exists
    signed = signed_rank(values=np.column_stack([np.arange(1.0, 6), np.zeros(5), np.full(5, np.nan)]))
    assert list(signed.reason) == [None, "no difference", "no value"]
    assert signed.p[0] == pytest.approx(2 / 32)
    assert np.isnan(signed.ci_low[0])


def observations(n=12):
    rows = []
    for i in range(n):
        for point in ("PRE", "POST"):
            rows.append((f"s{i}{point}", f"p{i}", point, "R" if i % 3 == 0 else "NR", "AB"[i % 2]))
    return pd.DataFrame(rows, columns=["sample_id", "patient_id", "timepoint", "response", "cohort"]).set_index(
        "sample_id"
    )


def test_the_design_decides_which_test():
    obs = observations()
    table = pd.DataFrame({"x": np.random.default_rng(1).normal(size=len(obs))}, index=obs.index)
    for contrast, method in (
        ("change", "wilcoxon_signed_rank"),
        ("baseline", "van_elteren"),
        ("response_change", "van_elteren"),
    ):
        design = contrast_design(contrast=contrast, observations=obs, pairs="differences")
        fit = rank_fits(values=design.values(table=table), design=design)
        assert fit.method == method
        assert np.isfinite(fit.p[0])
    mixed = contrast_design(contrast="change", observations=obs, pairs="mixed")
    with pytest.raises(ValueError, match="repeated"):
        rank_fits(values=mixed.values(table=table), design=mixed)


def test_level_of_the_exact_tests_under_the_null():
    rng = np.random.default_rng(8)
    x = rng.normal(size=(24, 3000))
    group, blocks = np.arange(24) % 3 == 0, np.repeat([0, 1, 2], 8)
    for p in (rank_sum(values=x, group=group, blocks=blocks).p, signed_rank(values=x).p):
        assert 0.035 < (p < 0.05).mean() <= 0.06

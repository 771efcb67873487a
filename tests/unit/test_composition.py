"""Compositions: zeros, centred log ratios, which samples and features can be tested."""

import numpy as np
import pandas as pd
import pytest

from gutaxis.stats.composition import (
    HALF_MINIMUM,
    PSEUDOCOUNTS,
    clr,
    empty_samples,
    filter_features,
    replace_zeros,
    sample_factors,
)

pytestmark = pytest.mark.unit


def frame(rows, **kwargs):
    table = pd.DataFrame(rows, dtype=float, **kwargs)
    table.columns = [f"f{i}" for i in range(table.shape[1])]
    table.index = [f"s{i}" for i in range(len(table))]
    return table


TABLE = frame([[0.5, 0.0, 0.5], [0.2, 0.8, 0.0], [0.25, 0.5, 0.25]])


@pytest.mark.parametrize(
    ("pseudocount", "expected"),
    [
        ("half_minimum", (0.25, 0.125)),
        ("table_half_minimum", (0.1, 0.1)),
        ("sample_half_minimum", (0.25, 0.1)),
        (0.01, (0.01, 0.01)),
    ],
)
def test_what_stands_for_a_zero(pseudocount, expected):
    filled = replace_zeros(table=TABLE, pseudocount=pseudocount)
    assert (filled.iloc[0, 1], filled.iloc[1, 2]) == expected
    assert filled.to_numpy()[TABLE.to_numpy() > 0].tolist() == TABLE.to_numpy()[TABLE.to_numpy() > 0].tolist()


@pytest.mark.parametrize("pseudocount", PSEUDOCOUNTS)
def test_ratios_do_not_depend_on_the_unit(pseudocount):
    ratios = clr(table=TABLE, pseudocount=pseudocount)
    assert np.allclose(ratios.sum(axis=1), 0)
    assert np.allclose(clr(table=TABLE * 1e6, pseudocount=pseudocount), ratios)


def sparse(seed=1, n=20, m=30):
    """Factor of the sample times level of the feature, with noise, a third of zeros; and the factors, centred log2."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(0, 2, n)
    values = np.exp2(factors[:, None] + rng.normal(0, 2, m) + rng.normal(0, 0.3, (n, m)))
    return frame(np.where(rng.random((n, m)) < 1 / 3, 0, values)), factors - factors.mean()


def test_factors_of_samples_are_found_on_the_values_above_zero():
    table, factors = sparse()
    assert np.abs(sample_factors(table=table) - factors).max() < 0.3
    exact = frame(np.where(table > 0, np.exp2(factors)[:, None] * np.arange(1, 31), 0))
    assert sample_factors(table=exact) == pytest.approx(factors, abs=1e-8)
    bloom = table.copy()
    bloom.iloc[:10, :9] *= 1000  # three in ten features of half of the samples
    moved = sample_factors(table=bloom) - sample_factors(table=table)
    assert abs(moved[:10].mean() - moved[10:].mean()) < 0.5
    sums = np.log2(bloom.sum(axis=1) / table.sum(axis=1))
    assert sums[:10].mean() - sums[10:].mean() > 5


def test_factors_do_not_depend_on_units_order_or_empty_samples():
    table, _ = sparse()
    factors = sample_factors(table=table)
    own = np.random.default_rng(2).normal(0, 3, len(table))
    assert sample_factors(table=table.mul(np.exp2(own), axis=0)) == pytest.approx(factors + own - own.mean(), abs=1e-8)
    assert sample_factors(table=table.iloc[::-1, ::-1])[::-1] == pytest.approx(factors, abs=1e-8)
    more = pd.concat([table, table.iloc[:1] * 0], ignore_index=True).assign(none=0.0)
    assert sample_factors(table=more) == pytest.approx([*factors, 0], abs=1e-12)


def test_centred_zeros_follow_the_sample():
    table, _ = sparse()
    closed = table.div(table.sum(axis=1), axis=0)
    ratios = clr(table=table)
    assert np.allclose(clr(table=closed), ratios, atol=1e-7)
    assert not np.allclose(clr(table=closed, pseudocount=HALF_MINIMUM), clr(table=table, pseudocount=HALF_MINIMUM))
    # a zero is one log2 unit below the smallest value of its feature, once the factor of the sample is out
    centred = np.log2(replace_zeros(table=table)).sub(sample_factors(table=table), axis=0)
    zero = (table == 0).to_numpy()
    lowest = centred.mask(zero).min()
    assert np.allclose(centred.where(zero).sub(lowest)[zero].stack(), -1)


def test_without_zeros_both_half_minima_are_the_same_table():
    table = sparse()[0] + 1
    assert replace_zeros(table=table).equals(table)
    assert clr(table=table).equals(clr(table=table, pseudocount=HALF_MINIMUM))


def test_ratios_are_log2_of_parts_to_their_geometric_mean():
    row = TABLE.iloc[2]
    expected = np.log2(row / (row.prod() ** (1 / 3)))
    assert np.allclose(clr(table=TABLE).iloc[2], expected)


def test_a_feature_or_sample_of_zeros_takes_the_value_of_the_table():
    table = frame([[0.5, 0.0], [0.2, 0.0], [0.0, 0.0]])
    assert replace_zeros(table=table, pseudocount="half_minimum").iloc[:, 1].tolist() == [0.1] * 3
    centred = replace_zeros(table=table)  # factors 0.5 and 0.2 over their geometric mean, and 1
    middle = np.sqrt(0.1)
    assert centred.iloc[:, 1].tolist() == pytest.approx([0.25, 0.1, middle / 2])
    assert centred.iloc[2, 0] == pytest.approx(middle / 2)
    assert replace_zeros(table=table, pseudocount="sample_half_minimum").iloc[2].tolist() == [0.1] * 2


@pytest.mark.parametrize("bad", [-1.0, np.nan])
def test_no_composition(bad):
    with pytest.raises(ValueError, match="negative nor missing"):
        clr(table=frame([[bad, 1], [1, 1]]))
    with pytest.raises(ValueError, match="above zero"):
        clr(table=frame([[0, 0]]))
    with pytest.raises(ValueError, match="pseudocount"):
        clr(table=TABLE, pseudocount="none")


def test_empty_samples():
    table = frame([[0, 0, 0], [1, 0, 0], [np.nan, np.nan, 1], [np.nan, 0, 0]])
    found = empty_samples(table=table, kind="compositional").set_index("name")["reason"]
    assert found.to_dict() == {
        "s0": "every value is zero",
        "s2": "67% of its values are missing",
        "s3": "every value is zero",
    }
    assert list(empty_samples(table=table, kind="log_intensity")["name"]) == ["s2"]


def test_features_of_a_composition():
    table = frame(np.zeros((20, 5)))
    table["f0"], table["f1"] = 1.0, 0.0
    table.loc["s0", "f2"] = table.loc["s0", "f3"] = table.loc["s1", "f3"] = 1
    table["f4"] = [np.nan, *[1.0] * 19]
    kept, dropped = filter_features(table=table, kind="compositional", prevalence=0.1)
    assert list(kept) == ["f0", "f3"]  # constant parts can still change against others
    assert dropped.set_index("name")["reason"].to_dict() == {
        "f1": "zero in every sample",
        "f2": "present in 1 of 20 samples, fewer than 10%",
        "f4": "missing in 1 of 20 samples; a composition has no gaps",
    }
    assert list(filter_features(table=table, kind="compositional", prevalence=0)[0]) == ["f0", "f2", "f3"]


def test_features_with_missing_values():
    table = frame([[1, 2, np.nan, 5], [1, 3, np.nan, np.nan], [1, 4, 2, 6], [1, 5, np.nan, 7]])
    kept, dropped = filter_features(table=table, kind="log_intensity")
    assert list(kept) == ["f1", "f3"]
    assert dropped["reason"].tolist() == ["constant", "1 values, fewer than 3"]

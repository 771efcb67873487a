"""Imputation by mechanism."""

import numpy as np
import pandas as pd
import pytest

from gutaxis.metabolome.feature_table import make_feature_table
from gutaxis.metabolome.impute import impute, missing_mechanism, nearest_neighbours

pytestmark = pytest.mark.unit


def correlated(*, features=60, samples=40, seed=1) -> pd.DataFrame:
    """Log2 intensities of three groups of features that go together."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 1, (3, samples))
    values = np.array([rng.normal(12, 3) + shared[n % 3] + rng.normal(0, 0.3, samples) for n in range(features)])
    return pd.DataFrame(
        values, index=[f"F{n:02}" for n in range(features)], columns=[f"S{n:02}" for n in range(samples)]
    )


def everywhere(values: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(True, index=values.index, columns=values.columns)


def fill(values: pd.DataFrame, **options):
    table = make_feature_table(values=values, done={"log2"})
    return impute(values=values, state=options.pop("state", table.state), measured=everywhere(values), **options)


@pytest.mark.oracle
def test_neighbours_are_those_of_the_definition():
    values = correlated(features=25, samples=20)
    rng = np.random.default_rng(2)
    values = values.mask(rng.random(values.shape) < 0.1)
    targets = values.index[:6]
    got = nearest_neighbours(values=values, targets=targets, k=4)
    correlation = values.T.corr(min_periods=6)
    z = values.sub(values.mean(axis=1), axis=0).div(values.std(axis=1), axis=0)
    for target in targets:
        for sample in values.columns:
            others = [name for name in values.index if name != target and np.isfinite(values.at[name, sample])]
            best = sorted(others, key=lambda name: -abs(correlation.at[target, name]))[:4]
            r = correlation.loc[target, best]
            score = (r.abs() * r * z.loc[best, sample]).sum() / r.abs().sum()
            expected = values.loc[target].mean() + values.loc[target].std() * score
            assert got.at[target, sample] == pytest.approx(expected)


def test_lost_values_of_strong_features_are_told_by_neighbours_better_than_by_half_the_minimum():
    truth = correlated()
    rng = np.random.default_rng(5)
    values = truth.mask(rng.random(truth.shape) < 0.04)
    filled, state, about = fill(values)
    gaps = values.isna()
    assert (about["mechanism"] == "other").sum() > 0.8 * (about["mechanism"] != "complete").sum()
    other = gaps.loc[about["mechanism"] == "other"]
    error = (filled - truth).loc[other.index].where(other).stack()
    half = values.loc[other.index].min(axis=1) - 1
    worse = truth.loc[other.index].rsub(half, axis=0).where(other).stack()
    assert np.sqrt((error**2).mean()) < 0.6 < np.sqrt((worse**2).mean())
    assert ((state == "imputed") == gaps).all().all()


def test_values_below_detection_get_half_the_smallest_intensity():
    truth = correlated()
    weak = truth.index[truth.median(axis=1) < truth.median(axis=1).quantile(0.5)]
    limit = truth.loc[weak].quantile(0.3, axis=1)
    values = truth.copy()
    values.loc[weak] = truth.loc[weak].where(truth.loc[weak].ge(limit, axis=0))
    filled, _, about = fill(values)
    assert set(about.loc[weak, "mechanism"]) == {"below_detection"}
    name = weak[0]
    assert filled.loc[name][values.loc[name].isna()].unique() == pytest.approx([values.loc[name].min() - 1])
    assert about.loc[name, "n_half_minimum"] == values.loc[name].isna().sum()


def test_a_searched_table_misses_nothing_by_chance():
    values = correlated().copy()
    values.iloc[0, 0] = np.nan
    measured = everywhere(values)
    told = missing_mechanism(values=values, measured=measured, searched=True)
    assert told["mechanism"].iloc[0] == "below_detection"
    state = make_feature_table(values=values, done={"log2"}).state
    state.iloc[3, 3] = "forced"
    filled, _, _ = fill(values, state=state)
    assert filled.iloc[0, 0] == pytest.approx(values.iloc[0].min() - 1)


def test_what_was_not_measured_stays_missing():
    values = correlated()
    values.iloc[:10, 4] = np.nan
    measured = everywhere(values)
    measured.iloc[:10, 4] = False
    table = make_feature_table(values=values, done={"log2"})
    filled, state, about = impute(values=values, state=table.state, measured=measured)
    assert filled.iloc[:10, 4].isna().all()
    assert (state.iloc[:10, 4] == "absent").all()
    assert about["n_missing"].sum() == 0


def test_a_strong_drug_that_some_do_not_take_does_not_count_as_chance():
    values = correlated()
    values.iloc[0] = values.iloc[0] + 15
    values.iloc[0, :20] = np.nan
    told = missing_mechanism(values=values, measured=everywhere(values), searched=False)
    assert told["mechanism"].iloc[0] == "below_detection"


def test_filling_changes_no_measured_value_and_is_the_same_twice():
    values = correlated().mask(np.random.default_rng(1).random((60, 40)) < 0.1)
    first, second = fill(values)[0], fill(values)[0]
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    pd.testing.assert_frame_equal(first.where(values.notna()), values, check_exact=True)
    assert first.notna().all().all()

"""Moderated t: where the prior comes from, and what stays out of it."""

import numpy as np
import pytest
from scipy.special import polygamma

from gutaxis.stats.linear import CONSTANT, ols
from gutaxis.stats.moderated import moderated_t, squeeze_variances, trigamma_inverse

pytestmark = pytest.mark.unit
MATRIX = np.column_stack([np.ones(10), np.arange(10) % 2]).astype(float)


def values(*, spread: float, m: int = 500, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(10, m)) * np.exp(spread * rng.normal(size=m))


def test_the_prior_of_simulated_variances_is_found_again():
    rng = np.random.default_rng(2)
    df, prior_df, prior_s2, m = 12.0, 6.0, 0.4, 50000
    truth = prior_df * prior_s2 / rng.chisquare(prior_df, m)
    found = squeeze_variances(s2=truth * rng.chisquare(df, m) / df, df=np.full(m, df))
    assert found.df_prior == pytest.approx(prior_df, rel=0.05)
    assert found.s2_prior == pytest.approx(prior_s2, rel=0.02)


def test_variances_that_differ_by_chance_alone_become_one():
    rng = np.random.default_rng(3)
    s2 = np.linspace(0.98, 1.02, 40)
    found = squeeze_variances(s2=s2, df=np.full(40, 8.0))
    assert np.isinf(found.df_prior)
    assert found.s2 == pytest.approx(np.ones(40))
    fits = moderated_t(values=rng.normal(size=(10, 30)), matrix=MATRIX, tested=1)
    assert (fits.df <= 8 * 30).all(), "never more degrees of freedom than all features have together"


def test_one_or_two_features_are_not_moderated():
    for m in (1, 2):
        plain = ols(values=values(spread=0.5, m=m), matrix=MATRIX, tested=1)
        found = moderated_t(values=values(spread=0.5, m=m), matrix=MATRIX, tested=1)
        assert found.df_prior == 0
        assert found.p == pytest.approx(plain.p)
        assert found.df == pytest.approx(plain.df)


def test_posterior_variances_lie_between_own_and_prior():
    found = moderated_t(values=values(spread=0.7), matrix=MATRIX, tested=1)
    low, high = np.minimum(found.s2, found.s2_prior), np.maximum(found.s2, found.s2_prior)
    assert ((found.s2_moderated >= low) & (found.s2_moderated <= high)).all()
    assert found.estimate == pytest.approx(ols(values=values(spread=0.7), matrix=MATRIX, tested=1).estimate)


def test_constant_and_missing_features_do_not_move_the_prior():
    table = values(spread=0.7)
    more = np.column_stack([np.full(10, 3.0), table, np.full(10, np.nan)])
    found = moderated_t(values=more, matrix=MATRIX, tested=1)
    plain = moderated_t(values=table, matrix=MATRIX, tested=1)
    assert found.reason[0] == CONSTANT
    assert np.isnan(found.p[[0, -1]]).all()
    assert found.df_prior == plain.df_prior
    assert found.p[1:-1] == pytest.approx(plain.p)


def test_a_nearly_constant_feature_does_not_rule_the_prior():
    table = values(spread=0.3)
    plain = moderated_t(values=table, matrix=MATRIX, tested=1)
    found = moderated_t(values=np.column_stack([table, 1e-9 * table[:, 0]]), matrix=MATRIX, tested=1)
    # without the floor at 1e-5 of the median the logarithm would be -41 and df_prior fall below 2
    assert found.df_prior > 0.4 * plain.df_prior


def test_moderation_keeps_the_type_one_error_and_gains_power():
    table = values(spread=0.3, m=20000)
    null = moderated_t(values=table, matrix=MATRIX, tested=1)
    assert (null.p < 0.05).mean() == pytest.approx(0.05, abs=0.006)
    shifted = table + 1.5 * MATRIX[:, 1:]
    power = [(fit(values=shifted, matrix=MATRIX, tested=1).p < 0.01).mean() for fit in (ols, moderated_t)]
    assert power[1] > 1.1 * power[0]


@pytest.mark.parametrize("value", [1e-9, 1e-3, 0.5, 3.0, 1e3, 1e9])
def test_trigamma_inverse(value):
    assert polygamma(1, trigamma_inverse(value=value)) == pytest.approx(value, rel=1e-6)

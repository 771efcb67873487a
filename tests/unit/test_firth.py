"""Firth's logistic regression: closed form of the 2 x 2 table, brute-force maximisation, separation."""

import numpy as np
import pytest
from scipy.optimize import brentq, minimize

from gutaxis.stats.firth import firth_logistic

pytestmark = pytest.mark.unit


def penalised(beta, y, x):
    linear = x @ beta
    chance = 1 / (1 + np.exp(-linear))
    information = x.T @ (x * (chance * (1 - chance))[:, None])
    return (y * linear - np.logaddexp(0, linear)).sum() + 0.5 * np.linalg.slogdet(information)[1]


def brute(y, x, tested):
    def best(fixed=None):
        free = [j for j in range(x.shape[1]) if fixed is None or j != tested]

        def full(part):
            beta = np.zeros(x.shape[1])
            beta[free] = part
            if fixed is not None:
                beta[tested] = fixed
            return beta

        found = minimize(
            lambda part: -penalised(full(part), y, x), np.zeros(len(free)), method="BFGS", options={"gtol": 1e-9}
        )
        return full(found.x), -found.fun

    beta, top = best()
    limits = [
        brentq(lambda b: 2 * (top - best(b)[1]) - 3.841458820694124, beta[tested], beta[tested] + side * 12, xtol=1e-8)
        for side in (-1, 1)
    ]
    return beta[tested], 2 * (top - best(0.0)[1]), *limits


@pytest.mark.parametrize("table", [(5, 7, 3, 20), (6, 0, 2, 9), (4, 0, 0, 9), (1, 11, 0, 30)])
def test_two_by_two_is_the_odds_ratio_with_half_added(table):
    a, b, c, d = table
    y = np.repeat([1.0, 0, 1, 0], table)
    x = np.column_stack([np.ones(len(y)), np.repeat([1.0, 1, 0, 0], table)])
    fit = firth_logistic(outcome=y[:, None], matrix=x, tested=1)
    assert fit.estimate[0] == pytest.approx(np.log((a + 0.5) * (d + 0.5) / ((b + 0.5) * (c + 0.5))), abs=1e-8)
    assert fit.ci_low[0] < fit.estimate[0] < fit.ci_high[0]
    assert np.isfinite([fit.ci_low[0], fit.ci_high[0], fit.p[0]]).all()
    assert (fit.p[0] < 0.05) == (fit.ci_low[0] > 0 or fit.ci_high[0] < 0)


@pytest.mark.parametrize("seed", range(4))
def test_equals_brute_force_with_covariates(seed):
    rng = np.random.default_rng(seed)
    n = (24, 30, 48, 20)[seed]
    x = np.column_stack([np.ones(n), rng.random(n) < 0.35, rng.normal(size=n), rng.random(n) < 0.5]).astype(float)
    y = (rng.random((n, 3)) < 1 / (1 + np.exp(-x @ np.array([[-0.5, 0, 1], [1, 3, 0], [0.5, 0, 0], [0, 1, 0]])))) * 1.0
    fit = firth_logistic(outcome=y, matrix=x, tested=1)
    for j in range(3):
        estimate, ratio, low, high = brute(y[:, j], x, 1)
        assert fit.estimate[j] == pytest.approx(estimate, abs=1e-5)
        assert fit.statistic[j] ** 2 == pytest.approx(ratio, abs=1e-6)
        assert (fit.ci_low[j], fit.ci_high[j]) == pytest.approx((low, high), abs=1e-4)


def test_complete_separation_by_a_continuous_covariate_has_finite_limits():
    x = np.column_stack([np.ones(20), np.linspace(-1, 1, 20)])
    fit = firth_logistic(outcome=(x[:, 1] > 0)[:, None] * 1.0, matrix=x, tested=1)
    assert np.isfinite([fit.estimate[0], fit.ci_low[0]]).all()
    assert fit.ci_low[0] > 0
    assert fit.p[0] < 0.001


def test_constant_outcomes_have_a_reason_and_equal_patterns_equal_results():
    rng = np.random.default_rng(3)
    y = (rng.random(16) < 0.4) * 1.0
    outcome = np.column_stack([np.zeros(16), y, np.ones(16), y])
    x = np.column_stack([np.ones(16), np.arange(16) % 2])
    fit = firth_logistic(outcome=outcome, matrix=x, tested=1)
    assert list(fit.reason) == ["never present", None, "always present", None]
    assert fit.p[1] == fit.p[3]
    assert np.isnan(fit.p[[0, 2]]).all()


def test_wrong_input_is_refused():
    x = np.ones((4, 1))
    with pytest.raises(ValueError, match="0 and 1"):
        firth_logistic(outcome=np.full((4, 1), 2.0), matrix=x, tested=0)
    with pytest.raises(ValueError, match="rank"):
        firth_logistic(outcome=np.eye(4), matrix=np.ones((4, 2)), tested=1)


def test_level_under_the_null_with_few_samples():
    rng = np.random.default_rng(11)
    x = np.column_stack([np.ones(30), np.arange(30) < 10, rng.normal(size=30)]).astype(float)
    fit = firth_logistic(outcome=(rng.random((30, 2000)) < 0.4) * 1.0, matrix=x, tested=1)
    assert 0.03 < np.nanmean(fit.p < 0.05) < 0.065

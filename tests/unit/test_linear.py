"""Least squares of many features: formula, missing values, what cannot be tested."""

import numpy as np
import pytest
import statsmodels.api as sm

from gutaxis.stats.linear import (
    CONSTANT,
    NO_RESIDUALS,
    NO_VALUES,
    NOT_ESTIMABLE,
    basis_of,
    independent_columns,
    missing_patterns,
    ols,
)

pytestmark = pytest.mark.unit


@pytest.fixture
def data():
    rng = np.random.default_rng(1)
    response = np.arange(20) % 2
    matrix = np.column_stack([np.ones(20), response, rng.normal(size=20)])
    return rng.normal(size=(20, 6)) + 0.8 * response[:, None], matrix


@pytest.mark.parametrize("tested", [0, 1, 2])
def test_the_same_as_statsmodels(data, tested):
    values, matrix = data
    values[3:6, 2] = np.nan
    found = ols(values=values, matrix=matrix, tested=tested)
    for feature in range(6):
        known = np.isfinite(values[:, feature])
        other = sm.OLS(values[known, feature], matrix[known]).fit()
        assert found.estimate[feature] == pytest.approx(other.params[tested])
        assert found.se[feature] == pytest.approx(other.bse[tested])
        assert found.p[feature] == pytest.approx(other.pvalues[tested])
        assert [found.ci_low[feature], found.ci_high[feature]] == pytest.approx(other.conf_int()[tested])
        assert found.coefficients[:, feature] == pytest.approx(other.params)
        assert found.s2[feature] * found.unscaled[feature] == pytest.approx(other.bse[tested] ** 2)
        assert (found.df[feature], found.n[feature]) == (known.sum() - 3, known.sum())


def test_what_cannot_be_tested_has_a_reason_and_no_number(data):
    values, matrix = data
    values[:, 0] = 7.3
    values[3:, 1] = np.nan
    values[matrix[:, 1] == 1, 2] = np.nan
    values[:, 3] = np.nan
    values[:, 4] = 2 * matrix[:, 1] - matrix[:, 2]
    found = ols(values=values, matrix=matrix, tested=1)
    expected = [CONSTANT, "3 values for 3 coefficients", NOT_ESTIMABLE, NO_VALUES, NO_RESIDUALS, None]
    assert list(found.reason) == expected
    for name in ("estimate", "se", "statistic", "df", "p", "ci_low", "ci_high", "s2", "unscaled"):
        assert list(np.isnan(getattr(found, name))) == [True] * 5 + [False], name
    assert list(found.n) == [20, 3, 10, 0, 20, 20]


def test_a_far_mean_and_units_do_not_matter(data):
    values, matrix = data
    plain = ols(values=values, matrix=matrix, tested=1)
    moved = ols(values=1e-3 * values + 1e3, matrix=matrix * [1, 1, 1e6], tested=1)
    assert moved.estimate == pytest.approx(1e-3 * plain.estimate, rel=1e-6)
    assert moved.p == pytest.approx(plain.p, rel=1e-6)


def test_the_order_of_rows_and_features_does_not_matter(data):
    values, matrix = data
    values[np.random.default_rng(2).random(values.shape) < 0.2] = np.nan
    rows, features = np.random.default_rng(3).permutation(20), np.array([4, 0, 5, 1, 3, 2])
    plain = ols(values=values, matrix=matrix, tested=1)
    mixed = ols(values=values[rows][:, features], matrix=matrix[rows], tested=1)
    assert mixed.estimate == pytest.approx(plain.estimate[features], abs=1e-12)
    assert mixed.p == pytest.approx(plain.p[features], abs=1e-12)


def test_a_nuisance_column_that_repeats_another_changes_nothing(data):
    values, matrix = data
    plain = ols(values=values, matrix=matrix, tested=1)
    twice = ols(values=values, matrix=np.column_stack([matrix, 3 * matrix[:, 2] - 2]), tested=1)
    assert twice.estimate == pytest.approx(plain.estimate)
    assert twice.df == pytest.approx(plain.df)
    assert np.isnan(twice.coefficients[3]).all()
    assert set(ols(values=values, matrix=np.column_stack([matrix, matrix[:, 1]]), tested=1).reason) == {NOT_ESTIMABLE}


@pytest.mark.parametrize("shape", [(20, 0), (0, 4)])
def test_nothing_in_gives_nothing_out(shape):
    found = ols(values=np.zeros(shape), matrix=np.ones((shape[0], 1)), tested=0)
    assert found.estimate.shape == (shape[1],)
    assert np.isnan(found.p).all()
    assert set(found.reason) <= {NO_VALUES}


def test_patterns_cover_every_feature_once():
    values = np.random.default_rng(4).normal(size=(9, 50))
    values[np.random.default_rng(5).random(values.shape) < 0.1] = np.nan
    patterns = list(missing_patterns(values=values))
    assert sorted(np.concatenate([item.features for item in patterns])) == list(range(50))
    for rows, features in patterns:
        present = np.isfinite(values[:, features])
        assert (present == np.isin(np.arange(9), rows)[:, None]).all()
    assert len({tuple(item.rows) for item in patterns}) == len(patterns)


def test_bases_span_the_columns(data):
    matrix = np.column_stack([data[1], data[1][:, 2] * 5])
    q, kept = independent_columns(matrix=matrix)
    assert kept == [0, 1, 2]
    assert q.T @ q == pytest.approx(np.eye(3), abs=1e-12)
    assert q @ (q.T @ matrix) == pytest.approx(matrix)
    basis = basis_of(matrix=matrix, tested=1)
    assert basis.columns[-1] == 1
    assert basis.q @ basis.r == pytest.approx(matrix[:, basis.columns])
    assert basis_of(matrix=matrix, tested=3) is None


@pytest.mark.parametrize(
    ("values", "matrix"),
    [
        (np.zeros((4, 2)), np.ones((5, 1))),
        (np.zeros(4), np.ones((4, 1))),
        (np.full((4, 2), np.inf), np.ones((4, 1))),
        (np.zeros((4, 2)), np.full((4, 1), np.nan)),
    ],
)
def test_wrong_arrays_are_refused(values, matrix):
    with pytest.raises(ValueError, match=r"design|finite"):
        ols(values=values, matrix=matrix, tested=0)


def test_type_one_error_and_coverage_on_normal_data():
    rng = np.random.default_rng(6)
    matrix = np.column_stack([np.ones(8), np.arange(8) % 2])
    found = ols(values=rng.normal(size=(8, 20000)) + 1.5 * matrix[:, 1:], matrix=matrix, tested=1)
    covered = ((found.ci_low < 1.5) & (found.ci_high > 1.5)).mean()
    assert covered == pytest.approx(0.95, abs=0.005)

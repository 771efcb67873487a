"""The random-intercept model: its likelihood, its limits, and what it is worth at the size of this trial."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from gutaxis.stats.linear import CONSTANT, NO_VALUES, NOT_ESTIMABLE, ols
from gutaxis.stats.mixed import random_intercept
from gutaxis.stats.reml import GRID, NO_WITHIN, class_sums, evaluate, satterthwaite

pytestmark = pytest.mark.unit


def pairs(*, patients=24, features=30, sd=1.0, seed=1, effect=0.0):
    """Return patients, time, response, values of complete pairs."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), 2)
    time, response = np.tile([0.0, 1.0], patients), patient % 2
    values = rng.normal(size=(len(patient), features)) + sd * rng.normal(size=(patients, features))[patient]
    return patient, time, response, values + effect * time[:, None]


def dense(*, y, matrix, patient, share):
    """Return minus twice the profile log restricted likelihood, written out with the whole covariance matrix."""
    covariance = (1 - share) * np.eye(len(y)) + share * (patient[:, None] == patient[None, :])
    inverse = np.linalg.inv(covariance)
    hessian = matrix.T @ inverse @ matrix
    residual = y - matrix @ np.linalg.solve(hessian, matrix.T @ inverse @ y)
    freedom = len(y) - matrix.shape[1]
    deviance = freedom * np.log(residual @ inverse @ residual)
    return deviance + np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(hessian)[1]


@pytest.fixture
def unbalanced():
    rng = np.random.default_rng(2)
    patient = np.repeat(np.arange(12), rng.integers(1, 5, 12))
    matrix = np.linalg.qr(np.column_stack([np.ones(len(patient)), rng.normal(size=(len(patient), 2))]))[0]
    values = rng.normal(size=(len(patient), 4)) + rng.normal(size=(12, 4))[patient]
    return patient, matrix, values - matrix @ (matrix.T @ values)


def test_likelihood_and_slope_by_classes_are_those_of_the_whole_matrix(unbalanced):
    patient, matrix, values = unbalanced
    sums = class_sums(values=values, columns=matrix, people=patient, largest=4)
    for share in (0.0, 0.3, 0.8, 0.99, -0.2):
        fitted = evaluate(share=np.full(4, share), sums=sums)
        for feature in range(4):

            def deviance(at, y=values[:, feature]):
                return dense(y=y, matrix=matrix, patient=patient, share=float(at[0]))

            assert fitted.deviance[feature] == pytest.approx(deviance([share]), abs=1e-9)
            slope = approx_fprime([share], deviance, 1e-7)[0]
            assert fitted.slope[feature] == pytest.approx(slope, rel=1e-4, abs=1e-4)


def test_the_estimate_is_the_minimum_of_the_deviance(unbalanced):
    patient, matrix, values = unbalanced
    found = random_intercept(values=values, matrix=matrix, patients=patient, tested=1)
    share = found.variance_patient / (found.variance_patient + found.variance_residual)
    for feature in range(4):
        here = dense(y=values[:, feature], matrix=matrix, patient=patient, share=share[feature])
        others = [dense(y=values[:, feature], matrix=matrix, patient=patient, share=at) for at in GRID[:24]]
        assert here <= min(others) + 1e-9


def test_degrees_of_freedom_are_those_of_numerical_derivatives(unbalanced):
    patient, matrix, values = unbalanced
    share = np.full(4, 0.4)  # not the maximum, so that the observed and the expected information differ
    sums = class_sums(values=values, columns=matrix, people=patient, largest=4)
    fitted = evaluate(share=share, sums=sums)
    found = satterthwaite(share=share, fitted=fitted, sums=sums)
    same = patient[:, None] == patient[None, :]

    def parts(variances, y):
        inverse = np.linalg.inv(variances[0] * np.eye(len(y)) + variances[1] * same)
        covariance = np.linalg.inv(matrix.T @ inverse @ matrix)
        residual = y - matrix @ covariance @ matrix.T @ inverse @ y
        logs = -np.linalg.slogdet(inverse)[1] - np.linalg.slogdet(covariance)[1]
        return (logs + residual @ inverse @ residual) / 2, covariance[-1, -1]

    for feature in range(4):
        total = (fitted.weight * fitted.residual).sum(axis=1)[feature] / sums.freedom[feature]
        at, y, step = np.array([0.6, 0.4]) * total, values[:, feature], 1e-4
        moves = [step * np.eye(2)[i] for i in range(2)]
        information = np.array(
            [
                [
                    sum(s * t * parts(at + s * a + t * b, y)[0] for s in (1, -1) for t in (1, -1)) / (4 * step**2)
                    for a in moves
                ]
                for b in moves
            ]
        )
        gradient = np.array([(parts(at + a, y)[1] - parts(at - a, y)[1]) / (2 * step) for a in moves])
        expected = 2 * parts(at, y)[1] ** 2 / (gradient @ np.linalg.solve(information, gradient))
        assert np.linalg.eigvalsh(information).min() > 0
        assert found[feature] == pytest.approx(max(expected, 1), rel=1e-3)


def test_complete_pairs_are_least_squares_on_the_differences():
    patient, time, response, values = pairs(sd=1.2, effect=0.4)
    matrix = np.column_stack([np.ones(48), response, time, response * time])
    change = values[1::2] - values[::2]
    plain = ols(values=change, matrix=matrix[::2, :2], tested=1)
    for negative in (False, True):
        found = random_intercept(values=values, matrix=matrix, patients=patient, tested=3, negative=negative)
        inside = found.variance_patient > 0 if not negative else np.ones(30, dtype=bool)
        assert inside.sum() > 20
        assert found.estimate == pytest.approx(plain.estimate, abs=1e-12)
        assert found.se[inside] == pytest.approx(plain.se[inside], rel=1e-8)
        assert found.df[inside] == pytest.approx(plain.df[inside], rel=1e-6)
        assert found.p[inside] == pytest.approx(plain.p[inside], rel=1e-6)


def test_without_patient_variance_it_is_least_squares_on_all_samples():
    patient, time, _, values = pairs(sd=0.0)
    values[1::2] -= 0.9 * values[::2]  # negative correlation
    matrix = np.column_stack([np.ones(48), time])
    found, plain = (
        random_intercept(values=values, matrix=matrix, patients=patient, tested=1),
        ols(values=values, matrix=matrix, tested=1),
    )
    assert (found.variance_patient == 0).all()
    assert found.p == pytest.approx(plain.p)
    assert found.df == pytest.approx(plain.df)
    free = random_intercept(values=values, matrix=matrix, patients=patient, tested=1, negative=True)
    assert (free.variance_patient < 0).all()
    assert (free.se > found.se).all(), "positive values of both samples are rarer together: the change varies more"


def test_what_cannot_be_tested_has_a_reason_and_no_number():
    patient, time, _, values = pairs(features=8)
    values[:, 0] = 2.0
    values[:, 1] = np.nan
    values[time == 1, 2] = np.nan  # no second sample at all
    values[(time == 1) & (patient > 1), 3] = np.nan  # two pairs
    values[2:, 4] = np.nan
    values[:, 5] = np.repeat(values[::2, 5], 2)  # nothing ever changes within a patient
    values[:, 6] = patient * 0.5 + time  # the change is the same in everyone
    found = random_intercept(values=values, matrix=np.column_stack([np.ones(48), time]), patients=patient, tested=1)
    few = "2 patients with several values"
    small = "2 values for 2 coefficients"
    assert list(found.reason) == [CONSTANT, NO_VALUES, NOT_ESTIMABLE, few, small, NO_WITHIN, NO_WITHIN, None]
    for name in (
        "estimate",
        "se",
        "statistic",
        "df",
        "p",
        "ci_low",
        "ci_high",
        "variance_patient",
        "variance_residual",
    ):
        assert list(np.isnan(getattr(found, name))) == [True] * 7 + [False], name


def test_labels_order_scale_and_chunks_do_not_matter(monkeypatch):
    patient, time, response, values = pairs(patients=20, features=11)
    values[np.random.default_rng(3).random(values.shape) < 0.1] = np.nan
    matrix = np.column_stack([np.ones(40), response, time])
    plain = random_intercept(values=values, matrix=matrix, patients=patient, tested=2)
    monkeypatch.setattr("gutaxis.stats.mixed.CHUNK", 3)
    rows = np.random.default_rng(4).permutation(40)
    names = np.array([f"Q{9 - number}" for number in range(20)], dtype=object)[patient]
    other = random_intercept(values=1e-4 * values[rows] + 50, matrix=matrix[rows], patients=names[rows], tested=2)
    assert other.estimate == pytest.approx(1e-4 * plain.estimate, rel=1e-6)
    assert other.p == pytest.approx(plain.p, rel=1e-6)
    assert other.variance_patient == pytest.approx(1e-8 * plain.variance_patient, rel=1e-5, abs=1e-16)


def test_the_same_input_gives_the_same_bytes():
    patient, time, _, values = pairs()
    matrix = np.column_stack([np.ones(48), time])
    runs = [random_intercept(values=values, matrix=matrix, patients=patient, tested=1) for _ in range(2)]
    assert runs[0].p.tobytes() == runs[1].p.tobytes()


def test_no_features():
    found = random_intercept(values=np.zeros((4, 0)), matrix=np.ones((4, 1)), patients=np.array(list("aabb")), tested=0)
    assert found.p.shape == found.variance_patient.shape == (0,)


def test_patients_must_fit_the_rows():
    with pytest.raises(ValueError, match="one label per row"):
        random_intercept(values=np.zeros((4, 1)), matrix=np.ones((4, 1)), patients=np.arange(3), tested=0)


@pytest.mark.parametrize("sd", [0.3, 1.0, 3.0])
def test_type_one_error_with_a_third_of_the_second_samples_missing(sd):
    patient, time, response, values = pairs(patients=24, features=4000, sd=sd, seed=5)
    keep = np.setdiff1d(np.arange(48), np.arange(1, 48, 6))
    matrix = np.column_stack([np.ones(48), response, time, response * time])
    found = random_intercept(values=values[keep], matrix=matrix[keep], patients=patient[keep], tested=3, negative=True)
    assert (found.p < 0.05).mean() == pytest.approx(0.05, abs=0.012)

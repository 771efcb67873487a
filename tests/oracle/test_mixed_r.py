"""The random-intercept model against lmerTest::lmer: coefficient, standard error, variances, Satterthwaite df, p."""

import numpy as np
import pandas as pd
import pytest
from tests.r_models import run_r

from gutaxis.stats.mixed import random_intercept

pytestmark = pytest.mark.oracle
# the default stopping rule of lmer leaves 1e-4 of the standard deviation of the intercepts open: ask it for more
LMER = """
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10), calc.derivs = FALSE,
  check.conv.singular = "ignore")
fits <- lapply(values, function(y) suppressWarnings(lmer(FORMULA, data.frame(y = y, frame), control = tight)))
pick <- function(column) sapply(fits, function(m) coef(summary(m))[, column])
variances <- sapply(fits, function(m) as.data.frame(VarCorr(m))$vcov)
json(estimate = pick(1), se = pick(2), df = pick(3), p = pick(5), patient = variances[1, ], residual = variances[2, ])
"""
FULL = "y ~ response + time + c2 + c3 + age + response:time + (1 | patient)"
SLOPE = "y ~ time + (1 | patient)"


def trial(*, patients: int, seed: int, features: int = 15):
    """Return frame, design, values with patient standard deviations from 0 to 2 (residual: 1)."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), 2)
    per = {
        "response": rng.permutation(np.arange(patients) % 2),
        "c2": np.arange(patients) % 3 == 1,
        "c3": np.arange(patients) % 3 == 2,
        "age": rng.normal(60, 9, patients),
    }
    frame = pd.DataFrame({name: values[patient].astype(float) for name, values in per.items()})
    frame.insert(1, "time", np.tile([0.0, 1.0], patients))
    matrix = np.column_stack([np.ones(len(frame)), frame, frame["response"] * frame["time"]])
    values = rng.normal(size=(2 * patients, features)) + 20 + frame[["time"]].to_numpy() * 0.5
    values += rng.normal(size=(patients, features))[patient] * np.linspace(0, 2, features)
    return frame.assign(patient=patient), matrix, values


def compare(*, frame, matrix, values, folder, formula=FULL):
    """Compare every coefficient but the intercept; return the fits of the last."""
    expected = run_r(
        script=LMER.replace("FORMULA", formula), package="lmerTest", folder=folder, values=values, frame=frame
    )
    shape = (values.shape[1], matrix.shape[1])
    for tested in range(1, matrix.shape[1]):
        found = random_intercept(values=values, matrix=matrix, patients=frame["patient"].to_numpy(), tested=tested)
        column = {name: expected[name].reshape(shape)[:, tested] for name in ("estimate", "se", "df", "p")}
        assert set(found.reason) == {None}
        assert found.estimate == pytest.approx(column["estimate"], abs=1e-6)
        assert found.se == pytest.approx(column["se"], rel=1e-4)
        usual = column["df"] >= 1
        assert usual.mean() > 0.8
        assert found.df[usual] == pytest.approx(column["df"][usual], rel=0.01)
        assert (found.df[~usual] == 1).all()
        assert found.p[usual] == pytest.approx(column["p"][usual], rel=2e-3, abs=1e-12)
        assert found.variance_residual == pytest.approx(expected["residual"], rel=1e-4)
        assert found.variance_patient == pytest.approx(expected["patient"], rel=1e-3, abs=1e-5)
    return found


def test_complete_pairs(tmp_path):
    frame, matrix, values = trial(patients=48, seed=1)
    found = compare(frame=frame, matrix=matrix, values=values, folder=tmp_path)
    assert 0 < (found.variance_patient == 0).sum() < 15, "both sides of the boundary belong to this test"
    assert (found.df[found.variance_patient == 0] == 96 - 7).all()


def test_patients_without_a_second_sample(tmp_path):
    frame, matrix, values = trial(patients=48, seed=2)
    keep = np.setdiff1d(np.arange(96), [1, 5, 8, 13, 20, 33, 47, 60, 61, 77, 90])
    compare(frame=frame.iloc[keep], matrix=matrix[keep], values=values[keep], folder=tmp_path)


def test_values_that_are_missing_in_another_place_for_each_feature(tmp_path):
    frame, matrix, values = trial(patients=24, seed=3)
    values[np.random.default_rng(4).random(values.shape) < 0.15] = np.nan
    compare(frame=frame, matrix=matrix, values=values, folder=tmp_path)


@pytest.mark.parametrize("seed", [5, 6])
def test_seven_patients(seed, tmp_path):
    frame, matrix, values = trial(patients=7, seed=seed)
    keep = np.setdiff1d(np.arange(14), [3, 8])
    compare(frame=frame.iloc[keep], matrix=matrix[keep][:, [0, 2]], values=values[keep], folder=tmp_path, formula=SLOPE)


def test_up_to_four_samples_of_a_patient_and_a_covariate_that_varies_within(tmp_path):
    rng = np.random.default_rng(7)
    patient = np.repeat(np.arange(20), rng.integers(1, 5, 20))
    frame = pd.DataFrame({"patient": patient, "time": rng.normal(size=len(patient))})
    matrix = np.column_stack([np.ones(len(patient)), frame["time"]])
    values = rng.normal(size=(len(patient), 15)) + rng.normal(size=(20, 15))[patient] + matrix[:, 1:]
    compare(frame=frame, matrix=matrix, values=values, folder=tmp_path, formula=SLOPE)


def test_negative_correlation_against_generalised_least_squares(tmp_path):
    frame, matrix, values = trial(patients=30, seed=8)
    keep = np.setdiff1d(np.arange(60), [1, 6, 11, 30, 41])
    frame, matrix, values = frame.iloc[keep], matrix[keep], values[keep]
    script = """
    fit <- lapply(values, function(y) gls(y ~ response * time + c2 + c3 + age, data.frame(y = y, frame),
      correlation = corCompSymm(form = ~ 1 | patient), control = glsControl(tolerance = 1e-12, msTol = 1e-14)))
    k <- "response:time"
    json(estimate = sapply(fit, function(m) coef(m)[k]), se = sapply(fit, function(m) sqrt(vcov(m)[k, k])),
      total = sapply(fit, function(m) m$sigma^2),
      correlation = sapply(fit, function(m) coef(m$modelStruct$corStruct, unconstrained = FALSE)))
    """
    expected = run_r(script=script, package="nlme", folder=tmp_path, values=values, frame=frame)
    found = random_intercept(
        values=values, matrix=matrix, patients=frame["patient"].to_numpy(), tested=6, negative=True
    )
    total = found.variance_patient + found.variance_residual
    assert (expected["correlation"] < -0.01).any()
    assert found.variance_patient / total == pytest.approx(expected["correlation"], abs=1e-4)
    assert total == pytest.approx(expected["total"], rel=1e-4)
    assert found.estimate == pytest.approx(expected["estimate"], abs=1e-5)
    assert found.se == pytest.approx(expected["se"], rel=1e-4)

"""Least squares against R's lm, moderated t statistics against limma::lmFit and eBayes."""

import numpy as np
import pandas as pd
import pytest
from tests.r_models import run_r

from gutaxis.stats.linear import ols
from gutaxis.stats.moderated import moderated_t, squeeze_variances, trigamma_inverse

pytestmark = pytest.mark.oracle
LIMMA = """
e <- eBayes(lmFit(t(as.matrix(values)), as.matrix(design)))
k <- ncol(design)
ci <- topTable(e, coef = k, number = Inf, sort.by = "none", confint = TRUE)
json(estimate = e$coefficients[, k], t = e$t[, k], p = e$p.value[, k], post = e$s2.post, total = e$df.total,
  low = ci$CI.L, high = ci$CI.R, prior = c(e$df.prior, e$s2.prior))
"""


def data(*, seed, spread, missing=0.0, n=24, m=200):
    rng = np.random.default_rng(seed)
    response = rng.permutation(np.arange(n) % 2)
    design = np.column_stack([np.ones(n), np.arange(n) % 3 == 1, np.arange(n) % 3 == 2, response]).astype(float)
    values = 15 + rng.normal(size=(n, m)) * np.exp(spread * rng.normal(size=m))
    values[:, :20] += 2 * response[:, None]
    values[rng.random(values.shape) < missing] = np.nan
    return values, design


@pytest.mark.parametrize(
    ("seed", "spread", "missing"), [(1, 0.5, 0.0), (2, 0.5, 0.15), (3, 0.0, 0.0), (4, 1.5, 0.3), (5, 0.0, 0.2)]
)
def test_moderated_t(seed, spread, missing, tmp_path):
    values, design = data(seed=seed, spread=spread, missing=missing)
    expected = run_r(script=LIMMA, package="limma", folder=tmp_path, values=values, design=design)
    found = moderated_t(values=values, matrix=design, tested=3)
    assert found.estimate == pytest.approx(expected["estimate"], rel=1e-6)
    assert found.statistic == pytest.approx(expected["t"], rel=1e-6)
    assert found.p == pytest.approx(expected["p"], rel=1e-6)
    assert found.s2_moderated == pytest.approx(expected["post"], rel=1e-6)
    assert found.df == pytest.approx(expected["total"], rel=1e-6)
    assert found.ci_low == pytest.approx(expected["low"], rel=1e-6, abs=1e-9)
    assert found.ci_high == pytest.approx(expected["high"], rel=1e-6, abs=1e-9)
    assert [found.df_prior, found.s2_prior] == pytest.approx(list(expected["prior"]), rel=1e-6)
    assert np.isinf(found.df_prior) == (seed == 3), "one of the cases has variances that agree"


def test_a_nuisance_column_that_missing_values_empty(tmp_path):
    values, design = data(seed=6, spread=0.4)
    values[design[:, 2] == 1, :30] = np.nan  # the third cohort was not measured
    expected = run_r(script=LIMMA, package="limma", folder=tmp_path, values=values, design=design)
    found = moderated_t(values=values, matrix=design, tested=3)
    assert found.statistic == pytest.approx(expected["t"], rel=1e-6)
    assert found.p == pytest.approx(expected["p"], rel=1e-6)
    assert np.isnan(found.coefficients[2, :30]).all()
    assert np.isfinite(found.coefficients[2, 30:]).all()


def test_all_coefficients_of_least_squares(tmp_path):
    values, design = data(seed=7, spread=0.5, missing=0.1, m=30)
    script = """
    f <- lapply(values, function(y) summary(lm(y ~ 0 + ., data.frame(y = y, design))))
    s <- sapply(f, function(x) x$coefficients[2, ])
    json(beta = sapply(f, function(x) x$coefficients[, 1]), t = s[3, ], p = s[4, ],
      s2 = sapply(f, function(x) x$sigma^2), df = sapply(f, function(x) x$df[2]))
    """
    expected = run_r(script=script, package="stats", folder=tmp_path, values=values, design=design)
    found = ols(values=values, matrix=design, tested=1)
    assert found.coefficients.T.ravel() == pytest.approx(expected["beta"], rel=1e-8, abs=1e-10)
    for name, column in (("t", found.statistic), ("p", found.p), ("s2", found.s2), ("df", found.df)):
        assert column == pytest.approx(expected[name], rel=1e-8), name


def test_squeezed_variances_and_the_inverse_of_trigamma(tmp_path):
    rng = np.random.default_rng(8)
    df = rng.integers(2, 40, 300).astype(float)
    s2 = rng.chisquare(df) / df * 0.3 / (rng.chisquare(7, 300) / 7)
    x = np.array([1e-8, 1e-4, 0.3, 1, 20, 1e4, 1e9])
    script = """
    q <- squeezeVar(t$s2, t$df)
    json(post = q$var.post, prior = c(q$df.prior, q$var.prior), inverse = trigammaInverse(x$x))
    """
    expected = run_r(
        script=script,
        package="limma",
        folder=tmp_path,
        t=pd.DataFrame({"s2": s2, "df": df}),
        x=pd.DataFrame({"x": x}),
    )
    found = squeeze_variances(s2=s2, df=df)
    assert found.s2 == pytest.approx(expected["post"], rel=1e-8)
    assert [found.df_prior, found.s2_prior] == pytest.approx(list(expected["prior"]), rel=1e-7)
    assert [trigamma_inverse(value=value) for value in x] == pytest.approx(list(expected["inverse"]), rel=1e-7)

"""Cox regression of many features against R survival::coxph (Efron): log hazard ratio, standard error, p."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from tests.r_models import run_r

from gutaxis.stats.cox import cox

pytestmark = pytest.mark.oracle
COXPH = """
fit <- sapply(values, function(z) {
  d <- data.frame(z = z / sd(z, na.rm = TRUE), frame)
  m <- suppressWarnings(coxph(FORMULA, d, control = coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 60)))
  s <- summary(m)
  c(s$coefficients["z", c(1, 3, 4, 5)], log(s$conf.int["z", 3:4]), m$n, m$nevent)
})
json(estimate = fit[1, ], se = fit[2, ], z = fit[3, ], p = fit[4, ], low = fit[5, ], high = fit[6, ], n = fit[7, ],
  events = fit[8, ])
"""


def data(*, seed, n, m, q, missing=0.0, ties=False):
    rng = np.random.default_rng(seed)
    covariates = rng.normal(size=(n, q)) * 10 + 60
    values = rng.normal(size=(n, m)) * np.exp(rng.normal(size=m)) + 12
    values[rng.random(values.shape) < missing] = np.nan
    time = rng.exponential(100, n) * np.exp(-0.5 * (np.nan_to_num(values[:, 0], nan=12) - 12) / np.nanstd(values[:, 0]))
    limit = rng.uniform(50, 300, n)
    event = (time <= limit).astype(float)
    time = np.minimum(time, limit)
    return values, covariates, np.ceil(time / 30) if ties else time, event


def compare(*, values, covariates, time, event, folder):
    names = [f"x{column}" for column in range(covariates.shape[1])]
    expected = run_r(
        script=COXPH.replace("FORMULA", "Surv(time, event) ~ " + " + ".join(["z", *names])),
        package="survival",
        folder=folder,
        values=values,
        frame=pd.DataFrame({"time": time, "event": event, **dict(zip(names, covariates.T, strict=True))}),
    )
    found = cox(values=values, covariates=covariates, time=time, event=event)
    assert set(found.reason) == {None}
    pairs = {"estimate": found.estimate, "se": found.se, "z": found.statistic, "p": 2 * norm.sf(abs(found.statistic))}
    # R refers the statistic to the normal distribution; what is shipped uses t, which tests/unit/test_cox.py pins
    half = norm.ppf(0.975) * found.se
    pairs |= {"low": found.estimate - half, "high": found.estimate + half, "n": found.n, "events": found.events}
    for name, column in pairs.items():
        assert column == pytest.approx(expected[name], rel=1e-6, abs=1e-6), name
    return found


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("n", "q"), [(48, 0), (48, 2), (120, 4)])
def test_complete_values(n, q, ties, tmp_path):
    values, covariates, time, event = data(seed=n + q, n=n, m=30, q=q, ties=ties)
    found = compare(values=values, covariates=covariates, time=time, event=event, folder=tmp_path)
    assert found.p[0] < 0.05, "the planted effect"


def test_missing_values_and_heavy_ties(tmp_path):
    values, covariates, time, event = data(seed=3, n=60, m=30, q=1, missing=0.2, ties=True)
    assert len(np.unique(time)) < 12
    compare(values=values, covariates=covariates, time=time, event=event, folder=tmp_path)


def test_a_covariate_without_events_on_one_side(tmp_path):
    values, _, time, event = data(seed=4, n=48, m=20, q=0)
    spared = np.zeros((48, 1))
    spared[np.flatnonzero(event == 0)[:5]] = 1
    compare(values=values, covariates=spared, time=time, event=event, folder=tmp_path)


@pytest.mark.parametrize(
    ("name", "ratio", "error"),
    [("age", 0.011067, 0.009267), ("sex", -0.552612, 0.167739), ("ecog", 0.463728, 0.113577)],
)
def test_lung_as_often_published(name, ratio, error, tmp_path):
    lung = run_r(
        script="d <- na.omit(lung[, c('time', 'status', 'age', 'sex', 'ph.ecog')]); json(time = d$time, "
        "status = d$status, age = d$age, sex = d$sex, ecog = d$ph.ecog)",
        package="survival",
        folder=tmp_path,
    )
    found = cox(
        values=lung[name][:, None],
        covariates=np.column_stack([lung[other] for other in ("age", "sex", "ecog") if other != name]),
        time=lung["time"],
        event=lung["status"] - 1,
    )
    assert found.estimate / found.sd == pytest.approx([ratio], abs=5e-7)
    assert found.se / found.sd == pytest.approx([error], abs=5e-7)
    assert (found.n[0], found.events[0]) == (227, 164)

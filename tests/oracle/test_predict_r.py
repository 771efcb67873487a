"""AUC, DeLong's interval and Harrell's C with its variance against R pROC and survival; ridge Cox against coxph."""

import numpy as np
import pandas as pd
import pytest
from tests.r_models import run_r

from gutaxis.predict import metrics
from gutaxis.predict.survival import RidgeCox
from gutaxis.predict.targets import Target

pytestmark = pytest.mark.oracle


def target(classes, time=None):
    return Target(
        outcome="response" if time is None else "pfs2", classes=classes, time=time, groups=np.arange(len(classes)),
        strata=np.zeros(len(classes), dtype=object),
    )  # fmt: skip


@pytest.mark.parametrize(("n", "n_r", "digits"), [(48, 12, 6), (48, 12, 0), (155, 121, 3)])
def test_auc_and_delong_as_proc(n, n_r, digits, tmp_path):
    rng = np.random.default_rng(n + digits)
    classes = (np.arange(n) < n_r).astype(float)
    scores = (rng.normal(size=n) + 0.7 * classes).round(digits)
    found = run_r(
        script="""r <- roc(d$y, d$s, levels = c(0, 1), direction = "<", quiet = TRUE)
json(auc = auc(r), variance = var(r, method = "delong"), ci = ci.auc(r, method = "delong"))""",
        package="pROC", folder=tmp_path, d=pd.DataFrame({"y": classes, "s": scores}),
    )  # fmt: skip
    counter = metrics.PairCounter(above=target(classes).above)
    counter.add(rows=np.arange(n), scores=scores)
    value, variance = (
        metrics.concordance(pairs=counter.pairs),
        metrics.delong_variance(pairs=counter.pairs, groups=np.arange(n)),
    )
    assert value == pytest.approx(found["auc"][0], abs=1e-12)
    assert variance == pytest.approx(found["variance"][0], rel=1e-9)
    assert metrics.interval(estimate=value, variance=variance) == pytest.approx(found["ci"][[0, 2]], abs=1e-9)


@pytest.mark.parametrize("ties", [False, True])
def test_harrells_c_as_survival(ties, tmp_path):
    rng = np.random.default_rng(5)
    time, event = rng.exponential(10, 60), (rng.random(60) < 0.7).astype(float)
    time = np.ceil(time) if ties else time
    risk = (rng.normal(size=60) - 0.05 * time).round(1 if ties else 6)
    found = run_r(
        script="m <- concordance(Surv(time, event) ~ risk, d, reverse = TRUE); json(c = m$concordance, var = m$var)",
        package="survival", folder=tmp_path, d=pd.DataFrame({"time": time, "event": event, "risk": risk}),
    )  # fmt: skip
    counter = metrics.PairCounter(above=target(event, time).above)
    counter.add(rows=np.arange(60), scores=risk)
    assert metrics.concordance(pairs=counter.pairs) == pytest.approx(found["c"][0], abs=1e-12)
    variance = metrics.jackknife_variance(pairs=counter.pairs, groups=np.arange(60))
    assert variance == pytest.approx(found["var"][0], rel=1e-6)


def test_ridge_cox_as_coxph(tmp_path):
    rng = np.random.default_rng(7)
    x = rng.normal(size=(80, 4))
    x -= x.mean(axis=0)
    time, event = np.ceil(rng.exponential(10, 80) * np.exp(-x[:, 0] / 2)), (rng.random(80) < 0.8).astype(float)
    model = RidgeCox(variances=(0.3,)).fit(x, np.column_stack([time, event]))
    theta = (x**2).sum(axis=1).mean() / 0.3
    frame = pd.DataFrame(x, columns=list("abcd")).assign(time=time, event=event)
    found = run_r(
        script=f"""m <- coxph(Surv(time, event) ~ ridge(a, b, c, d, theta = {theta}, scale = FALSE), d, eps = 1e-12)
json(b = coef(m))""",
        package="survival", folder=tmp_path, d=frame,
    )  # fmt: skip
    np.testing.assert_allclose(model.coef_[0], found["b"], atol=1e-6)

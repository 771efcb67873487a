"""The classifiers against other programs: the elastic net, ridge Cox regression, risk sets."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from tests.predict_cases import noise, people, quick

from gutaxis.predict.inputs import Block, make_pipeline
from gutaxis.predict.models import ElasticNet, Forest, fit_pipeline, path_scores
from gutaxis.predict.survival import RidgeCox, partial_likelihood, risk_sets

pytestmark = pytest.mark.unit
PATIENTS = people(n=40)
LABELS = (PATIENTS["response"] == "R").to_numpy(dtype=float)


def features(m=60, effect=0.8, seed=1):
    x = noise(patients=PATIENTS, m=m, effect=effect, seed=seed).to_numpy()
    return (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)


@pytest.mark.oracle
def test_elastic_net_is_that_of_scikit_learn():
    x = features()
    found = ElasticNet(tolerance=1e-10).fit(x, LABELS)
    places = [(ratio, strength) for ratio in found.l1_ratios for strength in found.strengths]
    for at, (ratio, _) in enumerate(places):
        oracle = LogisticRegression(
            penalty="elasticnet", solver="saga", l1_ratio=ratio, C=1 / (40 * found.penalties_[at]), tol=1e-8,
            max_iter=100000,
        ).fit(x, LABELS)  # fmt: skip
        np.testing.assert_allclose(found.coef_[at], oracle.coef_[0], atol=2e-4)
        assert found.intercept_[at] == pytest.approx(oracle.intercept_[0], abs=2e-4)


def test_usual_tolerance_ranks_patients_as_the_exact_fit_does():
    x = features()
    rough, exact = (ElasticNet(tolerance=size).fit(x, LABELS).path(x) for size in (1e-4, 1e-10))
    np.testing.assert_allclose(rough, exact, atol=5e-3)


def test_the_grid_has_no_empty_model_and_its_strongest_penalty_uses_least():
    found = ElasticNet().fit(features(effect=0.0), LABELS)
    used = (found.coef_ != 0).sum(axis=1)
    assert used.min() > 0
    assert (np.diff(used[:4]) > 0).all()
    assert (np.diff(used[4:]) > 0).all()


def test_without_a_feature_everybody_gets_the_share_of_responders():
    scores = ElasticNet().fit(np.zeros((40, 0)), LABELS).path(np.zeros((3, 0)))
    np.testing.assert_allclose(expit(scores), LABELS.mean())


def test_the_quick_pipeline_is_the_pipeline_of_scikit_learn():
    values = noise(patients=PATIENTS, m=150, effect=0.5).to_numpy()
    block = Block(
        layer="x", kind="continuous", paired=False, values=values, present=np.ones(40, bool),
        features=[str(at) for at in range(150)], labels=[""] * 150, batches=[()] * 40,
    )  # fmt: skip
    pipeline = make_pipeline(learner="elastic_net", blocks=[block], settings=quick(screen=50))
    assert isinstance(pipeline, Pipeline)
    assert [name for name, _ in pipeline.steps] == ["scale", "screen", "model"]
    fitted = make_pipeline(learner="elastic_net", blocks=[block], settings=quick(screen=50)).fit(
        values[:30], LABELS[:30]
    )
    mine = fit_pipeline(pipeline=pipeline, values=values[:30], target=LABELS[:30])
    expected = fitted.steps[-1][1].path(fitted[:-1].transform(values[30:]))
    np.testing.assert_array_equal(path_scores(pipeline=mine, values=values[30:]), expected)


def test_forest_scores_are_log_odds_and_repeat():
    x = features(m=10, effect=2.0)
    first, second = (Forest(seed=3).fit(x, LABELS) for _ in range(2))
    np.testing.assert_array_equal(first.path(x), second.path(x))
    assert (first.path(x)[LABELS == 1].mean(axis=0) > first.path(x)[LABELS == 0].mean(axis=0)).all()
    assert np.isfinite(first.path(x)).all()


def times(seed=2, ties=True):
    rng = np.random.default_rng(seed)
    time = rng.exponential(10, 40)
    return (np.ceil(time) if ties else time), (rng.random(40) < 0.7).astype(float)


@pytest.mark.oracle
@pytest.mark.parametrize("ties", [False, True])
def test_partial_likelihood_by_definition(ties):
    time, event = times(ties=ties)
    eta = np.random.default_rng(1).normal(size=40)
    total = 0.0
    for moment in np.unique(time[event == 1]):
        dead = np.flatnonzero((time == moment) & (event == 1))
        risk, tied = np.exp(eta[time >= moment]).sum(), np.exp(eta[dead]).sum()
        total += eta[dead].sum() - sum(np.log(risk - at / len(dead) * tied) for at in range(len(dead)))
    found = partial_likelihood(scores=eta[:, None], sets=risk_sets(time=time, event=event))
    assert found[0] == pytest.approx(total, abs=1e-9)


@pytest.mark.oracle
@pytest.mark.parametrize("m", [5, 90])
def test_ridge_cox_is_the_optimum(m):
    x = features(m=m)
    time, event = times()
    found = RidgeCox().fit(x, np.column_stack([time, event]))
    sets, size = risk_sets(time=time, event=event), (x**2).sum(axis=1).mean()

    for at, variance in enumerate(found.variances):
        penalty = size / variance

        def loss(beta, penalty=penalty):
            eta = x @ beta
            weighted = sets.weights * np.exp(eta)
            share = (weighted / weighted.sum(axis=1, keepdims=True)).sum(axis=0)
            value = -partial_likelihood(scores=eta[:, None], sets=sets)[0] + penalty / 2 * beta @ beta
            return value, -x.T @ (sets.failed - share) + penalty * beta

        best = minimize(loss, np.zeros(m), jac=True, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-10})
        np.testing.assert_allclose(found.coef_[at], best.x, atol=1e-5)


def test_ridge_cox_without_features_scores_everybody_alike():
    time, event = times()
    assert (RidgeCox().fit(np.zeros((40, 0)), np.column_stack([time, event])).path(np.zeros((3, 0))) == 0).all()

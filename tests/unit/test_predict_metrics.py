"""AUC of pairs tested together, its intervals, and calibration, against definitions and other programs."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score, roc_curve

from gutaxis.predict import metrics
from gutaxis.predict.stability import nogueira
from gutaxis.predict.targets import Target

pytestmark = pytest.mark.unit


def scored(*, n=30, share=0.4, seed=0, effect=1.0, digits=None):
    rng = np.random.default_rng(seed)
    classes = (np.arange(n) < n * share).astype(float)
    scores = rng.normal(size=n) + effect * classes
    return classes, scores if digits is None else scores.round(digits)


def counted(classes, parts):
    counter = metrics.PairCounter(above=(classes[:, None] == 1) & (classes[None, :] == 0))
    for rows, scores in parts:
        counter.add(rows=rows, scores=scores)
    return counter.pairs


def delong_by_loops(classes, scores):
    one, zero = scores[classes == 1], scores[classes == 0]
    psi = np.array([[float(a > b) + 0.5 * (a == b) for b in zero] for a in one])
    return psi.mean(axis=1).var(ddof=1) / len(one) + psi.mean(axis=0).var(ddof=1) / len(zero)


@pytest.mark.oracle
@pytest.mark.parametrize("digits", [None, 0])
def test_auc_and_delong_by_definition(digits):
    classes, scores = scored(digits=digits)
    pairs = counted(classes, [(np.arange(30), scores)])
    assert metrics.concordance(pairs=pairs) == pytest.approx(roc_auc_score(classes, scores))
    variance = metrics.delong_variance(pairs=pairs, groups=np.arange(30))
    assert variance == pytest.approx(delong_by_loops(classes, scores), rel=1e-12)


def test_only_pairs_of_one_fold_are_compared():
    classes = np.array([1.0, 0, 1, 0])
    # scores of the second fold are all higher; that must not help its responder against the other fold
    pairs = counted(classes, [(np.array([0, 1]), np.array([0.1, 0.2])), (np.array([2, 3]), np.array([9.0, 8.0]))])
    assert metrics.concordance(pairs=pairs) == 0.5
    assert pairs.counts.sum() == 2


def test_a_repeat_of_the_same_folds_changes_nothing():
    classes, scores = scored()
    once, twice = (counted(classes, [(np.arange(30), scores)] * times) for times in (1, 2))
    for measure in (metrics.delong_variance, metrics.jackknife_variance):
        assert measure(pairs=once, groups=np.arange(30)) == pytest.approx(measure(pairs=twice, groups=np.arange(30)))


@pytest.mark.oracle
def test_variance_of_clustered_rows_by_obuchowski():
    """Identical copies of every row bring no information: the variance is that of one row per patient."""
    classes, scores = scored()
    copied, groups = np.tile(classes, 3), np.tile(np.arange(30), 3)
    pairs = counted(copied, [(np.arange(90), np.tile(scores, 3))])
    single = metrics.delong_variance(pairs=counted(classes, [(np.arange(30), scores)]), groups=np.arange(30))
    assert metrics.delong_variance(pairs=pairs, groups=groups) == pytest.approx(single, rel=1e-9)
    assert metrics.delong_variance(pairs=pairs, groups=np.arange(90)) < single / 2


def test_a_patient_with_rows_of_both_classes():
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(20), 2)
    classes = np.tile([1.0, 0.0], 20)
    own = np.repeat(rng.normal(size=20) * 3, 2)
    scores = own + classes + 0.5 * rng.normal(size=40)
    variance = metrics.delong_variance(pairs=counted(classes, [(np.arange(40), scores)]), groups=groups)
    # scores of one patient move together, so the comparison is surer than that of 40 unrelated rows
    assert (
        0 < variance < metrics.delong_variance(pairs=counted(classes, [(np.arange(40), scores)]), groups=np.arange(40))
    )


def test_harrells_c_by_loops():
    rng = np.random.default_rng(3)
    time, event = np.ceil(rng.exponential(8, 25)), (rng.random(25) < 0.6).astype(float)
    risk = rng.normal(size=25).round(1)
    target = Target(outcome="pfs2", classes=event, time=time, groups=np.arange(25), strata=np.zeros(25, dtype=object))
    counter = metrics.PairCounter(above=target.above)
    counter.add(rows=np.arange(25), scores=risk)
    right = total = 0.0
    for i in range(25):
        for j in range(25):
            if event[i] and (time[j] > time[i] or (time[j] == time[i] and not event[j])):
                total += 1
                right += (risk[i] > risk[j]) + 0.5 * (risk[i] == risk[j])
    assert metrics.concordance(pairs=counter.pairs) == pytest.approx(right / total)


def test_bootstrap_interval_is_near_delongs():
    classes, scores = scored(n=120)
    pairs = counted(classes, [(np.arange(120), scores)])
    low, high = metrics.bootstrap_interval(pairs=pairs, groups=np.arange(120), draws=4000, rng=np.random.default_rng(1))
    variance = metrics.delong_variance(pairs=pairs, groups=np.arange(120))
    expected = metrics.interval(estimate=metrics.concordance(pairs=pairs), variance=variance)
    assert (low, high) == pytest.approx(expected, abs=0.02)


def test_perfect_scores_still_have_an_interval():
    classes, scores = scored(effect=99.0)
    pairs = counted(classes, [(np.arange(30), scores)])
    assert metrics.delong_variance(pairs=pairs, groups=np.arange(30)) == 0
    assert metrics.no_variance_floor(pairs=pairs) > 0


def test_an_interval_of_few_responders_uses_t():
    from scipy.stats import t

    classes, scores = scored(n=48, share=0.25)
    pairs = counted(classes, [(np.arange(48), scores)])
    assert metrics.smaller_class(pairs=pairs) == 11
    low, high = metrics.interval(estimate=0.5, variance=0.01, factor=1.5, df=11)
    assert (high - low) / 2 == pytest.approx(t.ppf(0.975, 11) * 0.15)
    assert metrics.interval(estimate=0.5, variance=0.01) == pytest.approx((0.304004, 0.695996), abs=1e-6)


def test_widening_is_the_ratio_of_spreads_and_never_below_one():
    rng = np.random.default_rng(1)
    wide = 0.5 + 0.1 * rng.normal(size=4000)
    assert metrics.widening(estimates=wide, variances=np.full(4000, 0.05**2)) == pytest.approx(2, rel=0.05)
    assert metrics.widening(estimates=wide, variances=np.full(4000, 0.2**2)) == 1
    assert metrics.widening(estimates=wide[:10], variances=np.full(10, 0.05**2)) == 1


def test_the_area_of_the_curve_is_the_auc():
    classes, scores = scored(n=200)
    pairs = counted(classes, [(np.arange(200), scores)])
    grid = np.linspace(0, 1, 20001)
    curve = metrics.roc(pairs=pairs, grid=grid)
    assert np.trapezoid(curve, grid) == pytest.approx(metrics.concordance(pairs=pairs), abs=1e-3)
    fpr, tpr, _ = roc_curve(classes, scores, drop_intermediate=False)
    best = np.array([tpr[fpr <= rate + 1e-12].max() for rate in grid[::500]])
    np.testing.assert_allclose(curve[::500], best, atol=1e-12)


@pytest.mark.oracle
def test_calibration_is_that_of_statsmodels():
    rng = np.random.default_rng(2)
    eta = rng.normal(size=300) * 1.5
    y = (rng.random(300) < 1 / (1 + np.exp(-(0.3 + 0.6 * eta)))).astype(float)
    found = metrics.calibration(log_odds=eta, classes=y)
    slope = sm.Logit(y, sm.add_constant(eta)).fit(disp=0)
    intercept = sm.GLM(y, np.ones((300, 1)), family=sm.families.Binomial(), offset=eta).fit()
    assert found["slope"] == pytest.approx(slope.params[1], abs=1e-6)
    assert found["intercept"] == pytest.approx(intercept.params[0], abs=1e-6)
    assert found["brier"] == pytest.approx(np.mean((1 / (1 + np.exp(-eta)) - y) ** 2))


def test_calibration_has_no_slope_where_classes_are_separated_or_scores_equal():
    y = np.array([0.0] * 5 + [1.0] * 5)
    assert np.isnan(metrics.calibration(log_odds=np.arange(10.0) - 4.5, classes=y)["slope"])
    assert np.isnan(metrics.calibration(log_odds=np.zeros(10), classes=y)["slope"])
    assert np.isnan(metrics.calibration(log_odds=np.zeros(5), classes=y[:5])["brier"])


@pytest.mark.oracle
def test_nogueira_by_loops():
    rng = np.random.default_rng(6)
    chosen = rng.random((12, 30)) < np.linspace(0.05, 0.9, 30)
    m, d = chosen.shape
    k = chosen.sum() / m
    spread = np.mean([m / (m - 1) * chosen[:, f].mean() * (1 - chosen[:, f].mean()) for f in range(d)])
    index, low, high = nogueira(chosen=chosen)
    assert index == pytest.approx(1 - spread / (k / d * (1 - k / d)))
    assert low < index < high


def test_nogueira_ends():
    same = np.tile(np.arange(20) < 5, (8, 1))
    assert nogueira(chosen=same)[0] == pytest.approx(1)
    rng = np.random.default_rng(1)
    by_chance = np.array([rng.permutation(np.arange(50) < 10) for _ in range(200)])
    assert nogueira(chosen=by_chance)[0] == pytest.approx(0, abs=0.01)
    assert np.isnan(nogueira(chosen=np.ones((5, 3), bool))[0])


@pytest.mark.oracle
def test_auc_is_the_rank_test():
    classes, scores = scored(seed=9, digits=1)
    u = mannwhitneyu(scores[classes == 1], scores[classes == 0]).statistic
    pairs = counted(classes, [(np.arange(30), scores)])
    assert metrics.concordance(pairs=pairs) == pytest.approx(u / (12 * 18))

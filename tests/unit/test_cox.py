"""Cox regression of many features: the likelihood written out, separation, ties, what cannot be tested."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import t

from gutaxis.stats.cox import MONOTONE, cox
from gutaxis.stats.linear import CONSTANT, NO_VALUES, NOT_ESTIMABLE

pytestmark = pytest.mark.unit
NONE = np.zeros((40, 0))


@pytest.fixture
def data():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(40, 8)) * 3 + 5
    time = np.ceil(rng.exponential(60, 40) * np.exp(-0.2 * (values[:, 0] - 5)) / 10)
    return values, rng.normal(size=(40, 2)), time, (rng.random(40) < 0.7).astype(float)


def efron(beta, design, time, event):
    """Return minus the log partial likelihood: Efron's formula, written out."""
    hazard, total = np.exp(design @ beta), 0.0
    for moment in np.unique(time[event == 1]):
        tied = (time == moment) & (event == 1)
        total += (design @ beta)[tied].sum()
        for rank in range(tied.sum()):
            total -= np.log(hazard[time >= moment].sum() - rank / tied.sum() * hazard[tied].sum())
    return -total


def hessian(beta, design, time, event, step=1e-3):
    moves, signs = step * np.eye(len(beta)), (1, -1)
    return np.array(
        [
            [sum(s * t * efron(beta + s * a + t * b, design, time, event) for s in signs for t in signs) for a in moves]
            for b in moves
        ]
    ) / (4 * step**2)


def test_the_estimate_maximises_the_likelihood_of_efron(data):
    values, covariates, time, event = data
    found = cox(values=values, covariates=covariates, time=time, event=event)
    assert len(np.unique(time[event == 1])) < event.sum(), "there are ties"
    for feature in range(3):
        design = np.column_stack([values[:, feature] / values[:, feature].std(ddof=1), covariates])
        best = minimize(efron, np.zeros(3), args=(design - design.mean(axis=0), time, event), tol=1e-10)
        assert found.estimate[feature] == pytest.approx(best.x[0], abs=1e-5)
        curvature = hessian(best.x, design - design.mean(axis=0), time, event)
        assert found.se[feature] == pytest.approx(np.sqrt(np.linalg.inv(curvature)[0, 0]), rel=1e-4)
    assert (found.df == event.sum() - 3).all(), "events - two covariates - the feature"
    assert found.p == pytest.approx(2 * t.sf(np.abs(found.statistic), found.df))
    assert found.ci_high - found.estimate == pytest.approx(t.ppf(0.975, found.df) * found.se)
    assert (found.n == 40).all()


def test_the_estimate_is_per_standard_deviation(data):
    values, covariates, time, event = data
    plain = cox(values=values, covariates=covariates, time=time, event=event)
    moved = cox(values=1e-6 * values - 3, covariates=1e5 * covariates + 2, time=time / 365, event=event)
    assert moved.estimate == pytest.approx(plain.estimate, abs=1e-7)
    assert moved.p == pytest.approx(plain.p, abs=1e-7)
    assert plain.sd == pytest.approx(values.std(axis=0, ddof=1))


def test_patients_who_left_before_the_first_event_count_for_the_standard_deviation_alone(data):
    values, covariates, time, event = data
    plain = cox(values=values, covariates=covariates, time=time, event=event)
    early = np.vstack([values, values[:2]]), np.vstack([covariates, covariates[:2]])
    more = cox(values=early[0], covariates=early[1], time=np.append(time, [0, 0]), event=np.append(event, [0, 0]))
    assert more.estimate / more.sd == pytest.approx(plain.estimate / plain.sd, abs=1e-9)


def test_a_feature_that_orders_the_events_has_no_finite_estimate(data):
    values, covariates, time, event = data
    values[:, 0] = -time
    values[:, 1] = time + 100 * (event == 0)
    values[:, 2] = (np.arange(40) == np.argmax(time - 1000 * event)).astype(float)  # one who was only censored
    found = cox(values=values, covariates=covariates, time=time, event=event)
    assert list(found.reason[:3]) == [MONOTONE] * 3
    assert np.isnan(found.estimate[:3]).all()
    assert set(found.reason[3:]) == {None}


def test_a_covariate_that_separates_leaves_the_limit(data):
    values, _, time, event = data
    spared = (event == 0) & (np.arange(40) % 2 == 0)
    found = cox(values=values, covariates=spared[:, None].astype(float), time=time, event=event)
    kept = ~spared
    limit = cox(values=values[kept], covariates=NONE[kept], time=time[kept], event=event[kept])
    assert set(found.reason) == {None}
    assert found.estimate / found.sd == pytest.approx(limit.estimate / limit.sd, abs=1e-7)
    assert found.se / found.sd == pytest.approx(limit.se / limit.sd, rel=1e-5)


def test_what_cannot_be_tested_has_a_reason_and_no_number(data):
    values, covariates, time, event = data
    values[:, 0] = 4.0
    values[:, 1] = np.nan
    values[:, 2] = covariates[:, 0] - 2 * covariates[:, 1] + 3
    values[np.flatnonzero(event)[3:], 3] = np.nan
    values[event == 1, 4] = np.nan
    values[1:, 5] = np.nan
    found = cox(values=values, covariates=covariates, time=time, event=event)
    expected = [CONSTANT, NO_VALUES, NOT_ESTIMABLE, "3 events for 3 coefficients", "0 events for 3 coefficients"]
    assert list(found.reason) == [*expected, CONSTANT, None, None]
    for name in ("estimate", "se", "statistic", "df", "p", "ci_low", "ci_high"):
        assert list(np.isnan(getattr(found, name))) == [True] * 6 + [False] * 2, name


def test_a_feature_that_varies_only_among_those_who_left_early_is_not_tested(data):
    values, _, time, event = data
    time = np.append(time, [0.1, 0.2])
    values = np.vstack([np.where(np.arange(8) == 0, 0.1, values), [np.arange(8.0), np.arange(8.0) + 1]])
    found = cox(values=values, covariates=np.zeros((42, 0)), time=time, event=np.append(event, [0, 0]))
    assert list(found.reason) == [NOT_ESTIMABLE] + [None] * 7


def test_missing_values_leave_rows_out(data):
    values, covariates, time, event = data
    values[::7, 2] = np.nan
    found = cox(values=values, covariates=covariates, time=time, event=event)
    known = np.isfinite(values[:, 2])
    alone = cox(values=values[known, 2:3], covariates=covariates[known], time=time[known], event=event[known])
    assert found.p[2] == pytest.approx(alone.p[0], abs=1e-10)
    assert (found.n[2], found.events[2]) == (known.sum(), event[known].sum())


def test_covariates_that_repeat_each_other_and_order_of_rows_do_not_matter(data):
    values, covariates, time, event = data
    plain = cox(values=values, covariates=covariates, time=time, event=event)
    rows = np.random.default_rng(2).permutation(40)
    more = np.column_stack([covariates, np.ones(40), covariates.sum(axis=1)])[rows]
    found = cox(values=values[rows], covariates=more, time=time[rows], event=event[rows])
    assert found.estimate == pytest.approx(plain.estimate, abs=1e-9)
    assert found.p == pytest.approx(plain.p, abs=1e-9)


def test_extreme_values_do_not_overflow(data):
    values, covariates, time, event = data
    values[0, 0] = 1e9
    found = cox(values=values, covariates=covariates, time=time, event=event)
    assert found.reason[0] in {None, MONOTONE}
    assert np.isfinite(found.p[1:]).all()


@pytest.mark.parametrize("seed", range(20))
def test_a_dozen_patients_give_a_sane_result_or_a_reason(seed):
    rng = np.random.default_rng(seed)
    time, event = np.ceil(rng.exponential(14, 12)), (rng.random(12) < 0.6).astype(float)
    values = rng.normal(size=(12, 300)) ** 3
    values[:, :20] = rng.normal(size=20) * time[:, None] + rng.normal(size=(12, 20))
    found = cox(values=values, covariates=np.zeros((12, 0)), time=time, event=event)
    known = np.isfinite(found.p)
    assert (np.array([item is None for item in found.reason]) == known).all()
    assert set(found.reason[~known]) <= {MONOTONE}
    for feature in np.flatnonzero(known)[::25]:
        z = values[:, [feature]] / found.sd[feature]
        best = efron(found.estimate[[feature]], z, time, event)
        assert best <= min(efron(found.estimate[[feature]] + step, z, time, event) for step in (-0.01, 0.01))


@pytest.mark.parametrize(
    ("change", "words"),
    [({"time": np.full(40, np.nan)}, "times must be known"), ({"event": np.full(40, 2)}, "0 or 1"),
     ({"time": np.ones(39)}, "one number per row"), ({"covariates": np.ones((39, 1))}, "same rows")],
)  # fmt: skip
def test_wrong_arrays_are_refused(data, change, words):
    values, covariates, time, event = data
    given = {"values": values, "covariates": covariates, "time": time, "event": event} | change
    with pytest.raises(ValueError, match=words):
        cox(**given)


def test_type_one_error_at_the_size_of_the_trial():
    rng = np.random.default_rng(3)
    time, event = rng.exponential(1, 48), (rng.random(48) < 0.8).astype(float)
    found = cox(values=rng.normal(size=(48, 4000)), covariates=rng.normal(size=(48, 2)), time=time, event=event)
    assert (found.p < 0.05).mean() == pytest.approx(0.05, abs=0.015)

"""Kaplan-Meier, landmark rates, medians with plateaus, follow-up, cumulative incidence, against worked numbers."""

import numpy as np
import pytest

from gutaxis.clinical.survival import (
    cumulative_incidence,
    follow_up_median,
    incidence_at,
    kaplan_meier,
    median_survival,
    number_at_risk,
    survival_at,
)

pytestmark = pytest.mark.unit
# Freireich's 6-MP arm: every book prints its curve
TIME = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
EVENT = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]


def test_curve_of_the_textbook():
    curve = kaplan_meier(time=TIME, event=EVENT).set_index("time")
    steps = curve.loc[[6, 7, 10, 13, 16, 22, 23], "survival"].round(4).tolist()
    assert steps == [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    assert curve.loc[[6, 9, 22], "n_risk"].tolist() == [21, 16, 7]
    assert curve.loc[6, ["n_event", "n_censor"]].tolist() == [3, 1]
    # Greenwood: Var(log S(10)) = 3/(21*18) + 1/(17*16) + 1/(15*14)
    assert curve.loc[10, "std_error"] ** 2 == pytest.approx(3 / 378 + 1 / 272 + 1 / 210, abs=1e-14)


def test_log_log_interval_by_hand():
    curve = kaplan_meier(time=TIME, event=EVENT)
    rate, low, high = survival_at(curve=curve, time=10)
    se = np.sqrt(3 / 378 + 1 / 272 + 1 / 210)
    shift = 1.959963984540054 * se / np.log(rate)
    expected = sorted(rate ** np.exp(sign * shift) for sign in (1, -1))
    assert [low, high] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("time", "expected"),
    [(0, 1.0), (5, 1.0), (6, 0.8571), (6.5, 0.8571), (35, 0.4482), (36, np.nan)],
)
def test_rate_at_a_time_includes_events_of_that_time_and_stops_at_the_last_observation(time, expected):
    value = survival_at(curve=kaplan_meier(time=TIME, event=EVENT), time=time).value
    assert round(value, 4) == pytest.approx(expected, nan_ok=True)


def test_a_curve_that_ended_at_zero_stays_there():
    curve = kaplan_meier(time=[3, 5], event=[1, 1])
    assert survival_at(curve=curve, time=100).value == 0
    assert np.isnan(survival_at(curve=curve, time=100).low)


@pytest.mark.parametrize(
    ("time", "event", "median"),
    [
        ([2, 4, 6, 8], [1, 1, 1, 1], 5),  # on 0.5 from 4 to 6: the middle
        ([8, 10] * 8, [1, 1] * 8, 9),  # sixteen patients, eight events at 8, then at 10
        ([2, 4, 6, 8], [1, 1, 0, 0], 4),  # on 0.5 for ever: no next event to average with
        ([2, 4, 6], [1, 1, 1], 4),
        ([2, 4, 5, 6, 8], [1, 1, 0, 0, 0], np.nan),
        ([2, 4, 5, 6, 8, 9], [1, 1, 0, 1, 1, 1], 6),  # from 4/6 to 4/9
    ],
)
def test_median(time, event, median):
    found = median_survival(curve=kaplan_meier(time=time, event=event)).value
    assert found == pytest.approx(median, nan_ok=True)


def test_plateau_in_rounded_arithmetic_is_still_half():
    # 11/12 * 6/11 is 0.49999999999999994 in floating point, 24/26 * 13/24 just above 0.5
    for n, first, half in ((12, 1, 6), (26, 2, 13)):
        time = [1] * first + [2] * (half - first) + [4] * (n - half)
        curve = kaplan_meier(time=time, event=[1] * n)
        assert curve["survival"].iloc[1] != 0.5
        assert median_survival(curve=curve).value == 3


def test_follow_up_is_the_curve_of_censoring():
    assert follow_up_median(time=[5, 6, 7], event=[0, 0, 0]).value == 6
    assert follow_up_median(time=[1, 6, 7], event=[1, 0, 0]).value == 6.5
    assert np.isnan(follow_up_median(time=[5, 6], event=[1, 1]).value)


def test_number_at_risk_counts_who_is_watched_up_to_the_time():
    assert number_at_risk(time=TIME, at=[0, 6, 7, 35, 36]).tolist() == [21, 21, 17, 1, 0]


def test_cumulative_incidence_by_hand_with_ties():
    time, cause = [1, 2, 2, 2, 3, 4], [0, 1, 1, 2, 2, 1]
    one = cumulative_incidence(time=time, cause=cause, of=1)
    two = cumulative_incidence(time=time, cause=cause, of=2)
    assert one["incidence"].tolist() == pytest.approx([0, 0.4, 0.4, 0.6])
    assert two["incidence"].tolist() == pytest.approx([0, 0.2, 0.4, 0.4])
    assert one["n_event"].tolist() == [0, 2, 0, 1]
    # incidences and the event-free share always add up to one
    assert (one["incidence"] + two["incidence"] + one["event_free"]).tolist() == pytest.approx([1] * 4)


def test_without_competing_events_incidence_is_one_minus_kaplan_meier():
    curve = kaplan_meier(time=TIME, event=EVENT)
    incidence = cumulative_incidence(time=TIME, cause=EVENT)
    assert incidence["incidence"].to_numpy() == pytest.approx(1 - curve["survival"].to_numpy())


def test_incidence_limits_and_ends():
    curve = cumulative_incidence(time=TIME, cause=EVENT)
    estimate, variance = incidence_at(curve=curve, time=23)
    spread = 1.959963984540054 * np.sqrt(variance) / (estimate.value * np.log(estimate.value))
    assert estimate.low == pytest.approx(estimate.value ** np.exp(-spread))
    assert estimate.low < estimate.value < estimate.high
    assert incidence_at(curve=curve, time=1)[0].value == 0
    assert np.isnan(incidence_at(curve=curve, time=99)[0].value)
    ended = cumulative_incidence(time=[1, 2], cause=[1, 2])
    assert incidence_at(curve=ended, time=99)[0].value == 0.5


def test_empty_and_bad_input():
    assert kaplan_meier(time=[], event=[]).empty
    assert np.isnan(survival_at(curve=kaplan_meier(time=[], event=[]), time=1).value)
    assert np.isnan(median_survival(curve=kaplan_meier(time=[], event=[])).value)
    assert cumulative_incidence(time=[], cause=[]).empty
    with pytest.raises(ValueError, match="is missing"):
        kaplan_meier(time=[1, np.nan], event=[1, 0])
    with pytest.raises(ValueError, match="one length"):
        kaplan_meier(time=[1, 2], event=[1])


def test_nobody_with_an_event_gives_a_rate_of_one_without_limits():
    rate = survival_at(curve=kaplan_meier(time=[9, 9], event=[0, 0]), time=9)
    assert rate.value == 1
    assert np.isnan(rate.low)
    assert np.isnan(rate.high)


def test_order_of_patients_does_not_matter():
    order = np.random.default_rng(1).permutation(len(TIME))
    shuffled = kaplan_meier(time=np.array(TIME)[order], event=np.array(EVENT)[order])
    assert shuffled.equals(kaplan_meier(time=TIME, event=EVENT))

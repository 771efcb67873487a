"""Survival from times and events: Kaplan-Meier, landmark rates, medians, follow-up, cumulative incidence."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import norm

#: Name of the intervals, written into every table: R's default is another one ("log") and gives other numbers.
CI_TYPE = "log-log"
CURVE_COLUMNS = ["time", "n_risk", "n_event", "n_censor", "survival", "std_error", "ci_low", "ci_high"]
CIF_COLUMNS = ["time", "n_risk", "n_event", "incidence", "variance", "ci_low", "ci_high", "event_free"]
#: How near to 0.5 counts as 0.5: the square root of the machine precision, as in R.
TOLERANCE = float(np.sqrt(np.finfo(float).eps))


class Estimate(NamedTuple):
    """A number with its confidence limits; NaN where it cannot be estimated."""

    value: float
    low: float
    high: float


def kaplan_meier(*, time: ArrayLike, event: ArrayLike, level: float = 0.95) -> pd.DataFrame:
    """Return the Kaplan-Meier curve.

    ``S(t) = prod(1 - d/n)`` over event times up to t; Greenwood's standard error of ``log S`` is
    ``sqrt(sum(d / (n (n - d))))``; limits ``exp(-exp(log(-log S) -+ z se / log S))`` ("log-log"), which stay inside 0
    to 1. They do not exist where S is 0 or 1.

    Parameters
    ----------
    time
        Length of observation, any one unit, no missing value.
    event
        Whether it ended with the event (True or 1) or was censored. Censored at the time of an event: still at risk.
    level
        Confidence level.

    Returns
    -------
    pandas.DataFrame
        One row per distinct time, ``CURVE_COLUMNS``; ``n_risk`` counts those observed up to just before ``time``,
        ``std_error`` is that of ``log S``. Empty for no observations.

    Raises
    ------
    ValueError
        For a missing time or arrays of different lengths.

    Notes
    -----
    Source: Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data, 2nd ed., chapter 1. Oracle: R
    ``survival::survfit(conf.type = "log-log")``.
    """
    times, events = _observations(time, event)
    steps, n_event, n_censor, n_risk = _steps(times, events.astype(bool))
    survival = np.cumprod(1 - n_event / n_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        std_error = np.sqrt(np.cumsum(n_event / (n_risk * (n_risk - n_event))))
    low, high = _log_log(survival, std_error, level)
    columns = (steps, n_risk, n_event, n_censor, survival, std_error, low, high)
    return pd.DataFrame(dict(zip(CURVE_COLUMNS, columns, strict=True)))


def survival_at(*, curve: pd.DataFrame, time: float) -> Estimate:
    """Return the survival at a time, events of that very time included.

    Parameters
    ----------
    curve
        From :func:`kaplan_meier`.
    time
        In the unit of the curve.

    Returns
    -------
    Estimate
        NaN beyond the last observation, unless the curve has come down to 0: nobody was watched so long. The limits are
        NaN where S is 0 or 1.

    Notes
    -----
    Oracle: R ``summary(survfit, times = )``.
    """
    passed = int(np.searchsorted(curve["time"].to_numpy(), time, side="right"))
    if curve.empty or (time > curve["time"].iloc[-1] and curve["survival"].iloc[-1] > 0):
        return Estimate(np.nan, np.nan, np.nan)
    if passed == 0:
        return Estimate(1.0, np.nan, np.nan)
    row = curve.iloc[passed - 1]
    return Estimate(float(row["survival"]), float(row["ci_low"]), float(row["ci_high"]))


def median_survival(*, curve: pd.DataFrame) -> Estimate:
    """Return the median time with its interval.

    The median is the first time at which S is 0.5 or less. Where S stays exactly on 0.5 for a while, it is the middle
    between that time and the next event, as in R; this is frequent with few patients. The limits come in the same way
    from the lower and the upper curve (Brookmeyer and Crowley on the log-log scale).

    Parameters
    ----------
    curve
        From :func:`kaplan_meier`.

    Returns
    -------
    Estimate
        In the unit of the curve; NaN where the curve does not come down to 0.5.

    Notes
    -----
    Oracle: R ``summary(survfit(conf.type = "log-log"))$table``.
    """
    times = curve["time"].to_numpy(dtype=float)
    return Estimate(*(_half_time(times, curve[name].to_numpy()) for name in ("survival", "ci_low", "ci_high")))


def follow_up_median(*, time: ArrayLike, event: ArrayLike) -> Estimate:
    """Return the median follow-up by the reverse Kaplan-Meier method: censoring is the event.

    Parameters
    ----------
    time, event
        As in :func:`kaplan_meier`.

    Notes
    -----
    Source: Schemper and Smith, Control Clin Trials 1996;17:343-346. Oracle: R ``survfit(Surv(time, 1 - event))``.
    """
    times, events = _observations(time, event)
    return median_survival(curve=kaplan_meier(time=times, event=~events.astype(bool)))


def number_at_risk(*, time: ArrayLike, at: ArrayLike) -> np.ndarray:
    """Return how many are still observed just before each of some times.

    Parameters
    ----------
    time
        Length of observation of every patient.
    at
        The times asked for, in the same unit.
    """
    times = np.sort(np.asarray(time, dtype=float))
    return len(times) - np.searchsorted(times, np.asarray(at, dtype=float), side="left")


def cumulative_incidence(*, time: ArrayLike, cause: ArrayLike, of: int = 1, level: float = 0.95) -> pd.DataFrame:
    """Return the cumulative incidence of one cause while others compete (Aalen-Johansen).

    ``F(t) = sum(S(t-) d_k / n)`` with S the survival free of any cause. The variance is the one of ``cmprsk``: with
    ``w = S(t-)^2 / n^2`` times the number of events of a time, corrected for ties by ``1 - (d - 1)/(n - 1)``,
    ``V(t) = v1 + F^2 v3 - 2 F v2``, where v1, v2, v3 sum ``w a^2``, ``w a / S`` and ``w / S^2``; a is ``1 + F/S`` for
    an event of this cause and ``F/S`` for another. Limits: ``F`` to the power of ``exp(-+ z sqrt(V) / (F log F))``.

    Parameters
    ----------
    time
        Length of observation.
    cause
        0: censored; 1, 2, ...: the cause of the event.
    of
        The cause wanted; all others but 0 compete.
    level
        Confidence level.

    Returns
    -------
    pandas.DataFrame
        One row per distinct time, ``CIF_COLUMNS``; ``n_event`` counts this cause only, ``event_free`` is S. The limits
        are NaN where the incidence is 0 or 1.

    Notes
    -----
    Source: Kalbfleisch and Prentice, chapter 8; Gray, Ann Stat 1988;16:1141-1154. Oracle: R ``cmprsk::cuminc``
    (estimate and variance).
    """
    times, causes = _observations(time, cause)
    steps, n_any, _, n_risk = _steps(times, causes != 0)
    n_event = _steps(times, causes == of)[1]
    after = np.cumprod(1 - n_any / n_risk)
    before = np.concatenate([[1.0], after[:-1]]) if len(steps) else after
    incidence = np.cumsum(before * n_event / n_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.where(after > 0, 1 / after, 0.0)
    ratio = incidence * inverse
    v1, v2, v3 = np.zeros((3, len(steps)))
    for count, factor, counted in ((n_any - n_event, ratio, after > 0), (n_event, 1 + ratio, n_event > 0)):
        tied = np.where(count > 1, 1 - (count - 1) / np.maximum(n_risk - 1, 1), 1.0)
        weight = np.where(counted, before**2 * tied * count / n_risk**2, 0.0)
        v1, v2, v3 = v1 + factor**2 * weight, v2 + factor * inverse * weight, v3 + inverse**2 * weight
    v1, v2, v3 = np.cumsum(v1), np.cumsum(v2), np.cumsum(v3)
    variance = _hold(v1 + incidence**2 * v3 - 2 * incidence * v2, n_event)
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.where((incidence > 0) & (incidence < 1), incidence, np.nan)
        spread = norm.ppf(0.5 + level / 2) * np.sqrt(variance) / (inside * np.log(inside))
        limits = inside ** np.exp(-spread), inside ** np.exp(spread)
    columns = (steps, n_risk, n_event, incidence, variance, *limits, after)
    return pd.DataFrame(dict(zip(CIF_COLUMNS, columns, strict=True)))


def incidence_at(*, curve: pd.DataFrame, time: float) -> tuple[Estimate, float]:
    """Return the cumulative incidence and its variance at a time, events of that very time included.

    Parameters
    ----------
    curve
        From :func:`cumulative_incidence`.
    time
        In the unit of the curve; beyond the last observation the result is NaN unless nobody is left without an event.
    """
    if curve.empty or (time > curve["time"].iloc[-1] and curve["event_free"].iloc[-1] > 0):
        return Estimate(np.nan, np.nan, np.nan), np.nan
    passed = int(np.searchsorted(curve["time"].to_numpy(), time, side="right"))
    if passed == 0:
        return Estimate(0.0, np.nan, np.nan), 0.0
    row = curve.iloc[passed - 1]
    return Estimate(*(float(row[name]) for name in ("incidence", "ci_low", "ci_high"))), float(row["variance"])


def _observations(time: ArrayLike, event: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    times, events = np.asarray(time, dtype=float), np.asarray(event)
    if times.shape != events.shape or times.ndim != 1:
        raise ValueError(f"time and event are columns of one length, got {times.shape} and {events.shape}")
    if np.isnan(times).any() or pd.isna(events).any():
        raise ValueError("a time or an event is missing: leave the patient out, and say so")
    return times, events


def _steps(times: np.ndarray, events: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return distinct times, events and censorings at each, and the number at risk just before."""
    steps, place = np.unique(times, return_inverse=True)
    n_event = np.bincount(place, weights=events, minlength=len(steps)).astype(int)
    total = np.bincount(place, minlength=len(steps))
    n_risk = len(times) - np.concatenate([[0], np.cumsum(total)[:-1]]).astype(int) if len(steps) else total
    return steps, n_event, total - n_event, n_risk


def _log_log(survival: np.ndarray, std_error: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.where((survival > 0) & (survival < 1), survival, np.nan)
        spread = norm.ppf(0.5 + level / 2) * std_error / np.log(inside)
        centre = np.log(-np.log(inside))
        return np.exp(-np.exp(centre - spread)), np.exp(-np.exp(centre + spread))


def _half_time(times: np.ndarray, values: np.ndarray) -> float:
    """Return when a falling curve reaches 0.5; on a plateau at 0.5 its middle. NaN values are passed over."""
    keep = ~np.isnan(values) & (values < 0.5 + TOLERANCE)
    if not keep.any():
        return np.nan
    times, values = times[keep], values[keep]
    below = np.flatnonzero(values < values[0])
    if abs(values[0] - 0.5) < TOLERANCE and len(below):
        return float(times[0] + times[below[0]]) / 2
    return float(times[0])


def _hold(values: np.ndarray, n_event: np.ndarray) -> np.ndarray:
    """Keep the variance of the last event of this cause: cmprsk writes a step only where the incidence rises."""
    last = (
        np.maximum.accumulate(np.where(n_event > 0, np.arange(len(values)), -1)) if len(values) else np.array([], int)
    )
    return np.where(last >= 0, values[np.maximum(last, 0)], 0.0)

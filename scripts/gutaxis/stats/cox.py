"""Cox regression of many features at once: the hazard per standard deviation of each, adjusted for covariates."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gutaxis.stats.linear import (
    CONSTANT,
    NO_VALUES,
    NOT_ESTIMABLE,
    RANK_TOLERANCE,
    ROUNDING,
    as_fields,
    checked,
    independent_columns,
    missing_patterns,
)
from gutaxis.stats.results import Fits, t_fits

MONOTONE = "monotone likelihood: the hazard ratio has no finite estimate"
DIVERGED = "did not converge"
#: Newton steps; the likelihood of separated data gains about one unit of a coefficient per step and never arrives.
ITERATIONS = 30
#: A last step of the tested coefficient, in log hazard per SD, that counts as none.
STEP = 1e-9
#: Share of the information at the start below which a likelihood that still rises has no top.
FLATTENED = 1e-3
#: What remains of a feature among those at risk, in SD, when this is only rounding.
FLAT = 1e-10


@dataclass(frozen=True, kw_only=True)
class CoxFits(Fits):
    """Cox fits.

    Parameters
    ----------
    events
        Events among the patients with a value, shape (m,).
    sd
        Standard deviation of the values by which they were divided, shape (m,), in their unit.
    """

    events: np.ndarray
    sd: np.ndarray


class RiskSets(NamedTuple):
    """Efron's risk sets of E events among n patients.

    ``weights`` (E, n): 1 for who is at risk; for those who fail at the same time 1 - l / d at the l-th of the d events
    (l from 0). ``failed`` (n,): 1 for an event.
    """

    weights: np.ndarray
    failed: np.ndarray


class Newton(NamedTuple):
    """Coefficient of the feature, its variance, and None or why there is none; each (m,)."""

    estimate: np.ndarray
    variance: np.ndarray
    reason: np.ndarray


def cox(*, values: np.ndarray, covariates: np.ndarray, time: np.ndarray, event: np.ndarray) -> CoxFits:
    r"""Fit a proportional hazards model to every feature: log hazard ratio per standard deviation.

    :math:`h(t) = h_0(t) \exp(\beta z + \gamma' c)` with z the feature divided by its standard deviation; the partial
    likelihood is maximised by Newton's method over all features together. Ties by Efron: the l-th of d events at one
    time weighs those d by :math:`1 - l / d`. Wald statistic against t on events - covariates - 1 degrees of freedom.

    Parameters
    ----------
    values
        Shape (n, m), NaN where missing: rows without a value are left out for that feature.
    covariates
        Shape (n, q), q may be 0, no intercept. How many the events allow (about one in ten events) is up to the caller.
    time
        Shape (n,), to the event or to censoring, any unit; censored at the time of an event: still at risk.
    event
        Shape (n,), 1 event, 0 censored.

    Returns
    -------
    CoxFits
        Method ``cox``. NaN with a reason where a feature is constant or follows from the covariates among those
        at risk, where there are no more events than coefficients, and where the likelihood rises for ever because the
        feature orders the events. Covariates that separate so do no harm: the feature is then tested in the limit.

    Raises
    ------
    ValueError
        For shapes that do not match, infinite or missing times, or events that are neither 0 nor 1.

    Notes
    -----
    Assumes proportional hazards and uninformative censoring. Against the normal distribution, as in ``coxph``, the
    Wald test is too liberal with few events (docs/calibration.md); t with the events as observations keeps its level.
    Sources: Cox DR (1972) J R Stat Soc B 34:187; Efron B (1977) J Am Stat Assoc 72:557. Oracle: R
    ``survival::coxph``, with missing values, ties and covariates.
    """
    values, covariates = checked(values=values, matrix=covariates)
    time, event = np.asarray(time, dtype=float), np.asarray(event, dtype=float)
    if time.shape != (len(values),) or event.shape != time.shape:
        raise ValueError("time and event must have one number per row of values")
    if not (np.isfinite(time).all() and np.isin(event, (0, 1)).all()):
        raise ValueError("times must be known, events 0 or 1")
    m = values.shape[1]
    estimate, variance, sd, events, df = (np.full(m, np.nan) for _ in range(5))
    reason = np.full(m, None, dtype=object)
    for rows, features in missing_patterns(values=values):
        events[features] = event[rows].sum()
        scaled, sd[features], reason[features] = _standardised(values[np.ix_(rows, features)])
        if not len(rows):
            continue
        matters = time[rows] >= np.min(time[rows][event[rows] == 1], initial=np.inf)
        matters = matters if matters.any() else np.ones(len(rows), dtype=bool)
        here = rows[matters]  # whoever left before the first event is in no risk set
        basis, kept = independent_columns(matrix=np.column_stack([np.ones(len(here)), covariates[here]]))
        scaled = scaled[matters] - scaled[matters].mean(axis=0, keepdims=True)
        rest = np.linalg.norm(scaled - basis @ (basis.T @ scaled), axis=0)
        new = rest > np.maximum(RANK_TOLERANCE * np.linalg.norm(scaled, axis=0), FLAT)
        free = np.array([item is None for item in reason[features]])
        reason[features[free & ~new]] = NOT_ESTIMABLE
        if event[rows].sum() <= len(kept):
            reason[features[free]] = f"{int(event[rows].sum())} events for {len(kept)} coefficients"
            continue
        used = free & new
        if used.any():
            columns = basis[:, 1:] * np.sqrt(len(here))
            found = _newton(z=scaled[:, used], columns=columns, risk=_risk_sets(time=time[here], event=event[here]))
            estimate[features[used]], variance[features[used]], reason[features[used]] = found
            df[features[used]] = event[rows].sum() - len(kept)  # kept holds the intercept, for the feature
    fits = t_fits(
        method="cox",
        estimate=estimate,
        se=np.sqrt(variance),
        df=np.where(np.isfinite(estimate), df, np.nan),
        n=np.isfinite(values).sum(axis=0),
        reason=reason,
    )
    return CoxFits(**as_fields(fits=fits), events=np.nan_to_num(events), sd=sd)


def _standardised(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return values / SD, the SD, and why a feature has none."""
    reason = np.full(values.shape[1], None, dtype=object)
    if len(values) < 2:
        reason[:] = NO_VALUES if not len(values) else CONSTANT
        return values, np.full(values.shape[1], np.nan), reason
    constant = np.ptp(values, axis=0) <= ROUNDING * np.abs(values).max(axis=0)
    reason[constant] = CONSTANT
    sd = np.where(constant, np.nan, values.std(axis=0, ddof=1))
    return np.where(constant, 0.0, values / sd), sd, reason


def _risk_sets(*, time: np.ndarray, event: np.ndarray) -> RiskSets:
    """Return the risk sets; patients in any order."""
    rows = []
    for moment in np.unique(time[event == 1]):
        tied = (time == moment) & (event == 1)
        at_risk = (time >= moment).astype(float)
        rows.extend(at_risk - tied * rank / tied.sum() for rank in range(tied.sum()))
    return RiskSets(weights=np.array(rows), failed=event)


def _newton(*, z: np.ndarray, columns: np.ndarray, risk: RiskSets) -> Newton:
    """Maximise the partial likelihood of each feature (n, m), together with shared columns (n, q)."""
    n, m = z.shape
    p = columns.shape[1] + 1
    design = np.empty((p, n, m))
    design[:-1] = columns.T[:, :, None]
    design[-1] = z
    beta, estimate, variance = np.zeros((m, p)), np.full(m, np.nan), np.full(m, np.nan)
    reason = np.full(m, DIVERGED, dtype=object)
    likelihood, step = np.full(m, -np.inf), np.zeros((m, p))
    ridge, start = np.zeros((m, p)), np.ones(m)
    left, gain, curved = np.arange(m), np.full(m, np.inf), np.ones(m)
    for iteration in range(ITERATIONS):
        trial = beta[left] + step[left]
        found, score, information = _derivatives(design=design[:, :, left], beta=trial, risk=risk)
        if iteration == 0:  # keeps a covariate that separates from making the system singular; else below rounding
            diagonal = np.einsum("jkk->jk", information)
            ridge, start = 1e-13 * diagonal, diagonal[:, -1].copy()
        # not finite: a risk set in which every hazard is below the smallest number; the step was too long
        worse = ~(np.isfinite(found) & (found >= likelihood[left] - 1e-10 * np.abs(found)))
        step[left[worse]] /= 2
        good, here = ~worse, left[~worse]
        gain[here], curved[here] = found[good] - likelihood[here], information[good, -1, -1] / start[here]
        beta[here], likelihood[here] = trial[good], found[good]
        system = information[good] + ridge[here][:, :, None] * np.eye(p)
        step[here] = np.linalg.solve(system, score[good][:, :, None])[:, :, 0]
        still = np.abs(step[here, -1]) < STEP * (1 + np.abs(beta[here, -1]))
        settled = still & (gain[here] < 1e-9 * (1 + np.abs(likelihood[here])))
        done = here[settled]
        estimate[done] = beta[done, -1]
        variance[done] = np.linalg.inv(system[settled])[:, -1, -1]
        reason[done] = None
        left = np.setdiff1d(left, done)
        if not left.size:
            break
    reason[left[(gain[left] < 1e-6) | (curved[left] < FLATTENED)]] = MONOTONE
    return Newton(estimate=estimate, variance=variance, reason=reason)


def _derivatives(*, design: np.ndarray, beta: np.ndarray, risk: RiskSets) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the log partial likelihood (m,), its gradient (m, p) and minus its Hessian (m, p, p).

    ``design`` has shape (p, n, m), ``beta`` (m, p).
    """
    p = len(design)
    predictor = np.einsum("pnm,mp->nm", design, beta)
    predictor -= predictor.max(axis=0)  # cancels in the likelihood, saves exp from overflow
    hazard = np.exp(predictor)
    total = risk.weights @ hazard
    total[total == 0] = np.nan
    likelihood = risk.failed @ predictor - np.log(total).sum(axis=0)
    means = np.array([risk.weights @ (hazard * column) / total for column in design])
    score = np.array([risk.failed @ column - mean.sum(axis=0) for column, mean in zip(design, means, strict=True)]).T
    information = np.empty((beta.shape[0], p, p))
    for first in range(p):
        for second in range(first + 1):
            product = risk.weights @ (hazard * design[first] * design[second]) / total
            cell = (product - means[first] * means[second]).sum(axis=0)
            information[:, first, second] = information[:, second, first] = cell
    return likelihood, score, information

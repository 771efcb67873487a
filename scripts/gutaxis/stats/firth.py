"""Logistic regression with Firth's penalty: estimates and intervals that exist where a feature separates the groups."""

from typing import NamedTuple

import numpy as np
from scipy import special, stats

from gutaxis.stats.results import Fits

_MAX_STEP = 5.0
_ITERATIONS = 100
#: Log odds beyond which no limit is looked for.
_FARTHEST = 100.0


class _Fit(NamedTuple):
    """Coefficients (m, p), penalised log likelihood (m,), variance of the tested coefficient (m,), converged (m,)."""

    beta: np.ndarray
    likelihood: np.ndarray
    variance: np.ndarray
    converged: np.ndarray


def firth_logistic(*, outcome: np.ndarray, matrix: np.ndarray, tested: int, level: float = 0.95) -> Fits:
    """Fit ``logit P(y = 1) = X b`` to many binary outcomes at once, by penalised likelihood.

    Maximises ``l(b) + 0.5 log det I(b)`` with ``I = X' W X``, ``W = diag(pi (1 - pi))``; score
    ``X' (y - pi + h (0.5 - pi))`` with the diagonal ``h`` of the hat matrix. p value: penalised likelihood ratio
    against ``b = 0`` (chi-square, 1 df). Interval: profile of the penalised likelihood.

    Parameters
    ----------
    outcome
        Shape (n, m), 0 and 1.
    matrix
        Shape (n, p), full column rank.
    tested
        Column of interest.
    level
        Coverage of the interval.

    Returns
    -------
    Fits
        Method ``firth_logistic``; estimate = log odds ratio (natural logarithm), se of Wald, statistic = signed root of
        the likelihood ratio, df NaN. An outcome that is always 0 or always 1 has a reason and no result.

    Raises
    ------
    ValueError
        For shapes that do not fit, other values than 0 and 1, or a rank-deficient matrix.

    Notes
    -----
    Assumptions: independent observations, linear log odds. Source: Firth D, Biometrika 1993;80:27-38; Heinze G,
    Schemper M, Stat Med 2002;21:2409-2419. Oracles: for one binary covariate the estimate is the log odds ratio of the
    2 x 2 table with 0.5 added to each cell; brute-force maximisation with ``scipy.optimize``.
    """
    outcome, matrix = np.asarray(outcome, dtype=float), np.asarray(matrix, dtype=float)
    n, p = matrix.shape
    if outcome.ndim != 2 or len(outcome) != n or not np.isin(outcome, (0, 1)).all():
        raise ValueError(f"outcomes of 0 and 1 of shape ({n}, m), got {outcome.shape}")
    if np.linalg.matrix_rank(matrix) < p:
        raise ValueError("the matrix does not have full column rank")
    m = outcome.shape[1]
    columns = {name: np.full(m, np.nan) for name in ("estimate", "se", "statistic", "df", "p", "ci_low", "ci_high")}
    reason = np.full(m, None, dtype=object)
    positive = outcome.sum(axis=0)
    reason[positive == 0], reason[positive == n] = "never present", "always present"
    # Features with the same pattern have the same fit: rare ones often do.
    patterns, inverse = np.unique(outcome[:, (positive > 0) & (positive < n)], axis=1, return_inverse=True)
    use = np.flatnonzero((positive > 0) & (positive < n))
    if use.size:
        inverse = inverse.ravel()
        full = _maximise(y=patterns, x=matrix, tested=tested)
        null = _maximise(y=patterns, x=matrix, tested=tested, at=np.zeros(patterns.shape[1]))
        estimate = full.beta[:, tested]
        ratio = np.maximum(2 * (full.likelihood - null.likelihood), 0)
        low, high = (_limit(y=patterns, x=matrix, tested=tested, full=full, side=s, level=level) for s in (-1, 1))
        failed = ~(full.converged & null.converged)
        result = {
            "estimate": estimate, "se": np.sqrt(full.variance),
            "statistic": np.sign(estimate) * np.sqrt(ratio), "p": stats.chi2.sf(ratio, 1),
            "ci_low": low, "ci_high": high,
        }  # fmt: skip
        for name, found in result.items():
            columns[name][use] = np.where(failed, np.nan, found)[inverse]
        reason[use[failed[inverse]]] = "did not converge"
    return Fits(method="firth_logistic", **columns, n=np.full(m, float(n)), reason=reason)


class _State(NamedTuple):
    """Penalised log likelihood (m,), probabilities (n, m), information (m, p, p) and its inverse."""

    likelihood: np.ndarray
    chance: np.ndarray
    information: np.ndarray
    inverse: np.ndarray


def _state(*, y: np.ndarray, x: np.ndarray, beta: np.ndarray) -> _State:
    linear = x @ beta.T
    chance = special.expit(linear)
    # far out the weights vanish and the information with them: a floor keeps it invertible, the penalty still repels
    weights = np.maximum(chance * (1 - chance), 1e-250)
    information = (weights.T @ _products(x)).reshape(-1, x.shape[1], x.shape[1])
    logs = y * special.log_expit(linear) + (1 - y) * special.log_expit(-linear)
    _, determinant = np.linalg.slogdet(information)
    return _State(logs.sum(axis=0) + 0.5 * determinant, chance, information, _inverse(information))


def _inverse(matrices: np.ndarray) -> np.ndarray:
    """Return the inverses of (m, p, p) matrices; the generalised ones where one of them is singular."""
    try:
        return np.linalg.inv(matrices)
    except np.linalg.LinAlgError:
        return np.linalg.pinv(matrices)


def _maximise(
    *, y: np.ndarray, x: np.ndarray, tested: int, at: np.ndarray | None = None, start: np.ndarray | None = None
) -> _Fit:
    """Maximise over all coefficients, or over the others with the tested one held at ``at`` (m,)."""
    p, m = x.shape[1], y.shape[1]
    free = np.array([column for column in range(p) if at is None or column != tested], dtype=int)
    beta = np.zeros((m, p)) if start is None else start.copy()
    if at is not None:
        beta[:, tested] = at
    state = _state(y=y, x=x, beta=beta)
    likelihood, variance = state.likelihood.copy(), state.inverse[:, tested, tested].copy()
    products = _products(x)
    active = np.arange(m) if free.size else np.arange(0)
    for _ in range(_ITERATIONS):
        if not active.size:
            break
        weights = state.chance * (1 - state.chance)
        hat = weights * (products @ state.inverse.reshape(len(active), -1).T)
        score = (x.T @ (y[:, active] - state.chance + hat * (0.5 - state.chance))).T[:, free]
        step = (_inverse(state.information[:, free[:, None], free]) @ score[:, :, None])[:, :, 0]
        largest = np.abs(step).max(axis=1)
        step *= np.minimum(1, _MAX_STEP / np.maximum(largest, 1e-300))[:, None]
        for _halving in range(30):
            moved = beta[active]
            moved[:, free] += step
            candidate = _state(y=y[:, active], x=x, beta=moved)
            worse = ~(candidate.likelihood >= state.likelihood - 1e-10 * (1 + np.abs(state.likelihood)))
            if not worse.any():
                break
            step[worse] *= 0.5
        beta[active] = moved
        likelihood[active], variance[active] = candidate.likelihood, candidate.inverse[:, tested, tested]
        on = ~((largest < 1e-9) | (np.abs(score).max(axis=1) < 1e-9))
        active, state = active[on], _State(*(part[..., on] if part.ndim == 2 else part[on] for part in candidate))
    converged = np.ones(m, dtype=bool)
    converged[active] = False
    return _Fit(beta, likelihood, variance, converged)


def _products(x: np.ndarray) -> np.ndarray:
    """Return the products of all pairs of columns, shape (n, p * p)."""
    return (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)


def _limit(*, y: np.ndarray, x: np.ndarray, tested: int, full: _Fit, side: int, level: float) -> np.ndarray:
    """Return where the signed root of the profile likelihood ratio reaches the quantile: bracketing, then Illinois."""
    target = np.sqrt(stats.chi2.ppf(level, 1))
    centre, beta = full.beta[:, tested], full.beta.copy()

    def gap(at: np.ndarray, which: np.ndarray) -> np.ndarray:
        fit = _maximise(y=y[:, which], x=x, tested=tested, at=at[which], start=beta[which])
        beta[which] = fit.beta
        return np.sqrt(np.maximum(2 * (full.likelihood[which] - fit.likelihood), 0)) - target

    everywhere = np.arange(len(centre))
    inner, inner_gap = centre.copy(), np.full(centre.shape, -target)
    reach = target * np.sqrt(full.variance)
    outer = centre + side * reach
    outer_gap = gap(outer, everywhere)
    while (short := np.flatnonzero((outer_gap < 0) & (reach < _FARTHEST))).size:
        inner[short], inner_gap[short] = outer[short], outer_gap[short]
        reach[short] *= 1.6
        outer[short] = centre[short] + side * reach[short]
        outer_gap[short] = gap(outer, short)
    limit = np.full(centre.shape, np.nan)
    left = np.flatnonzero(outer_gap >= 0)
    for _ in range(60):
        if not left.size:
            break
        limit[left] = (inner * outer_gap - outer * inner_gap)[left] / (outer_gap - inner_gap)[left]
        here = gap(limit, left)
        beyond, within = left[here >= 0], left[here < 0]
        outer[beyond], outer_gap[beyond] = limit[beyond], here[here >= 0]
        inner_gap[beyond] *= 0.5
        inner[within], inner_gap[within] = limit[within], here[here < 0]
        outer_gap[within] *= 0.5
        left = left[np.abs(here) > 1e-8]
    return limit

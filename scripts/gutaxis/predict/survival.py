"""Ridge Cox regression for many more features than patients, in the space of the patients."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator

#: Penalties as the variance they expect of the log hazard between patients: from nearly none to strong.
VARIANCES = (0.03, 0.1, 0.3, 1.0)
#: A last Newton step of no log hazard above this ends the search; the error left is about its square.
TOLERANCE, STEPS, LONGEST = 1e-5, 30, 2.0


@dataclass(frozen=True, kw_only=True)
class RiskSets:
    """Efron's risk sets of E events among n patients.

    Parameters
    ----------
    weights
        Shape (E, n): 1 for who is at risk; for those who fail at the same time 1 - l / d at the l-th of d (from 0).
    failed
        Shape (n,), 1 for an event.
    """

    weights: np.ndarray
    failed: np.ndarray


def risk_sets(*, time: np.ndarray, event: np.ndarray) -> RiskSets:
    """Return the risk sets of times and events (1) or censorings (0), shape (n,)."""
    event = np.asarray(event, dtype=float)
    failing = np.flatnonzero(event == 1)
    failing = failing[np.argsort(time[failing], kind="stable")]
    times = time[failing]
    weights = (time[None, :] >= times[:, None]).astype(float)
    first = np.searchsorted(times, times, side="left")
    counts = np.searchsorted(times, times, side="right") - first
    share = (np.arange(len(times)) - first) / np.maximum(counts, 1)
    tied = (time[None, :] == times[:, None]) & (event[None, :] == 1)
    return RiskSets(weights=weights - tied * share[:, None], failed=event)


def partial_likelihood(*, scores: np.ndarray, sets: RiskSets) -> np.ndarray:
    """Return the log partial likelihood of log hazards by column, shape (C,), for scores of shape (n, C)."""
    top = scores.max(axis=0, keepdims=True)
    total = sets.weights @ np.exp(scores - top)
    return sets.failed @ scores - (np.log(total) + top).sum(axis=0)


class RidgeCox(BaseEstimator):
    r"""Cox regression with a ridge penalty, for a grid of penalties.

    Maximises :math:`l(\eta) - \frac{\lambda}{2} |\beta|^2`, :math:`\eta = X \beta`, l the partial likelihood with
    Efron's ties. ``lambda = mean_i |x_i|^2 / variance``: with normal coefficients of variance ``1 / lambda`` the log
    hazard of a patient has that variance.

    Parameters
    ----------
    variances
        The grid.

    Attributes
    ----------
    coef_
        Shape (C, p); there is no intercept.

    Notes
    -----
    With ``X X' = U D U'`` the coefficients are ``X' U D^{-1/2} g`` for some g of at most n numbers, so Newton's method
    works on g and costs nothing for further features (Hastie T, Tibshirani R, Biostatistics 2004;5:329-340). Oracle:
    a general-purpose optimiser, and R ``survival::coxph(ridge(..., theta, scale = FALSE))``.
    """

    def __init__(self, variances: tuple[float, ...] = VARIANCES) -> None:
        self.variances = variances

    def fit(self, X: np.ndarray, y: np.ndarray) -> "RidgeCox":  # noqa: N803
        """Fit to centred features, shape (n, p), and time and event side by side, shape (n, 2)."""
        x, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
        sets = risk_sets(time=y[:, 0], event=y[:, 1])
        values, vectors = np.linalg.eigh(x @ x.T) if x.shape[1] else (np.zeros(len(x)), np.eye(len(x)))
        keep = values > max(values.max(initial=0.0) * 1e-10, 1e-12)
        root = np.sqrt(values[keep])
        basis = vectors[:, keep] * root
        size = float((x**2).sum(axis=1).mean())
        g, coefs = np.zeros(int(keep.sum())), []
        for variance in sorted(self.variances):
            g = _newton(basis, sets, size / variance if size else 1.0, g)
            coefs.append(x.T @ (vectors[:, keep] @ (g / root)))
        self.coef_ = np.array(coefs)
        return self

    def path(self, X: np.ndarray) -> np.ndarray:  # noqa: N803
        """Return log hazards by penalty, shape (n, C)."""
        return X @ self.coef_.T

    def weights(self, *, setting: int) -> np.ndarray:
        """Return the coefficients of a penalty, shape (p,)."""
        return self.coef_[setting]

    def chosen(self, *, setting: int) -> np.ndarray:
        """Return which features are used: all of them."""
        return np.ones(self.coef_.shape[1], dtype=bool) & (setting >= 0)


def _newton(basis: np.ndarray, sets: RiskSets, penalty: float, start: np.ndarray) -> np.ndarray:
    """Return g that maximises l(basis g) - penalty / 2 |g|^2."""
    g = start.copy()
    eye = penalty * np.eye(len(g))
    for _ in range(STEPS):
        eta = basis @ g
        weighted = sets.weights * np.exp(eta - eta.max())
        weighted /= weighted.sum(axis=1, keepdims=True)
        projected = weighted @ basis
        total = weighted.sum(axis=0)
        gradient = basis.T @ (sets.failed - total) - penalty * g
        hessian = (basis * total[:, None]).T @ basis - projected.T @ projected + eye
        step = np.linalg.solve(hessian, gradient)
        # far from the top the quadratic approximation overshoots
        longest = np.abs(basis @ step).max(initial=0.0)
        g += step * min(1.0, LONGEST / longest) if longest else step
        if longest < TOLERANCE:
            break
    return g

"""The restricted likelihood of the random-intercept model, from sums by class, for many features at once.

The samples of a patient with k of them are rotated into their scaled mean, of variance sigma2 + k tau2 (class k), and
k - 1 contrasts, of variance sigma2 (class 0). In that basis the covariance is diagonal and takes one value per class,
so sums by class are all the likelihood needs; no array here grows with the number of samples.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import elementwise

#: Shares of the patient variance at which the likelihood is looked at before the best one is refined.
GRID = np.concatenate([np.arange(0, 0.96, 0.05), [0.98, 0.99, 0.995, 0.999], 1 - 10.0 ** -np.arange(4, 9)])
DIVERGED = "did not converge"
NO_WITHIN = "no residual variation within patients"
NO_BETWEEN = "correlation within patients at its lower limit"
#: Satterthwaite's degrees of freedom lie between those of the mean squares they mix: a value below 1 is an artefact.
FEWEST_DEGREES = 1.0


class Sums(NamedTuple):
    """Sums of s features by class k = 0 .. K - 1.

    ``cross`` (s, K, p, p): X'X; ``product`` (s, K, p): X'y; ``square`` (s, K): y'y; ``count`` (s, K): rotated rows;
    ``pad`` (s, p): 1 for columns of X that are all 0; ``freedom`` (s,): n - rank.
    """

    cross: np.ndarray
    product: np.ndarray
    square: np.ndarray
    count: np.ndarray
    pad: np.ndarray
    freedom: np.ndarray

    def take(self, index: np.ndarray) -> "Sums":
        """Return the sums of some features."""
        return Sums(*(item[index] for item in self))


class Curvature(NamedTuple):
    """Of ``H = X'V^-1 X``: inverse (s, p, p), log determinant (s,), and minus the derivative of that by the share."""

    inverse: np.ndarray
    log_determinant: np.ndarray
    turn: np.ndarray

    def take(self, index: np.ndarray) -> "Curvature":
        """Return that of some features."""
        return Curvature(*(item[index] for item in self))


class Fitted(NamedTuple):
    """Generalised least squares at given shares.

    ``coefficients`` (s, p); ``inverse`` (s, p, p): their covariance / (sigma2 + tau2); ``weight`` (s, K): 1 / variance,
    in the same unit; ``residual`` (s, K): sum of squared residuals of each class; ``deviance``, ``slope`` (s,): minus
    twice the profile log restricted likelihood, without constants, and its derivative by the share.
    """

    coefficients: np.ndarray
    inverse: np.ndarray
    weight: np.ndarray
    residual: np.ndarray
    deviance: np.ndarray
    slope: np.ndarray


def class_sums(*, values: np.ndarray, columns: np.ndarray, people: np.ndarray, largest: int) -> Sums:
    """Return the sums of features with values in the same rows.

    Parameters
    ----------
    values
        Shape (n, s), no NaN.
    columns
        Design, shape (n, p); a column of zeros stands for one left out.
    people
        Shape (n,): number of the patient, from 0.
    largest
        The most samples that a patient can have: K - 1.
    """
    size = np.bincount(people)  # 0 for patients without a value
    both = np.column_stack([columns, values])
    sums = np.zeros((len(size), both.shape[1]))
    np.add.at(sums, people, both)
    held = np.maximum(size, 1)[:, None]
    within = both - (sums / held)[people]
    sums /= np.sqrt(held)
    p, s = columns.shape[1], values.shape[1]
    cross, product = np.zeros((largest + 1, p, p)), np.zeros((s, largest + 1, p))
    square, count = np.zeros((s, largest + 1)), np.zeros(largest + 1)
    for k, part in [(0, within), *((k, sums[size == k]) for k in range(1, largest + 1))]:
        cross[k] = part[:, :p].T @ part[:, :p]
        product[:, k] = part[:, p:].T @ part[:, :p]
        square[:, k] = np.einsum("ns,ns->s", part[:, p:], part[:, p:])
        count[k] = len(part) if k else len(values) - np.count_nonzero(size)
    used = columns.any(axis=0)
    return Sums(
        cross=np.broadcast_to(cross, (s, *cross.shape)),
        product=product,
        square=square,
        count=np.broadcast_to(count, (s, largest + 1)),
        pad=np.broadcast_to((~used).astype(float), (s, p)),
        freedom=np.full(s, float(len(values) - used.sum())),
    )


def curvature(*, share: np.ndarray, sums: Sums) -> Curvature:
    """Return what of the likelihood depends on the design alone, at shares (s,)."""
    excess, weight = _weights(share, sums)
    hessian = np.einsum("sk,skpq->spq", weight, sums.cross) + sums.pad[:, :, None] * np.eye(sums.pad.shape[1])
    inverse = np.linalg.inv(hessian)
    change = np.einsum("sk,skpq->spq", weight**2 * excess, sums.cross)
    return Curvature(
        inverse=inverse,
        log_determinant=np.linalg.slogdet(hessian)[1],
        turn=np.einsum("spq,spq->s", inverse, change),
    )


def evaluate(*, share: np.ndarray, sums: Sums, design: Curvature | None = None) -> Fitted:
    r"""Fit every feature at a given share :math:`\rho = \tau^2 / (\sigma^2 + \tau^2)` of the patient variance.

    With :math:`v_k = 1 - \rho + k \rho`, minus twice the profile log likelihood is :math:`(n - p) \log RSS(\rho) +
    \sum_k N_k \log v_k + \log|X' V^{-1} X|`, the weighted RSS being that of generalised least squares.

    Parameters
    ----------
    share
        Shape (s,), from 0 to below 1.
    sums
        Of s features.
    design
        From :func:`curvature` at the same shares, where it is known already.
    """
    excess, weight = _weights(share, sums)
    design = curvature(share=share, sums=sums) if design is None else design
    coefficients = (design.inverse @ np.einsum("sk,skp->sp", weight, sums.product)[:, :, None])[:, :, 0]
    fitted = (sums.cross @ coefficients[:, None, :, None])[..., 0]
    residual = sums.square + np.einsum("skp,sp->sk", fitted - 2 * sums.product, coefficients)
    residual = np.maximum(residual, 0)
    squares = (weight * residual).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        deviance = sums.freedom * np.log(squares)
        change = sums.freedom * (weight**2 * excess * residual).sum(axis=1) / squares
    return Fitted(
        coefficients=coefficients,
        inverse=design.inverse,
        weight=weight,
        residual=residual,
        deviance=deviance - (sums.count * np.log(weight)).sum(axis=1) + design.log_determinant,
        slope=(sums.count * weight * excess).sum(axis=1) - design.turn - change,
    )


def best_share(*, sums: Sums, pattern: np.ndarray, negative: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of the patient variance at which the restricted likelihood is largest.

    The likelihood is evaluated on a grid, so that a second, lower maximum does no harm; then the root of its derivative
    is found in the best cell.

    Parameters
    ----------
    sums
        Of s features.
    pattern
        Shape (s,), numbers from 0 in ascending order: features with the same number have the same design.
    negative
        Whether the share, then the correlation within patients, may fall below 0, to -1 / (K - 2). Else 0 is the limit,
        and a valid result.

    Returns
    -------
    tuple
        Shares (s,), and None or why there is none (s,).
    """
    s, largest = len(pattern), sums.count.shape[1] - 1
    first = np.searchsorted(pattern, np.arange(pattern[-1] + 1))
    grid = np.concatenate([-GRID[:0:-1] / (largest - 1), GRID]) if negative and largest > 1 else GRID
    share, problem = np.zeros(s), np.full(s, None, dtype=object)
    best, place, slope = np.full(s, np.inf), np.zeros(s, dtype=int), np.zeros(s)
    for position, value in enumerate(grid):
        design = curvature(share=np.full(len(first), value), sums=sums.take(first)).take(pattern)
        fitted = evaluate(share=np.full(s, value), sums=sums, design=design)
        better = fitted.deviance < best
        best[better], place[better], slope[better] = fitted.deviance[better], position, fitted.slope[better]
    low = np.where(slope < 0, place, place - 1)  # the cell of the grid in which the derivative changes its sign
    problem[~np.isfinite(best) | (low == len(grid) - 1)] = NO_WITHIN
    if negative:
        problem[low < 0] = NO_BETWEEN
    inner = np.flatnonzero((low >= 0) & (problem == None))  # noqa: E711, element by element
    if inner.size:
        found = elementwise.find_root(
            lambda value, index: evaluate(share=value, sums=sums.take(inner[index.astype(int)])).slope,
            (grid[low[inner]], grid[low[inner] + 1]),
            args=(np.arange(len(inner)),),
            tolerances={"xrtol": 1e-11, "xatol": 1e-14},
            maxiter=200,
        )
        share[inner] = np.where(found.success, found.x, 0)
        problem[inner[~found.success]] = DIVERGED
    return share, problem


def satterthwaite(*, share: np.ndarray, fitted: Fitted, sums: Sums) -> np.ndarray:
    r"""Return the degrees of freedom of the last coefficient, shape (s,).

    :math:`2 f^2 / (g' I^{-1} g)` with f its variance, g the gradient of f by :math:`(\sigma^2, \tau^2)`, and I the
    observed information of the restricted likelihood: :math:`I_{ij} = y' P V_i P V_j P y - \frac12 tr(P V_i P V_j)`,
    :math:`V_i` the derivatives of V, :math:`P = V^{-1} - V^{-1} X (X' V^{-1} X)^{-1} X' V^{-1}`. Where I is not
    positive definite the expected information :math:`\frac12 tr(P V_i P V_j)` takes its place. At a share of exactly 0
    the result is n - rank: on lmerTest's scale, the standard deviation of the intercepts, f does not change there.
    Values below 1 are raised to 1, which lmerTest does not do.

    Notes
    -----
    Satterthwaite FE (1946) Biometrics 2:110; Giesbrecht and Burns (1985) Biometrics 41:477. Oracle: ``lmerTest``.
    """
    total = (fitted.weight * fitted.residual).sum(axis=1) / sums.freedom
    weight = fitted.weight / total[:, None]
    covariance = fitted.inverse * total[:, None, None]
    k = np.arange(weight.shape[1], dtype=float)
    by = np.stack([np.ones_like(k), k])
    once = np.einsum("sk,ik,skpq->sipq", weight**2, by, sums.cross, optimize=True)
    twice = np.einsum("sk,ik,jk,skpq->sijpq", weight**3, by, by, sums.cross, optimize=True)
    left = sums.product - (sums.cross @ fitted.coefficients[:, None, :, None])[..., 0]
    pull = np.einsum("sk,ik,skp->sip", weight**2, by, left, optimize=True)
    projected = covariance[:, None] @ once
    trace = (
        np.einsum("sk,ik,jk->sij", sums.count * weight**2, by, by)
        - 2 * np.einsum("spq,sijqp->sij", covariance, twice)
        + np.einsum("sipq,sjqp->sij", projected, projected)
    )
    form = np.einsum("sk,ik,jk->sij", weight**3 * fitted.residual, by, by) - pull @ covariance @ pull.swapaxes(1, 2)
    observed = form - trace / 2
    sound = (observed[:, 0, 0] > 0) & (observed[:, 1, 1] > 0) & (_determinant(observed) > 0)
    information = np.where(sound[:, None, None], observed, trace / 2)
    row = covariance[:, -1]
    gradient = np.einsum("sp,sipq,sq->si", row, once, row, optimize=True)
    # g' I^-1 g by the adjoint of a 2 x 2 matrix
    adjoint = np.stack([information[:, 1, 1], -information[:, 0, 1], information[:, 0, 0]])
    g, h = gradient.T
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = (adjoint[0] * g * g + 2 * adjoint[1] * g * h + adjoint[2] * h * h) / _determinant(information)
        freedom = 2 * row[:, -1] ** 2 / spread
    return np.where(share == 0, sums.freedom, np.maximum(freedom, FEWEST_DEGREES))


def _weights(share: np.ndarray, sums: Sums) -> tuple[np.ndarray, np.ndarray]:
    """Return k - 1, shape (K,), and 1 / v_k, shape (s, K)."""
    excess = np.arange(sums.count.shape[1]) - 1.0
    return excess, 1 / (1 + share[:, None] * excess)


def _determinant(matrix: np.ndarray) -> np.ndarray:
    return matrix[:, 0, 0] * matrix[:, 1, 1] - matrix[:, 0, 1] * matrix[:, 1, 0]

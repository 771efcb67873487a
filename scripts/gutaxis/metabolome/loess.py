"""Local linear regression as weights: the same for every feature that was measured in the same injections."""

import numpy as np

#: A local line through three points or fewer follows each of them.
FEWEST_NEIGHBOURS = 4


def loess_weights(*, at: np.ndarray, places: np.ndarray, span: float) -> np.ndarray:
    """Return the weights of local linear regression with tricube weights: ``fitted = values @ weights.T``.

    As R's ``loess(degree=1, family="gaussian")`` and Cleveland's lowess without robustness steps: the weight of a
    training point at distance d is (1 - (d/h)^3)^3, where h is the distance to the k-th nearest, k = floor(span n), but
    at least :data:`FEWEST_NEIGHBOURS`; for a span above 1, h is the largest distance times the span. Beyond the
    outermost training points the value there is held: nothing is extrapolated.

    Parameters
    ----------
    at
        Places to fit, shape (e,).
    places
        Places of the training points, shape (t,), all different.
    span
        Share of the points used.

    Returns
    -------
    numpy.ndarray
        Shape (e, t), rows summing to 1.

    Notes
    -----
    Oracle: statsmodels ``lowess(it=0)``, tests/unit/test_metabolome_drift.py. Source: Cleveland 1979, J Am Stat Assoc
    74, 829; for QCs: Dunn et al. 2011, Nat Protoc 6, 1060.
    """
    at = np.clip(np.asarray(at, dtype=float), places.min(), places.max())
    near = min(len(places), max(FEWEST_NEIGHBOURS, int(span * len(places) + 1e-9)))
    distance = np.abs(at[:, None] - places[None, :])
    reach = np.sort(distance, axis=1)[:, near - 1] * max(1.0, span)
    kernel = (1 - np.minimum(distance / reach[:, None], 1) ** 3) ** 3
    kernel /= kernel.sum(axis=1, keepdims=True)
    centre = kernel @ places
    away = places[None, :] - centre[:, None]
    variance = (kernel * away**2).sum(axis=1)
    # one point alone within reach has no slope
    slope = np.divide(at - centre, variance, out=np.zeros_like(centre), where=variance > 1e-12 * reach**2)
    return kernel * (1 + away * slope[:, None])


def leave_one_out_weights(*, places: np.ndarray, span: float) -> np.ndarray:
    """Return weights of shape (t, t) whose row j predicts point j from all others; the diagonal is 0."""
    weights = np.zeros((len(places), len(places)))
    for j in range(len(places)):
        others = np.arange(len(places)) != j
        weights[j, others] = loess_weights(at=places[[j]], places=places[others], span=span)[0]
    return weights

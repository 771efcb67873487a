"""The chain species -> metabolite -> immune subset -> response: joint significance and bootstrap intervals.

Everything is a linear model of normal scores, adjusted for covariates C. For a species X, a metabolite M, an immune
subset Y and the response R (0 or 1):

    M = a X + C          Y = b M + c' X + C          R = d Y + e M + c'' X + C

The indirect part is a b for the outcome ``subset`` and a b d for the outcome ``response``. Every arrow is a partial
correlation, and a partial correlation has no direction: the same data fit M -> X -> Y, which is why the p values of
other orders stand beside. Nothing here tells a cause; all of it is exploratory.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats

#: What the chain ends in.
SUBSET, RESPONSE = "subset", "response"
#: A pivot below this share of the variance is nothing but rounding: the term explains nothing, as if it were absent.
PIVOT = 1e-9
#: Bootstrap samples worked on at a time.
CHUNK = 2000


class Estimates(NamedTuple):
    """Coefficients of chains; shape (k,) for k chains or (k, B) for bootstrap samples; d is 1 for a chain to a subset.

    a, b, d: the arrows; c_prime: what goes from X to the outcome past the chain; indirect: their product.
    """

    a: np.ndarray
    b: np.ndarray
    d: np.ndarray
    c_prime: np.ndarray
    indirect: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Scan:
    """Every chain of a panel.

    Parameters
    ----------
    p_a, p_b, p_d, p_c
        Two-sided p of each arrow and of X past the chain, shape (species, metabolites, subsets); ``p_d`` is 0 for
        chains to a subset.
    p_joint
        The largest of those of the arrows; NaN where one has no value.
    p_reverse, p_immune_first
        The same of M -> X -> Y (-> R) and of Y -> M -> X (-> R).
    n
        Patients, shape (metabolites,).
    """

    p_a: np.ndarray
    p_b: np.ndarray
    p_d: np.ndarray
    p_c: np.ndarray
    p_joint: np.ndarray
    p_reverse: np.ndarray
    p_immune_first: np.ndarray
    n: np.ndarray


def normal_scores(*, values: np.ndarray) -> np.ndarray:
    """Return normal quantiles of (rank - 1/2) / n in each column; ties share their mean rank.

    Parameters
    ----------
    values
        Shape (n, m), no NaN.

    Notes
    -----
    A log ratio with zeros filled in, or one outlying patient, would otherwise carry an arrow alone. Ties make the
    variance a little smaller than 1.
    """
    values = np.asarray(values, dtype=float)
    return stats.norm.ppf((stats.rankdata(values, axis=0) - 0.5) / max(1, len(values)))


def scan_chains(
    *, x: np.ndarray, m: np.ndarray, y: np.ndarray, response: np.ndarray | None, covariates: np.ndarray
) -> Scan:
    """Test every chain of a panel.

    Parameters
    ----------
    x, m, y
        Shapes (n, species), (n, metabolites), (n, subsets), in any unit. A patient without a value of the metabolite
        is left out of its chains; gaps in x and y are filled by the median of the feature.
    response
        Shape (n,), 1 or 0, no NaN; None: the chains end in the subset.
    covariates
        Shape (n, p), no intercept; may have no column.

    Returns
    -------
    Scan
        p by the t distribution on n - 1 - p - (terms before) degrees of freedom.

    Notes
    -----
    Joint significance: an indirect effect is not zero only if every arrow is not zero, so the largest p of the arrows
    is a valid p of it (intersection-union test; MacKinnon DP et al., Psychol Methods 2002;7:83-104). It is conservative
    where more than one arrow is absent. Assumptions: linear in normal scores, no interaction, no confounder of any
    arrow that is not among the covariates, which no data can show. Oracle: ``statsmodels`` OLS, one chain at a time
    (``tests/unit/test_mediation.py``).
    """
    x, y = filled(values=x), filled(values=y)
    shape = (x.shape[1], m.shape[1], y.shape[1])
    kept = {name: np.full(shape, np.nan) for name in ("p_a", "p_b", "p_d", "p_c", "p_reverse", "p_immune_first")}
    counts = np.isfinite(m).sum(axis=0)
    patterns, member = np.unique(np.isfinite(m), axis=1, return_inverse=True)
    for at in range(patterns.shape[1]):
        rows, columns = patterns[:, at], np.flatnonzero(member.reshape(-1) == at)
        base = np.column_stack([np.ones(rows.sum()), covariates[rows]])
        ends = None if response is None else response[rows][:, None].astype(float)
        found = _arrows(x[rows], m[np.ix_(rows, columns)], y[rows], ends, base)
        for name, values in found.items():
            kept[name][:, columns] = values
    joint = np.maximum(np.maximum(kept["p_a"], kept["p_b"]), kept["p_d"])
    return Scan(**kept, p_joint=joint, n=counts)


def filled(*, values: np.ndarray) -> np.ndarray:
    """Return values with the gaps of each column filled by its median; a column without any value stays NaN.

    Parameters
    ----------
    values
        Shape (n, m).
    """
    values = np.array(values, dtype=float)
    known = np.isfinite(values)
    if known.all():
        return values
    some = known.any(axis=0)
    middle = np.full(values.shape[1], np.nan)
    middle[some] = np.nanmedian(np.where(known, values, np.nan)[:, some], axis=0)
    return np.where(known, values, middle)


def _residuals(values: np.ndarray, basis: np.ndarray, *, scores: bool = True) -> np.ndarray:
    """Return columns as residuals on the basis, length 1; NaN where nothing is left."""
    values = normal_scores(values=values) if scores else values
    size = np.linalg.norm(values - values.mean(axis=0), axis=0)
    left = values - basis @ (basis.T @ values)
    length = np.linalg.norm(left, axis=0)
    return np.where(length > np.sqrt(PIVOT) * np.maximum(size, 1e-300), left, np.nan) / np.where(length > 0, length, 1)


def _arrows(
    x: np.ndarray, m: np.ndarray, y: np.ndarray, response: np.ndarray | None, base: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the p of each arrow for chains of patients without gaps: shape (species, metabolites, subsets)."""
    left, size, _ = np.linalg.svd(base, full_matrices=False)
    basis = left[:, size > 1e-10 * size[0]]
    df = len(base) - basis.shape[1]
    x, m, y = (_residuals(part, basis) for part in (x, m, y))
    xm, my, xy = (x.T @ m)[:, :, None], (m.T @ y)[None], (x.T @ y)[:, None]
    my_x, xy_m, xm_y = _partial(my, xm, xy), _partial(xy, xm, my), _partial(xm, xy, my)
    p_a, p_b, p_c = _p(xm, df - 1), _p(my_x, df - 2), _p(xy_m, df - 2)
    shape = np.broadcast_shapes(p_a.shape, p_b.shape)
    reverse = np.maximum(p_a, p_c)
    first = np.maximum(_p(my, df - 1), _p(xm_y, df - 2))
    p_d = np.zeros(shape)
    if response is not None:
        ends = _residuals(response, basis, scores=False)
        xr, mr, yr = (x.T @ ends)[:, :, None], (m.T @ ends)[None], (y.T @ ends)[:, 0][None, None]
        yr_m, xr_m = _partial(yr, my, mr), _partial(xr, xm, mr)
        p_d = _p(_partial(yr_m, xy_m, xr_m), df - 3)
        p_c = _p(_partial(xr_m, xy_m, yr_m), df - 3)
        reverse, first = np.maximum(reverse, p_d), np.maximum(first, p_c)
    named = {"p_a": p_a, "p_b": p_b, "p_d": p_d, "p_c": p_c, "p_reverse": reverse, "p_immune_first": first}
    return {name: np.broadcast_to(values, shape) for name, values in named.items()}


def _partial(first: np.ndarray, second: np.ndarray, third: np.ndarray) -> np.ndarray:
    """Return r_uv.w = (r_uv - r_uw r_vw) / sqrt((1 - r_uw^2)(1 - r_vw^2)); NaN where w leaves nothing of u or v."""
    left = (1 - second**2) * (1 - third**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.clip(np.where(left > PIVOT, (first - second * third) / np.sqrt(left), np.nan), -1, 1)


def _p(r: np.ndarray, df: int) -> np.ndarray:
    """Return the two-sided p of a (partial) correlation on df degrees of freedom."""
    if df < 1:
        return np.full(r.shape, np.nan)
    with np.errstate(divide="ignore"):
        return 2 * stats.t.sf(np.abs(r) * np.sqrt(df / (1 - np.minimum(r**2, 1.0))), df)


def estimate_chains(
    *, x: np.ndarray, m: np.ndarray, y: np.ndarray, response: np.ndarray | None, covariates: np.ndarray,
    weights: np.ndarray | None = None,
) -> Estimates:  # fmt: skip
    """Estimate one chain, in normal scores: the whole data, or many weighted copies of it at once.

    Parameters
    ----------
    x, m, y
        Shape (n,), normal scores or any other scale, no NaN.
    response
        Shape (n,), 1 or 0, or None.
    covariates
        Shape (n, p).
    weights
        Shape (B, n), how often each patient is drawn; None: each once.

    Returns
    -------
    Estimates
        Shape (B,), or (1,). Units: standard deviations per standard deviation; d and c_prime of a chain to the response
        are differences of its probability per standard deviation.

    Notes
    -----
    Cross-products Z' diag(w) Z are swept on intercept, covariates, X, M and Y in turn; each sweep adds one term to all
    regressions (Goodnight JH, Am Stat 1979;33:149-158). A term without variance left, such as a covariate whose few
    patients were not drawn, is passed over. Oracle: ``statsmodels`` OLS.
    """
    parts = [np.ones(len(x)), *covariates.T, x, m, y, *([] if response is None else [response])]
    z = np.column_stack(parts).astype(float)
    weights = np.ones((1, len(z))) if weights is None else weights
    at = z.shape[1] - (3 if response is None else 4)
    a, b, d, c_prime = (np.empty(len(weights)) for _ in range(4))
    for start in range(0, len(weights), CHUNK):
        part = slice(start, start + CHUNK)
        s = (weights[part] @ (z[:, :, None] * z[:, None, :]).reshape(len(z), -1)).reshape(-1, z.shape[1], z.shape[1])
        total = np.einsum("bii->bi", s).copy()
        for term in range(at + 1):
            _sweep(s, term, total)
        a[part] = s[:, at, at + 1]
        _sweep(s, at + 1, total)
        b[part], c_prime[part], d[part] = s[:, at + 1, at + 2], s[:, at, at + 2], 1.0
        if response is not None:
            _sweep(s, at + 2, total)
            d[part], c_prime[part] = s[:, at + 2, at + 3], s[:, at, at + 3]
    return Estimates(a=a, b=b, d=d, c_prime=c_prime, indirect=a * b * d)


def _sweep(s: np.ndarray, k: int, total: np.ndarray) -> None:
    """Sweep row and column k of every matrix, in place; a term whose pivot is only rounding gets 0 everywhere."""
    pivot = s[:, k, k]
    used = pivot > PIVOT * total[:, k]
    row = np.where(used[:, None], s[:, k, :] / np.where(used, pivot, 1.0)[:, None], 0.0)
    column = s[:, :, k].copy()
    s -= column[:, :, None] * row[:, None, :]
    s[:, k, :] = row
    s[:, :, k] = 0.0


def bootstrap_interval(
    *, estimate: float, samples: np.ndarray, method: str, level: float = 0.95
) -> tuple[float, float]:
    """Return the interval of an estimate from its bootstrap samples.

    Parameters
    ----------
    estimate
        Of the data.
    samples
        Shape (B,); NaN are left out.
    method
        ``percentile``: the quantiles (1 -+ level) / 2. ``bias_corrected``: the quantiles Phi(2 z0 + z), z0 the normal
        quantile of the share of samples below the estimate.
    level
        Nominal coverage.

    Raises
    ------
    ValueError
        For an unknown method.

    Notes
    -----
    Source: Efron B, J Am Stat Assoc 1987;82:171-185. For a product of coefficients the bias-corrected interval finds
    more and errs more under the null (Fritz MS et al., Multivariate Behav Res 2012;47:61-87): percentile is the default
    of the workflow. Oracle: ``scipy.stats.bootstrap`` on the same resamples.
    """
    samples = samples[np.isfinite(samples)]
    if method not in {"percentile", "bias_corrected"}:
        raise ValueError(f"method={method}: percentile or bias_corrected")
    if not len(samples) or not np.isfinite(estimate):
        return float("nan"), float("nan")
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    if method == "bias_corrected":
        below = (np.mean(samples < estimate) + np.mean(samples <= estimate)) / 2
        shift = stats.norm.ppf(np.clip(below, 0.5 / len(samples), 1 - 0.5 / len(samples)))
        tails = stats.norm.cdf(2 * shift + stats.norm.ppf(tails))
    low, high = np.quantile(samples, tails)
    return float(low), float(high)

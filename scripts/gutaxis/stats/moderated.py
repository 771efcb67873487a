"""Moderated t statistics: residual variances borrow strength across features (limma)."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import digamma, polygamma

from gutaxis.stats.linear import LinearFits, as_fields, ols
from gutaxis.stats.results import t_fits

#: With fewer variances than this a spread of variances cannot be told from chance: nothing is moderated.
FEWEST_FEATURES = 3


@dataclass(frozen=True, kw_only=True)
class ModeratedFits(LinearFits):
    """Moderated fits; ``s2`` is the feature's own residual variance.

    Parameters
    ----------
    s2_moderated
        Posterior variances, shape (m,).
    df_prior, s2_prior
        Prior of all features: 0 and NaN where nothing was moderated, inf where all variances agree.
    """

    s2_moderated: np.ndarray
    df_prior: float
    s2_prior: float


class Squeezed(NamedTuple):
    """Posterior variances (m,) and the prior."""

    s2: np.ndarray
    df_prior: float
    s2_prior: float


def squeeze_variances(*, s2: np.ndarray, df: np.ndarray) -> Squeezed:
    r"""Shrink residual variances towards a common value, by empirical Bayes.

    :math:`s_j^2 \sim \sigma_j^2 \chi^2_{d_j} / d_j` with :math:`1 / \sigma_j^2 \sim \chi^2_{d_0} / (d_0 s_0^2)`. With
    :math:`e_j = \log s_j^2 - \psi(d_j / 2) + \log(d_j / 2)`, :math:`d_0` solves
    :math:`\psi'(d_0 / 2) = \mathrm{var}(e) - \mathrm{mean}\,\psi'(d_j / 2)` and
    :math:`\log s_0^2 = \bar e + \psi(d_0 / 2) - \log(d_0 / 2)`. The posterior is
    :math:`(d_j s_j^2 + d_0 s_0^2) / (d_j + d_0)`. Where the right side is not positive the variances differ no more
    than by chance: :math:`d_0 = \infty` and :math:`s_0^2` is their mean.

    Parameters
    ----------
    s2
        Residual variances, shape (m,); NaN for features without one.
    df
        Their degrees of freedom, shape (m,), above 0 where ``s2`` is known.

    Returns
    -------
    Squeezed
        NaN where ``s2`` is NaN. Fewer than three variances are returned as they are, with df_prior 0.

    Notes
    -----
    Assumes variances that do not depend on the mean. Source: Smyth GK (2004) Stat Appl Genet Mol Biol 3:3. Oracle:
    limma 3.54 ``squeezeVar``, which also moderates two variances.
    """
    s2, df = np.asarray(s2, dtype=float), np.broadcast_to(np.asarray(df, dtype=float), np.shape(s2))
    known = np.isfinite(s2) & (df > 0)
    if known.sum() < FEWEST_FEATURES:
        return Squeezed(s2=s2.copy(), df_prior=0.0, s2_prior=np.nan)
    half = df[known] / 2
    # a variance of nearly zero is a measuring artefact and would alone decide the spread of the logarithms
    floored = np.maximum(s2[known], 1e-5 * np.median(s2[known]))
    centred = np.log(floored) - digamma(half) + np.log(half)
    excess = centred.var(ddof=1) - polygamma(1, half).mean()
    if excess > 0:
        df_prior = 2 * trigamma_inverse(value=excess)
        s2_prior = float(np.exp(centred.mean() + digamma(df_prior / 2) - np.log(df_prior / 2)))
        posterior = (df * s2 + df_prior * s2_prior) / (df + df_prior)
    else:
        df_prior, s2_prior = np.inf, float(floored.mean())
        posterior = np.full(s2.shape, s2_prior)
    return Squeezed(s2=np.where(known, posterior, np.nan), df_prior=df_prior, s2_prior=s2_prior)


def trigamma_inverse(*, value: float) -> float:
    """Return x > 0 with trigamma(x) = value, by Newton's method on 1 / trigamma, which is convex.

    Source: Smyth GK (2004), appendix. Oracle: limma ``trigammaInverse``.
    """
    if value > 1e7:
        return float(1 / np.sqrt(value))
    if value < 1e-6:
        return float(1 / value)
    x = 0.5 + 1 / value
    for _ in range(50):
        slope = polygamma(1, x)
        step = slope * (1 - slope / value) / polygamma(2, x)
        x += step
        if abs(step) < 1e-12 * x:
            break
    return float(x)


def moderated_t(*, values: np.ndarray, matrix: np.ndarray, tested: int) -> ModeratedFits:
    """Fit ``y = X b + e`` to every feature and test one coefficient by the moderated t statistic.

    ``t = b / sqrt(s2_moderated * unscaled)`` on ``min(df + df_prior, sum of all df)`` degrees of freedom. Features are
    fitted by :func:`gutaxis.stats.linear.ols`, variances moderated by :func:`squeeze_variances` over the features that
    have a fit; constant features take no part.

    Parameters
    ----------
    values
        Shape (n, m), NaN where missing; on a scale where errors are near normal (log2 intensities, scores).
    matrix
        Design, shape (n, p).
    tested
        Position of the tested column.

    Returns
    -------
    ModeratedFits
        Method ``moderated_t``. Reasons as :func:`~gutaxis.stats.linear.ols`.

    Raises
    ------
    ValueError
        For shapes that do not match or infinite numbers.

    Notes
    -----
    Source: Smyth GK (2004) Stat Appl Genet Mol Biol 3:3. Oracle: limma 3.54 ``lmFit`` and ``eBayes``, missing values
    included; limma also tests features without residual degrees of freedom from the prior alone, here they have none.
    """
    plain = ols(values=values, matrix=matrix, tested=tested)
    squeezed = squeeze_variances(s2=plain.s2, df=plain.df)
    fits = t_fits(
        method="moderated_t",
        estimate=plain.estimate,
        se=np.sqrt(squeezed.s2 * plain.unscaled),
        df=np.minimum(plain.df + squeezed.df_prior, np.nansum(plain.df)),
        n=plain.n,
        reason=plain.reason,
    )
    return ModeratedFits(
        **as_fields(fits=fits),
        s2=plain.s2,
        unscaled=plain.unscaled,
        coefficients=plain.coefficients,
        s2_moderated=squeezed.s2,
        df_prior=squeezed.df_prior,
        s2_prior=squeezed.s2_prior,
    )

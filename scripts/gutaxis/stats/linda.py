"""LinDA: linear models of centred log ratios, corrected for the bias that a composition brings."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from gutaxis.stats.composition import CENTRED_HALF_MINIMUM, clr
from gutaxis.stats.design import Design
from gutaxis.stats.linear import ols
from gutaxis.stats.mixed import design_intercept
from gutaxis.stats.results import Fits

#: With fewer features there is no mode to speak of: the plain centred log ratio is tested.
FEWEST_FOR_MODE = 5
#: A kernel narrower than this share of the median standard error would follow the errors of the coefficients.
LEAST_WIDTH = 0.75
#: A change is not tested with fewer patients who carry the feature.
FEWEST_CARRIERS = 3
NOT_COUNTED = "zero in all of their samples, or one sample only"
_GRID = 512


class Mode(NamedTuple):
    """The mode of a set of coefficients, and each one's share in it (they sum to 1)."""

    location: float
    weights: np.ndarray


def mode_of(*, coefficients: np.ndarray, least_width: float = 0.0) -> Mode:
    """Return the mode of a kernel density, refined by mean shift, as a weighted mean of the coefficients.

    Gaussian kernel, bandwidth ``h = 0.9 min(sd, IQR / 1.34) m^(-1/5)`` (Silverman 1986; R ``bw.nrd0``), but at least
    ``least_width``. From the highest point of the density on a grid, ``d <- sum_k w_k b_k`` with ``w_k`` proportional
    to ``exp(-(b_k - d)^2 / 2 h^2)`` is repeated to convergence.

    Parameters
    ----------
    coefficients
        Shape (m,), finite.
    least_width
        In the unit of the coefficients.

    Returns
    -------
    Mode
        ``location``; ``weights`` of shape (m,) with ``location = weights @ coefficients``.

    Raises
    ------
    ValueError
        Without coefficients.
    """
    values = np.asarray(coefficients, dtype=float)
    if values.size == 0:
        raise ValueError("no coefficients")
    spread = values.std(ddof=1) if values.size > 1 else 0.0
    quartiles = np.subtract(*np.percentile(values, [75, 25])) / 1.34
    width = max(0.9 * (min(spread, quartiles) if quartiles > 0 else spread) * values.size**-0.2, least_width)
    if width < 1e-12 * max(1.0, float(np.abs(values).max())):
        near = np.isclose(values, np.median(values), rtol=1e-9, atol=1e-12)
        weights = near / near.sum() if near.any() else np.full(values.size, 1 / values.size)
        return Mode(float(weights @ values), weights)
    grid = np.linspace(values.min(), values.max(), _GRID)
    density = np.exp(-0.5 * ((grid[:, None] - values) / width) ** 2).sum(axis=1)
    place = float(grid[density.argmax()])
    for _ in range(1000):
        weights = np.exp(-0.5 * ((values - place) / width) ** 2)
        weights /= weights.sum()
        moved = float(weights @ values)
        if abs(moved - place) <= 1e-12 * width:
            break
        place = moved
    return Mode(float(weights @ values), weights)


def uninformative(*, table: pd.DataFrame, design: Design) -> np.ndarray:
    """Return which values tell a paired contrast nothing about the change of a feature, or would bend it.

    In the schemes ``difference`` and ``mixed``, of a feature with a zero anywhere: the samples of patients who have it
    in no sample, and of patients with one sample.

    Parameters
    ----------
    table
        Samples x features, >= 0, no NaN, with all samples of the design.
    design
        Any scheme. In ``between`` and ``survival`` nothing is left out: there, not to have a feature is a difference
        between patients.

    Returns
    -------
    numpy.ndarray
        Bool, shape (samples of the design, m), in the order of ``design.samples``.

    Notes
    -----
    The difference of two zeros is a difference of two pseudocounts, and so of the two samples' other features; it would
    count as a patient without change. Who has the feature in one of two samples stays, whichever of the two it is: the
    choice treats PRE and POST alike, so it makes no change where there is none. Of patients with one sample those with
    a value would have it at that time by choice (with their zeros left out), or carriers would be mixed with
    non-carriers at one time only (with their zeros kept). In 50 null simulations of 48 patients, 40 % of them without
    POST and many zeros of depth, the share of p < 0.05 was 0.074 with their zeros kept, 0.063 with them left out, 0.054
    without these patients.
    """
    values = table.loc[design.samples].to_numpy(dtype=float)
    if design.scheme not in {"difference", "mixed"}:
        return np.zeros(values.shape, dtype=bool)
    patients = design.units["patient_id"].to_numpy()
    codes = np.unique(np.tile(patients, 2) if design.scheme == "difference" else patients, return_inverse=True)[1]
    seen = np.zeros((codes.max(initial=-1) + 1, values.shape[1]), dtype=bool)
    np.logical_or.at(seen, codes, values > 0)
    alone = np.bincount(codes)[codes] == 1
    return (~seen[codes] | alone[:, None]) & (values == 0).any(axis=0)


def log_ratios(*, table: pd.DataFrame, design: Design, pseudocount: str | float = CENTRED_HALF_MINIMUM) -> pd.DataFrame:
    """Return centred log2 ratios of the samples of a design; NaN where a paired contrast learns nothing.

    Parameters
    ----------
    table
        As for :func:`linda`.
    design
        Any scheme.
    pseudocount
        See :func:`gutaxis.stats.composition.replace_zeros`. With ``centred_half_minimum``, values that are
        :func:`uninformative` are NaN; with any other every value counts, as published.
    """
    ratios = clr(table=table.loc[design.samples], pseudocount=pseudocount)
    if pseudocount != CENTRED_HALF_MINIMUM:
        return ratios
    return ratios.mask(uninformative(table=table, design=design))


def linda(*, table: pd.DataFrame, design: Design, pseudocount: str | float = CENTRED_HALF_MINIMUM) -> Fits:
    """Test every feature of a composition: log2 fold change against the features that do not change.

    1. ``W = clr(table)`` in log2 units, zeros replaced by ``pseudocount``. ``c_ij = 0`` for values of a paired
       contrast that are :func:`uninformative`, and left out, else 1.
    2. Least squares (schemes ``between``, ``difference``) or REML with a random intercept per patient (``mixed``)
       gives the coefficient ``b_j`` of the tested column for each feature.
    3. The bias that the composition brings is the same for all features. As most of them do not change, it is the
       mode of the ``b_j``: ``d = sum_k a_k b_k`` (:func:`mode_of`; the kernel is at least 0.75 of their median
       standard error wide).
    4. The model is fitted again to ``W_j - s``, with the reference
       ``s_i = sum_k a_k c_ik (W_ik - mean W_k) / sum_k a_k c_ik``: the weighted mean over the values that count. t test
       on its own standard error and degrees of freedom. Where all count, ``s = sum_k a_k W_k`` up to a constant, and
       the coefficient is exactly ``b_j - d``.

    Parameters
    ----------
    table
        Samples x features, >= 0, no NaN, no sample of zeros; fractions or CPM alike. All samples of the design.
    design
        Scheme ``between``, ``difference`` or ``mixed``.
    pseudocount
        See :func:`gutaxis.stats.composition.replace_zeros`. It sees the samples of the design alone. ``half_minimum``
        is LinDA as published: one constant per feature, and every pair counts.

    Returns
    -------
    Fits
        Method ``linda``; estimate in log2 units; ``n`` counts the samples (pairs) used for the feature. In a paired
        contrast a feature has no result where fewer than three patients are left; else the estimate is the mean change
        of those who carry it.

    Raises
    ------
    ValueError
        For a survival design or a design with a refusal, and as :func:`gutaxis.stats.composition.clr`.

    Notes
    -----
    Assumptions: most features do not change, or change by one common factor; log ratios with normal errors of one
    variance per feature.

    Source: Zhou H, He K, Chen J, Zhang X, Genome Biology 2022;23:95. Differences from the R packages (LinDA 0.2,
    MicrobiomeStat):

    - They replace zeros by half the minimum, which does not move with the sample, and let pairs of zeros count. In 150
      simulated studies (48 pairs, a fifth of zeros, 30 % of the features changed by 1 SD) 83.1 % of the 95 % intervals
      held the truth and 13.2 % of the discoveries were false at q < 0.05; with the rule here 94.5 % and 3.8 %, at the
      same power.
    - They take ``b_j - d`` with the standard error of ``b_j``, as if ``d`` were known. Step 4 counts the error of ``d``
      (given its weights). With hundreds of features this is the same; in simulations with 8 to 20 null features of 30
      samples the share of p < 0.05 was 0.067 to 0.077 without step 4, and with it 0.045 to 0.058 for 6 to 300.
    - R finds the mode by mean shift from the shorth, with no least width; here it starts at the highest point of the
      density. With fewer than five features step 3 is left out.
    - R scales numeric covariates and cuts values above the 97th percentile; here covariates come with the design and
      values are not cut.

    Oracle: brute force (``tests/oracle/test_linda_brute_force.py``): log ratios to the reference one feature at a time,
    ``numpy.linalg.lstsq``, the mode by direct maximisation of the density.
    """
    if design.refusal is not None or design.scheme not in {"between", "difference", "mixed"}:
        raise ValueError(f"no LinDA for scheme {design.scheme}: {design.refusal or 'it has no tested column'}")
    ratios = log_ratios(table=table, design=design, pseudocount=pseudocount)
    first = _fit(ratios=ratios, design=design)
    made = np.isfinite(first.estimate)
    if made.sum() < FEWEST_FOR_MODE:
        return first
    weights = np.zeros(len(made))
    weights[made] = mode_of(
        coefficients=first.estimate[made], least_width=LEAST_WIDTH * float(np.median(first.se[made]))
    ).weights
    return _fit(ratios=ratios.sub(_reference(ratios=ratios.to_numpy(), weights=weights), axis=0), design=design)


def _reference(*, ratios: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted mean of each sample over its values that are not NaN, shape (n,).

    Features are centred first: which of them count in a sample must not set the level of the mean. A sample in which no
    weighted feature counts keeps its centred log ratios.
    """
    counts = np.isfinite(ratios)
    level = np.where(counts, ratios, 0).sum(axis=0) / np.maximum(counts.sum(axis=0), 1)
    total = counts @ weights
    reference = np.where(counts, ratios - level, 0) @ weights
    return np.divide(reference, total, out=np.zeros(len(ratios)), where=total > 0)


def _fit(*, ratios: pd.DataFrame, design: Design) -> Fits:
    """Return the fits of the linear model of the scheme, or why a feature that some patients lack has none."""
    values = design.values(table=ratios)
    patients = design.units["patient_id"].to_numpy()
    lacking = np.array([len(set(patients[gaps])) for gaps in np.isnan(values).T], dtype=int)
    few = (lacking > 0) & (design.n - lacking < FEWEST_CARRIERS)
    values = np.where(few, np.nan, values)
    if design.scheme == "mixed":
        fits = design_intercept(values=values, design=design)
    else:
        fits = ols(values=values, matrix=design.matrix, tested=design.tested_index)
    reason = fits.reason.copy()
    for place in np.flatnonzero(lacking):
        if reason[place] is not None:
            why = f"{FEWEST_CARRIERS} are needed" if few[place] else reason[place]
            out = f"{lacking[place]} of {design.n} patients left out: {NOT_COUNTED}"
            reason[place] = f"{out}; {why}"
    made = {name: getattr(fits, name) for name in Fits.__dataclass_fields__}
    return Fits(**made | {"method": "linda", "reason": reason})

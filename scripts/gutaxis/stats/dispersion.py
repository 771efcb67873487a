r"""Dispersion: whether groups of samples spread differently around their middle, as vegan::betadisper.

The samples are points in the space of the distances; axes with a negative eigenvalue are imaginary. The distance of
sample i from the middle c of its group is
:math:`z_i = \sqrt{\max(0, |x_i - c|^2_{real} - |x_i - c|^2_{imaginary})}`. The middle is the centroid, or the spatial
median, found in the real and the imaginary axes apart. F is the analysis of variance of z on the groups; p by
permutation.

A PERMANOVA result can come from unequal spread, above all where groups differ in size: this table belongs beside it.
Read the row of the median: with small groups of unequal size it keeps its level when adjusted for bias, while the
centroid rejects somewhat too often, and both do without the adjustment.

Anderson MJ (2006) Biometrics 62:245. Oracle: vegan::betadisper and permutest, F to 1e-6 (scikit-bio's ``permdisp``
drops the imaginary axes and gives other numbers).
"""

import numpy as np
import pandas as pd

from gutaxis.stats.contrast_permanova import arrangements_for, contrast_gram
from gutaxis.stats.design import Design
from gutaxis.stats.permutations import Arrangements, p_value, swap_within_patient

#: Columns of dispersion_{metric}.tsv.
TABLE = ["contrast", "term", "centre", "df", "df_residual", "f", "p", "permutations", "scheme", "n", "exact", "spread",
         "reason"]  # fmt: skip
CENTRES = ("median", "centroid")
MIN_GROUP = 3


def distances_to_centre(
    *, gram: np.ndarray, groups: np.ndarray, centre: str = "median", bias_adjust: bool = False
) -> np.ndarray:
    """Return the distance of each sample from the middle of its group, shape (n,), in the unit of the metric.

    Parameters
    ----------
    gram
        Shape (n, n), inner products; they are centred here.
    groups
        Shape (n,), labels.
    centre
        ``median`` (spatial; robust, vegan's default) or ``centroid``.
    bias_adjust
        Multiply by sqrt(n_g / (n_g - 1)), because a group's middle lies too near to its own samples, the more so the
        smaller it is (vegan's ``bias.adjust``; Stier 2013).
    """
    if centre not in CENTRES:
        raise ValueError(f"centre={centre}: {' or '.join(CENTRES)}")
    row = gram.mean(axis=1)
    values, vectors = np.linalg.eigh(gram - row[:, None] - row[None, :] + row.mean())
    tolerance = np.sqrt(np.finfo(float).eps)
    keep = np.abs(values) > max(tolerance * max(1.0, values[-1]), 0.0)
    points, real = vectors[:, keep] * np.sqrt(np.abs(values[keep])), values[keep] > 0
    squared = np.zeros(len(gram))
    adjust = np.ones(len(gram))
    for label in set(groups.tolist()):
        own = np.flatnonzero(groups == label)
        for axes, sign in ((real, 1.0), (~real, -1.0)):
            part = points[np.ix_(own, axes)]
            middle = part.mean(axis=0) if centre == "centroid" else spatial_median(points=part)
            squared[own] += sign * ((part - middle) ** 2).sum(axis=1)
        if bias_adjust and len(own) > 1:
            adjust[own] = np.sqrt(len(own) / (len(own) - 1))
    return adjust * np.sqrt(np.clip(squared, 0.0, None))


def spatial_median(*, points: np.ndarray, steps: int = 2000) -> np.ndarray:
    """Return the point with the smallest sum of distances to the points, shape (axes,).

    Weiszfeld's iteration as corrected by Vardi and Zhang (2000, PNAS 97:1423), from the median of each coordinate. Two
    points have no single spatial median: their midpoint is given.

    Parameters
    ----------
    points
        Shape (n, axes).
    steps
        Most iterations.
    """
    middle = np.median(points, axis=0)
    scale = float(np.abs(points - middle).max()) if points.size else 0.0
    if scale == 0.0:
        return middle
    for _ in range(steps):
        apart = np.sqrt(((points - middle) ** 2).sum(axis=1))
        here = apart <= 1e-12 * scale
        weight = np.where(here, 0.0, 1.0 / np.where(here, 1.0, apart))
        target = weight @ points / weight.sum()
        pull = weight.sum() * float(np.linalg.norm(target - middle))
        stay = min(1.0, here.sum() / pull) if pull > 0 else 1.0
        new = (1.0 - stay) * target + stay * middle
        moved = float(np.linalg.norm(new - middle))
        middle = new
        if moved <= 1e-11 * scale:
            break
    return middle


def dispersion_f(*, spread: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return F of a one-way analysis of variance for every row of ``spread``, shape (k,).

    Parameters
    ----------
    spread
        Shape (k, n): distances to the centre, in k arrangements.
    groups
        Shape (n,).
    """
    labels = sorted(set(groups.tolist()), key=str)
    member = np.array([groups == label for label in labels], dtype=float)
    size = member.sum(axis=1)
    centred = spread - spread.mean(axis=1, keepdims=True)
    between = ((centred @ member.T) ** 2 / size).sum(axis=1)
    within = (centred**2).sum(axis=1) - between
    with np.errstate(divide="ignore", invalid="ignore"):
        f = (between / (len(labels) - 1)) / (within / (len(groups) - len(labels)))
    # what is left of equal distances is rounding
    return np.where(within > 1e-12 * (spread**2).sum(axis=1), f, np.nan)


def dispersion_test(*, spread: np.ndarray, groups: np.ndarray, arrangements: Arrangements) -> tuple[float, float]:
    """Return F and p: the distances, less the mean of their group, change places between samples in each arrangement.

    Parameters
    ----------
    spread
        Shape (n,), from :func:`distances_to_centre`.
    groups
        Shape (n,).
    arrangements
        Of rows; ``order`` is set.

    Notes
    -----
    As vegan::permutest. In 3,000 null tables of 48 patients in three cohorts p <= 0.05 had a share of 0.045; without
    taking the means off, of 0.038.
    """
    observed = float(dispersion_f(spread=spread[None, :], groups=groups)[0])
    if not arrangements.count:
        return observed, float("nan")
    residual = spread - pd.Series(spread).groupby(groups).transform("mean").to_numpy()
    # the grand mean goes back in: dispersion_f tells rounding from variation by the size of the distances
    permuted = dispersion_f(spread=(residual + spread.mean())[arrangements.order], groups=groups)
    return observed, p_value(observed=observed, permuted=permuted)


def contrast_dispersion(
    *, distances: pd.DataFrame, design: Design, permutations: int, seed: int, bias_adjust: bool = True
) -> pd.DataFrame:
    """Test the spread of the groups that a contrast compares.

    ``baseline`` and ``post``: responders against others, and cohorts where the model has them. ``change``: PRE against
    POST of complete pairs, swapped inside patients. ``response_change``: the changes of responders against those of
    others, as points. ``survival`` has no groups.

    Parameters
    ----------
    distances
        Samples x samples.
    design
        With ``pairs="differences"``.
    permutations, seed
        Of the arrangements.
    bias_adjust
        See :func:`distances_to_centre`. On by default, because responders are few.

    Returns
    -------
    pandas.DataFrame
        ``TABLE``, two rows (median, centroid) per term. ``spread``: mean distance and size of each group.
    """
    blank = dict.fromkeys(TABLE, None) | {"contrast": design.contrast, "n": design.n}
    if design.refusal is not None or design.scheme == "survival":
        reason = design.refusal or "no groups: the outcome is a time"
        return pd.DataFrame([blank | {"reason": reason}])[TABLE]
    rows = []
    gram = contrast_gram(distances=distances, design=design, samples=design.contrast == "change")
    for term, groups, arrangements in _terms(design, permutations, seed):
        labels, sizes = np.unique(groups.astype(str), return_counts=True)
        if len(labels) < 2 or sizes.min() < MIN_GROUP:
            short = ", ".join(f"{label} {size}" for label, size in zip(labels, sizes, strict=True))
            rows.append(blank | {"term": term, "reason": f"groups too small: {short}; at least {MIN_GROUP}"})
            continue
        for centre in CENTRES:
            spread = distances_to_centre(gram=gram, groups=groups, centre=centre, bias_adjust=bias_adjust)
            f, p = dispersion_test(spread=spread, groups=groups, arrangements=arrangements)
            means = [
                f"{name} {spread[groups == name].mean():.4g} (n={size})"
                for name, size in zip(labels, sizes, strict=True)
            ]
            rows.append(
                blank
                | {"term": term, "centre": centre, "df": len(labels) - 1, "df_residual": len(groups) - len(labels)}
                | {"f": f, "p": p, "permutations": arrangements.count, "scheme": arrangements.scheme}
                | {"exact": arrangements.exact, "spread": "; ".join(means)}
                | {"reason": None if np.isfinite(f) else "the distances to the centre do not vary"}
            )
    return pd.DataFrame(rows)[TABLE]


def _terms(design: Design, permutations: int, seed: int) -> list[tuple[str, np.ndarray, Arrangements]]:
    """Return name, groups of the rows, and valid arrangements of each term of a contrast."""
    pairs = len(design.units)
    if design.contrast == "change":
        flips = swap_within_patient(pairs=pairs, permutations=permutations, seed=seed)
        swap = flips.signs < 0
        first = np.arange(pairs)
        order = np.hstack([first + pairs * swap, first + pairs * ~swap]).astype(np.int32)
        groups = np.repeat(np.array(["PRE", "POST"], dtype=object), pairs)
        return [("time", groups, Arrangements(order=order, signs=None, exact=flips.exact, scheme=flips.scheme))]
    names = ["response", *(["cohort"] if design.scheme == "between" and "cohort" in design.terms else [])]
    found = []
    for name in names:
        groups = design.units[name].astype(object).to_numpy()
        codes = np.unique(groups.astype(str), return_inverse=True)[1].reshape(-1, 1).astype(float)
        arrangements = arrangements_for(
            matrix=codes, columns=(0,), blocks=design.blocks, permutations=permutations, seed=seed
        )
        found.append(("response:time" if design.scheme == "difference" else name, groups, arrangements))
    return found

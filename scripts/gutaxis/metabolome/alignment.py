"""Retention times of one file brought onto those of the reference file."""

import numpy as np
import pyopenms
from statsmodels.nonparametric.smoothers_lowess import lowess

from gutaxis.metabolome.clock import Alignment, identity, interpolate
from gutaxis.metabolome.features import configure, feature_rows
from gutaxis.metabolome.presets import Preset

#: Fewest features with which two files are aligned, and fewest pairs for a curve instead of a straight line.
MIN_FEATURES, MIN_CURVE = 10, 20
#: Knots of the stored transformation, and share of the pairs in each local fit.
KNOTS, SPAN = 101, 0.3


def align(*, features: pyopenms.FeatureMap, reference: pyopenms.FeatureMap, preset: Preset) -> Alignment:
    """Align one file to the reference: a straight line by pose clustering, bent by LOWESS where pairs allow.

    Parameters
    ----------
    features, reference
        Features of the file and of the reference.
    preset
        ``align_rt_s``, ``link_ppm``, ``link_rt_s``.

    Returns
    -------
    Alignment
        ``few_features`` below 10 features in either file, ``failed`` where OpenMS finds no line or the line leaves
        pairs apart; both leave times as they are. ``identity`` where times as they are bring more features together.

    Notes
    -----
    MapAlignmentAlgorithmPoseClustering gives the pairs and the line. The rest is the shift of the pairs smoothed by
    LOWESS (span 0.3, 3 robust passes), held constant outside the pairs, and made ascending.
    """
    mine, theirs = feature_rows(features=features), feature_rows(features=reference)
    end = float(max(mine["rt"].max(), theirs["rt"].max())) + 60.0 if len(mine) and len(theirs) else 1.0
    if min(len(mine), len(theirs)) < MIN_FEATURES:
        return identity(status="few_features", end=end)
    try:
        x, y = _pose_pairs(features=features, reference=reference, preset=preset)
    except RuntimeError as error:
        print(f"alignment failed: {str(error).splitlines()[0]}")
        return identity(status="failed", end=end)
    if len(x) < MIN_FEATURES / 2:
        return identity(status="failed", end=end)
    knots = np.linspace(0.0, end, KNOTS)
    shift = _shift(x=x, y=y, knots=knots)
    target = np.maximum.accumulate(knots + shift + np.arange(KNOTS) * 1e-9)
    made = Alignment(
        status="aligned",
        rt=knots,
        rt_reference=target,
        pairs=len(x),
        residual_before_s=float(np.median(np.abs(y - x))),
        residual_after_s=float(np.median(np.abs(interpolate(x, knots, target) - y))),
    )
    if made.residual_after_s > preset.link_rt_s / 2:
        return identity(status="failed", end=end)
    matched = [
        _matches(mz=mine["mz"].to_numpy(), rt=times, theirs=theirs[["mz", "rt"]].to_numpy(), preset=preset)
        for times in (mine["rt"].to_numpy(), made.to_reference(mine["rt"].to_numpy()))
    ]
    closer = made.residual_after_s <= made.residual_before_s
    better = matched[1] > matched[0] or (matched[1] == matched[0] and closer)
    return made if better else identity(status="identity", end=end)


def _pose_pairs(
    *, features: pyopenms.FeatureMap, reference: pyopenms.FeatureMap, preset: Preset
) -> tuple[np.ndarray, np.ndarray]:
    """Return the times of paired features (file, reference) in ascending order, strays left out."""
    aligner = configure(
        pyopenms.MapAlignmentAlgorithmPoseClustering(),
        superimposer__mz_pair_max_distance=0.01,
        superimposer__max_shift=2 * preset.align_rt_s,
        superimposer__max_scaling=1.5,
        pairfinder__distance_RT__max_difference=preset.align_rt_s,
        pairfinder__distance_MZ__max_difference=preset.link_ppm,
        pairfinder__distance_MZ__unit="ppm",
    )
    aligner.setReference(reference)
    line = aligner.align(features)
    pairs = np.array(
        [
            tuple(point)[:2] if isinstance(point, tuple) else (point.first, point.second)
            for point in line.getDataPoints()
        ],
        dtype=float,
    ).reshape(-1, 2)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    residual = pairs[:, 1] - np.array([line.apply(value) for value in pairs[:, 0]])
    middle = np.median(residual) if len(residual) else 0.0
    spread = 1.4826 * np.median(np.abs(residual - middle)) if len(residual) else 0.0
    near = np.abs(residual - middle) <= max(4 * spread, 2.0)
    return pairs[near, 0], pairs[near, 1]


def _shift(*, x: np.ndarray, y: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Return the smoothed shift (s) at the knots: a curve from enough pairs, else a straight line."""
    inside = np.clip(knots, x[0], x[-1])
    if len(x) < MIN_CURVE or x[-1] - x[0] < 1.0:
        slope, start = np.polyfit(x, y - x, 1) if x[-1] - x[0] >= 1.0 else (0.0, float(np.median(y - x)))
        return start + slope * inside
    smooth = lowess(y - x, x, frac=max(SPAN, MIN_CURVE / len(x)), it=3, return_sorted=False)
    times, first = np.unique(x, return_index=True)
    return np.interp(inside, times, smooth[first])


def _matches(*, mz: np.ndarray, rt: np.ndarray, theirs: np.ndarray, preset: Preset) -> int:
    """Count features that have a partner in the reference within half the linking window."""
    order = np.argsort(theirs[:, 0], kind="stable")
    theirs = theirs[order]
    low = np.searchsorted(theirs[:, 0], mz * (1 - preset.link_ppm * 1e-6))
    high = np.searchsorted(theirs[:, 0], mz * (1 + preset.link_ppm * 1e-6))
    half = preset.link_rt_s / 2
    return sum(bool((np.abs(theirs[a:b, 1] - t) <= half).any()) for a, b, t in zip(low, high, rt, strict=True))

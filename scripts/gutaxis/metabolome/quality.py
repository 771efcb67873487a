"""Quality of features and injections: precision of the pooled QCs, blanks, detection, principal components.

Precision is told three times: before any correction, after it, and on held-out QCs. Only the last is evidence, since
the QCs that a correction was fitted to always look good after it.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gutaxis.metabolome.feature_table import ABSENT, DETECTED, FORCED

#: Fewer values than this have no standard deviation worth the name.
FEWEST_VALUES = 3
#: A blank's signal counts where at least this share of the blanks has it: one carry-over is no contamination.
BLANK_SHARE = 0.5


def relative_sd(*, values: pd.DataFrame) -> pd.Series:
    """Return the relative standard deviation of each feature's intensities: SD (n - 1) divided by the mean.

    Parameters
    ----------
    values
        Features x injections, log2; the figure is of the intensities, 2 to the power of them.

    Returns
    -------
    pandas.Series
        A fraction; NaN for fewer than three values. Oracle: QC_RSD of two published peak tables, tests/realdata.
    """
    # divided by a typical intensity first, so that no power overflows
    intensities = np.exp2(values.sub(values.median(axis=1), axis=0))
    rsd = intensities.std(axis=1, ddof=1) / intensities.mean(axis=1)
    return rsd.where(values.notna().sum(axis=1) >= FEWEST_VALUES)


def held_out_values(*, held_out: pd.DataFrame, spread: pd.DataFrame) -> pd.DataFrame:
    """Return held-out QCs with the variance of one measurement.

    A QC that a curve without it predicted differs from the prediction by its own error and by that of the curve. The
    deviation from the feature's mean divided by ``spread`` = sqrt(1 + w'w), w the weights of the prediction, has the
    variance of the first alone, if the curve is right; where it is not, the value grows, as it should.

    Parameters
    ----------
    held_out, spread
        Features x QCs, of :class:`gutaxis.metabolome.drift.Corrected`, log2.
    """
    centre = held_out.mean(axis=1)
    return held_out.sub(centre, axis=0).div(spread).add(centre, axis=0)


def dispersion_ratio(*, qcs: pd.DataFrame, samples: pd.DataFrame) -> pd.Series:
    """Return the D-ratio of each feature: SD of the QCs divided by SD of the study samples, both in log2.

    0: all variation is between samples; 1: the QCs, which are all the same, vary as much as the samples. Source:
    Broadhurst et al. 2018, Metabolomics 14, 72 (for log-normal intensities on the logarithms).

    Parameters
    ----------
    qcs, samples
        Features x injections, log2.

    Returns
    -------
    pandas.Series
        NaN for fewer than three values in either, or samples that do not vary.
    """
    enough = (qcs.notna().sum(axis=1) >= FEWEST_VALUES) & (samples.notna().sum(axis=1) >= FEWEST_VALUES)
    spread = samples.std(axis=1, ddof=1)
    return (qcs.std(axis=1, ddof=1) / spread.where(spread > 0)).where(enough)


def blank_ratio(*, blanks: pd.DataFrame, references: pd.DataFrame) -> pd.Series:
    """Return the mean of the blanks divided by the mean of the pooled QCs (or samples), by feature.

    Parameters
    ----------
    blanks, references
        Features x injections, intensities, not logarithms. Missing means nothing was found.

    Returns
    -------
    pandas.Series
        0 where fewer than half of the blanks show the feature; infinite where only blanks do; NaN without blanks.
    """
    if not blanks.shape[1]:
        return pd.Series(np.nan, index=blanks.index)
    mean = blanks.mean(axis=1)
    shown = blanks.notna().mean(axis=1) >= BLANK_SHARE
    ratio = mean / references.mean(axis=1)
    return ratio.where(references.notna().any(axis=1), np.inf).where(shown, 0.0)


def detection_rates(*, state: pd.DataFrame, groups: pd.Series, measured: pd.DataFrame) -> pd.DataFrame:
    """Return the share of each group's samples in which a feature was detected; forced and imputed cells do not count.

    Parameters
    ----------
    state
        Features x samples, words of :data:`gutaxis.metabolome.feature_table.STATES`.
    groups
        By sample; samples without a group are left out.
    measured
        Features x samples: whether the sample was injected in the feature's ionisation mode at all.

    Returns
    -------
    pandas.DataFrame
        Features x groups, in sorted order; NaN where no sample of the group was measured.
    """
    found = (state == DETECTED) & measured
    columns = {}
    for group in sorted(groups.dropna().unique()):
        members = [name for name in state.columns if groups.get(name) == group]
        total = measured[members].sum(axis=1)
        columns[group] = found[members].sum(axis=1) / total.where(total > 0)
    return pd.DataFrame(columns, index=state.index)


def injection_counts(*, state: pd.DataFrame) -> pd.DataFrame:
    """Return by injection how many cells were detected, forced and absent."""
    words = {"n_detected": DETECTED, "n_forced": FORCED, "n_absent": ABSENT}
    return pd.DataFrame({column: (state == word).sum(axis=0) for column, word in words.items()})


def principal_components(*, values: pd.DataFrame, share: float = 0.8) -> tuple[pd.DataFrame, tuple[float, float]]:
    """Return the first two principal components of injections, for a figure.

    Features with a value in at least ``share`` of the injections, scaled to unit variance, what is missing at the mean.

    Parameters
    ----------
    values
        Features x injections, log2.
    share
        Least share of values.

    Returns
    -------
    tuple
        Injections x (pc1, pc2), and the shares of the variance they explain. The sign of a component is such that the
        largest loading is positive. NaN where there are fewer than three injections or two features.
    """
    nothing = pd.DataFrame(np.nan, index=values.columns, columns=["pc1", "pc2"])
    usable = values[(values.notna().mean(axis=1) >= share) & (values.std(axis=1) > 0)]
    if min(usable.shape[0] - 1, usable.shape[1] - 2) < 1:
        return nothing, (np.nan, np.nan)
    scaled = usable.sub(usable.mean(axis=1), axis=0).div(usable.std(axis=1, ddof=1), axis=0).fillna(0.0)
    loadings, sizes, scores = np.linalg.svd(scaled.to_numpy(), full_matrices=False)
    largest = loadings[np.abs(loadings).argmax(axis=0), np.arange(loadings.shape[1])]
    points = (scores * (sizes * np.sign(largest))[:, None])[:2].T
    explained = sizes**2 / (sizes**2).sum()
    table = pd.DataFrame(points, index=values.columns, columns=["pc1", "pc2"])
    return table, (float(explained[0]), float(explained[1]))


def precision_table(*, stages: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]) -> pd.DataFrame:
    """Return RSD and D-ratio of each feature at each stage.

    Parameters
    ----------
    stages
        By name (before, after, held_out): QCs and study samples, each features x injections in log2.

    Returns
    -------
    pandas.DataFrame
        Columns ``rsd_STAGE`` and ``dratio_STAGE``.
    """
    columns = {}
    for stage, (qcs, _) in stages.items():
        columns[f"rsd_{stage}"] = relative_sd(values=qcs)
    for stage, (qcs, samples) in stages.items():
        columns[f"dratio_{stage}"] = dispersion_ratio(qcs=qcs, samples=samples)
    return pd.DataFrame(columns)

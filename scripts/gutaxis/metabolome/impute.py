"""Missing values filled by why they miss: half the smallest value below detection, nearest neighbours otherwise.

Filled cells are marked ``imputed`` for good. Tests that can do without them should: a filled value is a guess.
"""

import numpy as np
import pandas as pd
from scipy import stats

from gutaxis.metabolome.feature_table import ABSENT, FORCED, IMPUTED

BELOW, OTHER, COMPLETE = "below_detection", "other", "complete"
NEIGHBOURS = 10
#: Fewest samples in which two features must both have values to be compared, and fewest neighbours of a guess.
FEWEST_SHARED, FEWEST_NEIGHBOURS = 6, 3
#: A feature misses more than chance explains if so many missing values had less than this probability.
LEVEL = 0.05
#: A strong feature that misses more than this share is truly absent from some samples.
MOST_BY_CHANCE = 0.2


def missing_mechanism(*, values: pd.DataFrame, measured: pd.DataFrame, searched: bool) -> pd.DataFrame:
    """Tell by feature why values miss.

    Where the raw data were searched for every missing cell (forced integration), what is still missing is below
    detection. Elsewhere: the quarter of the features with the highest median is far above detection. The mean missing
    share of those of them that most samples have (a drug is strong and truly absent from others) is what is lost for
    any other reason. A feature that misses more values than this explains (one-sided binomial test, p < 0.05) misses
    them below detection; any other feature misses them at random.

    Parameters
    ----------
    values
        Features x study samples, log2, NaN = missing.
    measured
        Same shape: False where the sample was not injected in the feature's mode. Such cells are not missing values.
    searched
        Whether every missing cell was looked for in the raw data.

    Returns
    -------
    pandas.DataFrame
        By feature: n_missing, missing_share, mechanism (``below_detection``, ``other``, ``complete``).
    """
    total = measured.sum(axis=1)
    missing = (values.isna() & measured).sum(axis=1)
    share = missing / total.where(total > 0)
    mechanism = pd.Series(COMPLETE, index=values.index, dtype=object)
    if searched:
        mechanism[missing > 0] = BELOW
    else:
        level = values.median(axis=1)
        strong = share[(level >= level.quantile(0.75)) & (share <= MOST_BY_CHANCE)]
        by_chance = float(strong.mean()) if len(strong) else 0.0
        p = stats.binom.sf(missing - 1, total, by_chance)
        mechanism[missing > 0] = np.where(p < LEVEL, BELOW, OTHER)[missing > 0]
    return pd.DataFrame({"n_missing": missing, "missing_share": share, "mechanism": mechanism})


def nearest_neighbours(
    *, values: pd.DataFrame, targets: pd.Index, k: int = NEIGHBOURS, placed: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Predict every cell of some features from the features most correlated with them.

    For feature f in sample s: z = sum over the k features g with a value in s and the largest |r_fg| of
    |r_fg| r_fg z_gs / sum of |r_fg|, with z the standardised log2 values: every neighbour predicts by its own
    regression line, so that weak neighbours predict the mean and no more. Fewer than three neighbours: the feature's
    median.

    Parameters
    ----------
    values
        Features x samples, log2, NaN = missing.
    targets
        Features to predict.
    k
        Neighbours used.
    placed
        The same features x other samples, which are predicted in place of ``values`` and teach nothing.

    Returns
    -------
    pandas.DataFrame
        Targets x samples, log2.

    Notes
    -----
    Oracle: a loop over cells by the definition, tests/unit/test_metabolome_impute.py.
    """
    centre, scale = values.mean(axis=1), values.std(axis=1, ddof=1)
    z = values.sub(centre, axis=0).div(scale.where(scale > 0), axis=0)
    chosen = values.index.get_indexer(targets)
    r = _correlations(z=z.to_numpy(), chosen=chosen)
    r[np.arange(len(chosen)), chosen] = 0.0
    shown = values if placed is None else placed
    if placed is not None:
        z = placed.sub(centre, axis=0).div(scale.where(scale > 0), axis=0)
    given = np.isfinite(z.to_numpy())
    z_filled = np.where(given, z.to_numpy(), 0.0)
    order = np.argsort(-np.abs(r), axis=1, kind="stable")
    predicted = np.full((len(chosen), shown.shape[1]), np.nan)
    for row, ranking in enumerate(order):
        ranked = ranking[np.abs(r[row, ranking]) > 0]
        usable = given[ranked] & (np.cumsum(given[ranked], axis=0) <= k)
        weight = np.abs(r[row, ranked])[:, None] * usable
        total = weight.sum(axis=0)
        guess = (weight * r[row, ranked][:, None] * z_filled[ranked]).sum(axis=0) / np.where(total > 0, total, 1.0)
        predicted[row] = np.where(usable.sum(axis=0) >= FEWEST_NEIGHBOURS, guess, np.nan)
    result = pd.DataFrame(predicted, index=targets, columns=shown.columns)
    result = result.mul(scale.reindex(targets), axis=0).add(centre.reindex(targets), axis=0)
    medians = values.reindex(targets).median(axis=1)
    return result.apply(lambda column: column.fillna(medians))


def _correlations(*, z: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return Pearson correlations (chosen x all) over shared samples; 0 where too few are shared or nothing varies."""
    given = np.isfinite(z).astype(float)
    filled = np.where(given > 0, z, 0.0)
    a, b = filled[chosen], filled
    n = given[chosen] @ given.T
    sum_a, sum_b = a @ given.T, given[chosen] @ b.T
    safe = np.maximum(n, 1)
    covariance = a @ b.T - sum_a * sum_b / safe
    variance_a = (a**2) @ given.T - sum_a**2 / safe
    variance_b = given[chosen] @ (b**2).T - sum_b**2 / safe
    varies = (n >= FEWEST_SHARED) & (variance_a > 1e-9 * safe) & (variance_b > 1e-9 * safe)
    r = np.divide(covariance, np.sqrt(np.where(varies, variance_a * variance_b, 1.0)))
    return np.where(varies, np.clip(r, -1, 1), 0.0)


def impute(
    *, values: pd.DataFrame, state: pd.DataFrame, measured: pd.DataFrame, k: int = NEIGHBOURS
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Fill missing values of study samples by mechanism, and mark them.

    Parameters
    ----------
    values, state
        Features x study samples: log2 with NaN = missing, and the states. A table with forced cells was searched.
    measured
        As for :func:`missing_mechanism`; cells that were not measured stay missing.
    k
        Neighbours of :func:`nearest_neighbours`.

    Returns
    -------
    tuple
        Filled values; states with ``imputed`` there; by feature n_missing, missing_share, mechanism, n_half_minimum,
        n_neighbours. Below detection: the smallest value of the feature minus 1, half the smallest intensity.
    """
    searched = bool((state == FORCED).to_numpy().any())
    about = missing_mechanism(values=values, measured=measured, searched=searched)
    gaps = values.isna() & measured & values.notna().any(axis=1).to_numpy()[:, None]
    below = gaps[about["mechanism"] == BELOW]
    other = gaps[about["mechanism"] == OTHER]
    filled = _fill(values=values, below=below, other=other, learned=values, k=k)
    states = state.mask(gaps & filled.notna(), IMPUTED).mask(filled.isna(), ABSENT)
    counts = pd.DataFrame({"n_half_minimum": below.sum(axis=1), "n_neighbours": other.sum(axis=1)})
    about = about.join(counts.reindex(values.index).fillna(0).astype(int))
    return filled, states, about


def impute_placed(
    *, values: pd.DataFrame, state: pd.DataFrame, measured: pd.DataFrame, learned: pd.DataFrame, mechanism: pd.Series,
    searched: bool, k: int = NEIGHBOURS,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Fill missing values of later samples by what earlier ones taught: mechanism, smallest value, correlations.

    Parameters
    ----------
    values, state, measured
        As for :func:`impute`, of the later samples.
    learned
        The same features x earlier samples, before they were filled.
    mechanism
        By feature, of :func:`missing_mechanism` on the earlier samples. A feature that missed nowhere among them misses
        below detection if the raw data were searched, for another reason if not.
    searched
        Whether every missing cell was looked for in the raw data.
    k
        Neighbours of :func:`nearest_neighbours`.

    Returns
    -------
    tuple
        Filled values, and states.
    """
    reason = mechanism.where(mechanism != COMPLETE, BELOW if searched else OTHER)
    gaps = values.isna() & measured
    filled = _fill(values=values, below=gaps[reason == BELOW], other=gaps[reason == OTHER], learned=learned, k=k)
    return filled, state.mask(gaps & filled.notna(), IMPUTED).mask(filled.isna(), ABSENT)


def _fill(
    *, values: pd.DataFrame, below: pd.DataFrame, other: pd.DataFrame, learned: pd.DataFrame, k: int
) -> pd.DataFrame:
    """Fill the gaps that two tables of truth values show, by the bounds and correlations of ``learned``."""
    filled = values.copy()
    if len(below):
        half = learned.loc[below.index].min(axis=1) - 1
        filled.loc[below.index] = values.loc[below.index].apply(lambda column: column.fillna(half)).where(
            below | values.loc[below.index].notna()
        )  # fmt: skip
    if len(other):
        placed = None if learned is values else values
        guessed = nearest_neighbours(values=learned, targets=other.index, k=k, placed=placed)
        filled.loc[other.index] = values.loc[other.index].where(~other, guessed)
    return filled

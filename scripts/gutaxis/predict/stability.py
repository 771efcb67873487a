"""Which features the models of the folds agree on."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gutaxis.predict.inputs import Block
from gutaxis.predict.metrics import Z

IMPORTANCE = ["layer", "feature", "label", "frequency", "weight", "sign_agreement", "n_fits"]
#: Models that use every feature (ridge) are cut to those with the largest weights.
MOST_DENSE = 100

Fit = tuple[np.ndarray, np.ndarray, np.ndarray]


def nogueira(*, chosen: np.ndarray) -> tuple[float, float, float]:
    r"""Return the stability of feature choices with its 95 % interval.

    :math:`\Phi = 1 - \frac{\frac1d \sum_f s_f^2}{\frac{\bar k}{d} (1 - \frac{\bar k}{d})}`, :math:`s_f^2 =
    \frac{M}{M - 1} p_f (1 - p_f)`: 1 for the same features in every fold, 0 on average for choices at random.

    Parameters
    ----------
    chosen
        Shape (M, d), whether fold m uses feature f.

    Returns
    -------
    tuple
        Index, low, high; NaN for fewer than two folds, or if no feature or every feature is always used.

    Notes
    -----
    Source: Nogueira S, Sechidis K, Brown G, JMLR 2018;18(174):1-54. The interval takes folds as independent; they share
    patients, so it is too narrow. Oracle: the definition, written as loops.
    """
    z = np.asarray(chosen, dtype=float)
    if z.ndim != 2 or len(z) < 2 or not z.shape[1]:
        return float("nan"), float("nan"), float("nan")
    m, d = z.shape
    p, k = z.mean(axis=0), z.sum(axis=1)
    mean = k.mean() / d
    scale = mean * (1 - mean)
    if scale <= 0:
        return float("nan"), float("nan"), float("nan")
    index = 1 - (m / (m - 1) * p * (1 - p)).mean() / scale
    part = (z @ p) / d - k * k.mean() / d**2
    part += index / 2 * (2 * k.mean() * k / d**2 - k / d - k.mean() / d + 1)
    part /= scale
    half = Z * np.sqrt(4 / m**2 * ((part - part.mean()) ** 2).sum())
    return float(index), float(index - half), float(min(index + half, 1.0))


def selection(*, fits: Sequence[Fit], blocks: Sequence[Block]) -> tuple[pd.DataFrame, np.ndarray]:
    """Return how often and how each feature was used over the folds.

    Parameters
    ----------
    fits
        Columns, weights and use of each fold's model.
    blocks
        What the columns count through: a paired block has its features twice, of which the first is meant.

    Returns
    -------
    tuple
        Columns :data:`IMPORTANCE`, one row per feature used at least once, the most frequent first; and the choices,
        shape (folds, features). weight: mean over all folds, per training standard deviation, 0 where unused.
    """
    names, place, start = [], {}, 0
    for block in blocks:
        for at, feature in enumerate(block.features):
            place[start + at] = len(names)
            names.append((block.layer, feature, block.labels[at]))
        start += block.values.shape[1]
    used, weights = np.zeros((len(fits), len(names)), dtype=bool), np.zeros((len(fits), len(names)))
    for row, (columns, values, chosen) in enumerate(fits):
        at = np.array([place[column] for column in columns], dtype=int)
        used[row, at] = chosen
        weights[row, at] = np.where(chosen, values, 0.0)
    if not fits:
        return pd.DataFrame(columns=IMPORTANCE), used
    count, positive = used.sum(axis=0), (used & (weights > 0)).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        agreement = np.maximum(positive, count - positive) / count
    table = pd.DataFrame(names, columns=["layer", "feature", "label"]).assign(
        frequency=count / len(fits), weight=weights.mean(axis=0), sign_agreement=agreement, n_fits=len(fits)
    )
    table = table[count > 0]
    table = table.assign(size=table["weight"].abs().round(12)).sort_values(
        ["frequency", "size", "layer", "feature"], ascending=[False, False, True, True], ignore_index=True
    )
    if used.all(axis=1).all():
        table = table.head(MOST_DENSE)
    return table[IMPORTANCE], used

r"""Modules: small sets of features from several layers that go together and with response, by consensus of subsamples.

One repeat draws a subsample of the patients and fits sparse generalised canonical correlation with the response as one
more block (SGCCA): components :math:`t_l = X_l a_l` that maximise
:math:`\sum_{l<k} \mathrm{cov}(t_l, t_k) + \sum_l \mathrm{cov}(t_l, y)` with :math:`\|a_l\|_2 = 1` and a set number of
features with a weight. Features that are chosen into the same component again and again, in a set share of the
repeats, form a module; a module spans at least two layers.

Tenenhaus A et al., Biostatistics 2014;15:569 (SGCCA); Muller E et al., Nature Communications 2024;15:2621 (consensus of
subsamples, MintTea). Oracle: the power iteration against a brute-force maximum on small blocks, and planted modules
(tests).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

#: Weight of the covariance between two layers against that of a layer with response. With equal weights the layers of
#: a few tens of patients follow what they share by chance (Singh 2019, Bioinformatics 35:3055, takes 0.1 as well).
LINK = 0.1
#: Steps of the iteration at most, and the change of a component at which it ends.
MOST_STEPS, CLOSE = 50, 1e-6


@dataclass(frozen=True, kw_only=True)
class ModuleSettings:
    """Choices.

    Parameters
    ----------
    repeats
        Subsamples.
    share
        Part of the patients in a subsample, drawn from responders and others alike.
    keep
        Features of each layer with a weight in a component.
    components
        Components per repeat.
    consensus
        Share of the repeats in which two features must be chosen together.
    smallest
        Features of a module at least.
    shuffles
        Permutations of the response within cohort; each runs everything again.
    max_features, prevalence
        As in :func:`gutaxis.integrate.blocks.read_blocks`.
    """

    repeats: int = 30
    share: float = 0.8
    keep: int = 8
    components: int = 2
    consensus: float = 0.5
    smallest: int = 3
    shuffles: int = 200
    max_features: int | None = 500
    prevalence: float = 0.1


@dataclass(frozen=True, kw_only=True)
class Module:
    """One module.

    Parameters
    ----------
    features
        Columns of the joined blocks, sorted.
    frequency
        Share of the repeats in which each of them was chosen.
    auc
        Of the scores of patients that were left out of the subsamples.
    scores
        Shape (n,), mean out-of-subsample score in SD; NaN for a patient that was never left out.
    """

    features: np.ndarray
    frequency: np.ndarray
    auc: float
    scores: np.ndarray


def sgcca(*, blocks: Sequence[np.ndarray], target: np.ndarray, keep: int, components: int) -> list[list[np.ndarray]]:
    """Return the weights of every block in every component.

    Parameters
    ----------
    blocks
        Each of shape (n, m_l), columns with mean 0 and SD 1, no gaps.
    target
        Shape (n,), mean 0.
    keep
        Weights of a block that are not 0, at most.
    components
        After each, what its components explain is taken out of their blocks; the target stays as it is.

    Returns
    -------
    list
        Component -> block -> shape (m_l,), length 1 (all 0 for a block in which nothing is left).
    """
    left = [np.asarray(block, dtype=float) for block in blocks]
    found = []
    for _ in range(components):
        weights = [_thresholded(vector=block.T @ target, keep=keep) for block in left]
        scores = [block @ weight for block, weight in zip(left, weights, strict=True)]
        for _ in range(MOST_STEPS):
            moved = 0.0
            for place, block in enumerate(left):
                others = target + LINK * sum(score for other, score in enumerate(scores) if other != place)
                weights[place] = _thresholded(vector=block.T @ others, keep=keep)
                new = block @ weights[place]
                moved = max(moved, float(np.linalg.norm(new - scores[place])))
                scores[place] = new
            if moved < CLOSE * max(float(np.linalg.norm(score)) for score in scores):
                break
        found.append(weights)
        for place, score in enumerate(scores):
            length = float(score @ score)
            if length > 0:
                left[place] = left[place] - np.outer(score, score @ left[place]) / length
    return found


def find_modules(
    *, values: np.ndarray, layers: np.ndarray, response: np.ndarray, strata: np.ndarray, settings: ModuleSettings,
    seed: int,
) -> list[Module]:  # fmt: skip
    """Find modules by consensus, and score the patients that were left out of each subsample.

    Parameters
    ----------
    values
        Shape (n, m), the joined blocks, no gaps; scaled inside each subsample.
    layers
        Shape (m,), the layer of each column.
    response
        Shape (n,), 1 or 0.
    strata
        Shape (n,): subsamples keep the shares of these groups as far as they can.
    settings, seed
        Of the repeats. The same seed gives the same subsamples whatever the response.

    Returns
    -------
    list of Module
        By falling AUC, then by first feature. A left-out patient is scored with the features and weights that were
        chosen inside the subsample; which of these belong to the module was decided over all subsamples, so the AUC is
        still somewhat too good, and what counts is the comparison with shuffled responses.
    """
    m = values.shape[1]
    rng = np.random.default_rng(seed)
    order = {name: np.flatnonzero(layers == name) for name in dict.fromkeys(layers.tolist())}
    made = np.zeros((settings.repeats, settings.components, m))
    drawn = []
    for repeat in range(settings.repeats):
        inside = _subsample(strata=strata, response=response, share=settings.share, rng=rng)
        drawn.append(inside)
        scaled = _scaled(values=values, inside=inside)[inside]
        target = response[inside] - response[inside].mean()
        parts = sgcca(
            blocks=[scaled[:, columns] for columns in order.values()], target=target, keep=settings.keep,
            components=settings.components,
        )  # fmt: skip
        for number, weights in enumerate(parts):
            for columns, weight in zip(order.values(), weights, strict=True):
                made[repeat, number, columns] = weight
    chosen = (made != 0).reshape(-1, m).astype(float)
    together = chosen.T @ chosen / settings.repeats
    modules = []
    for features in _groups(together=together, consensus=settings.consensus):
        if len(features) < settings.smallest or len(set(layers[features])) < 2:
            continue
        scores = _left_out(values=values[:, features], weights=made[:, :, features], drawn=drawn)
        modules.append(
            Module(
                features=features,
                frequency=np.minimum(1.0, np.diag(together)[features]),
                auc=auc(scores=scores, response=response),
                scores=scores,
            )
        )
    return sorted(modules, key=lambda module: (-module.auc, int(module.features[0])))


def auc(*, scores: np.ndarray, response: np.ndarray) -> float:
    """Return the share of pairs (responder, other) in which the responder scores higher, ties half; NaN is left out.

    Oracle: scikit-learn ``roc_auc_score``.
    """
    known = np.isfinite(scores)
    high, low = scores[known & (response == 1)], scores[known & (response == 0)]
    if not len(high) or not len(low):
        return float("nan")
    return float(((high[:, None] > low).sum() + 0.5 * (high[:, None] == low).sum()) / (len(high) * len(low)))


def medians_for_gaps(*, values: np.ndarray) -> np.ndarray:
    """Return the values with the median of the column in place of every gap, shape (n, m)."""
    medians = np.nanmedian(values, axis=0)
    return np.where(np.isfinite(values), values, medians)


def _thresholded(*, vector: np.ndarray, keep: int) -> np.ndarray:
    """Return the vector soft-thresholded so that ``keep`` entries are left, with length 1."""
    size = np.abs(vector)
    # the cut is the largest entry that has to go
    cut = np.partition(size, -keep - 1)[-keep - 1] if keep < len(vector) else 0.0
    short = np.sign(vector) * np.maximum(size - cut, 0.0)
    length = float(np.linalg.norm(short))
    return short / length if length > 0 else short


def _subsample(*, strata: np.ndarray, response: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return which patients are in: a share of each class, drawn in the order of the strata so that these stay even."""
    inside = np.zeros(len(response), dtype=bool)
    for label in (0, 1):
        own = np.flatnonzero(response == label)
        own = own[np.lexsort((rng.random(len(own)), strata[own]))]
        out = max(1, round((1 - share) * len(own)))
        # every k-th of the sorted patients stays out, from a random start
        places = (rng.random() + np.arange(out)) * len(own) / out
        inside[own] = True
        inside[own[places.astype(int) % len(own)]] = False
    return inside


def _scaled(*, values: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Return all rows in units of the mean and SD of the rows inside; a column without spread inside becomes 0."""
    part = values[inside]
    spread = part.std(axis=0, ddof=1)
    flat = spread < 1e-12
    return np.where(flat, 0.0, (values - part.mean(axis=0)) / np.where(flat, 1.0, spread))


def _groups(*, together: np.ndarray, consensus: float) -> list[np.ndarray]:
    """Return connected sets of features, each pair in them linked by pairs chosen together often enough."""
    near = together >= consensus
    left = set(np.flatnonzero(np.diag(near)).tolist())
    groups = []
    while left:
        start = min(left)
        found, edge = {start}, [start]
        while edge:
            new = set(np.flatnonzero(near[edge.pop()]).tolist()) & left - found
            found |= new
            edge += sorted(new)
        groups.append(np.array(sorted(found)))
        left -= found
    return groups


def _left_out(*, values: np.ndarray, weights: np.ndarray, drawn: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean score of each patient over the subsamples it was left out of, in SD.

    The score is that of the component that holds most of the module, with the weights found inside the subsample, which
    point towards response. Shapes: values (n, features), weights (repeats, components, features).
    """
    total, count = np.zeros(len(values)), np.zeros(len(values))
    for inside, parts in zip(drawn, weights, strict=True):
        axis = parts[(parts != 0).sum(axis=1).argmax()]
        if not axis.any():
            continue
        scores = _scaled(values=values, inside=inside) @ axis
        spread = scores[inside].std(ddof=1)
        if spread > 0:
            total[~inside] += scores[~inside] / spread
            count[~inside] += 1
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def joined(*, blocks: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the blocks side by side, shape (n, m), and the layer of each column."""
    values = np.hstack([medians_for_gaps(values=block) for block in blocks.values()])
    return values, np.concatenate([np.full(block.shape[1], name, dtype=object) for name, block in blocks.items()])

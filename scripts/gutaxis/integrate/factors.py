"""Factors over all layers (MOFA): what varies together between visits, whichever layer it is seen in.

The model is unsupervised: response, time, cohort and batch are compared with the factors afterwards, by the same tests
as any continuous layer (:mod:`gutaxis.integrate.factor_tests`).

Argelaguet R et al., Molecular Systems Biology 2018;14:e8124; Genome Biology 2020;21:111. Implementation: mofapy2.
"""

import io
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment


@dataclass(frozen=True, kw_only=True)
class FactorModel:
    """A fitted model.

    Parameters
    ----------
    scores
        Visits x factors (``factor_1`` explains most).
    weights
        Layer -> features x factors, for features in SD.
    explained
        Layers x factors, share of the variance of the layer's measured values, 0 to 1.
    reason
        Why there are no factors, or None.
    """

    scores: pd.DataFrame
    weights: dict[str, pd.DataFrame]
    explained: pd.DataFrame
    reason: str | None = None


def fit_factors(
    *, values: Mapping[str, pd.DataFrame], factors: int = 8, min_explained: float = 0.02, seed: int = 0,
    iterations: int = 500,
) -> FactorModel:  # fmt: skip
    """Fit MOFA to layers of partly different visits.

    ``X_l = Z W_l' + e`` for every layer l, sparse ``W_l`` (spike and slab) with a variance of its own for each layer
    and factor, so that a factor may be absent from a layer. Features are brought to mean 0 and SD 1. A visit without a
    layer stays in, its values missing.

    Parameters
    ----------
    values
        Layer -> visits x features, NaN missing.
    factors
        Most factors; fewer with few visits (a quarter of them).
    min_explained
        Factors that explain less than this share in every layer are dropped.
    seed
        Of the start. The result is the same bit for bit on repeat.
    iterations
        Most steps.

    Returns
    -------
    FactorModel
        Factors in order of the variance explained, summed over layers. The sign of a factor is arbitrary: here its
        largest weight is positive. No factor and ``reason`` where there is nothing to fit.

    Notes
    -----
    Gaussian likelihood. Variance explained: ``1 - sum((x - z w)^2) / sum(x^2)`` over the measured values. Oracle:
    planted factors in simulated layers (tests).
    """
    layers = {name: _scaled(table) for name, table in sorted(values.items())}
    layers = {name: table for name, table in layers.items() if table.shape[1]}
    visits = sorted({visit for table in layers.values() for visit in table.index})
    count = min(factors, len(visits) // 4)
    if not layers or count < 1:
        reason = f"{len(layers)} layers and {len(visits)} visits" if layers else "no layer has a feature that varies"
        return FactorModel(scores=pd.DataFrame(), weights={}, explained=pd.DataFrame(), reason=reason)
    data = [table.reindex(visits).to_numpy(dtype=float) for table in layers.values()]
    scores, weights = _run(data=data, names=list(layers), visits=visits, count=count, seed=seed, iterations=iterations)
    explained = np.array([
        [_explained(values=block, fitted=np.outer(scores[:, k], part[:, k])) for k in range(scores.shape[1])]
        for block, part in zip(data, weights, strict=True)
    ])  # fmt: skip
    keep = np.flatnonzero((explained.max(axis=0) >= min_explained) & (scores.std(axis=0) > 0))
    if not keep.size:
        reason = f"no factor explains {min_explained:.0%} of any layer"
        return FactorModel(scores=pd.DataFrame(), weights={}, explained=pd.DataFrame(), reason=reason)
    keep = keep[np.argsort(-explained[:, keep].sum(axis=0), kind="stable")]
    names = [f"factor_{place}" for place in range(1, keep.size + 1)]
    stacked = np.vstack(weights)[:, keep]
    sign = np.sign(stacked[np.abs(stacked).argmax(axis=0), np.arange(keep.size)])
    sign[sign == 0] = 1.0
    return FactorModel(
        scores=pd.DataFrame(scores[:, keep] * sign, index=pd.Index(visits, name="visit"), columns=names),
        weights={
            name: pd.DataFrame(part[:, keep] * sign, index=table.columns, columns=names)
            for (name, table), part in zip(layers.items(), weights, strict=True)
        },
        explained=pd.DataFrame(explained[:, keep], index=pd.Index(list(layers), name="layer"), columns=names),
    )


def matched_correlations(*, reference: pd.DataFrame, other: pd.DataFrame) -> pd.Series:
    """Return |r| of every factor of ``reference`` with the factor of ``other`` that is matched to it; 0 without one.

    Parameters
    ----------
    reference, other
        Visits x factors; compared on the visits of both. The matching maximises the sum of |r| (Kuhn 1955).
    """
    found = pd.Series(0.0, index=reference.columns)
    shared = reference.index.intersection(other.index)
    if other.empty or len(shared) < 3:
        return found
    left, right = (table.loc[shared] - table.loc[shared].mean() for table in (reference, other))
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (left.T.to_numpy() @ right.to_numpy()) / np.outer(
            np.linalg.norm(left, axis=0), np.linalg.norm(right, axis=0)
        )
    r = np.nan_to_num(np.abs(r))
    rows, columns = linear_sum_assignment(-r)
    found.iloc[rows] = r[rows, columns]
    return found


def _scaled(table: pd.DataFrame) -> pd.DataFrame:
    """Return features with mean 0 and SD 1; those without spread are left out."""
    spread = table.std(ddof=1)
    kept = table.loc[:, spread > 1e-12]
    return (kept - kept.mean()) / spread[kept.columns]


def _explained(*, values: np.ndarray, fitted: np.ndarray) -> float:
    measured = np.isfinite(values)
    total = float((values[measured] ** 2).sum())
    return 1.0 - float(((values - fitted)[measured] ** 2).sum()) / total if total else 0.0


def _run(
    *, data: list[np.ndarray], names: list[str], visits: list[str], count: int, seed: int, iterations: int
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return scores (visits x factors) and weights (features x factors) of each layer."""
    # 3 s of import that no other module of the package needs
    from mofapy2.run.entry_point import entry_point  # noqa: PLC0415

    told = io.StringIO()
    with redirect_stdout(told), redirect_stderr(told):
        model = entry_point()
        model.set_data_options(scale_views=False, center_groups=True, use_float32=False)
        model.set_data_matrix(
            [[block] for block in data],
            likelihoods=["gaussian"] * len(data),
            views_names=names,
            samples_names=[visits],
            features_names=[
                [f"{name}_{place}" for place in range(block.shape[1])] for name, block in zip(names, data, strict=True)
            ],
        )
        model.set_model_options(factors=count, spikeslab_weights=True, ard_weights=True, ard_factors=False)
        model.set_train_options(seed=seed, convergence_mode="fast", iter=iterations, verbose=False)
        model.build()
        model.run()
    nodes = model.model.nodes
    return np.array(nodes["Z"].getExpectation()), [np.array(part) for part in nodes["W"].getExpectation()]

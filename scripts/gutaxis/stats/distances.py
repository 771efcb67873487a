r"""Distances between the samples of a layer, one function for every metric, and what had to be left out.

================== ======================================================================= ======================
metric             definition                                                              unit
================== ======================================================================= ======================
braycurtis         sum |p - q| / sum (p + q) on shares                                     0 to 1
jaccard            features in one of two samples only / features in either (presence)     0 to 1
aitchison          Euclidean after CLR, zeros as half the smallest value of the table      natural log units
robust_aitchison   Euclidean after robust CLR and low-rank completion                      natural log units
weighted_unifrac   sum of branch lengths x |p - q| below the branch                        branch length
unweighted_unifrac share of the branch length that only one of two samples has             0 to 1
euclidean          Euclidean on features scaled to mean 0, SD 1                            SD
logcpm             root mean square difference of log2 counts per million                  log2 units
================== ======================================================================= ======================

With missing values (``euclidean``, ``logcpm``) a pair is compared on the features both have, and the sum of squares
is scaled up to all features: :math:`d^2 = (m / m_{ij}) \sum_{shared} (x_i - x_j)^2`. That is unbiased if values are
missing at random; a feature missing because it is low makes samples look more alike.

In ``logcpm`` a feature ``cell_type|gene`` is scaled by the counts of its cell type in the sample, so that the
composition of cells does not enter; a cell type without a count in a sample is missing there. log2 CPM as in voom:
:math:`\log_2((c + 0.5) / (L + 1) \cdot 10^6)` (Law 2014, Genome Biol 15:R29).

Nothing here looks at the response.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy.spatial.distance import pdist, squareform

from gutaxis.stats.composition import DROPPED_COLUMNS, TABLE_HALF_MINIMUM, clr, empty_samples
from gutaxis.stats.outputs import METRICS, TREE_METRICS, metrics_for
from gutaxis.stats.robust_aitchison import complete, robust_clr
from gutaxis.stats.unifrac import match_tips, unifrac

if TYPE_CHECKING:
    from skbio import TreeNode

__all__ = ["METRICS", "UNITS", "Distances", "distance_matrix", "metrics_for"]

UNITS = {
    "braycurtis": "0 to 1",
    "jaccard": "0 to 1",
    "aitchison": "natural log units",
    "robust_aitchison": "natural log units",
    "weighted_unifrac": "branch length",
    "unweighted_unifrac": "0 to 1",
    "euclidean": "SD",
    "logcpm": "log2 units",
}


@dataclass(frozen=True, kw_only=True)
class Distances:
    """Distances of one metric.

    Parameters
    ----------
    metric
        Its name.
    values
        Samples x samples, sorted, symmetric, zero diagonal; without rows if there is a refusal.
    dropped
        Columns what (sample, feature), name, reason.
    notes
        Sentences about the whole matrix, for the header of its file.
    refusal
        Why there are no distances, or None.
    """

    metric: str
    values: pd.DataFrame
    dropped: pd.DataFrame
    notes: tuple[str, ...] = ()
    refusal: str | None = None


def distance_matrix(
    *, adata: AnnData, metric: str, tree: "TreeNode | None" = None, pseudocount: str | float = TABLE_HALF_MINIMUM
) -> Distances:
    """Compute the distances of a layer.

    Parameters
    ----------
    adata
        Layer: X samples x features, ``uns['kind']``.
    metric
        One that fits the kind, see ``METRICS``.
    tree
        For the two UniFracs, from :func:`gutaxis.stats.unifrac.read_tree`.
    pseudocount
        For ``aitchison``: see :func:`gutaxis.stats.composition.replace_zeros`.

    Returns
    -------
    Distances
        Samples without a value, or with nothing but zeros, are left out and named, as are features without a tip or
        with a constant value. Fewer than three samples, or no feature, is a refusal.

    Raises
    ------
    ValueError
        For a metric that does not fit the kind of the layer, or amounts below zero.
    """
    kind = str(adata.uns["kind"])
    if metric not in METRICS[kind]:
        raise ValueError(f"metric={metric}: for kind {kind} one of {', '.join(METRICS[kind])}")
    table = pd.DataFrame(
        np.asarray(adata.X, dtype=float), index=adata.obs_names.astype(str), columns=adata.var_names.astype(str)
    ).sort_index()
    dropped = [empty_samples(table=table, kind=kind)]
    table = table.drop(index=dropped[0]["name"])
    notes: list[str] = []
    if kind == "compositional":
        table, gone = _amounts(table)
        dropped.append(gone)
    if len(table) < 3 or table.shape[1] == 0:
        return _refused(metric, dropped, f"{len(table)} samples with {table.shape[1]} usable features")
    if metric in TREE_METRICS:
        if tree is None:
            return _refused(metric, dropped, "there is no tree")
        return _unifrac(metric, table, adata.var, tree, dropped)
    if metric == "braycurtis":
        shares = table.to_numpy() / table.to_numpy().sum(axis=1, keepdims=True)
        values = squareform(pdist(shares, "braycurtis"))
    elif metric == "jaccard":
        values = squareform(pdist(table.to_numpy() > 0, "jaccard"))
    elif metric == "aitchison":
        logs = clr(table=table, pseudocount=pseudocount).to_numpy() * np.log(2)
        values = squareform(pdist(logs, "euclidean"))
        notes.append(f"zeros replaced by: {pseudocount}")
    elif metric == "robust_aitchison":
        logs = robust_clr(amounts=table.to_numpy())
        values = squareform(pdist(complete(values=logs), "euclidean"))
        notes.append(f"{np.isfinite(logs).mean():.1%} of the cells are above zero; the others come from the model")
    else:
        scaled = _scaled(table) if metric == "euclidean" else _log_cpm(table)
        table, values, gone = _pairwise(table=scaled, mean=metric == "logcpm")
        dropped += gone
    if len(table) < 3:
        return _refused(metric, dropped, f"{len(table)} samples share features")
    return _finished(metric, table.index, values, dropped, notes)


def _amounts(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the table without features that are zero everywhere; missing amounts count as zero."""
    table = table.fillna(0.0)
    if (table.to_numpy() < 0).any():
        raise ValueError("a composition has no negative values")
    zero = (table == 0).all(axis=0)
    gone = pd.DataFrame(
        [("feature", name, "zero in every sample") for name in table.columns[zero]],
        columns=DROPPED_COLUMNS,
        dtype=object,
    )
    return table.loc[:, ~zero], gone


def _scaled(table: pd.DataFrame) -> pd.DataFrame:
    """Return features with mean 0, SD 1 over their values; constant ones and those with one value become missing."""
    spread = table.std(ddof=1)
    near_zero = spread <= 1e-12 * table.abs().max().clip(lower=1e-300)
    return (table - table.mean()) / spread.where(~near_zero)


def _log_cpm(table: pd.DataFrame) -> pd.DataFrame:
    """Return log2 counts per million within the cell type of each feature; without cell types, of all features."""
    groups = [name.partition("|")[0] if "|" in name else "" for name in table.columns]
    counts = table.fillna(0.0)
    totals = counts.T.groupby(np.array(groups, dtype=object)).sum().T
    total = totals[groups].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log2((counts.to_numpy() + 0.5) / (total + 1) * 1e6)
    usable = (total > 0) & (counts.to_numpy() > 0).any(axis=0)
    return pd.DataFrame(np.where(usable, logs, np.nan), index=table.index, columns=table.columns)


def _pairwise(*, table: pd.DataFrame, mean: bool) -> tuple[pd.DataFrame, np.ndarray, list[pd.DataFrame]]:
    """Return the table used, Euclidean distances over shared features, and what was left out.

    ``mean`` divides by the number of features: a root mean square. Samples that share no feature with others leave,
    the one with most such pairs first.
    """
    empty = table.isna().all(axis=0)
    reason = "no value above zero" if mean else "constant, or fewer than two values"
    rows = [("feature", name, reason) for name in table.columns[empty]]
    table = table.loc[:, ~empty]
    known = table.notna().to_numpy(dtype=float)
    values = np.nan_to_num(table.to_numpy(dtype=float), nan=0.0)
    shared = known @ known.T
    alone = shared == 0
    keep = np.ones(len(table), dtype=bool)
    while alone[np.ix_(keep, keep)].any():
        counts = np.where(keep, (alone & keep).sum(axis=1), -1)
        worst = len(counts) - 1 - int(np.argmax(counts[::-1]))
        keep[worst] = False
        rows.append(("sample", table.index[worst], "shares no feature with another sample"))
    table, known, values, shared = table[keep], known[keep], values[keep], shared[np.ix_(keep, keep)]
    squares = (values**2) @ known.T
    squared = np.clip(squares + squares.T - 2 * values @ values.T, 0.0, None)
    # products leave rounding where two samples are equal; beside their size it is nothing
    squared[squared <= 1e-13 * np.maximum(squares + squares.T, 1e-300)] = 0.0
    size = 1 if mean else table.shape[1]
    distances = np.sqrt(squared * size / np.maximum(shared, 1))
    return table, distances, [pd.DataFrame(rows, columns=DROPPED_COLUMNS, dtype=object)]


def _unifrac(
    metric: str, table: pd.DataFrame, var: pd.DataFrame, tree: "TreeNode", dropped: list[pd.DataFrame]
) -> Distances:
    tips, column = match_tips(var=var.loc[table.columns], tree=tree)
    known = np.array([tip is not None for tip in tips], dtype=bool)
    if not known.any():
        return _refused(metric, dropped, "no feature is a tip of the tree")
    share = float((table.loc[:, known].sum(axis=1) / table.sum(axis=1)).mean())
    lost = [("feature", name, "no tip in the tree") for name in table.columns[~known]]
    table = table.loc[:, known]
    empty = (table == 0).all(axis=1)
    lost += [("sample", name, "none of its features is in the tree") for name in table.index[empty]]
    dropped = [*dropped, pd.DataFrame(lost, columns=DROPPED_COLUMNS, dtype=object)]
    table = table[~empty]
    if len(table) < 3:
        return _refused(metric, dropped, f"{len(table)} samples have features in the tree")
    own = [tip for tip in tips if tip is not None]
    values = unifrac(amounts=table.to_numpy(), tips=own, tree=tree, weighted=metric == "weighted_unifrac")
    note = (
        f"{known.sum()} of {len(known)} features are tips of the tree (by {column}); "
        f"they hold {share:.1%} of the abundance on average"
    )
    return _finished(metric, table.index, values, dropped, [note])


def _finished(
    metric: str, samples: pd.Index, values: np.ndarray, dropped: list[pd.DataFrame], notes: list[str]
) -> Distances:
    values = (values + values.T) / 2
    np.fill_diagonal(values, 0.0)
    names = pd.Index(samples.astype(str), name="sample_id", dtype=object)
    table = pd.DataFrame(values, index=names, columns=list(names))
    return Distances(
        metric=metric, values=table, dropped=pd.concat(dropped, ignore_index=True),
        notes=(f"{metric}, {UNITS[metric]}", *notes),
    )  # fmt: skip


def _refused(metric: str, dropped: list[pd.DataFrame], reason: str) -> Distances:
    return Distances(
        metric=metric, values=pd.DataFrame(index=pd.Index([], name="sample_id")),
        dropped=pd.concat(dropped, ignore_index=True), refusal=reason,
    )  # fmt: skip

"""From tests of two layers to the rows of the table: which pairs are written, with what numbers and notes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gutaxis.integrate.association_ranks import Adjustment, interval, partial_spearman
from gutaxis.integrate.association_tests import PairTests, simes_of, study_q
from gutaxis.integrate.blocks import Block
from gutaxis.integrate.clusters import Clusters
from gutaxis.stats.results import adjust

COLUMNS = [
    "layer_a", "feature_a", "label_a", "layer_b", "feature_b", "label_b", "n", "rho", "ci_low", "ci_high", "p", "q",
    "q_max_t", "cluster_a", "cluster_b", "p_cluster", "q_cluster", "q_study", "p_pair", "rho_cluster",
    "q_cluster_study", "q_declared",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LayerPair:
    """Two layers, tested, before rows are chosen.

    Parameters
    ----------
    a, b
        The layers; all their patients.
    clusters
        Of the features of a and of b.
    adjusted
        The patients compared.
    features, scores
        Tests of the pairs of features, and of the pairs of clusters by their mean scores.
    declared
        Features of a and of b that the config declared, shapes (p,) and (q,): their pairs are a family of their own.
    """

    a: Block
    b: Block
    clusters: tuple[Clusters, Clusters]
    adjusted: Adjustment
    features: PairTests
    scores: PairTests
    declared: tuple[np.ndarray, np.ndarray]

    def q_declared(self) -> np.ndarray:
        """Return q over the pairs that the config declared alone, shape (p, q); NaN for every other pair.

        Benjamini-Hochberg over ``p_pair``, the permutation p of a pair alone: the pooled p is right for a whole table
        of pairs, not for a few of them. Who declares after having looked declares nothing.
        """
        mask = np.outer(*self.declared) & np.isfinite(self.features.p_pair)
        found = np.full(mask.shape, np.nan)
        found[mask] = adjust(p=self.features.p_pair[mask])
        return found


def pair_rows(*, made: list[LayerPair], rows: int, fdr: float) -> tuple[list[pd.DataFrame], list[str]]:
    """Return the rows of every pair of layers, and what there is to say of them.

    Parameters
    ----------
    made
        All pairs of layers that were tested: ``q_study`` is over them.
    rows
        Pairs of features to write for a pair of layers, the best by p.
    fdr
        Pairs with q below it are written too, the best pair of every pair of clusters below it, and declared pairs.

    Returns
    -------
    tuple
        Tables with :data:`COLUMNS`, sorted by p and names; one sentence for each.
    """
    simes = [[simes_of(q=tests.q) for tests in (pair.features, pair.scores)] for pair in made]
    chosen = [_chosen(pair, rows, fdr) for pair in made]
    tables = [_rows(pair, *places) for pair, places in zip(made, chosen, strict=True)]
    for level, (column, own) in enumerate((("q_study", "q"), ("q_cluster_study", "q_cluster"))):
        found = study_q(simes=[pair[level] for pair in simes], within=[table[own].to_numpy(float) for table in tables])
        tables = [table.assign(**{column: values}) for table, values in zip(tables, found, strict=True)]
    notes = [_note(pair, table, fdr) for pair, table in zip(made, tables, strict=True)]
    keys = ["p", "feature_a", "feature_b"]
    return [table[COLUMNS].sort_values(keys, ignore_index=True) for table in tables], notes


def _chosen(pair: LayerPair, rows: int, fdr: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the pairs to write: the best and the declared, and what is below the level, clusters too."""
    tests = pair.features
    p, size = tests.p.ravel(), np.abs(tests.statistic).ravel()
    order = np.lexsort((-size, p))[: int(np.isfinite(p).sum())]
    keep = np.zeros(p.size, dtype=bool)
    keep[order[:rows]] = True
    keep |= (tests.q.ravel() < fdr) | np.isfinite(pair.q_declared().ravel())
    places = [np.searchsorted(of.names, of.medoid) for of in pair.clusters]
    joined = (places[0][:, None] * len(pair.clusters[1].names) + places[1]).ravel()[order]
    first = order[np.unique(joined, return_index=True)[1]]
    a, b = np.divmod(first, tests.p.shape[1])
    keep[first[pair.scores.q[places[0][a], places[1][b]] < fdr]] = True
    return np.divmod(np.flatnonzero(keep), tests.p.shape[1])


def _rows(pair: LayerPair, at_a: np.ndarray, at_b: np.ndarray) -> pd.DataFrame:
    """Return the pairs at these places, without the q over all pairs of layers."""
    tests, adjusted = pair.features, pair.adjusted
    x, y = (block.values.loc[adjusted.patients].to_numpy(dtype=float) for block in (pair.a, pair.b))
    rho = tests.rho[at_a, at_b]
    gaps = np.isnan(x).any(axis=0)[at_a] | np.isnan(y).any(axis=0)[at_b]
    for row in np.flatnonzero(gaps):
        rho[row], _ = partial_spearman(x=x[:, at_a[row]], y=y[:, at_b[row]], columns=adjusted.columns)
    low, high = interval(rho=rho, n=tests.n[at_a, at_b], adjusted=adjusted.columns.shape[1] - 1)
    medoid_a, medoid_b = pair.clusters[0].medoid[at_a], pair.clusters[1].medoid[at_b]
    here = np.searchsorted(pair.clusters[0].names, medoid_a), np.searchsorted(pair.clusters[1].names, medoid_b)
    names = [block.values.columns.to_numpy() for block in (pair.a, pair.b)]
    return pd.DataFrame(
        {
            "layer_a": pair.a.layer, "feature_a": names[0][at_a], "label_a": pair.a.labels.to_numpy()[at_a],
            "layer_b": pair.b.layer, "feature_b": names[1][at_b], "label_b": pair.b.labels.to_numpy()[at_b],
            "n": tests.n[at_a, at_b], "rho": rho, "ci_low": low, "ci_high": high,
            "p": tests.p[at_a, at_b], "q": tests.q[at_a, at_b], "q_max_t": tests.p_max_t[at_a, at_b],
            "cluster_a": names[0][medoid_a], "cluster_b": names[1][medoid_b],
            "p_cluster": pair.scores.p[here], "q_cluster": pair.scores.q[here],
            "p_pair": tests.p_pair[at_a, at_b], "rho_cluster": pair.scores.rho[here],
            "q_declared": pair.q_declared()[at_a, at_b],
        }
    )  # fmt: skip


def _note(pair: LayerPair, table: pd.DataFrame, fdr: float) -> str:
    """Return one line on two layers: patients, adjustment, tests, findings."""
    tests, adjusted = pair.features, pair.adjusted
    lost = len(pair.a.values.index.union(pair.b.values.index)) - len(adjusted.patients)
    declared = np.isfinite(pair.q_declared())
    parts = [
        f"{len(adjusted.patients)} patients ({lost} of either layer not in both or without a covariate)",
        f"adjusted for {', '.join(adjusted.used) or 'nothing'}",
        *([f"not adjusted for {'; '.join(adjusted.left_out)}"] if adjusted.left_out else []),
        f"{tests.p.shape[0]} x {tests.p.shape[1]} features, {tests.tested} pairs tested",
        f"{tests.permutations} permutations{' (all there are)' if tests.exact else ''}",
        f"{tests.below} at p < 0.05, {int((tests.q < fdr).sum())} at q < {fdr:g}",
        f"{pair.scores.p.shape[0]} x {pair.scores.p.shape[1]} clusters, "
        f"{int((pair.scores.q < fdr).sum())} pairs at q_cluster < {fdr:g}",
        *(
            [f"{int(declared.sum())} declared pairs, {int((table['q_declared'] < fdr).sum())} at q_declared < {fdr:g}"]
            if declared.any()
            else []
        ),
        f"{len(table)} pairs written",
    ]
    return f"{pair.a.layer} x {pair.b.layer}: {'; '.join(parts)}"

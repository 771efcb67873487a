"""Labels of clusters: sets of marker genes scored on the profile of each cluster, or `unresolved`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gutaxis.files import write_tsv
from gutaxis.single_cell.markers import UNRESOLVED, MarkerSets, marker_sets, read_markers
from gutaxis.single_cell.profiles import Profiles, cluster_profiles, read_clusters
from gutaxis.single_cell.votes import VOTE_COLUMNS, cluster_votes, concordance, read_votes

#: Added to the range of a gene (mean of ln(1 + CP10k)): what varies less than this counts little.
SOFT = 0.2
#: A gene whose largest cluster mean is smaller is no part of the background.
EXPRESSED = 0.05
CLUSTER_COLUMNS = ["cluster", "n_cells", "label", "best", "score", "margin", "second", "second_score", "set", "reason"]


@dataclass(frozen=True, kw_only=True)
class AnnotationSettings:
    """When a label is sure enough.

    Parameters
    ----------
    min_score
        Smallest score (t) of the best label.
    min_margin
        Smallest distance to the best score of another label.
    min_genes
        Positive genes of a set that must be measured.
    min_cells
        Smaller clusters are unresolved, and take no part in the comparison of clusters.
    """

    min_score: float = 2.0
    min_margin: float = 0.5
    min_genes: int = 3
    min_cells: int = 10

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "AnnotationSettings":
        """Return the settings of config ``single_cell.annotation``; other keys of it are left alone."""
        return cls(**{name: config[name] for name in cls.__dataclass_fields__ if name in config})


class Annotation(NamedTuple):
    """Clusters with their labels (``CLUSTER_COLUMNS``, then one column per label), and the use of every set."""

    clusters: pd.DataFrame
    coverage: pd.DataFrame


def annotate_clusters(
    *, profiles: Profiles, markers: pd.DataFrame, tissue: str, level: str, parent: str | None = None,
    settings: AnnotationSettings | None = None,
) -> Annotation:  # fmt: skip
    """Label clusters by a univariate linear model of their profile on each set of markers.

    For cluster c and gene g with mean log expression m: ``y_cg = (m_cg - b_g) / (max_c m_cg - b_g + 0.2)``. States:
    ``b_g = min_c m_cg``, for what all cells of a lineage share says nothing of a state. Lineages: no more than the mean
    over expressed genes, ``b_g = min(min_c m_cg, mean_cg m)``: what every cluster has a little of (free RNA) is taken
    off, but a tissue of one lineage alone is still called by what it expresses strongly. A single cluster, which has
    nothing to be compared with, is treated so for states too. Scaling by the largest cluster, not by the mean, keeps
    the number of clusters of a type from weighing on its score. The score of a set is the t value of the slope of
    ``y_c`` on the weights of the genes (1 or -1; 0 for all other expressed genes); a label has the score of its best
    set. The label is given if the score is at least ``min_score`` and that of every other label smaller by
    ``min_margin``.

    Parameters
    ----------
    profiles
        From :func:`gutaxis.single_cell.profiles.cluster_profiles`.
    markers
        From :func:`gutaxis.single_cell.markers.read_markers`.
    tissue, level, parent
        See :func:`gutaxis.single_cell.markers.marker_sets`.
    settings
        See :class:`AnnotationSettings`.

    Returns
    -------
    Annotation
        In the order of the profiles. ``best`` is what would be said without thresholds; ``label`` is ``unresolved`` or
        ``{parent}_unresolved`` with a ``reason`` where it is not sure. Scores are compared between clusters with care:
        they grow with the square root of the size of the set.

    Notes
    -----
    Assumptions: a cluster is one type (a cluster of doublets may be called either); genes of a set are independent
    given the type, which they are not: t is a score here, no p value is taken from it.

    Source: ULM of Badia-i-Mompel P et al., Bioinformatics Advances 2022;2:vbac016 (``decoupler.mt.ulm``). Oracle: the t
    value of ``scipy.stats.linregress`` (``tests/unit/test_label_lineages.py``).
    """
    settings = settings or AnnotationSettings()
    sets = marker_sets(
        markers=markers, tissue=tissue, level=level, parent=parent, genes=profiles.means.columns,
        min_genes=settings.min_genes,
    )  # fmt: skip
    large = profiles.n_cells >= settings.min_cells
    scores = set_scores(means=profiles.means.loc[large.to_numpy()], sets=sets, contrast=level == "state")
    unsure = UNRESOLVED if parent is None else f"{parent}_{UNRESOLVED}"
    labels = list(dict.fromkeys(sets.labels[name] for name in scores.columns))
    by_label = pd.DataFrame(
        {label: scores[[name for name in scores if sets.labels[name] == label]].max(axis=1) for label in labels},
        index=scores.index,
    )
    rows = []
    for cluster, n_cells in profiles.n_cells.items():
        row: dict[str, Any] = {"cluster": cluster, "n_cells": int(n_cells), "label": unsure, "reason": None}
        if not large[cluster]:
            row["reason"] = f"fewer than {settings.min_cells} cells"
        elif not labels:
            row["reason"] = f"no set has {settings.min_genes} measured genes"
        else:
            row |= _verdict(scores=by_label.loc[cluster], settings=settings, unsure=unsure)
            own = [name for name in scores if sets.labels[name] == row["best"]]
            row["set"] = scores.loc[cluster, own].idxmax()
        rows.append(row)
    table = pd.DataFrame(rows, columns=CLUSTER_COLUMNS)
    table = table.join(by_label.reindex(profiles.n_cells.index).reset_index(drop=True))
    return Annotation(table, sets.coverage)


def set_scores(*, means: pd.DataFrame, sets: MarkerSets, contrast: bool) -> pd.DataFrame:
    """Return the t value of every set in every cluster; see :func:`annotate_clusters`.

    Parameters
    ----------
    means
        Clusters x genes, mean log expression.
    sets
        The sets that can be scored.
    contrast
        Whether the smallest cluster mean is taken off whole (states).
    """
    names = list(dict.fromkeys(sets.net["source"]))
    if means.empty or not names:
        return pd.DataFrame(index=means.index, columns=names, dtype=float)
    # markers stay in where no cluster expresses them: that is what speaks against their label
    kept = (means.max() >= EXPRESSED) | means.columns.isin(sets.net["target"])
    values = means.loc[:, kept]
    expressed = values.max() >= EXPRESSED
    typical = float(values.loc[:, expressed].to_numpy().mean()) if expressed.any() else 0.0
    base = values.min() if contrast and len(values) > 1 else values.min().clip(upper=typical)
    scaled = (values - base) / (values.max() - base + SOFT)
    from decoupler.mt import ulm  # noqa: PLC0415 - 6 s of import that jobs without clusters do not need

    # decoupler leaves out sets by itself below tmin; here they are left out before, and listed
    scores, _ = ulm(scaled, sets.net, tmin=1, empty=False)
    return scores.reindex(index=means.index, columns=names).fillna(0.0)


def annotate_files(
    *, samples: Mapping[str, Path], embedding: Path, markers: Path, tissue: str, clusters: Path, sets: Path,
    subset: str | None = None, settings: AnnotationSettings | None = None, votes: Sequence[Path] = (),
    agreement: Path | None = None, reference: Collection[str] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Label the clusters of an embedding and write what was found: one call for the rule.

    Parameters
    ----------
    samples
        Counts (h5ad) by sample id.
    embedding
        With sample_id and cluster of each cell.
    markers
        Table of marker genes.
    tissue
        blood or tumor.
    clusters, sets
        Targets: clusters with labels and scores; the sets with what is measured of them.
    subset
        Lineage whose states are sought; None: lineages.
    settings
        See :class:`AnnotationSettings`.
    votes
        Tables of the user's predictions (cell, label, probability), one per sample or one for all: the majority of each
        cluster is put beside the label.
    agreement
        Target for the cross table of labels and votes; only with ``votes``.
    reference
        Samples whose cells decide what a cluster is called, and are counted; None: all.

    Returns
    -------
    pandas.DataFrame
        The clusters, as written.

    Raises
    ------
    GutaxisError
        X30-X32 the table of markers, X33 the predictions, X20 cells that are not in the counts.
    """
    settings = settings or AnnotationSettings()
    table = read_markers(path=markers)
    cells = read_clusters(embedding=embedding)
    if reference is not None:
        cells = cells[cells["sample_id"].isin(list(reference))]
    found = annotate_clusters(
        profiles=cluster_profiles(samples=samples, clusters=cells),
        markers=table, tissue=tissue, level="lineage" if subset is None else "state", parent=subset, settings=settings,
    )  # fmt: skip
    rows = found.clusters
    if votes:
        voted = pd.concat([read_votes(path=path) for path in votes])
        majority = cluster_votes(votes=voted, clusters=cells["cluster"]).reindex(rows["cluster"])
        rows = pd.concat([rows[CLUSTER_COLUMNS], majority.reset_index(drop=True), rows.drop(columns=CLUSTER_COLUMNS)],
                         axis=1)  # fmt: skip
        if agreement is not None:
            labels = cells["cluster"].map(rows.set_index("cluster")["label"])
            cross, comment = concordance(labels=labels, votes=voted["label"])
            write_tsv(cross, agreement, comment=comment)
    scored = [name for name in rows.columns if name not in (*CLUSTER_COLUMNS, *VOTE_COLUMNS)]
    comment = (
        f"{tissue}, {subset or 'lineages'}: t of the slope of the cluster's profile on the weights of a set; label if "
        f"score >= {settings.min_score:g} and margin >= {settings.min_margin:g}; last {len(scored)} columns: score by "
        "label. `epithelial` is not `malignant`: copy numbers are not looked at"
    )
    write_tsv(rows, clusters, comment=comment, digits=6)
    write_tsv(found.coverage, sets, comment="sets of markers: what is measured of each; N: not scored, see reason")
    dropped = found.coverage[found.coverage["used"] == "N"]
    for row in dropped.itertuples():
        print(f"{row.label}, set {row.set}: not scored, {row.reason} ({row.n_measured} of {row.n_genes})")
    print(f"{tissue}: {len(rows)} clusters, {int(rows['label'].str.endswith(UNRESOLVED).sum())} unresolved")
    return rows


def _verdict(*, scores: pd.Series, settings: AnnotationSettings, unsure: str) -> dict[str, Any]:
    """Return label, best, score, margin, second, second_score, reason of one cluster; ties by the order of labels."""
    order = scores.sort_values(ascending=False, kind="stable")
    best, score = str(order.index[0]), float(order.iloc[0])
    second, other = (str(order.index[1]), float(order.iloc[1])) if len(order) > 1 else (None, np.nan)
    margin = score - other if second is not None else np.nan
    reason = None
    if score < settings.min_score:
        reason = f"best score {score:.2f} < {settings.min_score:g}"
    elif second is not None and margin < settings.min_margin:
        reason = f"margin to {second} {margin:.2f} < {settings.min_margin:g}"
    return {
        "label": best if reason is None else unsure, "best": best, "score": score, "margin": margin, "second": second,
        "second_score": other, "reason": reason,
    }  # fmt: skip

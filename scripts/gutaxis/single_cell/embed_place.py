"""Cells of later batches on an embedding that the reference batches taught: project, even out, vote by neighbours.

Nothing of the reference moves, and no later cell has a say in the place of a later cell of another sample (of another
batch, where batches are evened out).
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

from gutaxis.single_cell.embed import Components, Embedding, one_thread

#: Width of the soft assignment to clusters on the cosine distance, and the ridge that holds small clusters back: those
#: of Harmony.
SIGMA, RIDGE = 0.1, 1.0


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Where n later cells lie.

    Parameters
    ----------
    pca, harmony
        n x components, float32: projected; and moved to the reference's clusters.
    cluster
        Cluster of the reference, n.
    share
        Share of the nearest reference cells that are of this cluster, n; NaN where no vote was taken.
    umap
        Mean of the neighbours' coordinates, n x 2; NaN where none is on the map.
    """

    pca: np.ndarray
    harmony: np.ndarray
    cluster: np.ndarray
    share: np.ndarray
    umap: np.ndarray


def project(*, values: sparse.csr_matrix, components: Components) -> np.ndarray:
    """Return cells x genes on the components of other cells: (x - mean) V', cells x components, float32."""
    if not components.scores.shape[1]:
        return np.empty((values.shape[0], 0), dtype=np.float32)
    with one_thread():
        scores = values @ components.loadings.T - components.mean @ components.loadings.T
    return np.ascontiguousarray(scores, dtype=np.float32)


def centroids(*, coordinates: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """Return the mean of each cluster, clusters x components; clusters are numbered from 0 without a gap."""
    return np.vstack([coordinates[cluster == number].mean(axis=0) for number in range(cluster.max() + 1)])


def even_out(*, scores: np.ndarray, levels: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Move projected cells to the clusters of the reference, each level of a factor (sample, batch) by itself.

    Cell i belongs to cluster k with R_ik, a softmax of -2 (1 - cos(z_i, c_k)) / 0.1. In each cluster the level lies off
    by b_k = sum_i R_ik (z_i - c_k) / (sum_i R_ik + 1); z_i - sum_k R_ik b_k is returned.

    Parameters
    ----------
    scores
        Cells x components, of :func:`project`.
    levels
        Whole numbers, one per cell.
    centres
        Of the reference's evened-out clusters, :func:`centroids`.

    Notes
    -----
    One step of Harmony's mixture of linear models with the reference held still, as Symphony maps queries; here the
    clusters are those of Leiden. Assumption: a level has the reference's types; a type that the reference lacks is
    drawn to the cluster it is most like, and its votes may agree all the same. Source: Kang JB et al., Nat Commun
    2021;12:5890; Korsunsky I et al., Nat Methods 2019;16:1289-1296.
    """
    moved = scores.astype(np.float64)
    for level in np.unique(levels):
        here = np.flatnonzero(levels == level)
        z = scores[here].astype(np.float64)
        with one_thread():
            closeness = _unit(z) @ _unit(centres.astype(np.float64)).T
            weight = np.exp((closeness - closeness.max(axis=1, keepdims=True)) * 2 / SIGMA)
            weight /= weight.sum(axis=1, keepdims=True)
            total = weight.sum(axis=0)
            off = (weight.T @ z - total[:, None] * centres) / (total + RIDGE)[:, None]
            moved[here] = z - weight @ off
    return np.ascontiguousarray(moved, dtype=np.float32)


def _unit(rows: np.ndarray) -> np.ndarray:
    """Return rows of length 1; a row of zeros stays."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1.0)


def place(
    *, values: sparse.csr_matrix, sample: np.ndarray, levels: np.ndarray, components: Components, made: Embedding,
    umap: np.ndarray, neighbors: int,
) -> Placed:  # fmt: skip
    """Place cells on a finished embedding.

    Parameters
    ----------
    values
        Later cells x genes of the reference, log-normalised.
    sample, levels
        By later cell: its sample; its level of the factor that was evened out in the reference.
    components, made, umap
        The reference: components, embedding, coordinates of its cells on the map.
    neighbors
        Reference cells that vote; fewer if there are not so many. Of equal votes the lower (larger) cluster wins.

    Returns
    -------
    Placed
        Where the reference was not embedded, all cells are of its one cluster, and no vote was taken.
    """
    pca = project(values=values, components=components)
    n = len(pca)
    cluster, share = np.zeros(n, dtype=np.int32), np.full(n, np.nan)
    placed = np.full((n, 2), np.nan, dtype=np.float32)
    if made.graph is None or not n:
        return Placed(pca=pca, harmony=pca, cluster=cluster, share=share, umap=placed)
    harmony = pca
    if not made.integration.startswith("none"):
        harmony = even_out(scores=pca, levels=levels, centres=centroids(coordinates=made.harmony, cluster=made.cluster))
    voters = min(neighbors, len(made.harmony))
    with one_thread():
        search = NearestNeighbors(n_neighbors=voters, algorithm="brute", n_jobs=1).fit(made.harmony)
        for number in np.unique(sample):
            # sample by sample: rounding in blocks of cells must not depend on which other samples there are
            here = np.flatnonzero(sample == number)
            nearest = search.kneighbors(harmony[here], return_distance=False)
            votes = np.zeros((len(here), made.cluster.max() + 1), dtype=np.int32)
            np.add.at(votes, (np.arange(len(here))[:, None], made.cluster[nearest]), 1)
            cluster[here] = votes.argmax(axis=1)
            share[here] = votes.max(axis=1) / voters
            shown = umap[nearest]
            known = np.isfinite(shown[:, :, 0]).sum(axis=1)
            total = np.nansum(shown, axis=1)
            placed[here] = np.where(known[:, None] > 0, total / np.maximum(known, 1)[:, None], np.nan)
    return Placed(pca=pca, harmony=harmony, cluster=cluster, share=share, umap=placed)

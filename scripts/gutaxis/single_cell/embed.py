"""From the matrix of variable genes to clusters: PCA, Harmony, neighbours, Leiden. Small inputs shrink, never fail."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import anndata as ad
import harmonypy
import igraph
import numba
import numpy as np
import scanpy as sc
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.utils.sparsefuncs import mean_variance_axis
from threadpoolctl import threadpool_limits

from gutaxis.single_cell.embed_settings import EmbedSettings

FEWEST_CELLS = 20  # below, a graph of neighbours says nothing: one cluster
FEWEST_TO_INTEGRATE = 100  # Harmony's clusters are of about 30 cells; below, it has too few to compare levels in


@dataclass(frozen=True, kw_only=True)
class Embedding:
    """What the embedding of n cells gives.

    Parameters
    ----------
    pca, harmony
        n x components, float32; the same where nothing was integrated.
    graph
        Weights of neighbours, n x n, symmetric; None: not embedded.
    cluster
        Number of each cell's cluster, 0 the largest.
    integration
        In words: what was evened out, or why nothing.
    neighbors
        Neighbours used.
    reason
        Why the cells were not embedded; empty if they were.
    """

    pca: np.ndarray
    harmony: np.ndarray
    graph: sparse.csr_matrix | None
    cluster: np.ndarray
    integration: str
    neighbors: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Components:
    """Principal components of n cells over p genes.

    Parameters
    ----------
    scores
        n x components, float32; without columns where there are no two components.
    loadings
        Components x p.
    mean
        Mean of each gene, p.
    """

    scores: np.ndarray
    loadings: np.ndarray
    mean: np.ndarray


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one thread, whatever the environment says, so that the result does not depend on it.

    Sums of several BLAS threads come in another order. NN-descent of pynndescent draws other random numbers for another
    number of threads (``new_build_candidates``), and finds other neighbours for a few cells.
    """
    launched, jobs = numba.get_num_threads(), sc.settings.n_jobs
    numba.set_num_threads(1)
    sc.settings.n_jobs = 1
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        numba.set_num_threads(launched)
        sc.settings.n_jobs = jobs


def principal_components(*, values: sparse.csr_matrix, n_components: int, seed: int) -> Components:
    """Return the first principal components of a sparse matrix, centred implicitly, by ARPACK.

    The number of components shrinks to one below the smaller side of the matrix; there are none where fewer than two
    exist or no gene varies.
    """
    n_components = min(n_components, min(values.shape) - 1)
    if n_components < 2 or not _varies(values=values):
        n_cells, n_genes = values.shape
        nothing = np.empty((n_cells, 0), dtype=np.float32)
        return Components(scores=nothing, loadings=np.empty((0, n_genes)), mean=np.zeros(n_genes))
    fitted = PCA(n_components=n_components, svd_solver="arpack", random_state=seed)
    with one_thread():
        scores = fitted.fit_transform(values)
    return Components(
        scores=np.ascontiguousarray(scores, dtype=np.float32), loadings=fitted.components_, mean=fitted.mean_
    )


def _varies(*, values: sparse.csr_matrix) -> bool:
    """Return whether any column varies beyond rounding; without a second copy of the matrix."""
    return bool((mean_variance_axis(values, axis=0)[1] > 1e-8).any())


def integrate(*, pca: np.ndarray, levels: np.ndarray, what: str, seed: int) -> tuple[np.ndarray, str]:
    """Even out the levels of a factor with Harmony.

    Skipped, and said so, with one level, or with fewer than 100 cells.

    Parameters
    ----------
    pca
        Cells x components.
    levels
        Whole numbers, one per cell.
    what
        Name of the factor, for the message; ``none``: nothing is asked for.
    seed
        Of Harmony's clusters.

    Returns
    -------
    tuple
        Cells x components, float32; and in words what was done.

    References
    ----------
    Korsunsky I et al. Nat Methods 2019;16:1289-1296. harmonypy is called directly: scanpy's wrapper transposes the
    result of harmonypy 2 (scanpy issue 3940).
    """
    n_levels = len(np.unique(levels))
    if what == "none":
        return pca, "none: not asked for"
    if n_levels < 2:
        return pca, f"none: one {what} only"
    if len(pca) < FEWEST_TO_INTEGRATE:
        return pca, f"none: fewer than {FEWEST_TO_INTEGRATE} cells"
    with one_thread():
        run = harmonypy.run_harmony(
            pca, {what: levels}, what, random_state=seed, ncores=1, verbose=False, max_iter_harmony=10
        )
    corrected = np.ascontiguousarray(run.Z_corr, dtype=np.float32)
    if not np.isfinite(corrected).all():
        return pca, f"none: Harmony found no finite correction for {n_levels} levels of {what}"
    return corrected, f"Harmony over {n_levels} levels of {what}"


def neighbour_graph(*, coordinates: np.ndarray, neighbors: int, seed: int) -> sparse.csr_matrix:
    """Return the weighted graph of nearest neighbours, cells x cells, symmetric (the fuzzy set of UMAP).

    Exact below 8,192 cells, NN-descent from there, in one thread.
    """
    adata = ad.AnnData(obsm={"X": coordinates})
    with one_thread():
        sc.pp.neighbors(adata, n_neighbors=min(neighbors, len(coordinates) - 1), use_rep="X", random_state=seed)
    return sparse.csr_matrix(adata.obsp["connectivities"])


def leiden(*, graph: sparse.csr_matrix, resolution: float, seed: int) -> np.ndarray:
    """Cluster a weighted graph with Leiden (igraph; modularity, two iterations).

    Clusters are numbered by size, largest first, then by their first cell. The graph is built from its upper triangle
    as one array: :func:`scanpy.tl.leiden` makes a Python list of all edges in both directions, the peak of the whole
    chain. Both have the same modularity to optimise (the oracle of the test).

    References
    ----------
    Traag VA, Waltman L, van Eck NJ. Sci Rep 2019;9:5233.
    """
    upper = sparse.triu(graph, k=1, format="coo")
    weights = upper.data.astype(np.float64)
    net = igraph.Graph(n=graph.shape[0], edges=np.column_stack([upper.row, upper.col]))
    del upper
    igraph.set_random_number_generator(random.Random(seed))
    try:
        found = net.community_leiden(
            objective_function="modularity", weights=weights, resolution=resolution, n_iterations=2
        )
    finally:
        igraph.set_random_number_generator(random)
    return by_size(groups=np.array(found.membership, dtype=np.int32))


def by_size(*, groups: np.ndarray) -> np.ndarray:
    """Renumber groups: 0 is the largest; of equal ones, that with the first cell."""
    _, first, inverse, sizes = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    number = np.empty(len(order), dtype=np.int32)
    number[order] = np.arange(len(order))
    return number[inverse]


def embed_components(*, pca: np.ndarray, levels: np.ndarray, settings: EmbedSettings, resolution: float) -> Embedding:
    """Take principal components to clusters.

    Parameters
    ----------
    pca
        Cells x components, of :func:`principal_components`.
    levels
        Sample or batch of each cell, as whole numbers.
    settings, resolution
        Choices; the resolution is that of all cells or of a subset.

    Returns
    -------
    Embedding
        Fewer than 20 cells, or cells without two components, are one cluster and say why.
    """
    n_cells, n_components = pca.shape
    reason = ""
    if n_cells < FEWEST_CELLS:
        reason = f"{n_cells} cells, fewer than {FEWEST_CELLS}"
    elif n_components < 2:
        reason = "the cells do not differ in two components"
    if reason:
        none = np.zeros(n_cells, dtype=np.int32)
        return Embedding(
            pca=pca, harmony=pca, graph=None, cluster=none, integration="none: not embedded", neighbors=0, reason=reason
        )
    harmony, integration = integrate(pca=pca, levels=levels, what=settings.integrate, seed=settings.seed)
    neighbors = min(settings.neighbors, n_cells - 1)
    graph = neighbour_graph(coordinates=harmony, neighbors=neighbors, seed=settings.seed)
    cluster = leiden(graph=graph, resolution=resolution, seed=settings.seed)
    return Embedding(
        pca=pca, harmony=harmony, graph=graph, cluster=cluster, integration=integration, neighbors=neighbors, reason=""
    )

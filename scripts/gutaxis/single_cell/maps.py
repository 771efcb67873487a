"""Two coordinates per cell for pictures: UMAP of all cells, or of as many from every sample."""

import anndata as ad
import numpy as np
import scanpy as sc
from scipy import sparse

from gutaxis.single_cell.embed import neighbour_graph, one_thread

FEWEST_CELLS = 50  # below, UMAP's spectral start is not worth it: the first two components


def balanced_sample(*, groups: np.ndarray, n_cells: int, seed: int) -> np.ndarray:
    """Draw cells so that every group gives the same number, or all it has.

    Parameters
    ----------
    groups
        Group (sample) of each cell, whole numbers.
    n_cells
        Cells to draw.

    Returns
    -------
    numpy.ndarray
        Positions of the drawn cells, ascending; all cells if there are no more than ``n_cells``.
    """
    if len(groups) <= n_cells:
        return np.arange(len(groups))
    order = np.random.default_rng(seed).permutation(len(groups))
    shuffled = groups[order]
    by_group = np.argsort(shuffled, kind="stable")
    ordered = shuffled[by_group]
    rank = np.arange(len(ordered)) - np.searchsorted(ordered, ordered)  # how many of its group were drawn before
    # The first of every group, then the second of every group, ...: equal shares until a group is used up.
    turn = np.lexsort((by_group, rank))
    return np.sort(order[by_group[turn[:n_cells]]])


def map_coordinates(
    *,
    coordinates: np.ndarray,
    groups: np.ndarray,
    graph: sparse.csr_matrix | None,
    neighbors: int,
    n_cells: int,
    seed: int,
) -> tuple[np.ndarray, str]:
    """Place cells on a plane with UMAP.

    Distances between far groups on the map mean nothing: it shows neighbours. With more than ``n_cells`` cells, the map
    is of a sample that is balanced over the groups, with neighbours of its own.

    Parameters
    ----------
    coordinates
        Cells x integrated components.
    groups
        Sample of each cell, whole numbers.
    graph, neighbors
        Graph of all cells, used when all are drawn; None: not embedded, no map. Neighbours of the graph of a sample.
    n_cells
        Most cells on the map; 0: no map.
    seed
        Of the drawing and of the layout.

    Returns
    -------
    tuple
        Cells x 2, float32, NaN for cells that are not drawn; and in words what it is.

    References
    ----------
    McInnes L, Healy J, Melville J. arXiv:1802.03426 (2018).
    """
    placed = np.full((len(coordinates), 2), np.nan, dtype=np.float32)
    if graph is None or n_cells == 0:
        return placed, "none"
    drawn = balanced_sample(groups=groups, n_cells=n_cells, seed=seed)
    whole = len(drawn) == len(coordinates)
    if len(drawn) < FEWEST_CELLS:
        placed[drawn] = coordinates[drawn, :2]
        return placed, _words(method="first two components", drawn=len(drawn), total=len(coordinates))
    some = coordinates[drawn]
    if not whole:
        graph = neighbour_graph(coordinates=some, neighbors=neighbors, seed=seed)
    adata = ad.AnnData(obsm={"X": some}, obsp={"connectivities": graph})
    adata.uns["neighbors"] = {
        "connectivities_key": "connectivities",
        "distances_key": "distances",
        "params": {"method": "umap", "n_neighbors": neighbors, "use_rep": "X"},
    }
    with one_thread():
        sc.tl.umap(adata, random_state=seed)
    placed[drawn] = adata.obsm["X_umap"]
    return placed, _words(method="UMAP", drawn=len(drawn), total=len(coordinates))


def _words(*, method: str, drawn: int, total: int) -> str:
    """Return what a map shows."""
    if drawn == total:
        return f"{method} of all cells"
    return f"{method} of {drawn} of {total} cells, as many of each sample where it has them"

"""Mean log-normalised expression of every cluster over all genes, summed sample by sample."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pandas as pd
from anndata.io import read_elem
from scipy import sparse

from gutaxis.single_cell.matrix import log_normalised, read_samples


class Profiles(NamedTuple):
    """Clusters x genes.

    Parameters
    ----------
    means
        Mean of ln(1 + 10,000 x / t): x count of the gene, t counts of all genes of the cell. Index cluster.
    n_cells
        Cells by cluster.
    """

    means: pd.DataFrame
    n_cells: pd.Series


def read_clusters(*, embedding: Path) -> pd.DataFrame:
    """Return sample_id and cluster (both text) by cell id of an embedding; its coordinates stay on disk."""
    with h5py.File(embedding) as file:
        obs = read_elem(file["obs"])
    table = pd.DataFrame(index=pd.Index(obs.index.astype(str), name="cell"))
    for column in ("sample_id", "cluster"):
        table[column] = obs[column].astype(str).to_numpy(dtype=object) if len(obs) else pd.Series(dtype=object)
    return table


def read_shares(*, embedding: Path) -> pd.Series | None:
    """Return by cell id the share of neighbours that voted for its cluster (NaN: it taught); None: not frozen."""
    with h5py.File(embedding) as file:
        obs = read_elem(file["obs"])
    if "neighbour_share" not in obs:
        return None
    return pd.Series(obs["neighbour_share"].to_numpy(dtype=float), index=pd.Index(obs.index.astype(str), name="cell"))


def cluster_order(*, clusters: pd.Series) -> list[str]:
    """Return the names of clusters, numbers in their order as numbers."""
    return sorted(set(clusters), key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0, name))


def cluster_profiles(*, samples: Mapping[str, Path], clusters: pd.DataFrame) -> Profiles:
    """Average every gene over the cells of each cluster, holding one sample in memory at a time.

    Parameters
    ----------
    samples
        Counts (h5ad, cells x genes) by sample id.
    clusters
        Index cell id; columns sample_id, cluster. Cells of the samples that are not in it are left out.

    Returns
    -------
    Profiles
        Clusters in the order of their numbers; all genes of any sample, sorted. A gene is averaged over the cells of
        the samples that have it; 0 if no sample of the cluster has it.

    Raises
    ------
    GutaxisError
        X20: a cell of ``clusters`` is in no sample.

    Notes
    -----
    Peak memory: one sample, and 16 bytes x clusters x genes. Oracle: the mean of the whole matrix normalised at once
    (``tests/unit/test_label_lineages.py``).
    """
    names = cluster_order(clusters=clusters["cluster"])
    paths = {sample: samples[sample] for sample in sorted(set(clusters["sample_id"]))}
    sums: dict[str, np.ndarray] = {}
    cells: dict[str, np.ndarray] = {}
    for _, counts in read_samples(samples=paths, cells=clusters.index):
        n, m = counts.counts.shape
        data, indices, lengths = log_normalised(counts=counts.counts, columns=np.arange(m))
        values = sparse.csr_matrix((data, indices, np.concatenate([[0], np.cumsum(lengths)])), shape=(n, m))
        codes = pd.Categorical(clusters.loc[counts.cells, "cluster"], categories=names).codes
        member = sparse.csr_matrix((np.ones(n), (codes, np.arange(n))), shape=(len(names), n))
        total = (member @ values.astype(np.float64)).toarray()
        size = np.bincount(codes, minlength=len(names)).astype(np.float64)
        for place, gene in enumerate(counts.genes):
            if gene in sums:
                sums[gene] += total[:, place]
                cells[gene] += size
            else:
                sums[gene], cells[gene] = total[:, place].copy(), size.copy()
    genes = sorted(sums)
    means = np.zeros((len(names), len(genes)))
    for place, gene in enumerate(genes):
        np.divide(sums[gene], cells[gene], out=means[:, place], where=cells[gene] > 0)
    n_cells = clusters["cluster"].value_counts().reindex(names).fillna(0).astype(int)
    index = pd.Index(names, name="cluster", dtype=object)
    return Profiles(pd.DataFrame(means, index=index, columns=genes), n_cells.set_axis(index))

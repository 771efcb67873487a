"""Highly variable genes: each sample votes by itself, the votes are counted. No matrix of all samples is made."""

import re
from collections.abc import Mapping
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc
from scipy import sparse

from gutaxis.single_cell.matrix import TARGET_SUM

TABLE = ["gene", "highly_variable", "dispersions_norm"]
VOTED = ["gene", "n_samples", "dispersions_norm"]
# V, D and J segments of T and B cell receptors. The constant parts IGHD and TRDC have no digit there and stay.
RECEPTOR_SEGMENT = re.compile(r"^(?:TR[ABDG]|IG[HKL])[VDJ]\d")


def sample_votes(*, counts: sparse.csr_matrix, genes: pd.Index, n_top: int) -> pd.DataFrame:
    """Return the highly variable genes of one sample.

    Counts are scaled to 10,000 a cell. Flavor ``seurat``: the log of a gene's dispersion (variance over mean of the
    scaled counts) is standardised within 20 bins of log mean expression; the ``n_top`` highest are called.

    Parameters
    ----------
    counts
        Cells x genes, whole numbers.
    genes
        Unique names of the columns.
    n_top
        Genes to call.

    Returns
    -------
    pandas.DataFrame
        ``gene highly_variable dispersions_norm``: one row per gene with counts, in the order of ``genes``. The
        dispersion is NA where the variance is 0. Without rows for fewer than two cells, which have no variance.

    References
    ----------
    Satija R et al. Nat Biotechnol 2015;33:495-502. The computation is :func:`scanpy.pp.highly_variable_genes`.
    """
    expressed = np.bincount(counts.indices[counts.data > 0], minlength=counts.shape[1]) > 0
    if counts.shape[0] < 2 or not expressed.any():
        return pd.DataFrame({"gene": [], "highly_variable": [], "dispersions_norm": []}).astype({"gene": str})
    adata = ad.AnnData(counts[:, expressed].astype(np.float32), var=pd.DataFrame(index=genes[expressed]))
    sc.pp.normalize_total(adata, target_sum=TARGET_SUM)
    sc.pp.log1p(adata)
    found = sc.pp.highly_variable_genes(adata, inplace=False).set_axis(adata.var_names)
    known = np.sort(found["dispersions_norm"].dropna().to_numpy())
    # The cut of scanpy's n_top_genes, which fails where no gene varies.
    cut = known[-min(n_top, len(known))] if len(known) else np.inf
    found["highly_variable"] = found["dispersions_norm"].fillna(-np.inf) >= cut
    found["highly_variable"] = found["highly_variable"].astype(int)
    return found.rename_axis("gene").reset_index()[TABLE]


def count_votes(*, tables: Mapping[str, pd.DataFrame], n_top: int, exclude_receptors: bool = True) -> pd.DataFrame:
    """Count the votes of the samples.

    Genes are ordered by the number of samples that called them, then by their mean normalised dispersion, then by name.
    The mean is over all samples that vote: a gene without counts in a sample stands there with 0, a gene that has
    counts but does not vary is left out of the mean. This is what :func:`scanpy.pp.highly_variable_genes` does with
    ``batch_key`` (the oracle of the test).

    Parameters
    ----------
    tables
        Sample to its table of :func:`sample_votes`. A table without rows does not vote.
    n_top
        Genes to return; fewer if there are not so many.
    exclude_receptors
        Leave out V, D and J segments of T and B cell receptors. An expanded clone shares them, so that they would draw
        clusters of clones, not of states.

    Returns
    -------
    pandas.DataFrame
        ``gene n_samples dispersions_norm``, best first.
    """
    voters = {sample: tables[sample].set_index("gene") for sample in sorted(tables) if len(tables[sample])}
    if not voters:
        return pd.DataFrame({"gene": [], "n_samples": [], "dispersions_norm": []}).astype({"gene": str})
    genes = pd.Index(sorted(set().union(*(table.index for table in voters.values()))))
    votes, total, known = np.zeros(len(genes), dtype=int), np.zeros(len(genes)), np.full(len(genes), len(voters))
    for table in voters.values():
        at = genes.get_indexer(table.index)
        dispersion = table["dispersions_norm"].to_numpy(dtype=float)
        missing = np.isnan(dispersion)
        votes[at] += table["highly_variable"].to_numpy(dtype=int)
        total[at] += np.where(missing, 0, dispersion)
        known[at] -= missing
    mean = np.divide(total, known, out=np.full(len(genes), np.nan), where=known > 0)
    counted = pd.DataFrame({"gene": genes, "n_samples": votes, "dispersions_norm": mean})
    if exclude_receptors:
        counted = counted[[RECEPTOR_SEGMENT.match(gene) is None for gene in counted["gene"]]]
    counted = counted.sort_values(VOTED[1:] + VOTED[:1], ascending=[False, False, True], na_position="last")
    return counted.head(n_top).reset_index(drop=True)


def read_votes(*, path: Path) -> pd.DataFrame:
    """Read a sample's table; a gene may be called NA, NaN or None."""
    table = pd.read_csv(path, sep="\t", keep_default_na=False, na_values={"dispersions_norm": ["NA", ""]})
    return table[TABLE].astype({"gene": str})

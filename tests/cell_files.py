"""Small samples of single cells, and writers of the formats in which count matrices come."""

import gzip
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
from scipy import io, sparse

PROJECT = Path(__file__).resolve().parents[1]
CYCLE = PROJECT / "resources" / "markers" / "cell_cycle.tsv"
MITO = ["MT-ND1", "MT-ND2", "MT-CO1", "MT-CO2", "MT-ATP6", "MT-CO3", "MT-ND4", "MT-CYB"]


def gene_names(n):
    """n symbols: mitochondrial genes, those of the cell cycle, and made-up ones."""
    cycle = pd.read_csv(CYCLE, sep="\t", comment="#")["gene"].tolist()
    return [*MITO, *cycle, *(f"GENE{number}" for number in range(n))][:n]


def sample(*, n_cells=300, n_genes=600, types=6, doublets=0.0, dead=0.0, umi=2000, seed=1):
    """Counts with cell types; obs: type, doublet, dead. The first cells are the doublets, the last the dead ones."""
    rng = np.random.default_rng(seed)
    names = gene_names(n_genes)
    mito = np.array([name.startswith("MT-") for name in names])
    base = rng.gamma(0.4, 1, n_genes) + 0.02
    uneven = np.where(rng.random((types, n_genes)) < 0.06, rng.uniform(5, 30, (types, n_genes)), 1)
    profiles = base * uneven
    profiles[:, mito] = profiles[:, ~mito].sum(axis=1, keepdims=True) * 0.04 / mito.sum()
    profiles /= profiles.sum(axis=1, keepdims=True)
    kind = rng.integers(0, types, n_cells)
    double = np.arange(n_cells) < round(doublets * n_cells)
    gone = np.arange(n_cells) >= n_cells - round(dead * n_cells)
    other = (kind + rng.integers(1, types, n_cells)) % types if types > 1 else kind
    depth = umi * np.exp(rng.normal(0, 0.25, (n_cells, 2)))
    rate = profiles[kind] * depth[:, :1] + double[:, None] * profiles[other] * depth[:, 1:]
    rate[gone] = 0.35 * rate[gone]
    rate[np.ix_(gone, mito)] *= 25
    return anndata.AnnData(
        sparse.csr_matrix(rng.poisson(rate).astype(np.float32)),
        obs=pd.DataFrame(
            {"type": kind, "doublet": double, "dead": gone}, index=[f"BARCODE{number}-1" for number in range(n_cells)]
        ),
        var=pd.DataFrame({"gene_ids": [f"ENSG{number:011d}" for number in range(n_genes)]}, index=names),
    )


def write_v3(path, adata, *, genomes="GRCh38", types="Gene Expression", leave_out=()):
    """10x HDF5 as Cell Ranger 3 and later write it."""
    n = adata.n_vars
    features = {
        "id": list(adata.var["gene_ids"]),
        "name": list(adata.var_names),
        "feature_type": [types] * n if isinstance(types, str) else types,
        "genome": [genomes] * n if isinstance(genomes, str) else genomes,
    }
    with h5py.File(path, "w") as handle:
        group = handle.create_group("matrix")
        _write_csc(group, adata)
        sub = group.create_group("features")
        for name, values in features.items():
            if name not in leave_out:
                sub.create_dataset(name, data=np.array(values, dtype="S"))
        sub.create_dataset("_all_tag_keys", data=np.array(["genome"], dtype="S"))
    return path


def write_v2(path, parts):
    """10x HDF5 as Cell Ranger 2 wrote it; one group per genome."""
    with h5py.File(path, "w") as handle:
        for genome, adata in parts.items():
            group = handle.create_group(genome)
            _write_csc(group, adata)
            group.create_dataset("genes", data=np.array(list(adata.var["gene_ids"]), dtype="S"))
            group.create_dataset("gene_names", data=np.array(list(adata.var_names), dtype="S"))
    return path


def _write_csc(group, adata):
    matrix = sparse.csr_matrix(adata.X)
    group.create_dataset("barcodes", data=np.array(list(adata.obs_names), dtype="S"))
    group.create_dataset("data", data=matrix.data.astype(np.int32))
    group.create_dataset("indices", data=matrix.indices.astype(np.int64))
    group.create_dataset("indptr", data=matrix.indptr.astype(np.int64))
    group.create_dataset("shape", data=np.array(matrix.shape[::-1], dtype=np.int32))


def write_folder(folder, adata, *, features="features.tsv", end=".gz", types="Gene Expression"):
    """The folder of the mtx files; features.tsv of v3 has three columns, genes.tsv of v2 two."""
    folder.mkdir(parents=True, exist_ok=True)
    opened = gzip.open if end else open
    with opened(folder / f"matrix.mtx{end}", "wb") as handle:
        io.mmwrite(handle, sparse.coo_matrix(adata.X.T).astype(int))
    rows = zip(adata.var["gene_ids"], adata.var_names, strict=True)
    types = [types] * adata.n_vars if isinstance(types, str) else types
    lines = [
        "\t".join([*row, kind] if features == "features.tsv" else row) for row, kind in zip(rows, types, strict=True)
    ]
    for name, text in ((features, lines), ("barcodes.tsv", list(adata.obs_names))):
        with opened(folder / f"{name}{end}", "wt") as handle:
            handle.write("\n".join(text) + "\n")
    return folder


def same_counts(first, second):
    """Whether two matrices hold the same counts under the same names."""
    return (
        list(first.obs_names) == list(second.obs_names)
        and list(first.var_names) == list(second.var_names)
        and (abs(sparse.csr_matrix(first.X) - sparse.csr_matrix(second.X)) > 0).nnz == 0
    )

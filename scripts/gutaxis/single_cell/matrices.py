"""Files of counts as they are: 10x HDF5, the folder of the mtx files, h5ad. ``inputs`` judges what they hold."""

from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from gutaxis.errors import GutaxisError, Problem
from gutaxis.single_cell.matrix_folder import read_folder
from gutaxis.single_cell.matrix_parts import (
    FORMATS,
    Matrix,
    damage_told,
    of_genome,
    one_genome,
    plain_var,
    problem,
    refuse_droplets,
)

TENX_V3, TENX_V2, H5AD = "10x_h5_v3", "10x_h5_v2", "h5ad"
V2_DATASETS = ("barcodes", "data", "indices", "indptr", "shape", "genes", "gene_names")
V3_DATASETS = (*V2_DATASETS[:5], "features/id", "features/name")


def read_matrix(*, path: Path, genome: str | None) -> Matrix:
    """Read a file or folder of counts; its content tells the format, not its name.

    Parameters
    ----------
    path
        10x HDF5 (v2, v3), a folder with the mtx files, or h5ad. Antibodies and other features beside genes are left
        out of 10x formats.
    genome
        Which genome of a file of several; None if there is one.

    Returns
    -------
    Matrix
        As in the file.

    Raises
    ------
    GutaxisError
        X01 missing, truncated, damaged; X02 another format; X03 a folder without one of its files, or with several
        matrices; X04 files of a folder that do not fit; X05 a genome has to be named; X11 droplets without cells.
    """
    if path.is_dir():
        return read_folder(folder=path, genome=genome)
    if not path.exists():
        missing, mend = "There is no such file", "Correct the sample sheet"
        raise GutaxisError(problem(code="X01", path=path, wrong=missing, allowed=FORMATS, mend=mend))
    with damage_told(path):
        if not h5py.is_hdf5(path):
            raise GutaxisError(_other_format(path=path))
        with h5py.File(path, "r") as handle:
            kind, groups = _kind_of(handle)
            if kind is None:
                raise GutaxisError(_other_format(path=path))
            refuse_droplets(path=path, **_size(handle=handle, kind=kind, groups=groups))
            for group in {TENX_V3: ["matrix"], TENX_V2: groups, H5AD: []}[kind]:
                _check_indices(handle[group], genes="features/id" if kind == TENX_V3 else "genes")
        if kind == H5AD:
            return _read_h5ad(path=path, genome=genome)
        return _read_10x(path=path, kind=kind, groups=groups, genome=genome)


def _other_format(*, path: Path) -> Problem:
    """Tell what a file is not, and what to do if it belongs to a folder of mtx files."""
    hdf5 = path.name.lower().endswith((".h5", ".h5ad", ".hdf5"))
    mend = "Write the counts as h5ad (anndata.AnnData.write_h5ad), or name what Cell Ranger or STARsolo wrote"
    if hdf5:
        mend = "Copy it again from where it was made"
    elif any(word in path.name for word in ("matrix.mtx", "barcodes.tsv", "features.tsv", "genes.tsv")):
        mend = "Name the folder that holds the file in the sample sheet"
    return problem(
        code="X01" if hdf5 else "X02",
        path=path,
        wrong="It is not HDF5, although its name says so" if hdf5 else "The format is not known",
        allowed=FORMATS,
        mend=mend,
    )


def _kind_of(handle: h5py.File) -> tuple[str | None, list[str]]:
    """Return the format by the groups in the file, and the genomes of a v2 file."""
    if "matrix" in handle and isinstance(handle["matrix"], h5py.Group) and "barcodes" in handle["matrix"]:
        missing = [name for name in V3_DATASETS if name not in handle["matrix"]]
        if missing:
            raise KeyError(f"the group matrix lacks {', '.join(missing)}")
        return TENX_V3, []
    if "obs" in handle and "var" in handle:
        return H5AD, []
    groups = [name for name, item in handle.items() if isinstance(item, h5py.Group) and "gene_names" in item]
    for group in groups:
        missing = [name for name in V2_DATASETS if name not in handle[group]]
        if missing:
            raise KeyError(f"the group {group} lacks {', '.join(missing)}")
    return (TENX_V2, groups) if groups else (None, [])


def _check_indices(group: h5py.Group, *, genes: str) -> None:
    """Raise ValueError if a 10x matrix points outside itself: what reads it does not look, and reads other memory."""
    n_genes, n_barcodes = (int(number) for number in group["shape"][:])
    if (len(group[genes]), len(group["barcodes"])) != (n_genes, n_barcodes):
        raise ValueError(f"the shape is {n_genes} x {n_barcodes}, the lists of genes and barcodes are not of it")
    parts = (np.zeros(len(group["data"]), dtype=np.int8), group["indices"][:], group["indptr"][:])
    sparse.csc_matrix(parts, shape=(n_genes, n_barcodes)).check_format(full_check=True)


def _size(*, handle: h5py.File, kind: str, groups: list[str]) -> dict[str, int]:
    """Return the numbers of barcodes and of entries, without reading the entries."""
    if kind == H5AD:
        x = handle.get("X")
        if not isinstance(x, h5py.Group) or "shape" not in x.attrs or "data" not in x:
            return {"barcodes": 0, "entries": 0}
        return {"barcodes": int(x.attrs["shape"][0]), "entries": len(x["data"])}
    parts = [handle["matrix"]] if kind == TENX_V3 else [handle[name] for name in groups]
    return {"barcodes": max(len(part["barcodes"]) for part in parts), "entries": sum(len(p["data"]) for p in parts)}


def _read_10x(*, path: Path, kind: str, groups: list[str], genome: str | None) -> Matrix:
    """Read by scanpy, whose readers of both layouts are right once datasets and genome are known to be there."""
    import scanpy as sc  # noqa: PLC0415 - 5 CPU seconds; folders and refusals go without

    if kind == TENX_V2:
        chosen = one_genome(path=path, genomes=groups, wanted=genome)
        adata = sc.read_10x_h5(path, genome=chosen)
    else:
        untyped = _untyped(path=path)
        adata = sc.read_10x_h5(path, gex_only=True) if untyped is None else untyped
        named = adata.var["genome"].astype(str) if "genome" in adata.var else pd.Series("", index=adata.var_names)
        genomes = sorted(set(named) - {""})
        chosen = one_genome(path=path, genomes=genomes, wanted=genome) if genomes else None
        adata = adata[:, (named == chosen).to_numpy()].copy() if len(genomes) > 1 else adata
    adata.var = plain_var(names=list(adata.var_names), ids=list(adata.var["gene_ids"]), genome=chosen)
    return Matrix(kind=kind, genome=chosen, candidates={"matrix": adata})


def _untyped(*, path: Path) -> anndata.AnnData | None:
    """Read a v3 file without feature types, which scanpy's reader requires and some programs do not write."""
    with h5py.File(path, "r") as handle:
        group = handle["matrix"]
        if "feature_type" in group["features"]:
            return None
        columns = {"gene_ids": group["features/id"].asstr()[:]}
        if "genome" in group["features"]:
            columns["genome"] = group["features/genome"].asstr()[:]
        parts = tuple(group[name][:] for name in ("data", "indices", "indptr"))
        return anndata.AnnData(
            sparse.csr_matrix(parts, shape=tuple(group["shape"][:][::-1])),
            obs=pd.DataFrame(index=pd.Index(group["barcodes"].asstr()[:], dtype=object)),
            var=pd.DataFrame(columns, index=pd.Index(group["features/name"].asstr()[:], dtype=object)),
        )


def _read_h5ad(*, path: Path, genome: str | None) -> Matrix:
    """Read h5ad; counts may be in layers["counts"], X or raw."""
    whole = anndata.read_h5ad(path)
    for values in (whole.X, *whole.layers.values(), None if whole.raw is None else whole.raw.X):
        if isinstance(values, sparse.csr_matrix | sparse.csc_matrix):
            values.check_format(full_check=True)
    places: dict[str, anndata.AnnData] = {}
    if "counts" in whole.layers:
        places["layers[counts]"] = anndata.AnnData(whole.layers["counts"], obs=whole.obs[[]], var=whole.var)
    if whole.X is not None:
        places["X"] = anndata.AnnData(whole.X, obs=whole.obs[[]], var=whole.var)
    if whole.raw is not None:
        places["raw"] = anndata.AnnData(whole.raw.X, obs=whole.obs[[]], var=whole.raw.var)
    if not places:
        none = sparse.csr_matrix(whole.shape, dtype=np.float32)
        places["X"] = anndata.AnnData(none, obs=whole.obs[[]], var=whole.var)
    chosen = None
    for name, adata in places.items():
        places[name], chosen = of_genome(adata=adata, path=path, genome=genome)
    return Matrix(kind=H5AD, genome=chosen, candidates=places)

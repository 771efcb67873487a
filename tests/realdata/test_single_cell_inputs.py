"""The small 10x v3 matrix of the public data: HDF5 and folder are the same; what it cannot do is said."""

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import io, sparse
from tests.cell_files import CYCLE, same_counts

from gutaxis.errors import GutaxisError
from gutaxis.single_cell.inputs import read_counts
from gutaxis.single_cell.quality import QualitySettings
from gutaxis.single_cell.sample import SampleSettings, process_sample

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def tenx(public_data):
    folder = public_data / "single_cell" / "10x_v3"
    if not folder.is_dir():
        pytest.skip(f"no public single-cell data: {folder.name} is not there")
    return folder


def process(path, folder, **settings):
    ends = {"h5ad": "h5ad", "cells": "cells.tsv.gz", "qc": "qc.tsv", "hvg": "hvg.tsv"}
    files = {name: folder / f"a.{end}" for name, end in ends.items()}
    process_sample(sample="S1", path=path, cycle=CYCLE, settings=SampleSettings(**settings), **files)
    qc, hvg = (pd.read_csv(files[name], sep="\t") for name in ("qc", "hvg"))
    return anndata.read_h5ad(files["h5ad"]), qc.iloc[0], hvg


def test_hdf5_and_folder_are_read_identically(tenx):
    first = read_counts(path=tenx / "filtered_feature_bc_matrix.h5")
    second = read_counts(path=tenx / "filtered_feature_bc_matrix")
    assert same_counts(first, second)
    assert list(first.var["gene_id"]) == list(second.var["gene_id"])
    assert (first.X != second.X).nnz == 0
    assert (first.shape, first.X.nnz, first.X.sum()) == ((1107, 507), 23866, 41549)  # by the data's own description
    assert (first.uns["reading"]["format"], second.uns["reading"]["format"]) == ("10x_h5_v3", "mtx")


def test_counts_are_those_of_other_readers(tenx):
    read = read_counts(path=tenx / "filtered_feature_bc_matrix.h5")
    plain = io.mmread(tenx / "filtered_feature_bc_matrix" / "matrix.mtx.gz").T.tocsr()
    assert (abs(read.X - plain) > 0).nnz == 0
    with h5py.File(tenx / "filtered_feature_bc_matrix.h5") as handle:
        assert list(read.obs_names) == list(handle["matrix/barcodes"].asstr()[:])
        assert list(read.var["gene_id"]) == list(handle["matrix/features/id"].asstr()[:])


def test_its_cells_are_too_poor_and_the_sample_is_excluded(tenx, tmp_path):
    adata, qc, hvg = process(tenx / "filtered_feature_bc_matrix.h5", tmp_path)
    assert (qc["status"], adata.n_obs, len(hvg)) == ("excluded", 0, 0)
    assert qc["reason"].startswith(
        "0 of 1107 barcodes are cells, fewer than 50 (failed: low_counts 1107, low_genes 1107"
    )


def test_with_lower_bounds_it_runs_to_the_end(tenx, tmp_path):
    quality = QualitySettings(min_counts=10, min_genes=5, guard_top20=100.0)
    adata, qc, hvg = process(tenx / "filtered_feature_bc_matrix", tmp_path, quality=quality)
    assert qc["status"] == "ok"
    assert adata.n_obs == qc["n_kept"] > 900
    assert "no mitochondrial genes" in qc["notes"]
    assert "no cell cycle" in qc["notes"]
    assert 100 < len(hvg) <= 201  # genes detected in all
    assert (np.asarray(adata.X.sum(axis=1)).ravel() >= 10).all()


def test_log_values_of_the_melanoma_set_are_refused(public_data, tmp_path):
    folder = public_data / "single_cell" / "scfeatures"
    if not folder.is_dir():
        pytest.skip(f"no public single-cell data: {folder.name} is not there")
    values = sparse.csr_matrix(io.mmread(folder / "matrix.mtx.gz").T)
    genes = (folder / "genes.tsv").read_text().split("\n")
    names = [line.split("\t")[-1] for line in genes if line][-values.shape[1] :]
    anndata.AnnData(values, var=pd.DataFrame(index=names)).write_h5ad(tmp_path / "log.h5ad")
    with pytest.raises(GutaxisError, match="X09"):
        read_counts(path=tmp_path / "log.h5ad")

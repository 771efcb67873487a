"""One sample from file to files: what is kept and why, what is excluded, the same bytes every time."""

import os
import subprocess
import sys

import anndata
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse
from sklearn.metrics import roc_auc_score
from tests.cell_files import CYCLE, PROJECT, sample, write_folder, write_v3

from gutaxis.errors import GutaxisError
from gutaxis.single_cell.doublets import DoubletSettings
from gutaxis.single_cell.quality import QualitySettings
from gutaxis.single_cell.sample import (
    CELL_COLUMNS,
    HVG_COLUMNS,
    OBS_COLUMNS,
    QC_COLUMNS,
    SampleSettings,
    process_sample,
)

pytestmark = pytest.mark.unit
CELLS = sample(n_cells=450, n_genes=800, doublets=0.06, dead=0.08, seed=9)
FILES = ("h5ad", "cells", "qc", "hvg")


def run(folder, path, **settings):
    """Process a sample; return its files."""
    folder.mkdir(exist_ok=True)
    files = dict(
        zip(FILES, (folder / f"S1.{end}" for end in ("h5ad", "cells.tsv.gz", "qc.tsv", "hvg.tsv")), strict=True)
    )
    process_sample(sample="S1", path=path, cycle=CYCLE, settings=SampleSettings(**settings), **files)
    return files


def read(files):
    """Read back what was written."""
    tables = {name: pd.read_csv(files[name], sep="\t") for name in FILES[1:]}
    return anndata.read_h5ad(files["h5ad"]), tables["cells"], tables["qc"].iloc[0], tables["hvg"]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    return run(folder, write_v3(folder / "matrix.h5", CELLS))


def test_the_files_have_the_columns_that_others_rely_on(done):
    adata, cells, qc, hvg = read(done)
    assert list(adata.obs.columns) == OBS_COLUMNS
    assert list(adata.var.columns) == ["gene_id"]
    assert list(cells.columns) == CELL_COLUMNS
    assert list(qc.index) == QC_COLUMNS
    assert list(hvg.columns) == HVG_COLUMNS
    assert isinstance(adata.X, sparse.csr_matrix)
    assert adata.X.dtype == np.float32
    assert list(adata.var_names) == list(CELLS.var_names)


def test_every_barcode_is_told_and_the_kept_ones_have_their_counts(done):
    adata, cells, qc, _ = read(done)
    assert list(cells["barcode"]) == list(CELLS.obs_names)
    assert list(cells["cell"]) == [f"S1_{name}" for name in CELLS.obs_names]
    kept = cells["kept"] == "Y"
    assert list(adata.obs_names) == list(cells.loc[kept, "cell"])
    assert (abs(adata.X - CELLS[kept.to_numpy()].X) > 0).nnz == 0
    assert cells.loc[kept, "reason"].isna().all()
    assert cells.loc[~kept, "reason"].notna().all()
    assert cells.loc[kept, "phase"].notna().all()
    assert cells.loc[~kept, "phase"].isna().all()
    scored = cells["doublet_score"].notna()
    assert set(cells.loc[~scored, "reason"].str.split(";").explode()) <= {"low_counts", "low_genes", "mito", "top20"}
    np.testing.assert_allclose(adata.obs["doublet_score"], cells.loc[kept, "doublet_score"], rtol=1e-9)
    assert (qc["n_barcodes"], qc["n_kept"], qc["n_genes"], qc["status"]) == (450, kept.sum(), 800, "ok")
    failed = cells["reason"].dropna().str.split(";").explode().value_counts()
    assert (qc["n_mito"], qc["n_doublets"]) == (failed["mito"], failed["doublet"])
    assert qc["median_counts"] == cells.loc[kept, "total_counts"].median()


def test_planted_damage_and_doublets_are_found(done):
    _, cells, qc, _ = read(done)
    truth = CELLS.obs.reset_index()
    bad = cells["reason"].fillna("").str.contains("mito|low")
    assert bad[truth["dead"]].mean() > 0.95
    assert bad[~truth["dead"]].mean() < 0.02
    scored = cells["doublet_score"].notna()
    assert roc_auc_score(truth["doublet"][scored], cells["doublet_score"][scored]) > 0.93
    assert qc["threshold_source"] == "auto"
    called = cells["reason"] == "doublet"
    assert called[~truth["doublet"]].sum() <= 2
    assert called.sum() >= 5


def test_variable_genes_are_those_of_scanpy_on_the_kept_cells(done):
    adata, _, _, hvg = read(done)
    sc.pp.filter_genes(adata, min_cells=1)
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    sc.pp.highly_variable_genes(adata, flavor="seurat", n_top_genes=800)
    assert list(hvg["gene"]) == list(adata.var_names)
    np.testing.assert_allclose(hvg["dispersions_norm"], adata.var["dispersions_norm"], rtol=1e-6)
    few = SampleSettings.from_config(config={}, genes=100)
    assert few.genes == 100


def test_a_sample_calls_as_many_variable_genes_as_asked(tmp_path):
    hvg = read(run(tmp_path / "a", write_v3(tmp_path / "a.h5", CELLS), genes=100))[3]
    assert hvg["highly_variable"].sum() == 100
    assert hvg.loc[hvg["highly_variable"] == 1, "dispersions_norm"].min() >= hvg.loc[
        hvg["highly_variable"] == 0, "dispersions_norm"
    ].quantile(0.95)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (sample(n_cells=40, n_genes=800), "40 of 40 barcodes are cells, fewer than 50"),
        (sample(n_cells=120, n_genes=800, dead=1.0), "0 of 120 barcodes are cells, fewer than 50 (failed: "),
        (sample(n_cells=80, n_genes=800, umi=100), "(failed: low_counts 80, low_genes 80)"),
    ],
)
def test_too_few_cells_exclude_a_sample_and_the_run_goes_on(tmp_path, cells, words):
    adata, table, qc, hvg = read(run(tmp_path / "a", write_v3(tmp_path / "a.h5", cells)))
    assert (qc["status"], qc["n_kept"], qc["threshold_source"]) == ("excluded", 0, "none")
    assert words in qc["reason"]
    assert adata.shape == (0, 800)
    assert list(adata.obs.columns) == OBS_COLUMNS
    assert list(adata.var.columns) == ["gene_id"]
    assert len(hvg) == 0
    assert len(table) == cells.n_obs
    assert set(table["kept"]) == {"N"}
    assert table["reason"].notna().all()
    if cells.n_obs == 40:
        assert set(table["reason"]) == {"sample_excluded"}


def test_files_of_an_excluded_sample_join_others(tmp_path, done):
    empty = read(run(tmp_path / "a", write_v3(tmp_path / "a.h5", sample(n_cells=40, n_genes=800))))[0]
    full = read(done)[0]
    joined = anndata.concat([full, empty])
    assert joined.n_obs == full.n_obs
    assert dict(empty.obs.dtypes.astype(str)) == dict(full.obs.dtypes.astype(str))


def test_what_cannot_be_judged_is_said(tmp_path):
    plain = sample(n_cells=120, n_genes=400)
    plain = plain[:, [name.startswith("GENE") for name in plain.var_names]].copy()
    adata, cells, qc, _ = read(
        run(
            tmp_path / "a",
            write_v3(tmp_path / "a.h5", plain),
            quality=QualitySettings(min_genes=100),
            doublets=DoubletSettings(min_cells=200),
        )
    )
    assert qc["status"] == "ok"
    for words in ("no mitochondrial genes", "no cell cycle", "doublets not looked for: 120 cells, fewer than 200"):
        assert words in qc["notes"]
    assert adata.n_obs == qc["n_kept"] > 100
    assert cells[["pct_mito", "phase", "doublet_score"]].isna().all().all()
    assert adata.obs[["pct_mito", "phase", "doublet_score", "s_score"]].isna().all().all()
    assert np.isnan(qc["doublet_threshold"])
    assert np.isnan(qc["median_pct_mito"])


def test_settings_and_their_origin_are_recorded(tmp_path):
    soup = anndata.AnnData(CELLS.X * 1.3, obs=CELLS.obs[[]].copy(), var=CELLS.var.copy())
    soup.var_names = ["CD3E", "CD3E", *CELLS.var_names[2:]]
    soup.write_h5ad(tmp_path / "soup.h5ad")
    files = run(tmp_path / "a", tmp_path / "soup.h5ad", ambient="soupx", doublets=DoubletSettings(threshold=0.9))
    adata, _, qc, _ = read(files)
    assert (qc["ambient"], qc["format"], qc["source"], qc["n_duplicated_symbols"]) == ("soupx", "h5ad", "X", 1)
    assert (qc["doublet_threshold"], qc["threshold_source"], qc["n_doublets"]) == (0.9, "config", 0)
    assert list(adata.var_names[:2]) == ["CD3E", "CD3E-1"]
    assert (adata.X.data == np.rint(adata.X.data)).all()


def test_wrong_files_are_told_and_nothing_is_written(tmp_path):
    folder = write_folder(tmp_path / "m", CELLS)
    (folder / "barcodes.tsv.gz").unlink()
    with pytest.raises(GutaxisError, match="X03 m"):
        run(tmp_path / "a", folder)
    assert list((tmp_path / "a").iterdir()) == []


def test_a_sample_may_override_the_config():
    config = {
        "input": {"genome": None, "ambient": "none"},
        "quality": {"min_genes": 100},
        "doublets": {"expected_rate": 0.05},
        "annotation": {},
    }
    common = SampleSettings.from_config(config=config, seed=7)
    assert common == SampleSettings(
        quality=QualitySettings(min_genes=100), doublets=DoubletSettings(expected_rate=0.05), seed=7
    )
    override = {"doublets": {"threshold": 0.3}, "input": {"genome": "GRCh38"}}
    one = SampleSettings.from_config(config=config, override=override, seed=7)
    assert one.genome == "GRCh38"
    assert one.doublets == DoubletSettings(expected_rate=0.05, threshold=0.3)
    assert one.quality == common.quality
    for wrong, name in (({"doublets": {"treshold": 1}}, "doublets.treshold"), ({"hvg": {}}, "hvg")):
        with pytest.raises(GutaxisError, match=f"X14 config column=single_cell.samples value={name}"):
            SampleSettings.from_config(config=config, override=wrong)


SCRIPT = """
import sys
from pathlib import Path
from gutaxis.single_cell.sample import SampleSettings, process_sample
matrix, cycle, out = map(Path, sys.argv[1:])
out.mkdir()
ends = {"h5ad": "S1.h5ad", "cells": "S1.cells.tsv.gz", "qc": "S1.qc.tsv", "hvg": "S1.hvg.tsv"}
files = {name: out / end for name, end in ends.items()}
process_sample(sample="S1", path=matrix, cycle=cycle, settings=SampleSettings(), **files)
"""


def test_bytes_repeat_in_other_processes_and_with_more_threads(tmp_path, done):
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    other = "2" if os.environ.get("OMP_NUM_THREADS") == "1" else "1"
    environment = {**os.environ, **dict.fromkeys(names, other), "PYTHONPATH": str(PROJECT / "scripts")}
    command = [sys.executable, "-c", SCRIPT, done["h5ad"].parent / "matrix.h5", CYCLE, tmp_path / "out"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    for path in done.values():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes(), f"{path.name}, {other} threads"

"""The log-normalised matrix, filled sample by sample, against scanpy on all genes."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse
from tests.cell_samples import write_sample, write_samples

from gutaxis.errors import GutaxisError
from gutaxis.single_cell.matrix import log_matrix, read_sample, read_samples

pytestmark = pytest.mark.unit


@pytest.fixture
def files(tmp_path):
    return write_samples(folder=tmp_path, sizes=[40, 0, 25, 30])


def scanpys(path, genes: list[str]) -> np.ndarray:
    adata = ad.read_h5ad(path)
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    return adata[:, genes].X.toarray()


@pytest.mark.oracle
def test_the_size_of_a_cell_is_over_all_genes(files):
    genes = ["GENE7", "GENE299", "GENE0", "GENE50"]
    made = log_matrix(samples=files, genes=pd.Index(genes))
    expected = np.vstack([scanpys(files[sample], genes) for sample in ("S01", "S03", "S04")])
    np.testing.assert_allclose(made.values.toarray(), expected, rtol=1e-6)
    assert made.values.dtype == np.float32
    assert made.values.indices.dtype == made.values.indptr.dtype == np.int32
    assert made.cells.tolist()[:1] + made.cells.tolist()[-1:] == ["S01_00000", "S04_00029"]
    assert np.bincount(made.sample).tolist() == [40, 0, 25, 30]


def test_genes_are_found_by_name_and_absent_ones_are_zero(files, tmp_path):
    other = ad.read_h5ad(files["S03"])[:, [f"GENE{number}" for number in range(299, 1, -1)]].copy()
    files["S03"] = write_sample(
        path=tmp_path / "other.h5ad",
        sample="S03",
        counts=sparse.csr_matrix(other.X),
        genes=other.var_names.tolist(),
        types=np.zeros(25),
    )
    made = log_matrix(samples=files, genes=pd.Index(["GENE7", "GENE0", "GENE50"]))
    part = made.values[made.sample == 2].toarray()
    totals = other.X.toarray().sum(axis=1)
    for column, gene in ((0, "GENE7"), (2, "GENE50")):
        counts = other[:, gene].X.toarray().ravel()
        assert counts.any()
        np.testing.assert_allclose(part[:, column], np.log1p(counts / totals * 1e4), rtol=1e-5)
    assert not part[:, 1].any()


def test_a_cell_without_counts_is_a_row_of_zeros(tmp_path):
    counts = sparse.csr_matrix(np.array([[0, 0], [1, 3]], dtype=np.float32))
    path = write_sample(path=tmp_path / "a.h5ad", sample="a", counts=counts, genes=["X", "Y"], types=np.zeros(2))
    made = log_matrix(samples={"a": path}, genes=pd.Index(["X", "Y"]))
    np.testing.assert_allclose(made.values.toarray(), [[0, 0], np.log1p([2500, 7500])], rtol=1e-6)


def test_the_order_of_the_sheet_changes_nothing(files):
    genes = pd.Index(["GENE1", "GENE2"])
    one, other = log_matrix(samples=files, genes=genes), log_matrix(samples=dict(reversed(files.items())), genes=genes)
    assert one.cells.equals(other.cells)
    assert (one.values != other.values).nnz == 0


def test_only_the_wanted_cells_are_read_in_the_order_of_the_file(files):
    cells = pd.Index(["S04_00003", "S01_00009", "S01_00002"])
    assert read_sample(path=files["S01"], cells=cells).cells.tolist() == ["S01_00002", "S01_00009"]
    read = dict(read_samples(samples=files, cells=cells))
    assert list(read) == ["S01", "S04"], "samples without a wanted cell are not there"
    assert (read["S04"].counts != ad.read_h5ad(files["S04"]).X[3]).nnz == 0


def test_labels_of_another_run_are_told(files):
    with pytest.raises(GutaxisError) as caught:
        log_matrix(samples=files, genes=pd.Index(["GENE1"]), cells=pd.Index(["S01_00001", "S01_99999", "S09_00000"]))
    [problem] = caught.value.problems
    assert (problem.code, problem.value) == ("X20", "S01_99999")
    assert problem.wrong.startswith("2 of 3 labelled cells")


def test_every_sample_with_other_gene_names_is_told(files, tmp_path):
    for sample in ("S01", "S04"):
        read = ad.read_h5ad(files[sample])
        files[sample] = write_sample(
            path=tmp_path / f"{sample}.ensembl.h5ad",
            sample=sample,
            counts=sparse.csr_matrix(read.X),
            genes=[f"ENSG{number:011d}" for number in range(read.n_vars - 1)] + ["GENE3"],
            types=np.zeros(read.n_obs),
        )
    with pytest.raises(GutaxisError) as caught:
        log_matrix(samples=files, genes=pd.Index([f"GENE{number}" for number in range(20)]))
    found = caught.value.problems
    assert [(problem.code, problem.file) for problem in found] == [
        ("X21", "S01.ensembl.h5ad"),
        ("X21", "S04.ensembl.h5ad"),
    ]
    assert found[0].value == "ENSG00000000000"
    assert "only 1 of the 20" in found[0].wrong


def test_nothing_to_read_is_a_matrix_without_rows(tmp_path):
    files = write_samples(folder=tmp_path, sizes=[0, 0])
    made = log_matrix(samples=files, genes=pd.Index(["GENE1"]))
    assert made.values.shape == (0, 1)
    assert len(made.cells) == len(made.sample) == 0

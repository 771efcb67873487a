"""Counts of a sample: every format gives the same matrix; what is no matrix of human counts is refused by name."""

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from tests.cell_files import same_counts, sample, write_folder, write_v2, write_v3

from gutaxis.errors import GutaxisError
from gutaxis.single_cell.inputs import read_counts
from gutaxis.single_cell.matrix_parts import RAW_BARCODES

pytestmark = pytest.mark.unit
CELLS = sample(n_cells=40, n_genes=150, seed=5)


def refused(path, code, *words, **options):
    with pytest.raises(GutaxisError) as caught:
        read_counts(path=path, **options)
    text = str(caught.value)
    assert {problem.code for problem in caught.value.problems} == {code}, text
    for word in (*words, path.name):
        assert word in text, text
    assert str(path.parent) not in text
    return text


def renamed(names=None, ids=None):
    made = CELLS.copy()
    made.var["gene_ids"] = list(ids if ids is not None else made.var["gene_ids"])
    made.var_names = list(names if names is not None else made.var_names)
    return made


def with_values(values):
    return anndata.AnnData(values, obs=CELLS.obs[[]].copy(), var=CELLS.var.copy())


def h5ad(tmp_path, adata, name="a.h5ad"):
    adata.write_h5ad(tmp_path / name)
    return tmp_path / name


FORMATS = {
    "v3": lambda path: write_v3(path / "a.h5", CELLS),
    "v2": lambda path: write_v2(path / "a.h5", {"GRCh38": CELLS}),
    "v3_without_types": lambda path: write_v3(path / "a.h5", CELLS, leave_out=["feature_type"]),
    "folder_v3": lambda path: write_folder(path / "m", CELLS),
    "folder_v2": lambda path: write_folder(path / "m", CELLS, features="genes.tsv", end=""),
    "folder_starsolo": lambda path: write_folder(path / "m", CELLS, end=""),
    "folder_v2_gz": lambda path: write_folder(path / "m", CELLS, features="genes.tsv"),
    "h5ad": lambda path: h5ad(path, CELLS),
    "h5ad_dense": lambda path: h5ad(path, with_values(CELLS.X.toarray())),
    "h5ad_columns": lambda path: h5ad(path, with_values(sparse.csc_matrix(CELLS.X, dtype=np.int64))),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_matrix(tmp_path, name):
    read = read_counts(path=FORMATS[name](tmp_path))
    assert same_counts(read, CELLS)
    assert list(read.var["gene_id"]) == list(CELLS.var["gene_ids"])
    assert isinstance(read.X, sparse.csr_matrix)
    assert (read.X.dtype, read.X.indices.dtype, read.X.has_sorted_indices) == (np.float32, np.int32, True)
    assert list(read.obs.columns) == []
    reading = read.uns["reading"]
    assert (reading["ambient"], reading["n_duplicated_symbols"], reading["notes"]) == ("none", 0, [])
    assert reading["genome"] == ("GRCh38" if name in ("v3", "v2", "v3_without_types") else None)


def test_antibodies_are_left_out(tmp_path):
    kinds = ["Gene Expression"] * 100 + ["Antibody Capture"] * 50
    for path in (write_v3(tmp_path / "a.h5", CELLS, types=kinds), write_folder(tmp_path / "m", CELLS, types=kinds)):
        assert same_counts(read_counts(path=path), CELLS[:, :100])


def test_a_gene_called_na_is_a_gene(tmp_path):
    names = [*CELLS.var_names[:-1], "NA"]
    read = read_counts(path=write_folder(tmp_path / "m", renamed(names=names)))
    assert list(read.var_names) == names


def test_one_genome_of_several_has_to_be_named(tmp_path):
    mouse = renamed(names=[name.capitalize() for name in CELLS.var_names])
    both = {"GRCh38": CELLS, "mm10": mouse}
    path = write_v2(tmp_path / "v2.h5", both)
    assert "GRCh38, mm10" in refused(path, "X05", "2 genomes")
    assert "GRCh38, mm10" in refused(path, "X05", "hg19", genome="hg19")
    assert same_counts(read_counts(path=path, genome="GRCh38"), CELLS)
    refused(path, "X06", "mouse", genome="mm10")
    prefixed = anndata.concat(
        [
            renamed(
                names=[f"{genome}_{name}" for name in part.var_names],
                ids=[f"{genome}_{i}" for i in part.var["gene_ids"]],
            )
            for genome, part in both.items()
        ],
        axis=1,
    )
    genomes = ["GRCh38"] * 150 + ["mm10"] * 150
    for path in (
        write_v3(tmp_path / "v3.h5", prefixed, genomes=genomes),
        write_folder(tmp_path / "m", prefixed),
        h5ad(tmp_path, prefixed),
    ):
        refused(path, "X05", "GRCh38, mm10")
        read = read_counts(path=path, genome="GRCh38")
        assert same_counts(read, CELLS)
        assert list(read.var["gene_id"]) == list(CELLS.var["gene_ids"])
        assert read.uns["reading"]["genome"] == "GRCh38"


def test_damaged_files_are_named(tmp_path):
    for path in (write_v3(tmp_path / "a.h5", CELLS), h5ad(tmp_path, CELLS)):
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        refused(path, "X01", "truncated")
        path.write_bytes(b"")
        refused(path, "X01", "not HDF5")
    with h5py.File(write_v3(tmp_path / "b.h5", CELLS), "a") as handle:
        del handle["matrix/indptr"]
    refused(tmp_path / "b.h5", "X01", "lacks indptr")
    with h5py.File(write_v3(tmp_path / "c.h5", CELLS), "a") as handle:
        handle["matrix/indices"][:] = 9999
    refused(tmp_path / "c.h5", "X01", "damaged")
    with h5py.File(write_v3(tmp_path / "d.h5", CELLS), "a") as handle:
        handle["matrix/shape"][:] = [149, 40]
    refused(tmp_path / "d.h5", "X01", "149 x 40")
    with h5py.File(h5ad(tmp_path, CELLS, "e.h5ad"), "a") as handle:
        handle["X/indices"][:] = 9999
    refused(tmp_path / "e.h5ad", "X01", "damaged")
    folder = write_folder(tmp_path / "m", CELLS)
    packed = (folder / "matrix.mtx.gz").read_bytes()
    (folder / "matrix.mtx.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(GutaxisError, match=r"X01 matrix\.mtx\.gz"):
        read_counts(path=folder)
    refused(tmp_path / "gone.h5", "X01", "no such file")


def test_other_formats_are_named(tmp_path):
    (tmp_path / "counts.csv").write_text("cell,CD3E\nA,1\n")
    refused(tmp_path / "counts.csv", "X02", "h5ad")
    refused(write_folder(tmp_path / "m", CELLS) / "matrix.mtx.gz", "X02", "Name the folder")
    with h5py.File(tmp_path / "other.h5", "w") as handle:
        handle["x"] = [1]
    refused(tmp_path / "other.h5", "X01", "Copy it again")


def test_folders_must_hold_one_of_each_file(tmp_path):
    folder = write_folder(tmp_path / "m", CELLS)
    write_folder(folder, CELLS, end="")
    text = refused(folder, "X03", "more than one matrix.mtx")
    assert text.count("X03") == 3
    for name in ("matrix.mtx", "barcodes.tsv"):
        (folder / name).unlink()
    (folder / "features.tsv").unlink()
    (folder / "barcodes.tsv.gz").unlink()
    assert refused(folder, "X03", "no barcodes.tsv", "features.tsv.gz, matrix.mtx.gz").count("X03") == 1
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "empty", "X03", "nothing").count("X03") == 3
    folder = write_folder(tmp_path / "n", CELLS, end="")
    (folder / "features.tsv").write_text((folder / "features.tsv").read_text() + "ENSG1\tCD3E\tGene Expression\n")
    with pytest.raises(GutaxisError, match=r"X04 features\.tsv value=151: 151 lines, but the matrix has 150"):
        read_counts(path=folder)


def test_other_species_are_refused(tmp_path):
    style = [name.capitalize() for name in CELLS.var_names]
    refused(write_v3(tmp_path / "style.h5", renamed(names=style)), "X06", "mouse")
    ids = [f"ENSMUSG{n:011d}" for n in range(150)]
    refused(write_v3(tmp_path / "ids.h5", renamed(ids=ids)), "X06", "mouse")
    refused(write_v3(tmp_path / "both.h5", renamed(names=ids, ids=ids)), "X06", "mouse")
    # 40 % of the symbols are written like those of mice: open reading frames and pseudogenes are, and no mouse is told.
    some = [name.capitalize() if n % 5 < 2 else name for n, name in enumerate(CELLS.var_names)]
    assert list(read_counts(path=write_v3(tmp_path / "some.h5", renamed(names=some))).var_names) == some


def test_ensembl_ids_need_symbols_beside_them(tmp_path):
    ids = list(CELLS.var["gene_ids"])
    refused(write_v3(tmp_path / "a.h5", renamed(names=ids)), "X07", ids[0], "gene_name")
    swapped = renamed(names=ids, ids=CELLS.var_names)
    table = renamed(names=ids)
    table.var = pd.DataFrame(
        {
            "chromosome": "1",
            "length": np.arange(150),
            "described": [f"the gene {name}" for name in CELLS.var_names],
            "feature_name": pd.Categorical(CELLS.var_names),
        },
        index=ids,
    )
    for path, column in ((write_v3(tmp_path / "b.h5", swapped), "gene_id"), (h5ad(tmp_path, table), "feature_name")):
        read = read_counts(path=path)
        assert same_counts(read, CELLS)
        assert list(read.var["gene_id"]) == ids
        assert read.uns["reading"]["notes"] == [
            f"gene symbols were taken from the column {column}: the index holds Ensembl ids"
        ]
    table.var = table.var.drop(columns="feature_name")
    refused(h5ad(tmp_path, table, "none.h5ad"), "X07")


def test_repeated_symbols_are_made_unique_and_missing_ones_named_by_id(tmp_path):
    names = ["CD3E", "CD3E", "CD3E", "", *CELLS.var_names[4:]]
    read = read_counts(path=write_v3(tmp_path / "a.h5", renamed(names=names)))
    assert list(read.var_names[:4]) == ["CD3E", "CD3E-1", "CD3E-2", CELLS.var["gene_ids"].iloc[3]]
    assert read.uns["reading"]["n_duplicated_symbols"] == 2
    assert "2 repeated symbols" in read.uns["reading"]["notes"][0]
    assert (abs(read.X - CELLS.X) > 0).nnz == 0


@pytest.mark.parametrize("shape", [(0, 150), (40, 0), (40, 150)])
def test_empty_matrices_are_refused(tmp_path, shape):
    empty = CELLS[: shape[0], : shape[1]].copy()
    empty.X = sparse.csr_matrix(shape, dtype=np.float32)
    for path in (write_v3(tmp_path / "a.h5", empty), h5ad(tmp_path, empty), write_folder(tmp_path / "m", empty)):
        refused(path, "X08", "empty")


def test_values_that_are_no_counts_are_refused(tmp_path):
    counts = CELLS.X.toarray()
    logged = np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4).astype(np.float32)
    refused(h5ad(tmp_path, with_values(logged)), "X09", "log-normalised values (10000 per cell)", "layers")
    # Only some of the genes: the sums differ, the size gives it away.
    part = with_values(logged)[:, :60].copy()
    refused(h5ad(tmp_path, part, "part.h5ad"), "X09", "as small as logarithms")
    scaled = counts / counts.sum(axis=1, keepdims=True) * 1e4
    refused(h5ad(tmp_path, with_values(scaled), "cpm.h5ad"), "X09", "normalised to 10000 per cell")
    refused(h5ad(tmp_path, with_values(counts * 1.37), "soup.h5ad"), "X09", "fractions", "single_cell.input.ambient")
    for value in (-1.0, np.nan, np.inf):
        wrong = counts.copy()
        wrong[3, 4] = value
        refused(h5ad(tmp_path, with_values(wrong), "wrong.h5ad"), "X10", "negative, infinite or missing")


def test_corrected_counts_are_rounded_and_recorded(tmp_path):
    counts = CELLS.X.toarray().astype(float)
    path = h5ad(tmp_path, with_values(np.maximum(counts - 0.3 * (counts > 0), 0)))
    refused(path, "X09", "ambient")
    read = read_counts(path=path, ambient="soupx")
    assert same_counts(read, CELLS)
    assert read.uns["reading"]["ambient"] == "soupx"
    assert read.uns["reading"]["share_rounded"] == 1
    assert "soupx" in read.uns["reading"]["notes"][0]
    whole = read_counts(path=h5ad(tmp_path, CELLS, "whole.h5ad"), ambient="cellbender")
    assert (whole.uns["reading"]["ambient"], whole.uns["reading"]["share_rounded"]) == ("cellbender", 0)
    logged = np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4)
    refused(h5ad(tmp_path, with_values(logged), "log.h5ad"), "X13", "log-normalised", ambient="soupx")


def test_counts_of_an_h5ad_are_found_where_they_are(tmp_path):
    logged = with_values(sparse.csr_matrix(np.log1p(CELLS.X.toarray() / 7)))
    layered = logged.copy()
    layered.layers["counts"] = CELLS.X.copy()
    raw = with_values(CELLS.X)
    raw.raw = raw.copy()
    raw.X = logged.X
    raw = raw[:, :50].copy()  # raw keeps all genes
    only = anndata.AnnData(obs=CELLS.obs[[]], var=CELLS.var, layers={"counts": CELLS.X})
    for number, (adata, source) in enumerate(((layered, "layers[counts]"), (raw, "raw"), (only, "layers[counts]"))):
        read = read_counts(path=h5ad(tmp_path, adata, f"{number}.h5ad"))
        assert same_counts(read, CELLS)
        assert read.uns["reading"]["source"] == source
    refused(h5ad(tmp_path, logged, "log.h5ad"), "X09", "X holds")


def test_all_droplets_are_refused_before_they_are_read(tmp_path):
    n = RAW_BARCODES + 1
    droplets = anndata.AnnData(
        sparse.random(n, 30, density=0.1, format="csr", dtype=np.float32, rng=np.random.default_rng(1)),
        obs=pd.DataFrame(index=[f"B{number}" for number in range(n)]),
        var=CELLS.var.iloc[:30],
    )
    droplets.X.data[:] = 1
    for path in (write_v3(tmp_path / "raw.h5", droplets), h5ad(tmp_path, droplets)):
        refused(path, "X11", str(n), "filtered_feature_bc_matrix.h5")
    with pytest.raises(GutaxisError, match=r"X11 matrix\.mtx"):
        read_counts(path=write_folder(tmp_path / "m", droplets, end=""))


def test_barcodes_must_name_cells(tmp_path):
    twice = CELLS.copy()
    twice.obs_names = ["A", "A", *CELLS.obs_names[2:]]
    refused(write_v3(tmp_path / "a.h5", twice), "X12", "value=A")

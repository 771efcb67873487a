"""Highly variable genes: the vote of the samples against scanpy on one matrix of all of them."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse
from tests.cell_samples import draw_counts, profiles

from gutaxis.single_cell.hvg import count_votes, read_votes, sample_votes

pytestmark = pytest.mark.unit
N_TOP = 60


def votes(*rows: tuple[str, int, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["gene", "highly_variable", "dispersions_norm"])


@pytest.fixture(scope="module")
def joint() -> ad.AnnData:
    """Three samples; some genes without counts in a sample, one with the same share in every cell of one sample."""
    shares = profiles(n_types=4, n_genes=400, n_markers=25)
    blocks = []
    for number in range(3):
        rng = np.random.default_rng(number)
        counts = draw_counts(shares=shares, types=rng.integers(0, 4, 150), depth=500, rng=rng).tolil()
        counts[:, 5 + number] = 0
        counts[:, 3] = 0
        blocks.append(counts.tocsr())
    counts = sparse.vstack(blocks, format="csr")
    names = [f"G{number}" for number in np.random.default_rng(9).permutation(400)]
    obs = pd.DataFrame({"sample": np.repeat(["a", "b", "c"], 150)}, index=[str(number) for number in range(450)])
    return ad.AnnData(counts, obs=obs, var=pd.DataFrame(index=names))


@pytest.mark.oracle
def test_the_vote_is_scanpys_with_a_batch_key(joint):
    tables = {
        sample: sample_votes(counts=joint[joint.obs["sample"] == sample].X, genes=joint.var_names, n_top=N_TOP)
        for sample in ("c", "a", "b")
    }
    ours = count_votes(tables=tables, n_top=N_TOP, exclude_receptors=False).set_index("gene")

    scanpys = joint.copy()
    sc.pp.normalize_total(scanpys, target_sum=1e4)
    sc.pp.log1p(scanpys)
    found = sc.pp.highly_variable_genes(scanpys, batch_key="sample", n_top_genes=N_TOP, inplace=False)
    assert set(ours.index) == set(found.index[found["highly_variable"]])
    same = found.loc[ours.index]
    assert ours["n_samples"].tolist() == same["highly_variable_nbatches"].tolist()
    np.testing.assert_allclose(ours["dispersions_norm"], same["dispersions_norm"], rtol=1e-9)
    ordered = same.sort_values(["highly_variable_nbatches", "dispersions_norm"], ascending=False)
    assert ours.index.tolist() == ordered.index.tolist()
    assert set(range(1, 4)) & set(ours["n_samples"]) > {3}, (
        "the samples should differ somewhere, else nothing was shown"
    )


@pytest.mark.oracle
def test_one_sample_calls_what_scanpy_calls(joint):
    one = joint[joint.obs["sample"] == "a"].copy()
    ours = sample_votes(counts=one.X, genes=one.var_names, n_top=N_TOP).set_index("gene")
    assert "G" + joint.var_names[3][1:] not in ours.index, "a gene without counts has no row"
    sc.pp.filter_genes(one, min_cells=1)
    sc.pp.normalize_total(one, target_sum=1e4)
    sc.pp.log1p(one)
    found = sc.pp.highly_variable_genes(one, n_top_genes=N_TOP, inplace=False).set_axis(one.var_names)
    assert ours.index.tolist() == found.index.tolist()
    assert ours["highly_variable"].astype(bool).tolist() == found["highly_variable"].tolist()
    np.testing.assert_allclose(ours["dispersions_norm"], found["dispersions_norm"], rtol=1e-12)


def test_counts_stay_as_they_are(joint):
    counts = joint[:150].X.copy()
    sample_votes(counts=counts, genes=joint.var_names, n_top=N_TOP)
    assert (counts != joint[:150].X).nnz == 0


def test_ties_are_broken_by_votes_then_dispersion_then_name():
    tables = {
        "a": votes(("LOW", 1, 0.5), ("ZZ", 1, 2.0), ("AA", 1, 2.0), ("BOTH", 1, 0.1)),
        "b": votes(("LOW", 0, 0.5), ("ZZ", 0, 2.0), ("AA", 0, 2.0), ("BOTH", 1, 0.1)),
    }
    found = count_votes(tables=tables, n_top=10)
    assert found["gene"].tolist() == ["BOTH", "AA", "ZZ", "LOW"]
    assert count_votes(tables=tables, n_top=2)["gene"].tolist() == ["BOTH", "AA"]


def test_absent_genes_count_as_zero_unknown_dispersions_not_at_all():
    tables = {"a": votes(("X", 1, 3.0), ("Y", 1, 3.0)), "b": votes(("Y", 0, np.nan), ("Z", 0, np.nan))}
    found = count_votes(tables=tables, n_top=10).set_index("gene")["dispersions_norm"]
    assert found["X"] == 1.5
    assert found["Y"] == 3.0
    assert found["Z"] == 0.0
    lone = count_votes(tables={"b": votes(("Z", 0, np.nan), ("W", 0, -5.0))}, n_top=10)
    assert lone["gene"].tolist() == ["W", "Z"], "a gene of unknown dispersion comes last"


def test_an_excluded_sample_has_no_say():
    tables = {"a": votes(("X", 1, 3.0)), "excluded": votes()}
    assert count_votes(tables=tables, n_top=5)["dispersions_norm"].tolist() == [3.0]
    nothing = count_votes(tables={"excluded": votes()}, n_top=5)
    assert list(nothing) == ["gene", "n_samples", "dispersions_norm"]
    assert nothing.empty


def test_receptor_segments_are_left_out_constant_parts_are_not():
    stay = ["IGHD", "IGHM", "IGKC", "IGLL1", "TRAC", "TRADD", "TRBC1", "TRDC", "TRGC2", "TRIM28"]
    go = ["IGHD3-10", "IGHJ4", "IGHV3-23", "IGKV1-5", "IGLV2-14", "TRAV1-2", "TRBD1", "TRBJ2-7", "TRDV2", "TRGV9"]
    tables = {"a": votes(*((gene, 1, 1.0) for gene in stay + go))}
    assert count_votes(tables=tables, n_top=50)["gene"].tolist() == sorted(stay)
    assert len(count_votes(tables=tables, n_top=50, exclude_receptors=False)) == 20


@pytest.mark.parametrize("n_cells", [0, 1])
def test_fewer_than_two_cells_do_not_vote(n_cells):
    counts = sparse.csr_matrix(np.ones((n_cells, 4), dtype=np.float32))
    assert sample_votes(counts=counts, genes=pd.Index(list("abcd")), n_top=2).empty


@pytest.mark.filterwarnings("ignore:invalid value encountered in log")
def test_cells_that_are_all_the_same_do_not_fail():
    counts = sparse.csr_matrix(np.tile(np.array([0, 1, 0, 1], dtype=np.float32), (4, 1)))
    found = sample_votes(counts=counts, genes=pd.Index(list("abcd")), n_top=1)
    assert found["gene"].tolist() == ["b", "d"]
    assert found["highly_variable"].nunique() == 1, "two genes that are the same are called the same"


def test_tables_with_odd_gene_names_are_read(tmp_path):
    path = tmp_path / "a.hvg.tsv"
    path.write_text("gene\thighly_variable\tdispersions_norm\nNA\t1\t1.5\nnan\t0\tNA\n")
    table = read_votes(path=path)
    assert table["gene"].tolist() == ["NA", "nan"]
    assert table["dispersions_norm"].isna().tolist() == [False, True]

"""The cell cycle: its table, its phases, and what is said where genes are too few."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse
from tests.cell_files import CYCLE, sample

from gutaxis.errors import GutaxisError
from gutaxis.single_cell.genes import PHASES, foreign_species, read_cycle_genes, score_cycle

pytestmark = pytest.mark.unit
GENES = read_cycle_genes(path=CYCLE)


def dividing(seed=3):
    """150 cells: 50 with the genes of S up, 50 with those of G2M up, 50 with none."""
    rng = np.random.default_rng(seed)
    names = [*GENES["gene"], *(f"GENE{number}" for number in range(400))]
    rate = np.tile(rng.gamma(1, 1, len(names)) + 0.5, (150, 1))
    for number, phase in enumerate(("S", "G2M")):
        chosen = np.isin(names, GENES.loc[GENES["phase"] == phase, "gene"])
        rate[np.ix_(np.arange(50) + 50 * number, chosen)] *= 6
    adata = anndata.AnnData(sparse.csr_matrix(rng.poisson(rate).astype(np.float32)), var=pd.DataFrame(index=names))
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    return adata


def test_the_table_has_the_genes_of_the_paper():
    assert GENES["phase"].value_counts().to_dict() == {"G2M": 54, "S": 43}
    assert GENES.dropna().set_index("previous")["gene"].to_dict() == {
        "MLF1IP": "CENPU", "FAM64A": "PIMREG", "HN1": "JPT1",
    }  # fmt: skip


def test_planted_phases_are_found_and_repeat():
    adata = dividing()
    scores, why = score_cycle(adata=adata, cycle=GENES, seed=0)
    assert why is None
    assert (scores["phase"].iloc[:50] == "S").mean() > 0.95
    assert (scores["phase"].iloc[50:100] == "G2M").mean() > 0.95
    assert (scores["phase"].iloc[100:] == "G1").mean() > 0.9
    assert set(scores["phase"]) <= set(PHASES)
    pd.testing.assert_frame_equal(scores, score_cycle(adata=adata, cycle=GENES, seed=0)[0])
    assert "phase" not in adata.obs


def test_older_symbols_are_found():
    adata = dividing()
    older = GENES.dropna().set_index("gene")["previous"]
    renamed = adata.copy()
    renamed.var_names = [older.get(name, name) for name in adata.var_names]
    expected = score_cycle(adata=adata, cycle=GENES, seed=0)[0]
    without = score_cycle(adata=renamed, cycle=GENES.assign(previous=None), seed=0)[0]
    found = score_cycle(adata=renamed, cycle=GENES, seed=0)[0]
    assert abs(found["s_score"] - expected["s_score"]).max() < 0.2  # other control genes may be drawn
    assert (found["phase"] == expected["phase"]).mean() > 0.95
    assert (found["s_score"] != without["s_score"]).any()


def test_too_few_genes_give_no_phase_and_say_so():
    adata = dividing()
    few = adata[:, ~np.isin(adata.var_names, GENES.loc[GENES["phase"] == "S", "gene"][9:])].copy()
    scores, why = score_cycle(adata=few, cycle=GENES, seed=0)
    assert scores.isna().all().all()
    assert list(scores.index) == list(few.obs_names)
    assert why.startswith("no cell cycle: 9 genes of S and 54 of G2M")
    small, why = score_cycle(adata=adata[:, :150].copy(), cycle=GENES, seed=0)
    assert small.isna().all().all()
    assert "150 with counts" in why


def test_a_broken_table_is_named(tmp_path):
    path = tmp_path / "cycle.tsv"
    for text, words in (
        ("gene\tphase\nMCM5\tS\n", "previous"),
        ("gene\tphase\tprevious\nMCM5\tG1\tNA\n", "value=G1"),
        ("gene\tphase\tprevious\nMCM5\tS\tNA\nMCM5\tG2M\tNA\n", "twice"),
    ):
        path.write_text(text)
        with pytest.raises(GutaxisError, match=r"X15 cycle\.tsv") as caught:
            read_cycle_genes(path=path)
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("symbols", "ids", "expected"),
    [
        (["CD3E", "C1orf112", "MT-ND1", "HLA-DRA"], ["ENSG00000198851"], None),
        (["Cd3e", "Lyz2", "mt-Nd1", "Cd8a"], ["ENSMUSG00000032093"], "mouse"),
        (["Cd3e", "Lyz2", "mt-Nd1", "Cd8a"], [], "mouse or rat"),
        (["CD3E", "LYZ"], ["ENSRNOG00000000001", "ENSRNOG00000000002"], "rat"),
        (["CD3E", "LYZ"], ["ENSGALG00000000001"], "ENSGAL"),
        ([], [], None),
    ],
)
def test_species_are_told(symbols, ids, expected):
    assert foreign_species(symbols=symbols, ids=ids) == expected


def test_symbols_of_the_tests_are_human():
    assert foreign_species(symbols=list(sample(n_cells=2).var_names), ids=[]) is None

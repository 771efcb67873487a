"""Ligand-receptor pairs: which cells are used, what is written where there is nothing, LIANA where it is installed."""

import os
import shutil
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gutaxis.errors import GutaxisError
from gutaxis.single_cell import communication, liana_program
from gutaxis.single_cell.communication import (
    SUMMARY,
    cell_types,
    communicate,
    read_communication,
    summarise_communication,
)

pytestmark = pytest.mark.unit
PROJECT = Path(__file__).resolve().parents[2]

STAND_IN = """\
    import sys
    words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
    cells = open(words["--cells"]).read().splitlines()[1:]
    if {fail!r}:
        print("X50 no liana"); sys.exit(1)
    types = sorted({{line.split("\\t")[1] for line in cells}})
    with open(words["--output"], "w") as out:
        out.write("source\\ttarget\\tligand\\treceptor\\tmagnitude_rank\\tspecificity_rank\\tlr_means\\n")
        if not {empty!r}:
            out.write(f"{{types[0]}}\\t{{types[1]}}\\tCXCL9\\tCXCR3\\t0.001\\t0.0123456789\\t{{len(cells)}}\\n")
            out.write(f"{{types[0]}}\\t{{types[1]}}\\tA\\tNA\\t0.001\\t0.5\\t1\\n")
            out.write(f"{{types[1]}}\\t{{types[0]}}\\tB\\tC\\t0.5\\t0.5\\t1\\n")
"""


def stand_in(monkeypatch, folder, *, fail=False, empty=False) -> None:
    """Put a program that needs no LIANA in the place of ours."""
    program = folder / "stand_in.py"
    program.write_text(textwrap.dedent(STAND_IN).format(fail=fail, empty=empty))
    monkeypatch.setattr(communication, "PROGRAM", program)


def labels(path: Path, **sizes: int) -> Path:
    rows = [(f"S1_{name}{number}", "x", name) for name, size in sizes.items() for number in range(size)]
    pd.DataFrame(rows, columns=["cell", "lineage", "label"]).to_csv(path, sep="\t", index=False)
    return path


def asked(folder: Path, **options) -> dict[str, object]:
    return {"python": sys.executable, "sample": "S1", "counts": folder / "S1.h5ad", "output": folder / "S1.tsv.gz",
            **options}  # fmt: skip


def test_rare_and_unresolved_types_are_left_out(tmp_path):
    path = labels(tmp_path / "l.tsv", b=12, nk=10, plasma=9, unresolved=50, t_nk_unresolved=50)
    types, left = cell_types(labels=path, column="label", min_cells=10)
    assert types.value_counts().to_dict() == {"b": 12, "nk": 10}
    assert left.to_dict() == {"plasma": 9, "t_nk_unresolved": 50, "unresolved": 50}
    assert cell_types(labels=path, column="lineage", min_cells=10)[0].unique().tolist() == ["x"]


def test_pairs_of_a_sample_with_the_types_and_what_was_left_out(tmp_path, monkeypatch):
    stand_in(monkeypatch, tmp_path)
    path = labels(tmp_path / "l.tsv", **{"B cells, (naive)": 11, "nk": 10, "mast": 3})
    communicate(labels=path, **asked(tmp_path))
    table, sizes = read_communication(path=tmp_path / "S1.tsv.gz")
    assert sizes.to_dict() == {"B cells, (naive)": 11, "nk": 10}
    first = table.iloc[0]
    assert first.to_dict() == {
        "sample_id": "S1", "source": "B cells, (naive)", "target": "nk", "ligand": "CXCL9", "receptor": "CXCR3",
        "magnitude_rank": 0.001, "specificity_rank": 0.012346, "lr_means": 21,
    }  # fmt: skip
    once = (tmp_path / "S1.tsv.gz").read_bytes()
    communicate(labels=path, **asked(tmp_path))
    assert (tmp_path / "S1.tsv.gz").read_bytes() == once
    assert sorted(path.name for path in tmp_path.iterdir()) == ["S1.tsv.gz", "l.tsv", "stand_in.py"]


def test_a_sample_with_one_type_starts_no_program_and_says_why(tmp_path, monkeypatch):
    stand_in(monkeypatch, tmp_path, fail=True)
    for sizes, types in (({"b": 10, "nk": 9}, {"b": 10}), ({}, {})):
        communicate(labels=labels(tmp_path / "l.tsv", **sizes), **asked(tmp_path, output=tmp_path / "S1.tsv"))
        text = (tmp_path / "S1.tsv").read_text()
        assert f"# no pairs: {len(types)} cell types have 10 cells, two are needed" in text
        table, known = read_communication(path=tmp_path / "S1.tsv")
        assert table.empty and known.to_dict() == types


def test_a_sample_without_pairs_says_why(tmp_path, monkeypatch):
    stand_in(monkeypatch, tmp_path, empty=True)
    output = tmp_path / "S1.tsv"
    communicate(labels=labels(tmp_path / "l.tsv", b=10, nk=10), **asked(tmp_path, output=output))
    assert "# no pairs: none has ligand and receptor in 10 % of the cells of a type" in output.read_text()


def test_a_program_that_fails_and_a_missing_resource_are_told(tmp_path, monkeypatch):
    stand_in(monkeypatch, tmp_path, fail=True)
    path = labels(tmp_path / "l.tsv", b=10, nk=10)
    with pytest.raises(GutaxisError, match=r"cell communication of sample S1 failed(.|\n)*X50 no liana"):
        communicate(labels=path, **asked(tmp_path))
    assert not (tmp_path / "S1.tsv.gz").exists()
    with pytest.raises(GutaxisError, match=r"X52 own\.tsv: There is no such resource"):
        communicate(labels=path, **asked(tmp_path, resource=str(tmp_path / "own.tsv")))


def test_our_program_without_liana_says_what_to_do(tmp_path):
    with pytest.raises(GutaxisError, match=r"X50 .* has no liana: run `make extras`"):
        communicate(labels=labels(tmp_path / "l.tsv", b=10, nk=10), **asked(tmp_path))


def test_the_summary_counts_the_best_pairs_of_every_two_types(tmp_path, monkeypatch):
    stand_in(monkeypatch, tmp_path)
    communicate(labels=labels(tmp_path / "l.tsv", b=10, nk=12), **asked(tmp_path))
    communicate(labels=labels(tmp_path / "m.tsv", b=10), **asked(tmp_path, sample="S0", output=tmp_path / "S0.tsv"))
    tables = {"S1": tmp_path / "S1.tsv.gz", "S0": tmp_path / "S0.tsv"}
    summarise_communication(tables=tables, output=tmp_path / "summary.tsv")
    table = pd.read_csv(tmp_path / "summary.tsv", sep="\t")
    assert table.columns.tolist() == SUMMARY
    rows = table.set_index(["sample_id", "source", "target"])[["n_source", "n_target", "n_pairs", "n_best"]]
    assert rows.T.to_dict("list") == {
        ("S0", "b", "b"): [10, 10, 0, 0], ("S1", "b", "b"): [10, 10, 0, 0], ("S1", "b", "nk"): [10, 12, 2, 1],
        ("S1", "nk", "b"): [12, 10, 1, 0], ("S1", "nk", "nk"): [12, 12, 0, 0],
    }  # fmt: skip
    assert table["best"].dropna().tolist() == ["CXCL9-CXCR3"]
    summarise_communication(tables={}, output=tmp_path / "none.tsv")
    assert (tmp_path / "none.tsv").read_text() == "\t".join(SUMMARY) + "\n"


# ---- with LIANA, which has an environment of its own ---------------------------------------------------------------


@pytest.fixture(scope="module")
def liana() -> str:
    for python in (os.environ.get("GUTAXIS_LIANA_PYTHON"), PROJECT / ".tools" / "liana" / "bin" / "python"):
        if python and shutil.which(str(python)):
            return str(python)
    pytest.skip("no Python with LIANA: make extras, or set GUTAXIS_LIANA_PYTHON")


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Path:
    """120 cells: macrophages send CXCL9 and SPP1, T cells have CXCR3 and B cells the complex ITGAV with ITGB1."""
    folder = tmp_path_factory.mktemp("liana")
    rng = np.random.default_rng(3)
    genes = ["CXCL9", "CXCR3", "SPP1", "ITGAV", "ITGB1", "CD40LG", "CD40", *(f"X{number}" for number in range(60))]
    types = np.repeat(["macrophage", "t", "b"], 40)
    means = np.full((120, len(genes)), 0.5)
    for label, gene in (("macrophage", "CXCL9"), ("macrophage", "SPP1"), ("t", "CXCR3"), ("b", "ITGAV"),
                        ("b", "ITGB1"), ("t", "CD40LG"), ("b", "CD40")):  # fmt: skip
        means[types == label, genes.index(gene)] = 12.0
    means[types == "t", :7] *= np.where(means[types == "t", :7] > 1, 1, 0.02)
    counts = sparse.csr_matrix(rng.poisson(means).astype(np.float32))
    cells = [f"S1_{number:03d}" for number in range(120)]
    ad.AnnData(counts, obs=pd.DataFrame(index=cells), var=pd.DataFrame(index=genes)).write_h5ad(folder / "S1.h5ad")
    pd.DataFrame({"cell": cells, "lineage": types, "label": types}).to_csv(folder / "l.tsv", sep="\t", index=False)
    return folder


def test_liana_finds_the_planted_pairs_and_twice_the_same(sample, tmp_path, liana):
    options = {"python": liana, "sample": "S1", "counts": sample / "S1.h5ad", "labels": sample / "l.tsv"}
    for name in ("a", "b"):
        communicate(**options, output=tmp_path / f"{name}.tsv")
    assert (tmp_path / "a.tsv").read_bytes() == (tmp_path / "b.tsv").read_bytes()
    table, sizes = read_communication(path=tmp_path / "a.tsv")
    assert sizes.to_dict() == {"b": 40, "macrophage": 40, "t": 40}
    best = table.sort_values("specificity_rank")[["source", "target", "ligand", "receptor"]].head(4)
    assert ("macrophage", "t", "CXCL9", "CXCR3") in set(best.itertuples(index=False, name=None))
    assert ("t", "b", "CD40LG", "CD40") in set(best.itertuples(index=False, name=None))
    assert (table.loc[table["ligand"] == "SPP1", "receptor"] == "ITGAV_ITGB1").any()


# ---- what the program does around LIANA ----------------------------------------------------------------------------


def test_cells_are_scaled_over_all_genes_and_put_in_the_order_of_the_labels(sample, tmp_path):
    chosen = tmp_path / "cells.tsv"
    chosen.write_text("cell\tlabel\nS1_100\tb\nS1_003\tmacrophage\n")
    adata = liana_program.read_cells(counts=sample / "S1.h5ad", cells=chosen)
    raw = ad.read_h5ad(sample / "S1.h5ad")[["S1_100", "S1_003"]].X.toarray()
    assert adata.obs_names.tolist() == ["S1_100", "S1_003"]
    np.testing.assert_allclose(adata.X.toarray(), np.log1p(1e4 * raw / raw.sum(axis=1, keepdims=True)), rtol=1e-5)
    chosen.write_text("cell\tlabel\nS1_100\tb\nS9_003\tmacrophage\n")
    with pytest.raises(liana_program.UserError, match=r"X53 S1\.h5ad: 1 labelled cells have no counts, .* S9_003"):
        liana_program.read_cells(counts=sample / "S1.h5ad", cells=chosen)


def test_pairs_need_all_their_genes_and_a_type_that_expresses_them(sample, tmp_path):
    rows = {"CXCL9": "CXCR3", "SPP1": "ITGAV_ITGB1", "CD40LG": "CD40_NOWHERE", "Cxcl9": "Cxcr3"}
    own = tmp_path / "own.tsv"
    own.write_text("ligand\treceptor\n" + "".join(f"{one}\t{two}\n" for one, two in rows.items()))
    pairs = liana_program.resource_pairs(resource=str(own), liana=None)
    cells = tmp_path / "cells.tsv"
    pd.read_csv(sample / "l.tsv", sep="\t")[["cell", "label"]].to_csv(cells, sep="\t", index=False)
    adata = liana_program.read_cells(counts=sample / "S1.h5ad", cells=cells)
    kept, expressed = liana_program.usable_pairs(adata=adata, pairs=pairs, share=0.1)
    assert kept["receptor"].tolist() == ["CXCR3", "ITGAV_ITGB1"] and expressed == 2
    assert liana_program.usable_pairs(adata=adata, pairs=pairs, share=1.01)[1] == 0
    own.write_text("from\treceptor\nA\tB\n")
    with pytest.raises(liana_program.UserError, match=r"X52 own\.tsv: no column ligand"):
        liana_program.resource_pairs(resource=str(own), liana=None)
    known = SimpleNamespace(rs=SimpleNamespace(show_resources=lambda: ["consensus", "cellphonedb"]))
    with pytest.raises(liana_program.UserError, match=r"no resource nonsense\. It has: cellphonedb, consensus"):
        liana_program.resource_pairs(resource="nonsense", liana=known)

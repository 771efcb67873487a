"""Fractions, programs and pseudobulk of many samples as tables of layers; a user's own labels of cells."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gutaxis.errors import GutaxisError
from gutaxis.layers.build import build_layer
from gutaxis.layers.cells import (
    NO_CELLS,
    PseudobulkSettings,
    expressed_genes,
    read_fractions,
    read_programs,
    read_pseudobulk,
)
from gutaxis.single_cell.from_labels import from_labels
from gutaxis.stats.counts import deseq2
from gutaxis.stats.design import contrast_design
from gutaxis.stats.pseudobulk import feature_groups


def _fractions(path, rows):
    lines = ["# S: cells", "label\tlineage\tn_cells\tfraction"]
    path.write_text("\n".join([*lines, *("\t".join(map(str, (*row, 0.5))) for row in rows)]) + "\n")
    return path


def _bulk(path, types, genes=("G1", "G2", "G3")):
    adata = ad.AnnData(
        X=sparse.csr_matrix(np.array(list(types.values()), dtype=np.int32).reshape(len(types), len(genes))),
        obs=pd.DataFrame({"n_cells": 20}, index=pd.Index(list(types), dtype=object)),
        var=pd.DataFrame(index=pd.Index(genes, dtype=object)),
    )
    adata.write_h5ad(path)
    return path


@pytest.fixture
def fractions(tmp_path):
    return {
        "S2": _fractions(tmp_path / "S2.tsv", [("b", "b", 5), ("treg", "t_nk", 15)]),
        "S1": _fractions(
            tmp_path / "S1.tsv", [("nk", "t_nk", 10), ("treg", "t_nk", 10), ("unresolved", "unresolved", 20)]
        ),
        "S3": _fractions(tmp_path / "S3.tsv", []),
    }  # fmt: skip


def test_fractions_have_every_label_and_a_zero_where_a_sample_has_none(fractions):
    made = read_fractions(paths=fractions)
    assert made.values.columns.tolist() == ["b", "nk", "treg", "unresolved"]
    assert made.values.loc["S1"].tolist() == [0, 0.25, 0.25, 0.5]
    assert made.values.loc["S2"].tolist() == [0.25, 0, 0.75, 0]
    assert made.counts.loc["S2"].tolist() == [5, 0, 15, 0]
    assert made.dropped.to_numpy().tolist() == [["S3", NO_CELLS]]


def test_lineages_put_their_states_together(fractions):
    made = read_fractions(paths=fractions, level="lineage")
    assert made.values.loc["S1"].to_dict() == {"b": 0, "t_nk": 0.5, "unresolved": 0.5}


def test_fractions_make_a_compositional_layer(fractions):
    made = read_fractions(paths=fractions)
    observations = pd.DataFrame({"patient_id": ["P1", "P2"]}, index=["S1", "S2"])
    layer = build_layer(
        values=made.values, observations=observations, name="tumor_cells", arm="single_cell", kind="compositional",
        unit="fraction",
    )  # fmt: skip
    assert layer.X.sum(axis=1).tolist() == pytest.approx([1, 1])


def test_no_cell_in_any_sample_is_told(tmp_path):
    with pytest.raises(GutaxisError, match=r"L13 S1.*without cells"):
        read_fractions(paths={"S1": _fractions(tmp_path / "S1.tsv", [])})


def test_programs_without_a_number_anywhere_are_left_out(tmp_path):
    text = "# S\nprogram\tvalue\tn_cells\tunit\treason\n"
    (tmp_path / "S1").write_text(text + "ifn\t0.5\t90\tlog\tNA\nm1\tNA\t3\tlog\tfew\ntls\tNA\t3\tlog\tfew\n")
    (tmp_path / "S2").write_text(text + "ifn\t0.7\t80\tlog\tNA\nm1\t1.5\t30\tlog\tNA\ntls\tNA\t3\tlog\tfew\n")
    (tmp_path / "S3").write_text(text + "ifn\tNA\t0\tlog\tfew\nm1\tNA\t0\tlog\tfew\ntls\tNA\t0\tlog\tfew\n")
    made = read_programs(paths={name: tmp_path / name for name in ("S3", "S1", "S2")})
    assert made.values.index.tolist() == ["S1", "S2"]
    assert made.values.columns.tolist() == ["ifn", "m1"]
    assert np.isnan(made.values.loc["S1", "m1"])
    assert made.units.to_dict() == {"ifn": "log", "m1": "log"}
    assert made.dropped[["what", "name"]].to_numpy().tolist() == [["feature", "tls"], ["sample", "S3"]]
    with pytest.raises(GutaxisError, match=r"L13 S3.*values of programs"):
        read_programs(paths={"S3": tmp_path / "S3"})


def test_pseudobulk_features_zeros_and_what_is_left_out(tmp_path):
    paths = {
        name: _bulk(tmp_path / name, types)
        for name, types in {
            "S1": {"b": [50, 60, 0], "nk": [50, 0, 0]},
            "S2": {"b": [40, 70, 1], "nk": [50, 0, 0]},
            "S3": {"b": [30, 80, 0]},
            "S4": {"b": [20, 90, 0]},
            "S5": {},
        }.items()
    }
    made = read_pseudobulk(paths=paths, settings=PseudobulkSettings(min_count=5))
    assert made.counts.columns.tolist() == ["b|G1", "b|G2"]
    assert made.counts.loc["S3"].tolist() == [30, 80]
    assert "S5" not in made.counts.index
    assert made.var.loc["b|G2"].to_dict() == {"cell_type": "b", "gene": "G2", "label": "G2 in b"}
    assert made.dropped.to_numpy().tolist() == [
        ["sample", "S5", "no cell type has enough cells"],
        ["cell type", "nk", "in 2 samples, fewer than 3"],
    ]
    with pytest.raises(GutaxisError, match=r"L13 S5.*cell types with 3 samples"):
        read_pseudobulk(paths={"S5": paths["S5"]})


def test_a_sample_without_a_type_has_zeros_and_is_left_out_of_its_model(tmp_path):
    rng = np.random.default_rng(5)
    genes = tuple(f"G{number}" for number in range(30))
    mean = rng.gamma(2, 40, 30)
    paths = {}
    for number in range(12):
        types = {name: rng.poisson(rng.gamma(8, mean / 8)) for name in ("b", "nk")}
        if number == 11:
            types.pop("nk")
        paths[f"S{number:02d}"] = _bulk(tmp_path / f"S{number}", types, genes)
    made = read_pseudobulk(paths=paths)
    assert (made.counts.loc["S11", made.var["cell_type"] == "nk"] == 0).all()
    assert (made.counts.loc["S10", made.var["cell_type"] == "nk"] > 0).any()
    observations = pd.DataFrame(
        {"patient_id": list(paths), "timepoint": "PRE", "response": ["R", "NR"] * 6}, index=list(paths)
    )
    design = contrast_design(contrast="baseline", observations=observations, covariates=())
    fits = deseq2(counts=made.counts, design=design, groups=feature_groups(features=list(made.counts.columns)))
    n = pd.Series(fits.n, index=made.counts.columns)
    assert set(n[made.var["cell_type"] == "nk"].dropna()) == {11}
    assert set(n[made.var["cell_type"] == "b"].dropna()) == {12}


def test_the_filter_of_genes_is_its_definition():
    rng = np.random.default_rng(3)
    counts = pd.DataFrame(rng.poisson(rng.gamma(0.3, 20, 200), (10, 200)), columns=[f"G{n:03d}" for n in range(200)])
    settings = PseudobulkSettings(min_count=6, min_share=0.45, min_samples=3, min_total=30, max_genes=None)
    totals = counts.sum(axis=1)
    cutoff = 6 / totals.median() * 1e6
    expected = []
    for gene in counts:
        reached = sum(counts[gene].iloc[i] / totals.iloc[i] * 1e6 >= cutoff * (1 - 1e-14) for i in range(10))
        expected += [gene] if reached >= 5 and counts[gene].sum() >= 30 else []
    assert 10 < len(expected) < 190
    assert expressed_genes(counts=counts, settings=settings).tolist() == expected
    fewer = expressed_genes(counts=counts, settings=PseudobulkSettings(min_count=6, min_total=30, max_genes=5))
    top = (counts.div(totals, axis=0)).mean().nlargest(5).index
    assert set(fewer) == set(top)


def test_genes_that_one_file_lacks_are_zero_there(tmp_path):
    paths = {name: _bulk(tmp_path / name, {"b": [50, 60, 70]}) for name in ("S1", "S2", "S3")}
    paths["S4"] = _bulk(tmp_path / "S4", {"b": [50, 60]}, genes=("G2", "G4"))
    made = read_pseudobulk(paths=paths)
    assert made.counts.loc["S4"].to_dict() == {"b|G1": 0, "b|G2": 50, "b|G3": 0}


def test_a_table_of_cells_becomes_fractions(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text("barcode,library,type,score\nA,S1,T,1\nB,S1,B,1\nC,S1,,1\nD,S1,T,1\nA,S2,T,1\n")
    made = from_labels(path=path, columns=("barcode", "library", "type"))
    assert made.values.loc["S1"].to_dict() == {"B": 0.25, "T": 0.5, "unresolved": 0.25}
    assert made.counts.loc["S2"].to_dict() == {"B": 0, "T": 1, "unresolved": 0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cell_id\tlabel\nA\tT\n", "X35 cells.tsv column=sample_id"),
        ("cell_id\tsample_id\tlabel\n", "X35 cells.tsv: no rows"),
        ("cell_id\tsample_id\tlabel\nA\tS1\tT\nA\tS1\tB\n", "X36 cells.tsv:3 column=cell_id value=A: the cell occurs"),
        ("cell_id\tsample_id\tlabel\nA\tNA\tT\n", "X36 cells.tsv:2 column=cell_id value=A: the cell or its sample"),
    ],
)  # fmt: skip
def test_a_table_of_cells_that_cannot_be_used_is_told(tmp_path, text, words):
    path = tmp_path / "cells.tsv"
    path.write_text(text)
    with pytest.raises(GutaxisError) as caught:
        from_labels(path=path)
    assert str(caught.value).startswith(words)
    with pytest.raises(GutaxisError, match=r"X35 none\.tsv"):
        from_labels(path=tmp_path / "none.tsv")

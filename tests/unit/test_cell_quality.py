"""Quality of cells: the figures against a count by hand, the rules against their formulas."""

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from tests.cell_files import sample

from gutaxis.single_cell.quality import QualitySettings, quality_flags, quality_metrics, reasons

pytestmark = pytest.mark.unit
LOOSE = {"min_counts": 0, "min_genes": 0, "max_mito": 100.0}


def metrics(n=200, **columns):
    """Barcodes like each other: counts about 1000, genes about 500, 4 % mitochondrial, 30 % in 20 genes."""
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        {
            "total_counts": np.round(1000 * np.exp(rng.normal(0, 0.2, n))),
            "n_genes": np.round(500 * np.exp(rng.normal(0, 0.1, n))).astype(int),
            "pct_mito": rng.normal(4, 0.5, n),
            "pct_top20": rng.normal(30, 2, n),
        },
        index=[f"B{number}" for number in range(n)],
    )
    for column, values in columns.items():
        table.iloc[: len(values), table.columns.get_loc(column)] = values
    return table


def flagged(table, **settings):
    flags = quality_flags(metrics=table, settings=QualitySettings(**settings))
    return {name: set(flags.table.index[flags.table[name]]) for name in flags.table}, flags.bounds


def test_figures_are_those_counted_by_hand():
    adata = sample(n_cells=30, n_genes=80, umi=300)
    dense = adata.X.toarray().astype(float)
    found = quality_metrics(adata=adata)
    mito = [name.startswith("MT-") for name in adata.var_names]
    total = dense.sum(axis=1)
    np.testing.assert_array_equal(found["total_counts"], total)
    np.testing.assert_array_equal(found["n_genes"], (dense > 0).sum(axis=1))
    np.testing.assert_allclose(found["pct_mito"], dense[:, mito].sum(axis=1) / total * 100, rtol=1e-12)
    np.testing.assert_allclose(
        found["pct_top20"], np.sort(dense, axis=1)[:, -20:].sum(axis=1) / total * 100, rtol=1e-12
    )


@pytest.mark.oracle
def test_figures_are_those_of_scanpy():
    import scanpy as sc

    adata = sample(n_cells=30, n_genes=80, umi=300)
    adata.var["mito"] = adata.var_names.str.startswith("MT-")
    theirs, _ = sc.pp.calculate_qc_metrics(adata, qc_vars=["mito"], percent_top=None, log1p=False)
    ours = quality_metrics(adata=adata)
    for name, other in (
        ("total_counts", "total_counts"), ("n_genes", "n_genes_by_counts"), ("pct_mito", "pct_counts_mito"),
    ):  # fmt: skip
        np.testing.assert_allclose(ours[name], theirs[other], rtol=1e-6)


def test_what_is_not_known_is_missing():
    adata = anndata.AnnData(
        sparse.csr_matrix(np.array([[0, 0, 0], [3, 1, 0]], dtype=np.float32)),
        var=pd.DataFrame(index=["CD3E", "LYZ", "MS4A1"]),
    )
    found = quality_metrics(adata=adata)
    assert found["pct_mito"].isna().all()  # a matrix without mitochondrial genes has no such share
    assert list(found["pct_top20"].isna()) == [True, False]
    assert found["pct_top20"].iloc[1] == 100
    flags, bounds = flagged(found, **{**LOOSE, "min_counts": 1})
    assert flags == {"low_counts": {"0"}, "low_genes": set(), "mito": set(), "top20": set()}
    assert np.isnan(bounds["max_mito"])


def test_absolute_guards_act_whatever_the_others_have():
    everything_dead = metrics(pct_mito=np.full(200, 40.0))
    assert len(flagged(everything_dead)[0]["mito"]) == 200
    table = metrics(total_counts=[299, 300], n_genes=[199, 200])
    flags, _ = flagged(table, mad_counts=None, mad_genes=None)
    assert (flags["low_counts"], flags["low_genes"]) == ({"B0"}, {"B0"})


def test_deviations_follow_the_formula():
    table = metrics(total_counts=[400, 550, 90000])
    logs = np.log1p(table["total_counts"])
    bound = np.expm1(logs.median() - 5 * (logs - logs.median()).abs().median())
    assert 400 < bound < 550
    flags, bounds = flagged(table, **LOOSE)
    assert flags["low_counts"] == {"B0"}  # the upper tail is left to the doublet score
    assert bounds["min_counts"] == pytest.approx(bound, rel=1e-12)
    genes = np.log1p(table["n_genes"])
    expected = np.expm1(genes.median() - 5 * (genes - genes.median()).abs().median())
    assert bounds["min_genes"] == pytest.approx(expected, rel=1e-12)


def test_mitochondrial_deviations_act_only_above_the_guard():
    table = metrics(pct_mito=[7.9, 8.1, 30.0])  # the deviation alone would flag all three
    flags, bounds = flagged(table)
    assert flags["mito"] == {"B1", "B2"}
    assert bounds["max_mito"] == 8
    noisy = metrics()
    noisy["pct_mito"] = np.random.default_rng(1).normal(12, 2, 200)  # as tumours have it
    middle = noisy["pct_mito"].median()
    bound = middle + 3 * (noisy["pct_mito"] - middle).abs().median()
    flags, bounds = flagged(noisy)
    assert bounds["max_mito"] == pytest.approx(bound, rel=1e-12)
    assert flags["mito"] == set(noisy.index[noisy["pct_mito"] > bound])
    assert 0 < len(flags["mito"]) < 20


def test_few_genes_are_no_damage_below_the_guard():
    plasma = metrics(pct_top20=[70.0, 95.0])
    assert flagged(plasma)[0]["top20"] == {"B1"}
    assert flagged(plasma, guard_top20=60.0)[0]["top20"] == {"B0", "B1"}
    assert flagged(plasma, mad_top20=None)[0]["top20"] == set()


def test_empty_droplets_do_not_widen_what_is_allowed():
    table = metrics(n=200, total_counts=np.full(90, 20.0), n_genes=np.full(90, 15))
    flags, bounds = flagged(table)
    assert flags["low_counts"] == set(table.index[:90])
    clean, expected = flagged(table.iloc[90:])
    assert clean["low_counts"] == set()
    assert bounds == expected


@pytest.mark.parametrize("table", [metrics(n=29, total_counts=[310.0]), metrics(total_counts=np.full(150, 1000.0))])
def test_too_few_or_too_equal_barcodes_leave_the_absolute_guards(table):
    table.iloc[-1, 0] = 310.0
    flags, bounds = flagged(table)
    assert bounds["min_counts"] == 300
    assert flags["low_counts"] == set()


def test_reasons_are_joined_and_missing_where_there_is_none():
    flags = pd.DataFrame({"mito": [True, True, False], "top20": [False, True, False]}, index=list("abc"))
    assert reasons(flags=flags).to_dict() == {"a": "mito", "b": "mito;top20", "c": None}


def test_settings_come_from_the_config():
    assert QualitySettings.from_config(config={"min_genes": 5, "other": 1}) == QualitySettings(min_genes=5)

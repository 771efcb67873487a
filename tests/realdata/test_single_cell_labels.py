"""Labels on real cells: lineages of sorted blood cells, and a melanoma cohort from labels to a differential result."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gutaxis.errors import GutaxisError
from gutaxis.layers.build import build_layer
from gutaxis.layers.table import check_values
from gutaxis.single_cell.annotate import annotate_clusters
from gutaxis.single_cell.from_labels import from_labels
from gutaxis.single_cell.markers import read_markers
from gutaxis.single_cell.profiles import Profiles
from gutaxis.stats.differential import differential

pytestmark = pytest.mark.realdata

MARKERS = Path(__file__).resolve().parents[2] / "resources" / "markers" / "cell_markers.tsv"
#: Labels of pbmc68k_reduced: by the purified population that a cell resembles most (Zheng 2017).
LINEAGE = {"Dendritic": "myeloid", "CD14+ Monocyte": "myeloid", "CD19+ B": "b", "CD34+": "hspc"}


@pytest.fixture(scope="module")
def sorted_cells():
    """700 cells, 765 genes; log-normalised, so profiles are made here and not from counts."""
    from scanpy.datasets import pbmc68k_reduced

    adata = pbmc68k_reduced()
    values = pd.DataFrame(adata.raw.X.toarray().astype(float), index=adata.obs_names, columns=adata.raw.var_names)
    truth = adata.obs["bulk_labels"].astype(str).map(lambda name: LINEAGE.get(name, "t_nk"))
    return values, adata.obs["louvain"].astype(str), truth


def test_lineages_of_sorted_cells_agree(sorted_cells):
    values, clusters, truth = sorted_cells
    profiles = Profiles(values.groupby(clusters).mean(), clusters.value_counts().sort_index())
    found = annotate_clusters(profiles=profiles, markers=read_markers(path=MARKERS), tissue="blood", level="lineage")
    labels = clusters.map(found.clusters.set_index("cluster")["label"])
    resolved = labels != "unresolved"
    assert resolved.mean() >= 0.9
    assert (labels[resolved] == truth[resolved]).mean() >= 0.85
    # platelets and red cells have none of their genes among these 765: said, not dropped in silence
    dropped = found.coverage[found.coverage["used"] == "N"]
    assert {"platelet", "erythroid"} <= set(dropped["set"])
    assert dropped["reason"].notna().all()


def test_nk_cells_and_cytotoxic_t_cells_are_not_one(sorted_cells):
    values, _, _ = sorted_cells
    from scanpy.datasets import pbmc68k_reduced

    names = pbmc68k_reduced().obs["bulk_labels"].astype(str)
    names = names[names.str.contains(r"CD4\+|CD8\+|CD56")]
    profiles = Profiles(values.loc[names.index].groupby(names).mean(), names.value_counts().sort_index())
    found = annotate_clusters(
        profiles=profiles, markers=read_markers(path=MARKERS), tissue="blood", level="state", parent="t_nk"
    ).clusters.set_index("cluster")
    assert found.loc["CD56+ NK", "label"] == "nk"
    assert found.loc["CD8+ Cytotoxic T", "label"] in {"cd8_effector_memory", "t_nk_unresolved"}
    assert found.loc["CD8+/CD45RA+ Naive Cytotoxic", "label"] in {"cd8_naive", "t_nk_unresolved"}


@pytest.fixture(scope="module")
def melanoma(public_data):
    return public_data / "single_cell" / "scfeatures" / "cells.tsv"


def test_melanoma_from_labels_to_a_differential_result(melanoma):
    fractions = from_labels(path=melanoma, columns=("cell", "sample", "celltype"))
    assert fractions.values.shape == (19, 3)
    assert fractions.counts.to_numpy().sum() == 550
    sheet = pd.read_csv(melanoma, sep="\t").drop_duplicates("sample").set_index("sample").loc[fractions.values.index]
    response = sheet["respond"].map({"Responder": "R", "Non-responder": "NR"})
    observations = pd.DataFrame(
        {"patient_id": sheet.index, "timepoint": "PRE", "batch": "1", "cohort": "melanoma"}, index=sheet.index
    )
    layer = build_layer(
        values=fractions.values, observations=observations, name="tumor_cells", arm="single_cell",
        kind="compositional", unit="fraction",
    )  # fmt: skip
    outcomes = pd.DataFrame({"response": response, "pair_status": "PRE_ONLY"}, index=sheet.index)
    result = differential(adata=layer, outcomes=outcomes, contrast="baseline", role="primary")
    table = result.table.set_index("feature")
    assert result.table.attrs.get("refusal") is None
    assert table[["n", "n_r", "n_nr"]].drop_duplicates().to_numpy().tolist() == [[19, 9, 10]]
    # naive T cells are more frequent in responders, cytotoxic CD8 in the others: as the shares themselves say
    assert table.loc["Naive T Cells", "estimate"] > 0 > table.loc["Cytotoxic CD8", "estimate"]
    naive = fractions.values["Naive T Cells"]
    assert naive[response == "R"].median() == pytest.approx(0.43, abs=0.01)
    assert naive[response == "NR"].median() == pytest.approx(0.17, abs=0.01)
    p = stats.mannwhitneyu(naive[response == "R"], naive[response == "NR"]).pvalue
    assert p == pytest.approx(0.011, abs=0.002)
    assert np.isfinite(table["q"]).all()


def test_log_values_of_melanoma_are_refused_as_counts(melanoma):
    values = pd.read_csv(melanoma, sep="\t").set_index("cell")[["nCount_RNA"]]
    with pytest.raises(GutaxisError, match="L10"):
        check_values(values=values, kind="counts", unit="count", file="cells.tsv")

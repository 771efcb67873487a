"""Labels of clusters: profiles, scores, what is resolved and what is not, predictions of the user beside them."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import adjusted_rand_score
from tests.cells_by_type import BLOOD, MARKERS, mean_profiles, write_embedding, write_sample

from gutaxis.errors import GutaxisError
from gutaxis.single_cell.annotate import (
    SOFT,
    AnnotationSettings,
    annotate_clusters,
    annotate_files,
    set_scores,
)
from gutaxis.single_cell.markers import marker_sets, read_markers
from gutaxis.single_cell.profiles import Profiles, cluster_profiles, read_clusters
from gutaxis.single_cell.votes import cluster_votes, concordance, read_votes

TUMOR = (
    "cd4_memory", "treg", "cd8_effector_memory", "cd8_exhausted", "cd8_trm", "nk", "b", "plasma", "macrophage_c1qc",
    "macrophage_spp1", "cdc2", "fibroblast", "endothelial", "epithelial",
)  # fmt: skip
ALONE = {"b", "plasma", "fibroblast", "endothelial", "epithelial"}


def lineage(name):
    if name in ALONE:
        return name
    return "myeloid" if name.startswith(("mono", "macro", "cdc")) else "t_nk"


@pytest.fixture(scope="module")
def markers():
    return read_markers(path=MARKERS)


@pytest.fixture(scope="module")
def blood(tmp_path_factory):
    """Three samples of ten types; clusters are the types, numbered."""
    folder = tmp_path_factory.mktemp("blood")
    profiles = mean_profiles(types=BLOOD, tissue="blood", seed=12)
    samples, cells = {}, []
    for number, sample in enumerate(("S1", "S2", "S3")):
        samples[sample] = folder / f"{sample}.h5ad"
        sizes = dict.fromkeys(BLOOD, 30 + 5 * number)
        types = write_sample(path=samples[sample], sample=sample, profiles=profiles, sizes=sizes, seed=number)
        cells.append(pd.DataFrame({"sample_id": sample, "type": types}))
    cells = pd.concat(cells)
    cells["cluster"] = cells["type"].map({name: str(place) for place, name in enumerate(BLOOD)})
    embedding = folder / "embedding.h5ad"
    write_embedding(path=embedding, cells=cells)
    return samples, embedding, cells


def profiles_of(*, types, tissue, seed, n_cells=100, lost=0.25):
    """Profiles as large clusters would have them."""
    shares = mean_profiles(types=types, tissue=tissue, seed=seed, lost=lost)
    return Profiles(np.log1p(shares * 1e4), pd.Series(n_cells, index=shares.index))


def test_profiles_equal_the_mean_of_the_whole_matrix(blood):
    samples, embedding, cells = blood
    made = cluster_profiles(samples=samples, clusters=read_clusters(embedding=embedding))
    whole = ad.concat([ad.read_h5ad(path) for path in samples.values()])
    dense = whole.X.toarray().astype(float)
    logs = pd.DataFrame(np.log1p(dense / dense.sum(axis=1, keepdims=True) * 1e4), index=whole.obs_names,
                        columns=whole.var_names)  # fmt: skip
    expected = logs.groupby(cells["cluster"]).mean()[made.means.columns]
    assert made.means.index.tolist() == [str(number) for number in range(10)]
    np.testing.assert_allclose(made.means.loc[expected.index], expected, rtol=1e-5, atol=1e-7)
    assert made.n_cells.tolist() == [105] * 10


def test_a_gene_that_a_sample_lacks_is_averaged_over_the_others(tmp_path):
    profiles = pd.DataFrame(1 / 3, index=["a"], columns=["G1", "G2", "G3"])
    write_sample(path=tmp_path / "A.h5ad", sample="A", profiles=profiles, sizes={"a": 4}, seed=1)
    write_sample(path=tmp_path / "B.h5ad", sample="B", profiles=profiles[["G1", "G2"]], sizes={"a": 4}, seed=2)
    cells = pd.DataFrame(
        {"sample_id": ["A"] * 4 + ["B"] * 4, "cluster": "0"}, index=[f"{s}_CELL{n}" for s in "AB" for n in range(4)]
    )
    paths = {"A": tmp_path / "A.h5ad", "B": tmp_path / "B.h5ad"}
    both = cluster_profiles(samples=paths, clusters=cells)
    alone = cluster_profiles(samples=paths, clusters=cells[:4])
    assert both.means.loc["0", "G3"] == pytest.approx(alone.means.loc["0", "G3"])
    assert both.means.loc["0", "G1"] != pytest.approx(alone.means.loc["0", "G1"])


def test_scores_are_the_t_values_of_a_regression_on_the_weights(markers):
    profiles = profiles_of(types=BLOOD, tissue="blood", seed=3)
    means = profiles.means
    for level, parent in (("lineage", None), ("state", "t_nk")):
        sets = marker_sets(
            markers=markers, tissue="blood", level=level, parent=parent, genes=means.columns, min_genes=3
        )
        scores = set_scores(means=means, sets=sets, contrast=level == "state")
        typical = means.loc[:, means.max() >= 0.05].to_numpy().mean()
        low = means.min() if level == "state" else np.minimum(means.min(), typical)
        scaled = (means - low) / (means.max() - low + SOFT)
        kept = (means.max() >= 0.05) | means.columns.isin(sets.net["target"])
        for name in ("nk", "t") if level == "lineage" else ("nk", "treg"):
            own = sets.net[sets.net["source"] == name].set_index("target")["weight"]
            weights = own.reindex(means.columns).fillna(0.0)[kept]
            for cluster in ("nk", "treg", "b"):
                fit = stats.linregress(weights, scaled.loc[cluster, kept])
                assert scores.loc[cluster, name] == pytest.approx(fit.slope / fit.stderr, rel=1e-4)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_types_are_found_though_a_quarter_of_their_markers_fails(markers, seed):
    wrong = []
    for types, tissue in ((BLOOD, "blood"), (TUMOR, "tumor")):
        profiles = profiles_of(types=types, tissue=tissue, seed=seed)
        found = annotate_clusters(profiles=profiles, markers=markers, tissue=tissue, level="lineage").clusters
        labels = found.set_index("cluster")["label"]
        wrong += [(name, labels[name]) for name in types if labels[name] != lineage(name)]
        for parent in ("t_nk", "myeloid"):
            own = [name for name in types if lineage(name) == parent]
            part = Profiles(profiles.means.loc[own], profiles.n_cells[own])
            found = annotate_clusters(
                profiles=part, markers=markers, tissue=tissue, level="state", parent=parent
            ).clusters.set_index("cluster")["label"]
            wrong += [(name, found[name]) for name in own if found[name] != name]
    assert wrong == []


def test_a_tissue_of_one_lineage_is_still_called_by_what_it_expresses(markers):
    types = ("cd4_naive", "cd4_memory", "cd8_effector_memory")
    profiles = profiles_of(types=types, tissue="tumor", seed=5, lost=0.1)
    found = annotate_clusters(profiles=profiles, markers=markers, tissue="tumor", level="lineage").clusters
    assert found["label"].tolist() == ["t_nk"] * 3


def test_number_of_clusters_of_a_type_does_not_change_its_label(markers):
    profiles = profiles_of(types=TUMOR[:5], tissue="tumor", seed=6)
    many = ["cd8_exhausted"] * 6 + ["cd4_memory", "treg"]
    index = [str(number) for number in range(len(many))]
    means = profiles.means.loc[many].set_axis(index)
    found = annotate_clusters(
        profiles=Profiles(means, pd.Series(100, index=index)), markers=markers, tissue="tumor", level="state",
        parent="t_nk",
    ).clusters  # fmt: skip
    assert found["label"].tolist() == many


def test_what_is_not_sure_is_unresolved_with_a_reason(markers):
    profiles = profiles_of(types=BLOOD, tissue="blood", seed=7)
    means = profiles.means.copy()
    means.loc["between"] = means.loc[["b", "monocyte_classical"]].max()
    means.loc["nothing"] = means.min()
    means.loc["tiny"] = means.loc["b"] * 3
    n_cells = pd.Series(100, index=means.index)
    n_cells["tiny"] = 9
    settings = AnnotationSettings(min_margin=1.0)
    found = annotate_clusters(
        profiles=Profiles(means, n_cells), markers=markers, tissue="blood", level="lineage", settings=settings
    ).clusters.set_index("cluster")
    assert found.loc[["between", "nothing", "tiny"], "label"].tolist() == ["unresolved"] * 3
    assert found.loc["tiny", "reason"] == "fewer than 10 cells"
    assert pd.isna(found.loc["tiny", "score"])
    assert found.loc["nothing", "reason"].startswith("best score")
    assert found.loc["between", "reason"].startswith("margin to")
    assert {found.loc["between", "best"], found.loc["between", "second"]} == {"b", "myeloid"}
    # a cluster too small to be believed does not change the scale of the others
    without = annotate_clusters(
        profiles=Profiles(means.drop("tiny"), n_cells.drop("tiny")), markers=markers, tissue="blood", level="lineage"
    ).clusters.set_index("cluster")
    assert found.loc["b", "score"] == without.loc["b", "score"]


def test_states_that_are_not_sure_keep_their_lineage_and_one_cluster_is_no_error(markers):
    profiles = profiles_of(types=("cd4_naive", "cd8_naive"), tissue="blood", seed=8)
    means = pd.DataFrame([profiles.means.mean()], index=["0"])
    found = annotate_clusters(
        profiles=Profiles(means, pd.Series([50], index=["0"])), markers=markers, tissue="blood", level="state",
        parent="t_nk", settings=AnnotationSettings(min_score=50.0),
    ).clusters  # fmt: skip
    assert found["label"].tolist() == ["t_nk_unresolved"]
    alone = Profiles(profiles.means.loc[["cd4_naive"]], pd.Series({"cd4_naive": 50}))
    found = annotate_clusters(profiles=alone, markers=markers, tissue="blood", level="state", parent="t_nk").clusters
    assert found["best"].tolist() == ["cd4_naive"]


def test_no_cluster_and_no_measured_marker_give_tables_and_not_errors(markers):
    empty = Profiles(pd.DataFrame(columns=["CD3D"], dtype=float), pd.Series(dtype=int))
    assert annotate_clusters(profiles=empty, markers=markers, tissue="blood", level="lineage").clusters.empty
    other = Profiles(pd.DataFrame(1.0, index=["0"], columns=["A", "B"]), pd.Series([20], index=["0"]))
    found = annotate_clusters(profiles=other, markers=markers, tissue="blood", level="lineage")
    assert found.clusters["label"].tolist() == ["unresolved"]
    assert found.clusters["reason"].tolist() == ["no set has 3 measured genes"]
    assert set(found.coverage["used"]) == {"N"}


def test_files_are_written_once_and_the_same_again(blood, tmp_path, capsys):
    samples, embedding, cells = blood
    votes = tmp_path / "votes.tsv"
    voted = cells["type"].map({"b": "B cells", "nk": "NK cells"}).fillna("other")
    votes.write_text("cell\tlabel\tprobability\n" + "".join(f"{cell}\t{word}\t0.9\n" for cell, word in voted.items()))
    texts = []
    for name in ("one", "two"):
        made = {part: tmp_path / name / f"{part}.tsv" for part in ("clusters", "sets", "agreement")}
        found = annotate_files(
            samples=samples, embedding=embedding, markers=MARKERS, tissue="blood", votes=[votes], **made
        )
        texts.append([path.read_bytes() for path in made.values()])
    assert texts[0] == texts[1]
    assert found["label"].tolist() == [lineage(name) for name in BLOOD]
    assert found.set_index("cluster").loc["6", ["vote", "vote_share", "vote_cells"]].tolist() == ["B cells", 1.0, 105]
    assert b"adjusted Rand index" in texts[0][2]
    assert "10 clusters, 0 unresolved" in capsys.readouterr().out


def test_clusters_without_predictions_stay_in_the_table(blood, tmp_path):
    samples, embedding, cells = blood
    votes = tmp_path / "votes.tsv"
    votes.write_text(f"cell\tlabel\n{cells.index[cells['cluster'] == '3'][0]}\tCD8\n")
    found = annotate_files(
        samples=samples, embedding=embedding, markers=MARKERS, tissue="blood", votes=[votes],
        clusters=tmp_path / "c.tsv", sets=tmp_path / "s.tsv",
    )  # fmt: skip
    assert found["vote"].notna().tolist() == [number == 3 for number in range(10)]


def test_sets_that_are_not_scored_are_told(blood, tmp_path, capsys):
    samples, embedding, _ = blood
    lines = MARKERS.read_text().splitlines()
    table = tmp_path / "markers.tsv"
    table.write_text("\n".join([*lines, "lineage\talien\tNA\tXENO1\t1\tboth\tx\talien"]) + "\n")
    annotate_files(
        samples=samples, embedding=embedding, markers=table, tissue="blood", clusters=tmp_path / "c.tsv",
        sets=tmp_path / "s.tsv",
    )  # fmt: skip
    assert "alien, set alien: not scored, fewer than 3 of its genes are measured (0 of 1)" in capsys.readouterr().out
    sets = pd.read_csv(tmp_path / "s.tsv", sep="\t", comment="#").set_index("set")
    assert sets.loc["alien", ["used", "missing"]].tolist() == ["N", "XENO1"]


def test_agreement_is_the_adjusted_rand_index():
    rng = np.random.default_rng(4)
    labels = pd.Series(rng.choice(list("abc"), 300), index=[f"c{n}" for n in range(300)])
    votes = labels.where(rng.random(300) < 0.7, "x")
    table, sentence = concordance(labels=labels, votes=votes.iloc[:250])
    expected = adjusted_rand_score(labels.iloc[:250], votes.iloc[:250])
    assert sentence == f"250 of 300 cells have a prediction; adjusted Rand index {expected:.4f}"
    assert table["n_cells"].sum() == 250
    assert table.groupby("label")["share"].sum().tolist() == pytest.approx([1, 1, 1])


def test_nothing_predicted_is_no_error():
    table, sentence = concordance(labels=pd.Series({"c1": "b"}), votes=pd.Series(dtype=object))
    assert table.empty
    assert sentence.startswith("0 of 1 cells")
    assert cluster_votes(votes=pd.DataFrame({"label": []}), clusters=pd.Series({"c1": "0"})).empty


@pytest.mark.parametrize(
    ("text", "what"), [("cell\tword\na\tb\n", "column=label"), ("cell\tlabel\na\tb\na\tc\n", "value=a")]
)
def test_predictions_that_cannot_be_used_are_named(tmp_path, text, what):
    path = tmp_path / "votes.tsv"
    path.write_text(text)
    with pytest.raises(GutaxisError, match=f"X33 votes.tsv .*{what}"):
        read_votes(path=path)

"""A frozen embedding: cells of later batches are placed on it, and change nothing of what the reference taught."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.metrics import adjusted_rand_score
from tests.cell_samples import write_samples

from gutaxis.errors import GutaxisError
from gutaxis.single_cell.annotate import annotate_files
from gutaxis.single_cell.embed import Embedding, principal_components
from gutaxis.single_cell.embed_files import embed_files
from gutaxis.single_cell.embed_place import even_out, place, project
from gutaxis.single_cell.embed_settings import EmbedSettings
from gutaxis.single_cell.labels import label_files, read_labels, write_lineages

pytestmark = pytest.mark.unit
SETTINGS = EmbedSettings(genes=100, components=10, map_cells=1000)
PLAIN = EmbedSettings(genes=100, components=10, map_cells=0)
REFERENCE = ["S01", "S02", "S03"]
BATCHES = {"S01": "B1", "S02": "B1", "S03": "B2", "S04": "B3", "S05": "B4", "S06": "B3"}


def embed(*, files, folder, name="embedding", settings=SETTINGS, reference=REFERENCE, **more) -> ad.AnnData:
    path = folder / f"{name}.h5ad"
    embed_files(
        samples=files, batches=BATCHES, settings=settings, embedding=path, hvg=folder / f"{name}.hvg.tsv",
        reference=reference, **more,
    )  # fmt: skip
    return ad.read_h5ad(path)


def true_types(files) -> pd.Series:
    return pd.concat([obs["type"].astype(str) for path in files.values() if len(obs := ad.read_h5ad(path).obs)])


def some(files, *names) -> dict[str, Path]:
    return {name: files[name] for name in names}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """Four types in six samples with strong effects of their own; three teach."""
    folder = tmp_path_factory.mktemp("cells")
    return write_samples(folder=folder, sizes=[300, 250, 200, 220, 150, 0], effect=0.6)


@pytest.fixture(scope="module")
def made(files, tmp_path_factory) -> ad.AnnData:
    return embed(files=files, folder=tmp_path_factory.mktemp("made"))


def test_the_reference_is_what_it_is_without_later_batches(made, files, tmp_path):
    alone = embed(files=some(files, *REFERENCE), folder=tmp_path)
    plain = embed(files=some(files, *REFERENCE), folder=tmp_path, name="plain", reference=None)
    own = made[made.obs["sample_id"].isin(REFERENCE)]
    for other in (alone, plain):
        assert list(own.obs_names) == list(other.obs_names)
        assert list(own.obs["cluster"].astype(str)) == list(other.obs["cluster"].astype(str))
        for key in ("X_pca", "X_harmony", "X_umap"):
            np.testing.assert_array_equal(own.obsm[key], other.obsm[key])
    assert own.obs["neighbour_share"].isna().all()
    assert "neighbour_share" not in plain.obs
    assert made.uns["integration"] == "Harmony over 3 levels of sample"


def test_refitting_moves_the_cells_of_the_reference(made, files, tmp_path):
    refit = embed(files=files, folder=tmp_path, reference=None, settings=PLAIN)
    own = made[made.obs["sample_id"].isin(REFERENCE)]
    assert not np.array_equal(refit[own.obs_names].obsm["X_pca"], own.obsm["X_pca"])


def test_later_cells_get_the_clusters_of_their_type(made, files):
    truth = true_types(files)
    later = made[~made.obs["sample_id"].isin(REFERENCE)]
    assert set(later.obs["sample_id"].astype(str)) == {"S04", "S05"}
    assert adjusted_rand_score(truth[made.obs_names], made.obs["cluster"]) > 0.9
    assert adjusted_rand_score(truth[later.obs_names], later.obs["cluster"]) > 0.9
    share = later.obs["neighbour_share"]
    assert share.between(1 / SETTINGS.neighbors, 1).all()
    right = pd.crosstab(truth[later.obs_names], later.obs["cluster"].astype(str)).idxmax(axis=1)
    wrong = later.obs["cluster"].astype(str).to_numpy() != right[truth[later.obs_names]].to_numpy()
    assert share[~wrong].mean() > share[wrong].mean() if wrong.any() else share.mean() > 0.8


def test_evening_out_helps_where_samples_differ(made, files, tmp_path):
    far = write_samples(folder=tmp_path, sizes=[300, 250, 200, 220], effect=0.8, seed=3)
    done = embed(files=far, folder=tmp_path, settings=PLAIN)
    later = done[done.obs["sample_id"] == "S04"]
    own = done[done.obs["sample_id"] != "S04"]
    types = true_types(far)

    def off(name) -> float:
        """Distance of the means of a type in the later sample and in the reference."""
        apart = [
            later.obsm[name][(types[later.obs_names] == kind).to_numpy()].mean(axis=0)
            - own.obsm["X_harmony"][(types[own.obs_names] == kind).to_numpy()].mean(axis=0)
            for kind in sorted(types.unique())
        ]
        return float(np.linalg.norm(apart, axis=1).mean())

    assert off("X_harmony") < 0.1 * off("X_pca")
    assert adjusted_rand_score(types[later.obs_names], later.obs["cluster"]) > 0.8


def test_later_batches_do_not_see_each_other(made, files, tmp_path):
    fewer = embed(files=some(files, *REFERENCE, "S04"), folder=tmp_path, settings=PLAIN)
    here = made[made.obs["sample_id"] == "S04"]
    pd.testing.assert_frame_equal(
        fewer[here.obs_names].obs[["cluster", "neighbour_share"]], here.obs[["cluster", "neighbour_share"]]
    )
    np.testing.assert_array_equal(fewer[here.obs_names].obsm["X_harmony"], here.obsm["X_harmony"])


def test_the_place_on_the_map_is_among_the_neighbours(made):
    later = made[~made.obs["sample_id"].isin(REFERENCE)]
    own = made[made.obs["sample_id"].isin(REFERENCE)]
    assert np.isfinite(later.obsm["X_umap"]).all()
    for cluster in made.obs["cluster"].cat.categories:
        mine, theirs = later.obs["cluster"] == cluster, own.obs["cluster"] == cluster
        if mine.sum() < 20:
            continue
        middle = np.median(own.obsm["X_umap"][theirs.to_numpy()], axis=0)
        spread = np.linalg.norm(own.obsm["X_umap"][theirs.to_numpy()] - middle, axis=1).max()
        assert np.median(np.linalg.norm(later.obsm["X_umap"][mine.to_numpy()] - middle, axis=1)) < spread


def test_scores_are_those_of_the_definition():
    rng = np.random.default_rng(1)
    values = sparse.csr_matrix(rng.poisson(1.0, (60, 12)).astype(np.float32))
    more = sparse.csr_matrix(rng.poisson(1.0, (9, 12)).astype(np.float32))
    components = principal_components(values=values, n_components=3, seed=0)
    centred = more.toarray() - values.toarray().mean(axis=0)
    np.testing.assert_allclose(
        project(values=more, components=components), centred @ components.loadings.T, rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(project(values=values, components=components), components.scores, rtol=1e-3, atol=1e-4)


def test_a_level_that_lies_off_is_moved_back():
    rng = np.random.default_rng(2)
    centres = np.array([[5.0, 0, 0], [0, 5.0, 0], [0, 0, 5.0]])
    cluster = rng.integers(0, 3, 600)
    scores = centres[cluster] + rng.normal(0, 0.3, (600, 3)) + np.array([0.8, -0.5, 0.4])
    moved = even_out(scores=scores, levels=np.zeros(600, dtype=int), centres=centres)
    for number in range(3):
        assert np.linalg.norm(moved[cluster == number].mean(axis=0) - centres[number]) < 0.1


def test_ties_go_to_the_larger_cluster_and_votes_are_counted():
    pca = np.array([[0.0, 1], [0, 1.1], [0, 1.2], [1, 0], [1.1, 0]], dtype=np.float32)
    made = Embedding(
        pca=pca, harmony=pca, graph=sparse.eye(5, format="csr"), cluster=np.array([0, 0, 0, 1, 1]),
        integration="none: not asked for", neighbors=4, reason="",
    )  # fmt: skip
    identity = type("C", (), {"scores": pca, "loadings": np.eye(2), "mean": np.zeros(2)})()
    cells = sparse.csr_matrix(np.array([[0.5, 0.5], [0.0, 1.1]], dtype=np.float32))
    found = place(
        values=cells, sample=np.zeros(2, dtype=int), levels=np.zeros(2, dtype=int), components=identity, made=made,
        umap=np.array([[0.0, 0], [1, 1], [2, 2], [np.nan, np.nan], [9, 9]]), neighbors=4,
    )  # fmt: skip
    assert list(found.cluster) == [0, 0]
    assert found.share[0] == 0.5
    assert found.share[1] == 0.75
    assert np.isfinite(found.umap).all()


def test_subset_and_labels_of_the_reference_stay(files, tmp_path):
    """From embedding to labels, with and without the later samples: the same bytes for the samples that taught."""
    written = {}
    for name, chosen in (("before", some(files, *REFERENCE)), ("after", files)):
        folder = tmp_path / name
        folder.mkdir()
        made = embed(files=chosen, folder=folder, settings=PLAIN)
        lineage = made.obs["cluster"].astype(str).map(lambda word: "t_nk" if word in {"0", "1"} else "b")
        table = pd.DataFrame(
            {"cell": made.obs_names, "sample_id": made.obs["sample_id"].astype(str), "lineage": lineage}
        )
        table.to_csv(folder / "lineages.tsv", sep="\t", index=False)
        part = embed(
            files=chosen, folder=folder, name="t_nk", settings=PLAIN, subset="t_nk", cells=folder / "lineages.tsv"
        )
        clusters = {}
        for kind, cells in (("embedding", made), ("t_nk", part)):
            words = list(cells.obs["cluster"].cat.categories)
            labels = [("t_nk" if word in {"0", "1"} else "b") if kind == "embedding" else f"T{word}" for word in words]
            clusters[kind] = folder / f"{kind}.clusters.tsv"
            pd.DataFrame({"cluster": words, "label": labels, "score": 3.0, "margin": 1.0}).to_csv(
                clusters[kind], sep="\t", index=False
            )
        label_files(
            samples=list(chosen), embedding=folder / "embedding.h5ad", clusters=clusters["embedding"],
            subsets={"t_nk": (folder / "t_nk.h5ad", clusters["t_nk"])}, output=folder / "labels",
        )  # fmt: skip
        written[name] = folder / "labels"
        assert (part.obs["sample_id"].isin(["S04", "S05"])).any() == (name == "after")
    for sample in REFERENCE:
        assert (written["after"] / f"{sample}.tsv").read_bytes() == (written["before"] / f"{sample}.tsv").read_bytes()
    later = read_labels(path=written["after"] / "S04.tsv")
    assert later["neighbour_share"].notna().all()
    inside = later["lineage"] == "t_nk"
    assert later.loc[inside, "subcluster_share"].notna().all()
    assert later.loc[~inside, "subcluster_share"].isna().all()


def test_clusters_are_called_by_the_reference_alone(files, tmp_path):
    """Markers are the genes that set a cluster of the reference apart: the table of clusters is the same bytes."""
    made = {}
    for name, chosen in (("before", some(files, *REFERENCE)), ("after", files)):
        folder = tmp_path / name
        folder.mkdir()
        embed(files=chosen, folder=folder, settings=PLAIN)
        markers = folder / "markers.tsv"
        genes = [f"GENE{number}" for number in range(12)]
        pd.DataFrame(
            {"tissue": "both", "level": "lineage", "parent": "NA", "label": ["b"] * 6 + ["t_nk"] * 6,
             "set": ["b"] * 6 + ["t_nk"] * 6, "gene": genes, "sign": 1, "source": "made up"}
        ).to_csv(markers, sep="\t", index=False)  # fmt: skip
        annotate_files(
            samples=chosen, embedding=folder / "embedding.h5ad", markers=markers, tissue="blood",
            clusters=folder / "clusters.tsv", sets=folder / "sets.tsv", reference=REFERENCE,
        )  # fmt: skip
        write_lineages(
            embedding=folder / "embedding.h5ad", clusters=folder / "clusters.tsv", output=folder / "lineages.tsv"
        )
        made[name] = folder
    assert (made["after"] / "clusters.tsv").read_bytes() == (made["before"] / "clusters.tsv").read_bytes()
    lines = [(made[name] / "lineages.tsv").read_text().splitlines() for name in ("before", "after")]
    assert lines[1][: len(lines[0])] == lines[0]
    assert len(lines[1]) > len(lines[0])


def test_a_subset_that_the_reference_lacks_places_nobody(files, tmp_path):
    labels = tmp_path / "lineages.tsv"
    cells = ad.read_h5ad(files["S04"]).obs_names
    pd.DataFrame({"cell": cells, "sample_id": "S04", "lineage": "myeloid"}).to_csv(labels, sep="\t", index=False)
    made = embed(files=files, folder=tmp_path, settings=PLAIN, subset="myeloid", cells=labels)
    assert made.n_obs == 0


def test_few_cells_of_the_reference_are_one_cluster_without_a_vote(files, tmp_path):
    labels = tmp_path / "lineages.tsv"
    tables = [
        pd.DataFrame({"cell": ad.read_h5ad(files[name]).obs_names[:number], "sample_id": name, "lineage": "myeloid"})
        for name, number in (("S01", 8), ("S04", 30))
    ]
    pd.concat(tables).to_csv(labels, sep="\t", index=False)
    made = embed(files=files, folder=tmp_path, settings=PLAIN, subset="myeloid", cells=labels)
    assert made.n_obs == 38
    assert set(made.obs["cluster"].astype(str)) == {"0"}
    assert made.obs["neighbour_share"].isna().all()


def test_a_reference_without_cells_is_told(files, tmp_path):
    with pytest.raises(GutaxisError, match=r"X23 .*No cell of the reference batches .*batches.embedding: refit"):
        embed(files=files, folder=tmp_path, reference=["S06"])

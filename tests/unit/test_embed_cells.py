"""The embedding of a tissue from files to clusters: right answers, small inputs, the same bytes every time."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import anndata as ad
import igraph
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse
from sklearn.metrics import adjusted_rand_score, homogeneity_score
from tests.cell_samples import draw_counts, profiles, write_sample, write_samples

from gutaxis.errors import GutaxisError
from gutaxis.single_cell.embed import by_size, integrate, leiden, neighbour_graph, principal_components
from gutaxis.single_cell.embed_files import embed_files
from gutaxis.single_cell.embed_settings import EmbedSettings
from gutaxis.single_cell.figures_map import read_map
from gutaxis.single_cell.hvg import sample_votes
from gutaxis.single_cell.maps import balanced_sample
from gutaxis.single_cell.matrix import read_sample

pytestmark = pytest.mark.unit
PROJECT = Path(__file__).resolve().parents[2]
SETTINGS = EmbedSettings(genes=100, components=10, map_cells=0)


def embed(*, files, folder, settings=SETTINGS, name="embedding", **more) -> ad.AnnData:
    path = folder / f"{name}.h5ad"
    embed_files(
        **{"samples": files, "batches": {}, "settings": settings, "embedding": path, "hvg": folder / f"{name}.hvg.tsv"}
        | more
    )
    return ad.read_h5ad(path)


def true_types(files) -> pd.Series:
    return pd.concat([obs["type"].astype(str) for path in files.values() if len(obs := ad.read_h5ad(path).obs)])


def labels_table(path: Path, lineage: pd.Series) -> Path:
    lineage.rename("lineage").rename_axis("cell").reset_index().to_csv(path, sep="\t", index=False)
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """Four types in three samples with strong effects of their own, and an excluded sample."""
    return write_samples(folder=tmp_path_factory.mktemp("cells"), sizes=[300, 250, 0, 200], effect=0.6)


@pytest.fixture(scope="module")
def made(files, tmp_path_factory) -> ad.AnnData:
    return embed(files=files, folder=tmp_path_factory.mktemp("made"))


def test_types_are_found_across_samples(made, files):
    assert adjusted_rand_score(true_types(files)[made.obs_names], made.obs["cluster"]) > 0.9
    assert made.uns["integration"] == "Harmony over 3 levels of sample"


def test_without_integration_samples_come_apart(made, files, tmp_path):
    alone = embed(files=files, folder=tmp_path, settings=EmbedSettings(**SETTINGS.plain() | {"integrate": "none"}))
    assert alone.uns["integration"] == "none: not asked for"
    np.testing.assert_array_equal(alone.obsm["X_harmony"], alone.obsm["X_pca"])
    np.testing.assert_array_equal(alone.obsm["X_pca"], made.obsm["X_pca"])
    truth = true_types(files)[made.obs_names]
    assert adjusted_rand_score(truth, alone.obs["cluster"]) < adjusted_rand_score(truth, made.obs["cluster"]) - 0.1


def test_the_file_holds_what_was_agreed(made, files):
    assert made.n_vars == 0
    assert list(made.obs) == ["sample_id", "cluster"]
    assert made.obs_names[0] == "S01_00000"
    assert made.obs["sample_id"].value_counts().to_dict() == {"S01": 300, "S02": 250, "S03": 0, "S04": 200}
    sizes = made.obs["cluster"].value_counts(sort=False)
    assert sizes.index.tolist() == [str(number) for number in range(len(sizes))]
    assert sizes.is_monotonic_decreasing
    assert set(made.obsm) == {"X_pca", "X_harmony"}
    assert {block.dtype for block in made.obsm.values()} == {np.dtype("float32")}
    assert made.uns["settings"]["genes"] == 100
    assert (made.uns["reason"], made.uns["subset"], made.uns["map"]) == ("", "", "none")


def test_votes_of_the_samples_files_are_taken(files, tmp_path):
    tables = {}
    for sample, path in files.items():
        read = read_sample(path=path)
        tables[sample] = tmp_path / f"{sample}.hvg.tsv"
        sample_votes(counts=read.counts, genes=read.genes, n_top=100).to_csv(
            tables[sample], sep="\t", index=False, na_rep="NA"
        )
    embed(files=files, folder=tmp_path, name="tables", hvg_tables=tables)
    embed(files=files, folder=tmp_path, name="fresh")
    assert (tmp_path / "tables.hvg.tsv").read_bytes() == (tmp_path / "fresh.hvg.tsv").read_bytes()
    assert digest(tmp_path / "tables.h5ad") == digest(tmp_path / "fresh.h5ad")
    voted = pd.read_csv(tmp_path / "tables.hvg.tsv", sep="\t")
    assert list(voted) == ["gene", "n_samples", "dispersions_norm"]
    assert (len(voted), voted["n_samples"].max()) == (100, 3)


def test_batches_in_place_of_samples(files, tmp_path):
    batches = {"S01": "one", "S02": "two", "S03": "three", "S04": "one"}
    settings = EmbedSettings(**SETTINGS.plain() | {"integrate": "batch"})
    made = embed(files=files, folder=tmp_path, settings=settings, batches=batches)
    assert made.uns["integration"] == "Harmony over 2 levels of batch"
    one = embed(files=files, folder=tmp_path, settings=settings, batches=dict.fromkeys(files, "one"))
    assert one.uns["integration"] == "none: one batch only"


def test_the_order_of_the_sheet_changes_no_byte(files, tmp_path):
    with_map = EmbedSettings(**SETTINGS.plain() | {"map_cells": 150})
    embed(files=files, folder=tmp_path, name="a", settings=with_map)
    embed(files=dict(reversed(files.items())), folder=tmp_path, name="b", settings=with_map)
    assert digest(tmp_path / "a.h5ad") == digest(tmp_path / "b.h5ad")


@pytest.mark.parametrize("whole", [True, False])
def test_a_subset_is_embedded_on_genes_of_its_own(files, tmp_path, whole):
    types = true_types(files)
    lineage = types.map({"0": "t_nk", "1": "t_nk", "2": "b", "3": "unresolved"})
    if whole:
        cells = labels_table(tmp_path / "lineages.tsv.gz", lineage)
    else:
        cells = {
            sample: labels_table(tmp_path / f"{sample}.tsv", lineage[lineage.index.str.startswith(sample)])
            for sample in files
        }
    made = embed(files=files, folder=tmp_path, subset="t_nk", cells=cells)
    assert sorted(made.obs_names) == sorted(lineage.index[lineage == "t_nk"])
    assert homogeneity_score(types[made.obs_names], made.obs["cluster"]) > 0.9, "a cluster is of one type"
    assert made.uns["subset"] == "t_nk"
    expected = {
        sample: sample_votes(counts=read.counts, genes=read.genes, n_top=100).set_index("gene")["highly_variable"]
        for sample, path in files.items()
        if len((read := read_sample(path=path, cells=made.obs_names)).cells)
    }
    n_samples = pd.DataFrame(expected).fillna(0).sum(axis=1)
    voted = pd.read_csv(tmp_path / "embedding.hvg.tsv", sep="\t", index_col=0)["n_samples"]
    assert voted.to_dict() == n_samples[voted.index].astype(int).to_dict()


def test_samples_with_few_cells_of_a_subset_do_not_vote_but_are_embedded(files, tmp_path):
    lineage = true_types(files).map(lambda name: "myeloid" if name == "0" else "b")
    few = lineage.index[(lineage == "myeloid") & lineage.index.str.startswith("S04")][12:]
    lineage[few] = "b"
    cells = labels_table(tmp_path / "lineages.tsv", lineage)
    made = embed(files=files, folder=tmp_path, subset="myeloid", cells=cells)
    assert made.uns["n_voters"] == 2
    assert (made.obs["sample_id"] == "S04").sum() == 12


def test_where_no_sample_has_enough_cells_they_vote_as_one(files, tmp_path):
    lineage = true_types(files)
    lineage[:] = "b"
    for sample in ("S01", "S02", "S04"):
        lineage[lineage.index[lineage.index.str.startswith(sample)][:20]] = "pdc"
    made = embed(files=files, folder=tmp_path, subset="pdc", cells=labels_table(tmp_path / "lineages.tsv", lineage))
    assert (made.uns["n_voters"], len(made)) == (1, 60)
    counts = sparse.vstack([read_sample(path=path, cells=made.obs_names).counts for path in files.values()])
    pooled = sample_votes(counts=counts.tocsr(), genes=read_sample(path=files["S01"]).genes, n_top=100)
    called = set(pooled.loc[pooled["highly_variable"] == 1, "gene"])
    assert set(pd.read_csv(tmp_path / "embedding.hvg.tsv", sep="\t")["gene"]) == called
    assert made.uns["integration"] == "none: fewer than 100 cells"


def test_labels_without_their_columns_are_refused(files, tmp_path):
    path = tmp_path / "lineages.tsv"
    path.write_text("cell\tlabel\nS01_00001\tb\n")
    with pytest.raises(GutaxisError) as caught:
        embed(files=files, folder=tmp_path, subset="b", cells=path)
    [problem] = caught.value.problems
    assert (problem.code, problem.column, problem.file) == ("X22", "lineage", "lineages.tsv")
    with pytest.raises(ValueError, match="only a subset"):
        embed(files=files, folder=tmp_path, cells=path)


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        ([0, 0], "0 cells, fewer than 20"),
        ([1], "1 cells, fewer than 20"),
        ([1, 2], "3 cells, fewer than 20"),
        ([19], "19 cells, fewer than 20"),
        ([20], ""),
        ([21, 1], ""),
        ([60, 1, 60], ""),
    ],
)
def test_few_cells_shrink_and_never_fail(tmp_path, sizes, reason):
    files = write_samples(folder=tmp_path, sizes=sizes)
    made = embed(files=files, folder=tmp_path, settings=EmbedSettings(genes=100, hvg_min_cells=2))
    assert made.uns["reason"] == reason
    assert len(made) == sum(sizes)
    if reason:
        assert made.obs["cluster"].astype(str).unique().tolist() == ["0"] * (sum(sizes) > 0)
        assert made.uns["map"] == "none"
    else:
        assert 2 <= made.obsm["X_harmony"].shape[1] <= min(sum(sizes) - 1, 30)
        assert np.isfinite(made.obsm["X_harmony"]).all()
        assert made.uns["n_neighbors"] == 15
        assert np.isfinite(made.obsm["X_umap"]).all()


def test_a_subset_that_nobody_has_is_an_empty_file(files, tmp_path):
    cells = labels_table(tmp_path / "lineages.tsv", true_types(files))
    made = embed(files=files, folder=tmp_path, subset="mast", cells=cells)
    assert made.shape == (0, 0)
    assert made.uns["reason"] == "0 cells, fewer than 20"
    assert (tmp_path / "embedding.hvg.tsv").read_text() == "gene\tn_samples\tdispersions_norm\n"


@pytest.mark.filterwarnings("ignore:invalid value encountered in log")
def test_cells_that_are_all_the_same_are_one_cluster(tmp_path):
    counts = sparse.csr_matrix(np.tile(np.array([1, 1, 2], dtype=np.float32), (40, 1)))
    path = write_sample(path=tmp_path / "a.h5ad", sample="a", counts=counts, genes=["X", "Y", "Z"], types=np.zeros(40))
    made = embed(files={"a": path}, folder=tmp_path)
    assert made.obs["cluster"].nunique() == 1
    assert made.uns["reason"] == "the cells do not differ in two components"


@pytest.mark.oracle
def test_components_are_those_of_a_dense_svd():
    rng = np.random.default_rng(3)
    counts = draw_counts(
        shares=profiles(n_types=6, n_genes=80, n_markers=10), types=rng.integers(0, 6, 200), depth=300, rng=rng
    )
    values = counts.log1p()
    scores = principal_components(values=values, n_components=5, seed=0).scores
    dense = values.toarray().astype(float)
    left, sizes, _ = np.linalg.svd(dense - dense.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(scores), np.abs(left[:, :5] * sizes[:5]), atol=1e-3)
    assert scores.dtype == np.float32


@pytest.mark.oracle
def test_leiden_finds_what_scanpy_finds(made):
    graph = neighbour_graph(coordinates=made.obsm["X_harmony"], neighbors=15, seed=0)
    ours = leiden(graph=graph, resolution=1.0, seed=0)
    adata = ad.AnnData(obsm={"X": made.obsm["X_harmony"]})
    sc.pp.neighbors(adata, n_neighbors=15, use_rep="X", random_state=0)
    assert (adata.obsp["connectivities"] != graph).nnz == 0
    sc.tl.leiden(adata, flavor="igraph", n_iterations=2, directed=False, random_state=0)
    whole = graph.tocoo()
    net = igraph.Graph(n=graph.shape[0], edges=list(zip(whole.row.tolist(), whole.col.tolist(), strict=True)))
    theirs = net.modularity(adata.obs["leiden"].astype(int).tolist(), weights=whole.data)
    assert net.modularity(ours.tolist(), weights=whole.data) > theirs - 0.01
    assert adjusted_rand_score(adata.obs["leiden"], ours) > 0.8


def test_more_resolution_gives_more_clusters(made):
    graph = neighbour_graph(coordinates=made.obsm["X_harmony"], neighbors=15, seed=0)
    assert leiden(graph=graph, resolution=0.05, seed=0).max() < leiden(graph=graph, resolution=3.0, seed=0).max()


def test_clusters_are_numbered_by_size_then_by_their_first_cell():
    assert by_size(groups=np.array([7, 3, 3, 9, 9, 3, 2])).tolist() == [2, 0, 0, 1, 1, 0, 3]
    assert by_size(groups=np.array([5, 5, 1, 1])).tolist() == [0, 0, 1, 1]


def test_integration_is_skipped_with_a_reason():
    pca = np.random.default_rng(0).normal(size=(120, 4)).astype(np.float32)
    levels = np.arange(120) % 2
    for cells, groups, what, words in (
        (120, levels, "none", "none: not asked for"),
        (120, levels * 0, "sample", "none: one sample only"),
        (99, levels, "sample", "none: fewer than 100 cells"),
    ):
        same, said = integrate(pca=pca[:cells], levels=groups[:cells], what=what, seed=0)
        assert said == words
        np.testing.assert_array_equal(same, pca[:cells])


def test_a_drawn_sample_is_balanced():
    groups = np.repeat([0, 1, 2], [1000, 5, 400])
    drawn = balanced_sample(groups=groups, n_cells=205, seed=1)
    assert np.bincount(groups[drawn]).tolist() == [100, 5, 100]
    assert (np.diff(drawn) > 0).all()
    assert drawn.tolist() == balanced_sample(groups=groups, n_cells=205, seed=1).tolist()
    assert drawn.tolist() != balanced_sample(groups=groups, n_cells=205, seed=2).tolist()
    assert balanced_sample(groups=groups, n_cells=5000, seed=1).tolist() == list(range(1405))


def test_the_map_has_as_many_cells_as_are_asked_for(files, tmp_path):
    settings = SETTINGS.plain()
    made = embed(files=files, folder=tmp_path, settings=EmbedSettings(**settings | {"map_cells": 150}))
    types = true_types(files)
    table, words, total = read_map(embedding=tmp_path / "embedding.h5ad", labels=types)
    assert total == 750
    assert words == "UMAP of 150 of 750 cells, as many of each sample where it has them"
    assert table["sample_id"].value_counts().to_dict() == {"S01": 50, "S02": 50, "S04": 50}
    assert np.isnan(made.obsm["X_umap"]).all(axis=1).sum() == 600
    embed(files=files, folder=tmp_path, settings=EmbedSettings(**settings | {"umap": True}))
    table, words, _ = read_map(embedding=tmp_path / "embedding.h5ad", labels=types)
    assert (words, len(table)) == ("UMAP of all cells", 750)
    centre = table.groupby("label")[["x", "y"]].transform("median")
    within = np.hypot(table["x"] - centre["x"], table["y"] - centre["y"]).median()
    assert within < table[["x", "y"]].std().mean() / 2, "types should lie together"
    embed(files=files, folder=tmp_path)
    assert read_map(embedding=tmp_path / "embedding.h5ad", labels=types)[0].empty


@pytest.mark.parametrize("wrong", [{"integrate": "donor"}, {"components": 1}, {"neighbors": 1}, {"genes": 3}])
def test_settings_refuse_nonsense(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        EmbedSettings(**wrong)
    assert EmbedSettings.from_config(config={"genes": 50, "other": 1}) == EmbedSettings(genes=50)


BOTH = """
import hashlib, sys
from pathlib import Path
import numba
from threadpoolctl import threadpool_limits
from gutaxis.single_cell.embed_files import embed_files
from gutaxis.single_cell.embed_settings import EmbedSettings
folder = Path(sys.argv[1])
files = {path.stem: path for path in folder.glob("S*.h5ad")}
settings = EmbedSettings(genes=100, components=15, map_cells=0)
for threads in (1, 2):
    numba.set_num_threads(threads)
    made = folder / f"made{threads}.h5ad"
    with threadpool_limits(limits=threads):
        embed_files(samples=files, batches={}, settings=settings, embedding=made, hvg=folder / "hvg.tsv")
    assert numba.get_num_threads() == threads
    print("SHA", hashlib.sha256(made.read_bytes()).hexdigest())
"""


def test_many_cells_give_the_same_bytes_again_and_where_two_threads_are_allowed(tmp_path):
    """From 8,192 cells neighbours are searched by NN-descent: a known incompatible pynndescent fails only there."""
    files = write_samples(folder=tmp_path, sizes=[3000, 3000, 2200], n_genes=120, n_markers=15, depth=200)
    threads = dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "2")
    done = subprocess.run(
        [sys.executable, "-c", BOTH, str(tmp_path)],
        env=os.environ | threads | {"PYTHONPATH": str(PROJECT / "scripts")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    one, two = [line for line in done.stdout.splitlines() if line.startswith("SHA")]
    assert one == two
    made = ad.read_h5ad(tmp_path / "made1.h5ad")
    assert homogeneity_score(true_types(files)[made.obs_names], made.obs["cluster"]) > 0.9, "a cluster is of one type"

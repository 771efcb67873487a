"""Fractions, sums of counts and programs of one sample."""

import shutil

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from tests.cells_by_type import PROGRAMS, mean_profiles, write_sample

from gutaxis.errors import GutaxisError
from gutaxis.layers.assemble import assemble_layer
from gutaxis.single_cell.markers import read_programs
from gutaxis.single_cell.matrix import read_sample
from gutaxis.single_cell.programs import program_scores
from gutaxis.single_cell.summary import fraction_table, pseudobulk_sums, summarise_sample, summarise_samples
from gutaxis.single_cell.summary_files import summary_files

TYPES = ("treg", "cd8_exhausted", "cd8_trm", "macrophage_c1qc", "macrophage_spp1", "b", "unresolved")
SIZES = dict(zip(TYPES, (12, 30, 9, 25, 20, 40, 7), strict=True))
LINEAGES = dict(zip(TYPES, ("t_nk", "t_nk", "t_nk", "myeloid", "myeloid", "b", "unresolved"), strict=True))


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """One tumour sample with counts and labels."""
    folder = tmp_path_factory.mktemp("sample")
    profiles = mean_profiles(types=TYPES, tissue="tumor", seed=2)
    types = write_sample(path=folder / "S1.h5ad", sample="S1", profiles=profiles, sizes=SIZES, seed=3)
    labels = pd.DataFrame({"lineage": types.map(LINEAGES), "label": types})
    # the order of the labels is not that of the counts
    labels.rename_axis("cell").sample(frac=1, random_state=1).to_csv(folder / "S1.tsv", sep="\t")
    return folder, labels


def summarise(folder, out, *, labels="S1.tsv", programs=PROGRAMS, min_cells=10):
    made = {name: out / name for name in ("fractions", "pseudobulk", "scores")}
    summarise_sample(
        sample="S1", counts=folder / "S1.h5ad", labels=folder / labels, programs=programs, min_cells=min_cells, **made
    )
    return made


def test_fractions_are_of_all_kept_cells(sample, tmp_path):
    folder, _ = sample
    made = summarise(folder, tmp_path)
    table = pd.read_csv(made["fractions"], sep="\t", comment="#")
    assert dict(zip(table["label"], table["n_cells"], strict=True)) == SIZES
    assert table["fraction"].sum() == pytest.approx(1)
    assert table.set_index("label").loc["unresolved", "fraction"] == pytest.approx(7 / 143)
    assert table["label"].is_monotonic_increasing


def test_sums_are_exact_and_rare_or_unresolved_types_left_out(sample, tmp_path):
    folder, labels = sample
    made = summarise(folder, tmp_path)
    bulk = ad.read_h5ad(made["pseudobulk"])
    counts = ad.read_h5ad(folder / "S1.h5ad")
    # 9 cells of cd8_trm, 7 of no type
    assert bulk.obs_names.tolist() == ["b", "cd8_exhausted", "macrophage_c1qc", "macrophage_spp1", "treg"]
    for name in bulk.obs_names:
        expected = counts[(labels["label"] == name).to_numpy()].X.sum(axis=0)
        np.testing.assert_array_equal(bulk[name].X.toarray(), np.asarray(expected))
    assert bulk.obs["n_cells"].tolist() == [SIZES[name] for name in bulk.obs_names]
    assert bulk.X.dtype == np.int32
    assert bulk.var["gene_id"].iloc[1] == "ENSG1"


def test_samples_of_a_part_are_in_one_folder_with_the_bytes_of_each_alone(sample, tmp_path):
    folder, _ = sample
    (tmp_path / "labels").mkdir()
    counts = {}
    for name in ("S1", "S2.b"):
        counts[name] = tmp_path / f"{name}.h5ad"
        shutil.copy(folder / "S1.h5ad", counts[name])
        shutil.copy(folder / "S1.tsv", tmp_path / f"labels/{name}.tsv")
    out = tmp_path / "summary/B1.1"
    summarise_samples(counts=counts, labels=tmp_path / "labels", programs=PROGRAMS, output=out)
    alone = summarise(folder, tmp_path)
    for what, made in {"fractions": "fractions", "pseudobulk": "pseudobulk", "programs": "scores"}.items():
        files = summary_files(folders=[out], what=what)
        assert list(files) == ["S1", "S2.b"]
        assert files["S1"].read_bytes() == alone[made].read_bytes()
    assert len(list(out.iterdir())) == 6


def test_layers_are_assembled_from_the_folders_of_several_parts(sample, tmp_path):
    folder, _ = sample
    (tmp_path / "labels").mkdir()
    for name in ("S1", "S2", "S3"):
        shutil.copy(folder / "S1.tsv", tmp_path / f"labels/{name}.tsv")
    parts = {"B1.1": ("S1", "S2"), "B2.1": ("S3",)}
    for part, names in parts.items():
        counts = dict.fromkeys(names, folder / "S1.h5ad")
        summarise_samples(counts=counts, labels=tmp_path / "labels", programs=PROGRAMS, output=tmp_path / part)
    observations = pd.DataFrame(
        {"patient_id": ["P1", "P2", "P3"]}, index=pd.Index(["S1", "S2", "S3"], name="sample_id")
    )
    made = {}
    for source, kind in (
        ("cell_fractions", "compositional"),
        ("cell_programs", "continuous"),
        ("pseudobulk", "counts"),
    ):
        out = {f"output_{end}": str(tmp_path / f"{source}.{end}") for end in ("h5ad", "tsv", "dropped")}
        made[source] = assemble_layer(
            name=source, source=source, paths=[str(tmp_path / part) for part in parts], observations=observations,
            kind=kind, **out,
        )  # fmt: skip
        assert made[source].obs_names.tolist() == ["S1", "S2", "S3"]
        assert made[source].uns["source"] == source
    assert made["cell_fractions"][:, "treg"].X.ravel() == pytest.approx(SIZES["treg"] / sum(SIZES.values()))
    assert "treg_cd8_log2_ratio" in made["cell_programs"].var_names
    bulk = ad.read_h5ad(tmp_path / "B2.1/S3.pseudobulk.h5ad")
    own = made["pseudobulk"]["S3", made["pseudobulk"].var["cell_type"] == "treg"]
    np.testing.assert_array_equal(
        np.asarray(own.to_df()).ravel(), bulk["treg", own.var["gene"].tolist()].X.toarray().ravel()
    )


def test_a_part_with_one_bad_sample_leaves_no_folder_and_names_the_sample(sample, tmp_path):
    folder, labels = sample
    (tmp_path / "labels").mkdir()
    shutil.copy(folder / "S1.tsv", tmp_path / "labels/S1.tsv")
    labels.iloc[1:].rename_axis("cell").to_csv(tmp_path / "labels/S2.tsv", sep="\t")
    counts = dict.fromkeys(("S1", "S2"), folder / "S1.h5ad")
    with pytest.raises(GutaxisError, match=r"X34.*S2"):
        summarise_samples(counts=counts, labels=tmp_path / "labels", programs=PROGRAMS, output=tmp_path / "B1.1")
    assert not list(tmp_path.glob("*B1.1*"))


def test_a_folder_without_summaries_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file of a sample's programs"):
        summary_files(folders=[tmp_path], what="programs")


def test_the_same_input_gives_the_same_bytes(sample, tmp_path):
    folder, _ = sample
    one, two = (summarise(folder, tmp_path / name) for name in "ab")
    for name, path in one.items():
        assert path.read_bytes() == two[name].read_bytes(), name


def test_programs_are_mean_log_expression_over_their_scope(sample):
    folder, labels = sample
    programs = read_programs(path=PROGRAMS)
    counts = read_sample(path=folder / "S1.h5ad")
    table = program_scores(counts=counts, labels=labels, programs=programs, min_cells=10).set_index("program")
    dense = counts.counts.toarray().astype(float)
    logs = pd.DataFrame(np.log1p(dense / dense.sum(axis=1, keepdims=True) * 1e4), index=counts.cells,
                        columns=counts.genes)  # fmt: skip
    cd8 = labels["label"].isin(["cd8_exhausted", "cd8_trm"])
    genes = programs.loc[programs["program"] == "exhaustion", "gene"]
    assert table.loc["exhaustion", "value"] == pytest.approx(logs.loc[cd8, genes].to_numpy().mean(), rel=1e-5)
    assert table.loc["exhaustion", "n_cells"] == 39
    macrophages = labels["lineage"] == "myeloid"
    part = [
        logs.loc[macrophages, programs.loc[programs["program"] == name, "gene"].loc[lambda g: g.isin(logs)]]
        .to_numpy().mean()
        for name in ("m1_like", "m2_like")
    ]  # fmt: skip
    if pd.notna(table.loc["m1_like", "value"]):
        assert table.loc["m1_m2_difference", "value"] == pytest.approx(part[0] - part[1], rel=1e-4)
    assert table.loc["treg_cd8_log2_ratio", "value"] == pytest.approx(np.log2(12.5 / 39.5))


def test_weights_and_scopes_of_a_programs_table(sample, tmp_path):
    folder, labels = sample
    counts = read_sample(path=folder / "S1.h5ad")
    table = tmp_path / "p.tsv"
    table.write_text(
        "program\tgene\tweight\tsource\tscope\none\tMS4A1\t3\ts\tb\none\tCD19\t1\ts\tb\n"
        "every\tMS4A1\t1\ts\tall\nlineage\tMS4A1\t1\ts\tt_nk; b\nother\tABSENT\t1\ts\tall\nnobody\tMS4A1\t1\ts\tnk\n"
    )
    made = program_scores(counts=counts, labels=labels, programs=read_programs(path=table), min_cells=10)
    made = made.set_index("program")
    dense = counts.counts.toarray().astype(float)
    logs = pd.DataFrame(np.log1p(dense / dense.sum(axis=1, keepdims=True) * 1e4), index=counts.cells,
                        columns=counts.genes)  # fmt: skip
    b = labels["label"] == "b"
    expected = (3 * logs.loc[b, "MS4A1"].mean() + logs.loc[b, "CD19"].mean()) / 4
    assert made.loc["one", "value"] == pytest.approx(expected, rel=1e-5)
    assert made.loc["every", ["value", "n_cells"]].tolist() == [pytest.approx(logs["MS4A1"].mean(), rel=1e-5), 143]
    assert made.loc["lineage", "n_cells"] == 12 + 30 + 9 + 40
    assert made.loc["other", "reason"] == "0 of 1 genes measured"
    assert made.loc["nobody", "reason"] == "0 cells in scope, fewer than 10"
    assert "m1_m2_difference" not in made.index


def test_too_few_cells_give_no_number_and_a_reason(sample):
    folder, labels = sample
    counts = read_sample(path=folder / "S1.h5ad")
    made = program_scores(counts=counts, labels=labels, programs=read_programs(path=PROGRAMS), min_cells=52)
    made = made.set_index("program")
    # 39 CD8, 12 Treg; 45 macrophages
    for name in ("exhaustion", "m1_m2_difference", "treg_cd8_log2_ratio"):
        assert np.isnan(made.loc[name, "value"])
        assert "fewer than 52" in made.loc[name, "reason"]
    assert np.isfinite(made.loc["ifn_response", "value"]) == (made.loc["ifn_response", "reason"] is None)


def test_a_sample_without_cells_gives_empty_tables(tmp_path):
    profiles = mean_profiles(types=("b",), tissue="blood", seed=1)
    write_sample(path=tmp_path / "S1.h5ad", sample="S1", profiles=profiles, sizes={}, seed=1)
    (tmp_path / "S1.tsv").write_text("cell\tlineage\tlabel\tscore\tmargin\tcluster\tsubcluster\n")
    made = summarise(tmp_path, tmp_path / "out")
    assert pd.read_csv(made["fractions"], sep="\t", comment="#").empty
    assert ad.read_h5ad(made["pseudobulk"]).shape == (0, profiles.shape[1])
    assert pd.read_csv(made["scores"], sep="\t", comment="#")["value"].isna().all()


def test_labels_of_other_cells_are_refused(sample, tmp_path):
    folder, labels = sample
    for name, table in (("fewer", labels.iloc[1:]), ("twice", pd.concat([labels, labels.iloc[:1]]))):
        table.rename_axis("cell").to_csv(folder / f"{name}.tsv", sep="\t")
        with pytest.raises(GutaxisError, match=f"X34 {name}.tsv"):
            summarise(folder, tmp_path, labels=f"{name}.tsv")


def test_fractions_of_no_cells():
    assert fraction_table(labels=pd.DataFrame({"lineage": [], "label": []}, dtype=object)).empty


def test_sums_beyond_the_precision_of_float32_are_exact(tmp_path):
    genes = pd.DataFrame(1.0, index=["b"], columns=["G1"])
    write_sample(path=tmp_path / "S1.h5ad", sample="S1", profiles=genes, sizes={"b": 3}, seed=1)
    counts = read_sample(path=tmp_path / "S1.h5ad")
    counts.counts.data[:] = [2**24 - 1, 1, 1]
    labels = pd.Series(["b"] * 3, index=counts.cells)
    assert pseudobulk_sums(counts=counts, labels=labels, min_cells=1).X.toarray().tolist() == [[2**24 + 1]]

"""Planted against recovered cells: label F1, doublets, dead cells, and what stands in their tables."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from gutaxis.files import write_tsv
from gutaxis.simulate.cell_recovery import (
    BY_LABEL,
    auc_within,
    f1_by_label,
    fraction_error,
    match_cells,
    measure_cells,
    score_tissue,
)
from gutaxis.simulate.cells_catalogue import LINEAGES
from gutaxis.simulate.cells_matrix import cell_truth
from gutaxis.simulate.cells_plan import plan_cells
from gutaxis.simulate.trial import plan_trial

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def truth():
    return plan_cells(truth=plan_trial(n=2, seed=11, pairs=1000), cells=300)


def write_perfect(*, truth, folder, spoil=None):
    """Write the tables of a run that made no mistake; ``spoil`` may change cells (kept, label, lineage, score)."""
    labels, cells = {}, {}
    for sample_id in truth["cells"]["samples"]:
        table = cell_truth(truth=truth, sample_id=sample_id)
        table["kept"] = np.where(table["doublet"] | table["dead"], "N", "Y")
        table["doublet_score"] = table["doublet"] * 0.5 + 0.1
        table["lineage"] = table["label"].map(LINEAGES)
        if spoil is not None:
            table = spoil(sample_id, table)
        cells[sample_id], labels[sample_id] = folder / f"{sample_id}.cells.tsv", folder / f"{sample_id}.tsv"
        write_tsv(table[["cell", "barcode", "doublet_score", "kept"]], cells[sample_id])
        write_tsv(table.loc[table["kept"] == "Y", ["cell", "lineage", "label"]], labels[sample_id])
    return labels, cells


def score(*, truth, folder, tissue="blood", spoil=None):
    labels, cells = write_perfect(truth=truth, folder=folder, spoil=spoil)
    return score_tissue(matched=match_cells(truth=truth, labels=labels, cells=cells, tissue=tissue), tissue=tissue)


# figures against other implementations


@pytest.mark.oracle
def test_f1_equals_sklearn_over_the_labels_of_the_truth():
    rng = np.random.default_rng(1)
    true = pd.Series(rng.choice(["a", "b", "c"], 200))
    called = true.where(pd.Series(rng.random(200) < 0.6), pd.Series(rng.choice(["a", "b", "x"], 200)))
    table = f1_by_label(true=true, called=called)
    labels = ["a", "b", "c"]
    np.testing.assert_allclose(table["f1"], f1_score(true, called, labels=labels, average=None))
    assert table["f1"].mean() == pytest.approx(f1_score(true, called, labels=labels, average="macro"))
    assert list(table["label"]) == labels


@pytest.mark.oracle
def test_auc_of_one_group_equals_sklearn_and_groups_are_not_compared():
    rng = np.random.default_rng(2)
    score, positive = np.round(rng.random(120), 1), rng.random(120) < 0.3
    one = np.repeat("s", 120)
    assert auc_within(score=score, positive=positive, group=one) == pytest.approx(roc_auc_score(positive, score))
    # a second sample of the same cells, all scores ten higher: pooled they would mix, within samples nothing changes
    twice = auc_within(
        score=np.r_[score, score + 10], positive=np.r_[positive, positive], group=np.repeat(["s", "t"], 120)
    )
    assert twice == pytest.approx(roc_auc_score(positive, score))
    # weights are pairs: 1 x 1 pair that is wrong against 2 x 2 that are right
    mixed = auc_within(
        score=np.array([1.0, 2.0, 5, 6, 1, 2]),
        positive=np.array([True, False, True, True, False, False]),
        group=np.array(list("aabbbb")),
    )
    assert mixed == pytest.approx(4 / 5)


def test_auc_leaves_out_missing_scores_and_groups_without_pairs():
    score, positive = np.array([np.nan, 1.0, 0.0, 5.0]), np.array([True, True, False, True])
    assert auc_within(score=score, positive=positive, group=np.array(list("aaab"))) == 1
    assert np.isnan(auc_within(score=score, positive=positive, group=np.array(list("abcd"))))


def test_fraction_error_is_half_the_absolute_difference():
    true = pd.DataFrame({"sample_id": ["s"] * 4 + ["t"] * 2, "label": list("aabbab")})
    called = pd.DataFrame({"sample_id": ["s"] * 4, "label": ["a", "b", "b", "unresolved"]})
    assert fraction_error(true=true, called=called) == pytest.approx(0.25)
    assert np.isnan(fraction_error(true=true, called=called.iloc[:0]))


# scores of a run


def test_a_run_without_a_mistake_scores_one(truth, tmp_path):
    for tissue in ("blood", "tumor"):
        row, by_label = score(truth=truth, folder=tmp_path, tissue=tissue)
        ones = ["macro_f1", "lineage_f1", "doublet_auc", "doublet_auc_neotypic"]
        ones += ["doublets_removed", "dead_removed", "singlets_kept"]
        assert [row[name] for name in ones] == [1.0] * len(ones)
        assert row["unresolved"] == row["fraction_error"] == 0
        assert set(by_label.loc[by_label["level"] == "label", "label"]) <= set(truth["cells"]["types"][tissue])
        assert (by_label["f1"] == 1).all() and list(by_label.columns) == BY_LABEL
        assert row["n_samples"] == 3
        assert row["n_scored"] == by_label.loc[by_label["level"] == "lineage", "n_true"].sum() < row["n_cells"]


def test_a_lineage_alone_is_a_wrong_label_and_a_right_lineage(truth, tmp_path):
    def spoil(_, table):
        return table.assign(label=table["label"].mask(table["label"] == "treg", "t_nk_unresolved"))

    row, by_label = score(truth=truth, folder=tmp_path, spoil=spoil)
    labels = by_label[by_label["level"] == "label"].set_index("label")
    assert labels.loc["treg", ["n_called", "f1", "recall"]].tolist() == [0, 0, 0]
    assert np.isnan(labels.loc["treg", "precision"])
    assert row["macro_f1"] == pytest.approx(1 - 1 / len(labels))
    assert row["lineage_f1"] == 1
    assert row["unresolved"] == pytest.approx(labels.loc["treg", "n_true"] / row["n_scored"])
    assert row["fraction_error"] > 0


def test_a_cell_that_was_kept_without_a_label_is_not_right(truth, tmp_path):
    labels, cells = write_perfect(truth=truth, folder=tmp_path)
    table = pd.read_csv(labels["P01_PRE_BLOOD"], sep="\t")
    write_tsv(table.iloc[::2], labels["P01_PRE_BLOOD"])
    matched = match_cells(truth=truth, labels=labels, cells=cells, tissue="blood")
    row, _ = score_tissue(matched=matched, tissue="blood")
    assert row["macro_f1"] < 0.95 and row["lineage_f1"] < 0.95


def test_dead_cells_and_doublets_that_stay_change_their_shares_and_no_f1(truth, tmp_path):
    row, _ = score(truth=truth, folder=tmp_path, spoil=lambda _, table: table.assign(kept="Y", doublet_score=0.2))
    assert row["doublets_removed"] == row["dead_removed"] == 0
    assert row["doublet_auc"] == row["doublet_auc_neotypic"] == 0.5
    assert row["macro_f1"] == row["singlets_kept"] == 1


def test_doublets_of_one_type_count_in_one_of_the_two_areas(truth, tmp_path):
    def spoil(_, table):
        # only doublets of two types are seen
        return table.assign(doublet_score=(table["doublet"] & (table["label"] != table["label_2"])) * 1.0)

    row, _ = score(truth=truth, folder=tmp_path, spoil=spoil)
    assert row["doublet_auc_neotypic"] == 1 > row["doublet_auc"] > 0.5


def test_dead_cells_take_no_part_in_the_doublet_area(truth, tmp_path):
    row, _ = score(
        truth=truth,
        folder=tmp_path,
        spoil=lambda _, table: table.assign(doublet_score=table["doublet_score"].mask(table["dead"], 9.0)),
    )
    assert row["doublet_auc"] == 1


def test_an_excluded_sample_counts_as_lost_cells(truth, tmp_path):
    def spoil(sample_id, table):
        return table.assign(kept="N", doublet_score=np.nan) if sample_id == "P01_PRE_BLOOD" else table

    labels, cells = write_perfect(truth=truth, folder=tmp_path, spoil=spoil)
    del labels["P01_PRE_BLOOD"]
    row, _ = score_tissue(matched=match_cells(truth=truth, labels=labels, cells=cells, tissue="blood"), tissue="blood")
    assert row["n_samples"] == 3 and row["macro_f1"] == 1 and row["doublet_auc"] == 1
    assert 0.5 < row["singlets_kept"] < 0.8


def test_tables_of_a_run(truth, tmp_path):
    labels, cells = write_perfect(truth=truth, folder=tmp_path)
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    paths = {"output": tmp_path / "out" / "scores.tsv", "by_label": tmp_path / "out" / "labels.tsv"}
    measure_cells(truth=tmp_path / "truth.json", labels=labels, cells=cells, **paths)
    scores = pd.read_csv(paths["output"], sep="\t")
    assert list(scores["tissue"]) == ["blood", "tumor"]
    assert (scores["macro_f1"] == 1).all()
    assert set(pd.read_csv(paths["by_label"], sep="\t")["tissue"]) == {"blood", "tumor"}
    blood = [name for name in cells if name.endswith("BLOOD")]
    one = {name: {key: table[key] for key in blood} for name, table in (("labels", labels), ("cells", cells))}
    measure_cells(truth=tmp_path / "truth.json", **one, **paths)
    assert list(pd.read_csv(paths["output"], sep="\t")["tissue"]) == ["blood"]


def test_cells_of_another_trial_are_refused(truth, tmp_path):
    labels, cells = write_perfect(truth=truth, folder=tmp_path)
    other = plan_cells(truth=plan_trial(n=2, seed=12, pairs=1000), cells=300)
    with pytest.raises(ValueError, match=r"P01_PRE_BLOOD\.cells\.tsv does not hold the simulated cells"):
        match_cells(truth=other, labels=labels, cells=cells, tissue="blood")
    everything = pd.read_csv(cells["P01_PRE_BLOOD"], sep="\t").assign(lineage="b", label="b")
    write_tsv(everything, labels["P01_PRE_BLOOD"])
    with pytest.raises(ValueError, match="labels cells of P01_PRE_BLOOD that were not kept"):
        match_cells(truth=truth, labels=labels, cells=cells, tissue="blood")
    (tmp_path / "truth.json").write_text(json.dumps(plan_trial(n=2, seed=11, pairs=1000)))
    with pytest.raises(ValueError, match="no table belongs to a single-cell library"):
        measure_cells(
            truth=tmp_path / "truth.json", labels={}, cells={}, output=tmp_path / "a", by_label=tmp_path / "b"
        )

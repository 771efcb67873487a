"""Labels of cells out of labels of clusters, and what is written for each sample."""

import pandas as pd
import pytest
from tests.cells_by_type import write_embedding

from gutaxis.single_cell.labels import LABEL_COLUMNS, cell_labels, label_files, read_labels, write_lineages


def _clusters(path, rows):
    lines = ["# comment", "cluster\tn_cells\tlabel\tbest\tscore\tmargin"]
    lines += ["\t".join(map(str, (name, 5, label, label, score, 1.5))) for name, label, score in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def files(tmp_path):
    """Six cells of two samples in three clusters; the T cells clustered again, one of them left out there."""
    cells = pd.DataFrame(
        {"sample_id": ["S2", "S1", "S1", "S1", "S1", "S2"], "cluster": ["0", "0", "0", "1", "2", "1"]},
        index=["S2_A", "S1_A", "S1_B", "S1_C", "S1_D", "S2_B"],
    )
    write_embedding(path=tmp_path / "all.h5ad", cells=cells)
    inside = pd.DataFrame({"sample_id": ["S1", "S2"], "cluster": ["1", "0"]}, index=["S1_A", "S2_A"])
    write_embedding(path=tmp_path / "t_nk.h5ad", cells=inside)
    all_clusters = _clusters(tmp_path / "all.tsv", [("0", "t_nk", 5), ("1", "b", 4), ("2", "unresolved", 1)])
    states = _clusters(tmp_path / "t_nk.tsv", [("0", "treg", 3), ("1", "t_nk_unresolved", 0.5)])
    return tmp_path, all_clusters, {"t_nk": (tmp_path / "t_nk.h5ad", states)}


def test_state_within_lineage_lineage_without_states_and_nothing(files):
    folder, clusters, subsets = files
    table = cell_labels(embedding=folder / "all.h5ad", clusters=clusters, subsets=subsets)
    assert table["label"].to_dict() == {
        "S2_A": "treg", "S1_A": "t_nk_unresolved", "S1_B": "t_nk_unresolved", "S1_C": "b", "S1_D": "unresolved",
        "S2_B": "b",
    }  # fmt: skip
    assert table["lineage"].tolist() == ["t_nk"] * 3 + ["b", "unresolved", "b"]
    # score of the state where there is one, of the lineage where there is none
    assert table["score"].to_dict() == {"S2_A": 3, "S1_A": 0.5, "S1_B": 5, "S1_C": 4, "S1_D": 1, "S2_B": 4}
    assert table["subcluster"].isna().tolist() == [False, False, True, True, True, True]


def test_without_subsets_a_cell_is_called_by_its_lineage(files):
    folder, clusters, _ = files
    table = cell_labels(embedding=folder / "all.h5ad", clusters=clusters, subsets={})
    assert table["label"].tolist() == table["lineage"].tolist()
    write_lineages(embedding=folder / "all.h5ad", clusters=clusters, output=folder / "lineages.tsv.gz")
    back = pd.read_csv(folder / "lineages.tsv.gz", sep="\t")
    assert back[["cell", "sample_id", "lineage"]].iloc[0].tolist() == ["S2_A", "S2", "t_nk"]


def test_cells_that_left_the_lineage_since_keep_the_label_of_now(files):
    folder, _, subsets = files
    now = _clusters(folder / "now.tsv", [("0", "b", 5), ("1", "b", 4), ("2", "unresolved", 1)])
    table = cell_labels(embedding=folder / "all.h5ad", clusters=now, subsets=subsets)
    assert table.loc["S2_A", "label"] == "b"


def test_each_sample_has_a_table_also_one_without_cells(files):
    folder, clusters, subsets = files
    for _ in range(2):
        label_files(
            samples=["S2", "S1", "S9"], embedding=folder / "all.h5ad", clusters=clusters, subsets=subsets,
            output=folder / "labels",
        )  # fmt: skip
        texts = {path.name: path.read_bytes() for path in (folder / "labels").iterdir()}
        assert sorted(texts) == ["S1.tsv", "S2.tsv", "S9.tsv"]
    assert texts["S9.tsv"].decode() == "\t".join(LABEL_COLUMNS) + "\n"
    back = read_labels(path=folder / "labels" / "S2.tsv")
    assert back.index.tolist() == ["S2_A", "S2_B"]
    assert back["cluster"].tolist() == ["0", "1"]
    assert back.loc["S2_B", "subcluster"] is None or pd.isna(back.loc["S2_B", "subcluster"])


def test_clusters_of_another_run_are_a_defect_and_not_a_label(files):
    folder, _, _ = files
    other = _clusters(folder / "other.tsv", [("0", "b", 5)])
    with pytest.raises(KeyError):
        cell_labels(embedding=folder / "all.h5ad", clusters=other, subsets={})


def test_an_embedding_without_cells_gives_no_rows(tmp_path):
    write_embedding(path=tmp_path / "none.h5ad", cells=pd.DataFrame({"sample_id": [], "cluster": []}))
    clusters = _clusters(tmp_path / "none.tsv", [])
    label_files(samples=["S1"], embedding=tmp_path / "none.h5ad", clusters=clusters, subsets={}, output=tmp_path / "l")
    assert read_labels(path=tmp_path / "l" / "S1.tsv").empty

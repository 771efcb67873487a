"""Tables of markers and programs: those of the repository, and what is said of broken ones."""

import pandas as pd
import pytest
from tests.cells_by_type import MARKERS, PROGRAMS

from gutaxis.errors import GutaxisError
from gutaxis.single_cell.markers import (
    lineage_of,
    lineages_with_states,
    marker_sets,
    read_markers,
    read_programs,
)

LINEAGES = {
    "t_nk", "myeloid", "b", "plasma", "pdc", "mast", "neutrophil", "platelet", "erythroid", "hspc", "fibroblast",
    "endothelial", "epithelial",
}  # fmt: skip
STATES = {
    "t_nk": {
        "cd4_naive", "cd4_memory", "treg", "cd8_naive", "cd8_effector_memory", "cd8_exhausted",
        "cd8_progenitor_exhausted", "cd8_trm", "mait", "gamma_delta_t", "nk", "t_proliferating",
    },
    "myeloid": {
        "monocyte_classical", "monocyte_nonclassical", "macrophage_c1qc", "macrophage_spp1", "cdc1", "cdc2", "dc_lamp3",
    },
}  # fmt: skip
GOOD = [
    "level\tlabel\tparent\tgene\tsign\ttissue\tsource",
    "lineage\tt_nk\tNA\tCD3D\t1\tboth\ta",
    "lineage\tb\tNA\tMS4A1\t1\tboth\ta",
    "state\tnk\tt_nk\tKLRF1\t1\tboth\ta",
    "state\tnk\tt_nk\tCD3D\t-1\tblood\ta",
]


def _write(path, lines):
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_tracked_table_has_every_label_of_the_design():
    table = read_markers(path=MARKERS)
    assert set(table.loc[table["level"] == "lineage", "label"]) == LINEAGES
    states = table[table["level"] == "state"]
    assert {parent: set(own["label"]) for parent, own in states.groupby("parent")} == STATES
    assert lineages_with_states(markers=table) == ["t_nk", "myeloid"]


def test_every_set_has_about_ten_genes_in_each_tissue_it_is_used_in():
    # t grows with the root of the size: sets of one level must not differ much
    table = read_markers(path=MARKERS)
    positive = table[table["sign"] > 0]
    for tissue in ("blood", "tumor"):
        sizes = positive[positive["tissue"].isin([tissue, "both"])].groupby(["level", "set"]).size()
        assert sizes.between(7, 12).all(), sizes[~sizes.between(7, 12)]


def test_every_source_is_cited_and_every_citation_used():
    sources = pd.read_csv(MARKERS.with_name("sources.tsv"), sep="\t")
    used = set(read_markers(path=MARKERS)["source"]) | set(read_programs(path=PROGRAMS)["source"])
    assert used <= set(sources["key"])
    # the two beyond the tables are those of the sex genes
    assert set(sources["key"]) - used <= {"tukiainen2017", "skaletsky2003", "tirosh2016"}
    assert sources["key"].is_unique
    assert sources["doi"].is_unique
    assert sources["doi"].str.fullmatch(r"10\.\d{4,}/\S+").all()


def test_scopes_of_the_tracked_programs_are_labels():
    programs = read_programs(path=PROGRAMS)
    known = set(lineage_of(markers=read_markers(path=MARKERS))) | {"all"}
    assert {word for scope in programs["scope"] for word in scope.split(";")} <= known


def test_no_program_holds_a_gene_of_the_y_chromosome():
    assert not set(read_programs(path=PROGRAMS)["gene"]) & {"EIF1AY", "RPS4Y1", "DDX3Y", "KDM5D", "UTY"}


def test_labels_know_their_lineage():
    known = lineage_of(markers=read_markers(path=MARKERS))
    assert known["treg"] == "t_nk"
    assert known["myeloid_unresolved"] == "myeloid"
    assert known["plasma"] == "plasma"
    assert known["unresolved"] == "unresolved"


def test_sets_with_too_few_measured_genes_are_listed_with_the_genes_they_lack(tmp_path):
    table = read_markers(path=_write(tmp_path / "m.tsv", GOOD))
    sets = marker_sets(
        markers=table, tissue="blood", level="lineage", parent=None, genes=pd.Index(["CD3D", "KLRF1"]), min_genes=1
    )
    assert sets.net["target"].tolist() == ["CD3D"]
    assert sets.coverage.set_index("set").loc["b", ["used", "missing", "n_measured"]].tolist() == ["N", "MS4A1", 0]
    assert "fewer than 1" in sets.coverage.set_index("set").loc["b", "reason"]


def test_a_gene_against_a_label_holds_in_its_tissue_only(tmp_path):
    table = read_markers(path=_write(tmp_path / "m.tsv", GOOD))
    for tissue, expected in (("blood", {"KLRF1": 1, "CD3D": -1}), ("tumor", {"KLRF1": 1})):
        sets = marker_sets(
            markers=table, tissue=tissue, level="state", parent="t_nk", genes=pd.Index(["CD3D", "KLRF1"]), min_genes=1
        )
        assert dict(zip(sets.net["target"], sets.net["weight"], strict=True)) == expected


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ("stage\tb\tNA\tCD19\t1\tboth\ta", "X31 m.tsv:6 column=level value=stage"),
        ("lineage\tb\tNA\tCD19\t0\tboth\ta", "X31 m.tsv:6 column=sign value=0"),
        ("lineage\tb\tNA\tCD19\t1\tskin\ta", "X31 m.tsv:6 column=tissue value=skin"),
        ("lineage\tb\tNA\t\t1\tboth\ta", "X31 m.tsv:6 column=gene"),
        ("lineage\tB cell\tNA\tCD19\t1\tboth\ta", "X31 m.tsv:6 column=label value=B cell"),
        ("lineage\tunresolved\tNA\tCD19\t1\tboth\ta", "X31 m.tsv:6 column=label value=unresolved"),
        ("state\tmono\tmyeloid\tCD14\t1\tboth\ta", "X32 m.tsv:6 column=parent value=myeloid"),
        ("lineage\tb\tNA\tMS4A1\t1\tblood\ta", "X32 m.tsv:6 column=gene value=MS4A1"),
    ],
)
def test_a_cell_that_cannot_be_used_is_named(tmp_path, row, place):
    with pytest.raises(GutaxisError) as caught:
        read_markers(path=_write(tmp_path / "m.tsv", [*GOOD, row]))
    assert str(caught.value).startswith(place)


def test_a_missing_column_an_empty_table_and_a_missing_file_are_told(tmp_path):
    for lines, word in (([GOOD[0].replace("\tsign", "")], "sign"), ([GOOD[0]], "no rows")):
        with pytest.raises(GutaxisError, match=f"X30.*{word}"):
            read_markers(path=_write(tmp_path / "m.tsv", lines))
    with pytest.raises(GutaxisError, match=r"X30 none\.tsv: there is no such file"):
        read_markers(path=tmp_path / "none.tsv")


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        (["p\tA\t0\ts\tall"], "X31 p.tsv:2 column=weight value=0"),
        (["p\tA\tinf\ts\tall"], "X31 p.tsv:2 column=weight value=inf"),
        (["P 1\tA\t1\ts\tall"], "X31 p.tsv:2 column=program value=P 1"),
        (["p\tA\t1\ts\tall", "p\tA\t1\ts\tall"], "X32 p.tsv:3 column=program value=p"),
        (["p\tA\t1\ts\tall", "p\tB\t1\ts\tnk"], "X32 p.tsv:3 column=program value=p"),
    ],
)
def test_a_program_that_cannot_be_used_is_named(tmp_path, rows, place):
    with pytest.raises(GutaxisError) as caught:
        read_programs(path=_write(tmp_path / "p.tsv", ["program\tgene\tweight\tsource\tscope", *rows]))
    assert str(caught.value).startswith(place)

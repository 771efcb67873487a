"""Planted effects against findings: what was found, which way, and what else."""

import json

import pandas as pd
import pytest

from gutaxis.simulate.findings import explained, measure_findings, planted_in, truth_name

pytestmark = pytest.mark.unit
HEADER = "feature\testimate\tci_low\tci_high\tp\tq\n"


@pytest.fixture
def measured(tmp_path):
    truth = {
        "effects": {
            "baseline": {"Akkermansia_muciniphila": 2.0, "Escherichia_coli": -2.0, "Alistipes_putredinis": 1.0}
        },
        "metabolome": {"effects": {}, "links": []},
    }
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    rows = [
        "k__B|s__Akkermansia_muciniphila\t2.1\t1\t3\t0.001\t0.01",
        "k__B|s__Escherichia_coli\t1.5\t1\t2\t0.002\t0.02",
        "k__B|s__Roseburia_intestinalis\t1\t0.5\t2\t0.01\t0.05",
        "k__B|s__Phocaeicola_vulgatus\t0\t-1\t1\t0.9\t0.9",
        "k__B|s__Rare\tNA\tNA\tNA\tNA\tNA",
    ]
    (tmp_path / "t.tsv").write_text("# a comment\n" + HEADER + "\n".join(rows) + "\n")
    measure_findings(
        truth=tmp_path / "truth.json",
        results={("taxa", "baseline"): tmp_path / "t.tsv"},
        features={},
        fdr=0.1,
        planted=tmp_path / "planted.tsv",
        others=tmp_path / "others.tsv",
    )
    read = {"sep": "\t", "keep_default_na": False}
    return pd.read_csv(tmp_path / "planted.tsv", **read).set_index("name"), pd.read_csv(tmp_path / "others.tsv", **read)


def test_found_missed_and_wrong_way(measured):
    planted, _ = measured
    assert planted["found"].to_dict() == {
        "Akkermansia_muciniphila": "yes",
        "Escherichia_coli": "yes",
        "Alistipes_putredinis": "no",
    }
    assert planted.loc["Akkermansia_muciniphila", "direction"] == "right"
    assert planted.loc["Escherichia_coli", "direction"] == "wrong"
    assert planted.loc["Alistipes_putredinis", "estimate"] == "NA"


def test_what_else_was_found_is_named(measured):
    _, others = measured
    assert others[["tested", "found", "names"]].values.tolist() == [[2, 1, "Roseburia_intestinalis"]]


# single-cell layers

PLANTED = {
    "blood_cells": {"change": {"b": -1.5, "treg": 1.0}, "baseline": {}},
    "blood_expression": {"change": {"monocyte_classical|ISG15": 1.5}, "baseline": {}},
}


def cells_truth():
    return {"effects": {}, "cells": {"effects": PLANTED}}


def test_effects_of_cells_are_planted_in_their_layers():
    for layer, contrasts in PLANTED.items():
        for contrast, sizes in contrasts.items():
            assert planted_in(trial=cells_truth(), layer=layer, contrast=contrast) == sizes
    assert planted_in(trial=cells_truth(), layer="tumor_cells", contrast="change") == {}
    assert planted_in(trial={"effects": {}}, layer="blood_cells", contrast="change") == {}


def test_labels_without_a_planted_shift_are_the_others(tmp_path):
    (tmp_path / "truth.json").write_text(json.dumps(cells_truth()))
    rows = [
        "b\t-1.4\t-2\t-1\t0.001\t0.01",
        "treg\t0.1\t-1\t1\t0.5\t0.6",
        "nk\t0.9\t0\t2\t0.01\t0.05",
        "cdc2\t0\t0\t0\t1\t1",
    ]
    (tmp_path / "c.tsv").write_text("# a comment\n" + HEADER + "\n".join(rows) + "\n")
    rows = ["monocyte_classical|ISG15\t1.4\t1\t2\t0.001\t0.01", "nk|ISG15\t1\t0.5\t2\t0.01\t0.05"]
    (tmp_path / "e.tsv").write_text("# a comment\n" + HEADER + "\n".join(rows) + "\n")
    measure_findings(
        truth=tmp_path / "truth.json",
        results={("blood_cells", "change"): tmp_path / "c.tsv", ("blood_expression", "change"): tmp_path / "e.tsv"},
        features={},
        fdr=0.1,
        planted=tmp_path / "planted.tsv",
        others=tmp_path / "others.tsv",
    )
    planted = pd.read_csv(tmp_path / "planted.tsv", sep="\t").set_index("name")
    assert planted["found"].to_dict() == {"b": "yes", "treg": "no", "monocyte_classical|ISG15": "yes"}
    others = pd.read_csv(tmp_path / "others.tsv", sep="\t")
    assert others[["layer", "tested", "found", "names"]].values.tolist() == [
        ["blood_cells", 2, 1, "nk"],
        ["blood_expression", 1, 1, "nk|ISG15"],
    ]


PROGRAMS = pd.DataFrame(
    [
        ("interferon", "ISG15", "all"),
        ("interferon", "MX1", "all"),
        ("interferon_monocytes", "ISG15", "monocyte_classical;monocyte_nonclassical"),
        ("interferon_nk", "ISG15", "nk"),
        ("cytotoxicity", "GZMB", "cd8_naive;cd8_effector_memory"),
        ("suppression", "FOXP3", "t_nk"),
        ("antibody", "JCHAIN", "b;plasma"),
    ],
    columns=["program", "gene", "scope"],
)


@pytest.mark.parametrize(
    ("effects", "expected"),
    [
        ({}, set()),
        # a shift reaches every mean over cells it takes part in, also through the lineage, and the ratio of its label
        ({"blood_cells": {"change": {"treg": 1.0}}}, {"interferon", "suppression", "treg_cd8_log2_ratio"}),
        ({"blood_cells": {"change": {"b": 1.0}}}, {"interferon", "antibody"}),
        (
            {"blood_cells": {"change": {"cd8_effector_memory": 1.0}}},
            {"interferon", "suppression", "cytotoxicity", "treg_cd8_log2_ratio"},
        ),
        # a gene reaches the programmes that hold it, where its label is in scope
        ({"blood_expression": {"change": {"monocyte_classical|ISG15": 1.0}}}, {"interferon", "interferon_monocytes"}),
        ({"blood_expression": {"change": {"cd8_naive|ISG15": 1.0}}}, {"interferon"}),
        # another contrast and another tissue reach nothing
        ({"blood_cells": {"baseline": {"treg": 1.0}}, "tumor_cells": {"change": {"treg": 1.0}}}, set()),
    ],
)
def test_programmes_that_follow_from_what_is_planted_are_no_false_findings(effects, expected):
    names = {*PROGRAMS["program"], "treg_cd8_log2_ratio"}
    found = explained(
        trial={"effects": {}, "cells": {"effects": effects}},
        layer="blood_programs",
        contrast="change",
        names=names,
        programs=PROGRAMS,
    )
    assert found == expected


def test_only_compounds_with_a_link_are_explained_among_metabolites():
    trial = {"effects": {}, "metabolome": {"effects": {}, "links": [{"compound": "inosine"}]}}
    asked = {"contrast": "change", "names": ["inosine", "urea"], "programs": None}
    assert explained(trial=trial, layer="metabolites", **asked) == {"inosine"}
    assert explained(trial=trial, layer="taxa", **asked) == set()


LINKED = {
    "effects": {"baseline": {"Akkermansia_muciniphila": 2.0}},
    "metabolome": {
        "effects": {"change": {"inosine": 1.0}},
        "links": [{"species": "Akkermansia_muciniphila", "compound": "inosine"}],
    },
    "cells": {"effects": {}, "links": [{"tissue": "blood", "compound": "inosine", "label": "cd8_effector_memory"}]},
}


@pytest.mark.parametrize(
    ("layer", "contrast", "expected"),
    [
        # through the species, through the compound itself, and where neither changes
        ("blood_cells", "baseline", {"cd8_effector_memory"}),
        ("blood_cells", "change", {"cd8_effector_memory"}),
        ("blood_cells", "response_change", set()),
        ("tumor_cells", "baseline", set()),
        ("blood_programs", "baseline", {"cytotoxicity", "suppression", "interferon", "treg_cd8_log2_ratio"}),
        ("blood_programs", "response_change", set()),
    ],
)
def test_a_label_that_follows_a_compound_changes_with_what_drives_it(layer, contrast, expected):
    programs = {*PROGRAMS["program"], "treg_cd8_log2_ratio"}
    names = programs if layer.endswith("programs") else {"cd8_effector_memory", "nk"}
    assert explained(trial=LINKED, layer=layer, contrast=contrast, names=names, programs=PROGRAMS) == expected


def test_names_of_the_truth():
    ions = {"POS_1": "inosine"}
    assert truth_name(layer="taxa", feature="k__B|s__Escherichia_coli", ions=ions) == "Escherichia_coli"
    assert truth_name(layer="metabolites", feature="POS_1", ions=ions) == "inosine"
    assert truth_name(layer="metabolites", feature="POS_2", ions=ions) is None
    assert truth_name(layer="blood_cells", feature="nk", ions=ions) == "nk"

"""Planted effects against findings: what was found, which way, and what else."""

import json

import pandas as pd
import pytest

from gutaxis.simulate.findings import measure_findings

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

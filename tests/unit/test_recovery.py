"""Recovery: planted against recovered is measured right."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import braycurtis

from gutaxis.simulate.recovery import bray_curtis, measure_recovery
from gutaxis.simulate.show import render_recovery
from gutaxis.simulate.trial import plan_trial

pytestmark = pytest.mark.unit


def test_bray_curtis_equals_scipy():
    rng = np.random.default_rng(0)
    a, b = rng.random(6), rng.random(6)
    ours = bray_curtis(first=pd.Series(a, index=list("abcdef")), second=pd.Series(b, index=list("abcdef")))
    assert ours == pytest.approx(braycurtis(a / a.sum(), b / b.sum()))


def test_bray_curtis_of_features_in_one_only():
    assert bray_curtis(first=pd.Series({"a": 1.0}), second=pd.Series({"b": 1.0})) == 1


@pytest.fixture
def run(tmp_path):
    truth = plan_trial(n=4, seed=2, pairs=1000)
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    stool = {name: sample for name, sample in truth["samples"].items() if sample["control"] == "N"}
    taxa = pd.DataFrame({name: pd.Series(sample["composition"]) for name, sample in stool.items()}).fillna(0)
    taxa.index = "k__Bacteria|s__" + taxa.index
    pathways = pd.DataFrame({name: pd.Series(1.0, index=sample["pathways"]) for name, sample in stool.items()})
    pathways = pathways.fillna(0)
    host = {}
    for name in stool:
        host[name] = tmp_path / f"{name}.txt"
        host[name].write_text("0\n")
    return tmp_path, truth, taxa, pathways, host


def measure(run, taxa, pathways):
    folder, _, _, _, host = run
    out = folder / "simulate"
    taxa.to_csv(folder / "taxa.tsv", sep="\t")
    pathways.to_csv(folder / "pathways.tsv", sep="\t")
    measure_recovery(
        truth=folder / "truth.json",
        taxa=folder / "taxa.tsv",
        pathways=folder / "pathways.tsv",
        host=host,
        samples=out / "recovery.tsv",
        effects=out / "recovery_effects.tsv",
    )
    return pd.read_csv(out / "recovery.tsv", sep="\t", keep_default_na=False)


def test_truth_itself_is_recovered(run):
    table = measure(run, run[2], run[3])
    assert table["bray_curtis"].max() < 1e-3
    assert set(table["pathways_missing"]) == {"none"}
    assert set(table["host_removed_percent"]) == {100.0}
    assert "P01_PRE" in set(table["sample_id"])


def test_losses_are_seen(run):
    taxa, pathways = run[2].copy(), run[3].copy()
    taxa.loc["k__Bacteria|s__Escherichia_coli", "P01_PRE"] = 0
    pathways.loc["PWY-6122", "P01_PRE"] = 0
    run[4]["P01_PRE"].write_text("10\n")
    row = measure(run, taxa, pathways).set_index("sample_id").loc["P01_PRE"]
    assert row["bray_curtis"] > 0.01
    assert row["pathways_missing"] == "PWY-6122"
    assert row["host_removed_percent"] < 100
    planted = "layer\tcontrast\tname\tplanted\testimate\tq\ntaxa\tbaseline\tE. coli\t-2\t-1.5\t0.04\n"
    (run[0] / "simulate/findings.tsv").write_text(planted)
    (run[0] / "simulate/findings_others.tsv").write_text("layer\ttested\tfound\ntaxa\t7\t1\n")
    text = render_recovery(output=run[0])
    assert "worst" in text
    assert re.search(r"E\. coli +-2\.00 +-1\.50 +0\.04", text)
    assert "nothing planted explains: 1 of 7 tests" in text


def test_pairs_and_chains_are_shown(run):
    folder = run[0] / "simulate"
    if not (folder / "recovery.tsv").exists():
        measure(run, run[2], run[3])
    (folder / "findings.tsv").write_text("layer\tcontrast\tname\tplanted\testimate\tq\n")
    (folder / "findings_others.tsv").write_text("layer\ttested\tfound\ntaxa\t7\t1\n")
    assert "planted chain" not in render_recovery(output=run[0]), "a run without integration"
    pairs = "state\tname_a\tname_b\trho\tq\tq_declared\nbaseline\tcd8\tinosine\t0.93\t0.4\t0.012\n"
    (folder / "findings_pairs.tsv").write_text("# a comment\n" + pairs)
    header = "state\tspecies\tcompound\tsubset\trank\tlisted\tp_joint\tq\n"
    rows = "baseline\tA\tinosine\tcd8\t2\t88\t0.018\t0.9\nchange\tA\tinosine\tcd8\tNA\t88\tNA\tNA\n"
    (folder / "findings_chains.tsv").write_text("# a comment\n" + header + rows)
    text = render_recovery(output=run[0])
    assert re.search(r"baseline +inosine - cd8 +0\.93 +0\.4 +0\.012", text)
    assert "planted chain, baseline: A -> inosine -> cd8: rank 2 of 88, joint p 0.018, q 0.9" in text
    assert "planted chain, change: A -> inosine -> cd8: not among 88" in text

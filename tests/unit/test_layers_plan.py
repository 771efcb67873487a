"""Plan of the layers: what the arm makes, what finished tables replace."""

from types import SimpleNamespace

import pytest

from gutaxis.layers.plan import plan_layers

pytestmark = pytest.mark.unit
ENTRY = {
    "source": "table",
    "path": "flow.tsv",
    "sample_prefix": "",
    "sample_suffix": "",
    "rank": "species",
    "orientation": "samples_by_features",
    "kind": "continuous",
    "unit": "other",
    "assay": "FLOW",
    "missing": "report",
}


def cohort(*, files):
    return SimpleNamespace(
        sample_ids=lambda **_: ["S1", "S2"] if files else [], files=lambda **_: (["a.fq.gz"], ["b.fq.gz"])
    )


def config(*, functions=True, genes=False, layers=None):
    return {"output": "out", "metagenome": {"functions": functions, "genes": genes}, "layers": layers or {}}


def test_arm_layers():
    layers = plan_layers(config=config(), cohort=cohort(files=True))
    assert list(layers) == ["pathways", "taxa"]
    assert layers["taxa"].paths == ["out/metagenome/profiles/S1.tsv", "out/metagenome/profiles/S2.tsv"]
    assert {layer.arm for layer in layers.values()} == {"metagenome"}


def test_keys_choose_the_layers():
    assert list(plan_layers(config=config(functions=False), cohort=cohort(files=True))) == ["taxa"]
    assert "genes" in plan_layers(config=config(genes=True), cohort=cohort(files=True))


def test_no_reads_no_arm():
    assert plan_layers(config=config(), cohort=cohort(files=False)) == {}


def test_finished_tables_are_added_and_replace():
    entry = {**ENTRY, "source": "metaphlan", "path": ["a.txt", "b.txt"], "kind": None}
    layers = plan_layers(config=config(layers={"cytometry": ENTRY, "taxa": entry}), cohort=cohort(files=True))
    assert list(layers) == ["cytometry", "pathways", "taxa"]
    assert layers["cytometry"].kind == "continuous"
    assert layers["cytometry"].assay == "FLOW"
    assert layers["taxa"].arm == "config"
    assert layers["taxa"].paths == ["a.txt", "b.txt"]
    assert layers["taxa"].kind == "compositional"

"""Plan of the layers: what the arm makes, what finished tables replace."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gutaxis.layers.plan import injection_table, plan_layers

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


def cohort(*, files, assay="MGX"):
    """Two samples of one assay; METAB has the negative mode only."""
    have = (["a.fq.gz"], ["b.fq.gz"]) if assay == "MGX" else ([], ["a.mzML"])
    return SimpleNamespace(
        sample_ids=lambda **chosen: ["S1", "S2"] if files and chosen["assay"] == assay else [],
        files=lambda **_: have,
    )


def config(*, functions=True, genes=False, layers=None, tables=()):
    return {
        "output": "out",
        "metagenome": {"functions": functions, "genes": genes},
        "metabolome": {"tables": list(tables)},
        "layers": layers or {},
    }


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


def test_injections_or_finished_tables_make_the_metabolite_layer():
    raw = plan_layers(config=config(), cohort=cohort(files=True, assay="METAB"))
    finished = plan_layers(config=config(tables=[{"path": "m.tsv"}]), cohort=cohort(files=False))
    for layers in (raw, finished):
        assert list(layers) == ["metabolites"]
        assert layers["metabolites"].kind == "log_intensity"
        assert layers["metabolites"].paths[0] == "out/metabolome/normalised/values.tsv"


def test_layers_of_cells_are_read_from_the_folders_of_the_parts_of_each_batch():
    samples = pd.DataFrame(
        {"material": ["PBMC", "PBMC", "TUMOR"], "batch": ["B1", "run 2", "B1"]}, index=["S1", "S2", "S3"]
    )
    made = SimpleNamespace(
        samples=samples,
        sample_ids=lambda **chosen: list(samples.index) if chosen["assay"] == "SCRNA" else [],
        files=lambda **_: (["c.h5"], []),
    )
    layers = plan_layers(config=config(), cohort=made)
    assert list(layers) == [
        f"{tissue}_{part}" for tissue in ("blood", "tumor") for part in ("cells", "expression", "programs")
    ]
    assert layers["blood_cells"].paths == [f"out/single_cell/blood/summary/{part}" for part in ("B1.1", "run-2.1")]
    assert layers["tumor_expression"].paths == ["out/single_cell/tumor/summary/B1.1"]


def test_the_injection_table_holds_no_outcome():
    samples = pd.DataFrame(
        {
            "patient_id": ["P1", np.nan],
            "timepoint": ["PRE", np.nan],
            "batch": ["B1", "B1"],
            "control": ["N", "POOL_QC"],
            "run_order": [3.0, 1.0],
            "response": ["R", np.nan],
        },
        index=["S1", "Q1"],
    )
    table = injection_table(cohort=SimpleNamespace(samples=samples, sample_ids=lambda **_: ["Q1", "S1"]))
    assert table == {
        "sample_id": ["Q1", "S1"],
        "patient_id": [None, "P1"],
        "timepoint": [None, "PRE"],
        "batch": ["B1", "B1"],
        "control": ["POOL_QC", "N"],
        "run_order": [1.0, 3.0],
        "group": ["POOL_QC", "PRE"],
    }

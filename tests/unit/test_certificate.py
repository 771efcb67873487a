"""The verdict on a run: what passes, what fails, and what is told."""

import copy
import json
import os
from pathlib import Path

import pandas as pd
import pytest
from tests.certified_run import PARTS, TOLERANCES, finished_run, make, settings, write

from gutaxis.errors import GutaxisError
from gutaxis.files import write_tsv
from gutaxis.provenance.certificate import write_certificate
from gutaxis.provenance.reference import write_reference
from gutaxis.provenance.verdict import check_unchanged, tell_verdict

pytestmark = pytest.mark.unit

TABLE = "results/diversity/taxa/alpha_tests.tsv"
RESULTS = Path("results")
MANIFEST = RESULTS / "provenance/manifest.json"
CERTIFICATE = RESULTS / "provenance/certificate.json"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A finished run, its manifest kept as the reference."""
    monkeypatch.chdir(tmp_path)
    finished_run(tmp_path)
    tests = pd.DataFrame({"feature": ["shannon", "richness"], "estimate": [1.5, -0.25], "p": [0.02, 0.4]})
    write_tsv(tests, TABLE)
    write_tsv(tests.rename(columns={"p": "value"}), "results/layers/taxa.tsv")
    write(tmp_path, "results/report/index.html", "<p>page</p>")
    make(tmp_path)
    (tmp_path / "reference.json").write_bytes(MANIFEST.read_bytes())
    return tmp_path


def certified(folder, *, reference="reference.json", **changes):
    make(folder, **changes)
    write_certificate(manifest=MANIFEST, reference=reference, tolerances=TOLERANCES, certificate=CERTIFICATE)
    return json.loads(CERTIFICATE.read_text())


def words():
    return tell_verdict(certificate=CERTIFICATE, manifest=MANIFEST, parts=PARTS)


def add(column, difference):
    table = pd.read_csv(TABLE, sep="\t")
    table.loc[0, column] += difference
    write_tsv(table, TABLE, digits=15)


def test_the_same_run_passes_byte_for_byte(run):
    certificate = certified(run)
    assert certificate["verdict"] == "pass"
    assert {entry["how"] for entry in certificate["outputs"].values()} == {"identical"}
    assert certificate["explanations"] == []
    assert certificate["reference"]["file"] == "reference.json"
    assert words().startswith("Certificate: PASS. 7 of 7 outputs agree with the reference.")
    assert str(run) not in CERTIFICATE.read_text()


def test_a_number_within_the_tolerance_passes_and_is_told(run):
    add("p", 1e-11)
    certificate = certified(run)
    assert certificate["verdict"] == "pass"
    entry = certificate["outputs"]["diversity/taxa/alpha_tests.tsv"]
    assert (entry["verdict"], entry["how"]) == ("pass", "within tolerance")
    assert "rtol 1e-06" in entry["why"]
    assert "Not the same bytes, but within the tolerance: diversity/taxa/alpha_tests.tsv." in words()


def test_a_number_outside_fails_with_table_column_and_distance(run):
    add("p", 1e-6)
    certificate = certified(run)
    assert certificate["verdict"] == "fail"
    entry = certificate["outputs"]["diversity/taxa/alpha_tests.tsv"]
    assert (entry["verdict"], entry["how"]) == ("fail", "differs")
    assert [column["column"] for column in entry["columns"]] == ["p"]
    assert entry["columns"][0]["times_tolerance"] > 10
    with pytest.raises(GutaxisError, match=r"(?s)FAIL.*differs  diversity/taxa/alpha_tests.tsv \(p: numbers differ"):
        words()


def test_missing_and_extra_outputs(run):
    (run / "results/clinical/best_response.tsv").unlink()
    write(run, "results/clinical/new.tsv", "x\n1\n")
    certificate = certified(run)
    assert certificate["verdict"] == "fail"
    assert certificate["outputs"]["clinical/best_response.tsv"]["how"] == "missing"
    assert certificate["outputs"]["clinical/new.tsv"]["verdict"] == "not compared"
    assert certificate["counts"] == {"identical": 6, "missing": 1, "extra": 1}
    with pytest.raises(GutaxisError, match=r"(?s)missing  clinical/best_response.tsv.*Not in the reference: clinical"):
        words()


def test_every_other_file_is_compared_by_bytes(run):
    write(run, "results/provenance/methods.md", "other words")
    certificate = certified(run)
    assert certificate["verdict"] == "fail"
    assert certificate["outputs"]["provenance/methods.md"]["why"] == "bytes differ"


def test_a_page_of_other_bytes_is_not_compared_with_the_reason(run):
    write(run, "results/report/index.html", "<p>page of noon</p>")
    certificate = certified(run)
    assert certificate["verdict"] == "pass"
    entry = certificate["outputs"]["report/index.html"]
    assert (entry["verdict"], entry["how"]) == ("not compared", "differs")
    assert "tables that are compared" in entry["why"]
    assert "1 are not compared" in certificate["why"]


def test_a_layer_of_other_bytes_is_judged_by_its_table(run):
    write(run, "results/layers/taxa.h5ad", "other matrix")
    certificate = certified(run)
    assert certificate["outputs"]["layers/taxa.h5ad"]["how"] == "within tolerance"
    assert "layers/taxa.tsv" in certificate["outputs"]["layers/taxa.h5ad"]["why"]
    write_tsv(pd.DataFrame({"feature": ["a", "b"], "estimate": [1.5, 9], "value": [1, 2]}), "results/layers/taxa.tsv")
    certificate = certified(run)
    assert certificate["outputs"]["layers/taxa.h5ad"]["verdict"] == "fail"
    assert certificate["outputs"]["layers.h5mu"]["how"] == "identical"


def test_a_layer_without_a_table_is_compared_by_bytes(run):
    write(run, "results/layers/genes.h5ad", "matrix")
    make(run)
    (run / "reference.json").write_bytes(MANIFEST.read_bytes())
    write(run, "results/layers/genes.h5ad", "another")
    assert certified(run)["outputs"]["layers/genes.h5ad"]["verdict"] == "fail"


def test_what_else_differs_is_told(run):
    add("estimate", 1)
    write(run, "sheets/s2.tsv", "changed")
    write(run, "data/reads.fastq.gz", "changed")
    write(run, "bases/host/x.bt2", "changed")
    write(run, "code/rules/a.smk", "changed")
    write(run, "code/envs/workflow.requirements.txt", "numpy==2")
    write(run, "results/provenance/versions.tsv", "program\tversion\tpinned\tenvironment\nbowtie2\t2.5.4\t2.5.0\tx\n")
    told = certified(run, config={**settings(run), "seed": 8, "output": "elsewhere"})["explanations"]
    assert told == [
        "The config differs: seed: 7 -> 8",
        "Different code: rules/a.smk",
        "Different sheets: samples 2",
        "Different inputs: data/reads.fastq.gz",
        "Different databases: host",
        "Different locked environments: workflow",
        "Different tools: x/bowtie2 2.5.0 -> 2.5.4",
    ]


def test_inputs_known_by_size_alone_are_compared_by_size(run):
    config = settings(run)
    config["certify"] = config["certify"] | {"inputs": "size"}
    assert certified(run, config=config)["explanations"] == []
    write(run, "data/reads.fastq.gz", "longer than it was before")
    assert certified(run, config=config)["explanations"] == ["Different inputs: data/reads.fastq.gz"]


def test_without_a_reference_there_is_no_verdict_and_no_failure(run):
    assert certified(run, reference=None)["verdict"] == "none"
    assert words().startswith("Certificate: NONE. No reference is configured")


def test_a_reference_without_outputs_certifies_nothing(run):
    empty = json.loads((run / "reference.json").read_text()) | {"outputs": {}}
    (run / "empty.json").write_text(json.dumps(empty))
    assert certified(run, reference="empty.json")["verdict"] == "fail"


@pytest.mark.parametrize("change", ["changed", "same size", "removed"])
def test_results_changed_after_the_manifest_are_named(run, change):
    make(run)
    check_unchanged(manifest=MANIFEST, output=RESULTS, parts=PARTS)
    path = run / "results/clinical/best_response.tsv"
    before = MANIFEST.stat().st_mtime_ns
    if change == "removed":
        path.unlink()
    else:
        path.write_text(path.read_text().replace("CR", "PR") if change == "same size" else "all other")
        os.utime(path, ns=(before + 10, before + 10))
    word = "changed" if change == "same size" else change
    with pytest.raises(GutaxisError, match=f"V05 clinical/{path.name}: This result was {word}") as error:
        check_unchanged(manifest=MANIFEST, output=RESULTS, parts=PARTS)
    assert len(error.value.problems) == 1


def test_a_touched_result_is_no_change(run):
    os.utime(run / "results/clinical/best_response.tsv")
    check_unchanged(manifest=MANIFEST, output=RESULTS, parts=PARTS)


def test_reference_is_the_manifest_and_no_larger_than_allowed(run):
    assert write_reference(results=RESULTS, target=Path("kept/demo.json")) == 7
    assert (run / "kept/demo.json").read_bytes() == MANIFEST.read_bytes()
    with pytest.raises(GutaxisError, match="V11"):
        write_reference(results=RESULTS, target=Path("kept/other.json"), largest=100)
    assert not (run / "kept/other.json").exists()
    write(run, "results/clinical/best_response.tsv", "changed since")
    with pytest.raises(GutaxisError, match="V05"):
        write_reference(results=RESULTS, target=Path("kept/other.json"))


def test_a_reference_of_another_format_is_refused(run):
    other = copy.deepcopy(json.loads((run / "reference.json").read_text())) | {"version": 2}
    (run / "other.json").write_text(json.dumps(other))
    with pytest.raises(GutaxisError, match=r"V04 other\.json .*make the reference anew"):
        certified(run, reference="other.json")

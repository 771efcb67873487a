"""The manifest of a run, and reading one that somebody gives."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from tests.certified_run import PARTS, TOLERANCES, finished_run, make, write

from gutaxis.errors import GutaxisError
from gutaxis.files import write_tsv
from gutaxis.provenance.hashing import describe_folder, portable, sha256_of
from gutaxis.provenance.manifest import (
    FORMAT,
    VERSION,
    code_of,
    describe_outputs,
    read_manifest,
    result_files,
)
from gutaxis.provenance.settings import checksum_of_config, differences, named_files, settings_of
from gutaxis.provenance.tolerances import read_tolerances, way_of

pytestmark = pytest.mark.unit


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return finished_run(tmp_path)


def test_manifest_lists_inputs_and_results(run):
    manifest = make(run)
    assert (manifest["format"], manifest["version"], manifest["seed"]) == (FORMAT, VERSION, 7)
    assert set(manifest["outputs"]) == {
        "clinical/best_response.tsv",
        "diversity/taxa/alpha_tests.tsv",
        "layers/taxa.h5ad",
        "layers.h5mu",
        "provenance/methods.md",
    }
    layer = manifest["outputs"]["layers/taxa.h5ad"]
    assert layer == {"bytes": 6, "sha256": sha256_of(path=run / "results/layers/taxa.h5ad")}
    assert manifest["outputs"]["diversity/taxa/alpha_tests.tsv"]["table"]["rows"] == 1
    assert [entry["path"] for entry in manifest["inputs"]["sheets"]["samples"]] == ["sheets/s1.tsv", "sheets/s2.tsv"]
    assert manifest["inputs"]["data"]["data/reads.fastq.gz"]["bytes"] == 19
    assert manifest["inputs"]["data"]["data/put_away.fastq.gz"] == {"bytes": None, "sha256": None}
    assert manifest["databases"]["host"]["files"] == 1
    assert manifest["tools"] == {"x/bowtie2": "2.5.0"}
    assert set(manifest["locks"]) == {"workflow"}
    assert set(manifest["workflow"]["files"]) == {
        "Snakefile", "pyproject.toml", "rules/a.smk", "scripts/a.py", "resources/tools.tsv",
    }  # fmt: skip
    assert manifest["workflow"]["version"] == "0.9.0"


def test_manifest_has_the_same_bytes_again_and_in_another_folder(run, tmp_path_factory, monkeypatch):
    make(run)
    first = (run / "results/provenance/manifest.json").read_bytes()
    make(run, threads=3)
    assert (run / "results/provenance/manifest.json").read_bytes() == first
    other = tmp_path_factory.mktemp("elsewhere") / "run"
    shutil.copytree(run, other)
    monkeypatch.chdir(other)
    make(other)
    assert (other / "results/provenance/manifest.json").read_bytes() == first


def test_manifest_holds_no_absolute_path(run):
    make(run)
    text = (run / "results/provenance/manifest.json").read_text()
    assert str(run) not in text
    assert "/big/disk" not in text
    assert '"outside/uniref"' in text
    assert '"bases/host"' in text


def test_sizes_alone_on_request(run):
    config = {"seed": 1, "certify": {"inputs": "size"}, "cohort": {}}
    manifest = make(run, config=config)
    assert manifest["inputs"]["data"]["data/reads.fastq.gz"] == {"bytes": 19, "sha256": None}
    assert manifest["databases"]["host"]["covers"] == "names and sizes"
    assert manifest["inputs"]["sheets"]["patients"][0]["sha256"], "sheets are small, and decide"


def test_fetched_database_is_told_by_its_record(run):
    write(run, "db/host/files/x.bt2", "index")
    entry = {"file": "a.tar", "size": 9, "sha256": "ab", "url": "https://x", "verified": "lock"}
    write(run, "db/host/database.json", json.dumps({"version": "v1", "files": [entry]}))
    manifest = make(run, databases={"host": "db/host/files"})
    told = {"path": "db/host/files", "version": "v1", "covers": "what was fetched"}
    assert manifest["databases"]["host"] == told | {"files": [{"file": "a.tar", "size": 9, "sha256": "ab"}]}


@pytest.mark.parametrize("change", ["content", "name", "new"])
def test_folder_checksum_sees_every_change(tmp_path, change):
    for name in ("a", "sub/b"):
        write(tmp_path, name, name)
    before = describe_folder(folder=tmp_path)
    if change == "content":
        write(tmp_path, "sub/b", "sub/B")
    elif change == "name":
        (tmp_path / "a").rename(tmp_path / "c")
    else:
        write(tmp_path, "d", "")
    assert describe_folder(folder=tmp_path)["sha256"] != before["sha256"]


def test_code_checksum_sees_changed_code_and_no_downloads(run):
    before = code_of(base=Path("code"))["sha256"]
    write(run, "code/resources/databases/host/files/y", "fetched later")
    write(run, "code/resources/demo_manifest.json", "{}")
    assert code_of(base=Path("code"))["sha256"] == before
    write(run, "code/rules/a.smk", "rule a:")
    assert code_of(base=Path("code"))["sha256"] != before


def test_hidden_and_foreign_files_are_no_results(run):
    names = {path.relative_to("results").parts[0] for path in result_files(output=Path("results"), parts=PARTS)}
    assert names == {"clinical", "diversity", "layers", "layers.h5mu", "provenance"}


def test_portable_paths(tmp_path):
    assert portable(path="a/b.tsv", root=tmp_path) == "a/b.tsv"
    assert portable(path="../b.tsv", root=tmp_path) == "../b.tsv"
    assert portable(path=tmp_path / "a/b.tsv", root=tmp_path) == "a/b.tsv"
    assert portable(path="/somewhere/b.tsv", root=tmp_path) == "outside/b.tsv"


def test_config_checksum_ignores_places_and_sees_values(tmp_path):
    config = {"output": "x", "cohort": {"patients": "p"}, "seed": 1, "certify": {"reference": "r"}, "a": {"b": [1, 2]}}
    values = settings_of(config=config, root=tmp_path)
    assert "certify" not in values
    moved = {**values, "output": "y", "cohort": {"patients": "q"}}
    assert checksum_of_config(values=moved) == checksum_of_config(values=values)
    other = {**values, "seed": 2, "a": {"b": [1, 3], "c": None}}
    assert checksum_of_config(values=other) != checksum_of_config(values=values)
    assert differences(here=moved, there=values) == []
    told = differences(here=other, there=values)
    assert told == ["a.b: [1, 2] -> [1, 3]", "a.c: not there -> null", "seed: 1 -> 2"]


def test_files_named_in_the_config_are_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "tree.nwk", "(a,b);")
    value = {"trees": {"taxa": "tree.nwk"}, "list": [{"path": "tree.nwk"}, "absent.nwk"], "n": 3, "long": "x" * 5000}
    assert named_files(value=value) == {"tree.nwk"}


def test_reads_what_it_wrote(run):
    assert make(run) == read_manifest(path=run / "results/provenance/manifest.json")


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        (None, "V02", "not there"),
        ("{", "V03", "cannot be read as JSON"),
        ("[1]", "V03", "not a manifest"),
        ('{"verdict": "pass"}', "V03", "not a manifest"),
        (json.dumps({"format": FORMAT, "version": 99}), "V04", "format version 99"),
        (json.dumps({"format": FORMAT, "version": VERSION}), "V03", "lacks workflow, config, inputs, outputs"),
    ],
)
def test_a_reference_that_cannot_be_used_is_told_with_the_way_out(tmp_path, text, code, word):
    path = tmp_path / "reference.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(GutaxisError, match=word) as error:
        read_manifest(path=path)
    problem = error.value.problems[0]
    assert problem.code == code
    assert problem.file == "reference.json"
    assert problem.mend


def test_every_row_of_the_tolerances_can_be_used_and_the_first_fits(tmp_path):
    ways = read_tolerances(table=TOLERANCES)
    assert way_of(path="report/multiqc.html", ways=ways).compare == "none"
    assert way_of(path="differential/taxa/baseline.tsv", ways=ways).compare == "tolerance"
    assert way_of(path="metagenome/reads/P01.fastq.gz", ways=ways).compare == "bytes"
    layer = way_of(path="layers/taxa.h5ad", ways=ways)
    assert layer.twins(path="layers/taxa.h5ad", outputs=["layers/taxa.tsv", "layers/genes.tsv"]) == ["layers/taxa.tsv"]
    broken = pd.read_csv(TOLERANCES, sep="\t", comment="#", dtype=str, keep_default_na=False)
    broken.loc[0, "compare"] = "roughly"
    write_tsv(broken, tmp_path / "tolerances.tsv")
    with pytest.raises(GutaxisError, match=r"V01 tolerances\.tsv column=pattern value=report/"):
        read_tolerances(table=tmp_path / "tolerances.tsv")


def test_outputs_are_told_in_their_order(run):
    names = list(describe_outputs(output=Path("results"), parts=PARTS, tolerances=TOLERANCES))
    assert names == sorted(names, key=Path)

"""The crate of a run: what it holds, what its metadata say, that it repeats, that it is valid."""

import json
import subprocess
import zipfile
from pathlib import Path

import pytest
import rocrate
import yaml
from tests.certified_run import SHEETS, TOLERANCES, finished_run, make, settings, write

from gutaxis.provenance.certificate import write_certificate
from gutaxis.provenance.crate import STAMP, chosen_results, sheet_places, tells_of_patients, write_crate

pytestmark = pytest.mark.unit

SERVICES = Path(__file__).parents[2] / ".tools/services/bin"
OFFLINE = Path(__file__).parents[1] / "rocrate_offline.py"
PROFILE = "workflow-run-crate-0.5"
PROVENANCE = Path("results/provenance")


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return finished_run(tmp_path)


def made(folder, **certify):
    """Write manifest, certificate and crate; return the files of the crate."""
    make(folder)
    certificate = PROVENANCE / "certificate.json"
    manifest = PROVENANCE / "manifest.json"
    write_certificate(manifest=manifest, reference=None, tolerances=TOLERANCES, certificate=certificate)
    config = settings(folder)
    write_crate(
        manifest=manifest,
        certificate=certificate,
        base=Path("code"),
        config={**config, "certify": {**config["certify"], **certify}},
        sheets=SHEETS,
        crate=PROVENANCE / "crate.zip",
    )
    with zipfile.ZipFile(PROVENANCE / "crate.zip") as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def graph(files):
    return {entity["@id"]: entity for entity in json.loads(files["ro-crate-metadata.json"])["@graph"]}


def test_crate_holds_what_a_repetition_needs(run):
    files = made(run)
    assert set(files) == {
        "README.md",
        "config.yaml",
        "manifest.json",
        "certificate.json",
        "ro-crate-metadata.json",
        "sheets/sheets/p.tsv",
        "sheets/sheets/s1.tsv",
        "sheets/sheets/s2.tsv",
        "workflow/Snakefile",
        "workflow/pyproject.toml",
        "workflow/rules/a.smk",
        "results/clinical/best_response.tsv",
        "results/diversity/taxa/alpha_tests.tsv",
        "results/provenance/methods.md",
    }
    config = yaml.safe_load(files["config.yaml"])
    assert config["cohort"]["samples"] == ["sheets/sheets/s1.tsv", "sheets/sheets/s2.tsv"]
    assert config["certify"]["reference"] == "manifest.json"
    assert config["metagenome"]["databases"] == {"host": "bases/host", "protein": "outside/uniref"}
    assert (PROVENANCE / "ro-crate-metadata.json").read_bytes() == files["ro-crate-metadata.json"]
    assert not list(PROVENANCE.glob(".*")), "nothing is left behind"


def test_metadata_say_what_ran_on_what_and_gave_what(run):
    files = made(run)
    entities = graph(files)
    assert entities["./"]["mainEntity"] == {"@id": "workflow/Snakefile"}
    profiles = [entry["@id"] for entry in entities["./"]["conformsTo"]]
    assert profiles == [
        "https://w3id.org/ro/wfrun/process/0.5",
        "https://w3id.org/ro/wfrun/workflow/0.5",
        "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
    ]
    action = entities["#run"]
    assert action["@type"] == "CreateAction"
    assert action["instrument"] == {"@id": "workflow/Snakefile"}
    assert {"@id": "sheets/sheets/p.tsv"} in action["object"]
    assert {"@id": "#input/data/reads.fastq.gz"} in action["object"]
    assert {"@id": "results/diversity/taxa/alpha_tests.tsv"} in action["result"]
    described = {name for name, entity in entities.items() if "File" in entity["@type"]}
    assert described == set(files) - {"ro-crate-metadata.json"}
    assert all(len(entities[name]["sha256"]) == 64 for name in described)
    assert str(run) not in files["ro-crate-metadata.json"].decode()


def test_crates_of_one_run_differ_in_their_metadata_alone(run):
    first, second = made(run), made(run)
    assert {name for name in first if first[name] != second[name]} <= {"ro-crate-metadata.json"}
    with zipfile.ZipFile(PROVENANCE / "crate.zip") as archive:
        names = archive.namelist()
        assert names == sorted(names)
        assert {entry.date_time for entry in archive.infolist()} == {STAMP}


def test_without_sheets_nothing_tells_of_a_patient(run):
    write(run, "results/report/index.html", "<p>P1 responded</p>")
    files = made(run, sheets=False)
    assert not [name for name in files if name.startswith("sheets/")]
    assert "results/clinical/best_response.tsv" not in files
    assert "results/report/index.html" not in files
    assert "results/diversity/taxa/alpha_tests.tsv" in files
    assert yaml.safe_load(files["config.yaml"])["cohort"] == settings(run)["cohort"]


@pytest.mark.parametrize(
    ("name", "text", "tells"),
    [
        ("a.tsv", "# words\npatient_id\tp\n", True),
        ("a.tsv", "sample_id\tx\n", True),
        ("a.tsv", "feature\tp\n", False),
        ("a.tsv", "", False),
        ("a.html", "", True),
        ("a.md", "", False),
    ],
)
def test_what_tells_of_patients(tmp_path, name, text, tells):
    (tmp_path / name).write_text(text)
    assert tells_of_patients(path=tmp_path / name) == tells


def test_the_size_limit_leaves_out_the_least_wanted_and_says_so(run):
    write(run, "results/diversity/taxa/beta.tsv", "x\n" * 1_000_000)
    files = made(run)
    assert "results/diversity/taxa/beta.tsv" not in files
    assert "results/diversity/taxa/alpha_tests.tsv" in files
    assert "Left out for their size: diversity/taxa/beta.tsv." in graph(files)["./"]["description"]


def test_order_of_wishes():
    sizes = {"simulate/a.tsv": 60, "report/index.html": 60, "layers/taxa.tsv": 1, "differential/x/a.sensitivity.tsv": 1}
    outputs = {name: {"bytes": size} for name, size in sizes.items()}
    assert chosen_results(outputs=outputs, limit=100) == (["report/index.html"], ["simulate/a.tsv"])
    assert chosen_results(outputs=outputs, limit=120) == (["report/index.html", "simulate/a.tsv"], [])


def test_sheets_of_one_name_keep_apart():
    sheets = {"samples": ["b1/s.tsv", "b2/s.tsv", "../far/s.tsv", "/abs/s.tsv"]}
    assert list(sheet_places(sheets=sheets).values()) == [
        "sheets/b1/s.tsv",
        "sheets/b2/s.tsv",
        "sheets/outside/samples_3/s.tsv",
        "sheets/outside/samples_4/s.tsv",
    ]


def test_licence_may_be_an_address(run):
    address = "https://creativecommons.org/licenses/by/4.0/"
    entities = graph(made(run, licence=address))
    assert entities["./"]["license"] == {"@id": address}
    entities = graph(made(run))
    assert entities[entities["./"]["license"]["@id"]]["name"] == "Ask us"


def context_of_1_1(folder):
    """Write the terms of RO-Crate 1.1: those of 1.3, which the library brings, but for those that changed."""
    terms = json.loads((Path(rocrate.__file__).parent / "data/ro-crate.jsonld").read_text())["@context"]
    bioschemas = "https://bioschemas.org/ComputationalWorkflow"
    terms |= {"ComputationalWorkflow": bioschemas, "input": f"{bioschemas}#input", "output": f"{bioschemas}#output"}
    terms |= {"FormalParameter": "https://bioschemas.org/FormalParameter"}
    (folder / "context.json").write_text(json.dumps({"@context": terms}))
    return folder / "context.json"


def validated(crate, folder):
    """Run the validator on every required check of the profile and of those it builds on, without a network."""
    if not (SERVICES / "rocrate-validator").exists():
        pytest.skip("no validator of RO-Crates here: `make services` builds it")
    command = [SERVICES / "python", OFFLINE, context_of_1_1(folder), folder / "cache", "--", "validate"]
    command += ["--profile-identifier", PROFILE, "--no-paging", "--verbose", crate]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("sheets", [True, False])
def test_crate_is_a_valid_workflow_run_crate(run, sheets):
    made(run, sheets=sheets)
    status, words = validated(PROVENANCE / "crate.zip", run)
    assert status == 0, words
    assert f"[OK] RO-Crate is a valid {PROFILE}" in words


def test_the_validator_refuses_a_crate_whose_run_has_no_instrument(run):
    """That the check above can fail."""
    files = made(run)
    metadata = json.loads(files["ro-crate-metadata.json"])
    for entity in metadata["@graph"]:
        entity.pop("instrument", None)
    files["ro-crate-metadata.json"] = json.dumps(metadata).encode()
    for name, content in files.items():
        (run / "crate" / name).parent.mkdir(parents=True, exist_ok=True)
        (run / "crate" / name).write_bytes(content)
    status, words = validated(run / "crate", run)
    assert status == 1, words
    assert "instrument" in words

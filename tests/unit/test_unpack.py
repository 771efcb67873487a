"""Unpacking a crate: what was changed is named, and nothing is unpacked then."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from tests.certified_run import SHEETS, TOLERANCES, finished_run, make, settings

from gutaxis.errors import GutaxisError
from gutaxis.provenance.certificate import write_certificate
from gutaxis.provenance.crate import write_crate
from gutaxis.provenance.unpack import unpack

pytestmark = pytest.mark.unit

CRATE = Path("results/provenance/crate.zip")
REVIEW = Path("review")
SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run with its crate."""
    monkeypatch.chdir(tmp_path)
    finished_run(tmp_path)
    make(tmp_path)
    pack()
    return tmp_path


def pack(**certify):
    manifest, certificate = CRATE.with_name("manifest.json"), CRATE.with_name("certificate.json")
    write_certificate(manifest=manifest, reference=None, tolerances=TOLERANCES, certificate=certificate)
    config = settings(Path.cwd())
    write_crate(
        manifest=manifest,
        certificate=certificate,
        base=Path("code"),
        config={**config, "certify": {**config["certify"], **certify}},
        sheets=SHEETS,
        crate=CRATE,
    )


def rewritten(change):
    """Write the crate anew with its files changed by ``change``, a function of name -> content."""
    with zipfile.ZipFile(CRATE) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile("changed.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return Path("changed.zip")


def refused(crate):
    with pytest.raises(GutaxisError) as error:
        unpack(crate=crate, folder=REVIEW)
    assert not REVIEW.exists()
    assert all(problem.mend for problem in error.value.problems)
    return [(problem.code, problem.file) for problem in error.value.problems]


def test_whole_crate_is_unpacked_and_its_config_names_what_lies_there(run):
    words = unpack(crate=CRATE, folder=REVIEW)
    config = yaml.safe_load((REVIEW / "config.yaml").read_text())
    sheets = [config["cohort"]["patients"], *config["cohort"]["samples"]]
    assert sheets == ["review/sheets/sheets/p.tsv", "review/sheets/sheets/s1.tsv", "review/sheets/sheets/s2.tsv"]
    assert [Path(path).read_text() for path in sheets] == ["sheets/p.tsv", "sheets/s1.tsv", "sheets/s2.tsv"]
    assert config["certify"]["reference"] == "review/manifest.json"
    assert config["output"] == "review/repeated"
    assert config["seed"] == 7
    manifest = Path("results/provenance/manifest.json")
    assert (REVIEW / "manifest.json").read_bytes() == manifest.read_bytes()
    assert "snakemake certify --cores all --configfile review/config.yaml" in words
    assert "metagenome.databases.protein: outside/uniref" in words


def test_crate_without_sheets_says_so(run):
    pack(sheets=False)
    words = unpack(crate=CRATE, folder=REVIEW)
    assert "holds no sheets" in words
    config = yaml.safe_load((REVIEW / "config.yaml").read_text())
    assert config["cohort"]["patients"] == "sheets/p.tsv"


@pytest.mark.parametrize(
    "name", ["config.yaml", "manifest.json", "sheets/sheets/p.tsv", "results/diversity/taxa/alpha_tests.tsv"]
)
def test_a_changed_file_is_named(run, name):
    assert refused(rewritten(lambda files: files.update({name: files[name] + b" "}))) == [("V07", name)]


def test_missing_and_foreign_files_are_named(run):
    def change(files):
        del files["workflow/rules/a.smk"]
        files["more.txt"] = b"more"

    assert refused(rewritten(change)) == [("V09", "more.txt"), ("V08", "workflow/rules/a.smk")]


def test_a_result_changed_together_with_its_checksum_contradicts_the_manifest(run):
    def change(files):
        import hashlib

        name = "results/diversity/taxa/alpha_tests.tsv"
        files[name] = b"feature\tp\nshannon\t0.001\n"
        metadata = json.loads(files["ro-crate-metadata.json"])
        for entity in metadata["@graph"]:
            if entity["@id"] == name:
                entity["sha256"] = hashlib.sha256(files[name]).hexdigest()
        files["ro-crate-metadata.json"] = json.dumps(metadata).encode()

    assert refused(rewritten(change)) == [("V07", "results/diversity/taxa/alpha_tests.tsv")]


@pytest.mark.parametrize("name", ["../evil.txt", "/tmp/evil.txt", "a/../../evil.txt"])
def test_a_name_that_leads_out_is_refused(run, name):
    def change(files):
        metadata = json.loads(files["ro-crate-metadata.json"])
        metadata["@graph"].append({"@id": name, "@type": "File", "sha256": "0" * 64})
        files["ro-crate-metadata.json"] = json.dumps(metadata).encode()
        files[name] = b"evil"

    found = refused(rewritten(change))
    assert ("V09", name) in found


@pytest.mark.parametrize("content", [b"no zip", None])
def test_what_is_no_crate_is_told(run, content):
    path = Path("other.zip")
    if content is not None:
        path.write_bytes(content)
    assert refused(path) == [("V06", "other.zip")]


def test_a_zip_without_metadata_is_no_crate(run):
    assert refused(rewritten(lambda files: files.pop("ro-crate-metadata.json"))) == [("V06", "changed.zip")]


def test_damaged_bytes_are_told(run):
    content = bytearray(CRATE.read_bytes())
    with zipfile.ZipFile(CRATE) as archive:
        entry = archive.getinfo("manifest.json")
    start = entry.header_offset + 30 + len("manifest.json") + entry.compress_size // 2
    content[start] ^= 0xFF
    Path("damaged.zip").write_bytes(content)
    assert refused(Path("damaged.zip")) == [("V07", "manifest.json")]


def test_a_folder_in_use_is_left_alone(run):
    REVIEW.mkdir()
    (REVIEW / "mine.txt").write_text("mine")
    with pytest.raises(GutaxisError, match="V10 review"):
        unpack(crate=CRATE, folder=REVIEW)
    assert [path.name for path in REVIEW.iterdir()] == ["mine.txt"]


def test_command_ends_with_status_1_and_no_traceback(run):
    command = [sys.executable, "-m", "gutaxis.provenance.unpack"]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    crate = rewritten(lambda files: files.update({"config.yaml": b"seed: 8"}))
    done = subprocess.run(
        [*command, crate, "review"], capture_output=True, text=True, check=False, env=environment, timeout=120
    )
    assert done.returncode == 1
    assert "V07 config.yaml" in done.stderr
    assert "Nothing was unpacked." in done.stderr
    assert "Traceback" not in done.stderr

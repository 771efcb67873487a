"""What must not be passed on is found in every kind of file, and nothing else is."""

import gzip
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from gutaxis.provenance.privacy import Finding, raw_names, scan

pytestmark = pytest.mark.unit
WORDS = {"path of this machine": ["/home/jane"], "word of the list": ["Jane Doe"]}


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    (folder / "logs").mkdir(parents=True)
    (folder / "logs/a.log").write_text("/home/jane")
    (folder / "clean.tsv").write_text("sample_id\tvalue\nP01_PRE\t2025.5\nv2024-06-1\t1\n")
    return folder


def test_clean_results_have_no_finding(results):
    assert scan(folder=results, words=WORDS, dates=True) == []


@pytest.mark.parametrize("kind", ["tsv", "gz", "zip", "h5ad_obs", "h5ad_uns", "name"])
def test_words_are_found_in_every_kind_of_file(results, kind):
    text = "by Jane Doe"
    member = ""
    if kind == "tsv":
        path = results / "a.tsv"
        path.write_text(text)
    elif kind == "gz":
        path = results / "a.tsv.gz"
        path.write_bytes(gzip.compress(text.encode()))
    elif kind == "zip":
        path, member = results / "a.zip", "!inner/b.txt"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inner/b.txt", text)
    elif kind == "name":
        path = results / "of Jane Doe.txt"
        path.write_text("nothing")
    else:
        path = results / "a.h5ad"
        adata = ad.AnnData(np.zeros((2, 1)), obs=pd.DataFrame({"x": ["a", "b"]}, index=["s1", "s2"]))
        if kind == "h5ad_obs":
            adata.obs["x"] = ["a", text]
        else:
            adata.uns["note"] = text
        adata.write_h5ad(path, compression="gzip")
    assert scan(folder=results, words=WORDS) == [Finding(path.name + member, "word of the list", "Jane Doe")]


def test_dates_are_looked_for_on_demand(results):
    (results / "d.tsv").write_text("2025-10-06\t1\n2025-10-06T10:00\n12025-10-06\n")
    assert scan(folder=results, words={}) == []
    assert scan(folder=results, words={}, dates=True) == [Finding("d.tsv", "date", "2025-10-06")]


def test_a_file_named_like_its_sample_tells_nothing_new(tmp_path):
    sheet = tmp_path / "samples.tsv"
    rows = ["sample_id\tfile_1\tfile_2", "S1\tward_7/Doe_J.fastq.gz;ward_7/S1_L2.fastq.gz\tNA", "S2\tS2_R1.fq\t"]
    sheet.write_text("\n".join(rows) + "\n")
    assert raw_names(sheets=[sheet]) == {"ward_7", "Doe_J.fastq.gz"}


def test_the_command_lists_what_it_found(results, tmp_path):
    (tmp_path / "s.tsv").write_text("sample_id\tfile_1\nS1\tDoe_J.fastq.gz\n")
    config = tmp_path / "c.yaml"
    config.write_text("output: results\ndates: study_day\ncohort: {samples: s.tsv}\n")
    (tmp_path / "words.txt").write_text("Jane Doe\n\n")
    command = [sys.executable, "-m", "gutaxis.provenance.privacy", "--configfile", config, "--words", "words.txt"]

    def run():
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "scripts")}
        return subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, check=False, env=environment)

    assert (run().returncode, run().stdout) == (0, "results: nothing found\n")
    (results / "a.tsv").write_text(f"Doe_J.fastq.gz {tmp_path} Jane Doe 2025-01-31")
    done = run()
    assert done.returncode == 1
    assert [line.split(": ")[1] for line in done.stdout.splitlines()] == [
        "date", "name of a raw file or its folder", "path of this machine", "word of the list",
    ]  # fmt: skip
    assert done.stderr == "4 findings in 1 files\n"

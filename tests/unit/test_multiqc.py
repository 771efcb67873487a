"""MultiQC sections of every arm: what is there is shown, what is absent has no section, text is escaped."""

import base64
import gzip
import os
import re
import zipfile
from pathlib import Path

import pytest

from gutaxis.metagenome.fastqc import pack_without_date
from gutaxis.report.multiqc import all_sections, run_multiqc, without_time
from gutaxis.report.multiqc_sections import cell_sections, cohort_sections, metabolome_sections, metagenome_sections

TOOLS = Path(__file__).parents[2] / ".tools" / "bin"
COMPLETENESS = (
    "patient_id\tassay\tmaterial\tpre\tpost\tstatus\treason\n"
    "P1\tMGX\tSTOOL\tA\tB\tPAIRED\t\nP1\tMGX\tSTOOL\tC\t\tPRE_ONLY\tx\nP2\tMETAB\tPLASMA\tD\tE\tPAIRED\t\n"
)
WARNINGS = "code\tfile\tcolumn\tvalue\tmessage\n"
READS = (
    "sample_id\tbatch\tcontrol\traw\tfinal\tspecies\tunclassified_percent\tgene_families\n"
    "01\tB1\tN\t100\t90\t7\t1.5\t20\nBL\tB1\tBLANK\t10\t5\t0\t100\tNA\n"
)
INTAKE = "sample_id\tmode\tstatus\tms1\tms2\tpeaks\ttic_median\tnotes\nS1\tpositive\tok\t9\t0\t5\t1e6\tNA\n"
INJECTIONS = (
    "sample_id\tmode\tbatch\tcontrol\trun_order\tn_detected\tdeviation_50_before\tdeviation_50_after\tkept\treason\n"
    "Q2\tpositive\t1\tPOOL_QC\t5\t8\t0.4\t0.1\tFalse\tcontrol\n"
    "Q1\tpositive\t1\tPOOL_QC\t1\t8\t0.5\t-0.1\tFalse\tcontrol\n"
    "S1\tpositive\t1\tN\t2\t7\tNA\tNA\tTrue\t\n"
)
BATCHES = "batch\tn_injections\tn_qc\tmethod\tmode\n1\t3\t2\tloess\tpositive\n"
CELLS = (
    "sample_id\tn_barcodes\tn_kept\tn_low\tn_mito\tn_doublets\tstatus\treason\n"
    "S1\t100\t80\t10\t5\t5\tok\tNA\nS2\t20\tNA\tNA\tNA\tNA\texcluded\tfew cells\n"
)
FASTQC = (
    "##FastQC\t0.11.9\n>>Basic Statistics\tpass\n#Measure\tValue\nFilename\tS1_clean.fastq.gz\nTotal Sequences\t10\n"
    "Sequence length\t100\n%GC\t50\n>>END_MODULE\n"
)
IDENTITY = "# about\nsample_id\tpatient_id\ttissue\tverdict\treason\nS1\tP1\tblood\tok\tNA\n"


@pytest.fixture
def tables(tmp_path):
    """Tables of all arms under the names of the rule's inputs."""
    texts = {
        "completeness": COMPLETENESS,
        "warnings": WARNINGS + "W1\tlesions.tsv\tsite\t<script>alert(1)</script>\tlooks odd & new\n",
        "reads": READS,
        "injections": INJECTIONS,
        "batches": BATCHES,
        "cells": CELLS,
        "identity": IDENTITY,
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.tsv").write_text(text)
    (tmp_path / "intake.tsv").write_text(INTAKE)
    paths = {name: str(tmp_path / f"{name}.tsv") for name in texts}
    return {**paths, "intake": [str(tmp_path / "intake.tsv")], "fastqc": []}


def by_id(sections):
    return {section["id"].removeprefix("gutaxis_"): section for section in sections}


@pytest.mark.unit
def test_every_arm_has_its_sections(tables):
    assert list(by_id(all_sections(tables=tables))) == [
        "samples", "warnings", "kneaddata", "metaphlan", "humann", "intake", "injections", "drift", "batches", "cells",
        "barcodes", "identity",
    ]  # fmt: skip


@pytest.mark.unit
@pytest.mark.parametrize(
    ("absent", "gone"),
    [
        (["reads"], {"kneaddata", "metaphlan", "humann"}),
        (["injections", "batches", "intake"], {"intake", "injections", "drift", "batches"}),
        (["intake"], {"intake"}),
        (["cells", "identity"], {"cells", "barcodes", "identity"}),
        (["warnings"], {"warnings"}),
    ],
)
def test_an_absent_arm_has_no_section(tables, absent, gone):
    everything = set(by_id(all_sections(tables=tables)))
    assert set(by_id(all_sections(tables={**tables, **{key: [] for key in absent}}))) == everything - gone


@pytest.mark.unit
def test_completeness_is_a_grid_and_two_pairs_of_a_material_are_both_told(tables):
    grid = by_id(cohort_sections(completeness=tables["completeness"], warnings=None))["samples"]["data"]
    assert grid == {"P1": {"MGX/STOOL": "PAIRED, PRE_ONLY"}, "P2": {"METAB/PLASMA": "PAIRED"}}


@pytest.mark.unit
def test_text_of_the_sheets_is_escaped(tables):
    found = by_id(cohort_sections(completeness=tables["completeness"], warnings=tables["warnings"]))["warnings"]
    row = found["data"]["warning 1"]
    assert row["value"] == "&lt;script&gt;alert(1)&lt;/script&gt;"
    assert row["message"] == "looks odd &amp; new"


@pytest.mark.unit
def test_no_warning_is_said(tables):
    Path(tables["warnings"]).write_text(WARNINGS)
    found = by_id(cohort_sections(completeness=tables["completeness"], warnings=tables["warnings"]))["warnings"]
    assert found["data"] == "<p>No warning.</p>"


@pytest.mark.unit
def test_missing_stays_missing_and_ids_stay_text(tables):
    found = by_id(metagenome_sections(quality=tables["reads"]))
    assert found["humann"]["data"] == {"01": {"gene_families": 20.0}}
    assert found["metaphlan"]["data"]["BL"] == {"species": 0, "unclassified_percent": 100.0}


@pytest.mark.unit
def test_drift_follows_the_run_and_holds_pooled_qcs_only(tables):
    found = by_id(metabolome_sections(intake=[], injections=tables["injections"], batches=tables["batches"]))
    assert found["drift"]["data"] == {
        "1 positive, before": {1: 0.5, 5: 0.4},
        "1 positive, after": {1: -0.1, 5: 0.1},
    }
    assert list(found["drift"]["data"]["1 positive, before"]) == [1, 5]
    assert found["injections"]["data"]["S1 (positive)"]["kept"] == "yes"
    assert found["injections"]["data"]["Q1 (positive)"]["kept"] == "no"


@pytest.mark.unit
def test_an_excluded_sample_says_why_and_has_no_bar(tables):
    found = by_id(cell_sections(quality=tables["cells"], identity=tables["identity"]))
    assert found["cells"]["data"]["S2"] == {"status": "excluded", "n_barcodes": 20, "reason": "few cells"}
    assert set(found["barcodes"]["data"]) == {"S1"}


@pytest.mark.tools
@pytest.mark.skipif(not (TOOLS / "multiqc").exists(), reason="MultiQC is not installed: make setup")
def test_the_page_shows_all_sections_and_executes_nothing(tables, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{TOOLS}{os.pathsep}{os.environ['PATH']}")
    output = tmp_path / "report" / "multiqc.html"
    fastqc = tmp_path / "fastqc"
    fastqc.mkdir()
    with zipfile.ZipFile(fastqc / "S1_clean_fastqc.zip", "w") as archive:
        archive.writestr("S1_clean_fastqc/", "")
        archive.writestr("S1_clean_fastqc/fastqc_data.txt", FASTQC)
    pack_without_date(path=fastqc / "S1_clean_fastqc.zip")
    run_multiqc(sections=all_sections(tables=tables), fastqc=[str(fastqc)], output=output)
    page = output.read_text()
    assert "S1_clean" in page, "a packed zip of FastQC is not read"
    for words in (
        "Samples",
        "Clinical warnings",
        "KneadData",
        "Metabolome: drift",
        "Single cells: identity",
        "few cells",
    ):
        assert words in page
    assert "<script>alert(1)" not in page
    assert str(tmp_path) not in page
    assert [path.name for path in output.parent.iterdir()] == ["multiqc.html"]
    assert 'reportUuid = ""' in page, "MultiQC writes its id elsewhere: two runs differ"
    assert not re.search(r"\d\d:\d\d UTC", page)


def test_a_page_of_the_same_content_has_the_same_bytes(tmp_path):
    def page(moment, name):
        data = base64.b64encode(gzip.compress(b'{"plots": [1, 2]}', mtime=moment)).decode()
        plots = f'<script type="text/plain" id="mqc_compressed_plotdata">{data}</script>'
        return f'{plots}\nreportUuid = "{name}";\nconfigCreationDate = "24 Nov 2026, 0{moment}:32 UTC";\n<p>R</p>\n'

    first, second = (without_time(page=page(moment, name)) for moment, name in ((1, "a-1"), (2, "b-2")))
    assert first == second
    data = re.search(r'plotdata">([^<]+)<', first)[1]
    assert gzip.decompress(base64.b64decode(data)) == b'{"plots": [1, 2]}'
    assert first.endswith('\nreportUuid = "";\nconfigCreationDate = "";\n<p>R</p>\n')

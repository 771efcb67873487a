"""What a run says: one line a job, where to read at its end, what failed; the estimate, the methods, the report."""

import re
import zipfile

import pandas as pd
import pytest

PROFILE = (
    "#mpa_vJun23_CHOCOPhlAnSGB_202403\nclade_name\tS1\tS2\tS3\n"
    "k__Bacteria|s__A\t100\t{cell}\t80\nk__Bacteria|s__B\t0\t10\t20\n"
)


@pytest.fixture
def profiles(project):
    """A run of three finished profiles: its smallest, without any tool."""

    def write(cell):
        project.write("merged.txt", PROFILE.format(cell=cell))
        project.write("p.tsv", "patient_id\tresponse\nP1\tR\nP2\tNR\nP3\tNA\n")
        project.write("s.tsv", "sample_id\tpatient_id\nS1\tP1\nS2\tP2\nS3\tP3\n")
        config = {
            "output": "results/x",
            "cohort": {"patients": "p.tsv", "samples": "s.tsv"},
            "response": {"source": "given"},
            "contrasts": {"baseline": {"role": "primary"}},
            "covariates": [],
            "layers": {"taxa": {"source": "metaphlan", "path": "merged.txt"}},
        }
        return project, project.write("x.yaml", config)

    return write


def test_one_line_a_job_and_where_to_read(profiles):
    project, config = profiles("90")
    text = project.run("layers", "results/x/provenance/methods.md", "--configfile", config).text
    lines = re.findall(r"^\d\d:\d\d:\d\d  (\d) of 4  (.+)  \[(\w+), \d+ s\]$", text, flags=re.MULTILINE)
    assert [done for done, _, _ in lines] == ["1", "2", "3", "4"]
    assert ("Layer taxa", "layer") in [(words, rule) for _, words, rule in lines]
    assert "Finished jobid" not in text and "Select jobs" not in text
    assert "Methods:  results/x/provenance/methods.md" in text
    log = re.search(r"Complete log\(s\): (\S+)", text)[1]
    assert "Finished jobid" in open(log, encoding="utf-8").read(), "the log file keeps every block"


def test_a_failed_job_is_named_with_its_log_and_a_plan_keeps_its_reasons(profiles):
    project, config = profiles("many")
    plan = project.run("layers", "--configfile", config, "--dry-run").text
    assert "Reason: Missing output files" in plan
    done = project.run("layers", "--configfile", config, check=False)
    assert done.returncode == 1
    assert "1 job failed:\n  layer: Layer taxa\n    read results/x/logs/layer/taxa.log\n" in done.text
    assert "Traceback" not in done.text
    assert "L04 merged.txt:3" in (project.folder / "results/x/logs/layer/taxa.log").read_text()


def test_estimate_is_printed_every_time_and_makes_nothing_else(project):
    for _ in range(2):
        text = project.run("estimate").text
        assert re.search(r"Processor time .+ on two cores\.", text)
        assert "profile_functions" in text
    table = pd.read_csv(project.folder / "results/demo/provenance/estimate.tsv", sep="\t", comment="#").set_index(
        "rule"
    )
    assert table.at["profile_functions", "jobs"] == 23
    assert table.at["extract_features", "jobs"] == 78
    assert table.at["differential_abundance", "jobs"] == 27
    assert "not there yet" in table.at["clean_reads", "note"], "the demo's reads are made by the run itself"
    made = {path.parent.name for path in (project.folder / "results/demo").rglob("*.tsv")}
    assert made <= {"provenance", "estimate"}


def test_methods_of_a_run_have_their_references_beside_them(finished):
    folder = finished.folder / "results/trial/provenance"
    text = (folder / "methods.md").read_text()
    assert "two patients" in text and "**All data are simulated" in text
    keys = set(re.findall(r"@([a-z0-9_]+)", text.split("## References")[0]))
    assert keys == set(re.findall(r"^@\w+\{(\w+),", (folder / "citations.bib").read_text(), flags=re.MULTILINE))
    storms = pd.read_csv(folder / "storms.tsv", sep="\t", comment="#", dtype=str).set_index("number")
    assert storms.at["4.7", "answer"] == "1 MGX MOCK"


def test_multiqc_holds_every_arm(finished):
    page = (finished.folder / "results/trial/report/multiqc.html").read_text()
    for words in ("Clinical warnings", "KneadData", "Metabolome: drift", "Single cells: quality", "P01_PRE_PLASMA"):
        assert words in page


def test_snakemakes_own_report_needs_no_network(finished, tmp_path):
    output = tmp_path / "report.zip"
    finished.run("--configfile", "trial/config.yaml", "--report", output)
    with zipfile.ZipFile(output) as archive:
        page = archive.read("report/report.html").decode()
        names = {name.rpartition("/")[2] for name in archive.namelist()}
    assert {"waterfall.svg", "response_rates.tsv", "evidence.tsv", "performance.tsv", "multiqc.html"} <= names
    for category in ("Clinical", "Diversity", "Differential abundance", "Integration", "Evidence", "Prediction"):
        assert category in page
    assert "permutations valid for the term" in page, "captions are filled in"
    assert not re.search(r'<(script|link)[^>]*(src|href)="http', page)

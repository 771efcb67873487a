"""What a run leaves behind: no path of the machine, no date in a study of days, no column nobody asked for."""

import re
from pathlib import Path

import pandas as pd
import yaml

from gutaxis.provenance.privacy import DATE, contents, scan
from tests.workflow.conftest import ROOT

RULES = sorted((ROOT / "rules").glob("*.smk"))


def test_raw_files_leave_neither_paths_nor_reads_of_the_host(finished):
    out = finished.folder / "results/trial"
    words = {
        "path of this machine": [str(finished.folder), str(ROOT), str(Path.home()) + "/"],
        "folder of the raw files": ["simulated/reads", "simulated/injections", "simulated/cells"],
    }
    assert scan(folder=out, words=words) == []
    reads = [path for path in out.rglob("*") if re.search(r"\.(fastq|fq|fasta|fa|sam|bam)(\.gz)?$", path.name)]
    assert reads, "the cleaned reads are kept by default"
    assert {path.parent for path in reads} == {out / "metagenome/reads"}
    hosts = {path: next(contents(path=path))[1].count(b":host") for path in reads}
    raw = pd.read_csv(out / "metagenome/qc/metagenome_qc.tsv", sep="\t", index_col=0)
    for path, left in hosts.items():
        planted = raw.loc[path.name.split(".")[0], "raw"] * 0.01
        assert left <= planted * 0.05, f"{left} reads of the host in {path.name}"


def in_days(table, start):
    """Return a sheet with every date as a study day: day 1 is ILDR, there is no day 0."""
    made = table.copy()
    for column in [name for name in table if name.endswith("_date")]:
        days = (pd.to_datetime(table[column]) - pd.to_datetime(table["patient_id"].map(start))).dt.days
        made[column] = (days + (days >= 0)).astype("Int64")
    return made


def test_a_study_of_days_has_no_date_and_no_stray_column_in_its_results(project):
    folder = project.folder / "days"
    folder.mkdir()
    config = yaml.safe_load((project.folder / "config/config.yaml").read_text())
    patients = pd.read_csv(project.folder / "config/demo/patients.tsv", sep="\t", dtype=str)
    start = patients.set_index("patient_id")["ildr_date"]
    sheets = {}
    for name, files in config["cohort"].items():
        paths = files if isinstance(files, list) else [files]
        table = pd.concat([pd.read_csv(project.folder / path, sep="\t", dtype=str) for path in paths])
        table = table.drop(columns=[column for column in table if column.startswith("file_")])
        if name == "samples":
            table = table[(table["assay"] == "MGX") & (table["control"] == "N")]
        if name == "patients":
            table["family_name"] = "Mustermann"
        sheets[name] = f"days/{name}.tsv"
        in_days(table, start).to_csv(project.folder / sheets[name], sep="\t", index=False, na_rep="NA")
    given = {"output": "results/days", "dates": "study_day", "cohort": sheets, "covariates": ["cohort"]}
    given["contrasts"] = {"baseline": {"role": "primary"}}
    project.write("days.yaml", given)
    project.run("clinical", "report", "--configfile", "days.yaml")
    out = project.folder / "results/days"
    assert (out / "report/index.html").exists()
    assert len(pd.read_csv(out / "clinical/time_to_event.tsv", sep="\t", comment="#")) > 20
    assert scan(folder=out, words={"identifier": ["Mustermann", "family_name"]}, dates=True) == []
    assert DATE.search(b"on 2025-10-06 "), "the pattern finds dates"


def test_every_word_of_a_shell_command_is_quoted():
    commands = 0
    for path in RULES:
        for block in re.findall(r"\n    shell:\n((?:        .*\n)+)", path.read_text()):
            commands += 1
            for field in re.findall(r"(?<!\{)\{([^{}]+)\}(?!\})", block):
                assert field.endswith(":q") or field == "threads", f"{path.name}: {{{field}}} is not quoted"
    assert commands > 0
    for path in (ROOT / "scripts").rglob("*.py"):
        assert not re.search(r"shell=True|os\.system\(|os\.popen\(", path.read_text()), path

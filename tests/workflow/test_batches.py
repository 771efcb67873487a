"""A batch of one sample comes to a finished study of 500: what is planned and run, what the batch report says of it.

One study of finished tables is run twice, before and after the batch; the tests read what is left, in this order.
"""

import html
import os
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from gutaxis.files import write_tsv
from gutaxis.simulate.multilayer import simulate_study
from gutaxis.simulate.multilayer_run import write_run
from tests.workflow.conftest import make_project

OUT = "results/study"
BATCH = "B3-late"
CONFIG = ("--configfile", "study/config.yaml")
TARGETS = ("--", "all", "batch_report")
#: A stool sample changes one layer of two, and the outcomes table that every analysis of a layer reads.
PLANNED = {
    "cohort_tables": 1, "completeness": 1, "endpoints": 1, "batch_choices": 1, "methods": 1, "layer": 1,
    "layers_h5mu": 1, "alpha_diversity": 1, "beta_diversity": 1, "within_patient_shift": 1,
    "differential_abundance": 2, "evidence": 1, "report_page": 1, "batch_snapshot": 1, "batch_report": 1, "all": 1,
}  # fmt: skip


def read(path):
    return pd.read_csv(path, sep="\t", comment="#", dtype=str, keep_default_na=False)


def write_study(project):
    """Write 250 patients with 500 stool samples and 24 of plasma; keep the 251st and its sample for later."""
    before = Path.cwd()
    os.chdir(project.folder)
    try:
        study = simulate_study(n=251, seed=3, sizes={"taxa": 24, "metabolites": 24}, missing=0.0)
        write_run(study=study, folder=Path("study"), output=OUT)
    finally:
        os.chdir(before)
    folder = project.folder / "study"
    later = {}
    for name in ("patients", "samples", "taxa", "metabolites"):
        table = read(folder / f"{name}.tsv")
        new = table.iloc[:, 0].str.startswith("P251") if name != "samples" else table["patient_id"] == "P251"
        if name == "samples":
            few = (table["assay"] == "METAB") & (table["patient_id"] > "P012")
            table, new = table[~few], new[~few]
        if name == "metabolites":
            table, new = table[table["sample_id"] < "P013"], new[table["sample_id"] < "P013"]
        later[name] = table[new]
        write_tsv(table[~new], folder / f"{name}.tsv")
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config |= {
        "covariates": [], "contrasts": {"baseline": {"role": "primary"}}, "diversity": {"metrics": ["braycurtis"]},
        "statistics": {"permutations": 99}, "prediction": {"states": []},
        "integration": {"states": []},
    }  # fmt: skip
    project.write("study/config.yaml", config)
    return later


def add_batch(project, later, *, sample_id):
    """Write a second sheet of one stool sample of a new patient, and its row of every table."""
    folder = project.folder / "study"
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["cohort"]["samples"] = ["study/samples.tsv", "study/samples_late.tsv"]
    project.write("study/config.yaml", config)
    new = later["samples"]
    new = new[(new["timepoint"] == "PRE") & (new["assay"] == "MGX")].assign(batch=BATCH)
    (old_id,) = new["sample_id"]
    write_tsv(new.assign(sample_id=sample_id or old_id), folder / "samples_late.tsv")
    if sample_id is None:
        rows = {"patients": later["patients"], "taxa": later["taxa"][later["taxa"]["sample_id"] == old_id]}
        for name, row in rows.items():
            assert len(row) == 1
            write_tsv(pd.concat([read(folder / f"{name}.tsv"), row]), folder / f"{name}.tsv")
    return old_id


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The study before and after: the project, the plan, what the layers were, the message of a refused sheet."""
    project = make_project(tmp_path_factory.mktemp("batches") / "project")
    later = write_study(project)
    project.run(*CONFIG)
    out = project.folder / OUT
    left = {
        "project": project, "out": out, "layers": contents(out / "layers"),
        "snapshot": contents(out / "batches/B1_B2"), "sets": sorted(path.name for path in (out / "batches").iterdir()),
    }  # fmt: skip
    add_batch(project, later, sample_id="P007_PRE_MGX")
    left["collision"] = project.run(*CONFIG, check=False)
    left["new"] = add_batch(project, later, sample_id=None)
    left["planned"] = project.planned(*CONFIG, *TARGETS)
    left["done"] = project.run(*CONFIG, *TARGETS)
    return left


def said(run):
    """Sentences of the page by the heading above them."""
    text = (run["out"] / f"batches/B1_B2_{BATCH}/batch_report.html").read_text()
    found = {}
    for section in text.split("<section>")[1:]:
        question = re.search("<h2>(.*?)</h2>", section)[1]
        found[question] = html.unescape(" ".join(re.findall('<p class="finding">(.*?)</p>', section)))
    return found


def report(run, name):
    return read(run["out"] / f"batches/B1_B2_{BATCH}/batch_{name}.tsv")


def test_every_run_keeps_a_snapshot_of_its_set_of_batches(run):
    assert run["sets"] == ["B1_B2"]
    assert {path.name for path in run["snapshot"]} == {"labels.tsv", "results.tsv", "checksums.tsv"}


def test_an_id_of_an_earlier_batch_is_refused_by_name_before_any_job(run):
    text = run["collision"].text
    assert run["collision"].returncode == 1
    line = next(line for line in text.splitlines() if line.startswith("E02"))
    assert line.startswith(
        "E02 samples_late.tsv:2 column=sample_id value=P007_PRE_MGX: This id already stands at samples.tsv:"
    )
    place = int(re.search(r"stands at samples\.tsv:(\d+)", line)[1])
    sheet = (run["project"].folder / "study/samples.tsv").read_text().splitlines()
    assert sheet[place - 1].startswith("P007\t") or "P007_PRE_MGX" in sheet[place - 1].split("\t")
    assert "over all samples sheets. Remove one of the rows, or correct the id." in line
    assert "Nothing was run" in text and "Traceback" not in text


def test_one_more_sample_plans_and_runs_what_depends_on_it_alone(run):
    assert run["planned"] == PLANNED
    steps = re.findall(r"\d+ of \d+  .*?\[(\w+), ", run["done"].text)
    assert {name: steps.count(name) for name in set(steps)} == PLANNED
    assert run["project"].planned(*CONFIG, *TARGETS) == {}


def test_rows_of_the_500_earlier_samples_keep_their_bytes(run):
    layers = contents(run["out"] / "layers")
    for name in ("metabolites.h5ad", "metabolites.tsv"):
        assert layers[Path(name)] == run["layers"][Path(name)], "no sample of it is new"
    before, after = (
        dict(line.split("\t", 1) for line in held[Path("taxa.tsv")].decode().splitlines() if "\t" in line)
        for held in (run["layers"], layers)
    )
    names = [held["feature"].split("\t") for held in (before, after)]
    assert sorted(set(names[1]) - set(names[0])) == [run["new"]] and len(names[0]) == 500
    place = names[1].index(run["new"])
    for feature, row in before.items():
        cells = after[feature].split("\t")
        del cells[place]
        assert cells == row.split("\t"), feature


def test_the_earlier_snapshot_is_kept_found_and_compared_with(run):
    out = run["out"] / "batches"
    assert contents(out / "B1_B2") == run["snapshot"], "an earlier set is not written again"
    assert sorted(path.name for path in out.iterdir()) == ["B1_B2", f"B1_B2_{BATCH}"]
    outputs = report(run, "outputs")
    old = outputs[outputs["batch"] != BATCH]
    assert set(old["what"]) == {"row of layer"} and set(old["state"]) == {"unchanged"}
    assert old["name"].value_counts().to_dict() == {"taxa": 500, "metabolites": 24}
    assert outputs[outputs["batch"] == BATCH][["sample_id", "state"]].to_numpy().tolist() == [[run["new"], "new"]]
    assert f"524 rows of layers: {len(old)} unchanged." in said(run)["Did earlier samples keep what was made of them?"]


def test_the_page_names_the_batch_and_says_what_it_changes(run):
    page = said(run)
    (response,) = read(run["project"].folder / "study/patients.tsv").query("patient_id == 'P251'")["response"]
    assert page["What is new?"].startswith(
        f"{BATCH} against B1, B2: 1 new sample of 1 patient, 1 of them with no earlier sample, and 0 controls."
    )
    assert f"The only patient of batch {BATCH} with a known response is {response}:" in page["What is new?"]
    assert "leave the batch out in a second run" in page["What is new?"]
    assert "taxa: not tested, fewer than 3 patients on a side (1 newest, 250 earlier)." in page[
        "Do the new samples differ?"
    ]  # fmt: skip
    assert "starts from no stool reads" in page["What do the stool blanks hold?"]
    assert "Compared with B1_B2: 1 new patient, 0 earlier patients with another response" in page[
        "Did outcomes of earlier patients change?"
    ]  # fmt: skip
    labels = report(run, "labels")
    assert labels[["patient_id", "batch", "what", "after"]].to_numpy().tolist() == [
        ["P251", BATCH, "new patient", response]
    ]
    summary = report(run, "summary").set_index(["table", "layer"])
    numbers = summary.loc[("differential", "taxa"), ["n_before", "n_after"]].tolist()
    assert numbers == ["250", "251"]
    assert float(summary.at[("differential", "taxa"), "correlation"]) > 0.99
    assert summary.loc[("differential", "metabolites"), ["n_before", "n_after"]].tolist() == ["12", "12"]
    assert float(summary.at[("differential", "metabolites"), "correlation"]) == 1
    counts = report(run, "results")["status"].value_counts()
    moved = [counts.get(name, 0) for name in ("entered", "left")]
    told = [int(number) for number in re.findall(r"(\d+) results?", page["Do the main results change?"])]
    assert told == moved

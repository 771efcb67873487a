"""A later batch under a frozen normalisation, from config to record: simulated plasma, two batches and a third."""

import pandas as pd
import pytest

from tests.metabolome_cohort import simulate_run

CHOICE = {"reference": ["B1", "B2"], "normalisation": "frozen"}
VALUES, RECORD = "results/x/metabolome/normalised/values.tsv", "results/x/provenance/batch_choices.tsv"


def study(project, *, last, **changes):
    """Write sheets and the table of the batches up to one; return the config's path."""
    run = simulate_run(seed=4, features=60, injections=78, qcs=18, batches=3)
    rows = run.injections[run.injections["batch"] <= last]
    rows = rows.assign(sample_id=rows.index, assay="METAB", material="PLASMA", qc="PASS")
    patients = sorted(rows["patient_id"].dropna().unique())
    response = ["R" if number % 3 == 0 else "NR" for number in range(len(patients))]
    project.write("p.tsv", pd.DataFrame({"patient_id": patients, "response": response}).to_csv(sep="\t", index=False))
    for batch, sheet in rows.drop(columns="group").groupby("batch"):
        project.write(f"{batch}.tsv", sheet.to_csv(sep="\t", index=False))
    table = run.table.values[sorted(rows.index)].T.rename_axis("sample").round(3)
    project.write("m.tsv", table.to_csv(sep="\t"))
    config = {
        "output": "results/x",
        "cohort": {"patients": "p.tsv", "samples": [f"{batch}.tsv" for batch in sorted(rows["batch"].unique())]},
        "response": {"source": "given"},
        "contrasts": {"baseline": {"role": "primary"}},
        "metabolome": {
            "tables": [{"path": "m.tsv", "format": "plain", "mode": "positive", "orientation": "samples_by_features"}]
        },
        "batches": CHOICE,
    }
    return project.write("x.yaml", {**config, **changes})


def columns(project):
    return pd.read_csv(project.folder / VALUES, sep="\t", index_col=0, comment="#", dtype=str)


def test_a_later_batch_leaves_the_values_of_the_reference_and_is_recorded(project):
    targets = (VALUES, RECORD)
    project.run(*targets, "--configfile", study(project, last="B2"))
    before = columns(project)
    project.run(*targets, "--configfile", study(project, last="B3"))
    after = columns(project)
    pd.testing.assert_frame_equal(after[before.columns], before)
    assert {name[:2] for name in set(after) - set(before)} == {"B3"}
    record = pd.read_csv(project.folder / RECORD, sep="\t", comment="#").set_index("part")
    row = record.loc["normalisation"]
    assert row[["choice", "reference", "placed_batches"]].tolist() == ["frozen", "B1;B2", "B3"]
    assert (row["n_learned"], row["n_placed"]) == (before.shape[1], after.shape[1] - before.shape[1])
    assert record.at["models", "choice"] == "refit"
    assert str(project.folder) not in (project.folder / RECORD).read_text()


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ({"normalisation": "frozen"}, "C40 config column=batches.normalisation value=frozen"),
        ({**CHOICE, "reference": ["B1", "B7"]}, "C41 config column=batches.reference value=B7"),
    ],
)
def test_a_choice_that_cannot_be_kept_stops_before_any_job(project, choice, told):
    path = study(project, last="B2", batches=choice)
    done = project.run("--dry-run", "--configfile", path, check=False)
    assert done.returncode != 0
    assert told in done.text
    assert "Nothing was run." in done.text
    assert "Traceback" not in done.text

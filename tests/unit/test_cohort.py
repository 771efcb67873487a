"""The cohort: minimal sheets, observations without outcomes, digest, exposures, speed."""

import pickle
import time
from pathlib import Path

import pandas as pd
import pytest

from gutaxis.cohort import Cohort, load_cohort, load_config
from gutaxis.cohort.covariates import OUTCOMES
from gutaxis.errors import GutaxisError

pytestmark = pytest.mark.unit
SCHEMA = Path(__file__).parents[2] / "config" / "schemas" / "config.schema.json"
PATIENTS = "patient_id response\nP1 R\nP2 NR\nP3 NA\nP4 ."
SAMPLES = "sample_id patient_id\nS1 P1\nS2 P2\nS3 P3\nS4 P4"
PAIRED = """sample_id patient_id assay material timepoint collect_date batch qc control
A1 P1 MGX STOOL PRE -3 B1 PASS N
A2 P1 MGX STOOL POST 22 B1 PASS N
A3 P2 MGX STOOL PRE -3 B1 FAIL N
A4 P2 METAB PLASMA PRE -1 B2 PASS N
A5 P2 METAB PLASMA POST 15 B2 PENDING N
Q1 . METAB PLASMA . . B2 PASS POOL_QC
Q2 . METAB PLASMA . . B2 PASS BLANK"""


def load(root: Path, *, patients: str = PATIENTS, samples: str | list[str] = SAMPLES, **keys) -> Cohort:
    sheets = {"patients": patients, **{name: keys.pop(name) for name in ("medications",) if name in keys}}
    batches = [samples] if isinstance(samples, str) else samples
    named = {**sheets, **{f"samples{number}": text for number, text in enumerate(batches)}}
    for name, text in named.items():
        cells = [["" if cell == "." else cell for cell in line.split(" ")] for line in text.splitlines()]
        (root / f"{name}.tsv").write_text("".join("\t".join(line) + "\n" for line in cells))
    config = {"response": {"source": "given"}, "contrasts": {"baseline": {"role": "primary"}}} | keys
    config["cohort"] = {name: f"{name}.tsv" for name in sheets} | {
        "samples": [f"{n}.tsv" for n in named if n[:7] == "samples"]
    }
    return load_cohort(config=load_config(config=config, schema_path=SCHEMA), root=root)


def days(root: Path, **keys) -> Cohort:
    return load(root, **{"samples": PAIRED, "dates": "study_day", "contrasts": {"change": {"role": "primary"}}} | keys)


def test_four_columns_are_enough(tmp_path):
    cohort = load(tmp_path)
    assert list(cohort.samples["timepoint"]) == ["PRE"] * 4
    assert set(cohort.patients["cohort"]) == {"ALL"}
    assert set(cohort.samples["assay"]) == {"ANY"}
    assert cohort.sample_ids() == ["S1", "S2", "S3", "S4"]
    assert cohort.files(sample_id="S1") == ([], [])
    assert cohort.covariates == ()
    assert [problem.code for problem in cohort.warnings] == ["W15"]
    assert list(cohort.observations().index) == cohort.sample_ids()


def test_an_unknown_response_never_becomes_a_non_responder(tmp_path):
    response = load(tmp_path).pairs.set_index("patient_id")["response"]
    assert response[["P1", "P2"]].tolist() == ["R", "NR"]
    assert response[["P3", "P4"]].isna().all()


def test_an_assay_is_never_guessed(tmp_path):
    cohort = load(tmp_path)
    assert cohort.sample_ids(assay="MGX") == []
    assert cohort.observations(assay="MGX").empty


def test_no_outcome_reaches_the_observations(tmp_path):
    header = "patient_id response death_date death_cause last_alive_date new_therapy_date age"
    patients = f"{header}\nP1 R 200 CANCER 100 50 40\nP2 NR . . 90 . 50"
    table = days(tmp_path, patients=patients, samples=PAIRED).observations()
    assert not OUTCOMES & set(table)
    assert not [name for name in table if name.endswith("_day")]
    assert "age" in table


@pytest.mark.parametrize("name", ["response", "OS_months", "pfs", "RECIST", "death_date", "responder", "progressed"])
def test_an_outcome_is_refused_as_covariate(tmp_path, name):
    patients = f"patient_id response {name}x\nP1 R 1\nP2 NR 2".replace(
        f"{name}x", name if name != "response" else "age"
    )
    if name == "death_date":
        patients = "patient_id response death_date death_cause\nP1 R 2026-01-01 CANCER\nP2 NR . ."
    with pytest.raises(GutaxisError, match="C06 config column=covariates"):
        load(tmp_path, patients=patients, samples="sample_id patient_id\nS1 P1\nS2 P2", covariates=[name])


def test_a_column_of_ones_own_can_be_a_covariate(tmp_path):
    patients = "patient_id response site dose\nP1 R north 1.5\nP2 NR south 2"
    samples = "sample_id patient_id\nS1 P1\nS2 P2"
    cohort = load(tmp_path, patients=patients, samples=samples, covariates=["site", "dose"])
    assert cohort.covariates == ("site", "dose")
    assert cohort.observations()["dose"].tolist() == [1.5, 2]
    assert cohort.observations()["site"].tolist() == ["north", "south"]
    assert not cohort.warnings


def test_samples_are_selected_by_assay_control_and_verdict(tmp_path):
    cohort = days(tmp_path)
    assert cohort.sample_ids() == ["A1", "A2", "A4", "Q1", "Q2"]
    assert cohort.sample_ids(assay="METAB", control=False) == ["A4"]
    assert cohort.sample_ids(control=True) == ["Q1", "Q2"]
    assert cohort.sample_ids(control="POOL_QC") == ["Q1"]
    assert cohort.sample_ids(assay="MGX", qc_pass=False) == ["A1", "A2", "A3"]


def test_controls_are_never_patients(tmp_path):
    cohort = days(tmp_path)
    table = cohort.observations()
    assert (
        table.loc[["Q1", "Q2"], ["patient_id", "pair_id", "pair_status", "cohort", "days_from_ildr"]]
        .isna()
        .all(axis=None)
    )
    assert set(cohort.pairs["patient_id"]) == {"P1", "P2", "P3", "P4"}


def test_observations_carry_the_pair_and_the_day(tmp_path):
    table = days(tmp_path).observations()
    assert table["pair_status"].dropna().to_dict() == {
        "A1": "PAIRED", "A2": "PAIRED", "A3": "FAILED_QC", "A4": "PRE_ONLY", "A5": "FAILED_QC",
    }  # fmt: skip
    assert table["days_from_ildr"].dropna().to_dict() == {"A1": -3, "A2": 21, "A3": -3, "A4": -1, "A5": 14}
    assert table.at["A4", "pair_id"] == "P2.METAB.PLASMA"


def test_exposure_is_found_for_each_sample(tmp_path):
    patients = "patient_id response abx_60d\nP1 R N\nP2 NR Y"
    medications = "patient_id drug class start end\nP1 amoxicillin ANTIBIOTIC 5 9"
    medications += "\nP2 omeprazole PPI -90 -32\nP2 omeprazole PPI 10 ."
    table = days(tmp_path, patients=patients, medications=medications, covariates=["antibiotics", "ppi"]).observations()
    assert table.loc[["A1", "A2", "A3", "A4", "A5"], "antibiotics"].tolist() == ["N", "Y", "Y", "Y", "N"]
    assert table.loc[["A1", "A2", "A3", "A4", "A5"], "ppi"].tolist() == ["N", "N", "Y", "N", "Y"]
    assert "steroid" not in table, "a sheet without any row of a class says nothing about it"


def test_the_digest_ignores_order_and_empty_columns(tmp_path):
    expected = days(tmp_path).digest()
    lines = PAIRED.splitlines()
    assert days(tmp_path, samples="\n".join([lines[0], *reversed(lines[1:])])).digest() == expected
    columns = (
        pd.DataFrame([line.split(" ") for line in lines])
        .iloc[:, ::-1]
        .assign(site=["preservation", *[""] * (len(lines) - 1)])
    )
    turned = "\n".join(" ".join(row) for row in columns.to_numpy())
    assert days(tmp_path, samples=turned).digest() == expected
    assert days(tmp_path, samples=["\n".join(lines[:4]), "\n".join([lines[0], *lines[4:]])]).digest() == expected


def test_the_digest_of_an_assay_ignores_other_assays(tmp_path):
    before = days(tmp_path)
    after = days(tmp_path, samples=PAIRED.replace("PLASMA PRE -1", "PLASMA PRE -2"))
    assert after.digest(assay="MGX") == before.digest(assay="MGX")
    assert after.digest(assay="METAB") != before.digest(assay="METAB")
    assert after.digest() != before.digest()
    relabelled = days(tmp_path, patients=PATIENTS.replace("P1 R", "P1 NR"))
    assert relabelled.digest(assay="MGX") != before.digest(assay="MGX")


def test_a_cohort_survives_pickling(tmp_path):
    cohort = days(tmp_path)
    again = pickle.loads(pickle.dumps(cohort))
    assert again.digest() == cohort.digest()
    pd.testing.assert_frame_equal(again.pairs, cohort.pairs)
    assert again.sample(sample_id="A1") == cohort.sample(sample_id="A1")


def test_a_sample_as_record(tmp_path):
    cohort = days(tmp_path)
    assert cohort.sample(sample_id="Q1").patient_id is None
    sample = cohort.sample(sample_id="A2")
    assert (sample.patient_id, sample.timepoint, sample.qc, sample.files_1) == ("P1", "POST", "PASS", ())


def test_study_days_have_no_day_zero(tmp_path):
    samples = PAIRED.replace("PRE -3", "PRE 1", 1)
    assert days(tmp_path, samples=samples).observations().at["A1", "days_from_ildr"] == 0


def test_the_response_column_is_not_read_with_recist(tmp_path):
    # A stray column must not leak beside the computed response.
    for name, text in {
        "lesions": "patient_id\tlesion_id\tcategory\torgan\tis_node\n",
        "measurements": "patient_id\tlesion_id\tassess_date\taxis\tvalue_mm\tstate\n",
        "patients": "patient_id\tildr_date\tresponse\nP1\t2026-01-01\tR\n",
        "samples": "sample_id\tpatient_id\nS1\tP1\n",
    }.items():
        (tmp_path / f"{name}.tsv").write_text(text)
    config = {"cohort": {name: f"{name}.tsv" for name in ("patients", "samples", "lesions", "measurements")}}
    config["contrasts"] = {"baseline": {"role": "primary"}}
    cohort = load_cohort(config=load_config(config=config, schema_path=SCHEMA), root=tmp_path)
    assert "response" not in cohort.patients
    assert "response" not in cohort.pairs


def test_five_thousand_samples_load_fast(tmp_path):
    number = 5000
    patients = "patient_id response age abx_60d\n" + "\n".join(
        f"P{i} {'R' if i % 3 else 'NR'} {20 + i % 60} N" for i in range(number // 2)
    )
    samples = "sample_id patient_id timepoint assay material file_1 file_2 collect_date\n" + "\n".join(
        f"S{i} P{i // 2} {'POST' if i % 2 else 'PRE'} MGX STOOL f{i}_1.fq.gz f{i}_2.fq.gz {20 if i % 2 else -2}"
        for i in range(number)
    )
    start = time.process_time()
    cohort = days(tmp_path, patients=patients, samples=samples, simulate={"truth": "t.json"})
    assert (cohort.pairs["pair_status"] == "PAIRED").sum() == number // 2
    assert time.process_time() - start < 3

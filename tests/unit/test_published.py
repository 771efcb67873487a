"""Sheets of published cohorts: every trap, on small files in the shape of the public ones."""

import pandas as pd
import pytest

from gutaxis.cohort import published
from gutaxis.cohort.published import make_sheets
from gutaxis.cohort.published_sources import SOURCES
from gutaxis.errors import GutaxisError

pytestmark = pytest.mark.unit


def write(folder, name, rows, sep="\t"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(path, sep=sep, index=False)


def run(study, subject, accession, **more):
    return {"study_name": study, "subject_id": subject, "ncbi_accession": accession, "sex": "Male"} | more


def table(folder, cohort, runs, *, index=""):
    source = SOURCES[cohort]
    header = "\t".join(["clade_name", *[source.prefix + name for name in runs]])
    (folder / source.table).write_text(index + header + "\n")


@pytest.fixture
def lee(tmp_path):
    def patient(number, recist, orr, **more):
        more = {"subcohort": "PRIMM-UK", "bmi": "25.1", "treatment": "", "antibiotics_current_use": "No"} | more
        return run(
            "LeeKA_2022", f"P{number}", f"ERR{number}", disease_response_recist=recist, disease_response_orr=orr, **more
        )

    rows = [
        patient(1, "RECIST Partial Response", "Yes", treatment="Proton Pump Inhibitor,Steroid Compound"),
        patient(2, "RECIST Stable Disease", "Yes", subcohort="Leeds", bmi="Not applicable"),
        patient(3, "RECIST Progressive Disease", "No", antibiotics_current_use="Not applicable"),
        patient(4, "Not applicable", "Yes"),
        patient(5, "RECIST Progressive Disease", "No", antibiotics_current_use="Yes"),
    ]
    write(tmp_path, SOURCES["lee_2022"].metadata, rows)
    labels = [("ERR1", "R"), ("ERR2", "R"), ("ERR3", "R"), ("ERR4", "NR"), ("OTHER", "R")]
    write(tmp_path, "ici_metagenome/response_labels.tsv", [{"sampleid": s, "response": r} for s, r in labels])
    table(tmp_path, "lee_2022", ["ERR1", "ERR2", "ERR3", "ERR4"])
    return tmp_path


def notes(sheets, topic):
    return {sample: text for kind, _, sample, text in sheets.notes if kind == topic}


def test_lee_recist_counts_stable_disease_as_no_response_and_unknown_stays_unknown(lee):
    sheets = make_sheets(data=lee, cohort="lee_2022")
    assert sheets.definition == "recist_orr"
    assert sheets.patients.set_index("patient_id")["response"].to_dict() == {
        "P1": "R", "P2": "NR", "P3": "NR", "P4": "NA", "P5": "NR",
    }  # fmt: skip
    assert notes(sheets, "labels_disagree") == {
        "ERR3": "response_labels.tsv says R, the curated metadata NR (RECIST PD)",
        "ERR4": "response_labels.tsv says NR, the curated metadata R (RECIST not given)",
    }
    assert set(notes(sheets, "definitions_differ")) == {"ERR2", "ERR3"}
    assert set(notes(sheets, "response_unknown")) == {"ERR4"}
    assert set(notes(sheets, "no_profile")) == {"ERR5"}


def test_lee_given_takes_the_label_and_a_missing_label_is_unknown(lee):
    sheets = make_sheets(data=lee, cohort="lee_2022", definition="given")
    assert sheets.patients["response"].tolist() == ["R", "R", "R", "NR", "NA"]
    assert set(notes(sheets, "response_unknown")) == {"ERR5"}


def test_lee_site_is_the_batch_and_covariates_are_mapped(lee):
    sheets = make_sheets(data=lee, cohort="lee_2022")
    assert sheets.samples["batch"].tolist() == ["PRIMM-UK", "Leeds", "PRIMM-UK", "PRIMM-UK", "PRIMM-UK"]
    patients = sheets.patients.set_index("patient_id")
    assert patients["ppi_30d"].tolist() == ["Y", "N", "N", "N", "N"]
    assert patients["abx_60d"].tolist() == ["N", "N", "NA", "N", "Y"]
    assert patients["bmi"].tolist()[:2] == ["25.1", "NA"]
    assert set(patients["sex"]) == {"M"}
    assert "age" not in patients  # only an age group is public
    assert "ici_drug" not in patients  # `treatment` holds comedication there
    assert set(sheets.samples["timepoint"]) == {"PRE"}


def test_baruch_donors_are_no_patients_and_weeks_are_kept_apart(tmp_path):
    rows = [
        run(
            "BaruchEN_2021", "R6", f"SRR{day}", disease_response_recist="RECIST Partial Response",
            disease_response_orr="No", fmt_role="BaruchEN_2021__Donor1", days_from_first_collection=str(day), age="33",
        )
        for day in (0, 7, 31, 65)
    ]  # fmt: skip
    rows.append(rows[0] | {"subject_id": "Donor1", "ncbi_accession": "SRR99", "fmt_role": "NA"})
    write(tmp_path, SOURCES["baruch_2021"].metadata, rows)
    table(tmp_path, "baruch_2021", ["SRR0", "SRR7", "SRR31", "SRR65", "SRR99"])
    sheets = make_sheets(data=tmp_path, cohort="baruch_2021")
    assert sheets.patients["patient_id"].tolist() == ["R6"]
    assert sheets.patients["response"].tolist() == ["R"]
    assert set(notes(sheets, "donor")) == {"SRR99"}
    assert not notes(sheets, "no_metadata")  # the donor has metadata, it is told once
    samples = sheets.samples.set_index("sample_id")
    assert samples["timepoint"].to_dict() == {"SRR0": "PRE", "SRR7": "POST", "SRR31": "POST", "SRR65": "POST"}
    assert samples["collect_date"].to_dict() == {"SRR0": "1", "SRR7": "8", "SRR31": "32", "SRR65": "66"}
    assert samples.at["SRR0", "same_day"] == "BEFORE"
    given = make_sheets(data=tmp_path, cohort="baruch_2021", definition="given")
    assert given.patients["response"].tolist() == ["NR"]
    assert len(notes(given, "definitions_differ")) == 4

    rows[1]["disease_response_recist"] = "RECIST Stable Disease"
    write(tmp_path, SOURCES["baruch_2021"].metadata, rows)
    with pytest.raises(GutaxisError, match=r"P04 .*value=R6: the runs of one patient have different responses"):
        make_sheets(data=tmp_path, cohort="baruch_2021")


def test_peters_runs_without_metadata_get_no_label(tmp_path):
    rows = [
        run("PetersBA_2019", f"Ahn.Mel0{n}", f"SRR{n}", disease_response_pfs=label, age="80")
        for n, label in ((1, "Yes"), (2, "No"), (3, "Not applicable"))
    ]
    write(tmp_path, SOURCES["peters_2019"].metadata, rows)
    table(tmp_path, "peters_2019", ["SRR1", "SRR2", "SRR3", "SRR4"], index="#mpa_vOct22\n")
    sheets = make_sheets(data=tmp_path, cohort="peters_2019")
    assert sheets.definition == "given"
    assert sheets.patients["response"].tolist() == ["R", "NR", "NA"]
    assert sheets.samples["sample_id"].tolist() == ["SRR1", "SRR2", "SRR3"]
    assert set(notes(sheets, "no_metadata")) == {"SRR4"}


@pytest.mark.parametrize("cohort", ["peters_2019", "matson_2018", "toposcore"])
def test_recist_cannot_be_had_where_it_is_not_public(tmp_path, cohort):
    with pytest.raises(GutaxisError, match=rf"P03 definition=recist_orr: {cohort} has no such label"):
        make_sheets(data=tmp_path, cohort=cohort, definition="recist_orr")


def test_toposcore_visits_and_pairs(tmp_path):
    rows = [
        {"Patient_id": 1, "Sample_id_V0": "a0", "AKK_TRICHO_V0": "Low", "Sample_id_V3": "a3"},
        {"Patient_id": 2, "Sample_id_V0": "b0", "AKK_TRICHO_V0": "Low", "Sample_id_V3": "NA"},
        {"Patient_id": 3, "Sample_id_V0": "NA", "AKK_TRICHO_V0": "NA", "Sample_id_V3": "c3"},
    ]
    write(tmp_path, SOURCES["toposcore"].metadata, rows, sep=",")
    write(tmp_path, SOURCES["toposcore"].table, [{"Sample_id": s, "x": 1} for s in ("a0", "a3", "b0", "d0")], sep=",")
    sheets = make_sheets(data=tmp_path, cohort="toposcore")
    assert sheets.samples.set_index("sample_id")["timepoint"].to_dict() == {
        "a0": "PRE", "a3": "POST", "b0": "PRE", "c3": "POST",
    }  # fmt: skip
    assert set(sheets.patients["response"]) == {"NA"}
    assert set(notes(sheets, "unpaired")) == {"b0", "c3"}
    assert set(notes(sheets, "no_metadata")) == {"d0"}
    assert set(notes(sheets, "no_profile")) == {"c3"}
    assert not any("AKK" in column for column in sheets.patients)


def test_wrong_files_are_refused_by_name(lee, tmp_path):
    with pytest.raises(GutaxisError, match=r"P01 FrankelAE_2017_sample.tsv|P01 .*Frankel.*no such file"):
        make_sheets(data=tmp_path, cohort="frankel_2017")
    (tmp_path / SOURCES["frankel_2017"].metadata).write_bytes((lee / SOURCES["lee_2022"].metadata).read_bytes())
    with pytest.raises(GutaxisError, match="this is not the metadata of FrankelAE_2017"):
        make_sheets(data=tmp_path, cohort="frankel_2017")
    write(tmp_path, SOURCES["matson_2018"].metadata, [{"a": 1}])
    with pytest.raises(GutaxisError, match=r"P02 .*the file has no column study_name, subject_id, ncbi_accession"):
        make_sheets(data=tmp_path, cohort="matson_2018")
    with pytest.raises(GutaxisError, match="unknown cohort"):
        make_sheets(data=tmp_path, cohort="gopalakrishnan_2018")


def test_command_line(lee, tmp_path, capsys):
    out = tmp_path / "sheets"
    assert published.main(["--data", str(lee), "--cohort", "lee_2022", "--out", str(out)]) == 0
    assert "Response definition: `recist_orr`" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == ["README.md", "notes.tsv", "patients.tsv", "samples.tsv"]
    assert "Patients: 5 (R 1, NR 3, NA 1)" in (out / "README.md").read_text()
    assert (
        (out / "patients.tsv")
        .read_text()
        .startswith("patient_id\tcohort\ttumor_type\tsex\tbmi\tabx_60d\tppi_30d\tresponse")
    )
    assert str(lee) not in "".join(path.read_text() for path in out.iterdir())
    assert published.main(["--data", str(tmp_path), "--cohort", "toposcore", "--out", str(out)]) == 1
    assert "P01" in capsys.readouterr().err

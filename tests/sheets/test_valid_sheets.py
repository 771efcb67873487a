"""Sheets that look odd but are right must load, and to the same content."""

import pytest

pytestmark = pytest.mark.unit


def test_the_base_trial_is_valid(trial):
    cohort = trial.load()
    assert {problem.code for problem in cohort.warnings} == {"W05"}
    assert list(cohort.pairs["pair_status"]) == ["PAIRED"] * 3
    assert cohort.covariates == ("cohort", "antibiotics")


@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(lambda text: text.replace("\n", "\r\n").encode(), id="windows line ends"),
        pytest.param(lambda text: text.replace("\n", "\r").encode(), id="old macintosh line ends"),
        pytest.param(lambda text: text.encode("utf-8-sig"), id="byte-order mark"),
        pytest.param(lambda text: text.encode("utf-8-sig").replace(b"\n", b"\r\n"), id="both"),
        pytest.param(lambda text: text.rstrip("\n").encode(), id="no line end at the end"),
        pytest.param(lambda text: text.replace("\n", "\t\t\n").encode(), id="empty cells at the right"),
        pytest.param(lambda text: ("\n" + text + "\n\t\t\n").encode(), id="empty lines"),
        pytest.param(lambda text: text.replace("\t", "\t ").encode(), id="blanks around cells"),
        pytest.param(lambda text: text.replace("P01", '"P01"').encode(), id="quoted cells"),
    ],
)
def test_what_spreadsheets_do_to_a_sheet_changes_nothing(trial, encode):
    expected = trial.load().digest()
    trial.encode = {"patients": encode, "lesions": encode}
    assert trial.load().digest() == expected


def test_a_quoted_cell_keeps_its_comma_and_quote(trial):
    trial.row("patients", 2)["tumor_type"] = '"adenocarcinoma, ""G2"""'
    assert trial.load().patients.at["P01", "tumor_type"] == 'adenocarcinoma, "G2"'


def test_a_message_names_the_line_of_the_file_below_empty_lines(trial):
    trial.row("patients", 4)["age"] = "17"
    trial.encode = {"patients": lambda text: text.replace("\nP02", "\n\n\nP02").encode()}
    with pytest.raises(Exception, match=r"E03 patients\.tsv:6 column=age value=17"):
        trial.load()


def test_optional_sheets_may_wait_for_their_first_row(trial):
    for sheet in ("progressions", "adverse_events", "medications"):
        trial.encode[sheet] = lambda text: text.split("\n")[0].encode()
    cohort = trial.load()
    assert len(cohort.progressions) == len(cohort.adverse_events) == len(cohort.medications) == 0


def test_a_path_with_a_blank_works(trial):
    trial.row("samples", 2).update(file_1="my reads/a 1.fq.gz", file_2="my reads/a 2.fq.gz")
    assert trial.load().files(sample_id="P01-S1") == (["my reads/a 1.fq.gz"], ["my reads/a 2.fq.gz"])


def test_paths_are_relative_to_the_sheet_then_to_the_working_directory(trial):
    trial.folder = "config/trial"
    trial.config["cohort"] = {sheet: f"config/trial/{sheet}.tsv" for sheet in trial.tables}
    trial.row("samples", 2)["file_1"] = "../reads/x.fq.gz"
    trial.row("samples", 3)["file_1"] = "outside/absent.fq.gz"
    (trial.root / "outside").mkdir()
    (trial.root / "outside/absent.fq.gz").touch()
    cohort = trial.load()
    assert cohort.files(sample_id="P01-S1") == (["config/reads/x.fq.gz"], ["config/trial/reads/a_2.fq.gz"])
    assert cohort.files(sample_id="P01-S2")[0] == ["outside/absent.fq.gz"]
    absolute = str(trial.root / "config/reads/x.fq.gz")
    trial.row("samples", 2)["file_1"] = absolute
    assert trial.load().files(sample_id="P01-S1")[0] == [absolute]


def test_simulated_files_need_not_exist(trial):
    trial.config["simulate"] = {"truth": "truth.json"}
    trial.row("samples", 2)["file_1"] = "absent/a.fq.gz"
    assert trial.load().files(sample_id="P01-S1")[0] == ["absent/a.fq.gz"]


def test_an_address_in_a_bucket_stays_as_it_is(trial):
    trial.folder = "config/trial"
    trial.config["cohort"] = {sheet: f"config/trial/{sheet}.tsv" for sheet in trial.tables}
    trial.row("samples", 2).update(file_1="s3://b/absent/a_1.fq.gz", file_2="s3://b/absent/a_2.fq.gz")
    assert trial.load().files(sample_id="P01-S1") == (["s3://b/absent/a_1.fq.gz"], ["s3://b/absent/a_2.fq.gz"])


def test_lanes_keep_their_order(trial):
    trial.row("samples", 2).update(file_1="L2_R1.fq.gz; L1_R1.fq.gz", file_2="L2_R2.fq.gz;L1_R2.fq.gz")
    for name in ("L1_R1", "L2_R1"):
        (trial.root / f"{name}.fq.gz").touch()
    assert trial.load().files(sample_id="P01-S1") == (["L2_R1.fq.gz", "L1_R1.fq.gz"], ["L2_R2.fq.gz", "L1_R2.fq.gz"])


def test_single_end_reads_have_no_second_mate(trial):
    trial.row("samples", 2)["file_2"] = ""
    assert trial.load().files(sample_id="P01-S1") == (["reads/a_1.fq.gz"], [])


def test_two_readers_may_measure_one_lesion(trial):
    trial.tables["measurements"] += [row | {"reader": "IRC"} for row in trial.tables["measurements"]]
    assert len(trial.load().measurements) == 24


def test_a_node_may_have_both_axes(trial):
    trial.tables["measurements"].append(trial.row("measurements", 3) | {"axis": "LDIAM", "value_mm": "25"})
    trial.load()


@pytest.mark.parametrize("cells", [{"replicate": "2"}, {"nominal_week": "6"}, {"qc": "FAIL"}])
def test_samples_of_one_visit_that_are_told_apart(trial, cells):
    trial.tables["samples"].append(trial.row("samples", 7) | {"sample_id": "P03-S3"} | cells)
    pairs = trial.load().pairs.set_index("patient_id")
    assert pairs.at["P03", "post"] == "P03-S2"
    assert "P03-S3" in pairs.at["P03", "reason"]


def test_samples_of_the_ildr_day(trial):
    trial.row("samples", 2)["collect_date"] = "2026-01-10"
    trial.row("samples", 3).update(collect_date="2026-01-10", same_day="AFTER")
    pairs = trial.load().pairs.set_index("patient_id")
    assert (pairs.at["P01", "pre"], pairs.at["P01", "pair_status"]) == ("P01-S1", "PRE_ONLY")


def test_sheets_of_one_name_in_two_folders_are_told_apart(trial):
    (trial.root / "more").mkdir()
    header = "sample_id\tpatient_id\tassay\tmaterial\ttimepoint\n"
    (trial.root / "more/samples.tsv").write_text(header + "P03-M\tP3\tMETAB\tPLASMA\tPRE\n")
    trial.config["cohort"]["samples"] = ["samples.tsv", "more/samples.tsv"]
    with pytest.raises(Exception, match=r"E05 more/samples\.tsv:2 column=patient_id value=P3"):
        trial.load()
    (trial.root / "more/samples.tsv").write_text(header + "P03-M\tP03\tMETAB\tPLASMA\tPRE\n")
    assert trial.load().samples.at["P03-M", "batch"] == "2", "a sheet without batches is a batch"


def test_partial_dates_of_adverse_events_keep_their_range(trial):
    event = trial.load().adverse_events.query("patient_id == 'P02'").iloc[0]
    assert (event["start_date"], event["start_day"], event["start_day_last"]) == ("2026-02", 12, 39)


def test_any_cohort_name_with_given_responses(trial):
    trial.config["response"] = {"source": "given"}
    for row in trial.tables["patients"]:
        row |= {"cohort": "Lee 2022", "response": "R"}
    cohort = trial.load()
    assert set(cohort.patients["cohort"]) == {"Lee 2022"}
    assert not cohort.warnings

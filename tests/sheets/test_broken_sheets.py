"""Every mistake a user can make in sheets or config is answered by one message: code, file, line, column, value, words."""

# ruff: noqa: E501 - one case per line, so that the table can be read down its columns

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from gutaxis.errors import GutaxisError, Problem

pytestmark = pytest.mark.unit

Change = Callable[..., None]
GIVEN = {"source": "given"}


@dataclass(frozen=True)
class Case:
    """One way to break the valid trial, and the message it must give."""

    name: str
    changes: tuple[Change, ...]
    code: str
    file: str
    line: int | None
    column: str | None
    value: str | None
    words: tuple[str, ...]
    alone: bool = True


def case(
    name: str, *changes: Change, at: str, column: str | None, value: str | None, says: str, alone: bool = True
) -> Case:
    """``at`` is ``E08 lesions:14``; ``says`` lists words of the message, split at ``|``."""
    code, place = at.split()
    file, _, line = place.partition(":")
    file = file if file == "config" or "." in file else f"{file}.tsv"
    return Case(name, changes, code, file, int(line) if line else None, column, value, tuple(says.split("|")), alone)


def put(sheet: str, line: int, **cells: str) -> Change:
    """Change cells of one row; lines as in the file."""
    return lambda trial: trial.row(sheet, line).update(cells)


def add(sheet: str, like: int, **cells: str) -> Change:
    """Append a copy of a row with other cells."""
    return lambda trial: trial.tables[sheet].append(trial.row(sheet, like) | cells)


def drop(sheet: str, column: str) -> Change:
    """Remove a column."""
    return lambda trial: [row.pop(column) for row in trial.tables[sheet]] and None


def cut(sheet: str, line: int) -> Change:
    """Remove a row."""
    return lambda trial: trial.tables[sheet].pop(line - 2) and None


def rename(sheet: str, old: str, new: str) -> Change:
    """Rename a column in place."""

    def change(trial):
        trial.tables[sheet] = [
            {new if name == old else name: cell for name, cell in row.items()} for row in trial.tables[sheet]
        ]

    return change


def raw(sheet: str, encode: Callable[[str], bytes]) -> Change:
    """Write other bytes."""
    return lambda trial: trial.encode.update({sheet: encode})


def config(dotted: str, value: object) -> Change:
    """Set a key of the config."""

    def change(trial):
        *sections, key = dotted.split(".")
        target = trial.config
        for section in sections:
            target = target.setdefault(section, {})
        target[key] = value

    return change


def scan(patient: str, lesion: str, date: str, **cells: str) -> Change:
    """Append a measurement."""
    row = {"patient_id": patient, "lesion_id": lesion, "assess_date": date}
    row |= {"axis": "LDIAM", "value_mm": "20", "state": "MEASURED"}
    return lambda trial: trial.tables["measurements"].append(row | cells)


def second_batch(trial) -> None:
    """Name a second samples sheet that repeats an id of the first."""
    trial.config["cohort"]["samples"] = ["samples.tsv", "samples2.tsv"]
    trial.tables["samples2"] = [trial.row("samples", 6) | {"material": "PLASMA", "batch": "B2"}]


def two_batches(by: str) -> Change:
    """Give every level of a column its own batch."""
    names = {"PRE": "B1", "POST": "B2", "P01": "B1", "P02": "B1", "P03": "B2"}

    def change(trial):
        for row in trial.tables["samples"][:-1]:
            row["batch"] = names[row[by]]

    return change


def folder(trial) -> None:
    """Make a folder where a sheet is expected."""
    (trial.root / "lesions.d").mkdir()


def given(trial) -> None:
    """Replace RECIST by given responses."""
    trial.config["response"] = dict(GIVEN)
    for row, response in zip(trial.tables["patients"], ("R", "NR", "NA"), strict=True):
        row["response"] = response


def days(trial) -> None:
    """Write every date of a reduced trial as a study day."""
    given(trial)
    trial.config |= {"dates": "study_day", "cohort": {"patients": "patients.tsv", "samples": "samples.tsv"}}
    for row in trial.tables["patients"]:
        row |= {"ildr_date": "1", "ici_first_date": "2", "last_alive_date": "100", "death_date": "", "death_cause": ""}
    for row in trial.tables["samples"]:
        row["collect_date"] = {"PRE": "-2", "POST": "22", "": ""}[row["timepoint"]]


CASES = [
    # E01 to E05
    case("no patient_id", drop("patients", "patient_id"), at="E01 patients:1", column="patient_id", value=None, says="missing|Add the column", alone=False),
    case("no timepoint", drop("samples", "timepoint"), at="E01 samples:1", column="timepoint", value=None, says="response_change|PRE, POST|contrasts out of the config", alone=False),
    case("no ildr_date", drop("patients", "ildr_date"), at="E01 patients:1", column="ildr_date", value=None, says="response.source: recist|2026-03-14"),
    case("no response", config("response", GIVEN), at="E01 patients:1", column="response", value=None, says="response.source: given|R, NR"),
    case("header in other letters", rename("patients", "patient_id", "Patient_ID"), at="E01 patients:1", column="patient_id", value="Patient_ID", says="Rename `Patient_ID`", alone=False),
    case("files without assay", drop("samples", "assay"), at="E01 samples:1", column="assay", value=None, says="file_1|MGX", alone=False),
    case("no ildr_date for survival", given, config("contrasts", {"survival": {"role": "primary"}}), drop("patients", "ildr_date"), at="E01 patients:1", column="ildr_date", value=None, says="needed"),
    case("patient twice", add("patients", 2), at="E02 patients:5", column="patient_id", value="P01", says="patients.tsv:2|One row per patient_id"),
    case("lesion twice", add("lesions", 4), at="E02 lesions:8", column="lesion_id", value="N01", says="lesions.tsv:4|patient_id and lesion_id"),
    case("lesion changes category", add("lesions", 2, category="NON-TARGET"), at="E02 lesions:8", column="lesion_id", value="T01", says="NON-TARGET here and TARGET at lesions.tsv:2|keeps the category"),
    case("event twice", add("adverse_events", 2), at="E02 adverse_events:4", column="ae_id", value="AE1", says="adverse_events.tsv:2"),
    case("sample in two batches", second_batch, at="E02 samples2:2", column="sample_id", value="P03-S1", says="samples.tsv:6|over all samples sheets"),
    case("word in other letters", put("samples", 2, qc="pass"), at="E03 samples:2", column="qc", value="pass", says="PASS, FAIL, PENDING|Did you mean `PASS`"),
    case("unknown cohort", put("patients", 4, cohort="BRAIN"), at="E03 patients:4", column="cohort", value="BRAIN", says="LUNG, ESOPHAGEAL, OTHER"),
    case("age out of range", put("patients", 2, age="640"), at="E03 patients:2", column="age", value="640", says="from 18 to 120"),
    case("decimal comma", put("measurements", 2, value_mm="30,0"), at="E11 measurements:2", column="value_mm", value="30,0", says="point as decimal sign"),
    case("ECOG of one and a half", put("patients", 2, ecog="1.5"), at="E03 patients:2", column="ecog", value="1.5", says="whole number"),
    case("empty category", put("lesions", 4, category=""), at="E03 lesions:4", column="category", value=None, says="empty|Fill it"),
    case("timepoint empty", put("samples", 2, timepoint=""), at="E03 samples:2", column="timepoint", value=None, says="PRE or POST", alone=False),
    case("response is yes", given, put("patients", 2, response="YES"), at="E03 patients:2", column="response", value="YES", says="R, NR, or NA"),
    case("axis missing", put("measurements", 2, axis=""), at="E03 measurements:2", column="axis", value=None, says="LDIAM|LPERP"),
    case("day without calendar", put("samples", 2, collect_date="2026-02-30"), at="E04 samples:2", column="collect_date", value="2026-02-30", says="YYYY-MM-DD"),
    case("other date order", put("patients", 2, ildr_date="10.01.2026"), at="E04 patients:2", column="ildr_date", value="10.01.2026", says="YYYY-MM-DD"),
    case("partial date of a scan", put("measurements", 2, assess_date="2026-01"), at="E04 measurements:2", column="assess_date", value="2026-01", says="without the day is not enough", alone=False),
    case("ildr_date empty", put("patients", 2, ildr_date=""), at="E04 patients:2", column="ildr_date", value=None, says="empty|ILDR"),
    case("month 13 of an event", put("adverse_events", 3, start_date="2026-13"), at="E04 adverse_events:3", column="start_date", value="2026-13", says="also YYYY-MM"),
    case("study day 0", days, put("samples", 2, collect_date="0"), at="E04 samples:2", column="collect_date", value="0", says="no day 0"),
    case("study day as a date", days, put("samples", 2, collect_date="2026-01-08"), at="E04 samples:2", column="collect_date", value="2026-01-08", says="ILDR is 1"),
    case("ILDR on study day 5", days, put("patients", 2, ildr_date="5"), at="E04 patients:2", column="ildr_date", value="5", says="day 1 by definition"),
    case("sample of nobody", put("samples", 3, patient_id="P1"), at="E05 samples:3", column="patient_id", value="P1", says="not in the patients sheet|Did you mean P01"),
    case("lesion of nobody", put("lesions", 6, patient_id="X9"), at="E05 lesions:6", column="patient_id", value="X9", says="not in the patients sheet", alone=False),
    case("measured, never listed", put("measurements", 4, lesion_id="N09"), at="E05 measurements:4", column="lesion_id", value="N09", says="no such lesion of P01"),
    case("biopsy of no lesion", put("samples", 2, site_lesion_id="T07"), at="E05 samples:2", column="site_lesion_id", value="T07", says="no such lesion of P01"),
    case("sample without patient", put("samples", 7, patient_id=""), at="E05 samples:7", column="patient_id", value=None, says="P03-S2|only controls"),
    case("control of a patient", put("samples", 8, patient_id="P01"), at="E05 samples:8", column="patient_id", value="P01", says="BLANK|no patient"),
    # E06 to E13
    case("scan after death", put("patients", 3, death_date="2026-02-15", last_alive_date="2026-02-14"), at="E06 measurements:10", column="assess_date", value="2026-03-01", says="after the patient's death (2026-02-15)"),
    case("end before start", put("adverse_events", 2, end_date="2026-01-02"), at="E06 adverse_events:2", column="end_date", value="2026-01-02", says="before the start (2026-01-12)"),
    case("partial end before start", put("adverse_events", 2, end_date="2025-12"), at="E06 adverse_events:2", column="end_date", value="2025-12", says="before the start"),
    case("medication ends early", put("medications", 2, end="2025-12-31"), at="E06 medications:2", column="end", value="2025-12-31", says="before the start (2026-01-02)"),
    case("scan after last contact", put("patients", 2, last_alive_date="2026-04-01"), at="E06 measurements:7", column="assess_date", value="2026-04-03", says="last_alive_date (2026-04-01)", alone=False),
    case("antibody before ILDR", put("patients", 2, ici_first_date="2026-01-09"), at="E06 patients:2", column="ici_first_date", value="2026-01-09", says="before ILDR (2026-01-10)"),
    case("alive after death", put("patients", 3, last_alive_date="2026-07-01"), at="E06 patients:3", column="last_alive_date", value="2026-07-01", says="alive after death (2026-06-20)"),
    case("death before ILDR", put("patients", 3, death_date="2026-01-01", last_alive_date="2026-01-01"), at="E06 patients:3", column="death_date", value="2026-01-01", says="before ILDR", alone=False),
    case("six targets", *(add("lesions", 2, lesion_id=f"T1{n}", organ=f"ORGAN{n}") for n in range(4)), at="E07 lesions:11", column="lesion_id", value="T13", says="more than 5|NON-TARGET"),
    case("three nodes", *(add("lesions", 3, lesion_id=f"T1{n}", organ=f"NODE{n}") for n in range(2)), at="E07 lesions:9", column="lesion_id", value="T11", says="more than 2|lymph nodes (one organ)"),
    case("thin node", put("measurements", 3, value_mm="12.0"), at="E08 measurements:3", column="value_mm", value="12", says="T02 (lymph node)|short axis 12 mm|>= 15 mm|NON-TARGET"),
    case("small target", put("measurements", 9, value_mm="9.5"), at="E08 measurements:9", column="value_mm", value="9.5", says="longest diameter 9.5 mm|>= 10 mm"),
    case("target not measured", put("measurements", 9, value_mm="", state="PRESENT"), at="E08 measurements:9", column="value_mm", value="PRESENT", says="PRESENT at baseline"),
    case("target seen later", cut("measurements", 2), at="E09 measurements:4", column="assess_date", value="2026-02-20", says="TARGET lesion T01 of P01|Make it NEW", alone=False),
    case("new lesion at baseline", scan("P03", "NEW1", "2026-01-25", axis="", value_mm="", state="PRESENT"), at="E10 measurements:14", column="assess_date", value="2026-01-25", says="NEW1|TARGET or NON-TARGET"),
    case("size of an absent lesion", put("measurements", 7, state="ABSENT"), at="E11 measurements:7", column="value_mm", value="15", says="state ABSENT"),
    case("measured without size", put("measurements", 7, value_mm=""), at="E11 measurements:7", column="value_mm", value=None, says="size is missing|NOT EVALUATED"),
    case("negative size", put("measurements", 7, value_mm="-3"), at="E11 measurements:7", column="value_mm", value="-3", says="from 0 to 500"),
    case("half a metre", put("measurements", 7, value_mm="501"), at="E11 measurements:7", column="value_mm", value="501", says="from 0 to 500"),
    case("node by longest diameter", put("measurements", 6, axis="LDIAM"), at="E12 measurements:6", column="axis", value="LDIAM", says="T02|short axis, LPERP"),
    case("measured twice", scan("P01", "T01", "2026-02-20", reader="INVESTIGATOR"), at="E13 measurements:14", column="lesion_id", value="T01", says="twice on 2026-02-20 by INVESTIGATOR"),
    # E14 to E20
    case("grade 6", put("adverse_events", 2, grade="6"), at="E14 adverse_events:2", column="grade", value="6", says="from 1 to 5"),
    case("fatal, yet alive", put("adverse_events", 2, grade="5"), at="E14 adverse_events:2", column="grade", value="5", says="P01 has no death_date"),
    case("death without cause", put("patients", 3, death_cause=""), at="E15 patients:3", column="death_cause", value=None, says="2026-06-20|UNKNOWN"),
    case("cause without death", put("patients", 2, death_cause="CANCER"), at="E15 patients:2", column="death_date", value="CANCER", says="no date"),
    case("dose in cGy", put("patients", 2, ildr_dose_gy="100"), at="E16 patients:2", column="ildr_dose_gy", value="100", says="not 1 Gy|unit: Gy"),
    case("3 Gy in ILDR-02", put("patients", 2, ildr_dose_gy="3"), at="E16 patients:2", column="ildr_dose_gy", value="3", says="not 1 Gy"),
    case("PRE after ILDR", put("samples", 2, collect_date="2026-01-12"), at="E17 samples:2", column="collect_date", value="2026-01-12", says="PRE sample taken after ILDR (2026-01-10)"),
    case("POST on the ILDR day", put("samples", 3, collect_date="2026-01-10"), at="E17 samples:3", column="collect_date", value="2026-01-10", says="on or before ILDR|same_day"),
    case("PRE flagged after", put("samples", 2, collect_date="2026-01-10", same_day="AFTER"), at="E17 samples:2", column="collect_date", value="2026-01-10", says="PRE sample taken after"),
    case("file of two samples", put("samples", 3, file_1="reads/a_1.fq.gz"), at="E18 samples:3", column="file_1", value="reads/a_1.fq.gz", says="P01-S1 (samples.tsv:2)"),
    case("both mates one file", put("samples", 3, file_2="./reads/b_1.fq.gz"), at="E18 samples:3", column="file_2", value="./reads/b_1.fq.gz", says="P01-S2"),
    case("two PASS samples", add("samples", 6, sample_id="P03-S3"), at="E19 samples:9", column="sample_id", value="P03-S3", says="P03|MGX STOOL at PRE|replicate"),
    case("patient in two cohorts", add("patients", 2, cohort="OTHER"), at="E20 patients:5", column="patient_id", value="P01", says="OTHER here and in LUNG at patients.tsv:2"),
    # E21 to E24: files, ids, headers
    case("sheet absent", config("cohort.lesions", "lesion.tsv"), at="E21 lesion.tsv", column=None, value=None, says="does not exist|Correct the path"),
    case("sheet is a folder", folder, config("cohort.lesions", "lesions.d"), at="E21 lesions.d", column=None, value=None, says="folder"),
    case("empty sheet", raw("patients", lambda text: b""), at="E21 patients", column=None, value=None, says="empty|header"),
    case("header only", raw("patients", lambda text: text.split("\n")[0].encode()), at="E21 patients:1", column=None, value=None, says="no rows"),
    case("duplicate header", raw("lesions", lambda text: text.replace("organ", "category").encode()), at="E21 lesions:1", column="category", value=None, says="2 times|Remove or rename"),
    case("ragged row", raw("lesions", lambda text: text.replace("BONE\tN", "BONE").encode()), at="E21 lesions:4", column=None, value=None, says="5 cells, the header 6"),
    case("extra cell", raw("lesions", lambda text: text.replace("BONE", "BONE\tRIB").encode()), at="E21 lesions:4", column=None, value=None, says="7 cells, the header 6"),
    case("column without name", raw("lesions", lambda text: text.replace("organ", "").encode()), at="E21 lesions:1", column=None, value=None, says="Column 4 has no header"),
    case("Latin-1", raw("patients", lambda text: text.replace("renal", "r\xe9nal").encode("latin-1")), at="E21 patients:4", column=None, value=None, says="0xe9 is not UTF-8|encoding UTF-8"),
    case("UTF-16", raw("patients", lambda text: text.encode("utf-16")), at="E21 patients", column=None, value=None, says="NUL bytes|UTF-16"),
    case("commas", raw("patients", lambda text: text.replace("\t", ",").encode()), at="E21 patients:1", column=None, value=None, says="commas|tabs"),
    case("reads absent", put("samples", 2, file_1="reads/absent_1.fq.gz"), at="E22 samples:2", column="file_1", value="reads/absent_1.fq.gz", says="does not exist|sheet's folder"),
    case("bucket without a file", put("samples", 2, file_1="s3://bucket/reads/", file_2=""), at="E22 samples:2", column="file_1", value="s3://bucket/reads/", says="No address of a file|s3://bucket/path"),
    case("lanes unequal", put("samples", 2, file_1="a_R1.fq.gz;b_R1.fq.gz", file_2="a_R2.fq.gz"), at="E22 samples:2", column="file_2", value="a_R2.fq.gz", says="2 lanes, file_2 1"),
    case("mate 2 alone", put("samples", 2, file_1=""), at="E22 samples:2", column="file_2", value="reads/a_2.fq.gz", says="0 lanes, file_2 1"),
    case("empty lane", put("samples", 2, file_1="reads/a_1.fq.gz;", file_2=""), at="E22 samples:2", column="file_1", value="reads/a_1.fq.gz;", says="lane is empty"),
    case("id with a blank", put("samples", 2, sample_id="P01 S1"), at="E23 samples:2", column="sample_id", value="P01 S1", says="letter or digit first"),
    case("id with a dollar", put("samples", 2, sample_id="P01$HOME"), at="E23 samples:2", column="sample_id", value="P01$HOME", says="not allowed"),
    case("id like an option", put("samples", 2, sample_id="-rf"), at="E23 samples:2", column="sample_id", value="-rf", says="letter or digit first"),
    case("id with braces", put("patients", 2, patient_id="P{01}"), at="E23 patients:2", column="patient_id", value="P{01}", says="not allowed", alone=False),
    case("misspelt column", rename("samples", "file_2", "file2"), at="E24 samples:1", column="file2", value=None, says="Did you mean `file_2`"),
    case("injection without order", put("samples", 2, assay="METAB", material="PLASMA", file_2=""), at="E25 samples:2", column="run_order", value=None, says="place in the run|Fill in the order", alone=False),
    case("two files for one mode", put("samples", 2, assay="METAB", material="PLASMA", file_1="reads/a_1.fq.gz;reads/a_2.fq.gz", file_2=""), at="E22 samples:2", column="file_1", says="2 files for one mode|sample_id of its own", value="reads/a_1.fq.gz;reads/a_2.fq.gz", alone=False),
    case("cells of no tissue", put("samples", 2, assay="SCRNA", material="STOOL", file_2=""), at="E26 samples:2", column="material", value="STOOL", says="PBMC|Fill in the material", alone=False),
    case("two matrices of one sample", put("samples", 2, assay="SCRNA", material="PBMC"), at="E22 samples:2", column="file_1", value="reads/a_1.fq.gz", says="2 files for one single-cell sample", alone=False),
    # Config
    case("misspelt key", config("covariate", []), at="C01 config", column="covariate", value=None, says="Did you mean `covariates`"),
    case("key in the wrong place", config("trf", True), at="C01 config", column="trf", value=None, says="Move it to `metagenome.reads.trf`"),
    case("misspelt contrast", config("contrasts", {"basline": {"role": "primary"}}), at="C01 config", column="contrasts.basline", value=None, says="Did you mean `baseline`"),
    case("wrong type", config("seed", "seven"), at="C02 config", column="seed", value="seven", says="text, not a whole number"),
    case("unknown word", config("dates", "isoo"), at="C03 config", column="dates", value="isoo", says="iso, study_day|Did you mean `iso`"),
    case("sheet not named", config("cohort.samples", None), at="C02 config", column="cohort.samples", value=None, says="text or a list"),
    case("recist without lesions", config("cohort.lesions", None), at="C05 config", column="cohort.lesions", value=None, says="response.source recist needs it|response.source: given"),
    case("window reversed", config("visits.post_window_days", [63, 7]), at="C05 config", column="visits.post_window_days", value="[63, 7]", says="ends before"),
    case("covariate unknown", config("covariates", ["cohort", "agee"]), at="C06 config", column="covariates", value="agee", says="Did you mean `age`"),
    case("covariate without column", config("covariates", ["bmi"]), at="C06 config", column="covariates", value="bmi", says="no value"),
    case("outcome as covariate", config("covariates", ["death_date"]), at="C06 config", column="covariates", value="death_date", says="outcome"),
    case("layer file absent", config("layers.flow", {"source": "table", "path": "flow.tsv", "kind": "counts", "unit": "count"}), at="C07 config", column="layers.flow.path", value="flow.tsv", says="does not exist"),
]  # fmt: skip

WARNINGS = [
    case("no target", *(cut("lesions", 5),), *(cut("measurements", 9), cut("measurements", 9)), at="W01 patients:3", column="patient_id", value="P02", says="no measurable", alone=False),
    case("no scan after ILDR", cut("measurements", 10), at="W02 patients:3", column="patient_id", value="P02", says="no scan after ILDR"),
    case("field not known", put("lesions", 2, irradiated="U"), at="W03 lesions:2", column="irradiated", value="U", says="T01 of P01|abscopal"),
    case("antibody late", put("patients", 2, ici_first_date="2026-01-13"), at="W04 patients:2", column="ici_first_date", value="2026-01-13", says="more than 24 h"),
    case("cohort not full", at="W05 patients", column="cohort", value="LUNG", says="2 patients|16"),
    case("unpaired", cut("samples", 3), at="W06 samples:2", column="sample_id", value="P01-S1", says="no POST sample|PRE_ONLY"),
    case("batch is timepoint", two_batches("timepoint"), at="W07 samples", column="batch", value=None, says="MGX|one timepoint only"),
    case("batch is cohort", two_batches("patient_id"), at="W07 samples", column="batch", value=None, says="one cohort only"),
    case("batch is response", given, put("patients", 2, cohort="OTHER"), put("patients", 3, response="R"), put("patients", 4, response="NR"), two_batches("patient_id"), at="W07 samples", column="batch", value=None, says="one response only"),
    case("centimetres", put("measurements", 10, value_mm="2.4"), at="W08 measurements:10", column="value_mm", value="2.4", says="was 22 before|cm"),
    case("scan gap", put("measurements", 10, assess_date="2026-05-01"), at="W09 measurements:10", column="assess_date", value="2026-05-01", says="106 days|14 weeks"),
    case("new lesion read as SD", put("measurements", 12, overall="SD"), put("measurements", 13, overall="SD"), at="W10 measurements:13", column="assess_date", value="2026-03-15", says="NEW1|SD|means PD"),
    case("confirmed too early", *(put("measurements", line, assess_date="2026-03-10") for line in (7, 8)), at="W11 measurements:7", column="assess_date", value="2026-03-10", says="18 days|4 weeks"),
    case("PR after CR", *(put("measurements", line, overall="CR") for line in (5, 6)), at="W12 measurements:7", column="assess_date", value="2026-04-03", says="PR after a complete response"),
    case("regress by sizes", *(put("measurements", line, overall="") for line in (5, 6, 7, 8)), put("measurements", 5, state="ABSENT", value_mm="", axis=""), put("measurements", 6, value_mm="9"), put("measurements", 8, value_mm="9"), at="W12 measurements:7", column="assess_date", value="2026-04-03", says="PR after a complete response"),
    case("column of one's own", put("patients", 2, hospital="A"), at="W13 patients:1", column="hospital", value=None, says="ignored|covariates"),
    case("3 Gy in ILDR-01", put("patients", 2, ildr_dose_gy="3", study_source="ILDR-01"), at="W14 patients:2", column="ildr_dose_gy", value="3", says="primary analysis set"),
    case("no antibiotics anywhere", drop("patients", "abx_60d"), config("cohort.medications", None), at="W15 config", column="covariates", value="antibiotics", says="abx_60d"),
    case("toxic death, no event", put("patients", 3, death_cause="TREATMENT"), at="W16 patients:3", column="death_cause", value="TREATMENT", says="grade 5"),
]  # fmt: skip


def matching(problems: list[Problem], wanted: Case) -> list[Problem]:
    place = (wanted.code, wanted.file, wanted.line, wanted.column, wanted.value)
    return [
        problem
        for problem in problems
        if (problem.code, problem.file, problem.line, problem.column, problem.value) == place
    ]


@pytest.mark.parametrize("wanted", CASES, ids=lambda case: f"{case.code}-{case.name.replace(' ', '_')}")
def test_broken(trial, wanted):
    for change in wanted.changes:
        change(trial)
    with pytest.raises(GutaxisError) as caught:
        trial.load()
    problems = caught.value.problems
    found = matching(problems, wanted)
    assert len(found) == 1, f"wanted {wanted}, got\n{caught.value}"
    assert all(word in str(found[0]) for word in wanted.words), str(found[0])
    assert str(found[0]) in str(caught.value)
    if wanted.alone:
        assert problems == found, f"one mistake gave more than one message:\n{caught.value}"


@pytest.mark.parametrize("wanted", WARNINGS, ids=lambda case: f"{case.code}-{case.name.replace(' ', '_')}")
def test_odd(trial, wanted):
    for change in wanted.changes:
        change(trial)
    warnings = trial.load().warnings
    found = matching(warnings, wanted)
    assert len(found) == 1, "\n".join(map(str, warnings))
    assert all(word in str(found[0]) for word in wanted.words), str(found[0])
    if wanted.alone:
        assert {problem.code for problem in warnings} <= {"W05", wanted.code}, "\n".join(map(str, warnings))


def test_every_code_has_a_case():
    tested = {case.code for case in [*CASES, *WARNINGS]}
    assert {f"E{number:02d}" for number in range(1, 26)} <= tested
    assert {f"W{number:02d}" for number in range(1, 17)} <= tested
    assert len(CASES) >= 50
    assert len({case.name for case in [*CASES, *WARNINGS]}) == len(CASES) + len(WARNINGS)


@pytest.mark.parametrize(
    "sheet", ["patients", "lesions", "measurements", "progressions", "adverse_events", "medications", "samples"]
)
@pytest.mark.parametrize("junk", ["", "-x{y} %s é\U0001f9ea"], ids=["empty", "junk"])
def test_no_cell_leads_to_a_traceback(trial, sheet, junk):
    trial.write()
    for column in list(trial.row(sheet, 2)):
        before = dict(trial.row(sheet, 2))
        trial.row(sheet, 2)[column] = junk
        trial.encode[sheet] = lambda text: text.encode()
        try:
            trial.load()
        except GutaxisError as error:
            assert error.problems, "told as problems, with a place"
        trial.row(sheet, 2).update(before)


@pytest.mark.parametrize(
    "sheet", ["patients", "lesions", "measurements", "progressions", "adverse_events", "medications", "samples"]
)
def test_no_missing_column_leads_to_a_traceback(trial, sheet):
    rows = trial.tables[sheet]
    for column in list(rows[0]):
        trial.tables[sheet] = [{name: cell for name, cell in row.items() if name != column} for row in rows]
        try:
            trial.load()
        except GutaxisError as error:
            assert {problem.code for problem in error.problems} & {"E01", "E04", "E05", "E06", "E15", "E22"}


def test_all_mistakes_are_told_together_and_sorted(trial):
    for change in (
        put("samples", 3, patient_id="P1"),
        put("patients", 2, age="640"),
        put("patients", 4, cohort="BRAIN"),
        raw("lesions", lambda text: b""),
    ):
        change(trial)
    with pytest.raises(GutaxisError) as caught:
        trial.load()
    found = [(problem.file, problem.line, problem.code) for problem in caught.value.problems]
    assert found == sorted(found, key=lambda place: (place[0], place[1] or 0, place[2]))
    assert {
        ("lesions.tsv", None, "E21"),
        ("patients.tsv", 2, "E03"),
        ("patients.tsv", 4, "E03"),
        ("samples.tsv", 3, "E05"),
    } == set(found)

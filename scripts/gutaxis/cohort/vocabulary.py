"""The seven sheets as data: columns, types, allowed values, and when a column is needed."""

import re
from dataclasses import dataclass

#: An id: a letter or digit first, so that no id looks like an option or a hidden file; no blank, no shell sign.
ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
#: What counts as missing, beside an empty cell.
MISSING = ("", "NA")

YES_NO = ("Y", "N")
#: Value of ``assay`` and ``material`` where a sheet has no such column.
ANY = "ANY"
#: Value of ``cohort`` where the patients sheet has no such column.
ALL = "ALL"
NODE_TARGET_MM = 15
LESION_TARGET_MM = 10
#: Days before a sample in which a drug counts as exposure, by name of the covariate.
EXPOSURES = {
    "antibiotics": ("abx_60d", "ANTIBIOTIC", 60),
    "ppi": ("ppi_30d", "PPI", 30),
    "steroid": ("steroid_10mg", "STEROID", 30),
    "probiotic": ("probiotic", "PROBIOTIC", 30),
}


@dataclass(frozen=True)
class Column:
    """One column of a sheet.

    Parameters
    ----------
    name
        Its header.
    kind
        ``id``, ``text``, ``word`` (one of ``allowed``), ``number``, ``integer``, ``date``, ``partial_date``, ``files``.
    meaning
        One line for the reference page.
    needed
        ``always`` (whenever the sheet is given), ``recist``, ``given`` (by ``response.source``), or ``no``.
    filled
        Whether every row must have a value, if the column is there.
    allowed, low, high
        The vocabulary, or the range.
    example
        A value.
    use
        ``covariate`` (may adjust a model), ``outcome`` (never enters a model's features), or empty.
    default
        Value taken for an empty cell or an absent column; None keeps it missing.
    """

    name: str
    kind: str
    meaning: str
    needed: str = "no"
    filled: bool = False
    allowed: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    example: str = ""
    use: str = ""
    default: str | None = None


def _id(name: str, meaning: str, example: str, needed: str = "always", filled: bool = True) -> Column:
    return Column(name, "id", meaning, needed, filled, example=example)


def _word(
    name: str, meaning: str, *allowed: str, needed: str = "no", use: str = "", default: str | None = None
) -> Column:
    return Column(name, "word", meaning, needed, needed != "no", allowed, example=allowed[0], use=use, default=default)


def _flag(name: str, meaning: str, use: str = "covariate") -> Column:
    return _word(name, meaning, *YES_NO, use=use)


def _date(name: str, meaning: str, needed: str = "no", use: str = "", filled: bool = False) -> Column:
    return Column(name, "date", meaning, needed, filled or needed != "no", example="2026-03-14", use=use)


def _number(
    name: str, meaning: str, low: float, high: float, example: str, *, kind: str = "number", use: str = ""
) -> Column:
    return Column(name, kind, meaning, low=low, high=high, example=example, use=use)


PATIENTS = (
    _id("patient_id", "Pseudonym of the patient", "P01"),
    _word("study_source", "Trial the patient was enrolled in", "ILDR-01", "ILDR-02", use="covariate"),
    Column(
        "cohort",
        "word",
        "Cohort; any name is allowed with `response.source: given`",
        filled=True,
        allowed=("LUNG", "ESOPHAGEAL", "OTHER"),
        example="LUNG",
        use="covariate",
        default=ALL,
    ),
    Column("tumor_type", "text", "Tumour type", example="lung adenocarcinoma", use="covariate"),
    _date("ildr_date", "Day of intestinal low-dose radiotherapy (ILDR)", needed="recist"),
    _number("ildr_dose_gy", "Dose of ILDR in Gy", 0, 100, "1"),
    Column("ici_drug", "text", "PD-1 or PD-L1 antibody", example="toripalimab", use="covariate"),
    _date("ici_first_date", "First dose of the antibody with ILDR"),
    _number("age", "Age in years", 18, 120, "64", use="covariate"),
    _word("sex", "Sex", "M", "F", use="covariate"),
    _number("bmi", "Body mass index, kg/m2", 10, 70, "22.5", use="covariate"),
    _number("ecog", "ECOG performance status", 0, 4, "1", kind="integer", use="covariate"),
    _number("prior_lines", "Earlier lines of treatment", 1, 30, "2", kind="integer", use="covariate"),
    _word("prior_icb", "Earlier checkpoint blockade: one drug or a combination", "MONO", "COMBO", use="covariate"),
    _word(
        "prior_icb_best",
        "Best response to the earlier checkpoint blockade",
        "CR",
        "PR",
        "SD",
        "PD",
        "NE",
        use="covariate",
    ),
    _date("prior_icb_pd_date", "Progression under the earlier checkpoint blockade"),
    _number("n_metastatic_sites", "Organs with metastases", 0, 50, "3", kind="integer", use="covariate"),
    _flag("liver_mets", "Liver metastases"),
    _word("pdl1_cat", "PD-L1 expression in percent", "NEG", "1-49", "GE50", use="covariate"),
    _word("smoking", "Smoking", "NEVER", "FORMER", "CURRENT", use="covariate"),
    _flag("abx_60d", "Antibiotics in the 60 days before ILDR (covariate `antibiotics`)"),
    _flag("ppi_30d", "Proton pump inhibitor in the 30 days before ILDR (covariate `ppi`)"),
    _flag("steroid_10mg", "More than 10 mg prednisone or the like a day (covariate `steroid`)"),
    _flag("probiotic", "Probiotic"),
    _flag("prior_pelvic_rt", "Exclusion: earlier radiotherapy of the pelvis", use=""),
    _flag("active_infection", "Exclusion: ongoing infection", use=""),
    _flag("organ_dysfunction", "Exclusion: major organ dysfunction", use=""),
    _flag("concurrent_therapy", "Exclusion: other antitumour therapy at the same time", use=""),
    _flag("life_exp_ge3mo", "Inclusion: life expectancy of 3 months or more", use=""),
    _date("new_therapy_date", "Start of the next antitumour therapy", use="outcome"),
    _date("last_alive_date", "Last day known to be alive", use="outcome"),
    _date("death_date", "Day of death", use="outcome"),
    _word("death_cause", "Cause of death", "CANCER", "TREATMENT", "OTHER", "UNKNOWN", use="outcome"),
    Column(
        "response",
        "word",
        "Responder (R), non-responder (NR) or not known (NA). Read only with `response.source: given`",
        needed="given",
        allowed=("R", "NR"),
        example="R",
        use="outcome",
    ),
)

LESIONS = (
    _id("patient_id", "Patient", "P01"),
    _id("lesion_id", "Name of the lesion within the patient", "T01"),
    _word("category", "Kind of lesion", "TARGET", "NON-TARGET", "NEW", needed="always"),
    Column("organ", "text", "Organ; lymph nodes count as one organ", "recist", filled=True, example="LIVER"),
    _word("is_node", "Whether it is a lymph node", *YES_NO, needed="recist"),
    _word("irradiated", "Whether it lay in the ILDR field; U: not known", "Y", "N", "U", default="U"),
    _number("max_dose_gy", "Highest ILDR dose in the lesion, Gy", 0, 100, "0.2"),
    _word("method", "How it is measured", "CT", "MRI", "PET-CT", "CALIPER"),
    _flag("prior_rt", "Irradiated before the trial", use=""),
)

MEASUREMENTS = (
    _id("patient_id", "Patient", "P01"),
    _id("lesion_id", "Lesion", "T01"),
    _id("assessment_id", "Name of the assessment; made from the date if absent", "A1", needed="no", filled=False),
    _date("assess_date", "Day of the scan", needed="always"),
    Column("visit", "text", "Visit", example="WEEK 6"),
    Column(
        "axis",
        "word",
        "LDIAM: longest diameter. LPERP: short axis, used for lymph nodes",
        "recist",
        allowed=("LDIAM", "LPERP"),
        example="LDIAM",
    ),
    Column("value_mm", "number", "Size in mm, only with state MEASURED", "recist", low=0, high=500, example="24.5"),
    _word(
        "state",
        "What was found",
        "MEASURED",
        "ABSENT",
        "TOO SMALL",
        "NOT EVALUATED",
        "PRESENT",
        "UNEQUIVOCAL PROGRESSION",
        "EQUIVOCAL",
        needed="always",
    ),
    _word("reader", "Who read the scan", "INVESTIGATOR", "IRC", default="INVESTIGATOR"),
    _word("overall", "The reader's overall response at this assessment", "CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE"),
)

PROGRESSIONS = (
    _id("patient_id", "Patient", "P01"),
    _date("date", "Day of progression", needed="always"),
    _word("source", "How it was found", "PSA", "SYMPTOM", "IMAGING", "COMBINED", needed="always"),
    _number("psa_ng_ml", "PSA, ng/mL", 0, 100000, "12.4"),
    _flag("confirmed", "Confirmed", use=""),
)

ADVERSE_EVENTS = (
    _id("patient_id", "Patient", "P01"),
    _id("ae_id", "Name of the event within the patient", "AE1"),
    Column("term", "text", "CTCAE term", "always", filled=True, example="Diarrhea"),
    Column("soc", "text", "System organ class", example="Gastrointestinal disorders"),
    _number("grade", "CTCAE v5.0 grade", 1, 5, "2", kind="integer"),
    Column(
        "start_date",
        "partial_date",
        "First day; the day, or day and month, may be unknown",
        "always",
        example="2026-03",
    ),
    Column("end_date", "partial_date", "Last day; empty while it lasts", example="2026-03-20"),
    _flag("serious", "Serious", use=""),
    _word("rel_ildr", "Related to ILDR", "RELATED", "NOT RELATED", "UNKNOWN"),
    _word("rel_ici", "Related to the antibody", "RELATED", "NOT RELATED", "UNKNOWN"),
    _flag("irae", "Immune-related", use=""),
    Column("outcome", "text", "Outcome", example="RECOVERED"),
)

MEDICATIONS = (
    _id("patient_id", "Patient", "P01"),
    Column("drug", "text", "Drug", "always", filled=True, example="amoxicillin"),
    _word("class", "Class", "ANTIBIOTIC", "PPI", "STEROID", "PROBIOTIC", "ANTICANCER", needed="always"),
    _date("start", "First day; empty: before the trial"),
    _date("end", "Last day; empty: still taken"),
)

SAMPLES = (
    _id("sample_id", "Sample; unique over all batches", "P01-S1"),
    _id("patient_id", "Patient; empty for a control", "P01", filled=False),
    _word(
        "assay",
        "What was done with it. Needed as soon as a row names a file",
        "MGX",
        "METAB",
        "SCRNA",
        "FLOW",
        "BULKRNA",
        "ELISA",
        default=ANY,
    ),
    _word("material", "What it is", "STOOL", "PLASMA", "SERUM", "PBMC", "TUMOR", default=ANY),
    _word("timepoint", "Before or after ILDR. May be left out when no contrast compares POST samples", "PRE", "POST"),
    _date("collect_date", "Day of collection"),
    _word("same_day", "For a sample of the ILDR day: taken before or after ILDR", "BEFORE", "AFTER"),
    _number("nominal_week", "Planned week", -52, 520, "3", kind="integer"),
    Column(
        "batch",
        "id",
        "Batch; if the column is absent, the place of the file in the list `cohort.samples` (1, 2, ...)",
        filled=True,
        example="B1",
    ),
    _date("run_date", "Day of the run on the instrument"),
    _number(
        "run_order",
        "METAB: place of the injection in the run of its batch. Needed where a METAB row names a file",
        1,
        1e6,
        "17",
        kind="integer",
    ),
    _id("site_lesion_id", "For a tumour sample: its lesion", "T01", needed="no", filled=False),
    Column("preservation", "text", "How it was kept", example="-80C"),
    _number("depth_or_cells", "Reads or cells ordered or counted", 0, 1e12, "40000000"),
    _word("qc", "Laboratory's verdict; only PASS is analysed", "PASS", "FAIL", "PENDING", default="PASS"),
    Column("replicate", "text", "Tells repeated samples of one visit apart", example="2"),
    Column(
        "file_1",
        "files",
        "Raw file or its s3:// address: MGX first mates (several lanes are joined with `;`), METAB positive mode",
        example="reads/P01_R1.fastq.gz",
    ),
    Column(
        "file_2",
        "files",
        "MGX second mates in the order of file_1, METAB negative mode",
        example="reads/P01_R2.fastq.gz",
    ),
    _word("control", "Kind of control; N is a patient's sample", "N", "BLANK", "MOCK", "POOL_QC", default="N"),
)

SHEETS: dict[str, tuple[Column, ...]] = {
    "patients": PATIENTS,
    "lesions": LESIONS,
    "measurements": MEASUREMENTS,
    "progressions": PROGRESSIONS,
    "adverse_events": ADVERSE_EVENTS,
    "medications": MEDICATIONS,
    "samples": SAMPLES,
}
#: Sheets of which an empty one is a mistake; the others may still wait for their first row.
NEVER_EMPTY = ("patients", "samples")
#: Columns that tell the rows of a sheet apart (measurements: E13; medications and progressions may repeat).
KEYS = {
    "patients": ("patient_id",),
    "lesions": ("patient_id", "lesion_id"),
    "adverse_events": ("patient_id", "ae_id"),
    "samples": ("sample_id",),
}


def column(*, sheet: str, name: str) -> Column:
    """Return the definition of one column."""
    return next(item for item in SHEETS[sheet] if item.name == name)


def day_column(*, name: str) -> str:
    """Return the name of the number column made from a date column: ``collect_date`` gives ``collect_day``."""
    return "day" if name == "date" else f"{name.removesuffix('_date')}_day"

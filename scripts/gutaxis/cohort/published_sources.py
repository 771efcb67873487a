"""Where the files of six published cohorts are, how their labels are to be read, and a guarded reader for them."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gutaxis.errors import GutaxisError, Problem

DEFINITIONS = ("recist_orr", "given")
LABELS = "ici_metagenome/response_labels.tsv"
RECIST = {
    "RECIST Complete Response": ("CR", "R"), "RECIST Partial Response": ("PR", "R"),
    "RECIST Stable Disease": ("SD", "NR"), "RECIST Progressive Disease": ("PD", "NR"),
}  # fmt: skip
YES_NO = {"Yes": "R", "No": "NR"}
UNKNOWN = frozenset({"", "NA", "Not applicable", "Not available"})
PATIENT_COLUMNS = (
    "patient_id", "cohort", "tumor_type", "ildr_date", "ici_drug", "age", "sex", "bmi", "abx_60d", "ppi_30d",
    "response",
)  # fmt: skip
SAMPLE_COLUMNS = (
    "sample_id", "patient_id", "assay", "material", "timepoint", "collect_date", "same_day", "nominal_week", "batch",
    "control",
)  # fmt: skip
SHEET_ALWAYS = frozenset(
    {"patient_id", "cohort", "response", "sample_id", "assay", "material", "timepoint", "batch", "control"}
)


@dataclass(frozen=True)
class Source:
    """Where a cohort's files are and how its labels are to be read.

    Parameters
    ----------
    metadata, table
        Paths below the data folder.
    study
        Value of ``study_name`` in the metadata, a guard against exchanged files.
    prefix
        Stands before the run accession in the table's columns.
    given
        Column with the data set's own label, ``labels`` for response_labels.tsv, empty if there is none.
    recist
        Whether RECIST categories are public.
    batch
        Column that is a batch (a site); empty: one batch.
    meaning
        What the own label means, for the README of the sheets.
    """

    metadata: str
    table: str
    study: str = ""
    prefix: str = ""
    given: str = ""
    recist: bool = False
    batch: str = ""
    tumor_type: str = "melanoma"
    meaning: str = ""


SOURCES = {
    "lee_2022": Source(
        "ici_metagenome/LeeKA_2022_sample.tsv", "ici_metagenome/Lee_merged_table.txt", "LeeKA_2022", "", "labels", True,
        "subcohort", meaning="disease control: stable disease counts as R",
    ),
    "frankel_2017": Source(
        "ici_metagenome/FrankelAE_2017_sample.tsv", "ici_metagenome/Frankel_merged_table.txt", "FrankelAE_2017",
        "metaphlan_", "labels", True, meaning="disease control: stable disease counts as R",
    ),
    "matson_2018": Source(
        "ici_metagenome/MatsonV_2018_sample.tsv", "ici_metagenome/Mat_merged_table.txt", "MatsonV_2018", "metaphlan_",
        "labels", meaning="responder status of the publication; RECIST categories are not public",
    ),
    "peters_2019": Source(
        "ici_metagenome/PetersBA_2019_sample.tsv", "ici_metagenome/Peter_merged_table.txt", "PetersBA_2019",
        "metaphlan4d_", "disease_response_pfs", meaning="progression-free survival, not tumour response",
    ),
    "baruch_2021": Source(
        "ici_metagenome/BaruchEN_2021.tsv", "ici_metagenome/Baruch_merged_table.txt", "BaruchEN_2021", "metaphlan_",
        "disease_response_orr", True, meaning="objective response as curated: stable disease counts as NR",
    ),
    "toposcore": Source(
        "toposcore/DS5_longitudinal_clinical_data.csv", "toposcore/DS6_longitudinal_microbiome_data.csv",
        tumor_type="NSCLC", meaning="none: the public files hold no response",
    ),
}  # fmt: skip


def read_public(*, data: Path, path: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read a public table as text and make sure that it is the one meant.

    Parameters
    ----------
    data, path
        Folder of the public files, and the file below it.
    columns
        That must be there.

    Returns
    -------
    pandas.DataFrame
        Text, missing cells as they stand.

    Raises
    ------
    GutaxisError
        P01 if the file is absent, P02 if it lacks a column.
    """
    full = data / path
    if not full.is_file():
        raise GutaxisError(
            Problem(
                "P01", path, None, None, None, "there is no such file in the data folder",
                "The public files, laid out as in config/examples/README.md",
                "Fetch the file from the place named there",
            )
        )  # fmt: skip
    table = pd.read_csv(full, sep="," if path.endswith(".csv") else "\t", dtype=str, keep_default_na=False)
    absent = [column for column in columns if column not in table]
    if absent:
        raise GutaxisError(
            Problem(
                "P02", path, 1, absent[0], None, f"the file has no column {', '.join(absent)}",
                "The version named in config/examples/README.md", "Compare the sha256 with that page",
            )
        )  # fmt: skip
    return table


def known(cell: object) -> str:
    """Return the cell, or NA for each way of saying that nothing is known."""
    text = str(cell).strip()
    return "NA" if text in UNKNOWN else text


def tidy(*, table: pd.DataFrame, columns: tuple[str, ...], key: str) -> pd.DataFrame:
    """Order rows and columns; leave out columns that nothing is known of."""
    kept = [name for name in columns if name in table and (name in SHEET_ALWAYS or table[name].ne("NA").any())]
    return table[kept].sort_values(key, ignore_index=True)

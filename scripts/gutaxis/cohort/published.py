"""Sheets for six published cohorts, made from their public metadata, with every known trap told by name.

``python -m gutaxis.cohort.published --data public --cohort lee_2022 --out sheets/lee_2022`` writes patients.tsv,
samples.tsv, notes.tsv (what a reader of the results must know, sample by sample) and README.md (definition and counts).

Definitions of response. ``recist_orr``: complete or partial response = R, stable or progressive disease = NR.
``given``: the label that the data set itself gives; in Lee and Frankel it counts stable disease as response, in Baruch
it does not, in Peters it is progression-free survival. Whatever is not known stays NA, never NR.
"""

import argparse
import csv
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from gutaxis.cohort.published_sources import (
    DEFINITIONS,
    LABELS,
    PATIENT_COLUMNS,
    RECIST,
    SAMPLE_COLUMNS,
    SOURCES,
    YES_NO,
    Source,
    known,
    read_public,
    tidy,
)
from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import atomic_write, write_tsv


@dataclass
class Sheets:
    """What is written for one cohort."""

    cohort: str
    definition: str
    patients: pd.DataFrame
    samples: pd.DataFrame
    notes: list[tuple[str, str, str, str]] = field(default_factory=list)

    def note(self, *, topic: str, sample: str = "", patient: str = "", text: str) -> None:
        """Add one line to notes.tsv."""
        self.notes.append((topic, patient, sample, text))


def make_sheets(*, data: Path | str, cohort: str, definition: str | None = None) -> Sheets:
    """Make the sheets of one published cohort.

    Parameters
    ----------
    data
        Folder with ``ici_metagenome/`` and ``toposcore/`` (config/examples/README.md says where each file comes from).
    cohort
        One of :data:`gutaxis.cohort.published_sources.SOURCES`.
    definition
        ``recist_orr`` or ``given``; by default the first if the cohort's RECIST categories are public, else the second.

    Returns
    -------
    Sheets
        Patients, samples and notes, sorted.

    Raises
    ------
    GutaxisError
        P01 a file is absent, P02 it is not the file it should be, P03 the definition cannot be had, P04 a patient
        with two labels.
    """
    if cohort not in SOURCES:
        raise GutaxisError(f"P02 cohort={cohort}: unknown cohort. Allowed: {', '.join(SOURCES)}. Choose one of them.")
    source = SOURCES[cohort]
    definition = definition or ("recist_orr" if source.recist else "given")
    if definition not in DEFINITIONS or (definition == "recist_orr" and not source.recist):
        raise GutaxisError(
            f"P03 definition={definition}: {cohort} has no such label. Allowed: "
            f"{' or '.join(DEFINITIONS) if source.recist else 'given'} ({source.meaning}). Set `--definition given`."
        )
    if cohort == "toposcore":
        sheets = _toposcore(data=Path(data), source=source, definition=definition)
    else:
        sheets = _curated(data=Path(data), cohort=cohort, source=source, definition=definition)
    _compare_with_table(sheets=sheets, data=Path(data), source=source)
    sheets.patients = tidy(table=sheets.patients, columns=PATIENT_COLUMNS, key="patient_id")
    sheets.samples = tidy(table=sheets.samples, columns=SAMPLE_COLUMNS, key="sample_id")
    sheets.notes.sort()
    return sheets


def _curated(*, data: Path, cohort: str, source: Source, definition: str) -> Sheets:
    """Sheets from a table of curated metadata, one row per run."""
    needed = ("study_name", "subject_id", "ncbi_accession") + ((source.batch,) if source.batch else ())
    rows = read_public(data=data, path=source.metadata, columns=needed)
    if set(rows["study_name"]) != {source.study}:
        raise GutaxisError(
            Problem(
                "P02", source.metadata, None, "study_name", str(sorted(set(rows["study_name"]))),
                f"this is not the metadata of {source.study}", "One study per file", "Were two files exchanged",
            )
        )  # fmt: skip
    labels: dict[str, str] = {}
    if source.given == "labels":
        table = read_public(data=data, path=LABELS, columns=("sampleid", "response"))
        labels = dict(zip(table["sampleid"], table["response"], strict=True))
    sheets = Sheets(cohort, definition, pd.DataFrame(), pd.DataFrame())
    patients: dict[str, dict[str, str]] = {}
    samples = []
    for row in rows.to_dict("records"):
        run, patient = row["ncbi_accession"], row["subject_id"]
        # A stool donor carries a response in the metadata, but is no patient: only patients name their donor.
        if "fmt_role" in row and known(row["fmt_role"]) == "NA":
            sheets.note(topic="donor", sample=run, patient=patient, text="stool donor, not a patient: left out")
            continue
        response = _response(row=row, labels=labels, source=source, sheets=sheets)
        first = patients.setdefault(patient, _patient(row=row, cohort=cohort, source=source) | {"response": response})
        if first["response"] != response:
            raise GutaxisError(
                Problem(
                    "P04", source.metadata, None, "subject_id", patient,
                    "the runs of one patient have different responses",
                    "One response per patient", "Compare the file with its source",
                )
            )  # fmt: skip
        samples.append(_sample(row=row, cohort=cohort, source=source))
    if "age" not in rows:
        sheets.note(topic="age_unknown", text="only an age group is public: age stays NA")
    sheets.patients, sheets.samples = pd.DataFrame(patients.values()), pd.DataFrame(samples)
    return sheets


def _response(*, row: dict[str, str], labels: dict[str, str], source: Source, sheets: Sheets) -> str:
    """Return R, NR or NA by the chosen definition, and note where the sources differ."""
    run, patient = row["ncbi_accession"], row["subject_id"]
    category, by_recist = RECIST.get(row.get("disease_response_recist", ""), ("not given", "NA"))
    curated = YES_NO.get(row.get("disease_response_orr", ""), "NA")
    own = labels.get(run, "NA") if source.given == "labels" else YES_NO.get(row.get(source.given, ""), "NA")
    if source.given == "labels" and "NA" not in {own, curated} and own != curated:
        sheets.note(
            topic="labels_disagree", sample=run, patient=patient,
            text=f"response_labels.tsv says {own}, the curated metadata {curated} (RECIST {category})",
        )  # fmt: skip
    if source.recist and "NA" not in {own, by_recist} and own != by_recist:
        sheets.note(
            topic="definitions_differ", sample=run, patient=patient,
            text=f"recist_orr gives {by_recist} (RECIST {category}), given gives {own}",
        )  # fmt: skip
    chosen = by_recist if sheets.definition == "recist_orr" else own
    if chosen == "NA":
        sheets.note(
            topic="response_unknown",
            sample=run,
            patient=patient,
            text=f"no response by {sheets.definition}: NA, not NR",
        )
    return chosen


def _patient(*, row: dict[str, str], cohort: str, source: Source) -> dict[str, str]:
    """Return the row of patients.tsv without the response."""
    drugs = row.get("treatment", "")
    lists_comedication = cohort == "lee_2022"  # there `treatment` holds acid blockers and steroids, not the antibody
    abx = {"Yes": "Y", "No": "N"}.get(row.get("antibiotics_current_use", ""), "NA")
    ppi = ("Y" if "Proton Pump Inhibitor" in drugs else "N") if lists_comedication else "NA"
    return {
        "patient_id": row["subject_id"],
        "cohort": cohort,
        "tumor_type": source.tumor_type,
        # FMT, not ILDR, is the intervention of Baruch 2021; its first day is the day from which samples are counted.
        "ildr_date": "1" if cohort == "baruch_2021" else "NA",
        "ici_drug": "NA" if lists_comedication else known(drugs.replace(",", " + ")),
        "age": known(row.get("age", "")),
        "sex": {"Male": "M", "Female": "F"}.get(row.get("sex", ""), "NA"),
        "bmi": known(row.get("bmi", "")),
        "abx_60d": abx,
        "ppi_30d": ppi,
    }


def _sample(*, row: dict[str, str], cohort: str, source: Source) -> dict[str, str]:
    """Return the row of samples.tsv."""
    sample = {
        "sample_id": row["ncbi_accession"], "patient_id": row["subject_id"], "assay": "MGX", "material": "STOOL",
        "timepoint": "PRE", "batch": known(row[source.batch]) if source.batch else cohort, "control": "N",
    }  # fmt: skip
    if cohort == "baruch_2021":
        day = int(row["days_from_first_collection"])
        sample |= {
            "timepoint": "POST" if day > 0 else "PRE",
            "collect_date": str(day + 1),  # study days begin at 1
            "same_day": "BEFORE" if day == 0 else "NA",
            "nominal_week": str(round(day / 7)),
        }
    return sample


def _toposcore(*, data: Path, source: Source, definition: str) -> Sheets:
    """Sheets from the paired design: V0 is PRE, V3 is POST; who has one of them only stays unpaired."""
    visits = {"Sample_id_V0": "PRE", "Sample_id_V3": "POST"}
    rows = read_public(data=data, path=source.metadata, columns=("Patient_id", *visits))
    patients, samples = [], []
    sheets = Sheets("toposcore", definition, pd.DataFrame(), pd.DataFrame())
    for row in rows.to_dict("records"):
        patient = row["Patient_id"]
        patients.append(
            {"patient_id": patient, "cohort": "toposcore", "tumor_type": source.tumor_type, "response": "NA"}
        )
        present = {visit: known(row[column]) for column, visit in visits.items() if known(row[column]) != "NA"}
        samples += [
            {
                "sample_id": run, "patient_id": patient, "assay": "MGX", "material": "STOOL", "timepoint": visit,
                "batch": "toposcore", "control": "N",
            }
            for visit, run in present.items()
        ]  # fmt: skip
        if len(present) == 1:
            visit, run = next(iter(present.items()))
            sheets.note(topic="unpaired", sample=run, patient=patient, text=f"{visit} only: in no pair")
    sheets.note(topic="response_unknown", text="the public files hold no response: NA for all patients")
    sheets.note(topic="left_out", text="AKK_TRICHO is computed from the species table: no covariate")
    sheets.patients, sheets.samples = pd.DataFrame(patients), pd.DataFrame(samples)
    return sheets


def _compare_with_table(*, sheets: Sheets, data: Path, source: Source) -> None:
    """Note samples without a profile and profiles without metadata; the layer drops both with a reason."""
    path = data / source.table
    if not path.is_file():
        return  # the sheets can be made before the large tables are fetched
    with open(path, encoding="utf-8", newline="") as handle:
        reader = csv.reader(handle, delimiter="," if path.suffix == ".csv" else "\t")
        if path.suffix == ".csv":
            runs = {row[0] for row in list(reader)[1:]}
        else:
            header = next(row for row in reader if not row[0].startswith("#"))
            runs = {cell.removeprefix(source.prefix) for cell in header[1:]}
    noted = {sample for _, _, sample, _ in sheets.notes if sample}
    for run in sorted(set(sheets.samples["sample_id"]) - runs):
        sheets.note(topic="no_profile", sample=run, text="metadata without a profile in the table: the layer drops it")
    for run in sorted(runs - set(sheets.samples["sample_id"]) - noted):
        sheets.note(
            topic="no_metadata", sample=run,
            text="profile without metadata: not in the sheets, unlabelled, the layer drops it",
        )  # fmt: skip


def write_sheets(*, sheets: Sheets, out: Path | str) -> None:
    """Write patients.tsv, samples.tsv, notes.tsv and README.md into a folder."""
    out = Path(out)
    write_tsv(sheets.patients, out / "patients.tsv")
    write_tsv(sheets.samples, out / "samples.tsv")
    notes = pd.DataFrame(sheets.notes, columns=["topic", "patient_id", "sample_id", "note"])
    write_tsv(notes.replace("", "NA"), out / "notes.tsv")
    with atomic_write(out / "README.md") as part:
        part.write_text(summary(sheets=sheets), encoding="utf-8")


def summary(*, sheets: Sheets) -> str:
    """Return what the sheets hold in Markdown."""
    counts = sheets.patients["response"].value_counts()
    meaning = {
        "recist_orr": "complete or partial response (RECIST) = R, stable or progressive disease = NR",
        "given": f"label of the data set: {SOURCES[sheets.cohort].meaning}",
    }[sheets.definition]
    responses = ", ".join(f"{label} {counts.get(label, 0)}" for label in ("R", "NR", "NA"))
    visits = sheets.samples["timepoint"].value_counts()
    lines = [
        f"# {sheets.cohort}",
        "",
        f"- Response definition: `{sheets.definition}` ({meaning}). What is not known is NA, never NR.",
        f"- Patients: {len(sheets.patients)} ({responses}).",
        f"- Samples: {len(sheets.samples)} (PRE {visits.get('PRE', 0)}, POST {visits.get('POST', 0)}).",
        f"- Notes, sample by sample: {len(sheets.notes)} in notes.tsv.",
    ]
    if sheets.cohort == "baruch_2021":
        lines.append(
            "- Study day 1 is the first collection; the intervention is FMT, not ILDR. Set `dates: study_day`."
        )
    if "abx_60d" in sheets.patients:
        lines.append("- `abx_60d` holds the public `antibiotics_current_use`; its window may differ from 60 days.")
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser(prog="gutaxis.cohort.published", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", required=True, help="folder with the public files")
    parser.add_argument("--cohort", required=True, choices=sorted(SOURCES))
    parser.add_argument("--out", required=True, help="folder that receives the sheets")
    parser.add_argument("--definition", choices=DEFINITIONS, help="of response; default: recist_orr where it is public")
    chosen = parser.parse_args(arguments)
    try:
        sheets = make_sheets(data=chosen.data, cohort=chosen.cohort, definition=chosen.definition)
    except GutaxisError as error:
        print(error, file=sys.stderr)
        return 1
    write_sheets(sheets=sheets, out=chosen.out)
    print(summary(sheets=sheets), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())

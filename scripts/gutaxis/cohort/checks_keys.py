"""Checks between rows and sheets: E02 keys, E05 orphans, E13, E18, E19, E20, and E22 the raw files."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gutaxis.cohort.checks_columns import flag
from gutaxis.cohort.config import did_you_mean
from gutaxis.cohort.vocabulary import KEYS
from gutaxis.errors import Problem

#: A raw file may lie in a bucket; Snakemake's storage plugin brings it to the job.
BUCKET = "s3://"
#: Above this many known ids, no nearest one is looked for: it would take longer than reading the sheets.
MAX_SUGGEST = 1000


def find_files(*, samples: pd.DataFrame, config: Mapping[str, Any], root: Path) -> tuple[pd.DataFrame, list[Problem]]:
    """Resolve the raw files of the samples.

    A relative path is looked for in the sheet's folder, then in the working directory. With ``simulate`` set it need
    not exist yet, and then lies in the sheet's folder. An address in a bucket stays as it is.

    Parameters
    ----------
    samples
        Typed rows with ``_folder``, the sheet's folder relative to ``root``.
    config
        The filled config.
    root
        The working directory.

    Returns
    -------
    tuple
        The rows with tuples ``files_1`` and ``files_2`` of paths usable from ``root``; and the problems: E22 file
        absent or lanes unequal, E18 one file used twice.
    """
    problems: list[Problem] = []
    columns: dict[str, list[tuple[str, ...]]] = {"file_1": [], "file_2": []}
    seen: dict[str, tuple[str, str]] = {}
    for row in samples.to_dict("records"):
        for name, found in columns.items():
            cell = row[name]
            entries = [] if pd.isna(cell) else [entry.strip() for entry in cell.split(";")]
            found.append(tuple(_resolve(entry, row["_folder"], root) for entry in entries))
            for entry, path in zip(entries, found[-1], strict=True):
                problems += _file_problems(row, name, entry, path, config=config, root=root)
                full, owner = os.path.normpath(root / path), (row["sample_id"], f"{row['_file']}:{row['_line']}")
                if entry and seen.setdefault(full, owner) is not owner:
                    problems.append(
                        Problem(
                            "E18",
                            row["_file"],
                            row["_line"],
                            name,
                            entry,
                            f"The file is also used by sample {seen[full][0]} ({seen[full][1]})",
                            "One file belongs to one sample, once",
                            "Correct the path in one of the rows",
                        )
                    )
        lanes_1, lanes_2 = len(columns["file_1"][-1]), len(columns["file_2"][-1])
        if row["assay"] == "METAB":
            problems += _injections(row, lanes_1, lanes_2)
        elif row["assay"] == "SCRNA":
            problems += _cells(row, lanes_1 + lanes_2)
        elif lanes_2 and lanes_1 != lanes_2:
            problems.append(
                Problem(
                    "E22",
                    row["_file"],
                    row["_line"],
                    "file_2",
                    row["file_2"],
                    f"file_1 names {lanes_1} lanes, file_2 {lanes_2}",
                    "One second mate for each first mate, in the same order",
                    "Correct the lists, or leave file_2 empty for single-end reads",
                )
            )
    return samples.assign(files_1=columns["file_1"], files_2=columns["file_2"]), problems


def _injections(row: dict[str, Any], positive: int, negative: int) -> Iterator[Problem]:
    """Yield what is wrong with the files of a metabolome sample: one per mode, and a place in the run."""
    for name, number in (("file_1", positive), ("file_2", negative)):
        if number > 1:
            yield Problem(
                "E22",
                row["_file"],
                row["_line"],
                name,
                row[name],
                f"{number} files for one mode of a metabolome sample",
                "One file in file_1 (positive mode), one in file_2 (negative mode)",
                "Give every further injection a row and a sample_id of its own",
            )
    if (positive or negative) and pd.isna(row.get("run_order", np.nan)):
        yield Problem(
            "E25",
            row["_file"],
            row["_line"],
            "run_order",
            None,
            "A metabolome file without its place in the run",
            "A whole number from 1; drift is followed along it",
            "Fill in the order of injection within the batch",
        )


def _cells(row: dict[str, Any], files: int) -> Iterator[Problem]:
    """Yield what is wrong with the matrix of a single-cell sample: one file or folder, of blood or of a tumour."""
    if files > 1:
        yield Problem(
            "E22",
            row["_file"],
            row["_line"],
            "file_1",
            row["file_1"],
            f"{files} files for one single-cell sample",
            "One matrix in file_1: .h5, .h5ad or the folder of the mtx files",
            "Give every further library a row and a sample_id of its own",
        )
    if files and row.get("control", "N") == "N" and row["material"] not in {"PBMC", "TUMOR"}:
        yield Problem(
            "E26",
            row["_file"],
            row["_line"],
            "material",
            None if pd.isna(row["material"]) else str(row["material"]),
            "A single-cell sample without its tissue",
            "PBMC (blood) or TUMOR",
            "Fill in the material",
        )


def _resolve(entry: str, folder: str, root: Path) -> str:
    if entry.startswith(BUCKET):
        return entry
    beside = os.path.normpath(Path(folder) / entry)
    if not (root / beside).exists() and entry and (root / entry).exists():
        return os.path.normpath(entry)
    return beside


def _file_problems(
    row: dict[str, Any], name: str, entry: str, path: str, *, config: Mapping[str, Any], root: Path
) -> Iterator[Problem]:
    place = ("E22", row["_file"], row["_line"], name)
    if not entry:
        yield Problem(*place, row[name], "A lane is empty", "Paths joined with `;`", "Remove the extra semicolon")
    elif entry.startswith(BUCKET):
        # whether it is there shows when the run is planned: asking the server for each file would take long
        bucket, _, key = entry.removeprefix(BUCKET).partition("/")
        if not bucket or not key or key.endswith("/"):
            allowed = "s3://bucket/path/of/the/file; a folder cannot be given"
            yield Problem(*place, entry, "No address of a file in a bucket", allowed, "Correct the address")
    elif config["simulate"] is None and not (root / path).exists():
        allowed = "A path relative to the sheet's folder, or to the folder in which Snakemake is started"
        yield Problem(*place, entry, f"The file does not exist ({path})", allowed, "Correct the path or bring the file")


def key_problems(*, tables: Mapping[str, pd.DataFrame]) -> list[Problem]:
    """Return the problems of keys: E02, E20 (repeated), E05 (unknown), E13 (measured twice), E19 (sampled twice).

    Parameters
    ----------
    tables
        Typed sheets by name; absent ones are skipped.
    """
    problems: list[Problem] = []
    for sheet, table in tables.items():
        if sheet in KEYS:
            problems += _repeated(sheet, table)
        if sheet != "patients" and "patients" in tables:
            problems += _orphans(sheet, table, tables)
    if "measurements" in tables:
        table = tables["measurements"]
        key = ["patient_id", "lesion_id", "assess_day", "reader", "axis"]
        whole = table[table[["patient_id", "lesion_id", "assess_day"]].notna().all(axis=1)]
        problems += flag(
            whole[whole.duplicated(key)],
            code="E13",
            column="lesion_id",
            wrong="Lesion {lesion_id} of {patient_id} is measured twice on {assess_date} by {reader}",
            allowed="One row per lesion, date, reader and axis",
            mend="Remove one row, or correct date or reader",
        )
    if "samples" in tables:
        problems += _resampled(tables["samples"])
    return problems


def _repeated(sheet: str, table: pd.DataFrame) -> list[Problem]:
    key = list(KEYS[sheet])
    whole = table[table[key].notna().all(axis=1)]
    first = whole.drop_duplicates(key).set_index(key)
    again = whole[whole.duplicated(key)].copy()
    if again.empty:
        return []
    index = pd.MultiIndex.from_frame(again[key]) if len(key) > 1 else pd.Index(again[key[0]])
    again["_first"] = [f"{file}:{line}" for file, line in first.loc[index, ["_file", "_line"]].itertuples(index=False)]
    told = {"column": key[-1], "mend": "Remove one of the rows, or correct the id"}
    problems = []
    if sheet == "patients":
        again["_cohort"] = first.loc[index, "cohort"].to_numpy()
        two = again["cohort"].notna() & again["_cohort"].notna() & (again["cohort"] != again["_cohort"])
        wrong = "The patient is in cohort {cohort} here and in {_cohort} at {_first}"
        problems = flag(again[two], code="E20", wrong=wrong, allowed="A patient belongs to one cohort", **told)
        again = again[~two]
    if sheet == "lesions":
        again["_category"] = first.loc[index, "category"].to_numpy()
        changed = again["category"].notna() & again["_category"].notna() & (again["category"] != again["_category"])
        told_lesion = {
            "column": key[-1],
            "wrong": "The lesion is {category} here and {_category} at {_first}",
            "allowed": "A lesion keeps the category of its baseline",
            "mend": "Keep that row; growth of a non-target is a state in the measurements, a new lesion gets a new id",
        }
        problems = flag(again[changed], code="E02", **told_lesion)
        again = again[~changed]
    wrong = "This id already stands at {_first}"
    allowed = f"One row per {' and '.join(key)}" + (", over all samples sheets" if sheet == "samples" else "")
    return problems + flag(again, code="E02", wrong=wrong, allowed=allowed, **told)


def _orphans(sheet: str, table: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> list[Problem]:
    known = set(tables["patients"]["patient_id"].dropna())
    problems: list[Problem] = []
    if sheet == "samples":
        control, empty = table["control"].fillna("N") != "N", table["patient_id"].isna()
        problems += flag(
            table[control & ~empty],
            code="E05",
            column="patient_id",
            wrong="A control ({control}) belongs to no patient",
            allowed="patient_id is empty in rows of controls",
            mend="Empty the cell, or write N into `control`",
        )
        problems += flag(
            table[~control & empty],
            code="E05",
            column="patient_id",
            wrong="The sample {sample_id} belongs to no patient",
            allowed="A patient_id of the patients sheet; only controls have none",
            mend="Fill patient_id, or `control`",
        )
        table = table[~control]
    unknown = table[table["patient_id"].notna() & ~table["patient_id"].isin(known)]
    problems += _unknown(unknown, "patient_id", "The patient is not in the patients sheet", known)
    lesion = {"measurements": "lesion_id", "samples": "site_lesion_id"}.get(sheet)
    if lesion and "lesions" in tables:
        lesions = tables["lesions"]
        have = set(zip(lesions["patient_id"], lesions["lesion_id"], strict=True))
        pairs = pd.Series(list(zip(table["patient_id"], table[lesion], strict=True)), index=table.index, dtype=object)
        bad = table[lesion].notna() & table["patient_id"].isin(known) & ~pairs.isin(have)
        problems += _unknown(table[bad], lesion, "The lesions sheet has no such lesion of {patient_id}", set())
    return problems


def _unknown(rows: pd.DataFrame, column: str, wrong: str, known: set[str]) -> list[Problem]:
    problems = []
    for cell, part in rows.groupby(column, sort=True):
        close = did_you_mean(word=str(cell), known=sorted(known)) if len(known) <= MAX_SUGGEST else ""
        close = close.replace("{", "{{").replace("}", "}}")  # the sentence is a template
        mend = f"Did you mean {close}" if close else "Correct the id, or add the row that is missing"
        problems += flag(
            part, code="E05", column=column, wrong=wrong, allowed="Ids must agree between sheets", mend=mend
        )
    return problems


def _resampled(samples: pd.DataFrame) -> list[Problem]:
    rows = samples[(samples["qc"] == "PASS") & (samples["control"] == "N") & samples["patient_id"].notna()]
    rows = rows.drop_duplicates("sample_id")
    # Two planned weeks are two visits, not the same visit twice.
    key = ["patient_id", "assay", "material", "timepoint", "nominal_week", "replicate"]
    return flag(
        rows[rows.duplicated(key)],
        code="E19",
        column="sample_id",
        wrong="Patient {patient_id} has another PASS sample of {assay} {material} at {timepoint}",
        allowed="One PASS sample per patient, assay, material and timepoint, unless `replicate` or week differ",
        mend="Number them in a column `replicate`, or correct timepoint or qc",
    )

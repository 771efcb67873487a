"""What describes a sample in a model: covariates and exposure to drugs. No outcome passes here."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gutaxis.cohort.config import config_problem, did_you_mean
from gutaxis.cohort.vocabulary import ALL, EXPOSURES, PATIENTS
from gutaxis.errors import Problem

#: Adjusters taken when the config names none.
DEFAULT_COVARIATES = ("cohort", "antibiotics")
FLAGS = {flag: name for name, (flag, _, _) in EXPOSURES.items()}
OUTCOMES = frozenset(column.name for column in PATIENTS if column.use == "outcome")
#: Names under which public tables carry an outcome.
OUTCOME_LIKE = re.compile(
    r"(^|_)(respon\w*|resp|bor|cbor|orr|dcr|os|pfs\w*|css|death|dead|surviv\w*|recist|progress\w*|event|cnsr)(_|$)",
    re.I,
)
BASE_COLUMNS = [
    "patient_id",
    "timepoint",
    "batch",
    "cohort",
    "control",
    "days_from_ildr",
    "pair_id",
    "pair_status",
    "assay",
    "material",
    "qc",
]


def covariate_names(
    *, tables: Mapping[str, pd.DataFrame], config: Mapping[str, Any]
) -> tuple[tuple[str, ...], list[Problem]]:
    """Return the covariates of the models, and what is wrong with those the config names.

    Parameters
    ----------
    tables
        Typed sheets by name, patients and samples among them.
    config
        The filled config. With ``covariates`` null those of ``DEFAULT_COVARIATES`` are taken that the sheets have.

    Returns
    -------
    tuple
        Column names of the observations; and problems: C06 no such column or an outcome, W15 a default left out.
    """
    patients = tables["patients"]
    has = {column: patients[column].notna().any() for column in patients if not column.startswith("_")}
    drugs = set(tables["medications"]["class"]) if "medications" in tables else set()
    usable = {"batch": True, "cohort": True}
    for name, (flag, drug, _) in EXPOSURES.items():
        usable[name] = bool(has.get(flag)) or drug in drugs
    usable |= {
        column.name: bool(has[column.name])
        for column in PATIENTS
        if column.use == "covariate" and column.name not in FLAGS
    }
    known_columns = {column.name for column in PATIENTS}
    usable |= {
        name: bool(value) for name, value in has.items() if name not in known_columns and not name.endswith("_day")
    }
    if config["covariates"] is None:
        chosen = [
            name for name in DEFAULT_COVARIATES if usable[name] and not (name == "cohort" and _one_cohort(patients))
        ]
        return tuple(chosen), [
            Problem(
                "W15",
                "config",
                None,
                "covariates",
                name,
                "The default covariate is not in the sheets; no model adjusts for it",
                f"The column {EXPOSURES[name][0]} or a medications sheet",
                "Add it, or write `covariates` to say what you want",
            )
            for name in DEFAULT_COVARIATES
            if not usable[name]
        ]
    names, problems = [], []
    for written in config["covariates"]:
        name = FLAGS.get(written, written)
        if name in OUTCOMES or OUTCOME_LIKE.search(name):
            problems.append(
                config_problem(
                    "C06",
                    "covariates",
                    written,
                    "This is an outcome",
                    "An outcome never adjusts a model of the outcome",
                    "Remove it",
                )
            )
        elif name not in usable or not usable[name]:
            close = did_you_mean(word=name, known=sorted(set(usable) - {name}))
            wrong = "The column is empty" if name in usable else "There is no such column"
            if name in known_columns or name in EXPOSURES:
                wrong, close = "The patients sheet has no value for it", ""
            problems.append(
                config_problem(
                    "C06",
                    "covariates",
                    written,
                    wrong,
                    "A covariate is a column of the patients sheet, or batch",
                    f"Did you mean `{close}`" if close else "Add the column to the sheet, or take the name out",
                )
            )
        elif name not in names:
            names.append(name)
    return tuple(names), problems


def _one_cohort(patients: pd.DataFrame) -> bool:
    return bool((patients["cohort"] == ALL).all())


def observation_table(
    *, samples: pd.DataFrame, patients: pd.DataFrame, pairs: pd.DataFrame, medications: pd.DataFrame | None
) -> pd.DataFrame:
    """Describe samples; see :meth:`gutaxis.cohort.Cohort.observations`.

    Parameters
    ----------
    samples, patients, pairs, medications
        Tables of a cohort, days counted from ILDR.
    """
    table = samples[["patient_id", "timepoint", "batch", "control", "assay", "material", "qc"]].copy()
    owner = samples["patient_id"]
    table["cohort"] = owner.map(patients["cohort"])
    table["days_from_ildr"] = samples["collect_day"].astype(float)
    table["pair_id"] = (owner + "." + samples["assay"] + "." + samples["material"]).where(samples["control"] == "N")
    status = pairs.melt(id_vars="pair_status", value_vars=["pre", "post"], value_name="sample_id").dropna(
        subset="sample_id"
    )
    chosen = pd.Series(table.index.map(status.set_index("sample_id")["pair_status"]), index=table.index, dtype=object)
    other = pd.Series(np.where(samples["qc"] == "PASS", "EXTRA", "FAILED_QC"), index=table.index, dtype=object)
    table["pair_status"] = chosen.fillna(other).where(samples["control"] == "N")
    table = table[BASE_COLUMNS]
    known = {column.name for column in PATIENTS}
    days = {name for name in patients if name.endswith("_day")}
    for column in PATIENTS:
        if column.use == "covariate" and column.name != "cohort" and column.name not in FLAGS:
            table[column.name] = owner.map(patients[column.name])
    for name in patients.columns:
        if name not in known | days:
            table[name] = owner.map(patients[name])
    for name in EXPOSURES:
        table[name] = _exposure(name=name, samples=samples, patients=patients, medications=medications)
    empty = [name for name in table if name not in BASE_COLUMNS and table[name].isna().all()]
    return table.drop(columns=empty).sort_index()


def _exposure(
    *, name: str, samples: pd.DataFrame, patients: pd.DataFrame, medications: pd.DataFrame | None
) -> pd.Series:
    """Return Y, N or NaN per sample: exposed to a class of drugs in the days before it was taken.

    With rows of this class in the medications sheet and a day, the dates decide; the patient's flag, which describes
    the time before ILDR, adds to it for PRE samples. Otherwise the flag decides alone.
    """
    flag, drug, window = EXPOSURES[name]
    flagged = samples["patient_id"].map(patients[flag])
    # A sheet without any row of the class may simply not cover it: it does not prove that nobody took the drug.
    if medications is None or not (medications["class"] == drug).any():
        return flagged.where(samples["control"] == "N")
    courses: dict[str, list[tuple[float, float]]] = {}
    for row in medications[medications["class"] == drug].to_dict("records"):
        start = -np.inf if np.isnan(row["start_day"]) else row["start_day"]
        end = np.inf if np.isnan(row["end_day"]) else row["end_day"]
        courses.setdefault(row["patient_id"], []).append((start, end))
    result = []
    columns = (samples["patient_id"], samples["timepoint"], samples["control"], samples["collect_day"], flagged)
    for patient, timepoint, control, day, before in zip(*columns, strict=True):
        if control != "N":
            result.append(np.nan)
        elif np.isnan(day):
            result.append(before)
        else:
            taken = any(start <= day and end >= day - window for start, end in courses.get(patient, []))
            result.append("Y" if taken or (timepoint == "PRE" and before == "Y") else "N")
    return pd.Series(result, index=samples.index, dtype=object)

"""Checks of clinical sense within the sheets: dates E06, doses and deaths E14-E17, W04, W05, W14, W16."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gutaxis.cohort.checks_columns import flag, recist_used
from gutaxis.cohort.checks_lesions import (
    by_patient,
    lesion_problems,
    measurement_problems,
    scan_problems,
    with_lesions,
)
from gutaxis.errors import Problem

Tables = Mapping[str, pd.DataFrame]
COHORT_SIZE = 16


def clinical_problems(*, tables: Tables, config: Mapping[str, Any]) -> list[Problem]:
    """Return what makes no clinical sense.

    Parameters
    ----------
    tables
        Typed sheets by name, with absolute day numbers; checks of an absent sheet are skipped.
    config
        The filled config.
    """
    if "patients" not in tables:
        return []
    problems = _patients(tables, config) + _order(tables)
    if "lesions" in tables:
        problems += lesion_problems(rows=tables["lesions"])
    if "lesions" in tables and "measurements" in tables:
        problems += measurement_problems(rows=with_lesions(tables=tables))
        if recist_used(config=config):
            problems += scan_problems(tables=tables)
    if "adverse_events" in tables:
        problems += _deaths(tables)
    if "samples" in tables:
        problems += _collection(tables)
    return problems


def _patients(tables: Tables, config: Mapping[str, Any]) -> list[Problem]:
    rows = tables["patients"]
    both = "death_date and death_cause go together"
    first = rows["study_source"] == "ILDR-01"
    # ILDR-01 escalated the dose to 3 Gy: these patients are listed, not refused.
    other = rows["ildr_dose_gy"].notna() & (rows["ildr_dose_gy"] != 1)
    escalated = other & first & rows["ildr_dose_gy"].between(1, 3)
    problems = [
        *flag(
            rows[rows["death_date"].notna() & rows["death_cause"].isna()],
            code="E15",
            column="death_cause",
            wrong="The patient died on {death_date}, but no cause is given",
            allowed=both,
            mend="Give it, or write UNKNOWN",
        ),
        *flag(
            rows[rows["death_date"].isna() & rows["death_cause"].notna()],
            code="E15",
            column="death_date",
            value="death_cause",
            wrong="A cause of death is given, but no date",
            allowed=both,
            mend="Give the date",
        ),
        *flag(
            rows[other & ~escalated],
            code="E16",
            column="ildr_dose_gy",
            wrong="The dose is not 1 Gy",
            allowed="1 Gy; in ILDR-01 up to 3 Gy",
            mend="Correct the dose (unit: Gy) or study_source",
        ),
        *flag(
            rows[escalated],
            code="W14",
            column="ildr_dose_gy",
            wrong="A patient of ILDR-01 with another dose than 1 Gy",
            allowed="The patient is listed and left out of the primary analysis set",
            mend="Nothing needs to be done",
        ),
        *flag(
            rows[rows["ici_first_day"] - rows["ildr_day"] > 1],
            code="W04",
            column="ici_first_date",
            wrong="The antibody was given more than 24 h after ILDR ({ildr_date})",
            allowed="Within 24 h",
            mend="Check the date; a true delay is a protocol deviation",
        ),
    ]
    if config["response"]["source"] == "recist":
        sizes = rows[rows["cohort"].isin(("LUNG", "ESOPHAGEAL", "OTHER"))]["cohort"].value_counts().sort_index()
        file = rows["_file"].iloc[0]
        problems += [
            Problem(
                "W05",
                file,
                None,
                "cohort",
                name,
                f"The cohort has {size} patients",
                f"{COHORT_SIZE} at the end of the trial",
                "Nothing needs to be done at an interim analysis",
            )
            for name, size in sizes.items()
            if size != COHORT_SIZE
        ]
    return problems


def _order(tables: Tables) -> list[Problem]:
    """E06: dates in an impossible order."""
    rows = tables["patients"]
    told = {"code": "E06", "mend": "Correct one of the dates"}
    problems = [
        *flag(
            rows[rows["ici_first_day"] < rows["ildr_day"]],
            column="ici_first_date",
            wrong="The antibody was given before ILDR ({ildr_date})",
            allowed="On the day of ILDR or later",
            **told,
        ),
        *flag(
            rows[rows["death_day"] < rows["ildr_day"]],
            column="death_date",
            wrong="Death comes before ILDR ({ildr_date})",
            allowed="After ILDR",
            **told,
        ),
        *flag(
            rows[rows["death_day"] < rows["last_alive_day"]],
            column="last_alive_date",
            wrong="The patient was known to be alive after death ({death_date})",
            allowed="Not after death",
            **told,
        ),
    ]
    dated = {
        "measurements": "assess_date",
        "samples": "collect_date",
        "progressions": "date",
        "adverse_events": "start_date",
    }
    for sheet, column in dated.items():
        if sheet not in tables:
            continue
        table = tables[sheet].assign(
            **{name: by_patient(tables=tables, name=name, sheet=sheet) for name in ("death_date", "last_alive_date")}
        )
        day = table[{"date": "day"}.get(column, column.replace("_date", "_day"))]
        dead = day > by_patient(tables=tables, name="death_day", sheet=sheet)
        problems += flag(
            table[dead],
            column=column,
            wrong="The date lies after the patient's death ({death_date})",
            allowed="On or before the day of death",
            **told,
        )
        if sheet in {"measurements", "samples"}:
            late = ~dead & (day > by_patient(tables=tables, name="last_alive_day", sheet=sheet))
            problems += flag(
                table[late],
                column=column,
                wrong="The date lies after last_alive_date ({last_alive_date}) of the patient",
                allowed="The patient is known to be alive on the day of every scan and sample",
                **told,
            )
    for sheet, start, end in (("adverse_events", "start_date", "end_date"), ("medications", "start", "end")):
        if sheet in tables:
            table = tables[sheet]
            last = table["end_day_last"] if sheet == "adverse_events" else table["end_day"]
            problems += flag(
                table[last < table["start_day"]],
                column=end,
                wrong=f"The end comes before the start ({{{start}}})",
                allowed="Start, then end",
                **told,
            )
    return problems


def _deaths(tables: Tables) -> list[Problem]:
    events, patients = tables["adverse_events"], tables["patients"]
    fatal = events["grade"] == 5
    alive = by_patient(tables=tables, name="death_date", sheet="adverse_events").isna()
    known = events["patient_id"].isin(patients["patient_id"])
    toxic = (patients["death_cause"] == "TREATMENT") & ~patients["patient_id"].isin(events.loc[fatal, "patient_id"])
    return [
        *flag(
            events[fatal & alive & known],
            code="E14",
            column="grade",
            wrong="Grade 5 is death, but {patient_id} has no death_date",
            allowed="Grade 5 only with a death in the patients sheet",
            mend="Correct the grade, or add the death",
        ),
        *flag(
            patients[toxic],
            code="W16",
            column="death_cause",
            wrong="Death from treatment, but no adverse event of grade 5",
            allowed="Usually one goes with the other",
            mend="Add the event, or correct the cause",
        ),
    ]


def _collection(tables: Tables) -> list[Problem]:
    """E17: the label PRE or POST contradicts the date."""
    rows = tables["samples"].assign(ildr_date=by_patient(tables=tables, name="ildr_date", sheet="samples"))
    after = rows["collect_day"] - by_patient(tables=tables, name="ildr_day", sheet="samples").astype(float)
    after = after.mask((after == 0) & (rows["same_day"] == "AFTER"), 0.5)
    late, early = (rows["timepoint"] == "PRE") & (after > 0), (rows["timepoint"] == "POST") & (after <= 0)
    told = {"code": "E17", "column": "collect_date", "mend": "Correct timepoint, collect_date or ildr_date"}
    same = "; for a sample of the ILDR day, the column same_day (BEFORE, AFTER) decides"
    rows["ildr_date"] = rows["ildr_date"].fillna(np.str_("day 1"))
    return [
        *flag(
            rows[late],
            wrong="A PRE sample taken after ILDR ({ildr_date})",
            allowed=f"PRE: on or before ILDR{same}",
            **told,
        ),
        *flag(
            rows[early],
            wrong="A POST sample taken on or before ILDR ({ildr_date})",
            allowed=f"POST: after ILDR{same}",
            **told,
        ),
    ]

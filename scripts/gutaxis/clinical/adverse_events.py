"""Adverse events: one row each with the flags of an ADaM dataset (ADAE), and what is odd about them."""

import numpy as np
import pandas as pd

from gutaxis.errors import Problem

LONG_COLUMNS = [
    "patient_id",
    "ae_id",
    "term",
    "soc",
    "grade",
    "start_date",
    "end_date",
    "serious",
    "irae",
    "start_day",
    "astdy",
    "astdtf",
    "aendy",
    "trtemfl",
    "rel_ildr",
    "rel_ici",
    "arel",
    "arelfl",
    "fatal",
    "aoccfl",
    "aoccifl",
    "aoccpfl",
    "aoccpifl",
    "outcome",
]
#: System organ class of an event without one, so that it is not lost from the tables.
UNCODED = "NOT CODED"
RELATED, NOT_RELATED = "RELATED", "NOT RELATED"
#: What each warning asks for.
ALLOWED = {
    "W34": "RELATED or NOT RELATED, for ILDR and for the antibody",
    "W35": "1 to 5",
    "W36": "A full date",
    "W37": "A fatal event is serious",
    "W38": "A fatal event and a death go together",
}


def adverse_events_long(*, adverse_events: pd.DataFrame, patients: pd.DataFrame) -> pd.DataFrame:
    """Return every adverse event of the treated patients with its derived day, relatedness and flags.

    A partial first date becomes its first possible day; if the day of ILDR lies among the possible days and the event
    did not end before, it becomes the day of ILDR (conservative: it then counts as after treatment). Without any first
    date it is the day of ILDR likewise. A partial last date becomes its last possible day. Relatedness that is missing
    or UNKNOWN counts as related. A missing grade stays missing: it is never grade 1.

    Parameters
    ----------
    adverse_events
        Sheet with patient_id ae_id term soc grade start_day start_day_last end_day_last serious rel_ildr rel_ici irae
        outcome; days from ILDR, first and last possible.
    patients
        Index patient_id; ildr_date. Events of patients without ILDR are left out.

    Returns
    -------
    pandas.DataFrame
        ``LONG_COLUMNS``, sorted by patient, day and event; term, soc and grade are AEDECOD, AEBODSYS and ATOXGR of an
        ADaM dataset. ``start_day``: days from ILDR, imputed; ``astdy``, ``aendy``: study days (ILDR is 1). ``astdtf``:
        what was imputed: D day, M month, Y all. ``trtemfl``: Y from the day of ILDR on. ``arel``: ILDR, ICI,
        ILDR+ICI, or NOT RELATED; ``arelfl``: Y if relatedness was assumed. First occurrence among events after ILDR:
        ``aoccfl`` of a patient, ``aoccpfl`` of a term; of the worst grade: ``aoccifl``, ``aoccpifl``. Y or NA.
    """
    treated = patients.index[patients["ildr_date"].notna()]
    rows = adverse_events[adverse_events["patient_id"].isin(treated)].reset_index(drop=True)
    first, last = rows["start_day"].astype(float), rows["start_day_last"].astype(float)
    end = rows["end_day_last"].astype(float)
    not_over = ~(end < 0)
    at_ildr = not_over & (first.isna() | ((first < 0) & (last >= 0)))
    # an event that is known to be over before ILDR, with no first day, began before as well
    start = first.mask(at_ildr, 0.0).where(first.notna() | at_ildr, end)
    out = rows.assign(start_day=start, astdy=_study_day(start), aendy=_study_day(end))
    width = last - first
    out["astdtf"] = _word(np.select([first.isna(), width > 31, width > 0], ["Y", "M", "D"], ""))
    out["soc"] = rows["soc"].fillna(UNCODED)
    out["trtemfl"] = np.where(start >= 0, "Y", "N")
    assumed = pd.Series(False, index=rows.index)
    for name in ("rel_ildr", "rel_ici"):
        missing = ~rows[name].isin((RELATED, NOT_RELATED))
        assumed |= missing
        out[name] = np.where(missing, RELATED, rows[name])
    ildr, ici = out["rel_ildr"] == RELATED, out["rel_ici"] == RELATED
    out["arel"] = np.select([ildr & ici, ildr, ici], ["ILDR+ICI", "ILDR", "ICI"], NOT_RELATED)
    out["arelfl"] = np.where(assumed, "Y", "N")
    fatal = (rows["grade"] == 5) | _fatal_outcome(rows)
    out["fatal"] = np.where(fatal, "Y", "N")
    out = out.sort_values(["patient_id", "start_day", "ae_id"], kind="stable", ignore_index=True)
    return _first_occurrences(out).reindex(columns=LONG_COLUMNS)


def adverse_event_problems(*, adverse_events: pd.DataFrame, patients: pd.DataFrame) -> list[Problem]:
    """Name what the analysis had to assume, and fatal events that the rest contradicts.

    Parameters
    ----------
    adverse_events, patients
        As for :func:`adverse_events_long`; ``patients`` also with death_day.

    Returns
    -------
    list of Problem
        W34 relatedness assumed; W35 no grade; W36 first day assumed; W37 fatal, but not noted as serious; W38 fatal,
        but no death in the patients sheet. (A death from treatment without a fatal event is W16 of the sheets.)
    """
    derived = adverse_events_long(adverse_events=adverse_events, patients=patients)
    rows = adverse_events.merge(derived[["patient_id", "ae_id", "fatal", "astdtf"]], on=["patient_id", "ae_id"])
    fatal = rows["fatal"] == "Y"
    alive = ~rows["patient_id"].map(patients["death_day"].notna())
    no_day = rows["astdtf"].notna()
    unknown = {name: ~rows[name].isin((RELATED, NOT_RELATED)) for name in ("rel_ildr", "rel_ici")}
    cases = (
        ("W34", "rel_ildr", unknown["rel_ildr"], "may or may not be related to ILDR; it counts as related"),
        ("W34", "rel_ici", unknown["rel_ici"], "may or may not be related to the antibody; it counts as related"),
        ("W35", "grade", rows["grade"].isna(), "has no grade; it counts as of any grade only"),
        ("W36", "start_date", no_day, "has no full first date; the first possible day, if possible of ILDR, is taken"),
        ("W37", "serious", fatal & (rows["serious"] != "Y"), "is fatal, but is not noted as serious"),
        ("W38", "outcome", fatal & alive, "is fatal, but the patients sheet has no death"),
    )
    return [
        Problem(
            code,
            "adverse_events",
            None,
            column,
            None if pd.isna(row[column]) else str(row[column]),
            f"{row['ae_id']} of {row['patient_id']} {wrong}",
            ALLOWED[code],
            "Complete or correct the row",
        )
        for code, column, mask, wrong in cases
        for row in rows[mask].to_dict("records")
    ]


def _fatal_outcome(rows: pd.DataFrame) -> pd.Series:
    if "outcome" not in rows:
        return pd.Series(False, index=rows.index)
    return rows["outcome"].astype(str).str.upper().isin(("FATAL", "DEATH", "DIED"))


def _study_day(days: pd.Series) -> pd.Series:
    return days.where(days < 0, days + 1).astype("Int64")


def _word(values: np.ndarray) -> pd.Series:
    words = pd.Series(values, dtype=object)
    return words.where(words != "")


def _first_occurrences(rows: pd.DataFrame) -> pd.DataFrame:
    """Flag the first event, and the first of the worst grade, of each patient and each patient's term."""
    after = rows[rows["trtemfl"] == "Y"]
    # a missing grade is worse than none: it is chosen only where every grade is missing
    worst = after.assign(grade=after["grade"].astype(float).fillna(0)).sort_values(
        ["grade"], ascending=False, kind="stable"
    )
    for name, ordered, keys in (
        ("aoccfl", after, ["patient_id"]),
        ("aoccifl", worst, ["patient_id"]),
        ("aoccpfl", after, ["patient_id", "term"]),
        ("aoccpifl", worst, ["patient_id", "term"]),
    ):
        chosen = ordered.drop_duplicates(keys).index
        rows[name] = _word(np.where(rows.index.isin(chosen), "Y", ""))
    return rows

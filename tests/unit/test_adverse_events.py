"""Adverse events: days, relatedness, flags, what counts by a week, worst grade, warnings."""

import numpy as np
import pandas as pd
import pytest

from gutaxis.clinical.adverse_event_rates import adverse_events
from gutaxis.clinical.adverse_events import adverse_event_problems, adverse_events_long

pytestmark = pytest.mark.unit
PEOPLE = pd.DataFrame(
    {
        "ildr_date": ["2026-03-10"] * 4 + [np.nan],
        "cohort": ["LUNG", "LUNG", "OTHER", "OTHER", "OTHER"],
        "death_day": [np.nan, np.nan, np.nan, 50.0, np.nan],
        "death_date": [np.nan, np.nan, np.nan, "2026-04-29", np.nan],
        "death_cause": [np.nan, np.nan, np.nan, "TREATMENT", np.nan],
    },
    index=pd.Index(["P1", "P2", "P3", "P4", "P5"], name="patient_id"),
)
COUNTER = iter(range(10**6))


def event(patient="P1", start=5.0, grade=1.0, term="Diarrhea", **cells) -> dict:
    row = {
        "patient_id": patient, "ae_id": f"AE{next(COUNTER):04d}", "term": term, "soc": "Gastrointestinal disorders",
        "grade": grade, "start_date": "x", "end_date": np.nan, "start_day": start, "start_day_last": start,
        "end_day": np.nan, "end_day_last": np.nan, "serious": "N", "rel_ildr": "RELATED", "rel_ici": "NOT RELATED",
        "irae": "N", "outcome": "RECOVERED",
    }  # fmt: skip
    return row | cells


def derive(*rows: dict) -> pd.DataFrame:
    return adverse_events_long(adverse_events=pd.DataFrame(rows), patients=PEOPLE)


def count(*rows: dict, weeks=(12,), cut=400.0, safety=None) -> pd.DataFrame:
    table = adverse_events(
        events=derive(*rows), patients=PEOPLE, weeks=weeks, cut=pd.Series(cut, index=PEOPLE.index),
        safety=pd.Series("Y", index=PEOPLE.index[:4]) if safety is None else safety,
    )  # fmt: skip
    return table.set_index(["week", "cohort", "component", "level", "category"]).sort_index()


@pytest.mark.parametrize(
    ("first", "last", "end", "day", "flag_emergent"),
    [
        (5, 5, np.nan, 5, (None, "Y")),
        (0, 0, np.nan, 0, (None, "Y")),  # on the day of ILDR
        (-1, -1, np.nan, -1, (None, "N")),
        (22, 51, np.nan, 22, ("D", "Y")),  # a month after ILDR: its first day
        (-9, 21, np.nan, 0, ("D", "Y")),  # the month of ILDR: not before it
        (-9, 21, -2, -9, ("D", "N")),  # over before ILDR
        (-40, -10, np.nan, -40, ("D", "N")),
        (-68, 296, np.nan, 0, ("M", "Y")),  # only the year
        (np.nan, np.nan, np.nan, 0, ("Y", "Y")),
        (np.nan, np.nan, -3, -3, ("Y", "N")),
    ],
)
def test_first_day(first, last, end, day, flag_emergent):
    flag, emergent = flag_emergent
    row = derive(event(start=float(first), start_day_last=float(last), end_day_last=float(end))).iloc[0]
    assert row["start_day"] == day
    assert row["trtemfl"] == emergent
    assert row["astdy"] == (day + 1 if day >= 0 else day)
    assert row["astdtf"] == flag if flag else pd.isna(row["astdtf"])


def test_last_day_is_the_last_possible_one():
    assert derive(event(end_day=22.0, end_day_last=51.0)).loc[0, "aendy"] == 52


@pytest.mark.parametrize(
    ("ildr", "ici", "arel", "assumed"),
    [
        ("RELATED", "NOT RELATED", "ILDR", "N"), ("NOT RELATED", "RELATED", "ICI", "N"),
        ("RELATED", "RELATED", "ILDR+ICI", "N"), ("NOT RELATED", "NOT RELATED", "NOT RELATED", "N"),
        (np.nan, "NOT RELATED", "ILDR", "Y"), ("NOT RELATED", "UNKNOWN", "ICI", "Y"), (np.nan, np.nan, "ILDR+ICI", "Y"),
    ],
)  # fmt: skip
def test_missing_relatedness_counts_as_related(ildr, ici, arel, assumed):
    row = derive(event(rel_ildr=ildr, rel_ici=ici)).iloc[0]
    assert (row["arel"], row["arelfl"]) == (arel, assumed)


def test_occurrence_flags():
    table = derive(
        event(start=-5.0, grade=4.0),
        event(start=2.0, grade=1.0),
        event(start=9.0, grade=3.0),
        event(start=12.0, grade=3.0),
        event(start=3.0, grade=2.0, term="Nausea"),
        event(start=4.0, grade=np.nan, term="Fatigue"),
    ).set_index("start_day")
    flags = table[["aoccfl", "aoccifl", "aoccpfl", "aoccpifl"]].eq("Y")
    assert flags.loc[2.0].tolist() == [True, False, True, False]
    assert flags.loc[3.0].tolist() == [False, False, True, True]
    assert flags.loc[4.0].tolist() == [False, False, True, True]  # no grade at all: still the term's worst
    assert flags.loc[9.0].tolist() == [False, True, False, True]
    assert not flags.loc[[-5.0, 12.0]].to_numpy().any()


@pytest.mark.parametrize(("day", "k"), [(-1.0, 0), (0.0, 1), (83.0, 1), (84.0, 0)])
def test_study_day_7_times_the_week_is_the_last_one(day, k):
    assert count(event(start=day)).loc[(12, "ALL", "ANY", "OVERALL", "ANY_GRADE"), "k"].sum() == k


def test_each_patient_counts_once_at_the_worst_grade():
    table = count(
        event(grade=1.0), event(grade=3.0), event(grade=np.nan), event("P2", grade=np.nan), event("P3", grade=2.0)
    )
    rows = table.loc[(12, "ALL", "ANY", "OVERALL")]["k"]
    assert rows.to_dict() == {
        "ANY_GRADE": 3, "GRADE_GE3": 1, "SERIOUS": 0, "IRAE": 0, "GRADE_1": 0, "GRADE_2": 1, "GRADE_3": 1, "GRADE_4": 0,
        "GRADE_5": 0, "GRADE_MISSING": 1,
    }  # fmt: skip
    assert rows[[name for name in rows.index if name[:6] == "GRADE_" and name != "GRADE_GE3"]].sum() == 3
    assert table.loc[(12, "LUNG", "ANY", "OVERALL", "ANY_GRADE"), ["n", "k"]].tolist() == [2, 2]


def test_components_serious_and_immune_related():
    table = count(
        event(rel_ildr="NOT RELATED", rel_ici="RELATED", irae="Y", serious="Y", term="Colitis"),
        event("P2"),
        event("P3", rel_ildr="NOT RELATED"),
    )["k"]
    any_grade = {name: table[(12, "ALL", name, "OVERALL", "ANY_GRADE")].item() for name in ("ANY", "ILDR", "ICI")}
    assert any_grade == {"ANY": 2, "ILDR": 1, "ICI": 1}
    assert table[(12, "ALL", "ALL_CAUSES", "OVERALL", "ANY_GRADE")].item() == 3
    assert table[(12, "ALL", "ICI", "OVERALL", "IRAE")].item() == 1
    assert table[(12, "ALL", "ILDR", "OVERALL", "SERIOUS")].item() == 0


def test_terms_and_classes_with_zero_rows_per_cohort():
    table = count(event(), event(term="Nausea", grade=3.0), event("P2", term="Rash", soc=np.nan)).reset_index()
    part = table[(table["component"] == "ANY") & (table["category"] == "ANY_GRADE")]
    soc = part[part["level"] == "SOC"].set_index(["cohort", "soc"])["k"].to_dict()
    assert soc == {
        ("ALL", "Gastrointestinal disorders"): 1, ("ALL", "NOT CODED"): 1,
        ("LUNG", "Gastrointestinal disorders"): 1, ("LUNG", "NOT CODED"): 1,
        ("OTHER", "Gastrointestinal disorders"): 0, ("OTHER", "NOT CODED"): 0,
    }  # fmt: skip
    assert len(part[part["level"] == "TERM"]) == 9
    nausea = table[(table["term"] == "Nausea") & (table["cohort"] == "ALL") & (table["component"] == "ANY")]
    assert sorted(nausea["category"]) == ["ANY_GRADE", "GRADE_3", "GRADE_GE3"]


def test_denominator_interval_and_reached():
    safety = pd.Series(["Y", "Y", "Y", "N"], index=PEOPLE.index[:4])
    row = count(event(), event("P4"), safety=safety).loc[(12, "ALL", "ANY", "OVERALL", "ANY_GRADE")]
    assert row[["n", "k", "n_reached", "ci_method"]].tolist() == [3, 1, 3, "Clopper-Pearson 95%"]
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((0.0084, 0.9057), abs=1e-4)
    early = count(event(), cut=82.0)["n_reached"]
    assert early[(12, "ALL", "ANY", "OVERALL", "ANY_GRADE")].item() == 1  # who died has reached every week
    assert count(event(), cut=83.0)["n_reached"].max() == 4


def test_without_any_event_there_are_rows_of_zero():
    table = count(event("P5"))
    assert table.loc[(12, "ALL", "ANY", "OVERALL", "ANY_GRADE"), "k"].sum() == 0
    assert set(table.index.get_level_values("level")) == {"OVERALL"}


def test_problems():
    rows = [
        event(rel_ildr=np.nan, ae_id="A"), event(grade=np.nan, ae_id="B"), event(start_day_last=9.0, ae_id="C"),
        event("P4", grade=5.0, ae_id="D"), event("P3", outcome="FATAL", serious="Y", ae_id="E"), event(ae_id="F"),
    ]  # fmt: skip
    found = adverse_event_problems(adverse_events=pd.DataFrame(rows), patients=PEOPLE)
    assert [(problem.code, problem.wrong.split()[0]) for problem in found] == [
        ("W34", "A"), ("W35", "B"), ("W36", "C"), ("W37", "D"), ("W38", "E"),
    ]  # fmt: skip
    assert all(problem.is_warning for problem in found)

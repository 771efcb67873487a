"""Adverse events of a public SDTM data set of 254 treated subjects: counts per arm by week, related ones, warnings."""

import numpy as np
import pandas as pd
import pytest

from gutaxis.clinical.adverse_event_rates import adverse_events
from gutaxis.clinical.adverse_events import adverse_event_problems, adverse_events_long
from gutaxis.cohort.dates import day_numbers

pytestmark = pytest.mark.realdata
WEEKS = (12, 24, 48)
ARMS = {"Placebo": "1_PLACEBO", "Xanomeline Low Dose": "2_LOW", "Xanomeline High Dose": "3_HIGH"}
# Placebo, low dose, high dose
ANY = {12: [57, 73, 74], 24: [64, 77, 75], 48: [65, 77, 76]}
RELATED = {12: [36, 66, 68], 24: [43, 72, 70], 48: [43, 72, 70]}
WRONG_DAY = ("01-716-1063", "AE1")
RELATION = {"POSSIBLE": "RELATED", "PROBABLE": "RELATED", "NONE": "NOT RELATED", "REMOTE": "NOT RELATED"}


@pytest.fixture(scope="module")
def sdtm(public_data):
    folder = public_data / "clinical"
    return {name: pd.read_csv(folder / f"{name}.csv", dtype=str) for name in ("ae", "dm")}


@pytest.fixture(scope="module")
def patients(sdtm):
    rows = sdtm["dm"].set_index("USUBJID").rename_axis("patient_id")
    table = pd.DataFrame({"ildr_date": rows["RFXSTDTC"], "cohort": rows["ARM"].map(ARMS)})
    table["ildr_day"] = day_numbers(cells=rows["RFXSTDTC"], dates="iso")
    table["death_date"] = rows["DTHDTC"]
    table["death_day"] = day_numbers(cells=rows["DTHDTC"].str[:10], dates="iso") - table["ildr_day"]
    return table[table["cohort"].notna() & table["ildr_date"].notna()].sort_index()


@pytest.fixture(scope="module")
def sheet(sdtm, patients):
    """The domain as our sheet: severity words are no CTCAE grades, so only the three deaths have one."""
    rows = sdtm["ae"]
    table = pd.DataFrame(
        {
            "patient_id": rows["USUBJID"], "ae_id": "AE" + rows["AESEQ"], "term": rows["AEDECOD"],
            "soc": rows["AEBODSYS"], "grade": np.where(rows["AESDTH"] == "Y", 5.0, np.nan),
            "start_date": rows["AESTDTC"], "end_date": rows["AEENDTC"], "serious": rows["AESER"],
            "rel_ildr": rows["AEREL"].map(RELATION), "rel_ici": "NOT RELATED", "irae": np.nan,
            "outcome": rows["AEOUT"], "recorded_day": rows["AESTDY"].astype(float),
        }
    )  # fmt: skip
    first = table["patient_id"].map(patients["ildr_day"])
    for name in ("start", "end"):
        for suffix, last in (("", False), ("_last", True)):
            days = day_numbers(cells=table[f"{name}_date"], dates="iso", partial=True, last=last)
            table[f"{name}_day{suffix}"] = days - first
    return table[first.notna()].reset_index(drop=True)


def counts(sheet, patients, component) -> dict[int, list[int]]:
    table = adverse_events(
        events=adverse_events_long(adverse_events=sheet, patients=patients), patients=patients, weeks=WEEKS,
        safety=pd.Series("Y", index=patients.index), cut=pd.Series(400.0, index=patients.index),
    )  # fmt: skip
    rows = table[(table["level"] == "OVERALL") & (table["category"] == "ANY_GRADE")]
    rows = rows[(rows["component"] == component) & (rows["cohort"] != "ALL")]
    return {week: part["k"].tolist() for week, part in rows.groupby("week")}


def test_shape(sheet, patients):
    assert patients["cohort"].value_counts().sort_index().tolist() == [86, 84, 84]
    assert len(sheet) == 1191
    partial = sheet["start_date"].str.len() < 10
    assert partial.sum() == 26
    known = ~partial & sheet["recorded_day"].notna()
    ours = adverse_events_long(adverse_events=sheet, patients=patients).set_index(["patient_id", "ae_id"])["astdy"]
    theirs = sheet[known].set_index(["patient_id", "ae_id"])["recorded_day"]
    differ = theirs.index[ours.loc[theirs.index].astype(float) != theirs]
    # the one record whose AESTDY (366) does not follow from its own date (2013-05-09, the first day of treatment)
    assert differ.tolist() == [WRONG_DAY]
    assert ours[WRONG_DAY] == 1


def test_patients_with_an_event_by_week(sheet, patients):
    """The recorded numbers rest on full dates and a known relation only."""
    full = sheet[sheet["recorded_day"].notna()]
    assert counts(full, patients, "ALL_CAUSES") == ANY
    assert counts(full.assign(rel_ildr=full["rel_ildr"].fillna("NOT RELATED")), patients, "ILDR") == RELATED


def test_imputed_days_and_assumed_relations_only_add(sheet, patients):
    for component, expected in (("ALL_CAUSES", ANY), ("ILDR", RELATED)):
        found = counts(sheet, patients, component)
        for week in WEEKS:
            assert all(0 <= more - k <= 4 for more, k in zip(found[week], expected[week], strict=True))


def test_fatal_events_that_are_not_serious_are_named(sheet, patients):
    problems = adverse_event_problems(adverse_events=sheet, patients=patients)
    codes = pd.Series([problem.code for problem in problems]).value_counts()
    assert codes["W37"] == 3
    assert "W38" not in codes  # each has its death
    assert codes["W34"] == 4
    assert codes["W36"] == 26
    assert patients["death_day"].notna().sum() == 3

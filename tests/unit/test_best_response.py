"""Best overall response: the literal cases of an ADaM package's published tests, and the rules one by one."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from tests.recist_tables import course_of, followed, patients_of, read

from gutaxis.clinical.best_response import COLUMNS, best_response
from gutaxis.clinical.course import CR, PR, confirmations, course_rows, make_course
from gutaxis.clinical.settings import ClinicalSettings

pytestmark = pytest.mark.unit

# Start of treatment and assessments of nine patients: pharmaverse/admiralonco (Apache-2.0),
# tests/testthat/test-derive_param_confirmed_bor.R and test-derive_param_confirmed_resp.R
STARTS = {
    "1": "2020-01-01", "2": "2019-12-12", "3": "2019-11-11", "4": "2019-12-30", "5": "2020-01-01", "6": "2020-02-02",
    "7": "2020-02-02", "8": "2020-04-01", "9": "2020-02-01",
}  # fmt: skip
ASSESSMENTS = [
    ("1", "2020-01-01", "PR"), ("1", "2020-02-01", "CR"), ("1", "2020-02-16", "NE"), ("1", "2020-03-01", "CR"),
    ("1", "2020-04-01", "SD"),
    ("2", "2020-01-01", "SD"), ("2", "2020-02-01", "PR"), ("2", "2020-03-01", "SD"), ("2", "2020-03-13", "CR"),
    ("3", "2019-11-12", "CR"), ("3", "2019-12-02", "CR"), ("3", "2020-01-01", "SD"),
    ("4", "2020-01-01", "PR"), ("4", "2020-03-01", "SD"), ("4", "2020-04-01", "SD"), ("4", "2020-05-01", "PR"),
    ("4", "2020-05-15", "NON-CR/NON-PD"),
    ("5", "2020-01-01", "PR"), ("5", "2020-01-10", "SD"), ("5", "2020-01-20", "PR"),
    ("5", "2020-05-15", "NON-CR/NON-PD"),
    ("6", "2020-02-06", "PR"), ("6", "2020-02-16", "CR"), ("6", "2020-03-30", "PR"),
    ("7", "2020-02-06", "PR"), ("7", "2020-02-16", "CR"), ("7", "2020-04-01", "NE"),
    ("9", "2020-02-16", "PD"), ("9", "2020-03-06", "SD"),
]  # fmt: skip
CONFIRMED_BEST = {
    "1": "CR", "2": "SD", "3": "SD", "4": "SD", "5": "NON-CR/NON-PD", "6": "SD", "7": "NE", "8": "MISSING", "9": "PD",
}  # fmt: skip


def published() -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = pd.DataFrame(ASSESSMENTS, columns=["patient_id", "date", "overall_response"])
    start = rows["patient_id"].map(STARTS).map(date.fromisoformat)
    rows["day"] = [
        float((date.fromisoformat(day) - first).days) for day, first in zip(rows["date"], start, strict=True)
    ]
    return rows.assign(reader="INVESTIGATOR"), patients_of(*STARTS)


def best(*steps, settings=None, cut=1000.0, **columns) -> pd.Series:
    found = best_response(
        patients=patients_of(**columns),
        timepoints=course_of(*steps),
        follow_up=followed(days=cut),
        settings=settings or ClinicalSettings(),
    )
    assert list(found.table.columns) == COLUMNS
    assert len(found.table) == 1
    return found.table.iloc[0]


def test_nine_published_cases_of_confirmed_best_response():
    timepoints, patients = published()
    settings = ClinicalSettings(sd_min_days=28)
    found = best_response(patients=patients, timepoints=timepoints, follow_up=followed(*STARTS), settings=settings)
    table = found.table.set_index("patient_id")
    assert table["cbor"].to_dict() == CONFIRMED_BEST
    assert table["response"].to_dict() == {
        "1": "R", "2": "NR", "3": "NR", "4": "NR", "5": "NR", "6": "NR", "7": "NA", "8": "NA", "9": "NR",
    }  # fmt: skip
    # the start of the confirmed response is the PR of day 0, confirmed by the second CR: the first lies 31 days later
    assert table.loc["1", ["first_response_date", "confirmed_date"]].tolist() == ["2020-01-01", "2020-02-01"]
    assert table["confirmed_day"].notna().sum() == 1
    assert [warning.code for warning in found.warnings] == ["W12"] * 3
    assert [str(warning).split()[4] for warning in found.warnings] == ["1", "3", "6"]


def test_published_variant_that_accepts_stable_disease_between():
    timepoints, patients = published()
    rows = course_rows(timepoints=timepoints[timepoints["patient_id"] != "7"], patients=patients)
    index = pd.MultiIndex.from_product([sorted(STARTS), ["INVESTIGATOR"]], names=["patient_id", "reader"])
    course = make_course(rows=rows, index=index)
    starts = {}
    for kind in (CR, PR):
        found = confirmations(course=course, start=kind, min_days=14, max_ne=0, accept_sd=True)
        for line, place in zip(*np.nonzero(~np.isnan(found.days)), strict=True):
            starts.setdefault(index[line][0], []).append(course.dates[line, place])
    assert {patient: min(days) for patient, days in starts.items()} == {
        "1": "2020-01-01", "2": "2020-02-01", "3": "2019-11-12", "5": "2020-01-01",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "bor", "cbor"),
    [
        ([(42, "CR"), (84, "CR")], "CR", "CR"),
        ([(42, "CR"), (70, "CR")], "CR", "CR"),  # 28 days, without adding 1
        ([(42, "CR"), (69, "CR")], "CR", "SD"),
        ([(42, "PR"), (69, "PR"), (70, "PR")], "PR", "PR"),
        ([(42, "PR"), (69, "CR"), (97, "CR")], "CR", "CR"),
        ([(42, "PR"), (84, "CR")], "CR", "PR"),
        ([(42, "CR"), (56, "NE"), (84, "CR")], "CR", "CR"),
        ([(42, "CR"), (50, "NE"), (60, "NE"), (84, "CR")], "CR", "SD"),
        ([(42, "PR"), (50, "NE"), (84, "PR")], "PR", "PR"),
        ([(42, "PR"), (50, "NE"), (60, "NE"), (84, "PR")], "PR", "SD"),
        ([(42, "PR"), (60, "SD"), (84, "PR")], "PR", "SD"),
        ([(42, "PR"), (50, "CR"), (84, "PR")], "CR", "SD"),  # PR after CR is a query, not a confirmation
        ([(42, "CR"), (84, "PR"), (126, "PR")], "CR", "PR"),
        ([(42, "CR"), (84, "SD")], "CR", "SD"),
        ([(42, "SD"), (84, "PD")], "SD", "SD"),
        ([(34, "SD")], "NE", "NE"),
        ([(35, "SD")], "SD", "SD"),
        ([(34, "PR")], "PR", "NE"),
        ([(34, "SD"), (50, "PD")], "PD", "PD"),
        ([(35, "NON-CR/NON-PD")], "NON-CR/NON-PD", "NON-CR/NON-PD"),
        ([(34, "NON-CR/NON-PD")], "NE", "NE"),
        ([(42, "NE"), (84, "NE")], "NE", "NE"),
        ([(42, "NE"), (84, "PD")], "PD", "PD"),
        ([], "MISSING", "MISSING"),
        ([(42, "PD"), (84, "PR"), (126, "PR")], "PD", "PD"),  # nothing counts after progression
        ([(42, "PR"), (84, "PD"), (126, "PR")], "PR", "SD"),
        ([(42, "PR"), (84, "PR"), (84, "SD")], "PR", "SD"),  # of two responses on one day the worse
        ([(42, "PR"), (84, "PR"), (84, "NE")], "PR", "PR"),
    ],
)
def test_best_response(steps, bor, cbor):
    row = best(*steps)
    assert (row["bor"], row["cbor"]) == (bor, cbor)


@pytest.mark.parametrize(
    ("definition", "steps", "cut", "expected"),
    [
        ("confirmed_response", [(42, "PR"), (84, "PR")], 1000, "R"),
        ("confirmed_response", [(42, "PR"), (84, "SD")], 1000, "NR"),
        ("confirmed_response", [(42, "PR")], 69, "NA"),
        ("confirmed_response", [(42, "PR")], 70, "NR"),
        ("confirmed_response", [(42, "NON-CR/NON-PD")], 1000, "NR"),
        ("confirmed_response", [(42, "PD")], 1000, "NR"),
        ("confirmed_response", [(42, "NE")], 1000, "NA"),
        ("confirmed_response", [], 1000, "NA"),
        ("unconfirmed_response", [(42, "PR"), (84, "PD")], 1000, "R"),
        ("unconfirmed_response", [(42, "PR")], 50, "R"),
        ("unconfirmed_response", [(42, "SD")], 1000, "NR"),
        ("disease_control", [(42, "SD")], 1000, "R"),
        ("disease_control", [(42, "PR")], 50, "R"),
        ("disease_control", [(42, "PD")], 1000, "NR"),
        ("disease_control", [(20, "SD")], 1000, "NA"),
    ],
)
def test_responder_by_definition(definition, steps, cut, expected):
    assert best(*steps, settings=ClinicalSettings(response_definition=definition), cut=cut)["response"] == expected


@pytest.mark.parametrize(
    ("steps", "more", "pending"),
    [
        ([(42, "PR")], {}, "Y"),
        ([(42, "PR"), (56, "PR")], {}, "Y"),
        ([(42, "PR"), (56, "NE")], {}, "Y"),
        ([(42, "PR"), (50, "NE"), (56, "NE")], {}, "N"),
        ([(42, "PR"), (56, "SD")], {}, "N"),
        ([(42, "PR"), (56, "PD")], {}, "N"),
        ([(42, "PR")], {"death_day": 60.0}, "N"),
        ([(42, "PR")], {"new_therapy_day": 60.0}, "N"),
        ([(42, "PR")], {"new_therapy_day": 80.0}, "Y"),  # after the data cut: not known yet
        ([(42, "SD")], {}, "N"),
        ([(1, "PR"), (42, "PR")], {}, "N"),  # confirmed
        ([(10, "PR"), (20, "SD"), (60, "PR")], {}, "Y"),  # the first is lost, the second waits
    ],
)
def test_pending(steps, more, pending):
    row = best(*steps, cut=65.0, **more)
    assert row["pending"] == pending
    if pending == "Y":
        assert row["response"] == "NA"
        assert row["first_response_day"] == max(day for day, seen in steps if seen == "PR" and day != 56)
        assert "follow-up ends" in row["reason"]


def test_assessments_from_the_next_treatment_on_do_not_count():
    steps = [(42, "PR"), (84, "PR")]
    assert best(*steps, new_therapy_day=85.0)["cbor"] == "PR"
    assert best(*steps, new_therapy_day=84.0)["cbor"] == "SD"
    row = best((42, "SD"), (84, "PD"), new_therapy_day=50.0)
    assert (row["cbor"], row["pd_day"]) == ("SD", 84)


def test_days_of_response_and_confirmation():
    row = best((42, "PR"), (84, "SD"), (126, "PR"), (140, "CR"), (168, "PR"), (200, "PD"))
    assert row[["first_response_day", "first_unconfirmed_day", "pd_day"]].tolist() == [42, 42, 200]
    row = best((42, "PR"), (84, "SD"), (126, "PR"), (168, "CR"), (200, "CR"))
    assert row[["first_response_day", "confirmed_day", "first_unconfirmed_day"]].tolist() == [126, 168, 42]
    assert row["cbor"] == "CR"
    assert row[["first_response_date", "confirmed_date"]].tolist() == ["D126", "D168"]
    assert row["reason"] == "response on day 127, confirmed on day 169"


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([(42, "PR"), (84, "SD")], "response on day 43, not confirmed; counts as SD"),
        ([(42, "SD")], "stable on day 36 or later"),
        ([(42, "PD")], "progression on day 43"),
        ([(42, "NE")], "no assessment that can be evaluated, or none on day 36 or later"),
        ([], "no assessment after ILDR that counts"),
    ],
)
def test_reasons(steps, words):
    assert best(*steps)["reason"] == words


def test_reason_of_a_baseline_too_early():
    found = read({"T01": [20, 10]}, settings=ClinicalSettings(baseline_window_days=3))
    answer = best_response(
        patients=patients_of(),
        timepoints=found.timepoints,
        baselines=found.baselines,
        follow_up=followed(),
        settings=ClinicalSettings(baseline_window_days=3),
    )
    row = answer.table.iloc[0]
    assert (row["cbor"], row["response"]) == ("NE", "NA")
    assert row["reason"] == "no baseline scan in the 3 days before ILDR"


def test_complete_response_then_less_is_a_returned_warning():
    warned = best_response(
        patients=patients_of("P1", "P2"),
        timepoints=pd.concat([
            course_of((42, "CR"), (84, "PR"), (126, "PR")),
            course_of((42, "CR"), (84, "NE"), (100, "PD"), (126, "SD"), patient="P2"),
        ]),
        follow_up=followed("P1", "P2"),
        settings=ClinicalSettings(),
    ).warnings  # fmt: skip
    assert [str(item) for item in warned] == [
        "W12 recist_timepoints.tsv column=overall_response value=D84: P1 (INVESTIGATOR): a lesser response after a "
        "complete response. After CR only CR, PD or NE. Query the reading."
    ]


def test_every_patient_has_a_row_for_every_reader():
    table = best_response(
        patients=patients_of("P1", "P2"),
        timepoints=course_of((42, "SD"), reader="IRC"),
        follow_up=followed("P1", "P2"),
        settings=ClinicalSettings(),
    ).table
    assert table[["patient_id", "reader", "cbor"]].values.tolist() == [
        ["P1", "INVESTIGATOR", "MISSING"], ["P1", "IRC", "SD"],
        ["P2", "INVESTIGATOR", "MISSING"], ["P2", "IRC", "MISSING"],
    ]  # fmt: skip


def test_a_response_that_recist_does_not_have_is_refused():
    with pytest.raises(ValueError, match="overall_response iCR: one of NE, CR"):
        best((42, "iCR"))

"""What must never change a response: order of rows, names, repeated rows, a scan that comes later."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.recist_tables import SETTINGS, course_of, followed, lesion_tables, patients_of

from gutaxis.clinical.best_response import best_response
from gutaxis.clinical.recist import assess

pytestmark = pytest.mark.unit

sizes = st.one_of(st.integers(0, 400).map(lambda tenths: tenths / 10), st.sampled_from(["absent", "small", "?", None]))
nontarget = st.sampled_from(["there", "absent", "?", None, "there", "worse"])
any_new = st.sampled_from([None, None, None, "absent", "there", "maybe"])
#: Courses in which confirmed responses are frequent.
mostly_small = st.sampled_from(["absent", "absent", 2.0, 4.0, 7.0, 9.0, "?", 14.0])
mostly_gone = st.sampled_from(["absent", "absent", "there", "there", "there", "worse"])
#: Without `maybe`: an equivocal lesion is the one thing that a later scan may date back.
rarely_new = st.sampled_from([None] * 9 + ["there"])
CHECK = settings(max_examples=20, deadline=None)


@st.composite
def trials(draw, size=sizes, other=nontarget, new=any_new, most_scans=6):
    """One to three patients: two targets, one of them perhaps a node, a non-target, perhaps a new lesion."""
    lesions, rows = [], []
    for number in range(draw(st.integers(1, 3))):
        n = draw(st.integers(1, most_scans))

        def scans(kind, n=n):
            return draw(st.lists(kind, min_size=n, max_size=n))

        findings = {
            "T01": [draw(st.integers(150, 400)) / 10, *scans(size)],
            "T02": [draw(st.integers(150, 400)) / 10, *scans(size)],
            "NT01": ["there", *scans(other)],
            "N01": [None, *scans(new)],
        }
        nodes = ["T02"] if draw(st.booleans()) else []
        part = lesion_tables(findings, nodes=nodes, patient=f"P{number}", every=draw(st.sampled_from([28, 42])))
        lesions.append(part[0])
        rows.append(part[1])
    return pd.concat(lesions, ignore_index=True), pd.concat(rows, ignore_index=True)


def results(lesions: pd.DataFrame, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    found = assess(lesions=lesions, measurements=rows, settings=SETTINGS)
    names = sorted(lesions["patient_id"].unique())
    best = best_response(
        patients=patients_of(*names),
        timepoints=found.timepoints,
        follow_up=followed(*names),
        settings=SETTINGS,
        baselines=found.baselines,
    )
    return found.timepoints, best.table


def assert_same(one, other):
    for left, right in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(left, right)


@CHECK
@given(trials(), st.integers(0, 1000))
def test_the_order_of_rows_changes_nothing(trial, seed):
    lesions, rows = trial
    mixed = rows.sample(frac=1, random_state=seed), lesions.sample(frac=1, random_state=seed)
    assert_same(results(lesions, rows), results(mixed[1], mixed[0]))


@CHECK
@given(trials(), st.sampled_from(["{}", "site-1_{}", "{}.x", "0{}"]), st.sampled_from(["{}", "L-{}", "9{}"]))
def test_names_change_nothing_but_names(trial, person, lesion):
    lesions, rows = trial
    renamed = [
        table.assign(patient_id=table["patient_id"].map(person.format), lesion_id=table["lesion_id"].map(lesion.format))
        for table in trial
    ]
    back = {person.format(name): name for name in lesions["patient_id"].unique()}
    other = [table.assign(patient_id=table["patient_id"].map(back)) for table in results(*renamed)]
    assert_same(results(lesions, rows), other)


@CHECK
@given(trials(), st.integers(2, 3))
def test_repeated_rows_change_nothing(trial, times):
    lesions, rows = trial
    assert_same(results(lesions, rows), results(lesions, pd.concat([rows] * times)))


@CHECK
@given(trials(), st.data())
def test_a_second_name_for_the_same_assessment_changes_no_best_response(trial, data):
    lesions, rows = trial
    scan = data.draw(st.sampled_from(sorted(rows["assessment_id"].unique())))
    copy = rows[rows["assessment_id"] == scan].assign(assessment_id=f"{scan}-copy")
    pd.testing.assert_frame_equal(results(lesions, rows)[1], results(lesions, pd.concat([rows, copy]))[1])


def assert_confirmed_stays(before: pd.DataFrame, after: pd.DataFrame) -> None:
    merged = before.merge(after, on=["patient_id", "reader"], suffixes=("_before", "_after"))
    confirmed = merged[merged["confirmed_day_before"].notna()]
    event(f"confirmed responses: {min(len(confirmed), 2)}")
    assert (confirmed["response_after"] == "R").all()
    np.testing.assert_array_equal(confirmed["first_response_day_before"], confirmed["first_response_day_after"])
    np.testing.assert_array_equal(confirmed["confirmed_day_before"], confirmed["confirmed_day_after"])


@CHECK
@given(trials(size=mostly_small, other=mostly_gone, new=rarely_new), st.integers(80, 260))
def test_a_later_scan_never_removes_a_confirmed_response_or_an_earlier_row(trial, cut):
    lesions, rows = trial
    before, after = results(lesions, rows[rows["assess_day"] <= cut]), results(lesions, rows)
    pd.testing.assert_frame_equal(before[0], after[0][after[0]["day"] <= cut].reset_index(drop=True))
    assert_confirmed_stays(before[1], after[1])


@CHECK
@given(st.lists(st.lists(st.sampled_from([*"CPCPS", "NE"]), min_size=2, max_size=8), min_size=20, max_size=60))
def test_a_later_response_never_removes_a_confirmed_one(courses):
    names = {"C": "CR", "P": "PR", "S": "SD", "NE": "NE"}
    parts = [
        course_of(*[(20 * (place + 1), names[seen]) for place, seen in enumerate(course)], patient=f"P{number}")
        for number, course in enumerate(courses)
    ]
    patients = [f"P{number}" for number in range(len(courses))]

    def best(places: slice) -> pd.DataFrame:
        return best_response(
            patients=patients_of(*patients),
            timepoints=pd.concat([part.iloc[places] for part in parts]),
            follow_up=followed(*patients),
            settings=SETTINGS,
        ).table

    assert_confirmed_stays(best(slice(0, 4)), best(slice(None)))


@CHECK
@given(trials())
def test_every_response_is_one_of_the_vocabulary(trial):
    timepoints, best = results(*trial)
    assert set(timepoints["overall_response"]) <= {"CR", "PR", "SD", "PD", "NE", "NON-CR/NON-PD"}
    assert set(best["response"]) <= {"R", "NR", "NA"}
    unknown = best["cbor"].isin(["NE", "MISSING"])
    assert (best.loc[unknown, "response"] == "NA").all()

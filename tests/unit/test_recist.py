"""RECIST 1.1 per time point: every vector and rule of the criteria that this workflow relies on."""

import numpy as np
import pandas as pd
import pytest
from tests.recist_tables import SETTINGS, lesion_tables, read, responses

from gutaxis.clinical.cells import lesion_cells, tenths_of_mm
from gutaxis.clinical.overall import overall_response
from gutaxis.clinical.recist import TIMEPOINT_COLUMNS, assess, study_day
from gutaxis.clinical.settings import ClinicalSettings
from gutaxis.errors import GutaxisError

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("baseline", "nadir", "now", "expected"),
    [
        (100, 100, 70, "PR"),
        (100, 100, 70.1, "SD"),
        (100, 50, 60, "PD"),
        (20, 20, 24, "SD"),  # +20 %, but only 4 mm
        (25, 25, 30, "PD"),
        (100, 40, 48, "PD"),  # 52 % below the baseline
        (100, 0, 5, "PD"),
        (100, 0, 4, "PD"),  # seen again after a complete response
        (100, 50, 59.9, "PR"),  # +9.9 mm, +19.8 %: no progression, and 40 % below the baseline
        (50, 50, 60, "PD"),
        (26, 26, 31, "SD"),  # 5 mm, but 19.2 %
        (100, 100, 0, "CR"),
        (0.7, 0.7, 0.5, "SD"),  # 0.7 * 0.7 is 0.49
    ],
)
def test_target_response_from_baseline_nadir_and_sum(baseline, nadir, now, expected):
    size = [value or "absent" for value in (baseline, nadir, now)]
    assert responses({"T01": size}, "target_response")[-1] == expected


@pytest.mark.parametrize("tenths", range(10, 300, 7))
def test_limits_are_exact_at_every_size(tenths):
    # floats fail here: 0.7 * 18.0 is 12.599999999999998
    mm = tenths / 10
    at_limit, above = tenths * 7 / 100, (tenths * 7 // 10 + 1) / 10
    if tenths * 7 % 10 == 0:
        assert responses({"T01": [mm, at_limit]}) == ["PR"]
    assert responses({"T01": [mm, above]}) == ["SD"]


def test_a_node_below_10_mm_is_complete_response_although_the_sum_is_not_zero():
    table = read({"T01": [20, "absent"], "T02": [15, 9]}, nodes=["T02"]).timepoints
    assert table["overall_response"].tolist() == ["CR"]
    assert table["sum_mm"].tolist() == [9]
    assert responses({"T01": [20, "absent"], "T02": [15, 10]}, nodes=["T02"]) == ["PR"]


def test_progression_goes_before_missing_targets():
    scans = {"T01": [25, 25, 40], "T02": [25, 25, 40], "T03": [0.5, "absent", "?"]}
    assert responses(scans)[-1] == "PD"  # 80 against a nadir of 50
    scans = {"T01": [25, 25, 20], "T02": [25, 25, 20], "T03": [0.5, "absent", "?"]}
    assert responses(scans)[-1] == "NE"  # 40 against 50
    scans = {"T01": [25, 25, 20], "T02": [25, 25, 20], "T03": [0.5, "absent", None]}
    assert responses(scans)[-1] == "NE"  # no row counts as not evaluated


def test_nadir_is_of_complete_sums_baseline_included_current_excluded():
    table = read({"T01": [30, 10, 20, 28], "T02": [30, "?", 20, 20]}).timepoints
    assert table["nadir_mm"].tolist() == [60, 60, 40]  # the 10 of the incomplete scan is no nadir
    assert table["sum_mm"].tolist() == [10, 40, 48]
    assert table["targets_missing"].tolist() == [1, 0, 0]
    assert table["overall_response"].tolist() == ["NE", "PR", "PD"]
    assert np.isnan(table["pct_change_baseline"][0])
    assert table["pct_change_nadir"].tolist()[1:] == pytest.approx([-100 / 3, 20])


def test_too_small_is_5_mm_and_a_true_smaller_size_is_used_as_it_is():
    assert read({"T01": [20, "small"]}).timepoints["sum_mm"].tolist() == [5]
    assert read({"T01": [20, 3.2]}).timepoints["sum_mm"].tolist() == [3.2]
    assert responses({"T01": [20, "small"]}) == ["PR"]  # it is still there


@pytest.mark.parametrize("finding", ["there", "maybe", "worse", "?"])
def test_a_target_without_a_size_is_missing(finding):
    assert responses({"T01": [20, finding]}) == ["NE"]


def test_sizes_become_tenths_halves_up():
    values = pd.Series([24.45, 0.04, 0.0, 12.34, 32.35, np.nan])
    assert tenths_of_mm(values=values).tolist()[:5] == [245, 1, 0, 123, 324]
    assert np.isnan(tenths_of_mm(values=values).iloc[5])


def test_nodes_count_with_the_short_axis_others_with_the_longest_diameter():
    lesions, rows = lesion_tables({"T01": [20, 20], "T02": [16, 16]}, nodes=["T02"])
    other = rows.assign(axis=rows["axis"].map({"LPERP": "LDIAM", "LDIAM": "LPERP"}), value_mm=rows["value_mm"] + 30)
    both = pd.concat([other, rows], ignore_index=True)
    assert assess(lesions=lesions, measurements=both, settings=SETTINGS).timepoints["sum_mm"].tolist() == [36]
    # only the longest diameter of the node: no size
    part = pd.concat([rows[rows["lesion_id"] == "T01"], other[other["lesion_id"] == "T02"]])
    table = assess(lesions=lesions, measurements=part, settings=SETTINGS)
    assert table.timepoints["overall_response"].tolist() == ["NE"]
    assert table.baselines["measurable"].tolist() == ["N"]


@pytest.mark.parametrize(
    ("days", "used"),
    [([-28, 42], 20), ([-29, 42], None), ([0, 42], 20), ([1, 42], None)],
)
def test_the_baseline_is_on_or_before_ildr_and_within_the_window(days, used):
    lesions, rows = lesion_tables({"T01": [20, 12]})
    rows["assess_day"] = [float(day) for day in days]
    found = assess(lesions=lesions, measurements=rows, settings=SETTINGS)
    base = found.baselines["baseline_mm"][0]
    assert base == used if used else np.isnan(base)
    assert found.timepoints["overall_response"].iloc[-1] == ("PR" if used else "NE")


def test_the_last_scan_before_ildr_is_the_baseline():
    lesions, rows = lesion_tables({"T01": [30, 20, 14]})
    rows["assess_day"] = [-20.0, -3.0, 42.0]
    found = assess(lesions=lesions, measurements=rows, settings=SETTINGS)
    assert found.baselines["baseline_mm"].tolist() == [20]
    assert found.timepoints["overall_response"].tolist() == ["PR"]
    wide = ClinicalSettings(baseline_window_days=2)
    assert assess(lesions=lesions, measurements=rows, settings=wide).timepoints["overall_response"].tolist() == ["NE"]


@pytest.mark.parametrize(
    ("target", "nontarget", "new", "expected"),
    [
        ("CR", "CR", "N", "CR"),
        ("CR", "NONE", "N", "CR"),
        ("CR", "NON-CR/NON-PD", "N", "PR"),
        ("CR", "NE", "N", "PR"),
        *[("PR", nontarget, "N", "PR") for nontarget in ("CR", "NON-CR/NON-PD", "NE", "NONE")],
        *[("SD", nontarget, "N", "SD") for nontarget in ("CR", "NON-CR/NON-PD", "NE", "NONE")],
        *[("NE", nontarget, "N", "NE") for nontarget in ("CR", "NON-CR/NON-PD", "NE", "NONE")],
        *[("PD", nontarget, new, "PD") for nontarget in ("CR", "NE", "NONE", "PD") for new in ("N", "Y")],
        *[(target, "PD", "N", "PD") for target in ("CR", "PR", "SD", "NE", "NONE")],
        *[(target, "CR", "Y", "PD") for target in ("CR", "PR", "SD", "NE", "NONE")],
        ("CR", "CR", "EQUIVOCAL", "CR"),
        ("SD", "NON-CR/NON-PD", "EQUIVOCAL", "SD"),
        ("NONE", "CR", "N", "CR"),
        ("NONE", "NON-CR/NON-PD", "N", "NON-CR/NON-PD"),
        ("NONE", "NE", "N", "NE"),
        ("NONE", "NONE", "N", "NE"),
        ("NONE", "NONE", "Y", "PD"),
    ],
)
def test_the_table_of_overall_responses(target, nontarget, new, expected):
    found = overall_response(target=np.array([target]), nontarget=np.array([nontarget]), new=np.array([new]))
    assert found.tolist() == [expected]


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        (("absent", "absent"), "CR"),
        (("absent", "there"), "NON-CR/NON-PD"),
        (("absent", "maybe"), "NON-CR/NON-PD"),
        (("absent", "small"), "NON-CR/NON-PD"),
        (("absent", 12), "NON-CR/NON-PD"),
        (("absent", "?"), "NE"),
        (("there", None), "NE"),
        (("?", "worse"), "PD"),
        ((0, 0), "CR"),
    ],
)
def test_nontarget_response(findings, expected):
    first, second = findings
    scans = {"NT01": ["there", first], "NT02": ["there", second], "T01": [20, 20]}
    assert responses(scans, "nontarget_response") == [expected]


@pytest.mark.parametrize(("size", "expected"), [(9.9, "CR"), (10, "NON-CR/NON-PD"), ("small", "CR")])
def test_a_nontarget_node_below_10_mm_is_normal(size, expected):
    assert responses({"NT01": [12, size]}, nodes=["NT01"]) == [expected]


@pytest.mark.parametrize(
    ("findings", "new", "overall"),
    [
        (["there", "there"], ["Y", "Y"], ["PD", "PD"]),
        (["maybe", "maybe"], ["EQUIVOCAL", "EQUIVOCAL"], ["SD", "SD"]),
        (["maybe", "worse"], ["Y", "Y"], ["PD", "PD"]),  # dated back to the first sighting
        (["maybe", 7], ["Y", "Y"], ["PD", "PD"]),
        (["maybe", "maybe", "there"], ["Y", "Y", "Y"], ["PD", "PD", "PD"]),
        (["maybe", None, "there"], ["Y", "N", "Y"], ["PD", "SD", "PD"]),
        (["maybe", "absent", "there"], ["EQUIVOCAL", "N", "Y"], ["SD", "SD", "PD"]),  # it had gone: not the same one
        (["maybe", "absent", "absent"], ["EQUIVOCAL", "N", "N"], ["SD", "SD", "SD"]),
        (["?", "small"], ["N", "Y"], ["SD", "PD"]),
    ],
)
def test_new_lesions(findings, new, overall):
    scans = {"T01": [20] * (len(findings) + 1), "N01": [None, *findings]}
    table = read(scans).timepoints
    assert table["new_lesion"].tolist() == new
    assert table["overall_response"].tolist() == overall


def test_a_new_node_below_10_mm_is_normal():
    assert responses({"T01": [20, 20, 20], "N01": [None, 9, 10]}, nodes=["N01"]) == ["SD", "PD"]


def test_what_comes_back_after_a_complete_response_is_progression():
    assert responses({"T01": [20, "absent", "small"]}) == ["CR", "PD"]
    assert responses({"T01": [20, "absent"], "NT01": ["there", "absent"]}) == ["CR"]
    assert responses({"T01": [20, "absent", "absent"], "NT01": ["there", "absent", "there"]}) == ["CR", "PD"]
    assert responses({"NT01": ["there", "absent", "absent", "there"]}) == ["CR", "CR", "PD"]
    # the overall response was not complete: 4 mm more are no progression
    assert responses({"T01": [20, "absent", 4], "NT01": ["there", "there", "there"]}) == ["PR", "PR"]
    # a node is measured on: it progresses by 20 % and 5 mm
    assert responses({"T01": [20, 8, 11]}, nodes=["T01"]) == ["CR", "PR"]
    assert responses({"T01": [20, 8, 13]}, nodes=["T01"]) == ["CR", "PD"]


def test_pd_then_stable_is_told_as_read():
    assert responses({"T01": [20, 30, 31]}) == ["PD", "PD"]
    assert responses({"T01": [20, 30, 20]}) == ["PD", "SD"]


def test_without_a_scan_after_ildr_there_is_no_row():
    found = read({"T01": [20], "NT01": ["there"]})
    assert found.timepoints.empty
    assert list(found.timepoints.columns) == TIMEPOINT_COLUMNS
    assert found.baselines[["baseline_mm", "n_targets", "n_nontargets", "measurable"]].values.tolist() == [
        [20, 1, 1, "Y"]
    ]


def test_dates_last_scan_of_the_assessment_first_for_progression():
    lesions, rows = lesion_tables({"T01": [20, 20, 40], "T02": [20, 20, 20]})
    late = (rows["lesion_id"] == "T02") & (rows["assess_day"] > 0)
    rows.loc[late, "assess_day"] += 3
    rows["assess_date"] = rows["assess_day"].map("D{:g}".format)
    table = assess(lesions=lesions, measurements=rows, settings=SETTINGS).timepoints
    assert table["overall_response"].tolist() == ["SD", "PD"]
    assert table["day"].tolist() == [45, 84]
    assert table["date"].tolist() == ["D45", "D84"]
    assert table["ady"].tolist() == [46, 85]


def test_study_day_has_no_zero():
    assert study_day(days=pd.Series([-2.0, -1.0, 0.0, 1.0])).tolist() == [-2, -1, 1, 2]
    assert study_day(days=pd.Series([np.nan])).isna().all()


def test_two_readers_are_both_told():
    lesions, mine = lesion_tables({"T01": [20, 10]})
    _, other = lesion_tables({"T01": [20, 30]}, reader="IRC")
    table = assess(lesions=lesions, measurements=pd.concat([mine, other]), settings=SETTINGS).timepoints
    assert table[["reader", "overall_response"]].values.tolist() == [["INVESTIGATOR", "PR"], ["IRC", "PD"]]


def test_a_reader_has_the_lesions_that_this_reader_looks_at():
    lesions, mine = lesion_tables({"T01": [20, 10]})
    more, other = lesion_tables({"T11": [30, 30]}, reader="IRC")
    table = assess(lesions=pd.concat([lesions, more]), measurements=pd.concat([mine, other]), settings=SETTINGS)
    assert table.timepoints["baseline_mm"].tolist() == [20, 30]
    assert table.timepoints["targets_missing"].tolist() == [0, 0]


def test_contradictions_are_refused_by_name():
    lesions, rows = lesion_tables({"T01": [20, 10]})
    twice = pd.concat([rows, rows.assign(value_mm=rows["value_mm"] + 1)])
    with pytest.raises(GutaxisError, match=r"E13 .*two different findings of T01 of P1"):
        lesion_cells(lesions=lesions, measurements=twice)
    with pytest.raises(GutaxisError, match=r"E05 .*T01 of patient P1 is not in the lesions sheet"):
        lesion_cells(lesions=lesions[lesions["lesion_id"] != "T01"], measurements=rows)


def test_columns_that_may_be_absent():
    lesions, rows = lesion_tables({"T01": [20, 10]})
    table = assess(
        lesions=lesions, measurements=rows.drop(columns=["reader", "assessment_id", "axis"]), settings=SETTINGS
    )
    assert table.timepoints[["reader", "assessment_id", "overall_response"]].values.tolist() == [
        ["INVESTIGATOR", "D42", "PR"]
    ]


def test_no_measurements_at_all():
    lesions, rows = lesion_tables({"T01": [20]})
    found = assess(lesions=lesions, measurements=rows.iloc[:0], settings=SETTINGS)
    assert found.timepoints.empty
    assert found.baselines.empty

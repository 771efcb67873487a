"""Abscopal effect: which lesions count, what a response is, landmarks, the options, and the two kinds of rates."""

import numpy as np
import pandas as pd
import pytest

from gutaxis.clinical.abscopal import abscopal_effect
from gutaxis.clinical.abscopal_rates import BOOTSTRAP, abscopal_rates, cluster_interval
from gutaxis.clinical.recist import assess
from gutaxis.clinical.settings import ClinicalSettings

pytestmark = pytest.mark.unit


def lesion(name="T01", irradiated="N", category="TARGET", *, node="N", patient="P1", prior_rt="N") -> tuple:
    return patient, name, category, "LYMPH NODE" if node == "Y" else "LIVER", node, irradiated, prior_rt


def run(lesions, sizes, *, cut=400.0, patients=("P1",), new_therapy=np.nan, death=np.nan, **settings):
    """Sizes: lesion -> [(day, mm or state), ...]; a key may be (patient, lesion)."""
    names = ["patient_id", "lesion_id", "category", "organ", "is_node", "irradiated", "prior_rt"]
    sheet = pd.DataFrame(lesions, columns=names)
    nodes = sheet.set_index(["patient_id", "lesion_id"])["is_node"]
    rows = []
    for key, scans in sizes.items():
        patient, name = key if isinstance(key, tuple) else ("P1", key)
        for day, found in scans:
            size = np.nan if isinstance(found, str) else float(found)
            axis = "LPERP" if nodes[(patient, name)] == "Y" else "LDIAM"
            state = found if isinstance(found, str) else "MEASURED"
            rows.append((patient, name, f"A{day}", f"D{day}", float(day), axis, size, state, "INVESTIGATOR"))
    columns = ["patient_id", "lesion_id", "assessment_id", "assess_date", "assess_day", "axis", "value_mm", "state",
               "reader"]  # fmt: skip
    choices = ClinicalSettings(**settings)
    found = assess(lesions=sheet, measurements=pd.DataFrame(rows, columns=columns), settings=choices)
    index = pd.Index(patients, name="patient_id")
    table = pd.DataFrame({"ildr_date": "2026-01-01", "new_therapy_day": new_therapy, "death_day": death}, index=index)
    return abscopal_effect(
        patients=table, lesions=sheet, cells=found.cells, timepoints=found.timepoints, cut=pd.Series(cut, index=index),
        settings=choices,
    )  # fmt: skip


def status(*arguments, week=12, column="abscopal", **keys) -> str:
    table = run(*arguments, **keys).patients.set_index(["patient_id", "week"])
    return table.loc[("P1", week), column]


@pytest.mark.parametrize(
    ("scans", "expected"),
    [
        ([(-7, 40), (42, 28)], "Y"),  # exactly -30 %
        ([(-7, 40), (42, 28.1)], "N"),
        ([(-7, 40), (42, 40)], "N"),
        ([(-7, 40), (42, "ABSENT")], "Y"),
        ([(-7, 40), (42, "TOO SMALL")], "Y"),
        ([(-7, 40), (42, "NOT EVALUATED")], "NE"),
        ([(-7, 40)], "NE"),
        ([(-29, 40), (42, 10)], "NE"),  # baseline outside its window
        ([(-20, 60), (-7, 40), (42, 30)], "N"),  # the last size before ILDR is the baseline
        ([(-7, 40), (42, 20), (84, 60)], "Y"),  # by the week, not at the week
        ([(-7, 40), (91, 20)], "Y"),
        ([(-7, 40), (42, 35), (92, 20)], "N"),  # after the window of week 12
        ([(-7, 9.9), (42, 2)], "NE"),  # not measurable
    ],
)
def test_response_of_one_lesion(scans, expected):
    assert status([lesion()], {"T01": scans}) == expected


def test_nodes_count_with_their_short_axis_from_15_mm_on():
    assert status([lesion(node="Y")], {"T01": [(-7, 20), (42, 14)]}) == "Y"
    assert status([lesion(node="Y")], {"T01": [(-7, 14.9), (42, 5)]}) == "NE"


@pytest.mark.parametrize(
    ("irradiated", "expected", "reason"),
    [("Y", "NE", "NO MEASURABLE LESION OUTSIDE THE FIELD"), ("U", "NE", "IRRADIATION NOT KNOWN"), ("N", "N", "")],
)
def test_irradiated_or_unknown_lesions_never_make_a_no(irradiated, expected, reason):
    table = run([lesion(irradiated=irradiated)], {"T01": [(-7, 40), (42, 39)]}).patients
    assert table.loc[0, "abscopal"] == expected
    assert table.loc[0, "reason"] == reason


def test_an_irradiated_response_is_no_abscopal_effect():
    both = [lesion(), lesion("T02", "Y"), lesion("T03", "U")]
    sizes = {"T01": [(-7, 40), (42, 40)], "T02": [(-7, 40), (42, 4)], "T03": [(-7, 40), (42, 4)]}
    found = run(both, sizes)
    assert found.patients.loc[0, ["abscopal", "n_lesions", "n_responding"]].tolist() == ["N", 1, 0]
    table = found.lesions.set_index("lesion_id")
    assert table["responding"].tolist() == ["N", "NE", "NE"]
    assert table["best_pct_change"].tolist() == [0, -90, -90]  # shown, for the waterfall
    assert table["reason"].fillna("").tolist() == ["", "IRRADIATED", "IRRADIATION NOT KNOWN"]


def test_non_target_with_a_size_counts_unless_irradiated_before_and_new_lesions_never():
    sizes = {"NT1": [(-7, 40), (42, 4)]}
    assert status([lesion("NT1", category="NON-TARGET")], sizes) == "Y"
    assert status([lesion("NT1", category="NON-TARGET", prior_rt="Y")], sizes) == "NE"
    found = run([lesion(), lesion("N1", category="NEW")], {"T01": [(-7, 40), (42, 40)], "N1": [(42, 10), (84, 2)]})
    assert found.lesions["lesion_id"].tolist() == ["T01"]


CONFIRMED = [
    ([(-7, 40), (42, 20), (70, 20)], 400.0, "Y"),
    ([(-7, 40), (42, 20), (69, 20)], 400.0, "N"),  # 27 days
    ([(-7, 40), (42, 20), (60, 40), (84, 20)], 400.0, "N"),
    ([(-7, 40), (42, 20), (60, "NOT EVALUATED"), (84, 20)], 400.0, "Y"),
    ([(-7, 40), (84, 20), (120, 20)], 400.0, "Y"),  # confirmed after the week
    ([(-7, 40), (84, 20)], 400.0, "N"),
    ([(-7, 40), (84, 20)], 111.0, "PENDING"),
    ([(-7, 40), (84, 20)], 112.0, "N"),
    ([(-7, 40), (42, 40)], 400.0, "N"),
]


@pytest.mark.parametrize(("scans", "cut", "expected"), CONFIRMED)
def test_confirmed(scans, cut, expected):
    assert status([lesion()], {"T01": scans}, cut=cut, column="abscopal_confirmed") == expected
    by_option = status([lesion()], {"T01": scans}, cut=cut, abscopal_confirmed=True)
    assert by_option == ("NE" if expected == "PENDING" else expected)


def test_without_progression_option():
    lesions = [lesion(), lesion("T02", "Y")]
    sizes = {"T01": [(-7, 40), (42, 20), (84, 20)], "T02": [(-7, 40), (42, 40), (84, 80)]}
    assert [status(lesions, sizes, week=week, abscopal_without_pd=True) for week in (6, 12)] == ["Y", "N"]
    assert status(lesions, sizes) == "Y"


@pytest.mark.parametrize(
    ("second", "any_lesion", "total"),
    [(40, "Y", "N"), (30, "Y", "Y"), ("NOT EVALUATED", "Y", "NE")],
)
def test_sum_of_the_lesions_outside_the_field(second, any_lesion, total):
    lesions, sizes = [lesion(), lesion("T02")], {"T01": [(-7, 40), (42, 26)], "T02": [(-7, 40), (42, second)]}
    assert status(lesions, sizes) == any_lesion
    assert status(lesions, sizes, abscopal_rule="sum") == total


def test_new_therapy_end_of_follow_up_and_week_not_reached():
    sizes = {"T01": [(-7, 40), (42, 40), (84, 20)]}
    assert status([lesion()], sizes, new_therapy=84.0) == "N"
    assert status([lesion()], sizes, new_therapy=85.0) == "Y"
    assert status([lesion()], sizes, cut=83.0) == "NE"  # the week is not over: no is not known yet
    assert status([lesion()], sizes, cut=83.0, column="reason") == "WEEK NOT REACHED"
    assert status([lesion()], sizes, cut=83.0, death=60.0) == "N"
    assert status([lesion()], {"T01": [(-7, 40), (42, 20)]}, cut=60.0) == "Y"


def test_other_limit():
    assert status([lesion()], {"T01": [(-7, 40), (42, 20)]}, abscopal_decrease_percent=60) == "N"


def several(cut=400.0):
    people = [f"P{number}" for number in range(1, 6)]
    lesions = [lesion(name, patient=person) for person in people for name in ("T01", "T02")]
    best = {"P1": (10, 40), "P2": (10, 10), "P3": (40, 40), "P4": (40, 40), "P5": ("NOT EVALUATED",) * 2}
    sizes = {
        (person, name): [(-7, 40), (42, size)]
        for person in people
        for name, size in zip(("T01", "T02"), best[person], strict=True)
    }
    return run(lesions, sizes, patients=people, cut=cut)


def test_rates_per_patient_and_per_lesion():
    cohorts = pd.Series({"P1": "LUNG", "P2": "LUNG", "P3": "OTHER", "P4": "OTHER", "P5": "OTHER"})
    table = abscopal_rates(effect=several(), cohorts=cohorts).set_index(["endpoint", "week", "cohort"])
    row = table.loc[("ABSCOPAL", 12, "ALL")]
    assert row[["n", "k", "n_reached", "ci_method"]].tolist() == [4, 2, 5, "Clopper-Pearson 95%"]
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((0.0676, 0.9324), abs=1e-4)
    row = table.loc[("LESION", 12, "ALL")]
    assert row[["n", "k", "rate", "n_patients", "ci_method"]].tolist() == [8, 3, 0.375, 4, BOOTSTRAP]
    assert 0 <= row["ci_low"] < 0.375 < row["ci_high"] <= 1
    assert table.loc[("LESION", 12, "OTHER"), ["n", "k", "ci_low"]].tolist() == [4, 0, 0]
    assert table.loc[("LESION", 12, "OTHER"), "ci_method"] == "Clopper-Pearson 95% over patients"
    assert table.loc[("ABSCOPAL", 12, "LUNG"), ["n", "k"]].tolist() == [2, 2]
    assert abscopal_rates(effect=several(), cohorts=cohorts[["P1", "P3"]])["n"].max() == 4


def test_patients_who_have_not_reached_the_week_are_in_no_denominator():
    table = abscopal_rates(effect=several(cut=50.0), cohorts=pd.Series("ALL", index=["P1", "P2", "P3", "P4"]))
    table = table.set_index(["endpoint", "week", "cohort"])
    assert table.loc[("ABSCOPAL", 6, "ALL"), ["n", "k"]].tolist() == [4, 2]
    assert table.loc[("ABSCOPAL", 12, "ALL"), ["n", "k", "n_reached"]].tolist() == [0, 0, 0]
    assert table.loc[("ABSCOPAL_CONFIRMED", 6, "ALL"), ["k", "pending"]].tolist() == [0, 2]


def test_bootstrap_is_that_of_drawing_patients_and_repeats():
    k, n = np.array([0, 0, 1, 2, 0, 3, 1, 0]), np.array([2, 3, 1, 2, 4, 3, 2, 1])
    interval, _ = cluster_interval(k=k, n=n)
    assert cluster_interval(k=k, n=n)[0] == interval
    assert cluster_interval(k=k[::-1], n=n[::-1])[0] == interval
    draws = np.random.default_rng(1).integers(0, 8, (20000, 8))
    plain = np.quantile(k[draws].sum(axis=1) / n[draws].sum(axis=1), [0.025, 0.975])
    assert (interval.low, interval.high) == pytest.approx(tuple(plain), abs=0.03)
    # as if lesions were independent the interval would be narrower
    assert interval.high - interval.low > 0.4
    assert np.isnan(cluster_interval(k=np.array([1]), n=np.array([2]))[0].low)
    assert np.isnan(cluster_interval(k=np.array([]), n=np.array([]))[0].rate)


def test_order_of_rows_does_not_matter():
    lesions = [lesion(), lesion("T02")]
    sizes = {"T01": [(-7, 40), (42, 26), (84, 20)], "T02": [(-7, 40), (42, 40), (84, 40)]}
    turned = {name: scans[::-1] for name, scans in reversed(sizes.items())}
    one, two = run(lesions, sizes), run(lesions[::-1], turned)
    for table, other in zip(one, two, strict=True):
        pd.testing.assert_frame_equal(table, other)

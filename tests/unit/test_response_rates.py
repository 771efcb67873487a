"""Landmarks per patient (Y, N, NE, PENDING, NOT_YET) and the rates made of them."""

import numpy as np
import pandas as pd
import pytest
from tests.recist_tables import course_of, followed, lesion_tables, patients_of

from gutaxis.clinical.best_response import best_response
from gutaxis.clinical.follow_up import cut_days
from gutaxis.clinical.recist import assess
from gutaxis.clinical.response_rates import (
    LANDMARK_COLUMNS,
    RATE_COLUMNS,
    landmarks,
    response_rates,
    response_sets,
)
from gutaxis.clinical.settings import ClinicalSettings
from gutaxis.errors import GutaxisError

pytestmark = pytest.mark.unit
SETTINGS = ClinicalSettings()


def at_weeks(*steps, cut=1000.0, settings=SETTINGS, **columns) -> pd.DataFrame:
    patients, timepoints, follow_up = patients_of(**columns), course_of(*steps), followed(days=cut)
    best = best_response(patients=patients, timepoints=timepoints, follow_up=follow_up, settings=settings).table
    table = landmarks(patients=patients, timepoints=timepoints, best=best, follow_up=follow_up, settings=settings)
    assert list(table.columns) == LANDMARK_COLUMNS
    return table.set_index("week")


@pytest.mark.parametrize(
    ("steps", "more", "orr", "unconfirmed", "dcr"),
    [
        # confirmation may fall after the landmark
        ([(42, "PR"), (84, "PR"), (168, "PR")], {}, "YYY", "YYY", "YYY"),
        ([(49, "PR"), (84, "PR")], {}, "Y Y Y", "YYY", "Y Y NE"),
        ([(50, "PR"), (84, "PR")], {}, "NE Y Y", "NE Y Y", "NE Y NE"),
        ([(42, "SD"), (84, "PR"), (112, "CR"), (168, "CR")], {}, "NYY", "NYY", "YYY"),
        ([(42, "PR"), (84, "SD"), (168, "SD")], {}, "NNN", "YYY", "YYY"),
        ([(42, "SD"), (84, "PD")], {}, "NNN", "NNN", "YNN"),
        ([(42, "PD")], {}, "NNN", "NNN", "NNN"),
        ([(42, "SD"), (91, "PD")], {}, "NNN", "NNN", "YNN"),
        ([(42, "SD"), (92, "PD")], {}, "NNN", "NNN", "Y NE N"),
        ([(42, "SD"), (84, "SD")], {"death_day": 175.0}, "NNN", "NNN", "YYN"),
        ([(42, "SD"), (84, "SD"), (168, "SD")], {"death_day": 176.0}, "NNN", "NNN", "YYY"),
        ([], {"death_day": 30.0}, "NE NE NE", "NE NE NE", "NNN"),
        ([], {}, "NE NE NE", "NE NE NE", "NE NE NE"),
        ([(42, "NE"), (84, "SD")], {}, "NE N N", "NE N N", "NE Y NE"),
        ([(34, "SD")], {}, "NE NE NE", "NE NE NE", "NE NE NE"),
        ([(35, "NON-CR/NON-PD")], {}, "NNN", "NNN", "Y NE NE"),
        ([(42, "SD"), (84, "SD")], {"new_therapy_day": 80.0}, "NNN", "NNN", "Y NE NE"),
        ([(42, "PR")], {"cut": 60.0}, "PENDING NOT_YET NOT_YET", "Y NOT_YET NOT_YET", "Y NOT_YET NOT_YET"),
        ([(42, "PR")], {"cut": 48.0}, "NOT_YET NOT_YET NOT_YET", "NOT_YET NOT_YET NOT_YET", "NOT_YET NOT_YET NOT_YET"),
        ([(42, "SD"), (84, "PR")], {"cut": 91.0}, "N PENDING NOT_YET", "N Y NOT_YET", "Y Y NOT_YET"),
        # early death is no early failure while others of the same age are still waited for
        ([], {"death_day": 30.0, "cut": 80.0}, "NE NOT_YET NOT_YET", "NE NOT_YET NOT_YET", "N NOT_YET NOT_YET"),
        # study days: death is the end of the patient's own calendar
        ([(20, "PD")], {"death_day": 30.0, "cut": 30.0}, "NNN", "NNN", "NNN"),
        ([(42, "PR")], {"cut": np.nan}, *["NOT_YET NOT_YET NOT_YET"] * 3),
    ],
)  # fmt: skip
def test_landmarks(steps, more, orr, unconfirmed, dcr):
    table = at_weeks(*steps, **more)
    for column, expected in (("orr", orr), ("orr_unconfirmed", unconfirmed), ("dcr", dcr)):
        assert table[column].tolist() == (expected.split() if " " in expected else list(expected))


def test_the_best_by_the_week_keeps_what_was_lost():
    assert at_weeks((42, "SD"), (84, "PD"))["dcr_best"].tolist() == ["Y", "Y", "Y"]
    assert at_weeks((42, "PD"))["dcr_best"].tolist() == ["N", "N", "N"]
    assert at_weeks((20, "PR"), (34, "PD"))["dcr_best"].tolist() == ["Y", "Y", "Y"]
    assert at_weeks((34, "SD"))["dcr_best"].tolist() == ["NE", "NE", "NE"]


def test_window_and_weeks_are_settings():
    narrow = ClinicalSettings(visit_window_days=0, weeks_response=(6, 9))
    table = at_weeks((45, "PR"), (80, "PR"), settings=narrow)
    assert table["orr"].to_dict() == {6: "NE", 9: "Y"}
    assert at_weeks((45, "PR"), (80, "PR"))["orr"].to_dict() == {6: "Y", 12: "Y", 24: "Y"}


def test_rates_per_cohort_and_pooled():
    names = [f"P{number}" for number in range(8)]
    patients = patients_of(*names, cohort=["LUNG"] * 4 + ["OTHER"] * 4)
    steps = {
        "P0": [(42, "PR"), (84, "PR")], "P1": [(42, "PR"), (84, "SD")], "P2": [(42, "NE")],
        "P4": [(42, "PR")], "P5": [(42, "PD")], "P6": [(42, "SD")], "P7": [(42, "CR"), (84, "CR")],
    }  # fmt: skip
    timepoints = pd.concat([course_of(*rows, patient=name) for name, rows in steps.items()])
    follow_up = followed(*names, days=[200.0, 200.0, 200.0, 200.0, 60.0, 200.0, 40.0, 200.0])
    best = best_response(patients=patients, timepoints=timepoints, follow_up=follow_up, settings=SETTINGS).table
    found = landmarks(patients=patients, timepoints=timepoints, best=best, follow_up=follow_up, settings=SETTINGS)
    sets = pd.DataFrame({"patient_id": names, "FAS": ["Y"] * 8, "EVAL": ["Y", "Y", "Y", "N", "Y", "Y", "Y", "Y"]})
    rates = response_rates(landmarks=found, patients=patients, analysis_sets=sets)
    assert list(rates.columns) == RATE_COLUMNS
    assert len(rates) == 4 * 3 * 2 * 3
    assert (rates["ci_method"] == "Clopper-Pearson 95%").all()
    row = rates.set_index(["endpoint", "week", "analysis_set", "cohort"])
    counts = ["n", "n_reached", "k", "pending", "n_ne"]
    assert row.loc[("ORR", 6, "FAS", "ALL"), counts].tolist() == [8, 7, 2, 1, 2]
    assert row.loc[("ORR", 6, "FAS", "LUNG"), counts].tolist() == [4, 4, 1, 0, 2]
    assert row.loc[("ORR", 6, "EVAL", "LUNG"), counts].tolist() == [3, 3, 1, 0, 1]
    assert row.loc[("ORR", 6, "FAS", "OTHER"), counts].tolist() == [4, 3, 1, 1, 0]
    assert row.loc[("ORR_unconfirmed", 6, "FAS", "ALL"), counts].tolist() == [8, 7, 4, 0, 2]
    pooled = row.loc[("ORR", 6, "FAS", "ALL")]
    assert [pooled["rate"], pooled["ci_low"], pooled["ci_high"]] == pytest.approx([2 / 7, 0.03669257, 0.70957914])


def test_a_set_without_patients_has_a_row_without_a_rate():
    patients = patients_of("P1", "P2", cohort=["LUNG", "OTHER"])
    timepoints = course_of((42, "SD"))
    follow_up = followed("P1", "P2")
    best = best_response(patients=patients, timepoints=timepoints, follow_up=follow_up, settings=SETTINGS).table
    found = landmarks(patients=patients, timepoints=timepoints, best=best, follow_up=follow_up, settings=SETTINGS)
    sets = pd.DataFrame({"patient_id": ["P1", "P2"], "FAS": ["Y", "Y"], "EVAL": ["Y", "N"]})
    rates = response_rates(landmarks=found, patients=patients, analysis_sets=sets)
    empty = rates[(rates["analysis_set"] == "EVAL") & (rates["cohort"] == "OTHER")]
    assert (empty["n"] == 0).all()
    assert empty["rate"].isna().all()


def test_two_readers_have_their_own_rates():
    patients, follow_up = patients_of(), followed()
    timepoints = pd.concat([
        course_of((42, "PR"), (84, "PR")), course_of((42, "PD"), reader="IRC"),
    ])  # fmt: skip
    best = best_response(patients=patients, timepoints=timepoints, follow_up=follow_up, settings=SETTINGS).table
    found = landmarks(patients=patients, timepoints=timepoints, best=best, follow_up=follow_up, settings=SETTINGS)
    sets = pd.DataFrame({"patient_id": ["P1"], "FAS": ["Y"], "EVAL": ["Y"]})
    rates = response_rates(landmarks=found, patients=patients, analysis_sets=sets)
    one = rates[(rates["endpoint"] == "ORR") & (rates["week"] == 6) & (rates["analysis_set"] == "FAS")]
    assert one.groupby("reader")["k"].max().to_dict() == {"INVESTIGATOR": 1, "IRC": 0}


def test_sets_of_response():
    lesions, rows = zip(
        lesion_tables({"T01": [20, 10]}),
        lesion_tables({"T01": [20]}, patient="P2"),
        lesion_tables({"NT01": ["there", "there"]}, patient="P3"),
        lesion_tables({"T01": [20, 20]}, patient="P4"),
        strict=True,
    )
    found = assess(lesions=pd.concat(lesions), measurements=pd.concat(rows), settings=SETTINGS)
    patients = patients_of("P1", "P2", "P3", "P4", "P5", ildr_dose_gy=[1.0, np.nan, 1.0, 3.0, 1.0])
    patients.loc["P5", "ildr_day"] = np.nan
    sets = response_sets(patients=patients, timepoints=found.timepoints, baselines=found.baselines, settings=SETTINGS)
    assert sets["FAS"].tolist() == ["Y", "Y", "Y", "N", "N"]
    assert sets["EVAL"].tolist() == ["Y", "N", "N", "N", "N"]


def cut(**more) -> list[float]:
    patients = pd.DataFrame(
        {
            "ildr_date": ["2026-01-01", "2026-02-01", None],
            "ildr_day": [0.0, 0.0, np.nan],
            "last_alive_day": [30.0, 100.0, np.nan],
        },
        index=pd.Index(["P1", "P2", "P3"], name="patient_id"),
    )
    filler = {"measurements": None, "adverse_events": None, "data_cut": None, "dates": "iso"}
    return cut_days(patients=patients, **{**filler, **more}).tolist()


def test_follow_up_ends_with_the_data_cut():
    assert cut(data_cut="2026-03-02")[:2] == [60, 29]
    # without a cut: the latest date of any sheet, 100 days after 2026-02-01
    assert cut()[:2] == [131, 100]
    assert np.isnan(cut()[2])
    scans = pd.DataFrame({"patient_id": ["P1"], "assess_day": [200.0]})
    assert cut(measurements=scans)[:2] == [200, 169]
    events = pd.DataFrame({"patient_id": ["P2"], "start_day": [10.0], "end_day": [150.0]})
    assert cut(adverse_events=events)[:2] == [181, 150]


def test_with_study_days_follow_up_is_the_patients_own():
    scans = pd.DataFrame({"patient_id": ["P1"], "assess_day": [42.0]})
    assert cut(measurements=scans, dates="study_day")[:2] == [42, 100]


def test_a_wrong_data_cut_is_told():
    with pytest.raises(GutaxisError, match=r"C03 config column=clinical.data_cut value=2026: This is no date"):
        cut(data_cut="2026")
    with pytest.raises(GutaxisError, match=r"C05 .*no common calendar"):
        cut(data_cut="2026-01-01", dates="study_day")


def test_settings_come_from_the_config():
    config = {
        "clinical": {"weeks_pfs2": [6, 9], "reader": "IRC", "data_cut": None},
        "visits": {"visit_window_days": 3, "post_target_day": 21},
        "response": {"source": "recist", "definition": "disease_control"},
    }
    found = ClinicalSettings.from_config(config)
    assert (found.weeks_pfs2, found.reader, found.visit_window_days) == ((6, 9), "IRC", 3)
    assert (found.response_definition, found.sd_min_days) == ("disease_control", 35)
    with pytest.raises(ValueError, match="pfs2_event='third': one of first_after_ildr, second_after_ildr"):
        ClinicalSettings(pfs2_event="third")

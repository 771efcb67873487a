"""Eligibility, criterion by criterion, and the analysis sets with their reasons."""

import numpy as np
import pandas as pd
import pytest

from gutaxis.clinical.eligibility import CRITERIA, analysis_sets, eligibility
from gutaxis.clinical.settings import ClinicalSettings

pytestmark = pytest.mark.unit
GOOD = {
    "ildr_date": "2026-01-01", "ildr_day": 0.0, "ildr_dose_gy": 1.0, "ici_first_day": 1.0, "ecog": 1.0,
    "n_metastatic_sites": 2.0, "prior_icb": "MONO", "prior_icb_pd_day": -30.0, "life_exp_ge3mo": "Y",
    "prior_pelvic_rt": "N", "active_infection": "N", "organ_dysfunction": "N", "concurrent_therapy": "N",
}  # fmt: skip
SETTINGS = ClinicalSettings()


def one(measurable="Y", scanned=True, reader="INVESTIGATOR", **cells):
    patients = pd.DataFrame([GOOD | cells], index=pd.Index(["P1"], name="patient_id"))
    targets = 1 if measurable == "Y" else 0
    baselines = pd.DataFrame([("P1", reader, targets, measurable)], columns=["patient_id", "reader", "n_targets",
                                                                             "measurable"])  # fmt: skip
    timepoints = pd.DataFrame([("P1", reader)] if scanned else [], columns=["patient_id", "reader"])
    criteria = eligibility(patients=patients, baselines=baselines, settings=SETTINGS)
    sets = analysis_sets(
        patients=patients, criteria=criteria, timepoints=timepoints, baselines=baselines, settings=SETTINGS
    )
    return criteria.set_index("criterion"), sets.iloc[0]


def test_a_patient_who_meets_everything_is_in_every_set():
    criteria, sets = one()
    assert list(criteria.index) == list(CRITERIA)
    assert set(criteria["met"]) == {"Y"}
    assert sets[["FAS", "EVAL", "SAF", "PP"]].tolist() == ["Y"] * 4
    assert sets[["reason_FAS", "reason_EVAL", "reason_SAF", "reason_PP"]].isna().all()


@pytest.mark.parametrize(
    ("criterion", "cells", "met"),
    [
        ("METASTATIC", {"n_metastatic_sites": 0.0}, "N"), ("METASTATIC", {"n_metastatic_sites": np.nan}, "NA"),
        ("PRIOR_ICB", {"prior_icb": "COMBO"}, "Y"), ("PRIOR_ICB", {"prior_icb": np.nan}, "NA"),
        ("PROGRESSED_ON_ICB", {"prior_icb_pd_day": 5.0}, "N"),
        ("PROGRESSED_ON_ICB", {"prior_icb_pd_day": np.nan}, "NA"),
        ("ECOG_0_2", {"ecog": 0.0}, "Y"), ("ECOG_0_2", {"ecog": 2.0}, "Y"), ("ECOG_0_2", {"ecog": 3.0}, "N"),
        ("LIFE_EXPECTANCY_3_MONTHS", {"life_exp_ge3mo": "N"}, "N"),
        ("LIFE_EXPECTANCY_3_MONTHS", {"life_exp_ge3mo": np.nan}, "NA"),
        ("MEASURABLE_LESION", {"measurable": "N"}, "N"),
        ("NO_PELVIC_RADIOTHERAPY", {"prior_pelvic_rt": "Y"}, "N"), ("NO_INFECTION", {"active_infection": "Y"}, "N"),
        ("NO_ORGAN_DYSFUNCTION", {"organ_dysfunction": "Y"}, "N"),
        ("NO_CONCURRENT_THERAPY", {"concurrent_therapy": "Y"}, "N"),
        ("NO_CONCURRENT_THERAPY", {"concurrent_therapy": np.nan}, "NA"),
        ("ICI_WITHIN_24_H", {"ici_first_day": 0.0}, "Y"), ("ICI_WITHIN_24_H", {"ici_first_day": 2.0}, "N"),
        ("ICI_WITHIN_24_H", {"ici_first_day": np.nan}, "NA"), ("ILDR_DOSE", {"ildr_dose_gy": np.nan}, "NA"),
    ],
)  # fmt: skip
def test_each_criterion_and_what_it_does_to_the_per_protocol_set(criterion, cells, met):
    criteria, sets = one(**cells)
    assert criteria.loc[criterion, "met"] == met
    assert (criteria["met"] != "Y").sum() == (met != "Y")
    assert sets["FAS"] == "Y"  # a violation keeps the patient in the full analysis set
    assert sets["PP"] == ("N" if met == "N" else "Y")
    if met != "Y":
        assert sets["reason_PP"] == f"{'violated' if met == 'N' else 'not known'}: {criterion}"


def test_another_dose_is_listed_and_left_out_of_the_primary_set_but_not_of_safety():
    criteria, sets = one(ildr_dose_gy=3.0)
    assert criteria.loc["ILDR_DOSE", ["met", "detail"]].tolist() == ["N", "3 Gy"]
    assert sets[["FAS", "EVAL", "SAF", "PP"]].tolist() == ["N", "N", "Y", "N"]
    assert sets["reason_FAS"] == "ILDR dose: 3 Gy"


def test_no_ildr_no_set():
    sets = one(ildr_date=np.nan, ildr_day=np.nan)[1]
    assert sets[["FAS", "EVAL", "SAF", "PP"]].tolist() == ["N"] * 4
    assert sets["reason_SAF"] == sets["reason_FAS"] == "no ILDR"


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"scanned": False}, "no assessment after ILDR"), ({"measurable": "N"}, "no complete measurable baseline"),
        ({"reader": "IRC"}, "no assessment after ILDR"),
    ],
)  # fmt: skip
def test_evaluable_set(keys, reason):
    sets = one(**keys)[1]
    assert sets[["FAS", "EVAL", "reason_EVAL"]].tolist() == ["Y", "N", reason]


def test_columns_and_baselines_that_are_not_there_are_not_known():
    patients = pd.DataFrame({"ildr_date": ["2026-01-01"]}, index=pd.Index(["P1"], name="patient_id"))
    criteria = eligibility(patients=patients, baselines=None, settings=SETTINGS)
    assert set(criteria["met"]) == {"NA"}
    assert set(criteria["detail"]) == {"not known"}

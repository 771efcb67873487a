"""The simulated studies by which the prediction is judged: what is drawn, what is the truth."""

import numpy as np
import pytest
from tests.predict_cases import quick

from gutaxis.predict.calibration import COLUMNS, calibrate, summary

pytestmark = pytest.mark.unit


def test_studies_of_a_population_with_an_effect():
    table = calibrate(
        profile="detectable", layer="taxa", features=40, populations=[2], studies=3, n=36,
        settings=quick(permutations=20, clinical=[]),
    )  # fmt: skip
    assert list(table.columns) == COLUMNS
    assert len(table) == 3
    assert (table["own_truth"] > 0.6).all()
    assert table["truth"].nunique() == 1
    assert table["truth"].iloc[0] == pytest.approx(table["own_truth"].mean())
    assert (table["widening"] >= 1).all()
    found = summary(table=table)
    assert found["studies"] == 3
    assert found["mean_auc"] > 0.6


def test_without_an_effect_the_truth_is_one_half_and_auc_is_near_it():
    table = calibrate(
        profile="null", layer="blood_programs", features=24, populations=[1, 2], studies=20,
        settings=quick(clinical=[], folds=4),
    )  # fmt: skip
    assert (table["truth"] == 0.5).all()
    assert table["p_null"].isna().all(), "no shuffled run was asked for"
    assert table["own_truth"].mean() == pytest.approx(0.5, abs=0.02)
    error = table["auc"].std(ddof=1) / np.sqrt(len(table))
    assert abs(table["auc"].mean() - 0.5) < 3 * error

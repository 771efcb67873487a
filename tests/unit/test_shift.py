"""Within-patient shift: place among the distances between patients, exchanged samples, relation to response."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.paired_trials import bray_curtis, observations, trial

from gutaxis.stats.design import contrast_design
from gutaxis.stats.results import RESULT_COLUMNS
from gutaxis.stats.shift import SHIFT_COLUMNS, shift_tests, within_patient_shift

pytestmark = pytest.mark.unit


def designs(layer, outcomes, covariates=("cohort",)):
    return [
        contrast_design(
            contrast=contrast, observations=observations(layer, outcomes), covariates=covariates, pairs="differences"
        )
        for contrast in ("change", "response_change")
    ]


def shifts(layer, outcomes, distances=None):
    change, _ = designs(layer, outcomes)
    distances = bray_curtis(layer) if distances is None else distances
    return within_patient_shift(
        distances=distances, design=change, patients=layer.obs["patient_id"], metric="braycurtis"
    )


def test_one_row_per_pair_with_its_distance_and_place():
    layer, outcomes = trial(patients=12, missing_post=2)
    table = shifts(layer, outcomes)
    assert list(table.columns) == SHIFT_COLUMNS
    assert table["patient_id"].tolist() == [f"P{number:02d}" for number in range(10)]
    distances = bray_curtis(layer)
    pre, post = list(table["pre"]), list(table["post"])
    others = [distances.at[one, two] for i, one in enumerate(pre) for j, two in enumerate(post) if i != j]
    for row in table.itertuples():
        assert row.distance == distances.at[f"{row.patient_id}_pre", f"{row.patient_id}_post"]
        assert row.percentile == pytest.approx(stats.percentileofscore(others, row.distance, kind="mean"))
        ranked = sorted(post, key=lambda name, row=row: distances.at[row.pre, name])
        assert row.own_rank == 1 + ranked.index(row.post)
        assert row.nearest_post == ranked[0][:3]
        assert row.own_is_nearest == (row.own_rank == 1)
    assert table["warning"].isna().all()


def test_exchanged_post_samples_are_warned_of():
    layer, outcomes = trial(patients=9, seed=2)
    values = layer.X.copy()
    values[[9 + 3, 9 + 6]] = values[[9 + 6, 9 + 3]]
    layer.X = values
    table = shifts(layer, outcomes).set_index("patient_id")
    assert table.loc["P03", "warning"].startswith("POST fits P06 better")
    assert table.loc["P06", "warning"].startswith("POST fits P03 better")
    assert table.drop(index=["P03", "P06"])["warning"].isna().all()
    assert table.loc["P03", "nearest_post"] == "P06"
    assert not table.loc["P03", "own_is_nearest"]


def test_a_sample_under_two_patients_is_warned_of():
    layer, outcomes = trial(patients=9, seed=3)
    values = layer.X.copy()
    values[9 + 4] = values[2] * (1 + 1e-3 * np.random.default_rng(0).normal(size=values.shape[1]))
    layer.X = values
    table = shifts(layer, outcomes).set_index("patient_id")
    assert table.loc["P04", "warning"].startswith("P04_post is nearly identical to P02_pre of P02")
    assert "P02_pre is nearly identical to P04_post" in table.loc["P02", "warning"]
    assert table["warning"].notna().sum() == 2


def test_own_samples_are_nearer_and_chance_pairs_are_not():
    layer, outcomes = trial(patients=12)
    change, response = designs(layer, outcomes)
    common = {"layer": "taxa", "metric": "braycurtis", "role": "secondary", "permutations": 199, "seed": 1}
    table = shift_tests(distances=bray_curtis(layer), change=change, response=response, **common)
    assert list(table.columns) == [*RESULT_COLUMNS, "reason"]
    assert table["method"].tolist() == ["pairing_permutation", "ols", "van_elteren"]
    assert table["role"].tolist() == ["secondary", "secondary", "sensitivity"]
    first = table.iloc[0]
    assert first["p"] == 0.005
    assert first["estimate"] < 0
    ps = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        names = list(layer.obs_names)
        noise = np.triu(rng.random((24, 24)), 1)
        chance = pd.DataFrame(noise + noise.T, index=names, columns=names)
        found = shift_tests(distances=chance, change=change, response=response, **common | {"seed": seed})
        ps.append(found.loc[0, "p"])
    assert 0.3 < np.mean(ps) < 0.7


def test_few_patients_are_enumerated():
    layer, outcomes = trial(patients=6)
    change, response = designs(layer, outcomes, covariates=())
    table = shift_tests(
        distances=bray_curtis(layer), change=change, response=response, layer="taxa", metric="m", role="x",
        permutations=99, seed=1,
    )  # fmt: skip
    # three cohorts of two: eight pairings
    assert table.loc[0, "p"] * 8 == pytest.approx(round(table.loc[0, "p"] * 8))


def test_a_larger_shift_of_responders_is_found_by_all_tests():
    layer, outcomes = trial(patients=24, interaction=2.5)
    change, response = designs(layer, outcomes)
    distances = bray_curtis(layer)
    table = shift_tests(
        distances=distances, change=change, response=response, layer="taxa", metric="m", role="x", permutations=99,
        seed=1,
    ).set_index("method")  # fmt: skip
    assert (table.loc[["ols", "van_elteren"], "p"] < 0.01).all()
    assert (table.loc[["ols", "van_elteren"], "ci_low"] > 0).all()
    own = np.array([distances.at[f"{name}_pre", f"{name}_post"] for name in response.units.index])
    expected = np.linalg.lstsq(response.matrix, own, rcond=None)[0][response.tested_index]
    assert table.loc["ols", "estimate"] == pytest.approx(expected)


def test_one_class_or_two_pairs_leave_what_can_be_said():
    layer, outcomes = trial(patients=6)
    common = {"layer": "taxa", "metric": "m", "role": "x", "permutations": 99, "seed": 1}
    change, response = designs(layer, outcomes.assign(response="NR"))
    table = shift_tests(distances=bray_curtis(layer), change=change, response=response, **common)
    assert table["method"].tolist() == ["pairing_permutation"]
    assert "response_change: 0 responders" in table.attrs["refusal"]
    layer, outcomes = trial(patients=6, missing_post=4)
    change, response = designs(layer, outcomes)
    table = shift_tests(distances=bray_curtis(layer), change=change, response=response, **common)
    assert table.empty
    assert "change: 2 complete pairs; at least 3" in table.attrs["refusal"]
    assert len(shifts(layer, outcomes)) == 2
    none = layer[layer.obs["timepoint"] == "PRE"].copy()
    assert shifts(none, outcomes.loc[none.obs_names]).empty

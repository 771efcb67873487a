"""PERMANOVA of the contrasts: the right rows, the right arrangements, power where there is an effect, level without."""

import numpy as np
import pandas as pd
import pytest
from tests.paired_trials import bray_curtis, observations, trial

from gutaxis.stats.contrast_permanova import TABLE, arrangements_for, contrast_gram, contrast_permanova, martingale
from gutaxis.stats.design import contrast_design
from gutaxis.stats.permanova import gower, permanova
from gutaxis.stats.permutations import permute_rows

pytestmark = pytest.mark.unit


def run(contrast, permutations=199, covariates=("cohort",), seed=1, **keys):
    layer, outcomes = trial(**keys)
    design = contrast_design(
        contrast=contrast, observations=observations(layer, outcomes), covariates=covariates, pairs="differences"
    )
    table = contrast_permanova(distances=bray_curtis(layer), design=design, permutations=permutations, seed=seed)
    assert list(table.columns) == TABLE
    return table.set_index("term")


def test_each_effect_is_found_by_its_contrast_and_no_other():
    effects = {"baseline": {"response": 2.5}, "change": {"time": 2.5}, "response_change": {"interaction": 2.5}}
    terms = {"baseline": "response", "change": "time", "response_change": "response:time"}
    for contrast, effect in effects.items():
        assert run(contrast, **effect).loc[terms[contrast], "p"] == 0.005
    # an effect that another contrast is about leaves this one alone
    assert run("response_change", time=2.0).loc["response:time", "p"] > 0.05
    assert run("change", response=2.0).loc["time", "p"] > 0.05
    assert run("baseline", time=2.0, interaction=2.0).loc["response", "p"] > 0.05
    assert run("post", interaction=2.0).loc["response", "p"] < 0.05


def test_rows_of_each_contrast():
    table = run("baseline", covariates=("cohort", "antibiotics"))
    assert list(table.index) == ["response", "cohort", "antibiotics", "Residual", "Total"]
    assert table["df"].tolist() == [1, 2, 1, 13, 17]
    assert table.loc["response", "scheme"] == table.loc["antibiotics", "scheme"] == "patients within blocks"
    assert table.loc["cohort", "scheme"] == "patients"
    table = run("change")
    assert list(table.index) == ["time", "patient", "Residual", "Total"]
    assert table["df"].tolist() == [1, 17, 17, 35]
    assert table["ss"].iloc[:3].sum() == pytest.approx(table["ss"].iloc[3])
    assert table["r2"].iloc[:3].sum() == pytest.approx(1)
    assert table.loc["time", "scheme"] == "swap within patient"
    table = run("response_change")
    assert list(table.index) == ["response:time", "cohort:time", "Residual", "Total"]
    assert table["n"].tolist() == [18] * 4


def test_change_is_the_model_of_patient_and_time():
    layer, _ = trial(time=1.0)
    table = run("change", time=1.0)
    names = [f"P{number:02d}_{point}" for point in ("pre", "post") for number in range(18)]
    gram = gower(distances=bray_curtis(layer).loc[names, names].to_numpy())
    matrix = np.column_stack([np.tile(np.eye(18), (2, 1)), np.repeat([0.0, 1.0], 18)])
    few = permute_rows(blocks=np.arange(36), permutations=1, seed=1)
    expected = permanova(gram=gram, matrix=matrix, terms={"time": (18,)}, arrangements=few)
    assert table.loc["time", ["ss", "f", "r2"]].tolist() == pytest.approx(expected.loc[0, ["ss", "f", "r2"]].tolist())


def test_response_change_is_the_interaction_of_the_full_model():
    """SS and F of response:time given patient and time, for a design without covariates."""
    layer, outcomes = trial(interaction=1.0)
    table = run("response_change", covariates=(), interaction=1.0)
    responds = (outcomes["response"] == "R").to_numpy(float)
    time = np.repeat([0.0, 1.0], 18)
    matrix = np.column_stack([np.tile(np.eye(18), (2, 1)), time, time * responds])
    few = permute_rows(blocks=np.arange(36), permutations=1, seed=1)
    gram = gower(distances=bray_curtis(layer).to_numpy())
    expected = permanova(gram=gram, matrix=matrix, terms={"response:time": (19,)}, arrangements=few)
    found = table.loc["response:time", ["ss", "f"]].tolist()
    assert found == pytest.approx(expected.loc[0, ["ss", "f"]].tolist())


def test_patients_without_both_samples_stay_out_of_changes():
    table = run("change", missing_post=4, time=1.0)
    assert table["n"].tolist() == [14] * 4
    whole = run("baseline", missing_post=4)
    assert whole.loc["Total", "df"] == 17


def test_few_patients_are_enumerated():
    table = run("change", patients=6, permutations=999)
    assert (table.loc["time", "permutations"], table.loc["time", "exact"]) == (63, True)
    assert table.loc["time", "p"] * 64 == pytest.approx(round(table.loc["time", "p"] * 64))
    table = run("baseline", patients=8, covariates=(), permutations=999)
    assert table.loc["response", "exact"]
    # cohorts of 3, 3, 2 with 1 responder each: 3 x 3 x 2 arrangements
    assert table.loc["response", "permutations"] == 17


def test_same_seed_same_bytes_and_seeds_differ():
    first, again, other = (run("baseline", seed=seed, permutations=99) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert first.loc["response", "f"] == other.loc["response", "f"]
    assert first["p"].tolist() != other["p"].tolist()


def test_the_order_of_samples_does_not_matter():
    layer, outcomes = trial(response=0.8)
    shuffled = np.random.default_rng(3).permutation(layer.n_obs)
    tables = []
    for order in (np.arange(layer.n_obs), shuffled):
        mine = layer[order].copy()
        design = contrast_design(
            contrast="baseline", observations=observations(mine, outcomes), covariates=("cohort",), pairs="differences"
        )
        tables.append(contrast_permanova(distances=bray_curtis(mine), design=design, permutations=99, seed=1))
    pd.testing.assert_frame_equal(tables[0], tables[1])


def test_a_term_that_is_the_block_is_permuted_over_all():
    blocks = np.repeat([0, 1, 2], 4)
    matrix = np.column_stack([np.ones(12), blocks == 1, blocks == 2, np.tile([0, 1], 6)]).astype(float)
    common = {"matrix": matrix, "blocks": blocks, "permutations": 50, "seed": 1}
    cohort = arrangements_for(columns=(1, 2), **common)
    inside = arrangements_for(columns=(3,), **common)
    assert (blocks[inside.order] == blocks).all()
    assert not (blocks[cohort.order] == blocks).all()
    assert (cohort.scheme, inside.scheme) == ("patients", "patients within blocks")


def test_refusals_are_rows_with_a_reason():
    layer, outcomes = trial(patients=6)
    for change, contrast in (({"response": "NR"}, "baseline"), ({"response": "NR"}, "response_change")):
        design = contrast_design(
            contrast=contrast, observations=observations(layer, outcomes.assign(**change)), pairs="differences"
        )
        table = contrast_permanova(distances=bray_curtis(layer), design=design, permutations=9, seed=1)
        assert table["reason"].tolist() == [design.refusal]
        assert "0 responders" in design.refusal
        assert table["p"].isna().all()
    mixed = contrast_design(contrast="change", observations=observations(layer, outcomes), pairs="mixed")
    with pytest.raises(ValueError, match="differences"):
        contrast_permanova(distances=bray_curtis(layer), design=mixed, permutations=9, seed=1)


def test_survival_finds_a_gradient_and_is_level_without():
    layer, outcomes = trial(patients=24, seed=4)
    first = layer.X[:24, 0]
    rank = np.argsort(np.argsort(first))
    dying = outcomes.assign(pfs2_days=np.tile(400.0 - 15 * rank, 2), pfs2_cnsr=0.0)
    logs = pd.DataFrame(np.log(layer.X[:, [0]]), index=layer.obs_names)
    distances = pd.DataFrame(
        np.abs(logs.to_numpy() - logs.to_numpy().T), index=layer.obs_names, columns=layer.obs_names
    )
    ps = []
    for table in (dying, outcomes):
        design = contrast_design(contrast="survival", observations=observations(layer, table), pairs="differences")
        found = contrast_permanova(distances=distances, design=design, permutations=199, seed=1).set_index("term")
        assert list(found.index) == ["pfs2", "Residual", "Total"]
        ps.append(found.loc["pfs2", "p"])
    assert ps[0] == 0.005
    assert ps[1] > 0.05


def test_martingale_residuals_by_hand():
    time, event = np.array([1.0, 2.0, 2.0, 3.0]), np.array([1.0, 1.0, 0.0, 1.0])
    found = martingale(time=time, event=event, strata=np.zeros(4))
    assert found == pytest.approx([1 - 1 / 4, 1 - 1 / 4 - 1 / 3, -1 / 4 - 1 / 3, 1 - 1 / 4 - 1 / 3 - 1])
    both = martingale(time=np.tile(time, 2), event=np.tile(event, 2), strata=np.repeat(["a", "b"], 4))
    assert both == pytest.approx(np.tile(found, 2))


def test_batch_that_varies_within_patients_stays_in_the_model_of_time():
    layer, outcomes = trial(time=1.0)
    obs = observations(layer, outcomes)
    obs["batch"] = ["B1"] * 18 + ["B1"] * 9 + ["B2"] * 9
    design = contrast_design(contrast="change", observations=obs, pairs="differences")
    table = contrast_permanova(distances=bray_curtis(layer), design=design, permutations=99, seed=1).set_index("term")
    assert list(table.index) == ["time", "batch", "patient", "Residual", "Total"]
    assert table["df"].tolist() == [1, 1, 17, 16, 35]
    gram = contrast_gram(distances=bray_curtis(layer), design=design)
    assert gram.shape == (18, 18)


@pytest.mark.parametrize("contrast", ["baseline", "change", "response_change"])
def test_level_without_an_effect(contrast):
    """200 null data sets of 18 patients with large other effects; 5 % would be 10, 99.9 % of such runs give 2 to 21."""
    others = {"baseline": {"time": 2.0}, "change": {"response": 2.0}, "response_change": {"time": 2.0}}
    term = {"baseline": "response", "change": "time", "response_change": "response:time"}[contrast]
    hits = 0
    for seed in range(200):
        layer, outcomes = trial(seed=seed, features=15, **others[contrast])
        design = contrast_design(
            contrast=contrast, observations=observations(layer, outcomes), covariates=("cohort",), pairs="differences"
        )
        table = contrast_permanova(distances=bray_curtis(layer), design=design, permutations=99, seed=seed)
        hits += table.set_index("term").loc[term, "p"] <= 0.05
    assert 2 <= hits <= 21

"""Modules: the iteration against brute force, planted modules, shuffled labels, refusals."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from gutaxis.integrate.blocks import read_blocks
from gutaxis.integrate.module_tests import bootstrap_auc, module_p_values, modules_files, modules_of, usable_patients
from gutaxis.integrate.modules import LINK, ModuleSettings, auc, find_modules, joined, sgcca
from gutaxis.simulate.multilayer import simulate_study

pytestmark = pytest.mark.unit
QUICK = ModuleSettings(repeats=12, shuffles=19, keep=5)


def data(*, effect, n=40, seed=0, sizes=(60, 40)):
    """Two layers; the first three features of each follow the response."""
    rng = np.random.default_rng(seed)
    response = (np.arange(n) % 3 == 0).astype(int)
    blocks = {}
    for name, size in zip("ab", sizes, strict=True):
        table = rng.normal(size=(n, size))
        table[:, :3] += effect * response[:, None]
        blocks[name] = table
    values, layers = joined(blocks=blocks)
    strata = np.array(["x", "y"] * (n // 2))
    return {"values": values, "layers": layers, "response": response, "strata": strata}


def test_one_block_without_a_cut_is_the_covariance_with_the_target():
    rng = np.random.default_rng(1)
    block, target = rng.normal(size=(20, 6)), rng.normal(size=20)
    target -= target.mean()
    weights = sgcca(blocks=[block], target=target, keep=6, components=1)[0][0]
    assert weights == pytest.approx(block.T @ target / np.linalg.norm(block.T @ target))
    sparse = sgcca(blocks=[block], target=target, keep=2, components=1)[0][0]
    assert set(np.flatnonzero(sparse)) == set(np.argsort(-np.abs(block.T @ target))[:2])


def test_two_blocks_reach_the_maximum_that_a_grid_of_directions_finds():
    rng = np.random.default_rng(2)
    shared = rng.normal(size=30)
    left, right = (shared[:, None] * rng.normal(size=2) + rng.normal(size=(30, 2)) for _ in range(2))
    target = shared - shared.mean()
    first, second = sgcca(blocks=[left, right], target=target, keep=2, components=1)[0]

    def reached(a, b):
        return LINK * (left @ a) @ (right @ b) + target @ (left @ a) + target @ (right @ b)

    turns = np.column_stack([np.cos(np.linspace(0, 2 * np.pi, 361)), np.sin(np.linspace(0, 2 * np.pi, 361))])
    best = max(reached(a, b) for a in turns for b in turns)
    assert reached(first, second) == pytest.approx(best, rel=1e-3)
    assert reached(first, second) >= best - 1e-9


def test_second_component_finds_nothing_of_the_first():
    rng = np.random.default_rng(3)
    block, target = rng.normal(size=(25, 5)), rng.normal(size=25)
    one, two = sgcca(blocks=[block], target=target, keep=5, components=2)
    scores = block @ one[0]
    left = block - np.outer(scores, scores @ block) / (scores @ scores)
    assert abs(scores @ (left @ two[0])) < 1e-9


def test_planted_module_is_found_across_layers_and_beats_all_shuffles():
    given = data(effect=1.5)
    found = find_modules(**given, settings=QUICK, seed=1)
    assert set(found[0].features) >= {0, 1, 2, 60, 61, 62}
    assert found[0].auc > 0.9
    p = module_p_values(found=found, **given, settings=QUICK, seed=1)
    assert p[0] == pytest.approx(1 / 20)


def test_nothing_planted_keeps_its_level():
    below = 0
    for seed in range(12):
        given = data(effect=0.0, seed=seed, sizes=(20, 20))
        found = find_modules(**given, settings=QUICK, seed=1)
        p = module_p_values(found=found, **given, settings=QUICK, seed=1)
        below += bool(len(p)) and p.min() <= 0.05
    assert below <= 3, "12 data sets without any effect; the level is 0.05"


def test_auc_is_that_of_scikit_learn_also_with_ties_and_gaps():
    rng = np.random.default_rng(5)
    response = (rng.random(60) < 0.4).astype(int)
    scores = np.round(rng.normal(size=60) + response, 1)
    assert auc(scores=scores, response=response) == pytest.approx(roc_auc_score(response, scores))
    gaps = np.where(np.arange(60) < 5, np.nan, scores)
    assert auc(scores=gaps, response=response) == pytest.approx(roc_auc_score(response[5:], scores[5:]))
    low, high = bootstrap_auc(scores=scores, response=response, seed=1)
    assert low < auc(scores=scores, response=response) < high


def test_order_of_patients_and_repeat_change_nothing(tmp_path):
    study = simulate_study(n=40, seed=4, profile="detectable", sizes={"taxa": 40, "metabolites": 60})
    written = study.write(tmp_path / "study")
    paths = {name: tmp_path / f"{name}.tsv" for name in ("modules", "tests")}
    common = {"states": ("baseline", "change"), "settings": QUICK, "seed": 1}
    modules_files(layers=written["layers"], outcomes=written["outcomes"], **common, **paths)
    first = [path.read_bytes() for path in paths.values()]
    modules_files(layers=dict(reversed(written["layers"].items())), outcomes=written["outcomes"], **common, **paths)
    assert [path.read_bytes() for path in paths.values()] == first
    tests = pd.read_csv(paths["tests"], sep="\t", comment="#")
    assert set(tests["state"]) == {"baseline", "change"}
    members = pd.read_csv(paths["modules"], sep="\t", comment="#")
    assert set(members["module"]) == set(tests["module"].dropna())


def test_few_responders_and_one_layer_are_refused_with_the_reason(tmp_path):
    study = simulate_study(n=24, seed=4, profile="null", sizes={"taxa": 40, "metabolites": 60})
    written = study.write(tmp_path / "study")
    blocks = read_blocks(layers=written["layers"], outcomes=written["outcomes"], state="baseline")
    blocks.patients.loc[:, "response"] = ["R"] * 3 + ["NR"] * (len(blocks.patients) - 3)
    members, tests = modules_of(blocks=blocks, settings=QUICK, seed=1)
    assert members.empty
    assert "at least 6 of each" in tests.loc[0, "reason"]
    del blocks.blocks["taxa"]
    assert "modules need two" in usable_patients(blocks=blocks)[2]

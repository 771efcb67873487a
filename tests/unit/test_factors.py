"""Factors over layers: planted ones are found, sign and order are fixed, gaps stay gaps, nothing is written as NaN."""

import numpy as np
import pandas as pd
import pytest

from gutaxis.integrate.factor_tests import FactorSettings, factor_nuisance, factors_files
from gutaxis.integrate.factors import fit_factors, matched_correlations
from gutaxis.simulate.multilayer import simulate_study

pytestmark = pytest.mark.unit
NAMES = ("scores", "weights", "explained", "tests", "nuisance", "stability")


def planted(*, visits=40, seed=3):
    """Three layers; the first factor is in all of them, the second in the last alone."""
    rng = np.random.default_rng(seed)
    common, own = rng.normal(size=(2, visits))
    index = [f"P{number:02d}|PRE" for number in range(visits)]

    def layer(features, *parts):
        loads = [rng.normal(size=(1, features)) for _ in parts]
        signal = sum(part[:, None] @ load for part, load in zip(parts, loads, strict=True))
        names = [f"f{place}" for place in range(features)]
        return pd.DataFrame(signal + rng.normal(size=(visits, features)), index=index, columns=names)

    values = {"a": layer(60, common), "b": layer(40, common), "c": layer(50, common, 0.8 * own)}
    return values, pd.Series(common, index=index), pd.Series(own, index=index)


def test_planted_factors_are_found_in_their_layers_also_with_gaps():
    values, common, own = planted()
    values["b"] = values["b"].iloc[8:]
    values["a"] = values["a"].mask(np.random.default_rng(1).random(values["a"].shape) < 0.05)
    model = fit_factors(values=values, factors=5, min_explained=0.1, seed=1)
    truth = pd.DataFrame({"common": common, "own": own})
    found = matched_correlations(reference=truth, other=model.scores)
    assert (found > 0.95).all()
    assert model.scores.shape == (40, 2)
    best = model.scores.corrwith(own).abs().idxmax()
    assert model.explained.loc["c", best] > 0.2
    assert model.explained.loc[["a", "b"], best].max() < 0.05


def test_sign_order_and_repeat():
    values, *_ = planted()
    first, second = (fit_factors(values=values, factors=4, seed=7) for _ in range(2))
    pd.testing.assert_frame_equal(first.scores, second.scores, check_exact=True)
    turned = fit_factors(values={name: -table for name, table in values.items()}, factors=4, seed=7)
    for model in (first, turned):
        stacked = pd.concat(model.weights.values())
        assert (stacked.max() >= stacked.min().abs()).all()
        total = model.explained.sum()
        assert total.is_monotonic_decreasing


def test_constant_features_and_empty_layers_shrink_the_model():
    values, *_ = planted()
    values["b"] = values["b"] * 0.0
    assert set(fit_factors(values=values, factors=3, seed=1).weights) == {"a", "c"}
    none = fit_factors(values={"b": values["b"]}, factors=3, seed=1)
    assert none.reason == "no layer has a feature that varies"
    noise = {"a": pd.DataFrame(np.random.default_rng(0).normal(size=(40, 400)))}
    assert "explains" in fit_factors(values=noise, factors=3, min_explained=0.5, seed=1).reason


def test_matching_uses_each_factor_once():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(30, 2)), columns=["x", "y"])
    other = pd.DataFrame({"p": -table["y"], "q": table["y"] + 0.1 * rng.normal(size=30)})
    found = matched_correlations(reference=table, other=other)
    assert found["y"] > 0.98
    assert found["x"] < 0.5


def test_nuisance_share_is_that_of_an_analysis_of_variance():
    values, *_ = planted()
    model = fit_factors(values=values, factors=2, seed=1)
    people = [key.split("|")[0] for key in model.scores.index]
    cohort = ["A" if score > 0 else "B" for score in model.scores["factor_1"]]
    visits = pd.DataFrame({"patient_id": people, "cohort": cohort, "batch": "B1"}, index=model.scores.index)
    table = factor_nuisance(model=model, visits=visits).set_index("factor")
    assert set(table["variable"]) == {"cohort"}, "one batch has nothing to compare"
    scores = model.scores["factor_1"]
    means = scores.groupby(cohort).transform("mean")
    assert table.loc["factor_1", "eta2"] == pytest.approx(means.var(ddof=0) / scores.var(ddof=0))
    assert table.loc["factor_1", "p"] < 1e-6


def test_tables_of_a_study_and_of_one_without_layers(tmp_path):
    study = simulate_study(n=24, seed=5, profile="detectable", sizes={"taxa": 60, "metabolites": 80})
    written = study.write(tmp_path / "study")
    common = {
        "contrasts": {"change": "primary", "survival": "secondary"}, "covariates": ("cohort",), "seed": 1,
        "settings": FactorSettings(factors=3, seeds=2),
    }  # fmt: skip
    paths = {name: tmp_path / f"{name}.tsv" for name in NAMES}
    factors_files(layers=written["layers"], outcomes=written["outcomes"], **common, **paths)
    tables = {name: pd.read_csv(path, sep="\t", comment="#") for name, path in paths.items()}
    factors = [name for name in tables["scores"] if name.startswith("factor_")]
    assert factors
    assert set(tables["tests"]["contrast"]) == {"change", "survival"}
    assert tables["tests"]["ci_low"].notna().all()
    assert tables["stability"]["seeds_min_r"].between(0.8, 1).all()
    assert set(tables["weights"]["layer"]) <= {"taxa", "metabolites"}
    first = paths["scores"].read_bytes()
    factors_files(layers=written["layers"], outcomes=written["outcomes"], **common, **paths)
    assert paths["scores"].read_bytes() == first
    factors_files(layers={}, outcomes=written["outcomes"], **common, **paths)
    for path in paths.values():
        assert "no result:" in path.read_text()

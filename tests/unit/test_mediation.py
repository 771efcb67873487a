"""Chains: equal to statsmodels, intervals that cover, and nothing where nothing was planted."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from gutaxis.integrate.blocks import read_blocks
from gutaxis.integrate.literature import read_literature
from gutaxis.integrate.mediation import (
    bootstrap_interval,
    estimate_chains,
    filled,
    normal_scores,
    scan_chains,
)
from gutaxis.integrate.mediation_files import mediation_files
from gutaxis.integrate.mediation_panel import DECLARED, LITERATURE, SPREAD, choose_panel
from gutaxis.integrate.mediation_study import CHAIN, COLUMNS, MediationSettings, mediation
from gutaxis.simulate.multilayer import Study, simulate_study

pytestmark = pytest.mark.unit
LITERATURE_FILE = Path(__file__).parents[2] / "resources" / "literature.tsv"
SIZES = {"taxa": 60, "metabolites": 60, "blood_cells": 30}


def _data(seed: int, n: int = 40) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    x, m, y = (rng.standard_normal((n, size)) for size in (4, 5, 3))
    m[:, 1] += 0.8 * x[:, 2]
    y[:, 0] += 0.8 * m[:, 1]
    m[rng.random(m.shape) < 0.08] = np.nan
    response = (y[:, 0] + rng.standard_normal(n) > 0.3).astype(float)
    covariates = np.column_stack([rng.random(n) < 0.4, rng.standard_normal(n)]).astype(float)
    return x, m, y, response, covariates


def _ols(target: np.ndarray, *terms: np.ndarray) -> tuple[float, float]:
    """Return coefficient and p of the first term."""
    fit = sm.OLS(target, sm.add_constant(np.column_stack(terms))).fit()
    return float(fit.params[1]), float(fit.pvalues[1])


@pytest.mark.oracle
def test_every_chain_equals_statsmodels_one_at_a_time() -> None:
    x, m, y, response, covariates = _data(1)
    to_subset = scan_chains(x=x, m=m, y=y, response=None, covariates=covariates)
    to_response = scan_chains(x=x, m=m, y=y, response=response, covariates=covariates)
    for i, j, k in np.ndindex(to_subset.p_joint.shape):
        rows = np.isfinite(m[:, j])
        c = covariates[rows]
        sx, sm_, sy = (normal_scores(values=part[rows][:, [at]])[:, 0] for part, at in ((x, i), (m, j), (y, k)))
        r = response[rows]
        p_a, p_b = _ols(sm_, sx, c)[1], _ols(sy, sm_, sx, c)[1]
        p_c, p_d = _ols(sy, sx, sm_, c)[1], _ols(r, sy, sm_, sx, c)[1]
        np.testing.assert_allclose(to_subset.p_joint[i, j, k], max(p_a, p_b), rtol=1e-8)
        np.testing.assert_allclose(to_subset.p_reverse[i, j, k], max(p_a, p_c), rtol=1e-8)
        first = max(_ols(sm_, sy, c)[1], _ols(sx, sm_, sy, c)[1])
        np.testing.assert_allclose(to_subset.p_immune_first[i, j, k], first, rtol=1e-8)
        np.testing.assert_allclose(to_response.p_joint[i, j, k], max(p_a, p_b, p_d), rtol=1e-8)
        np.testing.assert_allclose(to_response.p_c[i, j, k], _ols(r, sx, sm_, sy, c)[1], rtol=1e-8)
        assert to_subset.n[j] == rows.sum()


@pytest.mark.oracle
def test_estimates_and_weighted_copies_equal_least_squares() -> None:
    x, m, y, response, covariates = _data(2)
    x, m, y = (filled(values=part) for part in (x, m, y))
    rng = np.random.default_rng(0)
    weights = rng.multinomial(len(x), np.full(len(x), 1 / len(x)), size=25).astype(float)
    found = estimate_chains(
        x=x[:, 2], m=m[:, 1], y=y[:, 0], response=response, covariates=covariates, weights=weights
    )  # fmt: skip
    for at, drawn in enumerate(weights.astype(int)):
        rows = np.repeat(np.arange(len(x)), drawn)
        sx, sm_, sy, c = x[rows, 2], m[rows, 1], y[rows, 0], covariates[rows]
        a, b, d = _ols(sm_, sx, c)[0], _ols(sy, sm_, sx, c)[0], _ols(response[rows], sy, sm_, sx, c)[0]
        np.testing.assert_allclose([found.a[at], found.b[at], found.d[at]], [a, b, d], rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(found.c_prime[at], _ols(response[rows], sx, sm_, sy, c)[0], rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(found.indirect[at], a * b * d, rtol=1e-6, atol=1e-10)


@pytest.mark.oracle
def test_indirect_effect_equals_the_one_of_statsmodels_mediation() -> None:
    x, m, y, _, _ = _data(3, n=80)
    m = filled(values=m)
    table = pd.DataFrame({"x": x[:, 2], "m": m[:, 1], "y": y[:, 0]})
    outcome = sm.OLS.from_formula("y ~ x + m", table)
    mediator = sm.OLS.from_formula("m ~ x", table)
    # simulation of the parameters: the mean over many is the product of coefficients
    np.random.seed(1)
    reference = sm.stats.Mediation(outcome, mediator, "x", "m").fit(n_rep=60).summary()
    found = estimate_chains(x=x[:, 2], m=m[:, 1], y=y[:, 0], response=None, covariates=np.empty((80, 0)))
    low, high = reference.loc["ACME (average)", ["Lower CI bound", "Upper CI bound"]]
    assert low < found.indirect[0] < high
    assert abs(reference.loc["ACME (average)", "Estimate"] - found.indirect[0]) < 0.12


def test_a_covariate_that_is_not_drawn_is_passed_over() -> None:
    x, m, y, _, _ = _data(4)
    rare = np.zeros((40, 1))
    rare[3] = 1.0
    weights = np.ones((1, 40))
    weights[0, 3] = 0.0
    m = filled(values=m)
    given = {"x": x[:, 0], "m": m[:, 0], "y": y[:, 0], "response": None}
    without = estimate_chains(**given, covariates=np.empty((40, 0)), weights=weights)
    found = estimate_chains(**given, covariates=rare, weights=weights)
    np.testing.assert_allclose(found.indirect, without.indirect, rtol=1e-10)


@pytest.mark.oracle
@pytest.mark.parametrize("method", ["percentile", "bias_corrected"])
def test_interval_is_that_of_its_definition(method: str) -> None:
    samples = np.random.default_rng(0).gamma(2.0, size=4001)
    estimate = 1.4
    low, high = bootstrap_interval(estimate=estimate, samples=samples, method=method)
    z0 = stats.norm.ppf(np.mean(samples < estimate)) if method == "bias_corrected" else 0.0
    expected = np.quantile(samples, stats.norm.cdf(2 * z0 + stats.norm.ppf([0.025, 0.975])))
    np.testing.assert_allclose([low, high], expected, rtol=1e-12)
    with pytest.raises(ValueError, match="percentile"):
        bootstrap_interval(estimate=0.0, samples=samples, method="accelerated")


def test_percentile_interval_covers_the_indirect_part() -> None:
    rng = np.random.default_rng(7)
    covered = 0
    weights = rng.multinomial(48, np.full(48, 1 / 48), size=500).astype(float)
    for _ in range(200):
        x = rng.standard_normal(48)
        m = 0.6 * x + 0.8 * rng.standard_normal(48)
        y = 0.6 * m + 0.8 * rng.standard_normal(48)
        given = {"x": x, "m": m, "y": y, "response": None, "covariates": np.empty((48, 0))}
        whole = estimate_chains(**given)
        low, high = bootstrap_interval(
            estimate=float(whole.indirect[0]), samples=estimate_chains(**given, weights=weights).indirect,
            method="percentile",
        )  # fmt: skip
        covered += low <= 0.36 <= high
    # 95 % nominal; the standard error of 200 is 1.5 points
    assert 0.89 <= covered / 200 <= 0.99


def test_joint_significance_keeps_its_level_when_one_arrow_is_missing() -> None:
    rng = np.random.default_rng(11)
    p = []
    for _ in range(400):
        x = rng.standard_normal((40, 1))
        m = 0.9 * x + 0.4 * rng.standard_normal((40, 1))
        found = scan_chains(x=x, m=m, y=rng.standard_normal((40, 1)), response=None, covariates=np.empty((40, 0)))
        p.append(found.p_joint[0, 0, 0])
    assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.08


def test_constant_and_collinear_features_have_no_p() -> None:
    x, m, y, _, covariates = _data(5)
    x[:, 0] = 1.0
    x[:, 1] = covariates[:, 0]
    found = scan_chains(x=x, m=m, y=y, response=None, covariates=covariates)
    assert np.isnan(found.p_joint[:2]).all()
    assert np.isfinite(found.p_joint[2:]).all()


def _run(tmp_path: Path, name: str = "a", **settings: object) -> tuple[pd.DataFrame, pd.DataFrame, str, Study]:
    study = simulate_study(
        seed=settings.pop("seed", 4), profile=settings.pop("profile", "detectable"), sizes=SIZES,
        n=settings.pop("n", 48),
    )  # fmt: skip
    written = study.write(tmp_path / "study")
    table, panel = tmp_path / f"{name}.tsv", tmp_path / f"{name}.panel.tsv"
    drop = settings.pop("drop", ())
    mediation_files(
        layers={key: path for key, path in written["layers"].items() if key not in drop}, outcomes=written["outcomes"],
        states=settings.pop("states", ["baseline"]), covariates=["antibiotics"], chain=settings.pop("chain", None),
        panel=settings.pop("panel", None), literature=LITERATURE_FILE,
        settings={"bootstrap": 300, "rows": 30, "unknown": 1, **settings}, table=table, panel_table=panel, seed=1,
    )  # fmt: skip
    found = [pd.read_csv(path, sep="\t", comment="#") for path in (table, panel)]
    return (*found, table.read_text(), study)


def test_planted_chain_is_among_the_first_five(tmp_path: Path) -> None:
    literature = read_literature(path=LITERATURE_FILE)
    ranks = []
    for seed in range(8):
        study = simulate_study(seed=seed, sizes=SIZES)
        blocks = read_blocks(**study.write(tmp_path / str(seed)), state="baseline", covariates=["antibiotics"])
        found = mediation(
            blocks=blocks, covariates=["antibiotics"], chain=CHAIN, panel={}, literature=literature,
            settings=MediationSettings(bootstrap=200, rows=50), seed=1,
        ).table  # fmt: skip
        chains = found[found["outcome"] == "subset"]
        planted = chains[(chains[["x", "m", "y"]] == list(study.chain.values())).all(axis=1)]
        ranks += list(planted["rank"])
        assert set(planted["signs"]) <= {"+ +"}
        assert (planted.loc[planted["rank"] <= 5, "ci_low"] > 0).all()
    # arrows of rho .6 at 45 patients: one cohort in seven hides one of them
    assert sum(rank <= 5 for rank in ranks) >= 6
    assert sorted(ranks)[3] == 1


def test_table_tells_what_it_is(tmp_path: Path) -> None:
    table, panel, text, _ = _run(tmp_path, states=["baseline", "change"])
    assert list(table.columns) == COLUMNS
    assert set(table["outcome"]) == {"subset", "response"}
    assert set(table["role"]) == {"exploratory"}
    assert (table.groupby(["state", "outcome"])["p_joint"].diff().dropna() >= 0).all()
    assert (panel.groupby(["state", "layer"]).size() <= 20).all()
    assert {"baseline", "change"} == set(panel["state"])
    assert "has no direction" in text
    assert "caus" not in text.lower()


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    _run(tmp_path, name="a")
    _run(tmp_path, name="b")
    assert (tmp_path / "a.tsv").read_bytes() == (tmp_path / "b.tsv").read_bytes()


def test_no_chain_is_called_where_nothing_was_planted(tmp_path: Path) -> None:
    hits = 0
    for seed in range(12):
        table, _, _, _ = _run(tmp_path, seed=seed, profile="null", bootstrap=20, rows=1)
        hits += (table["q"] < 0.05).any()
    # at most 7 in 100; of 12 cohorts more than 2 would be chance in fewer than 1 of 100 runs
    assert hits <= 2


def test_a_declared_panel_is_the_whole_panel(tmp_path: Path) -> None:
    declared = {"taxa": ["Akkermansia muciniphila", "Bifido*"], "metabolites": ["inosine"], "blood_cells": ["CD8_TEM"]}
    table, panel, _, _ = _run(tmp_path, panel=declared)
    assert set(panel["why"]) == {DECLARED}
    assert set(table["x"]) <= set(panel.loc[panel["layer"] == "taxa", "feature"])
    assert "Akkermansia_muciniphila" in set(table["x"])
    assert set(table["m"]) == {"inosine"}
    absent, _, text, _ = _run(tmp_path, panel={"metabolites": ["nothing of the kind"]})
    assert absent.empty
    assert "has none of the features declared" in text


def test_default_panel_looks_at_names_and_spread_alone(tmp_path: Path) -> None:
    written = simulate_study(seed=9, sizes=SIZES).write(tmp_path)
    block = read_blocks(**written, state="baseline").blocks["taxa"]
    panel = choose_panel(block=block, declared=None, literature=read_literature(path=LITERATURE_FILE), size=20)
    known = panel[panel["why"] == LITERATURE]["feature"]
    assert known.iloc[0] == "Christensenella_minuta"
    assert not known.str.startswith("Species_").any()
    rest = panel[panel["why"] == SPREAD]["feature"]
    left = block.values.std().drop(list(known)).sort_values(ascending=False)
    assert set(rest) == set(left.index[: len(rest)])
    bare = choose_panel(block=block, declared=None, literature=None, size=5)
    assert set(bare["why"]) == {SPREAD}


def test_few_responders_leave_chains_to_the_subset(tmp_path: Path) -> None:
    table, _, text, _ = _run(tmp_path, n=20)
    assert set(table["outcome"]) == {"subset"}
    assert "patients respond; at least 6" in text


def test_a_missing_layer_is_told_and_the_table_is_empty(tmp_path: Path) -> None:
    table, panel, text, _ = _run(tmp_path, drop=("metabolites",))
    assert table.empty
    assert list(table.columns) == COLUMNS
    assert text.startswith("# no result")
    assert "there is no layer of metabolites" in text
    assert set(panel["layer"]) == {"taxa", "blood_cells"}
    assert CHAIN["metabolites"] == ("metabolites",)

"""Pairs of features of two layers: correlations, permutation p values and q values, by other programs and by hand."""

from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gutaxis.integrate.association_ranks import adjustment, interval, partial_spearman, residual_ranks
from gutaxis.integrate.association_tests import BIN, pair_tests, simes_of, study_q
from gutaxis.stats.multiplicity import hierarchical
from gutaxis.stats.results import adjust

pytestmark = pytest.mark.unit


def people(n, seed=0, cohorts=2):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "cohort": np.array(["LUNG", "ESOPHAGEAL", "OTHER"])[np.arange(n) % cohorts],
            "batch": np.where(rng.random(n) < 0.5, "1", "2"),
            "antibiotics": np.where(rng.random(n) < 0.3, "Y", "N"),
            "age": rng.integers(40, 80, n).astype(float),
        },
        index=pd.Index([f"P{i:02d}" for i in range(n)], name="patient_id"),
    ).astype({"age": object})


def run(x, y, adjusted, **more):
    a, b = (residual_ranks(values=values, columns=adjusted.columns) for values in (x, y))
    return pair_tests(a=a, b=b, adjusted=adjusted, **{"permutations": 199, "seed": 1, "min_patients": 4, **more})


def test_without_adjustment_it_is_spearmans_rho():
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 6, 30).astype(float), rng.normal(size=30)
    rho, n = partial_spearman(x=x, y=y, columns=np.ones((30, 1)))
    assert n == 30
    assert rho == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    one = adjustment(people=people(30, cohorts=1), covariates=[])
    made = run(x[:, None], y[:, None], one)
    assert made.rho[0, 0] == pytest.approx(rho, abs=1e-12)


def test_partial_rho_is_that_of_the_inverse_of_the_rank_correlations():
    """How R's ppcor computes it; an indicator and its ranks are the same up to a line."""
    rng = np.random.default_rng(2)
    table = people(40, seed=2)
    x = rng.normal(size=40) + (table["antibiotics"] == "Y")
    y = rng.normal(size=40) + 0.05 * table["age"].astype(float)
    adjusted = adjustment(people=table, covariates=["antibiotics", "age"])
    rho, _ = partial_spearman(x=x.to_numpy(float), y=y.to_numpy(float), columns=adjusted.columns)
    columns = [x, y, table["age"].astype(float), table["cohort"] == "LUNG", table["antibiotics"] == "Y"]
    inverse = np.linalg.inv(np.corrcoef([stats.rankdata(column) for column in columns]))
    assert rho == pytest.approx(-inverse[0, 1] / np.sqrt(inverse[0, 0] * inverse[1, 1]), abs=1e-10)


def test_patients_without_a_value_are_left_out_of_the_estimate():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 20))
    x[:3], y[5] = np.nan, np.nan
    rows = np.isfinite(x) & np.isfinite(y)
    rho, n = partial_spearman(x=x, y=y, columns=np.ones((20, 1)))
    assert n == 16
    assert rho == pytest.approx(stats.spearmanr(x[rows], y[rows]).statistic, abs=1e-12)


def brute_force(x, y, columns, cohorts):
    """Every arrangement of whole patients inside cohorts, residuals permuted and residualised again: r*, (k, p, q)."""
    maker = np.eye(len(columns)) - columns @ np.linalg.pinv(columns)
    left, right = (maker @ stats.rankdata(values, axis=0) for values in (x, y))
    members = [np.flatnonzero(cohorts == name) for name in np.unique(cohorts)]
    found = []
    for parts in product(*(permutations(rows) for rows in members)):
        order = np.empty(len(cohorts), dtype=int)
        for rows, part in zip(members, parts, strict=True):
            order[rows] = part
        moved = maker @ left[order]
        size = np.sqrt((moved**2).sum(axis=0))[:, None] * np.sqrt((right**2).sum(axis=0))
        found.append(moved.T @ right / size)
    return np.array(found)


@pytest.mark.parametrize("covariates", [[], ["age"]])
def test_equals_brute_force_over_all_arrangements(covariates):
    rng = np.random.default_rng(5)
    table = people(9, seed=5)
    adjusted = adjustment(people=table, covariates=covariates)
    assert adjusted.columns.shape[1] == 2 + len(covariates)
    x, y = rng.normal(size=(9, 3)), rng.integers(0, 4, size=(9, 4)).astype(float)
    x[:, 0] += 2 * y[:, 0]
    made = run(x, y, adjusted, permutations=10_000)
    every = brute_force(x, y, adjusted.columns, adjusted.cohorts)
    assert made.exact
    assert made.permutations == len(every) - 1 == 24 * 120 - 1
    np.testing.assert_allclose(made.rho, every[0], atol=1e-10)
    beyond = np.abs(every) >= np.abs(every[0]) - 1e-9
    np.testing.assert_allclose(made.p_pair, beyond.mean(axis=0), atol=1e-12)
    scale = made.statistic / made.rho
    if not covariates:
        np.testing.assert_allclose(scale, 1 / np.sqrt((every**2).mean(axis=0)), rtol=1e-9)
    statistics = np.abs(every * scale)
    largest = statistics.max(axis=(1, 2))
    p_max_t = (largest[:, None, None] >= statistics[0] - 1e-9).mean(axis=0)
    np.testing.assert_allclose(made.p_max_t, p_max_t, atol=1e-12)
    pooled = statistics[1:].ravel()
    low, high = (
        np.array([((pooled >= value - shift).sum() + 1) / (pooled.size + 1) for value in statistics[0].ravel()])
        for shift in (1e-9, 2 * BIN)
    )
    assert ((made.p.ravel() >= low - 1e-12) & (made.p.ravel() <= high + 1e-12)).all()
    np.testing.assert_allclose(made.q.ravel(), adjust(p=made.p.ravel()))


def test_the_null_sd_with_covariates_is_close_to_that_of_many_permutations():
    rng = np.random.default_rng(6)
    adjusted = adjustment(people=people(30, seed=6, cohorts=3), covariates=["antibiotics", "age"])
    x, y = rng.normal(size=(30, 20)), rng.normal(size=(30, 20))
    x[adjusted.cohorts != "LUNG", :5] *= 0.0  # varies in one cohort alone
    x[:, :5] += 1e-9 * rng.normal(size=(30, 5))
    made = run(x, y, adjusted, permutations=999)
    right = np.abs(made.statistic) > 1.96
    assert made.p_pair[right].max() < 0.11
    assert np.nanstd(made.statistic) == pytest.approx(1.0, abs=0.12)


def test_missing_values_keep_the_level_and_are_counted():
    rng = np.random.default_rng(7)
    adjusted = adjustment(people=people(40, cohorts=3), covariates=["antibiotics"])
    x, y = rng.normal(size=(40, 60)), rng.normal(size=(40, 80))
    x[rng.random(x.shape) < 0.2] = np.nan
    y[rng.random(y.shape) < 0.2] = np.nan
    made = run(x, y, adjusted)
    assert (made.n == np.isfinite(x).T.astype(int) @ np.isfinite(y).astype(int)).all()
    assert (made.p < 0.05).mean() == pytest.approx(0.05, abs=0.012)
    assert (made.p_pair < 0.05).mean() == pytest.approx(0.05, abs=0.012)


def test_pairs_that_cannot_be_tested_have_no_p_and_do_not_count():
    rng = np.random.default_rng(8)
    adjusted = adjustment(people=people(20), covariates=[])
    x, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 4))
    plain = run(x, y, adjusted)
    x = np.column_stack([x, (adjusted.cohorts == "LUNG").astype(float), np.where(np.arange(20) < 3, x[:, 0], np.nan)])
    more = run(x, y, adjusted)
    assert np.isnan(more.p[3:]).all()
    assert np.isnan(more.rho[3:]).all()
    np.testing.assert_array_equal(more.p[:3], plain.p)
    np.testing.assert_array_equal(more.p_max_t[:3], plain.p_max_t)
    np.testing.assert_array_equal(more.q[:3], plain.q)


def test_the_same_seed_gives_the_same_numbers_and_another_does_not():
    rng = np.random.default_rng(9)
    adjusted = adjustment(people=people(24), covariates=["age"])
    x, y = rng.normal(size=(24, 5)), rng.normal(size=(24, 6))
    first, again, other = (run(x, y, adjusted, seed=seed) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first.p, again.p)
    assert (first.p_pair != other.p_pair).any()


def test_what_a_cohort_has_in_common_is_no_link():
    rng = np.random.default_rng(10)
    adjusted = adjustment(people=people(36, cohorts=3), covariates=["batch"])
    level = pd.factorize(adjusted.cohorts)[0] * 5.0 + (people(36, cohorts=3)["batch"] == "1") * 3.0
    x, y = (rng.normal(size=(36, 30)) + level.to_numpy()[:, None] for _ in range(2))
    assert (run(x, y, adjusted).p < 0.05).mean() < 0.09


def test_a_layer_of_several_blocks_gives_the_numbers_of_one(monkeypatch):
    rng = np.random.default_rng(11)
    adjusted = adjustment(people=people(24), covariates=["age"])
    x, y = rng.normal(size=(24, 7)), rng.normal(size=(24, 6))
    whole = run(x, y, adjusted)
    monkeypatch.setattr("gutaxis.integrate.association_tests._BLOCK", 13)
    parts = run(x, y, adjusted)
    np.testing.assert_allclose(parts.p, whole.p, rtol=0.02)
    np.testing.assert_array_equal(parts.p_max_t, whole.p_max_t)


def test_adjustment_takes_what_the_patients_carry():
    table = people(12)
    table["constant"] = "x"
    table["again"] = table["cohort"]
    table["rare"] = np.where(np.arange(12) < 6, None, 1.0)
    table["gap"] = np.where(np.arange(12) < 2, None, table["antibiotics"])
    made = adjustment(people=table, covariates=["gap", "constant", "again", "rare", "none"])
    assert made.used[0] == "cohort"
    assert "gap" in made.used
    assert len(made.patients) == 10
    assert made.left_out == [
        "rare: missing in 6 of 12 patients", "none: missing in 12 of 12 patients", "constant: one level only",
        "again: follows from what is adjusted for",
    ]  # fmt: skip
    few = adjustment(people=people(7), covariates=["age", "antibiotics"])
    assert few.used == ["cohort"]
    assert few.left_out == ["age: too few patients", "antibiotics: too few patients"]


def test_batches_can_be_strata():
    made = adjustment(people=people(20), covariates=[], batch="stratum")
    assert set(made.cohorts) == {"LUNG 1", "LUNG 2", "ESOPHAGEAL 1", "ESOPHAGEAL 2"}
    assert made.columns.shape[1] == 4
    words = adjustment(people=people(20), covariates=[], batch="covariate")
    assert words.used == ["cohort", "batch"]
    with pytest.raises(ValueError, match="covariate, stratum or ignore"):
        adjustment(people=people(20), covariates=[], batch="both")


def test_intervals_cover_the_truth():
    rng = np.random.default_rng(12)
    truth = 6 / np.pi * np.arcsin(0.6 / 2)
    low, high = [], []
    for _ in range(400):
        x, y = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=48).T
        rho, n = partial_spearman(x=x, y=y, columns=np.ones((48, 1)))
        one = interval(rho=np.array([rho]), n=np.array([n]), adjusted=0)
        low.append(one[0][0])
        high.append(one[1][0])
    assert np.mean((np.array(low) <= truth) & (truth <= np.array(high))) == pytest.approx(0.95, abs=0.025)
    nothing = interval(rho=np.array([0.5]), n=np.array([6]), adjusted=3)
    assert np.isnan(nothing).all()


@pytest.mark.parametrize("seed", range(6))
def test_study_q_is_the_smallest_level_of_a_discovery(seed):
    rng = np.random.default_rng(seed)
    p = [rng.random(size) ** power for size, power in ((8, 1), (20, 3), (5, 1), (12, 6))]
    within = [adjust(p=own) for own in p]
    found = np.concatenate(study_q(simes=[simes_of(q=own) for own in within], within=within))
    families = np.repeat(np.arange(4), [len(own) for own in p])
    for level in (0.001, 0.01, 0.03, 0.05, 0.1, 0.2, 0.5, 0.9):
        expected = hierarchical(p=np.concatenate(p), families=families, alpha=level).features["discovery"]
        np.testing.assert_array_equal(found <= level + 1e-12, expected.to_numpy())


def test_a_family_without_tests_has_no_q():
    nothing = np.array([np.nan, np.nan])
    found = study_q(simes=[simes_of(q=nothing), 0.01], within=[nothing, np.array([0.01, 0.5])])
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1], [0.01, 0.5])

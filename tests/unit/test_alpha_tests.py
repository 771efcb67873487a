"""Tests of alpha diversity: the model of each contrast, what stands beside it, and layers that allow none."""

import io

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats
from skbio import TreeNode

from gutaxis.simulate.tables import TableSettings, simulate_table
from gutaxis.stats.alpha_tests import AlphaSettings, alpha_diversity, write_alpha
from gutaxis.stats.results import RESULT_COLUMNS

pytestmark = pytest.mark.unit
ALL = {"baseline": "primary", "change": "primary", "response_change": "secondary", "post": "exploratory",
       "survival": "exploratory"}  # fmt: skip


def simulated(**changes):
    settings = TableSettings(**{"patients": 24, "features": 40, "depth": 5000.0, "nuisance": 0.0} | changes)
    return simulate_table(settings=settings, seed=5)


def run(table, contrasts=ALL, covariates=("cohort", "antibiotics"), tree=None, **settings):
    return alpha_diversity(
        adata=table.layer(), outcomes=table.outcomes, contrasts=contrasts, covariates=covariates,
        settings=AlphaSettings(**{"draws": 5} | settings), seed=11, tree=tree,
    )  # fmt: skip


@pytest.mark.parametrize("missing_post", [0.0, 0.2])
def test_every_contrast_has_a_model_and_what_stands_beside_it(missing_post):
    result = run(simulated(missing_post=missing_post))
    tests = result.tests
    assert list(tests.columns[: len(RESULT_COLUMNS)]) == RESULT_COLUMNS
    primary = tests[tests["role"] != "sensitivity"]
    mixed = "random_intercept_reml" if missing_post else "ols"
    want = {"baseline": "ols", "change": mixed, "response_change": mixed, "post": "ols", "survival": "cox"}
    assert primary.groupby("contrast", sort=False)["method"].first().to_dict() == want
    assert (primary.groupby("contrast").size() == 4).all()
    assert np.isfinite(primary["p"]).all()
    beside = tests[tests["role"] == "sensitivity"]
    assert {"wilcoxon_signed_rank", f"{mixed}_rarefied"} <= set(beside.loc[beside["contrast"] == "change", "method"])
    assert primary["agreement"].between(0, 1).all()
    assert beside["agreement"].isna().all()


def test_the_mean_change_is_a_paired_t_test_where_nothing_is_adjusted_for():
    table = simulated(batches=1)
    result = run(table, contrasts={"change": "primary"}, covariates=())
    row = result.tests.query("feature == 'shannon' and role == 'primary'").iloc[0]
    wide = result.values.pivot(index="patient_id", columns="timepoint", values="shannon")
    oracle = scipy_stats.ttest_rel(wide["POST"], wide["PRE"])
    assert row["estimate"] == pytest.approx((wide["POST"] - wide["PRE"]).mean())
    assert row["p"] == pytest.approx(oracle.pvalue)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(oracle.confidence_interval()))


def test_a_loss_of_species_in_responders_is_found_with_its_sign():
    table = simulated(patients=48, zeros=0.0)
    responders = table.joined().query("response == 'R' and timepoint == 'POST'").index
    table.values.loc[responders, table.values.columns[:12]] = 0.0
    result = run(table, contrasts={"response_change": "primary"})
    row = result.tests.query("feature == 'observed' and role == 'primary'").iloc[0]
    assert row["q"] < 0.001
    assert row["estimate"] < 0
    assert row["agreement"] == 1.0, "rank test and rarefied values say the same"


def test_samples_without_features_are_dropped_and_their_patient_stays():
    table = simulated()
    table.values.loc["P003_POST"] = 0.0
    result = run(table, contrasts={"change": "primary"})
    assert ("all", "sample", "P003_POST", "no feature above zero") in result.dropped.itertuples(index=False, name=None)
    assert (result.tests.loc[result.tests["role"] == "primary", "method"] == "random_intercept_reml").all()


def test_no_diversity_of_intensities_and_a_refused_contrast_say_why():
    refused = run(simulated(kind="log_intensity"))
    assert refused.tests.empty
    assert "no amounts" in refused.tests.attrs["refusal"]
    table = simulated()
    table.outcomes["response"] = "NR"
    result = run(table)
    assert set(result.tests["contrast"]) == {"change", "survival"}
    assert set(result.refusals) == {"baseline", "response_change", "post"}
    assert "0 responders" in result.tests.attrs["refusal"]


def test_faith_is_there_with_a_tree():
    table = simulated()
    names = ",".join(f"s__{name}:1" for name in table.values.columns)
    tree = TreeNode.read(io.StringIO(f"(({names}):1,other:2);"), convert_underscores=False)
    result = run(table, contrasts={"change": "primary"}, tree=tree)
    assert "faith_pd" in set(result.tests["feature"])
    observed = (table.values > 0).sum(axis=1)
    faith = result.values.set_index("sample_id")["faith_pd"]
    assert (faith == observed.loc[faith.index] + 1).all(), "tips are found by name, s__ or not"


def test_the_order_of_rows_changes_nothing_and_the_files_are_the_same(tmp_path):
    table = simulated()
    layer = table.layer()
    shuffled = table.outcomes.sample(frac=1, random_state=1)
    common = {"contrasts": ALL, "covariates": ("cohort",), "settings": AlphaSettings(draws=3), "seed": 4}
    for name, outcomes, adata in (("a", table.outcomes, layer), ("b", shuffled, layer[::-1].copy())):
        result = alpha_diversity(adata=adata, outcomes=outcomes, **common)
        write_alpha(result=result, **{part: tmp_path / name / f"{part}.tsv" for part in ("values", "tests", "dropped")})
    for part in ("values", "tests", "dropped"):
        assert (tmp_path / "a" / f"{part}.tsv").read_bytes() == (tmp_path / "b" / f"{part}.tsv").read_bytes()
    text = (tmp_path / "a" / "values.tsv").read_text()
    assert "# shannon: Shannon index (nats)" in text
    assert "# columns *_rarefied: mean of 3 draws of" in text
    columns = pd.read_csv(tmp_path / "a" / "values.tsv", sep="\t", comment="#").columns
    assert list(columns[:4]) == ["sample_id", "patient_id", "timepoint", "observed"]

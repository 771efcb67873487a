"""Differential abundance end to end: method by kind and scheme, bad input, agreement, families, files."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from gutaxis.errors import GutaxisError
from gutaxis.stats.differential import FAMILY_COLUMNS, DifferentialSettings, differential, write_differential
from gutaxis.stats.differential_methods import agreement
from gutaxis.stats.results import RESULT_COLUMNS

pytestmark = pytest.mark.unit
CONTRASTS = ("baseline", "post", "change", "response_change", "survival")


def study(*, kind="compositional", n=24, m=24, missing=(), seed=1, effect=4.0):
    """Two features rise POST in everyone, two more in responders; the others vary by patient and sample."""
    rng = np.random.default_rng(seed)
    rows, logs = [], []
    level = rng.normal(0, 1.5, m)
    for i in range(n):
        own = level + rng.normal(0, 1, m)
        for point in ("PRE", "POST"):
            if (i, point) in missing:
                continue
            response = "R" if i % 3 == 0 else "NR"
            rows.append((f"s{i:02d}{point}", f"p{i:02d}", point, "ABC"[i % 3 - i % 2], "YN"[i % 2], "b1", response))
            values = own + rng.normal(0, 0.7, m)
            values[:2] += effect * (point == "POST")
            values[2:4] += effect * (point == "POST" and response == "R")
            logs.append(values)
    names = ["sample_id", "patient_id", "timepoint", "cohort", "antibiotics", "batch", "response"]
    obs = pd.DataFrame(rows, columns=names).set_index("sample_id")
    outcomes = obs[["response"]].copy()
    outcomes["pfs2_days"] = 100.0 + 7 * np.arange(len(obs))
    outcomes["pfs2_cnsr"] = (np.arange(len(obs)) % 5 == 0) * 1.0
    logs = np.array(logs)
    if kind == "compositional":
        counts = np.array([rng.multinomial(5000, np.exp2(row) / np.exp2(row).sum()) for row in logs])
        values, unit = counts / 5000, "fraction"
    elif kind == "counts":
        values, unit = rng.poisson(50 * np.exp2(logs / 2)).astype(float), "counts"
    else:
        values, unit = logs + 10, {"log_intensity": "log2", "continuous": "score"}[kind]
    features = [f"B|g{j:02d}" if kind == "counts" else f"f{j:02d}" for j in range(m)]
    var = pd.DataFrame({"label": features, "family": ["odd" if j % 2 else "even" for j in range(m)]}, index=features)
    data = ad.AnnData(values, obs=obs.drop(columns="response"), var=var)
    data.uns = {"name": "layer", "kind": kind, "unit": unit, "arm": "test"}
    return data, outcomes


def run(data, outcomes, contrast, covariates=("cohort",), **settings):
    return differential(
        adata=data, outcomes=outcomes, contrast=contrast, role="primary", covariates=covariates, seed=1,
        settings=DifferentialSettings(**settings),
    )  # fmt: skip


@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize("kind", ["compositional", "log_intensity", "continuous"])
def test_the_method_follows_kind_and_scheme(kind, contrast):
    # 19 events bear one covariate column, so not the three cohorts
    result = run(*study(kind=kind), contrast, covariates=("antibiotics",))
    expected = "cox" if contrast == "survival" else {"compositional": "linda"}.get(kind, "moderated_t")
    assert set(result.table["method"]) == {expected}
    assert list(result.table.columns) == [*RESULT_COLUMNS, "reason"]
    assert list(result.sensitivity.columns) == list(result.table.columns)
    assert set(result.sensitivity["role"]) == {"sensitivity"}
    assert result.table["p"].is_monotonic_increasing
    methods = set(result.sensitivity["method"])
    assert f"{expected}_unadjusted" in methods
    if contrast == "survival":
        assert "cox_normal_scores" in methods
    else:
        assert methods & {"van_elteren", "mann_whitney", "wilcoxon_signed_rank"}
    if kind == "compositional":
        assert f"{expected}_half_minimum" in methods
        assert methods & {"firth_logistic", "mcnemar_exact", "fisher_exact_change", "cox_presence"}
    if contrast == "survival":
        assert "hazard" in result.unit
    else:
        assert result.unit == {
            "compositional": "log2 fold change against the features that do not change",
            "log_intensity": "log2 fold change",
            "continuous": "difference in score",
        }[kind]  # fmt: skip


@pytest.mark.parametrize("kind", ["compositional", "log_intensity"])
def test_planted_changes_are_found_and_agreed_upon(kind):
    table = run(*study(kind=kind), "change").table.set_index("feature")
    assert set(table.index[table["q"] < 0.1]) >= {"f00", "f01"}
    assert (table.loc[["f00", "f01"], "estimate"] - 4).abs().max() < 1.2
    assert (table.loc[["f00", "f01"], "agreement"] >= 0.5).all()
    table = run(*study(kind=kind), "response_change").table.set_index("feature")
    assert set(table.index[table["q"] < 0.1]) >= {"f02", "f03"}
    assert ((table["ci_low"] < table["estimate"]) & (table["estimate"] < table["ci_high"])).all()


def test_incomplete_pairs_take_the_mixed_model_with_the_complete_pairs_beside_it():
    for kind, method in (("compositional", "linda"), ("continuous", "random_intercept_reml")):
        result = run(*study(kind=kind, missing={(1, "POST"), (2, "PRE"), (9, "POST")}), "change")
        assert set(result.table["method"]) == {method}
        beside = {"linda": "linda", "random_intercept_reml": "moderated_t"}[method]
        assert {f"{beside}_complete_pairs", "wilcoxon_signed_rank"} <= set(result.sensitivity["method"])
        assert "scheme mixed" in result.comment


def test_counts_use_pairs_and_negative_binomial_models():
    result = run(*study(kind="counts", n=12, m=20, missing={(1, "POST")}, effect=6), "change")
    table = result.table.set_index("feature")
    assert set(table["method"]) == {"deseq2"}
    assert (table["n"] == 11).all()
    assert set(table.index[table["q"] < 0.1]) >= {"B|g00", "B|g01"}
    assert {"moderated_t_log_cpm", "wilcoxon_signed_rank", "deseq2_unadjusted"} <= set(result.sensitivity["method"])
    assert ("patient", "p01") in set(zip(result.dropped["what"], result.dropped["name"], strict=True))
    survival = run(*study(kind="counts", n=24, m=8), "survival")
    assert set(survival.table["method"]) == {"cox"}


def test_patients_without_the_species_do_not_count_for_its_change_and_the_published_rule_stands_beside():
    data, outcomes = study(n=12, m=10)
    patient = data.obs["patient_id"].to_numpy()
    data.X[np.isin(patient, ["p00", "p03", "p05", "p07"]), 6] = 0
    data.X[np.isin(patient, [f"p{i:02d}" for i in range(10)]), 7] = 0
    result = run(data, outcomes, "change")
    table = result.table.set_index("feature")
    beside = result.sensitivity.set_index(["method", "feature"])
    assert table.loc["f06", "df"] == table.loc["f00", "df"] - 4
    assert beside.loc[("linda_unadjusted", "f06"), "df"] == 7
    assert beside.loc[("linda_half_minimum", "f06"), "df"] == table.loc["f00", "df"]
    assert beside.loc[("wilcoxon_signed_rank", "f06"), "statistic"] <= 8 * 9 / 2
    assert table.loc["f07", "reason"].startswith("10 of 12 patients left out: zero in all of their samples")
    assert np.isnan(table.loc["f07", ["p", "q", "agreement"]].astype(float)).all()
    assert np.isfinite(beside.loc[("linda_half_minimum", "f07"), "p"])
    assert table.drop(index="f07")["p"].notna().all()
    assert run(data, outcomes, "baseline").table["df"].nunique() == 1


def test_tables_without_a_zero_give_one_linda_whatever_stands_for_zeros():
    data, outcomes = study(n=12, m=10)
    data.X = data.X + 1e-4
    for contrast in ("baseline", "change", "response_change"):
        tables = [
            run(data, outcomes, contrast, pseudocounts=(one,)).table for one in ("centred_half_minimum", "half_minimum")
        ]
        pd.testing.assert_frame_equal(*tables)


def test_bad_samples_and_features_are_left_out_by_name():
    data, outcomes = study()
    data.X[4] = 0
    data.X[:, 5] = 0
    data.X[1:, 6] = 0
    data.X[7, 8] = np.nan
    result = run(data, outcomes, "baseline")
    dropped = result.dropped.set_index("name")["reason"]
    assert dropped["f05"] == "zero in every sample"
    assert dropped["f06"] == "present in 1 of 23 samples, fewer than 10%"
    assert dropped[data.obs_names[4]] == "every value is zero"
    assert "f08" in result.table["feature"].tolist()  # the gap is in a POST sample
    assert not {"f05", "f06"} & set(result.table["feature"])
    assert result.table["n"].eq(23).all()
    assert "f08" in run(data, outcomes, "post").dropped["name"].tolist()


def test_samples_that_hold_rare_features_alone_are_left_out():
    data, outcomes = study()
    data.X[:, 23] = 0
    data.X[0] = 0
    data.X[0, 23] = 1
    result = run(data, outcomes, "baseline")
    reason = result.dropped.set_index("name")["reason"]
    assert reason[data.obs_names[0]] == "every value is zero among the features that pass the filter"
    assert len(result.table) == 23


def test_constant_and_sparse_features_keep_a_row_or_a_reason():
    data, outcomes = study(kind="log_intensity")
    data.X[:, 0] = 3
    data.X[2:, 1] = np.nan
    pairs = np.arange(48) % 2 == 1
    data.X[pairs, 2] = data.X[~pairs, 2]  # no change in anyone
    data.X[::5, 3] = np.nan
    result = run(data, outcomes, "change", min_patients=3)
    assert set(result.dropped.loc[result.dropped["what"] == "feature", "name"]) == {"f00", "f01"}
    table = result.table.set_index("feature")
    assert table.loc["f02", "reason"] is not None
    assert np.isnan(table.loc["f02", "p"])
    assert np.isfinite(table.loc["f03", "p"])
    assert result.table["feature"].iloc[-1] == "f02"
    assert table["q"].notna().sum() == 21


@pytest.mark.parametrize("kind", ["compositional", "log_intensity", "counts"])
def test_one_class_and_two_pairs_give_an_empty_table_that_says_why(kind, tmp_path):
    data, outcomes = study(kind=kind)
    one = run(data, outcomes.assign(response="NR"), "baseline")
    two = run(data[:4].copy(), outcomes, "change")
    for result, why in ((one, "0 responders and 24 non-responders"), (two, "2 complete pairs")):
        assert result.table.empty
        assert result.sensitivity.empty
        assert why in result.table.attrs["refusal"]
        paths = {name: tmp_path / f"{name}.tsv" for name in ("table", "sensitivity", "dropped")}
        write_differential(result=result, **paths)
        assert paths["table"].read_text().startswith(f"# no result: {why}")
        assert list(pd.read_csv(paths["table"], sep="\t", comment="#")) == list(result.table.columns)


def test_a_single_feature_is_no_composition():
    data, outcomes = study(m=5)
    result = run(data[:, :1].copy(), outcomes, "change")
    assert "no ratio" in result.table.attrs["refusal"]
    empty = study(m=5)[0]
    empty.X[:] = 0
    assert "0 complete pairs" in run(empty, outcomes, "change").table.attrs["refusal"]


def test_batch_confounded_with_response_is_refused_by_name():
    data, outcomes = study()
    data.obs["batch"] = np.where(outcomes["response"] == "R", "b1", "b2")
    assert "batch" in run(data, outcomes, "baseline").table.attrs["refusal"]


def test_covariates_with_one_level_or_collinear_are_dropped_by_name():
    data, outcomes = study()
    data.obs["site"] = "one"
    data.obs["again"] = data.obs["cohort"]
    result = run(data, outcomes, "change", covariates=("cohort", "again", "site"))
    dropped = result.dropped[result.dropped["what"] == "covariate"].set_index("name")["reason"]
    assert dropped["site"] == "one level only"
    assert "collinear" in dropped["again"]
    assert result.table["p"].notna().all()


def test_families():
    result = run(*study(), "change", families="family")
    assert list(result.table.columns) == [*RESULT_COLUMNS, "reason", *FAMILY_COLUMNS]
    assert set(result.table["family"]) == {"odd", "even"}
    assert result.table["discovery"].sum() >= 2
    with pytest.raises(GutaxisError, match="S02"):
        run(*study(), "change", families="genus")


def test_order_of_samples_and_features_changes_nothing():
    data, outcomes = study()
    mixed = data[::-1, ::-1].copy()
    first, second = (run(of, outcomes.sample(frac=1, random_state=2), "response_change") for of in (data, mixed))
    pd.testing.assert_frame_equal(first.table, second.table, rtol=1e-9)
    pd.testing.assert_frame_equal(first.sensitivity, second.sensitivity, rtol=1e-6)


def test_two_runs_write_the_same_bytes(tmp_path):
    texts = []
    for turn in "ab":
        paths = {name: tmp_path / f"{turn}{name}.tsv" for name in ("table", "sensitivity", "dropped")}
        write_differential(result=run(*study(), "change"), **paths)
        texts.append([path.read_bytes() for path in paths.values()])
    assert texts[0] == texts[1]
    head = texts[0][0].decode().splitlines()
    assert head[0] == "# unit of estimate: log2 fold change against the features that do not change"
    assert "POST minus PRE within patients; 24 patients, 8 R, 16 NR" in head[1]
    assert any("intercept, cohort=" in line for line in head[:4])


def test_agreement_counts_sign_and_for_findings_p():
    primary = pd.DataFrame({"feature": list("abcd"), "estimate": [1.0, -1, 2, 1]})
    primary["p"], primary["q"] = [0.001, 0.5, 0.2, np.nan], [0.01, 0.6, 0.3, np.nan]
    of_a = [("a", 1, 0.01), ("a", 1, 0.2), ("a", -1, 0.01), ("a", 3, 0.04), ("a", 1, np.nan)]
    sensitivity = pd.DataFrame([*of_a, ("b", -2, 0.9), ("d", 1, 0.1)], columns=["feature", "estimate", "p"])
    found = agreement(primary=primary, sensitivity=sensitivity, fdr=0.1)
    assert found[:2].tolist() == [0.5, 1.0]
    assert np.isnan(found[2:]).all()

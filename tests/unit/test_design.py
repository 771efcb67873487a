"""Designs: who is compared, what is adjusted for, what is refused by name."""

import numpy as np
import pandas as pd
import pytest

from gutaxis.stats.design import contrast_design

pytestmark = pytest.mark.unit


def trial(n=12, **columns):
    """Patients P00.. with PRE and POST; every other one a responder; two cohorts."""
    rows = []
    for i in range(n):
        for point in ("PRE", "POST"):
            rows.append(
                {
                    "sample_id": f"P{i:02d}_{point}",
                    "patient_id": f"P{i:02d}",
                    "timepoint": point,
                    "response": "R" if i % 2 else "NR",
                    "cohort": "lung" if i < n // 2 else "other",
                    "batch": "B1",
                    "pair_status": "PAIRED",
                    "pfs2_days": 50.0 + 10 * i,
                    "pfs2_cnsr": float(i % 3 == 0),
                    "age": 50.0 + i,
                }
            )
    table = pd.DataFrame(rows).set_index("sample_id")
    return table.assign(**columns)


def make(contrast, table, covariates=("cohort",), **options):
    return contrast_design(contrast=contrast, observations=table, covariates=covariates, **options)


def test_baseline_takes_one_pre_sample_per_patient_with_a_response():
    table = trial()
    table.loc["P03_PRE":"P03_POST", "response"] = None
    design = make("baseline", table)
    assert (design.scheme, design.tested, design.n, design.n_r, design.n_nr) == ("between", "response", 11, 5, 6)
    assert design.columns == ("intercept", "response", "cohort=lung")
    assert all(name.endswith("_PRE") for name in design.units.index)
    assert design.dropped.values.tolist() == [
        ["patient", "P03", "response is not known"],
        ["covariate", "batch", "one level only"],
    ]
    assert set(design.blocks) == {"lung", "other"}


def test_change_of_complete_pairs_is_the_centred_intercept():
    table = trial()
    design = make("change", table)
    values = pd.DataFrame({"x": np.where(table["timepoint"] == "POST", 3.0, 1.0)}, index=table.index)
    values.loc["P00_POST", "x"] = 9.0
    difference = design.values(table=values)
    assert design.scheme == "difference" and design.tested_index == 0
    beta = np.linalg.lstsq(design.matrix, difference, rcond=None)[0]
    assert beta[0, 0] == pytest.approx(difference.mean())


def test_the_mixed_model_is_taken_where_a_sample_is_missing_and_equals_the_differences_where_none_is():
    table = trial()
    assert make("change", table.drop("P02_POST")).scheme == "mixed"
    rng = np.random.default_rng(1)
    values = pd.DataFrame({"x": rng.normal(size=len(table))}, index=table.index)
    for contrast in ("change", "response_change"):
        one = make(contrast, table, pairs="differences")
        two = make(contrast, table, pairs="mixed")
        first = np.linalg.lstsq(one.matrix, one.values(table=values), rcond=None)[0][one.tested_index]
        # patients as fixed effects: the within-patient estimate
        dummies = pd.get_dummies(two.units["patient_id"]).to_numpy(float)
        within = [i for i in range(two.matrix.shape[1]) if two.units.groupby("patient_id")["patient_id"].size().size]
        varying = [
            i
            for i in within
            if pd.Series(two.matrix[:, i]).groupby(two.units["patient_id"].to_numpy()).nunique().max() > 1
        ]
        full = np.column_stack([two.matrix[:, varying], dummies])
        second = np.linalg.lstsq(full, two.values(table=values), rcond=None)[0][varying.index(two.tested_index)]
        assert first == pytest.approx(second)


@pytest.mark.parametrize(
    ("contrast", "batch", "words"),
    [
        ("baseline", lambda t: np.where(t["response"] == "R", "B1", "B2"), "response cannot be told apart from batch"),
        (
            "change",
            lambda t: np.where(t["timepoint"] == "POST", "B2", "B1"),
            "intercept cannot be told apart from batch",
        ),
    ],
)
def test_a_batch_that_is_the_contrast_is_refused_by_name(contrast, batch, words):
    table = trial()
    design = make(contrast, table.assign(batch=batch(table)))
    assert words in design.refusal


def test_a_batch_that_is_the_time_is_refused_in_the_mixed_model():
    table = trial().drop("P01_POST")
    design = make("change", table.assign(batch=np.where(table["timepoint"] == "POST", "B2", "B1")))
    assert design.scheme == "mixed" and "time cannot be told apart from batch" in design.refusal


def test_covariates_that_cannot_enter_are_named():
    table = trial(site=lambda t: t["cohort"] + "_site", one="same", gaps=np.nan, late=1.0)
    table.loc["P00_PRE", "late"] = np.nan
    table.loc["P02_PRE", "late"] = 2.0
    design = make("baseline", table, covariates=("cohort", "site", "one", "gaps", "late", "absent"))
    reasons = dict(zip(design.dropped["name"], design.dropped["reason"], strict=True))
    assert "collinear" in reasons["site"]
    assert reasons["one"] == "one level only"
    assert reasons["gaps"] == "missing in 12 of 12 samples"
    assert reasons["P00_PRE"] == "no value of late"
    assert np.linalg.matrix_rank(design.matrix) == design.matrix.shape[1]
    assert design.n == 11


def test_few_patients_carry_few_covariates():
    design = make("baseline", trial(6, site=[f"s{i // 2}" for i in range(12)]), covariates=("age", "cohort"))
    assert len(design.units) - design.matrix.shape[1] >= 3
    assert "too few observations" in " ".join(design.dropped["reason"])


@pytest.mark.parametrize(
    ("contrast", "table", "words"),
    [
        ("baseline", trial(response="R"), "12 responders and 0 non-responders"),
        ("response_change", trial().drop(["P01_POST", "P03_POST", "P05_POST", "P07_POST"]), "2 responders and 6"),
        ("change", trial(2), "2 complete pairs; at least 3"),
        ("post", trial()[lambda t: t["timepoint"] == "PRE"], "0 responders and 0 non-responders"),
        ("survival", trial(pfs2_cnsr=1.0), "0 PFS2 events in 12 patients"),
        ("baseline", trial().iloc[:0], "0 responders"),
        ("response_change", trial().iloc[:0], "0 responders"),
        ("response_change", trial()[lambda t: t["timepoint"] == "PRE"], "0 responders"),
        ("change", trial(response=None).iloc[:0], "0 complete pairs"),
    ],
)
def test_too_few_is_a_refusal_not_a_crash(contrast, table, words):
    for pairs in ("auto", "differences", "mixed"):
        assert words in make(contrast, table, pairs=pairs).refusal


def test_events_bound_the_covariates_of_survival():
    few = make("survival", trial(12))
    assert few.matrix.shape == (12, 0)
    many = make("survival", trial(60), covariates=("cohort", "age"))
    assert many.columns == ("cohort=other", "age") and many.event.sum() == 40


def test_samples_that_no_pair_uses_and_second_samples_stay_out():
    table = trial()
    extra = table.loc[["P00_PRE"]].rename({"P00_PRE": "P00_AGAIN"})
    design = make("baseline", pd.concat([table, extra]))
    assert "second sample" in " ".join(design.dropped["reason"])
    assert design.n == 12
    table.loc["P00_PRE", "pair_status"] = "EXTRA"
    assert make("baseline", table).n == 11


def test_batch_as_stratum_bounds_permutations():
    table = trial().assign(batch=["B1"] * 6 + ["B2"] * 6 + ["B1"] * 6 + ["B2"] * 6)
    assert set(make("baseline", table, batch="stratum").blocks) == {
        "lung x B1",
        "lung x B2",
        "other x B1",
        "other x B2",
    }
    assert set(make("baseline", table).blocks) == {"lung", "other"}
    assert "batch" not in make("baseline", table, batch="ignore").terms


def test_the_order_of_rows_changes_nothing():
    table = trial().drop("P04_POST")
    one, two = (make("response_change", rows) for rows in (table, table.sample(frac=1, random_state=3)))
    assert list(one.units.index) == list(two.units.index) and np.array_equal(one.matrix, two.matrix)

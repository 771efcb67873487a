"""Whether patients of the newest batches differ: R2 against scikit-bio, its permutations, the features that moved."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist, squareform
from skbio import DistanceMatrix
from skbio.stats.distance import permanova

from gutaxis.batches.drift import batch_r2, layer_drift, one_sample_each
from gutaxis.stats.permanova import gower

pytestmark = pytest.mark.unit


def study(*, n=12, new=4, seed=0, shift=0.0, features=5, cohorts=("A", "B")):
    """Patients of cohorts in turn, each with PRE and POST; the last ones are of batch B2."""
    rng = np.random.default_rng(seed)
    patients = [f"P{at:02d}" for at in range(n)]
    samples = pd.DataFrame(
        {
            "patient_id": np.repeat(patients, 2),
            "timepoint": ["PRE", "POST"] * n,
            "batch": np.repeat(["B1"] * (n - new) + ["B2"] * new, 2),
            "cohort": np.repeat([cohorts[at % len(cohorts)] for at in range(n)], 2),
        },
        index=pd.Index([f"{name}_{time}" for name in patients for time in ("PRE", "POST")], name="sample_id"),
    )
    names = [f"F{at}" for at in range(features)]
    values = pd.DataFrame(rng.standard_normal((2 * n, features)), samples.index, names)
    values.loc[samples["batch"] == "B2", "F0"] += shift
    return samples, values


def drift(samples, values, *, permutations=99, seed=1, distances=None, layer="taxa"):
    if distances is None:
        distances = pd.DataFrame(squareform(pdist(values.fillna(0))), values.index, values.index)
    labels = pd.Series({name: f"the {name}" for name in values.columns})
    found = layer_drift(
        layer=layer, metric="euclidean", distances=distances, values=values, samples=samples, newest=["B2"],
        labels=labels, permutations=permutations, seed=seed,
    )  # fmt: skip
    assert len(found.table) == 1
    return found.table.iloc[0], found.shifts


@pytest.mark.oracle
@pytest.mark.parametrize("metric", ["euclidean", "braycurtis", "jaccard"])
@pytest.mark.parametrize("new", [1, 4, 9])
def test_r2_is_that_of_scikit_bio(metric, new):
    rng = np.random.default_rng(new)
    values = rng.lognormal(size=(14, 6)) * (rng.random((14, 6)) < 0.7)
    distances = squareform(pdist(values > 0 if metric == "jaccard" else values, metric))
    groups = np.arange(14) < new
    f = permanova(DistanceMatrix(distances), groups.astype(str), permutations=0)["test statistic"]
    expected = 1 / (1 + (14 - 2) / ((2 - 1) * f))
    assert batch_r2(gram=gower(distances=distances), new=groups) == pytest.approx(expected, rel=1e-9)


def test_r2_of_distances_without_variation_is_not_known():
    assert np.isnan(batch_r2(gram=gower(distances=np.zeros((4, 4))), new=np.array([True, True, False, False])))


def test_one_sample_of_each_patient_pre_first_and_no_control():
    samples, _ = study(n=3, new=1)
    samples = samples.drop(index="P01_PRE")
    samples.loc["BLANK"] = [None, None, "B2", None]
    assert list(one_sample_each(samples=samples).index) == ["P00_PRE", "P01_POST", "P02_PRE"]


def test_the_row_says_who_was_compared_and_how_far_apart_they_are():
    samples, values = study(n=12, new=4)
    row, _ = drift(samples, values)
    chosen = [name for name in values.index if name.endswith("PRE")]
    d = squareform(pdist(values.loc[chosen]))
    assert (row["patients_new"], row["patients_earlier"]) == (4, 8)
    assert row["distance_within_earlier"] == pytest.approx(np.median(d[:8, :8][np.triu_indices(8, 1)]))
    assert row["distance_to_earlier"] == pytest.approx(np.median(d[8:, :8]))
    groups = np.array(["new" if at >= 8 else "old" for at in range(12)])
    f = permanova(DistanceMatrix(d), groups, permutations=0)["test statistic"]
    assert row["r2"] == pytest.approx(1 / (1 + 10 / f))
    assert row["permutations"] == 99 and row["scheme"] == "patients within cohort and timepoint"
    assert row["note"] is None


def test_a_large_shift_is_found_and_named_and_two_calls_agree():
    samples, values = study(n=20, new=8, shift=6.0)
    row, shifts = drift(samples, values)
    assert row["p"] == pytest.approx(0.01)
    assert shifts["feature"].iloc[0] == "F0" and shifts["label"].iloc[0] == "the F0"
    pre = values[values.index.str.endswith("PRE")]
    old, new = pre["F0"].iloc[:12], pre["F0"].iloc[12:]
    assert shifts["difference"].iloc[0] == pytest.approx(new.mean() - old.mean())
    assert shifts["standardised"].iloc[0] == pytest.approx((new.mean() - old.mean()) / old.std(ddof=1))
    again = drift(samples, values)
    assert again[0].equals(row) and again[1].equals(shifts)


def test_without_a_batch_effect_p_is_uniform():
    found = np.array([drift(*study(n=14, new=5, seed=seed), permutations=39, seed=seed)[0]["p"] for seed in range(400)])
    # 400 runs: binomial standard errors are 0.011 at 0.05 and 0.025 at 0.5
    assert 0.015 <= (found <= 0.05).mean() <= 0.085
    assert 0.42 <= (found <= 0.5).mean() <= 0.58


def test_a_difference_between_cohorts_is_not_taken_for_one_between_batches():
    small = 0
    for seed in range(60):
        samples, values = study(n=16, new=6, seed=seed)
        # the newest batch is nearly all of cohort B, which is far from A
        samples["cohort"] = np.repeat(["A"] * 9 + ["B"] * 1 + ["A"] * 1 + ["B"] * 5, 2)
        values.loc[samples["cohort"] == "B"] += 3.0
        small += drift(samples, values, permutations=39, seed=seed)[0]["p"] <= 0.05
    assert small <= 10


@pytest.mark.parametrize(("new", "counts"), [(2, (2, 10)), (10, (10, 2)), (0, (0, 12))])
def test_fewer_than_three_patients_on_a_side_are_not_tested(new, counts):
    row, shifts = drift(*study(n=12, new=new))
    assert np.isnan(row["p"]) and np.isnan(row["r2"]) and row["permutations"] == 0
    assert row["note"] == f"fewer than 3 patients on a side ({counts[0]} newest, {counts[1]} earlier)"
    assert (row["patients_new"], row["patients_earlier"]) == counts
    assert shifts.empty


def test_post_samples_of_earlier_patients_make_no_newest_patient():
    samples, values = study(n=12, new=0)
    samples.loc[samples["timepoint"] == "POST", "batch"] = "B2"
    row, _ = drift(samples, values)
    assert (row["patients_new"], row["patients_earlier"]) == (0, 12)


@pytest.mark.parametrize("column", ["cohort", "timepoint"])
def test_what_cannot_be_told_from_the_batch_is_said(column):
    samples, values = study(n=12, new=4, cohorts=("A",))
    if column == "cohort":
        samples.loc[samples["batch"] == "B2", "cohort"] = "C"
    else:
        samples = samples[(samples["batch"] == "B1") | (samples["timepoint"] == "POST")]
    row, shifts = drift(samples, values)
    assert np.isnan(row["p"]) and row["permutations"] == 0
    assert "cannot be told apart" in row["note"]
    assert row["r2"] > 0 and len(shifts), "they are described all the same"


def test_equal_samples_are_no_finding():
    samples, values = study(n=12, new=4)
    row, _ = drift(samples, values * 0)
    assert np.isnan(row["p"]) and row["note"] == "nothing varies between the patients"


def test_samples_without_a_distance_and_layers_without_any_are_left_out():
    samples, values = study(n=12, new=4)
    some = pd.DataFrame(squareform(pdist(values)), values.index, values.index).iloc[2:, 2:]
    assert drift(samples, values, distances=some)[0]["patients_earlier"] == 7
    none = pd.DataFrame(index=pd.Index([], name="sample_id"))
    assert drift(samples, values, distances=none)[0]["patients_earlier"] == 0


def test_a_feature_seen_in_two_patients_is_no_shift():
    samples, values = study(n=12, new=4)
    pre = values.index[values.index.str.endswith("PRE")]
    values.loc[pre, "F1"] = np.nan
    values.loc[pre[:2], "F1"] = [1.0, 1.001]
    values.loc[pre[8:], "F1"] = 9.0
    values.loc[:, "F2"] = 2.0
    _, shifts = drift(samples, values)
    assert set(shifts["feature"]) == {"F0", "F3", "F4"}


def test_layers_draw_by_their_own_name():
    samples, values = study(n=14, new=5)
    p = {drift(samples, values, layer=name)[0]["p"] for name in ("taxa", "pathways", "genes", "cells", "blood")}
    assert len(p) > 1

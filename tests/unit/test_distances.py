"""Distances of a layer: definitions, missing values, what is left out, refusals."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy.spatial.distance import pdist, squareform
from skbio import TreeNode
from skbio.stats.composition import clr

from gutaxis.stats.distances import UNITS, distance_matrix
from gutaxis.stats.outputs import METRICS

pytestmark = pytest.mark.unit


def layer(values, kind="compositional", features=None, samples=None, **var) -> AnnData:
    values = np.asarray(values, dtype=float)
    features = features or [f"f{number}" for number in range(values.shape[1])]
    samples = samples or [f"S{number:02d}" for number in range(len(values))]
    return AnnData(
        values, obs=pd.DataFrame(index=samples), var=pd.DataFrame(var, index=features),
        uns={"kind": kind, "name": "test"},
    )  # fmt: skip


def amounts(seed=0, shape=(8, 12), zeros=0.4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.gamma(0.7, size=shape) * (rng.random(shape) > zeros) + np.eye(*shape) * 0.2


def gone(found, what) -> dict[str, str]:
    table = found.dropped[found.dropped["what"] == what]
    return dict(zip(table["name"], table["reason"], strict=True))


def test_every_metric_of_every_kind_has_a_unit():
    assert {metric for metrics in METRICS.values() for metric in metrics} == set(UNITS)


@pytest.mark.parametrize("metric", ["braycurtis", "jaccard", "aitchison", "robust_aitchison"])
def test_the_unit_of_a_composition_does_not_matter(metric):
    values = amounts()
    one = distance_matrix(adata=layer(values), metric=metric).values
    other = distance_matrix(adata=layer(values / values.sum(axis=1, keepdims=True)), metric=metric).values
    cpm = distance_matrix(adata=layer(1e6 * values / values.sum(axis=1, keepdims=True)), metric=metric).values
    assert cpm.to_numpy() == pytest.approx(other.to_numpy(), rel=1e-7, abs=1e-9)
    assert (np.diagonal(one) == 0).all()
    assert np.array_equal(one, one.T)
    assert (one.to_numpy()[~np.eye(8, dtype=bool)] > 0).all()


def test_definitions_on_numbers_done_by_hand():
    table = layer([[0.5, 0.5, 0.0], [0.25, 0.25, 0.5], [0.0, 0.0, 1.0]])
    bray = distance_matrix(adata=table, metric="braycurtis").values.to_numpy()
    assert bray[np.triu_indices(3, 1)] == pytest.approx([0.5, 1.0, 0.5])
    jaccard = distance_matrix(adata=table, metric="jaccard").values.to_numpy()
    assert jaccard[np.triu_indices(3, 1)] == pytest.approx([1 / 3, 1.0, 2 / 3])


def test_aitchison_is_euclidean_after_clr():
    values = amounts(zeros=0.3)
    found = distance_matrix(adata=layer(values), metric="aitchison").values.to_numpy()
    filled = np.where(values == 0, values[values > 0].min() / 2, values)
    assert found == pytest.approx(squareform(pdist(clr(filled))), rel=1e-9, abs=1e-9)
    small = distance_matrix(adata=layer(values), metric="aitchison", pseudocount=1e-6).values.to_numpy()
    assert small.sum() > found.sum()


def test_empty_samples_and_features_are_named_and_left_out():
    values = amounts()
    values[2] = 0
    values[:, 5] = 0
    found = distance_matrix(adata=layer(values), metric="braycurtis")
    assert list(found.values.index) == [f"S{number:02d}" for number in range(8) if number != 2]
    assert gone(found, "sample") == {"S02": "every value is zero"}
    assert gone(found, "feature") == {"f5": "zero in every sample"}
    kept = distance_matrix(adata=layer(np.delete(np.delete(values, 2, 0), 5, 1)), metric="braycurtis")
    assert found.values.to_numpy() == pytest.approx(kept.values.to_numpy())


def test_samples_come_sorted_whatever_their_order():
    values = amounts()
    names = [f"S{number:02d}" for number in range(8)]
    order = np.random.default_rng(1).permutation(8)
    one = distance_matrix(adata=layer(values), metric="robust_aitchison").values
    other = distance_matrix(
        adata=layer(values[order], samples=[names[place] for place in order]), metric="robust_aitchison"
    ).values
    assert list(other.index) == names
    pd.testing.assert_frame_equal(one, other, rtol=1e-12)


def test_euclidean_is_on_scaled_features():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(10, 6)) * [1, 10, 100, 1, 1, 0] + 5
    found = distance_matrix(adata=layer(values, kind="log_intensity"), metric="euclidean")
    scaled = (values[:, :5] - values[:, :5].mean(axis=0)) / values[:, :5].std(axis=0, ddof=1)
    assert found.values.to_numpy() == pytest.approx(squareform(pdist(scaled)), rel=1e-10)
    assert gone(found, "feature") == {"f5": "constant, or fewer than two values"}


def test_missing_values_are_scaled_up_from_what_two_samples_share():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(6, 8))
    values[0, :3] = np.nan
    values[1, 2:4] = np.nan
    found = distance_matrix(adata=layer(values, kind="continuous"), metric="euclidean").values.to_numpy()
    scaled = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0, ddof=1)
    shared = [4, 5, 6, 7]
    assert found[0, 1] == pytest.approx(np.sqrt(8 / 4 * ((scaled[0, shared] - scaled[1, shared]) ** 2).sum()))
    assert found[2, 3] == pytest.approx(np.linalg.norm(scaled[2] - scaled[3]))


def test_samples_without_a_shared_feature_leave():
    values = np.array(
        [[1, 2, np.nan, np.nan], [2, 3, np.nan, np.nan], [np.nan, np.nan, 1, 3], [3, 1, 2, 2.5], [0, 4, 3, 2.0]]
    )
    found = distance_matrix(adata=layer(values, kind="continuous"), metric="euclidean")
    assert gone(found, "sample") == {"S02": "shares no feature with another sample"}
    assert np.isfinite(found.values.to_numpy()).all()


def test_equal_samples_have_distance_zero():
    values = np.random.default_rng(4).normal(size=(5, 30)) * 1e3
    values[3] = values[1]
    found = distance_matrix(adata=layer(values, kind="continuous"), metric="euclidean").values.to_numpy()
    assert found[1, 3] == 0.0


def test_logcpm_is_scaled_within_cell_types():
    rng = np.random.default_rng(5)
    features = ["T|a", "T|b", "T|c", "B|a", "B|b"]
    counts = rng.poisson(30, size=(4, 5)).astype(float)
    found = distance_matrix(adata=layer(counts, kind="counts", features=features), metric="logcpm").values.to_numpy()
    total = np.hstack([counts[:, :3].sum(axis=1, keepdims=True)] * 3 + [counts[:, 3:].sum(axis=1, keepdims=True)] * 2)
    logs = np.log2((counts + 0.5) / (total + 1) * 1e6)
    assert found == pytest.approx(squareform(pdist(logs)) / np.sqrt(5), rel=1e-10)
    # without B cells a sample is compared by its T cells alone
    counts[0, 3:] = 0
    found = distance_matrix(adata=layer(counts, kind="counts", features=features), metric="logcpm").values.to_numpy()
    assert found[0, 1] == pytest.approx(np.sqrt(((logs[0, :3] - logs[1, :3]) ** 2).mean()))


def test_twice_the_depth_is_nearly_the_same_sample():
    rng = np.random.default_rng(6)
    counts = rng.poisson(200, size=(4, 40)).astype(float)
    counts[1] = 3 * counts[0]
    found = distance_matrix(adata=layer(counts, kind="counts"), metric="logcpm").values.to_numpy()
    assert found[0, 1] < 0.02 < found[0, 2]


def test_refusals_say_why():
    two = distance_matrix(adata=layer(amounts()[:2]), metric="braycurtis")
    assert two.refusal.startswith("2 samples")
    assert two.values.empty
    values = amounts()
    values[2:] = 0
    assert distance_matrix(adata=layer(values), metric="aitchison").refusal.startswith("2 samples")
    assert distance_matrix(adata=layer(amounts()), metric="weighted_unifrac").refusal == "there is no tree"
    constant = distance_matrix(adata=layer(np.ones((5, 2)), kind="continuous"), metric="euclidean")
    assert constant.refusal is not None
    tree = TreeNode.read(["((a:1,b:1):1,c:2);"])
    assert distance_matrix(adata=layer(amounts()), metric="weighted_unifrac", tree=tree).refusal == (
        "no feature is a tip of the tree"
    )


def test_what_does_not_fit_is_an_error():
    with pytest.raises(ValueError, match="for kind counts one of logcpm"):
        distance_matrix(adata=layer(amounts(), kind="counts"), metric="braycurtis")
    with pytest.raises(ValueError, match="negative"):
        distance_matrix(adata=layer(-amounts()), metric="braycurtis")


def test_unifrac_reports_what_is_not_in_the_tree():
    tree = TreeNode.read(["((f0:1,f1:1):1,(f2:2,f3:1):0.5);"])
    values = np.array([[4, 0, 0, 4, 2], [0, 3, 1, 0, 0], [1, 1, 1, 1, 4], [0, 0, 0, 0, 9]], dtype=float)
    found = distance_matrix(adata=layer(values), metric="unweighted_unifrac", tree=tree)
    assert gone(found, "feature") == {"f4": "no tip in the tree"}
    assert gone(found, "sample") == {"S03": "none of its features is in the tree"}
    assert "4 of 5 features" in found.notes[1]
    # S00 has f0 and f3 (branches 1 + 1 + 1 + 0.5), S01 has f1 and f2 (1 + 1 + 2 + 0.5); 1 + 0.5 are shared
    assert found.values.loc["S00", "S01"] == pytest.approx(5.0 / 6.5)

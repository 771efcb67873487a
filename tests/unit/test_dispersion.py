"""Dispersion: distances to the middle of a group, F, and swaps inside patients."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize
from scipy.spatial.distance import pdist, squareform
from tests.paired_trials import bray_curtis, observations, trial

from gutaxis.stats.design import contrast_design
from gutaxis.stats.dispersion import (
    TABLE,
    contrast_dispersion,
    dispersion_f,
    dispersion_test,
    distances_to_centre,
    spatial_median,
)
from gutaxis.stats.permanova import gower
from gutaxis.stats.permutations import permute_rows

pytestmark = pytest.mark.unit


def test_euclidean_distances_are_to_the_mean():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(12, 4))
    groups = np.repeat(["a", "b"], [5, 7])
    gram = gower(distances=squareform(pdist(points)))
    found = distances_to_centre(gram=gram, groups=groups, centre="centroid")
    for label in ("a", "b"):
        own = points[groups == label]
        assert found[groups == label] == pytest.approx(np.linalg.norm(own - own.mean(axis=0), axis=1))
    adjusted = distances_to_centre(gram=gram, groups=groups, centre="centroid", bias_adjust=True)
    assert adjusted / found == pytest.approx(np.repeat([np.sqrt(5 / 4), np.sqrt(7 / 6)], [5, 7]))
    with pytest.raises(ValueError, match="centre=mode"):
        distances_to_centre(gram=gram, groups=groups, centre="mode")


def test_centroid_distance_closed_form_on_a_semimetric():
    """z_i^2 = mean_j d_ij^2 - mean_jk d_jk^2 / 2, imaginary axes and all."""
    rng = np.random.default_rng(1)
    distances = squareform(pdist(rng.gamma(0.3, size=(15, 6)), "braycurtis"))
    groups = np.repeat([0, 1, 2], 5)
    found = distances_to_centre(gram=gower(distances=distances), groups=groups, centre="centroid")
    for label in range(3):
        own = distances[np.ix_(groups == label, groups == label)] ** 2
        assert found[groups == label] ** 2 == pytest.approx(own.mean(axis=1) - own.mean() / 2, abs=1e-12)


def test_spatial_median_has_the_smallest_sum_of_distances():
    rng = np.random.default_rng(2)
    for shape in ((7, 3), (4, 2), (12, 6)):
        points = rng.standard_t(2, size=shape)

        def total(centre, points=points):
            return np.linalg.norm(points - centre, axis=1).sum()

        found = spatial_median(points=points)
        best = minimize(total, points.mean(axis=0), method="Nelder-Mead", options={"maxiter": 20000, "xatol": 1e-9})
        assert total(found) <= best.fun + 1e-9


def test_spatial_median_on_a_point_of_the_data():
    """Three corners and their middle: the middle point itself; and points that all coincide."""
    corner = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.3, 0.3]])
    assert spatial_median(points=corner) == pytest.approx([0.3, 0.3], abs=1e-6)
    assert spatial_median(points=np.ones((4, 2))) == pytest.approx([1, 1])
    assert spatial_median(points=np.array([[0.0, 0.0], [2.0, 4.0]])) == pytest.approx([1, 2])


def test_f_is_the_analysis_of_variance_for_every_row():
    rng = np.random.default_rng(3)
    groups = np.repeat(["a", "b", "c"], [4, 6, 5])
    spread = rng.gamma(3, size=(5, 15))
    for row, found in zip(spread, dispersion_f(spread=spread, groups=groups), strict=True):
        expected = stats.f_oneway(*(row[groups == label] for label in "abc")).statistic
        assert found == pytest.approx(expected, rel=1e-10)
    assert np.isnan(dispersion_f(spread=np.ones((1, 15)), groups=groups)[0])


def test_unequal_spread_is_found_and_equal_spread_is_not():
    rng = np.random.default_rng(4)
    groups = np.repeat(["R", "NR"], 20)
    free = permute_rows(blocks=np.zeros(40), permutations=199, seed=1)
    ps = []
    for factor in (1.0, 2.0):
        points = rng.normal(size=(40, 5)) * np.where(groups == "R", factor, 1.0)[:, None] + (groups == "R")[:, None]
        spread = distances_to_centre(gram=gower(distances=squareform(pdist(points))), groups=groups)
        ps.append(dispersion_test(spread=spread, groups=groups, arrangements=free)[1])
    assert ps[0] > 0.05
    assert ps[1] == 0.005


def run(contrast, permutations=199, **keys):
    layer, outcomes = trial(**keys)
    design = contrast_design(
        contrast=contrast, observations=observations(layer, outcomes), covariates=("cohort",), pairs="differences"
    )
    return contrast_dispersion(distances=bray_curtis(layer), design=design, permutations=permutations, seed=1)


def test_rows_of_each_contrast():
    table = run("baseline")
    assert list(table.columns) == TABLE
    assert table[["term", "centre"]].to_numpy().tolist() == [
        ["response", "median"], ["response", "centroid"], ["cohort", "median"], ["cohort", "centroid"],
    ]  # fmt: skip
    assert table["df_residual"].tolist() == [16, 16, 15, 15]
    assert table["scheme"].tolist() == ["patients within blocks"] * 2 + ["patients"] * 2
    assert table["p"].between(0, 1).all()
    assert "R " in table["spread"][0]
    assert "(n=9)" in table["spread"][0]
    assert run("response_change")["term"].tolist() == ["response:time"] * 2
    survival = run("survival")
    assert survival["reason"].tolist() == ["no groups: the outcome is a time"]


def test_time_is_swapped_inside_patients():
    table = run("change", patients=5, permutations=99)
    assert table["permutations"].tolist() == [31, 31]
    assert table["exact"].tolist() == [True, True]
    layer, _ = trial(patients=5)
    names = [f"P{number:02d}_{point}" for point in ("pre", "post") for number in range(5)]
    gram = gower(distances=bray_curtis(layer).loc[names, names].to_numpy())
    groups = np.repeat(["PRE", "POST"], 5)
    spread = distances_to_centre(gram=gram, groups=groups, centre="centroid", bias_adjust=True)
    observed = dispersion_f(spread=spread[None], groups=groups)[0]
    assert table.loc[1, "f"] == pytest.approx(observed)
    residual = spread.reshape(2, 5) - spread.reshape(2, 5).mean(axis=1, keepdims=True)
    swaps = []
    for code in range(1, 32):
        moved = residual.copy()
        for place in range(5):
            if code >> place & 1:
                moved[:, place] = moved[::-1, place]
        swaps.append(dispersion_f(spread=moved.reshape(1, -1), groups=groups)[0])
    assert table.loc[1, "p"] == pytest.approx((np.sum(np.array(swaps) >= observed - 1e-9) + 1) / 32)


def test_small_groups_are_named():
    layer, outcomes = trial(patients=12)
    few = [f"P{number:02d}_{point}" for number in (0, 1) for point in ("pre", "post")]
    outcomes = outcomes.assign(response="NR")
    outcomes.loc[few, "response"] = "R"
    design = contrast_design(
        contrast="baseline", observations=observations(layer, outcomes), pairs="differences", min_patients=2
    )
    table = contrast_dispersion(distances=bray_curtis(layer), design=design, permutations=9, seed=1)
    assert table["reason"].tolist() == ["groups too small: NR 10, R 2; at least 3"]
    refused = contrast_design(contrast="baseline", observations=observations(layer, outcomes), pairs="differences")
    table = contrast_dispersion(distances=bray_curtis(layer), design=refused, permutations=9, seed=1)
    assert table["reason"].tolist() == [refused.refusal]

"""Principal coordinates: scikit-bio's, with a fixed sign, and an honest account of what the picture leaves out."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist, squareform
from skbio import DistanceMatrix
from skbio.stats.ordination import pcoa

from gutaxis.stats.ordination import principal_coordinates

pytestmark = pytest.mark.unit


def table(values: np.ndarray) -> pd.DataFrame:
    names = [f"S{number}" for number in range(len(values))]
    return pd.DataFrame(values, index=names, columns=names)


def test_as_scikit_bio():
    distances = table(squareform(pdist(np.random.default_rng(0).gamma(0.4, size=(14, 8)), "braycurtis")))
    found = principal_coordinates(distances=distances, axes=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-bio warns of the negative eigenvalues that we report
        expected = pcoa(DistanceMatrix(distances.to_numpy(), list(distances.index)), method="eigh")
    positive = expected.eigvals.to_numpy()[: len(found.axes)]
    assert found.axes["eigenvalue"].to_numpy() == pytest.approx(positive, rel=1e-9)
    assert np.abs(found.points.to_numpy()) == pytest.approx(np.abs(expected.samples.to_numpy()[:, :5]), abs=1e-9)
    assert list(found.points.columns) == [f"axis_{number}" for number in range(1, 6)]
    assert found.axes["explained"].sum() == pytest.approx(1)
    assert 0 < found.negative_share < 0.5


def test_euclidean_points_come_back():
    points = np.random.default_rng(1).normal(size=(9, 3)) * [5, 2, 1]
    found = principal_coordinates(distances=table(squareform(pdist(points))))
    assert len(found.axes) == 3
    assert found.negative_share == pytest.approx(0, abs=1e-12)
    assert pdist(found.points) == pytest.approx(pdist(points))


def test_the_farthest_sample_is_positive_on_every_axis():
    for seed in range(5):
        points = np.random.default_rng(seed).normal(size=(9, 3))
        for mirrored in (points, -points):
            found = principal_coordinates(distances=table(squareform(pdist(mirrored)))).points
            peaks = found.abs().to_numpy().argmax(axis=0)
            assert (found.to_numpy()[peaks, np.arange(3)] > 0).all()


def test_samples_in_one_point_have_no_axes():
    found = principal_coordinates(distances=table(np.zeros((4, 4))))
    assert found.points.shape == (4, 0)
    assert found.axes.empty
    assert found.negative_share == 0

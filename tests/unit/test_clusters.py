"""Features that go together count once: clusters, medoids, scores."""

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import fcluster, linkage

from gutaxis.integrate.association_ranks import residual_ranks
from gutaxis.integrate.clusters import chance_rho, cluster_features, cluster_scores, cluster_table

pytestmark = pytest.mark.unit
ONE = np.ones((60, 1))


def guilds(n=60, seed=1):
    """Four features of one guild (one of them against it), three of another, two alone."""
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(2, n, 1))
    values = np.hstack(
        [
            first * [1, 1, -1, 1] + 0.4 * rng.normal(size=(n, 4)),
            second + 0.4 * rng.normal(size=(n, 3)),
            rng.normal(size=(n, 2)),
        ]
    )
    values[:, 0] = first[:, 0] + 0.1 * rng.normal(size=n)
    return residual_ranks(values=values, columns=ONE[:n])


def test_guilds_are_found_with_their_signs_and_medoids():
    ranks = guilds()
    made = cluster_features(ranks=ranks, df=58)
    assert made.medoid.tolist()[:4] == [0, 0, 0, 0]
    assert made.sign.tolist()[:4] == [1, 1, -1, 1]
    assert len(set(made.medoid[4:7])) == 1
    assert made.medoid.tolist()[7:] == [7, 8]
    assert made.rho[made.names].tolist() == [1.0] * 4


def test_equals_average_linkage_by_scipy():
    ranks = guilds(seed=2)
    made = cluster_features(ranks=ranks, df=58, cut=0.6)
    distance = 1 - np.abs(np.corrcoef(ranks.values.T))
    height = min(0.6, 1 - chance_rho(df=58, features=9))
    labels = fcluster(linkage(distance[np.triu_indices(9, 1)], "average"), t=height, criterion="distance")
    same = labels[:, None] == labels
    np.testing.assert_array_equal(made.medoid[:, None] == made.medoid, same)
    for members in (np.flatnonzero(row) for row in same):
        totals = distance[np.ix_(members, members)].sum(axis=1)
        assert made.medoid[members[0]] == members[np.argmin(totals)]


def test_noise_is_not_joined_where_patients_are_few():
    rng = np.random.default_rng(3)
    alone = []
    for _ in range(20):
        ranks = residual_ranks(values=rng.normal(size=(20, 100)), columns=ONE[:20])
        alone.append(len(cluster_features(ranks=ranks, df=18).names) / 100)
    assert np.mean(alone) > 0.94
    assert chance_rho(df=18, features=100) > 0.6
    assert chance_rho(df=500, features=100) < 0.2


def test_the_chance_of_a_neighbour_is_five_percent():
    rng = np.random.default_rng(4)
    values = rng.normal(size=(400, 32, 51))
    centred = values - values.mean(axis=1, keepdims=True)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    best = np.abs(np.einsum("sij,si->sj", centred[:, :, 1:], centred[:, :, 0])).max(axis=1)
    assert (best > chance_rho(df=30, features=50)).mean() == pytest.approx(0.05, abs=0.03)


def test_a_height_of_zero_leaves_every_feature_alone():
    made = cluster_features(ranks=guilds(), df=58, cut=0)
    assert made.medoid.tolist() == list(range(9))
    with pytest.raises(ValueError, match="0 to 1"):
        cluster_features(ranks=guilds(), df=58, cut=2)


def test_scores_are_means_in_the_medoids_direction_and_stay_orthogonal():
    rng = np.random.default_rng(5)
    columns = np.column_stack([np.ones(60), np.arange(60) % 2])
    values = rng.normal(size=(60, 1)) * [1, -1, 1] + 0.3 * rng.normal(size=(60, 3))
    values[:5, 1] = np.nan
    ranks = residual_ranks(values=values, columns=columns)
    made = cluster_features(ranks=ranks, df=57)
    assert len(made.names) == 1
    scores = cluster_scores(ranks=ranks, clusters=made)
    unit = ranks.values / np.linalg.norm(ranks.values, axis=0)
    np.testing.assert_allclose(scores.values[:, 0], (unit * made.sign).mean(axis=1), atol=1e-12)
    np.testing.assert_allclose(columns.T @ scores.values, 0, atol=1e-9)
    assert scores.observed.all()


def test_the_table_has_a_row_for_every_feature():
    made = cluster_features(ranks=guilds(), df=58)
    labels = pd.Series([f"Label {i}" for i in range(9)], index=[f"f{i}" for i in range(9)])
    table = cluster_table(layer="taxa", clusters=made, labels=labels)
    assert sorted(table["feature"]) == sorted(labels.index)
    first = table[table["cluster"] == "f0"]
    assert first["feature"].tolist() == ["f0", "f1", "f2", "f3"]
    assert set(first["n_features"]) == {4}
    assert set(first["cluster_label"]) == {"Label 0"}
    assert first.set_index("feature").loc["f2", "rho_medoid"] < -0.5

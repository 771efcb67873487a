"""Features of a layer that go together, so that correlated features count once when layers are compared."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from gutaxis.integrate.association_ranks import Residuals

CLUSTER_COLUMNS = ["layer", "cluster", "cluster_label", "n_features", "feature", "label", "rho_medoid"]


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """Clusters of the m features of a layer.

    Parameters
    ----------
    medoid
        Shape (m,): place of the medoid of each feature's cluster; the medoid names the cluster.
    sign
        Shape (m,), 1 or -1: whether the feature goes with its medoid or against it.
    rho
        Shape (m,): correlation of the feature with its medoid.
    """

    medoid: np.ndarray
    sign: np.ndarray
    rho: np.ndarray

    @property
    def names(self) -> np.ndarray:
        """Places of the medoids, one per cluster, ascending."""
        return np.unique(self.medoid)


def cluster_features(*, ranks: Residuals, df: int, cut: float = 0.5) -> Clusters:
    """Cluster features by average linkage on the distance 1 - |rho|, cut at a height.

    rho is the correlation of residual ranks (adjusted for what the associations are adjusted for; a missing rank at its
    expectation). Two clusters are joined while the mean absolute rho between their features is at least ``1 - cut``,
    and at least what a feature has with its best neighbour by chance (:func:`chance_rho`). The medoid is the feature
    with the largest mean absolute rho to the others, the first by name of several.

    Parameters
    ----------
    ranks
        Shape (n, m), features in order of their names.
    df
        Degrees of freedom of a correlation: patients, minus columns adjusted for (intercept counted), minus 1.
    cut
        Height, 0 to 1: .5 joins features with a mean absolute rho of .5 or more; 0 leaves every feature alone.

    Returns
    -------
    Clusters
        A feature without any variation left is alone.

    Raises
    ------
    ValueError
        For a height outside 0 to 1.

    Notes
    -----
    Source: blocks of HAllA, Ghazi AR et al., Bioinformatics 2022;38:i378-i385; there the tree is searched for blocks,
    here it is cut once, before any association is seen. Oracle: scipy's linkage on a matrix made by hand.
    """
    if not 0 <= cut <= 1:
        raise ValueError(f"cut={cut}: 0 to 1")
    values = ranks.values
    m = values.shape[1]
    size = np.sqrt((values**2).sum(axis=0))
    unit = values / np.where(size > 0, size, 1.0)
    rho = np.clip(unit.T @ unit, -1, 1)
    np.fill_diagonal(rho, 1.0)
    if m < 2 or cut == 0:
        return Clusters(medoid=np.arange(m), sign=np.ones(m), rho=np.ones(m))
    # rounding hides machine noise between two pairs that are equally far apart
    distance = np.round(1 - np.abs(rho), 9)
    labels = fcluster(
        linkage(squareform(distance, checks=False), method="average"),
        t=min(cut, 1 - chance_rho(df=df, features=m)),
        criterion="distance",
    )
    medoid = np.empty(m, dtype=int)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        medoid[members] = members[np.argmin(distance[np.ix_(members, members)].sum(axis=1).round(9))]
    to_medoid = rho[np.arange(m), medoid]
    return Clusters(medoid=medoid, sign=np.where(to_medoid < 0, -1.0, 1.0), rho=to_medoid)


def chance_rho(*, df: int, features: int) -> float:
    """Return the absolute rho that one of ``features`` unrelated neighbours reaches in 5 % of cases.

    ``t / sqrt(t^2 + df)`` with t the two-sided critical value at .05 / features: .58 for 500 features and 38 degrees of
    freedom, .70 for 22. Without it, noise would be joined to signal wherever patients are few.
    """
    t = stats.t.isf(0.025 / max(features, 1), max(df, 1))
    return float(t / np.sqrt(t**2 + max(df, 1)))


def cluster_scores(*, ranks: Residuals, clusters: Clusters) -> Residuals:
    """Return one column per cluster: the mean of its features' residual ranks, in SD and turned the medoid's way.

    Parameters
    ----------
    ranks
        Shape (n, m): of any patients, such as those two layers share.
    clusters
        Of the m features.

    Returns
    -------
    Residuals
        Shape (n, clusters), in the order of ``clusters.names``. A missing rank adds nothing; a patient is observed
        where any feature is. Sums of columns orthogonal to the adjustment stay so.
    """
    size = np.sqrt((ranks.values**2).sum(axis=0))
    turned = ranks.values / np.where(size > 0, size, 1.0) * clusters.sign
    member = (clusters.medoid[:, None] == clusters.names).astype(float)
    return Residuals(values=turned @ (member / member.sum(axis=0)), observed=ranks.observed @ member > 0)


def cluster_table(*, layer: str, clusters: Clusters, labels: pd.Series) -> pd.DataFrame:
    """Return one row per feature: layer cluster (its medoid) cluster_label n_features feature label rho_medoid.

    Parameters
    ----------
    layer
        Its name.
    clusters
        Of the layer's features.
    labels
        Feature -> label, in the order of the features.
    """
    names, shown = labels.index.to_numpy(), labels.to_numpy()
    table = pd.DataFrame(
        {
            "layer": layer,
            "cluster": names[clusters.medoid],
            "cluster_label": shown[clusters.medoid],
            "n_features": np.bincount(clusters.medoid, minlength=len(names))[clusters.medoid],
            "feature": names,
            "label": shown,
            "rho_medoid": clusters.rho,
        }
    )
    return table[CLUSTER_COLUMNS].sort_values(["cluster", "feature"], ignore_index=True)

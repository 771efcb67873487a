"""Which linked features are real enough to go on with: seen often enough in one group, or in the panel."""

import math

import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError, Problem

#: Groups that never vouch for a feature.
NOT_COUNTED = frozenset({"BLANK", "MOCK"})
MIN_FILES = 2


def detection_shares(*, areas: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """Return the share of files of each group that show a feature (features x groups, 0-1), blanks and mocks aside.

    Parameters
    ----------
    areas
        features x samples, NaN where a file does not show the feature.
    groups
        Group by sample id: timepoint of study samples, POOL_QC, ...; samples without a group count as ``NA``.
    """
    label = groups.reindex(areas.columns).fillna("NA")
    counted = label[~label.isin(NOT_COUNTED)]
    seen = areas[counted.index].notna()
    return pd.DataFrame(
        {group: seen[members.index].mean(axis=1) for group, members in counted.groupby(counted, sort=True)},
        index=areas.index,
    )


def detected_often(*, areas: pd.DataFrame, groups: pd.Series, min_share: float) -> pd.Series:
    """Return whether a feature is seen in ``min_share`` of at least one group, and in 2 files of it or more.

    With more files, chance features become more, but never frequent in one group. In a group of one file there is
    nothing to be frequent in, so that such a group vouches for nothing unless all groups are so small.
    """
    label = groups.reindex(areas.columns).fillna("NA")
    counted = label[~label.isin(NOT_COUNTED)]
    fewest = min(MIN_FILES, counted.value_counts().max()) if len(counted) else MIN_FILES
    kept = pd.Series(False, index=areas.index)
    for _, members in counted.groupby(counted, sort=True):
        seen = areas[members.index].notna().sum(axis=1)
        # 1e-9: 0.5 x 6 is 3, not 4, whatever the last bit of a share like 0.1 x 30 says
        kept |= seen >= max(math.ceil(min_share * len(members) - 1e-9), fewest)
    return kept


def panel_matches(*, features: pd.DataFrame, targets: pd.DataFrame, ppm: float) -> pd.Series:
    """Return, for each feature, the panel compounds that one of their adducts puts at its m/z.

    Parameters
    ----------
    features
        Column mz.
    targets
        Columns name and mz, and optionally rt (s) with rt_window (s): one row per compound and adduct of this mode.
    ppm
        Half width in parts per million.

    Returns
    -------
    Series
        Names joined by ``;`` in alphabetical order; NaN without a match.
    """
    missing = sorted({"name", "mz"} - set(targets.columns))
    if missing:
        wrong = f"the list of panel compounds has no column {', '.join(missing)}"
        allowed = "It has name and mz, one row per compound and adduct"
        raise GutaxisError(Problem("M12", "panel", 1, None, None, wrong, allowed, "Add the column"))
    listed = targets.dropna(subset=["mz"]).sort_values(["mz", "name"])
    mz, names = listed["mz"].to_numpy(dtype=float), listed["name"].to_numpy()
    found: list[str | float] = []
    for value in features["mz"]:
        first, last = np.searchsorted(mz, [value / (1 + ppm * 1e-6), value / (1 - ppm * 1e-6)])
        found.append(";".join(sorted(set(names[first:last]))) if last > first else np.nan)
    return pd.Series(found, index=features.index, dtype=object)


def filter_features(
    *,
    features: pd.DataFrame,
    areas: pd.DataFrame,
    groups: pd.Series,
    min_share: float,
    targets: pd.DataFrame,
    ppm: float,
) -> pd.DataFrame:
    """Say of every linked feature whether it is kept, and why.

    Parameters
    ----------
    features, areas
        From :func:`gutaxis.metabolome.link.link`.
    groups
        Group by sample id.
    min_share
        Smallest share of files in any group of study samples or pooled QCs, 0-1.
    targets, ppm
        Panel, as in :func:`panel_matches`: a panel compound is kept if any file but a blank or mock shows it.

    Returns
    -------
    DataFrame
        features with the columns panel, kept_by (detection, panel, NaN = dropped) and share_{group}.
    """
    shares = detection_shares(areas=areas, groups=groups)
    often = detected_often(areas=areas, groups=groups, min_share=min_share)
    panel = panel_matches(features=features, targets=targets, ppm=ppm)
    seen = (shares > 0).any(axis=1)
    reason = pd.Series(np.nan, index=features.index, dtype=object)
    reason[panel.notna() & seen] = "panel"
    reason[often] = "detection"
    return features.assign(panel=panel, kept_by=reason).join(shares.add_prefix("share_"))

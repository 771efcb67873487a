"""Names and scale of pseudobulk counts: features by cell type, log counts per million within a type."""

import numpy as np
import pandas as pd

#: Between the group (cell type) and the feature (gene) in a name.
SEPARATOR = "|"


def feature_groups(*, features: list[str]) -> np.ndarray:
    """Return the part before ``|`` of every name; one group for all where a name has no such part."""
    if all(SEPARATOR in name for name in features):
        return np.array([name.split(SEPARATOR, 1)[0] for name in features], dtype=object)
    return np.full(len(features), "", dtype=object)


def log_cpm(*, counts: pd.DataFrame, groups: np.ndarray | None = None) -> pd.DataFrame:
    """Return log2 counts per million within each group: log2((K + 0.5) / (sum of the group + 1) 10^6).

    Parameters
    ----------
    counts
        Samples x features, >= 0.
    groups
        Shape (m,), see :func:`feature_groups`.

    Returns
    -------
    pandas.DataFrame
        Same shape; NaN for a sample without any count in the group.

    Notes
    -----
    Source: Law CW et al., Genome Biology 2014;15:R29 (voom). Oracle: its formula, by hand.
    """
    groups = feature_groups(features=[str(name) for name in counts.columns]) if groups is None else np.asarray(groups)
    values = counts.to_numpy(dtype=float)
    result = np.full(values.shape, np.nan)
    for name in set(groups.tolist()):
        columns = np.flatnonzero(groups == name)
        totals = values[:, columns].sum(axis=1)
        rows = np.flatnonzero(totals > 0)
        result[np.ix_(rows, columns)] = np.log2((values[np.ix_(rows, columns)] + 0.5) / (totals[rows, None] + 1) * 1e6)
    return pd.DataFrame(result, index=counts.index, columns=counts.columns)

"""Compositions: what can be tested, what stands for a zero, and centred log ratios.

Only ratios of a composition carry information, so everything here is the same for fractions, percent and CPM.
"""

import numpy as np
import pandas as pd

#: What stands for a zero: half the smallest positive value of the feature, of the table, or of the sample.
HALF_MINIMUM, TABLE_HALF_MINIMUM, SAMPLE_HALF_MINIMUM = "half_minimum", "table_half_minimum", "sample_half_minimum"
#: The same of the feature, but after the values of each sample are divided by its factor.
CENTRED_HALF_MINIMUM = "centred_half_minimum"
PSEUDOCOUNTS = (CENTRED_HALF_MINIMUM, HALF_MINIMUM, TABLE_HALF_MINIMUM, SAMPLE_HALF_MINIMUM)
DROPPED_COLUMNS = ["what", "name", "reason"]
#: A sample without more than this share of its values says too little about any ratio.
MAX_MISSING = 0.5
#: Sample factors are found when a turn moves none of them, against the others, by more than this (log2 units).
_CONVERGED, _MOST_TURNS = 1e-9, 100


def empty_samples(*, table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return the samples that no analysis can use: columns what, name, reason.

    Parameters
    ----------
    table
        Samples x features; NaN is missing.
    kind
        ``compositional`` and ``counts``: a sample of zeros has no ratio. Every kind: more than half is missing.

    Returns
    -------
    pandas.DataFrame
        One row per unusable sample, in the order of the table; what is ``sample``.
    """
    missing = table.isna().mean(axis=1).to_numpy() if table.shape[1] else np.ones(len(table))
    zero = (table.fillna(0) == 0).all(axis=1).to_numpy() & (kind in {"compositional", "counts"})
    rows = []
    for name, share, empty in zip(table.index, missing, zero, strict=True):
        if share > MAX_MISSING:
            rows.append(("sample", str(name), f"{share:.0%} of its values are missing"))
        elif empty:
            rows.append(("sample", str(name), "every value is zero"))
    return pd.DataFrame(rows, columns=DROPPED_COLUMNS, dtype=object)


def filter_features(
    *, table: pd.DataFrame, kind: str, prevalence: float = 0.1, min_values: int = 3
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the features that can be tested, and the others with the reason.

    Parameters
    ----------
    table
        Samples of one contrast x features; NaN is missing.
    kind
        ``compositional`` and ``counts``: a feature must be above zero in at least ``max(prevalence x n, 1)`` samples.
        ``log_intensity`` and ``continuous``: it must have ``min_values`` values. Every kind: it must not be constant.
    prevalence
        Share of samples, 0 to 1.
    min_values
        Fewest values of a feature that may be missing.

    Returns
    -------
    tuple
        Samples x kept features, unchanged; and columns what (``feature``), name, reason.

    Notes
    -----
    The filter looks at no outcome, so p values of the features that pass keep their level (Bourgon R et al., PNAS
    2010;107:9546-9551). A composition cannot be closed with a gap in it: a feature with a missing value leaves.
    """
    values = table.to_numpy(dtype=float)
    n = len(table)
    known = np.isfinite(values)
    reasons = np.full(values.shape[1], None, dtype=object)
    with np.errstate(invalid="ignore"):
        low = np.min(np.where(known, values, np.inf), axis=0, initial=np.inf)
        high = np.max(np.where(known, values, -np.inf), axis=0, initial=-np.inf)
    if kind in {"compositional", "counts"}:
        present = (np.where(known, values, 0) > 0).sum(axis=0)
        needed = max(prevalence * n - 1e-9, 1)
        for place in range(values.shape[1]):
            gaps = n - int(known[:, place].sum())
            if gaps:
                reasons[place] = f"missing in {gaps} of {n} samples; a composition has no gaps"
            elif present[place] == 0:
                reasons[place] = "zero in every sample"
            elif present[place] < needed:
                reasons[place] = f"present in {present[place]} of {n} samples, fewer than {prevalence:.0%}"
            elif kind == "counts" and low[place] == high[place]:
                reasons[place] = "constant"
    else:
        count = known.sum(axis=0)
        for place in range(values.shape[1]):
            if count[place] < min_values:
                reasons[place] = f"{count[place]} values, fewer than {min_values}"
            elif low[place] == high[place]:
                reasons[place] = "constant"
    keep = np.array([reason is None for reason in reasons], dtype=bool)
    rows = [("feature", str(name), reason) for name, reason in zip(table.columns, reasons, strict=True) if reason]
    return table.loc[:, keep], pd.DataFrame(rows, columns=DROPPED_COLUMNS, dtype=object)


def sample_factors(*, table: pd.DataFrame) -> np.ndarray:
    """Return by how much the values above zero of each sample are too large or too small as a whole, log2 units.

    ``x_ij = log2 v_ij`` where ``v_ij > 0``. From ``r_i = median_j x_ij``, ``m_j = mean_i (x_ij - r_i)`` and
    ``r_i = median_j (x_ij - m_j)`` are repeated to convergence, over the values above zero; then ``r`` is centred.

    Parameters
    ----------
    table
        Samples x features, >= 0, no NaN, in any unit.

    Returns
    -------
    numpy.ndarray
        Shape (n,), mean 0. A sample multiplied by c gets ``log2 c`` more. Without a value above zero: 0.

    Raises
    ------
    ValueError
        For negative or missing values, or a table without any positive value.

    Notes
    -----
    Assumes that most features of a sample are near their usual ratio to each other. The median of a sample holds while
    fewer than half of its features move; the sum of the sample, and its mean log ratio with zeros filled in, move with
    each of them. Oracle: the two steps written as loops (``tests/oracle/test_linda_brute_force.py``).
    """
    values = _checked(table=table)
    positive = values > 0
    logs = np.log2(np.where(positive, values, np.nan), where=positive, out=np.full(values.shape, np.nan))
    rows, columns = positive.any(axis=1), positive.any(axis=0)
    logs = logs[np.ix_(rows, columns)]
    found = np.nanmedian(logs, axis=1)
    for _ in range(_MOST_TURNS):
        level = np.nanmean(logs - found[:, None], axis=0)
        before, found = found, np.nanmedian(logs - level, axis=1)
        if np.ptp(found - before) <= _CONVERGED:
            break
    factors = np.zeros(len(values))
    factors[rows] = found - found.mean()
    return factors


def replace_zeros(*, table: pd.DataFrame, pseudocount: str | float = CENTRED_HALF_MINIMUM) -> pd.DataFrame:
    """Return the table with a small value in place of every zero; other values stay.

    Parameters
    ----------
    table
        Samples x features, >= 0, no NaN.
    pseudocount
        ``half_minimum``: half the smallest positive value of the feature (LinDA's rule for proportions). The gap
        between absent and barely seen is then one log2 unit in every feature, so a single deep sample does not set
        the scale for all. ``centred_half_minimum``: the same after division by the sample factor,
        ``2^(r_i - 1) min_k 2^-r_k v_kj`` over the values above zero, with ``r`` of :func:`sample_factors`; see Notes.
        ``table_half_minimum``: half the smallest positive value of the table, one detection limit
        for all. ``sample_half_minimum``: half the smallest positive value of the sample, which follows its depth. A
        number: that value, in the unit of the table.

    Returns
    -------
    pandas.DataFrame
        Same shape, > 0. A feature (sample) without any positive value takes the value of the table.

    Raises
    ------
    ValueError
        For negative or missing values, a table without any positive value, or an unknown pseudocount.

    Notes
    -----
    What a composition does to the values above zero, it does not do to a constant. If a few features bloom, all others
    fall by one factor; a constant pseudocount stays where it is, and an unchanged feature that is zero in a share z of
    the samples seems to change by z times that factor. No correction that is the same for all features takes that away.
    ``centred_half_minimum`` moves with the sample.
    """
    values = _checked(table=table)
    zero = values == 0
    factors = np.ones((len(values), 1))
    if pseudocount == CENTRED_HALF_MINIMUM and zero.any():
        factors = np.exp2(sample_factors(table=table))[:, None]
    positive = np.where(zero, np.inf, values / factors)
    least = positive.min()
    if pseudocount in {HALF_MINIMUM, CENTRED_HALF_MINIMUM}:
        fill = np.broadcast_to(positive.min(axis=0), values.shape)
    elif pseudocount == SAMPLE_HALF_MINIMUM:
        fill = np.broadcast_to(positive.min(axis=1)[:, None], values.shape)
    elif pseudocount == TABLE_HALF_MINIMUM:
        fill = np.full(values.shape, least)
    elif isinstance(pseudocount, (int, float)) and not isinstance(pseudocount, bool) and 0 < pseudocount < np.inf:
        fill = np.full(values.shape, 2.0 * pseudocount)
    else:
        raise ValueError(f"pseudocount={pseudocount}: one of {', '.join(PSEUDOCOUNTS)}, or a number above 0")
    fill = 0.5 * np.where(np.isfinite(fill), fill, least) * factors
    return pd.DataFrame(np.where(zero, fill, values), index=table.index, columns=table.columns)


def clr(*, table: pd.DataFrame, pseudocount: str | float = CENTRED_HALF_MINIMUM) -> pd.DataFrame:
    """Return centred log2 ratios: clr_ij = log2 x_ij - mean_k log2 x_ik.

    Parameters
    ----------
    table
        Samples x features, >= 0, no NaN, in any unit that is constant within a sample.
    pseudocount
        What stands for a zero, see :func:`replace_zeros`.

    Returns
    -------
    pandas.DataFrame
        Same shape, log2 units; each row sums to 0.

    Raises
    ------
    ValueError
        As :func:`replace_zeros`.

    Notes
    -----
    A difference of clr values is a log2 fold change against the geometric mean of the features in the table, not an
    absolute change. Source: Aitchison J, The Statistical Analysis of Compositional Data, 1986. Oracle: scikit-bio
    ``clr`` (natural logarithm).
    """
    logs = np.log2(replace_zeros(table=table, pseudocount=pseudocount).to_numpy())
    return pd.DataFrame(logs - logs.mean(axis=1, keepdims=True), index=table.index, columns=table.columns)


def _checked(*, table: pd.DataFrame) -> np.ndarray:
    """Return the values of a composition."""
    values = table.to_numpy(dtype=float)
    if not np.isfinite(values).all() or (values < 0).any():
        raise ValueError("a composition has neither negative nor missing values")
    if not (values > 0).any():
        raise ValueError("no value is above zero")
    return values

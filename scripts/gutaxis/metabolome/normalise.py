"""Logarithm, and probabilistic quotient normalisation (PQN) to the pooled QCs."""

import numpy as np
import pandas as pd

#: Fewer features than this in a sample do not tell its dilution.
FEWEST_QUOTIENTS = 20


def log2_values(*, values: pd.DataFrame) -> pd.DataFrame:
    """Return the base-2 logarithm of positive intensities; missing stays missing.

    Raises
    ------
    ValueError
        If a value is 0 or negative: it has no logarithm, and none is made up.
    """
    numbers = values.to_numpy(dtype=float)
    if (numbers <= 0).any():
        raise ValueError("intensities of 0 or less have no logarithm; zeros have to be marked as missing first")
    return pd.DataFrame(np.log2(numbers), index=values.index, columns=values.columns)


def reference_profile(*, values: pd.DataFrame, references: pd.Series) -> pd.Series:
    """Return the median of each feature over the reference injections, log2; NaN where none has a value.

    Parameters
    ----------
    values
        Features x injections, log2.
    references
        By injection: whether it is one of the pooled QCs.
    """
    return values.loc[:, references.reindex(values.columns).to_numpy(dtype=bool)].median(axis=1)


def quotient_factors(*, values: pd.DataFrame, reference: pd.Series, fewest: int = FEWEST_QUOTIENTS) -> pd.Series:
    """Return the dilution of each sample against the reference by PQN, in log2.

    factor_s = median over features of (x_fs - reference_f): the most probable quotient, because most features do not
    differ between a sample and the reference. Where most of the metabolome truly changes, that is wrong; so the
    factors are written down. Source: Dieterle et al. 2006, Anal Chem 78, 4281. Oracle: the definition on raw
    intensities, tests/unit/test_metabolome_normalise.py.

    Parameters
    ----------
    values
        Features x samples, log2, not imputed: an imputed value says nothing about dilution.
    reference
        By feature, log2.
    fewest
        Features with a value in both that a sample needs.

    Returns
    -------
    pandas.Series
        By sample, log2; NaN for a sample with fewer features. To be subtracted.
    """
    quotients = values.sub(reference, axis=0)
    factors = quotients.median(axis=0)
    return factors.where(quotients.notna().sum(axis=0) >= fewest)


def held_out_factors(*, held_out: pd.DataFrame, corrected: pd.DataFrame, fewest: int = FEWEST_QUOTIENTS) -> pd.Series:
    """Return the PQN factor of each QC against the profile of the other QCs, log2.

    Parameters
    ----------
    held_out
        Features x QCs, log2: each QC corrected without itself.
    corrected
        Features x QCs, log2: the QCs as corrected in the end; the reference of a QC is the median of the others.
    fewest
        As for :func:`quotient_factors`.
    """
    factors = {}
    for name in held_out.columns:
        others = corrected.drop(columns=name).median(axis=1)
        factors[name] = quotient_factors(values=held_out[[name]], reference=others, fewest=fewest).iloc[0]
    return pd.Series(factors, dtype=float)

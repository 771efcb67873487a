"""Clocks of two files: times of one on the other, as knots of a shift."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Alignment:
    """Where a file's retention times lie on the reference's clock.

    Parameters
    ----------
    status
        reference, aligned, identity (already as near as can be), blank, few_features, failed.
    rt, rt_reference
        Knots in seconds, both ascending; between them it is a straight line, outside a constant shift.
    pairs
        Features seen in both files, in pairs.
    residual_before_s, residual_after_s
        Median distance of the pairs before and after, seconds; NaN without pairs.
    """

    status: str
    rt: np.ndarray
    rt_reference: np.ndarray
    pairs: int = 0
    residual_before_s: float = np.nan
    residual_after_s: float = np.nan

    def to_reference(self, rt: np.ndarray) -> np.ndarray:
        """Return the reference's time for times of this file (s)."""
        return interpolate(rt, self.rt, self.rt_reference)

    def to_file(self, rt: np.ndarray) -> np.ndarray:
        """Return this file's time for times of the reference (s)."""
        return interpolate(rt, self.rt_reference, self.rt)


def interpolate(values: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return values moved by the shift y - x, linear between knots x, constant outside them."""
    values = np.asarray(values, dtype=float)
    return values + np.interp(values, x, y - x)


def identity(*, status: str, end: float) -> Alignment:
    """Return times left as they are, up to ``end`` (s)."""
    knots = np.array([0.0, max(end, 1.0)])
    return Alignment(status=status, rt=knots, rt_reference=knots)


def read_alignment(*, transformations: Path, sample: str) -> Alignment:
    """Return the stored transformation of one sample.

    Raises
    ------
    KeyError
        If the table does not have the sample.
    """
    table = pd.read_csv(transformations, sep="\t", dtype={"sample_id": str})
    knots = table[table["sample_id"] == sample]
    if knots.empty:
        raise KeyError(sample)
    return Alignment(status="stored", rt=knots["rt_s"].to_numpy(), rt_reference=knots["rt_reference_s"].to_numpy())

"""The same numbers twice: samples that are identical, and features that repeat one another."""

import numpy as np
import pandas as pd

from gutaxis.layers.names import some

#: Samples, or features, are called the same only if they share this many different values above 0.
TELLING = 5


def identical_samples(*, values: np.ndarray) -> tuple[int, int] | None:
    """Return the first two samples that share all their values, and enough different ones that this is no accident.

    Parameters
    ----------
    values
        Features x samples, NaN = missing.
    """
    seen: dict[bytes, int] = {}
    for at in range(values.shape[1]):
        column = values[:, at]
        if _is_telling(column):
            first = seen.setdefault(column.tobytes(), at)
            if first != at:
                return first, at
    return None


def mark_repeats(*, values: np.ndarray, features: pd.DataFrame) -> list[str]:
    """Mark features that hold the values of an earlier one, in the same samples or, worse, in others; tell how many.

    Public tables hold such rows: the same numbers once more, under a name written differently and in another order of
    the samples. Which of the two is right only their maker knows, so both stay.

    Parameters
    ----------
    values
        Features x samples, NaN = missing.
    features
        Gets the column ``same_values_as`` if there are such features.

    Returns
    -------
    list of str
        Notes; one that begins with WARNING if values lie in other samples.
    """
    names = list(features.index)
    first: dict[bytes, int] = {}
    same: dict[str, str] = {}
    moved: dict[str, str] = {}
    for at, row in enumerate(values):
        if not _is_telling(row):
            continue
        other = first.setdefault(np.sort(row[np.isfinite(row) & (row != 0)]).tobytes(), at)
        if other != at:
            alike = np.array_equal(np.nan_to_num(row), np.nan_to_num(values[other]))
            (same if alike else moved)[names[at]] = names[other]
    if same or moved:
        features["same_values_as"] = pd.Series(same | moved, dtype=object).reindex(names)
    notes = []
    if same:
        notes.append(f"{len(same)} features repeat the values of another one: {_pairs(same)}")
    if moved:
        notes.append(
            f"WARNING: {len(moved)} features have the values of another one in other samples, so one of the two is "
            f"wrong: {_pairs(moved)}; all are listed in same_values_as"
        )
    return notes


def _is_telling(values: np.ndarray) -> bool:
    return len(np.unique(values[np.isfinite(values) & (values != 0)])) >= TELLING


def _pairs(pairs: dict[str, str]) -> str:
    return some([f"{name} and {other}" for name, other in pairs.items()], most=2)

"""The columns that describe features: numbers where they have to be, and a mode for each m/z."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.metabolome.tables.cells import problem
from gutaxis.metabolome.tables.numbers import MISSING

PLACES = {"mz": "m/z", "rt": "retention time"}
NUMERIC_COLUMNS = (*PLACES, "charge", "level", "ri", "mass", "lod", "lloq")


def feature_columns(
    *, columns: Mapping[str, Sequence[object]], names: Sequence[str], file: str, lines: Sequence[int | None] | None,
    decimal: str, rt_factor: float,
) -> tuple[pd.DataFrame, list[Problem]]:  # fmt: skip
    """Bring the columns of features into their types, and leave out those in which nothing is told.

    Parameters
    ----------
    columns
        Column -> entry of each feature.
    names
        Final names of the features.
    file, lines
        For messages: the file, and the line of each feature, if a feature has one.
    decimal
        Decimal sign.
    rt_factor
        Seconds in the unit of the retention times.

    Returns
    -------
    tuple
        The columns, and a finding (M83) for text where an m/z or retention time should be. In other numeric columns,
        text is taken as missing.
    """
    features = pd.DataFrame(index=list(names))
    problems: list[Problem] = []
    for column, entries in columns.items():
        known = [None if _missing(entry) else entry for entry in entries]
        if all(entry is None for entry in known):
            continue
        series = pd.Series(known, index=features.index, dtype=object)
        if column in NUMERIC_COLUMNS:
            text = series.map(lambda entry: entry if entry is None else str(entry).replace(decimal, "."))
            numbers = pd.to_numeric(text, errors="coerce").astype(float)
            bad = (numbers.isna() & text.notna()).to_numpy()
            if column in PLACES and bad.any():
                at = int(np.argmax(bad))
                problems.append(
                    problem(
                        code="M83", file=file, line=lines[at] if lines else None, column=column, value=known[at],
                        wrong=f"the {PLACES[column]} of feature {names[at]} is no number",
                        allowed=f"Numbers with `{decimal}` before the decimals, or empty",
                        mend="Correct the cell; set `decimal` if the table has decimal commas",
                    )
                )  # fmt: skip
            series = numbers * (rt_factor if column == "rt" else 1.0)
        features[column] = series
    return features, problems


def add_mode(*, features: pd.DataFrame, mode: str | None, file: str) -> None:
    """Add the ionisation mode to features.

    Raises
    ------
    GutaxisError
        M90 a feature has an m/z and no mode: its m/z could not be read as an ion.
    """
    if mode:
        features["mode"] = mode
    if "mz" not in features:
        return
    modes = features["mode"] if "mode" in features else pd.Series(None, index=features.index, dtype=object)
    if (features["mz"].notna() & modes.isna()).any():
        raise GutaxisError(
            problem(
                code="M90", file=file, column="mode", allowed="positive or negative",
                wrong="the table has m/z and does not tell the ionisation mode",
                mend="Set `mode` of the table; tables of both modes are given as two",
            )
        )  # fmt: skip


def _missing(entry: object) -> bool:
    return entry is None or str(entry).strip().lower() in MISSING

"""The metabolite layer from the tables of the metabolome arm: values, what each cell is, names of the features."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError
from gutaxis.layers.names import problem
from gutaxis.metabolome.feature_table import STATES
from gutaxis.metabolome.reading import read_commented

#: Number of a state in the layer ``state``.
STATE_CODES = {name: number for number, name in enumerate(STATES)}


def read_metabolites(*, paths: Sequence[Path | str]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read the arm's tables.

    Parameters
    ----------
    paths
        Values (log2, features x samples), state of the same shape, annotations (one row per feature).

    Returns
    -------
    tuple of pandas.DataFrame
        Values and state codes (``STATE_CODES``), samples x features; annotations, index feature.

    Raises
    ------
    GutaxisError
        L13 if the three do not hold the same features and samples, L04 for a state without a code.
    """
    values, state, names = (read_commented(path=Path(path)).set_index("feature") for path in paths)
    if not (values.index.equals(state.index) and values.columns.equals(state.columns)) or set(names.index) != set(
        values.index
    ):
        raise GutaxisError(
            problem(
                code="L13",
                file=Path(paths[0]).name,
                wrong="values, states and names hold different features or samples",
                allowed="The tables of one run of the metabolome arm",
                mend="Remove the three files and run again",
            )
        )
    codes = state.apply(lambda column: column.map(STATE_CODES))
    if codes.isna().any(axis=None):
        raise GutaxisError(
            problem(
                code="L04",
                file=Path(paths[1]).name,
                wrong="a cell holds no known state",
                allowed=", ".join(STATES),
                mend="Remove the file and run again",
            )
        )
    return values.T.astype(np.float64), codes.T.astype(np.float64), names.loc[values.index]

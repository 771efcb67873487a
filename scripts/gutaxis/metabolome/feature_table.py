"""The feature table that every way into the metabolome arm ends in: values, the state of each cell, the features.

On disk it is three TSV files. What holds for the whole table (unit, targeted, what was already done to the values)
stands in comment lines above the features, so that no step does twice what a vendor has done.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import comments_above, write_tsv

DETECTED, FORCED, ABSENT, IMPUTED = "detected", "forced", "absent", "imputed"
STATES = (DETECTED, FORCED, ABSENT, IMPUTED)
#: What may have been done to the values before they came here.
DONE = ("log2", "normalised", "imputed", "drift", "batch")
MODES = ("positive", "negative")
DEFAULT_UNIT = "peak area"
DIGITS = 12


@dataclass(frozen=True, kw_only=True)
class FeatureTable:
    """Features x samples with the state of each cell.

    Parameters
    ----------
    values
        Features x samples, float: intensity >= 0 in ``unit`` (or its log2, if ``done`` says so); NaN = missing.
    state
        Same shape: ``detected``, ``forced`` (integrated where no peak was found), ``absent`` (no value), ``imputed``.
    features
        Index as ``values``: mz, rt (seconds), mode (positive or negative), name, formula, chebi, level ...; any may
        be NaN.
    done
        Of :data:`DONE`: what the software or vendor that made the table did already.
    unit
        Unit of the values before any logarithm.
    targeted
        Whether the values are quantities of chosen compounds (a panel with a calibration), not of all that was seen.

    Raises
    ------
    ValueError
        If the three tables do not fit together, an id occurs twice, or a word is unknown.
    """

    values: pd.DataFrame
    state: pd.DataFrame
    features: pd.DataFrame
    done: frozenset[str] = frozenset()
    unit: str = DEFAULT_UNIT
    targeted: bool = False

    def __post_init__(self) -> None:
        if not (self.values.index.is_unique and self.values.columns.is_unique):
            raise ValueError("a feature table holds each feature and each sample once")
        if not (self.values.index.equals(self.state.index) and self.values.columns.equals(self.state.columns)):
            raise ValueError("values and state differ in their features or samples")
        if not self.values.index.equals(self.features.index):
            raise ValueError("values and features differ in their features")
        if unknown := sorted(set(self.done) - set(DONE)):
            raise ValueError(f"unknown in done: {unknown}; known: {DONE}")
        if unknown := sorted(set(pd.unique(self.state.to_numpy().ravel())) - set(STATES), key=str):
            raise ValueError(f"unknown state: {unknown}; known: {STATES}")


def make_feature_table(
    *, values: pd.DataFrame, state: pd.DataFrame | None = None, features: pd.DataFrame | None = None,
    done: Iterable[str] = (), unit: str = DEFAULT_UNIT, targeted: bool = False,
) -> FeatureTable:  # fmt: skip
    """Bring tables into the canonical form: samples sorted, all aligned with ``values``, no cell without a state.

    Parameters
    ----------
    values
        Features x samples; NaN = missing.
    state
        The same features and samples in any order; without it a cell with a value is ``detected``, others ``absent``.
    features
        Indexed by feature, in any order; without it the features have no columns.
    done, unit, targeted
        As of :class:`FeatureTable`.

    Returns
    -------
    FeatureTable
    """
    values = values.sort_index(axis=1).astype(float)
    values.index.name, values.columns.name = "feature", None
    if state is None:
        words = np.where(values.notna(), DETECTED, ABSENT)
        state = pd.DataFrame(words, index=values.index, columns=values.columns, dtype=object)
    else:
        state = state.reindex(index=values.index, columns=values.columns)
    features = pd.DataFrame(index=values.index) if features is None else features.reindex(values.index)
    state.index.name = features.index.name = "feature"
    return FeatureTable(
        values=values, state=state, features=features, done=frozenset(done), unit=unit, targeted=targeted
    )


def join_modes(*, tables: Sequence[FeatureTable]) -> FeatureTable:
    """Put the tables of the ionisation modes below each other: all their features, all their samples.

    A sample that one mode lacks has no value there: all its cells of that mode are absent.

    Raises
    ------
    ValueError
        If the tables differ in unit, in what was done or in being targeted, or share a feature id.
    """
    first = tables[0]
    if any((t.unit, t.done, t.targeted) != (first.unit, first.done, first.targeted) for t in tables):
        raise ValueError("the tables of the modes differ in unit, in what was done to them, or in being targeted")
    values = pd.concat([table.values for table in tables])
    state = pd.concat([table.state for table in tables]).fillna(ABSENT)
    features = pd.concat([table.features for table in tables])
    return make_feature_table(
        values=values, state=state, features=features, done=first.done, unit=first.unit, targeted=first.targeted
    )


def zero_is_missing(*, table: FeatureTable) -> tuple[FeatureTable, int]:
    """Return the table with zeros as missing, and how many there were: no signal is not a measured zero.

    Values that are already logarithms keep their zeros.
    """
    if "log2" in table.done:
        return table, 0
    zero = table.values == 0
    count = int(zero.to_numpy().sum())
    if not count:
        return table, 0
    return replace(table, values=table.values.mask(zero), state=table.state.mask(zero, ABSENT)), count


def write_feature_table(*, table: FeatureTable, path_values: Path, path_state: Path, path_features: Path) -> None:
    """Write a feature table as three TSV files; the same table gives the same bytes."""
    write_tsv(table.values, path_values, index=True, digits=DIGITS)
    write_tsv(table.state, path_state, index=True)
    about = {
        "unit": table.unit,
        "targeted": "yes" if table.targeted else "no",
        "done": ",".join(word for word in DONE if word in table.done) or "nothing",
    }
    comment = "\n".join(f"{key}: {value}" for key, value in about.items())
    write_tsv(table.features, path_features, index=True, comment=comment)


def read_feature_table(*, path_values: Path, path_state: Path, path_features: Path) -> FeatureTable:
    """Read the three files of :func:`write_feature_table`.

    Files without comment lines are read as raw, untargeted peak areas to which nothing was done.

    Raises
    ------
    GutaxisError
        M40 text, a negative number or an infinite one where an intensity should be; M41 files that do not fit together.
    """
    about, _ = _comments(path_features)
    done = frozenset(about.get("done", "nothing").replace(" ", "").split(",")) - {"nothing", ""}
    values = _numbers(path_values, log="log2" in done)
    state = _text(path_state)
    features = _typed(_text(path_features))
    for name, table in (("values", values), ("state", state), ("features", features)):
        if not table.index.is_unique:
            twice = table.index[table.index.duplicated()][0]
            raise _unlike(path_values if name == "values" else path_features, f"feature {twice} occurs twice in {name}")
    if set(values.index) != set(state.index) or set(values.columns) != set(state.columns):
        raise _unlike(path_state, "the states are of other features or samples than the values")
    if set(values.index) != set(features.index):
        raise _unlike(path_features, "the features are not those of the values")
    try:
        return make_feature_table(
            values=values, state=state, features=features, done=done, unit=about.get("unit", DEFAULT_UNIT),
            targeted=about.get("targeted", "no") == "yes",
        )  # fmt: skip
    except ValueError as error:
        raise _unlike(path_state, str(error)) from error


def _comments(path: Path) -> tuple[dict[str, str], int]:
    """Return the ``# key: value`` lines at the head of a file, and how many lines there are."""
    lines = comments_above(path=path)
    parts = [line.lstrip("# ").partition(":") for line in lines]
    return {key.strip(): value.strip() for key, _, value in parts}, len(lines)


def _text(path: Path) -> pd.DataFrame:
    """Return a TSV as text, indexed by its first column; only lines above the header are comments."""
    _, comments = _comments(path)
    return pd.read_csv(path, sep="\t", index_col=0, skiprows=comments, dtype=str, keep_default_na=False)


def _typed(text: pd.DataFrame) -> pd.DataFrame:
    """Return columns as numbers or truth values where all their entries are, NA as missing."""
    columns = {}
    for name, column in text.items():
        given = column.mask(column.isin(["NA", ""]))
        numbers = pd.to_numeric(given, errors="coerce")
        if (numbers.isna() == given.isna()).all():
            columns[name] = numbers
        elif given.isin(["True", "False"]).all():
            columns[name] = given == "True"
        else:
            columns[name] = given
    return pd.DataFrame(columns, index=text.index)


def _numbers(path: Path, *, log: bool) -> pd.DataFrame:
    """Return a table of numbers; name the first cell that is none."""
    text = _text(path)
    values = text.apply(pd.to_numeric, errors="coerce").astype(float)
    bad = (values.isna() & ~text.isin(["NA", ""])) | np.isinf(values) | (False if log else values < 0)
    if bad.to_numpy().any():
        row, column = np.argwhere(bad.to_numpy())[0]
        raise GutaxisError(
            Problem(
                code="M40", file=path.name, line=None, column=str(values.columns[column]), value=text.iat[row, column],
                wrong=f"the value of feature {text.index[row]} is no intensity",
                allowed="Numbers of 0 or more, or NA" if not log else "Finite numbers, or NA",
                mend="Correct the cell, or read the table in its own format (key `format`)",
            )
        )  # fmt: skip
    return values


def _unlike(path: Path, wrong: str) -> GutaxisError:
    return GutaxisError(
        Problem(
            code="M41", file=Path(path).name, line=None, column=None, value=None, wrong=wrong,
            allowed="Values, states and features of the same table, each feature and sample once",
            mend="Make the three files again by the rule that writes them",
        )
    )  # fmt: skip

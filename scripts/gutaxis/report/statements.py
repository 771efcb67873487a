"""What cells, layers together, models and candidates share: states, intervals, a large table read in part."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from gutaxis.report.numbers import Condition, cell, chosen, sentence
from gutaxis.report.sources import Results

#: State -> what the row of a patient is.
STATES = {"baseline": "before the dose", "post": "after the dose", "change": "change over the dose"}


@dataclass(frozen=True, kw_only=True)
class Narrow(Results):
    """Results of which one large table is read with a few columns only.

    Parameters
    ----------
    large
        The table.
    columns
        Columns to read of it.
    """

    large: str
    columns: tuple[str, ...]

    @classmethod
    def of(cls, *, results: Results, large: str, columns: Sequence[str]) -> "Narrow":
        """Return the same results, with ``large`` narrowed."""
        return cls(
            root=results.root, files=results.files, absent=results.absent, layers=results.layers,
            settings=results.settings, large=large, columns=tuple(columns),
        )  # fmt: skip

    def table(self, name: str) -> pd.DataFrame:
        """Return a table as :meth:`Results.table` does; the large one with its chosen columns, not to be changed."""
        if name != self.large or name not in self.files:
            return super().table(name)
        if name not in self._tables:
            words = {column: str for column in ("layer", "contrast", "feature", "label") if column in self.columns}
            self._tables[name] = pd.read_csv(
                self.root / name, sep="\t", skiprows=len(self.header(name)), usecols=list(self.columns), dtype=words,
                keep_default_na=False, na_values=["NA", ""], low_memory=False,
            )  # fmt: skip
        return self._tables[name]


def refusal(*, results: Results, source: str, what: str = "") -> str | None:
    """Return why a table has no result, from the lines above it, or None.

    Parameters
    ----------
    results, source
        The table.
    what
        Outcome that is refused, where the lines name one.
    """
    start = f"no result for {what}: " if what else "no result: "
    return next((line.removeprefix(start) for line in results.header(source) if line.startswith(start)), None)


def plain(value: Any) -> Any:
    """Return a value of a table as a condition can hold it."""
    return value.item() if hasattr(value, "item") else value


def level(*, results: Results) -> str:
    """Return the q below which a result is a finding, as a word."""
    return f"{results.settings['fdr']:g}"


def interval(
    *, results: Results, source: str, where: Sequence[Condition], column: str, style: str = "signed"
) -> Markup:
    """Return an estimate with its 95 % interval, the columns ``ci_low`` and ``ci_high``.

    Parameters
    ----------
    results, source, where
        The row.
    column
        Of the estimate.
    style
        As :func:`gutaxis.report.numbers.formatted`.
    """
    value, low, high = (
        cell(results=results, source=source, where=where, column=name, style=style)
        for name in (column, "ci_low", "ci_high")
    )
    row = chosen(table=results.table(source), where=where).iloc[0]
    if pd.isna(row["ci_low"]) or pd.isna(row["ci_high"]):
        return sentence("{value} (interval not estimable)", value=value)
    return sentence("{value} (95 % interval {low} to {high})", value=value, low=low, high=high)


def strongest(*, table: pd.DataFrame, by: Sequence[str], size: str) -> pd.DataFrame:
    """Return the rows that were tested, the strongest first: smallest ``by``, then largest absolute ``size``."""
    known = table[table[by[-1]].notna()]
    order = known.assign(_size=-pd.to_numeric(known[size]).abs()).sort_values([*by, "_size"], kind="stable")
    return order.drop(columns="_size")


def unique_names(*, table: pd.DataFrame, within: Sequence[str]) -> pd.Series:
    """Return labels, with the feature beside them where two features of a group share one.

    Parameters
    ----------
    table
        feature, label and the columns of ``within``.
    within
        Columns of the group.
    """
    label = table["label"].fillna(table["feature"]).astype(str)
    named = table[list(within)].assign(said=label, feature=table["feature"])
    twice = named.groupby([*within, "said"], dropna=False)["feature"].transform("nunique") > 1
    return label.where(~twice, label + " (" + table["feature"].astype(str) + ")")

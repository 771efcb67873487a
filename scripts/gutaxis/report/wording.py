"""Phrases and shapes that the clinical and quality items share: rates, tables in words, figures drawn by their arm."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import altair as alt
import pandas as pd
from markupsafe import Markup

from gutaxis.clinical.figure_frame import BLUE, GREEN, INK, ORANGE, PURPLE, SKY, VERMILION
from gutaxis.report.drawn import Drawn, taken_over
from gutaxis.report.numbers import Condition, cell, chosen, sentence, total
from gutaxis.report.sources import Results

#: Name of the pooled group in the tables of the clinical arm.
ALL = "ALL"
POOLED = "All patients"
COLORS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [10, 4])


def rate_words(
    *, results: Results, source: str, where: Sequence[Condition], k: str, n: str, rate: str = "rate"
) -> Markup:
    """Return ``6 of 12 (50 %, 95 % interval 21 % to 79 %)`` of one row, or that nobody could be judged.

    Parameters
    ----------
    results, source, where
        The row, as :func:`gutaxis.report.numbers.cell`.
    k, n, rate
        Columns of the count, its denominator and the rate; ``ci_low`` and ``ci_high`` are the limits.
    """
    row = chosen(table=results.table(source), where=where).iloc[0]

    def part(column: str, style: str) -> Markup:
        return cell(results=results, source=source, where=where, column=column, style=style)

    if pd.isna(row[rate]):
        return sentence("nobody of {n} could be judged", n=part(n, "integer"))
    return sentence(
        "{k} of {n} ({rate}, {limits})",
        k=part(k, "integer"), n=part(n, "integer"), rate=part(rate, "percent"),
        limits=limits_words(results=results, source=source, where=where),
    )  # fmt: skip


def limits_words(
    *, results: Results, source: str, where: Sequence[Condition], low: str = "ci_low", high: str = "ci_high"
) -> Markup:
    """Return ``95 % interval 21 % to 79 %`` of one row of fractions, or that it has none.

    Parameters
    ----------
    results, source, where
        The row.
    low, high
        Columns of the limits.
    """
    row = chosen(table=results.table(source), where=where).iloc[0]
    if pd.isna(row[low]) or pd.isna(row[high]):
        return Markup("no interval can be estimated")
    low_word, high_word = (
        cell(results=results, source=source, where=where, column=column, style="percent") for column in (low, high)
    )
    return sentence("95 % interval {low} to {high}", low=low_word, high=high_word)


def spread_words(
    *, results: Results, source: str, column: str, where: Sequence[Condition] = (), style: str = "short", unit: str = ""
) -> Markup:
    """Return ``median 62 (55 to 76)`` of a column.

    Parameters
    ----------
    results, source, where, column, style
        As :func:`gutaxis.report.numbers.total`.
    unit
        Words behind the median.
    """
    middle, low, high = (
        total(results=results, source=source, where=where, what=what, column=column, style=style)
        for what in ("median", "min", "max")
    )
    unit = f" {unit}" if unit else ""
    return sentence("median {middle}{unit} ({low} to {high})", middle=middle, low=low, high=high, unit=unit)


def ordered_cohorts(*, table: pd.DataFrame) -> list[Any]:
    """Return the cohorts of a table of rates, the pooled group last."""
    names = sorted(set(table["cohort"].dropna()) - {ALL}, key=str)
    return [*names, ALL] if ALL in set(table["cohort"]) else names


def cohort_name(value: Any) -> str:
    """Return a cohort as it is shown."""
    return POOLED if value == ALL else str(value)


def scales(*, names: Sequence[str]) -> tuple[alt.Scale, alt.Scale, alt.Scale]:
    """Return colours, shapes and dashes of groups; the pooled group is black and solid.

    Parameters
    ----------
    names
        Groups in the order of the legend.
    """
    others = [name for name in names if name != POOLED]
    place = {name: number for number, name in enumerate(others)}

    def of(values: Sequence[Any], pooled: Any) -> list[Any]:
        return [pooled if name == POOLED else values[place[name] % len(values)] for name in names]

    return (
        alt.Scale(domain=list(names), range=of(COLORS, INK)),
        alt.Scale(domain=list(names), range=of(SHAPES[1:], SHAPES[0])),
        alt.Scale(domain=list(names), range=of(DASHES[1:], DASHES[0])),
    )


def in_words(*, rows: pd.DataFrame, heads: Mapping[str, str]) -> pd.DataFrame:
    """Return columns under their heads, four significant digits; those that are missing or empty are left out.

    Parameters
    ----------
    rows
        A result table.
    heads
        Column -> head in words.
    """
    kept = [name for name in heads if name in rows and (rows.empty or rows[name].notna().any())]
    return rows[kept].map(_plain).rename(columns=heads)


def significant(value: float) -> float:
    """Return a number with four significant digits."""
    return value if pd.isna(value) else float(f"{value:.4g}")


def _plain(value: Any) -> Any:
    if isinstance(value, bool) or (hasattr(value, "dtype") and value.dtype == bool):
        return "yes" if value else "no"
    return significant(value) if isinstance(value, float) else value


def arm_figures(*, results: Results, figures: Mapping[str, tuple[str, str]]) -> Drawn:
    """Return figures as their arm drew them, each with the table behind it, and why others cannot be shown.

    Parameters
    ----------
    results
        The results.
    figures
        Page of the figure -> its name, and the table it was drawn from.
    """
    made = [
        (taken_over(results=results, source=page, title=title), source) for page, (title, source) in figures.items()
    ]
    return Drawn(
        figures=tuple(replace(figure, source=source) for drawn, source in made for figure in drawn.figures),
        said=tuple(said for drawn, _ in made for said in drawn.said),
    )

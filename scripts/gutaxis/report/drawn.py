"""Figures that the arms have drawn, taken over into the report: rounded, not too large, or said in words."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from gutaxis.report.items import Figure
from gutaxis.report.numbers import sentence
from gutaxis.report.sources import Results

#: Characters of a specification that the page still takes over.
LARGEST = 700_000
DIGITS = 4
EMPTY = "Nothing to show: "


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A figure of an arm in the report.

    Parameters
    ----------
    figures
        The figure, or none.
    said
        Why there is none, or what differs from the figure's own page.
    """

    figures: tuple[Figure, ...]
    said: tuple[Markup, ...]


def taken_over(
    *, results: Results, source: str, title: str, change: Callable[[dict[str, Any]], Markup | None] | None = None
) -> Drawn:
    """Return a figure page of the results as a figure of the report.

    Parameters
    ----------
    results
        The results.
    source
        Page of :func:`gutaxis.clinical.figure_frame.save_figure`.
    title
        Its name.
    change
        Changes the specification in place, and returns what it left out, in words, or None.
    """
    if not results.has(source):
        return Drawn(figures=(), said=(sentence("{title}: {why}", title=title, why=results.why(source)),))
    spec = results.spec(source)
    reason = empty_reason(spec=spec)
    if reason is not None:
        return Drawn(figures=(), said=(sentence("{title}: {why}", title=title, why=reason),))
    said = change(spec) if change else None
    spec["datasets"] = {
        name: [_rounded(row) for row in rows] if isinstance(rows, list) else rows
        for name, rows in spec.get("datasets", {}).items()
    }
    _quiet(spec)
    if len(json.dumps(spec)) > LARGEST:
        text = "{title}: too large for this page, it stands in {source}."
        return Drawn(figures=(), said=(sentence(text, title=title, source=source),))
    return Drawn(figures=(Figure(title=title, chart=spec, source=source),), said=() if said is None else (said,))


def empty_reason(*, spec: Mapping[str, Any]) -> str | None:
    """Return why a figure is empty, or None if it shows something.

    Parameters
    ----------
    spec
        Of any figure of this package; an empty one is made by :func:`gutaxis.clinical.figure_frame.empty_figure`.
    """
    for rows in spec.get("datasets", {}).values():
        if len(rows) == 1 and set(rows[0]) == {"text"} and str(rows[0]["text"]).startswith(EMPTY):
            return str(rows[0]["text"]).removeprefix(EMPTY)
    return None


def _rounded(row: Any) -> Any:
    if not isinstance(row, dict):
        return row
    return {key: float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value for key, value in row.items()}


def _quiet(part: Any) -> None:
    """Take ``zero`` from logarithmic scales, which have none: Vega-Lite would drop it with a message on the console."""
    if isinstance(part, dict):
        scale = part.get("scale")
        if isinstance(scale, dict) and scale.get("type") == "log":
            scale.pop("zero", None)
        for name, inner in part.items():
            if name != "datasets":
                _quiet(inner)
    elif isinstance(part, list):
        for inner in part:
            _quiet(inner)

"""A chart of estimates with their intervals, one line each, with a choice of what is shown."""

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from gutaxis.clinical.figure_frame import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, VERMILION, Chart, titled
from gutaxis.report.charts import rounded

#: Groups of marks take these, with a shape each, so that no colour has to be told apart.
COLORS, SHAPES = (BLUE, INK, VERMILION, GREEN, PURPLE, ORANGE), ("circle", "square", "triangle-up", "diamond", "cross")
WIDTH, STEP, LABEL = 300, 17, 310
#: Lines of one choice.
MOST = 30


def forest(
    *, rows: pd.DataFrame, title: str, notes: Sequence[str], axis: str, null: float | None, group: str,
    choice: str | None = None, tips: Mapping[str, str] | None = None, log: bool = False,
    groups: Sequence[str] | None = None,
) -> Chart:  # fmt: skip
    """Draw estimates with their intervals from the first row downwards.

    Parameters
    ----------
    rows
        name, estimate, low, high, group, and the columns of ``tips``; ``view`` where there is a choice. Names are
        unique within a view and group. Lines without an estimate are not drawn.
    title, notes
        Above the chart.
    axis
        Title of the axis of estimates, with the unit.
    null
        Where nothing is associated: a dashed line; None for none.
    group
        Title of the legend.
    choice
        Words before the list of views; None: one view.
    tips
        Column -> words, shown beside the numbers of a mark.
    log
        Whether the axis is logarithmic.
    groups
        Order of the groups; else that of their appearance.

    Raises
    ------
    ValueError
        If there is no line to draw: the caller says so in words.
    """
    data = rows[rows["estimate"].notna()].copy()
    if data.empty:
        raise ValueError("a forest needs an estimate")
    data["place"] = range(len(data))
    extra = list(tips or {})
    fields = ["name", "estimate", "low", "high", "group", "place", *(["view"] if choice else []), *extra]
    data = rounded(rows=data[list(dict.fromkeys(fields))])
    every = [str(name) for name in (groups or data["group"].unique())]
    names = [name for name in every if name in set(data["group"])]
    # a group looks the same whether or not the others occur
    shapes = alt.Scale(domain=names, range=[SHAPES[every.index(name) % len(SHAPES)] for name in names])
    colors = alt.Scale(domain=names, range=[COLORS[every.index(name) % len(COLORS)] for name in names])
    picked = alt.selection_point(name="picked", fields=["group"], bind="legend")
    scale = alt.Scale(type="log") if log else alt.Scale(zero=False)
    across = alt.X("estimate:Q", title=axis, scale=scale)
    down = alt.Y(
        "name:N", title=None, sort=alt.EncodingSortField(field="place", op="min"),
        axis=alt.Axis(labelLimit=LABEL, ticks=False, grid=True),
    )  # fmt: skip
    fade = alt.when(picked).then(alt.value(1)).otherwise(alt.value(0.1))
    tooltip = [
        alt.Tooltip("name:N", title="Name"),
        alt.Tooltip("estimate:Q", title="Estimate", format=".3g"),
        alt.Tooltip("low:Q", title="95 % from", format=".3g"),
        alt.Tooltip("high:Q", title="95 % to", format=".3g"),
        *(alt.Tooltip(f"{name}:{'Q' if data[name].dtype.kind in 'fi' else 'N'}", title=words)
          for name, words in (tips or {}).items()),
    ]  # fmt: skip
    twice = data.duplicated(["name", *(["view"] if choice else [])]).any()
    legend = alt.Legend(orient="top", columns=3, labelLimit=260)
    shared = {
        "y": down, "opacity": fade, "tooltip": tooltip,
        "color": alt.Color("group:N", scale=colors, title=group, legend=legend),
    }  # fmt: skip
    if twice:
        shared["yOffset"] = alt.YOffset("group:N", sort=names)
    # an interval that could not be estimated is no line
    lines = alt.Chart(data[data["low"].notna() & data["high"].notna()]).mark_rule(strokeWidth=1.6)
    lines = lines.encode(x=alt.X("low:Q", title=axis, scale=scale), x2="high:Q", **shared)
    shape = alt.Shape("group:N", scale=shapes, title=group, legend=legend)
    dots = alt.Chart(data).mark_point(filled=True, size=70).encode(x=across, shape=shape, **shared)
    parts = [lines, dots.add_params(picked)]
    if choice:
        views = list(dict.fromkeys(data["view"]))
        bound = alt.binding_select(options=views, name=f"{choice} ")
        shown = alt.selection_point(name="shown", fields=["view"], value=views[0], bind=bound)
        parts = [part.transform_filter(shown) for part in parts]
    if null is not None:
        nothing = alt.Chart(pd.DataFrame({"null": [null]})).mark_rule(color=GREY, strokeDash=[4, 4])
        parts.insert(0, nothing.encode(x=alt.X("null:Q", title=axis, scale=scale)))
    step = alt.Step(9 * len(names) + 8, **{"for": "position"}) if twice else alt.Step(STEP)
    chart = alt.layer(*parts).properties(width=WIDTH, height=step)
    return titled(chart=chart.add_params(shown) if choice else chart, title=title, notes=notes)


def verdict(*, q: pd.Series, level: float) -> pd.Series:
    """Return the legend's words of each row: whether it passes the level."""
    words = (f"q < {level:g}", f"q of {level:g} or more")
    return (q < level).map({True: words[0], False: words[1]})


def verdicts(*, level: float) -> list[str]:
    """Return both words of :func:`verdict`, the finding first."""
    return [f"q < {level:g}", f"q of {level:g} or more"]

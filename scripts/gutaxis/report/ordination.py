"""Principal coordinates of a layer: samples in a plane, with a choice of the distance and of the colour."""

from collections.abc import Mapping

import altair as alt
import pandas as pd

from gutaxis.clinical.figure_frame import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, VERMILION, YELLOW, titled
from gutaxis.report.charts import TIMES, UNKNOWN, WIDTH, chosen_rows, dropdown, response_words, rounded, with_choice
from gutaxis.report.items import Figure
from gutaxis.report.paired import SAMPLES
from gutaxis.report.sources import Results

#: What the colour can tell; the words are the choice.
COLORS = {"response": "response", "timepoint": "timepoint", "cohort": "cohort", "batch": "batch"}
#: The words are coloured in the order of the alphabet: non-responders, responders, response not known.
PALETTE = (VERMILION, BLUE, GREY, GREEN, PURPLE, ORANGE, SKY, YELLOW, INK)
FEW_COLORS = len(PALETTE)


def ordination_figure(*, results: Results, layer: str, name: str, metrics: Mapping[str, str]) -> Figure | None:
    """Return the first two coordinates of every distance, pairs of a patient joined; None without any.

    Parameters
    ----------
    results, layer, name
        The layer, and its name in words.
    metrics
        Distance in the files -> in words, in the order of the choice.
    """
    parts, told = [], []
    for metric, words in metrics.items():
        source = f"diversity/{layer}/pcoa_{metric}.tsv"
        if not results.has(source):
            continue
        table = results.table(source)
        if {"axis_1", "axis_2"} <= set(table.columns) and len(table):
            parts.append(table.assign(metric=words))
            explained = next((line for line in results.header(source) if line.startswith("explained")), "")
            told.append({"metric": words, "text": explained.partition(": ")[2].replace("_", " ")})
    if not parts:
        return None
    rows = pd.concat(parts, ignore_index=True)
    rows["response"] = _responses(results=results, samples=rows["sample_id"])
    rows = rounded(rows=rows.reindex(columns=["metric", "patient_id", *COLORS, "axis_1", "axis_2"]))
    for column in COLORS:
        rows[column] = rows[column].astype(object).where(rows[column].notna(), "not given")
    distance = dropdown(name="distance", words="Distance", options=list(dict.fromkeys(rows["metric"])))
    offered = [key for key in COLORS if rows[key].nunique() <= FEW_COLORS]
    color = dropdown(name="colour", words="Colour", options=offered)
    title = f"{name}: principal coordinates of the samples"
    chart = _chart(rows=rows, told=pd.DataFrame(told), distance=distance, color=color)
    both = with_choice(chart=with_choice(chart=chart, choice=distance), choice=color)
    notes = ["A line joins the samples of a patient. A picture, no test: those are in the table."]
    first = f"diversity/{layer}/pcoa_{next(iter(metrics))}.tsv"
    return Figure(title=title, chart=titled(chart=both, title=title, notes=notes), source=first)


def _responses(*, results: Results, samples: pd.Series) -> pd.Series:
    if not results.has(SAMPLES):
        return pd.Series(UNKNOWN, index=samples.index)
    known = results.table(SAMPLES).drop_duplicates("sample_id").set_index("sample_id")["response"]
    return response_words(values=samples.map(known))


def _chart(
    *, rows: pd.DataFrame, told: pd.DataFrame, distance: alt.Parameter | None, color: alt.Parameter | None
) -> alt.LayerChart:
    base = chosen_rows(chart=alt.Chart(rows), column="metric", choice=distance)
    words = "datum[colour]" if color is not None else "datum.response"
    base = base.transform_calculate(told=words)
    x = alt.X("axis_1:Q", title="Axis 1 (unit of the distance)", scale=alt.Scale(zero=False))
    y = alt.Y("axis_2:Q", title="Axis 2 (unit of the distance)", scale=alt.Scale(zero=False))
    top = alt.Legend(orient="top", columns=5)
    lines = base.mark_line(color=GREY, opacity=0.5, strokeWidth=1).encode(
        x=x, y=y, detail="patient_id:N", tooltip=alt.Tooltip("patient_id:N", title="Patient")
    )
    points = base.mark_point(filled=True, size=70, opacity=0.85).encode(
        x=x, y=y, color=alt.Color("told:N", title="Colour", scale=alt.Scale(range=list(PALETTE)), legend=top),
        shape=alt.Shape("timepoint:N", title="Timepoint", scale=alt.Scale(domain=_times(rows=rows)), legend=top),
        tooltip=[
            alt.Tooltip("patient_id:N", title="Patient"),
            *[alt.Tooltip(f"{key}:N", title=key.capitalize()) for key in COLORS],
            alt.Tooltip("axis_1:Q", title="Axis 1"), alt.Tooltip("axis_2:Q", title="Axis 2"),
        ],
    )  # fmt: skip
    text = chosen_rows(chart=alt.Chart(told), column="metric", choice=distance)
    share = text.mark_text(align="left", color=INK, fontSize=11).encode(
        x=alt.value(4), y=alt.value(8), text="text:N", tooltip=alt.Tooltip("text:N", title="Share of the variation")
    )
    return alt.layer(lines, points, share).properties(width=WIDTH - 60, height=330)


def _times(*, rows: pd.DataFrame) -> list[str]:
    seen = set(rows["timepoint"])
    return [*[time for time in TIMES if time in seen], *sorted(seen - set(TIMES))]

"""Values of samples as pictures: a line from PRE to POST for each patient, with or without boxes, by response."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from gutaxis.clinical.figure_frame import INK, LIGHT, Chart, empty_figure, titled
from gutaxis.report.charts import (
    RESPONSES,
    TIMES,
    WIDTH,
    chosen_rows,
    dropdown,
    response_scale,
    response_words,
    rounded,
    with_choice,
)
from gutaxis.report.sources import Results

SAMPLES = "clinical/sample_response.tsv"
#: Samples that analyses use: extra ones of the same timepoint, and those that failed, are left out.
CHOSEN = ("PAIRED", "PRE_ONLY", "POST_ONLY")
NO_TIME = "timepoint not given"


def samples_of(*, results: Results, names: Sequence[str]) -> pd.DataFrame:
    """Return the samples of patients that analyses use: sample_id, patient_id, pair_id, timepoint, response.

    Parameters
    ----------
    results
        With ``clinical/sample_response.tsv``.
    names
        Samples of a layer.
    """
    table = results.table(SAMPLES)
    table = table[table["sample_id"].isin(set(names))]
    # a study of single samples has no pairs and no timepoints; then every sample counts
    if table["pair_status"].isin(CHOSEN).any():
        table = table[table["pair_status"].isin(CHOSEN)]
    table = table.assign(response=response_words(values=table["response"]))
    table["timepoint"] = table["timepoint"].where(table["timepoint"].isin(TIMES), NO_TIME)
    columns = ["sample_id", "patient_id", "pair_id", "timepoint", "response"]
    return table[columns].drop_duplicates("sample_id").reset_index(drop=True)


def by_patient(*, results: Results, values: pd.DataFrame) -> pd.DataFrame:
    """Return values with their patients: name, value, patient_id, timepoint, response, group; missing values left out.

    Parameters
    ----------
    results
        The results.
    values
        sample_id, name (what the value is of), value.
    """
    found = values.dropna(subset=["value"])
    found = found.merge(samples_of(results=results, names=found["sample_id"].unique()), on="sample_id", how="inner")
    found["group"] = found["response"] + ", " + found["timepoint"]
    return found[["name", "value", "patient_id", "timepoint", "response", "group"]]


def pairs_figure(
    *, rows: pd.DataFrame, title: str, axis: str | None, words: str, boxes: bool = False, notes: Sequence[str] = ()
) -> Chart:
    """Draw one value at a time, chosen by name: samples by response and timepoint, patients joined by lines.

    Parameters
    ----------
    rows
        Of :func:`by_patient`; the names in the order of the choice.
    title, axis
        Words above, and of the y axis with its unit; None where the names carry their units.
    words
        What a name is, such as ``Index``.
    boxes
        Draw median, quartiles and range behind the samples.
    notes
        Lines below the title.
    """
    if rows.empty:
        return empty_figure(title=title, reason="no sample has a value")
    names = list(dict.fromkeys(rows["name"]))
    if axis is None:
        axis = names[0] if len(names) == 1 else f"{words} chosen"
    choice = dropdown(name="shown", words=words, options=names)
    groups = [f"{who}, {when}" for who, _ in RESPONSES.values() for when in (*TIMES, NO_TIME)]
    order = [group for group in groups if group in set(rows["group"])]
    base = chosen_rows(chart=alt.Chart(rounded(rows=rows)), column="name", choice=choice)
    x = alt.X("group:N", sort=order, title=None, axis=alt.Axis(labelAngle=-20), scale=alt.Scale(domain=order))
    y = alt.Y("value:Q", title=axis, scale=alt.Scale(zero=False))
    scale = response_scale(seen=rows["response"].unique())
    color = alt.Color("response:N", title="Response", scale=scale, legend=alt.Legend(orient="top"))
    shape = alt.Shape("timepoint:N", title="Timepoint", scale=alt.Scale(domain=[*TIMES, NO_TIME]), legend=None)
    points = base.mark_point(filled=True, size=45, opacity=0.85).encode(
        x=x, y=y, color=color, shape=shape,
        tooltip=[
            alt.Tooltip("patient_id:N", title="Patient"), alt.Tooltip("timepoint:N", title="Timepoint"),
            alt.Tooltip("response:N", title="Response"), alt.Tooltip("value:Q", title="Value"),
            alt.Tooltip("name:N", title=words),
        ],
    )  # fmt: skip
    # a patient is one line: the response in the detail keeps both ends in one group of colour
    lines = base.mark_line(strokeWidth=1, opacity=0.5).encode(
        x=x, y=y, color=color, detail="patient_id:N", tooltip=alt.Tooltip("patient_id:N", title="Patient")
    )
    layers = [lines, points]
    if boxes:
        parts = {"median": {"color": INK, "strokeWidth": 2}, "box": {"fill": LIGHT, "fillOpacity": 0.5}}
        layers.insert(0, base.mark_boxplot(extent="min-max", size=34, **parts).encode(x=x, y=y))
    chart = alt.layer(*layers).properties(width=min(WIDTH, 110 * len(order)), height=280)
    return titled(chart=with_choice(chart=chart, choice=choice), title=title, notes=list(notes))


def group_table(*, rows: pd.DataFrame, what: str) -> pd.DataFrame:
    """Return samples, median and quartiles by name, response and timepoint.

    Parameters
    ----------
    rows
        Of :func:`by_patient`.
    what
        Head of the column of names.
    """
    found = rows.groupby(["name", "response", "timepoint"], sort=False)["value"]
    table = found.agg(["count", "median", lambda own: own.quantile(0.25), lambda own: own.quantile(0.75)])
    table.columns = ["Samples", "Median", "Lower quartile", "Upper quartile"]
    heads = {"name": what, "response": "Response", "timepoint": "Timepoint"}
    return rounded(rows=table.reset_index()).rename(columns=heads)

"""Figure of courses: one lane per patient with response, progression, next therapy and death."""

import altair as alt
import numpy as np
import pandas as pd

from gutaxis.clinical.figure_frame import (
    BLUE,
    INK,
    MAX_NAMED,
    ORANGE,
    VERMILION,
    WIDTH,
    Chart,
    counted,
    empty_figure,
    in_order,
    response_color,
    row_step,
    titled,
)
from gutaxis.clinical.settings import ClinicalSettings

#: What happens in a swimmer's lane, with shape and colour.
MARKS = {
    "Response": ("triangle-up", BLUE),
    "Progression": ("cross", VERMILION),
    "New therapy": ("square", ORANGE),
    "Death": ("diamond", INK),
    "Alive at last contact": ("triangle-right", INK),
}


def swimmer(
    *,
    patients: pd.DataFrame,
    timepoints: pd.DataFrame,
    best_response: pd.DataFrame,
    time_to_event: pd.DataFrame,
    settings: ClinicalSettings,
) -> Chart:
    """Draw one lane per patient: follow-up, first response, progression, next therapy, death.

    Parameters
    ----------
    patients
        Index patient_id; ``new_therapy_day``, if known.
    timepoints
        Table recist_timepoints.
    best_response
        patient_id reader bor.
    time_to_event
        patient_id paramcd aval_days cnsr.
    settings
        ``reader`` is used.
    """
    title = "Course of each patient"
    best = best_response[best_response["reader"] == settings.reader]
    lanes = time_to_event[time_to_event["paramcd"] == "OS"].merge(best[["patient_id", "bor"]], on="patient_id")
    lanes = lanes[lanes["aval_days"].notna()]
    if lanes.empty:
        return empty_figure(title=title, reason="no patient has a known follow-up after ILDR")
    lanes = lanes.assign(weeks=(lanes["aval_days"].astype(float) - 1) / 7)
    lanes = lanes.sort_values(["weeks", "patient_id"], ascending=[False, True])[["patient_id", "bor", "weeks", "cnsr"]]
    order = lanes["patient_id"].tolist()
    marks = _swimmer_marks(patients, timepoints[timepoints["reader"] == settings.reader], lanes, time_to_event)
    lanes, y = in_order(rows=lanes, order=order, title="Patients", upright=True)
    marks, _ = in_order(rows=marks, order=order, title="Patients", upright=True)
    bars = (
        alt.Chart(lanes)
        .mark_bar(opacity=0.75, height={"band": 0.7})
        .encode(
            x=alt.X("weeks:Q", title="Weeks from ILDR"),
            y=y,
            color=response_color(values=lanes["bor"].tolist()),
            tooltip=[
                alt.Tooltip("patient_id:N", title="Patient"),
                alt.Tooltip("bor:N", title="Best response"),
                alt.Tooltip("weeks:Q", title="Weeks followed", format=".1f"),
            ],
        )
    )
    seen = [name for name in MARKS if name in set(marks["what"])]
    points = (
        alt.Chart(marks)
        .mark_point(filled=True, size=48 if len(order) <= MAX_NAMED else 9, opacity=1, stroke="white", strokeWidth=0.6)
        .encode(
            x="weeks:Q",
            y=y,
            shape=alt.Shape(
                "what:N", scale=alt.Scale(domain=seen, range=[MARKS[name][0] for name in seen]), title="Event"
            ),
            fill=alt.Fill(
                "what:N", scale=alt.Scale(domain=seen, range=[MARKS[name][1] for name in seen]), title="Event"
            ),
            tooltip=[
                alt.Tooltip("patient_id:N", title="Patient"),
                alt.Tooltip("what:N", title="Event"),
                alt.Tooltip("weeks:Q", title="Weeks from ILDR", format=".1f"),
            ],
        )
    )
    chart = alt.layer(bars, points).resolve_scale(color="independent", fill="independent", shape="independent")
    chart = chart.properties(width=WIDTH, height=alt.Step(row_step(rows=len(order))))
    notes = [
        counted(shown=len(lanes), total=len(best), missing={"without known follow-up": len(best) - len(lanes)}),
        f"Responses as read by {settings.reader}, not all confirmed.",
    ]
    return titled(chart=chart, title=title, notes=notes)


def _swimmer_marks(
    patients: pd.DataFrame, timepoints: pd.DataFrame, lanes: pd.DataFrame, time_to_event: pd.DataFrame
) -> pd.DataFrame:
    """Return patient_id, what, weeks of every mark."""
    response = timepoints[timepoints["overall_response"].isin(("CR", "PR"))]
    first = response.sort_values("day", kind="stable").drop_duplicates("patient_id")
    events = time_to_event[(time_to_event["paramcd"] == "PFS2") & (time_to_event["cnsr"] == 0)]
    end = lanes.set_index("patient_id")
    dead = end["cnsr"] == 0
    # a PFS2 event on the day of death is the death itself
    day = events.set_index("patient_id")["aval_days"].astype(float) - 1
    last = (end["weeks"] * 7).reindex(day.index)
    day = day[~(dead.reindex(day.index, fill_value=False) & (np.abs(day - last) < 0.5))]
    parts = {
        "Response": first.set_index("patient_id")["day"] / 7,
        "Progression": day / 7,
        "Death": end["weeks"][dead],
        "Alive at last contact": end["weeks"][~dead],
    }
    if "new_therapy_day" in patients:
        parts["New therapy"] = patients["new_therapy_day"].dropna().astype(float) / 7
    tables = [
        pd.DataFrame({"patient_id": values.index, "what": what, "weeks": values.to_numpy(dtype=float)})
        for what, values in parts.items()
    ]
    marks = pd.concat(tables, ignore_index=True)
    return marks[marks["patient_id"].isin(end.index)].sort_values(["patient_id", "what"], ignore_index=True)

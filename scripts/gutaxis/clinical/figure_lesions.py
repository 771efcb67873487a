"""Figures of lesions: waterfall, spider, and lesions outside the field of ILDR one by one."""

import altair as alt
import numpy as np
import pandas as pd

from gutaxis.clinical.figure_frame import (
    BLUE,
    GREY,
    INK,
    LIGHT,
    MAX_NAMED,
    SKY,
    VERMILION,
    WIDTH,
    Chart,
    counted,
    empty_figure,
    in_order,
    line_legend,
    response_color,
    titled,
)
from gutaxis.clinical.lesion_changes import before_therapy, field_changes
from gutaxis.clinical.settings import ClinicalSettings

FIELDS = {"N": "Outside the field", "Y": "In the field of ILDR", "U": "Field not known"}


def waterfall(*, courses: pd.DataFrame, best_response: pd.DataFrame, settings: ClinicalSettings) -> Chart:
    """Draw the best change of each patient's target lesions, outside and in the field of ILDR apart.

    Parameters
    ----------
    courses
        From :func:`lesion_courses`.
    best_response
        patient_id reader bor; one row per patient who received ILDR.
    settings
        ``reader`` is used.
    """
    title = "Best change of target lesions"
    best = best_response[best_response["reader"] == settings.reader]
    rows = field_changes(courses=courses).merge(best[["patient_id", "bor"]], on="patient_id", how="inner")
    if rows.empty:
        return empty_figure(title=title, reason="no patient has a target lesion measured before and after ILDR")
    panels = []
    color = response_color(values=rows["bor"].tolist())
    floor, top = -105.0, max(45.0, float(rows["best_pct_change"].clip(upper=200).max()) + 5)
    for field, label in FIELDS.items():
        part = rows[rows["field"] == field].sort_values(["best_pct_change", "patient_id"], ascending=[False, True])
        if part.empty:
            continue
        part = part.assign(drawn=part["best_pct_change"].clip(upper=200))
        part, x = in_order(rows=part, order=part["patient_id"].tolist(), title=f"Patients, n = {len(part)}")
        bars = (
            alt.Chart(part)
            .mark_bar()
            .encode(
                x=x,
                y=alt.Y(
                    "drawn:Q", title="Best change, % of baseline", scale=alt.Scale(domain=[floor, top], nice=False)
                ),
                color=color,
                tooltip=[
                    alt.Tooltip("patient_id:N", title="Patient"),
                    alt.Tooltip("best_pct_change:Q", title="Best change, %", format=".1f"),
                    alt.Tooltip("n_lesions:Q", title="Lesions"),
                    alt.Tooltip("bor:N", title="Best response"),
                ],
            )
        )
        step = max(2.0, min(13.0, 900 / len(part)))
        # a change of exactly 0 would be no bar at all
        flat = bars.transform_filter(alt.datum.drawn == 0).mark_tick(orient="horizontal", thickness=3, opacity=1)
        panel = (bars + _rules(values=(-30, 0, 20)) + flat).properties(
            width=alt.Step(step), height=260, title=alt.TitleParams(label, anchor="start", fontSize=12)
        )
        panels.append(panel)
    without = len(best) - rows["patient_id"].nunique()
    notes = [
        counted(
            shown=rows["patient_id"].nunique(),
            total=len(best),
            missing={"without a target lesion measured before and after ILDR": without},
        ),
        f"Sum of the targets of each field, scans before another therapy, reader {settings.reader}. "
        "Dashed: -30 % and +20 %; bars are cut at +200 %.",
    ]
    return titled(chart=alt.hconcat(*panels), title=title, notes=notes)


def spider(
    *, patients: pd.DataFrame, timepoints: pd.DataFrame, best_response: pd.DataFrame, settings: ClinicalSettings
) -> Chart:
    """Draw the change of the sum of target lesions over time, one line per patient.

    Parameters
    ----------
    patients
        Index patient_id; ``new_therapy_day``, if known: scans from that day on are left out.
    timepoints
        Table recist_timepoints: patient_id reader day pct_change_baseline overall_response targets_missing.
    best_response
        patient_id reader bor; one row per patient who received ILDR.
    settings
        ``reader`` is used.
    """
    title = "Change of the sum of target lesions over time"
    best = best_response[best_response["reader"] == settings.reader]
    rows = timepoints[(timepoints["reader"] == settings.reader) & (timepoints["day"] > 0)]
    complete = rows["pct_change_baseline"].notna()
    if "targets_missing" in rows:
        complete &= rows["targets_missing"] == 0
    rows = before_therapy(rows=rows[complete], patients=patients).merge(best[["patient_id", "bor"]], on="patient_id")
    if rows.empty:
        return empty_figure(title=title, reason="no patient has all target lesions measured after ILDR")
    start = rows.drop_duplicates("patient_id").assign(day=0.0, pct_change_baseline=0.0, overall_response="BASELINE")
    columns = ["patient_id", "bor", "day", "pct_change_baseline", "overall_response"]
    data = pd.concat([start, rows])[columns].sort_values(["patient_id", "day"])
    data = data.assign(weeks=data["day"] / 7, drawn=data["pct_change_baseline"].astype(float).clip(upper=200))
    base = alt.Chart(data).encode(
        x=alt.X("weeks:Q", title="Weeks from ILDR", axis=alt.Axis(values=_weeks(data["weeks"].max()))),
        y=alt.Y("drawn:Q", title="Change from baseline, %"),
        color=response_color(values=data["bor"].tolist(), legend=line_legend()),
        detail="patient_id:N",
        tooltip=[
            alt.Tooltip("patient_id:N", title="Patient"),
            alt.Tooltip("day:Q", title="Day from ILDR"),
            alt.Tooltip("pct_change_baseline:Q", title="Change, %", format=".1f"),
            alt.Tooltip("overall_response:N", title="Response"),
        ],
    )
    progressed = base.transform_filter(alt.datum.overall_response == "PD")
    shown = data["patient_id"].nunique()
    if shown <= MAX_NAMED:
        chart = (
            base.mark_line(strokeWidth=1.3, opacity=0.8)
            + base.mark_point(filled=True, size=22, opacity=0.9)
            + progressed.mark_point(filled=True, size=70, opacity=1, shape="cross")
        )
    else:  # thin, pale lines show where many run; thousands of points would cover them
        chart = base.mark_line(strokeWidth=0.6, opacity=0.25)
        chart += progressed.mark_point(filled=True, size=10, opacity=0.4, shape="cross")
    chart = (_rules(values=(-30, 0, 20)) + chart).properties(width=WIDTH, height=330)
    notes = [
        counted(shown=shown, total=len(best), missing={"without a complete sum after ILDR": len(best) - shown}),
        f"Reader {settings.reader}. Scans with a target missing or under another therapy are left out. Cross: "
        "progression.",
        "Dashed: -30 % and +20 % of baseline; progression counts from the smallest sum. Cut at +200 %.",
    ]
    return titled(chart=chart, title=title, notes=notes)


def abscopal_figure(*, lesions: pd.DataFrame, patients: pd.DataFrame, settings: ClinicalSettings) -> Chart:
    """Draw the best change of each lesion outside the field, patient by patient.

    Parameters
    ----------
    lesions
        Table abscopal_lesions: patient_id lesion_id organ evaluable responding best_pct_change.
    patients
        Index patient_id: those who received ILDR.
    settings
        ``abscopal_decrease_percent`` is used.
    """
    limit = -float(settings.abscopal_decrease_percent)
    title = "Lesions outside the field of ILDR"
    rows = lesions[(lesions["evaluable"] == "Y") & lesions["best_pct_change"].notna()]
    if rows.empty:
        return empty_figure(title=title, reason="no lesion outside the field was measured before and after ILDR")
    columns = ["patient_id", "lesion_id", "organ", "best_pct_change", "responding"]
    best = rows[columns].rename(columns={"best_pct_change": "pct_change"})
    best["effect"] = np.where(best["responding"] == "Y", "Abscopal effect", "No effect")
    order = best.groupby("patient_id")["pct_change"].min().sort_values(kind="stable").index.tolist()
    best["drawn"] = best["pct_change"].clip(upper=200)
    scale = alt.Scale(domain=["Abscopal effect", "No effect"], range=[BLUE, GREY])
    best, x = in_order(rows=best, order=order, title="Patients", grid=True)
    span = alt.Chart(best).mark_rule(color=LIGHT, strokeWidth=2)
    top = max(40.0, float(best["drawn"].max()) + 10)
    y = alt.Y("min(drawn):Q", title="Best change of each lesion, %", scale=alt.Scale(domain=[-110.0, top], nice=False))
    span = span.encode(x=x, y=y, y2="max(drawn):Q")
    points = (
        alt.Chart(best)
        .mark_point(filled=True, size=55, opacity=0.9)
        .encode(
            x=x,
            y="drawn:Q",
            color=alt.Color("effect:N", scale=scale, title=None),
            shape=alt.Shape("effect:N", scale=alt.Scale(domain=scale.domain, range=["circle", "diamond"]), title=None),
            tooltip=[
                alt.Tooltip("patient_id:N", title="Patient"),
                alt.Tooltip("lesion_id:N", title="Lesion"),
                alt.Tooltip("organ:N", title="Organ"),
                alt.Tooltip("pct_change:Q", title="Best change, %", format=".1f"),
            ],
        )
    )
    step = max(2.0, min(15.0, 1100 / len(order)))
    chart = (span + _rules(values=(limit, 0)) + points).properties(width=alt.Step(step), height=280)
    hits = best["effect"] == "Abscopal effect"
    notes = [
        counted(
            shown=len(order),
            total=len(patients),
            missing={"without an evaluable lesion outside the field": len(patients) - len(order)},
        ),
        f"{hits.sum()} of {len(best)} lesions in {best.loc[hits, 'patient_id'].nunique()} patients shrank by "
        f"{-limit:g} % or more (dashed line), scans before another therapy. Cut at +200 %.",
    ]
    return titled(chart=chart, title=title, notes=notes)


def _rules(*, values: tuple[float, ...]) -> alt.LayerChart:
    """Return horizontal lines: solid at 0, dashed elsewhere."""
    layers = [
        alt.Chart(pd.DataFrame({"at": [float(value)]}))
        .mark_rule(
            color=INK if value == 0 else VERMILION if value > 0 else SKY, strokeDash=[] if value == 0 else [5, 4]
        )
        .encode(y="at:Q")
        for value in values
    ]
    return alt.layer(*layers)


def _weeks(last: float) -> list[int]:
    step = 6 if last <= 60 else 12 if last <= 120 else 24
    return list(range(0, int(last) + step + 1, step))

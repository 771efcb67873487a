"""Figures of survival: Kaplan-Meier with numbers at risk, cumulative incidence of death by cause."""

import altair as alt
import numpy as np
import pandas as pd

from gutaxis.clinical.figure_frame import (
    BLUE,
    GROUP_COLORS,
    VERMILION,
    WIDTH,
    Chart,
    counted,
    empty_figure,
    line_legend,
    titled,
)
from gutaxis.clinical.settings import ClinicalSettings
from gutaxis.clinical.survival import (
    CI_TYPE,
    cumulative_incidence,
    kaplan_meier,
    median_survival,
    number_at_risk,
)

PARAMETERS = {
    "PFS2": "Progression-free survival after ILDR (PFS2)",
    "OS": "Overall survival",
    "CSS": "Cancer-specific survival",
}
POOLED = "All"


def survival_figure(
    *, time_to_event: pd.DataFrame, paramcd: str, settings: ClinicalSettings, groups: pd.Series | None = None
) -> Chart:
    """Draw Kaplan-Meier curves with confidence bands, censoring ticks and numbers at risk.

    Parameters
    ----------
    time_to_event
        patient_id paramcd aval_days cnsr (0: event).
    paramcd
        PFS2, OS or CSS.
    settings
        ``weeks_pfs2`` or ``weeks_survival``: weeks marked by thin lines.
    groups
        patient_id -> group, for example the cohort; None: all patients in one curve.
    """
    title = PARAMETERS.get(paramcd, paramcd)
    rows = time_to_event[time_to_event["paramcd"] == paramcd]
    total, rows = len(rows), rows[rows["aval_days"].notna()]
    if rows.empty:
        return empty_figure(title=title, reason=f"no patient has a time for {paramcd}")
    labels = pd.Series(POOLED, rows.index) if groups is None else rows["patient_id"].map(groups).fillna("not known")
    curves, risks, ticks, notes = [], [], [], []
    last = float(rows["aval_days"].max()) / 7
    step = 6 if last <= 48 else 12 if last <= 120 else 24
    grid = np.arange(0, last + step, step)
    for name, part in rows.groupby(labels, sort=True):
        time, event = part["aval_days"].astype(float).to_numpy(), (part["cnsr"] == 0).to_numpy()
        curve = kaplan_meier(time=time, event=event)
        curves.append(_steps(curve, str(name)))
        censored = curve[curve["n_censor"] > 0]
        ticks.append(pd.DataFrame({"group": name, "weeks": censored["time"] / 7, "survival": censored["survival"]}))
        # day 1 is week 0: somebody observed for d days is at risk on day d
        at_risk = number_at_risk(time=time, at=grid * 7 + 1)
        risks.append(pd.DataFrame({"group": name, "weeks": grid, "n": at_risk}))
        middle = median_survival(curve=curve)
        span = f"{_number(middle.low)} to {_number(middle.high)}"
        notes.append(f"{name}: n = {len(part)}, {event.sum()} events, median {_number(middle.value)} (95 % CI {span})")
    names = sorted({str(name) for name in labels})
    color = alt.Color(
        "group:N",
        scale=alt.Scale(domain=names, range=[GROUP_COLORS[i % len(GROUP_COLORS)] for i in range(len(names))]),
        title=None,
        legend=None if len(names) == 1 else line_legend(),
    )
    landmarks = settings.weeks_pfs2 if paramcd == "PFS2" else settings.weeks_survival
    x = alt.X(
        "weeks:Q",
        title="Weeks from ILDR",
        scale=alt.Scale(domain=[0, float(grid[-1])], nice=False),
        axis=alt.Axis(values=grid.tolist()),
    )
    data = pd.concat(curves)
    marks = alt.Chart(pd.DataFrame({"weeks": [float(week) for week in landmarks if week <= grid[-1]]}))
    y = alt.Y("survival:Q", title="Survival probability", scale=alt.Scale(domain=[0, 1]))
    band = alt.Chart(data).mark_area(interpolate="step-after", opacity=0.13 if len(names) == 1 else 0.08)
    line = alt.Chart(data).mark_line(interpolate="step-after", strokeWidth=1.8)
    tick = alt.Chart(pd.concat(ticks)).mark_tick(orient="vertical", size=9, thickness=1.3)
    tips = [
        alt.Tooltip("group:N", title="Group"),
        alt.Tooltip("weeks:Q", title="Weeks", format=".1f"),
        alt.Tooltip("survival:Q", title="Survival", format=".3f"),
    ]
    upper = alt.layer(
        marks.mark_rule(color="#BBBBBB", strokeDash=[2, 3]).encode(x=x),
        band.encode(x=x, y=alt.Y("ci_low:Q", title="Survival probability"), y2="ci_high:Q", color=color),
        line.encode(x=x, y=y, color=color, tooltip=tips),
        tick.encode(x=x, y=y, color=color, tooltip=tips),
    ).properties(width=WIDTH, height=280)
    lower = (
        alt.Chart(pd.concat(risks))
        .mark_text(fontSize=11)
        .encode(
            x=alt.X(
                "weeks:Q",
                scale=alt.Scale(domain=[0, float(grid[-1])], nice=False),
                axis=None,
            ),
            y=alt.Y(
                "group:N",
                sort=names,
                title=None,
                axis=alt.Axis(domain=False, ticks=False, labelFontSize=11, labelPadding=14),
            ),
            text="n:Q",
            color=color,
        )
        .properties(
            width=WIDTH,
            height=alt.Step(18),
            title=alt.TitleParams("Number at risk", anchor="start", fontSize=11, fontWeight="normal", offset=4),
        )
    )
    missing = {"without a known day of ILDR": total - len(rows)}
    tail = f"Kaplan-Meier, 95 % limits ({CI_TYPE}); ticks: censored; dotted lines: weeks of the endpoint"
    notes = [counted(shown=len(rows), total=total, missing=missing), *notes, tail]
    return titled(chart=alt.vconcat(upper, lower, spacing=8), title=title, notes=notes)


def incidence_figure(*, time_to_event: pd.DataFrame) -> Chart:
    """Draw the cumulative incidence of death from cancer and from other causes, each competing with the other.

    Parameters
    ----------
    time_to_event
        patient_id paramcd aval_days cnsr; OS tells who died, CSS (``cnsr`` 0) who died from cancer.
    """
    title = "Cumulative incidence of death by cause"
    wide = time_to_event[time_to_event["paramcd"].isin(("OS", "CSS"))].pivot(index="patient_id", columns="paramcd")
    known = {("aval_days", "OS"), ("cnsr", "CSS")} <= set(wide.columns)
    rows = wide[wide[("aval_days", "OS")].notna()] if known else wide.iloc[:0]
    if rows.empty:
        return empty_figure(title=title, reason="no patient has a known follow-up after ILDR")
    died, cancer = rows[("cnsr", "OS")] == 0, rows[("cnsr", "CSS")] == 0
    time = rows[("aval_days", "OS")].astype(float).to_numpy()
    cause = np.where(cancer, 1, np.where(died, 2, 0))
    names = {1: "Cancer", 2: "Other cause"}
    curves = []
    for of, name in names.items():
        curve = cumulative_incidence(time=time, cause=cause, of=of).rename(columns={"incidence": "survival"})
        curves.append(_steps(curve, name, start=0.0))
    data = pd.concat(curves)
    color = alt.Color(
        "group:N",
        scale=alt.Scale(domain=list(names.values()), range=[VERMILION, BLUE]),
        title="Cause of death",
        legend=line_legend(),
    )
    x = alt.X("weeks:Q", title="Weeks from ILDR")
    band = alt.Chart(data).mark_area(interpolate="step-after", opacity=0.12)
    line = alt.Chart(data).mark_line(interpolate="step-after", strokeWidth=1.8)
    chart = alt.layer(
        band.encode(x=x, y=alt.Y("ci_low:Q", title="Cumulative incidence"), y2="ci_high:Q", color=color),
        line.encode(
            x=x,
            y=alt.Y("survival:Q", title="Cumulative incidence", scale=alt.Scale(domain=[0, 1])),
            color=color,
            tooltip=[
                alt.Tooltip("group:N", title="Cause"),
                alt.Tooltip("weeks:Q", title="Weeks", format=".1f"),
                alt.Tooltip("survival:Q", title="Incidence", format=".3f"),
            ],
        ),
    ).properties(width=WIDTH, height=280)
    notes = [
        counted(shown=len(rows), total=len(wide), missing={"without known follow-up": len(wide) - len(rows)}),
        f"Deaths from cancer: {int((cause == 1).sum())}, of other causes: {int((cause == 2).sum())}. "
        "Aalen-Johansen with 95 % limits; causes compete.",
    ]
    return titled(chart=chart, title=title, notes=notes)


def _steps(curve: pd.DataFrame, group: str, start: float = 1.0) -> pd.DataFrame:
    """Return a curve from week 0 on; before the first limits exist they equal the curve."""
    rows = curve[["time", "survival", "ci_low", "ci_high"]].astype(float)
    first = pd.DataFrame({"time": [0.0], "survival": [start], "ci_low": [start], "ci_high": [start]})
    rows = pd.concat([first, rows], ignore_index=True)
    for name in ("ci_low", "ci_high"):
        flat = rows["survival"].isin((start,))
        rows[name] = rows[name].mask(flat, start)
    return rows.assign(group=group, weeks=rows["time"] / 7).drop(columns="time")


def _number(days: float) -> str:
    return "not reached" if np.isnan(days) else f"{days / 7:.1f} weeks"

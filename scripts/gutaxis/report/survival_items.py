"""Survival after ILDR: PFS2 (F3), overall and cancer-specific survival, cumulative incidence of death by cause (F4)."""

from collections.abc import Sequence

import altair as alt
import pandas as pd
from markupsafe import Markup

from gutaxis.clinical.figure_frame import line_legend
from gutaxis.report.charts import MAX_MARKS, chosen_rows, dropdown, rounded, with_choice
from gutaxis.report.clinical_rates import weeks_of
from gutaxis.report.items import Absent, Content, Figure, Table, absent_unless
from gutaxis.report.numbers import Condition, cell, chosen, sentence, total
from gutaxis.report.sources import Results
from gutaxis.report.wording import (
    ALL,
    arm_figures,
    cohort_name,
    in_words,
    limits_words,
    ordered_cohorts,
    scales,
    spread_words,
)

RATES = "clinical/survival_rates.tsv"
CURVES = "clinical/survival_curves.tsv"
TIMES = "clinical/time_to_event.tsv"
INCIDENCE = "clinical/cumulative_incidence.tsv"
PARAMETERS = {
    "PFS2": "Progression-free survival after ILDR (PFS2)",
    "PFS2_MISSED": "PFS2, events after missed scans censored before them",
    "OS": "Overall survival (OS)",
    "CSS": "Cancer-specific survival (CSS)",
    "CSS_UNKNOWN": "CSS, unknown causes of death counted the other way",
}
ROLES = {"PFS2": "primary endpoint", "OS": "secondary endpoint", "CSS": "secondary endpoint"}
CAUSES = {"CANCER": "cancer", "OTHER": "other causes"}
HEADS = {
    "paramcd": "Endpoint", "week": "Week", "cohort": "Cohort", "n": "Patients", "n_events": "Events",
    "n_at_risk": "At risk", "rate": "Survival, %", "ci_low": "95 % from, %", "ci_high": "95 % to, %",
    "median": "Median, days", "median_ci_low": "Median 95 % from, days", "median_ci_high": "Median 95 % to, days",
    "follow_up_median": "Follow-up, median days",
}  # fmt: skip
INCIDENCE_HEADS = {
    "paramcd": "Endpoint", "cause": "Death from", "week": "Week", "cohort": "Cohort", "n": "Patients",
    "n_events": "Deaths", "n_at_risk": "At risk", "incidence": "Incidence, %", "ci_low": "95 % from, %",
    "ci_high": "95 % to, %",
}  # fmt: skip


def pfs2_item(results: Results) -> Content | Absent:
    """F3: progression-free survival after ILDR, pooled and by cohort."""
    missing = absent_unless(results, RATES, TIMES)
    if missing:
        return missing
    if _nobody(results=results, paramcd="PFS2"):
        return Absent(why="Of no patient is the time to progression or death known.")
    figures = {"clinical/figures/survival_pfs2.html": (PARAMETERS["PFS2"], TIMES)}
    drawn = arm_figures(results=results, figures=figures)
    findings = [*_survival(results=results, paramcd="PFS2"), *_sensitivity(results=results, paramcd="PFS2_MISSED")]
    blocks = [*drawn.figures, *_curves(results=results, names=["PFS2"])]
    return Content(
        findings=findings,
        counted=[*_counted(results=results, paramcd="PFS2"), *drawn.said],
        blocks=[*blocks, _table(results=results, names=["PFS2", "PFS2_MISSED"])],
    )


def survival_item(results: Results) -> Content | Absent:
    """F4: overall and cancer-specific survival, and deaths by cause as competing events."""
    missing = absent_unless(results, RATES, TIMES, INCIDENCE)
    if missing:
        return missing
    if _nobody(results=results, paramcd="OS"):
        return Absent(why="Of no patient is the time of follow-up known.")
    figures = {
        "clinical/figures/survival_os.html": (PARAMETERS["OS"], TIMES),
        "clinical/figures/cumulative_incidence.html": ("Deaths by cause, cumulative incidence", INCIDENCE),
    }
    drawn = arm_figures(results=results, figures=figures)
    findings = [sentence_ for name in ("OS", "CSS") for sentence_ in _survival(results=results, paramcd=name)]
    findings += [*_sensitivity(results=results, paramcd="CSS_UNKNOWN"), *_incidence(results)]
    blocks = [*drawn.figures, *_curves(results=results, names=["OS", "CSS"])]
    blocks += [_table(results=results, names=["OS", "CSS", "CSS_UNKNOWN"]), _incidence_table(results)]
    return Content(findings=findings, counted=[*_counted(results=results, paramcd="OS"), *drawn.said], blocks=blocks)


def _nobody(*, results: Results, paramcd: str) -> bool:
    times = results.table(TIMES)
    return times.loc[times["paramcd"] == paramcd, "aval_days"].dropna().empty


def _pooled(paramcd: str) -> list[Condition]:
    return [("paramcd", "==", paramcd), ("cohort", "==", ALL)]


def _survival(*, results: Results, paramcd: str) -> list[Markup]:
    """Return rates at the landmarks and the median, pooled."""
    where = _pooled(paramcd)
    weeks = weeks_of(results=results, source=RATES, where=where)
    if not weeks:
        return []
    parts = [_at_week(results=results, where=[*where, ("week", "==", week)]) for week in weeks]
    title = f"{PARAMETERS[paramcd]}, {ROLES[paramcd]}, all patients"
    first = sentence("{title}: {parts}.", title=title, parts=Markup("; ").join(parts))
    return [first, _median(results=results, paramcd=paramcd, where=[*where, ("week", "==", weeks[0])])]


def _at_week(*, results: Results, where: Sequence[Condition], source: str = RATES, rate: str = "rate") -> Markup:
    def part(column: str, style: str) -> Markup:
        return cell(results=results, source=source, where=where, column=column, style=style)

    week = part("week", "integer")
    if pd.isna(chosen(table=results.table(source), where=where)[rate].iloc[0]):
        return sentence("week {week}: nobody was followed so long", week=week)
    return sentence(
        "week {week}: {rate} ({limits}; {n} at risk)",
        week=week, rate=part(rate, "percent"), n=part("n_at_risk", "integer"),
        limits=limits_words(results=results, source=source, where=where),
    )  # fmt: skip


def _median(*, results: Results, paramcd: str, where: Sequence[Condition]) -> Markup:
    row = chosen(table=results.table(RATES), where=where).iloc[0]

    def days(column: str) -> Markup:
        if pd.isna(row[column]):
            return Markup("not reached")
        value = cell(results=results, source=RATES, where=where, column=column, style="integer")
        return sentence("{value} days", value=value)

    if pd.isna(row["median_ci_low"]) and pd.isna(row["median_ci_high"]):
        limits = Markup("no interval can be estimated")
    else:
        limits = sentence("95 % interval {low} to {high}", low=days("median_ci_low"), high=days("median_ci_high"))
    return sentence(
        "{name}: events {events}, patients {n}; median {middle} ({limits}).",
        name=paramcd,
        events=cell(results=results, source=RATES, where=where, column="n_events", style="integer"),
        n=cell(results=results, source=RATES, where=where, column="n", style="integer"),
        middle=days("median"), limits=limits,
    )  # fmt: skip


def _sensitivity(*, results: Results, paramcd: str) -> list[Markup]:
    where = _pooled(paramcd)
    weeks = weeks_of(results=results, source=RATES, where=[*where, ("rate", "known", None)])
    if not weeks:
        return []
    part = _at_week(results=results, where=[*where, ("week", "==", weeks[-1])])
    return [sentence("Sensitivity, {name}: {part}.", name=PARAMETERS[paramcd], part=part)]


def _incidence(results: Results) -> list[Markup]:
    found = []
    for cause, words in CAUSES.items():
        where = [*_pooled("CSS"), ("cause", "==", cause)]
        weeks = weeks_of(results=results, source=INCIDENCE, where=where)
        parts = [
            _at_week(results=results, where=[*where, ("week", "==", week)], source=INCIDENCE, rate="incidence")
            for week in weeks
        ]
        if parts:
            text = "Deaths from {words}, cumulative incidence: {parts}."
            found.append(sentence(text, words=words, parts=Markup("; ").join(parts)))
    return found


def _counted(*, results: Results, paramcd: str) -> list[Markup]:
    own = [("paramcd", "==", paramcd)]
    unknown = total(results=results, source=TIMES, where=[*own, ("aval_days", "missing", None)])
    words = spread_words(results=results, source=TIMES, where=own, column="aval_days", style="integer", unit="days")
    censored = total(results=results, source=TIMES, where=[*own, ("cnsr", "!=", 0), ("aval_days", "known", None)])
    return [
        sentence(
            "n = {n} patients with a known time; {unknown} without; {censored} censored. Time observed: {words}.",
            n=total(results=results, source=TIMES, where=[*own, ("aval_days", "known", None)]),
            unknown=unknown, censored=censored, words=words,
        ),
        Markup("Kaplan-Meier; intervals by log-log. The table of rates rests on the primary set."),
    ]  # fmt: skip


def _curves(*, results: Results, names: Sequence[str]) -> list[Figure]:
    """Return curves by cohort with a choice of the endpoint; none where there is one cohort."""
    if not results.has(CURVES):
        return []
    table = results.table(CURVES)
    table = table[table["paramcd"].isin(names)]
    cohorts = ordered_cohorts(table=table)
    if len(cohorts) < 3:
        return []
    groups = [cohort_name(name) for name in cohorts]
    parts = [_steps(rows) for _, rows in table.groupby(["paramcd", "cohort"], sort=True)]
    data = rounded(rows=pd.concat(parts, ignore_index=True))
    data["paramcd"], data["cohort"] = data["paramcd"].map(PARAMETERS), data["cohort"].map(cohort_name)
    if len(data) > MAX_MARKS:
        data = data.iloc[:: -(-len(data) // MAX_MARKS)]
    colors, _, dashes = scales(names=groups)
    choice = dropdown(name="endpoint", words="Endpoint", options=[PARAMETERS[name] for name in names])
    pick = alt.selection_point(fields=["cohort"], bind="legend")
    base = chosen_rows(chart=alt.Chart(data), column="paramcd", choice=choice).encode(
        x=alt.X("weeks:Q", title="Weeks from ILDR"),
        y=alt.Y("survival:Q", title="Survival probability", scale=alt.Scale(domain=[0, 1])),
        color=alt.Color("cohort:N", title="Cohort", scale=colors, legend=line_legend()),
        opacity=alt.condition(pick, alt.value(1), alt.value(0.1)),
        tooltip=[
            alt.Tooltip("cohort:N", title="Cohort"),
            alt.Tooltip("weeks:Q", title="Weeks", format=".1f"),
            alt.Tooltip("survival:Q", title="Survival", format=".3f"),
            alt.Tooltip("ci_low:Q", title="95 % from", format=".3f"),
            alt.Tooltip("ci_high:Q", title="95 % to", format=".3f"),
            alt.Tooltip("n_risk:Q", title="At risk"),
        ],
    )
    lines = base.mark_line(interpolate="step-after", strokeWidth=1.8).encode(
        strokeDash=alt.StrokeDash("cohort:N", title="Cohort", scale=dashes, legend=line_legend())
    )
    ticks = base.transform_filter(alt.datum.n_censor > 0).mark_tick(orient="vertical", size=9, thickness=1.3)
    chart = alt.layer(lines, ticks).properties(width=480, height=250).add_params(pick)
    chart = with_choice(chart=chart, choice=choice)
    return [Figure(title="By cohort (the interval stands in the tooltip)", chart=chart, source=CURVES)]


def _steps(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a curve from week 0 on."""
    rows = rows.sort_values("time")
    first = {"time": 0.0, "survival": 1.0, "n_risk": rows["n_risk"].max(), "n_censor": 0}
    first |= {name: rows[name].iloc[0] for name in ("paramcd", "cohort")}
    kept = ["paramcd", "cohort", "time", "survival", "ci_low", "ci_high", "n_risk", "n_censor"]
    start = pd.DataFrame([first]).reindex(columns=kept).astype({"ci_low": float, "ci_high": float})
    made = pd.concat([start, rows[kept].astype({"ci_low": float, "ci_high": float})], ignore_index=True)
    return made.assign(weeks=made["time"] / 7).drop(columns="time")


def _table(*, results: Results, names: Sequence[str]) -> Table:
    rows = results.table(RATES)
    rows = _percent(rows=rows[rows["paramcd"].isin(names)], columns=["rate", "ci_low", "ci_high"])
    return Table(
        title="Survival at the landmark weeks and medians", rows=in_words(rows=rows, heads=HEADS), source=RATES,
        filters=("Endpoint", "Cohort"),
    )  # fmt: skip


def _incidence_table(results: Results) -> Table:
    rows = _percent(rows=results.table(INCIDENCE), columns=["incidence", "ci_low", "ci_high"])
    rows["cause"] = rows["cause"].map(CAUSES)
    return Table(
        title="Cumulative incidence of death by cause", rows=in_words(rows=rows, heads=INCIDENCE_HEADS),
        source=INCIDENCE, filters=("Death from", "Cohort"),
    )  # fmt: skip


def _percent(*, rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    rows = rows.assign(
        paramcd=rows["paramcd"].map(PARAMETERS).fillna(rows["paramcd"]), cohort=rows["cohort"].map(cohort_name)
    )
    for name in columns:
        rows[name] = 100 * rows[name].astype(float)
    return rows

"""Rates with exact intervals as a chart and as a table (T3): response, disease control, abscopal effect by week."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd
from markupsafe import Markup

from gutaxis.clinical.figure_frame import INK
from gutaxis.report.charts import MAX_MARKS, rounded
from gutaxis.report.items import Absent, Content, Figure, Table, absent_unless
from gutaxis.report.numbers import Condition, cell, chosen, sentence, total
from gutaxis.report.sources import Results
from gutaxis.report.wording import ALL, cohort_name, in_words, ordered_cohorts, rate_words, scales

RATES = "clinical/response_rates.tsv"
ABSCOPAL = "clinical/abscopal_rates.tsv"
SWITCHES = "clinical/label_sensitivity_switches.tsv"
SIMON = "clinical/simon.tsv"
ENDPOINTS = {
    "ORR": "Objective response",
    "DCR": "Disease control",
    "ABSCOPAL": "Abscopal effect",
    "ORR_unconfirmed": "Objective response, confirmed or not",
    "DCR_best": "Disease control, best response so far",
    "ABSCOPAL_CONFIRMED": "Abscopal effect, confirmed",
    "LESION": "Abscopal effect, lesions",
}
#: Endpoints of the trial: what one says first; the others are variants and stand in the table.
FIRST = ("ORR", "DCR", "ABSCOPAL")
SETS = {"FAS": "primary set", "EVAL": "evaluable"}
HEADS = {
    "endpoint": "Endpoint", "analysis_set": "Set", "week": "Week", "cohort": "Cohort", "k": "With it",
    "denominator": "Of", "rate": "Rate, %", "ci_low": "95 % from, %", "ci_high": "95 % to, %",
    "pending": "Waiting for confirmation", "n_ne": "Not evaluable", "ci_method": "Interval",
}  # fmt: skip
SWITCH_HEADS = {
    "endpoint": "Endpoint", "setting": "Setting", "configured": "Configured", "alternative": "Instead", "n": "Patients",
    "n_changed": "Labels that change", "n_r": "Responders", "n_nr": "Non-responders", "n_na": "Not known",
    "patients": "Whose",
}  # fmt: skip
SIMON_HEADS = {
    "design": "Design", "n1": "First stage, patients", "r1": "Stop at or below", "n": "All patients",
    "r": "Not enough at or below", "p0": "Rate p0", "p1": "Rate p1", "alpha": "Type I error", "power": "Power",
    "pet_p0": "Chance to stop early at p0", "expected_n_p0": "Expected patients at p0",
}  # fmt: skip


def rates_item(results: Results) -> Content | Absent:
    """T3: rates of response, disease control and abscopal effect at each week, per cohort and pooled."""
    missing = absent_unless(results, RATES, ABSCOPAL)
    if missing:
        return missing
    table = _joined(results)
    first = table[(table["analysis_set"] == "FAS") & table["endpoint"].isin(FIRST)]
    if first.empty:
        return Absent(why="No patient received ILDR at the dose of the trial: there is no rate.")
    findings = [_endpoint(results=results, endpoint=endpoint) for endpoint in FIRST]
    findings += [_cohorts(results=results, endpoint=endpoint) for endpoint in FIRST]
    blocks: list[Figure | Table] = []
    if first["rate"].notna().any():
        chart = rate_chart(rows=first, groups={name: ENDPOINTS[name] for name in FIRST})
        blocks.append(Figure(title="Rates by week and cohort, with 95 % intervals", chart=chart, source=RATES))
    blocks.append(_table(table))
    if results.has(SWITCHES):
        findings.append(_sensitivity(results))
        rows = in_words(rows=results.table(SWITCHES), heads=SWITCH_HEADS)
        blocks.append(Table(title="Other definitions of the endpoints", rows=rows, source=SWITCHES))
    if results.has(SIMON):
        rows = in_words(rows=results.table(SIMON), heads=SIMON_HEADS)
        blocks.append(Table(title="Two-stage design", rows=rows, source=SIMON))
    findings.append(Markup("There is no control arm: the rates describe these patients, they compare nothing."))
    return Content(findings=findings, counted=_counted(results), blocks=blocks)


def where_of(*, results: Results, endpoint: str) -> tuple[str, list[Condition], str]:
    """Return table, conditions and column of the denominator of an endpoint in the primary set.

    Parameters
    ----------
    results
        The results; the reader is that of the settings.
    endpoint
        A name of ``ENDPOINTS``.
    """
    if endpoint.startswith(("ORR", "DCR")):
        own = [
            ("endpoint", "==", endpoint),
            ("analysis_set", "==", "FAS"),
            ("reader", "==", results.settings["reader"]),
        ]
        return RATES, own, "n_reached"
    return ABSCOPAL, [("endpoint", "==", endpoint)], "n"


def weeks_of(*, results: Results, source: str, where: Sequence[Condition]) -> list[int]:
    """Return the weeks of the rows that fulfil the conditions.

    Parameters
    ----------
    results, source, where
        As :func:`gutaxis.report.numbers.total`.
    """
    rows = chosen(table=results.table(source), where=where)
    return sorted(int(week) for week in set(rows["week"].dropna()))


def by_week(*, results: Results, source: str, where: Sequence[Condition], n: str) -> Markup:
    """Return the rate of every week: ``week 6: 6 of 12 (50 %, 95 % interval 21 % to 79 %)``.

    Parameters
    ----------
    results, source, where
        Rows that differ in their week only.
    n
        Column of the denominator.
    """
    parts = []
    for week in weeks_of(results=results, source=source, where=where):
        own = [*where, ("week", "==", week)]
        number = cell(results=results, source=source, where=own, column="week", style="integer")
        rate = rate_words(results=results, source=source, where=own, k="k", n=n)
        parts.append(sentence("week {week}: {rate}", week=number, rate=rate))
    return Markup("; ").join(parts)


def _endpoint(*, results: Results, endpoint: str) -> Markup:
    source, where, n = where_of(results=results, endpoint=endpoint)
    where = [*where, ("cohort", "==", ALL)]
    if not weeks_of(results=results, source=source, where=where):
        return sentence("{name} (primary endpoint): no patient could be judged.", name=ENDPOINTS[endpoint])
    parts = by_week(results=results, source=source, where=where, n=n)
    return sentence("{name} (primary endpoint), all patients: {parts}.", name=ENDPOINTS[endpoint], parts=parts)


def _cohorts(*, results: Results, endpoint: str) -> Markup:
    """Say between what the rates of the cohorts lie in the last week."""
    source, where, _ = where_of(results=results, endpoint=endpoint)
    weeks = weeks_of(results=results, source=source, where=where)
    own = [*where, ("week", "==", weeks[-1] if weeks else 0), ("cohort", "!=", ALL)]
    rows = chosen(table=results.table(source), where=own)
    if rows["rate"].notna().sum() < 2:
        return sentence("{name} by cohort: fewer than two cohorts can be judged.", name=ENDPOINTS[endpoint])
    low, high = (
        total(results=results, source=source, where=own, what=what, column="rate", style="percent")
        for what in ("min", "max")
    )
    return sentence(
        "{name} by cohort in the last week: from {low} to {high}; cohorts are described, not compared.",
        name=ENDPOINTS[endpoint], low=low, high=high,
    )  # fmt: skip


def _sensitivity(results: Results) -> Markup:
    changed = [("n_changed", ">", 0)]
    return sentence(
        "Of {n} other definitions of the endpoints, {k} change the label of at least one patient.",
        n=total(results=results, source=SWITCHES),
        k=total(results=results, source=SWITCHES, where=changed),
    )


def _counted(results: Results) -> list[Markup]:
    source, where, _ = where_of(results=results, endpoint="ORR")
    where = [*where, ("cohort", "==", ALL)]
    found = []
    for week in weeks_of(results=results, source=source, where=where):
        own = [*where, ("week", "==", week)]
        values = {
            name: cell(results=results, source=source, where=own, column=column, style="integer")
            for name, column in (
                ("week", "week"), ("n", "n"), ("reached", "n_reached"), ("pending", "pending"), ("ne", "n_ne"),
            )
        }  # fmt: skip
        found.append(
            sentence(
                "Week {week}: {reached} of {n} patients of the primary set were followed so long; {ne} of them could "
                "not be evaluated and {pending} wait for confirmation: both count as no response.",
                **values,
            )
        )
    text = "Abscopal effect: the denominator is patients with an evaluable lesion outside the field of ILDR."
    return [*found, Markup(text), sentence("Read by {reader}.", reader=results.settings["reader"])]


def _joined(results: Results) -> pd.DataFrame:
    """Return the rates of both tables in one, with their denominator."""
    first = results.table(RATES)
    first = first[first["reader"] == results.settings["reader"]].assign(denominator=lambda rows: rows["n_reached"])
    second = results.table(ABSCOPAL).assign(analysis_set="FAS", denominator=lambda rows: rows["n"])
    return pd.concat([rows for rows in (first, second) if not rows.empty] or [first], ignore_index=True)


def rate_chart(*, rows: pd.DataFrame, groups: Mapping[str, str], column: str = "endpoint") -> alt.HConcatChart:
    """Return rates with their intervals over the weeks, one panel per group, one colour and shape per cohort.

    Parameters
    ----------
    rows
        week, cohort, k, denominator, rate, ci_low, ci_high and the column of the groups; one known rate or more.
    groups
        Value of the column -> name of its panel.
    column
        Column that parts the panels.
    """
    names = [cohort_name(name) for name in ordered_cohorts(table=rows)]
    colors, shapes, _ = scales(names=names)
    keep = [column, "week", "cohort", "k", "denominator", "rate", "ci_low", "ci_high"]
    data = rows[rows["rate"].notna()][keep].assign(cohort=lambda table: table["cohort"].map(cohort_name))
    for name in ("rate", "ci_low", "ci_high"):
        data[name] = 100 * data[name].astype(float)
    data = rounded(rows=data.head(MAX_MARKS))
    pick = alt.selection_point(fields=["cohort"], bind="legend")
    panels = [
        _panel(data=data[data[column] == group], title=title, names=names, colors=colors, shapes=shapes, pick=pick)
        for group, title in groups.items()
        if (data[column] == group).any()
    ]
    panels[0] = panels[0].add_params(pick)  # one choice for all panels
    return alt.hconcat(*panels)


def _panel(*, data: pd.DataFrame, title: str, names: list[str], colors: alt.Scale, shapes: alt.Scale, pick: Any) -> Any:
    base = alt.Chart(data).encode(
        x=alt.X("week:O", title="Weeks from ILDR", axis=alt.Axis(labelAngle=0)),
        xOffset=alt.XOffset("cohort:N", sort=names, scale=alt.Scale(domain=names)),
        color=alt.Color("cohort:N", title="Cohort", scale=colors),
        opacity=alt.condition(pick, alt.value(1), alt.value(0.1)),
        tooltip=[
            alt.Tooltip("cohort:N", title="Cohort"),
            alt.Tooltip("week:O", title="Week"),
            alt.Tooltip("k:Q", title="With it"),
            alt.Tooltip("denominator:Q", title="Of"),
            alt.Tooltip("rate:Q", title="Rate, %", format=".1f"),
            alt.Tooltip("ci_low:Q", title="95 % from, %", format=".1f"),
            alt.Tooltip("ci_high:Q", title="95 % to, %", format=".1f"),
        ],
    )
    y = alt.Scale(domain=[0, 100])
    bars = base.mark_rule(strokeWidth=1.6).encode(y=alt.Y("ci_low:Q", title="Rate, %", scale=y), y2="ci_high:Q")
    points = base.mark_point(filled=True, size=55).encode(
        y=alt.Y("rate:Q", title="Rate, %", scale=y), shape=alt.Shape("cohort:N", title="Cohort", scale=shapes)
    )
    head = alt.TitleParams(title, anchor="start", fontSize=12, color=INK)
    return alt.layer(bars, points).properties(width=125, height=220, title=head)


def _table(table: pd.DataFrame) -> Table:
    rows = table.assign(
        endpoint=table["endpoint"].map(ENDPOINTS).fillna(table["endpoint"]),
        analysis_set=table["analysis_set"].map(SETS).fillna(table["analysis_set"]),
        cohort=table["cohort"].map(cohort_name),
    )
    for name in ("rate", "ci_low", "ci_high"):
        rows[name] = 100 * rows[name].astype(float)
    return Table(
        title="Rates at the landmark weeks", rows=in_words(rows=rows, heads=HEADS), source=RATES,
        filters=("Endpoint", "Set", "Cohort"),
    )  # fmt: skip

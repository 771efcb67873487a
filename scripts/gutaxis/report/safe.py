"""Is it safe: adverse events by term and worst grade, and treatment-related events at the landmark weeks (T4)."""

import pandas as pd
from markupsafe import Markup

from gutaxis.report.clinical_rates import by_week, rate_chart, weeks_of
from gutaxis.report.items import Absent, Content, Figure, Item, Table, absent_unless
from gutaxis.report.numbers import Condition, cell, chosen, listed, sentence, total
from gutaxis.report.sources import Results
from gutaxis.report.wording import ALL, arm_figures, cohort_name, in_words, rate_words

RATES = "clinical/adverse_events.tsv"
EVENTS = "clinical/adverse_events_long.tsv"
SETS = "clinical/analysis_sets.tsv"
FIGURE = "clinical/figures/adverse_events.html"
COMPONENTS = {
    "ANY": "related to ILDR or the antibody",
    "ILDR": "related to ILDR",
    "ICI": "related to the antibody",
    "ALL_CAUSES": "whatever the relation",
}
CATEGORIES = {
    "ANY_GRADE": "Any grade",
    "GRADE_GE3": "Grade 3 or more",
    "SERIOUS": "Serious",
    "IRAE": "Immune-related",
    "GRADE_1": "Grade 1",
    "GRADE_2": "Grade 2",
    "GRADE_3": "Grade 3",
    "GRADE_4": "Grade 4",
    "GRADE_5": "Grade 5",
    "GRADE_MISSING": "No grade",
}
WORST = [name for name in CATEGORIES if name.startswith("GRADE_") and name != "GRADE_GE3"]
#: Panels of the chart.
DRAWN = ("ANY_GRADE", "GRADE_GE3", "SERIOUS")
#: Terms that a sentence names.
NAMED = 3
HEADS = {
    "week": "Week", "component": "Relation", "category": "Events", "cohort": "Cohort", "k": "Patients with it",
    "n": "Treated patients", "rate": "Share, %", "ci_low": "95 % from, %", "ci_high": "95 % to, %",
    "n_reached": "Followed so long",
}  # fmt: skip


def adverse_events_item(results: Results) -> Content | Absent:
    """T4: adverse events by term and worst grade; shares of treated patients at the landmark weeks."""
    missing = absent_unless(results, RATES, EVENTS)
    if missing:
        return missing
    table = results.table(RATES)
    overall = _overall("ANY", "ANY_GRADE")
    weeks = weeks_of(results=results, source=RATES, where=overall)
    if not weeks or not table["n"].max():
        return Absent(why="No patient received ILDR: nobody can have an event after it.")
    last: list[Condition] = [("week", "==", weeks[-1])]
    findings = [
        sentence("{name} (secondary endpoint): {parts}.", name=name, parts=parts)
        for name, parts in (
            (f"Patients with an adverse event {COMPONENTS['ANY']}", _weeks(results, "ANY", "ANY_GRADE")),
            ("Of grade 3 or more", _weeks(results, "ANY", "GRADE_GE3")),
        )
    ]
    findings += [_relations(results, last), _serious(results, last), _terms(results, last)]
    drawn = arm_figures(results=results, figures={FIGURE: ("Adverse events by term and worst grade", EVENTS)})
    blocks: list[Figure | Table] = [*drawn.figures, _chart(table), _by_term(table, weeks[-1]), _shares(table)]
    return Content(findings=findings, counted=[*_counted(results, weeks), *drawn.said], blocks=blocks)


def _overall(component: str, category: str) -> list[Condition]:
    return [
        ("level", "==", "OVERALL"), ("cohort", "==", ALL), ("component", "==", component), ("category", "==", category),
    ]  # fmt: skip


def _weeks(results: Results, component: str, category: str) -> Markup:
    return by_week(results=results, source=RATES, where=_overall(component, category), n="n")


def _share(results: Results, last: list[Condition], component: str, category: str) -> Markup:
    return rate_words(results=results, source=RATES, where=[*_overall(component, category), *last], k="k", n="n")


def _relations(results: Results, last: list[Condition]) -> Markup:
    return sentence(
        "By the last of these weeks, any grade: {ildr} related to ILDR, {ici} related to the antibody, {every} "
        "whatever the relation.",
        ildr=_share(results, last, "ILDR", "ANY_GRADE"),
        ici=_share(results, last, "ICI", "ANY_GRADE"),
        every=_share(results, last, "ALL_CAUSES", "ANY_GRADE"),
    )


def _serious(results: Results, last: list[Condition]) -> Markup:
    fatal: list[Condition] = [("fatal", "==", "Y"), ("trtemfl", "==", "Y")]
    return sentence(
        "Related events by then: serious in {serious}, immune-related in {immune}. Fatal events after ILDR, whatever "
        "the relation: {fatal}.",
        serious=_share(results, last, "ANY", "SERIOUS"),
        immune=_share(results, last, "ANY", "IRAE"),
        fatal=total(results=results, source=EVENTS, where=fatal),
    )


def _terms(results: Results, last: list[Condition]) -> Markup:
    """Name the most frequent related terms."""
    where: list[Condition] = [
        *last, ("level", "==", "TERM"), ("cohort", "==", ALL), ("component", "==", "ANY"),
        ("category", "==", "ANY_GRADE"),
    ]  # fmt: skip
    rows = chosen(table=results.table(RATES), where=where)
    rows = rows[rows["k"] > 0].sort_values(["k", "term"], ascending=[False, True])
    if rows.empty:
        return Markup("No term was recorded as related.")
    parts = []
    for row in rows.head(NAMED).to_dict("records"):
        soc = ("soc", "missing", None) if pd.isna(row["soc"]) else ("soc", "==", row["soc"])
        own = [*where, ("term", "==", row["term"]), soc]
        k = cell(results=results, source=RATES, where=own, column="k", style="integer")
        parts.append(sentence("{term} ({k} patients)", term=str(row["term"]), k=k))
    n = total(results=results, source=RATES, where=[*where, ("k", ">", 0)])
    return sentence("Most frequent of {n} related terms: {parts}.", n=n, parts=listed(parts))


def _counted(results: Results, weeks: list[int]) -> list[Markup]:
    found = []
    for week in weeks:
        own = [*_overall("ANY", "ANY_GRADE"), ("week", "==", week)]
        number, n, reached = (
            cell(results=results, source=RATES, where=own, column=column, style="integer")
            for column in ("week", "n", "n_reached")
        )
        text = "Week {week}: {reached} of {n} treated patients (safety set) were followed so long or died."
        found.append(sentence(text, week=number, reached=reached, n=n))
    if results.has(SETS):
        outside = total(results=results, source=SETS, where=[("SAF", "!=", "Y")])
        found.append(sentence("Not treated, so not counted: {n} patients.", n=outside))
    ungraded = total(results=results, source=EVENTS, where=[("grade", "missing", None), ("trtemfl", "==", "Y")])
    early = total(results=results, source=EVENTS, where=[("trtemfl", "!=", "Y")])
    text = (
        "Every patient counts once, at the worst grade. Events that began before ILDR are not counted: {early}. Events "
        "without a grade stay apart: {ungraded}. A relation that is not recorded counts as related. Patients who were "
        "not followed so long stay in the denominator: before all have reached a week, its shares are lower bounds."
    )
    found.append(sentence(text, early=early, ungraded=ungraded))
    return found


def _chart(table: pd.DataFrame) -> Figure:
    rows = table[(table["level"] == "OVERALL") & (table["component"] == "ANY") & table["category"].isin(DRAWN)]
    chart = rate_chart(
        rows=rows.assign(denominator=rows["n"]), groups={name: CATEGORIES[name] for name in DRAWN}, column="category"
    )
    title = "Treated patients with a related event, by week and cohort, with 95 % intervals"
    return Figure(title=title, chart=chart, source=RATES)


def _by_term(table: pd.DataFrame, week: int) -> Table:
    """Return terms in rows and worst grades in columns, all patients, by relation."""
    rows = table[(table["level"] == "TERM") & (table["cohort"] == ALL) & (table["week"] == week)]
    keys = ["component", "soc", "term"]
    rows = rows.assign(soc=rows["soc"].fillna("NOT CODED"), term=rows["term"].fillna("not named"))
    wide = rows.pivot_table(index=keys, columns="category", values="k", aggfunc="sum", fill_value=0)
    wide = wide.reindex(columns=["ANY_GRADE", *WORST], fill_value=0).astype(int).reset_index()
    whole = rows[rows["category"] == "ANY_GRADE"][[*keys, "rate", "ci_low", "ci_high"]]
    wide = wide.merge(whole, on=keys, how="left").sort_values(["ANY_GRADE", "term"], ascending=[False, True])
    wide["component"] = wide["component"].map(COMPONENTS)
    for name in ("rate", "ci_low", "ci_high"):
        wide[name] = 100 * wide[name].astype(float)
    heads = {
        "component": "Relation", "soc": "System organ class", "term": "Term", "ANY_GRADE": "Any grade, patients",
        **{name: f"{CATEGORIES[name]}, patients" for name in WORST},
        "rate": "Any grade, %", "ci_low": "95 % from, %", "ci_high": "95 % to, %",
    }  # fmt: skip
    return Table(
        title=f"Adverse events by term and worst grade, by week {week}", rows=in_words(rows=wide, heads=heads),
        source=RATES, filters=("Relation",),
    )  # fmt: skip


def _shares(table: pd.DataFrame) -> Table:
    rows = table[table["level"] == "OVERALL"]
    rows = rows.assign(
        component=rows["component"].map(COMPONENTS),
        category=rows["category"].map(CATEGORIES),
        cohort=rows["cohort"].map(cohort_name),
        pooled=rows["cohort"] != ALL,
    )
    for name in ("rate", "ci_low", "ci_high"):
        rows[name] = 100 * rows[name].astype(float)
    rows = rows.sort_values("pooled", kind="stable")
    return Table(
        title="Treated patients with an adverse event at the landmark weeks", rows=in_words(rows=rows, heads=HEADS),
        source=RATES, filters=("Week", "Relation", "Events", "Cohort"),
    )  # fmt: skip


SAFE: tuple[Item, ...] = (
    Item(key="T4", title="Adverse events (CTCAE 5.0)", section="safe", build=adverse_events_item),
)

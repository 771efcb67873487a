"""Candidate biomarkers (T5): the features with the strongest evidence, what supports them, how steady they are."""

from collections.abc import Sequence

import altair as alt
import pandas as pd
from markupsafe import Markup

from gutaxis.clinical.figure_frame import BLUE, GREEN, LIGHT, ORANGE, Chart, titled
from gutaxis.integrate.strength import MODERATE, NOT_TESTED, STRONG, SUPPORT, WEAK
from gutaxis.report.charts import dropdown
from gutaxis.report.differential import contrast_words
from gutaxis.report.items import Absent, Content, Figure, Item, Table, absent_unless
from gutaxis.report.numbers import cell, sentence, total
from gutaxis.report.sources import Results
from gutaxis.report.statements import Narrow, level, unique_names
from gutaxis.report.wording import in_words

RANKED, EVIDENCE = "integration/candidates.tsv", "integration/evidence.tsv"
KEY = ["layer", "contrast", "feature"]
#: Columns of the evidence that are read: the table is large.
COLUMNS = (*KEY, "n", "n_r", "strength", "role", "selection_frequency", "module_frequency", "partners", *SUPPORT)
SHOWN = {STRONG: BLUE, MODERATE: GREEN, WEAK: ORANGE}
HEADS = {
    "rank": "Rank",
    "label": "Feature",
    "layer": "Layer",
    "contrast": "Contrast",
    "role": "Role",
    "strength": "Evidence",
    "estimate": "Effect, unit of the layer",
    "ci_low": "95 % interval, low",
    "ci_high": "95 % interval, high",
    "q": "q",
    "n": "Patients",
    "n_r": "Responders",
    "agreement": "Sensitivity analyses that agree (share)",
    "selection_frequency": "Folds whose model uses it (share)",
    "module_frequency": "Subsamples whose module holds it (share)",
    "supports": "Kinds of support",
    "words": "In words",
    "literature": "Publications",
    "feature": "Name in the tables",
}
EVERY = "every contrast"
#: Candidates said in words, and drawn with their support.
SAID, DRAWN = 3, 40


def candidates_item(results: Results) -> Content | Absent:
    """T5: candidates ranked by their evidence, with stability and support."""
    missing = absent_unless(results, RANKED, EVIDENCE)
    if missing:
        return missing
    results = Narrow.of(results=results, large=EVIDENCE, columns=COLUMNS)
    ranked, evidence = results.table(RANKED), results.table(EVIDENCE)
    counted = _counted(results=results, evidence=evidence)
    if evidence.empty or ranked.empty:
        return Content(findings=[sentence("No feature of any layer could be tested.")], counted=counted, blocks=[])
    demonstrated = evidence[evidence["strength"].isin(list(SHOWN))]
    findings = _findings(results=results, ranked=ranked, any_found=len(demonstrated) > 0)
    table = ranked.merge(evidence.drop(columns=["n", "n_r", "strength"]), on=KEY, how="left")
    blocks: list[Figure | Table] = []
    if len(demonstrated):
        chart = _strength_chart(rows=demonstrated)
        blocks.append(Figure(title="Discoveries by layer and strength of evidence", chart=chart, source=EVIDENCE))
    title = "What supports each candidate"
    blocks.append(Figure(title=title, chart=_support_chart(table=table), source=EVIDENCE))
    rows = in_words(rows=table.assign(contrast=table["contrast"].map(_contrast)), heads=HEADS)
    blocks.append(
        Table(title="Candidates by rank", rows=rows, source=RANKED, filters=("Layer", "Contrast", "Evidence"))
    )
    return Content(findings=findings, counted=counted, blocks=blocks)


def _contrast(name: str) -> str:
    return contrast_words(contrast=name)


def _findings(*, results: Results, ranked: pd.DataFrame, any_found: bool) -> list[Markup]:
    counts = {name: total(results=results, source=EVIDENCE, where=[("strength", "==", name)]) for name in SHOWN}
    made = {
        "tests": total(results=results, source=EVIDENCE, where=[("strength", "!=", NOT_TESTED)]),
        "untested": total(results=results, source=EVIDENCE, where=[("strength", "==", NOT_TESTED)]),
        "fdr": level(results=results),
    }
    if any_found:
        made["found"] = total(results=results, source=EVIDENCE, where=[("strength", "in", list(SHOWN))])
        text = (
            "Of {tests} tests (a feature in a layer and a contrast), {found} are discoveries at a false discovery rate "
            "of {fdr} over all tables: evidence {strong} strong, {moderate} moderate, {weak} weak. {untested} more "
            "could not be tested."
        )
    else:
        text = (
            "No feature is demonstrated at a false discovery rate of {fdr} over all tables, of {tests} tests (a "
            "feature in a layer and a contrast); {untested} more could not be tested. The ranks below are "
            "not demonstrated."
        )
    said = [sentence(text, **made, **counts)]
    names = unique_names(table=ranked, within=["layer"])
    for at, row in ranked.sort_values("rank").head(SAID).iterrows():
        where = [("rank", "==", int(row["rank"]))]
        said.append(
            sentence(
                "Rank {rank}: {label} ({layer}). {words}",
                rank=cell(results=results, source=RANKED, where=where, column="rank", style="integer"),
                label=names.at[at], layer=str(row["layer"]),
                words=cell(results=results, source=RANKED, where=where, column="words", style="text"),
            )
        )  # fmt: skip
    return said


def _counted(*, results: Results, evidence: pd.DataFrame) -> list[Markup]:
    said = []
    if evidence["n"].notna().any():
        said.append(
            sentence(
                "n = {low} to {high} patients in a test, {layers} layers, {contrasts} contrasts.",
                low=total(results=results, source=EVIDENCE, where=[("n", "known", None)], what="min", column="n"),
                high=total(results=results, source=EVIDENCE, where=[("n", "known", None)], what="max", column="n"),
                layers=total(results=results, source=EVIDENCE, what="distinct", column="layer"),
                contrasts=total(results=results, source=EVIDENCE, what="distinct", column="contrast"),
            )
        )  # fmt: skip
    # the rules stand above the table; its counts are said from the rows
    rules = [line for line in results.header(RANKED) if line.split(":")[0].split(",")[0] in {"weak", "candidates"}]
    limits = [line for line in results.header(RANKED) if line.startswith("strong is meant")]
    return [*said, *(sentence("{line}.", line=line[0].upper() + line[1:]) for line in [*rules, *limits])]


def _strength_chart(*, rows: pd.DataFrame) -> Chart:
    names = sorted(rows["contrast"].unique())
    parts = [rows.assign(view=EVERY), *(rows[rows["contrast"] == name].assign(view=_contrast(name)) for name in names)]
    counts = pd.concat(parts).groupby(["view", "layer", "strength"]).size().rename("tests").reset_index()
    counts["place"] = counts["strength"].map({name: at for at, name in enumerate(SHOWN)})
    choice = dropdown(name="contrast", words="Contrast", options=[EVERY, *map(_contrast, names)])
    picked = alt.selection_point(name="picked", fields=["strength"], bind="legend")
    seen = [name for name in SHOWN if name in set(counts["strength"])]
    chart = alt.Chart(counts).mark_bar(stroke="white").encode(
        x=alt.X("tests:Q", title="Discoveries (features and contrasts)", axis=alt.Axis(tickMinStep=1)),
        y=alt.Y("layer:N", title=None),
        color=alt.Color("strength:N", title="Evidence", sort=seen,
                        scale=alt.Scale(domain=seen, range=[SHOWN[name] for name in seen])),
        order=alt.Order("place:Q"),
        opacity=alt.when(picked).then(alt.value(1)).otherwise(alt.value(0.15)),
        tooltip=[alt.Tooltip("layer:N", title="Layer"), alt.Tooltip("strength:N", title="Evidence"),
                 alt.Tooltip("tests:Q", title="Discoveries")],
    ).transform_filter(alt.datum["view"] == choice).add_params(picked, choice)  # fmt: skip
    chart = chart.properties(width=420, height=alt.Step(24))
    notes = ["A discovery holds at the false discovery rate over all tables; strong is meant within this study."]
    return titled(chart=chart, title="Discoveries by layer", notes=notes)


def _support_chart(*, table: pd.DataFrame) -> Chart:
    top = table.sort_values("rank").head(DRAWN)
    names = unique_names(table=top, within=["layer"])
    top = top.assign(
        name=[f"{rank}. {name} ({layer})" for rank, name, layer in zip(top["rank"], names, top["layer"], strict=True)]
    )
    data = top.melt(["rank", "name", "strength"], list(SUPPORT), "kind", "held")
    data["held"] = _yes(data["held"]).map({True: "yes", False: "no"})
    data["kind"] = data["kind"].map(SUPPORT)
    chart = alt.Chart(data).mark_point(filled=True, size=85).encode(
        x=alt.X("kind:N", title=None, sort=list(SUPPORT.values()),
                axis=alt.Axis(labelAngle=-35, labelLimit=300, orient="top")),
        y=alt.Y("name:N", title=None, sort=alt.EncodingSortField(field="rank"), axis=alt.Axis(labelLimit=300)),
        color=alt.Color("held:N", title="Supported", scale=alt.Scale(domain=["yes", "no"], range=[BLUE, LIGHT])),
        shape=alt.Shape("held:N", title="Supported", scale=alt.Scale(domain=["yes", "no"], range=["circle", "cross"])),
        tooltip=[alt.Tooltip("name:N", title="Candidate"), alt.Tooltip("strength:N", title="Evidence"),
                 alt.Tooltip("kind:N", title="Support"), alt.Tooltip("held:N", title="Supported")],
    ).properties(width=alt.Step(32), height=alt.Step(17))  # fmt: skip
    notes = [
        f"The first {len(top)} of {len(table)} candidates.",
        "Support comes from other analyses of the same patients, or from publications.",
    ]
    return titled(chart=chart, title="What supports each candidate", notes=notes)


def _yes(values: Sequence[object]) -> pd.Series:
    """Return True where a table says True; a column with gaps is read as words."""
    return pd.Series(values).map(lambda value: value is True or str(value) == "True")


CANDIDATES: tuple[Item, ...] = (
    Item(key="T5", title="Candidate biomarkers, with stability", section="response", build=candidates_item),
)

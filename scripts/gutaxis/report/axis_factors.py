"""Factors over all layers (MOFA) and supervised modules: what they explain, how steady they are, what they go with."""

import altair as alt
import pandas as pd
from markupsafe import Markup

from gutaxis.clinical.figure_frame import BLUE, VERMILION, Chart, titled
from gutaxis.report.charts import TIMES, response_scale, response_words, rounded
from gutaxis.report.differential import COMPARED, chance, contrast_words, effect
from gutaxis.report.forest import forest, verdict, verdicts
from gutaxis.report.items import Absent, Content, Figure, Table
from gutaxis.report.numbers import cell, chosen, listed, sentence, total
from gutaxis.report.sources import Results
from gutaxis.report.statements import STATES, interval, level, plain, refusal, strongest, unique_names
from gutaxis.report.wording import in_words

FOLDER = "integration/factors"
EXPLAINED, SCORES, WEIGHTS, TESTS, NUISANCE, STABILITY = (
    f"{FOLDER}/{name}.tsv" for name in ("explained", "scores", "weights", "tests", "nuisance", "stability")
)
MODULES, MODULE_TESTS = "integration/modules.tsv", "integration/module_tests.tsv"
OUTCOMES = "clinical/sample_response.tsv"
#: Features of a factor that are drawn.
FEATURES = 15
TEST_HEADS = {
    "feature": "Factor",
    "contrast": "Contrast",
    "role": "Role",
    "estimate": "Effect, SD of the factor",
    "ci_low": "95 % interval, low",
    "ci_high": "95 % interval, high",
    "p": "p",
    "q": "q",
    "agreement": "Sensitivity analyses that agree (share)",
    "n": "Patients",
}
STEADY_HEADS = {
    "factor": "Factor",
    "seeds_median_r": "Other starts: median |r|",
    "seeds_min_r": "Other starts: smallest |r|",
    "patients_median_r": "A patient left out: median |r|",
    "patients_min_r": "A patient left out: smallest |r|",
}
NUISANCE_HEADS = {"factor": "Factor", "variable": "Variable", "levels": "Levels", "n": "Patients",
                  "eta2": "Share of the variance", "p": "p", "q": "q"}  # fmt: skip
MODULE_HEADS = {"state": "State", "module": "Module", "layer": "Layer", "label": "Feature",
                "frequency": "Share of subsamples", "direction": "Direction"}  # fmt: skip


def factors_item(results: Results) -> Content | Absent:
    """F14: factors of all layers with the variance they explain, and modules that go with the response."""
    if not results.has(EXPLAINED) and not results.has(MODULE_TESTS):
        return Absent(why=results.why(EXPLAINED), mend="Give files of a second layer, or name states in the config.")
    findings, counted, blocks = [], [], []
    for name, build in ((EXPLAINED, _factors), (MODULE_TESTS, _modules)):
        if not results.has(name):
            what = "Factors" if name == EXPLAINED else "Modules"
            findings.append(sentence("{what}: {why}", what=what, why=results.why(name)))
            continue
        said, notes, made = build(results=results)
        findings, counted, blocks = [*findings, *said], [*counted, *notes], [*blocks, *made]
    return Content(findings=findings, counted=counted, blocks=blocks)


def _factors(*, results: Results) -> tuple[list[Markup], list[Markup], list[Figure | Table]]:
    explained = results.table(EXPLAINED)
    names = [name for name in explained.columns if name != "layer"]
    counted = [sentence("{line}.", line=results.header(EXPLAINED)[0])] if results.header(EXPLAINED) else []
    if explained.empty or not names:
        why = refusal(results=results, source=EXPLAINED) or "no factor explains enough of any layer"
        return [sentence("No factors: {why}.", why=why)], counted, []
    top = explained.set_index("layer")[names].stack().idxmax()
    findings = [
        sentence(
            "The factors are {names}, fitted to all layers without any outcome. The largest share of a layer, {share} "
            "of {layer}, is explained by {factor}.",
            names=listed(names), layer=str(top[0]), factor=str(top[1]),
            share=cell(
                results=results, source=EXPLAINED, where=[("layer", "==", top[0])], column=top[1], style="percent"
            ),
        )
    ]  # fmt: skip
    if results.has(TESTS):
        findings += [
            _contrast(results=results, contrast=str(contrast)) for contrast in results.table(TESTS)["contrast"].unique()
        ]
    findings += _steady(results=results, names=names)
    return findings, counted, _factor_blocks(results=results, explained=explained, names=names)


def _contrast(*, results: Results, contrast: str) -> Markup:
    """Return which factors go with a contrast."""
    here = [("contrast", "==", contrast)]
    rows = chosen(table=results.table(TESTS), where=here)
    compared, above, below = COMPARED.get(contrast, (contrast, "above zero", "below zero"))
    start = sentence(
        "Factors, {contrast} ({role}; {compared}):", contrast=contrast_words(contrast=contrast),
        role=str(rows["role"].iloc[0]), compared=compared,
    )  # fmt: skip
    best = strongest(table=rows, by=("q", "p"), size="estimate")
    if best.empty:
        reasons = sorted(set(rows["reason"].dropna().astype(str)))
        return start + sentence(" not tested: {why}.", why="; ".join(reasons) or "no reason is given")
    first = best.iloc[0]
    where = [*here, ("feature", "==", plain(first["feature"]))]
    return start + sentence(
        " {k} of {m} factors pass q &lt; {q}. Smallest q: {factor}, {direction}, {effect}, in SD of the factor; {n} "
        "patients.",
        k=total(results=results, source=TESTS, where=[*here, ("q", "<", results.settings["fdr"])]),
        m=total(results=results, source=TESTS, where=[*here, ("p", "known", None)]),
        q=level(results=results), factor=str(first["feature"]), direction=above if first["estimate"] > 0 else below,
        effect=effect(results=results, source=TESTS, where=where),
        n=cell(results=results, source=TESTS, where=where, column="n", style="integer"),
    )  # fmt: skip


def _steady(*, results: Results, names: list[str]) -> list[Markup]:
    """Return how steady the factors are, and which go with cohort or batch."""
    said = []
    if results.has(STABILITY) and results.table(STABILITY)["patients_median_r"].notna().any():
        said.append(
            sentence(
                "With a patient left out, a factor is found again with a median |r| of {low} (the least steady) to "
                "{high}.",
                low=total(results=results, source=STABILITY, what="min", column="patients_median_r", style="two"),
                high=total(results=results, source=STABILITY, what="max", column="patients_median_r", style="two"),
            )
        )  # fmt: skip
    if results.has(NUISANCE) and len(results.table(NUISANCE)):
        rows = results.table(NUISANCE)
        near = rows[(rows["q"] < results.settings["fdr"]).fillna(False)]
        pairs = [f"{row.factor} with {row.variable}" for row in near.itertuples()]
        said.append(
            sentence(
                "Of {n} comparisons of a factor with cohort, batch and the like, {k} pass q &lt; {q}{which}.",
                n=total(results=results, source=NUISANCE, where=[("p", "known", None)]),
                k=total(results=results, source=NUISANCE, where=[("q", "<", results.settings["fdr"])]),
                q=level(results=results),
                which=sentence(": {pairs}", pairs=listed(pairs)) if pairs else Markup(""),
            )
        )  # fmt: skip
    return said


def _factor_blocks(*, results: Results, explained: pd.DataFrame, names: list[str]) -> list[Figure | Table]:
    blocks: list[Figure | Table] = [
        Figure(title="Variance of each layer that a factor explains", source=EXPLAINED,
               chart=_explained_chart(explained=explained, names=names))
    ]  # fmt: skip
    if results.has(TESTS) and results.table(TESTS)["estimate"].notna().any():
        tests = results.table(TESTS)
        drawn = tests.assign(
            name=tests["feature"], low=tests["ci_low"], high=tests["ci_high"],
            group=verdict(q=tests["q"], level=results.settings["fdr"]),
            view=tests["contrast"].map(lambda name: contrast_words(contrast=name)) + " (" + tests["role"] + ")",
        )  # fmt: skip
        chart = forest(
            rows=drawn, title="Factors and response",
            notes=["Estimates with 95 % intervals, adjusted as the tests of the layers are."],
            axis="Difference, SD of the factor", null=0.0, group="Factor", choice="Contrast:",
            groups=verdicts(level=results.settings["fdr"]), tips={"p": "p", "q": "q", "n": "Patients"},
        )  # fmt: skip
        blocks.append(Figure(title="Factors by contrast", chart=chart, source=TESTS))
        rows = in_words(rows=strongest(table=tests, by=("q", "p"), size="estimate"), heads=TEST_HEADS)
        blocks.append(Table(title="Factors by contrast", rows=rows, source=TESTS, filters=("Contrast", "Role")))
    if results.has(SCORES) and len(results.table(SCORES)):
        blocks.append(
            Figure(title="Factors of each patient", chart=_scores_chart(results=results, names=names), source=SCORES)
        )
    if results.has(WEIGHTS) and len(results.table(WEIGHTS)):
        weights = results.table(WEIGHTS)
        blocks.append(Figure(title="Features of each factor", chart=_weights_chart(weights=weights), source=WEIGHTS))
    for name, title, heads in (
        (STABILITY, "Steadiness of the factors", STEADY_HEADS),
        (NUISANCE, "Factors and what is no biology", NUISANCE_HEADS),
    ):
        if results.has(name) and len(results.table(name)):
            rows = in_words(rows=results.table(name), heads=heads)
            blocks.append(Table(title=title, rows=rows, source=name))
    return blocks


def _explained_chart(*, explained: pd.DataFrame, names: list[str]) -> Chart:
    data = explained.melt("layer", names, "factor", "share").assign(percent=lambda rows: 100 * rows.pop("share"))
    base = alt.Chart(rounded(rows=data)).encode(
        x=alt.X("factor:N", title=None, sort=names, axis=alt.Axis(labelAngle=-30)), y=alt.Y("layer:N", title=None)
    )
    most = max(float(data["percent"].max()), 1e-9)
    boxes = base.mark_rect().encode(
        color=alt.Color("percent:Q", title="Variance, %", scale=alt.Scale(scheme="blues", domain=[0, most])),
        tooltip=[alt.Tooltip("layer:N", title="Layer"), alt.Tooltip("factor:N", title="Factor"),
                 alt.Tooltip("percent:Q", title="Variance explained, %", format=".1f")],
    )  # fmt: skip
    ink = alt.when(alt.datum.percent > 0.6 * most).then(alt.value("white")).otherwise(alt.value("#222222"))
    text = base.mark_text(fontSize=11).encode(text=alt.Text("percent:Q", format=".0f"), color=ink)
    chart = alt.layer(boxes, text).properties(width=alt.Step(52), height=alt.Step(24))
    return titled(
        chart=chart, title="Variance explained, % of a layer", notes=["Factors were fitted without any outcome."]
    )


def _scores_chart(*, results: Results, names: list[str]) -> Chart:
    scores = results.table(SCORES)
    response = pd.Series(dtype=object)
    if results.has(OUTCOMES):
        response = results.table(OUTCOMES).drop_duplicates("patient_id").set_index("patient_id")["response"]
    scores = scores.assign(response=response_words(values=scores["patient_id"].map(response)))
    data = scores.melt(["patient_id", "timepoint", "response"], names, "factor", "score")
    factor = alt.selection_point(
        name="factor", fields=["factor"], value=names[0], bind=alt.binding_select(options=names, name="Factor: ")
    )
    base = alt.Chart(rounded(rows=data)).encode(
        x=alt.X("timepoint:N", title="Sample", sort=list(TIMES), axis=alt.Axis(labelAngle=0)),
        y=alt.Y("score:Q", title="Score of the factor"),
        color=alt.Color("response:N", title="Response", scale=response_scale(seen=sorted(set(data["response"])))),
        detail="patient_id:N",
        tooltip=[alt.Tooltip("patient_id:N", title="Patient"), alt.Tooltip("timepoint:N", title="Sample"),
                 alt.Tooltip("score:Q", title="Score", format=".2f"), alt.Tooltip("response:N", title="Response")],
    )  # fmt: skip
    picked = alt.selection_point(name="picked", fields=["response"], bind="legend")
    fade = alt.when(picked).then(alt.value(0.9)).otherwise(alt.value(0.08))
    lines = base.mark_line(strokeWidth=1.2).encode(opacity=fade)
    seen = response_scale(seen=sorted(set(data["response"])))
    shapes = alt.Scale(domain=seen.domain, range=["circle", "square", "diamond"][: len(seen.domain)])
    dots = base.mark_point(filled=True, size=55).encode(
        shape=alt.Shape("response:N", title="Response", scale=shapes), opacity=fade
    )
    chart = alt.layer(lines.transform_filter(factor), dots.transform_filter(factor).add_params(picked))
    chart = chart.add_params(factor).properties(width=300, height=280)
    return titled(chart=chart, title="Factors of each patient", notes=["A line is a patient with both samples."])


def _weights_chart(*, weights: pd.DataFrame) -> Chart:
    size = weights.assign(size=weights["weight"].abs()).sort_values(["factor", "size"], ascending=[True, False])
    top = size.groupby("factor", sort=False, group_keys=False).head(FEATURES).drop(columns="size")
    top = top.assign(name=unique_names(table=top, within=["factor"]) + " (" + top["layer"] + ")", place=range(len(top)))
    names = list(dict.fromkeys(sorted(weights["factor"])))
    factor = alt.selection_point(
        name="factor", fields=["factor"], value=names[0], bind=alt.binding_select(options=names, name="Factor: ")
    )
    sign = alt.when(alt.datum.weight > 0).then(alt.value(BLUE)).otherwise(alt.value(VERMILION))
    data = rounded(rows=top[["factor", "name", "weight", "place", "layer"]])
    chart = alt.Chart(data).mark_bar(height=11).encode(
        x=alt.X("weight:Q", title="Weight in the factor (the scale of a layer)"),
        y=alt.Y("name:N", title=None, sort=alt.EncodingSortField(field="place"), axis=alt.Axis(labelLimit=260)),
        color=sign,
        tooltip=[alt.Tooltip("name:N", title="Feature"), alt.Tooltip("layer:N", title="Layer"),
                 alt.Tooltip("weight:Q", title="Weight", format=".3f")],
    ).transform_filter(factor).add_params(factor).properties(width=320, height=alt.Step(17))  # fmt: skip
    notes = [f"The {FEATURES} largest of each factor, over all layers; blue above zero, red below."]
    return titled(chart=chart, title="Features of each factor", notes=notes)


def _modules(*, results: Results) -> tuple[list[Markup], list[Markup], list[Figure | Table]]:
    tests = results.table(MODULE_TESTS)
    counted = [sentence("{line}.", line=line) for line in results.header(MODULE_TESTS)]
    findings = []
    for row in tests.itertuples():
        state = STATES.get(row.state, row.state)
        if pd.isna(row.auc_left_out):
            findings.append(sentence("Modules, {state}: not tested, {why}.", state=state, why=str(row.reason)))
            continue
        where = [("state", "==", row.state), ("module", "==", plain(row.module))]
        parts = {
            name: cell(results=results, source=MODULE_TESTS, where=where, column=name, style=style)
            for name, style in (("n_features", "integer"), ("n", "integer"))
        }
        parts |= {name: chance(results=results, source=MODULE_TESTS, where=where, column=name) for name in ("p", "q")}
        effect = interval(results=results, source=MODULE_TESTS, where=where, column="auc_left_out", style="two")
        text = (
            "Modules, {state}: the score of {module} ({n_features} features) in patients left out has an AUC of "
            "{effect}, p{p} against shuffled responses, q{q}, {n} patients. It is somewhat too good: a module is "
            "what all subsamples agree on."
        )
        findings.append(sentence(text, state=state, module=str(row.module), effect=effect, **parts))
    if tests.empty:
        findings.append(sentence("Modules: none was found."))
    blocks: list[Figure | Table] = []
    if results.has(MODULES) and len(members := results.table(MODULES)):
        order = members.sort_values(["state", "module", "frequency"], ascending=[True, True, False], kind="stable")
        rows = in_words(rows=order.assign(state=order["state"].map(STATES).fillna(order["state"])), heads=MODULE_HEADS)
        blocks.append(
            Table(title="Features of the modules", rows=rows, source=MODULES, filters=("State", "Layer", "Direction"))
        )
    return findings, counted, blocks

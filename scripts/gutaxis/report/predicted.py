"""What can be predicted (F15): models judged on patients held out, what they use, and features with PFS2."""

import json

import pandas as pd
from markupsafe import Markup

from gutaxis.predict.settings import BATCH_OUT, COHORT_OUT, NESTED
from gutaxis.report.differential import chance
from gutaxis.report.drawn import taken_over
from gutaxis.report.forest import forest
from gutaxis.report.items import Absent, Content, Figure, Item, Table
from gutaxis.report.numbers import Condition, sentence, total
from gutaxis.report.sources import Results
from gutaxis.report.statements import STATES, interval, plain, refusal
from gutaxis.report.survival import survival_parts
from gutaxis.report.wording import in_words

FOLDER = "prediction"
SCHEMES = {
    NESTED: "nested cross-validation",
    COHORT_OUT: "one cohort left out",
    BATCH_OUT: "one batch left out",
}
OUTCOMES = {"response": "response", "pfs2": "PFS2"}
HEADS = {
    "model": "Model",
    "layers": "Layers",
    "outcome": "Outcome",
    "scheme": "How patients are held out",
    "metric": "Measure",
    "auc": "AUC or C",
    "ci_low": "95 % interval, low",
    "ci_high": "95 % interval, high",
    "p_null": "p against shuffled outcomes",
    "null_mean": "Mean of shuffled runs",
    "n": "Patients",
    "n_r": "Responders or events",
    "brier": "Brier score",
    "brier_reference": "Brier score of the share alone",
    "calibration_slope": "Calibration slope",
    "n_features": "Features, mean of folds",
    "stability": "Stability of the choice (Nogueira)",
    "folds_skipped": "Folds skipped",
    "role": "Role",
    "reason": "Why not judged",
}
USED_HEADS = {
    "model": "Model",
    "layers": "Layers of the model",
    "outcome": "Outcome",
    "layer": "Layer",
    "label": "Feature",
    "frequency": "Share of training folds that use it",
    "weight": "Mean weight per SD",
    "sign_agreement": "Folds with the same sign (share)",
    "n_fits": "Folds",
}
SCORE_HEADS = {
    "model": "Model",
    "layers": "Layers",
    "outcome": "Outcome",
    "scheme": "How patients are held out",
    "patient_id": "Patient",
    "cohort": "Cohort",
    "observed": "Observed",
    "probability": "Mean held-out probability of response",
    "score": "Mean held-out score",
}
LOCKED_HEADS = ("Model", "Outcome", "State", "Learner", "Layers", "Features", "Patients", "Responders", "Fingerprint")
VERDICT_HEADS = {"layer": "Layer", "check": "Check", "value": "Value", "limit": "Limit", "verdict": "Verdict",
                 "meaning": "Meaning"}  # fmt: skip
APPLIED_HEADS = {"patient_id": "Patient", "batch": "Batch", "probability": "Probability of response",
                 "score": "Score", "n_layers": "Layers", "verdict": "Verdict", "reason": "Why"}  # fmt: skip
VERDICTS, APPLIED = f"{FOLDER}/applied/verdicts.tsv", f"{FOLDER}/applied/predictions.tsv"


def prediction_item(results: Results) -> Content | Absent:
    """F15: ROC and calibration of every model, schemes that leave out a cohort, Cox forest, locked models."""
    states = [state for state in STATES if results.has(f"{FOLDER}/{state}/performance.tsv")]
    cox = survival_parts(results=results)
    if not states and not cox.blocks:
        return Absent(
            why=results.why(f"{FOLDER}/baseline/performance.tsv"), mend="Name states in the config (prediction.states)."
        )
    findings, counted, blocks = [], [], []
    if not states:
        findings.append(sentence("Models: {why}", why=results.why(f"{FOLDER}/baseline/performance.tsv")))
    for state in states:
        source = f"{FOLDER}/{state}/performance.tsv"
        findings += _state_findings(results=results, source=source, state=state)
        counted += _state_counted(results=results, source=source, state=state)
        for name, title in (("roc", "ROC curves"), ("calibration", "Predicted and observed response")):
            made = taken_over(
                results=results, source=f"{FOLDER}/{state}/{name}.html", title=f"{title}, {STATES[state]}"
            )
            blocks += made.figures
            counted += made.said
        blocks += _state_blocks(results=results, source=source, state=state)
    findings += cox.findings
    counted += cox.counted
    blocks += cox.blocks
    said, more = _locked(results=results)
    if states:
        findings.append(
            sentence(
                "Exploratory: one study without a control arm; a model is confirmed only by patients of another study."
            )
        )
    return Content(findings=[*findings, *said], counted=counted, blocks=[*blocks, *more])


def _state_findings(*, results: Results, source: str, state: str) -> list[Markup]:
    table = results.table(source)
    said = []
    for outcome, words in OUTCOMES.items():
        head = sentence("Models of {outcome}, {state} (exploratory):", outcome=words, state=STATES[state])
        rows = table[(table["outcome"] == outcome) & table["auc"].notna()]
        nested = rows[rows["scheme"] == NESTED]
        if nested.empty:
            why = refusal(results=results, source=source, what=outcome)
            if why or outcome == "response":
                said.append(head + sentence(" no model was judged: {why}.", why=why or "see the reasons in the table"))
            continue
        here: list[Condition] = [("outcome", "==", outcome), ("scheme", "==", NESTED), ("auc", "known", None)]
        best = nested.sort_values(["auc", "p_null"], ascending=[False, True], kind="stable").iloc[0]
        measure = "AUC" if outcome == "response" else "C"
        said.append(
            head
            + sentence(
                " {n} judged by nested cross-validation, {beyond} with p &lt; {alpha} against shuffled outcomes, each "
                "for itself. The highest {measure} is that of {model}: {effect}, p{p}. It is the best of several, so "
                "it is somewhat too good.",
                n=total(results=results, source=source, where=here),
                beyond=total(results=results, source=source, where=[*here, ("p_null", "<", 0.05)]), alpha="0.05",
                measure=measure, model=_named(best), p=_chance(results, source, best, NESTED),
                effect=_auc(results, source, best, NESTED),
            )
        )  # fmt: skip
        if not (clinical := nested[nested["fusion"] == "clinical"]).empty:
            row = clinical.iloc[0]
            said.append(
                sentence(
                    "Clinical covariates alone, {outcome}: {measure} {effect}, p{p}.", outcome=words, measure=measure,
                    effect=_auc(results, source, row, NESTED), p=_chance(results, source, row, NESTED),
                )
            )  # fmt: skip
        for scheme in (COHORT_OUT, BATCH_OUT):
            same = rows[
                (rows["scheme"] == scheme) & (rows["model"] == best["model"]) & (rows["layers"] == best["layers"])
            ]
            if len(same):
                said.append(
                    sentence(
                        "With {scheme}, {model} has {measure} {effect}, p{p}.",
                        scheme=SCHEMES[scheme], model=_named(best), measure=measure,
                        effect=_auc(results, source, same.iloc[0], scheme),
                        p=_chance(results, source, same.iloc[0], scheme),
                    )
                )  # fmt: skip
    return said


def _named(row: pd.Series) -> str:
    layers = str(row["layers"])
    return f"{row['model']} of {'several layers' if '+' in layers else layers}"


def _key(row: pd.Series, scheme: str) -> list[Condition]:
    return [*((name, "==", plain(row[name])) for name in ("model", "layers", "outcome")), ("scheme", "==", scheme)]


def _auc(results: Results, source: str, row: pd.Series, scheme: str) -> Markup:
    return interval(results=results, source=source, where=_key(row, scheme), column="auc", style="two")


def _chance(results: Results, source: str, row: pd.Series, scheme: str) -> Markup:
    return chance(results=results, source=source, where=_key(row, scheme), column="p_null")


def _state_counted(*, results: Results, source: str, state: str) -> list[Markup]:
    table = results.table(source)
    said = []
    for outcome, words in OUTCOMES.items():
        rows: list[Condition] = [("outcome", "==", outcome), ("auc", "known", None)]
        if table[(table["outcome"] == outcome) & table["auc"].notna()].empty:
            continue
        said.append(
            sentence(
                "{state}, {outcome}: {low} to {high} patients in a model, with at most {events} {what}.",
                state=STATES[state].capitalize(), outcome=words,
                what="responders" if outcome == "response" else "events",
                low=total(results=results, source=source, where=rows, what="min", column="n"),
                high=total(results=results, source=source, where=rows, what="max", column="n"),
                events=total(results=results, source=source, where=rows, what="max", column="n_r"),
            )
        )  # fmt: skip
    for row in table[table["auc"].isna() & table["reason"].notna()].itertuples():
        about = {"layers": str(row.layers), "outcome": OUTCOMES.get(row.outcome, str(row.outcome))}
        said.append(sentence("{layers} is in no model of {outcome}: {why}.", **about, why=str(row.reason)))
    return said


def _state_blocks(*, results: Results, source: str, state: str) -> list[Figure | Table]:
    table = results.table(source)
    judged = table[table["auc"].notna()]
    blocks: list[Figure | Table] = []
    if len(judged):
        drawn = judged.assign(
            name=[_named(row) for _, row in judged.iterrows()], estimate=judged["auc"], low=judged["ci_low"],
            high=judged["ci_high"], group=judged["scheme"].map(SCHEMES), view=judged["outcome"].map(OUTCOMES),
        )  # fmt: skip
        title = f"Every model, {STATES[state]}"
        chart = forest(
            rows=drawn, title=title, axis="AUC (PFS2: Harrell's C), 95 % interval", null=0.5, group="Held out by",
            notes=["Dashed: chance. Intervals are widened by the spread of the shuffled runs."], choice="Outcome:",
            tips={"p_null": "p against shuffled outcomes", "null_mean": "Mean of shuffled runs", "n": "Patients"},
            groups=list(SCHEMES.values()),
        )  # fmt: skip
        blocks.append(Figure(title=title, chart=chart, source=source))
    rows = in_words(rows=table.assign(scheme=table["scheme"].map(SCHEMES)), heads=HEADS)
    if len(rows):
        filters = tuple(head for head in ("Outcome", "How patients are held out") if head in rows)
        blocks.append(Table(title=f"Performance, {STATES[state]}", rows=rows, source=source, filters=filters))
    return blocks + _used_blocks(results=results, state=state)


def _used_blocks(*, results: Results, state: str) -> list[Figure | Table]:
    """Return what the models use, and what they say of each patient held out."""
    blocks: list[Figure | Table] = []
    source = f"{FOLDER}/{state}/importance.tsv"
    if results.has(source) and len(used := results.table(source)):
        order = used.assign(size=used["weight"].abs()).sort_values(
            ["frequency", "size"], ascending=False, kind="stable"
        )
        rows = in_words(rows=order.head(200), heads=USED_HEADS)
        title = f"Features that the models use most, {STATES[state]} ({len(rows)} of {len(used)} rows)"
        blocks.append(Table(title=title, rows=rows, source=source, filters=("Model", "Layer")))
    source = f"{FOLDER}/{state}/predictions.tsv"
    if results.has(source) and len(scores := results.table(source)):
        nested = scores[scores["scheme"] == NESTED]
        nested = nested.assign(scheme=nested["scheme"].map(SCHEMES))
        order = nested.sort_values(["outcome", "model", "layers", "score"], ascending=[True, True, True, False])
        blocks.append(
            Table(
                title=f"Patients held out, {STATES[state]}", rows=in_words(rows=order, heads=SCORE_HEADS),
                source=source, filters=("Model", "Layers"),
            )
        )  # fmt: skip
    return blocks


def _locked(*, results: Results) -> tuple[list[Markup], list[Table]]:
    """Return the models that are locked for later batches, and what one said of a new batch."""
    blocks, rows = [], []
    files = results.matching(f"{FOLDER}/locked/*.json")
    for name in files:
        model = json.loads((results.root / name).read_text(encoding="utf-8"))
        layers = [layer for part in model["parts"] for layer in part["layers"]]
        features = sum(len(layer.get("features", [])) for layer in layers)
        about = model["training"]
        rows.append(
            (model["name"], model["outcome"], model["state"], model["learner"],
             "+".join(layer["layer"] for layer in layers), features, about["n"], about["n_r"],
             model["fingerprint"][:12])
        )  # fmt: skip
    said = []
    if rows:
        said.append(sentence("Locked for later batches: {names}.", names=", ".join(name for name, *_ in rows)))
        table = pd.DataFrame(rows, columns=list(LOCKED_HEADS))
        blocks.append(Table(title="Locked models", rows=table, source=files[0]))
    if results.has(VERDICTS):
        verdicts_of = results.table(VERDICTS)
        worst = next(
            (word for word in ("refused", "caution", "good") if word in set(verdicts_of["verdict"])), "not judged"
        )
        said.append(
            sentence("A locked model was applied to a new batch; whether it applies there: {worst}.", worst=worst)
        )
        blocks.append(
            Table(
                title="Whether the locked model applies",
                rows=in_words(rows=verdicts_of, heads=VERDICT_HEADS),
                source=VERDICTS,
            )
        )
    if results.has(APPLIED):
        rows_of = in_words(rows=results.table(APPLIED), heads=APPLIED_HEADS)
        blocks.append(Table(title="Patients of the new batch", rows=rows_of, source=APPLIED))
    return said, blocks


PREDICTED: tuple[Item, ...] = (
    Item(
        key="F15", title="Prediction of response, and hazard of progression", section="predicted", build=prediction_item
    ),
)

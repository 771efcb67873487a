"""Quality of the metabolome: injections, drift of the pooled QCs, steps, messages (T6)."""

from typing import Any

import pandas as pd
from markupsafe import Markup

from gutaxis.report.items import Absent, Content, Table, absent_unless
from gutaxis.report.numbers import cell, chosen, listed, sentence, total
from gutaxis.report.sources import Results
from gutaxis.report.wording import arm_figures, in_words, spread_words

ROOM = "metabolome/normalised"
INJECTIONS = f"{ROOM}/injection_quality.tsv"
BATCHES = f"{ROOM}/batches.tsv"
STEPS = f"{ROOM}/steps.tsv"
MESSAGES = f"{ROOM}/messages.tsv"
FEATURES = f"{ROOM}/feature_quality.tsv"
DESIGN = f"{ROOM}/design.tsv"
COMPONENTS = f"{ROOM}/components.tsv"
FIGURES = {
    "metabolome/qc/drift.html": ("Pooled QCs over the run", INJECTIONS),
    "metabolome/qc/precision.html": ("Precision of the features", FEATURES),
    "metabolome/qc/components.html": ("Principal components of the injections", COMPONENTS),
    "metabolome/qc/dilution.html": ("Dilution against the pooled QC", INJECTIONS),
}
CHECKS = {
    "run_order_by_timepoint": "run order against timepoint",
    "batch_by_timepoint": "batch against timepoint",
    "pairs_split_between_batches": "pairs split between batches",
}
HEADS = {
    "sample_id": "Injection", "mode": "Mode", "batch": "Batch", "control": "Control", "timepoint": "Timepoint",
    "run_order": "Run order", "n_detected": "Detected", "n_forced": "Forced", "n_absent": "Absent",
    "deviation_50_before": "Deviation before, log2", "deviation_50_after": "Deviation after, log2",
    "pqn_log2": "Dilution, log2", "kept": "Kept", "reason": "Reason",
}  # fmt: skip
BATCH_HEADS = {
    "batch": "Batch", "mode": "Mode", "n_injections": "Injections", "n_qc": "Pooled QCs", "n_features": "Features",
    "method": "Drift model", "span": "Span", "error_constant": "Error of a constant, log2",
    "error_curve": "Error of the curve, log2", "n_outside": "Outside the QCs",
}  # fmt: skip
STEP_HEADS = {"step": "Step", "n_features": "Features", "n_samples": "Samples"}
MESSAGE_HEADS = {"level": "Level", "step": "Step", "mode": "Mode", "message": "Message"}


def plasma_item(results: Results) -> Content | Absent:
    """T6, plasma: injections, drift before and after correction, features at each step, messages of the run."""
    missing = absent_unless(results, INJECTIONS, BATCHES, STEPS)
    if missing:
        return missing
    if results.table(INJECTIONS).empty:
        return Absent(why="The table of the arm holds no injection.")
    drawn = arm_figures(results=results, figures=FIGURES)
    findings = [*_drift(results), *_precision(results), *_steps(results), *_design(results), *_messages(results)]
    tables = [
        _table(results, "Injections", INJECTIONS, HEADS, ("Mode", "Batch", "Control", "Kept")),
        _table(results, "Batches: errors are those of held-out pooled QCs", BATCHES, BATCH_HEADS),
        _table(results, "Features and samples after each step", STEPS, STEP_HEADS),
        _table(results, "Messages of the run", MESSAGES, MESSAGE_HEADS, ("Level",)),
    ]
    blocks = [*drawn.figures, *[table for table in tables if table is not None]]
    return Content(findings=findings, counted=[*_counted(results), *drawn.said], blocks=blocks)


def _table(
    results: Results, title: str, source: str, heads: dict[str, str], filters: tuple[str, ...] = ()
) -> Table | None:
    if not results.has(source) or results.table(source).empty:
        return None
    rows = in_words(rows=results.table(source), heads=heads)
    return Table(title=title, rows=rows, source=source, filters=tuple(name for name in filters if name in rows))


def _drift(results: Results) -> list[Markup]:
    """Say of every batch and mode how far the pooled QCs lie apart before and after correction."""
    rows = results.table(BATCHES)
    found = []
    for row in rows.to_dict("records"):
        where = [("batch", "==", row["batch"]), ("mode", "==", row["mode"])]
        about = {"batch": str(row["batch"]), "mode": str(row["mode"])}
        n = cell(results=results, source=BATCHES, where=where, column="n_qc", style="integer")
        if _missing(row, "error_constant") or _missing(row, "error_curve"):
            text = "Batch {batch}, {mode}: {n} pooled QCs; the error of the drift model cannot be estimated."
            found.append(sentence(text, **about, n=n))
            continue
        before, after = (
            cell(results=results, source=BATCHES, where=where, column=column, style="two")
            for column in ("error_constant", "error_curve")
        )
        text = (
            "Batch {batch}, {mode}: {n} pooled QCs; error on held-out QCs {before} log2 without and {after} log2 with "
            "a drift model ({method})."
        )
        method = "none" if _missing(row, "method") else str(row["method"])
        found.append(sentence(text, **about, n=n, before=before, after=after, method=method))
    return found or [Markup("There is no batch with pooled QCs: drift was not corrected.")]


def _missing(row: dict[str, Any], name: str) -> bool:
    return bool(pd.isna(row.get(name)))


def _precision(results: Results) -> list[Markup]:
    if not results.has(FEATURES):
        return []
    rows, found = results.table(FEATURES), []
    about = {"rsd_before": "before correction", "rsd_held_out": "on held-out QCs after correction"}
    for column, words in about.items():
        where = [("kept", "==", True), (column, "known", None)]
        if column not in rows or chosen(table=rows, where=where).empty:
            continue
        n = total(results=results, source=FEATURES, where=where)
        middle = total(results=results, source=FEATURES, where=where, what="median", column=column, style="percent")
        found.append(sentence("median {middle} {words} ({n} features)", middle=middle, words=words, n=n))
    return [sentence("Relative standard deviation of kept features: {parts}.", parts=listed(found))] if found else []


def _steps(results: Results) -> list[Markup]:
    steps = list(results.table(STEPS)["step"])
    if not steps:
        return []
    first, last = (
        cell(results=results, source=STEPS, where=[("step", "==", name)], column="n_features", style="integer")
        for name in (steps[0], steps[-1])
    )
    samples = cell(
        results=results, source=STEPS, where=[("step", "==", steps[-1])], column="n_samples", style="integer"
    )
    text = "Of {first} features, {last} are left after all filters, in {samples} samples."
    return [sentence(text, first=first, last=last, samples=samples)]


def _design(results: Results) -> list[Markup]:
    if not results.has(DESIGN):
        return []
    rows = results.table(DESIGN)
    mixed = rows[rows["confounded"].astype(str) == "True"]
    if mixed.empty:
        n = total(results=results, source=DESIGN)
        return [sentence("None of {n} checks of the run finds timepoints mixed up with batch or run order.", n=n)]
    names = [CHECKS.get(name, str(name)) for name in mixed["check"]]
    return [sentence("Mixed up in the run: {names}. No correction can mend this.", names=listed(names))]


def _messages(results: Results) -> list[Markup]:
    if not results.has(MESSAGES):
        return []
    rows = results.table(MESSAGES)
    loud = sorted(set(rows["level"].dropna().astype(str)) - {"info"})
    if not loud:
        return [Markup("The run has no warning.")]
    parts = [
        sentence("{n} of level {name}", n=total(results=results, source=MESSAGES, where=[("level", "==", name)]),
                 name=name)
        for name in loud
    ]  # fmt: skip
    return [sentence("Messages that need a look: {parts}.", parts=listed(parts))]


def _counted(results: Results) -> list[Markup]:
    rows = results.table(INJECTIONS)
    own = [("control", "==", "N")]
    dropped = [*own, ("kept", "==", False)]
    found = [
        sentence(
            "n = {n} samples of patients and {controls} controls; samples that were dropped: {dropped}.",
            n=total(results=results, source=INJECTIONS, where=own, what="distinct", column="sample_id"),
            controls=total(
                results=results, source=INJECTIONS, where=[("control", "!=", "N")], what="distinct", column="sample_id"
            ),
            dropped=total(results=results, source=INJECTIONS, where=dropped, what="distinct", column="sample_id"),
        )
    ]
    for row in chosen(table=rows, where=dropped).head(5).to_dict("records"):
        reason = "no reason is given" if _missing(row, "reason") else str(row["reason"])
        found.append(sentence("{name} ({mode}): {why}.", name=row["sample_id"], mode=str(row["mode"]), why=reason))
    if chosen(table=rows, where=[*own, ("n_detected", "known", None)]).empty:
        return found
    words = spread_words(results=results, source=INJECTIONS, where=own, column="n_detected", style="integer")
    return [*found, sentence("Features detected per sample and mode: {words}.", words=words)]

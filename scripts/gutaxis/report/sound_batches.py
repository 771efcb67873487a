"""Batches against biology: what each batch holds, which are wholly one class, and the PERMANOVA term of the batch."""

from collections.abc import Sequence

import altair as alt
import pandas as pd
from markupsafe import Markup

from gutaxis.clinical.figure_frame import BLUE, GREY, INK, LIGHT, ORANGE, VERMILION
from gutaxis.report.charts import MAX_MARKS
from gutaxis.report.differential import chance
from gutaxis.report.items import Table
from gutaxis.report.numbers import cell, chosen, listed, sentence, total
from gutaxis.report.sources import Results
from gutaxis.report.wording import COLORS, in_words

LINKED = "clinical/sample_response.tsv"
#: What a batch can be mixed up with: column, its name, names of its classes.
FACTORS = {"timepoint": "timepoint", "cohort": "cohort", "response": "response"}
CLASSES = {"R": "responders", "NR": "non-responders"}
NOT_KNOWN = "not known"
#: Distances in the order in which a sentence takes the first there is.
METRICS = ("aitchison", "euclidean", "braycurtis", "robust_aitchison", "jaccard")
PERMANOVA_HEADS = {
    "layer": "Layer", "metric": "Distance", "contrast": "Contrast", "role": "Role", "r2": "R2", "f": "F", "p": "p",
    "n": "Patients", "permutations": "Permutations", "scheme": "Permuted", "reason": "Why not tested", "file": "Table",
}  # fmt: skip


def batch_findings(results: Results) -> list[Markup]:
    """Return, per assay, whether a batch holds one class only of timepoint, cohort or response.

    A factor is looked at where the assay has two of its classes or more.
    """
    rows = results.table(LINKED)
    found = []
    for assay, part in rows.groupby("assay", sort=True):
        own = [("assay", "==", assay)]
        batches = total(results=results, source=LINKED, where=own, what="distinct", column="batch")
        names = sorted(set(part["batch"].dropna()))
        if not names:
            found.append(sentence("{assay}: no batch is recorded.", assay=str(assay)))
            continue
        if len(names) == 1:
            text = "{assay}: {n} batch ({name}): no class can be mixed up with it."
            found.append(sentence(text, assay=str(assay), n=batches, name=str(names[0])))
            continue
        parts = [word for factor in FACTORS for word in _one_class(results, str(assay), part, factor)]
        text = "{assay}, {n} batches: {parts}." if parts else "{assay}, {n} batches: {fine}."
        fine = "every batch holds more than one class of timepoint, cohort and response, where the assay has them"
        found.append(sentence(text, assay=str(assay), n=batches, parts=Markup("; ").join(parts), fine=fine))
    return found


def _one_class(results: Results, assay: str, rows: pd.DataFrame, factor: str) -> list[Markup]:
    """Return the batches that hold one class of a factor only, and what that means."""
    known = rows.dropna(subset=[factor, "batch"])
    if known[factor].nunique() < 2 or known["batch"].nunique() < 2:
        return []
    classes = known.groupby("batch")[factor].agg(["nunique", "first"])
    single = classes.loc[classes["nunique"] == 1, "first"]
    parts = []
    for batch, value in single.to_dict().items():
        where = [("assay", "==", assay), ("batch", "==", batch), (factor, "==", value)]
        n = total(results=results, source=LINKED, where=where)
        parts.append(
            sentence(
                "{batch} holds {value} only ({n} samples)", batch=batch, value=CLASSES.get(str(value), str(value)), n=n
            )
        )
    if not parts:
        return []
    if len(single) == len(classes):
        tail = "so an effect of the batch cannot be told from {factor}, and no correction mends this"
        tail_words = sentence(tail, factor=FACTORS[factor])
        return [sentence("by {factor}, {parts}: {tail}", factor=FACTORS[factor], parts=listed(parts), tail=tail_words)]
    return [sentence("by {factor}, {parts}", factor=FACTORS[factor], parts=listed(parts))]


def batch_chart(*, rows: pd.DataFrame) -> alt.HConcatChart:
    """Return the samples of every batch by timepoint, cohort and response: bars with their numbers.

    Parameters
    ----------
    rows
        sample_response: assay batch timepoint cohort response.
    """
    named = rows[rows["batch"].notna()].assign(row=lambda table: table["assay"] + ", batch " + table["batch"])
    order = sorted(set(named["row"]))[: MAX_MARKS // 20]
    named = named[named["row"].isin(order)]
    panels = [_panel(rows=named, factor=factor, order=order, first=not place) for place, factor in enumerate(FACTORS)]
    return alt.hconcat(*panels).resolve_scale(color="independent")


def _panel(*, rows: pd.DataFrame, factor: str, order: Sequence[str], first: bool) -> alt.LayerChart:
    words = rows[factor].map(lambda value: NOT_KNOWN if pd.isna(value) else CLASSES.get(str(value), str(value)))
    counts = rows.assign(value=words).groupby(["row", "value"]).size().rename("n").reset_index()
    seen = sorted(set(counts["value"]) - {NOT_KNOWN}, key=_place) + [NOT_KNOWN] * (NOT_KNOWN in set(counts["value"]))
    counts["order"] = counts["value"].map({value: place for place, value in enumerate(seen)})
    counts = counts.sort_values(["row", "order"], ignore_index=True)
    counts["end"] = counts.groupby("row")["n"].cumsum()
    counts["start"] = counts["end"] - counts["n"]
    counts["middle"] = (counts["start"] + counts["end"]) / 2
    scale = alt.Scale(domain=seen, range=_colors(factor=factor, seen=seen))
    base = alt.Chart(counts).encode(
        y=alt.Y("row:N", sort=list(order), title=None, axis=alt.Axis(labels=first, ticks=False, labelLimit=160)),
        tooltip=[
            alt.Tooltip("row:N", title="Batch"),
            alt.Tooltip("value:N", title=FACTORS[factor].capitalize()),
            alt.Tooltip("n:Q", title="Samples"),
        ],
    )
    legend = alt.Legend(orient="bottom", columns=1)
    bars = base.mark_bar(stroke="white", strokeWidth=1).encode(
        x=alt.X("start:Q", title="Samples"),
        x2="end:Q",
        color=alt.Color("value:N", title=FACTORS[factor].capitalize(), scale=scale, legend=legend),
    )
    numbers = base.mark_text(fontSize=9, color=INK).encode(x="middle:Q", text="n:Q")
    return alt.layer(bars, numbers).properties(width=140, height=alt.Step(20))


def _place(value: str) -> tuple[bool, bool, str]:
    return value != "PRE", value != "responders", value


def _colors(*, factor: str, seen: Sequence[str]) -> list[str]:
    fixed = {"PRE": GREY, "POST": ORANGE, "responders": BLUE, "non-responders": VERMILION, NOT_KNOWN: LIGHT}
    if factor == "cohort":
        fixed = {NOT_KNOWN: LIGHT}
    return [fixed.get(value, COLORS[place % len(COLORS)]) for place, value in enumerate(seen)]


def batch_table(*, rows: pd.DataFrame) -> Table:
    """Return samples by assay, material, batch, timepoint and cohort, and how many are of responders.

    Parameters
    ----------
    rows
        sample_response.
    """
    keys = ["assay", "material", "batch", "timepoint", "cohort"]
    filled = rows[keys].fillna(NOT_KNOWN).astype(str).assign(response=rows["response"].fillna("NA").astype(str))
    counts = filled.groupby([*keys, "response"]).size().unstack(fill_value=0)
    counts = counts.reindex(columns=["R", "NR", "NA"], fill_value=0)
    counts["all"] = counts.sum(axis=1)
    counts["patients"] = rows.assign(**filled[keys]).groupby(keys)["patient_id"].nunique()
    table = counts.reset_index()
    heads = ["Assay", "Material", "Batch", "Timepoint", "Cohort", "Of responders", "Of non-responders"]
    table.columns = [*heads, "Response not known", "Samples", "Patients"]
    return Table(
        title="Samples by assay, batch, timepoint, cohort and response", rows=table, source=LINKED,
        filters=("Assay", "Material", "Batch", "Timepoint", "Cohort"),
    )  # fmt: skip


def permanova_findings(results: Results) -> list[Markup]:
    """Return, per layer, how much of the differences between samples goes with the batch, in the primary contrasts."""
    files = _batch_files(results)
    if not files:
        return [
            Markup(
                "How much the batch explains was not tested: it is no covariate of this run, it does not vary, or no "
                "layer has a PERMANOVA."
            )
        ]
    found = []
    for layer in sorted({layer for layer, _ in files}):
        metric = next(name for name in _ranked([metric for at, metric in files if at == layer]))
        source = files[layer, metric]
        rows = results.table(source)
        for row in rows[_is_batch(rows)].to_dict("records"):
            role = _role(results=results, contrast=row["contrast"])
            if role != "primary":
                continue
            where = [("contrast", "==", row["contrast"]), ("term", "==", row["term"])]
            head = sentence("{layer} ({metric}), {contrast}, {role}", layer=layer, metric=metric,
                            contrast=row["contrast"], role=role)  # fmt: skip
            if pd.isna(row["p"]):
                reason = row["reason"] if isinstance(row.get("reason"), str) else "no reason is given"
                found.append(sentence("{head}: the batch was not tested: {reason}.", head=head, reason=reason))
                continue
            r2, n = (
                cell(results=results, source=source, where=where, column=name, style=style)
                for name, style in (("r2", "percent"), ("n", "integer"))
            )
            p = chance(results=results, source=source, where=where, column="p")
            text = "{head}: {r2} of the variation goes with the batch (p{p}, n = {n} patients)."
            found.append(sentence(text, head=head, r2=r2, p=p, n=n))
    return found or [Markup("In no primary contrast the batch is a term of the PERMANOVA; the table has the others.")]


def permanova_table(results: Results) -> Table | None:
    """Return the term of the batch of every layer, distance and contrast; None where there is none."""
    files = _batch_files(results)
    if not files:
        return None
    parts = []
    for (layer, metric), source in files.items():
        rows = results.table(source)
        parts.append(rows[_is_batch(rows)].assign(layer=layer, metric=metric, file=source))
    rows = pd.concat(parts, ignore_index=True)
    rows["role"] = [_role(results=results, contrast=name) for name in rows["contrast"]]
    rows = rows.sort_values("r2", ascending=False, kind="stable", na_position="last")
    table = in_words(rows=rows, heads=PERMANOVA_HEADS)
    return Table(
        title="Batch in the PERMANOVA of every layer", rows=table, source=next(iter(files.values())),
        filters=("Layer", "Distance", "Contrast"),
    )  # fmt: skip


def _is_batch(rows: pd.DataFrame) -> pd.Series:
    return rows["term"].astype(str).str.split(":").str[0] == "batch"


def _batch_files(results: Results) -> dict[tuple[str, str], str]:
    """Return (layer, distance) -> table that has a term of the batch."""
    found = {}
    for name in results.matching("diversity/*/permanova_*.tsv"):
        rows = results.table(name)
        if not chosen(table=rows, where=[("term", "known", None)]).loc[_is_batch].empty:
            _, layer, file = name.split("/")
            found[layer, file.removeprefix("permanova_").removesuffix(".tsv")] = name
    return found


def _ranked(metrics: Sequence[str]) -> list[str]:
    return sorted(metrics, key=lambda name: (METRICS.index(name) if name in METRICS else len(METRICS), name))


def _role(*, results: Results, contrast: str) -> str:
    return str(results.settings["contrasts"].get(contrast, {}).get("role", "exploratory"))

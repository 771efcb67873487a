"""Quality of the single-cell samples: barcodes kept and removed, and whether samples belong to their patients (T6)."""

import altair as alt
import pandas as pd
from markupsafe import Markup

from gutaxis.clinical.figure_frame import BLUE, ORANGE
from gutaxis.report.charts import MAX_MARKS
from gutaxis.report.items import Absent, Content, Figure, Table, absent_unless
from gutaxis.report.numbers import chosen, listed, sentence, total
from gutaxis.report.sources import Results
from gutaxis.report.wording import in_words, spread_words

QUALITY = "single_cell/quality.tsv"
IDENTITY = "single_cell/identity.tsv"
HEADS = {
    "sample_id": "Sample", "status": "Status", "n_barcodes": "Barcodes", "n_kept": "Cells kept", "n_low": "Too few",
    "n_mito": "Mitochondrial", "n_doublets": "Doublets", "median_counts": "Median counts",
    "median_genes": "Median genes", "median_pct_mito": "Median mitochondrial, %", "reason": "Reason",
}  # fmt: skip
IDENTITY_HEADS = {
    "sample_id": "Sample", "patient_id": "Patient", "tissue": "Tissue", "verdict": "Verdict", "sex_sheet": "Sex, sheet",
    "sex_inferred": "Sex, genes", "nearest_patient": "Nearest patient", "own_r": "r, own samples",
    "best_other_r": "r, best other patient", "reason": "Reason",
}  # fmt: skip
VERDICTS = {"ok": "fit their patient", "unsure": "cannot be judged", "mismatch": "do not fit their patient"}
#: Mismatches that sentences name; the table has all.
NAMED = 5


def cells_item(results: Results) -> Content | Absent:
    """T6, single cells: cells kept and dropped of every sample, and the check of identity."""
    missing = absent_unless(results, QUALITY)
    if missing:
        return missing
    rows = results.table(QUALITY)
    if rows.empty:
        return Absent(why="The table of the arm holds no sample.")
    findings = [*_cells(results), *_identity(results)]
    blocks: list[Figure | Table] = []
    counts = rows.dropna(subset=["n_barcodes", "n_kept"])
    if not counts.empty:
        drawn = counts.sort_values(["n_kept", "sample_id"]).head(MAX_MARKS // 2)
        title = "Barcodes of each sample"
        title += "" if len(drawn) == len(rows) else f" ({len(drawn)} of {len(rows)} samples, fewest cells first)"
        blocks.append(Figure(title=title, chart=_chart(drawn), source=QUALITY))
    table = rows.sort_values(["n_kept", "sample_id"])
    filters = ("Status",)
    blocks.append(Table(title="Samples", rows=in_words(rows=table, heads=HEADS), source=QUALITY, filters=filters))
    if results.has(IDENTITY) and not results.table(IDENTITY).empty:
        order = {"mismatch": 0, "unsure": 1, "ok": 2}
        found = results.table(IDENTITY)
        found = found.sort_values("verdict", key=lambda column: column.map(order), kind="stable")
        words = in_words(rows=found, heads=IDENTITY_HEADS)
        blocks.append(Table(title="Identity", rows=words, source=IDENTITY, filters=("Tissue", "Verdict")))
    return Content(findings=findings, counted=_counted(results), blocks=blocks)


def _cells(results: Results) -> list[Markup]:
    rows = results.table(QUALITY)
    used = [("status", "==", "ok")]
    kept, barcodes = (
        total(results=results, source=QUALITY, where=used, what="sum", column=column)
        for column in ("n_kept", "n_barcodes")
    )
    found = [sentence("Of {barcodes} barcodes, {kept} cells are kept.", barcodes=barcodes, kept=kept)]
    about = {
        "n_kept": ("Cells per sample", "integer", ""),
        "median_genes": ("Median genes of a cell, per sample", "integer", ""),
        "median_pct_mito": ("Median mitochondrial share of a cell, per sample", "short", "%"),
    }
    chosen_rows = chosen(table=rows, where=used)
    for column, (words, style, unit) in about.items():
        if column in rows and chosen_rows[column].notna().any():
            spread = spread_words(results=results, source=QUALITY, where=used, column=column, style=style, unit=unit)
            found.append(sentence("{words}: {spread}.", words=words, spread=spread))
    return found


def _identity(results: Results) -> list[Markup]:
    if not results.has(IDENTITY):
        return [sentence("Identity of the samples: {why}", why=results.why(IDENTITY))]
    rows = results.table(IDENTITY)
    parts = [
        sentence("{n} {words}", n=total(results=results, source=IDENTITY, where=[("verdict", "==", verdict)]),
                 words=words)
        for verdict, words in VERDICTS.items()
        if (rows["verdict"] == verdict).any()
    ]  # fmt: skip
    if not parts:
        return [Markup("The identity of no sample was judged.")]
    text = "By sex genes and likeness of expression, {parts}. This is a warning sign, it is no genotype."
    found = [sentence(text, parts=listed(parts))]
    wrong = rows[rows["verdict"] == "mismatch"]
    for row in wrong.head(NAMED).to_dict("records"):
        reason = "no reason is given" if pd.isna(row["reason"]) else str(row["reason"])
        text = "{sample} of patient {patient}: {reason}."
        found.append(sentence(text, sample=row["sample_id"], patient=row["patient_id"], reason=reason))
    return found


def _counted(results: Results) -> list[Markup]:
    rows = results.table(QUALITY)
    n, used = (total(results=results, source=QUALITY, where=where) for where in ([], [("status", "==", "ok")]))
    found = [sentence("n = {n} samples; {used} are used.", n=n, used=used)]
    for row in chosen(table=rows, where=[("status", "!=", "ok")]).head(NAMED).to_dict("records"):
        reason = "no reason is given" if pd.isna(row["reason"]) else str(row["reason"])
        text = "{sample} is {status}: {reason}."
        found.append(sentence(text, sample=row["sample_id"], status=str(row["status"]), reason=reason))
    return found


def _chart(rows: pd.DataFrame) -> alt.Chart:
    order = list(rows["sample_id"])
    parts = {"kept": rows["n_kept"], "removed": rows["n_barcodes"] - rows["n_kept"]}
    keep = rows[["sample_id", "status", "n_barcodes"]]
    data = pd.concat([keep.assign(what=name, n=values.clip(lower=0), place=place)
                      for place, (name, values) in enumerate(parts.items())], ignore_index=True)  # fmt: skip
    pick = alt.selection_point(fields=["what"], bind="legend")
    scale = alt.Scale(domain=list(parts), range=[BLUE, ORANGE])
    return (
        alt.Chart(data)
        .mark_bar()
        .encode(
            x=alt.X("n:Q", title="Barcodes"),
            y=alt.Y("sample_id:N", sort=order, title="Samples", axis=alt.Axis(labels=len(order) <= 120, ticks=False)),
            color=alt.Color("what:N", title="Barcodes", scale=scale),
            order=alt.Order("place:Q"),
            opacity=alt.condition(pick, alt.value(1), alt.value(0.15)),
            tooltip=[
                alt.Tooltip("sample_id:N", title="Sample"),
                alt.Tooltip("what:N", title="Barcodes"),
                alt.Tooltip("n:Q", title="Number", format=","),
                alt.Tooltip("n_barcodes:Q", title="Of", format=","),
                alt.Tooltip("status:N", title="Status"),
            ],
        )
        .add_params(pick)
        .properties(width=430, height=alt.Step(13 if len(order) <= 120 else max(1.0, 1560 / len(order))))
    )

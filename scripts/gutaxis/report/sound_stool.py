"""Quality of the metagenomes: reads lost at each step, host, what no known species explains, blanks and mocks (T6)."""

import altair as alt
import pandas as pd
from markupsafe import Markup

from gutaxis.clinical.figure_frame import BLUE, GREY, INK, ORANGE, PURPLE, VERMILION
from gutaxis.report.charts import MAX_MARKS, rounded
from gutaxis.report.items import Absent, Content, Figure, Table, absent_unless
from gutaxis.report.numbers import chosen, listed, sentence, total
from gutaxis.report.sources import Results
from gutaxis.report.wording import SHAPES, in_words, spread_words

QUALITY = "metagenome/qc/metagenome_qc.tsv"
CONTROLS = "metagenome/qc/controls.tsv"
OWN = [("control", "==", "N")]
#: What became of the reads, in the order of the steps.
FATES = {
    "left": ("left", BLUE),
    "trimmed": ("trimmed away", GREY),
    "repeats": ("tandem repeats", PURPLE),
    "host": ("host", VERMILION),
}
HEADS = {
    "sample_id": "Sample", "batch": "Batch", "control": "Control", "lanes": "Lanes", "raw": "Reads",
    "host": "Host reads", "final": "Reads left", "left_percent": "Left, %", "host_percent": "Host, %",
    "species": "Species",
    "unclassified_percent": "Not explained by known species, %",
    "unaligned_nucleotide_percent": "Unaligned after nucleotide search, %",
    "unaligned_translated_percent": "Unaligned after translated search, %", "gene_families": "Gene families",
    "pathways": "Pathways",
}  # fmt: skip
CONTROL_HEADS = {
    "sample_id": "Sample", "batch": "Batch", "control": "Control", "species": "Species", "percent": "Share, %",
}  # fmt: skip


def stool_item(results: Results) -> Content | Absent:
    """T6, stool: reads lost at each step, host reads, species found, and what the controls hold."""
    missing = absent_unless(results, QUALITY)
    if missing:
        return missing
    rows = results.table(QUALITY)
    if chosen(table=rows, where=OWN).empty:
        return Absent(why="The table of the arm holds no sample of a patient.")
    findings = [*_spreads(results), *_control_findings(results)]
    blocks: list[Figure | Table] = []
    lost = _lost(rows)
    if not lost.empty:
        n_drawn = lost["sample_id"].nunique()
        title = "What became of the reads of each sample"
        title += "" if n_drawn == len(rows) else f" ({n_drawn} of {len(rows)} samples, those with the smallest share)"
        blocks.append(Figure(title=title, chart=_lost_chart(lost), source=QUALITY))
    if "host_percent" in rows and rows["host_percent"].notna().any():
        blocks.append(Figure(title="Host reads by batch", chart=_host_chart(rows), source=QUALITY))
    table = rows.sort_values(["left_percent", "sample_id"]) if "left_percent" in rows else rows
    blocks.append(Table(title="Samples", rows=in_words(rows=table, heads=HEADS), source=QUALITY, filters=("Batch",)))
    if results.has(CONTROLS) and not results.table(CONTROLS).empty:
        found = in_words(rows=results.table(CONTROLS), heads=CONTROL_HEADS)
        blocks.append(Table(title="Species of blanks and mocks", rows=found, source=CONTROLS, filters=("Control",)))
    n, controls = (total(results=results, source=QUALITY, where=where) for where in (OWN, [("control", "!=", "N")]))
    counted = [sentence("n = {n} samples of patients; {controls} controls.", n=n, controls=controls)]
    return Content(findings=findings, counted=counted, blocks=blocks)


def _spreads(results: Results) -> list[Markup]:
    rows = chosen(table=results.table(QUALITY), where=OWN)
    about = {
        "raw": ("Reads per sample before cleaning", "integer", ""),
        "left_percent": ("Left after cleaning", "short", "%"),
        "host_percent": ("Host reads", "short", "%"),
        "unclassified_percent": ("Share that no known species explains", "short", "%"),
        "species": ("Species per sample", "integer", ""),
    }
    return [
        sentence(
            "{words}: {spread}.",
            words=words,
            spread=spread_words(results=results, source=QUALITY, where=OWN, column=name, style=style, unit=unit),
        )
        for name, (words, style, unit) in about.items()
        if name in rows and rows[name].notna().any()
    ]


def _control_findings(results: Results) -> list[Markup]:
    rows = results.table(QUALITY)
    kinds = sorted(set(rows["control"].dropna()) - {"N"})
    if not kinds:
        return [Markup("No blank and no mock was sequenced: contamination cannot be judged.")]
    found = []
    for kind in kinds:
        own = [("control", "==", kind)]
        words = spread_words(results=results, source=QUALITY, where=own, column="final", style="integer", unit="reads")
        n = total(results=results, source=QUALITY, where=own)
        found.append(sentence("Controls, {kind} (n = {n}): {words} left.", kind=str(kind), n=n, words=words))
        found += _species(results, kind)
    return found


def _species(results: Results, kind: str) -> list[Markup]:
    if not results.has(CONTROLS):
        return []
    where = [("control", "==", kind), ("species", "!=", "UNCLASSIFIED"), ("percent", ">", 0)]
    seen = chosen(table=results.table(CONTROLS), where=where)
    if seen.empty:
        return [sentence("No species was found in {kind}.", kind=kind)]
    n = total(results=results, source=CONTROLS, where=where, what="distinct", column="species")
    names = list(dict.fromkeys(seen.sort_values("percent", ascending=False)["species"].astype(str)))[:3]
    return [sentence("Species in {kind}: {n}; the largest {names}.", kind=kind, n=n, names=listed(names))]


def _lost(rows: pd.DataFrame) -> pd.DataFrame:
    """Return sample_id, fate, percent, reads; samples with the smallest share left first, as many as can be drawn."""
    known = rows[rows["raw"].fillna(0) > 0].copy()
    trimmed = known["trimmed"] + known["trimmed_orphans"].fillna(0)
    reads = pd.DataFrame(
        {
            "left": known["final"] + known["final_orphans"].fillna(0),
            "trimmed": (known["raw"] - trimmed).clip(lower=0),
            "repeats": known["repeats"],
            "host": known["host"],
        }
    )
    reads.insert(0, "sample_id", known["sample_id"])
    share = reads["left"] / known["raw"]
    reads = reads.assign(share=share, raw=known["raw"]).sort_values(["share", "sample_id"]).head(MAX_MARKS // 4)
    long = reads.melt(
        id_vars=["sample_id", "share", "raw"], value_vars=list(FATES), var_name="fate", value_name="reads"
    )
    long["percent"] = 100 * long["reads"] / long["raw"]
    return long.dropna(subset=["reads"])


def _lost_chart(lost: pd.DataFrame) -> alt.Chart:
    words = {name: said for name, (said, _) in FATES.items()}
    order = list(dict.fromkeys(lost.sort_values(["share", "sample_id"])["sample_id"]))
    data = lost.assign(fate=lost["fate"].map(words), place=lost["fate"].map({name: i for i, name in enumerate(FATES)}))
    data = rounded(rows=data[["sample_id", "fate", "place", "reads", "percent"]])
    pick = alt.selection_point(fields=["fate"], bind="legend")
    scale = alt.Scale(domain=list(words.values()), range=[color for _, color in FATES.values()])
    return (
        alt.Chart(data)
        .mark_bar()
        .encode(
            x=alt.X("percent:Q", title="% of the reads before cleaning", scale=alt.Scale(domain=[0, 100], clamp=True)),
            y=alt.Y("sample_id:N", sort=order, title="Samples", axis=alt.Axis(labels=len(order) <= 120, ticks=False)),
            color=alt.Color("fate:N", title="Reads", scale=scale),
            order=alt.Order("place:Q"),
            opacity=alt.condition(pick, alt.value(1), alt.value(0.15)),
            tooltip=[
                alt.Tooltip("sample_id:N", title="Sample"),
                alt.Tooltip("fate:N", title="Reads"),
                alt.Tooltip("reads:Q", title="Number", format=","),
                alt.Tooltip("percent:Q", title="%", format=".2f"),
            ],
        )
        .add_params(pick)
        .properties(width=430, height=alt.Step(13 if len(order) <= 120 else max(1.0, 1560 / len(order))))
    )


def _host_chart(rows: pd.DataFrame) -> alt.Chart:
    data = rows[rows["host_percent"].notna()].head(MAX_MARKS)
    data = data.assign(kind=data["control"].map(lambda kind: "sample" if kind == "N" else str(kind).lower()))
    kinds = ["sample", *sorted(set(data["kind"]) - {"sample"})]
    colors = [BLUE, *[(ORANGE, VERMILION, PURPLE, INK)[place % 4] for place in range(len(kinds) - 1)]]
    data = rounded(rows=data[["sample_id", "batch", "kind", "host_percent"]])
    return (
        alt.Chart(data)
        .mark_point(filled=True, size=45, opacity=0.75)
        .encode(
            x=alt.X("batch:N", title="Batch", axis=alt.Axis(labelAngle=0)),
            xOffset=alt.XOffset("kind:N", sort=kinds),
            y=alt.Y("host_percent:Q", title="Host reads, %", scale=alt.Scale(zero=True)),
            color=alt.Color("kind:N", title="Kind", scale=alt.Scale(domain=kinds, range=colors)),
            shape=alt.Shape("kind:N", title="Kind", scale=alt.Scale(domain=kinds, range=SHAPES[: len(kinds)])),
            tooltip=[
                alt.Tooltip("sample_id:N", title="Sample"),
                alt.Tooltip("batch:N", title="Batch"),
                alt.Tooltip("kind:N", title="Kind"),
                alt.Tooltip("host_percent:Q", title="Host reads, %"),
            ],
        )
        .properties(width=420, height=200)
    )

"""What changed in the plasma: metabolites in every contrast, the panel and its ratios, pathways of metabolites."""

import pandas as pd
from markupsafe import Markup

from gutaxis.report.charts import MAX_MARKS, rounded, unique_labels
from gutaxis.report.differential import contrast_words, contrasts_of, header_value, role_of, source_of
from gutaxis.report.diversity import beta_blocks, beta_findings, metrics_of
from gutaxis.report.gut import differential_content
from gutaxis.report.items import Absent, Content, Figure, Item, Table
from gutaxis.report.numbers import Condition, cell, listed, sentence, total
from gutaxis.report.paired import SAMPLES, by_patient, group_table, pairs_figure
from gutaxis.report.sources import LayerInfo, Results

ANNOTATIONS, COVERAGE = "metabolome/annotation/annotations.tsv", "metabolome/annotation/coverage.tsv"
RATIOS, ABOUT = "metabolome/annotation/ratios.tsv", "metabolome/annotation/ratios_about.tsv"
#: Parts of the panel by how well they were found, in words.
STATUS = {
    "identified": "identified", "tentative": "tentative", "mass only": "known by their mass alone",
    "not found": "not found", "not assayed": "not visible to this assay",
}  # fmt: skip
RATIO_HEADS = {
    "ratio": "Ratio (log2)", "status": "Measured", "method": "How", "numerator": "Above the line",
    "denominator": "Below the line", "not_measured": "Compounds not measured", "n_samples": "Samples",
    "meaning": "What it may tell",
}  # fmt: skip
ENRICHMENT_HEADS = {
    "name": "Pathway", "contrast": "Contrast", "method": "Test", "n_pathway": "Compounds measured",
    "n_hits_pathway": "Compounds with a small q", "estimate": "Odds ratio, or chance to be higher", "p": "p", "q": "q",
    "reason": "Why without a result",
}  # fmt: skip
ENRICHMENT_ROWS = 300


def metabolites_item(results: Results) -> Content | Absent:
    """F10: metabolites, the panel patient by patient, ratios such as kynurenine to tryptophan."""
    layers = results.in_room("plasma")
    made = differential_content(results=results, layers=layers, changes=False)
    if made is None:
        return Absent(
            why=results.why("metabolome/annotation/annotations.tsv" if not layers else "differential/metabolites/*"),
            mend="Name plasma samples (assay METAB) in the sample sheets, or a finished table in the config (layers).",
        )
    said, about, blocks = list(made.findings), list(made.counted), list(made.blocks)
    if results.has(COVERAGE):
        said.append(_coverage(results=results))
    for layer in layers:
        if results.has(f"layers/{layer.name}.tsv", SAMPLES):
            blocks.append(_panel(results=results, layer=layer))
        if metrics_of(results=results, layer=layer.name):
            name = layer.name.replace("_", " ").capitalize()
            said += beta_findings(results=results, layer=layer.name, name=name)
            blocks += beta_blocks(results=results, layer=layer.name, name=name)
    if results.has(RATIOS, ABOUT, SAMPLES):
        said += _ratio_findings(results=results)
        blocks += _ratio_blocks(results=results)
    found, table = _enrichment(results=results)
    return Content(findings=said + found, counted=about, blocks=blocks + table)


def _coverage(*, results: Results) -> Markup:
    seen = set(results.table(COVERAGE)["status"].dropna())
    parts = [
        sentence("{n} {words}", words=words, n=total(results=results, source=COVERAGE, where=[("status", "==", key)]))
        for key, words in STATUS.items()
        if key in seen
    ]
    return sentence(
        "Panel of {n} compounds: {parts}. A question mark behind a name: it rests on masses alone.",
        n=total(results=results, source=COVERAGE), parts=listed(parts),
    )  # fmt: skip


def _panel(*, results: Results, layer: LayerInfo) -> Figure:
    """Return boxes of the named compounds, one at a time; of a layer without names, of its strongest features."""
    source = f"layers/{layer.name}.tsv"
    values = results.table(source).set_index("feature")
    named = _named_features(results=results, layer=layer, values=values)
    strength = _smallest_p(results=results, layer=layer.name)
    order = named.sort_values(
        "feature", key=lambda own: own.map(lambda name: (strength.get(name, 2.0), str(name))), kind="stable"
    )
    most = max(5, MAX_MARKS // max(1, len(values.columns)))
    drawn = order.head(most)
    labels = dict(zip(drawn["feature"], unique_labels(rows=drawn.reset_index(drop=True)), strict=True))
    long = values.loc[drawn["feature"]].rename_axis("feature").reset_index()
    long = long.melt(id_vars="feature", var_name="sample_id", value_name="value")
    long["name"] = long["feature"].map(labels)
    rows = by_patient(results=results, values=long[["sample_id", "name", "value"]])
    first = {name: place for place, name in enumerate(labels.values())}
    rows = rows.sort_values("name", key=lambda own: own.map(first), kind="stable")
    what = "compounds of the panel" if layer.arm == "metabolome" and results.has(ANNOTATIONS) else "features"
    title = f"{layer.name.replace('_', ' ').capitalize()}: {what}, by response and timepoint"
    unit = header_value(results=results, source=source, start=f"layer {layer.name};") or ""
    chart = pairs_figure(
        rows=rows, title=title, axis=_axis(unit=unit), words="Compound", boxes=True,
        notes=[
            f"{len(drawn)} of {len(named)} {what} can be chosen, those with the smallest p in any contrast first.",
            "Box: median and quartiles; whiskers: smallest and largest; lines: patients. A picture, no test.",
        ],
    )  # fmt: skip
    return Figure(title=title, chart=chart, source=source)


def _axis(*, unit: str) -> str:
    """Return the title of the axis from the header of a layer: ``kind log_intensity; unit log2; features x ...``."""
    words = next((part.strip() for part in unit.split(";") if part.strip().startswith("unit ")), "unit not stated")
    return f"Value ({words.removeprefix('unit ')})"


def _named_features(*, results: Results, layer: LayerInfo, values: pd.DataFrame) -> pd.DataFrame:
    """Return feature and label of what can be chosen."""
    if layer.arm == "metabolome" and results.has(ANNOTATIONS):
        table = results.table(ANNOTATIONS)
        table = table[table["feature"].isin(values.index) & table["compound"].notna()]
        if len(table):
            return table[["feature", "label"]].reset_index(drop=True)
    known: dict[str, str] = {}
    for contrast in contrasts_of(results=results, layer=layer.name):
        rows = results.table(source_of(layer=layer.name, contrast=contrast)).dropna(subset=["feature", "label"])
        known |= dict(zip(rows["feature"], rows["label"], strict=True))
    return pd.DataFrame({"feature": values.index, "label": [known.get(name, name) for name in values.index]})


def _smallest_p(*, results: Results, layer: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for contrast in contrasts_of(results=results, layer=layer):
        rows = results.table(source_of(layer=layer, contrast=contrast)).dropna(subset=["feature", "p"])
        for feature, p in zip(rows["feature"], rows["p"], strict=True):
            found[feature] = min(p, found.get(feature, 1.0))
    return found


def _ratio_findings(*, results: Results) -> list[Markup]:
    about = results.table(ABOUT)
    measured = about[about["status"] == "ok"]
    said = []
    for ratio in measured["ratio"]:
        where: list[Condition] = [("ratio", "==", ratio)]
        said.append(sentence(
            "{ratio}: measured in {n} samples, from {top} over {bottom}. No test is declared for ratios; the table "
            "shows medians.",
            ratio=_ratio_words(ratio),
            n=cell(results=results, source=ABOUT, where=where, column="n_samples", style="integer"),
            top=_compounds(about, ratio, "numerator"), bottom=_compounds(about, ratio, "denominator"),
        ))  # fmt: skip
    left = about[about["status"] != "ok"]
    if len(left):
        said.append(sentence(
            "Not measured, {n} of {all} ratios: {ratios}. A ratio needs a compound on either side that is identified "
            "by more than its mass.",
            n=total(results=results, source=ABOUT, where=[("status", "!=", "ok")]),
            all=total(results=results, source=ABOUT), ratios=listed([_ratio_words(name) for name in left["ratio"]]),
        ))  # fmt: skip
    return said


def _compounds(about: pd.DataFrame, ratio: str, side: str) -> str:
    return ", ".join(str(about.set_index("ratio").at[ratio, side]).split(";"))


def _ratio_words(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _ratio_blocks(*, results: Results) -> list[Figure | Table]:
    values = results.table(RATIOS)
    about = results.table(ABOUT)
    long = values.melt(id_vars="ratio", var_name="sample_id", value_name="value")
    long["value"] = pd.to_numeric(long["value"], errors="coerce")
    long["name"] = long["ratio"].map(_ratio_words)
    rows = by_patient(results=results, values=long[["sample_id", "name", "value"]])
    blocks: list[Figure | Table] = []
    if len(rows):
        title = "Ratios of metabolites, by response and timepoint"
        chart = pairs_figure(
            rows=rows, title=title, axis="Ratio (log2; of intensities: up to a constant)", words="Ratio", boxes=True,
            notes=["Box: median and quartiles; whiskers: smallest and largest; lines: patients. A picture, no test."],
        )  # fmt: skip
        blocks.append(Figure(title=title, chart=chart, source=RATIOS))
        medians = group_table(rows=rows, what="Ratio (log2)")
        blocks.append(Table(title="Ratios: medians by response and timepoint", rows=medians, source=RATIOS))
    shown = about.assign(ratio=about["ratio"].map(_ratio_words)).reindex(columns=list(RATIO_HEADS))
    blocks.append(Table(title="What each ratio is made of", rows=shown.rename(columns=RATIO_HEADS), source=ABOUT))
    return blocks


def _enrichment(*, results: Results) -> tuple[list[Markup], list[Table]]:
    """Return the pathways of metabolites: a sentence for each contrast, and one table."""
    sources = {name: f"metabolome/enrichment/{name}.tsv" for name in results.settings["contrasts"]}
    sources = {name: path for name, path in sources.items() if results.has(path)}
    said, parts = [], []
    fdr = float(results.settings["fdr"])
    for contrast, source in sources.items():
        table = results.table(source)
        start = sentence(
            "Pathways of metabolites, {contrast} (exploratory)", contrast=contrast_words(contrast=contrast)
        )
        if not table["p"].notna().any():
            reasons = sorted(set(table["reason"].dropna().astype(str)))
            why = "; ".join(reasons) or "no pathway has enough measured compounds"
            said.append(sentence("{start}: not tested: {why}.", start=start, why=why))
            continue
        parts.append(table.dropna(subset=["p"]).sort_values(["p", "pathway"]).head(ENRICHMENT_ROWS // len(sources)))
        if role_of(results=results, contrast=contrast) == "primary":
            said.append(sentence(
                "{start}: {passed} of {tested} tests pass q &lt; {fdr}.", start=start, fdr=f"{fdr:g}",
                passed=total(results=results, source=source, where=[("q", "<", fdr)]),
                tested=total(results=results, source=source, where=[("p", "known", None)]),
            ))  # fmt: skip
    if not parts:
        return said, []
    rows = pd.concat(parts, ignore_index=True).reindex(columns=list(ENRICHMENT_HEADS))
    rows["contrast"] = [contrast_words(contrast=contrast) for contrast in rows["contrast"]]
    rows["method"] = rows["method"].str.replace("_", " ")
    source = next(iter(sources.values()))
    heads = rounded(rows=rows).rename(columns=ENRICHMENT_HEADS)
    title = "Pathways of metabolites (Reactome): exploratory, compounds of a pathway are correlated"
    return said, [Table(title=title, rows=heads, source=source, filters=("Contrast", "Test"))]


PLASMA: tuple[Item, ...] = (
    Item(key="F10", title="Metabolites, the panel and its ratios", section="plasma", build=metabolites_item),
)

"""What changed in blood (F11) and tumour (F12): map of the cells, composition, programs, genes."""

from functools import partial
from typing import Any

import numpy as np
from markupsafe import Markup

from gutaxis.report.charts import MAX_MARKS
from gutaxis.report.differential import (
    COMPARED,
    contrast_words,
    contrasts_of,
    counted,
    effect,
    features_table,
    findings,
    label_of,
    role_of,
    source_of,
    unit_of,
)
from gutaxis.report.drawn import taken_over
from gutaxis.report.effects import effects_figure
from gutaxis.report.items import Absent, Content, Figure, Item, Table
from gutaxis.report.numbers import Condition, cell, chosen, sentence, total
from gutaxis.report.sources import Results

#: Tissue -> its name in words, material of the sample sheets, features that are always said if they are there.
TISSUES = {
    "blood": ("Blood", "PBMC", {"blood_cells": ("treg", "cd8_effector_memory"), "blood_programs": ("ifn_response",)}),
    "tumor": (
        "Tumour", "TUMOR",
        {"tumor_cells": ("treg", "cd8_exhausted"), "tumor_programs": ("tls", "exhaustion")},
    ),
}  # fmt: skip
#: Part of a layer's name -> words.
PARTS = {"cells": "cell types", "programs": "programs of genes", "expression": "genes of a cell type"}
#: Contrasts that say what changed.
OVER_TIME = ("change", "response_change")
QUALITY, OUTCOMES = "single_cell/quality.tsv", "clinical/sample_response.tsv"
FIGURES = {
    "map": "Map of the cells",
    "dynamics": "Cell types over time",
    "programs": "Programs over time",
    "markers": "Markers of the cell types",
    "quality": "Quality of the cells",
}
GENES, FEATURES = 100, 200


def cells_item(results: Results, *, tissue: str) -> Content | Absent:
    """F11, F12: cells of a tissue, what its composition and programs do, the strongest genes."""
    name, _, named = TISSUES[tissue]
    order = [f"{tissue}_{part}" for part in PARTS]
    layers = [layer.name for layer in results.in_room(tissue) if contrasts_of(results=results, layer=layer.name)]
    layers.sort(key=lambda layer: (order.index(layer) if layer in order else len(order), layer))
    pages = {key: f"single_cell/{tissue}/figures/{key}.html" for key in FIGURES}
    if not layers and not any(results.has(page) for page in pages.values()):
        return Absent(why=results.why(pages["map"]), mend=f"Give single-cell samples of the {name.lower()}.")
    said, notes = [], _cells_counted(results=results, tissue=tissue)
    figures: dict[str, list[Figure | Table]] = {}
    for key, title in FIGURES.items():
        change = _thinner_map if key == "map" else None
        made = taken_over(results=results, source=pages[key], title=f"{name}: {title.lower()}", change=change)
        figures[key] = [*made.figures]
        notes += made.said
    tests: list[Figure | Table] = []
    for layer in layers:
        words = f"{name}, {PARTS.get(layer.removeprefix(f'{tissue}_'), layer)}"
        said += findings(results=results, layer=layer, name=words)
        said += _named(results=results, layer=layer, names=named.get(layer, ()))
        part = sentence("{words}: ", words=words)
        notes += [part + line for line in counted(results=results, layer=layer)]
        if results.layers[layer].kind == "counts":
            # a volcano of every gene in every cell type is too much for a page
            tests.append(features_table(results=results, layer=layer, name=words, rows=GENES))
            continue
        if any(_tested(results=results, layer=layer)):
            tests.append(effects_figure(results=results, layer=layer, name=words))
        tests.append(features_table(results=results, layer=layer, name=words, rows=FEATURES))
    if not layers:
        said.append(sentence("No contrast of this tissue was tested."))
    blocks = [
        *figures["map"],
        *figures["dynamics"],
        *figures["programs"],
        *tests,
        *figures["markers"],
        *figures["quality"],
    ]
    return Content(findings=said, counted=notes, blocks=blocks)


def _tested(*, results: Results, layer: str) -> list[bool]:
    """Return for each contrast of a layer whether a feature could be tested."""
    sources = [source_of(layer=layer, contrast=name) for name in contrasts_of(results=results, layer=layer)]
    return [bool(results.table(source)["p"].notna().any()) for source in sources]


def _named(*, results: Results, layer: str, names: tuple[str, ...]) -> list[Markup]:
    """Return what the features that were named beforehand do over time."""
    said = []
    for contrast in contrasts_of(results=results, layer=layer):
        if contrast not in OVER_TIME:
            continue
        source = source_of(layer=layer, contrast=contrast)
        table = results.table(source)
        _, above, below = COMPARED[contrast]
        for feature in names:
            where: list[Condition] = [("feature", "==", feature)]
            rows = chosen(table=table, where=where)
            if len(rows) != 1 or rows["p"].isna().any():
                continue
            row = rows.iloc[0]
            said.append(
                sentence(
                    "{label}, {contrast} ({role}): {direction}, {effect}, in {unit}; {n} patients.",
                    label=label_of(row=row), contrast=contrast_words(contrast=contrast),
                    role=role_of(results=results, contrast=contrast), unit=unit_of(results=results, source=source),
                    direction=above if row["estimate"] > 0 else below,
                    effect=effect(results=results, source=source, where=where),
                    n=cell(results=results, source=source, where=where, column="n", style="integer"),
                )
            )  # fmt: skip
    return said


def _cells_counted(*, results: Results, tissue: str) -> list[Markup]:
    """Return how many cells of how many samples there are, and which samples are excluded and why."""
    if not results.has(QUALITY, OUTCOMES):
        return []
    samples = results.table(OUTCOMES)
    own = samples[(samples["assay"] == "SCRNA") & (samples["material"] == TISSUES[tissue][1])]["sample_id"]
    quality = results.table(QUALITY)
    rows = quality[quality["sample_id"].isin(own)]
    if rows.empty:
        return []
    here: list[Condition] = [("sample_id", "in", sorted(rows["sample_id"]))]
    said = [
        sentence(
            "Samples: {samples}, patients: {patients}; {kept} of {all} barcodes are kept as cells. Samples excluded as "
            "a whole: {out}.",
            samples=total(results=results, source=QUALITY, where=here),
            patients=total(results=results, source=OUTCOMES, where=here, what="distinct", column="patient_id"),
            kept=total(results=results, source=QUALITY, where=here, what="sum", column="n_kept"),
            all=total(results=results, source=QUALITY, where=here, what="sum", column="n_barcodes"),
            out=total(results=results, source=QUALITY, where=[*here, ("status", "!=", "ok")]),
        )
    ]  # fmt: skip
    excluded = rows[rows["status"] != "ok"]
    return said + [
        sentence("Excluded: {sample}, {why}.", sample=row.sample_id, why=str(row.reason))
        for row in excluded.itertuples()
    ]


def _thinner_map(spec: dict[str, Any]) -> Markup | None:
    """Leave so many cells on the map as the page can hold, each label and sample in its share; says so on the map."""
    for name, rows in spec["datasets"].items():
        if len(rows) <= MAX_MARKS or set(rows[0]) != {"x", "y", "kind"}:
            continue
        order = sorted(range(len(rows)), key=lambda at: (rows[at]["kind"], at))
        places = np.unique(np.linspace(0, len(rows) - 1, MAX_MARKS).round().astype(int))
        spec["datasets"][name] = [rows[order[place]] for place in places]
        note = (
            f"Here {len(places):,} of the {len(rows):,} cells are shown on the left, each label in its share; counts "
            "in the legend are of all."
        )
        title = spec["title"]
        title["subtitle"] = [*title.get("subtitle", []), note]
        return sentence("The map shows a part of the cells, each label in its share; its own page shows them all.")
    return None


CELLS: tuple[Item, ...] = (
    Item(key="F11", title="Immune subsets of the blood", section="cells", build=partial(cells_item, tissue="blood")),
    Item(
        key="F12", title="Cells of the tumour: map and composition", section="cells",
        build=partial(cells_item, tissue="tumor"),
    ),
)  # fmt: skip

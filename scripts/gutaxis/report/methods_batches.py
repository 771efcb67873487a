"""Methods text: what was learned from the reference batches alone. Nothing is said where nothing is frozen."""

from gutaxis.report.methods_facts import Facts, code, number

FROZEN = "frozen"
#: Part of config `batches` -> what was learned, and where later samples went.
PARTS = {
    "normalisation": (
        "the metabolite features, their filters, levels, dilution profile and imputation",
        "injections of later batches were aligned to the reference by the pooled controls of their own batch",
    ),
    "embedding": (
        "the variable genes, components, integration, clusters and labels of the cells",
        "cells of later batches were projected, evened out towards the reference's clusters [@kang_2021], and took the"
        " cluster of most of their nearest reference cells",
    ),
    "models": (
        "the prediction models",
        "patients of later batches entered no fold",
    ),
}


def frozen_batches(facts: Facts) -> list[str]:
    """Return a paragraph on frozen parts, or nothing: the run must have what is frozen."""
    section = facts.config.get("batches", {})
    there = {
        "normalisation": facts.arm("metabolome"),
        "embedding": facts.arm("single_cell"),
        "models": bool(facts.run["predicting"]),
    }
    parts = [PARTS[part] for part in PARTS if section.get(part) == FROZEN and there[part]]
    if not parts:
        return []
    names = sorted(section["reference"])
    learned, placed = [part[0] for part in parts], [part[1] for part in parts]
    return [
        f"{number(len(names), 'batch', 'batches').capitalize()} ({code(names)}) alone taught {'; '.join(learned)}."
        f" Of what came later, {'; '.join(placed)}. Differential abundance, diversity and integration used all samples."
    ]

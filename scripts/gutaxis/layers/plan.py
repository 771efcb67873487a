"""Which layers a run has and what each is made from: an arm's per-sample results, or a finished table of the config."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from gutaxis.cohort.model import Cohort
from gutaxis.cohort.parts import sample_parts

#: Layers the metagenome arm makes: name -> (source, file of one sample, rank, unit).
METAGENOME = {
    "taxa": ("metaphlan", "profiles/{sample}.tsv", "species", "percent"),
    "pathways": ("humann", "functions/{sample}_pathabundance.tsv", None, "rpk"),
    "genes": ("humann", "functions/{sample}_genefamilies.tsv", None, "rpk"),
}
#: Files the metabolome arm makes its layer from: values, state of every cell, names.
METABOLOME = ("normalised/values", "normalised/state", "annotation/annotations")
#: Tissues of the single-cell arm: name -> material of the sample sheets.
TISSUES = {"blood": "PBMC", "tumor": "TUMOR"}
#: Layers of each tissue: name -> (source, kind, unit).
CELLS = {
    "cells": ("cell_fractions", "compositional", "fraction"),
    "programs": ("cell_programs", "continuous", "score"),
    "expression": ("pseudobulk", "counts", "count"),
}


@dataclass(frozen=True)
class LayerPlan:
    """One layer to be made.

    Parameters
    ----------
    name
        Layer name.
    arm
        ``metagenome``, ``metabolome`` or ``single_cell`` if the run makes its files itself, ``config`` if the user
        named finished ones.
    source
        Reader: see :data:`gutaxis.layers.assemble.SOURCES`.
    paths
        Files or folders it is read from.
    sample_prefix, sample_suffix, rank, orientation, kind, unit, missing
        As in config ``layers``.
    assay
        Assay whose samples may belong to the layer; None for all samples of the sheets.
    material
        Likewise their material; None for any.
    """

    name: str
    arm: str
    source: str
    paths: list[str]
    sample_prefix: str = ""
    sample_suffix: str = ""
    rank: str | None = None
    orientation: str = "samples_by_features"
    kind: str | None = "compositional"
    unit: str | None = None
    assay: str | None = None
    missing: str = "report"
    material: str | None = None


def plan_layers(*, config: dict[str, Any], cohort: Cohort) -> dict[str, LayerPlan]:
    """Return the layers of a run by name, sorted.

    Parameters
    ----------
    config
        Validated config.
    cohort
        The cohort: its stool samples with files make the metagenome layers.
    """
    layers: dict[str, LayerPlan] = {}
    samples = [name for name in cohort.sample_ids(assay="MGX", control=False) if cohort.files(sample_id=name)[0]]
    wanted = {"taxa": True, "pathways": config["metagenome"]["functions"], "genes": config["metagenome"]["genes"]}
    for name, (source, pattern, rank, unit) in METAGENOME.items():
        if samples and wanted[name]:
            paths = [f"{config['output']}/metagenome/{pattern.format(sample=sample)}" for sample in samples]
            layers[name] = LayerPlan(name, "metagenome", source, paths, rank=rank, unit=unit, assay="MGX")
    plasma = [name for name in cohort.sample_ids(assay="METAB", control=False) if any(cohort.files(sample_id=name))]
    if plasma or config["metabolome"]["tables"]:
        paths = [f"{config['output']}/metabolome/{name}.tsv" for name in METABOLOME]
        layers["metabolites"] = LayerPlan(
            "metabolites", "metabolome", "metabolome", paths, kind="log_intensity", unit="log2", assay="METAB"
        )
    for tissue, libraries in tissue_samples(cohort=cohort).items():
        parts = sample_parts(cohort=cohort, samples=libraries)
        folders = [f"{config['output']}/single_cell/{tissue}/summary/{part}" for part in parts]
        for what, (source, kind, unit) in CELLS.items():
            name = f"{tissue}_{what}"
            layers[name] = LayerPlan(
                name, "single_cell", source, folders, kind=kind, unit=unit, assay="SCRNA", material=TISSUES[tissue]
            )
    for name, entry in config["layers"].items():
        paths = [entry["path"]] if isinstance(entry["path"], str) else list(entry["path"])
        fields = {
            key: entry[key]
            for key in ("sample_prefix", "sample_suffix", "rank", "orientation", "unit", "assay", "missing")
        }
        layers[name] = LayerPlan(
            name, "config", entry["source"], paths, **fields, kind=entry["kind"] or "compositional"
        )
    return dict(sorted(layers.items()))


def tissue_samples(*, cohort: Cohort) -> dict[str, list[str]]:
    """Return tissue -> single-cell samples of patients with a file, sound in the laboratory; no empty tissue."""
    libraries = [name for name in cohort.sample_ids(assay="SCRNA", control=False) if cohort.files(sample_id=name)[0]]
    found = {
        tissue: [name for name in libraries if cohort.samples.at[name, "material"] == material]
        for tissue, material in TISSUES.items()
    }
    return {tissue: names for tissue, names in found.items() if names}


def injection_table(*, cohort: Cohort) -> dict[str, list[Any]]:
    """Return what the metabolome arm may know of its samples, as plain columns: no outcome is among them.

    Returns
    -------
    dict
        sample_id, patient_id, timepoint, batch, control, run_order, group (the timepoint, or the kind of control);
        missing values are None. Every METAB sample that passed the laboratory.
    """
    rows = cohort.samples.loc[cohort.sample_ids(assay="METAB")]
    plain = {
        name: [None if pd.isna(value) else value for value in rows[name]]
        for name in ("patient_id", "timepoint", "batch", "control", "run_order")
    }
    group = [
        point if control == "N" else control
        for point, control in zip(plain["timepoint"], plain["control"], strict=True)
    ]
    return {"sample_id": list(rows.index), **plain, "group": group}

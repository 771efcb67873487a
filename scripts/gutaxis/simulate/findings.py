"""Planted effects against the findings of the differential analysis: what was found, which way, and what else was."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from gutaxis.files import write_tsv
from gutaxis.metabolome.reading import read_commented
from gutaxis.simulate.cells_catalogue import LINEAGES
from gutaxis.simulate.metabolome_matching import match_features

COLUMNS = [
    "layer",
    "contrast",
    "name",
    "planted",
    "feature",
    "estimate",
    "ci_low",
    "ci_high",
    "q",
    "found",
    "direction",
]
OTHERS = ["layer", "contrast", "tested", "found", "names"]


def planted_in(*, trial: Mapping[str, Any], layer: str, contrast: str) -> dict[str, float]:
    """Return name -> planted size (log2) of a layer's effects in a contrast; none for another layer."""
    effects = {"taxa": trial["effects"], "metabolites": trial.get("metabolome", {}).get("effects", {})}
    effects |= trial.get("cells", {}).get("effects", {})
    return dict(effects.get(layer, {}).get(contrast, {}))


def compounds_of(*, trial: Mapping[str, Any], features: Mapping[str, Path]) -> dict[str, str]:
    """Return feature -> compound of the truth whose ion it is, of all modes; other features are not among the keys.

    Parameters
    ----------
    trial
        The truth, with ``metabolome`` if there are any features.
    features
        Mode -> features of the metabolome (mz, rt).
    """
    ions: dict[str, str] = {}
    for mode, path in sorted(features.items()):
        table = read_commented(path=path).set_index("feature").rename_axis(None)
        ions |= match_features(truth=dict(trial), mode=mode, features=table)["compound"].dropna().to_dict()
    return ions


def truth_name(*, layer: str, feature: str, ions: Mapping[str, str]) -> str | None:
    """Return a feature's name in the truth: the species, the compound whose ion it is (or None), or itself.

    Parameters
    ----------
    layer
        ``taxa``, ``metabolites``, or a single-cell layer, whose features are named as in the truth.
    feature
        As in the layer.
    ions
        From :func:`compounds_of`.
    """
    if layer == "taxa":
        return feature.rsplit("|", maxsplit=1)[-1].removeprefix("s__")
    return feature if layer.startswith(("blood_", "tumor_")) else ions.get(feature)


def driven(*, trial: Mapping[str, Any], layer: str, contrast: str) -> set[str]:
    """Return the labels of a layer that change in a contrast with a compound they follow, or with what drives it.

    Parameters
    ----------
    trial
        The truth.
    layer
        ``blood_cells``, ``tumor_cells``; none for another.
    contrast
        In which the compound, or a species that it follows, has a planted effect.
    """
    plasma = trial.get("metabolome", {})
    moved = set(planted_in(trial=trial, layer="metabolites", contrast=contrast))
    species = planted_in(trial=trial, layer="taxa", contrast=contrast)
    moved |= {link["compound"] for link in plasma.get("links", []) if link["species"] in species}
    links = trial.get("cells", {}).get("links", [])
    return {link["label"] for link in links if layer == f"{link['tissue']}_cells" and link["compound"] in moved}


def explained(
    *, trial: Mapping[str, Any], layer: str, contrast: str, names: Iterable[str], programs: pd.DataFrame | None
) -> set[str]:
    """Return the names that change with something planted elsewhere: they are no false findings.

    A compound that follows a species changes with it, and a label that follows a compound with that (:func:`driven`). A
    programme is a mean over the cells of its scope: it changes with a planted gene of its own in one of these labels,
    and with a shift of one of them. A name that the
    table of programmes does not hold is a ratio, and changes with a shift of a label that begins with one of its words
    (``treg_cd8_log2_ratio``: treg, cd8_exhausted).

    Parameters
    ----------
    trial
        The truth.
    layer, contrast
        Of the results.
    names
        What was tested.
    programs
        Columns program, gene and scope (labels or lineages joined by ``;``, or ``all``); None: no programme is known.

    Returns
    -------
    set of str
        Some of ``names``.
    """
    if layer == "metabolites":
        return {link["compound"] for link in trial.get("metabolome", {}).get("links", [])} & set(names)
    tissue, _, kind = layer.partition("_")
    if kind not in ("cells", "programs"):
        return set()
    follow = driven(trial=trial, layer=f"{tissue}_cells", contrast=contrast)
    if kind == "cells":
        return follow & set(names)
    shifted = {*planted_in(trial=trial, layer=f"{tissue}_cells", contrast=contrast), *follow}
    changed = planted_in(trial=trial, layer=f"{tissue}_expression", contrast=contrast)
    pairs = {tuple(name.split("|")) for name in changed}
    found = set()
    for name in names:
        own = programs[programs["program"] == name] if programs is not None else pd.DataFrame()
        if own.empty:
            hit = any(label.startswith(tuple(str(name).split("_"))) for label in shifted)
        else:
            scope, genes = set(";".join(own["scope"]).split(";")), set(own["gene"])
            inside = {label for label, lineage in LINEAGES.items() if scope & {"all", label, lineage}}
            hit = bool(inside & shifted) or any(label in inside and gene in genes for label, gene in pairs)
        if hit:
            found.add(name)
    return found


def measure_findings(
    *, truth: Path, results: Mapping[tuple[str, str], Path], features: Mapping[str, Path], fdr: float, planted: Path,
    others: Path, programs: Path | None = None,
) -> None:  # fmt: skip
    """Compare the findings of a finished simulated run with its truth.

    Parameters
    ----------
    truth
        The trial's ``truth.json``.
    results
        (layer, contrast) -> differential table.
    features
        Mode -> features of the metabolome (mz, rt), to know which compound a feature is.
    fdr
        A finding has q below this.
    planted
        Table to write, ``COLUMNS``: one row per planted effect; of several ions of a compound the one with the least q.
        ``direction``: right or wrong; a planted effect that was not tested has no estimate.
    others
        Table to write, ``OTHERS``: features that nothing planted explains (see :func:`explained`), how many of them
        were tested and found. In a composition these are the labels without a planted shift: what moves only because
        others moved is a false finding.
    programs
        ``resources/markers/programs.tsv`` or a table like it, if the run has programme layers.
    """
    trial = json.loads(truth.read_text())
    ions = compounds_of(trial=trial, features=features)
    scopes = None if programs is None else pd.read_csv(programs, sep="\t", comment="#")
    rows, rest = [], []
    for (layer, contrast), path in sorted(results.items()):
        table = read_commented(path=path)
        names = [truth_name(layer=layer, feature=feature, ions=ions) for feature in table["feature"]]
        table = table.assign(name=pd.Series(names, index=table.index, dtype=object)).sort_values(["q", "feature"])
        effects = planted_in(trial=trial, layer=layer, contrast=contrast)
        for name, size in effects.items():
            best = table[table["name"] == name].head(1)
            row = {"layer": layer, "contrast": contrast, "name": name, "planted": size}
            for result in best.to_dict("records"):
                row |= {key: result[key] for key in ("feature", "estimate", "ci_low", "ci_high", "q")}
                row["direction"] = "right" if result["estimate"] * size > 0 else "wrong"
            row["found"] = "yes" if row.get("q", 1.0) < fdr else "no"
            rows.append(row)
        names = table["name"].dropna().unique()
        follow = explained(trial=trial, layer=layer, contrast=contrast, names=names, programs=scopes)
        other = table[~table["name"].isin({*effects, *follow})]
        found = other[other["q"] < fdr]
        names = ", ".join(found["name"].fillna(found["feature"]).astype(str)) or "none"
        rest.append(dict(zip(OTHERS, [layer, contrast, int(other["p"].notna().sum()), len(found), names], strict=True)))
    write_tsv(pd.DataFrame(rows, columns=COLUMNS), planted, digits=4)
    write_tsv(pd.DataFrame(rest, columns=OTHERS), others)

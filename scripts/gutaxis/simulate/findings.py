"""Planted effects against the findings of the differential analysis: what was found, which way, and what else was."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from gutaxis.files import write_tsv
from gutaxis.metabolome.reading import read_commented
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
    return dict(effects.get(layer, {}).get(contrast, {}))


def named_results(*, results: pd.DataFrame, layer: str, ions: Mapping[str, str]) -> pd.DataFrame:
    """Return the results with the column ``name``: the species, or the compound whose ion a feature is.

    Parameters
    ----------
    results
        A result table.
    layer
        ``taxa`` or ``metabolites``.
    ions
        Feature -> compound of the truth.
    """
    if layer == "taxa":
        return results.assign(name=results["feature"].str.split("|").str[-1].str.removeprefix("s__"))
    return results.assign(name=results["feature"].map(ions))


def measure_findings(
    *, truth: Path, results: Mapping[tuple[str, str], Path], features: Mapping[str, Path], fdr: float, planted: Path,
    others: Path,
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
        Table to write, ``OTHERS``: features that no planted effect and no planted link explains, how many of them were
        tested and found.
    """
    trial = json.loads(truth.read_text())
    ions: dict[str, str] = {}
    for mode, path in sorted(features.items()):
        table = read_commented(path=path).set_index("feature").rename_axis(None)
        ions |= match_features(truth=trial, mode=mode, features=table)["compound"].dropna().to_dict()
    # a compound that follows a species changes with it, and is no false finding
    linked = {link["compound"] for link in trial.get("metabolome", {}).get("links", [])}
    rows, rest = [], []
    for (layer, contrast), path in sorted(results.items()):
        table = read_commented(path=path)
        table = named_results(results=table, layer=layer, ions=ions).sort_values(["q", "feature"])
        effects = planted_in(trial=trial, layer=layer, contrast=contrast)
        for name, size in effects.items():
            best = table[table["name"] == name].head(1)
            row = {"layer": layer, "contrast": contrast, "name": name, "planted": size}
            for result in best.to_dict("records"):
                row |= {key: result[key] for key in ("feature", "estimate", "ci_low", "ci_high", "q")}
                row["direction"] = "right" if result["estimate"] * size > 0 else "wrong"
            row["found"] = "yes" if row.get("q", 1.0) < fdr else "no"
            rows.append(row)
        other = table[~table["name"].isin({*effects, *linked})]
        found = other[other["q"] < fdr]
        names = ", ".join(found["name"].fillna(found["feature"]).astype(str)) or "none"
        rest.append(dict(zip(OTHERS, [layer, contrast, int(other["p"].notna().sum()), len(found), names], strict=True)))
    write_tsv(pd.DataFrame(rows, columns=COLUMNS), planted, digits=4)
    write_tsv(pd.DataFrame(rest, columns=OTHERS), others)

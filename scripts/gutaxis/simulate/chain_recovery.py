"""Planted pairs of two layers and planted chains against the tables of the integration: rank, q, direction."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gutaxis.files import write_tsv
from gutaxis.integrate.mediation import SUBSET
from gutaxis.metabolome.reading import read_commented
from gutaxis.simulate.findings import compounds_of, truth_name

PAIRS = [
    "state", "layer_a", "name_a", "layer_b", "name_b", "slope", "feature_a", "feature_b", "n", "rho", "p", "q",
    "p_pair", "q_declared", "declared_pairs", "found", "direction",
]  # fmt: skip
CHAINS = [
    "state", "species", "compound", "subset", "x", "m", "y", "rank", "listed", "a", "b", "indirect", "ci_low",
    "ci_high", "p_joint", "q", "reverse_p", "n", "direction",
]  # fmt: skip


def planted_pairs(*, trial: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the planted pairs of two layers: layer_a, name_a, layer_b, name_b and slope, layers in alphabetical order.

    Parameters
    ----------
    trial
        The truth; a compound follows a species (``metabolome``), a cell type a compound (``cells``).
    """
    arms = [trial.get(arm, {}).get("links", []) for arm in ("metabolome", "cells")]
    pairs = [("metabolites", link["compound"], "taxa", link["species"], link["slope"]) for link in arms[0]]
    pairs += [
        (f"{link['tissue']}_cells", link["label"], "metabolites", link["compound"], link["slope"]) for link in arms[1]
    ]
    return [dict(zip(("layer_a", "name_a", "layer_b", "name_b", "slope"), pair, strict=True)) for pair in pairs]


def score_pairs(
    *, trial: Mapping[str, Any], state: str, table: pd.DataFrame, ions: Mapping[str, str], fdr: float
) -> pd.DataFrame:  # fmt: skip
    """Return what the associations of one state say of each planted pair of two layers.

    Parameters
    ----------
    trial
        The truth.
    state
        Written into the rows.
    table
        Associations of the state.
    ions
        Feature of the metabolome -> compound.
    fdr
        A pair with q below it is found.

    Returns
    -------
    pandas.DataFrame
        ``PAIRS``, one row per planted pair. Of several ions of a compound, the pair with the least p. ``q`` is that of
        the table, over all pairs of the two layers; ``q_declared`` that over those that the config declares, their
        number ``declared_pairs``. ``found``: all (by q), declared (by q_declared alone), no; a pair that is not in the
        table has no numbers.
    """
    rows = []
    for pair in planted_pairs(trial=trial):
        layers = (pair["layer_a"], pair["layer_b"])
        here = table[(table["layer_a"] == layers[0]) & (table["layer_b"] == layers[1])]
        names = [
            here[column].map(lambda feature, layer=layer: truth_name(layer=layer, feature=feature, ions=ions))
            for column, layer in zip(("feature_a", "feature_b"), layers, strict=True)
        ]
        mine = here[(names[0] == pair["name_a"]) & (names[1] == pair["name_b"])]
        declared = int(here["q_declared"].notna().sum())
        row: dict[str, Any] = {"state": state, **pair, "declared_pairs": declared, "found": "no"}
        for best in mine.sort_values(["p", "feature_a", "feature_b"]).head(1).to_dict("records"):
            row |= {name: best[name] for name in PAIRS if name in best and name not in row}
            row["direction"] = "right" if best["rho"] * pair["slope"] > 0 else "wrong"
            row["found"] = "all" if best["q"] < fdr else "declared" if best["q_declared"] < fdr else "no"
        rows.append(row)
    return pd.DataFrame(rows, columns=PAIRS)


def score_chains(*, trial: Mapping[str, Any], table: pd.DataFrame, ions: Mapping[str, str]) -> pd.DataFrame:
    """Return where each planted chain stands among the chains to a subset, in every state of the table.

    Parameters
    ----------
    trial
        The truth with ``cells``, whose ``chains`` name a feature of each of three layers.
    table
        ``integration/mediation.tsv``.
    ions
        Feature of the metabolome -> compound.

    Returns
    -------
    pandas.DataFrame
        ``CHAINS``, one row per state and planted chain; of several ions of a compound, the best rank. ``listed``:
        chains of the state in the table, which lists the best. A chain that is not among them has no rank.
    """
    ends = table[table["outcome"] == SUBSET]
    slopes = {(pair["name_a"], pair["name_b"]): pair["slope"] for pair in planted_pairs(trial=trial)}
    rows = []
    for state, here in ends.groupby("state", sort=False):
        for chain in trial.get("cells", {}).get("chains", []):
            immune = next(name for name in chain if name not in ("taxa", "metabolites"))
            layers = {"x": "taxa", "m": "metabolites", "y": immune}
            wanted = {place: chain[name] for place, name in layers.items()}
            fits = np.ones(len(here), dtype=bool)
            for place, name in wanted.items():
                layer = layers[place]
                named = [truth_name(layer=layer, feature=feature, ions=ions) == name for feature in here[place]]
                fits &= (here[f"{place}_layer"] == layer).to_numpy() & np.array(named)
            row = {"state": state, **dict(zip(("species", "compound", "subset"), wanted.values(), strict=True))}
            row["listed"] = len(here)
            for best in here[fits].sort_values("rank").head(1).to_dict("records"):
                row |= {name: best[name] for name in CHAINS if name in best and name not in row}
                planted = slopes[wanted["m"], wanted["x"]], slopes[wanted["y"], wanted["m"]]
                right = best["a"] * planted[0] > 0 and best["b"] * planted[1] > 0
                row["direction"] = "right" if right else "wrong"
            rows.append(row)
    return pd.DataFrame(rows, columns=CHAINS)


def measure_chains(
    *, truth: Path, associations: Mapping[str, Path], mediation: Path | None,
    features: Mapping[str, Path], fdr: float, pairs: Path, chains: Path,
) -> None:  # fmt: skip
    """Compare the integration of a finished simulated run with its truth.

    Parameters
    ----------
    truth
        The trial's ``truth.json``.
    associations
        State -> ``integration/associations/{state}.tsv``.
    mediation
        ``integration/mediation.tsv``; None: the run has none, and the table of chains has no row.
    features
        Mode -> features of the metabolome (mz, rt), to know which compound a feature is.
    fdr
        A pair is found with q below this.
    pairs, chains
        Tables to write: :func:`score_pairs` of every state, :func:`score_chains`.
    """
    trial = json.loads(truth.read_text())
    ions = compounds_of(trial=trial, features=features)
    found = pd.DataFrame(columns=["state", "outcome"]) if mediation is None else read_commented(path=mediation)
    scored = [
        score_pairs(trial=trial, state=state, table=read_commented(path=path), ions=ions, fdr=fdr)
        for state, path in associations.items()
    ]
    comment = (
        "planted pairs of two layers, the best ion of a compound; q: over all pairs of features of the two layers: "
        "with few patients in a cohort even rho = 1 may not pass, for rearranged patients give as large a statistic\n"
        "q_declared: over the declared_pairs pairs of features that the config declares\n"
        "found: all (q), declared (q_declared alone), no"
    )
    rows = [table for table in scored if len(table)]
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=PAIRS)
    write_tsv(table, pairs, digits=4, comment=comment)
    best = score_chains(trial=trial, table=found, ions=ions)
    write_tsv(best, chains, digits=4, comment="planted chains among the chains to a subset, by state; the best ion")

"""What other analyses say of a feature, each as columns by layer and feature: partners, models, modules, chains."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.files import comments_above

KEY = ["layer", "feature"]
#: Contrast -> which samples other analyses must have used to be about the same.
STATES = {
    "baseline": "baseline",
    "survival": "baseline",
    "post": "post",
    "change": "change",
    "response_change": "change",
}
#: Contrast -> outcome that a model must predict to support it; a change is not predicted by anything here.
OUTCOMES = {"baseline": "response", "survival": "pfs2"}
#: Largest p of a model against its shuffled runs.
BEYOND_CHANCE = 0.05
SCHEME = re.compile(r"scheme (\w+)")


def read_table(*, path: Path | str) -> pd.DataFrame:
    """Return a table of results, NA as missing, text columns as they are."""
    return pd.read_csv(path, sep="\t", comment="#", keep_default_na=False, na_values=["NA"], low_memory=False)


def read_differential(*, paths: Sequence[Path | str]) -> pd.DataFrame:
    """Return all tables of differential abundance as one, with the ``scheme`` of the design that their header names.

    Parameters
    ----------
    paths
        ``differential/{layer}/{contrast}.tsv``; a table that was refused has no rows and adds none.
    """
    made = []
    for path in sorted(map(str, paths)):
        table = read_table(path=path)
        named = SCHEME.search("\n".join(comments_above(path=path)))
        table["scheme"] = named.group(1) if named else None
        if len(table):
            made.append(table)
    columns = ["layer", "contrast", "feature", "label", "n", "n_r", "n_nr", "estimate", "se", "ci_low", "ci_high",
               "p", "q", "method", "role", "agreement", "reason", "scheme"]  # fmt: skip
    if not made:
        return pd.DataFrame(columns=columns)
    whole = pd.concat(made, ignore_index=True)
    for name in ("layer", "contrast", "feature"):
        whole[name] = whole[name].astype(str)
    return whole.reindex(columns=columns).sort_values(["layer", "contrast", "feature"], ignore_index=True)


def partners(*, table: pd.DataFrame, fdr: float) -> pd.DataFrame:
    """Return both directions of the associations that stand out.

    Parameters
    ----------
    table
        ``integration/associations``: layer_a, feature_a, label_a, layer_b, feature_b, label_b, rho, q, and q_study
        where all pairs of layers were counted together; that one decides then.
    fdr
        Level.

    Returns
    -------
    pandas.DataFrame
        layer, feature, other_layer, other, other_label, rho, q; best first for each feature.
    """
    q = table["q_study"] if "q_study" in table else table["q"]
    kept = table[pd.to_numeric(q, errors="coerce") < fdr]
    sides = []
    for one, two in (("a", "b"), ("b", "a")):
        side = pd.DataFrame(
            {
                "layer": kept[f"layer_{one}"], "feature": kept[f"feature_{one}"], "other_layer": kept[f"layer_{two}"],
                "other": kept[f"feature_{two}"], "other_label": kept[f"label_{two}"], "rho": kept["rho"],
                "q": q[kept.index],
            }
        )  # fmt: skip
        sides.append(side)
    both = pd.concat(sides, ignore_index=True).astype({"layer": str, "feature": str, "other_layer": str, "other": str})
    both = both.assign(size=-both["rho"].abs()).sort_values([*KEY, "q", "size", "other_layer", "other"])
    return both.drop(columns="size").reset_index(drop=True)


def top_partners(*, both: pd.DataFrame, discovered: set[tuple[str, str]], most: int = 3) -> pd.DataFrame:
    """Return the best partners of each feature in words.

    Parameters
    ----------
    both
        From :func:`partners`.
    discovered
        (layer, feature) of the discoveries.
    most
        Partners named.

    Returns
    -------
    pandas.DataFrame
        layer, feature, partners (text), support_partner (whether any partner is a discovery).
    """
    known = np.array([pair in discovered for pair in zip(both["other_layer"], both["other"], strict=True)], dtype=bool)
    words = [
        f"{row.other_layer}: {row.other_label} (rho {row.rho:.2f}, q {row.q:.2g})" for row in both.itertuples()
    ]  # fmt: skip
    table = both[KEY].assign(words=words, support_partner=known)
    grouped = table.groupby(KEY, sort=True)
    named = grouped["words"].agg(lambda each: "; ".join(each.iloc[:most])).rename("partners")
    return pd.concat([named, grouped["support_partner"].any()], axis=1).reset_index()


def selection(*, importance: pd.DataFrame, performance: pd.DataFrame | None, outcome: str) -> pd.DataFrame:
    """Return how often models choose a feature.

    Parameters
    ----------
    importance
        ``prediction/importance``: model, layers, outcome, layer, feature, frequency.
    performance
        ``prediction/performance``: model, layers, outcome, scheme, p_null; None: no model is known to beat chance.
    outcome
        response or pfs2.

    Returns
    -------
    pandas.DataFrame
        layer, feature, selection_frequency, selection_model of the model that chooses it most often, and
        support_frequency: the largest among models with ``p_null`` below 0.05 (0 without any).
    """
    table = importance[importance["outcome"] == outcome].astype({"layer": str, "feature": str})
    good: set[tuple[str, str]] = set()
    if performance is not None:
        nested = performance[(performance["scheme"] == "nested_cv") & (performance["outcome"] == outcome)]
        beats = nested[pd.to_numeric(nested["p_null"], errors="coerce") < BEYOND_CHANCE]
        good = set(zip(beats["model"].astype(str), beats["layers"].astype(str), strict=True))
    names = list(zip(table["model"].astype(str), table["layers"].astype(str), strict=True))
    table = table.assign(
        selection_model=[f"{model} of {layers}" for model, layers in names],
        support_frequency=np.where([name in good for name in names], table["frequency"], 0.0),
    )
    best = table.sort_values([*KEY, "frequency", "selection_model"], ascending=[True, True, False, True])
    first = best.drop_duplicates(KEY).set_index(KEY)[["frequency", "selection_model"]]
    most = best.groupby(KEY)["support_frequency"].max()
    return first.join(most).rename(columns={"frequency": "selection_frequency"}).reset_index()


def module_members(*, modules: pd.DataFrame, tests: pd.DataFrame, state: str) -> pd.DataFrame:
    """Return the module of each feature: the one it is in most often.

    Parameters
    ----------
    modules, tests
        ``integration/modules`` (state, module, layer, feature, frequency) and its tests (state, module, p, q).
    state
        Of the contrast.

    Returns
    -------
    pandas.DataFrame
        layer, feature, module, module_frequency, module_q.
    """
    table = modules[modules["state"] == state] if "state" in modules else modules
    judged = tests[tests["state"] == state] if "state" in tests else tests
    table = table.merge(judged[["module", "q"]].drop_duplicates("module"), on="module", how="left")
    table = table.astype({"layer": str, "feature": str}).sort_values(
        [*KEY, "frequency", "module"], ascending=[True, True, False, True]
    )
    named = table.drop_duplicates(KEY)[[*KEY, "module", "frequency", "q"]]
    return named.rename(columns={"frequency": "module_frequency", "q": "module_q"}).reset_index(drop=True)


def best_chains(*, table: pd.DataFrame, state: str) -> pd.DataFrame:
    """Return the best chain that a feature is part of.

    Parameters
    ----------
    table
        ``integration/mediation``.
    state
        Of the contrast.

    Returns
    -------
    pandas.DataFrame
        layer, feature, chain (text), chain_rank, chain_q; exploratory.
    """
    rows = table[table["state"] == state]
    words = [
        f"{row.x_label} - {row.m_label} - {row.y_label}" + (" - response" if row.outcome == "response" else "")
        for row in rows.itertuples()
    ]
    sides = [
        pd.DataFrame({"layer": rows[f"{name}_layer"].astype(str), "feature": rows[name].astype(str), "chain": words,
                      "chain_rank": rows["rank"], "chain_q": rows["q"]})
        for name in ("x", "m", "y")
    ]  # fmt: skip
    every = pd.concat(sides, ignore_index=True).sort_values([*KEY, "chain_rank", "chain"])
    return every.drop_duplicates(KEY).reset_index(drop=True)


def by_state(*, paths: Mapping[str, Path | str] | None, state: str) -> pd.DataFrame | None:
    """Return the table of a state, or None where there is none."""
    return read_table(path=paths[state]) if paths and state in paths else None

"""Chains over the layers of one state: which are tested, and what is told of the best of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from gutaxis.integrate.association_ranks import adjustment
from gutaxis.integrate.blocks import Blocks
from gutaxis.integrate.mediation import (
    RESPONSE,
    SUBSET,
    Scan,
    bootstrap_interval,
    estimate_chains,
    filled,
    normal_scores,
    scan_chains,
)
from gutaxis.integrate.mediation_panel import PANEL_COLUMNS, choose_panel
from gutaxis.stats.results import adjust

COLUMNS = [
    "state", "x_layer", "x", "m_layer", "m", "y_layer", "y", "outcome", "a", "b", "c_prime", "indirect", "ci_low",
    "ci_high", "p_joint", "q", "rank", "reverse_p", "n", "n_r", "d", "p_a", "p_b", "p_d", "p_c_prime",
    "immune_first_p", "signs", "x_label", "m_label", "y_label", "role",
]  # fmt: skip
PLACES = ("species", "metabolites", "immune")
#: Layers of the chain, where the config names none.
CHAIN = {
    "species": ("taxa",),
    "metabolites": ("metabolites",),
    "immune": ("blood_cells", "blood_programs", "tumor_cells", "tumor_programs", "cytometry"),
}


@dataclass(frozen=True, kw_only=True)
class MediationSettings:
    """Choices of the analysis, as in the config.

    Parameters
    ----------
    prevalence
        As in the differential analysis.
    panel_size
        Most features of a layer.
    rows
        Most rows of the table for each state and outcome.
    bootstrap
        Resamples of patients.
    interval
        percentile or bias_corrected.
    min_patients
        Fewest patients with all three layers.
    min_responders
        Fewest responders, and fewest non-responders, for chains to the response.
    batch
        covariate, or ignore: whether the batch is the last covariate.
    """

    prevalence: float = 0.1
    panel_size: int = 20
    rows: int = 100
    bootstrap: int = 2000
    interval: str = "percentile"
    min_patients: int = 10
    min_responders: int = 6
    batch: str = "covariate"

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> "MediationSettings":
        """Return the settings of a config section; keys that belong to others are ignored."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in settings.items() if name in known})


@dataclass(frozen=True, kw_only=True)
class Mediation:
    """Chains of one state.

    Parameters
    ----------
    table
        :data:`COLUMNS`, best first within each outcome.
    panel
        ``PANEL_COLUMNS``.
    notes
        What was compared, and what could not be.
    """

    table: pd.DataFrame
    panel: pd.DataFrame
    notes: list[str]


def mediation(
    *, blocks: Blocks, covariates: Sequence[str], chain: Mapping[str, Sequence[str]],
    panel: Mapping[str, Sequence[str]], literature: pd.DataFrame | None, settings: MediationSettings, seed: int,
) -> Mediation:  # fmt: skip
    """Test the chains of one state.

    Parameters
    ----------
    blocks
        From :func:`gutaxis.integrate.blocks.read_blocks`.
    covariates
        To adjust for, beside the cohort; by falling importance.
    chain
        species, metabolites, immune -> names of layers.
    panel
        Layer -> declared features; layers that are not here follow the rule of ``choose_panel``.
    literature
        The panel of publications, or None.
    settings
        Choices.
    seed
        Of the bootstrap.

    Notes
    -----
    q is Benjamini-Hochberg over all chains of the state that end alike, over all combinations of layers; rank counts
    them by ``p_joint``. A permutation of patients is not needed: every arrow has a t distribution.
    """
    panels = {
        name: choose_panel(block=block, declared=panel.get(name), literature=literature, size=settings.panel_size)
        for name, block in blocks.blocks.items()
        if any(name in chain[place] for place in PLACES)
    }
    notes, tables = [], []
    for place in PLACES:
        absent = [name for name in chain[place] if name not in blocks.blocks]
        if len(absent) == len(chain[place]):
            notes.append(
                f"{blocks.state}: no chain, for there is no layer of {place}: {', '.join(absent) or 'none named'}"
            )
    triples = [triple for triple in product(*(chain[place] for place in PLACES)) if set(triple) <= set(panels)]
    for outcome in (SUBSET, RESPONSE):
        made = [
            _scan(
                blocks=blocks, triple=triple, panels=panels, covariates=covariates, outcome=outcome,
                settings=settings, notes=notes,
            )
            for triple in triples
        ]  # fmt: skip
        kept = [item for item in made if item is not None]
        tables.append(_table(made=kept, state=blocks.state, settings=settings, seed=seed, notes=notes, outcome=outcome))
    rows = [
        table.assign(state=blocks.state, place=next(place for place in PLACES if name in chain[place]), layer=name)
        for name, table in sorted(panels.items())
    ]
    listed = stacked(tables=rows, columns=PANEL_COLUMNS)[PANEL_COLUMNS]
    return Mediation(table=stacked(tables=tables, columns=COLUMNS), panel=listed, notes=notes)


def stacked(*, tables: Sequence[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """Return tables below each other; without any row, a table of the columns."""
    filled_in = [table for table in tables if len(table)]
    return pd.concat(filled_in, ignore_index=True) if filled_in else pd.DataFrame(columns=columns)


@dataclass(frozen=True, kw_only=True)
class _Scanned:
    """One combination of layers: values of the patients used, and the tests of all chains."""

    layers: tuple[str, str, str]
    x: pd.DataFrame
    m: pd.DataFrame
    y: pd.DataFrame
    labels: tuple[dict[str, str], ...]
    response: np.ndarray | None
    covariates: np.ndarray
    scan: Scan


def _scan(
    *, blocks: Blocks, triple: tuple[str, ...], panels: Mapping[str, pd.DataFrame], covariates: Sequence[str],
    outcome: str, settings: MediationSettings, notes: list[str],
) -> _Scanned | None:  # fmt: skip
    """Return the tests of one combination of layers, or None with a note that says why."""
    named = f"{blocks.state}, {' -> '.join(triple)} -> {outcome}"
    tables = [blocks.blocks[name].values[list(panels[name]["feature"])] for name in triple]
    if any(table.shape[1] == 0 for table in tables):
        notes.append(f"{named}: no chain, for a layer has none of the features declared")
        return None
    shared = sorted(set.intersection(*(set(table.index) for table in tables)))
    people = blocks.patients.loc[shared]
    if outcome == RESPONSE:
        people = people[people["response"].isin(["R", "NR"])]
    adjusted = adjustment(people=people, covariates=covariates, batch=settings.batch)
    patients = adjusted.patients
    n_r = int((people.loc[patients, "response"] == "R").sum())
    fewest = min(n_r, len(patients) - n_r)
    if len(patients) < settings.min_patients:
        notes.append(
            f"{named}: no chain, for {len(patients)} patients have all three; at least {settings.min_patients}"
        )
        return None
    if outcome == RESPONSE and fewest < settings.min_responders:
        notes.append(
            f"{named}: no chain, for {n_r} of {len(patients)} patients respond; at least {settings.min_responders} who "
            "do and as many who do not"
        )
        return None
    x, m, y = (table.loc[patients] for table in tables)
    response = (people.loc[patients, "response"] == "R").to_numpy(float) if outcome == RESPONSE else None
    columns = adjusted.columns[:, 1:]
    scan = scan_chains(
        x=x.to_numpy(float), m=m.to_numpy(float), y=y.to_numpy(float), response=response, covariates=columns
    )
    notes.append(
        f"{named}: {scan.p_joint.size} chains of {x.shape[1]} x {m.shape[1]} x {y.shape[1]} features; "
        f"{len(patients)} patients, {n_r} responders; adjusted for {', '.join(adjusted.used) or 'nothing'}"
        + (f"; not for {'; '.join(adjusted.left_out)}" if adjusted.left_out else "")
    )
    labels = tuple(dict(zip(panels[name]["feature"], panels[name]["label"], strict=True)) for name in triple)
    return _Scanned(
        layers=triple, x=x, m=m, y=y, labels=labels, response=response, covariates=columns, scan=scan
    )  # fmt: skip


def _table(
    *, made: list[_Scanned], state: str, settings: MediationSettings, seed: int, notes: list[str], outcome: str
) -> pd.DataFrame:
    """Return the best chains of one outcome, with estimates and intervals."""
    if not made:
        return pd.DataFrame(columns=COLUMNS)
    p = np.concatenate([item.scan.p_joint.ravel() for item in made])
    source = np.concatenate([np.full(item.scan.p_joint.size, at) for at, item in enumerate(made)])
    place = np.concatenate([np.arange(item.scan.p_joint.size) for item in made])
    q = adjust(p=p)
    order = np.lexsort((place, source, np.where(np.isfinite(p), p, np.inf)))
    order = order[np.isfinite(p[order])][: settings.rows]
    # the same draws for all chains of the same patients: what differs between chains is then no matter of luck
    draws: dict[int, np.ndarray] = {}
    rows = []
    for rank, at in enumerate(order, start=1):
        item = made[source[at]]
        row = _row(item, int(place[at]), settings, seed, draws)
        rows.append({**row, "state": state, "outcome": outcome, "q": q[at], "rank": rank, "role": "exploratory"})
    if len(p) > len(order):
        notes.append(f"{state}, chains to {outcome}: the best {len(order)} of {len(p)} are listed")
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(
    item: _Scanned, place: int, settings: MediationSettings, seed: int, draws: dict[int, np.ndarray]
) -> dict[str, Any]:
    """Return one chain: arrows, indirect part and its interval, and what other orders give."""
    i, j, k = np.unravel_index(place, item.scan.p_joint.shape)
    known = np.isfinite(item.m.to_numpy(float)[:, j])
    parts = [
        normal_scores(values=filled(values=table.to_numpy(float)[:, [at]])[known])[:, 0]
        for table, at in ((item.x, i), (item.m, j), (item.y, k))
    ]
    response = None if item.response is None else item.response[known]
    n = int(known.sum())
    if n not in draws:
        generator = np.random.default_rng([seed, n])
        draws[n] = generator.multinomial(n, np.full(n, 1 / n), size=settings.bootstrap).astype(float)
    given = {"x": parts[0], "m": parts[1], "y": parts[2], "response": response, "covariates": item.covariates[known]}
    whole = estimate_chains(**given)
    again = estimate_chains(**given, weights=draws[n])
    low, high = bootstrap_interval(
        estimate=float(whole.indirect[0]), samples=again.indirect, method=settings.interval
    )  # fmt: skip
    at = (i, j, k)
    arrows = [whole.a[0], whole.b[0], *([] if response is None else [whole.d[0]])]
    scan = item.scan
    return {
        "x_layer": item.layers[0], "x": item.x.columns[i], "x_label": item.labels[0][item.x.columns[i]],
        "m_layer": item.layers[1], "m": item.m.columns[j], "m_label": item.labels[1][item.m.columns[j]],
        "y_layer": item.layers[2], "y": item.y.columns[k], "y_label": item.labels[2][item.y.columns[k]],
        "a": whole.a[0], "b": whole.b[0], "d": np.nan if response is None else whole.d[0],
        "c_prime": whole.c_prime[0], "indirect": whole.indirect[0], "ci_low": low, "ci_high": high,
        "p_joint": scan.p_joint[at], "p_a": scan.p_a[at], "p_b": scan.p_b[at],
        "p_d": np.nan if response is None else scan.p_d[at], "p_c_prime": scan.p_c[at],
        "reverse_p": scan.p_reverse[at], "immune_first_p": scan.p_immune_first[at],
        "n": n, "n_r": np.nan if response is None else int(response.sum()),
        "signs": " ".join("+" if value > 0 else "-" for value in arrows),
    }  # fmt: skip

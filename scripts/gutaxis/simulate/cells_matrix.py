"""Cells of one simulated library and their counts, from the truth alone.

Counts are negative binomial: ``x ~ Poisson(m g)`` with ``m = depth x share of the gene`` and ``g ~ Gamma(6, 1/6)``, so
that a gene varies by 40 % between like cells. Shares follow from :mod:`gutaxis.simulate.cells_levels`, from how far a
cell has drifted towards a relative, and from its phase of the cell cycle. A few per cent of every cell's counts are the
mean of its library: what leaked from broken cells.
"""

from typing import Any

import numpy as np
import pandas as pd

from gutaxis.simulate.cells_catalogue import G2M_PHASE, LINEAGES, MITO, S_PHASE, TYPES, genes
from gutaxis.simulate.cells_levels import sample_levels
from gutaxis.simulate.cells_plan import STREAM

#: Shape of the gamma noise.
SHAPE = 6.0
#: Share of a cell's counts that are the library's mean.
AMBIENT = 0.04
#: States shade into each other: a cell is up to 30 % another type of its family (scaled beta distribution, mean 6 %).
DRIFT, DRIFT_MOST = (1.0, 4.0), 0.3
#: Standard deviation of log counts between cells of a type.
SD_DEPTH = 0.3
#: Mitochondrial share of the counts of living and dead cells: parameters of a beta distribution (means 0.045, 0.35).
MITO_ALIVE, MITO_DEAD = (9.0, 190.0), (14.0, 26.0)
#: Counts of a dead cell relative to a living one, and of two cells in a droplet relative to their sum.
DEPTH_DEAD, DEPTH_DOUBLET = 0.5, 0.85
#: log2 rise of the genes of a phase in a cycling cell.
PHASE_RISE = 2.5
_BASES = np.array(list("ACGT"))


def cell_truth(*, truth: dict[str, Any], sample_id: str) -> pd.DataFrame:
    """Return what each barcode of a library is.

    Parameters
    ----------
    truth
        The trial's truth with ``cells``.
    sample_id
        A library of it.

    Returns
    -------
    pandas.DataFrame
        cell (``{sample_id}_{barcode}``), barcode, label, label_2 (second cell of a doublet, else missing), doublet,
        dead (bool; never both), phase (of the first cell: G1, S, G2M); in the order of the file: sorted by barcode.

    Raises
    ------
    ValueError
        If the truth has no such library.
    """
    return _draw(truth=truth, sample_id=sample_id)[0].drop(columns=["towards", "drift"])


def cell_counts(*, truth: dict[str, Any], sample_id: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the cells of a library and their counts.

    Parameters
    ----------
    truth, sample_id
        As in :func:`cell_truth`.

    Returns
    -------
    tuple
        Cells as :func:`cell_truth` and counts: int32, shape (n cells, n genes), genes in the order of
        :func:`gutaxis.simulate.cells_catalogue.genes`.

    Raises
    ------
    ValueError
        If the truth has no such library.
    """
    cells, rng = _draw(truth=truth, sample_id=sample_id)
    plan = truth["cells"]["samples"][sample_id]
    labels, names = truth["cells"]["types"][plan["tissue"]], genes()
    levels = sample_levels(truth=truth, sample_id=sample_id)
    double, dead = cells["doublet"].to_numpy(), cells["dead"].to_numpy()
    shares = _shares(cells=cells, levels=levels, labels=labels)
    depth = plan["depth"] * np.array([TYPES[label].depth for label in cells["label"]])
    if double.any():
        seconds = cells["label_2"][double]
        other = plan["depth"] * np.array([TYPES[label].depth for label in seconds])
        pure = _scaled(np.exp2(levels[[labels.index(label) for label in seconds]]))
        weight = (depth[double] / (depth[double] + other))[:, None]
        shares[double] = weight * shares[double] + (1 - weight) * pure
        depth[double] = DEPTH_DOUBLET * (depth[double] + other)
    depth *= np.where(dead, DEPTH_DEAD, 1.0) * rng.lognormal(-(SD_DEPTH**2) / 2, SD_DEPTH, len(cells))
    mito = np.isin(names, MITO.split())
    wanted = np.where(dead, rng.beta(*MITO_DEAD, len(cells)), rng.beta(*MITO_ALIVE, len(cells)))
    shares[:, mito] = wanted[:, None] * _scaled(shares[:, mito])
    shares[:, ~mito] = (1 - wanted)[:, None] * _scaled(shares[:, ~mito])
    shares = (1 - AMBIENT) * shares + AMBIENT * np.average(shares, axis=0, weights=depth)
    noise = rng.gamma(SHAPE, 1 / SHAPE, shares.shape)
    counts = rng.poisson(shares * depth[:, None] * noise).astype(np.int32)
    return cells.drop(columns=["towards", "drift"]), counts


def _draw(*, truth: dict[str, Any], sample_id: str) -> tuple[pd.DataFrame, np.random.Generator]:
    """Draw the cells of a library; the generator goes on with their counts."""
    if sample_id not in truth.get("cells", {}).get("samples", {}):
        raise ValueError(f"the simulated trial has no single-cell library {sample_id!r}")
    plan = truth["cells"]["samples"][sample_id]
    labels = truth["cells"]["types"][plan["tissue"]]
    rng = np.random.default_rng([STREAM, truth["seed"], 3, plan["seed"]])
    # the truth rounds its shares, and numpy wants an exact sum
    n, shares = plan["cells"], np.array(plan["shares"]) / np.sum(plan["shares"])
    barcodes: dict[str, None] = {}
    while len(barcodes) < n:
        barcodes["".join(_BASES[rng.integers(0, 4, 16)]) + "-1"] = None
    first, second = (np.array(labels, dtype=object)[rng.choice(len(labels), n, p=shares)] for _ in range(2))
    doublet = rng.random(n) < plan["doublet_rate"]
    dead = ~doublet & (rng.random(n) < plan["dead_rate"] / (1 - plan["doublet_rate"]))
    cycling = rng.random(n) < np.array([TYPES[label].cycling for label in first])
    phase = np.where(cycling, np.where(rng.random(n) < 0.5, "S", "G2M"), "G1")
    drift, direction = DRIFT_MOST * rng.beta(*DRIFT, n), rng.random(n)
    return pd.DataFrame(
        {
            "cell": [f"{sample_id}_{barcode}" for barcode in sorted(barcodes)],
            "barcode": sorted(barcodes),
            "label": first,
            "label_2": np.where(doublet, second, None),
            "doublet": doublet,
            "dead": dead,
            "phase": phase,
            "towards": [_relative(label, labels, place) for label, place in zip(first, direction, strict=True)],
            "drift": drift,
        }
    ), rng


def _relative(label: str, labels: list[str], place: float) -> str:
    """Return the type towards which a cell drifts, one of its lineage; an NK cell, as any type alone, stays itself."""
    family = [other for other in labels if LINEAGES[other] == LINEAGES[label] and "nk" not in (other, label)] or [label]
    return family[int(place * len(family))]


def _shares(*, cells: pd.DataFrame, levels: np.ndarray, labels: list[str]) -> np.ndarray:
    """Return the expected share of each gene in the (first) cell of each barcode; rows sum to 1."""
    drift = cells["drift"].to_numpy()[:, None]
    own, towards = (np.exp2(levels[[labels.index(label) for label in cells[key]]]) for key in ("label", "towards"))
    linear = (1 - drift) * own + drift * towards
    names = genes()
    for phase, text in (("S", S_PHASE), ("G2M", G2M_PHASE)):
        members = set(text.split())
        rise = np.array([PHASE_RISE if name in members else 0.0 for name in names])
        linear[(cells["phase"] == phase).to_numpy()] *= np.exp2(rise)
    return _scaled(linear)


def _scaled(values: np.ndarray) -> np.ndarray:
    return values / values.sum(axis=1, keepdims=True)

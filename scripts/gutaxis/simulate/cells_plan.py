"""Plan of the simulated single-cell libraries: who gave which tissue when, proportions, doublets, dead cells, markers.

Everything is drawn from streams of its own, so that the other arms of the same truth keep their bytes. What is read of
another arm is the level of the compounds that a cell type follows. Cells are not listed: they follow from the seed of
their sample (gutaxis/simulate/cells_matrix.py).
"""

from typing import Any

import numpy as np

from gutaxis.simulate.cells_catalogue import EFFECTS, LINKS, SETS, SHARES
from gutaxis.simulate.clinical import patients_sheet
from gutaxis.simulate.metabolome_plan import plasma_id

#: First number of every random stream of this arm, so that no stream of another arm is the same.
STREAM = 6_010
TIMEPOINTS = ("PRE", "POST")
#: Between-patient and within-patient standard deviation of the log2 abundance of a type; smaller where it follows a
#: compound, as that of a compound is where it follows a species.
SD_PATIENT, SD_SAMPLE = 0.35, 0.12
SD_PATIENT_LINKED, SD_SAMPLE_LINKED = 0.05, 0.05
#: Mean share of droplets with two cells, and of dead cells.
DOUBLET_RATE, DEAD_RATE = 0.06, 0.05
#: Mean number of counts of a T cell.
DEPTH = 2_000
#: Share of the genes of each set that its types do not express after all; sets of fewer genes lose none.
DROPPED, SMALLEST_SET = 0.25, 4
FEWEST_CELLS = 20


def cell_sample_id(*, patient_id: str, timepoint: str, tissue: str) -> str:
    """Return the id of a single-cell library, for example ``P01_PRE_BLOOD``."""
    return f"{patient_id}_{timepoint}_{tissue.upper()}"


def plan_cells(*, truth: dict[str, Any], cells: int = 400) -> dict[str, Any]:
    """Return the truth of a trial with ``cells`` added; the truth that was given stays as it is.

    Blood is drawn at every visit that gave stool. A tumour biopsy is taken from every patient before, and from fewer
    after (9 of 12): in real trials second biopsies are missing.

    Parameters
    ----------
    truth
        What :func:`gutaxis.simulate.trial.plan_trial` returned, with or without other arms. Without a metabolome no
        type follows a compound.
    cells
        Mean number of cells of a library, doublets counted once; libraries vary by 15 % around it.

    Returns
    -------
    dict
        ``cells`` holds ``types`` (tissue -> labels), ``effects`` (layer -> contrast -> feature -> log2), ``links``
        (tissue, compound, label, slope), ``chains`` (layer -> feature, of every species that reaches a type through a
        compound), ``markers``
        (set -> genes that are expressed, joined by blanks), ``sex`` (patient -> F or M) and ``samples`` (library ->
        patient_id, tissue, timepoint, batch, seed, cells, depth (counts of a T cell), doublet_rate, dead_rate, shares
        (in the order of ``types``, sum 1)).

    Raises
    ------
    ValueError
        For fewer than 20 cells a library.
    """
    if cells < FEWEST_CELLS:
        raise ValueError(f"a simulated library needs at least {FEWEST_CELLS} cells, got {cells}")
    sheet = {row["patient_id"]: row for row in patients_sheet(truth=truth)}
    links = [vars(link) for link in LINKS] if "metabolome" in truth else []
    return {
        **truth,
        "cells": {
            "types": {tissue: list(shares) for tissue, shares in SHARES.items()},
            "effects": EFFECTS,
            "links": links,
            "chains": [
                {"taxa": driver["species"], "metabolites": link["compound"], f"{link['tissue']}_cells": link["label"]}
                for link in links
                for driver in truth["metabolome"]["links"]
                if driver["compound"] == link["compound"]
            ],
            "markers": _markers(seed=truth["seed"]),
            "sex": {patient: sheet[patient]["sex"] for patient in truth["patients"]},
            "samples": _samples(truth=truth, cells=cells, links=links),
        },
    }


def _markers(*, seed: int) -> dict[str, str]:
    """Draw the genes of each set that the trial's cells express: a quarter of what the books name is missing."""
    rng = np.random.default_rng([STREAM, seed, 1])
    kept = {}
    for name, text in SETS.items():
        known = text.split()
        lost = int(DROPPED * len(known)) if len(known) > SMALLEST_SET else 0
        gone = set(rng.choice(len(known), size=lost, replace=False).tolist())
        kept[name] = " ".join(gene for place, gene in enumerate(known) if place not in gone)
    return kept


def _visits(*, truth: dict[str, Any]) -> dict[str, list[str]]:
    """Return patient -> timepoints with stool, in order: who gave stool at a visit gave blood too."""
    seen = {(sample["patient_id"], sample["timepoint"]) for sample in truth["samples"].values()}
    return {patient: [t for t in TIMEPOINTS if (patient, t) in seen] for patient in truth["patients"]}


def _without_second_biopsy(*, truth: dict[str, Any]) -> set[str]:
    """Return every sixth patient of each response group, beginning with the second responder, the fourth non-responder.

    With 12 patients, of whom 11 have a second visit, 5 responders and 4 non-responders are left with both biopsies.
    With fewer, the model of a change that knows cohort and antibiotics hardly has a degree of freedom left.
    """
    groups: dict[str, list[str]] = {"R": [], "NR": []}
    for patient, planned in truth["patients"].items():
        groups[planned["response"]].append(patient)
    return {*groups["R"][1::6], *groups["NR"][3::6]}


def _samples(*, truth: dict[str, Any], cells: int, links: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the libraries, patient by patient, blood first."""
    missing = _without_second_biopsy(truth=truth)
    follows = {tissue: {link["label"] for link in links if link["tissue"] == tissue} for tissue in SHARES}
    samples = {}
    for patient, timepoints in _visits(truth=truth).items():
        planned, number = truth["patients"][patient], int(patient.removeprefix("P"))
        for place, (tissue, shares) in enumerate(SHARES.items()):
            # one stream per patient and tissue: adding a patient leaves the others' libraries as they are
            rng = np.random.default_rng([STREAM, truth["seed"], 2, number, place])
            linked = np.array([label in follows[tissue] for label in shares])
            between = np.where(linked, SD_PATIENT_LINKED, SD_PATIENT)
            within = np.where(linked, SD_SAMPLE_LINKED, SD_SAMPLE)
            own = np.log2(list(shares.values())) + rng.normal(0.0, 1.0, len(shares)) * between
            for timepoint in timepoints:
                logs = own + rng.normal(0.0, 1.0, len(shares)) * within
                logs += _shift(tissue=tissue, response=planned["response"], post=timepoint == "POST")
                logs += _driven(truth=truth, links=links, tissue=tissue, stool_id=f"{patient}_{timepoint}")
                planted = np.exp2(logs) / np.exp2(logs).sum()
                library = {
                    "patient_id": patient,
                    "tissue": tissue,
                    "timepoint": timepoint,
                    "batch": planned["batch"],
                    "seed": 100 * number + 10 * place + TIMEPOINTS.index(timepoint),
                    "cells": round(cells * float(rng.uniform(0.85, 1.15))),
                    "depth": round(DEPTH * float(rng.uniform(0.8, 1.25))),
                    "doublet_rate": round(DOUBLET_RATE * float(rng.uniform(0.8, 1.2)), 4),
                    "dead_rate": round(DEAD_RATE * float(rng.uniform(0.6, 1.4)), 4),
                    "shares": [round(float(share), 5) for share in planted],
                }
                if not (tissue == "tumor" and timepoint == "POST" and patient in missing):
                    samples[cell_sample_id(patient_id=patient, timepoint=timepoint, tissue=tissue)] = library
    return samples


def _shift(*, tissue: str, response: str, post: bool) -> np.ndarray:
    """Return the planted log2 change of each type; an R - NR effect is split evenly over both groups."""
    effects, side = EFFECTS[f"{tissue}_cells"], 0.5 if response == "R" else -0.5
    return np.array(
        [
            side * effects["baseline"].get(label, 0.0)
            + post * (effects["change"].get(label, 0.0) + side * effects["response_change"].get(label, 0.0))
            for label in SHARES[tissue]
        ]
    )


def _driven(*, truth: dict[str, Any], links: list[dict[str, Any]], tissue: str, stool_id: str) -> np.ndarray:
    """Return what compounds add to the log2 abundance of each type: slope times the level above the base level."""
    added = np.zeros(len(SHARES[tissue]))
    for link in links:
        if link["tissue"] == tissue:
            plasma, compound = truth["metabolome"], link["compound"]
            level = plasma["levels"][compound][plasma["samples"].index(plasma_id(stool_id=stool_id))]
            above = level - plasma["compounds"][compound]["base"]
            added[list(SHARES[tissue]).index(link["label"])] += link["slope"] * above
    return added

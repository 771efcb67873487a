"""Planted species composition of each simulated stool sample."""

import numpy as np

from gutaxis.simulate.catalogue import PATHWAYS, SPECIES

#: Least share of a species that is present: below it the mini study's depth could not show its pathways.
FLOOR = 0.03
#: Between-patient and within-patient standard deviation of log2 abundance.
SD_PATIENT, SD_SAMPLE = 0.6, 0.25

#: Planted effects of profile `detectable`, in log2 units: contrast -> species -> size.
EFFECTS: dict[str, dict[str, float]] = {
    "baseline": {"Akkermansia_muciniphila": 2.0, "Escherichia_coli": -2.0},
    "change": {"Roseburia_intestinalis": 1.2},
    "response_change": {"Faecalibacterium_prausnitzii": 2.0},
}
#: Technical shift of one species in every batch but the first, log2.
BATCH_SHIFT = {"Alistipes_putredinis": 0.4}


def patient_state(*, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw one patient's log2 abundances and the species that the patient carries, in the order of the catalogue."""
    carried = rng.random(len(SPECIES)) < np.array([species.prevalence for species in SPECIES])
    return rng.normal(0.0, SD_PATIENT, len(SPECIES)), carried


def composition(
    *,
    rng: np.random.Generator,
    state: tuple[np.ndarray, np.ndarray],
    responder: bool,
    post: bool,
    first_batch: bool,
) -> dict[str, float]:
    """Return one sample's planted genome-copy fractions (sum 1); absent species are left out.

    Parameters
    ----------
    rng
        Source of the within-patient noise.
    state
        What :func:`patient_state` drew for the patient.
    responder, post
        Which planted effects apply. An R - NR effect is split evenly over both groups.
    first_batch
        Whether the sample belongs to the first batch, which carries no batch shift.
    """
    levels, carried = state
    logs = levels + rng.normal(0.0, SD_SAMPLE, len(SPECIES))
    side = 0.5 if responder else -0.5
    for number, species in enumerate(SPECIES):
        logs[number] += side * EFFECTS["baseline"].get(species.name, 0.0)
        if post:
            logs[number] += EFFECTS["change"].get(species.name, 0.0)
            logs[number] += side * EFFECTS["response_change"].get(species.name, 0.0)
        if not first_batch:
            logs[number] += BATCH_SHIFT.get(species.name, 0.0)
    shares = np.where(carried, np.exp2(logs), 0.0)
    shares /= shares.sum()
    # Raise what is present to the floor and take it from the rest in proportion: one pass leaves everything at or
    # above the floor up to a few per mille, which the rounding below makes exact.
    shares = np.where(carried, np.maximum(shares, FLOOR), 0.0)
    shares /= shares.sum()
    return {species.name: round(float(share), 6) for species, share in zip(SPECIES, shares, strict=True) if share > 0}


def even_composition() -> dict[str, float]:
    """Return the mock community: every species in equal share."""
    return {species.name: round(1 / len(SPECIES), 6) for species in SPECIES}


def planted_pathways(*, shares: dict[str, float]) -> list[str]:
    """Return the pathways that at least one present species carries, sorted."""
    return sorted(pathway for pathway, carriers in PATHWAYS.items() if any(name in shares for name in carriers))

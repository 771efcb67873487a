"""How strongly the cell types of one simulated library express each gene: log2 levels, from the truth alone.

A level is the log2 of the counts that a gene has in a T cell, before each cell's levels are scaled to its own depth.
It is the sum of what holds in the whole trial (markers that are there, markers that leak into relatives, programmes of
background genes), of the batch, the patient, the sample, and of what is planted.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from gutaxis.simulate.cells_catalogue import (
    FEMALE,
    G2M_PHASE,
    HOUSE,
    INTERFERON,
    LEVELS,
    LINEAGES,
    MALE,
    MITO,
    PERSONAL,
    RIBOSOME,
    S_PHASE,
    TYPES,
    genes,
)
from gutaxis.simulate.cells_plan import STREAM

#: Share of the markers of a lineage that leak into each of its other types, and share of all markers that leak further.
LEAK_NEAR, LEAK_FAR = 0.2, 0.02
#: Share of background genes in which a lineage and a type differ from the rest, and by how much (log2).
LINEAGE_PROGRAMME, TYPE_PROGRAMME = (0.25, 1.2), (0.12, 1.1)
#: Standard deviation (log2) of genes between patients, between types of a patient, between samples of a patient, and of
#: the later batches against the first.
SD_PATIENT, SD_TYPE, SD_SAMPLE, SD_BATCH = 0.2, 0.1, 0.08, 0.25
#: Level of a gene that one person has and another has not, of the genes of the own sex, and of those of the other.
PERSONAL_ON, PERSONAL_OFF, SEX_OFF = 1.2, -5.0, -9.0
SEX_ON = {"XIST": 1.5, "RPS4Y1": 1.2, "DDX3Y": 0.3}
SEX_ON_OTHER = -0.5
#: Lowest level of a marker that is expressed, and of a gene in which a change is planted: what changes must be seen.
LEAST_ON, LEAST_PLANTED = -1.0, 1.0


@lru_cache(maxsize=4)
def _base(*, seed: int, markers: tuple[tuple[str, str], ...]) -> np.ndarray:
    """Return log2 levels of all types x genes that hold for every sample of the trial."""
    rng = np.random.default_rng([STREAM, seed, 4])
    names = genes()
    place = {name: number for number, name in enumerate(names)}
    level = rng.normal(*LEVELS["off"], len(names))
    groups = {"house": HOUSE.split(), "ribosome": RIBOSOME.split(), "cycle": [*S_PHASE.split(), *G2M_PHASE.split()]}
    groups |= {"interferon": INTERFERON, "mitochondrial": MITO.split()}
    groups |= {"background": [name for name in names if name.startswith("SIM")]}
    for kind, members in groups.items():
        level[[place[name] for name in members]] = rng.normal(*LEVELS[kind], len(members))
    table = np.tile(level, (len(TYPES), 1))
    carried = np.zeros(table.shape, dtype=bool)
    for set_name, text in markers:
        rows = [row for row, kind in enumerate(TYPES.values()) if set_name in kind.sets]
        for name in text.split():
            on = max(float(rng.normal(*LEVELS["on"])), LEAST_ON)
            carried[rows, place[name]] = True
            table[rows, place[name]] = np.maximum(table[rows, place[name]], on)
    lineage = np.array([LINEAGES[label] for label in TYPES])
    known = carried.any(axis=0)
    for row in range(len(TYPES)):
        near = carried[lineage == lineage[row]].any(axis=0)
        leak = rng.random(len(names)) < np.where(near, LEAK_NEAR, LEAK_FAR * known)
        leaked = np.maximum(table[row], rng.normal(*LEVELS["leak"], len(names)))
        table[row] = np.where(leak & ~carried[row], leaked, table[row])
    background = np.array([place[name] for name in groups["background"]])
    for (share, size), families in (
        (LINEAGE_PROGRAMME, [np.flatnonzero(lineage == name) for name in dict.fromkeys(lineage)]),
        (TYPE_PROGRAMME, [np.array([row]) for row in range(len(TYPES))]),
    ):
        for rows in families:
            touched = background[rng.random(len(background)) < share]
            table[np.ix_(rows, touched)] += rng.normal(0.0, size, len(touched))
    table.setflags(write=False)
    return table


def sample_levels(*, truth: dict[str, Any], sample_id: str) -> np.ndarray:
    """Return log2 levels of the types of a library's tissue x genes.

    Parameters
    ----------
    truth
        The trial's truth with ``cells``.
    sample_id
        A library of it.

    Returns
    -------
    numpy.ndarray
        Shape (types of the tissue, genes), in the order of ``truth["cells"]["types"]`` and of
        :func:`gutaxis.simulate.cells_catalogue.genes`.
    """
    arm, seed = truth["cells"], truth["seed"]
    plan = arm["samples"][sample_id]
    names, labels, known = genes(), arm["types"][plan["tissue"]], list(TYPES)
    place, row = {name: n for n, name in enumerate(names)}, {label: n for n, label in enumerate(labels)}
    effects = arm["effects"][f"{plan['tissue']}_expression"]
    rows = [known.index(label) for label in labels]
    table = _base(seed=seed, markers=tuple(arm["markers"].items()))[rows].copy()
    for label, name in (feature.split("|") for sizes in effects.values() for feature in sizes):
        table[row[label], place[name]] = max(table[row[label], place[name]], LEAST_PLANTED)

    person = np.random.default_rng([STREAM, seed, 5, int(plan["patient_id"].removeprefix("P"))])
    table += person.normal(0.0, SD_PATIENT, len(names)) + person.normal(0.0, SD_TYPE, (len(known), len(names)))[rows]
    for name in PERSONAL:
        table[:, place[name]] = PERSONAL_ON if person.random() < 0.5 else PERSONAL_OFF
    other_sex = MALE if arm["sex"][plan["patient_id"]] == "F" else FEMALE
    for name in (*FEMALE, *MALE):
        table[:, place[name]] = SEX_OFF if name in other_sex else SEX_ON.get(name, SEX_ON_OTHER)

    batches = sorted({sample["batch"] for sample in arm["samples"].values()})
    if plan["batch"] != batches[0]:
        later = np.random.default_rng([STREAM, seed, 6, batches.index(plan["batch"])])
        table += later.normal(0.0, SD_BATCH, len(names))
    table += np.random.default_rng([STREAM, seed, 7, plan["seed"]]).normal(0.0, SD_SAMPLE, table.shape)

    side = 0.5 if truth["patients"][plan["patient_id"]]["response"] == "R" else -0.5
    post = float(plan["timepoint"] == "POST")
    for contrast, factor in (("baseline", side), ("change", post), ("response_change", side * post)):
        for feature, size in effects[contrast].items():
            label, name = feature.split("|")
            table[row[label], place[name]] += factor * size
    return table

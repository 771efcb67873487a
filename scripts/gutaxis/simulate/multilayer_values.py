"""The values of a simulated study: standard normal ones, what is planted in them, and what an assay shows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gutaxis.simulate.tables import CHANGE_SD, LATENT, TOTAL_SD

#: Layer -> kind, first letters of its features, assay, material, log2 SD between patients, reads or cells of a sample.
LAYERS = {
    "taxa": ("compositional", "Species", "MGX", "STOOL", TOTAL_SD, 500_000),
    "metabolites": ("log_intensity", "Metabolite", "METAB", "PLASMA", 1.0, 0),
    "blood_cells": ("compositional", "Cell", "SCRNA", "PBMC", 1.0, 8_000),
    "blood_programs": ("continuous", "Program", "SCRNA", "PBMC", 1.0, 0),
}
SIZES = {"taxa": 300, "metabolites": 500, "blood_cells": 50, "blood_programs": 30}
#: The immune subset at the end of the planted chain.
CD8 = "CD8_TEM"
#: Names of the first features, which the literature panel knows, as a pre-declared panel would; the chain is of these.
KNOWN = {
    "taxa": (
        "Christensenella_minuta", "Akkermansia_muciniphila", "Faecalibacterium_prausnitzii", "Roseburia_intestinalis",
        "Bifidobacterium_longum", "Bifidobacterium_pseudocatenulatum", "Roseburia_hominis", "Roseburia_inulinivorans",
        "Enterocloster_bolteae", "Enterocloster_clostridioformis", "Bifidobacterium_adolescentis",
        "Streptococcus_salivarius",
    ),
    "metabolites": (
        "butyric acid", "propionic acid", "acetic acid", "L-kynurenine", "L-tryptophan", "3-hydroxyanthranilic acid",
        "inosine", "hippuric acid", "indole-3-carbaldehyde", "indole-3-propionic acid", "trimethylamine N-oxide",
        "ursodeoxycholic acid",
    ),
    "blood_cells": (CD8,),
    "blood_programs": (),
}  # fmt: skip
#: Planted pairs beside the chain: from layer, to layer, how many.
PAIRS = (
    ("taxa", "metabolites", 5), ("metabolites", "blood_cells", 2),
    ("metabolites", "blood_programs", 2), ("taxa", "blood_programs", 1),
)  # fmt: skip
#: Share of one sample's SD that differs between samples of a patient.
WITHIN = CHANGE_SD / np.sqrt(2) / TOTAL_SD
#: Shift that cohort, antibiotics and batch add to the features they touch, SD.
NUISANCE = 0.4


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How strong what is planted is.

    Parameters
    ----------
    chain, pair
        Correlation of neighbours of the chain, and of the planted pairs.
    weight
        Correlation of the CD8 subset in one sample with the liability to respond; with a quarter responding .63 makes
        d 1.2, .25 makes d .4.
    responder
        Range of Cohen's d of the responder features, both time points.
    change
        Range of the shift from PRE to POST, in SD of a change; half of the shifted species and the CD8 subset shift
        more in responders.
    hazard
        Log hazard ratio of PFS2: responders against others, antibiotics against none.
    """

    chain: float
    pair: float
    weight: float
    responder: tuple[float, float]
    change: tuple[float, float]
    hazard: tuple[float, float]


class Draft:
    """Names and standard normal values (PRE, POST; patients x features) of the layers, and which features are taken."""

    def __init__(self, *, sizes: Mapping[str, int], n: int, rng: np.random.Generator) -> None:
        self.names = {
            layer: [*KNOWN[layer], *(f"{LAYERS[layer][1]}_{at + 1:03d}" for at in range(sizes[layer]))][: sizes[layer]]
            for layer in LAYERS
            if layer in sizes
        }
        self.values, self.taken, self._free = {}, {}, {}
        for layer, names in self.names.items():
            between = _normal(n, len(names), rng)
            self.values[layer] = [
                np.sqrt(1 - WITHIN**2) * between + WITHIN * _normal(n, len(names), rng) for _ in range(2)
            ]
            self._free[layer] = [int(at) for at in rng.permutation(len(names)) if names[at] != CD8]
            self.taken[layer] = set()

    def take(self, layer: str, count: int, *, known: bool = False) -> list[int]:
        """Return features that nothing is planted in yet, at random; ``known``: of those with a known name."""
        pool = [at for at in self._free[layer] if at < len(KNOWN[layer])] if known else self._free[layer]
        chosen = pool[:count]
        self._free[layer] = [at for at in self._free[layer] if at not in chosen]
        self.taken[layer] |= set(chosen)
        return chosen

    def link(self, parent: tuple[str, int], child: tuple[str, int], rho: float) -> tuple[str, str, str, str, float]:
        """Make the child follow the parent at both times."""
        for time in range(2):
            source = self.values[parent[0]][time][:, parent[1]]
            own = self.values[child[0]][time][:, child[1]]
            self.values[child[0]][time][:, child[1]] = rho * source + np.sqrt(1 - rho**2) * own
        return (parent[0], self.names[parent[0]][parent[1]], child[0], self.names[child[0]][child[1]], rho)

    def shift(self, layer: str, feature: int, pre: np.ndarray | float, post: np.ndarray | float) -> None:
        """Add to the values of a feature before and after, in SD."""
        for values, add in zip(self.values[layer], (pre, post), strict=True):
            values[:, feature] += add


def _normal(n: int, features: int, rng: np.random.Generator) -> np.ndarray:
    """Return patients x features, standard normal; a tenth of the variance is shared through a few latent factors."""
    loading = rng.standard_normal((LATENT, features))
    shared = rng.standard_normal((n, LATENT)) @ (loading / np.linalg.norm(loading, axis=0))
    return np.sqrt(0.9) * rng.standard_normal((n, features)) + np.sqrt(0.1) * shared


def plant_links(
    *, draft: Draft, strength: Profile, rng: np.random.Generator
) -> tuple[dict[str, str], list[tuple[str, str, str, str, float]]]:
    """Plant the chain, a second metabolite of its species, and the pairs; return the chain and all links.

    Parameters
    ----------
    draft
        Its values are changed in place.
    strength, rng
        Of the study.
    """
    chain, pairs, places = {}, [], {}
    for layer in ("taxa", "metabolites", "blood_cells"):
        if layer in draft.names:
            places[layer] = 0 if layer == "blood_cells" else draft.take(layer, 1, known=True)[0]
            draft.taken[layer].add(places[layer])
            chain[layer] = draft.names[layer][places[layer]]
    for first, second in (("taxa", "metabolites"), ("metabolites", "blood_cells")):
        if first in places and second in places:
            pairs.append(draft.link((first, places[first]), (second, places[second]), strength.chain))
    if "taxa" in places and "metabolites" in places:
        child = draft.take("metabolites", 1)[0]
        pairs.append(draft.link(("taxa", places["taxa"]), ("metabolites", child), strength.chain))
    for first, second, count in PAIRS:
        for _ in range(count if first in draft.names and second in draft.names else 0):
            rho = strength.pair * float(rng.choice([-1.0, 1.0]))
            pairs.append(draft.link((first, draft.take(first, 1)[0]), (second, draft.take(second, 1)[0]), rho))
    return chain, pairs


def plant_shifts(
    *, draft: Draft, strength: Profile, responder: np.ndarray, rng: np.random.Generator
) -> tuple[list[tuple[str, str, float]], list[tuple[str, str, float, float]]]:
    """Plant what differs in responders and what changes; return both, as in ``Study``.

    Parameters
    ----------
    draft
        Its values are changed in place.
    strength, rng
        Of the study.
    responder
        Shape (n,), 1 or 0.
    """
    responders: list[tuple[str, str, float]] = []
    changes: list[tuple[str, str, float, float]] = []
    if "blood_cells" in draft.names:
        d = 1.695 * strength.weight / np.sqrt(1 - 0.539 * strength.weight**2)
        responders.append(("blood_cells", CD8, round(d, 3)))
        more = strength.change[0] * CHANGE_SD / TOTAL_SD
        draft.shift("blood_cells", 0, 0.0, responder * more)
        changes.append(("blood_cells", CD8, 0.0, strength.change[0]))
    for layer, count in (("taxa", 8), ("metabolites", 4)):
        for at, feature in enumerate(draft.take(layer, count) if layer in draft.names else []):
            d = float(rng.uniform(*strength.responder)) * (-1.0 if at % 4 == 3 else 1.0)
            draft.shift(layer, feature, responder * d, responder * d)
            responders.append((layer, draft.names[layer][feature], round(d, 3)))
    for layer, count in (("taxa", 5), ("metabolites", 6)):
        for at, feature in enumerate(draft.take(layer, count) if layer in draft.names else []):
            d = float(rng.uniform(*strength.change)) * (-1.0 if at % 2 else 1.0)
            more = 2.0 if layer == "taxa" and at < 3 else 1.0
            draft.shift(layer, feature, 0.0, d * CHANGE_SD / TOTAL_SD * np.where(responder > 0, more, 1.0))
            changes.append((layer, draft.names[layer][feature], round(d, 3), round(d * more, 3)))
    return responders, changes


def measured(*, layer: str, draft: Draft, patients: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Return what the assay shows, (2 n) x features: nuisance added, gaps, zeros and counting noise.

    Nuisance spares what is planted, so that the truth is what a perfect analysis finds.

    Parameters
    ----------
    layer
        Of :data:`LAYERS`.
    draft
        With everything planted.
    patients
        cohort, antibiotics, batch.
    rng
        Of the study.
    """
    kind, _, _, _, sd, depth = LAYERS[layer]
    n, features = len(patients), len(draft.names[layer])
    total = np.concatenate(draft.values[layer])
    planted = np.isin(np.arange(features), sorted(draft.taken[layer]))
    # batches differ between assays, so one that the layers share would tie them together: species alone have it
    touched = {"cohort": 1 / 3, "antibiotics": 1 / 5, **({"batch": 0.15} if layer == "taxa" else {})}
    for name, share in touched.items():
        codes, levels = pd.factorize(patients[name], sort=True)
        shift = NUISANCE * rng.standard_normal((len(levels), features)) * ((rng.random(features) < share) & ~planted)
        total = total + np.tile(shift[codes], (2, 1))
    values = sd * rng.lognormal(0.0, 0.2, features) * total
    if kind != "compositional":
        gaps = rng.random(values.shape) < (0.03 if kind == "log_intensity" else 0.0)
        return np.where(gaps, np.nan, values + rng.normal(16.0 if kind == "log_intensity" else 0.0, 1.0, features))
    means = rng.normal(0.0, 2.0 if layer == "taxa" else 1.0, features)
    means[planted] = np.abs(means[planted])
    # a species that a patient does not carry is absent in both samples; what is planted can be seen in all
    absent = np.where(planted, 0.0, rng.beta(0.4, 1.6, features) if layer == "taxa" else 0.0)
    carried = np.tile(rng.random((n, features)) >= absent, (2, 1))
    amounts = 2.0 ** (means + values) * carried
    reads = np.round(rng.lognormal(np.log(depth), 0.4, 2 * n)).astype(np.int64)
    counts = rng.multinomial(reads, amounts / amounts.sum(axis=1, keepdims=True))
    return counts / counts.sum(axis=1, keepdims=True)

"""Studies of several layers with known truth, in a fraction of a second: for the analyses that join layers.

Every patient has a stool, a plasma and a blood sample before and after the dose, but for those that are missing. On a
standard normal scale the value of feature j in sample (i, t) is ``sqrt(1 - w^2) between_ij + w within_ijt`` with a part
that features of a layer share. A planted link makes a feature of another layer ``rho parent + sqrt(1 - rho^2) own`` at
both times, so that values and changes are correlated by rho. Nothing else ties layers together but the cohort and
antibiotics, which shift a share of the features of every layer, as a confounder does, but none of those planted.

The planted chain is species -> metabolite -> CD8_TEM -> response: a patient responds if the liability, ``weight
CD8_TEM + sqrt(1 - weight^2) noise`` with the mean CD8_TEM of both samples, is among the highest. Profiles follow the
notes on published cohorts: ``detectable`` has effects that 48 patients show, ``realistic`` those that published cohorts
have, ``null`` none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd

from gutaxis.files import write_tsv
from gutaxis.layers.build import build_layer, write_layer
from gutaxis.simulate import multilayer_values as parts
from gutaxis.simulate.multilayer_values import LAYERS, SIZES, WITHIN, Draft, Profile
from gutaxis.simulate.tables import UNITS

#: What the samples of a layer carry, and the columns of the outcomes.
OBSERVED = ["patient_id", "timepoint", "batch", "cohort", "antibiotics", "days_from_ildr", "pair_status"]
OUTCOME_COLUMNS = [
    "sample_id", "patient_id", "assay", "material", "timepoint", "pair_id", "pair_status", "batch", "cohort", "bor",
    "cbor", "response", "dcb", "abscopal", "pfs2_days", "pfs2_cnsr", "os_days", "os_cnsr", "days_from_ildr",
    "after_pd", "antibiotics", "depth_or_cells",
]  # fmt: skip


PROFILES = {
    "detectable": Profile(
        chain=0.6, pair=0.9, weight=0.63, responder=(1.2, 1.5), change=(0.8, 1.2), hazard=(-1.2, 0.5)
    ),
    "realistic": Profile(chain=0.3, pair=0.3, weight=0.25, responder=(0.4, 0.5), change=(0.3, 0.4), hazard=(-1.2, 0.5)),
    "null": Profile(chain=0.0, pair=0.0, weight=0.0, responder=(0.0, 0.0), change=(0.0, 0.0), hazard=(-1.2, 0.0)),
}
#: Fewest features of a layer.
LEAST = 24


@dataclass(frozen=True, kw_only=True)
class Study:
    """Layers of the same patients, and what was planted.

    Parameters
    ----------
    profile
        detectable, realistic or null.
    layers
        Layer -> AnnData, as :func:`gutaxis.layers.build.build_layer` makes it.
    outcomes
        One row per sample: the columns of ``clinical/sample_response.tsv`` that analyses of layers read.
    chain
        ``taxa``, ``metabolites``, ``blood_cells`` -> feature; empty in ``null``.
    pairs
        layer_a, feature_a, layer_b, feature_b, rho: every planted link, those of the chain first.
    responders
        layer, feature, d: planted difference R - NR in SD, both time points. The CD8 subset is the first.
    changes
        layer, feature, d, d_responders: planted change POST - PRE in SD of a change, of others and of responders.
    """

    profile: str
    layers: dict[str, ad.AnnData]
    outcomes: pd.DataFrame
    chain: dict[str, str]
    pairs: pd.DataFrame
    responders: pd.DataFrame
    changes: pd.DataFrame

    def write(self, folder: Path | str) -> dict[str, object]:
        """Write ``{layer}.h5ad`` and ``sample_response.tsv``; return layers (name -> path) and outcomes (path)."""
        paths = {name: Path(folder) / f"{name}.h5ad" for name in self.layers}
        for name, path in paths.items():
            write_layer(adata=self.layers[name], path=path)
        outcomes = Path(folder) / "sample_response.tsv"
        write_tsv(self.outcomes, outcomes)
        return {"layers": paths, "outcomes": outcomes}


def simulate_study(
    *, n: int = 48, seed: int | list[int], sizes: Mapping[str, int] = SIZES, profile: str = "detectable",
    missing: float = 0.15, response_share: float = 0.25,
) -> Study:  # fmt: skip
    """Simulate a study.

    Parameters
    ----------
    n
        Patients, in three cohorts and two batches.
    seed
        Of numpy's default generator; the same seed and settings give the same study.
    sizes
        Layer -> features; names as in :data:`LAYERS`. Layers that are not named are not made, with what is planted in
        them. At least 24 features each, so that there is room for what is planted.
    profile
        ``detectable``, ``realistic`` or ``null``. In ``null`` the outcomes are independent of everything, the cohort
        included; the shifts of cohort, batch and antibiotics stay.
    missing
        Share of patients without any POST sample: 1.2 times as many of non-responders as on average, for those who
        progress early do not come back. A fifth of this share of the other samples is missing in each layer by itself.
    response_share
        Share of responders: their number is fixed by it.

    Raises
    ------
    ValueError
        For an unknown layer or profile, or a layer too small for what is planted.
    """
    unknown = sorted(set(sizes) - set(LAYERS)) + ([] if profile in PROFILES else [profile])
    if unknown or min(sizes.values()) < LEAST:
        raise ValueError(f"unknown: {unknown}; features: {dict(sizes)}, at least {LEAST} each")
    rng = np.random.default_rng(seed)
    strength, planted = PROFILES[profile], profile != "null"
    draft = Draft(sizes=sizes, n=n, rng=rng)
    chain, pairs = parts.plant_links(draft=draft, strength=strength, rng=rng) if planted else ({}, [])
    patients = _patients(n=n, rng=rng, even=not planted)
    patients["response"] = _response(draft, strength, patients, response_share, rng)
    responders, changes = (
        parts.plant_shifts(
            draft=draft, strength=strength, responder=(patients["response"] == "R").to_numpy(float), rng=rng
        )
        if planted
        else ([], [])
    )
    patients = _events(patients=patients, strength=strength, rng=rng)
    chance = missing * np.where(patients["response"] == "NR", 1.2, 0.5)
    patients["comes_back"] = rng.random(n) >= chance
    layers, samples = {}, []
    for layer, names in draft.names.items():
        here = _samples(layer=layer, patients=patients, missing=missing / 5, rng=rng)
        table = pd.DataFrame(
            parts.measured(layer=layer, draft=draft, patients=patients, rng=rng), index=here.index, columns=names
        )
        here = here[here["present"]]
        layers[layer] = build_layer(
            values=table.loc[here.index], observations=here[OBSERVED], name=layer, arm="simulated",
            kind=LAYERS[layer][0], unit=UNITS[LAYERS[layer][0]],
        )  # fmt: skip
        samples.append(here)
    outcomes = pd.concat(samples).rename_axis("sample_id").sort_index().reset_index()
    return Study(
        profile=profile, layers=layers, outcomes=outcomes[OUTCOME_COLUMNS], chain=chain,
        pairs=pd.DataFrame(pairs, columns=["layer_a", "feature_a", "layer_b", "feature_b", "rho"]),
        responders=pd.DataFrame(responders, columns=["layer", "feature", "d"]),
        changes=pd.DataFrame(changes, columns=["layer", "feature", "d", "d_responders"]),
    )  # fmt: skip


def _patients(*, n: int, rng: np.random.Generator, even: bool) -> pd.DataFrame:
    """Return patients with cohort, batch, antibiotics and what their cohort adds to the liability."""
    cohort = np.arange(n) % 3
    return pd.DataFrame(
        {
            "cohort": np.array(["LUNG", "ESOPHAGEAL", "OTHER"])[cohort],
            "batch": np.array(["B1", "B2"])[rng.integers(2, size=n)],
            "antibiotics": np.where(rng.random(n) < 0.2, "Y", "N"),
            "liability": 0.0 if even else np.array([0.15, 0.0, -0.15])[cohort],
        },
        index=pd.Index([f"P{at + 1:03d}" for at in range(n)], name="patient_id"),
    )


def _response(
    draft: Draft, strength: Profile, patients: pd.DataFrame, share: float, rng: np.random.Generator
) -> np.ndarray:
    """Return R for the patients with the highest liability."""
    n = len(patients)
    # of both samples: chosen by PRE alone, responders would seem to fall from PRE to POST
    cells = draft.values.get("blood_cells", [np.zeros((n, 1))])
    mean = np.mean([values[:, 0] for values in cells], axis=0) / np.sqrt(1 - WITHIN**2 / 2)
    weight = strength.weight / np.sqrt(1 - WITHIN**2 / 2)
    liability = weight * mean + np.sqrt(1 - weight**2) * rng.standard_normal(n)
    rank = np.argsort(np.argsort(-(liability + patients["liability"].to_numpy())))
    return np.where(rank < round(share * n), "R", "NR")


def _events(*, patients: pd.DataFrame, strength: Profile, rng: np.random.Generator) -> pd.DataFrame:
    """Return patients with PFS2: from day 14, median 110 days more in the reference; followed for 180 to 400 days."""
    n = len(patients)
    log = strength.hazard[0] * (patients["response"] == "R") + strength.hazard[1] * (patients["antibiotics"] == "Y")
    time = 14.0 + rng.exponential(110.0 / np.log(2), n) * np.exp(-log.to_numpy())
    end = rng.uniform(180.0, 400.0, n)
    return patients.assign(
        pfs2_days=np.ceil(np.minimum(time, end)), pfs2_cnsr=(time > end).astype(float),
        post_day=np.round(rng.uniform(16.0, 27.0, n)),
    )  # fmt: skip


def _samples(*, layer: str, patients: pd.DataFrame, missing: float, rng: np.random.Generator) -> pd.DataFrame:
    """Return PRE and then POST samples of all patients; ``present`` says whether there is one."""
    n = len(patients)
    _, _, assay, material, _, depth = LAYERS[layer]
    pre = rng.random(n) >= missing
    post = (rng.random(n) >= missing) & patients["comes_back"].to_numpy()
    pre |= ~post
    both = pd.concat([patients.assign(timepoint=time) for time in ("PRE", "POST")]).reset_index()
    both["present"] = np.concatenate([pre, post])
    both["pair_status"] = np.tile(np.select([pre & post, pre], ["PAIRED", "PRE_ONLY"], "POST_ONLY"), 2)
    both["days_from_ildr"] = np.where(both["timepoint"] == "PRE", -3.0, both["post_day"])
    late = (both["pfs2_cnsr"] == 0) & (both["pfs2_days"] < both["days_from_ildr"]) & (both["timepoint"] == "POST")
    both["after_pd"] = np.where(late, "Y", "N")
    both["depth_or_cells"] = np.round(rng.lognormal(np.log(depth), 0.4, 2 * n)) if depth else np.nan
    both["assay"], both["material"] = assay, material
    both["pair_id"] = both["patient_id"] + f".{assay}.{material}"
    both["bor"] = both["cbor"] = np.where(both["response"] == "R", "PR", "PD")
    both["dcb"] = np.where(both["response"] == "R", "DCB", "NDB")
    for unknown in ("abscopal", "os_days", "os_cnsr"):
        both[unknown] = np.nan
    return both.set_axis(both["patient_id"] + "_" + both["timepoint"] + f"_{layer.upper()}")

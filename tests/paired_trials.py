"""Small paired trials as layers, for the tests of beta diversity: log-normal species, three cohorts, PRE and POST."""

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy.spatial.distance import pdist, squareform

COHORTS = ("ESOPHAGEAL", "LUNG", "OTHER")


def trial(
    *, patients: int = 18, features: int = 30, seed: int = 0, time: float = 0.0, response: float = 0.0,
    interaction: float = 0.0, cohort: float = 0.5, missing_post: int = 0,
) -> tuple[AnnData, pd.DataFrame]:  # fmt: skip
    """Return a layer and the outcomes; effects are in log units on a third of the features."""
    rng = np.random.default_rng(seed)
    names = [f"P{number:02d}" for number in range(patients)]
    group = np.arange(patients) % 3
    responds = np.zeros(patients, dtype=bool)
    for label in range(3):
        own = np.flatnonzero(group == label)
        responds[rng.permutation(own)[: len(own) // 2]] = True
    hit = np.arange(features) < features // 3
    level = rng.normal(0, 1.5, features) + rng.normal(0, cohort, (3, features))[group]
    level = level + rng.normal(0, 1.0, (patients, features)) + response * hit * responds[:, None]
    logs = [level, level + time * hit[::-1] + interaction * hit * responds[:, None]]
    values = np.exp(np.vstack([part + rng.normal(0, 0.6, part.shape) for part in logs]))
    samples = [f"{name}_{point}" for point in ("pre", "post") for name in names]
    obs = pd.DataFrame(
        {
            "patient_id": names * 2,
            "timepoint": ["PRE"] * patients + ["POST"] * patients,
            "cohort": [COHORTS[label] for label in group] * 2,
            "batch": "B1",
            "antibiotics": ["Y" if name in names[1::4] else "N" for name in names * 2],
        },
        index=pd.Index(samples, name="sample_id"),
    )
    outcomes = pd.DataFrame(
        {
            "response": ["R" if one else "NR" for one in responds] * 2,
            "pfs2_days": list(rng.integers(20, 400, patients).astype(float)) * 2,
            "pfs2_cnsr": list((rng.random(patients) < 0.2).astype(float)) * 2,
        },
        index=obs.index,
    )
    keep = np.ones(2 * patients, dtype=bool)
    keep[2 * patients - missing_post :] = False
    layer = AnnData(
        values[keep] / values[keep].sum(axis=1, keepdims=True), obs=obs[keep],
        var=pd.DataFrame(index=[f"f{number:02d}" for number in range(features)]),
        uns={"kind": "compositional", "name": "taxa"},
    )  # fmt: skip
    return layer, outcomes[keep]


def observations(layer: AnnData, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return what designs are made of."""
    return layer.obs.join(outcomes)


def bray_curtis(layer: AnnData) -> pd.DataFrame:
    """Return distances by scipy."""
    names = list(layer.obs_names)
    return pd.DataFrame(squareform(pdist(layer.X, "braycurtis")), index=names, columns=names)

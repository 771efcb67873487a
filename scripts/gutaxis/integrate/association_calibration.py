"""Do associations keep their level? Studies without any link between layers, and how often something is found."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gutaxis.integrate.associations import AssociationSettings, associations
from gutaxis.integrate.blocks import read_blocks
from gutaxis.simulate.multilayer import simulate_study

#: Column of the result -> what is counted.
COUNTED = {
    "any_q": "share of pairs of layers with any q below the level",
    "any_q_cluster": "share of pairs of layers with any q_cluster below the level",
    "any_q_declared": "share of pairs of layers with any q_declared below the level",
    "any_q_max_t": "share of pairs of layers with any q_max_t below the level",
    "any_q_study": "any q_study below the level, over all pairs of layers",
    "any_q_cluster_study": "any q_cluster_study below the level, over all pairs of layers",
    "p_below": "share of all p below .05",
}


def calibrate_associations(
    *, cohorts: int, seed: int, sizes: Mapping[str, int], patients: int = 48, state: str = "baseline",
    covariates: Sequence[str] = ("antibiotics",), settings: Mapping[str, Any] | None = None, level: float = 0.05,
) -> pd.DataFrame:  # fmt: skip
    """Analyse simulated studies in which no layer knows of another.

    Parameters
    ----------
    cohorts
        Number of studies.
    seed
        The same seed gives the same table.
    sizes
        Layer -> features, as :func:`gutaxis.simulate.multilayer.simulate_study` takes them.
    patients
        Of each study; cohort, antibiotics and, in one layer, batch shift features, 15 % of POST samples are missing.
    state, covariates, settings
        As in :func:`gutaxis.integrate.associations.associations_files`.
    level
        Of q.

    Returns
    -------
    pandas.DataFrame
        One row per study: ``study`` and the keys of :data:`COUNTED`. The mean of a column is the rate to look at: about
        the level at most, with a standard error of ``sqrt(level / cohorts)`` for the columns over all pairs of layers.
    """
    # the best pairs are always written: no more are needed to see whether any is below the level
    chosen = AssociationSettings.from_mapping({**(settings or {}), "rows": 20, "fdr": level})
    rows = []
    for study in range(cohorts):
        made = simulate_study(n=patients, seed=[seed, study], sizes=sizes, profile="null")
        with tempfile.TemporaryDirectory() as folder:
            blocks = read_blocks(
                **made.write(Path(folder)), state=state, covariates=covariates, prevalence=chosen.prevalence,
                max_features=chosen.max_features, min_patients=chosen.min_patients,
            )  # fmt: skip
        result = associations(blocks=blocks, covariates=covariates, settings=chosen, seed=seed + study)
        best = result.table.groupby(["layer_a", "layer_b"])[["q", "q_cluster", "q_declared", "q_max_t"]].min()
        over_all = (result.table[["q_study", "q_cluster_study"]] < level).any().astype(float)
        rows.append(
            {
                "study": study,
                **{f"any_{name}": float((best[name] < level).mean()) for name in best},
                **{f"any_{name}": over_all[name] for name in over_all.index},
                "p_below": result.counts["below"].sum() / result.counts["tested"].sum(),
            }
        )
    return pd.DataFrame(rows, columns=["study", *COUNTED])

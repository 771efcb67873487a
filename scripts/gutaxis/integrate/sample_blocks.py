"""Layers lined up by visit: one row per patient and time point, for what is fitted on all samples at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.integrate.blocks import transform
from gutaxis.stats.composition import DROPPED_COLUMNS, empty_samples, filter_features
from gutaxis.stats.inputs import OUTCOMES, read_inputs

#: Time points of a visit that is used.
TIMES = ("PRE", "POST")


@dataclass(frozen=True, kw_only=True)
class Visits:
    """All layers, visits x features.

    Parameters
    ----------
    values
        Layer -> table, index ``patient_id|timepoint``, transformed, neither scaled nor imputed; only the visits of that
        layer.
    labels
        Layer -> feature -> name to show.
    visits
        Index as above, every visit of any layer: patient_id, timepoint, pair_status (PAIRED, PRE_ONLY, POST_ONLY, over
        all layers), cohort, batch, covariates, and the outcomes.
    dropped
        what, name (``layer: name``), reason.
    """

    values: dict[str, pd.DataFrame]
    labels: dict[str, pd.Series]
    visits: pd.DataFrame
    dropped: pd.DataFrame


def read_visits(
    *, layers: Mapping[str, Path | str], outcomes: Path | str, covariates: Sequence[str] = (),
    prevalence: float = 0.1, max_features: int | None = None, min_visits: int = 6,
) -> Visits:  # fmt: skip
    """Read layers and line up their visits.

    Parameters
    ----------
    layers, outcomes, covariates, prevalence, max_features
        As in :func:`gutaxis.integrate.blocks.read_blocks`.
    min_visits
        A layer with fewer visits is left out.

    Returns
    -------
    Visits
        Samples taken after progression and second samples of a visit are left out and listed.
    """
    values, labels, known, lost = {}, {}, [], []
    for name in sorted(layers):
        adata, table = read_inputs(layer=layers[name], outcomes=outcomes)
        kind = str(adata.uns["kind"])
        frame = pd.DataFrame(
            np.asarray(adata.X, dtype=float), index=adata.obs_names.astype(str), columns=adata.var_names
        )
        obs = adata.obs.assign(key=_keys(adata.obs)).sort_index()
        bad = empty_samples(table=frame, kind=kind)
        lost += [("sample", f"{name}: {row.name_}", row.reason) for row in _named(bad)]
        obs = obs.drop(index=bad["name"])
        late = obs.index[(table["after_pd"].reindex(obs.index) == "Y").to_numpy()] if "after_pd" in table else []
        lost += [("sample", f"{name}: {sample}", "taken after progression") for sample in late]
        obs = obs.drop(index=late)
        obs = obs[obs["timepoint"].astype(str).isin(TIMES)]
        again = obs["key"].duplicated()
        lost += [("sample", f"{name}: {sample}", "another sample of this visit is used") for sample in obs.index[again]]
        obs = obs[~again]
        if len(obs) < min_visits:
            lost.append(("layer", name, f"{len(obs)} visits; at least {min_visits}"))
            continue
        used, features = filter_features(
            table=frame.loc[obs.index], kind=kind, prevalence=prevalence, min_values=min_visits
        )
        lost += [("feature", f"{name}: {row.name_}", row.reason) for row in _named(features)]
        hollow = empty_samples(table=used, kind=kind)["name"]
        used, obs = used.drop(index=hollow), obs.drop(index=hollow)
        if len(obs) < min_visits or used.shape[1] < (2 if kind == "compositional" else 1):
            lost.append(("layer", name, f"{used.shape[1]} features in {len(obs)} visits are left"))
            continue
        made = transform(values=used, kind=kind).set_axis(pd.Index(obs["key"], name="visit"))
        spread = made.std(ddof=1).fillna(0.0)
        chosen = spread[spread > 1e-12].sort_index().sort_values(ascending=False, kind="stable").index[:max_features]
        values[name] = made[sorted(chosen)]
        labels[name] = adata.var["label"].astype(str).reindex(values[name].columns)
        columns = [column for column in dict.fromkeys(("cohort", "batch", *covariates)) if column in obs]
        people = obs[["patient_id", "timepoint", *columns]].astype(object)
        for outcome in OUTCOMES:
            people[outcome] = table[outcome].reindex(obs.index).to_numpy(dtype=object) if outcome in table else None
        known.append(people.set_axis(obs["key"]))
    visits = pd.concat(known).groupby(level=0, sort=True).first() if known else pd.DataFrame()
    if len(visits):
        times = visits.groupby("patient_id")["timepoint"].agg(lambda cells: "+".join(sorted(cells, reverse=True)))
        status = {"PRE+POST": "PAIRED", "PRE": "PRE_ONLY", "POST": "POST_ONLY"}
        visits["pair_status"] = visits["patient_id"].map(times.map(status))
    dropped = pd.DataFrame(lost, columns=DROPPED_COLUMNS).sort_values(DROPPED_COLUMNS, ignore_index=True)
    return Visits(values=values, labels=labels, visits=visits.rename_axis("visit"), dropped=dropped)


def _keys(obs: pd.DataFrame) -> pd.Series:
    return obs["patient_id"].astype(str) + "|" + obs["timepoint"].astype(str)


def _named(table: pd.DataFrame) -> list[tuple[str, ...]]:
    return list(table.rename(columns={"name": "name_"}).itertuples(index=False))

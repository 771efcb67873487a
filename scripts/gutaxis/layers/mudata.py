"""All layers in one MuData file, joined by patient and time point rather than by sample.

Stool and blood of one visit are different samples with different ids; joined by sample id, no two arms would ever meet.
Each layer's observations are therefore named ``patient:timepoint`` and keep their ``sample_id`` as a column.
"""

import warnings
from collections.abc import Mapping
from pathlib import Path

import anndata as ad
import mudata as md
import pandas as pd

from gutaxis.errors import GutaxisError
from gutaxis.files import atomic_write
from gutaxis.layers.names import refuse_outcomes

NOT_OF_A_PAIR = frozenset({"EXTRA", "FAILED_QC"})


def visit_names(*, observations: pd.DataFrame) -> pd.Series:
    """Name samples by visit: ``P01:PRE``.

    Parameters
    ----------
    observations
        ``obs`` of a layer: patient_id, timepoint, and pair_status if known.

    Returns
    -------
    pandas.Series
        Unique name per sample. If a visit has several samples, the one that a pair uses has the plain name, the others
        have their sample id added; if pairs do not tell them apart, all of them have.
    """
    table = pd.DataFrame({"patient": observations["patient_id"].astype(str), "timepoint": ""}, index=observations.index)
    if "timepoint" in observations:
        table["timepoint"] = observations["timepoint"].astype(object).fillna("").astype(str)
    visit = (table["patient"] + ":" + table["timepoint"]).str.removesuffix(":")
    usable = pd.Series(True, index=observations.index)
    if "pair_status" in observations:
        usable = ~observations["pair_status"].astype(object).isin(NOT_OF_A_PAIR)
    n_usable = usable.groupby(visit).transform("sum")
    alone = visit.groupby(visit).transform("size") == 1
    plain = alone | (usable & (n_usable == 1))
    return visit.where(plain, visit + ":" + observations.index.astype(str)).rename("visit")


def combine_layers(*, layers: Mapping[str, ad.AnnData]) -> md.MuData:
    """Join layers by visit.

    Parameters
    ----------
    layers
        AnnData per layer name.

    Returns
    -------
    mudata.MuData
        Layers in sorted order; ``obs`` of the whole holds patient_id and timepoint only; features are named
        ``layer:feature`` so that they are unique.

    Raises
    ------
    GutaxisError
        If there is no layer, or L09 if one of them holds an outcome.
    """
    if not layers:
        raise GutaxisError("L13 layers: there is no layer to combine. At least one is needed. Add samples or a layer.")
    parts = {}
    for name in sorted(layers):
        adata = layers[name].copy()
        refuse_outcomes(names=adata.obs.columns, file=name, what="observation")
        adata.obs["sample_id"] = pd.Categorical(adata.obs_names.astype(str), categories=sorted(adata.obs_names))
        adata.obs_names = visit_names(observations=adata.obs).to_numpy()
        adata.var["feature"] = adata.var_names.astype(str).astype(object)
        adata.var_names = [f"{name}:{feature}" for feature in adata.var_names]
        adata.obs_names.name = adata.var_names.name = None
        parts[name] = adata[sorted(adata.obs_names)].copy()
    with md.set_options(pull_on_update=False):
        whole = md.MuData(parts)
        whole = whole[sorted(whole.obs_names)].copy()
    described = pd.concat([part.obs[["patient_id"]].astype(str) for part in parts.values()])
    described = described[~described.index.duplicated()].loc[whole.obs_names]
    whole.obs["patient_id"] = described["patient_id"].to_numpy(dtype=object)
    whole.obs["timepoint"] = [name.split(":")[1] if ":" in name else "" for name in whole.obs_names]
    return whole


def combine_files(*, paths: Mapping[str, Path | str], output: Path | str) -> md.MuData:
    """Read layers from .h5ad files and write them as one .h5mu file, atomically; equal content gives equal bytes.

    Parameters
    ----------
    paths
        File per layer name.
    output
        Target .h5mu.

    Returns
    -------
    mudata.MuData
        What was written.
    """
    whole = combine_layers(layers={name: ad.read_h5ad(path) for name, path in paths.items()})
    with atomic_write(output) as part, warnings.catch_warnings():
        warnings.simplefilter("ignore", category=FutureWarning)  # of the HDF5 writers about their own next versions
        whole.write_h5mu(part)
    return whole

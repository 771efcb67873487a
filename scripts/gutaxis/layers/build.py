"""One layer as AnnData (samples x features), checked, and written so that equal content gives equal bytes.

X is float64: layers are small (hundreds of samples), tests difference tiny fractions, and float32 would change sums in
the seventh digit. HDF5 keeps time stamps only where it is told to: ``anndata`` and ``h5py`` 3 leave them off, and a
test compares the sha256 of two files written seconds apart by two processes. What would still vary is order, so
samples, features, columns and ``uns`` keys are sorted here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError
from gutaxis.files import atomic_write, write_tsv
from gutaxis.layers.names import problem, refuse_outcomes, some
from gutaxis.layers.table import KINDS

DROPPED_COLUMNS = ["sample_id", "reason"]


def build_layer(
    *, values: pd.DataFrame, observations: pd.DataFrame, var: pd.DataFrame | None = None, name: str, arm: str,
    kind: str, unit: str, uns: Mapping[str, Any] | None = None,
) -> ad.AnnData:  # fmt: skip
    """Make the AnnData object of a layer.

    Parameters
    ----------
    values
        Samples x features; NaN is a missing value, never 0.
    observations
        Indexed by sample_id, the same samples as ``values``; patient_id, timepoint, batch, cohort, covariates. Never a
        response or outcome.
    var
        Indexed by feature; ``label`` is filled with the feature name if absent.
    name, arm, kind, unit
        Of the layer; ``kind`` is compositional, log_intensity, continuous or counts.
    uns
        More about the layer: text, numbers, or tables. None is left out.

    Returns
    -------
    anndata.AnnData
        float64, samples and features in sorted order.

    Raises
    ------
    GutaxisError
        L09 an outcome among features or observations, L13 samples or features that do not fit together.
    """
    if kind not in KINDS:
        raise GutaxisError(f"L10 kind={kind}: unknown kind. Allowed: {', '.join(KINDS)}. Correct `kind` of the layer.")
    refuse_outcomes(names=observations.columns, file=name, what="observation")
    refuse_outcomes(names=values.columns, file=name, what="feature")
    var = pd.DataFrame(index=values.columns) if var is None else var
    refuse_outcomes(names=var.columns, file=name, what="observation")
    for axis, index, other in (("sample", values.index, observations.index), ("feature", values.columns, var.index)):
        unlike = sorted(map(str, index.symmetric_difference(other)))
        twice = sorted(map(str, index[index.duplicated()]))
        if unlike or twice:
            raise GutaxisError(
                problem(
                    code="L13", file=name,
                    wrong=f"{axis}s that do not fit: {some(twice or unlike)}",
                    allowed=f"The same {axis}s, each once, in the values and in their description",
                    mend="Align the tables first (gutaxis.layers.align)",
                )
            )  # fmt: skip
    if values.empty:
        raise GutaxisError(
            problem(
                code="L13", file=name, wrong=f"the layer has {values.shape[0]} samples and {values.shape[1]} features",
                allowed="At least one of each", mend="Look at the list of dropped samples",
            )
        )  # fmt: skip
    values = values.sort_index().sort_index(axis=1)
    if "label" not in var:
        var = var.assign(label=var.index.astype(str))
    adata = ad.AnnData(
        X=np.ascontiguousarray(values.to_numpy(dtype=np.float64)),
        obs=_plain(table=observations.loc[values.index], index_name="sample_id"),
        var=_plain(table=var.loc[values.columns], index_name="feature"),
    )
    about = {"name": name, "arm": arm, "kind": kind, "unit": unit, **(uns or {})}
    adata.uns = {
        key: _plain(table=about[key], index_name=None) if isinstance(about[key], pd.DataFrame) else about[key]
        for key in sorted(about)
        if about[key] is not None
    }
    return adata


def _plain(*, table: pd.DataFrame, index_name: str | None) -> pd.DataFrame:
    """Return a copy with the few types that HDF5 keeps without loss: float64, bool, categories of text."""
    plain = pd.DataFrame(index=table.index.astype(str).astype(object))
    plain.index.name = index_name
    for column in sorted(table.columns, key=str) if index_name == "sample_id" else table.columns:
        cells = table[column]
        if pd.api.types.is_bool_dtype(cells) and not cells.isna().any():
            plain[str(column)] = cells.to_numpy(dtype=bool)
        elif pd.api.types.is_numeric_dtype(cells):
            plain[str(column)] = cells.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            text = [None if pd.isna(cell) else str(cell) for cell in cells]
            known = sorted({cell for cell in text if cell is not None})
            # A column without any text would become a category of nothing, which readers cannot concatenate.
            plain[str(column)] = pd.Categorical(text, categories=known) if known else np.full(len(text), np.nan)
    return plain


def write_layer(*, adata: ad.AnnData, path: Path | str) -> None:
    """Write a layer as .h5ad, atomically; the same content always gives the same bytes.

    Parameters
    ----------
    adata
        From :func:`build_layer`.
    path
        Target.

    Raises
    ------
    GutaxisError
        L09 if an outcome has come into ``obs`` or the features since the layer was built.
    """
    refuse_outcomes(names=adata.obs.columns, file=path, what="observation")
    refuse_outcomes(names=adata.var_names, file=path, what="feature")
    with atomic_write(path) as part:
        adata.write_h5ad(part)


def write_twin(*, adata: ad.AnnData, path: Path | str) -> None:
    """Write the layer as text, features x samples, ten significant digits, with what it is in a comment above.

    Parameters
    ----------
    adata
        From :func:`build_layer`.
    path
        Target ``.tsv``.
    """
    table = pd.DataFrame(adata.X.T, index=pd.Index(adata.var_names, name="feature"), columns=adata.obs_names)
    uns = adata.uns
    comment = f"layer {uns['name']}; kind {uns['kind']}; unit {uns['unit']}; features x samples"
    write_tsv(table, path, index=True, comment=comment)


def write_dropped(*, dropped: pd.DataFrame, path: Path | str) -> None:
    """Write the samples that are not in the layer: sample_id, reason, sorted."""
    write_tsv(dropped[DROPPED_COLUMNS].sort_values("sample_id"), path)

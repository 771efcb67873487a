"""A copy of a layer with batch effects removed, for pictures only: no analysis reads it, inference models the batch."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd

from gutaxis.layers.build import build_layer, write_layer
from gutaxis.stats.inputs import NOTE


def remove_batch(*, values: np.ndarray, batch: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Subtract from every feature what differs between batches, as ``limma::removeBatchEffect`` does.

    Formula: ``y - B b`` with (b, c) the least-squares fit of y on the batch contrasts B (sum to zero) and on the
    columns to keep, so that a difference the kept columns explain stays. A feature whose batches cannot be told apart
    from the kept columns is left as it is.

    Parameters
    ----------
    values
        Shape (n, m), on a log or linear scale; a feature with NaN is fitted on its own rows.
    batch
        Shape (n,), labels.
    keep
        Shape (n, q), columns to keep (an intercept among them).

    Returns
    -------
    numpy.ndarray
        Shape (n, m).

    Notes
    -----
    Source: Ritchie 2015, limma. Oracle: R ``limma::removeBatchEffect(batch, design)``. A test on corrected values would
    believe in degrees of freedom that the correction has used up (Nygaard 2016).
    """
    levels = np.unique(batch)
    if len(levels) < 2:
        return values.copy()
    contrasts = np.column_stack([(batch == level).astype(float) - (batch == levels[-1]) for level in levels[:-1]])
    corrected = values.copy()
    missing = np.isnan(values)
    patterns, which = np.unique(missing, axis=1, return_inverse=True)
    for number in range(patterns.shape[1]):
        rows, features = ~patterns[:, number], np.flatnonzero(which == number)
        both = np.column_stack([keep[rows], contrasts[rows]])
        if np.linalg.matrix_rank(both) < np.linalg.matrix_rank(keep[rows]) + contrasts.shape[1]:
            continue
        beta = np.linalg.lstsq(both, values[np.ix_(rows, features)], rcond=None)[0][keep.shape[1] :]
        corrected[np.ix_(rows, features)] -= contrasts[rows] @ beta
    return corrected


def corrected_layer(*, layer: Path | str, output: Path | str) -> None:
    """Write the corrected copy of a layer.

    Compositional layers come back as centred log-ratios (log2), counts as log2 counts per million, since a batch effect
    is additive only there; both have the kind ``continuous``. Timepoint and cohort are kept.

    Parameters
    ----------
    layer
        ``layers/{layer}.h5ad``.
    output
        Target; ``uns['note']`` says what it is.
    """
    adata = ad.read_h5ad(layer)
    values = np.asarray(adata.X, dtype=float)
    unit = str(adata.uns["unit"])
    if adata.uns["kind"] == "compositional":
        positive = values[values > 0]
        logs = np.log2(np.where(values > 0, values, (positive.min() if len(positive) else 1.0) / 2))
        values, unit = logs - logs.mean(axis=1, keepdims=True), "log2 centred log-ratio"
    elif adata.uns["kind"] == "counts":
        depth = values.sum(axis=1, keepdims=True)
        values, unit = np.log2((values + 0.5) / (depth + 1) * 1e6), "log2 counts per million"
    kept = pd.get_dummies(adata.obs[[name for name in ("timepoint", "cohort") if name in adata.obs]].astype(str))
    keep = np.column_stack([np.ones(len(values)), kept.to_numpy(float)])
    batch = adata.obs["batch"].astype(str).to_numpy()
    table = pd.DataFrame(
        remove_batch(values=values, batch=batch, keep=keep), index=adata.obs_names, columns=adata.var_names
    )
    copy = build_layer(
        values=table,
        observations=adata.obs,
        var=adata.var,
        name=f"{adata.uns['name']}.corrected",
        arm=str(adata.uns["arm"]),
        kind="continuous",
        unit=unit,
        uns={"note": NOTE},
    )
    write_layer(adata=copy, path=output)

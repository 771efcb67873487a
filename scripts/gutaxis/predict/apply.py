"""A locked model scores patients it has never seen. No outcome is read, nothing is learned from the new patients."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gutaxis.predict.fusion import late_scores
from gutaxis.predict.transforms import LayerScaler, prepare


def locked_scores(*, model: Mapping[str, Any], values: Mapping[str, Sequence[pd.DataFrame]]) -> pd.DataFrame:
    """Return the log odds of new patients, and by layer how far out they are.

    Parameters
    ----------
    model
        Locked model.
    values
        Layer -> raw samples x features (for the state change: PRE and POST), index patient_id. A feature that is not
        there gets the training mean.

    Returns
    -------
    pandas.DataFrame
        Index patient_id, sorted: score (NaN with fewer than half of the layers), n_layers, and ``distance:LAYER``, the
        root mean square of the scaled values of the layer's features (1 is usual in training).
    """
    patients = sorted({str(name) for tables in values.values() for name in tables[0].index})
    layers = [layer for part in model["parts"] for layer in part["layers"]]
    table = pd.DataFrame(index=pd.Index(patients, name="patient_id"))
    scores = np.full((len(patients), len(model["parts"])), np.nan)
    for at, part in enumerate(model["parts"]):
        total, known = np.full(len(patients), part["intercept"]), np.zeros(len(patients), dtype=bool)
        for layer in part["layers"]:
            if layer["layer"] not in values:
                table[f"distance:{layer['layer']}"] = np.nan
                continue
            scaled = scaled_values(layer=layer, tables=values[layer["layer"]]).reindex(patients)
            here = scaled.notna().any(axis=1).to_numpy()
            total = total + scaled.fillna(0.0).to_numpy() @ np.array(layer["coefficients"])
            known |= here
            distance = np.sqrt((scaled.to_numpy() ** 2).mean(axis=1)) if scaled.shape[1] else np.full(len(here), np.nan)
            table[f"distance:{layer['layer']}"] = np.where(here, distance, np.nan)
        scores[:, at] = np.where(known, total, np.nan)
    weights = np.array([part["weight"] for part in model["parts"]])
    table["n_layers"] = table[[f"distance:{layer['layer']}" for layer in layers]].notna().sum(axis=1)
    score = scores[:, 0]
    if len(model["parts"]) > 1:
        score = late_scores(scores=scores, weights=weights, spreads=np.ones(len(weights)), survival=False)
    table.insert(0, "score", np.where(table["n_layers"] >= len(layers) / 2, score, np.nan))
    return table


def scaled_values(*, layer: Mapping[str, Any], tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return one layer of new patients on the training scale, for the features that the model was offered."""
    kept = layer["kept"]
    parts = []
    for table in tables:
        here = table[[name for name in kept if name in table]]
        made = pd.DataFrame(prepare(values=here, kind=layer["kind"]), index=here.index, columns=here.columns)
        parts.append(made.reindex(columns=kept))
    absent = np.array([name not in tables[0] for name in kept])
    scaler = LayerScaler(layer["kind"], paired=len(tables) > 1)
    scaler.kept_ = np.arange(len(kept))
    scaler.fill_, scaler.median_ = np.array(layer["fill"]), np.array(layer["median"])
    place = {name: at for at, name in enumerate(kept)}
    scaler.chosen_ = np.array([place[name] for name in layer["features"]], dtype=int)
    scaler.center_, scaler.scale_ = np.array(layer["center"]), np.array(layer["scale"])
    stacked = [np.where(absent, scaler.median_, part.to_numpy()) for part in parts]
    scaled = scaler.transform(np.hstack(stacked))
    # a feature that was not measured says nothing: the training mean
    scaled[:, absent[scaler.chosen_]] = 0.0
    rows = ~parts[0].isna().all(axis=1).to_numpy()
    return pd.DataFrame(np.where(rows[:, None], scaled, np.nan), index=tables[0].index, columns=layer["features"])


def profile_hash(*, values: pd.Series) -> str:
    """Return a short hash of a raw profile: features above zero or known, six significant digits."""
    known = values[values.notna() & (values != 0)].sort_index()
    text = ";".join(f"{name}={value:.6g}" for name, value in known.items())
    return hashlib.sha256(text.encode()).hexdigest()[:16]

"""Whether new patients look like those a locked model was trained on, and the files of its predictions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from scipy.special import expit

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import write_tsv
from gutaxis.predict.apply import locked_scores, profile_hash, scaled_values
from gutaxis.predict.guards import refuse_outcome_names, refuse_same_profiles
from gutaxis.predict.locked import read_model
from gutaxis.predict.matrices import raw_values

PREDICTIONS = ["patient_id", "batch", "score", "probability", "n_layers", "farthest", "verdict", "reason"]
VERDICTS = ["layer", "check", "value", "limit", "verdict", "meaning"]
GOOD, CAUTION, REFUSED = "good", "caution", "refused"
#: Share of the size of the coefficients, and of all features, that a new table may lack: caution above the first limit,
#: refused above the second.
MISSING_WEIGHT, MISSING_FEATURES = (0.05, 0.25), (0.1, 0.5)
#: Median over features of the shift of the new mean, in training standard deviations beyond its sampling error.
SHIFT = (0.5, 1.5)
#: Distance of a patient over the largest distance in training.
FAR = (1.25, 2.0)


def apply_files(
    *, model: Path | str, layers: Mapping[str, Path | str], batch: str, predictions: Path | str, verdicts: Path | str
) -> None:
    """Predict the patients of a new batch with a locked model, and say whether it applies to them.

    Parameters
    ----------
    model
        JSON of :func:`gutaxis.predict.locked.lock_model`.
    layers
        Name -> ``layers/{layer}.h5ad``; only samples of the batch are read.
    batch
        Of the new samples.
    predictions, verdicts
        Tables to write; columns :data:`PREDICTIONS` and :data:`VERDICTS`. A refused check leaves no probability.

    Raises
    ------
    GutaxisError
        I20 an outcome in a layer, I22 one profile under two patients, I26 not a locked model, I27 a layer of another
        kind or state, or no new patient, I28 a patient or a profile of the training.
    """
    known = read_model(path=model)
    needed = {layer["layer"]: layer for part in known["parts"] for layer in part["layers"]}
    values = {
        name: tables
        for name, layer in sorted(needed.items())
        if name in layers and (tables := _new_samples(layers[name], layer, batch, known["training"]["state"]))
    }
    if not values:
        raise GutaxisError(
            _problem(
                code="I27", layer=", ".join(sorted(needed)),
                wrong=f"batch {batch} has no usable sample of a layer of the model",
                allowed="A batch with samples of at least one layer that the model reads",
                mend="Check `batch`, and that the layers of the new batch were made",
            )
        )  # fmt: skip
    table, checks = predict_new(model=known, values=values)
    about = f"locked model {known['name']}, fingerprint {known['fingerprint'][:16]}; batch {batch}; exploratory"
    trained = f"trained on {known['training']['n']} patients, {known['training']['n_r']} responders"
    write_tsv(table.assign(batch=batch)[PREDICTIONS], predictions, comment=f"{about}\n{trained}\n{known['limits']}")
    write_tsv(checks, verdicts, comment=f"{about}\n{trained}")


def predict_new(
    *, model: Mapping[str, Any], values: Mapping[str, Sequence[pd.DataFrame]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return predictions of new patients and the checks of drift.

    Parameters
    ----------
    model
        Locked model.
    values
        Layer -> raw tables of the new patients, see :func:`gutaxis.predict.apply.locked_scores`.

    Returns
    -------
    tuple
        Columns :data:`PREDICTIONS` without batch; and :data:`VERDICTS`. A layer that is refused is left out of the
        score; of a model of one part (a layer, early fusion) nothing is left then.

    Raises
    ------
    GutaxisError
        I28 for a patient, or a copy of a profile, of the training.
    """
    refuse_training(model=model, values=values)
    checks, usable = [], {}
    for part in model["parts"]:
        for layer in part["layers"]:
            name = layer["layer"]
            found = _layer_checks(layer, values.get(name), model)
            checks += found
            if name in values and not any(row["verdict"] == REFUSED for row in found):
                usable[name] = values[name]
    whole = len(model["parts"]) == 1 and any(row["verdict"] == REFUSED for row in checks)
    scored = locked_scores(model=model, values=values)
    trusted = locked_scores(model=model, values=usable)["score"] if usable and not whole else scored["score"] * np.nan
    quantiles = model["training"]["score_quantiles"]
    distances = [name for name in scored if name.startswith("distance:")]
    ratio = pd.DataFrame(
        {name: scored[name] / quantiles[name][-1] if quantiles.get(name) else np.nan for name in distances},
        index=scored.index, dtype=float,
    )  # fmt: skip
    farthest = ratio.max(axis=1)
    score = trusted.reindex(scored.index).where(~(farthest > FAR[1]))
    reason = [_why(row) for row in zip(score, farthest, scored["n_layers"], strict=True)]
    verdict = np.select([score.isna(), farthest > FAR[0]], [REFUSED, CAUTION], GOOD)
    out = float((farthest > FAR[0]).mean())
    low, high = quantiles["score"][0], quantiles["score"][-1]
    beyond = float(((score < low) | (score > high))[score.notna()].mean()) if score.notna().any() else float("nan")
    checks.append(_check("all", "patients_far_from_training", out, (0.1, 0.5), "share of patients"))
    checks.append(_check("all", "scores_outside_training", beyond, (0.2, 1.0), "share of patients"))
    table = pd.DataFrame(
        {
            "patient_id": scored.index, "score": score.to_numpy(), "probability": expit(score.to_numpy()),
            "n_layers": scored["n_layers"].to_numpy(), "farthest": farthest.to_numpy(), "verdict": verdict,
            "reason": reason,
        }
    )  # fmt: skip
    return table, pd.DataFrame(checks, columns=VERDICTS)


def refuse_training(*, model: Mapping[str, Any], values: Mapping[str, Sequence[pd.DataFrame]]) -> None:
    """Raise if a new patient is one of the training, by id or by profile.

    Raises
    ------
    GutaxisError
        I28.
    """
    trained = set(model["training"]["patients"])
    found = []
    for part in model["parts"]:
        for layer in part["layers"]:
            profiles = set(layer["profiles"])
            for patient, row in values.get(layer["layer"], [pd.DataFrame()])[0].iterrows():
                if str(patient) in trained:
                    found.append((layer["layer"], f"patient {patient} was in the training of the model"))
                elif profile_hash(values=row) in profiles:
                    found.append((layer["layer"], f"patient {patient} has the profile of a patient of the training"))
    if found:
        raise GutaxisError(
            _problem(
                code="I28", layer=layer, wrong=wrong, allowed="New patients only: a model knows those it was fitted to",
                mend="Take the patient out of the batch",
            )
            for layer, wrong in sorted(set(found))
        )  # fmt: skip


def _problem(*, code: str, layer: str, wrong: str, allowed: str, mend: str) -> Problem:
    return Problem(code, f"layer {layer}", None, None, None, wrong, allowed, mend)


def _new_samples(path: Path | str, layer: Mapping[str, Any], batch: str, state: str) -> list[pd.DataFrame]:
    """Return the raw tables of the batch, by patient; nothing if there is no sample of the state."""
    adata = ad.read_h5ad(path)
    name = layer["layer"]
    refuse_outcome_names(layer=name, features=adata.var_names, observations=adata.obs.columns)
    if str(adata.uns["kind"]) != layer["kind"]:
        raise GutaxisError(
            _problem(
                code="I27", layer=name, wrong=f"kind {adata.uns['kind']}; the model was trained on {layer['kind']}",
                allowed="The kind of the training", mend="Make the layer as the layer of the training was made",
            )
        )  # fmt: skip
    adata = adata[(adata.obs["batch"].astype(str) == batch).to_numpy()]
    if not adata.n_obs:
        return []
    values = raw_values(adata=adata)
    obs = adata.obs.sort_index()
    refuse_same_profiles(layer=name, values=values, patients=obs["patient_id"].astype(str).reindex(values.index),
                         kind=layer["kind"])  # fmt: skip
    times = {"baseline": ["PRE"], "post": ["POST"], "change": ["PRE", "POST"]}[state]
    tables = []
    for time in times:
        some = obs[obs["timepoint"].astype(str) == time].drop_duplicates("patient_id")
        tables.append(values.loc[some.index].set_axis(some["patient_id"].astype(str).to_numpy()))
    both = sorted(set.intersection(*(set(table.index) for table in tables)))
    return [table.loc[both].rename_axis("patient_id") for table in tables] if both else []


def _layer_checks(
    layer: Mapping[str, Any], tables: Sequence[pd.DataFrame] | None, model: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the checks of one layer."""
    name = layer["layer"]
    if tables is None:
        limits = (0.0, 1.0) if len(model["parts"]) > 1 else (0.0, 0.5)
        return [_check(name, "layer_missing", 1.0, limits, "the batch has no sample of the layer")]
    here = set(map(str, tables[0].columns))
    size = np.abs(np.array(layer["coefficients"]))
    gone = np.array([feature not in here for feature in layer["features"]])
    weight = float(size[gone].sum() / size.sum()) if size.sum() > 0 else 0.0
    share = float(np.mean([feature not in here for feature in layer["kept"]])) if layer["kept"] else 0.0
    scaled = scaled_values(layer=layer, tables=tables)
    n = scaled.notna().any(axis=1).sum()
    mean = np.abs(scaled.mean().to_numpy())[~gone]
    # a mean of n patients of the training population is off by 1 / sqrt(n) anyway
    excess = np.sqrt(np.maximum(mean**2 - 1 / max(n, 1), 0.0))
    shift = float(np.median(excess)) if len(excess) else 0.0
    return [
        _check(name, "missing_weight", weight, MISSING_WEIGHT, "share of the coefficients, by size"),
        _check(name, "missing_features", share, MISSING_FEATURES, "share of the features of the training"),
        _check(name, "median_shift", shift, SHIFT, "training standard deviations beyond the sampling error"),
    ]


def _check(layer: str, check: str, value: float, limits: tuple[float, float], meaning: str) -> dict[str, Any]:
    verdict = REFUSED if value > limits[1] else CAUTION if value > limits[0] else GOOD
    return {
        "layer": layer, "check": check, "value": value, "limit": limits[0], "verdict": verdict,
        "meaning": f"{meaning}; refused above {limits[1]:g}",
    }  # fmt: skip


def _why(row: tuple[float, float, int]) -> str | None:
    """Return why there is no probability, or why it is doubtful."""
    score, far, layers = row
    if far > FAR[1]:
        return f"{far:.2g} times as far from the mean as any training patient"
    if np.isnan(score):
        return f"{layers} layers of this patient can be used, fewer than half" if layers else "no layer"
    return f"{far:.2g} times as far from the mean as any training patient" if far > FAR[0] else None

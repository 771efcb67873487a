"""A model that is finished: written as JSON, read back, applied to patients it has never seen. No outcome is read.

Everything a prediction needs is a number in the file: which features, what stands for a zero, centre and scale of the
training patients, coefficients. No pickle, nothing is executed.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import atomic_write
from gutaxis.predict.apply import locked_scores, profile_hash
from gutaxis.predict.folds import stratified_folds
from gutaxis.predict.fusion import Tuned, fusion_weights
from gutaxis.predict.inputs import Block, make_blocks, shortage
from gutaxis.predict.matrices import Cohort, read_cohort
from gutaxis.predict.nested import enough_layers, fit_layer
from gutaxis.predict.settings import CLINICAL, EARLY, ELASTIC_NET, LATE, Settings
from gutaxis.predict.targets import Target, response_target
from gutaxis.predict.transforms import Blocks, LayerScaler

#: Of the file; a reader refuses another one.
FORMAT = "gutaxis locked model 1"
#: Significant digits of the numbers in the file.
DIGITS = 12


def lock_model(
    *, layers: Mapping[str, Path | str], outcomes: Path | str, settings: Mapping[str, Any], model: str,
    output: Path | str, seed: int, reference: Sequence[str] | None = None,
) -> None:  # fmt: skip
    """Fit an elastic net to all patients and write it.

    Parameters
    ----------
    layers, outcomes, settings
        As in :func:`gutaxis.predict.files.prediction_files`.
    model
        A layer, ``early`` or ``late``.
    output
        JSON file.
    seed
        Of the inner folds that choose the penalty.
    reference
        Batches that the model is fitted to; None: all.

    Raises
    ------
    GutaxisError
        I20 to I24 as for a prediction; I25 if the model cannot be fitted.
    """
    chosen = Settings.of(settings=settings)
    cohort = read_cohort(layers=layers, outcomes=outcomes, state=chosen.state, clinical=(), reference=reference)
    write_model(model=fit_locked(cohort=cohort, settings=chosen, model=model, seed=seed), path=output)


def fit_locked(*, cohort: Cohort, settings: Settings, model: str, seed: int) -> dict[str, Any]:
    """Return the locked model as plain values.

    Raises
    ------
    GutaxisError
        I25.
    """
    target = response_target(patients=cohort.patients)
    reason = shortage(target=target, rows=np.arange(target.n), settings=settings)
    blocks, reasons = ({}, {}) if reason else make_blocks(cohort=cohort, target=target, settings=settings)
    blocks.pop(CLINICAL, None)
    names = sorted(blocks) if model in {EARLY, LATE} else [model]
    if reason or not names or not set(names) <= set(blocks):
        why = reason or reasons.get(model) or f"layers: {', '.join(sorted(cohort.matrices)) or 'none'}"
        raise GutaxisError(_problem(wrong=f"no model `{model}` can be fitted: {why}", value=model))
    inner = stratified_folds(
        classes=target.classes, groups=target.groups, folds=settings.inner_folds,
        rng=np.random.default_rng([seed, 5]),
    )  # fmt: skip
    used = [blocks[name] for name in names]
    groups = [[block] for block in used] if model == LATE else [used]
    parts, tuned = [], []
    for group in groups:
        found = fit_layer(
            learner=ELASTIC_NET, blocks=group, target=target, rows=np.arange(target.n), inner=inner, settings=settings
        )
        if found is None:
            raise GutaxisError(_problem(wrong=f"no model of {group[0].layer} can be fitted", value=model))
        tuned.append(found)
        parts.append({"intercept": float(_intercept(found)), "layers": _layers(found, group, cohort, target)})
    for part, weight in zip(parts, fusion_weights(skills=np.array([found.skill for found in tuned])), strict=True):
        part["weight"] = float(weight)
    body = {
        "format": FORMAT, "name": model, "outcome": "response", "learner": ELASTIC_NET, "state": cohort.state,
        "settings": {key: list(item) if isinstance(item, tuple) else item for key, item in asdict(settings).items()},
        "parts": parts,
        "training": _training(target, used, cohort),
        "limits": "exploratory; fitted to one study without a control arm; its performance is that of the nested "
        "cross-validation, not of the training patients",
    }  # fmt: skip
    body = _rounded(body)
    body["training"]["score_quantiles"] = _quantiles(body, cohort, target)
    return body | {"fingerprint": fingerprint(model=body)}


def fingerprint(*, model: Mapping[str, Any]) -> str:
    """Return the sha256 of the model without its fingerprint: a changed digit is noticed."""
    body = {key: value for key, value in model.items() if key != "fingerprint"}
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def write_model(*, model: Mapping[str, Any], path: Path | str) -> None:
    """Write a locked model, atomically; the same model gives the same bytes."""
    with atomic_write(path) as part:
        part.write_text(json.dumps(model, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_model(*, path: Path | str) -> dict[str, Any]:
    """Return a locked model.

    Raises
    ------
    GutaxisError
        I26 if it is no locked model, or was changed.
    """
    try:
        model = json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError):
        model = {}
    good = isinstance(model, dict) and model.get("format") == FORMAT
    if not good or fingerprint(model=model) != model.get("fingerprint"):
        wrong = "its content does not fit its fingerprint" if good else f"it is not a `{FORMAT}`"
        raise GutaxisError(
            Problem(
                "I26", Path(path).name, None, None, None, wrong, "A locked model as it was written",
                "Take the original file; a locked model is never edited",
            )
        )  # fmt: skip
    return model


def _problem(*, wrong: str, value: str) -> Problem:
    return Problem(
        "I25", "prediction", None, "model", value, wrong, "A layer that was judged, `early`, or `late`",
        "Look at the column reason of performance.tsv",
    )  # fmt: skip


def _intercept(found: Tuned) -> float:
    return found.pipeline.steps[-1][1].intercept_[found.setting]


def _layers(found: Tuned, group: list[Block], cohort: Cohort, target: Target) -> list[dict[str, Any]]:
    """Return what each layer of a fitted part needs, in plain values."""
    first = found.pipeline.steps[0][1]
    coef = found.pipeline.steps[-1][1].coef_[found.setting]
    fused = isinstance(first, Blocks)
    pairs = first.parts if fused else [(first, found.pipeline.steps[1][1])]
    counts = first.outputs_ if fused else [len(coef)]
    made, start = [], 0
    for block, (scaler, screen), count in zip(group, pairs, counts, strict=True):
        # a screened model sees few features; the others need no centre
        places = screen.columns_ if count else np.zeros(0, dtype=int)
        values = coef[start : start + count] / (np.sqrt(count) if fused and count else 1.0)
        if count:
            scaler.learn_medians(block.values[block.present])
        made.append(_layer(block, scaler, places, values) | _hashes(cohort, block, target))
        start += count
    return made


def _layer(block: Block, scaler: LayerScaler, places: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    # what no training patient of the part had was never fitted
    fitted = hasattr(scaler, "kept_")
    kept = scaler.kept_ if fitted else np.zeros(0, dtype=int)
    features = scaler.features_[places] if fitted else kept
    return {
        "layer": block.layer,
        "kind": block.kind,
        "kept": [block.features[at] for at in kept],
        "fill": (scaler.fill_ if fitted else np.zeros(0)).tolist(),
        "median": (scaler.median_ if fitted else np.zeros(0)).tolist(),
        "features": [block.features[at] for at in features],
        "center": (scaler.center_[places] if fitted else np.zeros(0)).tolist(),
        "scale": (scaler.scale_[places] if fitted else np.zeros(0)).tolist(),
        "coefficients": values.tolist(),
    }


def _hashes(cohort: Cohort, block: Block, target: Target) -> dict[str, Any]:
    matrix = cohort.matrices[block.layer]
    patients = [name for name, here in zip(target.names, block.present, strict=True) if here]
    return {
        "unit": matrix.unit,
        "profiles": sorted(profile_hash(values=matrix.values.loc[name]) for name in patients),
    }


def _training(target: Target, used: list[Block], cohort: Cohort) -> dict[str, Any]:
    rows = enough_layers(blocks=used)
    names = [str(name) for name in target.names[rows]]
    batches = sorted({name for block in used for row in np.flatnonzero(block.present) for name in block.batches[row]})
    return {
        "n": len(names), "n_r": int(target.classes[rows].sum()), "patients": sorted(names), "batches": batches,
        "cohorts": sorted({str(name) for name in target.strata[rows]}), "state": cohort.state,
    }  # fmt: skip


def _quantiles(model: dict[str, Any], cohort: Cohort, target: Target) -> dict[str, Any]:
    """Return the range of scores and distances of the training patients."""
    tables = {
        layer["layer"]: _tables(cohort, layer["layer"], target) for part in model["parts"] for layer in part["layers"]
    }
    found = locked_scores(model=model, values=tables)
    columns = ["score", *(name for name in found if name.startswith("distance:"))]
    levels = (0.0, 0.05, 0.5, 0.95, 1.0)
    table = {name: found[name].dropna().quantile(list(levels)).tolist() for name in columns}
    return _rounded({"levels": list(levels), **{name: values for name, values in table.items() if len(values)}})


def _tables(cohort: Cohort, layer: str, target: Target) -> list[pd.DataFrame]:
    matrix = cohort.matrices[layer]
    known = matrix.values.index.intersection(target.names)
    return [table.loc[known] for table in (matrix.values, matrix.post) if table is not None]


def _rounded(item: Any) -> Any:
    if isinstance(item, dict):
        return {key: _rounded(value) for key, value in item.items()}
    if isinstance(item, list):
        return [_rounded(value) for value in item]
    return float(f"{item:.{DIGITS}g}") if isinstance(item, float) else item

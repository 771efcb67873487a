"""The tables of a prediction: performance, predictions, importance, shuffled runs, curves."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from gutaxis.predict.inputs import Block, Spec
from gutaxis.predict.metrics import (
    bootstrap_interval,
    calibration,
    concordance,
    interval,
    no_variance_floor,
    roc,
    smaller_class,
    widening,
)
from gutaxis.predict.nested import Run
from gutaxis.predict.null import GRID, Null, pair_variance
from gutaxis.predict.settings import NESTED, SCHEMES, Settings
from gutaxis.predict.stability import IMPORTANCE, nogueira, selection
from gutaxis.predict.targets import RESPONSE, Target

KEY = ["model", "layers", "outcome"]
PERFORMANCE = [
    *KEY, "n", "n_r", "auc", "ci_low", "ci_high", "p_null", "scheme", "metric", "state", "fusion", "null_mean",
    "null_sd", "permutations", "delong_low", "delong_high", "widening", "boot_low", "boot_high", "calibration_slope",
    "calibration_intercept", "brier", "brier_reference", "stability", "stability_low", "stability_high", "n_features",
    "folds_skipped", "role", "reason",
]  # fmt: skip
PREDICTIONS = [*KEY, "scheme", "patient_id", "cohort", "observed", "days", "score", "probability", "n_scores"]
NULL = [*KEY, "scheme", "permutation", "auc"]
ROC = [*KEY, "fpr", "tpr", "band_low", "band_high"]


@dataclass(frozen=True, kw_only=True)
class Tables:
    """What is written: columns PERFORMANCE, PREDICTIONS, KEY + IMPORTANCE, NULL, ROC."""

    performance: pd.DataFrame
    predictions: pd.DataFrame
    importance: pd.DataFrame
    null: pd.DataFrame
    roc: pd.DataFrame


def empty_tables() -> Tables:
    """Return tables without rows."""
    columns = (PERFORMANCE, PREDICTIONS, [*KEY, *IMPORTANCE], NULL, ROC)
    return Tables(**dict(zip(Tables.__annotations__, (pd.DataFrame(columns=some) for some in columns), strict=True)))


def make_tables(
    *, blocks: Mapping[str, Block], target: Target, runs: Mapping[tuple[Spec, str], Run],
    nulls: Mapping[tuple[Spec, str], Null], reasons: Mapping[str, str], settings: Settings, seed: int,
) -> Tables:  # fmt: skip
    """Return the tables of one outcome.

    Parameters
    ----------
    blocks, target, settings, seed
        Of the run.
    runs, nulls
        Observed and shuffled runs by model and scheme.
    reasons
        Layer -> why it is not among the blocks; becomes a row of performance without numbers.
    """
    performance, predictions, importance, null, curves = [], [], [], [], []
    for (spec, scheme), run in sorted(runs.items(), key=lambda item: _order(*item[0])):
        key = {"model": spec.name, "layers": spec.shown, "outcome": target.outcome}
        shuffles = nulls.get((spec, scheme))
        performance.append(
            key | _performance(target, run, shuffles, seed, settings.bootstrap)
            | {"scheme": scheme, "state": settings.state, "fusion": spec.fusion, "reason": None}
            | _selected(run, [blocks[layer] for layer in spec.layers])
        )  # fmt: skip
        table = _predictions(target, run)
        predictions.append(table.assign(**key, scheme=scheme))
        if scheme == NESTED and run.fits:
            chosen, _ = selection(fits=run.fits, blocks=[blocks[layer] for layer in spec.layers])
            importance.append(chosen.assign(**key))
        if shuffles is not None:
            numbers = np.arange(1, len(shuffles.estimates) + 1)
            null.append(
                pd.DataFrame({"permutation": numbers, "auc": shuffles.estimates}).assign(**key, scheme=scheme)
            )  # fmt: skip
        if scheme == NESTED and target.outcome == RESPONSE and run.counter.counts.sum():
            band = shuffles is not None and len(shuffles.curves) > 0
            low, high = np.quantile(shuffles.curves, [0.025, 0.975], axis=0) if band else (np.nan, np.nan)
            sensitivity = roc(pairs=run.counter.pairs, grid=GRID)
            curves.append(
                pd.DataFrame({"fpr": GRID, "tpr": sensitivity, "band_low": low, "band_high": high}).assign(**key)
            )  # fmt: skip
    for layer, reason in sorted(reasons.items()):
        performance.append(
            {"model": None, "layers": layer, "outcome": target.outcome, "state": settings.state, "reason": reason}
        )
    made = empty_tables()
    parts = {
        "performance": [pd.DataFrame(performance)] if performance else [], "predictions": predictions,
        "importance": importance, "null": null, "roc": curves,
    }  # fmt: skip
    return Tables(**{name: _stacked(getattr(made, name), part) for name, part in parts.items()})


def joined(*, tables: list[Tables]) -> Tables:
    """Return the tables of several outcomes as one of each."""
    return Tables(
        **{name: _stacked(getattr(empty_tables(), name), [getattr(part, name) for part in tables])
           for name in Tables.__annotations__}
    )  # fmt: skip


def _order(spec: Spec, scheme: str) -> tuple[int, Spec]:
    return SCHEMES.index(scheme), spec


def _stacked(empty: pd.DataFrame, parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the parts one below the other, in the columns of the empty table."""
    parts = [part for part in parts if len(part)]
    if not parts:
        return empty
    made = pd.concat([part.reindex(columns=empty.columns).astype(object) for part in parts], ignore_index=True)
    return made.infer_objects()


def _performance(target: Target, run: Run, shuffles: Null | None, seed: int, draws: int) -> dict[str, object]:
    """Return the numbers of one row."""
    pairs = run.counter.pairs
    value, variance = concordance(pairs=pairs), pair_variance(pairs=pairs, target=target)
    compared = (pairs.counts.sum(axis=0) > 0) | (pairs.counts.sum(axis=1) > 0)
    row: dict[str, object] = {
        "n": len(np.unique(target.groups[compared])),
        "n_r": len(np.unique(target.groups[compared & (target.classes == 1)])),
        "auc": value,
        "metric": "auc" if target.time is None else "harrell_c",
        "folds_skipped": run.skipped,
        "role": "exploratory",
    }
    known = np.array([]) if shuffles is None else shuffles.estimates[np.isfinite(shuffles.estimates)]
    row["permutations"] = len(known)
    if len(known):
        row |= {"p_null": shuffles.p_value(observed=value), "null_mean": known.mean(), "null_sd": known.std(ddof=1)}
    if not np.isfinite(value):
        return row
    row["delong_low"], row["delong_high"] = interval(estimate=value, variance=variance)
    factor = 1.0 if shuffles is None else widening(estimates=shuffles.estimates, variances=shuffles.variances)
    floored = variance if variance > 1e-12 else no_variance_floor(pairs=pairs)
    row["widening"] = factor
    row["ci_low"], row["ci_high"] = interval(
        estimate=value, variance=floored, factor=factor, df=smaller_class(pairs=pairs)
    )
    row["boot_low"], row["boot_high"] = bootstrap_interval(
        pairs=pairs, groups=target.groups, draws=draws, rng=np.random.default_rng([seed, 4])
    )
    if target.time is None:
        mean, _ = mean_scores(target=target, run=run)
        found = calibration(log_odds=mean, classes=target.classes)
        row |= {"calibration_slope": found["slope"], "calibration_intercept": found["intercept"]}
        row |= {"brier": found["brier"], "brier_reference": found["brier_reference"]}
    return row


def _selected(run: Run, blocks: list[Block]) -> dict[str, object]:
    """Return the stability of the features used."""
    if not run.fits:
        return {}
    _, used = selection(fits=run.fits, blocks=blocks)
    index, low, high = nogueira(chosen=used)
    return {
        "stability": index, "stability_low": low, "stability_high": high, "n_features": float(used.sum(axis=1).mean())
    }  # fmt: skip


def mean_scores(*, target: Target, run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean held-out score of each row over repeats, NaN without one, and how many there are."""
    total, count = np.zeros(target.n), np.zeros(target.n)
    for rows, scores in run.scores:
        total[rows] += scores
        count[rows] += 1
    return np.divide(total, count, out=np.full(target.n, np.nan), where=count > 0), count.astype(int)


def _predictions(target: Target, run: Run) -> pd.DataFrame:
    """Return one row per patient that was scored."""
    mean, count = mean_scores(target=target, run=run)
    response = target.time is None
    words = ("R", "NR") if response else ("event", "censored")
    return pd.DataFrame(
        {
            "patient_id": target.names,
            "cohort": target.strata,
            "observed": np.where(target.classes == 1, *words),
            "days": np.nan if response else target.time,
            "score": mean,
            "probability": expit(mean) if response else np.nan,
            "n_scores": count,
        }
    )[count > 0]

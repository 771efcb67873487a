"""Prediction from files to files: the one function that the rule calls."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gutaxis.clinical.figure_frame import save_figure
from gutaxis.files import write_tsv
from gutaxis.predict.figures import calibration_figure, roc_figure
from gutaxis.predict.guards import refuse_batch_is_response
from gutaxis.predict.inputs import make_blocks, make_specs, shortage
from gutaxis.predict.matrices import Cohort, read_cohort
from gutaxis.predict.nested import cross_validate
from gutaxis.predict.null import shuffled_runs
from gutaxis.predict.settings import CLINICAL, Settings
from gutaxis.predict.tables import Tables, empty_tables, joined, make_tables
from gutaxis.predict.targets import Target, pfs2_target, response_target

#: Said above every table.
LIMITS = (
    "exploratory: associations in one study without a control arm",
    "filters, stand-ins for zeros and gaps, scaling, choice of features, penalty and fusion weights are learned inside "
    "the training patients of each fold; normalisation and drift correction of a layer were made before, without any "
    "outcome",
)


def prediction_files(
    *, layers: Mapping[str, Path | str], outcomes: Path | str, settings: Mapping[str, Any], performance: Path | str,
    predictions: Path | str, importance: Path | str, null: Path | str, roc: Path | str, roc_svg: Path | str,
    roc_html: Path | str, calibration_svg: Path | str, calibration_html: Path | str, seed: int, threads: int = 1,
    reference: Sequence[str] | None = None,
) -> None:  # fmt: skip
    """Judge every model of response and PFS2, and write what was found.

    Parameters
    ----------
    layers
        Name -> ``layers/{layer}.h5ad``.
    outcomes
        ``clinical/sample_response.tsv``.
    settings
        Values for :class:`gutaxis.predict.settings.Settings`; the others keep their defaults.
    performance, predictions, importance, null, roc
        Tables to write.
    roc_svg, roc_html, calibration_svg, calibration_html
        Figures to write.
    seed
        Same seed, same bytes, whatever the number of threads.
    threads
        Processes for the shuffled runs.
    reference
        Batches that models are fitted to and judged on; None: all.

    Raises
    ------
    GutaxisError
        I20 to I24, see :mod:`gutaxis.predict.guards`. Too few patients are no error: rows or tables say why.
    """
    chosen = Settings.of(settings=settings)
    cohort = read_cohort(
        layers=layers, outcomes=outcomes, state=chosen.state, clinical=chosen.clinical, reference=reference
    )
    found, refusals = predict(cohort=cohort, settings=chosen, seed=seed, threads=threads)
    head = [*(f"no result for {name}: {reason}" for name, reason in refusals.items()), *LIMITS]
    head.append(f"state {chosen.state}; {len(cohort.patients)} patients; seed {seed}")
    if reference is not None:
        head.append(f"frozen: learned from and judged on samples of the batches {', '.join(reference)} alone")
    about = {
        "performance": (
            performance,
            f"nested cross-validation: {chosen.repeats} x {chosen.folds} folds of patients, stratified by outcome, "
            f"{chosen.inner_folds} inner folds\n"
            "auc: share of pairs of one test fold in the right order; for pfs2 Harrell's C (column metric), "
            "and n_r counts events\n"
            "ci: DeLong's standard error (jackknife for pfs2) times widening, with t of the smaller class; widening: "
            "spread of shuffled runs over what the formula claims; delong: without both; boot: patients resampled with "
            "their scores, models not refitted\n"
            f"p_null: {chosen.permutations} runs of everything with outcomes shuffled within cohort",
        ),
        "predictions": (
            predictions,
            "score: mean held-out log odds of response, or log hazard of PFS2; observed: R, NR, or event, censored",
        ),
        "importance": (
            importance,
            "frequency: share of training folds whose model uses the feature; weight: mean coefficient per standard "
            "deviation (positive: higher in responders, or higher hazard), of a forest its impurity importance",
        ),
        "null": (null, "auc (Harrell's C for pfs2) of every shuffled run"),
        "roc": (roc, "mean curve of pairs of one test fold; band: 95 % of the shuffled runs"),
    }
    for name, (path, comment) in about.items():
        write_tsv(getattr(found, name), path, comment="\n".join([*head, comment]))
    why = refusals.get("response", "no model could be judged")
    save_figure(
        chart=roc_figure(roc=found.roc, performance=found.performance, reason=why),
        svg=Path(roc_svg), html=Path(roc_html),
    )  # fmt: skip
    save_figure(
        chart=calibration_figure(predictions=found.predictions, performance=found.performance, reason=why),
        svg=Path(calibration_svg), html=Path(calibration_html),
    )  # fmt: skip


def predict(*, cohort: Cohort, settings: Settings, seed: int, threads: int = 1) -> tuple[Tables, dict[str, str]]:
    """Return the tables of every outcome, and outcome -> why there is none.

    Raises
    ------
    GutaxisError
        I23 if the batches of a layer are the response.
    """
    made, refusals = [], {}
    targets = {"response": response_target}
    if settings.survival:
        targets["pfs2"] = pfs2_target
    if not cohort.matrices:
        why = "; ".join(f"{name}: {reason}" for name, reason in sorted(_lost_layers(cohort).items()))
        return empty_tables(), dict.fromkeys(targets, f"no layer can be used. {why}")
    for outcome, make in targets.items():
        target = make(patients=cohort.patients)
        if outcome == "response":
            for name, matrix in cohort.matrices.items():
                batches = matrix.batches.map(lambda row: "+".join(row) or None)
                refuse_batch_is_response(layer=name, batches=batches, response=cohort.patients["response"])
        tables, reason = predict_target(cohort=cohort, target=target, settings=settings, seed=seed, threads=threads)
        made.append(tables)
        if reason:
            refusals[outcome] = reason
    return joined(tables=made), refusals


def predict_target(
    *, cohort: Cohort, target: Target, settings: Settings, seed: int, threads: int = 1
) -> tuple[Tables, str | None]:
    """Return the tables of one outcome, or empty ones and the reason."""
    reason = shortage(target=target, rows=_every(target), settings=settings)
    if reason:
        return empty_tables(), reason
    blocks, reasons = make_blocks(cohort=cohort, target=target, settings=settings)
    reasons |= _lost_layers(cohort)
    specs = make_specs(blocks=blocks, target=target, settings=settings)
    if not set(blocks) - {CLINICAL}:
        return empty_tables(), "; ".join(f"{name}: {why}" for name, why in sorted(reasons.items()))
    runs = cross_validate(blocks=blocks, target=target, specs=specs, settings=settings, seed=[seed, 1], details=True)
    nulls = shuffled_runs(
        blocks=blocks, target=target, specs=specs, settings=settings, seed=seed, threads=threads
    ) if settings.permutations else {}  # fmt: skip
    tables = make_tables(
        blocks=blocks, target=target, runs=runs, nulls=nulls, reasons=reasons, settings=settings, seed=seed
    )
    return tables, None


def _lost_layers(cohort: Cohort) -> dict[str, str]:
    """Return layer -> why it was lost before any outcome was looked at."""
    return {
        name.split(": ")[0]: reason
        for what, name, reason in cohort.dropped.itertuples(index=False, name=None)
        if what == "layer"
    }


def _every(target: Target) -> np.ndarray:
    return np.arange(target.n)

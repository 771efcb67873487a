"""From a feature table to the metabolite layer: filters, drift, batches, dilution, precision, imputation, in order.

Blank filter and detection filter -> log2 -> drift and batches by the pooled QCs -> PQN -> precision filter ->
imputation. What a vendor has done is not done again. Neither response nor any other outcome is read here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import write_tsv
from gutaxis.layers.names import some
from gutaxis.metabolome.feature_table import IMPUTED, FeatureTable, join_modes, read_feature_table
from gutaxis.metabolome.impute import impute
from gutaxis.metabolome.injections import QC, STUDY, check_injections, design_checks
from gutaxis.metabolome.messages import Messages, drift_words
from gutaxis.metabolome.process_settings import ProcessSettings
from gutaxis.metabolome.process_stages import (
    ModeResult,
    Prepared,
    choose_corrections,
    correct_mode,
    first_filters,
    last_filters,
    precision,
    prepare,
)
from gutaxis.metabolome.quality import injection_counts, principal_components

#: Columns of the features' quality that go with the layer.
LAYER_COLUMNS = ("detection", "missing_share", "mechanism", "rsd_before", "rsd_held_out", "dratio_held_out")
WHO = ["patient_id", "timepoint", "batch", "control", "run_order"]


@dataclass(frozen=True, kw_only=True)
class Processed:
    """The layer and what led to it.

    Parameters
    ----------
    values
        Features x study samples, log2, imputed; NaN where not measured or not imputed.
    state
        Same shape: detected, forced, imputed, absent.
    features
        Kept features: what the table told of them, and :data:`LAYER_COLUMNS`.
    controls
        Kept features x pooled QCs, log2, corrected and normalised.
    feature_quality
        All features: mode, kept, reason (blank, detection, rsd, dratio), blank_ratio, detection_GROUP, detection, n_qc,
        rsd_* and dratio_* (before; after; held_out: technical error alone; held_out_plain: with the error of the
        correction, which study samples have too), drift (how the batches were corrected), n_missing, missing_share,
        mechanism, n_half_minimum, n_neighbours.
    injection_quality
        Injections x modes: who and when, counts of states, median_log2 (of all features, before),
        deviation_25, _50, _75 of before and after (quartiles over features of the difference to the median QC, log2),
        pqn_log2 (dilution taken off), kept, reason.
    components
        Injections x stage (before, after): pc1, pc2, share_1, share_2.
    batches
        Of :class:`gutaxis.metabolome.drift.Corrected`, by mode.
    steps
        step, n_features, n_samples left by it.
    design
        Of :func:`gutaxis.metabolome.injections.design_checks`.
    messages
        level (info, warning), step, mode, message.
    """

    values: pd.DataFrame
    state: pd.DataFrame
    features: pd.DataFrame
    controls: pd.DataFrame
    feature_quality: pd.DataFrame
    injection_quality: pd.DataFrame
    components: pd.DataFrame
    batches: pd.DataFrame
    steps: pd.DataFrame
    design: pd.DataFrame
    messages: pd.DataFrame

    @property
    def measured(self) -> pd.DataFrame:
        """Values without the imputed ones, for tests that can do without them."""
        return self.values.where(self.state != IMPUTED)


def process(*, table: FeatureTable, injections: pd.DataFrame, settings: ProcessSettings) -> Processed:
    """Filter, correct, normalise and impute a feature table.

    Parameters
    ----------
    table
        Study samples, pooled QCs, blanks. A feature with a true value in the column ``panel`` of ``features`` is spared
        by the detection filter, not by the others.
    injections
        The canonical injection table (:mod:`gutaxis.metabolome.injections`); rows without values in the table are told
        and left out.
    settings
        Choices of the config.

    Returns
    -------
    Processed

    Raises
    ------
    GutaxisError
        M40 a negative intensity; M42-M46 of :func:`gutaxis.metabolome.injections.check_injections`; M47 nothing passes.
    """
    messages = Messages()
    need_order = settings.drift and "drift" not in table.done
    rows = check_injections(injections=injections, samples=list(table.values.columns), need_order=need_order)
    if lacking := sorted(set(injections.index) - set(rows.index)):
        text = f"{len(lacking)} injections of the sample sheet are not in the table: {some(lacking)}"
        messages.tell(step="table", message=text, warn=True)
    design, warnings = design_checks(injections=rows)
    for text in warnings:
        messages.tell(step="design", message=text, warn=True)
    confounded = bool(design.loc[design["check"] == "batch_by_timepoint", "confounded"].any())
    prepared = prepare(table=table, rows=rows, messages=messages)
    corrections = choose_corrections(prepared=prepared, settings=settings, messages=messages)
    quality = first_filters(prepared=prepared, settings=settings, messages=messages)
    steps = [_step("table", prepared.log2.index, prepared.names(STUDY))]
    for step, word in (("blank filter", "blank"), ("detection filter", "detection")):
        left = quality.index[~quality["reason"].isin({"blank", word})]
        steps.append(_step(step, left, prepared.names(STUDY)))
    passed = quality.index[quality["reason"] == ""]
    _refuse_nothing(passed, "feature", "blank and detection filter")
    results = {
        mode: correct_mode(
            prepared=prepared, mode=mode, kept=passed, corrections=corrections, settings=settings,
            confounded=confounded, messages=messages,
        )
        for mode in sorted(prepared.modes[passed].unique())
    }  # fmt: skip
    values = pd.concat([result.values for result in results.values()]).reindex(passed)
    values = values.reindex(columns=prepared.rows.index)
    held = [
        pd.concat([getattr(result, name) for result in results.values()]).reindex(passed)
        for name in ("held_out", "held_out_plain")
    ]
    quality = quality.join(precision(prepared=prepared, values=values, held_out=held[0], held_out_plain=held[1]))
    quality["drift"] = pd.concat([drift_words(methods=result.corrected.methods) for result in results.values()])
    quality["reason"] = last_filters(quality=quality, settings=settings, messages=messages)
    kept = quality.index[quality["reason"] == ""]
    _refuse_nothing(kept, "feature", "precision filter")
    steps.append(_step("precision filter", kept, prepared.names(STUDY)))
    samples, thin = _full_samples(prepared=prepared, values=values.loc[kept], settings=settings, messages=messages)
    _refuse_nothing(samples, "sample", "filter of samples with few values")
    steps.append(_step("sample filter", kept, samples))
    layer, state = values.loc[kept, samples], prepared.table.state.loc[kept, samples]
    if settings.imputation == "mechanism" and "imputed" not in table.done:
        layer, state, about = impute(
            values=layer, state=state, measured=prepared.measured.loc[kept, samples], k=settings.neighbours
        )
        quality = quality.join(about)
    else:
        missing = (layer.isna() & prepared.measured.loc[kept, samples]).sum(axis=1)
        quality = quality.join(pd.DataFrame({"n_missing": missing, "missing_share": missing / len(samples)}))
        quality["mechanism"] = "not told"
    quality.insert(1, "kept", quality.index.isin(kept))
    quality.insert(2, "reason", quality.pop("reason"))
    batches = [result.corrected.batches.assign(mode=mode) for mode, result in results.items()]
    shown = list(LAYER_COLUMNS)
    features = table.features.drop(columns=shown, errors="ignore").loc[kept].join(quality.loc[kept, shown])
    return Processed(
        values=layer,
        state=state,
        features=features,
        controls=values.loc[kept, prepared.names(QC)],
        feature_quality=quality,
        injection_quality=_injections(prepared=prepared, results=results, thin=thin),
        components=_components(before=prepared.log2.loc[kept], after=values.loc[kept], prepared=prepared),
        batches=pd.concat(batches, ignore_index=True),
        steps=pd.DataFrame(steps),
        design=design,
        messages=messages.table(),
    )


def process_files(
    *, tables: Sequence[tuple[Path, Path, Path]], injections: pd.DataFrame, settings: ProcessSettings,
    path_values: Path, path_state: Path, path_features: Path, path_controls: Path, path_feature_quality: Path,
    path_injection_quality: Path, path_components: Path, path_batches: Path, path_steps: Path, path_design: Path,
    path_messages: Path,
) -> None:  # fmt: skip
    """Read the feature tables of the modes, process them together, and write the layer's tables and the quality tables.

    Parameters
    ----------
    tables
        Values, state and features of each mode or of one table, as
        :func:`gutaxis.metabolome.feature_table.write_feature_table` writes them.
    injections, settings
        As of :func:`process`.
    path_values, ...
        Files to write, one for each table of :class:`Processed`.

    Raises
    ------
    GutaxisError
        As :func:`process`, and M40, M41 of :func:`gutaxis.metabolome.feature_table.read_feature_table`.
    """
    parts = [read_feature_table(path_values=v, path_state=s, path_features=f) for v, s, f in tables]
    table = parts[0] if len(parts) == 1 else join_modes(tables=parts)
    done = process(table=table, injections=injections, settings=settings)
    unit = f"log2 of {table.unit}"
    write_tsv(done.values, path_values, index=True, comment=f"unit: {unit}")
    write_tsv(done.state, path_state, index=True)
    write_tsv(done.features, path_features, index=True, digits=8)
    write_tsv(done.controls, path_controls, index=True, comment=f"unit: {unit}")
    write_tsv(done.feature_quality, path_feature_quality, index=True, digits=6)
    for frame, path in (
        (done.injection_quality, path_injection_quality), (done.components, path_components),
        (done.batches, path_batches), (done.steps, path_steps), (done.design, path_design),
        (done.messages, path_messages),
    ):  # fmt: skip
        write_tsv(frame, path, digits=6)


def _step(step: str, features: Sequence[str], samples: Sequence[str]) -> dict[str, object]:
    return {"step": step, "n_features": len(features), "n_samples": len(samples)}


def _refuse_nothing(left: Sequence[str], what: str, step: str) -> None:
    """Stop where nothing is left to go on with."""
    if not len(left):
        raise GutaxisError(
            Problem(
                code="M47", file="feature table", line=None, column=None, value=None,
                wrong=f"no {what} passes the {step}", allowed="At least one",
                mend="Look at the blanks, pooled QCs and states of the table, or widen the limits in the config",
            )
        )  # fmt: skip


def _full_samples(
    *, prepared: Prepared, values: pd.DataFrame, settings: ProcessSettings, messages: Messages
) -> tuple[list[str], list[str]]:
    """Return study samples with enough values among the kept features, and those without."""
    study = prepared.names(STUDY)
    injected = prepared.measured.loc[values.index, study].sum(axis=0)
    share = (values[study].notna().sum(axis=0) / injected.where(injected > 0)).fillna(0.0)
    enough = (share > 0) & (share >= settings.min_sample_values)
    thin = [name for name in study if not enough[name]]
    for name in thin:
        text = f"Sample {name} has values in {share[name]:.0%} of its features and is left out of the layer"
        messages.tell(step="samples", message=text, warn=True)
    return sorted(name for name in study if enough[name]), thin


def _injections(*, prepared: Prepared, results: dict[str, ModeResult], thin: Sequence[str]) -> pd.DataFrame:
    """Return one row per injection and mode."""
    parts = []
    for mode, result in results.items():
        features = prepared.modes.index[prepared.modes == mode]
        part = prepared.rows[WHO].copy()
        part.insert(0, "mode", mode)
        part = part.join(injection_counts(state=prepared.table.state.loc[features]))
        part["median_log2"] = prepared.log2.loc[features].median(axis=0)
        stages = {"before": prepared.log2.loc[result.values.index], "after": result.values}
        for stage, values in stages.items():
            names = [name for name in prepared.names(QC) or prepared.names(STUDY) if name in values]
            away = values.sub(values[names].median(axis=1), axis=0)
            for share in (25, 50, 75):
                part[f"deviation_{share}_{stage}"] = away.quantile(share / 100, axis=0)
        part["pqn_log2"] = result.factors
        part["kept"] = (part["control"] == STUDY) & ~part.index.isin(thin)
        part["reason"] = np.where(part.index.isin(thin), "few values", np.where(part["kept"], "", "control"))
        parts.append(part.rename_axis("sample_id").reset_index())
    return pd.concat(parts, ignore_index=True)


def _components(*, before: pd.DataFrame, after: pd.DataFrame, prepared: Prepared) -> pd.DataFrame:
    """Return principal components of study samples and pooled QCs before and after."""
    names = prepared.names(STUDY) + prepared.names(QC)
    parts = []
    for stage, values in (("before", before), ("after", after)):
        points, shares = principal_components(values=values[names])
        part = points.assign(stage=stage, share_1=shares[0], share_2=shares[1])
        parts.append(part.join(prepared.rows[WHO]).rename_axis("sample_id").reset_index())
    return pd.concat(parts, ignore_index=True)

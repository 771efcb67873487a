"""Everything that a set of injections teaches and what becomes of them: filters, corrections, precision, imputation.

Blank filter and detection filter -> log2 -> drift and batches by the pooled QCs -> PQN -> precision filter ->
imputation. What a vendor has done is not done again. Neither response nor any other outcome is read here.
"""

from dataclasses import dataclass

import pandas as pd

from gutaxis.layers.names import some
from gutaxis.metabolome.feature_table import FORCED, IMPUTED, FeatureTable
from gutaxis.metabolome.impute import impute
from gutaxis.metabolome.injections import QC, STUDY, check_injections, design_checks
from gutaxis.metabolome.messages import Messages, drift_words
from gutaxis.metabolome.process_settings import ProcessSettings
from gutaxis.metabolome.process_stages import (
    Learned,
    choose_corrections,
    correct_mode,
    first_filters,
    last_filters,
    precision,
    prepare,
)
from gutaxis.metabolome.process_tables import (
    centres,
    component_rows,
    full_samples,
    injection_rows,
    refuse_nothing,
    step_row,
)

#: Columns of the features' quality that go with the layer.
LAYER_COLUMNS = ("detection", "missing_share", "mechanism", "rsd_before", "rsd_held_out", "dratio_held_out")


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


def learn(
    *, table: FeatureTable, injections: pd.DataFrame, settings: ProcessSettings, messages: Messages
) -> tuple[Processed, Learned]:
    """Filter, correct, normalise and impute a feature table, and say what it taught.

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
    messages
        Where it is told.

    Returns
    -------
    tuple
        The layer and what led to it; and what other injections are placed on.

    Raises
    ------
    GutaxisError
        M40 a negative intensity; M42-M46 of :func:`gutaxis.metabolome.injections.check_injections`; M47 nothing passes.
    """
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
    steps = [step_row(step="table", features=prepared.log2.index, samples=prepared.names(STUDY))]
    for step, word in (("blank filter", "blank"), ("detection filter", "detection")):
        left = quality.index[~quality["reason"].isin({"blank", word})]
        steps.append(step_row(step=step, features=left, samples=prepared.names(STUDY)))
    passed = quality.index[quality["reason"] == ""]
    refuse_nothing(left=passed, what="feature", step="blank and detection filter")
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
    refuse_nothing(left=kept, what="feature", step="precision filter")
    steps.append(step_row(step="precision filter", features=kept, samples=prepared.names(STUDY)))
    samples, thin = full_samples(prepared=prepared, values=values.loc[kept], settings=settings, messages=messages)
    refuse_nothing(left=samples, what="sample", step="filter of samples with few values")
    steps.append(step_row(step="sample filter", features=kept, samples=samples))
    layer, state = values.loc[kept, samples], prepared.table.state.loc[kept, samples]
    measured, searched, mechanism = layer, bool((state == FORCED).to_numpy().any()), None
    if settings.imputation == "mechanism" and "imputed" not in table.done:
        layer, state, about = impute(
            values=layer, state=state, measured=prepared.measured.loc[kept, samples], k=settings.neighbours
        )
        quality, mechanism = quality.join(about), about["mechanism"]
    else:
        missing = (layer.isna() & prepared.measured.loc[kept, samples]).sum(axis=1)
        quality = quality.join(pd.DataFrame({"n_missing": missing, "missing_share": missing / len(samples)}))
        quality["mechanism"] = "not told"
    quality.insert(1, "kept", quality.index.isin(kept))
    quality.insert(2, "reason", quality.pop("reason"))
    batches = [result.corrected.batches.assign(mode=mode) for mode, result in results.items()]
    shown = list(LAYER_COLUMNS)
    features = table.features.drop(columns=shown, errors="ignore").loc[kept].join(quality.loc[kept, shown])
    done = Processed(
        values=layer,
        state=state,
        features=features,
        controls=values.loc[kept, prepared.names(QC)],
        feature_quality=quality,
        injection_quality=injection_rows(
            prepared=prepared, results=results, thin=thin, centres=centres(prepared=prepared, results=results)
        ),
        components=component_rows(before=prepared.log2.loc[kept], after=values.loc[kept], rows=prepared.rows),
        batches=pd.concat(batches, ignore_index=True),
        steps=pd.DataFrame(steps),
        design=design,
        messages=messages.table(),
    )
    learned = Learned(
        prepared=prepared, corrections=corrections, passed=passed, kept=kept, results=results, layer=measured,
        searched=searched, mechanism=mechanism,
    )  # fmt: skip
    return done, learned

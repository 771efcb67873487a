"""Normalisation that the reference batches teach: later batches are placed on it and change nothing of it.

The reference batches are processed as if no others were there, so that their values are the same bytes with and without
a later batch. Each later batch is then processed by itself: drift by its own pooled QCs, moved to the level of the
reference; dilution against the profile of the reference; the feature list, the bounds and the neighbours of imputation
are those of the reference. Neither response nor any other outcome is read here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from gutaxis.metabolome.feature_table import FeatureTable
from gutaxis.metabolome.impute import impute_placed
from gutaxis.metabolome.injections import QC, check_injections, design_checks
from gutaxis.metabolome.messages import Messages
from gutaxis.metabolome.process_learn import Processed, learn
from gutaxis.metabolome.process_settings import ProcessSettings
from gutaxis.metabolome.process_stages import Learned, ModeResult, Prepared, correct_mode, prepare
from gutaxis.metabolome.process_tables import centres, component_rows, full_samples, injection_rows, step_row
from gutaxis.metabolome.quality import relative_sd

STEP = "frozen"


@dataclass(frozen=True, kw_only=True)
class Placed:
    """One later batch on what the reference taught.

    Parameters
    ----------
    prepared, results
        Its injections and, by mode, what became of them.
    values
        Features that passed the reference's first filters x its injections, log2.
    layer, state
        Kept features x its study samples, imputed.
    thin
        Study samples left out for few values.
    """

    prepared: Prepared
    results: dict[str, ModeResult]
    values: pd.DataFrame
    layer: pd.DataFrame
    state: pd.DataFrame
    thin: list[str]


def process_frozen(
    *, table: FeatureTable, injections: pd.DataFrame, settings: ProcessSettings, reference: Sequence[str]
) -> Processed:
    """Filter, correct, normalise and impute a feature table, learning from the reference batches alone.

    Parameters
    ----------
    table, injections, settings
        As of :func:`gutaxis.metabolome.process_learn.learn`.
    reference
        Batches that teach.

    Returns
    -------
    Processed
        ``feature_quality`` and ``features`` are those of the reference; ``design`` is of all injections, ``components``
        (a picture) of all samples; the other tables have the rows of the reference and those of the later batches.

    Raises
    ------
    GutaxisError
        As :func:`gutaxis.metabolome.process_learn.learn`.
    """
    messages = Messages()
    need_order = settings.drift and "drift" not in table.done
    rows = check_injections(injections=injections, samples=list(table.values.columns), need_order=need_order)
    teaching = rows["batch"].isin(list(reference))
    later = sorted(rows.loc[~teaching, "batch"].unique())
    messages.tell(step=STEP, message=f"Learned from the batches {', '.join(reference)} alone")
    own = injections[injections["batch"].astype(str).isin(list(reference))]
    part = _of_reference(table=table, names=[name for name in table.values.columns if teaching[name]])
    done, learned = learn(table=part, injections=own, settings=settings, messages=messages)
    if not later:
        return replace(done, messages=messages.table())
    if not learned.prepared.names(QC):
        text = (
            "The reference has no pooled QC: later batches are brought to its level by study samples, which supposes "
            "that batches hold comparable patients"
        )
        messages.tell(step=STEP, message=text, warn=True)
    design, warnings = design_checks(injections=rows)
    for text in warnings:
        messages.tell(step="design", message=f"With the later batches: {text}", warn=True)
    confounded = bool(design.loc[design["check"] == "batch_by_timepoint", "confounded"].any())
    placed = [
        place_batch(
            table=_columns(table=table, names=list(rows.index[rows["batch"] == name]), features=part.values.index),
            rows=rows[rows["batch"] == name], learned=learned, settings=settings, confounded=confounded,
            messages=messages,
        )
        for name in later
    ]  # fmt: skip
    return _joined(done=done, learned=learned, placed=placed, design=design, messages=messages)


def place_batch(
    *, table: FeatureTable, rows: pd.DataFrame, learned: Learned, settings: ProcessSettings, confounded: bool,
    messages: Messages,
) -> Placed:  # fmt: skip
    """Place one later batch; nothing is learned from it but its own drift, its step and the dilution of each injection.

    Parameters
    ----------
    table, rows
        The features of the reference in the injections of the batch, and these injections.
    learned
        What the reference taught.
    settings
        Choices of the config.
    confounded
        Whether batch and timepoint go together: then no study sample aligns the batch.
    messages
        Where it is told.
    """
    prepared = prepare(table=table, rows=rows, messages=messages)
    prepared = replace(prepared, modes=learned.prepared.modes)
    results = {}
    for mode in learned.results:
        features = learned.passed[(prepared.modes[learned.passed] == mode).to_numpy()]
        if prepared.measured.loc[features].to_numpy().any():
            results[mode] = correct_mode(
                prepared=prepared, mode=mode, kept=learned.passed, corrections=learned.corrections, settings=settings,
                confounded=confounded, messages=messages, learned=learned.results[mode],
            )  # fmt: skip
    made = [result.values for result in results.values()]
    values = pd.concat(made) if made else pd.DataFrame(dtype=float)
    values = values.reindex(index=learned.passed, columns=prepared.rows.index)
    samples, thin = full_samples(
        prepared=prepared, values=values.loc[learned.kept], settings=settings, messages=messages
    )
    layer, state = values.loc[learned.kept, samples], prepared.table.state.loc[learned.kept, samples]
    if learned.mechanism is not None:
        layer, state = impute_placed(
            values=layer, state=state, measured=prepared.measured.loc[learned.kept, samples], learned=learned.layer,
            mechanism=learned.mechanism, searched=learned.searched, k=settings.neighbours,
        )  # fmt: skip
    _tell_precision(rows=rows, results=results, kept=learned.kept, settings=settings, messages=messages)
    return Placed(prepared=prepared, results=results, values=values, layer=layer, state=state, thin=thin)


def _of_reference(*, table: FeatureTable, names: list[str]) -> FeatureTable:
    """Return the features that some reference injection shows: others are not there when no later batch is."""
    values = table.values[names]
    shown = values.notna() if "log2" in table.done else values.notna() & (values != 0)
    return _columns(table=table, names=names, features=values.index[shown.any(axis=1).to_numpy()])


def _columns(*, table: FeatureTable, names: list[str], features: pd.Index) -> FeatureTable:
    return replace(
        table, values=table.values.loc[features, names], state=table.state.loc[features, names],
        features=table.features.loc[features],
    )  # fmt: skip


def _tell_precision(
    *, rows: pd.DataFrame, results: dict[str, ModeResult], kept: pd.Index, settings: ProcessSettings, messages: Messages
) -> None:
    """Say how precise the kept features are in a later batch: the list of features stays as it is."""
    name = rows["batch"].iloc[0]
    for mode, result in results.items():
        rsd = relative_sd(values=result.held_out.reindex(kept.intersection(result.held_out.index)))
        if rsd.notna().any() and settings.rsd_max is not None:
            above = int((rsd > settings.rsd_max).sum())
            text = (
                f"Batch {name}: {above} of {int(rsd.notna().sum())} kept features have held-out pooled QCs with an RSD "
                f"above {settings.rsd_max:g} (median {rsd.median():.2g}); the feature list stays that of the reference"
            )
            messages.tell(step=STEP, mode=mode, message=text, warn=above > len(rsd) / 2)


def _joined(
    *, done: Processed, learned: Learned, placed: list[Placed], design: pd.DataFrame, messages: Messages
) -> Processed:
    """Put the later batches beside the reference."""
    values = pd.concat([done.values, *(part.layer for part in placed)], axis=1)
    state = pd.concat([done.state, *(part.state for part in placed)], axis=1)
    samples, kept = sorted(values.columns), learned.kept
    middle = centres(prepared=learned.prepared, results=learned.results)
    quality = [
        injection_rows(prepared=part.prepared, results=part.results, thin=part.thin, centres=middle)
        for part in placed
        if part.results
    ]
    batches = [result.corrected.batches.assign(mode=mode) for part in placed for mode, result in part.results.items()]
    corrected = [result.values for result in learned.results.values()]
    after = pd.concat(corrected).reindex(index=kept, columns=learned.prepared.rows.index)
    steps = step_row(step="later batches placed", features=kept, samples=samples)
    return replace(
        done,
        values=values[samples],
        state=state[samples],
        controls=pd.concat(
            [done.controls, *(part.values.loc[kept, part.prepared.names(QC)] for part in placed)], axis=1
        ),
        injection_quality=pd.concat([done.injection_quality, *quality], ignore_index=True),
        components=component_rows(
            before=pd.concat([learned.prepared.log2, *(part.prepared.log2 for part in placed)], axis=1).loc[kept],
            after=pd.concat([after, *(part.values.loc[kept] for part in placed)], axis=1),
            rows=pd.concat([learned.prepared.rows, *(part.prepared.rows for part in placed)]),
        ),
        batches=pd.DataFrame([row for table in [done.batches, *batches] for row in table.to_dict("records")]),
        steps=pd.concat([done.steps, pd.DataFrame([steps])], ignore_index=True),
        design=design,
        messages=messages.table(),
    )

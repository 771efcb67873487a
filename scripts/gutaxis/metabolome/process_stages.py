"""The stages of processing, each on plain tables: preparation, first filters, correction of a mode, last filters."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.metabolome.drift import Corrected, correct_drift
from gutaxis.metabolome.feature_table import FeatureTable, zero_is_missing
from gutaxis.metabolome.injections import BLANK, QC, STUDY
from gutaxis.metabolome.messages import Messages, drift_messages, odd_controls
from gutaxis.metabolome.normalise import held_out_factors, log2_values, quotient_factors, reference_profile
from gutaxis.metabolome.process_settings import ProcessSettings
from gutaxis.metabolome.quality import blank_ratio, detection_rates, held_out_values, precision_table

ALL = "all"
#: A dilution further from the pooled QC than this factor is told.
STRONG_DILUTION = 2.0


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A checked table: its features x injections in run order.

    Parameters
    ----------
    table
        Zeros are missing; only study samples, pooled QCs and blanks.
    log2
        The values as logarithms.
    measured
        Features x injections: whether the sample was injected in the feature's mode at all.
    modes
        Ionisation mode of each feature; ``all`` where the table does not say.
    rows
        Injections in the order of the columns.
    """

    table: FeatureTable
    log2: pd.DataFrame
    measured: pd.DataFrame
    modes: pd.Series
    rows: pd.DataFrame

    def names(self, control: str) -> list[str]:
        """Return the injections of a kind."""
        return list(self.rows.index[self.rows["control"] == control])


@dataclass(frozen=True, kw_only=True)
class Corrections:
    """Which corrections are made: asked for, possible, and not yet done by whoever made the table."""

    drift: bool
    align: bool
    pqn: bool


@dataclass(frozen=True, kw_only=True)
class ModeResult:
    """One ionisation mode, corrected: features x injections, features x QCs, dilution by injection (log2).

    ``held_out`` has the error of one measurement, ``held_out_plain`` that of the correction too. ``profile``: what
    dilution was measured against, log2 by feature; None without that step.
    """

    values: pd.DataFrame
    held_out: pd.DataFrame
    held_out_plain: pd.DataFrame
    factors: pd.Series
    corrected: Corrected
    profile: pd.Series | None


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What a set of injections taught, enough to place others on it.

    Parameters
    ----------
    prepared
        These injections.
    corrections
        What is done to them.
    passed, kept
        Features after the first and after the last filters.
    results
        By mode.
    layer
        Kept features x their study samples, log2, not imputed.
    searched
        Whether every missing cell of it was looked for in the raw data.
    mechanism
        By kept feature; None where nothing is imputed.
    """

    prepared: Prepared
    corrections: Corrections
    passed: pd.Index
    kept: pd.Index
    results: "dict[str, ModeResult]"
    layer: pd.DataFrame
    searched: bool
    mechanism: pd.Series | None


def prepare(*, table: FeatureTable, rows: pd.DataFrame, messages: Messages) -> Prepared:
    """Take the injections that count, in run order, and mark zeros as missing.

    Raises
    ------
    GutaxisError
        M40 a negative intensity.
    """
    table, zeros = zero_is_missing(table=table)
    if zeros:
        messages.tell(step="table", message=f"{zeros} values of 0 are taken as missing: no signal is no number")
    rows = rows[rows["control"].isin([STUDY, QC, BLANK])]
    names = list(rows.index)
    table = replace(table, values=table.values[names], state=table.state[names])
    if "log2" not in table.done and (negative := table.values.lt(0).to_numpy()).any():
        feature, sample = np.argwhere(negative)[0]
        raise GutaxisError(
            Problem(
                code="M40", file="feature table", line=None, column=names[sample],
                value=f"{table.values.iat[feature, sample]:g}",
                wrong=f"feature {table.values.index[feature]} has a negative intensity",
                allowed="Intensities above 0, NA where there is none; logarithms only if the table is declared as log2",
                mend="Give the values before centring or scaling, or declare what was done to them",
            )
        )  # fmt: skip
    modes = table.features["mode"] if "mode" in table.features else pd.Series(np.nan, index=table.values.index)
    modes = modes.astype(object).where(modes.notna(), ALL)
    measured = pd.DataFrame(False, index=table.values.index, columns=names)
    for mode in sorted(modes.unique()):
        measured.loc[modes == mode] = table.values[modes == mode].notna().any(axis=0).to_numpy()[None, :]
    log2 = table.values if "log2" in table.done else log2_values(values=table.values)
    return Prepared(table=table, log2=log2, measured=measured, modes=modes, rows=rows)


def choose_corrections(*, prepared: Prepared, settings: ProcessSettings, messages: Messages) -> Corrections:
    """Decide which corrections are made, and say why one is not."""
    done, targeted = prepared.table.done, prepared.table.targeted
    ordered = prepared.rows.loc[prepared.rows["control"].isin([STUDY, QC]), "run_order"].notna().all()
    reasons = {
        "drift": ("drift" in done and "the maker of the table has corrected it")
        or (not ordered and "there is no run order"),
        "batches": "batch" in done and "the maker of the table has aligned them",
        "pqn": ("normalised" in done and "the maker of the table has normalised the samples")
        or (targeted and "the panel is targeted: its quantities are absolute"),
    }
    asked = {"drift": settings.drift, "batches": settings.align_batches, "pqn": settings.pqn}
    for step, reason in reasons.items():
        if asked[step] and reason:
            messages.tell(step=step, message=f"Not done: {reason}", warn=step == "drift" and "drift" not in done)
    return Corrections(
        drift=asked["drift"] and not reasons["drift"],
        align=asked["batches"] and not reasons["batches"],
        pqn=asked["pqn"] and not reasons["pqn"],
    )


def first_filters(*, prepared: Prepared, settings: ProcessSettings, messages: Messages) -> pd.DataFrame:
    """Compare features with the blanks, and ask how often they were detected.

    Returns
    -------
    pandas.DataFrame
        All features: mode, blank_ratio, detection_GROUP, detection (the largest), reason (empty if kept).
    """
    study, qcs, blanks = (prepared.names(control) for control in (STUDY, QC, BLANK))
    linear = np.exp2(prepared.log2)
    ratio = blank_ratio(blanks=linear[blanks], references=linear[qcs or study])
    groups = prepared.rows.loc[study, "timepoint"].fillna(ALL)
    rates = detection_rates(state=prepared.table.state[study], groups=groups, measured=prepared.measured[study])
    quality = pd.DataFrame({"mode": prepared.modes, "blank_ratio": ratio})
    quality = quality.join(rates.add_prefix("detection_")).assign(detection=rates.max(axis=1).fillna(0.0), reason="")
    panel = prepared.table.features.get("panel", pd.Series(False, index=quality.index)).fillna(False).astype(bool)
    if "imputed" in prepared.table.done:
        messages.tell(
            step="detection", message="Not filtered: the table's missing values are imputed already", warn=True
        )
    else:
        rare = (quality["detection"] < settings.min_detection) & ~panel
        quality.loc[rare | (quality["detection"] == 0) & prepared.log2[study].isna().all(axis=1), "reason"] = (
            "detection"
        )
    if settings.blank_ratio_max is not None:
        quality.loc[ratio > settings.blank_ratio_max, "reason"] = "blank"
        if not blanks:
            messages.tell(step="blanks", message="No blank: contaminants are not filtered", warn=True)
    return quality


def correct_mode(
    *, prepared: Prepared, mode: str, kept: pd.Index, corrections: Corrections, settings: ProcessSettings,
    confounded: bool, messages: Messages, learned: ModeResult | None = None,
) -> ModeResult:  # fmt: skip
    """Correct drift and batches of one mode, then dilution.

    Parameters
    ----------
    prepared, mode, kept
        The table, the mode, and the features that passed the first filters.
    corrections, settings
        What is done, and how.
    confounded
        Whether batch and timepoint go together: then no study sample aligns a batch.
    messages
        Where it is told.
    learned
        The mode in earlier batches, whose levels and profile stand; None: they are those of these injections.
    """
    features = kept[(prepared.modes[kept] == mode).to_numpy()]
    measured = prepared.measured.loc[features].any(axis=0)
    columns = measured.index[measured]
    rows = prepared.rows.loc[columns]
    is_qc = rows["control"] == QC
    corrected = correct_drift(
        values=prepared.log2.loc[features, columns], order=rows["run_order"], batch=rows["batch"], qc=is_qc,
        study=rows["control"] == STUDY, fewest=settings.min_qc, drift=corrections.drift, align=corrections.align,
        study_medians=not confounded, target=None if learned is None else learned.corrected.target,
    )  # fmt: skip
    for message, warn in drift_messages(corrected=corrected, fewest=settings.min_qc, drift=corrections.drift):
        messages.tell(step="drift", mode=mode, message=message, warn=warn)
    for message in odd_controls(corrected=corrected):
        messages.tell(step="drift", mode=mode, message=message, warn=True)
    values, held = corrected.values, corrected.held_out
    factors, reference = pd.Series(0.0, index=columns), None
    if corrections.pqn:
        references = is_qc if is_qc.any() else rows["control"] == STUDY
        reference = reference_profile(values=values, references=references) if learned is None else learned.profile
        found = quotient_factors(values=values.loc[:, rows["control"] != BLANK], reference=reference)
        if learned is None and not is_qc.any():
            messages.tell(step="pqn", mode=mode, message="No pooled QC: the reference is the median sample", warn=True)
        if few := sorted(found.index[found.isna()]):
            text = f"Too few features to tell the dilution of {len(few)} injections; they stay as they are"
            messages.tell(step="pqn", mode=mode, message=text, warn=True)
        if strong := sorted(found.index[found.abs() > np.log2(STRONG_DILUTION)]):
            text = (
                f"Dilution of more than {STRONG_DILUTION:g}-fold in {len(strong)} injections: {', '.join(strong[:5])}"
            )
            messages.tell(step="pqn", mode=mode, message=text, warn=True)
        factors.update(found)
        if is_qc.sum() > 1:
            held = held - held_out_factors(held_out=held, corrected=values.loc[:, is_qc]).fillna(0.0)
        values = values - factors
    return ModeResult(
        values=values,
        held_out=held_out_values(held_out=held, spread=corrected.spread),
        held_out_plain=held,
        factors=factors,
        corrected=corrected,
        profile=reference,
    )


def precision(
    *, prepared: Prepared, values: pd.DataFrame, held_out: pd.DataFrame, held_out_plain: pd.DataFrame
) -> pd.DataFrame:
    """Return RSD and D-ratio of all features before, and of the corrected ones after and on held-out QCs; n_qc."""
    study, qcs = prepared.names(STUDY), prepared.names(QC)
    table = precision_table(
        stages={
            "before": (prepared.log2[qcs], prepared.log2[study]),
            "after": (values.reindex(columns=qcs), values.reindex(columns=study)),
            "held_out": (held_out.reindex(columns=qcs), values.reindex(columns=study)),
            "held_out_plain": (held_out_plain.reindex(columns=qcs), values.reindex(columns=study)),
        }
    )
    return table.reindex(prepared.log2.index).assign(n_qc=prepared.log2[qcs].notna().sum(axis=1))


def last_filters(*, quality: pd.DataFrame, settings: ProcessSettings, messages: Messages) -> pd.Series:
    """Return why each feature goes, empty if it is kept: the first filters', then imprecise in held-out QCs."""
    reason = quality["reason"].copy()
    unknown = int((quality["rsd_held_out"].isna() & (reason == "")).sum())
    if unknown and settings.rsd_max is not None:
        text = f"{unknown} features have too few pooled QCs to tell their precision; they are kept"
        messages.tell(step="precision", message=text, warn=True)
    for column, limit, word in (
        ("rsd_held_out", settings.rsd_max, "rsd"), ("dratio_held_out", settings.dratio_max, "dratio"),
    ):  # fmt: skip
        if limit is not None:
            reason[(reason == "") & (quality[column] > limit)] = word
    return reason

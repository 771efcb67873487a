"""Tables that go with a processed feature table: quality of injections, components, steps; samples with few values."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.metabolome.injections import QC, STUDY
from gutaxis.metabolome.messages import Messages
from gutaxis.metabolome.process_settings import ProcessSettings
from gutaxis.metabolome.process_stages import ModeResult, Prepared
from gutaxis.metabolome.quality import injection_counts, principal_components

WHO = ["patient_id", "timepoint", "batch", "control", "run_order"]
#: By mode, then stage (before, after): median of each feature over the pooled QCs.
Centres = Mapping[str, Mapping[str, pd.Series]]


def step_row(*, step: str, features: Sequence[str], samples: Sequence[str]) -> dict[str, object]:
    """Return how many features and samples a step left."""
    return {"step": step, "n_features": len(features), "n_samples": len(samples)}


def refuse_nothing(*, left: Sequence[str], what: str, step: str) -> None:
    """Raise M47 where nothing is left to go on with."""
    if not len(left):
        raise GutaxisError(
            Problem(
                code="M47", file="feature table", line=None, column=None, value=None,
                wrong=f"no {what} passes the {step}", allowed="At least one",
                mend="Look at the blanks, pooled QCs and states of the table, or widen the limits in the config",
            )
        )  # fmt: skip


def full_samples(
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


def centres(*, prepared: Prepared, results: Mapping[str, ModeResult]) -> Centres:
    """Return what injections are compared with: the median of the pooled QCs, without them of the study samples."""
    found = {}
    for mode, result in results.items():
        stages = {"before": prepared.log2.loc[result.values.index], "after": result.values}
        names = [name for name in prepared.names(QC) or prepared.names(STUDY) if name in result.values]
        found[mode] = {stage: values[names].median(axis=1) for stage, values in stages.items()}
    return found


def injection_rows(
    *, prepared: Prepared, results: Mapping[str, ModeResult], thin: Sequence[str], centres: Centres
) -> pd.DataFrame:
    """Return one row per injection and mode.

    Parameters
    ----------
    prepared, results
        Injections and what became of them.
    thin
        Study samples that were left out.
    centres
        Of :func:`centres`.
    """
    parts = []
    for mode, result in results.items():
        features = prepared.modes.index[prepared.modes == mode]
        part = prepared.rows[WHO].copy()
        part.insert(0, "mode", mode)
        part = part.join(injection_counts(state=prepared.table.state.loc[features]))
        part["median_log2"] = prepared.log2.loc[features].median(axis=0)
        stages = {"before": prepared.log2.loc[result.values.index], "after": result.values}
        for stage, values in stages.items():
            away = values.sub(centres[mode][stage], axis=0)
            for share in (25, 50, 75):
                part[f"deviation_{share}_{stage}"] = away.quantile(share / 100, axis=0)
        part["pqn_log2"] = result.factors
        part["kept"] = (part["control"] == STUDY) & ~part.index.isin(thin)
        part["reason"] = np.where(part.index.isin(thin), "few values", np.where(part["kept"], "", "control"))
        parts.append(part.rename_axis("sample_id").reset_index())
    return pd.concat(parts, ignore_index=True)


def component_rows(*, before: pd.DataFrame, after: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return principal components of study samples and pooled QCs before and after; ``rows``: injections, in order."""
    names = [name for control in (STUDY, QC) for name in rows.index[rows["control"] == control]]
    parts = []
    for stage, values in (("before", before), ("after", after)):
        points, shares = principal_components(values=values[names])
        part = points.assign(stage=stage, share_1=shares[0], share_2=shares[1])
        parts.append(part.join(rows[WHO]).rename_axis("sample_id").reset_index())
    return pd.concat(parts, ignore_index=True)

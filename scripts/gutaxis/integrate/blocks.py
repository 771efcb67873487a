"""Layers as blocks of the same patients: one row per patient, at baseline or as change.

The patient is what ties layers together: stool, plasma and cells of one visit are different samples. Outcomes stand in
a table of their own and never among the values.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd

from gutaxis.stats.composition import DROPPED_COLUMNS, clr, empty_samples, filter_features
from gutaxis.stats.inputs import OUTCOMES, read_inputs
from gutaxis.stats.pseudobulk import log_cpm

#: What a row of a block is: the sample before, the sample after, or the difference after minus before.
STATES = ("baseline", "post", "change")


@dataclass(frozen=True, kw_only=True)
class Block:
    """One layer, patients x features.

    Parameters
    ----------
    layer, kind, unit
        Of the layer.
    values
        Index patient_id, transformed (:func:`transform`), neither scaled nor imputed; NaN is a missing value.
    labels
        Feature -> name to show.
    samples
        Index patient_id; columns ``pre``, ``post``: the sample ids the row is made of (None where not used).
    """

    layer: str
    kind: str
    unit: str
    values: pd.DataFrame
    labels: pd.Series
    samples: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """All layers of one state.

    Parameters
    ----------
    state
        baseline, post or change.
    blocks
        Layer -> block; a layer without a usable patient or feature is not among them.
    patients
        Index patient_id, sorted: every patient of any block. cohort, batch, covariates (as in the layers' ``obs``, text
        or numbers), and response (R, NR or None), pfs2_days, pfs2_cnsr.
    dropped
        what (layer, sample, patient, feature), name (``layer: name``), reason.
    """

    state: str
    blocks: dict[str, Block]
    patients: pd.DataFrame
    dropped: pd.DataFrame


def transform(*, values: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return values on a scale on which differences make sense.

    compositional: centred log2 ratios, zeros by :data:`gutaxis.stats.composition.CENTRED_HALF_MINIMUM`; counts: log2
    counts per million within the cell type; others as they are.

    Parameters
    ----------
    values
        Samples x features, filtered.
    kind
        Of the layer.
    """
    if kind == "compositional":
        return clr(table=values)
    return log_cpm(counts=values) if kind == "counts" else values


def read_blocks(
    *, layers: Mapping[str, Path | str], outcomes: Path | str, state: str, covariates: Sequence[str] = (),
    prevalence: float = 0.1, max_features: int | None = None, min_patients: int = 6,
) -> Blocks:  # fmt: skip
    """Read layers and line up their patients.

    Parameters
    ----------
    layers
        Name -> ``layers/{layer}.h5ad``.
    outcomes
        ``clinical/sample_response.tsv``.
    state
        baseline: PRE samples. post: POST samples. change: POST minus PRE of patients with both. Samples taken after
        progression (``after_pd`` = Y) are left out.
    covariates
        Columns of ``obs`` to keep for the patients.
    prevalence
        As in the differential analysis.
    max_features
        Keep the features with the largest standard deviation between patients; None: all. No outcome is looked at.
    min_patients
        A block with fewer patients, or a feature with fewer values, is left out.

    Returns
    -------
    Blocks
        Of a patient with several samples of a layer and time point, the first by sample id is used, the others are
        listed in ``dropped``.

    Raises
    ------
    ValueError
        For an unknown state.
    """
    if state not in STATES:
        raise ValueError(f"state={state}: {', '.join(STATES)}")
    blocks, people, dropped = {}, [], []
    for name in sorted(layers):
        adata, known = read_inputs(layer=layers[name], outcomes=outcomes)
        block, rows, lost = _block(adata, known, state, (prevalence, max_features, min_patients))
        dropped += [{"what": what, "name": f"{name}: {item}", "reason": reason} for what, item, reason in lost]
        people.append(_people(adata, known, rows, covariates))
        if block is None:
            continue
        blocks[name] = block
    patients = pd.concat(people) if people else pd.DataFrame()
    # a patient is described alike in every layer; where one layer lacks a value another may have it
    patients = patients.groupby(level=0, sort=True).first() if len(patients) else patients
    used = {patient for block in blocks.values() for patient in block.values.index}
    patients = patients[patients.index.isin(used)] if len(patients) else patients
    table = pd.DataFrame(dropped, columns=DROPPED_COLUMNS).sort_values(DROPPED_COLUMNS, ignore_index=True)
    return Blocks(state=state, blocks=blocks, patients=patients.rename_axis("patient_id"), dropped=table)


def _block(
    adata: ad.AnnData, known: pd.DataFrame, state: str, limits: tuple[float, int | None, int]
) -> tuple[Block | None, pd.DataFrame, list[tuple[str, str, str]]]:
    """Return the block of one layer, the samples of its patients, and what was left out."""
    name, kind = str(adata.uns["name"]), str(adata.uns["kind"])
    prevalence, max_features, min_patients = limits
    values = pd.DataFrame(
        np.asarray(adata.X, dtype=float), index=adata.obs_names.astype(str), columns=adata.var_names.astype(str)
    )
    empty = empty_samples(table=values, kind=kind)
    lost = list(empty[DROPPED_COLUMNS].itertuples(index=False, name=None))
    rows, more = _rows(adata.obs.drop(index=empty["name"]), known, state)
    lost += more
    samples = [sample for column in ("pre", "post") for sample in rows[column].dropna()]
    if len(rows) < min_patients:
        return None, rows, [*lost, ("layer", name, f"{len(rows)} patients with a {state} row; at least {min_patients}")]
    table, features = filter_features(
        table=values.loc[samples], kind=kind, prevalence=prevalence, min_values=min_patients
    )
    lost += list(features[DROPPED_COLUMNS].itertuples(index=False, name=None))
    more_empty = empty_samples(table=table, kind=kind)
    if len(more_empty):
        bad = set(more_empty["name"])
        gone = rows[rows["pre"].isin(bad) | rows["post"].isin(bad)]
        lost += [("patient", patient, "a sample holds none of the features that are left") for patient in gone.index]
        rows = rows.drop(index=gone.index)
        table = table.drop(index=sorted(bad))
    if table.shape[1] < (2 if kind == "compositional" else 1) or len(rows) < min_patients:
        return None, rows, [*lost, ("layer", name, f"{table.shape[1]} features and {len(rows)} patients are left")]
    changed = transform(values=table, kind=kind)
    if state == "change":
        made = changed.loc[rows["post"]].to_numpy() - changed.loc[rows["pre"]].to_numpy()
    else:
        made = changed.loc[rows["pre" if state == "baseline" else "post"]].to_numpy()
    frame = pd.DataFrame(made, index=rows.index, columns=table.columns)
    enough = frame.notna().sum() >= min_patients
    spread = frame.std(ddof=1).where(enough, 0.0).fillna(0.0)
    keep = spread > 1e-12
    lost += [("feature", feature, "constant, or too few values") for feature in frame.columns[~keep]]
    chosen = spread[keep].sort_index().sort_values(ascending=False, kind="stable").index
    if max_features is not None and len(chosen) > max_features:
        lost.append(("feature", f"{len(chosen) - max_features} features", f"beyond the {max_features} most variable"))
        chosen = chosen[:max_features]
    if not len(chosen):
        return None, rows, [*lost, ("layer", name, "no feature varies")]
    frame = frame[sorted(chosen)]
    labels = adata.var["label"].astype(str).reindex(frame.columns)
    block = Block(layer=name, kind=kind, unit=str(adata.uns["unit"]), values=frame, labels=labels, samples=rows)
    return block, rows, lost


def _rows(obs: pd.DataFrame, known: pd.DataFrame, state: str) -> tuple[pd.DataFrame, list[tuple[str, str, str]]]:
    """Return patient -> samples of the state, and samples that cannot be used."""
    table = pd.DataFrame({"patient": obs["patient_id"].astype(str), "time": obs["timepoint"].astype(str)})
    after = known["after_pd"].reindex(table.index) if "after_pd" in known else pd.Series(None, index=table.index)
    late = table.index[(after == "Y").to_numpy()]
    lost = [("sample", sample, "taken after progression") for sample in late]
    table = table.drop(index=late).sort_index()
    again = table.duplicated(["patient", "time"])
    lost += [
        ("sample", sample, "another sample of this patient and time point is used") for sample in table.index[again]
    ]
    wide = table[~again].reset_index(names="sample").pivot(index="patient", columns="time", values="sample")
    wide = wide.reindex(columns=["PRE", "POST"]).set_axis(["pre", "post"], axis=1).sort_index()
    wide = wide.astype(object).where(wide.notna(), None).rename_axis("patient_id")
    if state == "change":
        return wide.dropna(), lost
    column, other = ("pre", "post") if state == "baseline" else ("post", "pre")
    wide = wide[wide[column].notna()].copy()
    wide[other] = None
    return wide, lost


def _people(adata: ad.AnnData, known: pd.DataFrame, rows: pd.DataFrame, covariates: Sequence[str]) -> pd.DataFrame:
    """Return what is known of the patients of a block."""
    first = pd.Series([pre if pre is not None else post for pre, post in zip(rows["pre"], rows["post"], strict=True)])
    names = [name for name in dict.fromkeys(("cohort", "batch", *covariates)) if name in adata.obs]
    table = adata.obs.reindex(first)[names].astype(object)
    for name in OUTCOMES:
        table[name] = known[name].reindex(first).to_numpy(dtype=object) if name in known else None
    return table.where(table.notna(), None).set_axis(rows.index)

"""Layers as raw matrices of the same patients, for models that learn every transformation inside their folds.

:mod:`gutaxis.integrate.blocks` says which sample stands for which patient; its values are transformed over all patients
and are not used here. Cells that the metabolome arm imputed over all samples become missing values again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd

from gutaxis.integrate.blocks import read_blocks
from gutaxis.predict.guards import (
    refuse_equal_to_outcome,
    refuse_outcome_names,
    refuse_post_progression,
    refuse_same_profiles,
)
from gutaxis.stats.composition import DROPPED_COLUMNS
from gutaxis.stats.inputs import read_inputs

#: Columns of sample_response that describe the sample or the patient before treatment: no outcomes.
DESCRIPTIVE = frozenset({
    "sample_id", "patient_id", "assay", "material", "timepoint", "pair_id", "pair_status",
    "batch", "cohort", "days_from_ildr", "after_pd", "antibiotics", "ppi", "study_source",
    "age", "sex", "bmi", "prior_lines", "depth_or_cells", "qc", "replicate",
    "label_locked_at",
})  # fmt: skip
#: Ordered codes of best response, so that a numeric copy of it is known.
CODES = {"CR": 4.0, "PR": 3.0, "SD": 2.0, "NON-CR/NON-PD": 2.0, "PD": 1.0, "R": 1.0, "NR": 0.0, "Y": 1.0, "N": 0.0}
CODES |= {"DCB": 1.0, "NDB": 0.0}
#: Fewest patients of a layer, as in :func:`gutaxis.integrate.blocks.read_blocks`.
FEWEST_PATIENTS = 6


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """One layer, patients x features, nothing learned from it.

    Parameters
    ----------
    layer, kind, unit
        Of the layer; kind ``clinical`` for covariates.
    values
        Index patient_id; raw values, NaN = missing.
    post
        The same of the POST sample where the state is change, else None.
    labels
        Feature -> name to show.
    batches
        By patient: the batches of the samples used, as a tuple of text.
    """

    layer: str
    kind: str
    unit: str
    values: pd.DataFrame
    post: pd.DataFrame | None
    labels: pd.Series
    batches: pd.Series


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """All layers of one state, and their patients.

    Parameters
    ----------
    state
        baseline, post or change.
    matrices
        Layer -> matrix.
    patients
        Index patient_id, sorted: cohort, covariates, response (R, NR, None), pfs2_days, pfs2_cnsr.
    dropped
        what, name, reason.
    """

    state: str
    matrices: dict[str, Matrix]
    patients: pd.DataFrame
    dropped: pd.DataFrame


def read_cohort(
    *, layers: Mapping[str, Path | str], outcomes: Path | str, state: str = "baseline", clinical: Sequence[str] = (),
    reference: Sequence[str] | None = None,
) -> Cohort:  # fmt: skip
    """Read layers, refuse what leaks, and line up the patients.

    Parameters
    ----------
    layers
        Name -> ``layers/{layer}.h5ad``.
    outcomes
        ``clinical/sample_response.tsv``.
    state
        As in :func:`gutaxis.integrate.blocks.read_blocks`; samples after progression are left out there.
    clinical
        Columns of ``obs`` to keep for the clinical baseline.
    reference
        Batches whose samples make the cohort, as of :func:`of_reference`; None: all.

    Raises
    ------
    GutaxisError
        I20 an outcome by name, I21 a feature that equals an outcome, I22 one profile under two patients, I24 a sample
        after progression.
    """
    matrices, problems = {}, []
    raw = {name: read_inputs(layer=path, outcomes=outcomes) for name, path in sorted(layers.items())}
    for name, (adata, _) in raw.items():
        refuse_outcome_names(layer=name, features=adata.var_names, observations=adata.obs.columns)
        refuse_same_profiles(
            layer=name, values=raw_values(adata=adata), patients=adata.obs["patient_id"].astype(str),
            kind=str(adata.uns["kind"]),
        )  # fmt: skip
    blocks = read_blocks(layers=layers, outcomes=outcomes, state=state, covariates=clinical, prevalence=0.0)
    for name, block in blocks.blocks.items():
        adata, known = raw[name]
        values = raw_values(adata=adata)
        used = [sample for column in ("pre", "post") for sample in block.samples[column].dropna()]
        refuse_post_progression(layer=name, samples=used, after_pd=known.get("after_pd"))
        first = block.samples["pre" if state != "post" else "post"]
        here = _rows(values, first, block.samples.index)
        post = _rows(values, block.samples["post"], block.samples.index) if state == "change" else None
        refuse_equal_to_outcome(layer=name, values=here, outcomes=outcome_codes(known=known, samples=first))
        if post is not None:
            refuse_equal_to_outcome(
                layer=name, values=post, outcomes=outcome_codes(known=known, samples=block.samples["post"])
            )
        matrices[name] = Matrix(
            layer=name, kind=block.kind, unit=block.unit, values=here, post=post,
            labels=adata.var["label"].astype(str).set_axis(adata.var_names.astype(str)),
            batches=_batches(adata, block.samples),
        )  # fmt: skip
    problems = blocks.dropped[blocks.dropped["what"] != "feature"]
    found = Cohort(state=state, matrices=matrices, patients=blocks.patients, dropped=problems[DROPPED_COLUMNS])
    return found if reference is None else of_reference(cohort=found, batches=reference)


def of_reference(*, cohort: Cohort, batches: Sequence[str]) -> Cohort:
    """Return the cohort as if the samples of other batches had never been measured.

    A patient's row of a layer stays if all samples it is made of are of these batches; features that none of the rows
    shows leave with the samples that brought them, and so does a layer with too few patients.

    Parameters
    ----------
    cohort
        All batches.
    batches
        Those that teach.
    """
    chosen, matrices, lost = set(batches), {}, []
    for name, matrix in cohort.matrices.items():
        rows = [patient for patient, own in matrix.batches.items() if own and set(own) <= chosen]
        if len(rows) < FEWEST_PATIENTS:
            reason = f"{len(rows)} patients have samples of the reference batches, fewer than {FEWEST_PATIENTS}"
            lost.append({"what": "layer", "name": name, "reason": reason})
            continue
        tables = [table.loc[rows] for table in (matrix.values, matrix.post) if table is not None]
        shown = np.logical_or.reduce([(table.notna() & (table != 0)).any(axis=0).to_numpy() for table in tables])
        tables = [table.loc[:, shown] for table in tables]
        matrices[name] = replace(
            matrix, values=tables[0], post=None if matrix.post is None else tables[1], batches=matrix.batches[rows]
        )
    used = {patient for matrix in matrices.values() for patient in matrix.values.index}
    return replace(
        cohort, matrices=matrices, patients=cohort.patients[cohort.patients.index.isin(used)],
        dropped=pd.concat([cohort.dropped, pd.DataFrame(lost, columns=DROPPED_COLUMNS)], ignore_index=True),
    )  # fmt: skip


def raw_values(*, adata: ad.AnnData) -> pd.DataFrame:
    """Return samples x features as measured: cells marked ``imputed`` in the layer ``state`` are NaN."""
    values = np.array(adata.X, dtype=float)
    codes = dict(
        part.strip().split(" ", 1) for part in str(adata.uns.get("state_codes", "")).split(";") if part.strip()
    )
    imputed = [float(code) for code, word in codes.items() if word.strip() == "imputed"]
    if imputed and "state" in adata.layers:
        values[np.isin(np.asarray(adata.layers["state"], dtype=float), imputed)] = np.nan
    return pd.DataFrame(values, index=adata.obs_names.astype(str), columns=adata.var_names.astype(str))


def outcome_codes(*, known: pd.DataFrame, samples: pd.Series) -> pd.DataFrame:
    """Return every outcome of the patients as numbers, with which features are compared; unknown is NaN.

    Parameters
    ----------
    known
        sample_response by sample_id.
    samples
        Patient -> sample.
    """
    table = {}
    for name in known.columns:
        if name in DESCRIPTIVE:
            continue
        column = known[name].reindex(samples.to_numpy())
        numbers = pd.to_numeric(column.map(lambda cell: CODES.get(cell, cell)), errors="coerce")
        if numbers.notna().any():
            table[name] = numbers.to_numpy(dtype=float)
    return pd.DataFrame(table, index=samples.index)


def clinical_matrix(*, patients: pd.DataFrame, columns: Sequence[str]) -> Matrix | None:
    """Return covariates as a matrix, None without any: numbers as they are, text as one 0/1 column per level.

    The levels are those of all patients, which tells a model nothing; a level that no training patient has is constant
    there and leaves.
    """
    made = {}
    for name in columns:
        if name not in patients or patients[name].isna().all():
            continue
        numbers = pd.to_numeric(patients[name], errors="coerce")
        if numbers.notna().sum() == patients[name].notna().sum():
            made[name] = numbers.astype(float)
            continue
        known = patients[name].notna()
        for level in sorted(patients.loc[known, name].astype(str).unique()):
            made[f"{name}={level}"] = (patients[name].astype(str) == level).astype(float).where(known)
    if not made:
        return None
    values = pd.DataFrame(made, index=patients.index)
    labels = pd.Series(values.columns, index=values.columns)
    batches = pd.Series([()] * len(values), index=values.index, dtype=object)
    return Matrix(
        layer="clinical", kind="clinical", unit="", values=values, post=None, labels=labels, batches=batches
    )  # fmt: skip


def _rows(values: pd.DataFrame, samples: pd.Series, patients: pd.Index) -> pd.DataFrame:
    return values.loc[samples.to_numpy()].set_axis(patients)


def _batches(adata: ad.AnnData, samples: pd.DataFrame) -> pd.Series:
    """Return the batches of each patient's samples."""
    batch = adata.obs["batch"].astype(object) if "batch" in adata.obs else pd.Series(None, index=adata.obs_names)
    batch.index = batch.index.astype(str)
    rows = [
        tuple(sorted({str(batch[sample]) for sample in row if sample is not None and pd.notna(batch[sample])}))
        for row in samples[["pre", "post"]].itertuples(index=False, name=None)
    ]
    return pd.Series(rows, index=samples.index, dtype=object)

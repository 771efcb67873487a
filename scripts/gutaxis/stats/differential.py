"""Differential abundance of any layer in any contrast: primary test, sensitivity analyses, what was left out."""

from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import write_tsv
from gutaxis.stats.composition import (
    CENTRED_HALF_MINIMUM,
    DROPPED_COLUMNS,
    HALF_MINIMUM,
    empty_samples,
    filter_features,
)
from gutaxis.stats.design import Design, contrast_design
from gutaxis.stats.differential_methods import Analysis, agreement, primary_fits, sensitivity_fits, unit_of
from gutaxis.stats.inputs import samples_with_outcomes
from gutaxis.stats.multiplicity import hierarchical
from gutaxis.stats.results import refusal_table, result_table, write_results

COMPARED = {
    "baseline": "responders minus non-responders, PRE samples",
    "post": "responders minus non-responders, POST samples",
    "change": "POST minus PRE within patients",
    "response_change": "change (POST minus PRE) of responders minus change of non-responders",
    "survival": "PFS2 by the PRE value of the feature",
}
FAMILY_COLUMNS = ["family", "family_p", "family_q", "q_within", "discovery"]


@dataclass(frozen=True, kw_only=True)
class DifferentialSettings:
    """Choices of an analysis.

    Parameters
    ----------
    prevalence
        Share of the samples of the contrast in which a feature of a compositional or count layer must be present.
    pseudocounts
        What stands for zeros: the first in the primary analysis, the others in sensitivity analyses. The second is
        that of the published LinDA.
    fdr
        Level at which q is a finding (agreement, families).
    families
        Column of ``var`` that groups features; None: no hierarchy.
    batch, pairs, min_patients
        See :func:`gutaxis.stats.design.contrast_design`. Layers of counts always use differences.
    """

    prevalence: float = 0.1
    pseudocounts: tuple[str | float, ...] = (CENTRED_HALF_MINIMUM, HALF_MINIMUM)
    fdr: float = 0.1
    families: str | None = None
    batch: str = "covariate"
    pairs: str = "auto"
    min_patients: int = 3


@dataclass(frozen=True, kw_only=True)
class DifferentialResult:
    """Result of :func:`differential`.

    Parameters
    ----------
    table
        Primary tests, ``RESULT_COLUMNS`` and reason (with families: ``FAMILY_COLUMNS`` too), sorted by p and feature;
        without rows where ``attrs['refusal']`` says why.
    sensitivity
        The same columns, role ``sensitivity``, ``method`` tells which; sorted by method, p, feature.
    dropped
        What (sample, patient, covariate, feature), name, reason.
    unit
        Of the primary estimate.
    comment
        What was compared and how, one line each.
    """

    table: pd.DataFrame
    sensitivity: pd.DataFrame
    dropped: pd.DataFrame
    unit: str
    comment: str


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    """Sound samples and features of a contrast."""

    design: Design
    observations: pd.DataFrame
    table: pd.DataFrame
    dropped: pd.DataFrame
    refusal: str | None


def differential(
    *, adata: ad.AnnData, outcomes: pd.DataFrame, contrast: str, role: str, covariates: tuple[str, ...] = (),
    settings: DifferentialSettings | None = None, seed: int = 0,
) -> DifferentialResult:  # fmt: skip
    """Test every feature of a layer in one contrast.

    Parameters
    ----------
    adata
        Layer, samples x features; ``uns``: name, kind, unit. ``obs``: patient_id, timepoint, batch, cohort, covariates.
    outcomes
        Indexed by sample_id: response, pfs2_days, pfs2_cnsr, pair_status as far as they are known.
    contrast
        baseline, post, change, response_change or survival.
    role
        primary, secondary or exploratory; written into the rows.
    covariates
        Columns of ``obs`` to adjust for, most important first.
    settings
        See :class:`DifferentialSettings`.
    seed
        Taken so that all analyses are called alike; no test here draws random numbers.

    Returns
    -------
    DifferentialResult
        Unusable samples and features are left out and listed; where nothing is left to compare, the tables are empty
        and say why. q: Benjamini-Hochberg over the features tested.

    Raises
    ------
    GutaxisError
        S02 if the layer has no column ``settings.families``.
    """
    settings = settings or DifferentialSettings()
    layer, kind = str(adata.uns["name"]), str(adata.uns["kind"])
    if settings.families is not None and settings.families not in adata.var:
        raise GutaxisError(_no_families(layer=layer, column=settings.families, known=list(adata.var.columns)))
    made = _prepare(adata=adata, outcomes=outcomes, contrast=contrast, covariates=covariates, settings=settings)
    unit = unit_of(kind=kind, design=made.design, unit=str(adata.uns["unit"]))
    if made.refusal is not None:
        table = refusal_table(layer=layer, contrast=contrast, role=role, reason=made.refusal)
        other = refusal_table(layer=layer, contrast=contrast, role="sensitivity", reason=made.refusal)
        comment = _comment(made=made, layer=layer, contrast=contrast, method=None, settings=settings)
        return DifferentialResult(table=table, sensitivity=other, dropped=made.dropped, unit=unit, comment=comment)
    labels = adata.var["label"].astype(str).reindex(made.table.columns).tolist()

    def rows(analysis: Analysis, of: str) -> pd.DataFrame:
        return result_table(
            fits=analysis.fits, layer=layer, contrast=contrast, features=list(made.table.columns), labels=labels,
            design=analysis.design, role=of,
        )  # fmt: skip

    fits = primary_fits(table=made.table, kind=kind, design=made.design, pseudocount=settings.pseudocounts[0])
    table = rows(Analysis(fits, made.design), role)
    pairs, bare = _other_designs(made=made, contrast=contrast, covariates=covariates, settings=settings)
    others = [
        rows(analysis, "sensitivity")
        for analysis in sensitivity_fits(
            table=made.table, kind=kind, design=made.design, pairs=pairs, bare=bare, pseudocounts=settings.pseudocounts
        )
    ]
    sensitivity = pd.concat(others, ignore_index=True) if others else table.iloc[:0]
    table["agreement"] = agreement(primary=table, sensitivity=sensitivity, fdr=settings.fdr)
    if settings.families is not None:
        groups = adata.var[settings.families].reindex(made.table.columns).to_numpy(dtype=object)
        found = hierarchical(p=table["p"].to_numpy(), families=groups, alpha=settings.fdr).features
        table = table.join(found[FAMILY_COLUMNS])
    return DifferentialResult(
        table=table.sort_values(["p", "feature"], ignore_index=True),
        sensitivity=sensitivity.sort_values(["method", "p", "feature"], ignore_index=True),
        dropped=made.dropped,
        unit=unit,
        comment=_comment(made=made, layer=layer, contrast=contrast, method=fits.method, settings=settings),
    )


def write_differential(
    *, result: DifferentialResult, table: Path | str, sensitivity: Path | str, dropped: Path | str
) -> None:
    """Write the three tables of a result, atomically, with unit and model in comment lines.

    Parameters
    ----------
    result
        From :func:`differential`.
    table, sensitivity, dropped
        Targets: ``{contrast}.tsv``, ``{contrast}.sensitivity.tsv``, ``{contrast}.dropped.tsv``.
    """
    write_results(table=result.table, path=table, unit=result.unit, comment=result.comment)
    units = (
        f"{result.unit}; of firth_logistic, mcnemar_exact and fisher_exact_change log odds of presence, of "
        "cox_presence log hazard ratio of present against absent (natural logarithms); of rank tests the "
        "Hodges-Lehmann shift"
    )
    write_results(table=result.sensitivity, path=sensitivity, unit=units, comment=result.comment)
    write_tsv(result.dropped, dropped, comment="left out of this contrast, and why")


def _prepare(
    *, adata: ad.AnnData, outcomes: pd.DataFrame, contrast: str, covariates: tuple[str, ...],
    settings: DifferentialSettings,
) -> _Prepared:  # fmt: skip
    """Leave out what cannot be used until samples, design and features fit together."""
    kind = str(adata.uns["kind"])
    values = pd.DataFrame(
        np.asarray(adata.X, dtype=float), index=adata.obs_names.astype(str), columns=adata.var_names.astype(str)
    )
    observations = samples_with_outcomes(adata=adata, outcomes=outcomes)
    lost = [empty_samples(table=values, kind=kind)]
    observations = observations.drop(index=lost[0]["name"])
    pairs = "differences" if kind == "counts" else settings.pairs
    while True:
        design = contrast_design(
            contrast=contrast, observations=observations, covariates=covariates, batch=settings.batch, pairs=pairs,
            min_patients=settings.min_patients,
        )  # fmt: skip
        if design.refusal is not None:
            table, features, refusal = values.iloc[:0, :0], _no_rows(), design.refusal
            break
        table, features = filter_features(
            table=values.loc[design.samples],
            kind=kind,
            prevalence=settings.prevalence,
            min_values=settings.min_patients,
        )
        refusal = None
        if table.shape[1] < (2 if kind == "compositional" else 1):
            refusal = f"{table.shape[1]} of {values.shape[1]} features can be tested" + (
                ": one part of a whole has no ratio" if table.shape[1] else ""
            )
            break
        # A sample may hold none of the features that are left.
        more = empty_samples(table=table, kind=kind)
        if more.empty:
            break
        more["reason"] += " among the features that pass the filter"
        lost.append(more)
        observations = observations.drop(index=more["name"])
    dropped = pd.concat([*lost, design.dropped, features], ignore_index=True)[DROPPED_COLUMNS].drop_duplicates()
    dropped = dropped.sort_values(["what", "name", "reason"], ignore_index=True, kind="stable")
    return _Prepared(design=design, observations=observations, table=table, dropped=dropped, refusal=refusal)


def _other_designs(
    *, made: _Prepared, contrast: str, covariates: tuple[str, ...], settings: DifferentialSettings
) -> tuple[Design | None, Design | None]:
    """Return the design of the complete pairs (mixed only) and that of the same samples without covariates."""
    design = made.design
    same = {"contrast": contrast, "observations": made.observations.loc[sorted(design.samples)]}
    same["min_patients"] = settings.min_patients
    pairs = bare = None
    if design.scheme == "mixed":
        pairs = contrast_design(**same, covariates=covariates, batch=settings.batch, pairs="differences")
    scheme = {"mixed": "mixed", "difference": "differences"}.get(design.scheme, "auto")
    bare = contrast_design(**same, covariates=(), batch="ignore", pairs=scheme)
    if len(bare.columns) == len(design.columns):
        bare = None
    return tuple(None if other is None or other.refusal is not None else other for other in (pairs, bare))


def _comment(*, made: _Prepared, layer: str, contrast: str, method: str | None, settings: DifferentialSettings) -> str:
    design = made.design
    lines = [f"{layer}, {contrast}: {COMPARED[contrast]}; {design.n} patients, {design.n_r} R, {design.n_nr} NR"]
    if method is not None:
        columns = ", ".join(design.columns) or "the feature alone"
        lines += [
            f"method {method}, scheme {design.scheme} ({len(design.units)} units); columns of the model: {columns}",
            f"q: Benjamini-Hochberg over the features tested; finding: q < {settings.fdr:g}",
        ]
        if settings.families is not None:
            lines.append(
                f"families by {settings.families}: discovery = found inside a selected family (Benjamini and Bogomolov)"
            )
    counts = made.dropped["what"].value_counts().sort_index()
    lines.append("left out: " + (", ".join(f"{n} {what}{'s' * (n > 1)}" for what, n in counts.items()) or "nothing"))
    lines.append("associations in a trial without a control arm; none of them shows a cause")
    return "\n".join(lines)


def _no_families(*, layer: str, column: str, known: list[str]) -> Problem:
    return Problem(
        "S02", f"layer {layer}", None, column, None, "The features have no such column to group them into families",
        f"A column of the features: {', '.join(sorted(known))}", "Correct `differential.families`, or take it out",
    )  # fmt: skip


def _no_rows() -> pd.DataFrame:
    return pd.DataFrame(columns=DROPPED_COLUMNS, dtype=object)

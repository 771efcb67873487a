"""Which test a layer and a design get: the primary one, and the sensitivity analyses beside it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from gutaxis.stats.composition import CENTRED_HALF_MINIMUM
from gutaxis.stats.counts import deseq2
from gutaxis.stats.cox import cox
from gutaxis.stats.design import Design
from gutaxis.stats.linda import linda, log_ratios
from gutaxis.stats.mixed import design_intercept
from gutaxis.stats.moderated import moderated_t
from gutaxis.stats.prevalence import prevalence_fits
from gutaxis.stats.pseudobulk import log_cpm
from gutaxis.stats.ranks import rank_fits
from gutaxis.stats.results import Fits

SURVIVAL_UNIT = "log hazard ratio of progression or death per SD of the baseline feature"
UNITS = {
    "compositional": "log2 fold change against the features that do not change",
    "log_intensity": "log2 fold change",
    "counts": "log2 fold change",
}


class Analysis(NamedTuple):
    """One analysis of all features: its fits and the design they belong to."""

    fits: Fits
    design: Design


def unit_of(*, kind: str, design: Design, unit: str) -> str:
    """Return the unit of the primary estimate of a layer with values in ``unit``."""
    return SURVIVAL_UNIT if design.scheme == "survival" else UNITS.get(kind, f"difference in {unit}")


def primary_fits(
    *, table: pd.DataFrame, kind: str, design: Design, pseudocount: str | float = CENTRED_HALF_MINIMUM
) -> Fits:
    """Return the primary test of every feature.

    compositional: :func:`~gutaxis.stats.linda.linda`. log_intensity, continuous:
    :func:`~gutaxis.stats.moderated.moderated_t`, or :func:`~gutaxis.stats.mixed.random_intercept` in the scheme
    ``mixed``. counts: :func:`~gutaxis.stats.counts.deseq2`. survival: :func:`~gutaxis.stats.cox.cox` on centred log
    ratios, values, or log2 CPM.

    Parameters
    ----------
    table
        Samples x features, filtered, with all samples of the design, in the unit of the layer.
    kind
        Of the layer.
    design
        Without a refusal; for counts not ``mixed``.
    pseudocount
        For compositional layers.
    """
    if design.scheme == "survival":
        values = design.values(table=transformed(table=table, kind=kind, design=design, pseudocount=pseudocount))
        return cox(values=values, covariates=design.matrix, time=design.time, event=design.event)
    if kind == "compositional":
        return linda(table=table, design=design, pseudocount=pseudocount)
    if kind == "counts":
        return deseq2(counts=table, design=design)
    return _linear(values=design.values(table=table), design=design)


def transformed(
    *, table: pd.DataFrame, kind: str, design: Design, pseudocount: str | float = CENTRED_HALF_MINIMUM
) -> pd.DataFrame:
    """Return the samples of a design on the scale of linear and rank tests: clr (log2), log2 CPM, or unchanged.

    Centred log ratios are those of :func:`~gutaxis.stats.linda.log_ratios`, so that rank tests and Cox models see the
    zeros as LinDA does; they are not corrected for the bias of the composition.
    """
    if kind == "compositional":
        return log_ratios(table=table, design=design, pseudocount=pseudocount)
    table = table.loc[design.samples]
    return log_cpm(counts=table) if kind == "counts" else table


def sensitivity_fits(
    *, table: pd.DataFrame, kind: str, design: Design, pairs: Design | None, bare: Design | None,
    pseudocounts: tuple[str | float, ...],
) -> Iterator[Analysis]:  # fmt: skip
    """Yield the analyses that stand beside the primary one, each under a method name of its own.

    Rank test (survival: Cox on normal scores of the ranks); presence (compositional); the other pseudocounts
    (compositional); log2 CPM by moderated t (counts); the complete pairs alone where the primary model is mixed; no
    covariates.

    Parameters
    ----------
    table, kind, design
        As for :func:`primary_fits`.
    pairs
        The design of the complete pairs, where the scheme is ``mixed`` and enough pairs exist.
    bare
        The design of the same samples without covariates; None if there are none.
    pseudocounts
        The first is that of the primary analysis.
    """
    single = pairs if design.scheme == "mixed" else design
    if single is not None and single.scheme != "survival":
        values = single.values(table=transformed(table=table, kind=kind, design=single, pseudocount=pseudocounts[0]))
        yield Analysis(rank_fits(values=values, design=single), single)
        if kind == "counts":
            fits = _linear(values=values, design=single)
            yield Analysis(replace(fits, method="moderated_t_log_cpm"), single)
    if design.scheme == "survival":
        values = design.values(table=transformed(table=table, kind=kind, design=design, pseudocount=pseudocounts[0]))
        scores = normal_scores(values=values)
        fits = cox(values=scores, covariates=design.matrix, time=design.time, event=design.event)
        yield Analysis(replace(fits, method="cox_normal_scores"), design)
    if kind == "compositional":
        if single is not None:
            yield Analysis(prevalence_fits(table=table, design=single), single)
        for pseudocount in pseudocounts[1:]:
            fits = primary_fits(table=table, kind=kind, design=design, pseudocount=pseudocount)
            yield Analysis(replace(fits, method=f"{fits.method}_{pseudocount}"), design)
    if pairs is not None and design.scheme == "mixed":
        fits = primary_fits(table=table, kind=kind, design=pairs, pseudocount=pseudocounts[0])
        yield Analysis(replace(fits, method=f"{fits.method}_complete_pairs"), pairs)
    if bare is not None:
        fits = primary_fits(table=table, kind=kind, design=bare, pseudocount=pseudocounts[0])
        yield Analysis(replace(fits, method=f"{fits.method}_unadjusted"), bare)


def normal_scores(*, values: np.ndarray) -> np.ndarray:
    """Return van der Waerden scores of every column: the normal quantile of rank / (n + 1); NaN stays NaN."""
    ranks = stats.rankdata(values, axis=0, nan_policy="omit")
    return stats.norm.ppf(ranks / (np.isfinite(values).sum(axis=0) + 1))


def agreement(*, primary: pd.DataFrame, sensitivity: pd.DataFrame, fdr: float) -> np.ndarray:
    """Return, per row of the primary table, the share of the other analyses that agree with it.

    An analysis agrees if its estimate has the same sign and, where the primary q is below ``fdr``, its p is below 0.05.
    Analyses without a result for a feature do not count; NaN where none has one, or the primary has none.

    Parameters
    ----------
    primary, sensitivity
        Tables of results; of the second any number of rows per feature, one per method.
    fdr
        False discovery rate at which a primary result is a finding.
    """
    joined = sensitivity.loc[sensitivity["p"].notna(), ["feature", "estimate", "p"]].merge(
        primary.loc[primary["p"].notna(), ["feature", "estimate", "q"]], on="feature", suffixes=("", "_primary")
    )
    same = np.sign(joined["estimate"]) == np.sign(joined["estimate_primary"])
    agrees = same & ((joined["q"] >= fdr) | (joined["p"] < 0.05))
    return agrees.groupby(joined["feature"]).mean().reindex(primary["feature"]).to_numpy(dtype=float)


def _linear(*, values: np.ndarray, design: Design) -> Fits:
    if design.scheme == "mixed":
        return design_intercept(values=values, design=design)
    return moderated_t(values=values, matrix=design.matrix, tested=design.tested_index)

"""Alpha diversity of a layer and its tests: every contrast, each metric as one continuous feature.

The primary test of a contrast is the linear model of its design (least squares on one value per patient, or REML with
a random patient intercept where pairs are incomplete; Cox for ``survival``). Next to it stand a rank test and the same
model on rarefied values, as rows of role ``sensitivity``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from skbio import TreeNode

from gutaxis.files import write_tsv
from gutaxis.stats.alpha import KINDS, METRICS, alpha_values
from gutaxis.stats.cox import cox
from gutaxis.stats.design import Design, contrast_design, dropped_table
from gutaxis.stats.inputs import samples_with_outcomes
from gutaxis.stats.linear import ols
from gutaxis.stats.mixed import design_intercept
from gutaxis.stats.ranks import rank_fits
from gutaxis.stats.rarefaction import Rarefied, count_table, rarefy
from gutaxis.stats.results import Fits, refusal_table, result_table, write_results
from gutaxis.stats.unifrac import match_tips

UNIT = "metric as named by feature (survival: log hazard ratio per SD)"


@dataclass(frozen=True, kw_only=True)
class AlphaSettings:
    """Choices of the config.

    Parameters
    ----------
    draws, depth
        Of :func:`gutaxis.stats.rarefaction.rarefy`; 0 draws switch rarefaction off.
    totals
        Column of the layer's samples, or of the outcomes, with reads or cells per sample.
    fdr
        Level at which a primary result asks its sensitivity analyses to be significant too (p < 0.05).
    batch, pairs, min_patients
        Of :func:`gutaxis.stats.design.contrast_design`.
    """

    draws: int = 100
    depth: int | None = None
    totals: str | None = "depth_or_cells"
    fdr: float = 0.1
    batch: str = "covariate"
    pairs: str = "auto"
    min_patients: int = 3


@dataclass(frozen=True, kw_only=True)
class AlphaResult:
    """Alpha diversity and its tests.

    Parameters
    ----------
    values
        sample_id, patient_id, timepoint, one column per metric, ``{metric}_rarefied`` where there is a depth; sorted.
    tests
        ``RESULT_COLUMNS`` and reason: primary rows, then sensitivity rows of every contrast.
    dropped
        contrast, what, name, reason.
    notes
        Sentences about the whole layer: why there is no diversity, no rarefaction, no tree.
    refusals
        contrast -> why it has no test.
    """

    values: pd.DataFrame
    tests: pd.DataFrame
    dropped: pd.DataFrame
    notes: tuple[str, ...]
    refusals: Mapping[str, str]


def fit_design(*, values: np.ndarray, design: Design) -> Fits:
    """Fit the model of a design to continuous features.

    Parameters
    ----------
    values
        Shape (n, m), from :meth:`Design.values`; NaN where not measured.
    design
        Without a refusal.

    Returns
    -------
    Fits
        ``ols`` for between and difference, ``random_intercept`` for mixed, ``cox`` for survival.
    """
    if design.scheme == "survival":
        return cox(values=values, covariates=design.matrix, time=design.time, event=design.event)
    if design.scheme == "mixed":
        return design_intercept(values=values, design=design)
    return ols(values=values, matrix=design.matrix, tested=design.tested_index)


def alpha_diversity(
    *,
    adata: ad.AnnData,
    outcomes: pd.DataFrame,
    contrasts: Mapping[str, str],
    covariates: Sequence[str],
    settings: AlphaSettings,
    seed: int,
    tree: TreeNode | None = None,
) -> AlphaResult:
    """Return the alpha diversity of a layer and the test of every contrast.

    Parameters
    ----------
    adata
        A layer of kind compositional or counts; others get empty tables that say why.
    outcomes
        Index sample_id: response (R, NR, missing), pfs2_days, pfs2_cnsr, and maybe ``settings.totals``.
    contrasts
        contrast -> role, in the order of the output.
    covariates
        Columns of the layer's samples to adjust for, most important first.
    settings
        Choices of the config.
    seed
        Of the rarefaction.
    tree
        From :func:`gutaxis.stats.unifrac.read_tree`; None leaves out Faith's PD.

    Returns
    -------
    AlphaResult
        q is Benjamini-Hochberg over the metrics of a contrast. The metrics are correlated measurements of one thing:
        five small p are not five findings.
    """
    layer, kind = str(adata.uns["name"]), str(adata.uns["kind"])
    about = adata.obs[["patient_id", "timepoint"]].astype(object)
    if kind not in KINDS:
        reason = f"no alpha diversity: values of kind {kind} are no amounts"
        refusals = dict.fromkeys(contrasts, reason)
        return AlphaResult(
            values=_sorted(about), tests=_tests([], layer=layer, refusals=refusals), dropped=_dropped([]),
            notes=(reason,), refusals=refusals,
        )  # fmt: skip
    table = pd.DataFrame(adata.X, index=adata.obs_names.astype(str), columns=adata.var_names.astype(str))
    observations = samples_with_outcomes(adata=adata, outcomes=outcomes)
    tips = None if tree is None else _tips(adata.var, tree)
    values = alpha_values(table=table, tree=tree, tips=tips)
    totals = _totals(adata.obs, outcomes, settings)
    rarefied = _rarefied(table=table, kind=kind, totals=totals, settings=settings, seed=seed, tree=tree, tips=tips)
    notes = [] if rarefied.reason is None else [f"no rarefaction: {rarefied.reason}"]
    if rarefied.reason is None:
        notes.append(f"columns *_rarefied: mean of {settings.draws} draws of {rarefied.depth} reads or cells")
    if tips is None:
        notes.append("no Faith's PD: the layer has no tree")
    else:
        notes.append(f"Faith's PD: {len(tips)} of {table.shape[1]} features are tips of the tree")
    empty = values.index[values["observed"] == 0]
    parts: list[pd.DataFrame] = []
    refusals: dict[str, str] = {}
    dropped = [("all", "sample", name, "no feature above zero") for name in empty]
    for contrast, role in contrasts.items():
        rows, design = _contrast(
            values=values.drop(index=empty), rarefied=rarefied, observations=observations.drop(index=empty),
            layer=layer, contrast=contrast, role=role, covariates=tuple(covariates), settings=settings,
        )  # fmt: skip
        dropped += [(contrast, *row) for row in design.dropped.itertuples(index=False, name=None)]
        if design.refusal:
            refusals[contrast] = design.refusal
        parts.append(rows)
    wide = pd.concat([about.set_axis(values.index), values], axis=1)
    if rarefied.values is not None:
        wide = wide.join(rarefied.values.add_suffix("_rarefied"))
    return AlphaResult(
        values=_sorted(wide), tests=_tests(parts, layer=layer, refusals=refusals), dropped=_dropped(dropped),
        notes=tuple(notes), refusals=refusals,
    )  # fmt: skip


def _contrast(
    *, values: pd.DataFrame, rarefied: Rarefied, observations: pd.DataFrame, layer: str, contrast: str, role: str,
    covariates: tuple[str, ...], settings: AlphaSettings,
) -> tuple[pd.DataFrame, Design]:  # fmt: skip
    """Return the rows of one contrast, primary first, and its design."""
    common = {
        "contrast": contrast,
        "observations": observations,
        "covariates": covariates,
        "batch": settings.batch,
        "min_patients": settings.min_patients,
    }
    design = contrast_design(**common, pairs=settings.pairs)
    if design.refusal:
        return refusal_table(layer=layer, contrast=contrast, role=role, reason=design.refusal), design

    def rows(fits: Fits, of: Design, role: str) -> pd.DataFrame:
        labels = [METRICS[name][1] for name in values.columns]
        return result_table(
            fits=fits, layer=layer, contrast=contrast, features=list(values.columns), labels=labels, design=of,
            role=role,
        )  # fmt: skip

    primary = rows(fit_design(values=design.values(table=values), design=design), design, role)
    others = []
    pairs = contrast_design(**common, pairs="differences") if design.scheme == "mixed" else design
    if design.scheme != "survival" and not pairs.refusal:
        others.append(rows(rank_fits(values=pairs.values(table=values), design=pairs), pairs, "sensitivity"))
    if rarefied.values is not None:
        fits = fit_design(values=design.values(table=rarefied.values.reindex(values.index)), design=design)
        table = rows(fits, design, "sensitivity")
        others.append(table.assign(method=f"{fits.method}_rarefied"))
    primary["agreement"] = _agreement(primary=primary, others=others, fdr=settings.fdr)
    return pd.concat([primary, *others], ignore_index=True), design


def _agreement(*, primary: pd.DataFrame, others: Sequence[pd.DataFrame], fdr: float) -> np.ndarray:
    """Return the share of the sensitivity analyses that say the same: sign, and p < 0.05 where the primary q < fdr."""
    agree, made = np.zeros(len(primary)), np.zeros(len(primary))
    found = (primary["q"] < fdr).to_numpy()
    for other in others:
        has = (other["p"].notna() & primary["p"].notna()).to_numpy()
        same = (np.sign(other["estimate"]) == np.sign(primary["estimate"])).to_numpy()
        agree += has & same & (~found | (other["p"] < 0.05).to_numpy())
        made += has
    return np.divide(agree, made, out=np.full(len(primary), np.nan), where=made > 0)


def _totals(observed: pd.DataFrame, outcomes: pd.DataFrame, settings: AlphaSettings) -> pd.Series | None:
    """Return reads or cells per sample, from the layer or else from the table of outcomes."""
    for table in (observed, outcomes):
        if settings.totals and settings.totals in table and table[settings.totals].notna().any():
            totals = pd.to_numeric(table[settings.totals], errors="coerce")
            return totals.set_axis(totals.index.astype(str))
    return None


def _tips(var: pd.DataFrame, tree: TreeNode) -> dict[str, str]:
    """Return feature -> tip of the features that have one."""
    found, _ = match_tips(var=var, tree=tree)
    return {str(name): tip for name, tip in zip(var.index, found, strict=True) if tip is not None}


def _rarefied(
    *, table: pd.DataFrame, kind: str, totals: pd.Series | None, settings: AlphaSettings, seed: int,
    tree: TreeNode | None, tips: Mapping[str, str] | None,
) -> Rarefied:  # fmt: skip
    if settings.draws == 0:
        return Rarefied(values=None, depth=0, reason="it is switched off (0 draws)")
    counts, reason = count_table(table=table, kind=kind, totals=totals)
    if counts is None:
        return Rarefied(values=None, depth=0, reason=reason)
    return rarefy(counts=counts, seed=seed, draws=settings.draws, depth=settings.depth, tree=tree, tips=tips)


def _sorted(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename_axis("sample_id").sort_index().reset_index()


def _dropped(rows: Sequence[tuple[str, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["contrast", *dropped_table([]).columns], dtype=object)


def _tests(parts: Sequence[pd.DataFrame], *, layer: str, refusals: Mapping[str, str]) -> pd.DataFrame:
    """Join the contrasts' rows; the reasons of those without any go along in ``attrs``."""
    full = [part for part in parts if len(part)]
    empty = refusal_table(layer=layer, contrast="", role="", reason="")
    table = pd.concat(full, ignore_index=True) if full else empty
    table.attrs = {"refusal": "; ".join(f"{name}: {why}" for name, why in refusals.items())} if refusals else {}
    return table


def write_alpha(
    *, result: AlphaResult, values: Path | str, tests: Path | str, dropped: Path | str | None = None
) -> None:
    """Write alpha_diversity.tsv, alpha_tests.tsv and, if asked for, what was left out.

    Parameters
    ----------
    result
        From :func:`alpha_diversity`.
    values, tests, dropped
        Targets, written atomically.
    """
    units = [f"{name}: {label}" for name, (_, label) in METRICS.items() if name in result.values]
    write_tsv(result.values, values, comment="\n".join([*units, *result.notes]))
    write_results(table=result.tests, path=tests, unit=UNIT, comment="\n".join(result.notes))
    if dropped is not None:
        write_tsv(result.dropped, dropped)

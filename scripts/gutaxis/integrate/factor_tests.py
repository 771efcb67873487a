"""Factors against response, time, cohort and batch; how stable they are; the tables of the rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from scipy import stats

from gutaxis.files import write_tsv
from gutaxis.integrate.factors import FactorModel, fit_factors, matched_correlations
from gutaxis.integrate.sample_blocks import Visits, read_visits
from gutaxis.layers.build import build_layer
from gutaxis.stats.differential import DifferentialSettings, differential
from gutaxis.stats.results import RESULT_COLUMNS, adjust

NUISANCE = ["factor", "variable", "levels", "n", "eta2", "f", "p", "q"]
STABILITY = ["factor", "seeds", "seeds_median_r", "seeds_min_r", "patients", "patients_median_r", "patients_min_r"]
WEIGHTS = ["factor", "layer", "feature", "label", "weight", "rank"]


@dataclass(frozen=True, kw_only=True)
class FactorSettings:
    """Choices: see :func:`gutaxis.integrate.factors.fit_factors`; ``seeds`` starts are compared for stability."""

    factors: int = 8
    min_explained: float = 0.02
    max_features: int | None = 1000
    prevalence: float = 0.1
    seeds: int = 5
    fdr: float = 0.1


def factor_layer(*, model: FactorModel, visits: pd.DataFrame) -> ad.AnnData:
    """Return the scores as a continuous layer, so that every contrast is tested as in any other layer.

    Parameters
    ----------
    model
        Fitted.
    visits
        Of :class:`~gutaxis.integrate.sample_blocks.Visits`; outcomes are left out of the layer.
    """
    obs = visits.loc[model.scores.index].drop(columns=["response", "pfs2_days", "pfs2_cnsr"], errors="ignore")
    scores = model.scores / model.scores.std(ddof=1)
    return build_layer(
        values=scores.rename_axis(None), observations=obs.rename_axis("sample_id"), name="factors", arm="integration",
        kind="continuous", unit="SD of the factor",
    )  # fmt: skip


def factor_contrasts(
    *, model: FactorModel, visits: pd.DataFrame, contrasts: Mapping[str, str], covariates: Sequence[str], fdr: float
) -> pd.DataFrame:
    """Test every factor in every contrast.

    Parameters
    ----------
    model, visits
        As above.
    contrasts
        Name -> role.
    covariates
        Adjusters.
    fdr
        Level of the agreement column.

    Returns
    -------
    pandas.DataFrame
        ``RESULT_COLUMNS`` and ``reason``; estimates in SD of the factor (survival: log hazard ratio per SD); q over the
        factors of a contrast. A contrast that cannot be made is one row with the reason alone. The factors were found
        on the same patients, without looking at outcomes.
    """
    adata = factor_layer(model=model, visits=visits)
    outcomes = visits[["response", "pfs2_days", "pfs2_cnsr", "pair_status"]]
    tables = []
    for contrast, role in contrasts.items():
        found = differential(
            adata=adata, outcomes=outcomes, contrast=contrast, role=role, covariates=tuple(covariates),
            settings=DifferentialSettings(fdr=fdr),
        ).table  # fmt: skip
        if found.empty:
            row = {"layer": "factors", "contrast": contrast, "role": role, "reason": found.attrs.get("refusal")}
            found = pd.DataFrame([row])
        tables.append(found)
    columns = [*RESULT_COLUMNS, "reason"]
    if not tables:
        return pd.DataFrame(columns=columns)
    return pd.DataFrame(
        [row for table in tables for row in table.reindex(columns=columns).to_dict("records")], columns=columns
    )


def factor_nuisance(
    *, model: FactorModel, visits: pd.DataFrame, variables: Sequence[str] = ("cohort", "batch")
) -> pd.DataFrame:
    """Return the share of each factor's variance that lies between cohorts and between batches.

    Parameters
    ----------
    model, visits
        As above.
    variables
        Columns of ``visits`` with at least two levels; others give no row.

    Returns
    -------
    pandas.DataFrame
        ``NUISANCE``. The unit is the patient (mean of the visits). eta2 = between / total sum of squares; F and p of a
        one-way analysis of variance; q over all rows.
    """
    people = model.scores.groupby(visits.loc[model.scores.index, "patient_id"].astype(str)).mean()
    rows = []
    for variable in variables:
        if variable not in visits:
            continue
        levels = visits.groupby(visits["patient_id"].astype(str))[variable].first().reindex(people.index)
        known = levels.notna().to_numpy()
        groups = [index for _, index in levels[known].astype(str).groupby(levels[known].astype(str)).groups.items()]
        if len(groups) < 2 or known.sum() <= len(groups):
            continue
        for factor in people:
            values = people.loc[known, factor]
            parts = [values.loc[index].to_numpy() for index in groups]
            between = sum(len(part) * (part.mean() - values.mean()) ** 2 for part in parts)
            f, p = stats.f_oneway(*parts)
            eta2 = between / float(((values - values.mean()) ** 2).sum())
            rows.append([factor, variable, len(groups), int(known.sum()), eta2, f, p])
    table = pd.DataFrame(rows, columns=NUISANCE[:-1])
    return table.assign(q=adjust(p=table["p"].to_numpy(dtype=float)) if len(table) else [])


def factor_stability(*, model: FactorModel, data: Visits, settings: FactorSettings, seed: int) -> pd.DataFrame:
    """Return how alike each factor is when the start changes, and when any one patient is left out.

    Parameters
    ----------
    model
        The fit that is reported.
    data
        What it was fitted to.
    settings
        ``seeds`` starts; every patient is left out once.
    seed
        Of the reported fit; the others follow it.

    Returns
    -------
    pandas.DataFrame
        ``STABILITY``: median and least |r| of matched factors, over the visits of both fits. A factor with a least |r|
        below 0.8 should not be read.
    """
    options = {"factors": settings.factors, "min_explained": settings.min_explained}
    starts = [
        matched_correlations(
            reference=model.scores, other=fit_factors(values=data.values, seed=seed + step, **options).scores
        )
        for step in range(1, settings.seeds)
    ]
    people = data.visits["patient_id"].astype(str)
    without = []
    for patient in sorted(people.unique()):
        kept = set(people.index[people != patient])
        values = {name: table[table.index.isin(kept)] for name, table in data.values.items()}
        without.append(
            matched_correlations(reference=model.scores, other=fit_factors(values=values, seed=seed, **options).scores)
        )
    rows = []
    for factor in model.scores:
        row: list[object] = [factor]
        for found in (starts, without):
            r = [one[factor] for one in found]
            row += [len(r), np.median(r) if r else np.nan, min(r, default=np.nan)]
        rows.append(row)
    return pd.DataFrame(rows, columns=STABILITY)


def factors_files(
    *, layers: Mapping[str, Path | str], outcomes: Path | str, contrasts: Mapping[str, str],
    covariates: Sequence[str], settings: FactorSettings, seed: int, scores: Path, weights: Path, explained: Path,
    tests: Path, nuisance: Path, stability: Path,
) -> None:  # fmt: skip
    """Fit, test and write all tables of the factors.

    Parameters
    ----------
    layers, outcomes
        As in :func:`gutaxis.integrate.blocks.read_blocks`.
    contrasts, covariates
        See :func:`factor_contrasts`.
    settings, seed
        Of the fit.
    scores, weights, explained, tests, nuisance, stability
        Tables to write; without rows, and with the reason above the header, where there is no factor.
    """
    data = read_visits(
        layers=layers, outcomes=outcomes, covariates=covariates, prevalence=settings.prevalence,
        max_features=settings.max_features,
    )  # fmt: skip
    model = fit_factors(values=data.values, factors=settings.factors, min_explained=settings.min_explained, seed=seed)
    size = ", ".join(f"{name} {table.shape[0]} x {table.shape[1]}" for name, table in data.values.items())
    about = f"MOFA factors over layers, visits x features: {size or 'none'}; seed {seed}; fitted without any outcome"
    if model.reason is not None:
        about += f"\nno result: {model.reason}"
        empty = (
            (scores, ["visit"]), (weights, WEIGHTS), (explained, ["layer"]), (tests, [*RESULT_COLUMNS, "reason"]),
            (nuisance, NUISANCE), (stability, STABILITY),
        )  # fmt: skip
        for path, columns in empty:
            write_tsv(pd.DataFrame(columns=columns), path, comment=about)
        return
    who = data.visits.loc[model.scores.index, ["patient_id", "timepoint"]]
    write_tsv(who.join(model.scores).reset_index(), scores, comment=about, digits=6)
    write_tsv(_weights_table(model=model, labels=data.labels), weights, comment=about, digits=6)
    write_tsv(model.explained.reset_index(), explained, comment=f"{about}\nshare of the variance of a layer", digits=6)
    found = factor_contrasts(
        model=model, visits=data.visits, contrasts=contrasts, covariates=covariates, fdr=settings.fdr
    )
    limits = "associations of factors found on the same patients; exploratory; no cause is shown"
    write_tsv(found, tests, comment=f"{about}\nunit: SD of the factor; {limits}", digits=6)
    write_tsv(factor_nuisance(model=model, visits=data.visits), nuisance, comment=about, digits=6)
    steady = factor_stability(model=model, data=data, settings=settings, seed=seed)
    write_tsv(steady, stability, comment=f"{about}\nr: |correlation| of matched factors", digits=6)


def _weights_table(*, model: FactorModel, labels: Mapping[str, pd.Series]) -> pd.DataFrame:
    parts = []
    for layer, table in model.weights.items():
        long = table.rename_axis("feature").reset_index().melt("feature", var_name="factor", value_name="weight")
        rank = long["weight"].abs().groupby(long["factor"]).rank(ascending=False, method="first").astype(int)
        parts.append(long.assign(layer=layer, label=long["feature"].map(labels[layer]), rank=rank))
    return pd.concat(parts, ignore_index=True)[WEIGHTS].sort_values(["factor", "layer", "rank"], ignore_index=True)

"""Ranks of the patients, adjusted for cohort and covariates: what correlations between layers are made of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from gutaxis.stats.design_columns import MAX_MISSING

#: Fewest residual degrees of freedom of a correlation.
MIN_DF = 4


@dataclass(frozen=True, kw_only=True)
class Adjustment:
    """What the correlations of one set of patients are adjusted for.

    Parameters
    ----------
    patients
        Those with a value of every covariate used.
    columns
        Shape (n, c): intercept, indicators of cohorts, covariates; full rank.
    cohorts
        Shape (n,), labels: patients change places inside them.
    used
        Names, cohort first.
    left_out
        name: reason, for what could not be adjusted for.
    """

    patients: pd.Index
    columns: np.ndarray
    cohorts: np.ndarray
    used: list[str]
    left_out: list[str]


@dataclass(frozen=True, kw_only=True)
class Residuals:
    """Residual ranks of n patients and m features.

    Parameters
    ----------
    values
        Shape (n, m): ranks among the patients observed, minus their fit on the adjustment; 0 where missing, which is
        the rank expected of such a patient.
    observed
        Shape (n, m), bool.
    """

    values: np.ndarray
    observed: np.ndarray


def adjustment(*, people: pd.DataFrame, covariates: Sequence[str], batch: str = "ignore") -> Adjustment:
    """Return what to adjust for: the cohort, and as many of the covariates as the patients can carry.

    Parameters
    ----------
    people
        Index patient_id; ``cohort`` and covariates, text or numbers, None where missing.
    covariates
        By falling importance. Numbers enter as ranks, words as one indicator per level but the first. One that is
        missing in more than a third of the patients (with those before it), constant or collinear is left out; with a
        smaller gap the patients without a value are. The columns never exceed half of the patients, nor leave fewer
        than ``MIN_DF`` degrees of freedom.
    batch
        covariate: the last covariate. stratum: patients change places inside cohort and batch. ignore.

    Raises
    ------
    ValueError
        For another word for batch.
    """
    if batch not in {"covariate", "stratum", "ignore"}:
        raise ValueError(f"batch={batch}: covariate, stratum or ignore")
    covariates = list(dict.fromkeys([*covariates, *(["batch"] if batch != "ignore" else [])]))
    left_out, kept, lost = [], [], np.zeros(len(people), dtype=bool)
    for name in [name for name in covariates if name != "cohort"]:
        gap = people[name].isna().to_numpy() if name in people else np.ones(len(people), dtype=bool)
        if (gap | lost).mean() > MAX_MISSING:
            left_out.append(f"{name}: missing in {int(gap.sum())} of {len(gap)} patients")
        else:
            kept, lost = [*kept, name], lost | gap
    rows = people[~lost]
    cohorts = rows["cohort"].astype(str).to_numpy() if "cohort" in rows else np.full(len(rows), "all")
    if batch == "stratum" and "batch" in kept:
        cohorts = np.array([f"{cohort} {item}" for cohort, item in zip(cohorts, rows["batch"], strict=True)], dtype=str)
    columns, used = [np.ones(len(rows))], []
    limit = min(len(rows) // 2, len(rows) - 1 - MIN_DF)
    labels = {
        "cohort": pd.Series(cohorts, dtype=object),
        **({"batch": rows["batch"].astype(str)} if "batch" in kept else {}),
    }
    for name in ("cohort", *kept):
        values = labels.get(name, rows.get(name))
        new = [item for item in _coded(values) if np.ptp(item) > 0]
        chosen = list(columns)
        for item in new:
            if np.linalg.matrix_rank(np.column_stack([*chosen, item])) > len(chosen):
                chosen.append(item)
        if len(chosen) == len(columns):
            if name != "cohort":
                left_out.append(f"{name}: {'follows from what is adjusted for' if new else 'one level only'}")
        elif len(chosen) > limit and name != "cohort":
            left_out.append(f"{name}: too few patients")
        else:
            columns, used = chosen, [*used, name]
    return Adjustment(
        patients=rows.index, columns=np.column_stack(columns), cohorts=cohorts, used=used, left_out=left_out
    )


def _coded(values: pd.Series) -> list[np.ndarray]:
    """Return the columns of a covariate, each centred."""
    if all(isinstance(value, (int, float, np.number)) and not isinstance(value, bool) for value in values):
        ranks = stats.rankdata(values.to_numpy(float))
        return [(ranks - ranks.mean()) / max(len(ranks), 1)]
    words = values.astype(str).to_numpy()
    return [(words == level) - np.mean(words == level) for level in sorted(set(words))[1:]]


def residual_ranks(*, values: np.ndarray, columns: np.ndarray) -> Residuals:
    """Return mid-ranks of every feature, residualised on the columns over the patients with a value.

    Parameters
    ----------
    values
        Shape (n, m); NaN is missing.
    columns
        Shape (n, c), with an intercept.
    """
    values = np.asarray(values, dtype=float)
    observed = np.isfinite(values)
    found = np.zeros(values.shape)
    patterns, which = np.unique(observed, axis=1, return_inverse=True)
    for number in range(patterns.shape[1]):
        rows, features = np.flatnonzero(patterns[:, number]), np.flatnonzero(which.reshape(-1) == number)
        if not len(rows):
            continue
        found[np.ix_(rows, features)] = _residuals(values[np.ix_(rows, features)], columns[rows])
    return Residuals(values=found, observed=observed)


def _residuals(values: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the residual ranks of a table without gaps."""
    ranks, space = stats.rankdata(values, axis=0), basis(columns)
    residuals = ranks - space @ (space.T @ ranks)
    # what is left of a rank that the adjustment explains in full is rounding
    residuals[:, (residuals**2).sum(axis=0) < 1e-9 * len(values) ** 3] = 0.0
    return residuals


def basis(columns: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of the columns' space."""
    left, size, _ = np.linalg.svd(columns, full_matrices=False)
    return left[:, size > 1e-9 * max(size.max(initial=0.0), 1e-300)]


def partial_spearman(*, x: np.ndarray, y: np.ndarray, columns: np.ndarray) -> tuple[float, int]:
    """Return the partial Spearman correlation of the patients with both values, and their number.

    Ranks of x and y are residualised on the columns; rho is the correlation of the residuals.

    Parameters
    ----------
    x, y
        Shape (n,); NaN is missing.
    columns
        Shape (n, c), with an intercept; numeric covariates as ranks.

    Notes
    -----
    Oracle: ``scipy.stats.spearmanr`` without covariates, the inverse of the matrix of Spearman correlations with them
    (as R ``ppcor::spcor``'s partner ``pcor.test(method = "spearman")``).
    """
    rows = np.isfinite(x) & np.isfinite(y)
    if rows.sum() < 3:
        return float("nan"), int(rows.sum())
    left = _residuals(np.column_stack([x[rows], y[rows]]), columns[rows])
    size = np.sqrt((left**2).sum(axis=0))
    rho = float(left[:, 0] @ left[:, 1] / (size[0] * size[1])) if size.min() > 0 else float("nan")
    return (min(1.0, max(-1.0, rho)) if np.isfinite(rho) else rho), int(rows.sum())


def interval(*, rho: np.ndarray, n: np.ndarray, adjusted: int, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    r"""Return an approximate interval of partial Spearman correlations: Fisher's z with Bonett and Wright's variance.

    :math:`\tanh(\mathrm{atanh}\,r \pm z \sqrt{(1 + r^2/2) / (n - k - 3)})`.

    Parameters
    ----------
    rho, n
        Correlations and patients, any one shape.
    adjusted
        k, columns adjusted for, the intercept not counted.
    level
        Coverage.

    Notes
    -----
    Assumption: |rho| below about 0.95; about 25 patients or more for its nominal coverage. Source: Bonett DG,
    Wright TA, Psychometrika 2000;65:23-28. NaN where n - k is 3 or less.
    """
    rho, n = np.asarray(rho, dtype=float), np.asarray(n, dtype=float)
    left = np.where(n - adjusted - 3 > 0, n - adjusted - 3, np.nan)
    half = stats.norm.ppf((1 + level) / 2) * np.sqrt((1 + rho**2 / 2) / left)
    with np.errstate(divide="ignore"):
        z = np.arctanh(np.clip(rho, -1, 1))
    return np.tanh(z - half), np.tanh(z + half)

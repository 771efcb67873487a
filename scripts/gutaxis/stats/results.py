"""One result schema for every test of every layer, and how it is written."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from gutaxis.files import write_tsv

if TYPE_CHECKING:
    from gutaxis.stats.design import Design

RESULT_COLUMNS = [
    "layer",
    "contrast",
    "feature",
    "label",
    "n",
    "n_r",
    "n_nr",
    "estimate",
    "se",
    "ci_low",
    "ci_high",
    "statistic",
    "df",
    "p",
    "q",
    "method",
    "role",
    "agreement",
]


@dataclass(frozen=True, kw_only=True)
class Fits:
    """One test per feature; every array has shape (m,) and NaN where a feature could not be tested.

    Parameters
    ----------
    method
        Short name, such as ``linda``, ``moderated_t``, ``random_intercept_reml``, ``wilcoxon``, ``cox``.
    estimate, se, statistic, df, p, ci_low, ci_high
        Effect, its standard error, test statistic, degrees of freedom (inf: normal; NaN: the method has none),
        two-sided p, 95 % interval of the effect.
    n
        Observations (rows of the design) used for the feature.
    reason
        None, or why the feature has no result, such as ``constant``.
    """

    method: str
    estimate: np.ndarray
    se: np.ndarray
    statistic: np.ndarray
    df: np.ndarray
    p: np.ndarray
    ci_low: np.ndarray
    ci_high: np.ndarray
    n: np.ndarray
    reason: np.ndarray


def t_fits(
    *,
    method: str,
    estimate: np.ndarray,
    se: np.ndarray,
    df: np.ndarray | float,
    n: np.ndarray | float,
    reason: np.ndarray | None = None,
    level: float = 0.95,
) -> Fits:
    """Complete estimates and standard errors to tests: t = estimate / se on df degrees of freedom, two-sided.

    Parameters
    ----------
    method
        Name of the method.
    estimate, se
        Shape (m,); NaN where there is no result, with the reason in ``reason``.
    df
        Degrees of freedom, shape (m,) or one number; inf means the normal distribution.
    n
        Observations per feature.
    reason
        Shape (m,), None or text.
    level
        Coverage of the interval estimate +- t_{(1 + level) / 2, df} se.
    """
    estimate, se = np.asarray(estimate, float), np.asarray(se, float)
    df, n = (np.broadcast_to(np.asarray(value, float), estimate.shape).copy() for value in (df, n))
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(se > 0, estimate / se, np.nan)
    half = stats.t.ppf((1 + level) / 2, df) * se
    return Fits(
        method=method,
        estimate=estimate,
        se=se,
        statistic=statistic,
        df=df,
        p=2 * stats.t.sf(np.abs(statistic), df),
        ci_low=estimate - half,
        ci_high=estimate + half,
        n=n,
        reason=np.full(estimate.shape, None, dtype=object) if reason is None else np.asarray(reason, dtype=object),
    )


def adjust(*, p: np.ndarray) -> np.ndarray:
    """Return Benjamini-Hochberg q values over the tests that were made; NaN stays NaN and does not count.

    Formula: q_(i) = min_{j >= i} p_(j) m / j (Benjamini and Hochberg 1995). Oracle: ``scipy.stats``, R ``p.adjust``.
    """
    p = np.asarray(p, float)
    q = np.full(p.shape, np.nan)
    made = np.isfinite(p)
    if made.any():
        q[made] = stats.false_discovery_control(p[made], method="bh")
    return q


def result_table(
    *, fits: Fits, layer: str, contrast: str, features: list[str], labels: list[str], design: "Design", role: str
) -> pd.DataFrame:
    """Return fits as a table with ``RESULT_COLUMNS``, ``reason`` behind them, in the order of ``features``.

    Parameters
    ----------
    fits
        Shape (m,).
    layer, contrast, role
        Written into every row.
    features, labels
        Names of the m features.
    design
        Gives the numbers of patients.
    """
    table = pd.DataFrame(
        {
            "layer": layer,
            "contrast": contrast,
            "feature": list(features),
            "label": list(labels),
            "n": design.n,
            "n_r": design.n_r,
            "n_nr": design.n_nr,
            "estimate": fits.estimate,
            "se": fits.se,
            "ci_low": fits.ci_low,
            "ci_high": fits.ci_high,
            "statistic": fits.statistic,
            "df": fits.df,
            "p": fits.p,
            "q": adjust(p=fits.p),
            "method": fits.method,
            "role": role,
            "agreement": np.nan,
            "reason": fits.reason,
        }
    )
    return table[[*RESULT_COLUMNS, "reason"]]


def refusal_table(*, layer: str, contrast: str, role: str, reason: str) -> pd.DataFrame:
    """Return a table without rows whose ``attrs`` say why: the analysis could not be made, and the run goes on."""
    table = pd.DataFrame({name: [] for name in [*RESULT_COLUMNS, "reason"]})
    table.attrs = {"layer": layer, "contrast": contrast, "role": role, "refusal": reason}
    return table


def write_results(*, table: pd.DataFrame, path: Path | str, unit: str, comment: str = "") -> None:
    """Write a result table, atomically, with the unit of the estimate and any refusal in comment lines above it.

    Parameters
    ----------
    table
        From :func:`result_table` or :func:`refusal_table`, in its final order.
    path
        Target.
    unit
        Unit of estimate, se and interval.
    comment
        More lines: what was compared, the model, who was left out.
    """
    lines = [f"unit of estimate: {unit}"]
    if table.attrs.get("refusal"):
        lines.insert(0, f"no result: {table.attrs['refusal']}")
    write_tsv(table, path, comment="\n".join([*lines, *comment.splitlines()]))

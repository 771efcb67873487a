"""Abscopal rates per patient (exact interval) and per lesion (bootstrap over patients), per cohort and pooled."""

import numpy as np
import pandas as pd

from gutaxis.clinical.abscopal import Abscopal
from gutaxis.clinical.intervals import CLOPPER_PEARSON, Interval, clopper_pearson

ALL = "ALL"
COLUMNS = [
    "endpoint",
    "week",
    "cohort",
    "n",
    "k",
    "rate",
    "ci_low",
    "ci_high",
    "ci_method",
    "pending",
    "n_patients",
    "n_reached",
]
BOOTSTRAP = "patient bootstrap 95%"
REPLICATES = 2000
SEED = 20250926


def abscopal_rates(*, effect: Abscopal, cohorts: pd.Series) -> pd.DataFrame:
    """Return how many patients, and how many lesions, show an abscopal effect at each landmark.

    ``ABSCOPAL`` (the configured rule) and ``ABSCOPAL_CONFIRMED``: patients; the denominator is those with an evaluable
    lesion outside the field whose follow-up covers the week; a response that waits for its confirmation is in the
    denominator and in ``pending``, not in ``k``. ``LESION``: evaluable lesions of these patients, whatever the rule.

    Parameters
    ----------
    effect
        From :func:`gutaxis.clinical.abscopal.abscopal_effect`.
    cohorts
        patient_id -> cohort of the patients of the analysis set; others are left out.

    Returns
    -------
    pandas.DataFrame
        ``COLUMNS``, sorted, ALL last. ``n_patients``: patients behind ``n``; ``n_reached``: of the set, those whose
        follow-up covers the week.

    Notes
    -----
    Patients: Clopper-Pearson. Lesions: see :func:`cluster_interval`.
    """
    table = effect.patients[effect.patients["patient_id"].isin(cohorts.index)]
    table = table.assign(cohort=table["patient_id"].map(cohorts))
    lesions = effect.lesion_weeks.groupby(["patient_id", "week"])["responding"].agg(["size", "sum"])
    rows = []
    for week in sorted(table["week"].unique()):
        for cohort in (*sorted(set(cohorts.dropna()) - {ALL}), ALL):
            part = table[(table["week"] == week) & (True if cohort == ALL else table["cohort"] == cohort)]
            reached = int((part["reached"] == "Y").sum())
            part = part[(part["reached"] == "Y") & (part["evaluable"] == "Y")]
            n = len(part)
            for endpoint, column in (("ABSCOPAL", "abscopal"), ("ABSCOPAL_CONFIRMED", "abscopal_confirmed")):
                k = int((part[column] == "Y").sum())
                pending = int(
                    (part[column] == "PENDING").sum() + (part["reason"] == "RESPONSE NOT CONFIRMED YET").sum()
                )
                pending = pending if column == "abscopal" else int((part[column] == "PENDING").sum())
                interval = clopper_pearson(k=k, n=n)
                rows.append((endpoint, week, cohort, n, k, *interval, CLOPPER_PEARSON, pending, n, reached))
            own = lesions.reindex(pd.MultiIndex.from_product([part["patient_id"], [week]])).dropna()
            interval, method = cluster_interval(k=own["sum"].to_numpy(), n=own["size"].to_numpy())
            total, hits = int(own["size"].sum()), int(own["sum"].sum())
            rows.append(("LESION", week, cohort, total, hits, *interval, method, 0, len(own), reached))
    result = pd.DataFrame(rows, columns=COLUMNS)
    order = result["cohort"].eq(ALL).astype(int)
    names = ["endpoint", "week", "_all", "cohort"]
    return result.assign(_all=order).sort_values(names, ignore_index=True)[COLUMNS]


def cluster_interval(
    *, k: np.ndarray, n: np.ndarray, level: float = 0.95, replicates: int = REPLICATES, seed: int = SEED
) -> tuple[Interval, str]:
    """Return a rate over lesions with an interval that respects that lesions of a patient go together.

    Patients are drawn with replacement, each with all lesions; the limits are quantiles of ``sum(k) / sum(n)`` over the
    draws. With no or only responding lesions every draw is the same: then the exact interval for as many patients, not
    lesions, is given, which is wider and named so. With one patient there is none.

    Parameters
    ----------
    k, n
        Responding and evaluable lesions of each patient (n >= 1).
    level
        Confidence level.
    replicates
        Draws.
    seed
        Of the draws.

    Returns
    -------
    tuple
        Interval and the name of the method.

    Notes
    -----
    Source: Field and Welsh, J R Stat Soc B 2007;69:369-390 (cluster bootstrap). Oracle: drawing patients one by one.
    """
    k, n = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    patients, total, hits = len(n), n.sum(), k.sum()
    if patients < 2:
        rate = float(hits / total) if total else np.nan
        return Interval(rate, np.nan, np.nan), "none: fewer than 2 patients"
    if hits in (0, total):
        exact = clopper_pearson(k=patients if hits else 0, n=patients, level=level)
        return Interval(float(hits / total), exact.low, exact.high), f"{CLOPPER_PEARSON} over patients"
    # Patients with equal counts are exchangeable: drawing how many of each kind is the same, and fast.
    kinds, often = np.unique(np.column_stack([k, n]), axis=0, return_counts=True)
    draws = np.random.default_rng(seed).multinomial(patients, often / patients, size=replicates)
    rates = (draws @ kinds[:, 0]) / (draws @ kinds[:, 1])
    low, high = np.quantile(rates, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(hits / total), float(low), float(high)), BOOTSTRAP

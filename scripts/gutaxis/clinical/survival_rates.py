"""Survival at the landmarks, medians and follow-up per cohort and pooled; cumulative incidence of cancer death."""

import numpy as np
import pandas as pd

from gutaxis.clinical.settings import ClinicalSettings
from gutaxis.clinical.survival import (
    CI_TYPE,
    cumulative_incidence,
    follow_up_median,
    incidence_at,
    kaplan_meier,
    median_survival,
    number_at_risk,
    survival_at,
)
from gutaxis.clinical.time_to_event import competing_causes

ALL = "ALL"
COLUMNS = [
    "paramcd",
    "week",
    "cohort",
    "n_at_risk",
    "rate",
    "ci_low",
    "ci_high",
    "median",
    "median_ci_low",
    "median_ci_high",
    "ci_type",
    "n",
    "n_events",
    "follow_up_median",
    "follow_up_ci_low",
    "follow_up_ci_high",
]
INCIDENCE_COLUMNS = [
    "paramcd",
    "cause",
    "week",
    "cohort",
    "n_at_risk",
    "incidence",
    "variance",
    "ci_low",
    "ci_high",
    "ci_type",
    "n",
    "n_events",
]
CAUSES = {1: "CANCER", 2: "OTHER"}


def landmark_day(*, week: int) -> int:
    """Return the ``aval_days`` of a landmark: ILDR + 7 x week days is included, and the day of ILDR is day 1."""
    return 7 * week + 1


def survival_rates(*, times: pd.DataFrame, cohorts: pd.Series, settings: ClinicalSettings) -> pd.DataFrame:
    """Return Kaplan-Meier rates, medians and reverse Kaplan-Meier follow-up.

    Parameters
    ----------
    times
        From :func:`gutaxis.clinical.time_to_event.time_to_event`, or its sensitivity.
    cohorts
        patient_id -> cohort of the patients of the analysis set; others are left out.
    settings
        ``weeks_pfs2`` for parameters named PFS2..., ``weeks_survival`` for others.

    Returns
    -------
    pandas.DataFrame
        ``COLUMNS``, one row per parameter, week and cohort, then ALL. Medians in days. ``n_at_risk``: patients observed
        up to the landmark. NaN where nobody was observed so long, limits also where the rate is 0 or 1.

    Notes
    -----
    See :mod:`gutaxis.clinical.survival` for formulas and oracles.
    """
    rows = []
    for paramcd, cohort, part in _groups(times, cohorts):
        time, event = part["aval_days"].to_numpy(), (part["cnsr"] == 0).to_numpy()
        curve = kaplan_meier(time=time, event=event)
        whole = (*median_survival(curve=curve), CI_TYPE, len(part), int(event.sum()))
        follow_up = follow_up_median(time=time, event=event)
        for week in settings.weeks_pfs2 if paramcd.startswith("PFS2") else settings.weeks_survival:
            day = landmark_day(week=week)
            at_risk = int(number_at_risk(time=time, at=day))
            rows.append((paramcd, week, cohort, at_risk, *survival_at(curve=curve, time=day), *whole, *follow_up))
    return _sort(pd.DataFrame(rows, columns=COLUMNS), times)


def cumulative_incidences(*, times: pd.DataFrame, cohorts: pd.Series, settings: ClinicalSettings) -> pd.DataFrame:
    """Return the cumulative incidence of death from cancer and from another cause (Aalen-Johansen).

    Parameters
    ----------
    times, cohorts
        As for :func:`survival_rates`; parameters named CSS... are read.
    settings
        ``weeks_survival``.

    Returns
    -------
    pandas.DataFrame
        ``INCIDENCE_COLUMNS``, one row per parameter, cause (CANCER, OTHER), week and cohort, then ALL.
    """
    rows = []
    for paramcd, cohort, part in _groups(times[times["paramcd"].str.startswith("CSS")], cohorts):
        causes = competing_causes(times=part, paramcd=paramcd)
        for number, cause in CAUSES.items():
            curve = cumulative_incidence(time=causes["aval_days"], cause=causes["cause"], of=number)
            n_events = int((causes["cause"] == number).sum())
            for week in settings.weeks_survival:
                day = landmark_day(week=week)
                estimate, variance = incidence_at(curve=curve, time=day)
                at_risk = int(number_at_risk(time=causes["aval_days"], at=day))
                limits = (estimate.value, variance, estimate.low, estimate.high)
                rows.append((paramcd, cause, week, cohort, at_risk, *limits, CI_TYPE, len(part), n_events))
    return _sort(pd.DataFrame(rows, columns=INCIDENCE_COLUMNS), times)


def survival_curves(*, times: pd.DataFrame, cohorts: pd.Series) -> pd.DataFrame:
    """Return every step of every Kaplan-Meier curve, for figures.

    Parameters
    ----------
    times, cohorts
        As for :func:`survival_rates`.

    Returns
    -------
    pandas.DataFrame
        paramcd cohort, then the columns of :func:`gutaxis.clinical.survival.kaplan_meier`, time in days.
    """
    parts = [
        kaplan_meier(time=part["aval_days"], event=part["cnsr"] == 0).assign(paramcd=paramcd, cohort=cohort)
        for paramcd, cohort, part in _groups(times, cohorts)
    ]
    if not parts:
        return kaplan_meier(time=np.array([]), event=np.array([])).assign(paramcd="", cohort="")
    table = pd.concat(parts, ignore_index=True)
    return table[["paramcd", "cohort", *(name for name in table if name not in {"paramcd", "cohort"})]]


def _groups(times: pd.DataFrame, cohorts: pd.Series) -> list[tuple[str, str, pd.DataFrame]]:
    """Return (parameter, cohort, rows), cohorts in order and ALL last; with one cohort only ALL would repeat it."""
    rows = times[times["patient_id"].isin(cohorts.index)]
    owner = rows["patient_id"].map(cohorts)
    names = [name for name in sorted(cohorts.dropna().unique()) if name != ALL]
    return [
        (paramcd, cohort, rows[(rows["paramcd"] == paramcd) & (True if cohort == ALL else owner == cohort)])
        for paramcd in dict.fromkeys(times["paramcd"])
        for cohort in (*names, ALL)
    ]


def _sort(table: pd.DataFrame, times: pd.DataFrame) -> pd.DataFrame:
    """Order rows by parameter as in the times, then cause, week and cohort with ALL last."""
    place = {name: number for number, name in enumerate(dict.fromkeys(times["paramcd"]))}
    keys = {
        "paramcd": lambda column: column.map(place),
        "cohort": lambda column: (column == ALL).astype(int).astype(str) + column.astype(str),
    }
    by = [name for name in ("paramcd", "cause", "week", "cohort") if name in table]
    return table.sort_values(by, key=lambda column: keys.get(column.name, lambda same: same)(column), ignore_index=True)

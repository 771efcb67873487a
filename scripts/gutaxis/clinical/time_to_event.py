"""Times from ILDR: PFS2, overall and cancer-specific survival, with the reason of every event and censoring."""

import numpy as np
import pandas as pd

from gutaxis.clinical.progression import progression_days
from gutaxis.clinical.settings import ClinicalSettings

COLUMNS = [
    "patient_id",
    "paramcd",
    "aval_days",
    "cnsr",
    "evntdesc",
    "cnsdtdsc",
    "start_date",
    "adt",
    "sources",
    "late_event",
]
#: Values of ``cnsr``: 0 is an event.
EVENT, NO_EVENT, OTHER_REASON, NO_ASSESSMENT, MISSED = 0, 1, 2, 3, 4
ADEQUATE = ("CR", "PR", "SD", "NON-CR/NON-PD")
#: An event longer than this after the last adequate assessment came after two or more missed scans (as in W09).
MISSED_DAYS = 14 * 7


def time_to_event(
    *,
    patients: pd.DataFrame,
    timepoints: pd.DataFrame | None,
    progressions: pd.DataFrame | None,
    cut: pd.Series,
    settings: ClinicalSettings,
    dates: str,
) -> pd.DataFrame:
    """Return PFS2, OS and CSS of every patient who received ILDR.

    ``aval_days`` is day + 1 with the day of ILDR as 0, so that the day of ILDR counts (ADaM: ADT - STARTDT + 1).

    PFS2: ILDR to the documented progression named by ``pfs2_event`` or to death of any cause, what comes first.
    Without one: censored at the last adequate assessment (one that could be evaluated); with a new antitumour
    therapy and no progression up to its first day, at the last adequate assessment before that day; with no
    assessment after ILDR, on day 1. Under ``second_after_ildr`` a therapy that starts on or after the first
    progression does not censor: that reading follows the patient beyond it.
    OS: to death; censored on the last day known alive. CSS: to death from cancer; another death censors (the
    cumulative incidence table treats it as a competing event). Whatever lies after the end of follow-up has not
    happened yet.

    Parameters
    ----------
    patients
        Index patient_id; ildr_date, ildr_day, new_therapy_day, last_alive_day, death_day, death_cause, tumor_type.
    timepoints
        Table recist_timepoints, or None.
    progressions
        Sheet of progressions, or None.
    cut
        patient_id -> last day of follow-up from ILDR.
    settings
        ``pfs2_event``, ``css_unknown``, ``reader``.
    dates
        ``iso`` or ``study_day``: how ``adt`` is written.

    Returns
    -------
    pandas.DataFrame
        ``COLUMNS``, sorted by patient and parameter. ``cnsr``: 0 event, 1 no event, 2 new therapy (PFS2) or other
        death (CSS), 3 no assessment after ILDR. ``late_event``: Y if a PFS2 event came more than 14 weeks after the
        last adequate assessment (two or more missed scans), N if sooner, NA without event.
    """
    base = _base(patients, cut)
    arguments = {"patients": patients, "timepoints": timepoints, "progressions": progressions, "settings": settings}
    parts = [
        _pfs2(base, **arguments).assign(paramcd="PFS2"),
        _overall(base, timepoints, progressions).assign(paramcd="OS"),
        _specific(base, timepoints, progressions, settings.css_unknown).assign(paramcd="CSS"),
    ]
    return _finish(parts, base, dates)


def sensitivity_times(
    *,
    patients: pd.DataFrame,
    timepoints: pd.DataFrame | None,
    progressions: pd.DataFrame | None,
    cut: pd.Series,
    settings: ClinicalSettings,
    dates: str,
) -> pd.DataFrame:
    """Return the times under the other reading of what is debatable.

    ``PFS2_MISSED``: an event after two or more missed scans is censored at the last adequate assessment before it
    (``cnsr`` 4). ``CSS_UNKNOWN``: an unknown cause of death counts the other way round.

    Parameters
    ----------
    patients, timepoints, progressions, cut, settings, dates
        See :func:`time_to_event`.

    Returns
    -------
    pandas.DataFrame
        As from :func:`time_to_event`.
    """
    base = _base(patients, cut)
    arguments = {"patients": patients, "timepoints": timepoints, "progressions": progressions, "settings": settings}
    other = "other" if settings.css_unknown == "cancer" else "cancer"
    parts = [
        _pfs2(base, **arguments, missed=True).assign(paramcd="PFS2_MISSED"),
        _specific(base, timepoints, progressions, other).assign(paramcd="CSS_UNKNOWN"),
    ]
    return _finish(parts, base, dates)


def competing_causes(*, times: pd.DataFrame, paramcd: str = "CSS") -> pd.DataFrame:
    """Return what a cumulative incidence needs: 0 alive, 1 death from cancer, 2 death from another cause.

    Parameters
    ----------
    times
        From :func:`time_to_event` or :func:`sensitivity_times`.
    paramcd
        ``CSS`` or ``CSS_UNKNOWN``.

    Returns
    -------
    pandas.DataFrame
        patient_id aval_days cause.
    """
    rows = times[times["paramcd"] == paramcd]
    cause = rows["cnsr"].map({EVENT: 1, OTHER_REASON: 2}).fillna(0).astype(int)
    return rows[["patient_id", "aval_days"]].assign(cause=cause).reset_index(drop=True)


def _base(patients: pd.DataFrame, cut: pd.Series) -> pd.DataFrame:
    """Return the treated patients with plain day columns; nothing after the end of follow-up is known."""
    rows = patients[patients["ildr_date"].notna()].sort_index()
    base = pd.DataFrame({"start_date": rows["ildr_date"].astype(str)}, index=rows.index.rename("patient_id"))
    base["cut"] = cut.reindex(base.index).astype(float).fillna(np.inf)
    for name in ("death_day", "new_therapy_day", "last_alive_day", "ici_first_day"):
        base[name] = rows[name].astype(float) if name in rows else np.nan
    base["died_later"] = base["death_day"] > base["cut"]
    for name in ("death_day", "new_therapy_day", "ici_first_day"):
        base[name] = base[name].where(base[name] <= base["cut"])
    base["cause"] = rows["death_cause"].fillna("UNKNOWN") if "death_cause" in rows else "UNKNOWN"
    return base


def _pfs2(
    base: pd.DataFrame,
    *,
    patients: pd.DataFrame,
    timepoints: pd.DataFrame | None,
    progressions: pd.DataFrame | None,
    settings: ClinicalSettings,
    missed: bool = False,
) -> pd.DataFrame:
    found = progression_days(
        patients=patients, timepoints=timepoints, progressions=progressions, settings=settings
    ).set_index("patient_id")
    found = found.reindex(base.index)
    second = settings.pfs2_event == "second_after_ildr"
    therapy = base["new_therapy_day"].fillna(np.inf)
    # A therapy begun on the day of the progression is its consequence: the progression counts.
    released = (found["first_day"] <= therapy) & (found["first_day"] <= base["cut"])
    progression, sources = (found[f"{'second' if second else 'first'}_{name}"] for name in ("day", "sources"))
    progression = progression.where((progression <= base["cut"]) & released)
    death = base["death_day"].where((base["death_day"] <= therapy) | released)
    event = pd.concat([progression, death], axis=1).min(axis=1)
    by_progression = event.notna() & (event == progression)

    scans = _adequate(timepoints, settings, second)
    stopped = therapy.lt(np.inf) & (~released if second else True)
    limit = base["cut"].where(~stopped, np.minimum(base["cut"], therapy - 1))
    last = _last_day(scans, limit.where(event.isna(), event - 1), base.index)
    late = event - last.fillna(0) > MISSED_DAYS
    gap = late & event.notna() if missed else pd.Series(False, index=base.index)
    is_event = event.notna() & ~gap

    word = "SECOND PROGRESSION" if second else "PROGRESSION"
    out = pd.DataFrame(index=base.index)
    out["day"] = event.where(is_event, last.fillna(0))
    out["cnsr"] = np.select(
        [is_event, gap, stopped, last.isna()], [EVENT, MISSED, OTHER_REASON, NO_ASSESSMENT], NO_EVENT
    )
    out["evntdesc"] = np.select(
        [is_event & by_progression, is_event, gap, stopped, last.isna()],
        [
            word + ": " + sources.fillna("").astype(str),
            "DEATH",
            "EVENT AFTER MISSED ASSESSMENTS",
            "NEW ANTITUMOUR THERAPY",
            "NO ASSESSMENT AFTER ILDR",
        ],
        "NO EVENT",
    )
    out["cnsdtdsc"] = np.select(
        [is_event, last.isna(), gap, stopped],
        ["", "DAY OF ILDR", "LAST ADEQUATE ASSESSMENT BEFORE THE GAP", "LAST ADEQUATE ASSESSMENT BEFORE NEW THERAPY"],
        "LAST ADEQUATE ASSESSMENT",
    )
    out["sources"] = sources.where(is_event & by_progression)
    out["late_event"] = pd.Series(np.where(late, "Y", "N"), index=base.index, dtype=object).where(event.notna())
    return out


def _overall(base: pd.DataFrame, timepoints: pd.DataFrame | None, progressions: pd.DataFrame | None) -> pd.DataFrame:
    died = base["death_day"].notna()
    # Without last_alive_date the latest visit proves life; the end of follow-up of a trial alone proves nothing.
    days = [base[["new_therapy_day", "ici_first_day"]].max(axis=1)]
    days += [_last_day(rows, base["cut"], base.index) for rows in (timepoints, progressions) if rows is not None]
    contact = pd.concat(days, axis=1).max(axis=1).clip(lower=0)
    alive = base["last_alive_day"].where(~base["died_later"], base["cut"])
    known = alive.fillna(contact).fillna(0).clip(lower=0)
    at_cut = known >= base["cut"]
    out = pd.DataFrame(index=base.index)
    out["day"] = base["death_day"].where(died, np.minimum(known, base["cut"].clip(lower=0)))
    out["cnsr"] = np.where(died, EVENT, NO_EVENT)
    out["evntdesc"] = np.where(died, "DEATH", "ALIVE")
    out["cnsdtdsc"] = np.select(
        [died, at_cut & alive.notna(), alive.notna(), contact.notna()],
        ["", "END OF FOLLOW-UP", "LAST KNOWN ALIVE", "LAST CONTACT"],
        "DAY OF ILDR",
    )
    return out


def _specific(
    base: pd.DataFrame, timepoints: pd.DataFrame | None, progressions: pd.DataFrame | None, unknown: str
) -> pd.DataFrame:
    out = _overall(base, timepoints, progressions)
    died = base["death_day"].notna()
    cancer = died & base["cause"].isin(("CANCER", "UNKNOWN") if unknown == "cancer" else ("CANCER",))
    out["cnsr"] = np.select([cancer, died], [EVENT, OTHER_REASON], NO_EVENT)
    out["evntdesc"] = np.select([cancer, died], ["DEATH FROM CANCER", "DEATH FROM OTHER CAUSE"], "ALIVE")
    out["cnsdtdsc"] = np.where(died & ~cancer, "DAY OF DEATH", out["cnsdtdsc"])
    return out


def _adequate(timepoints: pd.DataFrame | None, settings: ClinicalSettings, second: bool) -> pd.DataFrame | None:
    if timepoints is None:
        return None
    responses = (*ADEQUATE, "PD") if second else ADEQUATE
    wanted = (timepoints["reader"] == settings.reader) & timepoints["overall_response"].isin(responses)
    return timepoints[wanted & (timepoints["day"] > 0)]


def _last_day(rows: pd.DataFrame | None, limit: pd.Series, index: pd.Index) -> pd.Series:
    """Return each patient's last day of ``rows`` that is not after the limit, NaN if there is none."""
    if rows is None:
        return pd.Series(np.nan, index=index)
    inside = rows[rows["day"] <= rows["patient_id"].map(limit)]
    return inside.groupby("patient_id")["day"].max().reindex(index).astype(float)


def _finish(parts: list[pd.DataFrame], base: pd.DataFrame, dates: str) -> pd.DataFrame:
    table = pd.concat([part.reset_index() for part in parts], ignore_index=True)
    table["aval_days"] = table["day"].astype(int) + 1
    table["start_date"] = table["patient_id"].map(base["start_date"])
    table["adt"] = date_text(start=table["start_date"], day=table["day"], dates=dates)
    table = table.reindex(columns=COLUMNS)
    table["cnsdtdsc"] = table["cnsdtdsc"].where(table["cnsdtdsc"] != "")
    order = table["paramcd"].map({name: place for place, name in enumerate(("PFS2", "OS", "CSS"))}).fillna(9)
    return table.assign(_order=order).sort_values(["patient_id", "_order", "paramcd"], ignore_index=True)[COLUMNS]


def date_text(*, start: pd.Series, day: pd.Series, dates: str) -> pd.Series:
    """Return days from ILDR as dates, written as in the sheets.

    Parameters
    ----------
    start
        Date of ILDR as ISO text; not read with ``study_day``.
    day
        Days from ILDR, NaN where not known.
    dates
        ``iso``, or ``study_day``: the day of ILDR is 1, the day before -1.
    """
    if dates == "study_day":
        return (day + (day >= 0)).map(lambda value: np.nan if np.isnan(value) else str(int(value))).astype(object)
    stamps = pd.to_datetime(start, format="%Y-%m-%d") + pd.to_timedelta(day, unit="D")
    return stamps.dt.strftime("%Y-%m-%d").astype(object)

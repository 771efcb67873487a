"""One row per omics sample with everything clinical about its patient: the only table where samples meet outcomes."""

import numpy as np
import pandas as pd

from gutaxis.clinical.course import CR, NON, PR, SD, course_rows, patient_days
from gutaxis.clinical.settings import ClinicalSettings
from gutaxis.cohort.covariates import observation_table

COLUMNS = [
    "sample_id",
    "patient_id",
    "assay",
    "material",
    "timepoint",
    "pair_id",
    "pair_status",
    "batch",
    "cohort",
    "bor",
    "cbor",
    "response",
    "dcb",
    "abscopal",
    "pfs2_days",
    "pfs2_cnsr",
    "os_days",
    "os_cnsr",
    "days_from_ildr",
    "after_pd",
    "css_days",
    "css_cnsr",
]
#: What describes the sample and patient beside the outcomes, put after them.
DESCRIPTION = [
    "antibiotics",
    "ppi",
    "study_source",
    "age",
    "sex",
    "bmi",
    "prior_lines",
    "depth_or_cells",
    "qc",
    "replicate",
]
DCB_DAY = 24 * 7


def sample_response(
    *,
    samples: pd.DataFrame,
    patients: pd.DataFrame,
    pairs: pd.DataFrame,
    medications: pd.DataFrame | None,
    best_response: pd.DataFrame,
    landmarks: pd.DataFrame,
    abscopal: pd.DataFrame,
    times: pd.DataFrame,
    progression: pd.DataFrame,
    timepoints: pd.DataFrame,
    cut: pd.Series,
    settings: ClinicalSettings,
    data_cut: str | None = None,
) -> pd.DataFrame:
    """Link every sample of a patient to response, landmarks, survival, pair and exposures.

    Parameters
    ----------
    samples, patients, pairs, medications
        Tables of the cohort, days from ILDR. Controls have no patient and no row here.
    best_response, landmarks
        From :mod:`gutaxis.clinical.best_response` and :mod:`gutaxis.clinical.response_rates`; the rows of the
        configured reader are used.
    abscopal
        Patients table of :func:`gutaxis.clinical.abscopal.abscopal_effect`.
    times
        From :func:`gutaxis.clinical.time_to_event.time_to_event`.
    progression
        From :func:`gutaxis.clinical.progression.progression_days`: the first progression, of any source.
    timepoints
        Table recist_timepoints.
    cut
        patient_id -> last day of follow-up from ILDR.
    settings
        ``reader``, ``visit_window_days``, ``weeks_response``.
    data_cut
        Written as ``label_locked_at``.

    Returns
    -------
    pandas.DataFrame
        ``COLUMNS``; orr_wN orr_unconfirmed_wN dcr_wN abscopal_wN for every landmark week; ``DESCRIPTION``;
        label_locked_at; sorted by sample. A missing outcome is missing (NA), never NR or N. ``response``: R, NR, NA.
        ``dcb``: see :func:`durable_benefit`. ``abscopal``: of the last landmark week that is not NE. ``after_pd``: Y if
        the sample was taken on or after the day of the first progression; N before it or without one; NA if the day of
        a POST sample is not known. ``antibiotics``, ``ppi``: exposed in the 60 or 30 days before this very sample.
    """
    rows = observation_table(samples=samples, patients=patients, pairs=pairs, medications=medications)
    rows = rows[rows["control"] == "N"].copy()
    owner = rows["patient_id"]
    best = best_response[best_response["reader"] == settings.reader].set_index("patient_id")
    for name in ("bor", "cbor", "response"):
        rows[name] = owner.map(best[name]).where(lambda column: column != "NA")
    known = {"patients": patients, "timepoints": timepoints, "progression": progression, "cut": cut}
    rows["dcb"] = owner.map(durable_benefit(best=best, settings=settings, **known))
    for name, value in _landmark_columns(landmarks, abscopal, settings).items():
        rows[name] = owner.map(value)
    weeks = [f"abscopal_w{week}" for week in sorted(settings.weeks_response, reverse=True)]
    rows["abscopal"] = rows[weeks[0]]
    for name in weeks[1:]:
        rows["abscopal"] = rows["abscopal"].where(rows["abscopal"] != "NE", rows[name])
    for paramcd in ("PFS2", "OS", "CSS"):
        own = times[times["paramcd"] == paramcd].set_index("patient_id")
        rows[f"{paramcd.lower()}_days"] = owner.map(own["aval_days"]).astype("Int64")
        rows[f"{paramcd.lower()}_cnsr"] = owner.map(own["cnsr"]).astype("Int64")
    rows["after_pd"] = _after(rows, owner.map(progression.set_index("patient_id")["first_day"]), owner.map(cut))
    rows["depth_or_cells"] = samples.get("depth_or_cells", np.nan)
    rows["replicate"] = samples.get("replicate", np.nan)
    rows["label_locked_at"] = data_cut
    extra = [name for name in rows if name.rpartition("_w")[0] and name.rpartition("_w")[2].isdigit()]
    rows.index.name = "sample_id"
    rows["days_from_ildr"] = rows["days_from_ildr"].astype("Int64")
    return rows.reset_index().reindex(columns=[*COLUMNS, *extra, *DESCRIPTION, "label_locked_at"])


def durable_benefit(
    *,
    best: pd.DataFrame,
    patients: pd.DataFrame,
    timepoints: pd.DataFrame,
    progression: pd.DataFrame,
    cut: pd.Series,
    settings: ClinicalSettings,
) -> pd.Series:
    """Return durable clinical benefit: confirmed CR or PR, or disease control for 24 weeks.

    Parameters
    ----------
    best
        Best response of the configured reader, index patient_id.
    patients
        Index patient_id; new_therapy_day, death_day.
    timepoints
        Table recist_timepoints; scans after progression or from the next treatment on do not count.
    progression
        From :func:`gutaxis.clinical.progression.progression_days`.
    cut
        patient_id -> last day of follow-up from ILDR.
    settings
        ``visit_window_days``, ``reader``.

    Returns
    -------
    pandas.Series
        patient_id -> DCB; NDB: PD as best response, or stable with progression or death up to day 168; NaN: stable, but
        not observed for so long, or best response NE, MISSING or still to be confirmed.
    """
    scans = course_rows(timepoints=timepoints, patients=patients)
    scans = scans[(scans["reader"] == settings.reader) & scans["code"].isin((CR, PR, SD, NON))]
    end = cut.reindex(best.index).fillna(np.inf)
    scans = scans[scans["day"] <= scans["patient_id"].map(end)]
    last = scans.groupby("patient_id")["day"].max().reindex(best.index)
    first = progression.set_index("patient_id")["first_day"].reindex(best.index)
    event = np.fmin(first, patient_days(patients=patients, name="death_day").reindex(best.index))
    failed = event <= np.minimum(end, DCB_DAY)
    stable = best["cbor"].isin(("SD", "NON-CR/NON-PD"))
    long = (last >= DCB_DAY - settings.visit_window_days) & ~failed
    value = np.select(
        [best["cbor"].isin(("CR", "PR")), stable & long, best["pending"] == "Y", best["cbor"] == "PD", stable & failed],
        ["DCB", "DCB", "", "NDB", "NDB"],
        "",
    )
    return pd.Series(value, index=best.index, dtype=object).where(lambda column: column != "")


def _landmark_columns(
    landmarks: pd.DataFrame, abscopal: pd.DataFrame, settings: ClinicalSettings
) -> dict[str, pd.Series]:
    """Return patient_id -> value for every endpoint and week."""
    own = landmarks[landmarks["reader"] == settings.reader] if "reader" in landmarks else landmarks
    result = {}
    for name, table in (("orr", own), ("orr_unconfirmed", own), ("dcr", own), ("abscopal", abscopal)):
        for week in settings.weeks_response:
            result[f"{name}_w{week}"] = table[table["week"] == week].set_index("patient_id")[name]
    return result


def _after(rows: pd.DataFrame, pd_day: pd.Series, cut: pd.Series) -> pd.Series:
    """Return whether each sample was taken on or after the first progression."""
    day = rows["days_from_ildr"].astype(float)
    pd_day = pd_day.astype(float)
    pd_day = pd_day.where(pd_day <= cut.astype(float).fillna(np.inf))
    value = np.select([pd_day.isna() | (rows["timepoint"] == "PRE"), day.isna(), day >= pd_day], ["N", "", "Y"], "N")
    return pd.Series(value, index=rows.index, dtype=object).where(lambda column: column != "")

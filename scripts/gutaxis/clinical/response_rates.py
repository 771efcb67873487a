"""Objective response and disease control at landmark weeks: per patient, and as rates with exact intervals."""

import numpy as np
import pandas as pd

from gutaxis.clinical.cells import GROUP
from gutaxis.clinical.course import CR, NON, PD, PR, SD, course_rows, patient_days
from gutaxis.clinical.intervals import CLOPPER_PEARSON, clopper_pearson
from gutaxis.clinical.settings import ClinicalSettings

#: Endpoint of the rates and the column of the landmarks it counts. DCR_best is the variant `best response by the week`.
ENDPOINTS = {"ORR": "orr", "ORR_unconfirmed": "orr_unconfirmed", "DCR": "dcr", "DCR_best": "dcr_best"}
LANDMARK_COLUMNS = ["patient_id", "week", *ENDPOINTS.values(), "reader"]
RATE_COLUMNS = [
    "endpoint",
    "week",
    "cohort",
    "analysis_set",
    "n",
    "n_reached",
    "k",
    "pending",
    "rate",
    "ci_low",
    "ci_high",
    "ci_method",
    "n_ne",
    "reader",
]
SETS = ("FAS", "EVAL")


def landmarks(
    *,
    patients: pd.DataFrame,
    timepoints: pd.DataFrame,
    best: pd.DataFrame,
    follow_up: pd.Series,
    settings: ClinicalSettings,
) -> pd.DataFrame:
    """Return whether each patient had responded, or had disease control, by each landmark week.

    The cut of week W is 7*W + visit_window_days days after ILDR. NOT_YET: follow-up ends before it, whatever has been
    seen so far (else early responders would count while others wait); a patient who died has reached every week.
    ``orr``: Y if a confirmed response began by the cut, whenever it was confirmed; PENDING if one began that follow-up
    is too short to confirm. ``orr_unconfirmed``: any CR or PR by the cut. ``dcr``: N with PD or death by the cut; Y if
    there is a CR, PR, SD or NON-CR/NON-PD within visit_window_days of the week and from ``sd_min_days`` on.
    ``dcr_best``: a CR or PR by the cut, or SD or NON-CR/NON-PD from ``sd_min_days`` on. NE: nothing that can be
    evaluated tells; the rates count it as a failure, but it is no N.

    Parameters
    ----------
    patients
        Index patient_id; new_therapy_day, death_day, if known.
    timepoints
        From :func:`gutaxis.clinical.recist.recist_timepoints`.
    best
        Table of :func:`gutaxis.clinical.best_response.best_response`.
    follow_up
        From :func:`gutaxis.clinical.follow_up.cut_days`.
    settings
        weeks_response, visit_window_days, sd_min_days are used.

    Returns
    -------
    pandas.DataFrame
        Columns ``LANDMARK_COLUMNS``, values Y, N, NE, PENDING, NOT_YET; sorted by patient, week, reader.
    """
    best = best.sort_values(GROUP, ignore_index=True)
    rows = course_rows(timepoints=timepoints, patients=patients)
    died = patient_days(patients=patients, name="death_day").reindex(best["patient_id"]).to_numpy()
    cut_day = follow_up.reindex(best["patient_id"]).to_numpy(dtype=float)
    controlled = rows["code"].isin((CR, PR, SD, NON))
    long_enough = controlled & (rows["day"] >= settings.sd_min_days)
    parts = []
    for week in settings.weeks_response:
        middle = 7 * week
        cut = middle + settings.visit_window_days
        by_cut = rows["day"] <= cut
        in_window = by_cut & (rows["day"] >= middle - settings.visit_window_days)

        def found(mask: pd.Series) -> np.ndarray:
            keys = pd.MultiIndex.from_frame(rows.loc[mask, GROUP].drop_duplicates())
            return pd.MultiIndex.from_frame(best[GROUP]).isin(keys)

        start = (best["first_response_day"] <= cut).to_numpy()
        failed = (best["pd_day"] <= cut).to_numpy() | (died <= cut)
        answered = found(by_cut & rows["code"].isin((CR, PR)))
        assessed = found(by_cut & (long_enough | (rows["code"] == PD))) | answered
        # with study days a death is the end of the patient's own calendar: nothing more is to come
        waits = ~(cut_day >= cut) & ~(died >= cut_day)
        values = {
            "orr": [
                (start & best["confirmed_day"].notna(), "Y"),
                (start & (best["pending"] == "Y"), "PENDING"),
                (assessed, "N"),
            ],
            "orr_unconfirmed": [(answered, "Y"), (assessed, "N")],
            "dcr": [(failed, "N"), (found(in_window & long_enough), "Y")],
            "dcr_best": [(answered | found(by_cut & long_enough), "Y"), (failed, "N")],
        }
        part = best[GROUP].assign(week=week)
        for name, choices in values.items():
            masks = [waits, *[np.asarray(mask) for mask, _ in choices]]
            part[name] = np.select(masks, ["NOT_YET", *[value for _, value in choices]], "NE")
        parts.append(part)
    table = pd.concat(parts, ignore_index=True)
    return table.sort_values(["patient_id", "week", "reader"], ignore_index=True)[LANDMARK_COLUMNS]


def response_sets(
    *, patients: pd.DataFrame, timepoints: pd.DataFrame, baselines: pd.DataFrame, settings: ClinicalSettings
) -> pd.DataFrame:
    """Return the analysis sets of response: FAS and EVAL.

    Parameters
    ----------
    patients
        Index patient_id; ildr_day, and ildr_dose_gy if known.
    timepoints, baselines
        From :func:`gutaxis.clinical.recist.assess`.
    settings
        reader and dose_gy are used.

    Returns
    -------
    pandas.DataFrame
        patient_id FAS EVAL (Y, N), sorted. FAS: had ILDR, and not of another dose. EVAL: of these, with a complete
        baseline of one target or more and an assessment after ILDR.
    """
    dose = patients["ildr_dose_gy"] if "ildr_dose_gy" in patients else pd.Series(np.nan, patients.index)
    treated = patients["ildr_day"].notna() & (dose.isna() | (dose == settings.dose_gy))
    own = baselines[(baselines["reader"] == settings.reader) & (baselines["measurable"] == "Y")]["patient_id"]
    scanned = timepoints.loc[timepoints["reader"] == settings.reader, "patient_id"]
    evaluable = treated & patients.index.isin(own) & patients.index.isin(scanned)
    flags = {"FAS": np.where(treated, "Y", "N"), "EVAL": np.where(evaluable, "Y", "N")}
    return pd.DataFrame({"patient_id": patients.index, **flags}).sort_values("patient_id", ignore_index=True)


def response_rates(*, landmarks: pd.DataFrame, patients: pd.DataFrame, analysis_sets: pd.DataFrame) -> pd.DataFrame:
    """Return response and disease control rates at each week, per cohort and pooled, with Clopper-Pearson intervals.

    ``rate = k / n_reached``. NE, MISSING and PENDING are in the denominator and not in ``k``; with ``pending`` above 0
    the rate is a lower bound, and ``(k + pending) / n_reached`` the upper one. Patients who have not reached the week
    are in ``n`` alone.

    Parameters
    ----------
    landmarks
        From :func:`landmarks`.
    patients
        Index patient_id; cohort.
    analysis_sets
        patient_id, and a column (Y, N) for each of ``SETS``.

    Returns
    -------
    pandas.DataFrame
        Columns ``RATE_COLUMNS``, sorted by reader, endpoint, week, set and cohort, ALL last; rates as fractions.

    Notes
    -----
    Oracle: R ``binom.test``.
    """
    rows = landmarks.melt(
        id_vars=["patient_id", "week", "reader"], value_vars=list(ENDPOINTS.values()), value_name="value"
    )
    names = {column: endpoint for endpoint, column in ENDPOINTS.items()}
    rows["endpoint"] = rows["variable"].map(names)
    rows["cohort"] = rows["patient_id"].map(patients["cohort"])
    cohorts = sorted(patients["cohort"].dropna().unique())
    pooled = [] if cohorts == ["ALL"] else [rows.assign(cohort="ALL")]
    rows = pd.concat([rows, *pooled], ignore_index=True)
    members = analysis_sets.set_index("patient_id")
    parts = [
        rows[rows["patient_id"].map(members[name]) == "Y"].assign(analysis_set=name) for name in SETS if name in members
    ]
    rows = pd.concat(parts, ignore_index=True)
    keys = ["reader", "endpoint", "week", "analysis_set", "cohort"]
    counted = {"k": "Y", "pending": "PENDING", "n_ne": "NE"}
    rows = rows.assign(n_reached=rows["value"] != "NOT_YET", n=1)
    rows = rows.assign(**{name: rows["value"] == value for name, value in counted.items()})
    # every cohort has its row, also one of which no patient is in the set
    levels = [
        sorted(landmarks["reader"].unique()),
        list(ENDPOINTS),
        sorted(landmarks["week"].unique()),
        [name for name in SETS if name in members],
        [*[name for name in cohorts if name != "ALL"], "ALL"],
    ]
    full = pd.MultiIndex.from_product(levels, names=keys)
    table = rows.groupby(keys)[["n", "n_reached", *counted]].sum().reindex(full, fill_value=0).astype(int)
    table["rate"], table["ci_low"], table["ci_high"] = clopper_pearson(k=table["k"], n=table["n_reached"])
    table["ci_method"] = CLOPPER_PEARSON
    return table.reset_index()[RATE_COLUMNS]

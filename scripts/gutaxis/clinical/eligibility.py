"""Eligibility of each patient, criterion by criterion, and the analysis sets that follow."""

import numpy as np
import pandas as pd

from gutaxis.clinical.response_rates import response_sets
from gutaxis.clinical.settings import ClinicalSettings

COLUMNS = ["patient_id", "criterion", "met", "detail"]
SET_COLUMNS = ["patient_id", "FAS", "EVAL", "SAF", "PP", "reason_FAS", "reason_EVAL", "reason_SAF", "reason_PP"]
#: Columns of the patients sheet that must be N, by criterion.
EXCLUSIONS = {
    "NO_PELVIC_RADIOTHERAPY": "prior_pelvic_rt",
    "NO_INFECTION": "active_infection",
    "NO_ORGAN_DYSFUNCTION": "organ_dysfunction",
    "NO_CONCURRENT_THERAPY": "concurrent_therapy",
}
#: The criteria, in the order of the protocol: inclusion, exclusion, treatment.
CRITERIA = (
    "METASTATIC",
    "PRIOR_ICB",
    "PROGRESSED_ON_ICB",
    "ECOG_0_2",
    "LIFE_EXPECTANCY_3_MONTHS",
    "MEASURABLE_LESION",
    *EXCLUSIONS,
    "ILDR_DOSE",
    "ICI_WITHIN_24_H",
)


def eligibility(*, patients: pd.DataFrame, baselines: pd.DataFrame | None, settings: ClinicalSettings) -> pd.DataFrame:
    """Say of each patient and criterion whether it is met.

    METASTATIC: one metastatic site or more. PRIOR_ICB: earlier checkpoint blockade, one drug or a combination.
    PROGRESSED_ON_ICB: the progression under it is dated, not after ILDR. MEASURABLE_LESION: a target lesion with a size
    at baseline. ILDR_DOSE: the dose of the trial. ICI_WITHIN_24_H: the antibody on the day of ILDR or the day after.
    The others are their columns of the patients sheet.

    Parameters
    ----------
    patients
        Index patient_id; columns of the patients sheet. A missing column or cell gives NA.
    baselines
        From :func:`gutaxis.clinical.recist.assess`, or None: then MEASURABLE_LESION is NA.
    settings
        ``dose_gy``, ``reader``.

    Returns
    -------
    pandas.DataFrame
        ``COLUMNS``; one row per patient and criterion, patients sorted, criteria in the order of ``CRITERIA``. ``met``:
        Y, N or NA (not known, which is no violation); ``detail``: what the sheet says.
    """
    rows = patients.sort_index()

    def of(name: str) -> pd.Series:
        return rows[name] if name in rows else pd.Series(np.nan, index=rows.index, dtype=object)

    sites, ecog, dose = (of(name).astype(float) for name in ("n_metastatic_sites", "ecog", "ildr_dose_gy"))
    pd_day, ici = of("prior_icb_pd_day").astype(float), of("ici_first_day").astype(float)
    found = {
        "METASTATIC": (sites.notna(), sites >= 1, _say("metastatic sites", sites)),
        "PRIOR_ICB": (of("prior_icb").notna(), of("prior_icb").isin(("MONO", "COMBO")), _say("", of("prior_icb"))),
        "PROGRESSED_ON_ICB": (pd_day.notna(), pd_day <= 0, _say("days from ILDR", pd_day)),
        "ECOG_0_2": (ecog.notna(), ecog.between(0, 2), _say("ECOG", ecog)),
        "LIFE_EXPECTANCY_3_MONTHS": _flag(of("life_exp_ge3mo"), good="Y"),
        "MEASURABLE_LESION": _measurable(rows.index, baselines, settings.reader),
        **{criterion: _flag(of(column), good="N") for criterion, column in EXCLUSIONS.items()},
        "ILDR_DOSE": (dose.notna(), dose == settings.dose_gy, _say("Gy", dose)),
        "ICI_WITHIN_24_H": (ici.notna(), ici.between(0, 1), _say("days after ILDR", ici)),
    }
    parts = [
        pd.DataFrame(
            {
                "patient_id": rows.index,
                "criterion": criterion,
                "met": np.select([~known.to_numpy(), met.to_numpy()], ["NA", "Y"], "N"),
                "detail": detail.to_numpy(),
            }
        )
        for criterion, (known, met, detail) in ((name, found[name]) for name in CRITERIA)
    ]
    return pd.concat(parts).sort_values("patient_id", kind="stable", ignore_index=True)[COLUMNS]


def analysis_sets(
    *,
    patients: pd.DataFrame,
    criteria: pd.DataFrame,
    timepoints: pd.DataFrame,
    baselines: pd.DataFrame,
    settings: ClinicalSettings,
) -> pd.DataFrame:
    """Return the analysis sets of each patient, with the reason for every exclusion.

    SAF: received ILDR, of any dose. FAS (primary): received it, and not at another dose than the trial's. EVAL: FAS
    with a complete measurable baseline and an assessment after ILDR. PP: FAS without any violated criterion.
    Violations keep a patient in the FAS; a criterion that is not known keeps the patient in the PP and is named.

    Parameters
    ----------
    patients
        Index patient_id; ildr_date, ildr_day, ildr_dose_gy.
    criteria
        From :func:`eligibility`.
    timepoints, baselines
        From :func:`gutaxis.clinical.recist.assess`.
    settings
        ``dose_gy``, ``reader``.

    Returns
    -------
    pandas.DataFrame
        ``SET_COLUMNS``, sorted; Y or N, reasons empty (NA) where there is nothing to say.
    """
    found = response_sets(patients=patients, timepoints=timepoints, baselines=baselines, settings=settings)
    found = found.set_index("patient_id").sort_index()
    saf = patients["ildr_date"].notna().reindex(found.index)
    fas, evaluable = found["FAS"] == "Y", found["EVAL"] == "Y"
    violated = _joined(criteria[criteria["met"] == "N"], found.index)
    unknown = _joined(criteria[criteria["met"] == "NA"], found.index)
    dose = criteria[criteria["criterion"] == "ILDR_DOSE"].set_index("patient_id")["detail"].reindex(found.index)
    scanned = found.index.isin(timepoints.loc[timepoints["reader"] == settings.reader, "patient_id"])

    out = pd.DataFrame(index=found.index)
    out["FAS"], out["EVAL"] = found["FAS"], found["EVAL"]
    out["SAF"] = np.where(saf, "Y", "N")
    out["PP"] = np.where(fas & (violated == ""), "Y", "N")
    out["reason_SAF"] = np.where(saf, "", "no ILDR")
    out["reason_FAS"] = np.select([fas, ~saf], ["", "no ILDR"], "ILDR dose: " + dose.fillna("").astype(str))
    out["reason_EVAL"] = np.select(
        [evaluable, ~fas, ~scanned],
        ["", "not in FAS", "no assessment after ILDR"],
        "no complete measurable baseline",
    )
    out["reason_PP"] = np.select(
        [~fas, violated != "", unknown != ""], ["not in FAS", "violated: " + violated, "not known: " + unknown], ""
    )
    out = out.reset_index()[SET_COLUMNS]
    return out.mask(out == "")


def _flag(values: pd.Series, *, good: str) -> tuple[pd.Series, pd.Series, pd.Series]:
    return values.notna(), values == good, _say("", values)


def _measurable(index: pd.Index, baselines: pd.DataFrame | None, reader: str) -> tuple[pd.Series, pd.Series, pd.Series]:
    if baselines is None:
        nothing = pd.Series(False, index=index)
        return nothing, nothing, pd.Series("not known", index=index)
    own = baselines[baselines["reader"] == reader].set_index("patient_id").reindex(index)
    targets = own["n_targets"].fillna(0).astype(int)
    known = pd.Series(True, index=index)
    return known, own["measurable"] == "Y", targets.astype(str) + " target lesions"


def _say(unit: str, values: pd.Series) -> pd.Series:
    text = values.map(lambda value: f"{value:g}" if isinstance(value, float) else str(value))
    return (text + f" {unit}").str.strip().where(values.notna(), "not known")


def _joined(criteria: pd.DataFrame, index: pd.Index) -> pd.Series:
    return criteria.groupby("patient_id")["criterion"].agg(", ".join).reindex(index).fillna("")

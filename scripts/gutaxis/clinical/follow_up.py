"""How long each patient was followed: up to the data cut, or up to the last day known of the patient."""

from datetime import date

import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError, Problem

PATIENT_DAYS = ("ildr_day", "ici_first_day", "new_therapy_day", "last_alive_day", "death_day")
EPOCH = date(1970, 1, 1)


def cut_days(
    *,
    patients: pd.DataFrame,
    measurements: pd.DataFrame | None,
    adverse_events: pd.DataFrame | None,
    data_cut: str | None,
    dates: str,
) -> pd.Series:
    """Return the last day of follow-up of each patient, in days from ILDR.

    With ISO dates it is the data cut less ILDR, also for patients who died or left: what could have been seen. Without
    a data cut the latest date in any of the sheets is taken for it (of a partial date, its first possible day). With
    study days there is no common calendar, and it is the last day known of the patient.

    Parameters
    ----------
    patients
        Index patient_id; ``ildr_date`` and the day columns.
    measurements, adverse_events
        With patient_id and assess_day, start_day, end_day (days from ILDR), or None.
    data_cut
        ISO date of the data cut, or None.
    dates
        ``iso`` or ``study_day``, as in the config.

    Returns
    -------
    pandas.Series
        Index patient_id, ``cut_day``; NaN where the day of ILDR is not known.

    Raises
    ------
    GutaxisError
        C03, if the data cut is no ISO date; C05, if it is given with study days.
    """
    own = patients.reindex(columns=PATIENT_DAYS).astype(float).max(axis=1)
    for sheet, columns in ((measurements, ("assess_day",)), (adverse_events, ("start_day", "end_day"))):
        if sheet is not None:
            seen = sheet.reindex(columns=columns).astype(float).max(axis=1).groupby(sheet["patient_id"]).max()
            own = np.fmax(own, seen.reindex(own.index))
    own = own.where(patients["ildr_date"].notna()).rename("cut_day")
    if dates == "study_day":
        if data_cut is not None:
            raise _wrong_cut("C05", data_cut, "Study days have no common calendar to cut", "Remove it")
        return own
    ildr = pd.to_datetime(patients["ildr_date"], format="%Y-%m-%d")
    ildr_days = (ildr - pd.Timestamp(EPOCH)).dt.days.astype(float)
    if data_cut is None:
        cut = (own + ildr_days).max()
    else:
        try:
            cut = float((date.fromisoformat(data_cut) - EPOCH).days)
        except ValueError as error:
            raise _wrong_cut("C03", data_cut, "This is no date", "Correct it") from error
    return (cut - ildr_days).rename("cut_day")


def _wrong_cut(code: str, value: str, wrong: str, mend: str) -> GutaxisError:
    allowed = "With dates: iso, a date such as 2026-12-31"
    return GutaxisError(Problem(code, "config", None, "clinical.data_cut", value, wrong, allowed, mend))

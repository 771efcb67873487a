"""Documented progressions after ILDR, of every source: imaging, PSA, symptoms; a patient's first and second."""

import numpy as np
import pandas as pd

from gutaxis.clinical.settings import ClinicalSettings
from gutaxis.errors import Problem

#: Order in which sources are written where several agree on a day.
SOURCES = ("IMAGING", "PSA", "SYMPTOM", "COMBINED")
COLUMNS = ["patient_id", "first_day", "first_sources", "second_day", "second_sources"]


def documented_progressions(
    *,
    patients: pd.DataFrame,
    timepoints: pd.DataFrame | None,
    progressions: pd.DataFrame | None,
    settings: ClinicalSettings,
) -> pd.DataFrame:
    """List every day after ILDR on which a progression is documented.

    Imaging: the configured reader's overall response is PD; the day is that of the first scan showing it, not of a
    confirmation. Sheet of progressions: every row after the day of ILDR, except PSA rows noted as not confirmed (a
    rise counts once it is confirmed three weeks later) and PSA rows of a patient whose tumour is known not to be of
    the prostate. A PSA row whose ``confirmed`` is empty counts; :func:`progression_problems` names all these rows.
    Rows up to the day of ILDR describe the progression that made the patient eligible.

    Parameters
    ----------
    patients
        Index patient_id; ``tumor_type`` is read.
    timepoints
        Table recist_timepoints (``day`` from ILDR), or None.
    progressions
        Sheet of progressions (``day`` from ILDR), or None.
    settings
        ``reader`` is read.

    Returns
    -------
    pandas.DataFrame
        patient_id day source, sorted, no duplicates.
    """
    parts = [pd.DataFrame({"patient_id": pd.Series(dtype=object), "day": pd.Series(dtype=float), "source": []})]
    if timepoints is not None:
        scans = timepoints[(timepoints["reader"] == settings.reader) & (timepoints["overall_response"] == "PD")]
        parts.append(scans[["patient_id", "day"]].assign(source="IMAGING"))
    if progressions is not None:
        psa = progressions["source"] == "PSA"
        dropped = psa & ((progressions["confirmed"] == "N") | _other_tumour(progressions["patient_id"], patients))
        parts.append(progressions.loc[~dropped, ["patient_id", "day", "source"]])
    found = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    found = found[(found["day"] > 0) & found["patient_id"].isin(patients.index)].drop_duplicates()
    return found.sort_values(["patient_id", "day", "source"], ignore_index=True)


def progression_days(
    *,
    patients: pd.DataFrame,
    timepoints: pd.DataFrame | None,
    progressions: pd.DataFrame | None,
    settings: ClinicalSettings,
) -> pd.DataFrame:
    """Return the first and the second documented progression after ILDR.

    The earliest day wins; sources that agree on it are joined by ``+``. The second is the next day with a source other
    than imaging, the first scan with PD if something else came first, or a scan that shows *further* growth: from the
    first scan with PD on, the sum is 20 % and 5 mm above its smallest value, a non-target lesion progresses for the
    first time, or a first new lesion appears. A scan that merely still shows the first progression is not a second one.

    Parameters
    ----------
    patients, timepoints, progressions, settings
        See :func:`documented_progressions`.

    Returns
    -------
    pandas.DataFrame
        One row per patient, sorted, ``COLUMNS``; days from ILDR, NaN where there is none.
    """
    found = documented_progressions(
        patients=patients, timepoints=timepoints, progressions=progressions, settings=settings
    )
    table = pd.DataFrame(index=pd.Index(sorted(patients.index), name="patient_id"))
    first = found.groupby("patient_id")["day"].min()
    table["first_day"] = first.reindex(table.index)
    table["first_sources"] = _sources(found[found["day"] == found["patient_id"].map(first)], table.index)
    later = found[found["day"] > found["patient_id"].map(first)]
    imaging = later["source"] == "IMAGING"
    if imaging.any():
        keys = pd.MultiIndex.from_frame(later[["patient_id", "day"]])
        later = later[~imaging | keys.isin(_fresh_scans(timepoints, settings.reader))]
    second = later.groupby("patient_id")["day"].min()
    table["second_day"] = second.reindex(table.index)
    table["second_sources"] = _sources(later[later["day"] == later["patient_id"].map(second)], table.index)
    return table.reset_index()[COLUMNS]


def progression_problems(*, patients: pd.DataFrame, progressions: pd.DataFrame | None) -> list[Problem]:
    """Name PSA progressions that do not count (W31, W32) or count without being known as confirmed (W33).

    Parameters
    ----------
    patients, progressions
        See :func:`documented_progressions`.
    """
    if progressions is None:
        return []
    psa = (progressions["source"] == "PSA") & (progressions["day"] > 0)
    other = _other_tumour(progressions["patient_id"], patients)
    cases = (
        ("W31", psa & other, "does not count: the tumour is not of the prostate", "PSA progression: prostate only"),
        ("W32", psa & ~other & (progressions["confirmed"] == "N"), "does not count: it is not confirmed", "Confirmed"),
        ("W33", psa & ~other & progressions["confirmed"].isna(), "counts, but may not be confirmed", "confirmed: Y, N"),
    )
    return [
        Problem(
            code,
            "progressions",
            None,
            "source",
            "PSA",
            f"PSA progression of {row.patient_id} on {row.date} {wrong}",
            allowed,
            "Complete or correct the row",
        )
        for code, rows, wrong, allowed in cases
        for row in progressions[rows].itertuples()
    ]


def _other_tumour(owner: pd.Series, patients: pd.DataFrame) -> pd.Series:
    """Say whose tumour type is known and is not prostate cancer."""
    kind = owner.map(patients["tumor_type"]) if "tumor_type" in patients else pd.Series(np.nan, index=owner.index)
    return kind.notna() & ~kind.astype(str).str.contains(r"prostat|\bm?CRPC\b", case=False)


def _sources(rows: pd.DataFrame, index: pd.Index) -> pd.Series:
    text = pd.Series("", index=index, dtype=object)
    for source in SOURCES:
        has = index.isin(rows.loc[rows["source"] == source, "patient_id"])
        text = text.where(~has, np.where(text == "", source, text + "+" + source))
    return text.where(text != "")


def _fresh_scans(timepoints: pd.DataFrame, reader: str) -> pd.MultiIndex:
    """Return (patient_id, day) of scans that show the first or a further progression on imaging."""
    rows = timepoints[(timepoints["reader"] == reader) & (timepoints["day"] > 0)].sort_values(["patient_id", "day"])
    progressed = rows["overall_response"] == "PD"
    first = rows["patient_id"].map(rows[progressed].groupby("patient_id")["day"].min())
    rows, progressed = rows[rows["day"] >= first], progressed[rows["day"] >= first]
    first = first.loc[rows.index]
    owner = rows["patient_id"]
    # whole tenths of a millimetre: 1.2 times a sum is no exact float
    tenths = (rows["sum_mm"] * 10).round()
    complete = tenths.where(rows["targets_missing"] == 0)
    smallest = complete.groupby(owner).cummin().groupby(owner).ffill().groupby(owner).shift()
    grown = (10 * tenths >= 12 * smallest) & (tenths - smallest >= 50)
    fresh = (rows["day"] == first) | grown
    for seen in (rows["nontarget_response"] == "PD", rows["new_lesion"] == "Y"):
        fresh |= seen & (seen.groupby(owner).cumsum() == 1)
    return pd.MultiIndex.from_frame(rows.loc[progressed & fresh, ["patient_id", "day"]])

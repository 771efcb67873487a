"""How the responder label and the other endpoints depend on each documented choice: which patients change."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gutaxis.clinical.abscopal import abscopal_effect
from gutaxis.clinical.best_response import best_response
from gutaxis.clinical.recist import Recist
from gutaxis.clinical.settings import ABSCOPAL_RULES, CSS_UNKNOWN, PFS2_EVENTS, RESPONSE_DEFINITIONS, ClinicalSettings
from gutaxis.clinical.time_to_event import time_to_event

READERS = ("INVESTIGATOR", "IRC")
#: The two minima for stable disease in use: 6 weeks, and 6 weeks less the visit window.
SD_MIN_DAYS = (35, 42)
#: Value where the other reader has not read the patient at all: no label, and no change either.
NOT_READ = "NOT_READ"
SUMMARY_COLUMNS = [
    "switch",
    "endpoint",
    "setting",
    "configured",
    "alternative",
    "n",
    "n_changed",
    "n_r",
    "n_nr",
    "n_na",
    "patients",
]
Values = dict[str, pd.Series]


class LabelSensitivity(NamedTuple):
    """What :func:`label_sensitivity` returns."""

    table: pd.DataFrame
    summary: pd.DataFrame


@dataclass(frozen=True)
class Switch:
    """One choice turned to another value: its column, the endpoint it bears on, the setting and the new value."""

    column: str
    endpoint: str
    setting: str
    value: Any


def switches(*, settings: ClinicalSettings, readers: set[str]) -> list[Switch]:
    """Return every documented choice other than the configured one.

    Parameters
    ----------
    settings
        The configured choices.
    readers
        Whose readings are there; the other reader is a choice only if it has some.

    Returns
    -------
    list of Switch
        Endpoints: ``response`` (R, NR, NA), ``abscopal`` (Y, N, NE at the last landmark week), ``pfs2`` and ``css``
        (event or censored, and the day).
    """
    both = (True, False)
    choices: tuple[tuple[str, str, str, tuple[Any, ...]], ...] = (
        ("response", "response_definition", "{value}", RESPONSE_DEFINITIONS),
        ("response", "sd_min_days", "sd_min_days_{value}", SD_MIN_DAYS),
        ("response", "max_ne_between", "max_ne_between_{value}", (0, 1)),
        ("response", "reader", "reader_{value}", tuple(name for name in READERS if name in readers)),
        ("pfs2", "pfs2_event", "pfs2_{value}", PFS2_EVENTS),
        ("abscopal", "abscopal_rule", "abscopal_{value}", ABSCOPAL_RULES),
        ("abscopal", "abscopal_confirmed", "abscopal_confirmed_{value}", both),
        ("abscopal", "abscopal_without_pd", "abscopal_without_pd_{value}", both),
        ("css", "css_unknown", "css_unknown_{value}", CSS_UNKNOWN),
    )
    return [
        Switch(name.format(value=_word(value)), endpoint, setting, value)
        for endpoint, setting, name, values in choices
        for value in values
        if value != getattr(settings, setting)
    ]


def label_sensitivity(
    *,
    patients: pd.DataFrame,
    lesions: pd.DataFrame,
    recist: Recist,
    progressions: pd.DataFrame | None,
    cut: pd.Series,
    settings: ClinicalSettings,
    dates: str,
) -> LabelSensitivity:
    """Return the label of every patient under each documented choice, one choice changed at a time.

    Parameters
    ----------
    patients
        Index patient_id.
    lesions
        Sheet of lesions.
    recist
        From :func:`gutaxis.clinical.recist.assess`; none of the choices here changes it.
    progressions
        Sheet of progressions, or None.
    cut
        patient_id -> last day of follow-up from ILDR.
    settings
        The configured choices.
    dates
        ``iso`` or ``study_day``, as the sheets write dates.

    Returns
    -------
    LabelSensitivity
        ``table``, sorted by patient: patient_id response_configured abscopal_configured pfs2_configured
        css_configured, one column per switch, then changes (Y if any switch changes the patient, else N) and
        changes_response (the same for the responder label alone). A patient whom the other reader did not read has
        NOT_READ there, which is no change. A patient without ILDR has NA throughout.
        ``summary``: one row per switch, ``SUMMARY_COLUMNS``: n patients compared, n_changed, their ids joined by
        blanks (NA if none), and, for the responder label, how many are R, NR and NA under it.
    """
    index = pd.Index(sorted(patients.index), name="patient_id")
    inputs = {
        "patients": patients, "lesions": lesions, "recist": recist, "progressions": progressions, "cut": cut,
        "dates": dates,
    }  # fmt: skip
    configured = {
        endpoint: _values(endpoint, index, settings, inputs) for endpoint in ("response", "abscopal", "pfs2", "css")
    }
    table = pd.DataFrame({f"{name}_configured": values for name, values in configured.items()}, index=index)
    rows, changed = [], pd.DataFrame({"any": False, "response": False}, index=index)
    readers = set(recist.baselines["reader"])
    for switch in switches(settings=settings, readers=readers):
        values = _values(switch.endpoint, index, replace(settings, **{switch.setting: switch.value}), inputs)
        if switch.setting == "reader":
            read = recist.baselines.loc[recist.baselines["reader"] == switch.value, "patient_id"]
            values = values.where(values.index.isin(read), NOT_READ)
        compared = values != NOT_READ
        differs = compared & (values != configured[switch.endpoint])
        table[switch.column] = values
        changed["any"] |= differs
        changed["response"] |= differs & (switch.endpoint == "response")
        rows.append(_summary(switch, settings, values[compared], differs))
    table["changes"] = np.where(changed["any"], "Y", "N")
    table["changes_response"] = np.where(changed["response"], "Y", "N")
    return LabelSensitivity(table.reset_index(), pd.DataFrame(rows, columns=SUMMARY_COLUMNS))


def _summary(switch: Switch, settings: ClinicalSettings, values: pd.Series, differs: pd.Series) -> dict[str, Any]:
    response = switch.endpoint == "response"
    counts = {f"n_{label.lower()}": int((values == label).sum()) if response else np.nan for label in ("R", "NR", "NA")}
    return {
        "switch": switch.column,
        "endpoint": switch.endpoint,
        "setting": switch.setting,
        "configured": _word(getattr(settings, switch.setting)),
        "alternative": _word(switch.value),
        "n": len(values),
        "n_changed": int(differs.sum()),
        **counts,
        "patients": " ".join(differs.index[differs]) or np.nan,
    }


def _word(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _values(endpoint: str, index: pd.Index, settings: ClinicalSettings, inputs: Mapping[str, Any]) -> pd.Series:
    """Return one endpoint of every patient as words; NA where the patient has none."""
    common = {
        "patients": inputs["patients"],
        "timepoints": inputs["recist"].timepoints,
        "settings": settings,
    }
    if endpoint == "response":
        best = best_response(**common, follow_up=inputs["cut"], baselines=inputs["recist"].baselines).table
        values = best[best["reader"] == settings.reader].set_index("patient_id")["response"]
    elif endpoint == "abscopal":
        effect = abscopal_effect(
            **common, lesions=inputs["lesions"], cells=inputs["recist"].cells, cut=inputs["cut"]
        ).patients
        values = effect[effect["week"] == max(settings.weeks_response)].set_index("patient_id")["abscopal"]
    else:
        times = time_to_event(**common, progressions=inputs["progressions"], cut=inputs["cut"], dates=inputs["dates"])
        times = times[times["paramcd"] == endpoint.upper()].set_index("patient_id")
        ended = np.where(times["cnsr"] == 0, "event day ", "censored day ")
        day = times["aval_days"].astype("Int64").astype(str)
        values = pd.Series(ended, times.index).str.cat(day).where(times["aval_days"].notna())
    return values.reindex(index).astype(object).fillna("NA")

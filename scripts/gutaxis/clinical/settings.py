"""The clinical choices a reviewer may question, in one frozen record."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

RESPONSE_DEFINITIONS = ("confirmed_response", "unconfirmed_response", "disease_control")
PFS2_EVENTS = ("first_after_ildr", "second_after_ildr")
ABSCOPAL_RULES = ("any_lesion", "sum")
CSS_UNKNOWN = ("cancer", "other")


@dataclass(frozen=True, kw_only=True)
class ClinicalSettings:
    """Choices of the clinical arm; the defaults are those of the trial's analysis.

    Parameters
    ----------
    baseline_window_days
        The baseline scan lies at most this many days before ILDR.
    visit_window_days
        Days by which a scan may miss its week.
    confirmation_days
        A response counts as confirmed by an assessment at least this many days later (plain difference of dates).
    sd_min_days
        Stable disease counts from this many days after ILDR on: 42 less the visit window.
    max_ne_between
        Most assessments that cannot be evaluated between a response and its confirmation.
    reader
        Whose assessments later steps use; every reader is in the tables.
    response_definition
        One of ``RESPONSE_DEFINITIONS``.
    pfs2_event
        One of ``PFS2_EVENTS``.
    abscopal_rule, abscopal_decrease_percent, abscopal_confirmed, abscopal_without_pd
        What an abscopal effect is: any lesion outside the field or their sum, by which decrease in percent, whether it
        must be confirmed, whether overall progression excludes it.
    css_unknown
        An unknown cause of death counts as ``cancer`` or ``other``.
    dose_gy
        Dose of ILDR in Gy of the primary analysis set.
    weeks_response, weeks_pfs2, weeks_survival, weeks_adverse_events
        Weeks after ILDR at which each endpoint is reported.
    irecist
        Whether the iRECIST layer is computed.
    simon
        Simon's two-stage table: ``p0``, ``p1`` and, if other than 0.05 and 0.80, ``alpha``, ``power``; None: not made.
    """

    baseline_window_days: int = 28
    visit_window_days: int = 7
    confirmation_days: int = 28
    sd_min_days: int = 35
    max_ne_between: int = 1
    reader: str = "INVESTIGATOR"
    response_definition: str = "confirmed_response"
    pfs2_event: str = "first_after_ildr"
    abscopal_rule: str = "any_lesion"
    abscopal_decrease_percent: int = 30
    abscopal_confirmed: bool = False
    abscopal_without_pd: bool = False
    css_unknown: str = "cancer"
    dose_gy: float = 1.0
    weeks_response: tuple[int, ...] = (6, 12, 24)
    weeks_pfs2: tuple[int, ...] = (6, 12, 24)
    weeks_survival: tuple[int, ...] = (24, 48)
    weeks_adverse_events: tuple[int, ...] = (12, 24, 48)
    irecist: bool = False
    simon: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        allowed = {
            "response_definition": RESPONSE_DEFINITIONS,
            "pfs2_event": PFS2_EVENTS,
            "abscopal_rule": ABSCOPAL_RULES,
            "css_unknown": CSS_UNKNOWN,
        }
        for name, values in allowed.items():
            if getattr(self, name) not in values:
                raise ValueError(f"{name}={getattr(self, name)!r}: one of {', '.join(values)}")

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "ClinicalSettings":
        """Return the choices of a config.

        Parameters
        ----------
        config
            The filled config: section ``clinical``, the windows of ``visits``, ``definition`` of ``response``. A key
            that is not there keeps its default.
        """
        names = {item.name for item in fields(cls)}
        found = {**config.get("visits", {}), **config.get("clinical", {})}
        if "definition" in config.get("response", {}):
            found["response_definition"] = config["response"]["definition"]
        values = {
            name: tuple(value) if isinstance(value, list) else value for name, value in found.items() if name in names
        }
        return cls(**values)

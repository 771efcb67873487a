"""Adverse events of the rich simulated trial, with what they count as written beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WEEKS = (12, 24, 48)
GUT, SKIN, LUNG = "Gastrointestinal disorders", "Skin and subcutaneous tissue disorders", "Respiratory disorders"
LAB, ENDOCRINE, GENERAL = "Investigations", "Endocrine disorders", "General disorders"


@dataclass(frozen=True)
class Event:
    """One adverse event.

    Parameters
    ----------
    term, soc
        CTCAE term and its class.
    grade
        1 to 5, or empty: not recorded.
    start, end
        Days from ILDR; ``end`` None while it lasts.
    rel_ildr, rel_ici
        RELATED, NOT RELATED, UNKNOWN or empty. Planted: an empty or unknown relation counts as related.
    related
        Planted: whether it is treatment-related and after ILDR.
    irae, serious
        Y or N.
    month_only
        Whether the sheet holds year and month of the start only.
    """

    term: str
    soc: str
    grade: str
    start: int
    end: int | None
    rel_ildr: str
    rel_ici: str
    related: bool
    irae: str = "N"
    serious: str = "N"
    month_only: bool = False


Y, N, U = "RELATED", "NOT RELATED", "UNKNOWN"
# fmt: off
#: Given to the patients in turn: all grades, components, missing grade and relation, before ILDR, late, month only.
PATTERNS: tuple[tuple[Event, ...], ...] = (
    (Event("Diarrhea", GUT, "1", 3, 10, Y, N, related=True),
     Event("Nausea", GUT, "2", 5, 9, Y, U, related=True)),
    (),
    (Event("Colitis", GUT, "3", 60, 95, N, Y, related=True, irae="Y", serious="Y"),
     Event("Diarrhea", GUT, "2", 55, 62, Y, Y, related=True)),
    (Event("Fatigue", GENERAL, "2", 20, 50, N, N, related=False),),
    (Event("Rash maculo-papular", SKIN, "1", 30, None, N, Y, related=True, irae="Y"),
     Event("Pruritus", SKIN, "", 31, 45, N, Y, related=True)),
    (Event("Nausea", GUT, "1", -3, 2, N, N, related=False),),
    (Event("Pneumonitis", LUNG, "4", 130, 150, N, Y, related=True, irae="Y", serious="Y"),),
    (Event("Diarrhea", GUT, "1", 4, 6, "", "", related=True),),
    (Event("Hypothyroidism", ENDOCRINE, "2", 200, None, N, Y, related=True, irae="Y"),),
    (Event("Abdominal pain", GUT, "1", 10, 14, U, U, related=True, month_only=True),),
    (Event("Alanine aminotransferase increased", LAB, "3", 100, 120, N, Y, related=True),
     Event("Alanine aminotransferase increased", LAB, "1", 40, 60, N, Y, related=True)),
    (Event("Pneumonia", LUNG, "3", 45, 60, N, N, related=False, serious="Y"),),
)
# fmt: on
#: The same for a realistic trial: mild gut events in a quarter, grade 3 or more in a tenth of the patients.
REALISTIC_PATTERNS = tuple(PATTERNS[place] for place in (0, 1, 4, 7, 1, 8, 0, 1, 3, 2, 1, 0, 1, 5, 1, 7, 11, 6, 1, 9))


def plan_events(
    *, number: int, last: int, death: tuple[int, str] | None, patterns: Sequence[tuple[Event, ...]] = PATTERNS
) -> tuple[Event, ...]:
    """Return the adverse events of the ``number``-th patient.

    Parameters
    ----------
    number
        Place of the patient: patterns are given in turn.
    last
        Last day known alive; events that would start later are not planted.
    death
        Day and cause; death from treatment brings an event of grade 5.
    patterns
        Sets of events, given in turn.
    """
    events = tuple(event for event in patterns[(number - 1) % len(patterns)] if event.start <= last)
    if death is not None and death[1] == "TREATMENT":
        start = death[0] - 2
        fatal = Event("Myocarditis", "Cardiac disorders", "5", start, death[0], N, Y, True, irae="Y", serious="Y")
        events = (*events, fatal)
    return events


def events_truth(*, events: tuple[Event, ...]) -> dict[str, dict[str, str]]:
    """Return whether there is a treatment-related event, of any and of grade 3 or more, by weeks 12, 24, 48."""
    truth: dict[str, dict[str, Any]] = {}
    for week in WEEKS:
        # day d from ILDR is study day d + 1, which must not exceed 7 x week
        seen = [event for event in events if event.related and 0 <= event.start < 7 * week]
        truth[str(week)] = {
            "any": "Y" if seen else "N",
            "grade_3_or_more": "Y" if any(event.grade in {"3", "4", "5"} for event in seen) else "N",
        }
    return truth

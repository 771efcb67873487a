"""From planted courses to patients: dates, sizes and background drawn from the seed, and the truth of each patient."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from gutaxis.simulate.clinical_course import LANDMARKS, WEEKS, Course, Scan, read_scan
from gutaxis.simulate.clinical_courses import RICH
from gutaxis.simulate.clinical_events import (
    PATTERNS,
    REALISTIC_PATTERNS,
    Event,
    events_truth,
    plan_events,
)

#: Data cut of the trial: the last day known alive of whoever is still followed.
DATA_CUT = date(2027, 6, 30)
TUMORS = {"LUNG": "NSCLC", "ESOPHAGEAL": "ESCC", "OTHER": "HCC"}
COHORT_OF_COURSE = [(cohort, course) for cohort, courses in RICH.items() for course in courses]
#: Protocol deviations planted in turn: (column, value, name of the criterion that is not met).
DEVIATIONS = {
    5: ("prior_pelvic_rt", "Y"),
    11: ("ecog", "3"),
    17: ("active_infection", "Y"),
    23: ("life_exp_ge3mo", "N"),
    31: ("ici_first_day", "3"),
}


@dataclass(frozen=True)
class SimulatedPatient:
    """One patient of the rich trial.

    Parameters
    ----------
    patient_id
        ``P`` and its number.
    cohort, course
        What was planted.
    cut, last
        Days from ILDR to the data cut and to the last day known alive.
    scans
        Reader -> baseline and later scans, sizes and days varied where the course allows it.
    events
        Adverse events.
    background
        Cells of patients.tsv that no outcome depends on.
    """

    patient_id: str
    cohort: str
    course: Course
    cut: int
    last: int
    scans: dict[str, tuple[Scan, ...]]
    events: tuple[Event, ...]
    background: dict[str, str]

    def date(self, day: float) -> str:
        """Return the calendar day of a day from ILDR."""
        return (DATA_CUT + timedelta(days=int(day) - self.cut)).isoformat()


def plan_rich(*, n: int, seed: int, courses: Sequence[tuple[str, Course]] | None = None) -> list[SimulatedPatient]:
    """Return the patients of a rich trial.

    Parameters
    ----------
    n
        Number of patients. 48 have one course each; fewer take courses spread evenly over the list, more start again.
    seed
        Seed of everything that is drawn. A patient keeps what was drawn for it when others are added.
    courses
        Cohort and course of each patient, with the adverse events of a realistic trial; None: the 48 rich ones.

    Returns
    -------
    list
        Sorted by patient id.

    Raises
    ------
    ValueError
        If ``n`` is below 1.
    """
    if n < 1:
        raise ValueError(f"a simulated trial needs at least 1 patient, got {n}")
    known = COHORT_OF_COURSE
    patterns = PATTERNS if courses is None else REALISTIC_PATTERNS
    if courses is None:
        courses = [known[i * len(known) // n] if n < len(known) else known[i % len(known)] for i in range(n)]
    width = max(2, len(str(n)))
    return [
        _patient(
            number=number,
            patient_id=f"P{number:0{width}d}",
            cohort=cohort,
            course=course,
            seed=seed,
            patterns=patterns,
        )
        for number, (cohort, course) in enumerate(courses, start=1)
    ]


def _patient(
    *,
    number: int,
    patient_id: str,
    cohort: str,
    course: Course,
    seed: int,
    patterns: Sequence[tuple[Event, ...]],
) -> SimulatedPatient:
    rng = np.random.default_rng([seed, number])
    cut = course.cut if course.cut is not None else int(rng.integers(380, 551))
    if course.source == "ILDR-01":
        cut = max(cut, 900)
    last = course.death[0] if course.death else cut if course.last is None else course.last
    scale = 1.0 if course.exact else float(rng.integers(90, 126)) / 100
    shift = [0 if course.exact else int(rng.integers(-3, 4)) for _ in range(1 + len(course.scans))]
    first = -7 if course.exact else -int(rng.integers(3, 25))
    baseline = replace(read_scan(text=course.baseline), day=first)
    scans = {"INVESTIGATOR": _vary((baseline, *map(_read, course.scans)), scale, shift)}
    if course.irc is not None:
        scans["IRC"] = _vary((baseline, *map(_read, course.irc.scans)), scale, shift)
    elif number % 4 == 0:
        # a second reader who sees the same course, 3 % larger throughout; at a limit that would tip the balance
        scans["IRC"] = _vary(scans["INVESTIGATOR"], 1.0 if course.exact else 1.03, [0] * len(shift))
    return SimulatedPatient(
        patient_id=patient_id,
        cohort=cohort,
        course=course,
        cut=cut,
        last=last,
        scans=scans,
        events=plan_events(number=number, last=last, death=course.death, patterns=patterns),
        background=_background(number, cohort, course, rng),
    )


def _read(text: str) -> Scan:
    return read_scan(text=text)


def _vary(scans: tuple[Scan, ...], scale: float, shift: list[int]) -> tuple[Scan, ...]:
    """Scale all sizes alike and move the days of the scans after baseline: no response depends on either."""
    return tuple(
        Scan(
            day=scan.day + (days if place else 0),
            found={
                lesion: (category, None if size is None else round(size * scale, 1), state)
                for lesion, (category, size, state) in scan.found.items()
            },
        )
        for place, (scan, days) in enumerate(zip(scans, shift, strict=True))
    )


def _background(number: int, cohort: str, course: Course, rng: np.random.Generator) -> dict[str, str]:
    tumor = course.tumor or TUMORS[cohort]
    cells = {
        "tumor_type": tumor,
        "ildr_dose_gy": course.dose,
        "ici_drug": str(rng.choice(["pembrolizumab", "toripalimab", "atezolizumab"])),
        "ici_first_day": "1",
        "age": str(int(rng.integers(38, 81))),
        "sex": "M" if tumor.startswith("prostate") or rng.random() < 0.65 else "F",
        "bmi": f"{min(max(rng.normal(22.5, 3), 16), 36):.1f}",
        "ecog": str(int(rng.choice([0, 1, 2], p=[0.3, 0.6, 0.1]))),
        "prior_lines": str(int(rng.integers(1, 5))),
        "prior_icb": "COMBO" if rng.random() < 0.3 else "MONO",
        "prior_icb_best": str(rng.choice(["CR", "PR", "SD", "PD"], p=[0.03, 0.22, 0.4, 0.35])),
        "n_metastatic_sites": str(int(rng.integers(1, 6))),
        "liver_mets": "Y" if rng.random() < 0.35 else "N",
        "smoking": str(rng.choice(["NEVER", "FORMER", "CURRENT"])),
        "abx_60d": "Y" if rng.random() < 0.19 else "N",
        "ppi_30d": "Y" if rng.random() < 0.3 else "N",
        "prior_pelvic_rt": "N",
        "active_infection": "N",
        "organ_dysfunction": "N",
        "concurrent_therapy": "N",
        "life_exp_ge3mo": "Y",
    }
    if number % 48 in DEVIATIONS:
        column, value = DEVIATIONS[number % 48]
        cells[column] = value
    return cells


def patient_truth(*, patient: SimulatedPatient) -> dict[str, Any]:
    """Return what was planted in a patient: responses, PFS2, OS, CSS, abscopal effect, adverse events.

    Days count from ILDR (0); ``aval_days`` is one more, as in an ADaM time-to-event table.

    Parameters
    ----------
    patient
        From :func:`plan_rich`.
    """
    course = patient.course
    planted = {"bor": course.bor, "cbor": course.cbor, "response": course.response}
    readers = {"INVESTIGATOR": planted}
    if "IRC" in patient.scans:
        irc = course.irc
        readers["IRC"] = planted if irc is None else {"bor": irc.bor, "cbor": irc.cbor, "response": irc.response}
    death = course.death
    cancer = bool(death) and death[1] in {"CANCER", "UNKNOWN"}
    deviation = DEVIATIONS.get(int(patient.patient_id[1:]) % 48)
    return {
        "course": course.name,
        "cohort": patient.cohort,
        **planted,
        "pending": course.pending,
        "readers": readers,
        "orr": _weeks(course.orr),
        "pfs2": _pfs2(patient),
        "os": {"aval_days": patient.last + 1, "cnsr": 0 if death else 1},
        "css": {"aval_days": patient.last + 1, "cnsr": 0 if cancer else 1},
        "death_cause": death[1] if death else None,
        "abscopal": _weeks(course.abscopal),
        "abscopal_confirmed": _weeks(course.confirmed),
        "treatment_related": events_truth(events=patient.events),
        "deviation": deviation[0] if deviation else None,
        "primary_dose": course.dose == "1",
    }


def _weeks(letters: str) -> dict[str, str]:
    return {str(week): LANDMARKS[letter] for week, letter in zip(WEEKS, letters, strict=True)}


def _pfs2(patient: SimulatedPatient) -> dict[str, int]:
    kind, value = patient.course.pfs2
    scans = patient.scans["INVESTIGATOR"]
    if kind in {"PD", "LAST"}:
        day = scans[int(value or 0)].day
    elif kind == "DAY":
        day = int(value or 0)
    else:
        day = patient.last if kind == "DEATH" else 0
    return {"aval_days": day + 1, "cnsr": 0 if kind in {"PD", "DAY", "DEATH"} else 1}

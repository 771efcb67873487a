"""Courses of a realistic trial: rates of checkpoint blockade after progression, truth planted while they are drawn."""

import numpy as np

from gutaxis.simulate.clinical_course import Course

#: Days of the planned scans: every 6 weeks to week 24, then every 12.
SCAN_DAYS = (42, 84, 126, 168, 252, 336)
#: Kinds of course and their shares: response about 0.22, control about one half, the rest progresses or is lost early.
SHARES = {"CR": 0.02, "PR": 0.21, "SD": 0.33, "PD": 0.37, "NE": 0.03, "MISSING": 0.04}
COHORTS = ("LUNG", "ESOPHAGEAL", "OTHER")
#: Mean days from progression to death, and shares of its cause. PFS2 median 3-4 months, OS median about 12 months.
SURVIVAL_AFTER_PD = 240.0
CAUSES = {"CANCER": 0.86, "OTHER": 0.09, "UNKNOWN": 0.05}
#: Chance that one lesion outside the field shrinks in a patient who is stable.
MIXED = 0.15
#: Share of progressions after stable disease that show by symptoms, and how long before the scan would have shown it.
SYMPTOMS, SYMPTOM_LEAD_DAYS = 0.3, 15


def realistic_courses(*, n: int, seed: int) -> list[tuple[str, Course]]:
    """Draw cohort and course of each patient.

    Parameters
    ----------
    n
        Number of patients; cohorts in turn.
    seed
        Seed; a patient keeps its course when others are added.

    Returns
    -------
    list
        (cohort, course). Every data cut lies 260 days after ILDR or later, so that responses can be confirmed.
    """
    return [(COHORTS[number % len(COHORTS)], _course(np.random.default_rng([seed, number, 7]))) for number in range(n)]


def _course(rng: np.random.Generator) -> Course:
    kind = str(rng.choice(list(SHARES), p=list(SHARES.values())))
    cut = int(rng.integers(260, 561))
    # The number of the scan that shows progression; responses last longer.
    if kind == "PD":
        progression = 1
    elif kind == "SD":
        progression = 1 + int(rng.geometric(0.15))
    else:
        progression = 3 + int(rng.geometric(0.25))
    if kind in {"NE", "MISSING"}:
        return _early(kind, cut, rng)
    days = [day for day in SCAN_DAYS if day + 4 <= cut]
    progressed = progression <= len(days)
    symptoms = kind == "SD" and progressed and bool(rng.random() < SYMPTOMS)
    seen = min(progression - symptoms, len(days))
    texts, letters, mixed = _scans(kind, days[:seen], progressed and not symptoms, rng)
    day = days[min(progression, len(days)) - 1] - (SYMPTOM_LEAD_DAYS if symptoms else 0)
    death = None
    if progressed:
        died = day + 10 + int(rng.exponential(SURVIVAL_AFTER_PD))
        death = (died, _cause(rng)) if died <= cut else None
    pfs2 = ("DAY", day) if symptoms else ("PD", progression) if progressed else ("LAST", seen)
    response = "R" if kind in {"CR", "PR"} else "NR"
    return Course(
        f"realistic {kind}",
        tuple(texts),
        bor=kind,
        cbor=kind,
        response=response,
        pfs2=pfs2,
        abscopal=letters,
        confirmed=_confirmed(kind, letters, mixed=mixed, shrunk=seen - (progressed and not symptoms)),
        orr=letters if response == "R" else "NNN",
        cut=cut,
        death=death,
        progressions=((day, "SYMPTOM", None, "Y"),) if symptoms else (),
    )


def _early(kind: str, cut: int, rng: np.random.Generator) -> Course:
    """Return a patient without an evaluable scan: a scan with a target missing, or death before the first scan."""
    if kind == "NE":
        return Course(
            "realistic NE",
            ("42: 38 - 19 P",),
            bor="NE",
            cbor="NE",
            response="NA",
            orr="EEE",
            pfs2=("START", None),
            abscopal="NNN",
            last=60,
            cut=cut,
        )
    return Course(
        "realistic MISSING",
        (),
        bor="MISSING",
        cbor="MISSING",
        response="NA",
        orr="EEE",
        pfs2=("DEATH", None),
        abscopal="EEE",
        confirmed="EEE",
        death=(int(rng.integers(10, 38)), _cause(rng)),
        cut=cut,
    )


def _cause(rng: np.random.Generator) -> str:
    return str(rng.choice(list(CAUSES), p=list(CAUSES.values())))


def _scans(kind: str, days: list[int], progressed: bool, rng: np.random.Generator) -> tuple[list[str], str, bool]:
    """Return the texts of the scans, the abscopal letters and whether one lesion shrinks by itself."""
    onset = 1 if kind == "PD" else int(rng.choice([1, 2], p=[0.75, 0.25]))
    mixed = kind == "SD" and bool(rng.random() < MIXED)
    share = float(rng.uniform(0.35, 0.60)) if kind in {"CR", "PR"} else float(rng.uniform(0.86, 1.02))
    texts = []
    for number, day in enumerate(days, start=1):
        last = progressed and number == len(days)
        now = share if kind == "SD" or number >= onset else 0.9
        if last:  # far above the smallest sum of all kinds
            now = float(rng.uniform(1.4, 1.9)) if kind in {"PD", "SD"} else 1.15
        if kind == "CR" and number >= onset and not last:
            texts.append(f"{day}: 0 0 7 A")
            continue
        sizes = [40 * now, 30 * now, 20 * now]
        if mixed and not last:
            sizes = [24.0, 30.0, 26.0]  # 80 of 90: stable; the liver lesion shrank by 40 %
        texts.append(f"{day}: " + " ".join(f"{size:.1f}" for size in sizes) + " P")
    if kind in {"CR", "PR"}:
        return texts, "YYY" if onset == 1 else "NYY", mixed
    return texts, "YYY" if mixed else "NNN", mixed


def _confirmed(kind: str, letters: str, *, mixed: bool, shrunk: int) -> str:
    """Return the letters of the confirmed effect: the lesion must be small at two scans."""
    if kind in {"CR", "PR"}:
        return letters
    return "YYY" if mixed and shrunk > 1 else "NNN"

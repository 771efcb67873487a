"""Plan of the simulated trial: patients, samples, truth. From one seed; everything else follows from the truth file."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gutaxis.simulate.catalogue import INDEX
from gutaxis.simulate.composition import (
    EFFECTS,
    composition,
    even_composition,
    patient_state,
    planted_pathways,
)

COHORTS = ("LUNG", "ESOPHAGEAL", "OTHER")
#: Best overall responses planted in turn among responders and non-responders.
RESPONDER_COURSES = ("PR", "CR", "PR")
NON_RESPONDER_COURSES = ("SD", "PD", "PD_DEATH")
HOST_FRACTION, UNKNOWN_FRACTION = 0.05, 0.02


@dataclass(frozen=True)
class Patient:
    """One simulated patient: identity, planted response and clinical course."""

    number: int
    cohort: str
    responder: bool
    course: str
    batch: str

    @property
    def patient_id(self) -> str:
        """Pseudonymous id, for example ``P03``."""
        return f"P{self.number:02d}"


def plan_patients(*, n: int) -> list[Patient]:
    """Return ``n`` patients: responders and non-responders in turn, cohorts balanced, the second half in batch B2.

    The last non-responder progresses and dies early, and so has no post sample.
    """
    patients = []
    for index in range(n):
        responder = index % 2 == 0
        courses = RESPONDER_COURSES if responder else NON_RESPONDER_COURSES[:2]
        patients.append(
            Patient(
                number=index + 1,
                cohort=COHORTS[index // 2 % len(COHORTS)],
                responder=responder,
                course=courses[index // 2 % len(courses)],
                batch="B1" if index < (n + 1) // 2 else "B2",
            )
        )
    last = max(index for index, patient in enumerate(patients) if not patient.responder)
    patients[last] = Patient(**{**vars(patients[last]), "course": NON_RESPONDER_COURSES[2]})
    return patients


def has_post(*, patient: Patient) -> bool:
    """Whether the patient gave a post sample."""
    return patient.course != "PD_DEATH"


def _sample(*, pairs: int, shares: dict[str, float], **more: object) -> dict[str, Any]:
    return {
        **more,
        "pairs": pairs,
        "host_fraction": HOST_FRACTION,
        "unknown_fraction": UNKNOWN_FRACTION,
        "composition": shares,
        "pathways": planted_pathways(shares=shares),
    }


def plan_trial(*, n: int, seed: int, pairs: int) -> dict[str, Any]:
    """Return the truth of a simulated trial as plain data: what was planted in whom.

    Parameters
    ----------
    n
        Number of patients, at least 2 (one responder, one non-responder).
    seed
        Seed of everything that is random in the trial.
    pairs
        Mean number of read pairs of a stool sample; samples vary by 15 % around it.

    Returns
    -------
    dict
        ``simulated`` (always True), ``seed``, ``index``, ``effects`` (log2), ``patients`` and ``samples``.
    """
    if n < 2:
        raise ValueError(f"a simulated trial needs at least 2 patients, got {n}")
    patients = plan_patients(n=n)
    samples: dict[str, Any] = {}
    for patient in patients:
        # one stream per patient: adding a patient leaves the others' samples as they are
        rng = np.random.default_rng([seed, patient.number])
        state = patient_state(rng=rng)
        for timepoint in ("PRE", "POST") if has_post(patient=patient) else ("PRE",):
            shares = composition(
                rng=rng,
                state=state,
                responder=patient.responder,
                post=timepoint == "POST",
                first_batch=patient.batch == "B1",
            )
            sample_id = f"{patient.patient_id}_{timepoint}"
            samples[sample_id] = _sample(
                libraries=[sample_id],
                pairs=round(pairs * float(rng.uniform(0.85, 1.15))),
                shares=shares,
                patient_id=patient.patient_id,
                timepoint=timepoint,
                batch=patient.batch,
                control="N",
            )
    # one sample was sequenced on two lanes
    samples["P01_PRE"]["libraries"] = ["P01_PRE_L1", "P01_PRE_L2"]
    for batch in sorted({patient.batch for patient in patients})[:1]:
        samples[f"{batch}_MOCK"] = _sample(
            libraries=[f"{batch}_MOCK"],
            pairs=pairs // 2,
            shares=even_composition(),
            patient_id=None,
            timepoint=None,
            batch=batch,
            control="MOCK",
        )
        samples[f"{batch}_BLANK"] = _sample(
            libraries=[f"{batch}_BLANK"],
            pairs=200,
            shares={"Escherichia_coli": 1.0},
            patient_id=None,
            timepoint=None,
            batch=batch,
            control="BLANK",
        )
    return {
        "simulated": True,
        "seed": seed,
        "index": INDEX,
        "effects": EFFECTS,
        "patients": {
            patient.patient_id: {
                "cohort": patient.cohort,
                "batch": patient.batch,
                "course": patient.course,
                "response": "R" if patient.responder else "NR",
            }
            for patient in patients
        },
        "samples": samples,
    }

"""Plan of the simulated plasma metabolome: compounds, levels in every sample, injection order, drift.

Everything is drawn from streams of its own, so that the metagenome of the same truth keeps its bytes. What is planned
here is enough to write every raw file: nothing is drawn later that another file would have to know.
"""

from typing import Any

import numpy as np

from gutaxis.simulate.metabolome_catalogue import CONTAMINANTS, EFFECTS, ION, LINKS, NAMED, Compound
from gutaxis.simulate.metabolome_masses import isotope_pattern, mz
from gutaxis.simulate.metabolome_order import plan_injections

#: First number of every random stream of this arm, so that no stream of another arm is the same.
STREAM = 5_006
GRADIENT_SECONDS, CYCLE_SECONDS = 200.0, 0.7
#: First and last retention time of a compound, seconds.
RT_RANGE = (14.0, 184.0)
#: Ions closer than this in m/z (ppm) are kept apart by at least this many seconds.
CLASH_PPM, CLASH_SECONDS = 25.0, 18.0
#: Between-patient and within-patient standard deviation of log2 levels; smaller where a species drives the compound.
SD_PATIENT, SD_SAMPLE = 0.5, 0.25
SD_PATIENT_LINKED, SD_SAMPLE_LINKED = 0.25, 0.15
#: Share of a species at which its compound has its base level.
LINK_REFERENCE = 0.1
#: Standard deviation of an injection's response for one compound, log2: a relative one of about 7 %.
SD_TECHNICAL = 0.10
#: log2 apex intensity of the main ion: range of base levels, of which the lowest sink below what can be detected, and
#: range of compounds in which something is planted.
BASE_RANGE, BASE_RANGE_PLANTED = (14.4, 22.0), (19.0, 21.5)
OTHERS = 25


def plan_metabolome(*, truth: dict[str, Any], qcs: int = 6, blanks: int = 2) -> dict[str, Any]:
    """Return the truth of a trial with ``metabolome`` added; the truth that was given stays as it is.

    Parameters
    ----------
    truth
        What :func:`gutaxis.simulate.trial.plan_trial` returned.
    qcs, blanks
        Pooled QC and blank injections of each batch.

    Returns
    -------
    dict
        ``metabolome`` holds ``gradient_seconds``, ``cycle_seconds``, ``technical_sd`` (log2), ``compounds`` (formula,
        group, ions, RT and peak width in seconds, base level, drift loading, step of each batch), ``effects``,
        ``links``, ``samples`` (study samples), ``levels`` (compound -> log2 level in each of ``samples``, None:
        absent), ``pool`` (compound -> log2 level of the pooled QC) and ``injections`` (batch, run order, drift,
        dilution, RT shift, mass error).

    Raises
    ------
    ValueError
        If a batch would get fewer than 2 QCs or no blank.
    """
    if qcs < 2 or blanks < 1:
        raise ValueError(f"a simulated batch needs at least 2 QCs and 1 blank, got {qcs} and {blanks}")
    stool = {name: sample for name, sample in truth["samples"].items() if sample["control"] == "N"}
    batches = sorted({sample["batch"] for sample in stool.values()})
    chosen = (*NAMED, *CONTAMINANTS, *_others(seed=truth["seed"]))
    compounds = _compounds(seed=truth["seed"], chosen=chosen, batches=batches)
    levels = _levels(truth=truth, stool=stool, chosen=chosen, compounds=compounds)
    # a pool of equal volumes has the mean concentration; an absent compound adds nothing to it
    pool = {
        name: round(float(np.log2(np.mean([0.0 if level is None else 2.0**level for level in row]))), 4)
        for name, row in levels.items()
        if any(level is not None for level in row)
    }
    return {
        **truth,
        "metabolome": {
            "gradient_seconds": GRADIENT_SECONDS,
            "cycle_seconds": CYCLE_SECONDS,
            "technical_sd": SD_TECHNICAL,
            "compounds": compounds,
            "effects": EFFECTS,
            "links": [vars(link) for link in LINKS],
            "samples": [plasma_id(stool_id=name) for name in stool],
            "levels": levels,
            "pool": pool,
            "injections": plan_injections(truth=truth, stool=stool, qcs=qcs, blanks=blanks, stream=STREAM),
        },
    }


def plasma_id(*, stool_id: str) -> str:
    """Return the id of the plasma sample taken at the visit of a stool sample."""
    return f"{stool_id}_PLASMA"


def _others(*, seed: int) -> list[Compound]:
    """Draw compounds with random formulas, none of them an isomer of a named one or of another."""
    rng = np.random.default_rng([STREAM, seed, 1])
    # masses, not formulas: two formulas within 25 ppm would be one compound to the instrument
    known = [mz(formula=compound.formula, adduct="M+H") for compound in (*NAMED, *CONTAMINANTS)]
    drawn: list[Compound] = []
    while len(drawn) < OTHERS:
        carbon, nitrogen, oxygen = int(rng.integers(6, 26)), int(rng.integers(1, 4)), int(rng.integers(1, 7))
        # of the parity of the nitrogens, so that the molecule is no radical; between 0.9 and 2 H for each C
        hydrogen = 2 * (int(carbon * rng.uniform(0.9, 2.0)) // 2) + nitrogen % 2
        counts = {"C": carbon, "H": hydrogen, "N": nitrogen, "O": oxygen}
        formula = "".join(name + (str(number) if number > 1 else "") for name, number in counts.items())
        mass = mz(formula=formula, adduct="M+H")
        if any(abs(mass / other - 1) * 1e6 < CLASH_PPM for other in known):
            continue
        known.append(mass)
        ionisation = str(rng.choice(["amine", "amine", "sodium", "both"]))
        prevalence = 0.75 if len(drawn) % 6 == 5 else 1.0
        drawn.append(Compound(f"unknown {len(drawn) + 1:02d}", formula, ionisation, "other", prevalence))
    return drawn


def _compounds(*, seed: int, chosen: tuple[Compound, ...], batches: list[str]) -> dict[str, dict[str, Any]]:
    """Draw what belongs to a compound in every sample: retention, peak width, base level, drift."""
    rng = np.random.default_rng([STREAM, seed, 2])
    planted = {name for sizes in EFFECTS.values() for name in sizes} | {link.compound for link in LINKS}
    placed: list[tuple[float, np.ndarray]] = []
    compounds = {}
    for compound in chosen:
        adducts = ION[compound.ionisation]
        masses = np.array(
            [
                place
                for mode in adducts.values()
                for adduct in mode
                for place, share in isotope_pattern(formula=compound.formula, adduct=adduct, peaks=3)
                if share > 0.005
            ]
        )
        low, high = BASE_RANGE_PLANTED if compound.name in planted else BASE_RANGE
        compounds[compound.name] = {
            "formula": compound.formula,
            "group": compound.group,
            "ions": adducts,
            "rt": _place(rng=rng, masses=masses, placed=placed),
            "width": round(float(rng.uniform(1.6, 2.4)), 3),
            "base": round(float(rng.uniform(low, high)), 4),
            "drift_loading": round(float(np.clip(rng.normal(1.0, 0.25), 0.4, 1.6)), 4),
            "batch_step": dict.fromkeys(batches[:1], 0.0)
            | {batch: round(float(rng.normal(0.5, 0.35)), 4) for batch in batches[1:]},
        }
    return compounds


def _place(*, rng: np.random.Generator, masses: np.ndarray, placed: list[tuple[float, np.ndarray]]) -> float:
    """Draw a retention time at which no ion meets an ion of another compound, and note it in ``placed``."""
    for _ in range(1000):
        rt = round(float(rng.uniform(*RT_RANGE)), 2)
        if not any(
            abs(rt - other) < CLASH_SECONDS and (np.abs(masses[:, None] / others[None, :] - 1) * 1e6 < CLASH_PPM).any()
            for other, others in placed
        ):
            placed.append((rt, masses))
            return rt
    raise ValueError("no free retention time: too many isomers among the simulated compounds")


def _levels(
    *,
    truth: dict[str, Any],
    stool: dict[str, dict[str, Any]],
    chosen: tuple[Compound, ...],
    compounds: dict[str, dict[str, Any]],
) -> dict[str, list[float | None]]:
    """Return compound -> log2 level in each study sample: base, patient, sample, planted effects, driving species."""
    drivers = {link.compound: link for link in LINKS}
    linked = np.array([compound.name in drivers for compound in chosen])
    constant = np.array([compound.group == "contaminant" for compound in chosen])
    spread = np.where(linked, SD_PATIENT_LINKED, SD_PATIENT) * ~constant
    noise = np.where(linked, SD_SAMPLE_LINKED, SD_SAMPLE) * ~constant
    prevalence = np.array([compound.prevalence for compound in chosen])
    levels: dict[str, list[float | None]] = {compound.name: [] for compound in chosen}
    states: dict[str, tuple[np.random.Generator, np.ndarray, np.ndarray]] = {}
    for sample in stool.values():
        patient = sample["patient_id"]
        if patient not in states:
            # one stream per patient: adding a patient leaves the others' levels as they are
            rng = np.random.default_rng([STREAM, truth["seed"], 3, int(patient.removeprefix("P"))])
            states[patient] = (rng, rng.normal(0.0, 1.0, len(chosen)) * spread, rng.random(len(chosen)) < prevalence)
        rng, state, has = states[patient]
        shifts = state + rng.normal(0.0, 1.0, len(chosen)) * noise
        side = 0.5 if truth["patients"][patient]["response"] == "R" else -0.5
        for number, compound in enumerate(chosen):
            level = compounds[compound.name]["base"] + shifts[number]
            level += side * EFFECTS["baseline"].get(compound.name, 0.0)
            if sample["timepoint"] == "POST":
                level += EFFECTS["change"].get(compound.name, 0.0)
                level += side * EFFECTS["response_change"].get(compound.name, 0.0)
            if compound.name in drivers:
                link = drivers[compound.name]
                level += link.slope * float(np.log2(sample["composition"][link.species] / LINK_REFERENCE))
            levels[compound.name].append(round(float(level), 4) if has[number] else None)
    return levels

"""Cohorts at the level of one feature table, with known truth: made in milliseconds, for calibration.

Patients sit in cohorts and batches, some took antibiotics, the response rate differs between cohorts, some have no
POST sample. On the log2 scale the amount of feature j in sample (i, t) is

``mean_j + sd_j (between_ij + within_ijt) + cohort + batch + antibiotics + effect``

with between and within standard normal apart from a shared part (``correlation``): features go together in groups, as
in real data. Species are then drawn as reads of a multinomial from these amounts, after structural zeros; intensities
lose some values at random; genes are negative binomial counts.
"""

from dataclasses import dataclass, replace

import anndata as ad
import numpy as np
import pandas as pd

from gutaxis.layers.build import build_layer

#: SD of log2 abundance between patients and of the paired change, species on the TOPOSCORE cohort: 2.6 and 2.2.
TOTAL_SD, CHANGE_SD = 2.6, 2.2
#: SD of one sample between patients, log2 (scores: SD); half a log2 unit is common for genes of a cell type.
TYPICAL_SD = {"compositional": TOTAL_SD, "log_intensity": 1.0, "continuous": 1.0, "counts": 0.5}
UNITS = {"compositional": "fraction", "log_intensity": "log2 intensity", "continuous": "score", "counts": "counts"}
LATENT = 4


@dataclass(frozen=True, kw_only=True)
class TableSettings:
    """What to simulate.

    Parameters
    ----------
    kind
        ``compositional`` (species), ``log_intensity`` (metabolites, with gaps), ``continuous`` (the same without) or
        ``counts`` (genes of one or two cell types).
    patients, features
        Size.
    missing_post
        Share of patients without a POST sample.
    response_share
        Mean share of responders; it is higher in the first cohort and lower in the last.
    cohorts, batches, antibiotics
        Number of cohorts and batches (both samples of a patient share a batch); share of patients with antibiotics.
    nuisance
        Size of the effects of cohort, batch and antibiotics, each on a third of the features, in SD.
    estimand
        Where the effect is planted: ``baseline`` (responders, both samples), ``post`` and ``response_change``
        (responders, POST), ``change`` (all, POST), ``survival`` (hazard per SD of the PRE value).
    changed, effect
        Share of features changed, and by how much: in SD of what the contrast compares (one sample, or the change of a
        patient). ``survival``: log hazard ratio per SD, over the square root of the number of changed features.
    up
        Share of the changed features that rise.
    time_effect
        Change from PRE to POST of half the features, SD of a change: a nuisance for all contrasts but ``change``.
    correlation
        Share of the variance that features have in common.
    zeros
        Mean share of patients in whom a species is absent (``compositional`` only).
    depth
        Median reads of a sample (``compositional`` only).
    """

    kind: str = "compositional"
    patients: int = 48
    features: int = 100
    missing_post: float = 0.0
    response_share: float = 0.4
    cohorts: int = 3
    batches: int = 2
    antibiotics: float = 0.2
    nuisance: float = 0.5
    estimand: str = "baseline"
    changed: float = 0.0
    effect: float = 0.0
    up: float = 0.75
    time_effect: float = 0.0
    correlation: float = 0.1
    zeros: float = 0.2
    depth: float = 500_000.0


@dataclass(frozen=True, kw_only=True)
class SimulatedTable:
    """A layer, its outcomes and the truth.

    Parameters
    ----------
    kind
        Of the layer.
    values
        Samples x features.
    observations
        Index sample_id: what the layer's samples carry.
    outcomes
        Index sample_id: response, pfs2_days, pfs2_cnsr.
    truth
        Index feature: changed, effect (log2 units or log hazard ratio per SD), sd (of the estimand's quantity, log2).
    """

    kind: str
    values: pd.DataFrame
    observations: pd.DataFrame
    outcomes: pd.DataFrame
    truth: pd.DataFrame

    def joined(self) -> pd.DataFrame:
        """Return samples with outcomes, as the designs take them."""
        return self.observations.join(self.outcomes)

    def layer(self, *, name: str = "simulated") -> ad.AnnData:
        """Return the layer as every rule sees it: without outcomes."""
        return build_layer(
            values=self.values, observations=self.observations, name=name, arm="simulated", kind=self.kind,
            unit=UNITS[self.kind],
        )  # fmt: skip


def simulate_table(*, settings: TableSettings, seed: int | list[int]) -> SimulatedTable:
    """Simulate one cohort.

    Parameters
    ----------
    settings
        What to simulate.
    seed
        Of numpy's default generator; the same seed and settings give the same numbers.

    Returns
    -------
    SimulatedTable
        PRE and POST samples of every patient, but for the missing POST.
    """
    generator = np.random.default_rng(seed)
    patients = _patients(settings=settings, generator=generator)
    changed, signs = _truth(settings=settings, generator=generator)
    within_sd = CHANGE_SD / np.sqrt(2) / TOTAL_SD
    spread = generator.lognormal(0.0, 0.3, settings.features)
    unit = spread * TYPICAL_SD[settings.kind]
    between = _normal(settings=settings, generator=generator) * np.sqrt(1 - within_sd**2)
    within = [_normal(settings=settings, generator=generator) * within_sd for _ in range(2)]
    quantity = unit * (CHANGE_SD / TOTAL_SD if settings.estimand in {"change", "response_change"} else 1.0)
    planted = settings.effect * quantity * signs * changed
    log2 = [unit * (between + noise) for noise in within]
    if settings.estimand == "survival":
        planted = settings.effect * signs * changed / np.sqrt(max(1, changed.sum()))
        patients = patients.assign(hazard=(between + within[0]) @ planted)
    nuisance = unit * _nuisance(settings=settings, patients=patients, generator=generator)
    moved = (np.arange(settings.features) % 2 == 0) * settings.time_effect * unit * CHANGE_SD / TOTAL_SD
    responder = (patients["response"] == "R").to_numpy(float)[:, None]
    means = generator.normal(0.0, 2.0 if settings.kind == "compositional" else 1.0, settings.features)
    for time in range(2):
        log2[time] = means + log2[time] + nuisance + time * moved
    if settings.estimand == "baseline":
        log2 = [values + responder * planted for values in log2]
    elif settings.estimand in {"post", "response_change"}:
        log2[1] = log2[1] + responder * planted
    elif settings.estimand == "change":
        log2[1] = log2[1] + planted
    names = _names(settings)
    values = _measured(log2=np.concatenate(log2), settings=settings, generator=generator)
    observations, outcomes = _samples(patients=patients, settings=settings, generator=generator)
    table = pd.DataFrame(values, index=observations.index, columns=names)
    present = observations["present"].to_numpy()
    truth = pd.DataFrame({"changed": changed, "effect": planted, "sd": quantity}, index=pd.Index(names, name="feature"))
    return SimulatedTable(
        kind=settings.kind, values=table[present], observations=observations.loc[present].drop(columns="present"),
        outcomes=outcomes[present], truth=truth,
    )  # fmt: skip


def null(settings: TableSettings) -> TableSettings:
    """Return the settings without the planted effect; nuisance and time effect stay."""
    return replace(settings, changed=0.0, effect=0.0)


def balanced(responder: np.ndarray, *, generator: np.random.Generator, fewest: int = 4) -> np.ndarray:
    """Return responders with at least ``fewest`` of each answer, others switched at random: no test is refused."""
    responder = responder.copy()
    for answer in (True, False):
        lacking = fewest - int((responder == answer).sum())
        if lacking > 0:
            responder[generator.choice(np.flatnonzero(responder != answer), lacking, replace=False)] = answer
    return responder


def _names(settings: TableSettings) -> list[str]:
    if settings.kind == "counts":
        # dispersions borrow strength within a cell type: thirty genes at least
        types = ("CD8_T", "Monocyte")[: max(1, min(2, settings.features // 30))]
        return [f"{types[at % len(types)]}|GENE{at + 1:04d}" for at in range(settings.features)]
    return [f"F{at + 1:04d}" for at in range(settings.features)]


def _patients(*, settings: TableSettings, generator: np.random.Generator) -> pd.DataFrame:
    """Return patients with cohort, batch, antibiotics and response; at least four of each response."""
    n = settings.patients
    names = [f"P{number + 1:03d}" for number in range(n)]
    cohort = np.arange(n) % settings.cohorts
    slope = np.linspace(0.1, -0.1, settings.cohorts) if settings.cohorts > 1 else np.zeros(1)
    responder = balanced(generator.random(n) < settings.response_share + slope[cohort], generator=generator)
    return pd.DataFrame(
        {
            "patient_id": names,
            "cohort": [f"C{at + 1}" for at in cohort],
            "batch": [f"B{at + 1}" for at in generator.integers(settings.batches, size=n)],
            "antibiotics": np.where(generator.random(n) < settings.antibiotics, "Y", "N"),
            "response": np.where(responder, "R", "NR"),
            "hazard": 0.0,
        }
    )


def _truth(*, settings: TableSettings, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return which features change, and +1 or -1 for each."""
    number = round(settings.changed * settings.features)
    changed = np.zeros(settings.features, dtype=bool)
    changed[generator.choice(settings.features, number, replace=False)] = True
    signs = np.ones(settings.features)
    signs[np.flatnonzero(changed)[round(settings.up * number) :]] = -1.0
    return changed, signs


def _normal(*, settings: TableSettings, generator: np.random.Generator) -> np.ndarray:
    """Return patients x features, standard normal, with a shared part through a few latent factors."""
    own = generator.standard_normal((settings.patients, settings.features))
    factors = generator.standard_normal((settings.patients, LATENT))
    loading = generator.standard_normal((LATENT, settings.features))
    loading /= np.linalg.norm(loading, axis=0)
    return np.sqrt(1 - settings.correlation) * own + np.sqrt(settings.correlation) * factors @ loading


def _nuisance(*, settings: TableSettings, patients: pd.DataFrame, generator: np.random.Generator) -> np.ndarray:
    """Return patients x features: what cohort, batch and antibiotics add, in SD."""
    total = np.zeros((settings.patients, settings.features))
    for name in ("cohort", "batch", "antibiotics"):
        codes, levels = pd.factorize(patients[name], sort=True)
        touched = generator.random(settings.features) < 1 / 3
        shift = generator.standard_normal((len(levels), settings.features)) * touched
        total += settings.nuisance * shift[codes]
    return total


def _measured(*, log2: np.ndarray, settings: TableSettings, generator: np.random.Generator) -> np.ndarray:
    """Return what the assay shows of amounts, (2 x patients) x features."""
    if settings.kind == "continuous":
        return log2
    if settings.kind == "log_intensity":
        return np.where(generator.random(log2.shape) < 0.03, np.nan, 16.0 + log2)
    if settings.kind == "counts":
        size = generator.lognormal(0.0, 0.4, (len(log2), 1))
        mean = 60.0 * size * 2.0**log2
        dispersion = 0.05 + 0.5 / (5.0 + 60.0 * 2.0 ** log2.mean(axis=0))
        return generator.poisson(mean * generator.gamma(1 / dispersion, dispersion, log2.shape)).astype(float)
    # a species that a patient does not carry is absent in both samples
    absent = generator.beta(settings.zeros * 2.0, (1 - settings.zeros) * 2.0, log2.shape[1]) if settings.zeros else 0.0
    carried = np.tile(generator.random((settings.patients, log2.shape[1])) >= absent, (2, 1))
    carried[np.arange(len(log2)), log2.argmax(axis=1)] = True
    amounts = 2.0**log2 * carried
    reads = np.round(generator.lognormal(np.log(settings.depth), 0.4, len(log2))).astype(np.int64)
    counts = generator.multinomial(reads, amounts / amounts.sum(axis=1, keepdims=True))
    return counts / counts.sum(axis=1, keepdims=True)


def _samples(
    *, patients: pd.DataFrame, settings: TableSettings, generator: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return samples, PRE of all patients and then POST, and their outcomes, in the same order."""
    n = settings.patients
    # median PFS2 of three months; follow-up ends between 180 and 400 days
    time = generator.exponential(130.0, n) * np.exp(-patients["hazard"].to_numpy())
    end = generator.uniform(180.0, 400.0, n)
    missing = generator.random(n) < settings.missing_post
    both = pd.concat([patients.assign(timepoint=point) for point in ("PRE", "POST")], ignore_index=True)
    both["present"] = np.concatenate([np.ones(n, dtype=bool), ~missing])
    both["pair_status"] = np.tile(np.where(missing, "PRE_ONLY", "PAIRED"), 2)
    both["days_from_ildr"] = np.where(both["timepoint"] == "PRE", -3.0, 21.0)
    both["depth_or_cells"] = np.round(generator.lognormal(np.log(settings.depth), 0.4, 2 * n))
    both.index = pd.Index(both["patient_id"] + "_" + both["timepoint"], name="sample_id")
    outcomes = both[["response"]].assign(
        pfs2_days=np.tile(np.ceil(np.minimum(time, end)), 2), pfs2_cnsr=np.tile((time > end).astype(float), 2)
    )
    return both.drop(columns=["response", "hazard"]), outcomes

"""Run a shipped test on many tables with known truth, and count its errors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.simulate.implants import RealTable, implant, read_real
from gutaxis.simulate.tables import SimulatedTable, TableSettings, simulate_table
from gutaxis.stats.design import Design, contrast_design
from gutaxis.stats.results import adjust

ALPHA = 0.05
#: A permutation p of exactly 0.05 is a rejection; 10 / 200 must not fall on the other side by rounding.
SLACK = 1e-12
#: What is counted in one data set; NaN where it does not apply.
COUNTED = ("type_i", "any_hit", "fdp", "power", "coverage", "single_power")
COVARIATES = ("cohort", "antibiotics")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a test says about one data set; arrays over features (or one value for a test of the whole table).

    Parameters
    ----------
    p
        p values; NaN where there is none.
    ci_low, ci_high
        95 % intervals; None where the test has none, or none of the simulated effect.
    features
        Names; the truth is looked up by them. None: a test of the whole table.
    """

    p: np.ndarray
    ci_low: np.ndarray | None = None
    ci_high: np.ndarray | None = None
    features: Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """A test of this package as the calibration sees it.

    Parameters
    ----------
    name
        ``method`` of its results.
    contrast, scheme, kind
        What it compares, on which design, from which kind of layer.
    primary
        Whether the package reports it as primary; the targets bind these.
    run
        (table, design, seed) -> :class:`Answer`.
    features
        Features of a simulated table.
    weight
        Relative replicates: slow tests get fewer of what is not bound to 1,000.
    whole
        Whether it tests the whole table (alpha diversity, distances), not each feature.
    planted
        Whether the effects the simulator plants are effects for a test of the whole table.
    """

    name: str
    contrast: str
    scheme: str
    kind: str
    primary: bool
    run: Callable[[SimulatedTable, Design, int], Answer]
    features: int = 100
    weight: float = 1.0
    whole: bool = False
    planted: bool = False

    @property
    def key(self) -> str:
        """Unique name."""
        return f"{self.name} {self.contrast} {self.scheme}"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Where data sets come from.

    Parameters
    ----------
    source
        ``simulated`` or a table of :mod:`gutaxis.simulate.implants`.
    patients, changed, effect
        As :class:`gutaxis.simulate.tables.TableSettings`.
    time_effect
        Nuisance change from PRE to POST of half the features, in SD.
    """

    source: str = "simulated"
    patients: int = 48
    changed: float = 0.0
    effect: float = 0.0
    time_effect: float = 0.0

    @property
    def null(self) -> bool:
        """Whether nothing is planted."""
        return self.changed == 0.0 or self.effect == 0.0


@dataclass(frozen=True, kw_only=True)
class Task:
    """Data sets ``start`` to ``stop`` of a scenario, and the tests that are run on each of them.

    Parameters
    ----------
    counts
        Key of a test and its number of data sets: data set i goes to the tests with more than i.
    scenario, start, stop
        Which data sets.
    seed
        Of the run.
    data
        Public data folder, for real sources.
    """

    counts: tuple[tuple[str, int], ...]
    scenario: Scenario
    start: int
    stop: int
    seed: int
    data: str | None


@cache
def real_tables(data: str) -> dict[str, RealTable]:
    """Return the public tables, read once per process."""
    return dict(read_real(data=Path(data)))


def make_table(*, shipped: Shipped, scenario: Scenario, seed: list[int], data: str | None) -> SimulatedTable:
    """Return one data set for a test.

    Parameters
    ----------
    shipped, scenario
        What and where. The scheme ``mixed`` gets 15 % patients without POST, the others none.
    seed
        Of the data set.
    data
        Public data folder, for real sources.
    """
    common = {
        "patients": scenario.patients, "features": shipped.features, "estimand": shipped.contrast,
        "changed": scenario.changed, "effect": scenario.effect,
        "missing_post": 0.15 if shipped.scheme == "mixed" else 0.0,
    }  # fmt: skip
    if scenario.source == "simulated":
        settings = TableSettings(kind=shipped.kind, time_effect=scenario.time_effect, **common)
        return simulate_table(settings=settings, seed=seed)
    return implant(real=real_tables(data or "")[scenario.source], seed=seed, **common)


def run_task(*, tests: Mapping[str, Shipped], task: Task) -> dict[str, np.ndarray]:
    """Return what was counted for each test, data sets x ``COUNTED``.

    Tests of the same contrast, scheme and kind of layer share their data sets, which takes a third of the time.

    Parameters
    ----------
    tests
        By key; those of the task have the same contrast, scheme, kind and number of features.
    task
        What to run. Data set i of a scenario is the same whatever else is run: its seed is made of the run's seed, what
        is compared, the scenario, and i.
    """
    found: dict[str, list[list[float]]] = {key: [] for key, _ in task.counts}
    shipped = tests[task.counts[0][0]]
    name = f"{shipped.contrast}|{shipped.scheme}|{shipped.kind}|{shipped.features}|{task.scenario}"
    label = int.from_bytes(sha256(name.encode()).digest()[:6], "big")
    for replicate in range(task.start, task.stop):
        seed = [task.seed, label, replicate]
        table = make_table(shipped=shipped, scenario=task.scenario, seed=seed, data=task.data)
        design = contrast_design(
            contrast=shipped.contrast,
            observations=table.joined(),
            covariates=COVARIATES,
            pairs={"difference": "differences", "mixed": "mixed"}.get(shipped.scheme, "auto"),
        )
        for key, count in task.counts:
            if replicate >= count:
                continue
            if design.refusal:
                found[key].append([np.nan] * len(COUNTED))
                continue
            answer = tests[key].run(table, design, int(np.random.default_rng(seed).integers(2**31)))
            found[key].append(counted(tested=answer, truth=table.truth, null=task.scenario.null))
    return {key: np.array(rows, dtype=float).reshape(-1, len(COUNTED)) for key, rows in found.items()}


def counted(*, tested: Answer, truth: pd.DataFrame, null: bool) -> list[float]:
    """Count the errors of one data set.

    Parameters
    ----------
    tested
        Of the data set.
    truth
        Of the data set.
    null
        Whether nothing was planted in it.

    Returns
    -------
    list
        As ``COUNTED``: share of unchanged features with p <= 0.05; whether anything has q < 0.05 (null only); false
        among q < 0.05 (0 if there are none); share of the changed ones with q < 0.05 (a changed feature without a
        result is missed); share of intervals that hold the truth; for a test of the whole table, whether p <= 0.05
        where something was planted.
    """
    p = np.asarray(tested.p, dtype=float)
    has = np.isfinite(p)
    if tested.features is None:
        hit = float(np.mean(p[has] <= ALPHA + SLACK)) if has.any() else np.nan
        if not null:
            return [np.nan] * 5 + [hit]
        covered = np.nan
        if tested.ci_low is not None and tested.ci_high is not None and has.any():
            covered = float(np.mean((tested.ci_low[has] <= 0) & (tested.ci_high[has] >= 0)))
        return [hit, np.nan, np.nan, np.nan, covered, np.nan]
    known = truth.loc[list(tested.features)]
    changed = known["changed"].to_numpy(dtype=bool)
    hits = np.nan_to_num(adjust(p=p), nan=1.0) < ALPHA
    unchanged = has & ~changed
    type_i = float(np.mean(p[unchanged] <= ALPHA + SLACK)) if unchanged.any() else np.nan
    coverage = np.nan
    if tested.ci_low is not None and tested.ci_high is not None:
        finite = np.isfinite(tested.ci_low) & np.isfinite(tested.ci_high)
        effect = known["effect"].to_numpy()[finite]
        if finite.any():
            coverage = float(np.mean((tested.ci_low[finite] <= effect) & (effect <= tested.ci_high[finite])))
    if null:
        return [type_i, float(hits.any()), np.nan, np.nan, coverage, np.nan]
    fdp = float((hits & ~changed).sum() / max(1, hits.sum()))
    power = float((hits & changed).sum() / max(1, truth["changed"].sum()))
    return [type_i, np.nan, fdp, power, coverage, np.nan]

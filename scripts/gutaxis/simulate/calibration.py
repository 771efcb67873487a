"""Calibration of every shipped test: level, false discovery proportion, coverage of its interval, power.

``python -m gutaxis.simulate.calibration --out docs/calibration.md`` runs everything on simulated tables and, where the
public data are, on real tables with drawn labels; it writes the page, its figures and ``results.tsv``. ``--quick`` runs
a few replicates of everything in under a minute: it shows that the machinery works, and its numbers mean little.

The targets are those of the project, never adapted to a method: see :data:`TARGETS`.
"""

import argparse
import math
import os
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.files import write_tsv
from gutaxis.simulate.calibration_report import write_report
from gutaxis.simulate.calibration_run import COUNTED, Scenario, Shipped, Task, run_task
from gutaxis.simulate.calibration_tests import shipped_tests

SEED = 20261123
#: measure -> lowest and highest value allowed for a primary test; ``fdp`` by the share of features changed.
TARGETS = {
    ("type_i", 0.0): (0.035, 0.065),
    ("coverage", 0.0): (0.93, 0.97),
    ("coverage", 0.1): (0.93, 0.97),
    ("fdp", 0.1): (0.0, 0.06),
    ("fdp", 0.3): (0.0, 0.08),
}
#: Targets bind simulated tables of this size with effects of this size; other rows are there to be read.
BOUND_PATIENTS, BOUND_EFFECT = 48, 1.0
SIZES = (24, 48, 96)
#: With fewer data sets nothing is judged.
FEWEST_JUDGED = 40
#: Features of all tables with planted changes together, at least, where a target binds.
FEWEST_CHANGEABLE = 12_000
#: Tests of less weight than this are run on tables of one size only.
SLOW = 0.5
CHUNK = 25
RESULTS = [
    "test", "contrast", "scheme", "kind", "primary", "source", "patients", "changed", "effect", "time_effect",
    "measure", "replicates", "value", "mc_low", "mc_high", "target_low", "target_high", "verdict",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How many data sets of each scenario a test gets."""

    shipped: Shipped
    scenarios: tuple[tuple[Scenario, int], ...]


def plans(*, sources: Iterable[str], quick: bool = False, only: str = "", share: float = 1.0) -> list[Plan]:
    """Return what is run.

    Parameters
    ----------
    sources
        Names of the real tables at hand.
    quick
        Few replicates, one size.
    only
        Tests whose key contains this text.
    share
        Part of the replicates, for a look in between.
    """
    made = []
    for shipped in shipped_tests().values():
        if only not in shipped.key:
            continue
        chosen = _whole(shipped) if shipped.whole else _featurewise(shipped)
        chosen += _real(shipped, set(sources))
        if quick:
            chosen = [(scenario, 2) for scenario, _ in chosen if scenario.patients == BOUND_PATIENTS][:3]
        elif share != 1.0:
            chosen = [(scenario, math.ceil(count * share)) for scenario, count in chosen]
        made.append(Plan(shipped=shipped, scenarios=tuple((scenario, count) for scenario, count in chosen if count)))
    return made


def _featurewise(shipped: Shipped) -> list[tuple[Scenario, int]]:
    """Return scenarios of a test of every feature: nulls of three sizes, signals, a power curve."""
    moved = 0.5 if shipped.contrast == "response_change" else 0.0
    less = shipped.weight
    rows = [(Scenario(time_effect=moved), 1000 if shipped.primary else 300)]
    # few features hold few changed ones: a share of false discoveries among three needs more tables to be known
    signals = max(round(400 * less), FEWEST_CHANGEABLE // shipped.features if shipped.primary else 0)
    rows += [(Scenario(changed=share, effect=1.0, time_effect=moved), signals) for share in (0.1, 0.3)]
    if shipped.primary and less >= SLOW:
        rows += [(Scenario(patients=n, time_effect=moved), round(200 * less)) for n in SIZES if n != BOUND_PATIENTS]
        rows += [
            (Scenario(patients=n, changed=0.1, effect=effect, time_effect=moved), round(60 * less))
            for n in SIZES
            for effect in (0.5, 1.0, 1.5)
            if (n, effect) != (BOUND_PATIENTS, BOUND_EFFECT)
        ]
    return rows


def _whole(shipped: Shipped) -> list[tuple[Scenario, int]]:
    """Return scenarios of a test of the whole table: one p value each, so more nulls."""
    moved = (1.5 if shipped.planted else 0.5) if shipped.contrast == "response_change" else 0.0
    rows = [(Scenario(time_effect=moved), 2000), (Scenario(patients=24, time_effect=moved), 400)]
    if shipped.planted:
        rows += [(Scenario(patients=n, changed=0.3, effect=1.0, time_effect=moved), 100) for n in SIZES]
    return rows


def _real(shipped: Shipped, sources: set[str]) -> list[tuple[Scenario, int]]:
    """Return scenarios on real tables of the same kind; one sample per patient allows no paired contrast."""
    fitting = {"compositional": ("lee", "hmp2"), "log_intensity": ("mtbls79",)}.get(shipped.kind, ())
    rows = []
    for name in fitting:
        if name not in sources or (name == "lee" and shipped.contrast not in {"baseline", "survival"}):
            continue
        rows.append((Scenario(source=name), round(200 * shipped.weight)))
        if not shipped.whole and shipped.contrast != "survival":
            rows.append((Scenario(source=name, changed=0.1, effect=1.0), round(100 * shipped.weight)))
    return rows


def tasks_of(*, plan: Iterable[Plan], data: str | None, seed: int) -> list[Task]:
    """Put tests that share their data sets together, and cut them into tasks of at most ``CHUNK`` data sets."""
    groups: dict[tuple[object, ...], list[tuple[str, int]]] = {}
    for item in plan:
        shipped = item.shipped
        for scenario, count in item.scenarios:
            same = (shipped.contrast, shipped.scheme, shipped.kind, shipped.features, scenario)
            groups.setdefault(same, []).append((shipped.key, count))
    tasks = []
    for (*_, scenario), counts in groups.items():
        most = max(count for _, count in counts)
        for start in range(0, most, CHUNK):
            wanted = tuple((key, count) for key, count in counts if count > start)
            stop = min(start + CHUNK, most)
            tasks.append(Task(counts=wanted, scenario=scenario, start=start, stop=stop, seed=seed, data=data))
    return tasks


def run_one(task: Task) -> dict[str, np.ndarray]:
    """Run a task in a worker process."""
    return run_task(tests=shipped_tests(), task=task)


def run(*, plan: Sequence[Plan], data: str | None, seed: int = SEED, cores: int = 1) -> pd.DataFrame:
    """Run plans and summarise what was counted.

    Parameters
    ----------
    plan
        From :func:`plans`.
    data
        Public data folder, or None.
    seed
        Of the whole run. Every data set has a stream of its own, so neither ``cores`` nor a filter changes a number.
    cores
        Processes.

    Returns
    -------
    pandas.DataFrame
        ``RESULTS``.
    """
    tasks = tasks_of(plan=plan, data=data, seed=seed)
    if cores == 1:
        counts = [run_one(task) for task in tasks]
    else:
        counts = []
        with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
            for done, part in enumerate(pool.map(run_one, tasks, chunksize=1), start=1):
                counts.append(part)
                if done % 100 == 0:
                    print(f"{done} of {len(tasks)} tasks", file=sys.stderr, flush=True)
    found: dict[tuple[str, Scenario], list[np.ndarray]] = {}
    for task, by_test in zip(tasks, counts, strict=True):
        for key, part in by_test.items():
            found.setdefault((key, task.scenario), []).append(part)
    rows = []
    for item in plan:
        for scenario, _ in item.scenarios:
            parts = np.concatenate(found[item.shipped.key, scenario])
            rows += summary(shipped=item.shipped, scenario=scenario, counts=parts)
    return pd.DataFrame(rows, columns=RESULTS)


def summary(*, shipped: Shipped, scenario: Scenario, counts: np.ndarray) -> list[list[object]]:
    """Return one row per measure: its mean over the data sets and the 95 % Monte-Carlo interval of that mean.

    Parameters
    ----------
    shipped, scenario
        What was run.
    counts
        Replicates x ``COUNTED``. The data set is the unit: features of one data set are not independent.

    Returns
    -------
    list
        Rows of ``RESULTS``. ``verdict``: met or MISSED where a target binds, else empty. The verdict is on the mean.
    """
    rows: list[list[object]] = []
    for column, measure in enumerate(COUNTED):
        values = counts[:, column]
        values = values[np.isfinite(values)]
        if not len(values):
            continue
        mean = float(values.mean())
        half = 1.96 * float(values.std(ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else np.nan
        low, high = TARGETS.get((measure, scenario.changed if not scenario.null else 0.0), (np.nan, np.nan))
        bound = (
            shipped.primary
            and scenario.source == "simulated"
            and scenario.patients == BOUND_PATIENTS
            and (scenario.null or scenario.effect == BOUND_EFFECT)
            and len(values) >= FEWEST_JUDGED
        )
        verdict = ("met" if low <= mean <= high else "MISSED") if bound and np.isfinite(high) else ""
        rows.append(
            [
                shipped.name, shipped.contrast, shipped.scheme, shipped.kind, shipped.primary, scenario.source,
                scenario.patients, scenario.changed, scenario.effect, scenario.time_effect, measure, len(values), mean,
                max(0.0, mean - half), min(1.0, mean + half), low, high, verdict,
            ]
        )  # fmt: skip
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, run, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="page to write; figures go into the folder of its name")
    parser.add_argument("--data", type=Path, default=os.environ.get("GUTAXIS_REALDATA"), help="folder of public data")
    parser.add_argument("--quick", action="store_true", help="two data sets per scenario")
    parser.add_argument("--share", type=float, default=1.0, help="part of the data sets to run, 0 to 1")
    parser.add_argument("--only", default="", help="tests whose name contains this text")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=SEED)
    chosen = parser.parse_args(arguments)
    # each worker computes alone: several BLAS threads per worker would only fight for the cores
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")
    started = time.monotonic()
    data = Path(chosen.data) if chosen.data else None
    folders = {"lee": "ici_metagenome", "hmp2": "hmp2", "mtbls79": "metabolomics/MTBLS79"}
    sources = [name for name, folder in folders.items() if data is not None and (data / folder).is_dir()]
    plan = plans(sources=sources, quick=chosen.quick, only=chosen.only, share=chosen.share)
    results = run(plan=plan, data=str(data) if data else None, seed=chosen.seed, cores=chosen.cores)
    write_tsv(results, chosen.out.with_suffix("") / "results.tsv", digits=5)
    extent = {"quick": chosen.quick, "share": chosen.share}
    write_report(results=results, out=chosen.out, seed=chosen.seed, sources=sources, **extent)
    missed = results[results["verdict"] == "MISSED"]
    print(f"{int((results['verdict'] == 'met').sum())} targets met, {len(missed)} missed", end=" ")
    print(f"in {time.monotonic() - started:.0f} s; see {chosen.out.name}")
    for row in missed.itertuples():
        print(f"  {row.test} {row.contrast} {row.scheme}: {row.measure} {row.value:.3f}")


if __name__ == "__main__":
    main()

"""The whole procedure on shuffled outcomes: what it finds where there is nothing to find."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from gutaxis.predict.folds import shuffled
from gutaxis.predict.inputs import Block, Spec
from gutaxis.predict.metrics import Pairs, concordance, delong_variance, jackknife_variance, roc
from gutaxis.predict.nested import cross_validate
from gutaxis.predict.settings import NESTED, Settings
from gutaxis.predict.targets import Target

#: False positive rates of the curves.
GRID = np.linspace(0, 1, 101)


@dataclass(frozen=True, kw_only=True)
class Null:
    """Shuffled runs of one model in one scheme.

    Parameters
    ----------
    estimates, variances
        Shape (B,); NaN where nothing could be compared.
    curves
        Shape (B, 101), sensitivity on :data:`GRID`; no row for schemes other than nested_cv and for PFS2.
    """

    estimates: np.ndarray
    variances: np.ndarray
    curves: np.ndarray

    def p_value(self, *, observed: float) -> float:
        """Return (1 + runs at least as good) / (1 + runs); NaN without runs."""
        known = self.estimates[np.isfinite(self.estimates)]
        if not len(known) or not np.isfinite(observed):
            return float("nan")
        return float((1 + (known >= observed - 1e-12).sum()) / (1 + len(known)))


def pair_variance(*, pairs: Pairs, target: Target) -> float:
    """Return the variance of the concordance: DeLong's for response, the jackknife for PFS2."""
    make = delong_variance if target.time is None else jackknife_variance
    return make(pairs=pairs, groups=target.groups)


def shuffled_runs(
    *, blocks: Mapping[str, Block], target: Target, specs: Sequence[Spec], settings: Settings, seed: int,
    threads: int = 1,
) -> dict[tuple[Spec, str], Null]:  # fmt: skip
    """Repeat the cross-validation with outcomes that whole patients exchanged within their cohort.

    Folds are dealt anew for every shuffle, by the same rule; tuning, filters and fusion are learned again. What the
    cohort alone tells about the outcome stays, so that a model which recognises cohorts is not taken for a finding.

    Parameters
    ----------
    blocks, target, specs, settings
        Of the observed run.
    seed
        Same seed, same shuffles, whatever the number of threads.
    threads
        Processes.
    """
    numbers = np.arange(settings.permutations)
    jobs = max(1, min(threads, len(numbers)))
    # one process works in this one: its compiled code is there already
    parts = np.array_split(numbers, jobs * 4) if jobs > 1 else [numbers]
    made = Parallel(n_jobs=jobs)(
        delayed(_some)(blocks, target, specs, settings, [(seed, number) for number in part.tolist()])
        for part in parts
        if len(part)
    )
    rows = [row for part in made for row in part]
    # without a shuffled run every model has an empty null, not none
    schemes = [(spec, scheme) for spec in specs for scheme in settings.schemes]
    keys = sorted({key for row in rows for key in row} if rows else schemes)
    found = {}
    for key in keys:
        cells = [row.get(key, (np.nan, np.nan, None)) for row in rows]
        curves = [curve for _, _, curve in cells if curve is not None]
        found[key] = Null(
            estimates=np.array([cell[0] for cell in cells]), variances=np.array([cell[1] for cell in cells]),
            curves=np.array(curves) if curves else np.zeros((0, len(GRID))),
        )  # fmt: skip
    return found


def _some(
    blocks: Mapping[str, Block], target: Target, specs: Sequence[Spec], settings: Settings,
    seeds: Sequence[tuple[int, int]],
) -> list[dict[tuple[Spec, str], tuple[float, float, np.ndarray | None]]]:  # fmt: skip
    """Return the shuffled runs of the given seeds and numbers."""
    made = []
    with threadpool_limits(limits=1):
        for seed, number in seeds:
            rng = np.random.default_rng([seed, 2, number])
            moved = target.moved(source=shuffled(groups=target.groups, strata=target.strata, rng=rng))
            runs = cross_validate(blocks=blocks, target=moved, specs=specs, settings=settings, seed=[seed, 3, number])
            row = {}
            for key, run in runs.items():
                pairs = run.counter.pairs
                value = concordance(pairs=pairs)
                drawn = target.time is None and key[1] == NESTED and np.isfinite(value)
                curve = roc(pairs=pairs, grid=GRID) if drawn else None
                row[key] = (value, pair_variance(pairs=pairs, target=moved), curve)
            made.append(row)
    return made

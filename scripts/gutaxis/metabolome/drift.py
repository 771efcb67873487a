"""Drift within batches and steps between them, by the pooled QCs alone, with what held-out QCs say about it.

Everything here is in log2. A batch with enough QCs gets a LOESS curve of the QCs over the run order; fewer QCs cannot
tell drift from noise and only move the batch as a whole. No study sample has a say in a curve, and no timepoint or
outcome is seen.

Why held-out values: a curve that follows every QC makes the QCs agree perfectly and helps no study sample. So each QC
is also corrected by a curve that never saw it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gutaxis.metabolome.loess import leave_one_out_weights, loess_weights

#: Shares of a batch's QCs that a point of the curve looks at; above 1 all of them, with ever more equal weights. In
#: order: among equals the smoothest is taken.
SPANS = (0.5, 0.75, 1.0, 1.5, 3.0)
#: Fewer QCs than this in a batch never make a curve.
FEWEST_QCS = 5
#: A curve has to predict held-out QCs better than a constant by this share, else there is no drift to correct.
GAIN = 0.1
#: Fewest study samples of a batch whose median may stand in where a feature has no QC values.
FEWEST_STUDY = 5
CURVE, SHIFT, STUDY_SHIFT, TYPICAL_SHIFT, NOTHING = "loess", "qc_median", "study_median", "typical_shift", "none"
#: Variance of the median of n standard normal values, n = 1 ... 9; beyond, pi / (2 n) is close.
MEDIAN_VARIANCE = (1.0, 0.5, 0.4487, 0.2982, 0.2868, 0.2147, 0.2104, 0.1682, 0.1661)


@dataclass(frozen=True, kw_only=True)
class Target:
    """Levels that batches are brought to: by feature, log2; NaN where nothing is known.

    Parameters
    ----------
    qc, study
        Median over batches of the medians of the pooled QCs, and of the study samples.
    """

    qc: pd.Series
    study: pd.Series


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """What the correction gives.

    Parameters
    ----------
    values
        Features x injections, log2; the median level of each feature's QCs is kept.
    held_out
        Features x QCs, log2: each QC corrected without itself. NaN at the ends of a curve, where nothing surrounds it.
    spread
        As ``held_out``: sqrt(1 + w'w) of the weights ``w`` that predicted it, so that deviations divided by it have
        the variance of one measurement, without the error of the curve.
    batches
        One row per batch: batch, n_injections, n_qc, n_features (corrected by a curve), method, span, error_constant,
        error_curve (median absolute error of held-out QCs, log2), n_outside (study samples before the first or after
        the last QC of a batch with curves).
    methods
        Features x batches: how each was corrected: ``loess``, ``qc_median``, ``study_median``, ``typical_shift`` (the
        median step of the other features, where a feature has neither QC nor study values enough) or ``none``.
    target
        The levels that the batches were brought to.
    """

    values: pd.DataFrame
    held_out: pd.DataFrame
    spread: pd.DataFrame
    batches: pd.DataFrame
    methods: pd.DataFrame
    target: Target


@dataclass(frozen=True)
class _Work:
    """Arrays that the batches fill one after another: all features x injections, but ``place`` and ``is_study``."""

    x: np.ndarray
    place: np.ndarray
    is_study: np.ndarray
    offsets: np.ndarray
    held: np.ndarray
    spread: np.ndarray


@dataclass(frozen=True)
class _Levels:
    """Medians of each feature in each batch (features x batches) and over the batches."""

    qc: np.ndarray
    qc_reference: np.ndarray
    study: np.ndarray
    study_reference: np.ndarray


def correct_drift(
    *, values: pd.DataFrame, order: pd.Series, batch: pd.Series, qc: pd.Series, study: pd.Series,
    fewest: int = FEWEST_QCS, drift: bool = True, align: bool = True, study_medians: bool = True,
    target: Target | None = None,
) -> Corrected:  # fmt: skip
    """Take drift and batch steps off log2 intensities.

    For feature f in batch b, with curve c_fb(t) over run order t: x - c_fb(t) + r_f, where r_f is the median over
    batches of the medians of the QCs. Where a feature has fewer than ``fewest`` QC values in the batch, or no curve
    predicts the batch's held-out QCs better than a constant does (by :data:`GAIN`), the median of the batch's QCs
    stands in place of the curve. One span serves all features of a batch: that with the least error on held-out QCs.

    Parameters
    ----------
    values
        Features x injections, log2, NaN = missing; the features of one ionisation mode.
    order, batch
        By injection: run order (numbers) and batch. ``order`` may be missing where ``drift`` is False.
    qc, study
        By injection: pooled QC, study sample. Others (blanks) are corrected too and have no say.
    fewest
        QC values that a curve needs, at least 5.
    drift
        Whether curves are fitted; False: batches are only moved as a whole.
    align
        Whether steps between batches are taken off; False: curves are centred at their own batch's level.
    study_medians
        Whether the median of a batch's study samples may align a feature without QC values.
    target
        Levels that earlier batches taught: these batches are brought to them, each by itself. None: the levels are the
        medians over these batches.

    Returns
    -------
    Corrected

    Raises
    ------
    ValueError
        If ``fewest`` is below 5.
    """
    if fewest < FEWEST_QCS:
        raise ValueError(f"a drift curve needs {FEWEST_QCS} QCs or more, not {fewest}")
    x = values.to_numpy(dtype=float)
    is_qc, is_study = (s.reindex(values.columns).to_numpy(dtype=bool) for s in (qc, study))
    names = batch.reindex(values.columns).to_numpy()
    work = _Work(
        x=x, place=order.reindex(values.columns).to_numpy(dtype=float), is_study=is_study,
        offsets=np.zeros_like(x), held=np.full_like(x, np.nan), spread=np.ones_like(x),
    )  # fmt: skip
    batches = sorted(pd.unique(names))
    align = align and (len(batches) > 1 or target is not None)
    levels = _levels(x=x, names=names, batches=batches, is_qc=is_qc, is_study=is_study)
    if target is not None:
        known = {"qc_reference": target.qc, "study_reference": target.study}
        levels = replace(levels, **{name: level.reindex(values.index).to_numpy() for name, level in known.items()})
    methods = np.full((len(x), len(batches)), NOTHING, dtype=object)
    rows = []
    for column, name in enumerate(batches):
        here = np.flatnonzero(names == name)
        qcs = here[is_qc[here]]
        qcs = qcs[np.argsort(work.place[qcs], kind="stable")]
        curved = (np.isfinite(x[:, qcs]).sum(axis=1) >= fewest) & drift
        span, errors = None, (np.nan, np.nan)
        if curved.any():
            span, errors = _best_span(x=x[np.ix_(curved, qcs)], place=work.place[qcs])
        if span is None:
            curved[:] = False
        else:
            level = (levels.qc_reference if align else levels.qc[:, column])[curved]
            _fit_curves(work=work, here=here, qcs=qcs, features=np.flatnonzero(curved), span=span, level=level)
            methods[curved, column] = CURVE
        if align:
            steps, how = _steps(levels=levels, column=column, study_medians=study_medians)
            work.offsets[np.ix_(~curved, here)] = steps[~curved, None]
            methods[~curved, column] = how[~curved]
            moved = np.flatnonzero(~curved & (how == SHIFT))
            _hold_out_medians(work=work, qcs=qcs, features=moved, level=levels.qc_reference[moved])
        else:
            work.held[np.ix_(~curved, qcs)] = 0.0
        rows.append(
            {
                "batch": name, "n_injections": len(here), "n_qc": len(qcs), "n_features": int(curved.sum()),
                "method": pd.Series(methods[:, column]).mode()[0] if len(x) else NOTHING, "span": span,
                "error_constant": errors[0], "error_curve": errors[1],
                "n_outside": 0 if span is None else _n_outside(work=work, here=here, qcs=qcs),
            }
        )  # fmt: skip
    frame = {"index": values.index, "columns": values.columns}
    chosen = values.columns[is_qc]
    return Corrected(
        values=pd.DataFrame(x - work.offsets, **frame),
        held_out=pd.DataFrame(x - work.held, **frame)[chosen],
        spread=pd.DataFrame(work.spread, **frame)[chosen],
        batches=pd.DataFrame(rows),
        methods=pd.DataFrame(methods, index=values.index, columns=batches),
        target=Target(
            qc=pd.Series(levels.qc_reference, index=values.index),
            study=pd.Series(levels.study_reference, index=values.index),
        ),
    )


def _levels(*, x: np.ndarray, names: np.ndarray, batches: list, is_qc: np.ndarray, is_study: np.ndarray) -> _Levels:
    """Return the medians of QCs and of study samples in each batch."""
    qc = np.column_stack([_median(x[:, (names == name) & is_qc]) for name in batches])
    study = np.column_stack([_median(x[:, (names == name) & is_study], fewest=FEWEST_STUDY) for name in batches])
    return _Levels(qc=qc, qc_reference=_median(qc), study=study, study_reference=_median(study))


def _median(x: np.ndarray, *, fewest: int = 1) -> np.ndarray:
    """Return the median of each row, NaN where a row has fewer values than ``fewest``."""
    enough = np.isfinite(x).sum(axis=1) >= fewest
    result = np.full(len(x), np.nan)
    if enough.any():
        result[enough] = np.nanmedian(x[enough], axis=1)
    return result


def _steps(*, levels: _Levels, column: int, study_medians: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return by how much each feature is higher in a batch than over the batches, and what says so."""
    by_qc = levels.qc[:, column] - levels.qc_reference
    by_study = levels.study[:, column] - levels.study_reference
    if not study_medians:
        by_study = np.full_like(by_study, np.nan)
    known = np.where(np.isfinite(by_qc), by_qc, by_study)
    typical = float(np.median(known[np.isfinite(known)])) if np.isfinite(known).any() else 0.0
    steps = np.where(np.isfinite(known), known, typical)
    how = np.select([np.isfinite(by_qc), np.isfinite(by_study)], [SHIFT, STUDY_SHIFT], TYPICAL_SHIFT).astype(object)
    if not np.isfinite(known).any():
        how[:] = NOTHING
    return steps, how


def _n_outside(*, work: _Work, here: np.ndarray, qcs: np.ndarray) -> int:
    """Return how many study samples of a batch lie before its first or after its last QC."""
    first, last = work.place[qcs].min(), work.place[qcs].max()
    place = work.place[here]
    return int((work.is_study[here] & ((place < first) | (place > last))).sum())


def _patterns(x: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield rows that have values in the same columns, and these columns."""
    given = np.isfinite(x)
    kinds, which = np.unique(given, axis=0, return_inverse=True)
    for number, kind in enumerate(kinds):
        yield np.flatnonzero(which.ravel() == number), np.flatnonzero(kind)


def _best_span(*, x: np.ndarray, place: np.ndarray) -> tuple[float | None, tuple[float, float]]:
    """Return the span whose curves predict the inner held-out QCs best, None for a constant; and both errors.

    The error is the median over features of the mean absolute error. The choice is shared by all features, so that it
    cannot adapt to the noise of one.
    """
    errors: dict[float | None, list[np.ndarray]] = {key: [] for key in (None, *SPANS)}
    for rows, columns in _patterns(x):
        y, t = x[np.ix_(rows, columns)], place[columns]
        constant = np.column_stack([np.median(np.delete(y, j, axis=1), axis=1) for j in range(len(t))])
        errors[None].append(np.abs(y - constant)[:, 1:-1].mean(axis=1))
        for span in SPANS:
            predicted = y @ leave_one_out_weights(places=t, span=span).T
            errors[span].append(np.abs(y - predicted)[:, 1:-1].mean(axis=1))
    typical = {span: float(np.median(np.concatenate(parts))) for span, parts in errors.items()}
    best = min(reversed(SPANS), key=lambda span: typical[span])
    chosen = best if typical[best] < (1 - GAIN) * typical[None] else None
    return chosen, (typical[None], typical[best])


def _fit_curves(
    *, work: _Work, here: np.ndarray, qcs: np.ndarray, features: np.ndarray, span: float, level: np.ndarray
) -> None:
    """Fill the offsets of a batch by curves, and those of its inner QCs by curves without them."""
    for rows, columns in _patterns(work.x[np.ix_(features, qcs)]):
        chosen, train, base = features[rows], qcs[columns], level[rows, None]
        y, places = work.x[np.ix_(chosen, train)], work.place[train]
        curve = y @ loess_weights(at=work.place[here], places=places, span=span).T
        work.offsets[np.ix_(chosen, here)] = curve - base
        weights = leave_one_out_weights(places=places, span=span)
        inner = np.ix_(chosen, train[1:-1])
        work.held[inner] = (y @ weights.T - base)[:, 1:-1]
        work.spread[inner] = np.sqrt(1 + (weights**2).sum(axis=1))[None, 1:-1]


def _hold_out_medians(*, work: _Work, qcs: np.ndarray, features: np.ndarray, level: np.ndarray) -> None:
    """Fill the held-out offsets of a batch's QCs by the median of the batch's other QCs; one QC alone has none."""
    for j, qc in enumerate(qcs):
        others = work.x[np.ix_(features, np.delete(qcs, j))]
        work.held[features, qc] = _median(others) - level
        work.spread[features, qc] = np.sqrt(1 + _median_variance(np.isfinite(others).sum(axis=1)))


def _median_variance(n: np.ndarray) -> np.ndarray:
    """Return the variance of the median of n standard normal values; NaN for none."""
    table = np.array([np.nan, *MEDIAN_VARIANCE])
    return np.where(n < len(table), table[np.minimum(n, len(table) - 1)], np.pi / 2 / np.maximum(n, 1))

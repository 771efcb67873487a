"""Linear model with a random intercept per patient, by REML over all features at once, with Satterthwaite's t test."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gutaxis.stats.design import Design
from gutaxis.stats.linear import (
    NO_RESIDUALS,
    ROUNDING,
    as_fields,
    basis_of,
    checked,
    missing_patterns,
    why_not,
)
from gutaxis.stats.reml import Sums, best_share, class_sums, evaluate, satterthwaite
from gutaxis.stats.results import Fits, t_fits

#: Fewest patients with several values, as for any contrast: with fewer the two variances rest on a single contrast.
FEWEST_REPEATED = 3
#: Features fitted together; bounds the memory.
CHUNK = 2048


@dataclass(frozen=True, kw_only=True)
class MixedFits(Fits):
    """Random-intercept fits.

    Parameters
    ----------
    variance_residual, variance_patient
        Variance within and between patients, shape (m,), in squared units of the values.
    """

    variance_residual: np.ndarray
    variance_patient: np.ndarray


class Prepared(NamedTuple):
    """Features that can be fitted: their positions, sums of least-squares residuals in units of ``size``, and more.

    ``estimate``: least squares; ``factor``: turns the last coefficient of the sums into the tested effect; ``pattern``:
    number of the pattern of missing values. All of shape (s,).
    """

    features: np.ndarray
    sums: Sums
    size: np.ndarray
    estimate: np.ndarray
    factor: np.ndarray
    pattern: np.ndarray


def random_intercept(
    *, values: np.ndarray, matrix: np.ndarray, patients: np.ndarray, tested: int, negative: bool = False
) -> MixedFits:
    r"""Fit ``y = X b + u[patient] + e`` to every feature by REML and test one coefficient.

    :math:`u \sim N(0, \tau^2)`, :math:`e \sim N(0, \sigma^2)`; the likelihood is that of :mod:`gutaxis.stats.reml`. A
    patient variance of 0 is a valid estimate. t test on Satterthwaite's degrees of freedom.

    Parameters
    ----------
    values
        Shape (n, m), NaN where missing: those rows are left out for the feature, and the rank is found again.
    matrix
        Design, shape (n, p), finite, intercept included.
    patients
        Shape (n,), any labels; a patient may have any number of samples.
    tested
        Position of the tested column.
    negative
        False: the patient variance is at least 0, as in ``lmerTest``. True: the correlation within patients may be
        negative (compound symmetry), so that the test is not distorted where the patient variance is near 0; with
        complete pairs it then always equals the test of the differences.

    Returns
    -------
    MixedFits
        Method ``random_intercept_reml``. NaN with a reason for features that are constant, have no residual degree of
        freedom, fewer than three patients with several values, no variation within patients, or whose rows cannot
        separate the tested column from the others.

    Raises
    ------
    ValueError
        For shapes that do not match or infinite numbers.

    Notes
    -----
    Assumes normal errors and intercepts and a correlation within patients that is not negative. Sources: Patterson and
    Thompson (1971) Biometrika 58:545; Kuznetsova, Brockhoff and Christensen (2017) J Stat Softw 82(13). Oracle:
    ``lmerTest::lmer``. Where every patient has both samples and the patient variance is above 0, a time effect equals
    that of least squares on the differences.
    """
    values, matrix = checked(values=values, matrix=matrix)
    patients = np.asarray(patients).astype(str)
    if patients.shape != (len(values),):
        raise ValueError("patients must have one label per row of values")
    codes = np.unique(patients, return_inverse=True)[1]
    m = values.shape[1]
    estimate, variance, df, residual, patient = (np.full(m, np.nan) for _ in range(5))
    reason = np.full(m, None, dtype=object)
    for start in range(0, m, CHUNK):
        chunk = slice(start, start + CHUNK)
        ready, reason[chunk] = _prepare(values=values[:, chunk], matrix=matrix, codes=codes, tested=tested)
        if ready is None:
            continue
        here = ready.features + start
        share, reason[here] = best_share(sums=ready.sums, pattern=ready.pattern, negative=negative)
        fitted = evaluate(share=share, sums=ready.sums)
        total = (fitted.weight * fitted.residual).sum(axis=1) / ready.sums.freedom
        estimate[here] = ready.estimate + fitted.coefficients[:, -1] * ready.size * ready.factor
        variance[here] = total * fitted.inverse[:, -1, -1] * (ready.size * ready.factor) ** 2
        df[here] = satterthwaite(share=share, fitted=fitted, sums=ready.sums)
        residual[here] = total * (1 - share) * ready.size**2
        patient[here] = total * share * ready.size**2
    for result in (estimate, variance, df, residual, patient):
        result[[item is not None for item in reason]] = np.nan
    fits = t_fits(
        method="random_intercept_reml",
        estimate=estimate,
        se=np.sqrt(variance),
        df=df,
        n=np.isfinite(values).sum(axis=0),
        reason=reason,
    )
    return MixedFits(**as_fields(fits=fits), variance_residual=residual, variance_patient=patient)


def _prepare(
    *, values: np.ndarray, matrix: np.ndarray, codes: np.ndarray, tested: int
) -> tuple[Prepared | None, np.ndarray]:
    """Return the features that can be fitted, and for all None or why they cannot."""
    reason = np.full(values.shape[1], None, dtype=object)
    parts: list[Prepared] = []
    largest = int(np.bincount(codes, minlength=1).max())
    for rows, features in missing_patterns(values=values):
        here, people = values[np.ix_(rows, features)], codes[rows]
        basis = basis_of(matrix=matrix[rows], tested=tested)
        why = why_not(values=here, basis=basis)
        repeated = int((np.bincount(people, minlength=1) > 1).sum())
        if repeated < FEWEST_REPEATED:
            why[[item is None for item in why]] = f"{repeated} patients with several values"
        reason[features] = why
        if basis is None or not len(rows):
            continue
        # least squares first: the likelihood does not change, and sums of squares of residuals do not cancel
        scores = basis.q.T @ here
        left = here - basis.q @ scores
        size = np.sqrt((left**2).mean(axis=0))
        free = np.array([item is None for item in why])
        flat = size <= ROUNDING * np.sqrt((here**2).mean(axis=0))
        reason[features[free & flat]] = NO_RESIDUALS
        free &= ~flat
        if not free.any():
            continue
        columns = np.zeros((len(rows), matrix.shape[1]))
        columns[:, -basis.q.shape[1] :] = basis.q
        parts.append(
            Prepared(
                features=features[free],
                sums=class_sums(values=left[:, free] / size[free], columns=columns, people=people, largest=largest),
                size=size[free],
                estimate=scores[-1, free] / basis.r[-1, -1],
                factor=np.full(free.sum(), 1 / basis.r[-1, -1]),
                pattern=np.full(free.sum(), len(parts)),
            )
        )
    if not parts:
        return None, reason
    features, sums, *rest = zip(*parts, strict=True)
    joined = Sums(*(np.concatenate(item) for item in zip(*sums, strict=True)))
    return Prepared(np.concatenate(features), joined, *(np.concatenate(item) for item in rest)), reason


def design_intercept(*, values: np.ndarray, design: Design) -> MixedFits:
    """Fit the random intercept of a design in scheme ``mixed``, as every shipped analysis does.

    The correlation within patients may be negative: where patients differ little, the bound at 0 of ``lmerTest`` makes
    the test too liberal, and with complete pairs the test would not equal that of the differences.

    Parameters
    ----------
    values
        Shape (n, m), from :meth:`Design.values`.
    design
        Without a refusal.
    """
    return random_intercept(
        values=values,
        matrix=design.matrix,
        patients=design.units["patient_id"].to_numpy(),
        tested=design.tested_index,
        negative=True,
    )

"""Ordinary least squares of many features on one design, and what every linear model here needs for missing values."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from gutaxis.stats.results import Fits, t_fits

#: A column counts as a combination of earlier ones when less than this share of its length is new; R's lm has the same.
RANK_TOLERANCE = 1e-7
#: Residuals of less than this share of the values are rounding, not variation.
ROUNDING = 1e-12
CONSTANT = "constant"
NOT_ESTIMABLE = "effect not estimable from the samples that have a value"
NO_RESIDUALS = "no residual variation"
NO_VALUES = "no value"


@dataclass(frozen=True, kw_only=True)
class LinearFits(Fits):
    """Least-squares fits with what variance moderation and bias correction need.

    Parameters
    ----------
    s2
        Residual variance, shape (m,), in squared units of the values.
    unscaled
        Variance of the tested coefficient divided by the residual variance, shape (m,).
    coefficients
        All coefficients, shape (p, m), in the order of the design's columns; NaN for a column that the samples with a
        value cannot tell apart from earlier ones.
    """

    s2: np.ndarray
    unscaled: np.ndarray
    coefficients: np.ndarray


class Pattern(NamedTuple):
    """Features that have values in the same rows."""

    rows: np.ndarray
    features: np.ndarray


class Basis(NamedTuple):
    """Orthonormal basis of a design in which the tested column comes last.

    ``matrix[:, columns] = q @ r``; so the tested coefficient of a least-squares fit is ``q[:, -1] @ y / r[-1, -1]``.
    """

    q: np.ndarray
    r: np.ndarray
    columns: np.ndarray


def checked(*, values: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return values (n, m) and design (n, p) as floats.

    Raises
    ------
    ValueError
        If the rows do not match, the design is not finite, or a value is infinite: only NaN means missing.
    """
    values, matrix = np.asarray(values, dtype=float), np.asarray(matrix, dtype=float)
    if values.ndim != 2 or matrix.ndim != 2 or len(values) != len(matrix):
        raise ValueError(f"values {values.shape} and design {matrix.shape} must be two tables of the same rows")
    if not np.isfinite(matrix).all():
        raise ValueError("the design holds missing or infinite numbers")
    if np.isinf(values).any():
        raise ValueError("values must be finite, or NaN where missing")
    return values, matrix


def missing_patterns(*, values: np.ndarray) -> Iterator[Pattern]:
    """Yield groups of features that have values in exactly the same rows, in a fixed order.

    Parameters
    ----------
    values
        Shape (n, m), NaN where missing.
    """
    present = np.isfinite(values)
    if not present.shape[1]:
        return
    if present.all():
        yield Pattern(rows=np.arange(len(values)), features=np.arange(values.shape[1]))
        return
    _, group = np.unique(np.packbits(present, axis=0), axis=1, return_inverse=True)
    order = np.argsort(group, kind="stable")
    for features in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        yield Pattern(rows=np.flatnonzero(present[:, features[0]]), features=features)


def basis_of(*, matrix: np.ndarray, tested: int) -> Basis | None:
    """Return the basis of a design with the tested column last, or None if the other columns determine that column.

    A nuisance column that is a combination of the nuisance columns before it is left out, which changes neither the
    fit nor the tested coefficient: this happens where all samples of a cohort lack a value.

    Parameters
    ----------
    matrix
        Shape (n, p), finite.
    tested
        Position of the tested column.
    """
    order = [*(column for column in range(matrix.shape[1]) if column != tested), tested]
    size = np.linalg.norm(matrix, axis=0)
    if len(matrix) >= len(order):
        q, r = np.linalg.qr(matrix[:, order])
        if (np.abs(np.diag(r)) > RANK_TOLERANCE * size[order]).all():
            return Basis(q=q, r=r, columns=np.array(order))
    q, kept = independent_columns(matrix=matrix[:, order])
    if not kept or kept[-1] != len(order) - 1:
        return None
    columns = np.array(order)[kept]
    return Basis(q=q, r=q.T @ matrix[:, columns], columns=columns)


def independent_columns(*, matrix: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Return an orthonormal basis (n, rank) of the columns, and which columns are no combination of those before them.

    Gram-Schmidt with the tolerance of R's ``lm``.

    Parameters
    ----------
    matrix
        Shape (n, p), finite.
    """
    kept: list[int] = []
    q = np.zeros((len(matrix), 0))
    for position, column in enumerate(matrix.T):
        rest = column
        for _ in range(2):  # twice, because one projection leaves rounding of the size of the column
            rest = rest - q @ (q.T @ rest)
        length = np.linalg.norm(rest)
        if length > RANK_TOLERANCE * np.linalg.norm(column):
            q = np.column_stack([q, rest / length])
            kept.append(position)
    return q, kept


def why_not(*, values: np.ndarray, basis: Basis | None) -> np.ndarray:
    """Return for each feature None or why a linear model of it cannot be tested; the first reason that holds.

    Parameters
    ----------
    values
        Shape (n, m) without NaN: the rows of one pattern.
    basis
        Of the design of these rows.
    """
    reason = np.full(values.shape[1], None, dtype=object)
    if not len(values):
        reason[:] = NO_VALUES
        return reason
    constant = np.ptp(values, axis=0) <= ROUNDING * np.abs(values).max(axis=0)
    if basis is None:
        reason[:] = NOT_ESTIMABLE
    elif len(values) <= basis.q.shape[1]:
        reason[:] = f"{len(values)} values for {basis.q.shape[1]} coefficients"
    reason[constant] = CONSTANT
    return reason


def ols(*, values: np.ndarray, matrix: np.ndarray, tested: int) -> LinearFits:
    """Fit ``y = X b + e`` to every feature by least squares and test one coefficient.

    ``b = (X'X)^-1 X'y``, ``s2 = |y - X b|^2 / (n - rank)``, ``se = sqrt(s2 [(X'X)^-1]_tt)``, t on n - rank degrees of
    freedom. Assumes independent errors of equal variance; normal where n is small. Rows where a feature is NaN are
    left out for that feature, and the rank is found again.

    Parameters
    ----------
    values
        Shape (n, m), NaN where missing; any unit, the effect has it too.
    matrix
        Design, shape (n, p), finite; an intercept is a column of it.
    tested
        Position of the tested column.

    Returns
    -------
    LinearFits
        Method ``ols``. NaN with a reason for features that are constant, have no residual degree of freedom, or whose
        rows cannot separate the tested column from the others.

    Raises
    ------
    ValueError
        For shapes that do not match or infinite numbers.

    Notes
    -----
    Source: Seber and Lee, Linear Regression Analysis, 2nd ed. 2003, chapter 3. Oracle: R ``lm``, ``statsmodels`` OLS.
    """
    values, matrix = checked(values=values, matrix=matrix)
    m = values.shape[1]
    estimate, s2, unscaled, df = (np.full(m, np.nan) for _ in range(4))
    coefficients = np.full((matrix.shape[1], m), np.nan)
    reason = np.full(m, None, dtype=object)
    for rows, features in missing_patterns(values=values):
        basis = basis_of(matrix=matrix[rows], tested=tested)
        reason[features] = why_not(values=values[np.ix_(rows, features)], basis=basis)
        used = features[np.array([item is None for item in reason[features]])]
        if basis is None or not used.size:
            continue
        response = values[np.ix_(rows, used)]
        scores = basis.q.T @ response
        beta = np.linalg.solve(basis.r, scores)
        residuals = response - basis.q @ scores
        squares = np.einsum("ij,ij->j", residuals, residuals)
        varies = squares > ROUNDING**2 * np.einsum("ij,ij->j", response, response)
        reason[used[~varies]] = NO_RESIDUALS
        used, beta, squares = used[varies], beta[:, varies], squares[varies]
        estimate[used] = beta[-1]
        df[used] = len(rows) - len(basis.columns)
        s2[used] = squares / df[used]
        unscaled[used] = 1 / basis.r[-1, -1] ** 2
        coefficients[np.ix_(basis.columns, used)] = beta
    fits = t_fits(
        method="ols",
        estimate=estimate,
        se=np.sqrt(s2 * unscaled),
        df=df,
        n=np.isfinite(values).sum(axis=0),
        reason=reason,
    )
    return LinearFits(**as_fields(fits=fits), s2=s2, unscaled=unscaled, coefficients=coefficients)


def as_fields(*, fits: Fits) -> dict[str, object]:
    """Return the fields of ``Fits`` by name, to build one of its subclasses."""
    return {item.name: getattr(fits, item.name) for item in fields(Fits)}

r"""PERMANOVA: share of the variation between samples that a term explains, tested by permutation.

With squared distances :math:`d_{ij}^2`, the Gower-centred matrix is
:math:`G = -\tfrac12 (I - 11'/n) D^{(2)} (I - 11'/n)`. It holds the inner products of the samples in the space that the
distances span, whether that space is real or, for semi-metrics such as Bray-Curtis, has imaginary axes. With an
orthonormal basis :math:`Q_t` of a term, given the other terms (``margin``) or those before it (``terms``),

.. math:: SS_t = \mathrm{tr}(Q_t' G Q_t), \qquad
          F_t = \frac{SS_t / df_t}{(\mathrm{tr}\,G - \mathrm{tr}\,Q'GQ) / (n - \mathrm{rank}\,X)}, \qquad
          R^2_t = SS_t / \mathrm{tr}\,G

where Q is a basis of the whole model X. An arrangement of the rows moves the rows of Q. All that is needed of it is the
small matrix :math:`B = Q'GQ` (p x p), and B of all arrangements together is one product of G with a wide matrix: this
is where the speed comes from. :math:`Q_t = Q A_t` turns B into every term's sum of squares.

Two ways of permuting:

* ``raw`` permutes the rows of G, as vegan::adonis2 does: exact if no term has an effect.
* ``reduced`` permutes what the other terms leave unexplained,
  :math:`(I - H_z) G (I - H_z)` (Freedman and Lane 1983): the null hypothesis is then that the term itself has no
  effect, whatever the covariates do. The analyses of a contrast use this one.

Anderson MJ (2001) Austral Ecology 26:32; McArdle BH, Anderson MJ (2001) Ecology 82:290. Oracle: vegan::adonis2 to 1e-6
(margin, terms, blocks), live and as pinned numbers. Assumes groups of similar spread where they differ in size: read it
together with :mod:`gutaxis.stats.dispersion`.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gutaxis.stats.permutations import Arrangements, p_value

COLUMNS = ["term", "df", "ss", "r2", "f", "p", "permutations", "exact", "scheme"]
#: Columns whose part outside the others is shorter than this share of their length add nothing.
RANK_TOLERANCE = 1e-9
#: Numbers held at a time while arrangements are worked through.
CHUNK = 1_000_000


def gower(*, distances: np.ndarray) -> np.ndarray:
    """Return the Gower-centred matrix G of distances, shape (n, n): inner products around the centroid of all samples.

    Parameters
    ----------
    distances
        Shape (n, n), symmetric, zero diagonal.
    """
    squared = -0.5 * np.asarray(distances, dtype=float) ** 2
    squared = (squared + squared.T) / 2
    row = squared.mean(axis=1)
    return squared - row[:, None] - row[None, :] + row.mean()


def difference_gram(*, gram: np.ndarray, pre: np.ndarray, post: np.ndarray) -> np.ndarray:
    """Return the inner products of the patients' changes, C G C', shape (pairs, pairs).

    C has one row per patient: 1 at POST, -1 at PRE. The changes are not centred: their mean is the change over time.

    Parameters
    ----------
    gram
        Shape (n, n), from :func:`gower`. Its centre cancels.
    pre, post
        Shape (pairs,), positions of each patient's samples.
    """
    return gram[np.ix_(post, post)] - gram[np.ix_(post, pre)] - gram[np.ix_(pre, post)] + gram[np.ix_(pre, pre)]


def residual_gram(*, gram: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return (I - H) G (I - H), H the projection on the columns of ``matrix``, shape (n, p)."""
    basis = _basis(matrix)
    left = gram - basis @ (basis.T @ gram)
    return left - (left @ basis) @ basis.T


def permanova(
    *,
    gram: np.ndarray,
    matrix: np.ndarray,
    terms: Mapping[str, tuple[int, ...]],
    arrangements: Arrangements | Mapping[str, Arrangements],
    by: str = "margin",
    permute: str = "raw",
    total: float | None = None,
) -> pd.DataFrame:
    """Test terms of one model.

    Parameters
    ----------
    gram
        Shape (n, n): inner products, from :func:`gower` or :func:`difference_gram`.
    matrix
        Shape (n, p), full column rank, the intercept included where the model has one.
    terms
        Name -> columns of ``matrix``, in order. A term may be the intercept itself (the mean change of differences).
        Columns in no term are part of the model and are not tested.
    arrangements
        Of the rows or signs, one set for all terms or one for each.
    by
        ``margin``: each term given all other columns. ``terms``: given the terms before it and untested columns.
    permute
        ``raw`` or ``reduced``, see the module; ``terms`` goes with ``raw`` only.
    total
        Total sum of squares for R2; default: of the rows around their mean. Give it where the mean itself is tested.

    Returns
    -------
    pandas.DataFrame
        ``COLUMNS``, one row per term, then Residual and Total. Without residual degrees of freedom, or with a residual
        that is not positive (imaginary axes can do that), F and p are NaN.

    Raises
    ------
    ValueError
        For a matrix without full column rank, or options that do not go together.
    """
    if by not in {"margin", "terms"} or permute not in {"raw", "reduced"} or (by == "terms" and permute == "reduced"):
        raise ValueError(f"by={by}, permute={permute}: margin with raw or reduced, terms with raw")
    gram, matrix = np.asarray(gram, dtype=float), np.asarray(matrix, dtype=float)
    n, width = matrix.shape
    basis = _basis(matrix)
    if basis.shape[1] < width:
        raise ValueError("the columns of the model depend on each other")
    rest_df = n - width
    rows = []
    models: dict[int, tuple[np.ndarray, int]] = {}
    shared: dict[int, np.ndarray] = {}
    residual = float(np.trace(gram) - np.trace(basis.T @ gram @ basis))
    sound = rest_df > 0 and residual > RANK_TOLERANCE * max(abs(float(np.trace(gram))), 1e-300)
    tested = {column for own in terms.values() for column in own}
    before = [column for column in range(width) if column not in tested]
    for name, own in terms.items():
        given = [column for column in range(width) if column not in own] if by == "margin" else list(before)
        before += own
        extra = _extra(matrix[:, given], matrix[:, list(own)])
        ss = float(np.trace(extra.T @ gram @ extra))
        f = (ss / len(own)) / (residual / rest_df) if sound else float("nan")
        chosen = arrangements if isinstance(arrangements, Arrangements) else arrangements[name]
        if id(chosen) not in models:
            models[id(chosen)] = _model(matrix, chosen)
        basis, still = models[id(chosen)]
        if permute == "reduced":
            moved = residual_gram(gram=gram, matrix=matrix[:, given]) if given else gram
            forms = _forms(moved, basis, still, chosen)
        else:
            moved = gram
            if id(chosen) not in shared:
                shared[id(chosen)] = _forms(gram, basis, still, chosen)
            forms = shared[id(chosen)]
        inner = basis.T @ extra
        others = np.einsum("kij,ij->k", forms, inner @ inner.T)
        left = float(np.trace(moved)) - np.einsum("kii->k", forms)
        with np.errstate(divide="ignore", invalid="ignore"):
            permuted = np.where(left > 0, (others / len(own)) / (left / max(rest_df, 1)), np.nan)
        p = p_value(observed=f, permuted=permuted) if chosen.count else float("nan")
        rows.append([name, len(own), ss, np.nan, f, p, chosen.count, chosen.exact, chosen.scheme])
    total = float(np.trace(gram) - gram.sum() / n) if total is None else total
    table = pd.DataFrame(rows, columns=COLUMNS)
    ends = pd.DataFrame({"term": ["Residual", "Total"], "df": [rest_df, n - 1], "ss": [residual, total]})
    table = pd.concat([table, ends], ignore_index=True).astype({"exact": object, "scheme": object})
    table["r2"] = table["ss"] / total if total > 0 else np.nan
    return table[COLUMNS]


def _basis(matrix: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of the columns, shape (n, rank); the constant, if a column, stays the first."""
    return _extra(np.zeros((len(matrix), 0)), matrix)


def _extra(given: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of what the columns ``own`` add to the columns ``given``, shape (n, df)."""
    found: list[np.ndarray] = []
    start = np.linalg.qr(given)[0] if given.shape[1] else given
    for column in own.T:
        rest = column.astype(float)
        length = float(np.linalg.norm(rest))
        for _ in range(2):  # twice is enough: the second pass removes the rounding of the first
            rest = rest - start @ (start.T @ rest)
            for other in found:
                rest = rest - other * (other @ rest)
        if length > 0 and np.linalg.norm(rest) > RANK_TOLERANCE * length:
            found.append(rest / np.linalg.norm(rest))
    return np.column_stack(found) if found else np.zeros((len(own), 0))


def _model(matrix: np.ndarray, arrangements: Arrangements) -> tuple[np.ndarray, int]:
    """Return a basis of the model, and how many of its first columns no arrangement moves.

    The constant stays, and so do indicators of the blocks: they need no product of their own in :func:`_forms`.
    """
    order = arrangements.order if arrangements.signs is None else None
    still = [
        column
        for column in range(matrix.shape[1] if order is not None else 0)
        if (matrix[order[:1], column] == matrix[:, column]).all() and (matrix[order, column] == matrix[:, column]).all()
    ]
    first = [*still, *(column for column in range(matrix.shape[1]) if column not in still)]
    return _basis(matrix[:, first]), len(still)


def _forms(gram: np.ndarray, basis: np.ndarray, still: int, arrangements: Arrangements) -> np.ndarray:
    """Return B = Q'GQ of each arrangement of the rows of Q, shape (k, p, p); the first columns of Q do not move."""
    n, width = basis.shape
    count, free = arrangements.count, width - still
    fixed = gram @ basis[:, :still]
    forms = np.zeros((count, width, width))
    forms[:, :still, :still] = basis[:, :still].T @ fixed
    rows = np.ascontiguousarray(basis[:, still:].T)
    step = max(1, CHUNK // (n * max(1, free)))
    for start in range(0, count if free else 0, step):
        part = slice(start, min(start + step, count))
        if arrangements.order is not None:
            moved = rows[:, arrangements.order[part]]
        else:
            moved = np.broadcast_to(rows[:, None, :], (free, part.stop - part.start, n))
        if arrangements.signs is not None:
            moved = moved * arrangements.signs[part]
        flat = moved.reshape(-1, n)
        image, beside = (flat @ gram).reshape(moved.shape), (flat @ fixed).reshape(*moved.shape[:2], still)
        for i in range(free):
            forms[part, still + i, :still] = forms[part, :still, still + i] = beside[i]
            for j in range(i, free):
                value = np.einsum("kn,kn->k", moved[i], image[j])
                forms[part, still + i, still + j] = forms[part, still + j, still + i] = value
    return forms

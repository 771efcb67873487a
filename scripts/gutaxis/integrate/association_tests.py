"""Every feature of one layer against every feature of another: partial Spearman correlations, tested by permutation.

Ranks are residualised on cohort and covariates, so that what all patients of a cohort have in common links nothing.
Under the null hypothesis whole patients of one layer may change places inside their cohort, all their features
together; this keeps the correlation of features within each layer, which is what makes 150,000 tests far fewer.

What p means: 999 permutations of one pair cannot give a p below .001, and no pair of 150,000 could ever stand out. The
statistic of every pair is therefore brought to unit variance under its own null, by a closed form, and a pair is
compared with the permuted statistics of all pairs together. The expected number of false pairs at any threshold is then
right for the table as a whole; ``p_pair`` beside it is the p of the pair's own permutations, without this step.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gutaxis.integrate.association_ranks import Adjustment, Residuals, basis
from gutaxis.stats.permutations import permute_rows
from gutaxis.stats.results import adjust

#: Statistics within this relative distance count as equal: more than the rounding of float32.
TIE = 1e-5
#: Width of a bin of the pooled null, in SD of the null; a p is rounded up by less than 1 % at p = 1e-7.
BIN = 1 / 512
#: Numbers in one block of the matrix of statistics: small enough to stay in the processor's cache.
_BLOCK = 1 << 18
#: Pairs whose features hardly vary in the same cohorts: null variance of r below this share of 1 / n. Not tested.
_SHARED = 0.02


@dataclass(frozen=True, kw_only=True)
class PairTests:
    """Tests of p x q pairs; every array has shape (p, q), NaN where a pair was not tested.

    Parameters
    ----------
    rho
        Correlation of the residual ranks (missing ranks at their expectation; ``partial_spearman`` gives the
        estimate on the patients with both values).
    statistic
        rho over its null SD.
    p, q
        Permutation p against the pooled null, Benjamini-Hochberg over the pairs.
    p_max_t
        Familywise p: share of permutations whose largest statistic of all pairs is at least as large.
    p_pair
        p of the pair's own permutations, never below 1 / (permutations + 1).
    n
        Patients with both values.
    permutations, exact
        Arrangements compared with, and whether these are all there are.
    """

    rho: np.ndarray
    statistic: np.ndarray
    p: np.ndarray
    q: np.ndarray
    p_max_t: np.ndarray
    p_pair: np.ndarray
    n: np.ndarray
    permutations: int
    exact: bool

    @property
    def tested(self) -> int:
        """Pairs tested."""
        return int(np.isfinite(self.p).sum())

    @property
    def below(self) -> int:
        """Pairs with p < .05."""
        return int((self.p < 0.05).sum())


def pair_tests(
    *, a: Residuals, b: Residuals, adjusted: Adjustment, permutations: int, seed: int | list[int], min_patients: int = 8
) -> PairTests:
    r"""Test every pair of features of two layers.

    With residual ranks :math:`e_a, e_b` (orthogonal to the adjustment C) the statistic of an arrangement P is the
    partial correlation after permuting residuals, as Freedman and Lane,
    :math:`r^* = e_b' P e_a / (|e_b| |M P e_a|)`, M the residual maker of C, over its null SD. Inside cohorts g,
    :math:`\mathrm{var}(e_b' P e_a) = \sum_g SS_{ag} SS_{bg} / (n_g - 1)`.

    Parameters
    ----------
    a, b
        Shapes (n, p) and (n, q): ``residual_ranks`` of the same patients.
    adjusted
        Of these patients.
    permutations
        Most arrangements; all are taken if there are no more.
    seed
        Of the random sample.
    min_patients
        A pair with fewer patients with both values is not tested.

    Returns
    -------
    PairTests
        p = (b + 1) / (k + 1), two-sided; see the top of the module.

    Notes
    -----
    Assumption: residual ranks of the patients of a cohort are exchangeable (no dependence between patients; about equal
    spread inside a cohort). Memory: about 20 bytes a pair. Sources: Freedman D, Lane D, J Bus Econ Stat 1983;1:292-298;
    Westfall PH, Young SS, Resampling-based multiple testing, 1993 (max T). Oracle: brute force over all arrangements,
    ``tests/unit/test_association_tests.py``.
    """
    e_a, e_b = a.values, b.values
    orders = permute_rows(blocks=adjusted.cohorts, permutations=permutations, seed=seed)
    n = a.observed.T.astype(float) @ b.observed.astype(float)
    ss_a, ss_b = (e_a**2).sum(axis=0), (e_b**2).sum(axis=0)
    share, rest = _within_cohorts(e_a, e_b, adjusted)
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = (e_a.T @ e_b) / np.sqrt(np.outer(ss_a, ss_b))
        scale = np.sqrt((1 - rest / ss_a)[:, None] * np.outer(ss_a, ss_b) / share)
    tested = np.isfinite(rho) & np.isfinite(scale) & (n >= min_patients) & (orders.count > 0)
    tested &= share * len(e_a) > _SHARED * np.outer(ss_a, ss_b)
    rho, scale = np.clip(rho, -1, 1), np.where(tested, scale, 0.0)
    statistic = np.where(tested, rho * scale, np.nan)
    null = _null(
        (e_a, e_b), scale, np.where(tested, np.abs(statistic), np.inf), orders.order, _covariate_basis(adjusted)
    )
    p = np.full(rho.shape, np.nan)
    if tested.any():
        null.counts[0] -= orders.count * int((~tested).sum())
        above = np.cumsum(null.counts[::-1])[::-1]
        place = (np.abs(statistic[tested]) * (1 - TIE) / BIN).astype(np.int64)
        p[tested] = (above[place] + 1) / (orders.count * int(tested.sum()) + 1)
    largest = np.sort(null.largest)
    beyond = orders.count - np.searchsorted(largest, np.abs(np.nan_to_num(statistic)) * (1 - TIE), side="left")
    return PairTests(
        rho=np.where(tested, rho, np.nan), statistic=statistic, p=p, q=adjust(p=p.ravel()).reshape(p.shape),
        p_max_t=np.where(tested, (beyond + 1) / (orders.count + 1), np.nan),
        p_pair=np.where(tested, (null.own + 1) / (orders.count + 1), np.nan),
        n=n.astype(int), permutations=orders.count, exact=orders.exact,
    )  # fmt: skip


def _covariate_basis(adjusted: Adjustment) -> np.ndarray:
    """Return a basis of what is adjusted for beyond the cohorts, (n, k): permuted residuals may correlate with it."""
    groups = (adjusted.cohorts[:, None] == np.unique(adjusted.cohorts)).astype(float)
    groups = basis(groups)
    rest = adjusted.columns - groups @ (groups.T @ adjusted.columns)
    rest = rest[:, (rest**2).sum(axis=0) > 1e-9]
    return basis(rest) if rest.shape[1] else np.zeros((len(rest), 0))


def _within_cohorts(e_a: np.ndarray, e_b: np.ndarray, adjusted: Adjustment) -> tuple[np.ndarray, np.ndarray]:
    """Return the null variance of every scalar product, (p, q), and the mean square that M takes from P e_a, (p,)."""
    space = _covariate_basis(adjusted)
    variance, taken = np.zeros((e_a.shape[1], e_b.shape[1])), np.zeros(e_a.shape[1])
    for cohort in np.unique(adjusted.cohorts):
        rows = adjusted.cohorts == cohort
        if rows.sum() < 2:
            continue
        own = (e_a[rows] ** 2).sum(axis=0) / (rows.sum() - 1)
        variance += np.outer(own, (e_b[rows] ** 2).sum(axis=0))
        taken += own * (space[rows] ** 2).sum()
    return variance, taken


@dataclass(frozen=True)
class _Null:
    """Pooled counts by bin, the largest statistic of each arrangement, and how often each pair was exceeded."""

    counts: np.ndarray
    largest: np.ndarray
    own: np.ndarray


def _null(
    sides: tuple[np.ndarray, np.ndarray], scale: np.ndarray, observed: np.ndarray, orders: np.ndarray, space: np.ndarray
) -> _Null:
    """Permute, in blocks of rows that stay in the cache."""
    sizes = [np.sqrt((side**2).sum(axis=0)) for side in sides]
    units = [side / np.where(size > 0, size, 1.0) for side, size in zip(sides, sizes, strict=True)]
    unit_a, unit_b = np.ascontiguousarray(units[0].T, np.float32), np.ascontiguousarray(units[1], np.float32)
    space = space.astype(np.float32)
    # |r*| <= 1, so no permuted statistic lies beyond the largest scale
    bins = int(scale.max(initial=0.0) / BIN) + 3
    counts, largest = np.zeros(bins, dtype=np.int64), np.zeros(len(orders))
    own = np.zeros(scale.shape, dtype=np.uint32)
    step = max(1, _BLOCK // max(unit_b.shape[1], 1))
    for start in range(0, len(unit_a), step):
        part = slice(start, start + step)
        rows, factor = unit_a[part], (scale[part] / BIN).astype(np.float32)
        goal = (observed[part] * (1 - TIE) / BIN).astype(np.float32)
        made = np.empty(factor.shape, dtype=np.float32)
        beyond = np.empty(factor.shape, dtype=bool)
        for number, order in enumerate(orders):
            moved = rows[:, order]
            if space.shape[1]:
                left = 1.0 - ((moved @ space) ** 2).sum(axis=1)
                moved /= np.sqrt(np.maximum(left, 1e-6))[:, None]
            np.matmul(moved, unit_b, out=made)
            made *= factor
            np.abs(made, out=made)
            largest[number] = max(largest[number], float(made.max()) * BIN)
            np.greater_equal(made, goal, out=beyond)
            own[part] += beyond
            found = np.bincount(made.astype(np.int32).ravel(), minlength=bins)
            counts += found if len(found) == bins else np.append(found[: bins - 1], found[bins - 1 :].sum())
    return _Null(counts, largest, own)


def simes_of(*, q: np.ndarray) -> float:
    """Return the Simes p of a family, which is the smallest Benjamini-Hochberg q in it; NaN if nothing was tested."""
    return float(np.nanmin(q)) if np.isfinite(q).any() else float("nan")


def study_q(*, simes: Sequence[float], within: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return q values over several families of tests, such as all pairs of layers of a study.

    A test is a discovery at level alpha if its family is selected (Simes, BH over families, R of M selected) and its BH
    q inside the family is at most alpha R / M. The q returned is the smallest alpha at which that holds. A family that
    holds no signal costs the others nothing but its place among M.

    Parameters
    ----------
    simes
        Simes p of each of the families, NaN where nothing was tested.
    within
        BH q values inside each family: of all its tests or of those to be shown.

    Notes
    -----
    Source: Benjamini Y, Bogomolov M, J R Stat Soc B 2014;76:297-318. Oracle:
    ``gutaxis.stats.multiplicity.hierarchical`` at many levels.
    """
    family = adjust(p=np.asarray(simes, dtype=float))
    total = int(np.isfinite(family).sum())
    levels = np.unique(family[np.isfinite(family)])
    found = []
    for own, q in zip(family, within, strict=True):
        best = np.where(np.isfinite(q) & np.isfinite(own), 1.0, np.nan)
        for level in levels[levels >= own]:
            best = np.minimum(best, np.maximum(level, np.asarray(q) * total / int((family <= level).sum())))
        found.append(best)
    return found

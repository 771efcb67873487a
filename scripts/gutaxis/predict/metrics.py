"""How good scores are: AUC and Harrell's C of pairs tested together, their intervals, calibration.

Two patients are compared only where both were in the same test fold, hence scored by one model. Comparing scores of
different folds is biased: the model that scores i was taught the outcome of j and the other way round, which puts
the mean AUC of pure noise below one half (Airola A et al., Comput Stat Data Anal 2011;55:1828-1844).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtri
from scipy.stats import t as student_t

#: Of 95 % intervals.
Z = float(ndtri(0.975))


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Comparisons of rows that should differ, shape (n, n).

    Parameters
    ----------
    wins
        How often row i, which should score higher than j, did; a tie counts one half.
    counts
        How often they were compared.
    """

    wins: np.ndarray
    counts: np.ndarray


class PairCounter:
    """Adds up comparisons over test folds.

    Parameters
    ----------
    above
        Shape (n, n): whether row i should score above row j.
    """

    def __init__(self, *, above: np.ndarray) -> None:
        self.above = above
        self.wins, self.counts = np.zeros(above.shape), np.zeros(above.shape)

    def add(self, *, rows: np.ndarray, scores: np.ndarray) -> None:
        """Compare the rows of one test fold; a row with a score of NaN is left out."""
        known = np.isfinite(scores)
        rows, scores = rows[known], scores[known]
        place = np.ix_(rows, rows)
        valid = self.above[place]
        win = (scores[:, None] > scores[None, :]) + 0.5 * (scores[:, None] == scores[None, :])
        self.wins[place] += np.where(valid, win, 0.0)
        self.counts[place] += valid

    @property
    def pairs(self) -> Pairs:
        """What was counted."""
        return Pairs(wins=self.wins, counts=self.counts)


def concordance(*, pairs: Pairs) -> float:
    """Return the share of comparisons won: the AUC of two classes, Harrell's C of times; NaN without any."""
    total = pairs.counts.sum()
    return float(pairs.wins.sum() / total) if total else float("nan")


def delong_variance(*, pairs: Pairs, groups: np.ndarray) -> float:
    r"""Return the variance of the AUC after DeLong, extended to several comparisons of a pair and rows of one patient.

    With :math:`A = \sum_{ij} w_{ij} / \sum_{ij} c_{ij}`, m rows above, n below and :math:`N = \sum c`,
    :math:`u_i = (\sum_j w_{ij} - A c_{ij}) m / N`, :math:`v_j = (\sum_i w_{ij} - A c_{ij}) n / N`, sums over the rows
    of a patient g: :math:`S_{10} = \frac{I_{10}}{(I_{10} - 1) m} \sum_g U_g^2`, S01 alike,
    :math:`S_{11} = \frac{I}{I - 1} \sum_g U_g V_g`, variance :math:`S_{10} / m + S_{01} / n + 2 S_{11} / (m n)`.

    Parameters
    ----------
    pairs
        Of two classes.
    groups
        Patient of each row, shape (n,).

    Notes
    -----
    One comparison of each pair and one row per patient give DeLong ER et al., Biometrics 1988;44:837-845 (oracle:
    pROC); several rows give Obuchowski NA, Biometrics 1997;53:567-578. Models are taken as given: that they were fitted
    to overlapping training folds is not in it, see :func:`widening`.
    """
    total = pairs.counts.sum()
    if not total:
        return float("nan")
    excess = pairs.wins - concordance(pairs=pairs) * pairs.counts
    above, below = pairs.counts.sum(axis=1) > 0, pairs.counts.sum(axis=0) > 0
    m, n = int(above.sum()), int(below.sum())
    _, place = np.unique(groups, return_inverse=True)
    k = place.max() + 1
    u = np.bincount(place, weights=excess.sum(axis=1) * m / total, minlength=k)
    v = np.bincount(place, weights=excess.sum(axis=0) * n / total, minlength=k)
    i10, i01 = (len(np.unique(place[rows])) for rows in (above, below))
    both = len(np.unique(place[above | below]))
    if min(i10, i01) < 2:
        return float("nan")
    s10 = i10 / ((i10 - 1) * m) * (u**2).sum()
    s01 = i01 / ((i01 - 1) * n) * (v**2).sum()
    s11 = both / (both - 1) * (u * v).sum()
    return float(max(s10 / m + s01 / n + 2 * s11 / (m * n), 0.0))


def jackknife_variance(*, pairs: Pairs, groups: np.ndarray) -> float:
    """Return the variance of a concordance by the infinitesimal jackknife over patients.

    ``dC / dw_i = (sum_j w_ij + w_ji - C (c_ij + c_ji)) / sum c``; variance = sum of squares over patients. For
    Harrell's C, in which a patient stands above some and below others. Oracle: R ``survival::concordance``.
    """
    total = pairs.counts.sum()
    if not total:
        return float("nan")
    excess = pairs.wins - concordance(pairs=pairs) * pairs.counts
    _, place = np.unique(groups, return_inverse=True)
    return float((np.bincount(place, weights=(excess.sum(axis=0) + excess.sum(axis=1)) / total) ** 2).sum())


def no_variance_floor(*, pairs: Pairs) -> float:
    """Return a variance for scores that separate perfectly, or tie throughout, where DeLong's is 0.

    Hanley and McNeil's (Radiology 1982;143:29-36) at ``A = (wins + 1/2) / (m n + 1)``, so that an AUC of 1 in a handful
    of patients is not given without an interval.
    """
    m, n = int((pairs.counts.sum(axis=1) > 0).sum()), int((pairs.counts.sum(axis=0) > 0).sum())
    a = (concordance(pairs=pairs) * m * n + 0.5) / (m * n + 1)
    q1, q2 = a / (2 - a), 2 * a**2 / (1 + a)
    return float((a * (1 - a) + (m - 1) * (q1 - a**2) + (n - 1) * (q2 - a**2)) / (m * n))


def interval(*, estimate: float, variance: float, factor: float = 1.0, df: float = np.inf) -> tuple[float, float]:
    """Return ``estimate +- t factor sqrt(variance)``, cut to 0..1; t of df degrees of freedom, 1.96 for inf.

    A variance that is estimated from a dozen responders is itself uncertain: :func:`smaller_class` gives df.
    """
    half = student_t.ppf(0.975, df) * factor * np.sqrt(variance)
    return float(np.clip(estimate - half, 0, 1)), float(np.clip(estimate + half, 0, 1))


def smaller_class(*, pairs: Pairs) -> float:
    """Return rows of the smaller side of the comparisons - 1: degrees of freedom of the term that dominates."""
    sides = [int((pairs.counts.sum(axis=axis) > 0).sum()) for axis in (0, 1)]
    return float(max(min(sides) - 1, 1))


def widening(*, estimates: np.ndarray, variances: np.ndarray) -> float:
    """Return by how much intervals must be widened: spread of shuffled runs over what their variances claim.

    ``max(1, sd(A*) / sqrt(mean(var*)))`` over the shuffled runs. The test patients of a cross-validation share their
    training patients, so its AUC varies more between studies than DeLong's variance says, and no unbiased
    estimate of the excess exists (Bengio Y, Grandvalet Y, JMLR 2004;5:1089-1105). Shuffled runs are studies of the same
    size and the same features in which the true AUC is known: they show the excess where it is largest, without signal.
    1 where fewer than 20 runs say anything.
    """
    known = np.isfinite(estimates) & np.isfinite(variances)
    if known.sum() < 20 or not np.mean(variances[known]) > 0:
        return 1.0
    return float(max(1.0, np.std(estimates[known], ddof=1) / np.sqrt(np.mean(variances[known]))))


def bootstrap_interval(
    *, pairs: Pairs, groups: np.ndarray, draws: int, rng: np.random.Generator, chunk: int = 500
) -> tuple[float, float]:
    """Return the percentile interval of the concordance over resampled patients.

    Whole patients are drawn with replacement and keep their scores; models are not fitted again, so what another
    training set would change is not covered. Draws without a comparison do not count. (NaN, NaN) without any.
    """
    names, place = np.unique(groups, return_inverse=True)
    made = []
    for start in range(0, draws, chunk):
        size = min(chunk, draws - start)
        weight = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=size)[:, place].astype(float)
        wins = ((weight @ pairs.wins) * weight).sum(axis=1)
        counts = ((weight @ pairs.counts) * weight).sum(axis=1)
        made.append(wins[counts > 0] / counts[counts > 0])
    values = np.concatenate(made) if made else np.zeros(0)
    if len(values) < 20:
        return float("nan"), float("nan")
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def roc(*, pairs: Pairs, grid: np.ndarray) -> np.ndarray:
    """Return the sensitivity at every false positive rate of the grid.

    A row's placement is the share of its comparisons that it won; the curve is the distribution of ``1 - placement``,
    rows weighted by their comparisons. Its area is the AUC. Shape of the grid.
    """
    weight = pairs.counts.sum(axis=1)
    above = weight > 0
    place = 1 - pairs.wins[above].sum(axis=1) / weight[above]
    share = weight[above] / weight[above].sum()
    return ((place[None, :] <= grid[:, None] + 1e-12) * share).sum(axis=1)


def calibration(*, log_odds: np.ndarray, classes: np.ndarray) -> dict[str, float]:
    """Return slope, intercept and Brier score of predicted probabilities.

    slope: b of ``logit P(y) = a + b log_odds`` (1 is right, below 1 too extreme); intercept: a of ``logit P(y) = a +
    log_odds`` (0 is right, above 0 too low); brier: mean ``(p - y)^2``; brier_reference: that of the share of
    responders for everybody. NaN where a model separates the classes (no finite slope). Source: Van Calster B et al.,
    BMC Med 2019;17:230. Oracle: statsmodels ``Logit``.
    """
    known = np.isfinite(log_odds)
    eta, y = log_odds[known], np.asarray(classes, dtype=float)[known]
    if len(np.unique(y)) < 2:
        return dict.fromkeys(("slope", "intercept", "brier", "brier_reference"), float("nan"))
    slope = _logit(np.column_stack([np.ones(len(eta)), eta]), y, np.zeros(len(eta)))[1] if np.ptp(eta) > 0 else np.nan
    return {
        "slope": float(slope),
        "intercept": float(_logit(np.ones((len(eta), 1)), y, eta)[0]),
        "brier": float(((expit(eta) - y) ** 2).mean()),
        "brier_reference": float(y.mean() * (1 - y.mean())),
    }


def _logit(design: np.ndarray, y: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Return coefficients of a logistic regression by Newton's method; NaN if they run away."""
    beta = np.zeros(design.shape[1])
    for _ in range(100):
        mu = expit(design @ beta + offset)
        weight = np.maximum(mu * (1 - mu), 1e-10)
        hessian = (design * weight[:, None]).T @ design
        if np.linalg.cond(hessian) > 1e13:
            break
        step = np.linalg.solve(hessian, design.T @ (y - mu))
        # a long first step overshoots where the log odds are far too small
        beta = beta + step * min(1.0, 5.0 / max(np.abs(design @ step).max(), 1e-300))
        if np.abs(design @ step).max() < 1e-9:
            return beta
    return np.full(len(beta), np.nan)

"""Rank tests with exact p values, Hodges-Lehmann estimates and intervals: signed rank, Mann-Whitney, van Elteren."""

import numpy as np
from scipy import stats

from gutaxis.stats.design import Design
from gutaxis.stats.linear import missing_patterns
from gutaxis.stats.rank_nulls import EXACT_UP_TO, SLACK, joint_null, signed_null
from gutaxis.stats.results import Fits

#: Most Walsh averages or pairwise differences held at a time.
_CHUNK = 4_000_000


def rank_fits(*, values: np.ndarray, design: Design) -> Fits:
    """Return the rank test that fits a design: signed rank of the mean change, else responders against the others.

    Parameters
    ----------
    values
        Shape (n, m): ``design.values(...)``; NaN is missing.
    design
        Scheme ``between`` or ``difference``. ``intercept`` is tested by :func:`signed_rank`; ``response`` by
        :func:`rank_sum` within the blocks. Other covariates are not adjusted for.

    Raises
    ------
    ValueError
        For another scheme, or a design with a refusal.
    """
    if design.refusal is not None or design.scheme not in {"between", "difference"}:
        raise ValueError(f"no rank test for scheme {design.scheme}: {design.refusal or 'it has repeated samples'}")
    if design.tested == "intercept":
        return signed_rank(values=values)
    group = (design.units["response"] == "R").to_numpy()
    return rank_sum(values=values, group=group, blocks=np.asarray(design.blocks))


def signed_rank(*, values: np.ndarray) -> Fits:
    """Wilcoxon signed-rank test of differences around 0, each feature by itself.

    ``T = sum of the ranks of |d| where d > 0``, zeros left out, ties at their mean rank. The p value is exact, from all
    ``2^n`` signs of the observed ranks, for up to 60 differences; above that normal with
    ``var T = sum r^2 / 4`` and continuity correction. Estimate: median of the Walsh averages ``(d_i + d_j) / 2``,
    ``i <= j``, zeros included; interval: their order statistics (Tukey), exact up to 60.

    Parameters
    ----------
    values
        Shape (n, m) of differences; NaN is missing.

    Returns
    -------
    Fits
        Method ``wilcoxon_signed_rank``; estimate in the unit of the values, se NaN, statistic T, df NaN. The limits
        are NaN where no 95 % interval exists (fewer than six differences).

    Notes
    -----
    Assumption: differences are symmetric around their median. Source: Wilcoxon F, Biometrics Bulletin 1945;1:80-83;
    Hodges JL, Lehmann EL, Ann Math Stat 1963;34:598-611. Oracle: R ``wilcox.test(conf.int = TRUE)``, enumeration.
    """
    out = _empty(values=values, method="wilcoxon_signed_rank")
    for rows, features in missing_patterns(values=np.asarray(values, dtype=float)):
        n = len(rows)
        out["n"][features] = n
        if n == 0:
            out["reason"][features] = "no value"
            continue
        data = np.asarray(values, dtype=float)[np.ix_(rows, features)]
        out["estimate"][features], out["ci_low"][features], out["ci_high"][features] = _walsh(data)
        for place, feature in enumerate(features):
            change = data[data[:, place] != 0, place]
            if not change.size:
                out["reason"][feature] = "no difference"
                out["estimate"][feature] = out["ci_low"][feature] = out["ci_high"][feature] = np.nan
                continue
            ranks = stats.rankdata(np.abs(change))
            out["statistic"][feature] = ranks[change > 0].sum()
            out["p"][feature] = _signed_p(ranks=ranks, observed=out["statistic"][feature])
    return Fits(method="wilcoxon_signed_rank", **out)


def rank_sum(*, values: np.ndarray, group: np.ndarray, blocks: np.ndarray | None = None) -> Fits:
    """Mann-Whitney test, or with several blocks its stratified form by van Elteren.

    ``T = sum_s w_s (R_s - n1_s (n_s + 1) / 2)`` with ``R_s`` the sum of the group's ranks inside block ``s`` and
    ``w_s = 1 / (n_s + 1)``; ties at their mean rank. The p value is exact, from all labels within blocks given the
    observed ranks, as long as that can be counted out; else normal with the permutation variance
    ``sum_s w_s^2 n1 n2 / (n (n - 1)) sum (r - mean r)^2`` (one block: with continuity correction). Estimate: weighted
    median of the differences group - rest within blocks; interval: its test-inverting order statistics.

    Parameters
    ----------
    values
        Shape (n, m); NaN is missing.
    group
        Shape (n,), bool: True for the group whose shift is estimated.
    blocks
        Shape (n,), labels; None: one block. A block without both groups tells nothing and is left out.

    Returns
    -------
    Fits
        Method ``mann_whitney`` or ``van_elteren``; estimate in the unit of the values, se and df NaN. ``statistic`` is
        U with one block, the standardised T with several. Limits are NaN where no 95 % interval exists.

    Notes
    -----
    Assumption: under the null the labels are exchangeable within blocks; for the estimate, the groups differ by a
    shift. Source: Mann HB, Whitney DR 1947; van Elteren P, Bull Inst Int Stat 1960;37:351-361; Lehmann EL,
    Nonparametrics 1975. Oracle: R ``wilcox.test``, enumeration of labels within blocks.
    """
    values, group = np.asarray(values, dtype=float), np.asarray(group, dtype=bool)
    blocks = np.zeros(len(group)) if blocks is None else np.asarray(blocks)
    method = "mann_whitney" if len(_strata(group=group, blocks=blocks)) <= 1 else "van_elteren"
    out = _empty(values=values, method=method)
    for rows, features in missing_patterns(values=values):
        strata = [(rows[one], rows[rest]) for one, rest in _strata(group=group[rows], blocks=blocks[rows])]
        out["n"][features] = sum(len(one) + len(rest) for one, rest in strata)
        if not strata:
            out["reason"][features] = "no block with values of both groups"
            continue
        flat = np.ones(len(features), dtype=bool)
        for one, rest in strata:
            part = values[np.ix_(np.concatenate([one, rest]), features)]
            flat &= part.min(axis=0) == part.max(axis=0)
        out["reason"][features[flat]] = "constant"
        if flat.all():
            continue
        varied = features[~flat]
        shift = _shifts(values=values[:, varied], strata=strata)
        out["estimate"][varied], out["ci_low"][varied], out["ci_high"][varied] = shift
        out["statistic"][varied], out["p"][varied] = _stratified_p(values=values[:, varied], strata=strata)
    return Fits(method=method, **out)


def _empty(*, values: np.ndarray, method: str) -> dict[str, np.ndarray]:
    values = np.asarray(values, dtype=float)
    if values.ndim != 2:
        raise ValueError(f"{method}: values of shape (n, m), got {values.shape}")
    m = values.shape[1]
    out = {name: np.full(m, np.nan) for name in ("estimate", "se", "statistic", "df", "p", "ci_low", "ci_high", "n")}
    return {**out, "reason": np.full(m, None, dtype=object)}


def _strata(*, group: np.ndarray, blocks: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return rows of the group and of the rest for every block that has both."""
    pairs = [
        (np.flatnonzero((blocks == name) & group), np.flatnonzero((blocks == name) & ~group))
        for name in np.unique(blocks)
    ]
    return [(one, rest) for one, rest in pairs if len(one) and len(rest)]


# signed rank -----------------------------------------------------------------


def _signed_p(*, ranks: np.ndarray, observed: float) -> float:
    n = len(ranks)
    if n > EXACT_UP_TO:
        centre, spread = ranks.sum() / 2, np.sqrt((ranks**2).sum() / 4)
        return float(min(1.0, 2 * stats.norm.sf(max(abs(observed - centre) - 0.5, 0) / spread)))
    null = signed_null(tuple(np.sort(np.rint(2 * ranks)).astype(int).tolist()))
    place = round(2 * observed)
    return float(min(1.0, 2 * min(null[: place + 1].sum(), null[place:].sum())))


def _walsh(data: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pseudomedian and limits per column of differences (n, m)."""
    n, m = data.shape
    first, second = np.triu_indices(n)
    total = len(first)
    if n > EXACT_UP_TO:
        skip = int(np.floor(total / 2 - stats.norm.ppf(0.975) * np.sqrt(n * (n + 1) * (2 * n + 1) / 24) + 0.5))
    else:
        below = np.cumsum(signed_null(tuple(range(2, 2 * n + 1, 2)))[::2])
        skip = int(np.searchsorted(below, 0.025 + 1e-12, side="right"))  # values of T with P(T <= t) <= 0.025
    out = np.full((3, m), np.nan)
    for start in range(0, m, step := max(1, _CHUNK // total)):
        part = data[:, start : start + step]
        walsh = np.sort((part[first] + part[second]) / 2, axis=0)
        out[0, start : start + step] = np.median(walsh, axis=0)
        if skip >= 1:
            out[1, start : start + step], out[2, start : start + step] = walsh[skip - 1], walsh[total - skip]
    return out[0], out[1], out[2]


# rank sums -------------------------------------------------------------------


def _stratified_p(*, values: np.ndarray, strata: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Return statistic and p per feature."""
    m = values.shape[1]
    total, variance, sums, ranked = np.zeros(m), np.zeros(m), [], []
    for one, rest in strata:
        n1, n = len(one), len(one) + len(rest)
        ranks = stats.rankdata(values[np.concatenate([one, rest])], axis=0)
        sums.append(ranks[:n1].sum(axis=0))
        ranked.append(ranks)
        total += (sums[-1] - n1 * (n + 1) / 2) / (n + 1)
        spread = ((ranks - (n + 1) / 2) ** 2).sum(axis=0)
        variance += n1 * (n - n1) / (n * (n - 1)) * spread / (n + 1) ** 2 if n > 1 else 0
    single = len(strata) == 1
    slack = 0.5 / (len(ranked[0]) + 1) if single else 0.0
    p = 2 * stats.norm.sf(np.maximum(np.abs(total) - slack, 0) / np.sqrt(variance))
    for feature in range(m):
        null = joint_null(
            tuple(
                (len(one), tuple(np.sort(np.rint(2 * ranks[:, feature])).astype(int).tolist()))
                for (one, _), ranks in zip(strata, ranked, strict=True)
            )
        )
        if null is not None:
            points, below = null
            low = below[np.searchsorted(points, total[feature] + SLACK, side="right")]
            high = 1 - below[np.searchsorted(points, total[feature] - SLACK, side="left")]
            p[feature] = 2 * min(low, high)
    n1 = len(strata[0][0])
    statistic = sums[0] - n1 * (n1 + 1) / 2 if single else total / np.sqrt(variance)
    return statistic, np.minimum(p, 1.0)


def _shifts(*, values: np.ndarray, strata: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, ...]:
    """Return weighted median and limits of the differences within blocks, per feature."""
    weights = np.concatenate([np.full(len(one) * len(rest), 1 / (len(one) + len(rest) + 1)) for one, rest in strata])
    limit = _lowest_rejected(strata=strata)
    total, m = weights.sum(), values.shape[1]
    out = np.full((3, m), np.nan)
    for start in range(0, m, step := max(1, _CHUNK // len(weights))):
        part = values[:, start : start + step]
        pairs = [(part[one][:, None] - part[rest][None]).reshape(-1, part.shape[1]) for one, rest in strata]
        differences = np.concatenate(pairs)
        order = np.argsort(differences, axis=0, kind="stable")
        differences = np.take_along_axis(differences, order, axis=0)
        below = np.cumsum(weights[order], axis=0)
        columns = np.arange(part.shape[1])
        left = (below >= total / 2 - SLACK).argmax(axis=0)
        right = (below > total / 2 + SLACK).argmax(axis=0)
        out[0, start : start + step] = (differences[left, columns] + differences[right, columns]) / 2
        if limit is not None:
            low = (below > limit + SLACK).argmax(axis=0)
            above = total - below + weights[order]
            high = len(weights) - 1 - (above[::-1] > limit + SLACK).argmax(axis=0)
            out[1, start : start + step], out[2, start : start + step] = (
                differences[low, columns],
                differences[high, columns],
            )
    return out[0], out[1], out[2]


def _lowest_rejected(*, strata: list[tuple[np.ndarray, np.ndarray]]) -> float | None:
    """Return the largest weighted count of pairs k with P(K <= k) <= 2.5 % (no ties); None if there is none."""
    sizes = [(len(one), len(one) + len(rest)) for one, rest in strata]
    centre = sum(n1 * (n - n1) / (2 * (n + 1)) for n1, n in sizes)
    null = joint_null(tuple((n1, tuple(range(2, 2 * n + 1, 2))) for n1, n in sizes))
    if null is None:
        spread = np.sqrt(sum(n1 * (n - n1) / (12 * (n + 1)) for n1, n in sizes))
        return float(centre - stats.norm.ppf(0.975) * spread)
    points, below = null
    rejected = points[below[1:] <= 0.025 + 1e-12]
    return float(rejected[-1] + centre) if rejected.size else None

"""Simon's two-stage design for a single arm: what a design does, and which design is best."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binom

COLUMNS = ["design", "n1", "r1", "n", "r", "p0", "p1", "alpha", "power", "pet_p0", "expected_n_p0"]


class Design(NamedTuple):
    """Stop with ``r1`` responders or fewer among ``n1``; go on to ``n``; reject p0 with more than ``r``."""

    n1: int
    r1: int
    n: int
    r: int


class Characteristics(NamedTuple):
    """At one true rate: chance to reject p0, chance to stop early, expected number of patients."""

    reject: float
    stop_early: float
    expected_n: float


def operating_characteristics(*, design: Design, p: float) -> Characteristics:
    """Return what a two-stage design does if the true response rate is ``p``.

    ``PET = B(r1; n1, p)``; ``P(reject) = 1 - [PET + sum_{x=r1+1}^{min(n1, r)} b(x; n1, p) B(r - x; n - n1, p)]``;
    ``EN = n1 + (1 - PET)(n - n1)``, with b and B the binomial probability and distribution function.

    Parameters
    ----------
    design
        Stages and limits.
    p
        True response rate, a fraction.

    Returns
    -------
    Characteristics
        ``reject`` is the type I error at p0 and the power at p1.

    Raises
    ------
    ValueError
        If the design is not ``0 <= r1 < n1 < n``, ``r1 <= r < n``, or p is no fraction.

    Notes
    -----
    Source: Simon R, Control Clin Trials 1989;10:1-10, whose published designs are tests.
    """
    n1, r1, n, r = design
    if not (0 <= r1 < n1 < n and r1 <= r < n and 0 <= p <= 1):
        raise ValueError(f"no two-stage design: {design}, p={p}")
    stop = float(binom.cdf(r1, n1, p))
    first = np.arange(r1 + 1, min(n1, r) + 1)
    accept = stop + float(np.sum(binom.pmf(first, n1, p) * binom.cdf(r - first, n - n1, p)))
    return Characteristics(reject=1 - accept, stop_early=stop, expected_n=n1 + (1 - stop) * (n - n1))


def find_designs(
    *, p0: float, p1: float, alpha: float = 0.05, power: float = 0.80, max_n: int = 80
) -> dict[str, Design]:
    """Return Simon's minimax and optimal designs.

    ``minimax`` has the smallest n, and of these the smallest expected number at p0; ``optimal`` the smallest expected
    number at p0. The search is complete up to ``max_n``.

    Parameters
    ----------
    p0, p1
        Response rate of no interest and of interest, fractions.
    alpha, power
        Greatest type I error, least power.
    max_n
        Largest trial looked at.

    Raises
    ------
    ValueError
        If ``p0 < p1`` does not hold, or no design up to ``max_n`` meets the limits.
    """
    if not 0 < p0 < p1 < 1:
        raise ValueError(f"0 < p0 < p1 < 1 is needed, got p0={p0}, p1={p1}")
    found: list[tuple[float, Design]] = []
    for n in range(2, max_n + 1):
        for n1 in range(1, n):
            found += _of_size(n1=n1, n=n, p0=p0, p1=p1, alpha=alpha, power=power)
    if not found:
        raise ValueError(f"no design up to n={max_n} for p0={p0}, p1={p1}, alpha={alpha}, power={power}")
    return {
        "minimax": min(found, key=lambda item: (item[1].n, item[0], item[1]))[1],
        "optimal": min(found, key=lambda item: (item[0], item[1].n, item[1]))[1],
    }


def simon_table(*, p0: float, p1: float, alpha: float = 0.05, power: float = 0.80, max_n: int = 80) -> pd.DataFrame:
    """Return the minimax and optimal designs with their true alpha, power, early stopping and expected size.

    Parameters as in :func:`find_designs`; columns ``COLUMNS``.
    """
    rows = []
    for name, design in find_designs(p0=p0, p1=p1, alpha=alpha, power=power, max_n=max_n).items():
        null = operating_characteristics(design=design, p=p0)
        real = operating_characteristics(design=design, p=p1)
        rows.append([name, *design, p0, p1, null.reject, real.reject, null.stop_early, null.expected_n])
    return pd.DataFrame(rows, columns=COLUMNS)


def decision(*, design: Design, n: int, k: int) -> str:
    """Return where a trial with ``k`` responders among ``n`` stands.

    One of ``first stage``, ``stopped`` (too few among n1), ``second stage``, ``p0 rejected``, ``p0 not rejected``.
    More than ``r`` responders reject p0 at any time: they cannot be lost any more.
    """
    if k > design.r:
        return "p0 rejected"
    if n >= design.n:
        return "p0 not rejected"
    if n < design.n1:
        return "first stage"
    return "stopped" if n == design.n1 and k <= design.r1 else "second stage"


def _of_size(*, n1: int, n: int, p0: float, p1: float, alpha: float, power: float) -> list[tuple[float, Design]]:
    """Return the designs of one pair of sizes that meet the limits, with their expected number at p0."""
    one, two = np.arange(n1 + 1), np.arange(-n1, n)
    mass = [binom.pmf(one, n1, p) for p in (p0, p1)]
    below = [np.where(two < 0, 0.0, binom.cdf(np.maximum(two, 0), n - n1, p)) for p in (p0, p1)]
    found = []
    for r1 in range(n1):
        stop = [float(part[: r1 + 1].sum()) for part in mass]
        if 1 - stop[1] < power:
            break
        limits = np.arange(r1, n)
        # tail[x, j]: chance of at most limits[j] - x responders in the second stage
        places = limits[None, :] - one[r1 + 1 :, None] + n1
        reject = [1 - stop[i] - mass[i][r1 + 1 :] @ below[i][places] for i in (0, 1)]
        good = np.flatnonzero((reject[0] <= alpha) & (reject[1] >= power))
        expected = n1 + (1 - stop[0]) * (n - n1)
        found += [(expected, Design(n1, r1, n, int(limits[j]))) for j in good]
    return found

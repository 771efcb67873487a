"""Presence and absence: which features come, go, or are there more often, whatever their amount."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import special, stats

from gutaxis.stats.cox import cox
from gutaxis.stats.design import Design
from gutaxis.stats.firth import firth_logistic
from gutaxis.stats.results import Fits

NO_CHANGE = "no patient gains or loses it"
#: Log odds beyond which no limit is looked for.
FARTHEST = 200.0


def prevalence_fits(*, table: pd.DataFrame, design: Design) -> Fits:
    """Test the presence (value above zero) of every feature.

    ``between``: :func:`gutaxis.stats.firth.firth_logistic` of presence on the design's matrix, log odds ratio R - NR.
    ``difference``, change: :func:`mcnemar`. ``difference``, response_change: :func:`change_by_response`.
    ``survival``: Cox, log hazard ratio of present against absent, adjusted as the design says.

    Parameters
    ----------
    table
        Samples x features, >= 0, with all samples of the design; no NaN.
    design
        Any scheme but ``mixed``: use the design of the complete pairs.

    Returns
    -------
    Fits
        Estimates in natural log odds (log hazard for survival). A feature without variation in presence has a reason.

    Raises
    ------
    ValueError
        For a mixed design or one with a refusal.
    """
    if design.refusal is not None or design.scheme == "mixed":
        raise ValueError(f"no prevalence test for scheme {design.scheme}: {design.refusal or 'give complete pairs'}")
    present = table.gt(0).astype(float)
    if design.scheme == "difference":
        before, after = (present.loc[list(design.units[name])].to_numpy() for name in ("pre", "post"))
        if design.tested == "intercept":
            return mcnemar(before=before, after=after)
        return change_by_response(before=before, after=after, group=(design.units["response"] == "R").to_numpy())
    values = design.values(table=present)
    if design.scheme == "survival":
        fits = cox(values=values, covariates=design.matrix, time=design.time, event=design.event)
        scaled = {name: getattr(fits, name) / fits.sd for name in ("estimate", "se", "ci_low", "ci_high")}
        kept = {name: getattr(fits, name) for name in ("statistic", "df", "p", "n", "reason")}
        return Fits(method="cox_presence", **scaled, **kept)
    return firth_logistic(outcome=values, matrix=design.matrix, tested=design.tested_index)


def mcnemar(*, before: np.ndarray, after: np.ndarray) -> Fits:
    """Test whether a feature is gained as often as it is lost, by the exact McNemar test.

    Given that a patient changes, gain has the probability ``pi``; the null is 0.5. With b gains and c losses:
    p = exact two-sided binomial; estimate = ``log((b + 0.5) / (c + 0.5))``, the log odds of a gain under Firth's
    penalty (for a binomial it equals Jeffreys' prior); interval: its profile of the penalised likelihood, which exists
    with b = 0 or c = 0 too.

    Parameters
    ----------
    before, after
        Shape (n, m), 0 and 1, of the same patients.

    Returns
    -------
    Fits
        Method ``mcnemar_exact``; log odds (conditional odds ratio of presence POST against PRE); statistic is the
        signed root of the penalised likelihood ratio; n = patients.

    Notes
    -----
    The exact p value is conservative and so may disagree with the interval near 5 %. Source: McNemar Q, Psychometrika
    1947;12:153-157; Firth D, Biometrika 1993. Oracle: ``scipy.stats.binomtest``, statsmodels ``mcnemar``.
    """
    gain = ((after > 0) & (before <= 0)).sum(axis=0)
    loss = ((after <= 0) & (before > 0)).sum(axis=0)
    pairs, inverse = np.unique(np.column_stack([gain, loss]), axis=0, return_inverse=True)
    a, b = pairs.T + 0.5
    estimate = np.log(a / b)

    def root(x: np.ndarray) -> np.ndarray:
        fall = a * (special.log_expit(estimate) - special.log_expit(x))
        fall += b * (special.log_expit(-estimate) - special.log_expit(-x))
        return np.sqrt(np.maximum(2 * fall, 0))

    changed = pairs.sum(axis=1)
    weight = changed * special.expit(estimate) * special.expit(-estimate)
    columns = {
        "estimate": estimate,
        "se": 1 / np.sqrt(np.maximum(weight, 1e-300)),
        "statistic": np.sign(estimate) * root(np.zeros(len(pairs))),
        "p": np.array([stats.binomtest(g, g + c).pvalue if g + c else np.nan for g, c in pairs.tolist()]),
        "ci_low": _limit(root=root, estimate=estimate, side=-1),
        "ci_high": _limit(root=root, estimate=estimate, side=1),
    }
    reasons = [None if count else NO_CHANGE for count in changed]
    return _fits(method="mcnemar_exact", columns=columns, reasons=reasons, inverse=inverse, n=len(before))


def change_by_response(*, before: np.ndarray, after: np.ndarray, group: np.ndarray) -> Fits:
    """Test whether gains and losses of a feature differ between responders and non-responders, exactly.

    Among the patients whose presence changes, the 2 x 2 table gain / loss by response: the conditional likelihood of
    paired binary data in which response and time interact. p = Fisher's exact test; estimate = log odds ratio under
    Firth's penalty (0.5 added to each cell), interval by its profile. Covariates and blocks are not adjusted for.

    Parameters
    ----------
    before, after
        Shape (n, m), 0 and 1, of the same patients.
    group
        Shape (n,), True for responders.

    Returns
    -------
    Fits
        Method ``fisher_exact_change``; log of the ratio of odds of gain R / NR; n = patients. A reason where one group
        has no patient that changes, or where all change in one direction.

    Notes
    -----
    Source: Agresti A, Categorical Data Analysis, ch. 11 (conditional logistic regression of matched pairs). Oracle:
    enumeration of the labels, statsmodels ``ConditionalLogit``.
    """
    group = np.asarray(group, dtype=bool)
    step = (after > 0).astype(int) - (before > 0).astype(int)
    counts = [((step == sign) & who[:, None]).sum(axis=0) for who in (group, ~group) for sign in (1, -1)]
    cells, inverse = np.unique(np.column_stack(counts), axis=0, return_inverse=True)
    gain_r, loss_r, gain_nr, loss_nr = cells.T + 0.5
    estimate = np.log(gain_r * loss_nr / (loss_r * gain_nr))

    def likelihood(x: np.ndarray) -> np.ndarray:
        """Penalised log likelihood at the log odds ratio x, maximal over the odds of the non-responders."""
        up, down, ratio = gain_r + gain_nr, loss_r + loss_nr, np.exp(x)
        # score of the nuisance u = odds of a gain among non-responders: a quadratic with one positive root
        second, first = down * ratio, ratio * (loss_r - gain_nr) + loss_nr - gain_r
        odds = np.log((-first + np.sqrt(first**2 + 4 * second * up)) / (2 * second))
        return (
            gain_r * special.log_expit(odds + x) + loss_r * special.log_expit(-odds - x)
            + gain_nr * special.log_expit(odds) + loss_nr * special.log_expit(-odds)
        )  # fmt: skip

    top, variance = likelihood(estimate), np.zeros(len(cells))
    for gain, loss in ((gain_r, loss_r), (gain_nr, loss_nr)):
        changed = gain + loss - 1  # without the penalty
        variance += (gain + loss) ** 2 / (np.maximum(changed, 1e-300) * gain * loss)

    def root(x: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(2 * (top - likelihood(x)), 0))

    reasons, p = [], []
    for a, b, c, d in cells.tolist():
        reason = None
        if a + b + c + d == 0:
            reason = NO_CHANGE
        elif not (a + b and c + d):
            reason = f"no change among {'non-responders' if a + b else 'responders'}"
        elif not (a + c and b + d):
            reason = "every patient that changes does so in one direction"
        reasons.append(reason)
        p.append(np.nan if reason else float(stats.fisher_exact([[a, b], [c, d]])[1]))
    columns = {
        "estimate": estimate,
        "se": np.sqrt(variance),
        "statistic": np.sign(estimate) * root(np.zeros(len(cells))),
        "p": np.array(p),
        "ci_low": _limit(root=root, estimate=estimate, side=-1),
        "ci_high": _limit(root=root, estimate=estimate, side=1),
    }
    return _fits(method="fisher_exact_change", columns=columns, reasons=reasons, inverse=inverse, n=len(before))


def _limit(*, root: Callable[[np.ndarray], np.ndarray], estimate: np.ndarray, side: int) -> np.ndarray:
    """Return where the signed root of the profile likelihood ratio reaches the 95 % quantile, by bisection."""
    target, near, reach = stats.norm.ppf(0.975), estimate.copy(), np.ones(len(estimate))
    while (short := (root(estimate + side * reach) < target) & (reach < FARTHEST)).any():
        reach[short] *= 2
    far = estimate + side * reach
    for _ in range(80):
        middle = (near + far) / 2
        inside = root(middle) < target
        near, far = np.where(inside, middle, near), np.where(inside, far, middle)
    return np.where(reach < FARTHEST, (near + far) / 2, np.nan)


def _fits(
    *, method: str, columns: dict[str, np.ndarray], reasons: list[str | None], inverse: np.ndarray, n: int
) -> Fits:
    """Return results of distinct tables for every feature; NaN where there is a reason."""
    inverse = inverse.ravel()
    reason = np.full(len(reasons), None, dtype=object)
    reason[:] = reasons
    made = np.array([why is None for why in reasons], dtype=bool)
    spread = {name: np.where(made, found, np.nan)[inverse] for name, found in columns.items()}
    return Fits(
        method=method,
        **spread,
        df=np.full(len(inverse), np.nan),
        n=np.full(len(inverse), float(n)),
        reason=reason[inverse],
    )

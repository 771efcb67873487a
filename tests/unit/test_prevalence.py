"""Presence tests: McNemar and Fisher by enumeration, closed forms, intervals under separation, Cox, Firth."""

from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.special import log_expit
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_of

from gutaxis.stats.cox import cox
from gutaxis.stats.design import contrast_design
from gutaxis.stats.firth import firth_logistic
from gutaxis.stats.prevalence import NO_CHANGE, change_by_response, mcnemar, prevalence_fits

pytestmark = pytest.mark.unit


def pairs(gain, loss, both=3, neither=4):
    before = np.repeat([0, 1, 1, 0], [gain, loss, both, neither])
    after = np.repeat([1, 0, 1, 0], [gain, loss, both, neither])
    return before[:, None].astype(float), after[:, None].astype(float)


@pytest.mark.parametrize(("gain", "loss"), [(5, 1), (0, 6), (3, 3), (1, 0), (14, 4)])
def test_mcnemar(gain, loss):
    fit = mcnemar(**dict(zip(("before", "after"), pairs(gain, loss), strict=True)))
    n, k = gain + loss, min(gain, loss)
    p = min(1, 2 * sum(comb(n, i) for i in range(k + 1)) / 2**n)
    assert fit.p[0] == pytest.approx(p)
    assert fit.p[0] == pytest.approx(mcnemar_of([[0, gain], [loss, 0]], exact=True).pvalue)
    assert fit.estimate[0] == pytest.approx(np.log((gain + 0.5) / (loss + 0.5)))

    def root(b):  # profile of the likelihood of a binomial with 0.5 added to both counts
        at = fit.estimate[0]
        drop = (gain + 0.5) * (log_expit(at) - log_expit(b)) + (loss + 0.5) * (log_expit(-at) - log_expit(-b))
        return 2 * drop - 3.841458820694124

    assert fit.ci_low[0] == pytest.approx(brentq(root, fit.estimate[0] - 20, fit.estimate[0]), abs=1e-8)
    assert fit.ci_high[0] == pytest.approx(brentq(root, fit.estimate[0], fit.estimate[0] + 20), abs=1e-8)
    # the same as Firth's regression with an intercept alone on the patients that change
    outcome = np.repeat([1.0, 0.0], [gain, loss])[:, None]
    if gain and loss:
        same = firth_logistic(outcome=outcome, matrix=np.ones((n, 1)), tested=0)
        assert (same.estimate[0], same.ci_low[0], same.ci_high[0]) == pytest.approx(
            (fit.estimate[0], fit.ci_low[0], fit.ci_high[0]), abs=1e-6
        )


def test_without_a_change_there_is_a_reason():
    before, after = pairs(0, 0)
    assert mcnemar(before=before, after=after).reason[0] == NO_CHANGE
    group = np.arange(len(before)) % 2 == 0
    assert change_by_response(before=before, after=after, group=group).reason[0] == NO_CHANGE


def steps(gain_r, loss_r, gain_nr, loss_nr, still=4):
    counts = [gain_r, loss_r, still, gain_nr, loss_nr, still]
    before = np.repeat([0, 1, 1, 0, 1, 1], counts)
    after = np.repeat([1, 0, 1, 1, 0, 1], counts)
    return before[:, None].astype(float), after[:, None].astype(float), np.repeat([1, 1, 1, 0, 0, 0], counts) == 1


@pytest.mark.parametrize("cells", [(5, 1, 2, 6), (4, 0, 0, 5), (1, 3, 4, 2)])
def test_change_by_response_is_the_exact_test_of_the_patients_that_change(cells):
    before, after, group = steps(*cells)
    fit = change_by_response(before=before, after=after, group=group)
    n, r, gains = sum(cells), cells[0] + cells[1], cells[0] + cells[2]
    labels = [sum(1 for i in chosen if i < gains) for chosen in combinations(range(n), r)]  # gains among responders
    chance = np.bincount(labels, minlength=n + 1) / len(labels)
    assert fit.p[0] == pytest.approx(chance[chance <= chance[cells[0]] * (1 + 1e-7)].sum())
    a, b, c, d = cells
    assert fit.estimate[0] == pytest.approx(np.log((a + 0.5) * (d + 0.5) / ((b + 0.5) * (c + 0.5))), abs=1e-7)
    assert fit.ci_low[0] < fit.estimate[0] < fit.ci_high[0]
    assert np.isfinite([fit.ci_low[0], fit.ci_high[0]]).all()
    outcome, responder = np.repeat([1.0, 0, 1, 0], cells)[:, None], np.repeat([1.0, 1, 0, 0], cells)
    same = firth_logistic(outcome=outcome, matrix=np.column_stack([np.ones(n), responder]), tested=1)
    for name in ("estimate", "se", "statistic", "ci_low", "ci_high"):
        assert getattr(fit, name)[0] == pytest.approx(getattr(same, name)[0], abs=1e-6), name


def test_change_by_response_says_who_does_not_change():
    fits = [change_by_response(**dict(zip(("before", "after", "group"), steps(*c), strict=True))) for c in
            ((3, 1, 0, 0), (0, 0, 1, 2), (2, 0, 3, 0))]  # fmt: skip
    assert [fit.reason[0] for fit in fits] == [
        "no change among non-responders",
        "no change among responders",
        "every patient that changes does so in one direction",
    ]


def observations(n=24, seed=1):
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        response, days = ("R" if i % 3 == 0 else "NR"), float(rng.integers(20, 300))
        rows += [(f"s{i}{t}", f"p{i}", t, response, "AB"[i % 2], days, float(i % 4 == 0)) for t in ("PRE", "POST")]
    names = ["sample_id", "patient_id", "timepoint", "response", "cohort", "pfs2_days", "pfs2_cnsr"]
    return pd.DataFrame(rows, columns=names).set_index("sample_id")


def test_every_scheme_has_its_test():
    obs = observations()
    rng = np.random.default_rng(2)
    table = pd.DataFrame(rng.random((len(obs), 6)) * (rng.random((len(obs), 6)) < 0.5), index=obs.index)
    table[5] = 1.0
    expected = {
        "baseline": "firth_logistic",
        "change": "mcnemar_exact",
        "response_change": "fisher_exact_change",
        "survival": "cox_presence",
    }
    for contrast, method in expected.items():
        design = contrast_design(
            contrast=contrast, observations=obs, covariates=("cohort",), batch="ignore", pairs="differences"
        )
        fit = prevalence_fits(table=table, design=design)
        assert fit.method == method
        assert np.isfinite(fit.p[[why is None for why in fit.reason]]).all()
        assert np.isfinite(fit.p[:5]).sum() >= 4
        assert fit.reason[5] is not None
        assert np.isnan(fit.p[5])
    # the hazard is of present against absent, not per SD
    present = design.values(table=table.gt(0).astype(float))
    raw = cox(values=present, covariates=design.matrix, time=design.time, event=design.event)
    assert fit.estimate[:5] == pytest.approx(raw.estimate[:5] / present[:, :5].std(axis=0, ddof=1))
    mixed = contrast_design(contrast="change", observations=obs, pairs="mixed")
    with pytest.raises(ValueError, match="complete pairs"):
        prevalence_fits(table=table, design=mixed)


def test_exact_tests_do_not_exceed_their_level():
    rng = np.random.default_rng(3)
    before, after = ((rng.random((30, 800)) < 0.5) * 1.0 for _ in range(2))
    group = np.arange(30) < 10
    for fit in (mcnemar(before=before, after=after), change_by_response(before=before, after=after, group=group)):
        assert 0.005 < (fit.p < 0.05).mean() <= 0.06

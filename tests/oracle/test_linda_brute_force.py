"""LinDA by brute force: log ratios to the reference one feature at a time, lstsq, the mode by direct maximisation."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import minimize_scalar

from gutaxis.stats.design import contrast_design
from gutaxis.stats.linda import linda, mode_of
from gutaxis.stats.mixed import random_intercept

pytestmark = pytest.mark.oracle


def observations(n=24, lost=()):
    rows = []
    for i in range(n):
        for point in ("PRE", "POST"):
            if (i, point) not in lost:
                rows.append((f"s{i:02d}{point}", f"p{i:02d}", point, "R" if i % 3 == 0 else "NR", "ABC"[i % 3 - i % 2]))
    names = ["sample_id", "patient_id", "timepoint", "response", "cohort"]
    return pd.DataFrame(rows, columns=names).set_index("sample_id")


def species(obs, m=40, changed=4, effect=3.0):
    rng, depth = np.random.default_rng(1), 20000
    patients = pd.factorize(obs["patient_id"])[0]
    logs = (
        rng.normal(0, 1.5, m)
        + rng.normal(0, 1.2, (patients.max() + 1, m))[patients]
        + rng.normal(0, 0.8, (len(obs), m))
    )
    after, responder = (obs["timepoint"] == "POST").to_numpy(), (obs["response"] == "R").to_numpy()
    logs[np.ix_(after & responder, range(changed))] += effect
    share = np.exp(logs)
    counts = np.array([rng.multinomial(depth, row / row.sum()) for row in share])
    return pd.DataFrame(counts / depth, index=obs.index, columns=[f"f{i:02d}" for i in range(m)])


def brute_values(table, design):
    """Half the smallest positive value of the feature for zeros; log2; POST minus PRE."""
    used = table.loc[design.samples].to_numpy().copy()
    for j in range(used.shape[1]):
        column = used[:, j]
        column[column == 0] = column[column > 0].min() / 2
    logs = pd.DataFrame(np.log2(used), index=design.samples, columns=table.columns)
    if design.scheme == "difference":
        return logs.loc[design.units["post"]].to_numpy() - logs.loc[design.units["pre"]].to_numpy()
    return logs.loc[design.units.index].to_numpy()


def brute_mode(b, least=0.0):
    spread = np.std(b, ddof=1)
    quartiles = (np.quantile(b, 0.75) - np.quantile(b, 0.25)) / 1.34
    h = max(0.9 * min(spread, quartiles) * len(b) ** -0.2, least)

    def minus(d):
        return -stats.norm.pdf((b - d) / h).sum()

    grid = np.linspace(b.min(), b.max(), 20001)
    top = grid[np.argmin([minus(d) for d in grid])]
    place = minimize_scalar(minus, bounds=(top - h / 4, top + h / 4), method="bounded", options={"xatol": 1e-12}).x
    weights = stats.norm.pdf((b - place) / h)
    return place, weights / weights.sum()


@pytest.mark.parametrize("contrast", ["baseline", "post", "change", "response_change"])
def test_equals_brute_force(contrast):
    obs = observations()
    table = species(obs)
    design = contrast_design(contrast=contrast, observations=obs, covariates=("cohort",), batch="ignore")
    fits = linda(table=table, design=design)
    y, x, k = brute_values(table, design), design.matrix, design.tested_index
    centred = y - y.mean(axis=1, keepdims=True)
    first = np.array([np.linalg.lstsq(x, centred[:, j], rcond=None)[0][k] for j in range(y.shape[1])])
    inverse, df = np.linalg.inv(x.T @ x), len(x) - x.shape[1]
    residuals = centred - x @ inverse @ x.T @ centred
    place, weights = brute_mode(first, 0.75 * np.median(np.sqrt((residuals**2).sum(axis=0) / df * inverse[k, k])))
    for j in range(y.shape[1]):
        ratio = y[:, j] - y @ weights  # log ratio of the feature to the reference
        beta = np.linalg.lstsq(x, ratio, rcond=None)[0]
        se = np.sqrt(((ratio - x @ beta) ** 2).sum() / df * inverse[k, k])
        assert fits.estimate[j] == pytest.approx(first[j] - place, abs=1e-6)
        assert fits.estimate[j] == pytest.approx(beta[k], abs=1e-6)
        assert fits.se[j] == pytest.approx(se, rel=1e-6)
        assert fits.p[j] == pytest.approx(2 * stats.t.sf(abs(beta[k] / se), df), rel=1e-5)
    assert (fits.df == df).all()


def test_incomplete_pairs_take_the_mixed_model():
    obs = observations(lost={(2, "POST"), (5, "POST"), (7, "PRE")})
    table = species(obs)
    design = contrast_design(contrast="change", observations=obs, batch="ignore")
    assert design.scheme == "mixed"
    fits = linda(table=table, design=design)
    y = brute_values(table, design)
    known = {
        "negative": True,
        "matrix": design.matrix,
        "patients": design.units["patient_id"].to_numpy(),
        "tested": design.tested_index,
    }
    first = random_intercept(values=y - y.mean(axis=1, keepdims=True), **known)
    _, weights = brute_mode(first.estimate, 0.75 * np.median(first.se))
    again = random_intercept(values=y - (y @ weights)[:, None], **known)
    assert fits.estimate == pytest.approx(again.estimate, abs=1e-5)
    assert fits.se == pytest.approx(again.se, rel=1e-4)
    assert fits.method == "linda"


@pytest.mark.parametrize("seed", range(5))
def test_mode_is_the_top_of_the_density_and_a_weighted_mean(seed):
    rng = np.random.default_rng(seed)
    b = np.concatenate([rng.normal(0.3, 0.4, 60), rng.normal(2.5, 0.5, 20)])
    mode = mode_of(coefficients=b)
    place, weights = brute_mode(b)
    assert mode.location == pytest.approx(place, abs=1e-6)
    assert mode.weights == pytest.approx(weights, abs=1e-6)
    assert mode.weights.sum() == pytest.approx(1)

"""LinDA by brute force: log ratios to the reference one feature at a time, lstsq, the mode by direct maximisation."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import minimize_scalar

from gutaxis.stats.composition import sample_factors
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
    share = np.exp(logs) * (rng.random((patients.max() + 1, m)) > 0.2)[patients]
    counts = np.array([rng.multinomial(depth, row / row.sum()) for row in share])
    return pd.DataFrame(counts / depth, index=obs.index, columns=[f"f{i:02d}" for i in range(m)])


def brute_factors(values, turns=60):
    """Sample factors: mean of the features and median of the samples in turn, over the values above zero."""
    n, m = values.shape
    logs = [[np.log2(values[i, j]) if values[i, j] > 0 else None for j in range(m)] for i in range(n)]
    r = [np.median([x for x in logs[i] if x is not None]) for i in range(n)]
    for _ in range(turns):
        level = [np.mean([logs[i][j] - r[i] for i in range(n) if logs[i][j] is not None]) for j in range(m)]
        r = [np.median([logs[i][j] - level[j] for j in range(m) if logs[i][j] is not None]) for i in range(n)]
    return np.array(r) - np.mean(r)


def brute_logs(table, design, *, published):
    """Logs with zeros filled, and which of them count, by sample and feature."""
    used = table.loc[design.samples].to_numpy()
    r = np.zeros(len(used)) if published else brute_factors(used)
    patient = {}
    for name, row in design.units.iterrows():
        for sample in [row["pre"], row["post"]] if design.scheme == "difference" else [name]:
            patient[sample] = row["patient_id"]
    logs, counts = {}, {}
    for j, feature in enumerate(table.columns):
        lowest = min(np.log2(used[i, j]) - r[i] for i in range(len(used)) if used[i, j] > 0)
        for i, sample in enumerate(design.samples):
            logs[sample, feature] = np.log2(used[i, j]) if used[i, j] > 0 else lowest - 1 + r[i]
            own = [k for k, other in enumerate(design.samples) if patient[other] == patient[sample]]
            paired = design.scheme != "between" and not published
            counts[sample, feature] = not (
                paired and (used[:, j] == 0).any() and (len(own) == 1 or all(used[k, j] == 0 for k in own))
            )
    return logs, counts


def brute_values(table, design, *, published=False):
    """Model values: centred log ratios of samples, or of POST minus those of PRE; NaN where they do not count."""
    logs, counts = brute_logs(table, design, published=published)
    rows = {}
    for sample in design.samples:
        row = np.array([logs[sample, feature] for feature in table.columns])
        there = np.array([counts[sample, feature] for feature in table.columns])
        rows[sample] = np.where(there, row - row.mean(), np.nan)
    return pd.DataFrame(rows, index=table.columns).T


def of_units(samples, design):
    if design.scheme == "difference":
        return samples.loc[design.units["post"]].to_numpy() - samples.loc[design.units["pre"]].to_numpy()
    return samples.loc[design.units.index].to_numpy()


def brute_reference(samples, weights):
    out = []
    level = samples.mean()
    for _, row in samples.iterrows():
        there = row.notna().to_numpy()
        out.append(((row - level).to_numpy()[there] * weights[there]).sum() / weights[there].sum())
    return np.array(out)


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


def test_sample_factors_equal_brute_force():
    table = species(observations())
    assert (table == 0).mean(axis=None) > 0.2
    assert sample_factors(table=table) == pytest.approx(brute_factors(table.to_numpy()), abs=1e-7)


@pytest.mark.parametrize("published", [False, True])
@pytest.mark.parametrize("contrast", ["baseline", "post", "change", "response_change"])
def test_equals_brute_force(contrast, published):
    obs = observations()
    table = species(obs)
    design = contrast_design(contrast=contrast, observations=obs, covariates=("cohort",), batch="ignore")
    fits = linda(table=table, design=design, pseudocount="half_minimum" if published else "centred_half_minimum")
    samples, k, m = brute_values(table, design, published=published), design.tested_index, table.shape[1]

    def fit(y):
        rows = np.isfinite(y)
        x, y = design.matrix[rows], y[rows]
        beta = np.linalg.lstsq(x, y, rcond=None)[0]
        df = len(x) - x.shape[1]
        return beta[k], np.sqrt(((y - x @ beta) ** 2).sum() / df * np.linalg.inv(x.T @ x)[k, k]), df, len(x)

    first = np.array([fit(of_units(samples, design)[:, j]) for j in range(m)])
    place, weights = brute_mode(first[:, 0], 0.75 * np.median(first[:, 1]))
    referred = of_units(samples.sub(brute_reference(samples, weights), axis=0), design)
    everyone = contrast in {"baseline", "post"} or published
    assert np.isnan(referred).any() != everyone
    for j in range(m):
        estimate, se, df, n = fit(referred[:, j])
        if everyone:
            assert estimate == pytest.approx(first[j, 0] - place, abs=1e-6)
        assert fits.estimate[j] == pytest.approx(estimate, abs=1e-6)
        assert fits.se[j] == pytest.approx(se, rel=1e-6)
        assert fits.p[j] == pytest.approx(2 * stats.t.sf(abs(estimate / se), df), rel=1e-5)
        assert (fits.df[j], fits.n[j]) == (df, n)


def test_incomplete_pairs_take_the_mixed_model():
    obs = observations(lost={(2, "POST"), (5, "POST"), (7, "PRE")})
    table = species(obs) + 0.0
    table.iloc[:, :10] += 1e-5  # no zero: the patients with one sample count
    design = contrast_design(contrast="change", observations=obs, batch="ignore")
    assert design.scheme == "mixed"
    fits = linda(table=table, design=design)
    samples = brute_values(table, design).loc[design.units.index]
    assert samples.loc["s02PRE"].notna().sum() == 10

    def fit(y):
        rows = np.isfinite(y)
        made = random_intercept(
            values=y[rows, None], matrix=design.matrix[rows], patients=design.units["patient_id"].to_numpy()[rows],
            tested=design.tested_index, negative=True,
        )  # fmt: skip
        return made.estimate[0], made.se[0], made.df[0]

    first = np.array([fit(samples[name].to_numpy()) for name in table])
    _, weights = brute_mode(first[:, 0], 0.75 * np.median(first[:, 1]))
    referred = samples.sub(brute_reference(samples, weights), axis=0)
    again = np.array([fit(referred[name].to_numpy()) for name in table])
    assert fits.estimate == pytest.approx(again[:, 0], abs=1e-5)
    assert fits.se == pytest.approx(again[:, 1], rel=1e-4)
    assert fits.df == pytest.approx(again[:, 2], rel=1e-3)
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

"""LinDA: invariance, bias correction, level with few features, degenerate tables."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gutaxis.stats.composition import clr
from gutaxis.stats.design import contrast_design
from gutaxis.stats.linda import linda, mode_of
from gutaxis.stats.linear import ols

pytestmark = pytest.mark.unit


def observations(n=30):
    rows = [(f"s{i:02d}", f"p{i:02d}", "PRE", "R" if i % 3 == 0 else "NR") for i in range(n)]
    return pd.DataFrame(rows, columns=["sample_id", "patient_id", "timepoint", "response"]).set_index("sample_id")


def table(obs, m, *, changed=0, effect=2.0, seed=1, spread=1.5):
    rng = np.random.default_rng(seed)
    logs = rng.normal(0, 2, m) + rng.normal(0, spread, (len(obs), m))
    logs[np.ix_((obs["response"] == "R").to_numpy(), range(changed))] += effect
    share = np.exp2(logs)
    return pd.DataFrame(
        share / share.sum(axis=1, keepdims=True), index=obs.index, columns=[f"f{j:03d}" for j in range(m)]
    )


def design(obs, contrast="baseline"):
    return contrast_design(contrast=contrast, observations=obs)


def test_unit_and_order_do_not_matter():
    obs = observations()
    data = table(obs, 30)
    data.iloc[3:9, 4] = 0
    fits = linda(table=data, design=design(obs))
    again = linda(table=data.iloc[::-1] * 1e6, design=design(obs))
    assert again.estimate == pytest.approx(fits.estimate, abs=1e-9)
    assert again.p == pytest.approx(fits.p, rel=1e-9)


def test_the_bias_of_the_composition_is_removed():
    obs = observations(60)
    data = table(obs, 200, changed=60, effect=3, spread=0.7)
    d = design(obs)
    plain = ols(values=d.values(table=clr(table=data)), matrix=d.matrix, tested=d.tested_index)
    fits = linda(table=data, design=d)
    assert plain.estimate[60:].mean() < -0.7  # 30 % that rise push all others down
    assert abs(fits.estimate[60:].mean()) < 0.15
    assert fits.estimate[:60].mean() == pytest.approx(3, abs=0.15)


def test_level_with_few_features_where_the_mode_is_uncertain():
    obs = observations()
    d = design(obs)
    p, naive = [], []
    for seed in range(400):
        data = table(obs, 10, seed=seed)
        p.append(linda(table=data, design=d).p)
        plain = ols(values=d.values(table=clr(table=data)), matrix=d.matrix, tested=d.tested_index)
        shifted = plain.estimate - mode_of(coefficients=plain.estimate).location
        naive.append(2 * stats.t.sf(np.abs(shifted / plain.se), plain.df))
    level, before = np.mean(np.array(p) < 0.05), np.mean(np.array(naive) < 0.05)
    assert 0.035 < level < 0.065
    assert level < before - 0.01  # as published, with the mode taken for known


def test_fewer_than_five_features_are_plain_centred_ratios():
    obs = observations()
    d, data = design(obs), table(observations(), 3)
    plain = ols(values=d.values(table=clr(table=data)), matrix=d.matrix, tested=d.tested_index)
    fits = linda(table=data, design=d)
    assert fits.estimate == pytest.approx(plain.estimate)
    assert fits.method == "linda"


def test_two_features_and_a_constant_one():
    obs = observations()
    data = table(obs, 8)
    data["f000"] = data.drop(columns="f000").apply(
        lambda row: np.exp2(np.log2(row).mean()), axis=1
    )  # clr 0 in every sample
    fits = linda(table=data, design=design(obs))
    assert np.isfinite(fits.p[1:]).all()
    pair = linda(table=table(obs, 2), design=design(obs))
    assert pair.estimate[0] == pytest.approx(-pair.estimate[1])


def test_modes_of_degenerate_coefficients():
    assert mode_of(coefficients=np.array([1.0, 1, 1, 5])).location == pytest.approx(1)
    assert mode_of(coefficients=np.array([2.0])).location == 2
    assert mode_of(coefficients=np.zeros(6)).location == 0
    with pytest.raises(ValueError, match="no coefficients"):
        mode_of(coefficients=np.array([]))


def test_what_has_no_tested_column_is_refused():
    obs = observations().assign(pfs2_days=100.0, pfs2_cnsr=0.0)
    with pytest.raises(ValueError, match="survival"):
        linda(table=table(obs, 8), design=design(obs, "survival"))
    one_class = obs.assign(response="R")
    with pytest.raises(ValueError, match="responders"):
        linda(table=table(obs, 8), design=design(one_class))

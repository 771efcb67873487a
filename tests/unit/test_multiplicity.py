"""Families of features: Simes and Benjamini-Bogomolov by brute force, and the error they control."""

import numpy as np
import pytest

from gutaxis.stats.multiplicity import hierarchical, simes

pytestmark = pytest.mark.unit


def bh_rejected(p, level):
    order = np.argsort(p)
    passed = [k for k in range(1, len(p) + 1) if p[order[k - 1]] <= level * k / len(p)]
    return set(order[: max(passed)]) if passed else set()


def brute(p, families, alpha):
    names = sorted(set(families))
    sorted_p = [np.sort(p[families == name]) for name in names]
    family_p = np.array([min(v * len(part) / (i + 1) for i, v in enumerate(part)) for part in sorted_p])
    selected = bh_rejected(family_p, alpha)
    found = set()
    for k in selected:
        members = np.flatnonzero(families == names[k])
        found |= {members[i] for i in bh_rejected(p[members], alpha * len(selected) / len(names))}
    return {names[k] for k in selected}, found


@pytest.mark.parametrize("seed", range(12))
def test_equals_brute_force(seed):
    rng = np.random.default_rng(seed)
    families = np.array(list("aaabbbbccdddddeeeeef"), dtype=object)
    p = rng.random(20) ** rng.choice([1, 3], 20)
    p[:3] /= 50
    result = hierarchical(p=p, families=families, alpha=0.1)
    selected, found = brute(p, families, 0.1)
    assert set(result.families.loc[result.families["selected"], "family"]) == selected
    assert set(np.flatnonzero(result.features["discovery"])) == found


def test_simes():
    assert simes(p=np.array([0.01, 0.04, 0.03])) == pytest.approx(0.03)
    assert simes(p=np.array([0.9, np.nan])) == 0.9
    assert np.isnan(simes(p=np.array([np.nan])))


def test_untested_features_and_families_do_not_count():
    result = hierarchical(
        p=np.array([0.001, np.nan, 0.5, np.nan]), families=np.array(["a", "a", None, "z"], dtype=object), alpha=0.05
    )
    assert result.families["family"].tolist() == ["a", "no family", "z"]
    assert result.families["n"].tolist() == [1, 1, 0]
    assert result.features["discovery"].tolist() == [True, False, False, False]
    with pytest.raises(ValueError, match="family labels"):
        hierarchical(p=np.array([0.1]), families=np.array(["a", "b"]), alpha=0.05)


def test_error_over_selected_families_is_controlled():
    rng = np.random.default_rng(1)
    shares = []
    families = np.repeat(np.arange(20), 10).astype(str)
    null = np.arange(200) >= 30  # three families hold effects, in half of their features
    null[:30:2] = True
    for _ in range(300):
        p = np.where(null, rng.random(200), rng.random(200) ** 8)
        result = hierarchical(p=p, families=families, alpha=0.1).features
        names = sorted(set(families[result["selected"]]))
        within = []
        for name in names:
            hits = (result["discovery"] & (families == name)).to_numpy()
            within.append((hits & null).sum() / max(hits.sum(), 1))
        shares.append(np.mean(within) if within else 0)
    assert np.mean(shares) < 0.1 + 3 * np.std(shares) / np.sqrt(len(shares))

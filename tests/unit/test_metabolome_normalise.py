"""Logarithm and probabilistic quotients."""

import numpy as np
import pandas as pd
import pytest

from gutaxis.metabolome.normalise import held_out_factors, log2_values, quotient_factors, reference_profile

pytestmark = pytest.mark.unit


def intensities(*, features=40, samples=6, seed=1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = np.exp2(rng.normal(14, 2, features)[:, None] + rng.normal(0, 0.5, (features, samples)))
    return pd.DataFrame(values, columns=[f"S{n}" for n in range(samples)])


def test_log2_keeps_missing_and_refuses_zero():
    table = pd.DataFrame({"a": [8.0, np.nan], "b": [1.0, 0.25]})
    np.testing.assert_array_equal(log2_values(values=table), [[3, 0], [np.nan, -2]])
    with pytest.raises(ValueError, match="have no logarithm"):
        log2_values(values=table - 1)


@pytest.mark.oracle
def test_factors_are_the_quotients_of_the_definition():
    raw = intensities(features=41)
    raw.iloc[3, 2] = np.nan
    qcs = pd.Series([False, True, False, True, True, False], index=raw.columns)
    reference = reference_profile(values=np.log2(raw), references=qcs)
    factors = quotient_factors(values=np.log2(raw), reference=reference)
    # Dieterle et al. 2006 on raw intensities; three QCs and odd numbers of features have a middle one
    profile = raw.loc[:, qcs].median(axis=1)
    for name in raw:
        quotients = sorted((raw[name] / profile).dropna())
        middle = len(quotients) // 2
        expected = quotients[middle] if len(quotients) % 2 else np.sqrt(quotients[middle - 1] * quotients[middle])
        assert 2 ** factors[name] == pytest.approx(expected)


def test_dilution_is_found_though_a_third_of_the_features_changed():
    rng = np.random.default_rng(3)
    base = rng.normal(15, 2, 300)
    values = pd.DataFrame({name: base + rng.normal(0, 0.05, 300) for name in ("QC1", "QC2", "QC3", "S1")})
    values["S1"] -= 1.5
    values.loc[:99, "S1"] += rng.normal(0, 2, 100)
    reference = reference_profile(
        values=values, references=pd.Series({"QC1": True, "QC2": True, "QC3": True, "S1": False})
    )
    assert quotient_factors(values=values, reference=reference)["S1"] == pytest.approx(-1.5, abs=0.03)


def test_a_sample_with_few_features_has_no_factor():
    values = np.log2(intensities())
    values.iloc[15:, 0] = np.nan
    factors = quotient_factors(values=values, reference=values["S1"])
    assert np.isnan(factors["S0"])
    assert factors["S1"] == 0


def test_a_held_out_qc_is_compared_with_the_others():
    values = np.log2(intensities(samples=4))
    factors = held_out_factors(held_out=values + 1, corrected=values)
    expected = ((values["S0"] + 1) - values[["S1", "S2", "S3"]].median(axis=1)).median()
    assert factors["S0"] == pytest.approx(expected)

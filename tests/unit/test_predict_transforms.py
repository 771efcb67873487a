"""Nothing of a test patient comes from other test patients, and nothing of it reaches the training."""

import numpy as np
import pandas as pd
import pytest
from tests.predict_cases import composition, noise, people

from gutaxis.predict.transforms import Blocks, LayerScaler, Screen, prepare

pytestmark = pytest.mark.unit
PATIENTS = people(n=30)
LABELS = (PATIENTS["response"] == "R").to_numpy(dtype=float)


def table(kind):
    values = composition(patients=PATIENTS) if kind == "compositional" else noise(patients=PATIENTS)
    if kind == "counts":
        values = (np.exp(values) * 20).round()
        values.columns = [f"T{at % 2}|{name}" for at, name in enumerate(values)]
    if kind == "log_intensity":
        values = values.mask(np.random.default_rng(2).random(values.shape) < 0.1)
    return values


@pytest.mark.parametrize("kind", ["compositional", "counts", "log_intensity", "continuous"])
def test_a_row_does_not_depend_on_the_other_rows(kind):
    values = table(kind)
    whole = prepare(values=values, kind=kind)
    alone = np.vstack([prepare(values=values.iloc[[at]], kind=kind) for at in range(len(values))])
    np.testing.assert_array_equal(whole, alone)
    scaler = LayerScaler(kind).fit(whole[:20])
    together = scaler.transform(whole[20:])
    np.testing.assert_allclose(together, np.vstack([scaler.transform(whole[[at]]) for at in range(20, 30)]))
    assert np.isfinite(together).all()


@pytest.mark.parametrize("kind", ["compositional", "log_intensity"])
def test_training_rows_are_centred_and_scaled(kind):
    scaled = LayerScaler(kind).fit(x := prepare(values=table(kind), kind=kind)).transform(x)
    inside = np.abs(scaled).max(axis=0) < 5
    np.testing.assert_allclose(scaled[:, inside].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled[:, inside].std(axis=0, ddof=1), 1, atol=1e-12)


def test_a_composition_by_hand():
    values = pd.DataFrame({"a": [8.0, 4.0, 2.0], "b": [2.0, 0.0, 2.0], "c": [6.0, 4.0, 4.0], "rare": [0.0, 0.0, 8.0]})
    scaler = LayerScaler("compositional", prevalence=0.5).fit(prepare(values=values, kind="compositional"))
    assert scaler.kept_.tolist() == [0, 1, 2]
    share = values.div(values.sum(axis=1), axis=0)[["a", "b", "c"]].to_numpy()
    share[1, 1] = 0.125 / 2  # half of 2 / 16, the smallest share of b
    logs = np.log2(share)
    expected = logs - logs.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(scaler.center_, expected.mean(axis=0))
    np.testing.assert_allclose(scaler.scale_, expected.std(axis=0, ddof=1))


def test_units_of_a_composition_do_not_matter():
    values = table("compositional")
    scaler = LayerScaler("compositional").fit(prepare(values=values, kind="compositional"))
    one, other = (prepare(values=values * factor, kind="compositional") for factor in (1, 1e6))
    np.testing.assert_allclose(scaler.transform(one), scaler.transform(other), atol=1e-9)


def test_gaps_are_below_detection_in_intensities_and_median_elsewhere():
    values = pd.DataFrame({"a": [1.0, 2.0, 4.0, np.nan], "b": [1.0, 2.0, 3.0, 4.0]})
    for kind, expected in (("log_intensity", 0.0), ("continuous", 2.0)):
        scaler = LayerScaler(kind).fit(x := prepare(values=values, kind=kind))
        back = scaler.transform(x)[3, 0] * scaler.scale_[0] + scaler.center_[0]
        assert back == pytest.approx(expected)


@pytest.mark.oracle
def test_medians_with_gaps_are_those_of_numpy():
    from gutaxis.predict.transforms import _medians

    values = np.random.default_rng(1).normal(size=(11, 40))
    values[np.random.default_rng(2).random(values.shape) < 0.4] = np.nan
    values[0] = 1.0
    np.testing.assert_allclose(_medians(values), np.nanmedian(values, axis=0))


def test_features_mostly_missing_constant_or_of_little_variance_leave():
    values = noise(patients=PATIENTS, m=6)
    values.iloc[:20, 0] = np.nan
    values.iloc[:, 1] = 3.0
    values.iloc[:, 2] *= 0.01
    scaler = LayerScaler("continuous", max_features=3).fit(values.to_numpy())
    assert scaler.features_.tolist() == [3, 4, 5]


def test_changes_are_differences_on_the_learned_scale():
    pre, post = composition(patients=PATIENTS, seed=1), composition(patients=PATIENTS, seed=2)
    parts = [prepare(values=part, kind="compositional") for part in (pre, post)]
    scaler = LayerScaler("compositional", paired=True).fit(np.hstack(parts))
    both = LayerScaler("compositional").fit(np.vstack(parts))
    assert scaler.kept_.tolist() == both.kept_.tolist()
    plain = both._filled(np.vstack(parts)[:, both.kept_])
    difference = plain[30:] - plain[:30]
    expected = np.clip((difference - difference.mean(axis=0)) / difference.std(axis=0, ddof=1), -5, 5)
    np.testing.assert_allclose(scaler.transform(np.hstack(parts)), expected, atol=1e-9)


def test_a_strange_sample_is_pulled_in():
    scaler = LayerScaler("continuous").fit(noise(patients=PATIENTS).to_numpy())
    assert np.abs(scaler.transform(np.full((1, 20), 1e9))).max() == 5


def test_the_screen_keeps_the_largest_t():
    from scipy.stats import ttest_ind

    x = noise(patients=PATIENTS, m=40, effect=1.0).to_numpy()
    t = np.abs(ttest_ind(x[LABELS == 1], x[LABELS == 0]).statistic)
    assert Screen(7).fit(x, LABELS).columns_.tolist() == sorted(np.argsort(-t)[:7].tolist())


def test_fused_blocks_weigh_the_same_and_a_missing_layer_is_the_mean():
    big, small = noise(patients=PATIENTS, m=30, seed=1).to_numpy(), noise(patients=PATIENTS, m=4, seed=2).to_numpy()
    small[:5] = np.nan
    blocks = Blocks([(LayerScaler("continuous"), Screen(30)), (LayerScaler("continuous"), None)], [30, 4])
    made = blocks.fit(x := np.hstack([big, small]), LABELS).transform(x)
    assert made.shape == (30, 34)
    assert (made[:5, 30:] == 0).all()
    assert (made[5:, 30:] ** 2).sum() / 25 == pytest.approx((made[:, :30] ** 2).sum() / 30, rel=0.02)
    np.testing.assert_allclose(blocks.weights_, [1 / np.sqrt(30)] * 30 + [0.5] * 4)


def test_cells_that_were_imputed_over_all_samples_are_missing_again():
    import anndata as ad

    from gutaxis.predict.matrices import raw_values

    adata = ad.AnnData(np.array([[1.0, 2.0], [3.0, 4.0]]), layers={"state": np.array([[0.0, 3.0], [1.0, 0.0]])})
    adata.uns["state_codes"] = "0 detected; 1 forced; 2 absent; 3 imputed"
    np.testing.assert_array_equal(raw_values(adata=adata).to_numpy(), [[1.0, np.nan], [3.0, 4.0]])

"""Drift correction: the curve against statsmodels, held-out QCs against refitting, the effect on study samples."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.nonparametric.smoothers_lowess import lowess
from tests.metabolome_cohort import TRUE_RSD, Run, simulate_run

from gutaxis.metabolome.drift import MEDIAN_VARIANCE, SPANS, correct_drift
from gutaxis.metabolome.loess import leave_one_out_weights, loess_weights
from gutaxis.metabolome.messages import odd_controls
from gutaxis.metabolome.normalise import quotient_factors, reference_profile
from gutaxis.metabolome.quality import held_out_values, relative_sd

pytestmark = pytest.mark.unit


def correct(run: Run, **options):
    rows = run.injections
    return correct_drift(
        values=np.log2(run.table.values), order=pd.to_numeric(rows["run_order"]), batch=rows["batch"],
        qc=rows["control"] == "POOL_QC", study=rows["control"] == "N", **options,
    )  # fmt: skip


@pytest.mark.oracle
@pytest.mark.parametrize("span", [0.5, 0.75, 1.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_curve_is_that_of_statsmodels_lowess(span, seed):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.choice(200, 14, replace=False)).astype(float)
    y = rng.normal(0, 1, 14)
    at = np.linspace(x[0], x[-1], 40)
    expected = lowess(y, x, frac=span, it=0, delta=0.0, xvals=at)
    np.testing.assert_allclose(loess_weights(at=at, places=x, span=span) @ y, expected, atol=1e-10)


@pytest.mark.parametrize("span", SPANS)
def test_a_straight_line_is_followed_and_nothing_is_extrapolated(span):
    x = np.array([1.0, 4.0, 9.0, 11.0, 16.0, 20.0])
    weights = loess_weights(at=np.array([-5.0, 1.0, 7.5, 20.0, 99.0]), places=x, span=span)
    np.testing.assert_allclose(weights @ (2 + 3 * x), [5, 5, 24.5, 62, 62])
    np.testing.assert_allclose(weights.sum(axis=1), 1)


@pytest.mark.oracle
def test_a_held_out_qc_is_predicted_by_a_curve_refitted_without_it():
    x, y = np.array([1.0, 5.0, 9.0, 14.0, 18.0, 25.0, 30.0]), np.array([1.0, 2.0, 1.5, 4.0, 3.0, 5.0, 5.5])
    predicted = leave_one_out_weights(places=x, span=1.0) @ y
    for j in range(1, 6):
        expected = lowess(np.delete(y, j), np.delete(x, j), frac=1.0, it=0, delta=0.0, xvals=x[[j]])
        assert predicted[j] == pytest.approx(expected[0], abs=1e-10)


def test_a_held_out_value_is_corrected_by_the_others_alone():
    run = simulate_run(features=400, injections=60, qcs=14)
    before = correct(run)
    name = before.held_out.columns[3]
    run.table.values.loc["POS_0001", name] *= 2**0.5
    after = correct(run)
    assert after.batches["span"].tolist() == before.batches["span"].tolist(), "the test needs the same spans"
    other = run.injections.index[(run.injections["batch"] == "B2") & (run.injections["control"] == "N")][0]
    level = after.values.at["POS_0001", other] - before.values.at["POS_0001", other]  # the QCs' median has moved
    assert after.held_out.at["POS_0001", name] - before.held_out.at["POS_0001", name] - level == pytest.approx(0.5)
    assert after.values.at["POS_0001", name] - before.values.at["POS_0001", name] - level < 0.4, "its own curve follows"


def test_a_failed_qc_is_named():
    run = simulate_run(features=60, injections=60, qcs=16)
    assert not list(odd_controls(corrected=correct(run)))
    for place in (3, 0):
        failed = simulate_run(features=60, injections=60, qcs=16)
        name = failed.injections.index[failed.injections["control"] == "POOL_QC"][place]
        failed.table.values[name] *= 8
        told = list(odd_controls(corrected=correct(failed)))
        assert len(told) == 1
        assert f"Pooled QC {name} is" in told[0]


def test_error_in_study_samples_falls_by_half_and_held_out_qcs_tell_the_true_precision():
    run = simulate_run()
    raw = np.log2(run.table.values)
    corrected = correct(run)
    assert run.error(corrected.values) <= 0.5 * run.error(raw)
    qcs = corrected.held_out.columns
    reference = reference_profile(values=corrected.values, references=run.injections["control"] == "POOL_QC")
    held = corrected.held_out - quotient_factors(values=corrected.held_out, reference=reference)
    told = relative_sd(values=held_out_values(held_out=held, spread=corrected.spread)).median()
    assert told == pytest.approx(TRUE_RSD, rel=0.2)
    fitted = relative_sd(values=corrected.values[qcs]).median()
    assert fitted < told, "QCs that the curve was fitted to look better than they are"


@pytest.mark.parametrize(("drift", "seed"), [(0.15, 2), (0.3, 3), (0.45, 4)])
def test_held_out_precision_holds_for_weak_and_strong_drift(drift, seed):
    run = simulate_run(seed=seed, drift=drift, dilution=0.0)
    corrected = correct(run)
    told = relative_sd(values=held_out_values(held_out=corrected.held_out, spread=corrected.spread)).median()
    assert told == pytest.approx(TRUE_RSD, rel=0.2)


def test_without_drift_no_curve_is_drawn_and_steps_are_still_taken_off():
    run = simulate_run(drift=0.0, curve=0.0, dilution=0.0)
    corrected = correct(run)
    assert corrected.batches["span"].isna().all()
    assert set(corrected.batches["method"]) == {"qc_median"}
    assert run.error(corrected.values) < 0.5 * run.error(np.log2(run.table.values))


def test_four_qcs_never_make_a_curve():
    run = simulate_run(qcs=8, injections=60)
    corrected = correct(run)
    assert set(corrected.batches["n_qc"]) == {4}
    assert set(corrected.methods.to_numpy().ravel()) == {"qc_median"}
    raw = np.log2(run.table.values)
    moved = raw - corrected.values
    for batch in ("B1", "B2"):
        names = run.injections.index[run.injections["batch"] == batch]
        np.testing.assert_allclose(moved[names].std(axis=1), 0, atol=1e-12)
    with pytest.raises(ValueError, match="5 QCs or more, not 4"):
        correct(run, fewest=4)


def test_a_feature_with_few_qc_values_is_only_moved():
    run = simulate_run(features=40, injections=60, qcs=12)
    qcs = run.injections.index[(run.injections["control"] == "POOL_QC") & (run.injections["batch"] == "B1")]
    run.table.values.loc["POS_0001", qcs[:2]] = np.nan
    run.table.values.loc["POS_0002", qcs[:1]] = np.nan
    run.table.values.loc["POS_0003", qcs] = np.nan
    methods = correct(run).methods
    assert methods.loc["POS_0001", "B1"] == "qc_median"
    assert methods.loc["POS_0002", "B1"] == "loess"
    assert methods.loc["POS_0003", "B1"] == "study_median"
    assert correct(run, study_medians=False).methods.loc["POS_0003", "B1"] == "typical_shift"


def test_missing_qcs_give_the_curve_of_the_others():
    run = simulate_run(features=40, injections=60, qcs=14)
    names = run.injections.index[(run.injections["control"] == "POOL_QC") & (run.injections["batch"] == "B2")]
    run.table.values.loc["POS_0007", names[3]] = np.nan
    corrected = correct(run)
    raw = np.log2(run.table.values.loc["POS_0007"])
    rest = [name for name in names if name != names[3]]
    place = pd.to_numeric(run.injections["run_order"])
    span = float(corrected.batches.set_index("batch").at["B2", "span"])
    weights = loess_weights(
        at=place[run.injections["batch"] == "B2"].to_numpy(float), places=place[rest].to_numpy(float), span=span
    )
    curve = weights @ raw[rest].to_numpy()
    taken = (raw - corrected.values.loc["POS_0007"])[run.injections.index[run.injections["batch"] == "B2"]].to_numpy()
    differences = (curve - taken)[np.isfinite(taken)]
    np.testing.assert_allclose(differences, differences[0], atol=1e-10)


def test_batches_are_left_alone_where_the_maker_has_aligned_them():
    run = simulate_run(drift=0.0, curve=0.0, dilution=0.0)
    corrected = correct(run, align=False)
    pd.testing.assert_frame_equal(corrected.values, np.log2(run.table.values))
    one = simulate_run(batches=1, features=30, qcs=4)
    alone = correct(one)
    pd.testing.assert_frame_equal(alone.values, np.log2(one.table.values))
    pd.testing.assert_frame_equal(alone.held_out, alone.values[alone.held_out.columns])


def test_the_order_of_columns_does_not_matter():
    run = simulate_run(features=25, injections=50, qcs=12)
    values, rows = np.log2(run.table.values), run.injections
    parts = []
    for columns in (list(values.columns), list(values.columns)[::-1]):
        parts.append(
            correct_drift(
                values=values[columns], order=pd.to_numeric(rows["run_order"]), batch=rows["batch"],
                qc=rows["control"] == "POOL_QC", study=rows["control"] == "N",
            )
        )  # fmt: skip
    pd.testing.assert_frame_equal(parts[0].values, parts[1].values[values.columns], check_exact=True)


def test_samples_beyond_the_outer_qcs_are_counted():
    run = simulate_run(features=60, injections=60, qcs=12, drift=0.6)
    run.injections["run_order"] = run.injections["run_order"].astype(float)
    first = run.injections.index[(run.injections["control"] == "POOL_QC") & (run.injections["batch"] == "B1")][0]
    run.injections.loc[first, "run_order"] = 3.5
    assert correct(run).batches.set_index("batch").at["B1", "n_outside"] == 2


@pytest.mark.oracle
def test_the_variance_of_a_median_is_that_of_drawn_medians():
    rng = np.random.default_rng(5)
    for n, expected in enumerate(MEDIAN_VARIANCE, start=1):
        drawn = np.median(rng.normal(size=(200_000, n)), axis=1).var()
        assert drawn == pytest.approx(expected, rel=0.02)

"""Precision, blanks, detection, components; the injection table and its design checks."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.injections import check_injections, design_checks
from gutaxis.metabolome.quality import (
    blank_ratio,
    detection_rates,
    dispersion_ratio,
    held_out_values,
    principal_components,
    relative_sd,
)

pytestmark = pytest.mark.unit


def frame(rows, columns=None) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns or [f"S{n}" for n in range(len(rows[0]))], dtype=float)


def test_relative_sd_is_of_intensities_and_needs_three():
    raw = frame([[10, 12, 14, np.nan], [1, 2, np.nan, np.nan], [5e300, 6e300, 7e300, 7e300]])
    rsd = relative_sd(values=np.log2(raw))
    assert rsd[0] == pytest.approx(2 / 12)
    assert np.isnan(rsd[1])
    assert rsd[2] == pytest.approx(np.std([5, 6, 7, 7], ddof=1) / 6.25)


def test_dispersion_ratio_is_qc_sd_over_sample_sd_in_log2():
    qcs, samples = frame([[1, 2, 3], [1, 1, 1], [1, 2, 3]]), frame([[0, 4, 8], [1, 2, 3], [2, 2, 2]])
    ratio = dispersion_ratio(qcs=qcs, samples=samples)
    assert ratio[0] == pytest.approx(0.25)
    assert ratio[1] == 0
    assert np.isnan(ratio[2])


def test_held_out_values_have_their_spread_divided_about_the_mean():
    held = frame([[1, 3, 5]])
    result = held_out_values(held_out=held, spread=frame([[2, 2, 2]]))
    np.testing.assert_allclose(result, [[2, 3, 4]])


def test_blank_ratio_counts_a_signal_that_half_of_the_blanks_show():
    blanks = frame([[10, 30, np.nan, np.nan], [50, np.nan, np.nan, np.nan], [np.nan] * 4, [1, 1, 1, 1]])
    references = frame([[100, 100], [100, 100], [100, 100], [np.nan, np.nan]])
    assert blank_ratio(blanks=blanks, references=references).tolist() == [0.2, 0.0, 0.0, np.inf]
    assert blank_ratio(blanks=blanks[[]], references=references).isna().all()


def test_detection_is_by_group_and_forced_cells_do_not_count():
    state = pd.DataFrame(
        [["detected", "forced", "detected", "absent"], ["absent", "absent", "detected", "detected"]],
        columns=["S1", "S2", "S3", "S4"],
    )
    measured = pd.DataFrame(True, index=state.index, columns=state.columns)
    measured.loc[1, "S3"] = False
    groups = pd.Series({"S1": "PRE", "S2": "PRE", "S3": "POST", "S4": "POST"})
    rates = detection_rates(state=state, groups=groups, measured=measured)
    assert rates.loc[0].to_dict() == {"POST": 0.5, "PRE": 0.5}
    assert rates.loc[1].to_dict() == {"POST": 1.0, "PRE": 0.0}


@pytest.mark.oracle
def test_components_are_the_eigenvectors_of_the_correlations():
    rng = np.random.default_rng(4)
    values = pd.DataFrame(rng.normal(size=(8, 15)) + np.linspace(0, 3, 15))
    points, shares = principal_components(values=values)
    z = ((values.T - values.T.mean()) / values.T.std()).to_numpy()
    sizes, vectors = np.linalg.eigh(z.T @ z)
    assert shares == pytest.approx((sizes[-1] / sizes.sum(), sizes[-2] / sizes.sum()))
    for number, column in ((-1, "pc1"), (-2, "pc2")):
        vector = vectors[:, number] * np.sign(vectors[np.abs(vectors[:, number]).argmax(), number])
        np.testing.assert_allclose(points[column], z @ vector, atol=1e-9)
    assert principal_components(values=values.iloc[:, :2])[0].isna().all().all()


def injections(pairs=8, batches=2) -> pd.DataFrame:
    rows, rng = {}, np.random.default_rng(2)
    for patient in range(pairs):
        for point in ("PRE", "POST"):
            rows[f"P{patient}_{point}"] = {
                "patient_id": f"P{patient}", "timepoint": point, "batch": f"B{patient % batches}", "control": "N",
            }  # fmt: skip
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.assign(run_order=rng.permutation(len(table)) + 1)


def test_rows_come_back_in_run_order_whatever_the_order_of_the_sheet():
    table = injections()
    forth = check_injections(injections=table, samples=list(table.index), need_order=True)
    back = check_injections(injections=table[::-1], samples=list(table.index)[::-1], need_order=True)
    pd.testing.assert_frame_equal(forth, back)
    assert forth.groupby("batch")["run_order"].is_monotonic_increasing.all()


@pytest.mark.parametrize(
    ("change", "code", "value"),
    [
        (lambda t: t.drop("P3_PRE"), "M42", "P3_PRE"),
        (lambda t: t.assign(run_order=t["run_order"].where(t.index != "P2_POST")), "M43", "P2_POST"),
        (lambda t: t.assign(run_order=5), "M44", "P1_POST"),
        (lambda t: t.assign(batch=t["batch"].where(t.index != "P1_PRE")), "M45", "P1_PRE"),
        (lambda t: t.assign(control="POOL_QC"), "M46", None),
        (lambda t: t.assign(response="R"), "L09", None),
    ],
)
def test_a_broken_injection_table_is_named(change, code, value):
    table = injections()
    with pytest.raises(GutaxisError) as caught:
        check_injections(injections=change(table), samples=list(table.index), need_order=True)
    assert code in {problem.code for problem in caught.value.problems}
    if value:
        assert value in {problem.value for problem in caught.value.problems}


def test_run_order_is_not_asked_for_where_it_is_not_used():
    table = injections().assign(run_order=np.nan, batch=None)
    rows = check_injections(injections=table, samples=list(table.index), need_order=True)
    assert set(rows["batch"]) == {"all"}
    half = injections()
    half["run_order"] = half["run_order"].where(half["run_order"] > 4)
    check_injections(injections=half, samples=list(half.index), need_order=False)


def test_a_sound_design_is_not_warned_about():
    table, warnings = design_checks(injections=injections())
    assert warnings == []
    assert not table["confounded"].any()


def test_order_confounded_with_timepoint_is_told():
    table = injections(batches=1).sort_values("timepoint", kind="stable")
    table["run_order"] = range(1, len(table) + 1)
    checks, warnings = design_checks(injections=table)
    row = checks.set_index("check").loc["run_order_by_timepoint"]
    expected = stats.mannwhitneyu(range(8), range(8, 16)).pvalue
    assert (row["statistic"], row["p"]) == pytest.approx((0.0, expected))
    assert len(warnings) == 1
    assert "a POST sample was injected after a PRE sample in 0% of their pairs" in warnings[0]


def test_batch_confounded_with_timepoint_and_split_pairs_are_told():
    table = injections()
    table["batch"] = table["timepoint"].map({"PRE": "B1", "POST": "B2"})
    checks, warnings = design_checks(injections=table)
    row = checks.set_index("check").loc["batch_by_timepoint"]
    assert row["statistic"] == pytest.approx(1)
    assert row["p"] == pytest.approx(2 / 12870)  # of 16 choose 8 tables, two are as extreme
    assert any("8 patients lie in different batches: P0, P1, P2, P3, P4 and 3 more" in text for text in warnings)

"""Forced integration: signals measured, noise left absent, every cell with its state."""

import numpy as np
import pandas as pd
import pytest
from tests.metabolome_files import compounds, injection, write_mzml

from gutaxis.metabolome.experiment import load_ms1
from gutaxis.metabolome.forced import Chromatograms, assemble_matrix, fill_cells, integrate, integrate_file
from gutaxis.metabolome.presets import PRESETS

pytestmark = pytest.mark.unit
TIMES = np.arange(0, 100, 0.5)


def peak(at, height, *, sigma=2.0):
    return height * np.exp(-0.5 * ((TIMES - at) / sigma) ** 2)


def measure(trace, *, rt=50.0, half=6.0, search=3.0):
    return integrate(times=TIMES, trace=trace, rt=rt, half=half, search=search)


def test_area_of_a_gaussian_peak():
    found = measure(peak(50, 1e5))
    assert found.area == pytest.approx(1e5 * 2.0 * np.sqrt(2 * np.pi), rel=0.01)
    assert (found.apex, found.signal) == (50.0, True)
    assert found.height == pytest.approx(1e5, rel=0.05)


@pytest.mark.parametrize("shift", [-2.5, -1, 0, 1.5, 2.5])
def test_apex_is_looked_for_near_the_expected_time(shift):
    found = measure(peak(50 + shift, 1e5))
    assert found.apex == pytest.approx(50 + shift)
    assert found.signal
    assert found.area == pytest.approx(1e5 * 2.0 * np.sqrt(2 * np.pi), rel=0.02)


@pytest.mark.parametrize("away", [8, 6, 5])
def test_flank_of_a_neighbour_is_no_signal(away):
    assert not measure(peak(50 + away, 1e6)).signal


def test_nothing_and_too_little_are_absent():
    empty = np.zeros_like(TIMES)
    assert not measure(empty).signal
    assert measure(empty).area == 0.0
    spike = empty.copy()
    spike[[99, 100]] = 1e6
    assert not measure(spike).signal
    assert measure(spike).points == 2
    scattered = empty.copy()
    scattered[[94, 97, 100, 103, 106]] = 1e6
    assert not measure(scattered).signal
    assert not measure(peak(50, 1e5), rt=500.0).signal


def test_constant_background_is_no_signal_but_a_peak_on_it_is():
    rng = np.random.default_rng(1)
    background = 1e4 * np.exp(rng.normal(0, 0.2, len(TIMES)))
    assert not measure(background).signal
    assert measure(background + peak(50, 1e5)).signal
    assert measure(background).noise == pytest.approx(1e4, rel=0.4)


def test_a_loud_neighbour_on_one_side_does_not_hide_a_peak():
    assert measure(peak(50, 1e5) + peak(66, 1e7)).signal


TRUTH = compounds(n=10, seed=6, gradient=100.0)
HEIGHTS = pd.Series(0.0, index=TRUTH.index)


def test_file_gives_areas_of_present_and_nothing_for_absent_compounds(tmp_path):
    gone = HEIGHTS.copy()
    gone.iloc[::2] = np.nan
    path = write_mzml(tmp_path / "a.mzML", injection(truth=TRUTH, log2=gone, seed=3, gradient=100.0, noise=400))
    experiment = load_ms1(path=path, mode="positive", profile=False)
    features = pd.DataFrame({"mz": TRUTH["mz"], "width_s": 5.2})
    made = integrate_file(
        experiment=experiment, features=features, expected=TRUTH["rt"].to_numpy(), preset=PRESETS["orbitrap"]
    ).set_index("feature")
    assert made["signal"].to_dict() == gone.notna().to_dict()
    present = gone.index[gone.notna()]
    expected = 10 ** TRUTH.loc[present, "log_height"] * 2.2 * np.sqrt(2 * np.pi)
    assert made.loc[present, "area"].to_numpy() == pytest.approx(expected.to_numpy(), rel=0.12)


def test_chromatogram_has_every_scan_and_the_sum_of_its_points(tmp_path):
    scans = [(float(t), np.array([199.9, 200.0, 200.0005, 201.0]), np.array([5.0, 7, 11, 13])) for t in range(10)]
    scans[4] = (4.0, np.array([100.0]), np.array([1.0]))
    experiment = load_ms1(path=write_mzml(tmp_path / "a.mzML", scans), mode="positive", profile=False)
    times, trace = Chromatograms(experiment=experiment).extract(mz=200.0, ppm=5.0, start=2.0, end=7.5)
    assert times.tolist() == [2, 3, 4, 5, 6, 7]
    assert trace.tolist() == [18, 18, 0, 18, 18, 18]


def table(rows, samples):
    return pd.DataFrame(rows, index=[f"F{n}" for n in range(len(rows))], columns=samples, dtype=float)


def test_states_and_scaling_of_filled_cells():
    nan = np.nan
    areas = table([[80, 160, 240, nan, nan], [50, nan, nan, nan, nan]], list("abcde"))
    forced = table([[100, 200, 300, 50, 60], [100, 100, 0, 10, 30]], list("abcde"))
    signal = pd.DataFrame([[True] * 4 + [False], [True, True, True, False, True]], areas.index, areas.columns)
    values, state, ratio = fill_cells(areas=areas, forced=forced, signal=signal)
    # F0 has three detected cells: its own ratio 0.8; F1 has one: the median over all four, also 0.8
    assert ratio.to_list() == pytest.approx([0.8, 0.8])
    assert values.loc["F0"].to_list() == pytest.approx([80, 160, 240, 40, nan], nan_ok=True)
    assert values.loc["F1"].to_list() == pytest.approx([50, 80, nan, nan, 24], nan_ok=True)
    assert state.loc["F0"].to_list() == ["detected", "detected", "detected", "forced", "absent"]
    assert state.loc["F1"].to_list() == ["detected", "forced", "absent", "absent", "forced"]


def test_cells_without_forced_integration_stay_absent():
    areas = table([[np.nan, np.nan]], list("ab"))
    empty = pd.DataFrame(index=areas.index)
    values, state, ratio = fill_cells(areas=areas, forced=empty, signal=empty)
    assert values.isna().to_numpy().all()
    assert (state == "absent").to_numpy().all()
    assert ratio.to_list() == [1.0]


def test_missing_sample_is_an_error(tmp_path):
    (tmp_path / "c.tsv").write_text("feature\tmz\trt\nF0\t100\t5\n")
    (tmp_path / "a.tsv").write_text("feature\tA\tB\nF0\t1\tNA\n")
    for name in "AB":
        (tmp_path / f"{name}.tsv").write_text(f"sample_id\tfeature\tarea\tsignal\n{name}\tF0\t2\tTrue\n")
    out = {name: tmp_path / f"{name}.out" for name in ("matrix", "state", "features", "cells")}
    both = {"consensus": tmp_path / "c.tsv", "areas": tmp_path / "a.tsv"}
    with pytest.raises(KeyError, match="B"):
        assemble_matrix(**both, forced=[tmp_path / "A.tsv"], **out)
    assemble_matrix(**both, forced=[tmp_path / "B.tsv", tmp_path / "A.tsv"], **out)
    counts = pd.read_csv(out["cells"], sep="\t").set_index("sample_id")
    assert counts.loc["A"].to_dict() == {"detected": 1, "forced": 0, "absent": 0}
    assert counts.loc["B"].to_dict() == {"detected": 0, "forced": 1, "absent": 0}

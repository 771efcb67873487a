"""Figures of the raw files: everything is drawn, nothing invented, the same bytes twice."""

import numpy as np
import pandas as pd
import pytest
from tests.metabolome_files import cohort

from gutaxis.clinical.figure_frame import chart_spec
from gutaxis.metabolome.intake import intake
from gutaxis.metabolome.intake_figures import chromatogram_figure, overview_figure, thin_trace, write_intake_figures
from gutaxis.metabolome.intake_table import collect_intake

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    truth, _, injections, paths = cohort(folder / "spectra", files=6, n=12, gradient=90.0, noise=30)
    standards = folder / "standards.tsv"
    truth.nlargest(2, "log_height")[["mz", "rt"]].rename_axis("name").to_csv(standards, sep="\t")
    for sample, path in paths.items():
        files = {name: folder / f"{sample}.{name}.tsv" for name in ("row", "trace", "masses")}
        about = {"mode": "positive", "control": injections.at[sample, "control"], "standards": standards}
        intake(sample=sample, path=path, rt_unit="auto", search_ppm=20.0, **about, **files)
    collect_intake(rows=[folder / f"{sample}.row.tsv" for sample in paths], output=folder / "intake.tsv")
    return folder, injections


def test_every_file_is_in_both_figures_twice_the_same(study):
    folder, injections = study
    traces = {sample: folder / f"{sample}.trace.tsv" for sample in injections.index}
    made = []
    for turn, order in (("one", list(traces)), ("two", list(traces)[::-1])):
        files = {
            name: tuple(folder / f"{turn}.{name}.{kind}" for kind in ("svg", "html"))
            for name in ("chromatograms", "overview")
        }
        given = {sample: traces[sample] for sample in order}
        write_intake_figures(table=folder / "intake.tsv", traces=given, injections=injections, mode="positive", **files)
        made.append([path.read_bytes() for pair in files.values() for path in pair])
    assert made[0] == made[1]
    for sample in injections.index:
        assert all(sample.encode() in data for data in (made[0][1], made[0][3])), sample


def values(chart):
    spec = chart_spec(chart=chart)
    return [row for rows in spec["datasets"].values() for row in rows], spec


def test_overview_has_a_point_per_file_and_measure(study):
    folder, injections = study
    table = pd.read_csv(folder / "intake.tsv", sep="\t")
    rows, spec = values(overview_figure(table=table, injections=injections, mode="positive"))
    for measure, number in (("tic", 10), ("error_ppm_median", 9)):  # the blank shows no standard
        assert sum(measure in row for row in rows) == number
    shown = {row["sample_id"]: row["tic"] for row in rows if "tic" in row}
    assert shown == pytest.approx(table.set_index("sample_id")["tic"].to_dict())
    assert "n = 10 files" in str(spec["title"])


def test_files_without_run_order_are_told(study):
    folder, injections = study
    table = pd.read_csv(folder / "intake.tsv", sep="\t")
    lost = injections.assign(run_order=injections["run_order"].where(injections.index != "QC01"))
    _, spec = values(overview_figure(table=table, injections=lost, mode="positive"))
    assert "not shown: 1 without run order" in str(spec["title"])
    _, spec = values(overview_figure(table=table, injections=injections.assign(run_order=np.nan), mode="positive"))
    assert "no injection has a run order" in str(spec)


def test_thinned_trace_keeps_the_area_and_the_highest_peak():
    trace = pd.DataFrame({"rt_s": np.arange(0, 600, 0.5), "tic": 100.0, "base_peak_intensity": 1.0})
    trace.loc[700, ["tic", "base_peak_intensity"]] = [5e4, 4e4]
    thin = thin_trace(trace=trace, points=100)
    assert len(thin) == 100
    assert thin["base_peak_intensity"].max() == 4e4
    assert thin["tic"].mean() == pytest.approx(trace["tic"].mean(), rel=0.02)
    assert thin["minutes"].is_monotonic_increasing
    assert len(thin_trace(trace=trace[:50], points=100)) == 50


def test_empty_files_give_a_figure_that_says_so():
    injections = pd.DataFrame({"control": ["BLANK"], "batch": ["B1"]}, index=["A"])
    empty = pd.DataFrame(columns=["rt_s", "tic", "base_peak_intensity"])
    _, spec = values(chromatogram_figure(traces={"A": empty}, injections=injections, mode="positive"))
    assert "no file has a scan" in str(spec)

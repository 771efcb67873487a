"""Figures of the run: what is drawn, and what is said where there is nothing to draw."""

import json

import pandas as pd
import pytest
from tests.metabolome_cohort import simulate_run

from gutaxis.clinical.figure_frame import chart_spec
from gutaxis.metabolome.process import ProcessSettings, process
from gutaxis.metabolome.quality_figures import (
    components_figure,
    dilution_figure,
    drift_figure,
    precision_figure,
    write_quality_figures,
)

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def done():
    run = simulate_run(features=40, injections=60, qcs=12, blanks=2)
    return process(table=run.table, injections=run.injections, settings=ProcessSettings())


def drawn(chart) -> list[dict]:
    """All rows of data in a chart."""
    return [row for rows in chart_spec(chart=chart).get("datasets", {}).values() for row in rows]


def test_drift_shows_every_injection_before_and_after_but_no_blank(done):
    rows = [row for row in drawn(drift_figure(injections=done.injection_quality)) if "q50" in row]
    assert len(rows) == 2 * 60
    assert {row["kind"] for row in rows} == {"PRE", "POST", "pooled QC"}
    quality = done.injection_quality.set_index("sample_id")
    row = next(row for row in rows if row["sample_id"] == "B2_017" and row["stage"] == "before correction")
    assert row["q50"] == pytest.approx(quality.at["B2_017", "deviation_50_before"], abs=1e-4)


def test_precision_shows_three_curves_that_end_at_all_features(done):
    rows = drawn(precision_figure(features=done.feature_quality, limit=0.3))
    curves = pd.DataFrame([row for row in rows if "share" in row])
    assert set(curves["stage"]) == {"before correction", "after, same QCs", "held-out QCs"}
    assert (curves.groupby("stage")["share"].max() == 100).all()
    held = curves[curves["stage"] == "held-out QCs"]
    median = held.loc[held["share"] >= 50, "rsd"].min()
    assert median == pytest.approx(100 * done.feature_quality["rsd_held_out"].sort_values().iloc[19], abs=1e-3)


def test_components_and_dilution_show_study_samples_and_qcs(done):
    points = [row for row in drawn(components_figure(components=done.components)) if "pc1" in row]
    assert len(points) == 2 * 60
    folds = [row for row in drawn(dilution_figure(injections=done.injection_quality)) if "fold" in row]
    assert len(folds) == 60


def test_where_there_is_nothing_to_show_the_figure_says_why(done):
    without = done.injection_quality.assign(run_order=float("nan"), pqn_log2=0.0)
    for chart, reason in (
        (drift_figure(injections=without), "no injection has a run order"),
        (dilution_figure(injections=without), "no dilution was taken off"),
        (
            precision_figure(features=done.feature_quality.assign(rsd_after=float("nan")), limit=None),
            "fewer than three",
        ),
        (components_figure(components=done.components.assign(pc1=float("nan"))), "too few injections or features"),
    ):
        assert reason in json.dumps(chart_spec(chart=chart))


def test_files_are_written_from_the_tables_and_twice_the_same(done, tmp_path):
    tables = {}
    for name in ("injection_quality", "feature_quality", "components"):
        tables[name] = tmp_path / f"{name}.tsv"
        getattr(done, name).to_csv(tables[name], sep="\t", na_rep="NA")
    for folder in ("a", "b"):
        figures = {
            name: (tmp_path / folder / f"{name}.svg", tmp_path / folder / f"{name}.html")
            for name in ("drift", "dilution", "precision", "components")
        }
        write_quality_figures(**tables, limit=0.3, figures=figures)
    for name, paths in figures.items():
        for path in paths:
            assert path.read_bytes() == (tmp_path / "a" / path.name).read_bytes(), name
    assert "Pooled QCs over the run" in (tmp_path / "a" / "drift.svg").read_text()

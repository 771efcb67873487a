"""Prediction in the report: models, schemes, refusals, Cox forest, locked models."""

import json

import pandas as pd
import pytest
from tests.report_folder import HOSTILE, charts, checked_page, put, results_of, tables, words

from gutaxis.clinical.figure_frame import empty_figure, save_figure
from gutaxis.predict.tables import PERFORMANCE
from gutaxis.report.items import Absent
from gutaxis.report.predicted import PREDICTED
from gutaxis.stats.results import RESULT_COLUMNS

pytestmark = pytest.mark.unit

(ITEM,) = PREDICTED
SURVIVAL = {"baseline": {"role": "primary"}, "survival": {"role": "secondary"}}


def model(name, layers, scheme, auc, **other):
    row = {
        "model": name, "layers": layers, "outcome": "response", "n": 12, "n_r": 5, "auc": auc, "ci_low": auc - 0.2,
        "ci_high": min(auc + 0.2, 1), "p_null": 0.3, "scheme": scheme, "metric": "auc", "state": "baseline",
        "fusion": "none", "null_mean": 0.5, "role": "exploratory", "reason": None,
    }  # fmt: skip
    return {**dict.fromkeys(PERFORMANCE), **row, **other}


@pytest.fixture
def folder(tmp_path):
    rows = [
        model("elastic_net_clinical", "clinical", "nested_cv", 0.55, fusion="clinical"),
        model("elastic_net_early", "taxa+metabolites", "nested_cv", 0.8, p_null=0.01),
        model("elastic_net_early", "taxa+metabolites", "leave_one_cohort_out", 0.6, p_null=0.2),
        model("elastic_net_early", "taxa+metabolites", "leave_one_batch_out", 0.65, ci_low=None, ci_high=None),
        model("elastic_net", "taxa", "nested_cv", 0.7),
        {**dict.fromkeys(PERFORMANCE), "layers": "tumor_cells", "outcome": "response", "state": "baseline",
         "reason": "4 of 12 patients have the layer"},
    ]  # fmt: skip
    head = ("no result for pfs2: 3 events of PFS2, fewer than 6", "exploratory")
    put(tmp_path, "prediction/baseline/performance.tsv", pd.DataFrame(rows), *head)
    put(
        tmp_path, "prediction/baseline/importance.tsv",
        pd.DataFrame({"model": "elastic_net", "layers": "taxa", "outcome": "response", "layer": "taxa",
                      "feature": ["s1", "s2"], "label": [HOSTILE, "two"], "frequency": [0.4, 0.9],
                      "weight": [2.0, -0.1], "sign_agreement": 1, "n_fits": 25}),
    )  # fmt: skip
    put(
        tmp_path, "prediction/baseline/predictions.tsv",
        pd.DataFrame({"model": "elastic_net", "layers": "taxa", "outcome": "response",
                      "scheme": ["nested_cv", "leave_one_cohort_out"], "patient_id": ["007", "007"], "cohort": "LUNG",
                      "observed": "R", "days": None, "score": 0.2, "probability": 0.55, "n_scores": 5}),
    )  # fmt: skip
    page = tmp_path / "prediction/baseline/roc.html"
    save_figure(chart=empty_figure(title="ROC", reason="no curve"), svg=page.with_suffix(".svg"), html=page)
    return tmp_path


def test_the_best_model_is_said_with_interval_and_the_schemes_that_leave_more_out(folder):
    said = words(ITEM.build(results_of(folder)).findings)
    assert "3 judged by nested cross-validation, 1 with p < 0.05 against shuffled outcomes" in said[0]
    assert "elastic_net_early of several layers: 0.80 (95 % interval 0.60 to 1.00), p = 0.01." in said[0]
    assert "Clinical covariates alone, response: AUC 0.55 (95 % interval 0.35 to 0.75), p = 0.3." in said
    assert any(line.startswith("With one cohort left out, elastic_net_early") and "AUC 0.60" in line for line in said)
    assert any("one batch left out" in line and "0.65 (interval not estimable)" in line for line in said)


def test_a_refused_outcome_and_a_layer_left_out_say_why(folder):
    made = ITEM.build(results_of(folder))
    said = words(made.findings)
    assert "Models of PFS2, before the dose (exploratory): no model was judged: 3 events of PFS2, fewer than 6." in said
    assert "tumor_cells is in no model of response: 4 of 12 patients have the layer." in words(made.counted)


def test_an_empty_curve_is_no_figure(folder):
    made = ITEM.build(results_of(folder))
    assert "ROC curves, before the dose: no curve." in words(made.counted)
    assert list(charts(made)) == ["Every model, before the dose"]


def test_tables_are_sorted_and_hold_one_row_per_patient_held_out(folder):
    shown = tables(ITEM.build(results_of(folder)))
    assert list(shown["Features that the models use most, before the dose (2 of 2 rows)"]["Feature"]) == [
        "two",
        HOSTILE,
    ]
    assert list(shown["Patients held out, before the dose"]["Patient"]) == ["007"]


def survival_table(root, layer, rows, *head):
    names = [*RESULT_COLUMNS, "reason"]
    filled_in = [{**dict.fromkeys(names), "layer": layer, "contrast": "survival", "n": 12, **row} for row in rows]
    put(root, f"differential/{layer}/survival.tsv", pd.DataFrame(filled_in, columns=names), *head)


def test_cox_forest_shows_hazard_ratios_and_names_layers_without_one(folder):
    survival_table(
        folder, "taxa",
        [
            {"feature": "s1", "label": HOSTILE, "estimate": 0.6931471806, "ci_low": 0.1, "ci_high": 1.3, "p": 0.01,
             "q": 0.04},
            {"feature": "s2", "label": "two", "estimate": 9.0, "ci_low": -50, "ci_high": 60, "p": 0.7, "q": 0.8},
            {"feature": "s3", "label": "three", "reason": "constant"},
        ],
        "unit of estimate: log hazard ratio per SD",
    )  # fmt: skip
    survival_table(folder, "metabolites", [], "no result: 2 events", "unit of estimate: log hazard ratio per SD")
    made = ITEM.build(results_of(folder, contrasts=SURVIVAL, layers=("metabolites", "taxa", "tumor_cells")))
    said = next(line for line in words(made.findings) if line.startswith("Progression or death by taxa"))
    assert "(secondary): 1 of 2 features pass q < 0.1" in said
    assert f"{HOSTILE}, higher hazard at higher values, log hazard ratio per SD +0.69" in said
    assert "Cox models of metabolites: not tested, 2 events." in words(made.counted)
    assert "Cox models of tumor_cells: This run does not make it." in words(made.counted)
    table = tables(made)["Hazard ratios of PFS2, smallest q first"]
    assert table["Hazard ratio per SD"].iloc[0] == 2.0
    chart = charts(made)["Hazard ratios of PFS2"].to_dict()
    drawn = {row["name"] for rows in chart["datasets"].values() for row in rows if "name" in row}
    assert drawn == {HOSTILE, f"{HOSTILE} (taxa)"}  # a ratio of thousands is in the table, not in the chart
    assert any("beyond 100: 1" in line for line in chart["title"]["subtitle"])


def test_the_page_says_that_survival_is_not_declared(folder):
    said = words(ITEM.build(results_of(folder)).findings)
    assert any("the config declares no contrast `survival`" in line for line in said)


def test_locked_models_and_their_verdict(folder):
    body = {
        "name": "taxa", "outcome": "response", "state": "baseline", "learner": "elastic_net", "fingerprint": "ab" * 32,
        "parts": [{"layers": [{"layer": "taxa", "features": ["s1", "s2"]}]}], "training": {"n": 12, "n_r": 5},
    }  # fmt: skip
    path = folder / "prediction/locked/baseline.taxa.json"
    path.parent.mkdir()
    path.write_text(json.dumps(body))
    put(
        folder, "prediction/applied/verdicts.tsv",
        pd.DataFrame({"layer": ["taxa", "taxa"], "check": ["a", "b"], "value": 1.0, "limit": 2.0,
                      "verdict": ["good", "caution"], "meaning": "m"}),
    )  # fmt: skip
    made = ITEM.build(results_of(folder))
    assert "Locked for later batches: taxa." in words(made.findings)
    assert any(line.endswith("whether it applies there: caution.") for line in words(made.findings))
    assert tables(made)["Locked models"].iloc[0]["Features"] == 2


def test_without_models_and_cox_the_item_is_absent(tmp_path):
    made = ITEM.build(results_of(tmp_path))
    assert isinstance(made, Absent)
    assert made.why == "This run does not make it."


def test_a_run_in_which_no_model_could_be_judged(tmp_path):
    put(
        tmp_path, "prediction/baseline/performance.tsv", pd.DataFrame(columns=PERFORMANCE),
        "no result for response: 2 responders, fewer than 6", "no result for pfs2: no PFS2",
    )  # fmt: skip
    made = ITEM.build(results_of(tmp_path))
    said = words(made.findings)
    assert said[0].endswith("no model was judged: 2 responders, fewer than 6.")
    assert made.blocks == []


def test_every_number_of_the_page_stands_in_its_table(folder):
    survival_table(
        folder, "taxa",
        [{"feature": "s1", "label": HOSTILE, "estimate": -0.5, "ci_low": -1, "ci_high": 0.1, "p": 0.2, "q": 0.3}],
    )  # fmt: skip
    checked_page(results_of(folder, contrasts=SURVIVAL), PREDICTED, folder)

"""Prediction from files to files: tables, figures, refusals, equal bytes."""

import numpy as np
import pandas as pd
import pytest
from tests.predict_cases import QUICK, composition, noise, outputs, people, read, write_study

from gutaxis.predict.files import prediction_files
from gutaxis.predict.settings import Settings
from gutaxis.predict.tables import NULL, PERFORMANCE, PREDICTIONS, ROC

pytestmark = pytest.mark.unit
DESIGN = ["model", "layers", "outcome", "n", "n_r", "auc", "ci_low", "ci_high", "p_null", "scheme"]


def run(folder, study, *, seed=1, threads=1, **settings):
    folder.mkdir()
    files = outputs(folder)
    prediction_files(**study, **files, settings=QUICK | settings, seed=seed, threads=threads)
    return files


def programs(folder, patients):
    tables = {"programs": ("continuous", noise(patients=patients))}
    return write_study(folder=folder, patients=patients, tables=tables)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    patients = people(n=42)
    tables = {
        "taxa": ("compositional", composition(patients=patients, effect=2.0, zeros=0.05, seed=2)),
        "programs": ("continuous", noise(patients=patients, m=25, seed=3).iloc[:36]),
    }
    return patients, write_study(folder=folder, patients=patients, tables=tables)


@pytest.fixture(scope="module")
def made(study, tmp_path_factory):
    schemes = ["nested_cv", "leave_one_cohort_out", "leave_one_batch_out"]
    folder = tmp_path_factory.mktemp("made")
    return run(folder / "one", study[1], permutations=24, survival=True, schemes=schemes, repeats=2)


def test_performance_has_the_columns_of_the_design_and_every_model(made):
    table = read(made["performance"])
    assert list(table.columns) == PERFORMANCE
    assert list(table.columns[: len(DESIGN)]) == DESIGN
    response = table[table["outcome"] == "response"]
    models = {"elastic_net", "elastic_net_early", "elastic_net_late", "elastic_net_clinical"}
    assert set(response["model"]) == models
    assert set(response["scheme"]) == {"nested_cv", "leave_one_cohort_out", "leave_one_batch_out"}
    assert set(response.loc[response["model"] == "elastic_net", "layers"]) == {"taxa", "programs"}
    assert (response["role"] == "exploratory").all()
    pfs2 = table[table["outcome"] == "pfs2"]
    assert set(pfs2["metric"]) == {"harrell_c"}
    assert (pfs2["n_r"] > 20).all()


def test_intervals_hold_the_estimate_and_are_no_narrower_than_delongs(made):
    table = read(made["performance"]).dropna(subset=["auc"])
    assert ((table["ci_low"] <= table["auc"]) & (table["auc"] <= table["ci_high"])).all()
    assert (table["ci_high"] - table["ci_low"] >= table["delong_high"] - table["delong_low"] - 1e-9).all()
    assert (table["widening"] > 1).any()
    assert table["p_null"].between(1 / 25, 1).all()


def test_a_planted_layer_is_found_and_noise_is_not(made):
    table = read(made["performance"]).set_index(["outcome", "model", "layers", "scheme"])["auc"]
    assert table["response", "elastic_net", "taxa", "nested_cv"] > 0.85
    assert table["response", "elastic_net_late", "programs+taxa", "nested_cv"] > 0.8
    assert table["response", "elastic_net", "programs", "nested_cv"] < 0.75
    importance = read(made["importance"])
    best = importance[(importance["layers"] == "taxa") & (importance["outcome"] == "response")].head(3)
    assert set(best["feature"]) == {"f00", "f01", "f02"}
    assert (best["frequency"] > 0.8).all()
    assert (best["weight"] > 0).all()


def test_every_patient_is_predicted_once_and_out_of_fold(made, study):
    table = read(made["predictions"])
    assert list(table.columns) == PREDICTIONS
    part = table[
        (table["model"] == "elastic_net_late") & (table["scheme"] == "nested_cv") & (table["outcome"] == "response")
    ]
    assert sorted(part["patient_id"]) == sorted(study[0].index)
    assert (part["n_scores"] == 2).all()
    assert part["probability"].between(0, 1).all()
    assert (part.set_index("patient_id")["observed"] == study[0]["response"]).all()


def test_null_and_curves(made):
    null = read(made["null"])
    assert list(null.columns) == NULL
    assert (null.groupby(["model", "layers", "outcome", "scheme"]).size() == 24).all()
    curves = read(made["roc"])
    assert list(curves.columns) == ROC
    auc = (
        read(made["performance"])
        .query("scheme == 'nested_cv' and outcome == 'response'")
        .set_index(["model", "layers"])
    )
    for key, part in curves.groupby(["model", "layers"]):
        assert np.trapezoid(part["tpr"], part["fpr"]) == pytest.approx(auc.loc[key, "auc"], abs=0.02)
        assert (part["band_low"] <= part["band_high"]).all()


def test_tables_say_what_was_done_and_figures_are_there(made):
    head = made["performance"].read_text().split("model\t")[0]
    assert "exploratory" in head
    assert "seed 1" in head
    assert "24 runs" in head
    for word in ("cause", "drives"):
        assert word not in head
    for name in ("roc_svg", "calibration_svg"):
        text = made[name].read_text()
        assert text.startswith("<svg")
        assert "elastic_net" in text
    for name in ("roc_html", "calibration_html"):
        assert "default-src 'none'" in made[name].read_text()


def test_equal_seeds_give_equal_bytes_and_another_seed_other_folds(study, tmp_path):
    one, two = (run(tmp_path / name, study[1], permutations=3) for name in ("a", "b"))
    for name in one:
        assert one[name].read_bytes() == two[name].read_bytes(), name
    other = run(tmp_path / "c", study[1], permutations=3, seed=2)
    assert other["performance"].read_bytes() != one["performance"].read_bytes()


def test_few_responders_give_empty_tables_and_the_reason(tmp_path):
    patients = people(n=30, share=0.17)
    study = programs(tmp_path, patients)
    files = run(tmp_path / "out", study)
    assert read(files["performance"]).empty
    text = files["performance"].read_text()
    assert text.startswith(
        "# no result for response: 5 responders and 25 non-responders, at least 6 of each are needed\n"
    )
    assert "Nothing to show: 5 responders" in files["roc_svg"].read_text()


@pytest.mark.parametrize("response", ["R", None])
def test_one_class_or_none(tmp_path, response):
    patients = people(n=24)
    patients["response"] = response
    study = programs(tmp_path, patients)
    assert "0 non-responders, at least 6" in run(tmp_path / "out", study)["performance"].read_text()


def test_a_layer_absent_for_half_of_the_patients_is_a_row_with_a_reason(tmp_path):
    patients = people(n=40, share=0.5)
    tables = {
        "programs": ("continuous", noise(patients=patients)),
        "taxa": ("compositional", composition(patients=patients).iloc[:18]),
    }
    table = read(run(tmp_path / "out", write_study(folder=tmp_path, patients=patients, tables=tables))["performance"])
    refused = table[table["layers"] == "taxa"]
    assert refused["auc"].isna().all()
    assert refused["reason"].tolist() == ["18 of 40 patients with an outcome have the layer, fewer than half"]
    assert set(table["model"].dropna()) == {"elastic_net", "elastic_net_clinical"}


def test_no_layer_with_enough_patients(tmp_path):
    files = run(tmp_path / "out", programs(tmp_path, people(n=4, share=0.5)), survival=True)
    text = files["performance"].read_text()
    assert "no result for response: no layer can be used. programs: 4 patients" in text
    assert "no result for pfs2" in text
    assert read(files["performance"]).empty


def test_patients_without_a_response_are_no_non_responders(tmp_path):
    patients = people(n=36)
    patients.iloc[:6, patients.columns.get_loc("response")] = None
    study = programs(tmp_path, patients)
    files = run(tmp_path / "out", study)
    assert set(read(files["performance"])["n"]) == {30}
    assert not set(read(files["predictions"])["patient_id"]) & set(patients.index[:6])


def test_changes_and_forests(tmp_path):
    patients = people(n=30, share=0.4)
    pre = composition(patients=patients)
    post = composition(patients=patients, seed=5, effect=2.5, zeros=0.05)
    study = write_study(
        folder=tmp_path, patients=patients, tables={"taxa": ("compositional", pre)}, post={"taxa": post.iloc[:26]}
    )
    files = run(tmp_path / "out", study, state="change", models=["elastic_net", "random_forest"], clinical=[])
    table = read(files["performance"]).set_index("model")
    assert set(table["n"]) == {26}
    assert set(table["state"]) == {"change"}
    assert set(table.index) == {"elastic_net", "random_forest"}
    assert table.loc["elastic_net", "auc"] > 0.6


def test_settings_refuse_what_they_do_not_know():
    with pytest.raises(ValueError, match="unknown settings: fold"):
        Settings.of(settings={"fold": 3})
    with pytest.raises(ValueError, match="models=svm"):
        Settings.of(settings={"models": ["svm"]})


def test_progression_is_a_time_not_a_label(tmp_path):
    patients = people(n=30).assign(pfs2_cnsr=1.0)
    study = programs(tmp_path, patients)
    text = run(tmp_path / "out", study, survival=True)["performance"].read_text()
    assert "no result for pfs2: 0 events of PFS2, fewer than 6" in text
    assert pd.notna(read(tmp_path / "out" / "performance.tsv")["auc"]).all()

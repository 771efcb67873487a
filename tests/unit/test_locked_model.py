"""A locked model is numbers in a file; it predicts new patients only, and says when it does not apply."""

import json

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from tests.predict_cases import cohort, composition, matrix, noise, people, quick, read, write_study

from gutaxis.errors import GutaxisError
from gutaxis.predict.apply import locked_scores
from gutaxis.predict.drift import PREDICTIONS, VERDICTS, apply_files, predict_new
from gutaxis.predict.folds import stratified_folds
from gutaxis.predict.inputs import make_blocks
from gutaxis.predict.locked import fit_locked, lock_model, read_model, write_model
from gutaxis.predict.nested import fit_layer, side_by_side
from gutaxis.predict.targets import response_target

pytestmark = pytest.mark.unit
OLD, NEW = people(n=40, seed=1), people(n=20, seed=2).rename(index=lambda name: f"N{name}")
SETTINGS = {"clinical": [], "screen": 20}


def layers(patients, seed):
    return {
        "taxa": composition(patients=patients, m=30, seed=seed, effect=2.0, zeros=0.05),
        "programs": noise(patients=patients, m=12, seed=seed, effect=0.5),
    }


OLD_LAYERS, NEW_LAYERS = layers(OLD, 1), layers(NEW, 2)


def study(gaps=False):
    programs = OLD_LAYERS["programs"].copy()
    if gaps:
        programs = programs.mask(np.random.default_rng(1).random(programs.shape) < 0.05).iloc[3:]
    return cohort(
        patients=OLD,
        matrices=[matrix(values=OLD_LAYERS["taxa"], layer="taxa", kind="compositional"), matrix(values=programs)],
    )


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("name", ["taxa", "early", "late"])
def test_the_file_scores_as_the_fitted_pipeline_does(name, gaps, tmp_path):
    settings = quick(**SETTINGS)
    model = fit_locked(cohort=study(gaps), settings=settings, model=name, seed=3)
    write_model(model=model, path=tmp_path / "model.json")
    found = locked_scores(
        model=read_model(path=tmp_path / "model.json"), values={key: [table] for key, table in NEW_LAYERS.items()}
    )
    target = response_target(patients=OLD)
    blocks, _ = make_blocks(cohort=study(gaps), target=target, settings=settings)
    both = cohort(
        patients=NEW, matrices=[matrix(values=NEW_LAYERS["taxa"], layer="taxa", kind="compositional"),
                                matrix(values=NEW_LAYERS["programs"])],
    )  # fmt: skip
    new, _ = make_blocks(cohort=both, target=response_target(patients=NEW), settings=quick(min_responders=1))
    inner = stratified_folds(classes=target.classes, groups=target.groups, folds=3, rng=np.random.default_rng([3, 5]))
    names = ["taxa"] if name == "taxa" else ["programs", "taxa"]
    groups = [[one] for one in names] if name == "late" else [names]
    scores = []
    for group in groups:
        fitted = fit_layer(
            learner="elastic_net", blocks=[blocks[one] for one in group], target=target, rows=np.arange(40),
            inner=inner, settings=settings,
        )  # fmt: skip
        scores.append(fitted.score(values=side_by_side(blocks=[new[one] for one in group])))
    weights = np.array([part["weight"] for part in model["parts"]])
    p = sum(weight / (1 + np.exp(-score)) for weight, score in zip(weights, scores, strict=True))
    np.testing.assert_allclose(found["score"], np.log(p / (1 - p)), atol=1e-6)


def test_changes_are_locked_too():
    post = composition(patients=OLD, m=30, seed=8, effect=2.0, zeros=0.05)
    item = matrix(values=OLD_LAYERS["taxa"], layer="taxa", kind="compositional", post=post)
    model = fit_locked(
        cohort=cohort(patients=OLD, matrices=[item], state="change"), settings=quick(**SETTINGS), model="taxa", seed=1
    )
    both = [NEW_LAYERS["taxa"], composition(patients=NEW, m=30, seed=9, zeros=0.05)]
    assert locked_scores(model=model, values={"taxa": both})["score"].notna().all()


@pytest.fixture
def files(tmp_path):
    made = {}
    for name, patients, tables in (("old", OLD, OLD_LAYERS), ("new", NEW, NEW_LAYERS)):
        folder = tmp_path / name
        folder.mkdir()
        kinds = {"taxa": "compositional", "programs": "continuous"}
        made[name] = write_study(
            folder=folder, patients=patients, tables={key: (kinds[key], table) for key, table in tables.items()},
            batches=pd.Series("B9" if name == "new" else "B1", index=patients.index),
        )  # fmt: skip
    lock_model(**made["old"], settings=SETTINGS, model="late", output=tmp_path / "model.json", seed=1)
    return tmp_path, made


def apply(folder, made, batch="B9"):
    out = {"predictions": folder / "p.tsv", "verdicts": folder / "v.tsv"}
    apply_files(model=folder / "model.json", layers=made["layers"], batch=batch, **out)
    return read(out["predictions"]), read(out["verdicts"])


def test_a_new_batch_is_predicted_well_and_found_good(files):
    folder, made = files
    table, checks = apply(folder, made["new"])
    assert list(table.columns) == PREDICTIONS
    assert list(checks.columns) == VERDICTS
    assert table["patient_id"].tolist() == sorted(NEW.index)
    responder = (NEW["response"].loc[table["patient_id"]] == "R").to_numpy()
    assert table["probability"][responder].mean() > table["probability"][~responder].mean() + 0.2
    assert "refused" not in set(checks["verdict"])
    assert set(table["batch"]) == {"B9"}
    first = (folder / "p.tsv").read_bytes()
    apply(folder, made["new"])
    assert (folder / "p.tsv").read_bytes() == first


def test_the_file_is_plain_json_with_a_fingerprint_and_equal_bytes(files):
    folder, made = files
    model = json.loads((folder / "model.json").read_text())
    assert model["training"]["n"] == 40
    assert model["training"]["patients"] == sorted(OLD.index)
    lock_model(**made["old"], settings=SETTINGS, model="late", output=folder / "again.json", seed=1)
    assert (folder / "again.json").read_bytes() == (folder / "model.json").read_bytes()
    assert str(folder) not in (folder / "model.json").read_text()
    model["parts"][0]["intercept"] += 1e-6
    (folder / "model.json").write_text(json.dumps(model))
    with pytest.raises(GutaxisError, match=r"I26 model.json: its content does not fit its fingerprint"):
        read_model(path=folder / "model.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", "\x80abc", '{"format": "x"}'])
def test_other_files_are_no_models(tmp_path, text):
    (tmp_path / "x.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(GutaxisError, match=r"I26 x.json"):
        read_model(path=tmp_path / "x.json")


def test_a_patient_of_the_training_is_refused_by_id_and_by_profile(files):
    folder, made = files
    with pytest.raises(GutaxisError, match=r"I28 .*patient P000 was in the training"):
        apply(folder, made["old"], batch="B1")
    model = read_model(path=folder / "model.json")
    copied = NEW_LAYERS["taxa"].copy()
    copied.iloc[4] = OLD_LAYERS["taxa"].iloc[7]
    with pytest.raises(GutaxisError, match=rf"I28 .*patient {copied.index[4]} has the profile"):
        predict_new(model=model, values={"taxa": [copied], "programs": [NEW_LAYERS["programs"]]})


def test_the_outcome_is_never_read(files):
    folder, made = files
    made["new"]["outcomes"].unlink()
    assert len(apply(folder, made["new"])[0]) == 20


def test_another_batch_kind_or_an_outcome_in_the_layer_are_refused(files):
    folder, made = files
    with pytest.raises(GutaxisError, match=r"I27 .*batch B7 has no usable sample"):
        apply(folder, made["new"], batch="B7")
    path = made["new"]["layers"]["taxa"]
    layer = ad.read_h5ad(path)
    layer.uns["kind"] = "counts"
    layer.write_h5ad(path)
    with pytest.raises(GutaxisError, match=r"I27 layer taxa.*kind counts"):
        apply(folder, made["new"])
    layer.obs["response"] = "R"
    layer.write_h5ad(path)
    with pytest.raises(GutaxisError, match=r"I20 layer taxa"):
        apply(folder, made["new"])


def checked(tables, name="late"):
    model = fit_locked(cohort=study(), settings=quick(**SETTINGS), model=name, seed=3)
    table, checks = predict_new(model=model, values={key: [value] for key, value in tables.items()})
    return table, checks.set_index(["layer", "check"])["verdict"]


def test_missing_features_and_a_shift_are_seen():
    table, verdict = checked(NEW_LAYERS)
    assert (verdict != "refused").all()
    assert table["probability"].notna().all()
    few = NEW_LAYERS | {
        "programs": NEW_LAYERS["programs"].drop(columns=["f00", "f01", "f02", "f03", "f04", "f05", "f06"])
    }
    table, verdict = checked(few)
    assert verdict["programs", "missing_features"] == "refused"
    assert table["probability"].notna().all(), "the other layer is used"
    moved = NEW_LAYERS | {"programs": NEW_LAYERS["programs"] + 1.0}
    assert checked(moved)[1]["programs", "median_shift"] == "caution"
    table, verdict = checked({"programs": NEW_LAYERS["programs"] + 3.0}, name="programs")
    assert verdict["programs", "median_shift"] == "refused"
    assert table["probability"].isna().all()
    assert (table["verdict"] == "refused").all()


def test_a_unit_changes_nothing_for_a_composition():
    percent = NEW_LAYERS | {"taxa": NEW_LAYERS["taxa"] * 100}
    pd.testing.assert_series_equal(checked(percent)[0]["score"], checked(NEW_LAYERS)[0]["score"])


def test_a_patient_far_away_gets_no_probability():
    strange = NEW_LAYERS["programs"].copy()
    strange.iloc[2] = 30.0 * np.sign(np.arange(12) - 5.5)
    table, verdict = checked({"taxa": NEW_LAYERS["taxa"], "programs": strange})
    assert table["verdict"].tolist().count("refused") == 1
    assert table.loc[2, "verdict"] == "refused"
    assert "times as far from the mean" in table.loc[2, "reason"]
    assert np.isnan(table.loc[2, "probability"])
    assert verdict["all", "patients_far_from_training"] == "good"


def test_a_layer_that_is_not_there(files):
    folder, made = files
    only = made["new"] | {"layers": {"taxa": made["new"]["layers"]["taxa"]}}
    table, checks = apply(folder, only)
    assert checks.set_index(["layer", "check"]).loc[("programs", "layer_missing"), "verdict"] == "caution"
    assert table["probability"].notna().all()


def test_what_cannot_be_fitted_is_told():
    with pytest.raises(GutaxisError, match=r"I25 .*no model `genes` can be fitted: layers: programs, taxa"):
        fit_locked(cohort=study(), settings=quick(**SETTINGS), model="genes", seed=1)
    with pytest.raises(GutaxisError, match=r"I25 .*at least 30 of each"):
        fit_locked(cohort=study(), settings=quick(min_responders=30), model="taxa", seed=1)

"""Frozen models: patients of later batches are in no fold, and a locked model is applied to them."""

import numpy as np
import pandas as pd
import pytest
from tests.predict_cases import QUICK, composition, noise, outputs, people, read, write_study

from gutaxis.predict.drift import apply_files
from gutaxis.predict.files import prediction_files
from gutaxis.predict.locked import lock_model
from gutaxis.predict.matrices import read_cohort

pytestmark = pytest.mark.unit
OLD, NEW = people(n=40, seed=1), people(n=20, seed=2).rename(index=lambda name: f"N{name}")
EVERYONE = pd.concat([OLD, NEW])
BATCH = pd.Series(np.where(np.arange(len(OLD)) % 2, "B1", "B2"), index=OLD.index)
LATER = pd.concat([BATCH, pd.Series("B3", index=NEW.index)])
SETTINGS = {"screen": 20, "schemes": ["nested_cv", "leave_one_batch_out"]}


def layers(patients, seed):
    return {
        "taxa": ("compositional", composition(patients=patients, m=30, seed=seed, effect=2.0, zeros=0.05)),
        "programs": ("continuous", noise(patients=patients, m=12, seed=seed, effect=0.5)),
    }


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """The trial before and after batch B3, which brings patients, and a species that nobody else has."""
    before, more = layers(OLD, 1), layers(NEW, 2)
    after = {name: (kind, pd.concat([table, more[name][1]])) for name, (kind, table) in before.items()}
    kind, taxa = after["taxa"]
    after["taxa"] = (kind, taxa.assign(new=np.where(taxa.index.isin(NEW.index), 0.3, 0.0)))
    made = {}
    for name, patients, tables, batches in (("before", OLD, before, BATCH), ("after", EVERYONE, after, LATER)):
        folder = tmp_path_factory.mktemp(name)
        made[name] = write_study(folder=folder, patients=patients, tables=tables, batches=batches)
    return made


def run(folder, study, **more):
    folder.mkdir()
    files = outputs(folder)
    prediction_files(**study, **files, settings=QUICK | SETTINGS, seed=1, **more)
    return files


def test_models_are_the_same_bytes_when_a_batch_comes(studies, tmp_path):
    before = run(tmp_path / "before", studies["before"], reference=["B1", "B2"])
    after = run(tmp_path / "after", studies["after"], reference=["B1", "B2"])
    refit = run(tmp_path / "refit", studies["after"])
    for name, path in before.items():
        assert after[name].read_bytes() == path.read_bytes(), name
    assert refit["performance"].read_bytes() != after["performance"].read_bytes()
    assert "frozen: learned from and judged on samples of the batches B1, B2 alone" in after["performance"].read_text()
    assert set(read(after["predictions"])["patient_id"]) <= set(OLD.index)
    assert set(read(refit["predictions"])["patient_id"]) & set(NEW.index)


def test_a_frozen_reference_of_all_batches_is_the_plain_result(studies, tmp_path):
    plain = run(tmp_path / "plain", studies["before"])
    frozen = run(tmp_path / "frozen", studies["before"], reference=["B1", "B2"])
    for name in ("performance", "predictions", "importance"):
        pd.testing.assert_frame_equal(read(plain[name]), read(frozen[name]))


def test_a_model_locked_on_the_reference_is_applied_to_the_later_batch(studies, tmp_path):
    made = {}
    for name, study in studies.items():
        made[name] = tmp_path / f"{name}.json"
        settings = QUICK | {"screen": 20, "state": "baseline"}
        lock_model(**study, settings=settings, model="taxa", output=made[name], seed=1, reference=["B1", "B2"])
    assert made["after"].read_bytes() == made["before"].read_bytes()
    apply_files(
        model=made["after"], layers=studies["after"]["layers"], batch="B3",
        predictions=tmp_path / "predictions.tsv", verdicts=tmp_path / "verdicts.tsv",
    )  # fmt: skip
    assert set(read(tmp_path / "predictions.tsv")["patient_id"]) == set(NEW.index)


def test_a_layer_that_the_reference_hardly_has_is_named(studies):
    few = read_cohort(**studies["after"], reference=["B9"])
    assert not few.matrices
    assert len(few.patients) == 0
    told = few.dropped.set_index("name")["reason"]
    assert told["taxa"] == "0 patients have samples of the reference batches, fewer than 6"


def test_a_patient_keeps_the_layers_of_the_reference(tmp_path):
    """A patient whose second layer came later stays, with the first alone."""
    tables = layers(OLD, 1)
    study = write_study(folder=tmp_path, patients=OLD, tables={"taxa": tables["taxa"]}, batches=BATCH)
    later = write_study(folder=tmp_path, patients=OLD, tables={"programs": tables["programs"]},
                        batches=pd.Series(np.where(np.arange(40) < 30, "B1", "B3"), index=OLD.index))  # fmt: skip
    merged = {"layers": study["layers"] | later["layers"], "outcomes": tmp_path / "both.tsv"}
    write_study(folder=tmp_path, patients=OLD, tables=tables, batches=BATCH)
    (tmp_path / "sample_response.tsv").rename(merged["outcomes"])
    write_study(folder=tmp_path, patients=OLD, tables={"programs": tables["programs"]},
                batches=pd.Series(np.where(np.arange(40) < 30, "B1", "B3"), index=OLD.index))  # fmt: skip
    found = read_cohort(**merged, reference=["B1", "B2"])
    assert len(found.matrices["taxa"].values) == 40
    assert len(found.matrices["programs"].values) == 30
    assert len(found.patients) == 40

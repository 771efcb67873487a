"""The corrected copy: a planted batch shift goes, what is kept stays, and R's limma does the same."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from tests.oracle.test_survival_r import run_r

from gutaxis.layers.build import build_layer, write_layer
from gutaxis.stats.batch import corrected_layer, remove_batch

BATCH = np.array(["b1"] * 6 + ["b2"] * 4 + ["b3"] * 2)
GROUP = np.array([0, 1] * 6, float)


def values():
    rng = np.random.default_rng(3)
    shift = {"b1": 0.0, "b2": 3.0, "b3": -2.0}
    return rng.normal(size=(12, 5)) + np.array([shift[name] for name in BATCH])[:, None] + 1.5 * GROUP[:, None]


@pytest.mark.unit
def test_the_shift_goes_and_the_group_stays():
    keep = np.column_stack([np.ones(12), GROUP])
    corrected = remove_batch(values=values(), batch=BATCH, keep=keep)
    full = np.column_stack([keep, BATCH == "b1", BATCH == "b2"])
    before, after = (np.linalg.lstsq(full, table, rcond=None)[0] for table in (values(), corrected))
    assert np.allclose(before[1], after[1])
    assert np.abs(before[2:]).max() > 1
    assert np.abs(after[2:]).max() < 1e-10


@pytest.mark.unit
def test_missing_values_stay_missing_and_one_batch_changes_nothing():
    table = values()
    table[3, 1] = np.nan
    keep = np.ones((12, 1))
    corrected = remove_batch(values=table, batch=BATCH, keep=keep)
    assert np.array_equal(np.isnan(corrected), np.isnan(table))
    rest = np.delete(np.arange(12), 3)
    alone = remove_batch(values=table[rest][:, [1]], batch=BATCH[rest], keep=keep[rest])
    assert np.allclose(corrected[rest, 1], alone[:, 0])
    assert np.array_equal(remove_batch(values=values(), batch=np.full(12, "b"), keep=keep), values())


@pytest.mark.unit
def test_batches_that_are_the_groups_are_left_alone():
    batch = np.where(GROUP > 0, "x", "y")
    keep = np.column_stack([np.ones(12), GROUP])
    assert np.array_equal(remove_batch(values=values(), batch=batch, keep=keep), values())


@pytest.mark.oracle
def test_same_as_limma():
    table = values()
    numbers = ", ".join(repr(float(value)) for value in table.T.ravel(order="F"))
    batch = ", ".join(f"'{name}'" for name in BATCH)
    group = ", ".join(str(value) for value in GROUP)
    script = f"""
    suppressMessages(library(limma))
    y <- matrix(c({numbers}), nrow = 5)
    json(x = as.vector(removeBatchEffect(y, batch = c({batch}), design = cbind(1, c({group})))))
    """
    theirs = np.array(run_r(script, "limma")["x"]).reshape(12, 5)
    mine = remove_batch(values=table, batch=BATCH, keep=np.column_stack([np.ones(12), GROUP]))
    assert np.allclose(mine, theirs, atol=1e-10)


@pytest.mark.unit
@pytest.mark.parametrize("kind", ["compositional", "counts", "log_intensity"])
def test_the_copy_says_what_it_is(tmp_path, kind):
    names = [f"S{i:02d}" for i in range(12)]
    table = pd.DataFrame(np.round(np.exp2(values()) * 10), index=names, columns=list("abcde"))
    obs = pd.DataFrame({"patient_id": names, "batch": BATCH, "timepoint": "PRE", "cohort": "x"}, index=names)
    obs["cohort"] = np.where(GROUP > 0, "x", "y")
    layer = build_layer(values=table, observations=obs, name="taxa", arm="config", kind=kind, unit="other")
    write_layer(adata=layer, path=tmp_path / "taxa.h5ad")
    corrected_layer(layer=tmp_path / "taxa.h5ad", output=tmp_path / "copy.h5ad")
    copy = ad.read_h5ad(tmp_path / "copy.h5ad")
    assert "pictures only" in copy.uns["note"]
    assert copy.uns["name"] == "taxa.corrected"
    assert copy.shape == layer.shape
    assert np.isfinite(copy.X).all()

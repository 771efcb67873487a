"""Frozen normalisation: later batches change nothing of the reference, and come to its level by their own QCs."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.metabolome_cohort import Run, simulate_run

from gutaxis.metabolome.feature_table import make_feature_table, write_feature_table
from gutaxis.metabolome.process import ProcessSettings, process, process_files
from gutaxis.metabolome.process_frozen import process_frozen

pytestmark = pytest.mark.unit

REFERENCE = ["B1", "B2"]
SETTINGS = ProcessSettings()
OUTPUTS = (
    "values", "state", "features", "controls", "feature_quality", "injection_quality", "components", "batches",
    "steps", "design", "messages",
)  # fmt: skip
#: What the reference alone decides.
TAUGHT = ("features", "feature_quality")


def without(run: Run, *batches: str) -> Run:
    """The run as if these batches had never been measured."""
    rows = run.injections[~run.injections["batch"].isin(batches)]
    table = run.table
    kept = replace(table, values=table.values[sorted(rows.index)], state=table.state[sorted(rows.index)])
    return Run(table=kept, injections=rows, truth=run.truth)


def gaps(run: Run, *, forced: bool = False) -> Run:
    """The run with values that miss by chance in some features, and below detection in others; two modes."""
    rng = np.random.default_rng(5)
    values = run.table.values
    kind = np.arange(len(values))[:, None] % 3
    by_chance = rng.random(values.shape) < 0.06
    low = values.rank(axis=1, pct=True).to_numpy() < 0.15
    values = values.mask((by_chance & (kind == 1)) | (low & (kind == 2)))
    state = pd.DataFrame(
        np.where(values.isna(), "absent", np.where(forced & (rng.random(values.shape) < 0.05), "forced", "detected")),
        index=values.index, columns=values.columns,
    )  # fmt: skip
    features = run.table.features.assign(mode=np.where(np.arange(len(values)) % 2, "positive", "negative"))
    return replace(run, table=make_feature_table(values=values, state=state, features=features))


@pytest.fixture(scope="module")
def run() -> Run:
    """Four batches with drift, steps and dilution, seven pooled QCs each, blanks in the first."""
    return gaps(simulate_run(seed=7, features=160, injections=128, qcs=28, batches=4, blanks=3))


def frozen(run: Run, **settings):
    return process_frozen(
        table=run.table, injections=run.injections, settings=replace(SETTINGS, **settings), reference=REFERENCE
    )


@pytest.mark.parametrize("forced", [False, True])
def test_the_reference_keeps_its_values_when_a_batch_comes(forced):
    run = gaps(simulate_run(seed=7, features=160, injections=128, qcs=28, batches=4, blanks=3), forced=forced)
    before, after = frozen(without(run, "B3", "B4")), frozen(without(run, "B4"))
    alone = process(
        table=without(run, "B3", "B4").table, injections=without(run, "B3", "B4").injections, settings=SETTINGS
    )
    for name in ("values", "state", "controls"):
        old, new = getattr(before, name), getattr(after, name)
        pd.testing.assert_frame_equal(new[old.columns], old, check_exact=True)
        pd.testing.assert_frame_equal(old, getattr(alone, name), check_exact=True)
        assert new.shape[1] > old.shape[1]
    for name in TAUGHT:
        pd.testing.assert_frame_equal(getattr(after, name), getattr(before, name), check_exact=True)
    rows = after.injection_quality
    old = rows[rows["batch"].isin(REFERENCE)].reset_index(drop=True)
    pd.testing.assert_frame_equal(old, before.injection_quality, check_exact=True)
    assert (before.state == "imputed").to_numpy().any()
    assert (after.state[[n for n in after.state if n.startswith("B3")]] == "imputed").to_numpy().any()


def test_refitting_does_change_them(run):
    before = process(table=without(run, "B3", "B4").table, injections=without(run, "B3", "B4").injections,
                     settings=SETTINGS)  # fmt: skip
    after = process(table=without(run, "B4").table, injections=without(run, "B4").injections, settings=SETTINGS)
    shared = before.values.index.intersection(after.values.index)
    assert not np.allclose(after.values.loc[shared, before.values.columns], before.values.loc[shared])


def test_a_later_batch_comes_to_the_level_of_the_reference(run):
    done = frozen(without(run, "B4"))
    measured, truth = done.measured, run.truth.loc[done.values.index]
    later = [name for name in done.values if name.startswith("B3")]
    earlier = [name for name in done.values if not name.startswith("B3")]

    def step(values: pd.DataFrame) -> float:
        off = values - truth[values.columns]
        return float((off[later].mean(axis=1) - off[earlier].mean(axis=1)).abs().median())

    raw = np.log2(run.table.values.loc[done.values.index, done.values.columns])
    assert step(measured) < 0.12
    assert step(raw) > 0.25
    rest = (measured[later] - truth[later]).sub((measured[later] - truth[later]).mean(axis=1), axis=0)
    was = (raw[later] - truth[later]).sub((raw[later] - truth[later]).mean(axis=1), axis=0)
    assert rest.stack().std() < 0.7 * was.stack().std()


def test_later_batches_do_not_see_each_other(run):
    third, both = frozen(without(run, "B4")), frozen(run)
    later = [name for name in third.values if name.startswith("B3")]
    pd.testing.assert_frame_equal(both.values[later], third.values[later], check_exact=True)
    assert any(name.startswith("B4") for name in both.values)


def test_values_below_detection_get_the_bound_of_the_reference(run):
    done = frozen(without(run, "B4"))
    below = done.feature_quality["mechanism"].eq("below_detection")
    feature = below.index[below][0]
    later = [name for name in done.values if name.startswith("B3")]
    filled = [name for name in later if done.state.at[feature, name] == "imputed"]
    earlier = [name for name in done.values if name not in later and done.state.at[feature, name] != "imputed"]
    assert filled
    assert done.values.loc[feature, filled].to_numpy() == pytest.approx(done.values.loc[feature, earlier].min() - 1)


def test_the_feature_list_is_that_of_the_reference(run):
    values = run.table.values.copy()
    new = values.columns.str.startswith("B3")
    values.loc["POS_9999"] = np.where(new, 2000.0, np.nan)
    values.iloc[0, new] = np.nan
    features = run.table.features.reindex(values.index).fillna({"mz": 950.0, "rt": 1.0, "mode": "positive"})
    changed = without(replace(run, table=make_feature_table(values=values, features=features)), "B4")
    done, before = frozen(changed), frozen(without(changed, "B3"))
    assert list(done.values.index) == list(before.values.index)
    assert "POS_9999" not in done.values.index
    assert "POS_9999" not in done.feature_quality.index
    lost = values.index[0]
    states = done.state.loc[lost, [name for name in done.state if name.startswith("B3")]]
    assert set(states) == {"imputed"}


def test_what_the_reference_lacks_is_told(run):
    rows = run.injections
    kept = rows.index[~((rows["control"] == "POOL_QC") & rows["batch"].isin(REFERENCE))]
    bare = Run(
        table=replace(run.table, values=run.table.values[sorted(kept)], state=run.table.state[sorted(kept)]),
        injections=rows.loc[kept], truth=run.truth,
    )  # fmt: skip
    told = frozen(bare).messages
    assert told.loc[told["step"] == "frozen", "message"].str.contains("no pooled QC").any()
    assert not frozen(run).messages["message"].str.contains("no pooled QC").any()


def test_poor_precision_of_a_later_batch_is_told_and_drops_nothing(run):
    values = run.table.values.copy()
    noisy = run.injections.index[(run.injections["control"] == "POOL_QC") & (run.injections["batch"] == "B3")]
    values[noisy] *= np.exp(np.random.default_rng(2).normal(0, 1, (len(values), len(noisy))))
    bad = replace(run, table=replace(run.table, values=values))
    done, good = frozen(without(bad, "B4")), frozen(without(run, "B4"))
    assert list(done.values.index) == list(good.values.index)
    assert (done.messages["level"] == "warning")[done.messages["message"].str.contains("feature list stays")].all()
    assert (good.messages["level"] == "info")[good.messages["message"].str.contains("feature list stays")].all()


def test_files_are_the_same_bytes_twice_and_read_the_reference(run, tmp_path):
    run = without(run, "B4")
    tables = [tmp_path / f"{name}.tsv" for name in ("v", "s", "f")]
    names = ("path_values", "path_state", "path_features")
    write_feature_table(table=run.table, **dict(zip(names, tables, strict=True)))
    for folder in ("one", "two"):
        process_files(
            tables=[tuple(tables)], injections=run.injections, settings=SETTINGS, reference=REFERENCE,
            **{f"path_{name}": tmp_path / folder / f"{name}.tsv" for name in OUTPUTS},
        )  # fmt: skip
    for name in OUTPUTS:
        assert (tmp_path / "one" / f"{name}.tsv").read_bytes() == (tmp_path / "two" / f"{name}.tsv").read_bytes()
    told = pd.read_csv(tmp_path / "one" / "messages.tsv", sep="\t")
    assert "Learned from the batches B1, B2 alone" in list(told["message"])

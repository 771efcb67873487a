"""From a feature table to the layer: what each step does, what it skips, and that two runs are the same bytes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.metabolome_cohort import TRUE_RSD, Run, simulate_run

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.feature_table import join_modes, make_feature_table, write_feature_table
from gutaxis.metabolome.process import Processed, ProcessSettings, process, process_files

pytestmark = pytest.mark.unit

OUTPUTS = (
    "values", "state", "features", "controls", "feature_quality", "injection_quality", "components", "batches",
    "steps", "design", "messages",
)  # fmt: skip


def run_process(run: Run, table=None, **settings) -> Processed:
    return process(table=table or run.table, injections=run.injections, settings=ProcessSettings(**settings))


def told(done: Processed, step: str) -> str:
    return " | ".join(done.messages.loc[done.messages["step"] == step, "message"])


def changed(run: Run, **tables) -> Run:
    """The run with other values; states follow from them."""
    table = run.table
    made = make_feature_table(
        values=tables.get("values", table.values), state=tables.get("state"),
        features=tables.get("features", table.features), done=tables.get("done", table.done),
        targeted=tables.get("targeted", False),
    )  # fmt: skip
    return replace(run, table=made)


def test_the_layer_is_nearer_to_the_truth_and_its_precision_is_told_truly():
    run = simulate_run(blanks=3)
    done = run_process(run)
    assert list(done.values.columns) == run.study
    assert run.error(done.values) <= 0.5 * run.error(np.log2(run.table.values))
    quality = done.feature_quality
    assert quality["rsd_held_out"].median() == pytest.approx(TRUE_RSD, rel=0.2)
    assert quality["rsd_after"].median() < quality["rsd_held_out"].median() < quality["rsd_held_out_plain"].median()
    assert quality["rsd_held_out_plain"].median() < 0.5 * quality["rsd_before"].median()
    assert quality["dratio_held_out"].median() < 0.5 * quality["dratio_before"].median()
    assert quality["kept"].mean() > 0.98
    assert (done.state == "detected").all().all()


def test_rsd_before_is_that_of_the_raw_intensities():
    run = simulate_run(features=30, injections=60, qcs=12)
    qcs = run.table.values.loc[:, run.injections["control"] == "POOL_QC"]
    expected = qcs.std(axis=1, ddof=1) / qcs.mean(axis=1)
    np.testing.assert_allclose(run_process(run).feature_quality["rsd_before"], expected, rtol=1e-12)


def test_each_filter_drops_what_it_is_for_and_says_so():
    run = simulate_run(features=40, injections=60, qcs=12, blanks=3)
    values = run.table.values.copy()
    blanks = [name for name in values if name.startswith("BLANK")]
    values.loc["POS_0001", blanks] = values.loc["POS_0001"].median() * 0.4
    study = run.study
    values.loc["POS_0002", study[: int(0.7 * len(study))]] = np.nan
    qcs = list(run.injections.index[run.injections["control"] == "POOL_QC"])
    values.loc["POS_0003", qcs] *= np.exp2(np.random.default_rng(1).normal(0, 1.5, len(qcs)))
    quality = run_process(changed(run, values=values)).feature_quality
    assert quality["reason"][:4].tolist() == ["blank", "detection", "rsd", ""]
    assert quality["kept"].sum() == 37
    steps = run_process(changed(run, values=values)).steps.set_index("step")["n_features"]
    assert steps.tolist() == [40, 39, 38, 37, 37]
    loose = run_process(changed(run, values=values), blank_ratio_max=None, min_detection=0.2, rsd_max=None)
    assert loose.feature_quality["kept"].all()


def test_detection_in_one_timepoint_is_enough_and_panel_compounds_are_spared():
    run = simulate_run(features=40, injections=60, qcs=12)
    values = run.table.values.copy()
    post = run.injections.index[run.injections["timepoint"] == "POST"]
    values.loc[["POS_0001"], post] = np.nan
    values.loc[["POS_0002", "POS_0003"], run.study[:-5]] = np.nan
    features = run.table.features.assign(panel=run.table.features.index == "POS_0003")
    kept = run_process(changed(run, values=values, features=features)).feature_quality["kept"]
    assert kept[["POS_0001", "POS_0002", "POS_0003"]].tolist() == [True, False, True]


def test_forced_cells_are_no_detection():
    run = simulate_run(features=40, injections=60, qcs=12)
    state = run.table.state.copy()
    state.loc["POS_0001", run.study] = "forced"
    done = run_process(changed(run, state=state))
    assert done.feature_quality.loc["POS_0001", "reason"] == "detection"


@pytest.mark.parametrize(
    ("word", "step", "sentence"),
    [
        ("drift", "drift", "the maker of the table has corrected it"),
        ("batch", "batches", "the maker of the table has aligned them"),
        ("normalised", "pqn", "the maker of the table has normalised the samples"),
    ],
)
def test_what_the_maker_has_done_is_not_done_again(word, step, sentence):
    run = simulate_run(features=60, injections=60, qcs=12)
    done = run_process(changed(run, done={word}))
    assert f"Not done: {sentence}" in told(done, step)
    methods = set(done.feature_quality["drift"])
    if word == "drift":
        assert methods == {"qc_median"}
    if word == "batch":
        steps = done.controls.T.groupby(run.injections["batch"]).median().diff().iloc[-1]
        assert steps.abs().median() > 0.2, "the step between the batches is left in"
    if word == "normalised":
        assert (done.injection_quality["pqn_log2"] == 0).all()


def test_a_table_to_which_everything_was_done_passes_through():
    run = simulate_run(features=40, injections=60, qcs=12)
    values = np.log2(run.table.values)
    everything = {"log2", "normalised", "imputed", "drift", "batch"}
    done = run_process(changed(run, values=values, done=everything), rsd_max=None)
    pd.testing.assert_frame_equal(done.values, values[run.study], check_names=False)


def test_a_targeted_panel_is_not_quotient_normalised():
    run = simulate_run(features=60, injections=60, qcs=12)
    done = run_process(changed(run, targeted=True))
    assert "the panel is targeted" in told(done, "pqn")
    assert (done.injection_quality["pqn_log2"] == 0).all()


def test_fewer_than_five_qcs_never_make_a_drift_model():
    run = simulate_run(features=60, injections=60, qcs=8)
    done = run_process(run)
    assert set(done.feature_quality["drift"]) == {"qc_median"}
    assert "Batch B1 has 4 pooled QCs, fewer than 5: no drift is modelled" in told(done, "drift")
    with pytest.raises(ValueError, match="min_qc=4: 5 or more"):
        ProcessSettings(min_qc=4)


def test_without_qcs_nothing_is_invented_and_precision_is_unknown():
    run = simulate_run(features=40, injections=60, qcs=0)
    done = run_process(run)
    assert set(done.feature_quality["drift"]) == {"study_median"}
    assert "aligned by the medians of study samples" in told(done, "drift")
    assert done.feature_quality["rsd_held_out"].isna().all()
    assert "40 features have too few pooled QCs" in told(done, "precision")


def test_study_samples_never_align_batches_that_go_with_the_timepoint():
    run = simulate_run(features=40, injections=60, qcs=0)
    run.injections["timepoint"] = run.injections["batch"].map({"B1": "PRE", "B2": "POST"})
    done = run_process(run)
    assert set(done.feature_quality["drift"]) == {"none"}
    assert "Batch is confounded with the timepoint" in told(done, "design")


def test_without_run_order_batches_are_aligned_and_drift_is_not_modelled():
    run = simulate_run(features=40, injections=60, qcs=12)
    run.injections["run_order"] = np.nan
    done = run_process(run)
    assert "Not done: there is no run order" in told(done, "drift")
    assert set(done.feature_quality["drift"]) == {"qc_median"}


def test_a_missing_run_order_is_an_error_that_names_the_sample():
    run = simulate_run(features=40, injections=60, qcs=12)
    run.injections["run_order"] = run.injections["run_order"].astype(float)
    run.injections.loc["B1_004", "run_order"] = np.nan
    with pytest.raises(GutaxisError, match="M43 samples column=run_order value=B1_004"):
        run_process(run)
    assert run_process(run, drift=False, rsd_max=None).values.shape[0] == 40


def test_a_negative_intensity_is_an_error():
    run = simulate_run(features=40, injections=60, qcs=12)
    values = run.table.values.copy()
    values.iloc[4, 0] = -2.5
    with pytest.raises(GutaxisError, match=rf"M40 feature table column={values.columns[0]} value=-2.5: .*POS_0005"):
        run_process(changed(run, values=values))


def test_an_outcome_in_the_injection_table_is_refused():
    run = simulate_run(features=40, injections=60, qcs=12)
    run.injections["response"] = "R"
    with pytest.raises(GutaxisError, match="L09"):
        run_process(run)


def test_if_nothing_passes_it_is_said():
    run = simulate_run(features=40, injections=60, qcs=12)
    with pytest.raises(GutaxisError, match=r"M47 .*no feature passes the precision filter"):
        run_process(run, rsd_max=0.001)


def test_zeros_are_missing_values_and_an_empty_sample_is_left_out():
    run = simulate_run(features=60, injections=60, qcs=12)
    values = run.table.values.copy()
    values.loc[values.index[:55], run.study[0]] = 0.0
    done = run_process(changed(run, values=values))
    assert "55 values of 0 are taken as missing" in told(done, "table")
    assert run.study[0] not in done.values
    assert f"Sample {run.study[0]} has values in 8% of its features" in told(done, "samples")
    row = done.injection_quality.set_index("sample_id").loc[run.study[0]]
    assert (row["kept"], row["reason"]) == (False, "few values")


def test_imputed_cells_are_marked_and_can_be_left_out():
    run = simulate_run(features=60, injections=60, qcs=12)
    values = run.table.values.copy()
    values.loc["POS_0001", run.study[:4]] = np.nan
    done = run_process(changed(run, values=values))
    assert done.values.notna().all().all()
    assert (done.state.loc["POS_0001", run.study[:4]] == "imputed").all()
    assert done.measured.isna().to_numpy().sum() == 4
    assert done.feature_quality.loc["POS_0001", "n_missing"] == 4
    bare = run_process(changed(run, values=values), imputation="none")
    assert bare.values.isna().to_numpy().sum() == 4
    pd.testing.assert_frame_equal(bare.values, done.measured)


def test_modes_are_corrected_apart_and_a_sample_without_one_is_not_imputed_there():
    first, second = (simulate_run(seed=seed, features=40, injections=60, qcs=12) for seed in (1, 2))
    negative = second.table.values.rename(index=lambda name: name.replace("POS", "NEG")).drop(columns=first.study[0])
    features = second.table.features.rename(index=lambda name: name.replace("POS", "NEG")).assign(mode="negative")
    both = join_modes(tables=[first.table, make_feature_table(values=negative, features=features)])
    done = run_process(first, table=both, rsd_max=None)
    alone = run_process(first, rsd_max=None)
    pd.testing.assert_frame_equal(done.values.loc[alone.values.index], alone.values)
    assert done.values.loc[done.features["mode"] == "negative", first.study[0]].isna().all()
    assert done.values.isna().to_numpy().sum() == 40
    assert set(done.batches["mode"]) == {"negative", "positive"}


def test_injections_that_the_table_lacks_are_told():
    run = simulate_run(features=40, injections=60, qcs=12)
    fewer = changed(run, values=run.table.values.drop(columns=run.study[:2]))
    assert f"2 injections of the sample sheet are not in the table: {run.study[0]}" in told(run_process(fewer), "table")


def test_a_sample_that_the_sheet_lacks_is_an_error():
    run = simulate_run(features=40, injections=60, qcs=12)
    name = run.study[3]
    short = replace(run, injections=run.injections.drop(index=name))
    with pytest.raises(GutaxisError, match=f"M42 samples column=sample_id value={name}"):
        run_process(short)


def write_all(run: Run, folder: Path, columns=None) -> Path:
    table = run.table
    if columns is not None:
        table = replace(table, values=table.values[columns], state=table.state[columns])
    inputs = tuple(folder / "in" / f"{name}.tsv" for name in ("values", "state", "features"))
    write_feature_table(table=table, path_values=inputs[0], path_state=inputs[1], path_features=inputs[2])
    process_files(
        tables=[inputs], injections=run.injections, settings=ProcessSettings(),
        **{f"path_{name}": folder / f"{name}.tsv" for name in OUTPUTS},
    )  # fmt: skip
    return folder


def test_files_are_the_same_bytes_whatever_the_order_of_samples(tmp_path):
    run = simulate_run(features=40, injections=60, qcs=12, blanks=2)
    first = write_all(run, tmp_path / "a")
    turned = replace(run, injections=run.injections[::-1])
    second = write_all(turned, tmp_path / "b", columns=list(run.table.values.columns)[::-1])
    for name in OUTPUTS:
        assert (first / f"{name}.tsv").read_bytes() == (second / f"{name}.tsv").read_bytes(), name


def test_files_hold_what_was_processed(tmp_path):
    run = simulate_run(features=40, injections=60, qcs=12, blanks=2)
    folder = write_all(run, tmp_path)
    done = run_process(run)
    values = pd.read_csv(folder / "values.tsv", sep="\t", index_col=0, comment="#")
    np.testing.assert_allclose(values, done.values, rtol=1e-9)
    assert (folder / "values.tsv").read_text().startswith("# unit: log2 of peak area\nfeature\t")
    quality = pd.read_csv(folder / "feature_quality.tsv", sep="\t", index_col=0)
    assert {"mode", "kept", "reason", "blank_ratio", "detection", "rsd_held_out", "n_qc", "drift"} <= set(quality)
    assert len(pd.read_csv(folder / "injection_quality.tsv", sep="\t")) == 62

"""Planted against recovered of the simulated plasma: the scorer sees what is right and what is wrong."""

import json

import numpy as np
import pandas as pd
import pytest

from gutaxis.simulate.metabolome_matching import injected_table, main_features, match_features, score_features
from gutaxis.simulate.metabolome_plan import plan_metabolome
from gutaxis.simulate.metabolome_recovery import (
    compound_values,
    contrast_estimates,
    measure_metabolome_recovery,
    score_effects,
    score_links,
    study_error,
    true_levels,
)
from gutaxis.simulate.metabolome_spectra import true_ions
from gutaxis.simulate.trial import plan_trial

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def truth():
    return plan_metabolome(truth=plan_trial(n=12, seed=20240611, pairs=16_000))


def ideal(truth, mode):
    """Return features and areas as a perfect extraction would: every main ion, nothing else."""
    ions = pd.DataFrame(true_ions(truth=truth, mode=mode))
    ions = ions[ions["main"] & (ions["isotope"] == 0)].reset_index(drop=True)
    features = ions[["mz", "rt"]].set_axis([f"{mode[:3].upper()}_{n:04d}" for n in range(len(ions))])
    areas = np.exp2(injected_table(truth=truth, mode=mode)).loc[ions["compound"]].set_axis(features.index)
    return features, areas, ions["compound"].set_axis(features.index)


def test_a_perfect_table_scores_one(truth):
    for mode in ("positive", "negative"):
        features, areas, names = ideal(truth, mode)
        score = score_features(truth=truth, mode=mode, features=features, values=areas)
        assert score["recall"] == score["recall_panel"] == score["precision"] == 1
        assert score["median_r"] == pytest.approx(1)
        assert score["cells_missing"] == score["cells_invented"] == 0
        assert list(match_features(truth=truth, mode=mode, features=features)["compound"]) == list(names)


def test_row_order_does_not_matter(truth):
    features, areas, _ = ideal(truth, "positive")
    mixed = areas.iloc[::-1, ::-1]
    assert score_features(truth=truth, mode="positive", features=features, values=mixed) == score_features(
        truth=truth, mode="positive", features=features, values=areas
    )


def test_losses_and_inventions_are_counted(truth):
    features, areas, names = ideal(truth, "positive")
    lost = names.index[names == "inosine"][0]
    features, areas = features.drop(lost), areas.drop(lost)
    caffeine = names.index[names == "caffeine"][0]
    absent = areas.columns[areas.loc[caffeine].isna() & areas.columns.str.startswith("P")]
    areas.loc[caffeine, absent[:2]] = 5.0
    tryptophan = names.index[names == "L-tryptophan"][0]
    areas.loc[tryptophan, ["P01_PRE_PLASMA", "P02_PRE_PLASMA", "P03_PRE_PLASMA"]] = [np.nan, 0.0, np.nan]
    features.loc["F_false"] = [321.5, 100.0]
    areas.loc["F_false"] = 1.0
    score = score_features(truth=truth, mode="positive", features=features, values=areas)
    assert score["found"] == score["compounds"] - 1
    assert score["recall_panel"] < 1
    assert score["explained"] == score["features"] - 1
    assert score["cells_missing"] == 3
    assert score["cells_invented"] == 2


def test_isotopes_and_adducts_are_explained_but_find_no_compound(truth):
    ions = pd.DataFrame(true_ions(truth=truth, mode="positive"))
    ions = ions[(ions["compound"] == "L-carnitine") & ~(ions["main"] & (ions["isotope"] == 0))]
    features = ions[["mz", "rt"]].set_axis([f"F{n}" for n in range(len(ions))])
    areas = pd.DataFrame(1e5, index=features.index, columns=truth["metabolome"]["samples"])
    score = score_features(truth=truth, mode="positive", features=features, values=areas)
    assert (score["found"], score["precision"]) == (0, 1)


def test_isomers_are_told_apart_by_time(truth):
    rt = {name: truth["metabolome"]["compounds"][name]["rt"] for name in ("L-leucine", "L-isoleucine")}
    features = pd.DataFrame({"mz": 132.10191, "rt": [rt["L-isoleucine"] + 6, rt["L-leucine"] - 6]}, index=["a", "b"])
    matched = match_features(truth=truth, mode="positive", features=features)
    assert list(matched["compound"]) == ["L-isoleucine", "L-leucine"]


@pytest.mark.parametrize(
    ("ppm", "seconds", "found"), [(7.5, 0, True), (8.5, 0, False), (0, 8.5, True), (0, 9.5, False)]
)
def test_tolerances(truth, ppm, seconds, found):
    ion = next(i for i in true_ions(truth=truth, mode="positive") if i["compound"] == "inosine")
    features = pd.DataFrame({"mz": [ion["mz"] * (1 + ppm * 1e-6)], "rt": [ion["rt"] + seconds]}, index=["a"])
    matched = match_features(truth=truth, mode="positive", features=features)
    assert (matched.loc["a", "compound"] == "inosine") is found
    assert matched["compound"].notna().all() == found


def test_of_two_features_the_more_complete_stands_for_the_compound(truth):
    ion = next(i for i in true_ions(truth=truth, mode="positive") if i["compound"] == "inosine")
    features = pd.DataFrame({"mz": ion["mz"], "rt": ion["rt"]}, index=["a", "b"])
    values = pd.DataFrame({"x": [9.0, 1.0], "y": [np.nan, 1.0]}, index=["a", "b"])
    matched = match_features(truth=truth, mode="positive", features=features)
    assert main_features(matched=matched, values=values) == {"inosine": "b"}
    assert main_features(matched=matched, values=values.loc[["a"]]) == {"inosine": "a"}


def test_no_features_at_all(truth):
    none = pd.DataFrame({"mz": [], "rt": []}, dtype=float)
    areas = pd.DataFrame(columns=truth["metabolome"]["samples"], dtype=float)
    score = score_features(truth=truth, mode="positive", features=none, values=areas)
    assert score["recall"] == 0 and score["found"] == 0
    assert np.isnan(score["precision"]) and np.isnan(score["median_r"])


def test_contrasts_by_hand():
    truth = {
        "patients": {"A": {"response": "R"}, "B": {"response": "NR"}, "C": {"response": "NR"}},
        "metabolome": {
            "samples": ["A0", "A1", "B0", "B1", "C0"],
            "injections": {
                name: {"patient_id": name[0], "timepoint": "PRE" if name[1] == "0" else "POST"}
                for name in ("A0", "A1", "B0", "B1", "C0")
            },
        },
    }
    values = pd.DataFrame([[5.0, 8.0, 1.0, 2.0, 2.0]], index=["m"], columns=["A0", "A1", "B0", "B1", "C0"])
    estimates = contrast_estimates(truth=truth, values=values)
    assert estimates.loc["m"].to_dict() == {"baseline": 3.5, "change": 2.0, "response_change": 2.0}


def test_true_levels_recover_themselves(truth):
    levels = true_levels(truth=truth)
    effects = score_effects(truth=truth, compounds=levels)
    assert np.allclose(effects["realised"], effects["recovered"])
    assert set(effects["contrast"]) == {"baseline", "change", "response_change"}
    assert effects.loc[effects["source"] == "planted", "planted"].notna().all()
    links = score_links(truth=truth, compounds=levels)
    assert (links["rank"] <= 3).all()
    assert np.allclose(links["r_true"], links["r_recovered"])
    assert np.allclose(links["slope_planted"], links["slope_recovered"], atol=0.35)
    assert study_error(truth=truth, compounds=levels) == pytest.approx(0)


def test_a_compound_that_was_lost_has_no_estimate(truth):
    levels = true_levels(truth=truth).drop(["L-kynurenine", "inosine"])
    effects = score_effects(truth=truth, compounds=levels)
    assert effects.loc[effects["compound"].isin(["L-kynurenine", "inosine"]), "recovered"].isna().all()
    links = score_links(truth=truth, compounds=levels).set_index("compound")
    assert links.loc["inosine", ["slope_recovered", "r_recovered", "rank"]].isna().all()


def test_error_ignores_a_factor_of_a_compound_and_sees_noise(truth):
    levels = true_levels(truth=truth)
    assert study_error(truth=truth, compounds=levels.add(np.arange(len(levels)), axis=0)) == pytest.approx(0, abs=1e-9)
    noisy = levels + np.random.default_rng(0).normal(0, 0.3, levels.shape)
    assert study_error(truth=truth, compounds=noisy) == pytest.approx(0.3, rel=0.06)


def test_drift_and_batches_are_most_of_the_error_in_raw_files(truth):
    raw = injected_table(truth=truth, mode="positive")
    plan = truth["metabolome"]
    known = pd.DataFrame(
        {
            sample: {
                name: plan["compounds"][name]["drift_loading"] * injection["drift"]
                + plan["compounds"][name]["batch_step"][injection["batch"]]
                + injection["dilution"]
                for name in raw.index
            }
            for sample, injection in plan["injections"].items()
        }
    )
    before, after = study_error(truth=truth, compounds=raw), study_error(truth=truth, compounds=raw - known)
    assert before > 0.3
    assert after == pytest.approx(plan["technical_sd"], rel=0.1)


def test_a_compound_of_both_modes_is_taken_from_positive_mode(truth):
    features, logs = {}, []
    for mode in ("positive", "negative"):
        features[mode], areas, _ = ideal(truth, mode)
        logs.append(np.log2(areas))
    table, chosen = compound_values(truth=truth, features=features, values=pd.concat(logs))
    assert chosen["inosine"].startswith("POS") and chosen["indoxyl sulfate"].startswith("NEG")
    assert sorted(table.index) == sorted(truth["metabolome"]["compounds"])


def test_tables_of_a_finished_run(truth, tmp_path):
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    paths = {"features": {}, "matrices": {}}
    logs = []
    for mode in ("positive", "negative"):
        features, areas, _ = ideal(truth, mode)
        for kind, table in (("features", features), ("matrices", areas)):
            paths[kind][mode] = tmp_path / f"{kind}_{mode}.tsv"
            table.rename_axis("feature_id").to_csv(paths[kind][mode], sep="\t", na_rep="NA")
        logs.append(np.log2(areas))
    pd.concat(logs).rename_axis("feature_id").to_csv(tmp_path / "normalised.tsv", sep="\t", na_rep="NA")
    out = {name: tmp_path / "out" / f"{name}.tsv" for name in ("scores", "effects", "links")}
    arguments = {"truth": tmp_path / "truth.json", "normalised": tmp_path / "normalised.tsv", "state": None}
    arguments |= {**paths, **out}
    measure_metabolome_recovery(**arguments)
    first = {name: path.read_bytes() for name, path in out.items()}
    scores = pd.read_csv(out["scores"], sep="\t").set_index("mode")
    assert (scores[["recall", "precision"]] == 1).all(axis=None)
    assert (scores["error_raw"] > 0.3).all()
    assert (scores["error_raw"] == scores["error_normalised"]).all(), "nothing was normalised here"
    assert len(pd.read_csv(out["effects"], sep="\t")) == 6 + 4 * 3
    assert len(pd.read_csv(out["links"], sep="\t")) == 4
    measure_metabolome_recovery(**arguments)
    assert {name: path.read_bytes() for name, path in out.items()} == first


def test_imputed_cells_are_no_error_of_measurement(truth, tmp_path):
    features, areas, _ = ideal(truth, "negative")
    levels = true_levels(truth=truth)
    names = ideal(truth, "negative")[2]
    final = levels.loc[names].set_axis(features.index)
    state = pd.DataFrame("detected", index=final.index, columns=final.columns, dtype=object)
    final.iloc[0, 0], state.iloc[0, 0] = -30.0, "imputed"
    tables = {"features": features, "matrices": areas, "normalised": final, "state": state}
    for name, table in tables.items():
        table.rename_axis("feature_id").to_csv(tmp_path / f"{name}.tsv", sep="\t", na_rep="NA")
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    errors = []
    for known in (None, tmp_path / "state.tsv"):
        measure_metabolome_recovery(
            truth=tmp_path / "truth.json",
            features={"negative": tmp_path / "features.tsv"},
            matrices={"negative": tmp_path / "matrices.tsv"},
            normalised=tmp_path / "normalised.tsv",
            state=known,
            **{name: tmp_path / f"{name}.tsv" for name in ("scores", "effects", "links")},
        )
        errors.append(pd.read_csv(tmp_path / "scores.tsv", sep="\t")["error_normalised"][0])
    assert errors[0] > 1 and errors[1] == pytest.approx(0, abs=1e-6)

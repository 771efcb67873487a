"""Evidence: what each source says reaches its feature, strength follows its rules, and noise is not demonstrated."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gutaxis.integrate.evidence import CANDIDATES, COLUMNS, evidence_files
from gutaxis.integrate.evidence_sources import partners, selection
from gutaxis.integrate.evidence_words import sentence
from gutaxis.integrate.literature import entries_for, plain_name, read_literature, summary
from gutaxis.integrate.reliability import reliability_at, reliability_table, write_reliability
from gutaxis.integrate.strength import (
    MODERATE,
    NOT_DEMONSTRATED,
    NOT_TESTED,
    STRONG,
    SUPPORT,
    WEAK,
    StrengthSettings,
    discoveries,
    strengths,
)
from gutaxis.simulate.multilayer import simulate_study
from gutaxis.stats.differential import DifferentialSettings, differential, write_differential
from gutaxis.stats.inputs import read_inputs
from gutaxis.stats.results import refusal_table, write_results

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[2]
LITERATURE, RELIABILITY = ROOT / "resources" / "literature.tsv", ROOT / "resources" / "reliability.tsv"
SIZES = {"taxa": 80, "metabolites": 80, "blood_cells": 30}

# --- literature ---


def test_names_are_compared_without_layout() -> None:
    assert plain_name(name="Akkermansia_muciniphila") == "akkermansia muciniphila"
    assert plain_name(name="indole-3-propionic acid?") == "indole 3 propionic acid"


def test_literature_finds_features_by_name_or_label_in_the_fitting_layer() -> None:
    table = read_literature(path=LITERATURE)
    names = {"POS_0219": ["POS_0219", "inosine?"], "POS_0001": ["POS_0001", "unknown m/z 170.0459 at 153 s"]}
    found = entries_for(literature=table, layer="metabolites", names=names)
    assert set(found) == {"POS_0219"}
    assert summary(entries=found["POS_0219"])["literature_direction"] == "favourable"
    assert "10.1126/science.abc3421" in summary(entries=found["POS_0219"])["literature"]
    assert not entries_for(literature=table, layer="taxa", names=names)
    cells = entries_for(literature=table, layer="blood_cells", names={"cd8_effector_memory": ["cd8_effector_memory"]})
    assert "cd8_effector_memory" in cells


def test_opposite_reports_are_mixed() -> None:
    table = read_literature(path=LITERATURE)
    found = entries_for(literature=table, layer="metabolites", names={"b": ["butyric acid"]})
    assert summary(entries=found["b"])["literature_direction"] == "mixed"
    nothing = summary(entries=table.iloc[:0])
    assert nothing == {"literature_direction": None, "literature": None}


def test_every_entry_cites_or_claims_nothing() -> None:
    table = read_literature(path=LITERATURE)
    uncited = table[table["citation"].isna()]
    assert set(uncited["direction"]) == {"context"}
    assert table["doi"].dropna().str.fullmatch(r"10\.\d{4,}/\S+").all()
    # one publication has one DOI, wherever it is cited
    assert (table.dropna(subset=["doi"]).groupby("citation")["doi"].nunique() == 1).all()


def test_broken_literature_is_refused(tmp_path: Path) -> None:
    text = LITERATURE.read_text(encoding="utf-8")
    (tmp_path / "a.tsv").write_text(text.replace("\tfavourable\t", "\tgood\t"), encoding="utf-8")
    (tmp_path / "b.tsv").write_text(text.replace("\tcitation\t", "\tsource\t"), encoding="utf-8")
    for name, words in (("a.tsv", "good"), ("b.tsv", "columns")):
        with pytest.raises(ValueError, match=words):
            read_literature(path=tmp_path / name)


# --- reliability ---


def test_reliability_is_made_of_the_calibration(tmp_path: Path) -> None:
    write_reliability(calibration=ROOT / "docs" / "calibration" / "results.tsv", table=tmp_path / "r.tsv")
    assert (tmp_path / "r.tsv").read_bytes() == RELIABILITY.read_bytes()
    calibration = pd.read_csv(ROOT / "docs" / "calibration" / "results.tsv", sep="\t")
    table = reliability_table(calibration=calibration)
    own = calibration[
        (calibration["test"] == "moderated_t") & (calibration["contrast"] == "baseline")
        & (calibration["source"] == "simulated") & (calibration["patients"] == 48) & (calibration["changed"] == 0.1)
        & (calibration["effect"] == 1.0) & (calibration["measure"] == "power")
    ]  # fmt: skip
    row = table[(table["method"] == "moderated_t") & (table["contrast"] == "baseline") & (table["patients"] == 48)]
    expected = np.average(own["value"], weights=own["replicates"])
    assert row["power_one_sd"].iloc[0] == pytest.approx(expected)
    assert "permanova" not in set(table["method"])


def test_reliability_takes_the_nearest_size() -> None:
    table = pd.read_csv(RELIABILITY, sep="\t", comment="#")
    for patients, nearest in ((12, 24), (30, 24), (36, 48), (48, 48), (67, 48), (70, 96), (500, 96)):
        found = reliability_at(table=table, method="linda", contrast="baseline", patients=patients)
        assert found["reliability_n"] == nearest
    unknown = reliability_at(table=table, method="guess", contrast="baseline", patients=48)
    assert set(unknown.values()) == {None}
    mixed = reliability_at(table=table, method="linda", contrast="change", patients=48, scheme="mixed")
    either = reliability_at(table=table, method="linda", contrast="change", patients=48)
    assert either["power_one_sd"] <= mixed["power_one_sd"]


# --- strength ---


def _row(**changes: object) -> pd.DataFrame:
    row = {
        "layer": "taxa", "contrast": "baseline", "n": 48, "n_r": 16, "n_nr": 32, "p": 1e-6, "q": 1e-3,
        "role": "primary", "agreement": 1.0, "discovery": True, "discovery_strict": True, "coverage": 0.95,
        "fdp": 0.04, "met": "Y", **dict.fromkeys(SUPPORT, True),
    }  # fmt: skip
    return pd.DataFrame([row | changes])


@pytest.mark.parametrize(
    ("changes", "expected", "told"),
    [
        ({}, STRONG, None),
        ({"role": "secondary"}, MODERATE, "not a primary contrast"),
        ({"discovery_strict": False}, WEAK, "no discovery at 0.05"),
        ({"n": 39}, MODERATE, "fewer than 40 patients"),
        ({"n_r": 9}, MODERATE, "fewer than 10 of a group"),
        ({"agreement": 0.7}, MODERATE, "less than 0.75"),
        (dict.fromkeys(list(SUPPORT)[1:], False), MODERATE, "fewer than 2 kinds of support"),
        ({"n": 23}, WEAK, "fewer than 24 patients"),
        ({"n_nr": 5}, WEAK, "fewer than 6 of a group"),
        ({"contrast": "change", "n_r": 1}, STRONG, None),
        ({"agreement": 0.4}, WEAK, "do not agree"),
        ({"agreement": None}, WEAK, "do not agree"),
        ({"coverage": None, "fdp": None, "met": None}, WEAK, "calibration"),
        ({"fdp": 0.2}, WEAK, "calibration"),
        ({"met": "N"}, WEAK, "calibration"),
        ({"role": "exploratory"}, WEAK, "an exploratory contrast"),
        ({"discovery": False, "q": 0.04}, NOT_DEMONSTRATED, "too little over all tables"),
        ({"discovery": False, "q": 0.5, "p": 0.2}, NOT_DEMONSTRATED, "q 0.5 in its table"),
        ({"p": None, "q": None, "discovery": False}, NOT_TESTED, None),
    ],
)
def test_strength_follows_its_rules(changes: dict[str, object], expected: str, told: str | None) -> None:
    found = strengths(table=_row(**changes), settings=StrengthSettings()).iloc[0]
    assert found["strength"] == expected
    assert (found["why"] is None) == (told is None)
    assert told is None or told in found["why"]


def test_one_good_p_among_many_tables_is_no_discovery() -> None:
    rng = np.random.default_rng(3)
    tables = [
        pd.DataFrame({"layer": f"layer{at}", "contrast": "baseline", "p": rng.uniform(0.01, 1, 100), "role": "primary"})
        for at in range(20)
    ]  # fmt: skip
    table = pd.concat(tables, ignore_index=True)
    # q .08 alone in its table: with 20 tables this is what chance gives
    table.loc[5, "p"] = 0.0008
    assert not discoveries(table=table, fdr=0.1).any()
    alone = discoveries(table=table.iloc[:100], fdr=0.1)
    assert list(np.flatnonzero(alone)) == [5]
    table.loc[5, "p"] = 1e-7
    assert list(np.flatnonzero(discoveries(table=table, fdr=0.1))) == [5]


# --- sources ---


def _associations() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "layer_a": "taxa", "feature_a": ["s1", "s1", "s1", "s1", "s2"], "label_a": ["S1"] * 4 + ["S2"],
            "layer_b": "metabolites", "feature_b": ["m1", "m2", "m3", "m4", "m1"],
            "label_b": ["M1", "M2", "M3", "M4", "M1"], "rho": [0.5, -0.9, 0.6, 0.7, 0.2],
            "q": [0.01, 0.02, 0.03, 0.04, 0.5], "q_study": [0.01, 0.02, 0.03, 0.04, 0.9],
        }
    )  # fmt: skip


def test_partners_stand_on_both_sides_and_only_if_they_stand_out() -> None:
    both = partners(table=_associations(), fdr=0.1)
    assert list(both.loc[both["feature"] == "s1", "other"]) == ["m1", "m2", "m3", "m4"]
    assert list(both.loc[both["feature"] == "m1", "other"]) == ["s1"]
    assert "s2" not in set(both["feature"])


def test_only_models_beyond_chance_support() -> None:
    importance = pd.DataFrame(
        {"model": ["a", "b"], "layers": "taxa", "outcome": "response", "layer": "taxa", "feature": "s1",
         "frequency": [0.9, 0.7]}
    )  # fmt: skip
    performance = pd.DataFrame(
        {"model": ["a", "b"], "layers": "taxa", "outcome": "response", "scheme": "nested_cv", "p_null": [0.4, 0.01]}
    )
    found = selection(importance=importance, performance=performance, outcome="response").iloc[0]
    assert found["selection_frequency"] == 0.9
    assert found["selection_model"] == "a of taxa"
    assert found["support_frequency"] == 0.7
    unknown = selection(importance=importance, performance=None, outcome="response").iloc[0]
    assert unknown["support_frequency"] == 0.0


# --- the whole ---


def _write(table: pd.DataFrame, path: Path) -> Path:
    table.to_csv(path, sep="\t", index=False, na_rep="NA")
    return path


def _differential(folder: Path, *, n: int = 48) -> list[Path]:
    """Write tables in which two features of two layers are far beyond the others."""
    rng = np.random.default_rng(1)
    paths = []
    for layer, hit in (("taxa", "Akkermansia_muciniphila"), ("metabolites", "L-kynurenine")):
        for contrast, role in (("baseline", "primary"), ("change", "secondary"), ("survival", "secondary")):
            features = [hit, *(f"{layer}_{at}" for at in range(40))]
            p = rng.uniform(0.05, 1, 41)
            estimate = rng.normal(0, 0.3, 41)
            if contrast != "change":
                p[0], estimate[0] = 1e-7, 2.0 if (layer == "taxa") == (contrast == "baseline") else -2.0
            p[40] = np.nan
            table = pd.DataFrame(
                {
                    "layer": layer, "contrast": contrast, "feature": features, "label": features, "n": n,
                    "n_r": n // 3, "n_nr": n - n // 3, "estimate": estimate, "se": 0.3, "ci_low": estimate - 0.6,
                    "ci_high": estimate + 0.6, "statistic": estimate / 0.3, "df": n - 5, "p": p, "q": p * 41,
                    "method": "cox" if contrast == "survival" else {"taxa": "linda"}.get(layer, "moderated_t"),
                    "role": role, "agreement": 1.0, "reason": None,
                }
            )  # fmt: skip
            path = folder / f"{layer}.{contrast}.tsv"
            text = f"{layer}, {contrast}\nmethod linda, scheme between ({n} units)"
            write_results(table=table.assign(q=np.minimum(table["q"], 1)), path=path, unit="log2", comment=text)
            paths.append(path)
    refused = folder / "cells.baseline.tsv"
    write_results(
        table=refusal_table(layer="cells", contrast="baseline", role="primary", reason="one class"), path=refused,
        unit="log2",
    )  # fmt: skip
    return [*paths, refused]


def _evidence(folder: Path, paths: list[Path], **more: object) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    given = {
        "associations": {}, "importance": {}, "performance": {}, "modules": None, "module_tests": None,
        "chains": None, "settings": {"other": 1}, **more,
    }  # fmt: skip
    table, ranked = folder / "evidence.tsv", folder / "candidates.tsv"
    evidence_files(
        differential=paths, literature=LITERATURE, reliability=RELIABILITY, table=table, ranked=ranked, **given
    )
    return (*(pd.read_csv(path, sep="\t", comment="#") for path in (table, ranked)), table.read_text())


def test_every_source_reaches_its_feature(tmp_path: Path) -> None:
    bug, acid = "Akkermansia_muciniphila", "L-kynurenine"
    links = _associations().head(1).assign(feature_a=bug, label_a=bug, feature_b=acid, label_b=acid)
    importance = pd.DataFrame(
        {"model": ["net"], "layers": "taxa", "outcome": "response", "layer": "taxa", "feature": bug, "label": bug,
         "frequency": 0.8, "weight": 1.0}
    )  # fmt: skip
    performance = pd.DataFrame(
        {"model": ["net"], "layers": "taxa", "outcome": "response", "scheme": "nested_cv", "p_null": 0.01}
    )
    modules = pd.DataFrame(
        {"state": ["baseline"], "module": "module_1", "layer": "taxa", "feature": bug, "frequency": 0.9}
    )
    tests = pd.DataFrame({"state": ["baseline"], "module": "module_1", "p": 0.005, "q": 0.005})
    chains = pd.DataFrame(
        {"state": ["baseline"], "outcome": "subset", "x_layer": "taxa", "x": bug, "x_label": bug,
         "m_layer": "metabolites", "m": acid, "m_label": acid, "y_layer": "blood_cells", "y": "CD8", "y_label": "CD8",
         "rank": 2, "q": 0.4}
    )  # fmt: skip
    written = {
        name: _write(table, tmp_path / f"{name}.tsv")
        for name, table in {"links": links, "importance": importance, "performance": performance,
                            "modules": modules, "tests": tests, "chains": chains}.items()
    }  # fmt: skip
    table, ranked, text = _evidence(
        tmp_path, _differential(tmp_path), associations={"baseline": written["links"]},
        importance={"baseline": written["importance"]}, performance={"baseline": written["performance"]},
        modules=written["modules"], module_tests=written["tests"], chains=written["chains"],
    )  # fmt: skip
    assert list(table.columns) == COLUMNS
    assert len(table) == 2 * 3 * 41
    assert not table.duplicated(["layer", "contrast", "feature"]).any()
    row = table[(table["feature"] == bug) & (table["contrast"] == "baseline")].iloc[0]
    assert row["strength"] == STRONG
    assert row["supports"] == 5
    assert row["partners"] == "metabolites: L-kynurenine (rho 0.50, q 0.01)"
    assert row["selection_frequency"] == 0.8
    assert row["module"] == "module_1"
    assert row["chain_rank"] == 2
    assert row["literature_agrees"] == "Y"
    assert row["reliability_n"] == 48
    # the chain is of the baseline: a row of the change has none
    assert table.loc[table["contrast"] == "change", ["chain", "partners", "module"]].isna().all().all()
    # a higher hazard is the other direction
    late = table[(table["feature"] == bug) & (table["contrast"] == "survival")].iloc[0]
    assert late["estimate"] < 0
    assert late["literature_agrees"] == "Y"
    assert (table.loc[table["p"].isna(), "strength"] == NOT_TESTED).all()
    assert list(ranked.columns) == CANDIDATES
    assert list(ranked["feature"].head(2)) == [bug, acid]
    assert ranked["words"].iloc[0].startswith("Strong within this study. Higher in responders before the dose: 2 (95%")
    assert not ranked.duplicated(["layer", "feature"]).any()
    assert (ranked.loc[2:, "strength"] == NOT_DEMONSTRATED).all()
    assert ranked.loc[2:, "words"].str.startswith("Not demonstrated. The estimate points to").all()
    assert "caus" not in (text + (tmp_path / "candidates.tsv").read_text()).lower()


def test_without_other_analyses_evidence_is_what_the_tests_give(tmp_path: Path) -> None:
    table, _, text = _evidence(tmp_path, _differential(tmp_path))
    found = table[table["discovery"]]
    assert set(found["strength"]) == {STRONG, MODERATE}
    # publications, and the same direction in another contrast, are known without them
    assert set(found["supports"]) == {2}
    assert text.startswith("# 4 rows are demonstrated")
    small, _, _ = _evidence(tmp_path, _differential(tmp_path, n=20))
    assert set(small.loc[small["discovery"], "strength"]) == {WEAK}


def test_only_refusals_give_an_empty_table_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cells.baseline.tsv"
    table = refusal_table(layer="cells", contrast="baseline", role="primary", reason="one class")
    write_results(table=table, path=path, unit="log2")
    found, ranked, text = _evidence(tmp_path, [path])
    assert found.empty
    assert list(found.columns) == COLUMNS
    assert ranked.empty
    assert "no feature is demonstrated" in text


def test_files_do_not_depend_on_the_order_of_their_inputs(tmp_path: Path) -> None:
    paths = _differential(tmp_path)
    _evidence(tmp_path, paths)
    first = [(tmp_path / name).read_bytes() for name in ("evidence.tsv", "candidates.tsv")]
    _evidence(tmp_path, paths[::-1])
    assert first == [(tmp_path / name).read_bytes() for name in ("evidence.tsv", "candidates.tsv")]


def _analysed(folder: Path, *, profile: str, seed: int) -> list[Path]:
    """Return the tables of the primary contrasts of a simulated study."""
    folder.mkdir()
    written = simulate_study(seed=seed, profile=profile, sizes=SIZES).write(folder)
    paths = []
    for layer, source in written["layers"].items():
        adata, outcomes = read_inputs(layer=source, outcomes=written["outcomes"])
        for contrast in ("baseline", "change"):
            result = differential(
                adata=adata, outcomes=outcomes, contrast=contrast, role="primary", covariates=("antibiotics", "cohort"),
                settings=DifferentialSettings(), seed=1,
            )  # fmt: skip
            path = folder / f"{layer}.{contrast}.tsv"
            write_differential(
                result=result, table=path, sensitivity=folder / "sensitivity.tsv", dropped=folder / "dropped.tsv"
            )
            paths.append(path)
    return paths


def test_realistic_effects_are_not_demonstrated_and_detectable_ones_are(tmp_path: Path) -> None:
    shown = {}
    for profile in ("realistic", "detectable"):
        paths = _analysed(tmp_path / profile, profile=profile, seed=2)
        table, ranked, text = _evidence(tmp_path / profile, paths)
        shown[profile] = table[table["discovery"]]
        if profile == "realistic":
            assert "no feature is demonstrated" in text
            assert set(ranked["strength"]) == {NOT_DEMONSTRATED}
    study = simulate_study(seed=2, sizes=SIZES)
    planted = set(study.responders["feature"]) | set(study.changes["feature"])
    found = shown["detectable"]
    assert len(found) >= 5
    assert found["feature"].isin(planted).mean() > 0.7


def test_words_say_what_the_row_says() -> None:
    row = {
        "contrast": "survival", "strength": WEAK, "estimate": 0.8, "ci_low": 0.2, "ci_high": 1.4, "q": 0.03, "n": 20,
        "agreement": None, "why": "fewer than 24 patients", "literature_agrees": "N", "power_one_sd": 0.2,
        "reliability_n": 24, **dict.fromkeys(SUPPORT, False),
    }  # fmt: skip
    text = sentence(row=row)
    assert text.startswith("Weak. Goes with earlier progression: 0.8 (95% CI 0.2 to 1.4, q 0.03, 20 patients)")
    assert "publications report the other direction" in text
    assert "no stronger word because: fewer than 24 patients" in text
    assert "20% of effects of one SD" in text

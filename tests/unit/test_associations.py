"""Associations between layers from files: what is planted is found, nothing else, and bad input shrinks or refuses."""

import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gutaxis.integrate.association_calibration import COUNTED, calibrate_associations
from gutaxis.integrate.association_ranks import adjustment, residual_ranks
from gutaxis.integrate.association_rows import COLUMNS
from gutaxis.integrate.association_tests import pair_tests
from gutaxis.integrate.associations import AssociationSettings, associations, associations_files
from gutaxis.integrate.blocks import read_blocks
from gutaxis.integrate.network import read_associations
from gutaxis.layers.build import build_layer, write_layer
from gutaxis.simulate.multilayer import simulate_study

pytestmark = pytest.mark.unit
SIZES = {"taxa": 60, "metabolites": 80, "blood_cells": 30, "blood_programs": 30}
QUICK = {"permutations": 199}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    made = simulate_study(n=48, seed=11, sizes=SIZES, profile="detectable")
    return made, made.write(tmp_path_factory.mktemp("study"))


def analysed(paths, folder, state="baseline", **settings):
    targets = {name: folder / f"{name}.tsv" for name in ("table", "clusters")}
    associations_files(
        **paths, state=state, covariates=["antibiotics"], settings={**QUICK, **settings}, seed=1, **targets
    )
    return targets


def comments(path):
    return [line[2:].strip() for line in path.read_text().splitlines() if line.startswith("# ")]


@pytest.fixture(scope="module")
def baseline(study, tmp_path_factory):
    return analysed(study[1], tmp_path_factory.mktemp("made"))


def found_pairs(table, pairs):
    keys = {
        tuple(sorted([(row.layer_a, row.feature_a), (row.layer_b, row.feature_b)])): row for row in table.itertuples()
    }
    return [
        keys.get(tuple(sorted([(row.layer_a, row.feature_a), (row.layer_b, row.feature_b)])))
        for row in pairs.itertuples()
    ]


def test_planted_pairs_are_found(study, baseline):
    table = read_associations(path=baseline["table"])
    assert table.columns.tolist() == COLUMNS
    strong = study[0].pairs[study[0].pairs["rho"].abs() > 0.8]
    rows = found_pairs(table, strong)
    assert len(rows) == 10
    assert all(row is not None and row.q < 0.1 and row.q_study < 0.1 for row in rows)
    assert [np.sign(row.rho) for row in rows] == np.sign(strong["rho"]).tolist()
    assert all(row.ci_low < row.rho < row.ci_high and row.q_max_t < 0.1 and row.p_pair <= 0.01 for row in rows)
    assert all(row.q_cluster_study < 0.1 for row in rows)


def test_hardly_anything_else_is(study, baseline):
    table = read_associations(path=baseline["table"])
    planted = {frozenset([row.feature_a, row.feature_b]) for row in study[0].pairs.itertuples()}
    hits = [frozenset([row.feature_a, row.feature_b]) for row in table[table["q_study"] < 0.1].itertuples()]
    # a neighbour of a planted chain is linked to its far end
    ends = set().union(*planted)
    assert sum(not hit <= ends for hit in hits) <= 2


def test_changes_are_compared_too(study, tmp_path):
    targets = analysed(study[1], tmp_path, state="change")
    table = read_associations(path=targets["table"])
    strong = study[0].pairs[study[0].pairs["rho"].abs() > 0.8]
    rows = [row for row in found_pairs(table, strong) if row is not None and row.q < 0.1]
    assert len(rows) >= 5
    assert table["n"].max() < 48
    assert "state: change" in comments(targets["table"])[0]


def test_the_header_says_what_was_compared(baseline):
    text = "\n".join(comments(baseline["table"]))
    for part in ("Exploratory", "seed 1", "199 permutations", "adjusted for cohort, antibiotics, batch",
                 "pairs tested", "at p < 0.05", "metabolites x taxa: ", "pairs written"):  # fmt: skip
        assert part in text
    table = read_associations(path=baseline["table"])
    written = table.groupby(["layer_a", "layer_b"]).size()
    assert len(written) == 6
    assert written.max() <= 2000 + 50
    assert f"{written.loc[('metabolites', 'taxa')]} pairs written" in text
    clusters = read_associations(path=baseline["clusters"])
    keys = {(row.layer_a, row.cluster_a) for row in table.itertuples()}
    assert keys <= set(zip(clusters["layer"], clusters["cluster"], strict=True))


def test_two_runs_write_the_same_bytes(study, baseline, tmp_path):
    again = analysed(study[1], tmp_path)
    for name, path in baseline.items():
        assert again[name].read_bytes() == path.read_bytes()


def test_a_new_layer_changes_no_q_within_a_pair_of_layers(study, baseline, tmp_path):
    two = {name: study[1]["layers"][name] for name in ("taxa", "metabolites")}
    fewer = read_associations(path=analysed({**study[1], "layers": two}, tmp_path)["table"])
    all_layers = read_associations(path=baseline["table"]).query("layer_a == 'metabolites' and layer_b == 'taxa'")
    same = [name for name in COLUMNS if "study" not in name]
    pd.testing.assert_frame_equal(fewer[same], all_layers[same].reset_index(drop=True))


def test_few_rows_still_hold_every_finding(study, baseline, tmp_path):
    full = read_associations(path=baseline["table"])
    short = read_associations(path=analysed(study[1], tmp_path, rows=3)["table"])
    for name in ("q", "q_cluster"):
        keys = ["feature_a", "feature_b"] if name == "q" else ["layer_a", "cluster_a", "layer_b", "cluster_b"]
        expected, found = (set(map(tuple, table.loc[table[name] < 0.1, keys].to_numpy())) for table in (full, short))
        assert found == expected
    assert len(short) < len(full)


def test_a_layer_too_large_keeps_its_most_variable_features(study, tmp_path):
    targets = analysed(study[1], tmp_path, max_pairs=30 * 40)
    text = "\n".join(comments(targets["table"]))
    assert "metabolites: the 34 most variable of 80 features; more would make above 1200 pairs" in text
    assert "taxa: the 34 most variable" in text
    clusters = read_associations(path=targets["clusters"])
    assert clusters.groupby("layer").size().to_dict() == {
        "blood_cells": 30, "blood_programs": 30, "metabolites": 34, "taxa": 34,
    }  # fmt: skip
    blocks = read_blocks(**study[1], state="baseline", covariates=["antibiotics"], min_patients=8)
    spread = blocks.blocks["taxa"].values.std()
    kept = set(clusters.loc[clusters["layer"] == "taxa", "feature"])
    assert spread[sorted(kept)].min() >= spread.drop(index=sorted(kept)).max()


def small_layer(name, patients, folder, seed, features=5):
    rng = np.random.default_rng(seed)
    names = [f"P{i:02d}" for i in patients]
    obs = pd.DataFrame(
        {"patient_id": names, "timepoint": "PRE", "batch": "B1", "cohort": ["LUNG", "OTHER"] * (len(names) // 2)},
        index=[f"{patient}_{name}" for patient in names],
    )
    values = pd.DataFrame(rng.normal(size=(len(names), features)), index=obs.index,
                          columns=[f"{name} #{i}" for i in range(features)])  # fmt: skip
    made = build_layer(values=values, observations=obs, name=name, arm="table", kind="continuous", unit="score")
    write_layer(adata=made, path=folder / f"{name}.h5ad")
    return folder / f"{name}.h5ad", obs


def outcomes(folder, *tables):
    made = pd.concat(tables)[["patient_id"]].rename_axis("sample_id").assign(response=np.nan, after_pd="N")
    made.to_csv(folder / "outcomes.tsv", sep="\t", na_rep="NA")
    return folder / "outcomes.tsv"


def test_a_layer_absent_for_half_of_the_patients_is_compared_on_the_others(tmp_path):
    first, obs_a = small_layer("a", range(40), tmp_path, 1)
    second, obs_b = small_layer("b", range(20), tmp_path, 2)
    third, obs_c = small_layer("c", range(16, 40), tmp_path, 3)
    paths = {"layers": {"a": first, "b": second, "c": third}, "outcomes": outcomes(tmp_path, obs_a, obs_b, obs_c)}
    targets = analysed(paths, tmp_path)
    text = "\n".join(comments(targets["table"]))
    assert "a x b: 20 patients (20 of either layer not in both" in text
    assert "b x c: not tested, 4 shared patients, at least 8 are needed" in text
    table = read_associations(path=targets["table"])
    assert set(zip(table["layer_a"], table["layer_b"], strict=True)) == {("a", "b"), ("a", "c")}
    assert table["feature_a"].str.contains(" #").all()


def test_too_few_patients_give_an_empty_table_that_says_why(tmp_path):
    first, obs_a = small_layer("a", range(10), tmp_path, 1)
    second, obs_b = small_layer("b", range(6), tmp_path, 2)
    paths = {"layers": {"a": first, "b": second}, "outcomes": outcomes(tmp_path, obs_a, obs_b)}
    targets = analysed(paths, tmp_path)
    text = comments(targets["table"])
    assert "no result: no pair of layers could be tested" in text
    assert "b: left out, 6 patients with a baseline row; at least 8" in text
    table = read_associations(path=targets["table"])
    assert table.empty
    assert table.columns.tolist() == COLUMNS


def test_patients_each_of_a_cohort_of_their_own_are_refused(tmp_path):
    first, obs = small_layer("a", range(10), tmp_path, 1)
    second, _ = small_layer("b", range(10), tmp_path, 2)
    blocks = read_blocks(layers={"a": first, "b": second}, outcomes=outcomes(tmp_path, obs), state="baseline")
    blocks.patients["cohort"] = [f"C{i}" for i in range(10)]
    made = associations(blocks=blocks, covariates=[], settings=AssociationSettings(), seed=1)
    assert made.table.empty
    assert any("degrees of freedom" in note for note in made.notes)


def test_only_the_pairs_of_layers_asked_for(study, tmp_path):
    targets = analysed(study[1], tmp_path, layer_pairs=[["taxa", "blood_cells"]])
    table = read_associations(path=targets["table"])
    assert set(zip(table["layer_a"], table["layer_b"], strict=True)) == {("blood_cells", "taxa")}


def test_declared_pairs_are_a_family_of_their_own(study, baseline, tmp_path):
    pair = study[0].pairs.iloc[0]
    sides = {pair.layer_a: [pair.feature_a], pair.layer_b: [pair.feature_b]}
    one, other = sorted(sides)
    table = read_associations(path=baseline["table"])
    assert table["q_declared"].isna().all(), "nothing was declared"
    others = table[(table["layer_a"] == one) & (table["layer_b"] == other)]
    sides[one] += others["feature_a"].drop_duplicates().iloc[-3:].tolist()
    made = analysed(study[1], tmp_path, rows=1, declared={**sides, "elsewhere": ["x"]})
    found = read_associations(path=made["table"])
    declared = found[found["q_declared"].notna()]
    wanted = {(a, b) for a in sides[one] for b in sides[other]}
    assert set(zip(declared["feature_a"], declared["feature_b"], strict=True)) == wanted, "all are written, no other"
    expected = stats.false_discovery_control(declared["p_pair"], method="bh")
    np.testing.assert_allclose(declared["q_declared"], expected)
    keys = ["layer_a", "feature_a", "layer_b", "feature_b"]
    shared = found.merge(table[keys])
    equal = found.drop(columns="q_declared").merge(table.drop(columns="q_declared"), how="inner")
    assert len(equal) == len(shared) > 6, "no other number moves"
    assert any("declared pairs, 1 at q_declared" in line for line in comments(made["table"]))


def test_null_studies_keep_the_level():
    """24 studies of six pairs of layers; a hundred larger ones take minutes."""
    sizes = {"taxa": 40, "metabolites": 50, "blood_cells": 25, "blood_programs": 25}
    # two features a layer: with 99 permutations no longer family could have a q below .05
    declared = {layer: ["*_021", "*_023"] for layer in sizes}
    made = calibrate_associations(cohorts=24, seed=1, sizes=sizes, settings={"permutations": 99, "declared": declared})
    assert made.columns.tolist() == ["study", *COUNTED]
    rates = made.mean()
    assert rates["p_below"] == pytest.approx(0.05, abs=0.005)
    # three of 24 is the 97th percentile of a true rate of 5 %
    assert rates["any_q_study"] <= 3 / 24
    assert rates["any_q_cluster_study"] <= 3 / 24
    assert rates["any_q"] <= 0.09
    assert rates["any_q_max_t"] <= 0.09
    assert 0 < rates["any_q_declared"] <= 0.09


def test_half_a_million_pairs_take_seconds():
    """The demand is 30 s for 999 permutations on a free machine; a tenth of them takes half a second there.

    Six times that is allowed: other jobs share the cores of a test machine, and its caches.
    """
    rng = np.random.default_rng(1)
    people = pd.DataFrame({"cohort": np.arange(48) % 3, "antibiotics": rng.random(48) < 0.2})
    adjusted = adjustment(people=people, covariates=["antibiotics"])
    a, b = (residual_ranks(values=rng.normal(size=(48, m)), columns=adjusted.columns) for m in (500, 1000))
    start = time.thread_time()
    made = pair_tests(a=a, b=b, adjusted=adjusted, permutations=99, seed=1)
    assert time.thread_time() - start < 3.0
    assert made.tested == 500_000

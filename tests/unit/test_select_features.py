"""Detection filter, panel, groups of ions: what is kept is kept for a reason that is told."""

import numpy as np
import pandas as pd
import pytest

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.adducts import correlation, group_adducts
from gutaxis.metabolome.detection import detected_often, detection_shares, filter_features, panel_matches
from gutaxis.metabolome.masses import ion_mz, parse_adduct
from gutaxis.metabolome.presets import PRESETS
from gutaxis.metabolome.selection import choose_features, select_features

pytestmark = pytest.mark.unit
ORBITRAP = PRESETS["orbitrap"]
SAMPLES = {
    **{f"pre{n}": "PRE" for n in range(6)},
    **{f"post{n}": "POST" for n in range(4)},
    **{f"qc{n}": "POOL_QC" for n in range(3)},
    **{f"blank{n}": "BLANK" for n in range(2)},
    "mock": "MOCK",
    "single": "OTHER",
}
GROUPS = pd.Series(SAMPLES)


def cells(**seen):
    """One feature per keyword: how many files of each group show it."""
    table = pd.DataFrame(np.nan, index=list(seen), columns=list(SAMPLES))
    for name, counts in seen.items():
        for group, count in counts.items():
            table.loc[name, GROUPS.index[group == GROUPS][:count]] = 1e5
    return table


@pytest.mark.parametrize(
    ("counts", "share", "kept"),
    [
        ({"PRE": 3}, 0.5, True),
        ({"PRE": 2}, 0.5, False),
        ({"POST": 2}, 0.5, True),
        ({"PRE": 2, "POST": 1, "POOL_QC": 1}, 0.5, False),
        ({"POOL_QC": 2}, 0.5, True),
        ({"POOL_QC": 1}, 0.5, False),
        ({"BLANK": 2, "MOCK": 1}, 0.5, False),
        ({"OTHER": 1}, 0.5, False),
        ({"PRE": 5}, 0.8, True),
        ({"PRE": 4}, 0.8, False),
        ({"PRE": 2}, 0.0, True),
        ({"PRE": 1}, 0.0, False),
    ],
)
def test_share_is_reached_in_one_group(counts, share, kept):
    assert detected_often(areas=cells(x=counts), groups=GROUPS, min_share=share)["x"] == kept


def test_share_of_ten_percent_of_thirty_is_three():
    groups = pd.Series("PRE", index=[f"s{n}" for n in range(30)])
    areas = pd.DataFrame(np.nan, index=["x"], columns=groups.index)
    areas.iloc[0, :3] = 1.0
    assert detected_often(areas=areas, groups=groups, min_share=0.1)["x"]  # 0.1 x 30 = 3.0000000000000004


def test_study_of_one_file_keeps_what_it_has():
    areas = pd.DataFrame({"only": [1.0, np.nan]}, index=["x", "y"])
    kept = detected_often(areas=areas, groups=pd.Series({"only": "PRE"}), min_share=0.5)
    assert kept.to_dict() == {"x": True, "y": False}


def test_study_of_single_files_keeps_what_it_has():
    areas = pd.DataFrame({"a": [1.0, np.nan], "b": [np.nan, np.nan], "c": [np.nan, 1.0]}, index=["x", "y"])
    groups = pd.Series({"a": "PRE", "b": "POST", "c": "BLANK"})
    assert detected_often(areas=areas, groups=groups, min_share=0.5).to_dict() == {"x": True, "y": False}


def test_shares_leave_blanks_out():
    shares = detection_shares(areas=cells(x={"PRE": 3, "BLANK": 2, "POOL_QC": 3}), groups=GROUPS)
    assert shares.loc["x"].to_dict() == {"OTHER": 0, "POOL_QC": 1, "POST": 0, "PRE": 0.5}


def test_samples_without_a_group_are_a_group():
    groups = GROUPS.where(GROUPS != "PRE")
    assert detected_often(areas=cells(x={"PRE": 3}), groups=groups, min_share=0.5)["x"]


TARGETS = pd.DataFrame({"name": ["b", "a", "c"], "mz": [200.0, 200.0005, 300.0]})


@pytest.mark.parametrize(
    ("mz", "names"),
    [(200.0, "a;b"), (200.0 + 9e-4, "a;b"), (200.0015, "a"), (200.0 - 9e-4, "b"), (200.01, None), (300.0, "c")],
)
def test_panel_lists_every_compound_within_reach(mz, names):
    found = panel_matches(features=pd.DataFrame({"mz": [mz]}, index=["x"]), targets=TARGETS, ppm=5.0)["x"]
    assert (found == names) if names else np.isnan(found)


def test_panel_without_a_column_is_named():
    with pytest.raises(GutaxisError, match=r"M12 .*no column mz"):
        panel_matches(features=pd.DataFrame({"mz": [1.0]}), targets=pd.DataFrame({"name": ["a"]}), ppm=5.0)


def test_panel_compounds_are_kept_once_seen_and_the_reason_is_told():
    areas = cells(often={"PRE": 6}, rare={"POST": 1}, dropped={"POST": 1}, ghost={"BLANK": 2}, both={"PRE": 6})
    features = pd.DataFrame({"mz": [100.0, 300.0, 400.0, 300.0, 200.0]}, index=areas.index)
    judged = filter_features(features=features, areas=areas, groups=GROUPS, min_share=0.5, targets=TARGETS, ppm=5.0)
    assert judged["kept_by"].fillna("no").to_dict() == {
        "often": "detection", "rare": "panel", "dropped": "no", "ghost": "no", "both": "detection",
    }  # fmt: skip
    assert judged.at["both", "panel"] == "a;b"
    assert judged.at["rare", "share_POST"] == 0.25


MOLECULES = {"C11H12N2O2": 100.0, "C6H12O6": 60.0, "C24H40O5": 300.0}


def ions(mode, *, samples=20, ppm=1.0, seed=1):
    """Features of three molecules, each with all ions of the mode, which rise and fall together."""
    names = {
        "positive": ["[M+H]+", "[M+Na]+", "[M+NH4]+", "[M+K]+", "[M+H-H2O]+"],
        "negative": ["[M-H]-", "[M+Cl]-", "[M+HCOO]-", "[M-H-H2O]-"],
    }[mode]
    rng = np.random.default_rng(seed)
    rows, areas = [], []
    for formula, rt in MOLECULES.items():
        level = rng.normal(0, 1, samples)
        for place, name in enumerate(names):
            mz = ion_mz(formula=formula, adduct=parse_adduct(name=name)) * (1 + rng.normal(0, ppm) * 1e-6)
            rows.append((mz, rt + rng.normal(0, 0.2), place % 2, 1e6 / (place + 1), formula, name))
            areas.append(1e6 / (place + 1) * 2 ** (level + rng.normal(0, 0.1, samples)))
    features = pd.DataFrame(rows, columns=["mz", "rt", "charge", "height", "formula", "ion"])
    order = features.sort_values("mz").index
    index = [f"F{n:02d}" for n in range(len(order))]
    values = pd.DataFrame(np.array(areas)[order], index=index, columns=[f"s{n}" for n in range(samples)])
    return features.loc[order].set_axis(index), values


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_ions_of_a_molecule_are_one_group_with_the_right_names(mode):
    features, areas = ions(mode)
    made = group_adducts(features=features, areas=areas, mode=mode, preset=ORBITRAP)
    assert made["adduct"].to_list() == features["ion"].to_list()
    assert made["group"].nunique() == len(MOLECULES)
    assert (features["formula"].groupby(made["group"]).nunique() == 1).all()
    masses = {"C11H12N2O2": 204.089878, "C6H12O6": 180.063388, "C24H40O5": 408.287574}
    for name, row in made.iterrows():
        assert row["neutral_mass"] == pytest.approx(masses[features.at[name, "formula"]], rel=4e-6)
    assert list(made.loc[~made.duplicated("group"), "group"]) == sorted(set(made["group"]))


def test_compounds_that_only_look_like_ions_leave_the_group():
    features, areas = ions("positive")
    stranger = features.index[(features["formula"] == "C6H12O6") & (features["ion"] == "[M+Na]+")][0]
    areas.loc[stranger] = 2.0 ** np.random.default_rng(9).normal(18, 1, areas.shape[1])
    made = group_adducts(features=features, areas=areas, mode="positive", preset=ORBITRAP)
    assert pd.isna(made.at[stranger, "adduct"])
    assert (made["group"] == made.at[stranger, "group"]).sum() == 1
    assert made["adduct"].notna().sum() == len(features) - 1


def test_few_samples_do_not_break_groups_up():
    features, areas = ions("positive", samples=4)
    areas.iloc[:, :] = np.random.default_rng(3).lognormal(13, 1, areas.shape)
    made = group_adducts(features=features, areas=areas, mode="positive", preset=ORBITRAP)
    assert made["adduct"].notna().all()
    assert made["adduct_r"].isna().all()


def test_ions_apart_in_time_are_not_grouped():
    features, areas = ions("positive")
    features["rt"] = np.arange(len(features)) * 20.0
    made = group_adducts(features=features, areas=areas, mode="positive", preset=ORBITRAP)
    assert made["adduct"].isna().all()
    assert made["group"].is_unique


@pytest.mark.parametrize("rows", [0, 1])
def test_no_or_one_feature(rows):
    features, areas = ions("negative")
    made = group_adducts(features=features[:rows], areas=areas[:rows], mode="negative", preset=ORBITRAP)
    assert made["group"].to_list() == ["NEG_G0001"][:rows]


def test_correlation_is_pearson_of_logs():
    x, y = pd.Series([1.0, 2, 4, 8, np.nan, 3]), pd.Series([2.0, 4, 9, 15, 7, np.nan])
    assert correlation(first=x, second=y) == (pytest.approx(np.corrcoef(np.log(x[:4]), np.log(y[:4]))[0, 1]), 4)
    assert correlation(first=x, second=x * 0 + 1) == (0.0, 5)


def test_blanks_have_no_say_in_the_grouping_of_ions():
    features, areas = ions("positive", samples=9)
    strange = np.random.default_rng(2).lognormal(13, 4, (len(areas), 9))
    blanks = pd.DataFrame(strange, areas.index, [f"b{n}" for n in range(9)])
    everything = areas.join(blanks)
    control = pd.Series({name: "BLANK" if name.startswith("b") else "N" for name in everything})
    kept, _ = choose_features(
        features=features.drop(columns=["formula", "ion"]).assign(width_s=5.0),
        areas=everything,
        injections=pd.DataFrame({"control": control, "group": control}),
        mode="positive",
        panel=[],
        preset=ORBITRAP,
        min_share=0.5,
    )
    assert kept["adduct"].to_list() == features["ion"].to_list()


def test_rule_writes_what_is_kept_and_all_decisions(tmp_path):
    areas = cells(POS_0001={"PRE": 6}, POS_0002={"POST": 1}, POS_0003={"POST": 1})
    tryptophan = ion_mz(formula="C11H12N2O2", adduct=parse_adduct(name="[M+H]+"))
    features = pd.DataFrame(
        {"mz": [150.0, tryptophan, 250.0], "rt": [10.0, 20, 30], "charge": [1, 1, 0], "width_s": 5.0, "isotopes": 1,
         "height": 1e5, "detected": [6, 1, 1]}, index=pd.Index(areas.index, name="feature"),
    )  # fmt: skip
    features.to_csv(tmp_path / "linked.tsv", sep="\t")
    areas.rename_axis("feature").to_csv(tmp_path / "areas.tsv", sep="\t", na_rep="NA")
    panel = tmp_path / "panel.tsv"
    panel.write_text("name\tformula\ntryptophan\tC11H12N2O2\n")
    injections = pd.DataFrame(
        {"group": GROUPS, "control": GROUPS.where(GROUPS.isin(["BLANK", "MOCK", "POOL_QC"]), "N")}
    )
    kept = {}
    for name, panels in (("with", [panel]), ("without", [])):
        select_features(
            linked=tmp_path / "linked.tsv", areas=tmp_path / "areas.tsv", injections=injections, mode="positive",
            panel=panels, preset=ORBITRAP, min_share=0.5, consensus=tmp_path / "c.tsv", decisions=tmp_path / "d.tsv",
        )  # fmt: skip
        kept[name] = pd.read_csv(tmp_path / "c.tsv", sep="\t", index_col=0)
        decisions = pd.read_csv(tmp_path / "d.tsv", sep="\t", index_col=0)
        assert list(decisions.index) == list(areas.index)
    assert list(kept["with"].index) == ["POS_0001", "POS_0002"]
    assert kept["with"].at["POS_0002", "panel"] == "tryptophan"
    assert list(kept["without"].index) == ["POS_0001"]
    assert set(kept["with"]["mode"]) == {"positive"}

"""Frozen features: later files are matched with the list of the reference, whose cells keep their bytes."""

import numpy as np
import pandas as pd
import pytest
from tests.metabolome_files import cohort
from tests.unit.test_link_features import ORBITRAP, TRUE, controls, feature_map, shifted

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.clock import identity
from gutaxis.metabolome.features import extract_features, store
from gutaxis.metabolome.forced import assemble_matrix, fill_cells, force_integrate
from gutaxis.metabolome.intake import intake
from gutaxis.metabolome.link import link_features
from gutaxis.metabolome.link_frozen import match_features
from gutaxis.metabolome.selection import select_features

pytestmark = pytest.mark.unit
LINKED = ("linked", "areas", "alignment", "transformations")
FINAL = ("matrix", "state", "features", "cells")


def linked(folder, maps, *, names, reference):
    folder.mkdir()
    files = {name: folder / f"{name}.featureXML" for name in names}
    for name, path in files.items():
        store(features=maps[name], path=path)
    outputs = {name: folder / f"{name}.tsv" for name in LINKED}
    injections = pd.DataFrame({"control": controls(names, blank="BLANK")})
    link_features(files=files, injections=injections, mode="positive", preset=ORBITRAP, reference=reference, **outputs)
    return outputs


def read(path):
    return pd.read_csv(path, sep="\t", index_col=0)


@pytest.fixture(scope="module")
def maps():
    """Four files, a blank, and two later ones: one with other times and more features than any other."""
    more = pd.concat([TRUE, pd.DataFrame({"mz": np.linspace(710, 900, 30), "rt": np.linspace(30, 390, 30)})])
    later = {"E": shifted(seed=9, shift=9, bend=4, lost=0.05, truth=more), "F": shifted(seed=10, shift=-4)}
    return {name: shifted(seed=number, shift=number) for number, name in enumerate("ABCD")} | later


def test_the_list_of_features_is_that_of_the_reference(maps, tmp_path):
    before = linked(tmp_path / "before", maps, names=list("ABCD"), reference=list("ABCD"))
    after = linked(tmp_path / "after", maps, names=list("ABCDEF"), reference=list("ABCD"))
    plain = linked(tmp_path / "plain", maps, names=list("ABCD"), reference=None)
    refit = linked(tmp_path / "refit", maps, names=list("ABCDEF"), reference=None)
    assert after["linked"].read_bytes() == before["linked"].read_bytes() == plain["linked"].read_bytes()
    assert refit["linked"].read_bytes() != after["linked"].read_bytes()
    pd.testing.assert_frame_equal(read(after["areas"])[list("ABCD")], read(before["areas"]), check_exact=True)
    assert set(read(after["alignment"]).index) == set("ABCDEF")
    assert (read(after["alignment"])["status"] == "reference").sum() == 1
    old = (before["transformations"].read_text()).splitlines()
    assert (after["transformations"].read_text()).splitlines()[: len(old)] == old


def test_later_files_find_their_features(maps, tmp_path):
    made = linked(tmp_path / "made", maps, names=list("ABCDEF"), reference=list("ABCD"))
    features, areas = read(made["linked"]), read(made["areas"])
    assert areas["E"].notna().sum() >= 0.85 * len(features)
    assert areas["F"].notna().sum() >= 0.8 * len(features)
    for name in "EF":  # each area is that of the nearest feature of the file by mass
        found = {feature.getMZ(): feature.getIntensity() for feature in maps[name]}
        for feature in areas.index[areas[name].notna()]:
            nearest = min(found, key=lambda mass: abs(mass - features.at[feature, "mz"]))
            assert areas.at[feature, name] == pytest.approx(found[nearest], rel=1e-6)


def test_a_later_file_does_not_see_another(maps, tmp_path):
    both = linked(tmp_path / "both", maps, names=list("ABCDEF"), reference=list("ABCD"))
    one = linked(tmp_path / "one", maps, names=list("ABCDE"), reference=list("ABCD"))
    pd.testing.assert_frame_equal(read(both["areas"])[list("ABCDE")], read(one["areas"]), check_exact=True)


def test_each_partner_once_the_nearest_first_and_charges_agree():
    features = pd.DataFrame(
        {"mz": [200.0, 200.0006, 300.0, 400.0], "rt": [100.0, 100.0, 50.0, 70.0], "charge": [1, 1, 1, 0]},
        index=list("wxyz"),
    )
    found = feature_map([200.0005, 200.0001, 300.0, 400.0, 400.0], [100, 100, 50, 71, 69.5], area=[1, 2, 3, 4, 5],
                        charge=[1, 1, 2, 1, 1])  # fmt: skip
    areas = match_features(
        features=features, maps={"S": found}, alignments={"S": identity(status="reference", end=500.0)}, preset=ORBITRAP
    )["S"]
    assert areas[["w", "x", "z"]].tolist() == [2, 1, 5]
    assert np.isnan(areas["y"])
    far = feature_map([200.0, 200.0 * (1 + 3e-5)], [100 + 10 * ORBITRAP.link_rt_s, 100])
    none = match_features(
        features=features, maps={"S": far}, alignments={"S": identity(status="reference", end=900.0)}, preset=ORBITRAP
    )
    assert none["S"].isna().all()


def test_a_reference_without_a_file_is_told(maps, tmp_path):
    with pytest.raises(GutaxisError, match=r"M14 .*no file in positive mode.*normalisation: refit"):
        linked(tmp_path / "none", maps, names=list("AB"), reference=["X"])


def test_forced_areas_are_scaled_by_the_reference():
    areas = pd.DataFrame({"A": [10.0, 10], "B": [10.0, 10], "C": [10.0, np.nan], "D": [80.0, np.nan]}, index=["f", "g"])
    forced = pd.DataFrame({"A": [5.0, 5], "B": [5.0, 5], "C": [5.0, 5], "D": [5.0, 5]}, index=["f", "g"])
    values, _, ratio = fill_cells(areas=areas, forced=forced, signal=forced > 0, reference=["A", "B", "C"])
    assert ratio.tolist() == [2.0, 2.0]
    assert values.loc["g"].tolist() == [10.0, 10.0, 10.0, 10.0]


def run_arm(folder, *, paths, injections, reference):
    """Every step from spectra to the feature table, as the rules do."""
    folder.mkdir()
    tables = {name: folder / f"{name}.tsv" for name in (*LINKED, *FINAL, "consensus", "decisions")}
    rows = {sample: folder / f"{sample}.row.tsv" for sample in paths}
    features = {sample: folder / f"{sample}.featureXML" for sample in paths}
    shared = {"injections": injections, "mode": "positive", "preset": ORBITRAP, "reference": reference}
    for sample, path in paths.items():
        rest = {"trace": folder / "trace.tsv", "masses": folder / "masses.tsv", "standards": None}
        intake(
            sample=sample, path=path, mode="positive", control=injections.at[sample, "control"], rt_unit="auto",
            search_ppm=20.0, row=rows[sample], **rest,
        )  # fmt: skip
        extract_features(
            sample=sample, path=path, mode="positive", intake=rows[sample], preset=ORBITRAP, output=features[sample]
        )
    link_features(files=features, **shared, **{name: tables[name] for name in LINKED})
    select_features(
        linked=tables["linked"], areas=tables["areas"], panel=[], min_share=0.5, consensus=tables["consensus"],
        decisions=tables["decisions"], **shared,
    )  # fmt: skip
    force_integrate(
        files=paths, mode="positive", intake=rows, consensus=tables["consensus"],
        transformations=tables["transformations"], preset=ORBITRAP, output=folder / "forced.tsv",
    )  # fmt: skip
    assemble_matrix(
        consensus=tables["consensus"], areas=tables["areas"], forced=[folder / "forced.tsv"], reference=reference,
        **{name: tables[name] for name in FINAL},
    )  # fmt: skip
    return tables


def test_from_spectra_to_cells_the_reference_keeps_its_bytes(tmp_path):
    _, _, injections, paths = cohort(tmp_path / "spectra", files=7, n=25, noise=200, strays=3)
    names = sorted(paths)
    early = names[:5]
    before = run_arm(
        tmp_path / "before", paths={name: paths[name] for name in early}, injections=injections.loc[early],
        reference=early,
    )  # fmt: skip
    after = run_arm(tmp_path / "after", paths=paths, injections=injections, reference=early)
    for name in ("linked", "consensus", "decisions", "features"):
        assert after[name].read_bytes() == before[name].read_bytes(), name
    for name in ("matrix", "state"):
        old, new = (pd.read_csv(made[name], sep="\t", index_col=0, dtype=str) for made in (before, after))
        pd.testing.assert_frame_equal(new[early], old)
        assert set(new.columns) == set(names)
    state = pd.read_csv(after["state"], sep="\t", index_col=0)
    assert (state[names[5:]] == "detected").to_numpy().mean() > 0.6

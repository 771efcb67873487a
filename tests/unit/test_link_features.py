"""Alignment and linking: shifts undone, blanks never in the way, the order of files irrelevant, failures named."""

import numpy as np
import pandas as pd
import pyopenms
import pytest

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.alignment import align
from gutaxis.metabolome.clock import identity, read_alignment
from gutaxis.metabolome.features import ordered, store
from gutaxis.metabolome.link import align_all, choose_reference, link, link_features
from gutaxis.metabolome.presets import PRESETS

pytestmark = pytest.mark.unit
ORBITRAP = PRESETS["orbitrap"]
RNG = np.random.default_rng(7)
TRUE = pd.DataFrame({"mz": np.sort(RNG.uniform(100, 700, 60)), "rt": RNG.uniform(20, 400, 60)})


def feature_map(mz, rt, *, area=1e6, charge=1):
    made = []
    for number, (mass, time) in enumerate(zip(mz, rt, strict=True)):
        feature = pyopenms.Feature()
        feature.setMZ(float(mass))
        feature.setRT(float(time))
        feature.setIntensity(float(area if np.isscalar(area) else area[number]))
        feature.setCharge(int(charge if np.isscalar(charge) else charge[number]))
        feature.setMetaValue("FWHM", 5.0)
        feature.setMetaValue("num_of_masstraces", 2)
        feature.setMetaValue("max_height", 2e5)
        made.append(feature)
    return ordered(features=made)


def shifted(*, seed, shift=0.0, bend=0.0, lost=0.1, truth=TRUE, ppm=1.0):
    rng = np.random.default_rng(seed)
    kept = truth[rng.random(len(truth)) >= lost]
    rt = kept["rt"] + shift + bend * np.sin(np.pi * kept["rt"] / 420) + rng.normal(0, 0.2, len(kept))
    return feature_map(
        kept["mz"] * (1 + rng.normal(0, ppm, len(kept)) * 1e-6), rt, area=rng.lognormal(13, 1, len(kept))
    )


def controls(names, **other):
    return pd.Series({name: other.get(name, "N") for name in names})


@pytest.mark.parametrize(("shift", "bend"), [(0, 0), (8, 0), (-8, 0), (4, 8), (-5, -9), (20, 3)])
def test_shift_and_bend_are_undone(shift, bend):
    reference = shifted(seed=1, lost=0)
    found = align(features=shifted(seed=2, shift=shift, bend=bend), reference=reference, preset=ORBITRAP)
    rt = TRUE["rt"].to_numpy()
    moved = rt + shift + bend * np.sin(np.pi * rt / 420)
    error = found.to_reference(moved) - rt
    assert np.median(np.abs(error)) < 0.5
    assert np.abs(error).max() < 2.5
    if shift or bend:
        assert found.status == "aligned"
        assert found.residual_after_s < found.residual_before_s
    assert (np.diff(found.rt_reference) > 0).all()


def test_way_back_is_the_inverse():
    found = align(features=shifted(seed=2, shift=4, bend=8), reference=shifted(seed=1, lost=0), preset=ORBITRAP)
    times = np.linspace(-5, 600, 200)
    assert found.to_file(found.to_reference(times)) == pytest.approx(times, abs=1e-6)


def test_outside_the_pairs_the_shift_stays_constant():
    found = align(features=shifted(seed=2, shift=8), reference=shifted(seed=1, lost=0), preset=ORBITRAP)
    shift = found.to_reference(np.array([0.0, 5000.0])) - np.array([0.0, 5000.0])
    assert shift == pytest.approx([-8, -8], abs=0.8)


def test_unrelated_files_are_not_bent_onto_each_other():
    strange = pd.DataFrame({"mz": RNG.uniform(100, 700, 60), "rt": RNG.uniform(20, 400, 60)})
    found = align(features=shifted(seed=3, truth=strange), reference=shifted(seed=1, lost=0), preset=ORBITRAP)
    assert found.status in {"failed", "identity"}
    assert found.to_reference(np.array([100.0]))[0] == 100.0


def test_reference_is_the_largest_ties_by_name_and_no_blank():
    control = controls("abcd", d="BLANK", c="POOL_QC")
    assert choose_reference(sizes={"b": 5, "a": 4, "c": 5, "d": 99}, control=control) == "b"
    with pytest.raises(GutaxisError, match="M11"):
        choose_reference(sizes={"a": 0, "d": 4}, control=control)


def test_blanks_and_mocks_never_break_alignment():
    maps = {"A": shifted(seed=1), "B": shifted(seed=2, shift=5), "empty": ordered(features=[]),
            "one": feature_map([123.4], [50.0]), "mock": feature_map([200.0, 300.0], [60.0, 70.0])}  # fmt: skip
    control = controls(maps, empty="BLANK", one="BLANK", mock="MOCK")
    _, alignments = align_all(maps=maps, control=control, preset=ORBITRAP)
    assert {name: found.status for name, found in alignments.items() if name in {"empty", "one", "mock"}} == {
        "empty": "blank",
        "one": "blank",
        "mock": "few_features",
    }
    features, areas = link(maps=maps, alignments=alignments, mode="positive", preset=ORBITRAP)
    assert areas["empty"].notna().sum() == 0
    assert areas["one"].notna().sum() == 1
    assert features["detected"].equals(areas.notna().sum(axis=1))


def test_sample_that_cannot_be_aligned_is_named():
    maps = {"A": shifted(seed=1), "B": shifted(seed=2), "bad": feature_map([100.0, 200.0], [50.0, 60.0])}
    with pytest.raises(GutaxisError, match=r"M11 .*column=sample_id value=bad: .*2 features against") as caught:
        align_all(maps=maps, control=controls(maps), preset=ORBITRAP)
    assert len(caught.value.problems) == 1


def test_few_features_everywhere_are_linked_as_they_are():
    maps = {
        name: feature_map([100.0, 200.0, 300.0], [50.0, 60.0, 70.0 + shift]) for name, shift in (("A", 0), ("B", 1))
    }
    _, alignments = align_all(maps=maps, control=controls(maps), preset=ORBITRAP)
    features, areas = link(maps=maps, alignments=alignments, mode="negative", preset=ORBITRAP)
    assert list(features.index) == ["NEG_0001", "NEG_0002", "NEG_0003"]
    assert areas.notna().to_numpy().all()
    assert features["rt"].to_list() == pytest.approx([50, 60, 70.5])


def test_single_file_is_linked():
    maps = {"A": shifted(seed=1)}
    _, alignments = align_all(maps=maps, control=controls(maps), preset=ORBITRAP)
    features, areas = link(maps=maps, alignments=alignments, mode="positive", preset=ORBITRAP)
    assert len(features) == maps["A"].size() == areas["A"].notna().sum()


def test_linked_features_are_the_planted_ones_in_order():
    shifts = {f"S{n}": (n - 3) * 2.0 for n in range(7)}
    maps = {name: shifted(seed=n, shift=shift) for n, (name, shift) in enumerate(shifts.items())}
    _, alignments = align_all(maps=maps, control=controls(maps), preset=ORBITRAP)
    features, areas = link(maps=maps, alignments=alignments, mode="positive", preset=ORBITRAP)
    assert len(features) == len(TRUE)
    assert features["mz"].to_numpy() == pytest.approx(TRUE["mz"].to_numpy(), rel=2e-6)
    assert features["mz"].is_monotonic_increasing
    assert areas.notna().to_numpy().sum() == sum(maps[name].size() for name in maps)
    for name, features_of in maps.items():
        mine = sorted(feature.getIntensity() for feature in features_of)
        assert sorted(areas[name].dropna()) == pytest.approx(mine)


def test_samples_given_in_another_order_give_the_same_tables():
    maps = {f"S{n}": shifted(seed=n) for n in range(4)}
    made = []
    for names in (sorted(maps), sorted(maps, reverse=True)):
        given = {name: maps[name] for name in names}
        _, alignments = align_all(maps=given, control=controls(given), preset=ORBITRAP)
        made.append(link(maps=given, alignments=alignments, mode="positive", preset=ORBITRAP))
    for one, two in zip(*made, strict=True):
        pd.testing.assert_frame_equal(one, two)


def test_isomers_apart_in_time_and_neighbours_apart_in_mass_stay_apart():
    mz, rt = [200.0, 200.0, 200.0 * (1 + 30e-6)], [100.0, 130.0, 100.0]
    many = shifted(seed=1, lost=0)
    maps = {}
    for name in ("A", "B", "C"):
        maps[name] = ordered(features=[*feature_map(mz, rt), *many])
    _, alignments = align_all(maps=maps, control=controls(maps), preset=ORBITRAP)
    features, _ = link(maps=maps, alignments=alignments, mode="positive", preset=ORBITRAP)
    near = features[abs(features["mz"] - 200.0) < 0.01]
    assert sorted(near["rt"].round()) == [100, 100, 130]
    assert (near["detected"] == 3).all()


def test_charge_is_the_usual_one_and_unknown_joins():
    maps = {
        name: feature_map([150.0, 250.0], [50.0, 90.0], charge=[first, 0])
        for name, first in zip("ABCD", (1, 0, 1, 2), strict=True)
    }
    _, alignments = align_all(maps=maps, control=controls(maps), preset=ORBITRAP)
    features, _ = link(maps=maps, alignments=alignments, mode="positive", preset=ORBITRAP)
    assert features.loc[features["mz"] == 250.0, "charge"].to_list() == [0]
    first = features[features["mz"] == 150.0]
    assert first.loc[first["detected"].idxmax(), "charge"] == 1


def run(folder, maps, control, names):
    folder.mkdir()
    files = {}
    for name in names:
        files[name] = folder / f"{name}.featureXML"
        store(features=maps[name], path=files[name])
    outputs = {key: folder / f"{key}.tsv" for key in ("linked", "areas", "alignment", "transformations")}
    injections = pd.DataFrame({"control": control})
    link_features(files=files, injections=injections, mode="positive", preset=ORBITRAP, **outputs)
    return outputs


def test_order_of_files_is_irrelevant_to_the_byte(tmp_path):
    maps = {f"S{n}": shifted(seed=n, shift=n) for n in range(5)} | {"blank": ordered(features=[])}
    control = controls(maps, blank="BLANK")
    one = run(tmp_path / "one", maps, control, sorted(maps))
    two = run(tmp_path / "two", maps, control, sorted(maps, reverse=True))
    for name in one:
        assert one[name].read_bytes() == two[name].read_bytes(), name
        assert str(tmp_path) not in one[name].read_text()
    summary = pd.read_csv(one["alignment"], sep="\t").set_index("sample_id")
    assert summary.at["blank", "status"] == "blank"
    assert (summary["status"] == "reference").sum() == 1


def test_stored_transformation_is_the_one_that_was_used(tmp_path):
    maps = {"A": shifted(seed=1, lost=0), "B": shifted(seed=2, shift=6, bend=5)}
    outputs = run(tmp_path / "x", maps, controls(maps), list(maps))
    stored = read_alignment(transformations=outputs["transformations"], sample="B")
    fresh = align(features=maps["B"], reference=maps["A"], preset=ORBITRAP)
    times = np.linspace(0, 450, 50)
    assert stored.to_reference(times) == pytest.approx(fresh.to_reference(times), abs=1e-5)
    with pytest.raises(KeyError):
        read_alignment(transformations=outputs["transformations"], sample="C")


def test_identity_leaves_times():
    assert identity(status="blank", end=100.0).to_reference(np.array([-1.0, 50.0, 1e4])).tolist() == [-1.0, 50.0, 1e4]

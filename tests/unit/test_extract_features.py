"""Features of one file: found where planted, the same bytes twice, settings that reach OpenMS."""

import numpy as np
import pandas as pd
import pyopenms
import pytest
from tests.metabolome_files import (
    abundances,
    compounds,
    injection,
    profile_of,
    write_mzml,
    write_mzmlb,
    write_mzxml,
)

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.experiment import load_ms1
from gutaxis.metabolome.features import configure, extract_features, feature_rows, find_features, load
from gutaxis.metabolome.intake import intake
from gutaxis.metabolome.presets import PRESETS, preset_of

pytestmark = pytest.mark.unit
ORBITRAP = PRESETS["orbitrap"]
TRUTH = compounds(n=20, seed=5, gradient=120.0)
LOG2 = abundances(truth=TRUTH, samples=["A"], absent=0.0, seed=4)["A"]
SCANS = injection(truth=TRUTH, log2=LOG2, seed=1, gradient=120.0)


def extract(tmp_path, path, *, preset=ORBITRAP, mode="positive", control="N", rt_unit="auto", name="A"):
    row, output = tmp_path / f"{name}.row.tsv", tmp_path / f"{name}.featureXML"
    rest = {"trace": tmp_path / "trace.tsv", "masses": tmp_path / "masses.tsv"}
    known = {"sample": name, "path": path, "mode": mode, "control": control}
    intake(**known, standards=None, rt_unit=rt_unit, search_ppm=20.0, row=row, **rest)
    extract_features(sample=name, path=path, mode=mode, intake=row, preset=preset, output=output)
    return feature_rows(features=load(path=output))


def found(rows, *, ppm=5.0, seconds=3.0):
    """Return the feature of each compound of the truth."""
    place = {}
    for name, row in TRUTH.iterrows():
        near = (abs(rows["mz"] / row["mz"] - 1) < ppm * 1e-6) & (abs(rows["rt"] - row["rt"]) < seconds)
        place[name] = list(rows.index[near])
    return place


def test_every_compound_is_one_feature_with_its_area(tmp_path):
    rows = extract(tmp_path, write_mzml(tmp_path / "a.mzML", SCANS))
    hits = found(rows)
    assert all(len(hit) == 1 for hit in hits.values()), hits
    areas = np.log10([rows.at[hits[name][0], "intensity"] for name in TRUTH.index])
    # area of a Gaussian: height x sigma x sqrt(2 pi)
    expected = TRUTH["log_height"] + np.log10(2) * LOG2 + np.log10(2.2 * np.sqrt(2 * np.pi))
    assert np.corrcoef(areas, expected)[0, 1] > 0.999
    assert np.median(areas - expected) == pytest.approx(0, abs=0.1)
    strong = [hits[name][0] for name in TRUTH.index[TRUTH["log_height"] > 6]]
    assert (rows.loc[strong, "isotopes"] >= 2).all()
    assert (rows.loc[strong, "charge"] == 1).all()
    assert rows.loc[strong, "width_s"].median() == pytest.approx(2.355 * 2.2, rel=0.15)


def test_two_runs_give_the_same_bytes_without_time_or_path(tmp_path):
    path = write_mzml(tmp_path / "a.mzML", SCANS)
    made = []
    for turn in ("one", "two"):
        (tmp_path / turn).mkdir()
        extract(tmp_path / turn, path)
        made.append((tmp_path / turn / "A.featureXML").read_bytes())
    assert made[0] == made[1]
    assert str(tmp_path).encode() not in made[0]
    assert not list(tmp_path.glob("*/.*"))


@pytest.mark.parametrize("form", ["mzML.gz", "mzXML", "mzXML.gz", "mzMLb"])
def test_every_format_gives_the_features_of_mzml(tmp_path, form):
    plain = extract(tmp_path, write_mzml(tmp_path / "a.mzML", SCANS))
    path = tmp_path / f"b.{form}"
    if form == "mzXML.gz":
        import gzip

        path.write_bytes(gzip.compress(write_mzxml(tmp_path / "b.mzXML", SCANS).read_bytes()))
    else:
        {"mzML.gz": write_mzml, "mzXML": write_mzxml, "mzMLb": write_mzmlb}[form](path, SCANS)
    other = extract(tmp_path, path)
    assert len(other) == len(plain)
    assert other["mz"].to_numpy() == pytest.approx(plain["mz"].to_numpy(), rel=1e-6)
    assert other["rt"].to_numpy() == pytest.approx(plain["rt"].to_numpy(), abs=0.01)
    assert other["intensity"].to_numpy() == pytest.approx(plain["intensity"].to_numpy(), rel=1e-3)


@pytest.mark.parametrize("said", ["profile", "centroid"])
def test_profile_is_centroided_even_where_the_file_says_centroid(tmp_path, said):
    wide = [profile_of(scan, resolution=60_000) for scan in SCANS]
    rows = extract(tmp_path, write_mzml(tmp_path / "a.mzML", wide, kind=said))
    hits = found(rows)
    assert sum(len(hit) == 1 for hit in hits.values()) >= 19
    experiment = load_ms1(path=tmp_path / "a.mzML", mode="positive", profile=True)
    points = [spectrum.size() for spectrum in experiment.getSpectra()]
    assert np.median(points) < np.median([len(scan[1]) for scan in wide]) / 4


def test_minutes_and_overruled_units_give_seconds(tmp_path):
    minutes = extract(tmp_path, write_mzml(tmp_path / "a.mzML", SCANS, unit="minute"))
    wrong = write_mzml(tmp_path / "b.mzML", [(scan[0] / 60, *scan[1:]) for scan in SCANS])
    overruled = extract(tmp_path, wrong, rt_unit="minute")
    for rows in (minutes, overruled):
        assert all(found(rows).values())


def test_only_scans_of_the_mode_are_used(tmp_path):
    flat = [(rt, np.array([100.0]), np.array([1.0])) for rt, *_ in SCANS]
    both = [scan for pair in zip(SCANS, flat, strict=True) for scan in pair]
    words = ["positive", "negative"] * len(SCANS)
    path = write_mzml(tmp_path / "a.mzML", both, polarity=words)
    assert all(found(extract(tmp_path, path)).values())
    assert extract(tmp_path, path, mode="negative").empty


def test_ms2_scans_are_left_out(tmp_path):
    loud = [(rt + 0.1, mz, height * 1e4, 2) for rt, mz, height in SCANS]
    path = write_mzml(tmp_path / "a.mzML", [scan for pair in zip(SCANS, loud, strict=True) for scan in pair])
    plain = extract(tmp_path, write_mzml(tmp_path / "b.mzML", SCANS))
    pd.testing.assert_frame_equal(extract(tmp_path, path), plain)


@pytest.mark.parametrize("scans", [[], SCANS[:2], [(scan[0], np.array([]), np.array([])) for scan in SCANS]])
def test_empty_blank_gives_an_empty_file(tmp_path, scans):
    rows = extract(tmp_path, write_mzml(tmp_path / "a.mzML", scans), control="BLANK")
    assert rows.empty
    assert list(rows.columns) == ["mz", "rt", "intensity", "charge", "width_s", "isotopes", "height"]


def test_noise_decides_what_is_found(tmp_path):
    path = write_mzml(tmp_path / "a.mzML", SCANS)
    default = extract(tmp_path, path)
    deaf = extract(tmp_path, path, preset=preset_of(instrument="orbitrap", overrides={"noise": 1_000_000}))
    assert 0 < len(deaf) < len(default) / 2
    assert deaf["height"].min() > 1e6


def test_presets_and_overrides():
    changed = preset_of(instrument="tof", overrides={"noise": 200, "max_charge": 3})
    assert (changed.noise, changed.max_charge, changed.name) == (200.0, 3, "tof")
    assert isinstance(changed.noise, float)
    assert preset_of(instrument="orbitrap") == ORBITRAP
    for instrument, overrides, word in (
        ("ion trap", {}, "ion trap"),
        ("tof", {"loudness": 3}, "loudness"),
        ("tof", {"noise": -1}, "noise"),
    ):
        with pytest.raises(GutaxisError, match=word):
            preset_of(instrument=instrument, overrides=overrides)


def test_unknown_openms_parameter_is_an_error():
    with pytest.raises(KeyError, match="no parameter no_such"):
        configure(pyopenms.MassTraceDetection(), no_such=1)


def test_file_openms_cannot_read_is_named(tmp_path):
    path = write_mzml(tmp_path / "a.mzML", SCANS)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(GutaxisError, match=r"M02 a\.mzML"):
        load_ms1(path=path, mode="positive", profile=False)


def test_fewer_than_three_spectra_give_no_features():
    assert find_features(experiment=pyopenms.MSExperiment(), preset=ORBITRAP).size() == 0

"""Real mzML: pooled QCs of three kinds of instrument go from file to feature table."""

import pandas as pd
import pytest

from gutaxis.metabolome.feature_table import read_feature_table
from gutaxis.metabolome.features import extract_features, feature_rows, load
from gutaxis.metabolome.forced import assemble_matrix, force_integrate
from gutaxis.metabolome.intake import inspect_file, intake
from gutaxis.metabolome.link import link_features
from gutaxis.metabolome.presets import PRESETS, preset_of
from gutaxis.metabolome.selection import select_features

pytestmark = pytest.mark.realdata
LINKED = ("linked", "areas", "alignment", "transformations")
FINAL = ("matrix", "state", "features", "cells")


@pytest.mark.parametrize(
    ("name", "scans", "spectra", "minutes", "tic"),
    [
        # scans, times and total ion currents as the description of the data gives them
        ("dims_qc/batch04_QC17_rep01_262.mzML", 88, "centroid", None, 1.09e9),
        ("dims_qc/batch04_QC17_rep02_263.mzML", 89, "centroid", None, 1.19e9),
        ("dims_qc/batch04_QC17_rep03_264.mzML", 88, "centroid", None, 1.15e9),
        ("nist_qc/NZ_20200227_025.mzML", 101, "centroid", (1.75, 3.48), 9.54e7),
        ("nist_qc/NZ_20200227_059.mzML", 101, "centroid", (1.75, 3.48), 7.83e7),
        ("nist_qc/NZ_20200227_093.mzML", 101, "centroid", (1.75, 3.48), 7.36e7),
        ("lcms/MM14.mzML", 112, "centroid", (4.51, 5.13), None),
        ("lcms/FeatureFinderMetaboIdent_1_input.mzML", 380, "profile", (3.34, 5.00), None),
    ],
)
def test_intake_of_real_files(public_data, name, scans, spectra, minutes, tic):  # noqa: PLR0917
    row = inspect_file(sample="S", path=public_data / "metabolomics" / name, mode="positive").row
    assert row["ms1"] == row["scans"] == row["scans_declared"] == scans
    assert row["spectra"] == row["spectra_said"] == spectra
    assert row["polarity"] == "positive"
    if minutes:
        assert row["rt_min_s"] / 60 == pytest.approx(minutes[0], abs=0.006)
        assert row["rt_max_s"] / 60 == pytest.approx(minutes[1], abs=0.006)
    if tic:
        assert row["tic"] == pytest.approx(tic, rel=0.006)


def test_known_compounds_are_in_the_profile_file(public_data, tmp_path):
    path = public_data / "metabolomics" / "lcms" / "FeatureFinderMetaboIdent_1_input.mzML"
    rows = features_of(path, tmp_path, preset=PRESETS["orbitrap"])
    # adenosine, C10H13N5O4, [M+H]+: the base peak of the file
    near = rows[abs(rows["mz"] / 268.10403 - 1) < 5e-6]
    assert len(near) >= 1
    assert near["intensity"].max() == rows["intensity"].max()
    assert rows.loc[near["intensity"].idxmax(), "charge"] == 1


def features_of(path, folder, *, preset):
    row, output = folder / f"{path.stem}.row.tsv", folder / f"{path.stem}.featureXML"
    about = {"sample": path.stem, "path": path, "mode": "positive"}
    rest = {"control": "POOL_QC", "standards": None, "rt_unit": "auto", "search_ppm": 20.0}
    intake(**about, **rest, row=row, trace=folder / "t.tsv", masses=folder / "m.tsv")
    extract_features(**about, intake=row, preset=preset, output=output)
    return feature_rows(features=load(path=output))


def whole_arm(paths, folder, *, preset):
    injections = pd.DataFrame({"control": "POOL_QC", "group": "POOL_QC"}, index=[path.stem for path in paths])
    tables = {name: folder / f"{name}.tsv" for name in (*LINKED, *FINAL, "consensus", "decisions")}
    for path in paths:
        features_of(path, folder, preset=preset)
    files = {path.stem: folder / f"{path.stem}.featureXML" for path in paths}
    about = {"injections": injections, "mode": "positive", "preset": preset}
    link_features(files=files, **about, **{name: tables[name] for name in LINKED})
    made = {name: tables[name] for name in ("linked", "areas", "consensus", "decisions")}
    select_features(**made, **about, panel=[], min_share=0.5)
    force_integrate(
        files={path.stem: path for path in paths},
        mode="positive",
        intake={path.stem: folder / f"{path.stem}.row.tsv" for path in paths},
        consensus=tables["consensus"],
        transformations=tables["transformations"],
        preset=preset,
        output=folder / "forced.tsv",
    )
    given = {"consensus": tables["consensus"], "areas": tables["areas"], "forced": [folder / "forced.tsv"]}
    assemble_matrix(**given, **{name: tables[name] for name in FINAL})
    return read_feature_table(
        path_values=tables["matrix"], path_state=tables["state"], path_features=tables["features"]
    )


@pytest.mark.parametrize(
    ("folder", "preset", "fewest_and_rsd"),
    [
        ("nist_qc", preset_of(instrument="tof"), (100, 0.20)),
        ("dims_qc", PRESETS["orbitrap"], (60, 0.15)),  # direct infusion: few ions rise and fall like a peak,
    ],
)
def test_qc_replicates_agree(public_data, tmp_path, folder, preset, fewest_and_rsd):
    paths = sorted((public_data / "metabolomics" / folder).glob("*.mzML"))
    table = whole_arm(paths, tmp_path, preset=preset)
    complete = table.values[(table.state == "detected").all(axis=1)]
    fewest, rsd = fewest_and_rsd
    assert len(complete) >= fewest
    scaled = complete / complete.median()
    assert (scaled.std(axis=1) / scaled.mean(axis=1)).median() <= rsd


def test_single_file_goes_through(public_data, tmp_path):
    table = whole_arm([public_data / "metabolomics" / "lcms" / "MM14.mzML"], tmp_path, preset=PRESETS["tof"])
    assert len(table.features) > 100
    assert (table.state == "detected").to_numpy().all()

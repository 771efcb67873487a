"""asari as a second engine: its hazards are caught. The program is a stand-in; the real one where there is one."""

import pathlib
import shutil
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest
from tests.metabolome_files import cohort, profile_of, write_mzml, write_mzxml

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.asari import OWN, asari_command, asari_features, read_asari, run_asari, unaligned
from gutaxis.metabolome.concordance import compare_engines, concordance
from gutaxis.metabolome.feature_table import make_feature_table, read_feature_table, write_feature_table
from gutaxis.metabolome.intake import intake
from gutaxis.metabolome.presets import PRESETS

pytestmark = pytest.mark.unit
ORBITRAP = PRESETS["orbitrap"]
SAMPLES = ["P01_POST", "P01_PRE", "QC01"]

STAND_IN = """\
    import pathlib, sys
    words = dict(zip(sys.argv[2::2], sys.argv[3::2]))
    samples = sorted((path.stem for path in pathlib.Path(words["--input"]).iterdir()), reverse=True)
    samples = [s for s in samples if s != {lost!r}]
    for name in {unaligned!r}:
        print(f"    ~warning~ Failure in retention time alignment (3); {{name}}.")
    pathlib.Path("khipu.log").write_text("x")
    folder = pathlib.Path(words["--output"] + "_gutaxis_112315409") / "export"
    if {fail!r}:
        print("Killed"); sys.exit(3)
    folder.mkdir(parents=True)
    own = {own!r}
    rows = ["\\t".join([*own, *samples])]
    for number, (mz, rt) in enumerate([(300.5, 40.0), (200.25, 80.0), (200.25, 20.0)]):
        cells = [str(1000.0 * (number + 1) + len(s) if s != "BLANK1" else 0.0) for s in samples]
        rows.append("\\t".join([f"F{{number}}", str(mz), str(rt), str(rt - 5), str(rt + 5), *["1"] * 6, *cells]))
    (folder / "full_Feature_table.tsv").write_text("\\n".join(rows) + "\\n")
"""


@pytest.fixture
def study(tmp_path):
    _, _, injections, paths = cohort(tmp_path / "spectra", files=2, n=5, gradient=60.0, noise=20)
    injections = injections.loc[["QC01", "P01_PRE", "BLANK1", "P01_POST"]]
    paths = {sample: paths[sample] for sample in injections.index}
    rows = {}
    for sample, path in paths.items():
        rows[sample] = row(tmp_path, sample, path, control=injections.at[sample, "control"])
    return injections, paths, rows


def row(folder, sample, path, *, control="N", mode="positive"):
    output = folder / f"{sample}.row.tsv"
    rest = {"trace": folder / "t.tsv", "masses": folder / "m.tsv", "standards": None, "search_ppm": 20.0}
    intake(sample=sample, path=path, mode=mode, control=control, rt_unit="auto", row=output, **rest)
    return output


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    def put(*, lost=None, unaligned=(), fail=False):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        text = textwrap.dedent(STAND_IN).format(lost=lost, unaligned=list(unaligned), fail=fail, own=list(OWN))
        (folder / "asari").write_text(f"#!{sys.executable}\n{text}")
        (folder / "asari").chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=":")

    return put


def run(study, folder):
    injections, paths, rows = study
    output = folder / "asari.tsv"
    run_asari(files=paths, intake=rows, injections=injections, mode="positive", preset=ORBITRAP, output=output)
    return output


def outputs(folder, prefix):
    names = ("matrix", "state", "features", "cells", "decisions")
    return {name: folder / f"{prefix}{name}.tsv" for name in names}


def test_table_is_reordered_numbered_and_complete(study, stand_in, tmp_path, monkeypatch):
    stand_in()
    monkeypatch.chdir(tmp_path)
    table = run(study, pathlib.Path())  # relative paths, as the rules give them
    injections, _, rows = study
    made = outputs(tmp_path, "a_")
    asari_features(
        table=table,
        intake=rows,
        injections=injections,
        mode="positive",
        panel=[],
        preset=ORBITRAP,
        min_share=0.5,
        **made,
    )
    read = read_feature_table(path_values=made["matrix"], path_state=made["state"], path_features=made["features"])
    assert list(read.values.columns) == ["BLANK1", "P01_POST", "P01_PRE", "QC01"]
    assert read.features["mz"].to_list() == [200.25, 200.25, 300.5]
    assert read.features["rt"].to_list() == [20.0, 80.0, 40.0]
    assert list(read.features.index) == ["POS_0001", "POS_0002", "POS_0003"]
    assert read.values["P01_PRE"].to_list() == [3007.0, 2007.0, 1007.0]
    assert read.values["BLANK1"].isna().all()
    assert set(read.state["BLANK1"]) == {"absent"}
    assert not list(tmp_path.glob("asari_*"))
    assert not pathlib.Path("khipu.log").exists()


def test_columns_are_sorted_whatever_the_order_asked_for(study, stand_in, tmp_path):
    stand_in()
    table = run(study, tmp_path)
    names = ["QC01", "P01_PRE", "BLANK1", "P01_POST"]
    _, areas = read_asari(table=table, samples=names, mode="positive")
    assert list(areas.columns) == sorted(names)


def test_sample_that_vanished_is_named(study, stand_in, tmp_path):
    stand_in(lost="P01_PRE")
    table = run(study, tmp_path)
    with pytest.raises(GutaxisError, match=r"M13 .*value=P01_PRE: sample P01_PRE is missing from asari's table"):
        read_asari(table=table, samples=SAMPLES, mode="positive")


def test_unaligned_sample_is_named_but_a_blank_is_not(study, stand_in, tmp_path):
    stand_in(unaligned=["BLANK1"])
    run(study, tmp_path)
    stand_in(unaligned=["BLANK1", "P01_POST"])
    with pytest.raises(GutaxisError, match=r"M13 P01_POST\.mzML .*value=P01_POST: asari could not align") as caught:
        run(study, tmp_path)
    assert len(caught.value.problems) == 1


def test_failure_of_the_program_is_told_and_leaves_nothing(study, stand_in, tmp_path):
    stand_in(fail=True)
    with pytest.raises(GutaxisError, match="Killed"):
        run(study, tmp_path)
    assert not (tmp_path / "asari.tsv").exists()
    assert not list(tmp_path.glob("asari_*"))


def test_what_asari_cannot_read_is_named_before_it_starts(study, tmp_path):
    injections, paths, rows = study
    scans = [(t, *scan) for t, *scan in _scans()]
    paths = {
        "QC01": write_mzxml(tmp_path / "q.mzXML", scans),
        "P01_PRE": write_mzml(tmp_path / "p.mzML", [profile_of(scan) for scan in scans]),
        "P01_POST": write_mzml(tmp_path / "o.mzML", scans, polarity=["positive", "negative"] * (len(scans) // 2)),
    }
    rows = {sample: row(tmp_path, sample, path) for sample, path in paths.items()}
    with pytest.raises(GutaxisError) as caught:
        run((injections, paths, rows), tmp_path)
    assert [problem.code for problem in caught.value.problems] == ["M13"] * 3
    for word in ("mzXML", "profile", "both polarities"):
        assert word in str(caught.value)


def _scans():
    rng = np.random.default_rng(1)
    return [(t * 0.8, np.sort(rng.uniform(100, 500, 40)), rng.uniform(1e3, 1e5, 40)) for t in range(40)]


def test_thresholds_follow_the_preset(tmp_path):
    words = asari_command(folder=tmp_path, output=tmp_path / "x", mode="negative", preset=PRESETS["tof"])
    options = dict(zip(words[2::2], words[3::2], strict=True))
    assert options["--mode"] == "neg"
    assert options["--min_peak_height"] == "50"
    assert options["--cal_min_peak_height"] == "250"
    assert options["--ppm"] == "10"


def test_unaligned_samples_are_read_from_its_output():
    said = "x\n    ~warning~ Failure in retention time alignment (0); BLANK1.\n  ok\n    ~warning~ Failure in " \
           "retention time alignment (5); P.01.\n"  # fmt: skip
    assert unaligned(output=said) == ["BLANK1", "P.01"]


def features(rows):
    return pd.DataFrame(rows, columns=["mz", "rt"], index=[f"F{n}" for n in range(len(rows))])


def test_concordance_pairs_the_nearest_once():
    samples = list("abcd")
    one = features([(100.0, 50.0), (100.0, 60.0), (300.0, 10.0)])
    two = features([(100.0002, 59.0), (100.0001, 51.0), (100.0, 53.0), (400.0, 10.0)])
    values = pd.DataFrame([[1.0, 2, 4, 8], [1, 2, 4, 8], [1, 1, 1, 1]], one.index, samples)
    others = pd.DataFrame([[8.0, 4, 2, 1], [2, 4, 8, 16], [1, 1, 1, 1], [1, 1, 1, 1]], two.index, samples)
    table = concordance(features=one, values=values, other_features=two, other_values=others, ppm=5, rt_s=6)
    pairs = table.dropna(subset=["feature", "other"]).set_index("feature")
    assert pairs["other"].to_dict() == {"F0": "F1", "F1": "F0"}
    assert pairs["r"].to_dict() == pytest.approx({"F0": 1.0, "F1": -1.0})
    assert pairs.at["F0", "delta_ppm"] == pytest.approx(1.0)
    assert pairs.at["F1", "delta_rt_s"] == pytest.approx(-1.0)
    assert table.loc[table["other"].isna(), "feature"].to_list() == ["F2"]
    assert table.loc[table["feature"].isna(), "other"].to_list() == ["F2", "F3"]


def test_concordance_gives_a_feature_away_once():
    one, two = features([(100.0, 50.0), (100.0, 52.0)]), features([(100.0, 50.5)])
    values = [pd.DataFrame([[1.0, 2, 4, 8]] * len(rows), rows.index, list("abcd")) for rows in (one, two)]
    table = concordance(features=one, values=values[0], other_features=two, other_values=values[1], ppm=5, rt_s=6)
    assert table.set_index("feature")["other"].to_dict() == {"F0": "F0", "F1": None}


def test_concordance_file_counts_what_both_have(tmp_path):
    paths = []
    for name, rows in (("one", [(100.0, 50.0), (200.0, 60.0)]), ("two", [(100.0, 51.0)])):
        table = features(rows)
        values = pd.DataFrame([[1.0, 2, 4, 8]] * len(rows), table.index, list("abcd"))
        files = tuple(tmp_path / f"{name}.{what}.tsv" for what in ("values", "state", "features"))
        write_feature_table(
            table=make_feature_table(values=values, features=table),
            path_values=files[0],
            path_state=files[1],
            path_features=files[2],
        )
        paths.append(files)
    compare_engines(openms=paths[0], asari=paths[1], preset=ORBITRAP, output=tmp_path / "c.tsv")
    text = (tmp_path / "c.tsv").read_text()
    assert text.startswith("# 1 features of both engines, 1 of openms alone, 0 of asari alone")
    assert "median r of the log areas over the samples: 1.0000" in text


@pytest.mark.tools
def test_real_asari_finds_the_compounds(tmp_path):
    if shutil.which("asari") is None:
        pytest.skip("asari is not installed")
    truth, _, injections, paths = cohort(tmp_path / "spectra", files=4, n=30)
    rows = {s: row(tmp_path, s, path, control=injections.at[s, "control"]) for s, path in paths.items()}
    table = run((injections, paths, rows), tmp_path)
    found, areas = read_asari(table=table, samples=sorted(paths), mode="positive")
    near = [
        ((abs(found["mz"] / compound.mz - 1) < 8e-6) & (abs(found["rt"] - compound.rt) < 8)).any()
        for compound in truth.itertuples()
    ]
    assert np.mean(near) >= 0.9
    assert list(areas.columns) == sorted(paths)

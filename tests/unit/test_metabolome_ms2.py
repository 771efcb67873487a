"""MS2: spectra found for features, written, compared by matchms where it is installed, and levels that follow."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pyopenms
import pytest

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.annotate import annotate
from gutaxis.metabolome.levels import Settings
from gutaxis.metabolome.ms2 import Fragments, choose, match_spectra, ms2_files, read_ms2
from gutaxis.metabolome.panel import read_panel
from gutaxis.metabolome.reading import read_commented

pytestmark = pytest.mark.unit

PROJECT = Path(__file__).resolve().parents[2]
POLARITY = {"positive": pyopenms.IonSource.Polarity.POSITIVE, "negative": pyopenms.IonSource.Polarity.NEGATIVE}
#: Made-up fragments: m/z and intensity; the last is the precursor itself.
TRYPTOPHAN = [(118.065, 30.0), (132.081, 15.0), (146.060, 60.0), (159.092, 25.0), (188.071, 100.0), (205.0972, 80.0)]
LEUCINE = [(30.034, 5.0), (44.050, 20.0), (69.070, 10.0), (86.097, 100.0), (132.1019, 40.0)]


def write_mzml(path: Path, spectra: list[tuple], mode: str = "positive") -> Path:
    """Write MS2 spectra (precursor, time, peaks) and one MS1 spectrum."""
    experiment = pyopenms.MSExperiment()
    for number, (precursor, time, peaks) in enumerate([(None, 0.5, [(100.0, 1.0)]), *spectra]):
        spectrum = pyopenms.MSSpectrum()
        spectrum.setMSLevel(1 if precursor is None else 2)
        spectrum.setRT(time)
        spectrum.setNativeID(f"scan={number + 1}")
        spectrum.set_peaks(([mz for mz, _ in peaks], [intensity for _, intensity in peaks]))
        settings = spectrum.getInstrumentSettings()
        settings.setPolarity(POLARITY[mode])
        spectrum.setInstrumentSettings(settings)
        if precursor is not None:
            ion = pyopenms.Precursor()
            ion.setMZ(precursor)
            spectrum.setPrecursors([ion])
        experiment.addSpectrum(spectrum)
    pyopenms.MzMLFile().store(str(path), experiment)
    return path


def features(**rows: tuple[float, float]) -> pd.DataFrame:
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["mz", "rt"]).assign(mode="positive")
    return table.rename_axis("feature")


def scan(precursor: float, rt: float, total: float = 10.0, sample: str = "S1") -> Fragments:
    peaks = np.array([80.0, 90.0]), np.array([total / 2, total / 2])
    return Fragments(sample=sample, precursor=precursor, rt=rt, mz=peaks[0], intensity=peaks[1])


def test_ms2_spectra_are_read_with_aligned_times(tmp_path):
    path = write_mzml(tmp_path / "a.mzML", [(205.0972, 10.0, TRYPTOPHAN), (132.1019, 20.0, LEUCINE)])
    read = read_ms2(path=path, sample="S1", mode="positive")
    assert [(one.precursor, one.rt, len(one.mz)) for one in read] == [(205.0972, 10.0, 6), (132.1019, 20.0, 5)]
    assert read_ms2(path=path, sample="S1", mode="negative") == []
    knots = pd.DataFrame({"rt_s": [600.0, 1200.0], "rt_reference_s": [605.0, 1215.0]})
    moved = read_ms2(path=path, sample="S1", mode="positive", rt_factor=60, knots=knots)
    assert [one.rt for one in moved] == [605.0, 1215.0]


def test_a_damaged_file_is_named(tmp_path):
    path = write_mzml(tmp_path / "a.mzML", [(205.0972, 10.0, TRYPTOPHAN)])
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(GutaxisError, match=r"M66 a\.mzML"):
        read_ms2(path=path, sample="S1", mode="positive")


def test_each_feature_gets_its_strongest_spectrum_and_isomers_do_not_share():
    table = features(A=(200.0, 50.0), B=(200.0005, 58.0), C=(300.0, 50.0))
    spectra = [
        scan(200.0, 51.0, 5), scan(200.0, 52.0, 9, "S2"), scan(200.0, 56.0, 99), scan(200.0, 90.0, 999),
        scan(200.01, 50.0, 999), scan(300.0, 50.0, 7, "S9"), scan(300.0, 50.0, 7, "S3"),
    ]  # fmt: skip
    chosen = choose(spectra=spectra, features=table, mode="positive", ppm=10, rt_tolerance=10)
    assert {name: (one.sample, one.rt) for name, one in chosen.items()} == {
        "A": ("S2", 52.0), "B": ("S1", 56.0), "C": ("S3", 50.0),
    }  # fmt: skip
    assert choose(spectra=spectra, features=table, mode="negative", ppm=10, rt_tolerance=10) == {}
    late = choose(spectra=spectra[3:4], features=table, mode="positive", ppm=10, rt_tolerance=10)
    assert late == {}
    unknown_time = table.assign(rt=float("nan"))
    assert choose(spectra=spectra, features=unknown_time, mode="positive", ppm=10, rt_tolerance=10) == {}


def test_the_file_of_queries_is_the_same_whatever_the_order_of_the_files(tmp_path):
    first = write_mzml(tmp_path / "a.mzML", [(205.0972, 10.0, TRYPTOPHAN)])
    second = write_mzml(tmp_path / "b.mzML", [(205.0972, 11.0, TRYPTOPHAN), (132.1019, 20.0, LEUCINE)])
    table = features(POS_1=(132.1019, 20.0), POS_2=(205.0972, 10.0), POS_3=(400.0, 10.0))
    shared = {"features": table, "mode": "positive", "ppm": 10.0, "rt_tolerance": 10.0}
    for name, files in (("x", {"S1": first, "S2": second}), ("y", {"S2": second, "S1": first})):
        assert ms2_files(files=files, path=tmp_path / f"{name}.mgf", **shared) == 2
    text = (tmp_path / "x.mgf").read_text()
    assert text == (tmp_path / "y.mgf").read_text()
    assert text.count("BEGIN IONS") == 2
    assert "FEATURE_ID=POS_2\nSAMPLE_ID=S1\nPEPMASS=205.097200\nRTINSECONDS=10.000\nIONMODE=positive" in text
    assert ms2_files(files={}, path=tmp_path / "none.mgf", **shared) == 0
    assert (tmp_path / "none.mgf").read_text() == ""


def asked(folder: Path) -> dict[str, object]:
    return {"queries": folder / "q.mgf", "ppm": 10.0, "tolerance": 0.01, "output": folder / "out.tsv"}


def test_what_is_no_library_is_named_before_anything_runs(tmp_path):
    (tmp_path / "lib.txt").write_text("x")
    with pytest.raises(GutaxisError) as caught:
        match_spectra(
            python="none", libraries=[tmp_path / "lib.txt"], in_house=[tmp_path / "no.msp"], **asked(tmp_path)
        )
    assert [(problem.code, problem.file) for problem in caught.value.problems] == [
        ("M68", "lib.txt"),
        ("M68", "no.msp"),
    ]


# ---- with matchms, which has an environment of its own ------------------------------------------------------------


@pytest.fixture(scope="module")
def matchms() -> str:
    for python in (os.environ.get("GUTAXIS_MATCHMS_PYTHON"), PROJECT / ".tools" / "matchms" / "bin" / "python"):
        if python and shutil.which(str(python)):
            return str(python)
    pytest.skip("no Python with matchms: make setup, or set GUTAXIS_MATCHMS_PYTHON")


def msp(*entries: tuple[str, str, float, str, list]) -> str:
    """Write an MSP library: name, InChIKey, precursor, polarity, peaks."""
    blocks = []
    for name, inchikey, precursor, mode, peaks in entries:
        lines = [f"NAME: {name}", f"INCHIKEY: {inchikey}", f"PRECURSORMZ: {precursor}", f"IONMODE: {mode}",
                 f"Num Peaks: {len(peaks)}", *(f"{mz}\t{intensity}" for mz, intensity in peaks)]  # fmt: skip
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n\n"


def changed(peaks: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Other fragments, the same precursor."""
    return [*((mz + 1.5, intensity) for mz, intensity in peaks[:-1]), peaks[-1]]


@pytest.mark.tools
def test_spectral_match_and_the_levels_that_follow(matchms, tmp_path):
    path = write_mzml(tmp_path / "a.mzML", [(205.0972, 10.0, TRYPTOPHAN), (132.1019, 20.0, LEUCINE)])
    table = features(POS_1=(132.1019, 20.0), POS_2=(205.0972, 10.0))
    ms2_files(files={"S1": path}, features=table, mode="positive", ppm=10, rt_tolerance=10, path=tmp_path / "q.mgf")
    panel = read_panel(paths=PROJECT / "resources" / "metabolites" / "panel.tsv")
    key = panel["inchikey"]
    (tmp_path / "public.msp").write_text(
        msp(
            ("tryptophan", key["L-tryptophan"], 205.0972, "positive", TRYPTOPHAN),
            ("other", "ABCDEFGHIJKLMN-UHFFFAOYSA-N", 205.0972, "positive", changed(TRYPTOPHAN)),
            ("anion", "BBCDEFGHIJKLMN-UHFFFAOYSA-N", 205.0972, "negative", TRYPTOPHAN),
            ("heavier", "CBCDEFGHIJKLMN-UHFFFAOYSA-N", 205.1072, "positive", TRYPTOPHAN),
            ("isoleucine", key["L-isoleucine"], 132.1019, "positive", changed(LEUCINE)),
        )
    )
    (tmp_path / "own.mgf").write_text(
        f"BEGIN IONS\nNAME=leucine\nINCHIKEY={key['L-leucine']}\nPEPMASS=132.1019\nIONMODE=Positive\nCHARGE=1+\n"
        + "".join(f"{mz} {intensity}\n" for mz, intensity in LEUCINE)
        + "END IONS\n"
    )
    match_spectra(
        python=matchms, libraries=[tmp_path / "public.msp"], in_house=[tmp_path / "own.mgf"], **asked(tmp_path)
    )
    matches = read_commented(path=tmp_path / "out.tsv")
    order = ["feature", "score", "matched", "compound"]
    assert matches[order].equals(matches[order].sort_values(order, ascending=[True, False, False, True]))
    found = matches.set_index(["feature", "compound"])
    assert set(found.index) == {
        ("POS_2", "tryptophan"), ("POS_2", "other"), ("POS_1", "leucine"), ("POS_1", "isoleucine"),
    }  # fmt: skip
    # The precursor's peak, common to all, counts nowhere.
    assert found.loc[("POS_2", "tryptophan"), ["score", "matched"]].tolist() == [1.0, 5]
    assert found.loc[("POS_2", "other"), ["score", "matched"]].tolist() == [0.0, 0]
    assert found.loc[("POS_1", "leucine"), "in_house"]
    references = pd.DataFrame({"name": ["L-leucine"], "mode": ["positive"], "rt": [21.0], "adduct": [None]})
    for times, level in ((references, 1), (references.iloc[:0], 2)):
        result = annotate(features=table, panel=panel, settings=Settings(), matches=matches, references=times)
        assert result.annotations["compound"].tolist() == ["L-leucine", "L-tryptophan"]
        assert result.annotations["level"].tolist() == [level, 2]


@pytest.mark.tools
def test_a_library_without_a_usable_spectrum_is_told_in_one_line(matchms, tmp_path):
    (tmp_path / "q.mgf").write_text("BEGIN IONS\nFEATURE_ID=A\nPEPMASS=100\n50 1\nEND IONS\n")
    (tmp_path / "empty.msp").write_text("NAME: x\nNum Peaks: 1\n50\t1\n\n")
    with pytest.raises(GutaxisError, match=r"M68 empty\.msp: no spectrum can be compared") as caught:
        match_spectra(python=matchms, libraries=[tmp_path / "empty.msp"], in_house=[], **asked(tmp_path))
    assert "Traceback" not in str(caught.value)
    assert not (tmp_path / "out.tsv").exists()


@pytest.mark.tools
def test_no_queries_give_an_empty_table(matchms, tmp_path):
    (tmp_path / "q.mgf").write_text("")
    (tmp_path / "lib.msp").write_text(msp(("x", "", 205.0972, "positive", TRYPTOPHAN)))
    match_spectra(python=matchms, libraries=[tmp_path / "lib.msp"], in_house=[], **asked(tmp_path))
    assert read_commented(path=tmp_path / "out.tsv").empty


def test_the_program_imports_nothing_of_the_workflow():
    text = (PROJECT / "scripts" / "gutaxis" / "metabolome" / "spectral_match.py").read_text()
    assert "import gutaxis" not in text and "from gutaxis" not in text
    users = subprocess.run(
        ["grep", "-rlE", r"(import|from) .*spectral_match", str(PROJECT / "scripts")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert users.stdout == ""

"""Intake: every kind of broken file gets a named error; what a file holds is told as it is."""

import gzip

import numpy as np
import pandas as pd
import pytest
from tests.metabolome_files import abundances, compounds, injection, profile_of, write_mzml, write_mzmlb, write_mzxml

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.formats import is_profile
from gutaxis.metabolome.intake import inspect_file, intake
from gutaxis.metabolome.intake_table import COLUMNS, collect_intake
from gutaxis.metabolome.spectra import read_scans

pytestmark = pytest.mark.unit
TRUTH = compounds(n=8, seed=3, gradient=60.0)
LOG2 = abundances(truth=TRUTH, samples=["A"], absent=0.0)["A"]
SCANS = injection(truth=TRUTH, log2=LOG2, seed=1, gradient=60.0)
EMPTY = (np.array([]), np.array([]))


def look(path, *, mode="positive", **options):
    return inspect_file(sample="A", path=path, mode=mode, **options).row


def refused(path, *words, mode="positive", **options):
    with pytest.raises(GutaxisError) as caught:
        look(path, mode=mode, **options)
    text = str(caught.value)
    for word in (*words, path.name):
        assert word in text, text
    assert str(path.parent) not in text
    return caught.value.problems


@pytest.mark.parametrize("name", ["a.mzML", "a.mzML.gz", "a.MZML", "a.mzXML"])
def test_formats_give_the_same_content(tmp_path, name):
    path = (write_mzxml if "XML" in name else write_mzml)(tmp_path / name, SCANS)
    row = look(path)
    assert row["scans_declared"] == row["scans"] == row["ms1"] == row["ms1_used"] == len(SCANS)
    assert row["peaks"] == sum((scan[2] > 0).sum() for scan in SCANS)
    assert row["tic"] == pytest.approx(sum(scan[2].sum() for scan in SCANS), rel=1e-6)
    top = max(SCANS, key=lambda scan: scan[2].max())
    assert row["base_peak_intensity"] == pytest.approx(top[2].max(), rel=1e-6)
    assert row["base_peak_mz"] == pytest.approx(top[1][top[2].argmax()], rel=1e-6)
    assert row["scan_interval_s"] == pytest.approx(0.8, abs=2e-3)
    assert row["rt_max_s"] == pytest.approx(SCANS[-1][0], abs=2e-3)
    assert (row["polarity"], row["spectra"], row["spectra_said"]) == ("positive", "centroid", "centroid")
    assert row["notes"] is None


def test_mzmlb_is_read(tmp_path):
    row = look(write_mzmlb(tmp_path / "a.mzMLb", SCANS))
    assert row["format"] == "mzMLb"
    assert row["scans_declared"] == row["scans"] == len(SCANS)
    assert row["rt_max_s"] == pytest.approx(SCANS[-1][0], abs=1e-3)
    assert row["tic"] == pytest.approx(sum(scan[2].sum() for scan in SCANS), rel=1e-6)


def test_damaged_mzmlb_is_named(tmp_path):
    whole = write_mzmlb(tmp_path / "a.mzMLb", SCANS).read_bytes()
    (tmp_path / "cut.mzMLb").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path / "cut.mzMLb", "M02")


def test_mzmlb_in_an_unknown_compression_says_what_it_needs(tmp_path, monkeypatch):
    path = write_mzmlb(tmp_path / "a.mzMLb", SCANS)

    def refuse(*_, **__):
        raise OSError("Can't synchronously read data (can't open directory for filter plugins)")

    monkeypatch.setattr("pyteomics.mzmlb.MzMLb.__init__", refuse)
    refused(path, "M01", "hdf5plugin")


def test_file_without_index_is_read_like_one_with(tmp_path):
    rows = [look(write_mzml(tmp_path / f"{index}.mzML", SCANS, index=index)) for index in (True, False)]
    assert {**rows[0], "file": None} == {**rows[1], "file": None}


@pytest.mark.parametrize("share", [0.3, 0.9, 0.9999])
@pytest.mark.parametrize("packed", [False, True])
def test_truncated_file_is_named_with_how_far_it_was_read(tmp_path, share, packed):
    whole = write_mzml(tmp_path / "whole.mzML", SCANS).read_bytes()
    path = tmp_path / ("cut.mzML.gz" if packed else "cut.mzML")
    data = gzip.compress(whole, mtime=0) if packed else whole
    path.write_bytes(data[: int(len(data) * share)])
    refused(path, "M02", "truncated or damaged", "scans")


def test_damaged_binary_data_is_named(tmp_path):
    text = write_mzml(tmp_path / "a.mzML", SCANS).read_text()
    start = text.index("<binary>", len(text) // 2) + len("<binary>")
    path = tmp_path / "bits.mzML"
    path.write_text(text[: start + 8] + "AAAAAAAA" + text[start + 16 :])
    refused(path, "M02")


def test_arrays_of_unlike_length_are_named(tmp_path):
    rt, mz, intensity = SCANS[4]
    path = write_mzml(tmp_path / "a.mzML", [*SCANS[:4], (rt, mz, intensity[:-1])])
    refused(path, "M02", "in scan 5")


def test_scan_count_that_differs_from_the_header_is_named(tmp_path):
    path = write_mzml(tmp_path / "a.mzML", SCANS, count=len(SCANS) + 3)
    refused(path, "M03", f"promises {len(SCANS) + 3} scans, the file has {len(SCANS)}")


@pytest.mark.parametrize(("written", "mode"), [("positive", "negative"), ("negative", "positive")])
def test_other_polarity_is_named(tmp_path, written, mode):
    path = write_mzml(tmp_path / "a.mzML", SCANS, polarity=written)
    refused(path, "M04", f"says {mode}", f"are {written}", "file_1", mode=mode)


def test_negative_mzxml_is_recognised(tmp_path):
    path = write_mzxml(tmp_path / "a.mzXML", SCANS, polarity="-")
    assert look(path, mode="negative")["polarity"] == "negative"
    refused(path, "M04")


def test_file_that_switches_polarity_gives_each_mode_its_scans(tmp_path):
    words = ["positive" if number % 2 else "negative" for number in range(len(SCANS))]
    path = write_mzml(tmp_path / "a.mzML", SCANS, polarity=words)
    rows = {mode: look(path, mode=mode) for mode in ("positive", "negative")}
    assert rows["positive"]["ms1_used"] == words.count("positive")
    assert rows["negative"]["ms1_used"] == words.count("negative")
    assert rows["positive"]["polarity"] == "mixed"
    assert rows["positive"]["content"] != rows["negative"]["content"]
    assert rows["positive"]["ms1"] == len(SCANS)


def test_file_without_polarity_is_trusted_and_told(tmp_path):
    row = look(write_mzml(tmp_path / "a.mzML", SCANS, polarity=None))
    assert row["polarity"] == "unknown"
    assert "the sheet is trusted" in row["notes"]


def test_ms2_only_file_is_named(tmp_path):
    path = write_mzml(tmp_path / "a.mzML", [(*scan, 2) for scan in SCANS])
    refused(path, "M05", f"no MS1 scan among {len(SCANS)} scans")


def test_ms2_scans_are_counted_but_not_used(tmp_path):
    mixed = [scan if number % 3 == 0 else (*scan, 2) for number, scan in enumerate(SCANS)]
    row = look(write_mzml(tmp_path / "a.mzML", mixed))
    assert (row["ms1"], row["ms2"]) == (25, 50)
    assert row["peaks"] == sum((scan[2] > 0).sum() for scan in mixed if len(scan) == 3)


@pytest.mark.parametrize("scans", [1, 2])
def test_fewer_than_three_ms1_scans_are_named(tmp_path, scans):
    path = write_mzml(tmp_path / "a.mzML", SCANS[:scans])
    refused(path, "M06", f"{scans} MS1 scans")
    assert look(path, blank=True)["status"] == "empty"


def test_empty_blank_is_recorded_and_an_empty_sample_refused(tmp_path):
    path = write_mzml(tmp_path / "a.mzML", [(scan[0], *EMPTY) for scan in SCANS])
    row = look(path, blank=True)
    assert (row["status"], row["peaks"], row["tic"]) == ("empty", 0, 0.0)
    assert row["notes"] == "blank without signal"
    refused(path, "M10", f"no peak in {len(SCANS)} MS1 scans", "BLANK")
    nothing = write_mzml(tmp_path / "none.mzML", [])
    assert look(nothing, blank=True)["status"] == "empty"
    refused(nothing, "M05")


def test_profile_is_seen_whatever_the_file_says(tmp_path):
    wide = [profile_of(scan) for scan in SCANS]
    honest, wrong = (look(write_mzml(tmp_path / f"{kind}.mzML", wide, kind=kind)) for kind in ("profile", "centroid"))
    assert honest["spectra"] == wrong["spectra"] == "profile"
    assert "file says centroid: they are centroided" in wrong["notes"]
    assert honest["spectra_said"] == "profile"


@pytest.mark.parametrize("resolution", [8_000, 60_000])
def test_profile_detection_on_single_spectra(resolution):
    _, mz, height = SCANS[20]
    _, wide, tall = profile_of(SCANS[20], resolution=resolution)
    assert is_profile(mz=mz, intensity=height) is False
    assert is_profile(mz=wide, intensity=tall) is True
    assert is_profile(mz=mz[:2], intensity=height[:2]) is None


def test_minutes_are_read_as_seconds(tmp_path):
    minutes, seconds = (look(write_mzml(tmp_path / f"{unit}.mzML", SCANS, unit=unit)) for unit in ("minute", "second"))
    assert minutes["rt_unit"] == "minute"
    assert minutes["rt_max_s"] == pytest.approx(seconds["rt_max_s"])
    assert minutes["rt_factor"] == 1.0


def test_minutes_written_as_seconds_are_named_and_can_be_overruled(tmp_path):
    short = [(scan[0] / 60, *scan[1:]) for scan in SCANS]
    path = write_mzml(tmp_path / "a.mzML", short)
    refused(path, "M07", "set rt_unit to minute")
    row = look(path, rt_unit="minute")
    assert row["rt_max_s"] == pytest.approx(SCANS[-1][0])
    assert row["rt_factor"] == 60.0
    assert "against the file" in row["notes"]


def test_seconds_written_as_minutes_are_named_and_can_be_overruled(tmp_path):
    path = write_mzml(tmp_path / "a.mzML", [(scan[0] * 60, *scan[1:]) for scan in SCANS], unit="minute")
    refused(path, "M07", "set rt_unit to second")
    assert look(path, rt_unit="second")["rt_max_s"] == pytest.approx(SCANS[-1][0])


def test_no_unit_means_seconds_and_is_told(tmp_path):
    row = look(write_mzml(tmp_path / "a.mzML", SCANS, unit=None))
    assert row["rt_max_s"] == pytest.approx(SCANS[-1][0])
    assert "seconds are assumed" in row["notes"]


@pytest.mark.parametrize("value", [-5.0, np.nan, np.inf])
def test_impossible_intensities_are_named(tmp_path, value):
    rt, mz, intensity = SCANS[3]
    path = write_mzml(tmp_path / "a.mzML", [*SCANS[:3], (rt, mz, np.append(intensity[:-1], value)), *SCANS[4:]])
    refused(path, "M08", "1 points")


def test_unsorted_scans_and_points_are_sorted(tmp_path):
    path = write_mzml(tmp_path / "a.mzML", [(rt, mz[::-1], height[::-1]) for rt, mz, height in SCANS[::-1]])
    row = look(path)
    assert "not in order of time" in row["notes"]
    assert row["scan_interval_s"] == pytest.approx(0.8)
    assert all((np.diff(scan.mz) >= 0).all() for scan in read_scans(path=path))


@pytest.mark.parametrize("name", ["a.raw", "a.txt", "a.wiff"])
def test_vendor_formats_are_refused_with_what_to_do(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    refused(tmp_path / name, "M01", "msconvert")


def test_missing_and_empty_files_are_named(tmp_path):
    refused(tmp_path / "a.mzML", "M01", "no such file")
    (tmp_path / "a.mzML").write_bytes(b"")
    refused(tmp_path / "a.mzML", "M01", "is empty")


def test_parameters_in_a_group_are_found(tmp_path):
    text = write_mzml(tmp_path / "a.mzML", SCANS, index=False).read_text()
    polarity = '<cvParam cvRef="MS" accession="MS:1000130" name="positive scan"/>'
    group = (
        f'<referenceableParamGroupList count="1"><referenceableParamGroup id="G">{polarity}</referenceableParamGroup>'
    )
    text = text.replace(polarity, '<referenceableParamGroupRef ref="G"/>')
    text = text.replace("<softwareList", group + "</referenceableParamGroupList><softwareList", 1)
    path = tmp_path / "grouped.mzML"
    path.write_text(text)
    assert look(path)["polarity"] == "positive"


def standards_table(tmp_path, rows, columns=("name", "mz", "rt", "mode")):
    path = tmp_path / "standards.tsv"
    pd.DataFrame(rows, columns=columns).to_csv(path, sep="\t", index=False)
    return path


def run_intake(tmp_path, path, *, sample="A", standards=None, control="N"):
    outputs = {name: tmp_path / f"{sample}.{name}.tsv" for name in ("row", "trace", "masses")}
    intake(
        sample=sample,
        path=path,
        mode="positive",
        control=control,
        standards=standards,
        rt_unit="auto",
        search_ppm=20.0,
        **outputs,
    )
    return {name: pd.read_csv(output, sep="\t") for name, output in outputs.items()}


def test_mass_accuracy_is_the_planted_shift(tmp_path):
    shift = 4.0
    moved = [(rt, mz * (1 + shift * 1e-6), height) for rt, mz, height in SCANS]
    path = write_mzml(tmp_path / "a.mzML", moved)
    strong = TRUTH.sort_values("log_height").tail(3)
    rows = [(name, row["mz"], row["rt"], "positive") for name, row in strong.iterrows()]
    rows += [("not there", 333.3333, 30.0, None), ("other mode", 200.0, None, "negative")]
    made = run_intake(tmp_path, path, standards=standards_table(tmp_path, rows))
    row = made["row"].iloc[0]
    assert (row["standards"], row["standards_found"]) == (4, 3)
    assert row["error_ppm_median"] == pytest.approx(shift, abs=1.0)
    errors = made["masses"].set_index("name")["error_ppm"]
    assert set(errors.index) == {*strong.index, "not there"}
    assert errors[strong.index].to_numpy() == pytest.approx(np.full(3, shift), abs=1.5)
    assert np.isnan(errors["not there"])
    assert "not every internal standard" in row["notes"]


def test_retention_time_decides_between_isomers_of_a_standard(tmp_path):
    name = TRUTH["log_height"].idxmax()
    mz, rt = TRUTH.at[name, "mz"], TRUTH.at[name, "rt"]
    wide = injection(truth=TRUTH, log2=LOG2, seed=1, gradient=200.0)
    path = write_mzml(tmp_path / "a.mzML", wide)
    rows = [("here", mz, rt, None), ("elsewhere", mz, rt + 90, None), ("anywhere", mz, None, None)]
    table = standards_table(tmp_path, rows)
    heights = run_intake(tmp_path, path, standards=table)["masses"].set_index("name")["height"]
    assert heights["here"] == heights["anywhere"]
    assert not heights["elsewhere"] > heights["here"] / 10


@pytest.mark.parametrize(
    ("rows", "columns", "words"),
    [
        ([("a", "x", None, None)], ("name", "mz", "rt", "mode"), ["M12", "standards.tsv:2", "column=mz", "value=x"]),
        ([("a", 100, -4, None)], ("name", "mz", "rt", "mode"), ["M12", "column=rt", "value=-4"]),
        ([("a", 100, None, "up")], ("name", "mz", "rt", "mode"), ["M12", "column=mode", "value=up"]),
        ([("a", 100), ("a", 200)], ("name", "mz"), ["M12", "value=a", "twice"]),
        ([("a",)], ("name",), ["M12", "no column mz"]),
    ],
)
def test_broken_standards_are_named(tmp_path, rows, columns, words):
    path = write_mzml(tmp_path / "a.mzML", SCANS)
    with pytest.raises(GutaxisError) as caught:
        run_intake(tmp_path, path, standards=standards_table(tmp_path, rows, columns))
    for word in words:
        assert word in str(caught.value)


def test_outputs_are_complete_and_have_no_path(tmp_path):
    made = run_intake(tmp_path, write_mzml(tmp_path / "a.mzML", SCANS))
    assert list(made["row"].columns) == COLUMNS
    assert made["row"].at[0, "file"] == "a.mzML"
    assert len(made["trace"]) == len(SCANS)
    assert made["trace"]["tic"].sum() == pytest.approx(made["row"].at[0, "tic"])
    assert str(tmp_path) not in "".join(path.read_text() for path in tmp_path.glob("A.*.tsv"))


def test_two_samples_with_identical_content_are_named_and_order_is_irrelevant(tmp_path):
    other = injection(truth=TRUTH, log2=LOG2, seed=2, gradient=60.0)
    # the copy has another name, other times and another format: its points tell
    copies = [(rt + 5, mz, height) for rt, mz, height in SCANS]
    for sample, scans in (("B", other), ("A", SCANS), ("C", copies)):
        run_intake(tmp_path, write_mzml(tmp_path / f"{sample}.mzML.gz", scans), sample=sample)
    rows = {sample: tmp_path / f"{sample}.row.tsv" for sample in "ABC"}
    collect_intake(rows=[rows["B"], rows["A"]], output=tmp_path / "one.tsv")
    collect_intake(rows=[rows["A"], rows["B"]], output=tmp_path / "two.tsv")
    assert (tmp_path / "one.tsv").read_bytes() == (tmp_path / "two.tsv").read_bytes()
    with pytest.raises(GutaxisError, match=r"M09 .*value=A, C.*identical content"):
        collect_intake(rows=list(rows.values()), output=tmp_path / "three.tsv")


def test_same_masses_with_other_intensities_are_no_copies(tmp_path):
    louder = [(rt, mz, height * 2) for rt, mz, height in SCANS]
    rows = [look(write_mzml(tmp_path / f"{n}.mzML", scans)) for n, scans in enumerate((SCANS, louder))]
    assert rows[0]["content"] != rows[1]["content"]


def test_two_empty_blanks_are_no_copies(tmp_path):
    for sample in "AB":
        path = write_mzml(tmp_path / f"{sample}.mzML", [(scan[0], *EMPTY) for scan in SCANS])
        run_intake(tmp_path, path, sample=sample, control="BLANK")
    collect_intake(rows=[tmp_path / "A.row.tsv", tmp_path / "B.row.tsv"], output=tmp_path / "all.tsv")
    assert list(pd.read_csv(tmp_path / "all.tsv", sep="\t")["status"]) == ["empty", "empty"]

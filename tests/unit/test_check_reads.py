"""Read check: every kind of broken FASTQ gets a named error, every common name format is read."""

import gzip

import pandas as pd
import pytest

from gutaxis.errors import GutaxisError
from gutaxis.metagenome.check_reads import check_lane, check_reads
from gutaxis.metagenome.fastq import split_name

pytestmark = pytest.mark.unit
FORMATS = {
    "slash": ("r{}/1", "r{}/2"),
    "casava": ("r{} 1:N:0:ACGT", "r{} 2:N:0:ACGT"),
    "bare": ("r{}", "r{}"),
    "sra": ("SRR1.{} {} length=8", "SRR1.{} {} length=8"),
    "dot": ("SRR1.{}.1", "SRR1.{}.2"),
    "underscore": ("r{}_1", "r{}_2"),
}


def fastq(names, *, bases="ACGTACGT", quality=None):
    return "".join(f"@{name}\n{bases}\n+\n{quality or 'I' * len(bases)}\n" for name in names)


def write(path, text):
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return str(path)


def pair(folder, first, second, *, suffix=".fastq.gz"):
    return write(folder / f"a_R1{suffix}", first), write(folder / f"a_R2{suffix}", second)


@pytest.mark.parametrize("suffix", [".fastq", ".fastq.gz"])
@pytest.mark.parametrize("name", FORMATS)
def test_read_name_formats(tmp_path, name, suffix):
    one, two = FORMATS[name]
    files = pair(
        tmp_path, fastq(one.format(i, i) for i in range(5)), fastq(two.format(i, i) for i in range(5)), suffix=suffix
    )
    counts = check_lane(mates_1=files[0], mates_2=files[1])
    assert counts["reads"] == 5
    assert counts["bases"] == 80
    assert counts["quality_max"] == 40
    assert counts["name_format"] == ("bare" if name == "sra" else name)


def test_equal_names_that_end_in_a_number_are_no_mates():
    # `SRR1.1` in both files is read number 1, not mate 1
    assert split_name(name="SRR1.1")[2] == "dot"


def test_numbered_ids_equal_in_both_files(tmp_path):
    names = ["SRR1.1", "SRR1.2", "SRR1.3"]
    files = pair(tmp_path, fastq(names), fastq(names))
    assert check_lane(mates_1=files[0], mates_2=files[1])["name_format"] == "bare"


def refused(tmp_path, first, second, *words):
    one, two = pair(tmp_path, first, second)
    with pytest.raises(GutaxisError) as caught:
        check_lane(mates_1=one, mates_2=two)
    text = str(caught.value)
    assert text.startswith("R01 ")
    for word in words:
        assert word in text
    return text


GOOD = fastq(f"r{i}/1" for i in range(20)), fastq(f"r{i}/2" for i in range(20))


def test_unequal_mate_counts(tmp_path):
    refused(tmp_path, GOOD[0], fastq(f"r{i}/2" for i in range(19)), "a_R2.fastq.gz", "ends after 19 reads", "unequal")


def test_unequal_mate_counts_other_way(tmp_path):
    refused(tmp_path, fastq(f"r{i}/1" for i in range(7)), GOOD[1], "a_R1.fastq.gz", "ends after 7 reads")


def test_swapped_mates(tmp_path):
    refused(tmp_path, GOOD[1], GOOD[0], "mates are swapped", "Exchange file_1 and file_2")


def test_same_mate_twice(tmp_path):
    refused(tmp_path, GOOD[0], GOOD[0], "both hold mates 1")


def test_other_order(tmp_path):
    other = fastq(f"r{i}/2" for i in reversed(range(20)))
    refused(tmp_path, GOOD[0], other, "a_R2.fastq.gz:1", "do not match", "r0/1", "r19/2")


def test_record_without_quality(tmp_path):
    refused(tmp_path, GOOD[0] + "@r20/1\nACGT\n", GOOD[1], "a_R1.fastq.gz:81", "cut short")


def test_header_without_at(tmp_path):
    refused(tmp_path, GOOD[0].replace("@r3/1", "r3/1"), GOOD[1], "a_R1.fastq.gz:13", "does not start with @")


def test_quality_of_other_length(tmp_path):
    refused(tmp_path, GOOD[0] + "@r20/1\nACGT\n+\nIII\n", GOOD[1], "differ in length")


def test_truncated_gzip(tmp_path):
    one, two = pair(tmp_path, *(fastq(f"r{i}/{m}" for i in range(5000)) for m in (1, 2)))
    whole = (tmp_path / "a_R1.fastq.gz").read_bytes()
    (tmp_path / "a_R1.fastq.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(GutaxisError, match="truncated or damaged"):
        check_lane(mates_1=one, mates_2=two)


def test_damaged_gzip(tmp_path):
    one, two = pair(tmp_path, *GOOD)
    data = bytearray((tmp_path / "a_R1.fastq.gz").read_bytes())
    data[-6] ^= 0xFF  # checksum at the end of the gzip file
    (tmp_path / "a_R1.fastq.gz").write_bytes(bytes(data))
    with pytest.raises(GutaxisError, match="truncated or damaged"):
        check_lane(mates_1=one, mates_2=two)


def test_not_text(tmp_path):
    one, two = pair(tmp_path, *GOOD)
    (tmp_path / "a_R1.fastq.gz").write_bytes(bytes(range(128, 256)) * 10)
    with pytest.raises(GutaxisError, match="not text"):
        check_lane(mates_1=one, mates_2=two)


def test_missing_file(tmp_path):
    with pytest.raises(GutaxisError, match="does not exist"):
        check_lane(mates_1=str(tmp_path / "none.fastq.gz"), mates_2=None)


def test_windows_line_ends_are_read(tmp_path):
    one, two = pair(tmp_path, *(text.replace("\n", "\r\n") for text in GOOD))
    assert check_lane(mates_1=one, mates_2=two)["bases"] == 320


def test_single_end(tmp_path):
    one = write(tmp_path / "a.fastq.gz", fastq(f"r{i}" for i in range(4)))
    assert check_lane(mates_1=one, mates_2=None) == {
        "layout": "single",
        "name_format": "bare",
        "reads": 4,
        "bases": 32,
        "length_min": 8,
        "length_max": 8,
        "quality_max": 40,
    }


def test_empty_sample_is_refused_but_an_empty_blank_is_not(tmp_path):
    one, two = pair(tmp_path, "", "")
    arguments = {"mates_1": [one], "mates_2": [two], "output": tmp_path / "out.tsv"}
    with pytest.raises(GutaxisError, match=r"R02 .*sample S1 has no reads.*qc to FAIL"):
        check_reads(sample="S1", control=False, **arguments)
    assert not (tmp_path / "out.tsv").exists()
    check_reads(sample="BLANK", control=True, **arguments)
    assert pd.read_csv(tmp_path / "out.tsv", sep="\t")["reads"].tolist() == [0]


def test_all_lanes_are_reported_together(tmp_path):
    good = pair(tmp_path, *GOOD)
    with pytest.raises(GutaxisError) as caught:
        check_reads(
            sample="S1",
            mates_1=[str(tmp_path / "x1"), good[0], str(tmp_path / "x2")],
            mates_2=[good[1]] * 3,
            control=False,
            output=tmp_path / "out.tsv",
        )
    assert len(caught.value.problems) == 2


def test_path_with_a_space(tmp_path):
    folder = tmp_path / "my reads"
    folder.mkdir()
    one, two = pair(folder, *GOOD)
    check_reads(sample="S1", mates_1=[one], mates_2=[two], control=False, output=folder / "check reads.tsv")
    assert (folder / "check reads.tsv").read_text().splitlines()[1].split("\t")[:3] == ["S1", "1", "paired"]

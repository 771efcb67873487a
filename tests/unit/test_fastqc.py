"""FastQC's results of the same reads have the same bytes: no day, no times of files."""

import zipfile

import pytest

from gutaxis.metagenome.fastqc import pack_without_date, without_date

pytestmark = pytest.mark.unit
PAGE = (
    '<style>#header_filename {{}}</style><div id="header_filename">{day}<br/>S1_raw_R1.fastq.gz</div>'
    "<p>Tue 24 Nov 2026</p>"
)


def test_a_page_without_its_day():
    page = without_date(page=PAGE.format(day="Tue 24 Nov 2026").encode())
    assert page.decode() == PAGE.format(day="")


def test_zips_of_two_days_are_equal_and_whole(tmp_path):
    for number, day in enumerate(("Tue 24 Nov 2026", "Fri 1 Jan 2027"), start=1):
        with zipfile.ZipFile(tmp_path / f"{number}.zip", "w") as archive:
            members = {"S1/": "", "S1/fastqc_report.html": PAGE.format(day=day), "S1/fastqc_data.txt": "##FastQC\n"}
            for name in members if number == 1 else reversed(members):
                archive.writestr(zipfile.ZipInfo(name, (2026, 11, 23 + number, 1, 2, 4)), members[name])
        pack_without_date(path=tmp_path / f"{number}.zip")
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "1.zip") as archive:
        # MultiQC takes the first member for the folder of the others
        assert archive.namelist() == ["S1/", "S1/fastqc_data.txt", "S1/fastqc_report.html"]
        assert archive.read("S1/fastqc_data.txt") == b"##FastQC\n"
        assert b"<br/>S1_raw_R1" in archive.read("S1/fastqc_report.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.zip", "2.zip"]

"""A full file system is known as the cause, told with its name and size, and next to no space is not trusted."""

import errno
import re
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from gutaxis import disk
from gutaxis.disk import check_space, disk_words, full_problem, is_full, mount_point, size_words, tells_full
from gutaxis.errors import GutaxisError
from gutaxis.metagenome.programs import scratch_folder

pytestmark = pytest.mark.unit
Usage = namedtuple("Usage", "total used free")


def raised(error, cause=None):
    try:
        raise error from cause
    except Exception as caught:  # noqa: BLE001
        return caught


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (OSError("Can't write data (file write failed, errno = 28, error message = 'No space left on device')"), True),
        (GutaxisError("KneadData of S1 failed (ended with status 1):\n  IOError: No space left on device"), True),
        (OSError(errno.ENOENT, "No such file"), False),
        (GutaxisError("KneadData of S1 failed (ended with status 28)"), False),
        (ValueError("No space left on device"), False),  # text of a cell, not of a system
        (raised(ValueError("x"), OSError(errno.ENOSPC, "No space left")), True),
        (raised(ValueError("x"), KeyError("y")), False),
    ],
)
def test_what_is_a_full_file_system(error, full):
    assert is_full(error) is full


def test_words_in_a_log():
    assert tells_full(text="awk: write failure (No space left on device)")
    assert tells_full(text="Command 'python x.py' returned non-zero exit status 28.")
    assert not tells_full(text="returned non-zero exit status 1. 28 samples; exit status 280")


@pytest.mark.parametrize(
    ("number", "words"), [(999, "999 bytes"), (131072, "131 kB"), (5e9, "5 GB"), (2.5e13, "25 TB")]
)
def test_sizes(number, words):
    assert size_words(number) == words


def test_mount_point_of_what_is_not_there_yet(tmp_path):
    assert mount_point(tmp_path / "a" / "b") == mount_point(tmp_path)
    assert mount_point("/proc/self") == Path("/proc")


def test_a_program_that_filled_its_file_system_is_not_trusted(tmp_path, monkeypatch):
    check_space(folder=tmp_path, what="MetaPhlAn")
    with scratch_folder(beside=tmp_path / "x.tsv", name="metaphlan_S1"):
        pass
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(2_000_000, 1_990_000, 10_000))
    with (
        pytest.raises(GutaxisError) as error,
        scratch_folder(beside=tmp_path / "x.tsv", name="metaphlan_S1") as work,
    ):
        (work / "cut.sam").write_text("short of what it should be")
    [problem] = error.value.problems
    assert problem.code == "K06" and "metaphlan_S1: no space left on" in problem.wrong
    assert "(2 MB, 10 kB free now)" in problem.wrong and "give the same command again" in problem.mend
    assert list(tmp_path.iterdir()) == []
    assert is_full(error.value), "the job says so by its status too"


def test_the_ending_names_the_file_system_what_it_holds_and_what_is_needed(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "mount_point", lambda path: Path("/data" if "results" in str(path) else "/"))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(2e9, 2e9, 3e6))
    places = {"the results": "results/x", "Snakemake's records": ".snakemake", "temporary files": "/tmp"}
    assert disk_words(text="an error of another kind", places=places) == []
    one = disk_words(text="[Errno 28] No space left on device: '/data/results/x/t.tsv'", places=places, needed_gb=12)
    assert one[0] == "A file system is full:"
    assert one[1] == "  /data: 2 GB, 3 MB free now; holds the results (results/x)"
    assert one[2] == "The whole run takes about 12 GB (`snakemake estimate` tells of what)."
    unknown = disk_words(text="No space left on device", places=places)
    assert unknown[0] == "A file system is full, one of these:"
    assert [re.match(r"  (\S+):", line)[1] for line in unknown[1:3]] == ["/", "/data"]
    assert "Snakemake's records (.snakemake), temporary files (/tmp)" in unknown[1]


def test_the_problem_names_the_folder_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    problem = full_problem(folder=tmp_path / "results" / "x", what="layer")
    assert problem.file == "results/x" and problem.wrong.startswith("layer: no space left on /")

"""Slurm jobs of a killed run: cancelled by their ids, those of other folders are not (a stand-in for Slurm)."""

import os

import pytest

from gutaxis.errors import GutaxisError
from gutaxis.provenance import cluster_jobs
from gutaxis.provenance.cluster_jobs import end_cluster_jobs

pytestmark = pytest.mark.unit
SQUEUE = '#!/bin/sh\n[ "$1" = --me ] || exit 2\ncat "{folder}/queue"\n'
SCANCEL = '#!/bin/sh\necho "$1" >> "{folder}/cancelled"\n{action}\n'
GOES = 'grep -v "^$1|" "{folder}/queue" > "{folder}/rest"; mv "{folder}/rest" "{folder}/queue"'


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """Write a queue and the programs that tell it and cancel its jobs; returns the numbers that were cancelled."""
    monkeypatch.setattr(cluster_jobs, "PAUSE", 0.01)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def write(rows, action=GOES):
        (tmp_path / "queue").write_text("".join(f"{job}|{place}\n" for job, place in rows))
        for name, text in (("squeue", SQUEUE), ("scancel", SCANCEL.replace("{action}", action))):
            (tmp_path / name).write_text(text.replace("{folder}", str(tmp_path)))
            (tmp_path / name).chmod(0o755)

    write.cancelled = lambda: (tmp_path / "cancelled").read_text().split() if (tmp_path / "cancelled").exists() else []
    return write


def test_jobs_of_the_dead_run_alone_are_cancelled(queue, tmp_path):
    queue([("11", tmp_path), ("12_3", tmp_path), ("13", "/elsewhere"), ("14", tmp_path)])
    words = end_cluster_jobs(ids=["11", "12_3", "13", "99"], folder=tmp_path)
    assert words.endswith("cancelled: 11, 12_3.")
    assert queue.cancelled() == ["11", "12_3"]


def test_an_empty_queue_and_no_ids(queue, tmp_path):
    queue([])
    assert end_cluster_jobs(ids=["11"], folder=tmp_path) == ""
    assert end_cluster_jobs(ids=[], folder=tmp_path) == ""


def test_jobs_that_do_not_end_are_named(queue, tmp_path):
    queue([("11", tmp_path)], action=":")
    with pytest.raises(GutaxisError, match=r"K07 .*do not end \(11\)"):
        end_cluster_jobs(ids=["11"], folder=tmp_path, patience=0.1)
    assert queue.cancelled() == ["11"], "asked once"


def test_slurm_that_does_not_answer(queue, tmp_path):
    queue([("11", tmp_path)])
    (tmp_path / "squeue").write_text("#!/bin/sh\necho no controller >&2\nexit 1\n")
    with pytest.raises(GutaxisError, match=r"K07 .*no controller"):
        end_cluster_jobs(ids=["11"], folder=tmp_path)


def test_another_cluster_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "on a cluster (11)" in end_cluster_jobs(ids=["11"], folder=tmp_path)

"""What a killed run left: its processes are ended, its half-written files removed, nobody else's."""

import contextlib
import os
import subprocess
import sys
import time
import uuid
from dataclasses import replace

import psutil
import pytest

from gutaxis.errors import GutaxisError
from gutaxis.files import RUN, atomic_write, run_mark
from gutaxis.metagenome.programs import scratch_folder
from gutaxis.provenance import takeover
from gutaxis.provenance.run_lock import LOCK, RunLock, this_run
from gutaxis.provenance.takeover import clear_leftovers, end_jobs, start_run

pytestmark = pytest.mark.unit
# starts a child and tells its number, then both wait
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def family():
    """Start a process and its child with an id of a run in their environment; ended after the test."""
    started = []

    def start(run):
        environment = {**os.environ, RUN: run}
        process = subprocess.Popen([sys.executable, "-c", PARENT], env=environment, stdout=subprocess.PIPE, text=True)
        child = psutil.Process(int(process.stdout.readline()))
        started.extend([process, child])
        return process, child

    yield start
    for process in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
        if isinstance(process, subprocess.Popen):
            process.wait()
            process.stdout.close()


def gone(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_jobs_of_a_dead_run_are_ended_and_those_of_others_are_not(family):
    dead, living = uuid.uuid4().hex, uuid.uuid4().hex
    parent, child = family(dead)
    other, other_child = family(living)
    ended = end_jobs(runs=[dead])
    assert parent.wait(timeout=10) == -9
    assert gone(child)
    assert sorted(int(words.split()[-1]) for words in ended) == sorted([parent.pid, child.pid])
    assert other.poll() is None and not gone(other_child)
    assert end_jobs(runs=[dead]) == []


def test_a_process_that_does_not_end_is_named(family, monkeypatch):
    dead = uuid.uuid4().hex
    parent, _ = family(dead)
    monkeypatch.setattr(psutil.Process, "kill", lambda self: None)
    with pytest.raises(GutaxisError) as error:
        end_jobs(runs=[dead], patience=0.2)
    [problem] = error.value.problems
    assert problem.code == "K05" and str(parent.pid) in problem.wrong


def test_leftovers_of_the_dead_run_and_no_others(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    out = tmp_path / "with blank" / "out"
    dead, living = uuid.uuid4().hex, uuid.uuid4().hex
    expected, kept = [], []
    for run in (dead, living):
        monkeypatch.setenv(RUN, run)
        files = atomic_write(out / "taxa.tsv"), scratch_folder(beside=out / "x.tsv", name="humann_S1")
        kept.append(files)  # a context that nobody holds clears up by itself
        for context in files:
            made = context.__enter__()
            (made / "in").write_text("x") if made.is_dir() else made.write_text("half")
        expected += [] if run == dead else [path for path in out.iterdir() if run_mark(dead) not in path.name]
    (out / "result.tsv").write_text("whole")
    (out / f"{dead[:12]}-is-no-hidden-name").write_text("whole")
    assert len(list((tmp_path / "tmp").iterdir())) == 2
    assert clear_leftovers(folder=out, runs=[dead]) == 3
    assert sorted(out.iterdir()) == sorted([*expected, out / "result.tsv", out / f"{dead[:12]}-is-no-hidden-name"])
    assert [path.name.startswith(f"gutaxis-{run_mark(living)}") for path in (tmp_path / "tmp").iterdir()] == [True]
    assert clear_leftovers(folder=out, runs=[dead]) == 0
    for context in kept[0] + kept[1]:
        with contextlib.suppress(FileNotFoundError):
            context.__exit__(None, None, None)


def begun(tmp_path, monkeypatch, **settings):
    """Start a run in this process; what it would release at its end is kept in ``locks``."""
    locks = []
    monkeypatch.setattr(takeover.atexit, "register", locks.append)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(RUN, "")
    return start_run(**settings), locks


def test_a_run_begins_where_nothing_was_left(tmp_path, monkeypatch):
    words, locks = begun(tmp_path, monkeypatch, folders=["out"], shared=["data"])
    assert words == ""
    assert len(os.environ[RUN]) == 32
    assert (tmp_path / "out" / LOCK).exists() and not (tmp_path / "data").exists()
    for release in locks:
        release()
    assert list((tmp_path / "out").iterdir()) == []


def test_a_run_begins_after_a_killed_one(tmp_path, monkeypatch, family):
    dead = replace(this_run(), birth="1")
    for folder in ("out", "data"):
        (tmp_path / folder).mkdir()
        RunLock(folder=tmp_path / folder)._create(holder=dead)
        (tmp_path / folder / f".taxa.tsv.{run_mark(dead.run)}17.part").write_text("half")
    parent, child = family(dead.run)
    words, locks = begun(tmp_path, monkeypatch, folders=["out"], shared=["data"])
    first, second = words.splitlines()
    assert first.startswith(f"out: an earlier run (process {dead.pid}, 2") and "was killed" in first
    assert f"{parent.pid}" in first and f"{child.pid}" in first and "have been removed (1)" in first
    assert second.startswith("data: ") and "have been ended" not in second
    assert parent.wait(timeout=10) == -9 and gone(child)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [LOCK]
    assert list((tmp_path / "data").iterdir()) == [], "a folder that is only read is not kept locked"
    for release in locks:
        release()


def test_a_killed_run_is_told_once(tmp_path, monkeypatch):
    dead = replace(this_run(), birth="1")
    for folder in ("out", "data"):
        (tmp_path / folder).mkdir()
        RunLock(folder=tmp_path / folder)._create(holder=dead)
    words, locks = begun(tmp_path, monkeypatch, folders=["out", "data"])
    assert len(words.splitlines()) == 1
    assert len(locks) == 2
    for release in locks:
        release()
    assert [list((tmp_path / folder).iterdir()) for folder in ("out", "data")] == [[], []]


def test_a_refused_run_leaves_no_lock_behind_and_ends_nobody(tmp_path, monkeypatch, family):
    living = this_run()
    (tmp_path / "data").mkdir()
    RunLock(folder=tmp_path / "data")._create(holder=living)
    parent, child = family(living.run)
    with pytest.raises(GutaxisError, match="K01"):
        begun(tmp_path, monkeypatch, folders=["data", "out", "a"])
    time.sleep(0.2)
    assert parent.poll() is None and not gone(child)
    assert list((tmp_path / "a").iterdir()) == []
    assert [path.name for path in (tmp_path / "data").iterdir()] == [LOCK]

"""One folder takes one run at a time; a lock of a dead run is taken over."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from gutaxis.errors import GutaxisError
from gutaxis.provenance.run_lock import LOCK, RunLock, birth, read_holder, this_run

pytestmark = pytest.mark.unit
RACE = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from gutaxis.errors import GutaxisError
from gutaxis.provenance.run_lock import RunLock, this_run
lock, holder = RunLock(folder=sys.argv[2]), this_run()
print("ready", flush=True)
sys.stdin.readline()
try:
    lock.take(holder=holder)
    print("taken", flush=True)
except GutaxisError as error:
    print(error, flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def ended():
    """A run whose process is no more."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True)
    holder = replace(this_run(), pid=process.pid, birth=birth(pid=process.pid))
    assert holder.is_alive() is True
    process.communicate("\n")
    return holder


def locked_by(folder, holder):
    RunLock(folder=folder)._create(holder=holder)
    return RunLock(folder=folder)


def test_taken_and_released(tmp_path):
    lock = RunLock(folder=tmp_path / "results" / "x")
    holder = this_run(command=["snakemake", "--config", "a b"])
    assert lock.take(holder=holder) is None
    told = json.loads((tmp_path / "results/x" / LOCK).read_text())
    assert told["pid"] == os.getpid()
    assert told["command"] == "snakemake --config 'a b'"
    assert [path.name for path in lock.folder.iterdir()] == [LOCK]
    lock.release()
    assert list(lock.folder.iterdir()) == []
    lock.release()  # twice does no harm


def test_a_living_run_refuses_and_is_named(tmp_path):
    first = RunLock(folder=tmp_path)
    first.take(holder=this_run(command=["snakemake", "all"]))
    with pytest.raises(GutaxisError) as error:
        RunLock(folder=tmp_path).take(holder=this_run())
    [problem] = error.value.problems
    assert problem.code == "K01"
    assert f"process {os.getpid()}, since 2" in problem.wrong and "`snakemake all`" in problem.wrong
    assert f"kill {os.getpid()}" in problem.mend and "another output" in problem.mend
    assert read_holder(text=first.path.read_text()) == first.holder


def test_a_dead_run_is_taken_over_and_not_forgotten_before_it_is_cleared(tmp_path, ended):
    lock = locked_by(tmp_path, ended)
    assert lock.is_stale()
    assert lock.take(holder=this_run()) == ended
    lock.release()  # as if the new run stopped before it had cleared
    assert read_holder(text=lock.path.read_text()).before == (ended.run,)
    again = RunLock(folder=tmp_path)
    interrupted = replace(this_run(), birth="0", before=(ended.run,))
    lock.path.write_text(json.dumps(interrupted.__dict__))
    again.take(holder=this_run())
    assert again.holder.before == (ended.run, interrupted.run)
    again.settle()
    assert read_holder(text=again.path.read_text()).before == ()
    again.release()
    assert list(tmp_path.iterdir()) == []


def test_another_process_with_the_same_number_is_not_taken_for_the_run(tmp_path):
    reused = replace(this_run(), birth="1")  # of the machine's first second
    assert reused.is_alive() is False
    assert locked_by(tmp_path, reused).take(holder=this_run()) == reused


def test_a_machine_that_was_started_anew(tmp_path):
    assert replace(this_run(), boot="another").is_alive() is False


@pytest.mark.parametrize(
    ("changes", "words"), [({"host": "node7"}, "on node7"), ({"namespace": "pid:[1]"}, "container")]
)
def test_another_machine_or_container_cannot_be_told(tmp_path, ended, changes, words):
    with pytest.raises(GutaxisError) as error:
        locked_by(tmp_path, replace(ended, **changes)).take(holder=this_run())
    [problem] = error.value.problems
    assert problem.code == "K02"
    assert words in problem.wrong and str(tmp_path / LOCK) in problem.mend


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', "null"])
def test_a_damaged_lock_is_named_and_never_removed(tmp_path, text):
    (tmp_path / LOCK).write_text(text)
    with pytest.raises(GutaxisError) as error:
        RunLock(folder=tmp_path).take(holder=this_run())
    assert error.value.problems[0].code == "K03"
    assert (tmp_path / LOCK).read_text() == text
    assert not RunLock(folder=tmp_path).is_stale()


def test_a_lock_of_another_run_is_not_released(tmp_path):
    lock = RunLock(folder=tmp_path)
    lock.take(holder=this_run())
    other = locked_by(tmp_path / "elsewhere", this_run()) if (tmp_path / "elsewhere").mkdir() is None else None
    lock.path.write_text(other.path.read_text())
    lock.release()
    assert lock.path.exists()


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(GutaxisError) as error:
        RunLock(folder=tmp_path / "file").take(holder=this_run())
    assert error.value.problems[0].code == "K04"


def test_a_run_that_was_killed_while_it_wrote_its_lock(tmp_path, ended):
    (tmp_path / f"{LOCK}.{ended.run}").write_text(json.dumps(ended.__dict__))
    other = this_run()
    (tmp_path / f"{LOCK}.{other.run}").write_text(json.dumps(other.__dict__))  # a start under way
    RunLock(folder=tmp_path).take(holder=this_run())
    assert sorted(path.name for path in tmp_path.iterdir()) == [LOCK, f"{LOCK}.{other.run}"]


@pytest.mark.parametrize("stale", [False, True])
def test_of_many_starts_at_once_one_wins(tmp_path, ended, stale):
    if stale:
        locked_by(tmp_path, ended)
    scripts = next(path for path in sys.path if path.endswith("scripts"))
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, scripts, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    try:
        assert [start.stdout.readline() for start in starts] == ["ready\n"] * 6
        for start in starts:
            start.stdin.write("go\n")
            start.stdin.flush()
        answers = [start.stdout.readline() for start in starts]
    finally:
        for start in starts:
            start.kill()
            start.communicate()
    assert answers.count("taken\n") == 1, answers
    assert sum(answer.startswith("K01 ") for answer in answers) == 5, answers

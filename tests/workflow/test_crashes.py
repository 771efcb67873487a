"""Crashes: killed runs, full disks, two runs at once. The same command goes on, and nothing half-written is trusted."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest
import yaml

from gutaxis.files import RUN
from gutaxis.provenance.run_lock import LOCK, this_run
from gutaxis.simulate.multilayer import simulate_study
from gutaxis.simulate.multilayer_run import write_run
from tests.crashing import NOT_RESULTS, alive, crash_through, digests
from tests.workflow.conftest import make_project, make_trial

OUT = "results/trial"
KILLS = 20
#: A file that a study of tables makes in a moment.
PAIRS = "results/study/clinical/pairs.tsv"


def study_of_tables(project, *, output="results/study", name="study"):
    """Write a small simulated study of finished tables; return the path of its config."""
    before = Path.cwd()
    os.chdir(project.folder)
    try:
        study = simulate_study(n=16, seed=1, sizes={"taxa": 30}, profile="detectable")
        write_run(study=study, folder=Path(name), output=output)
    finally:
        os.chdir(before)
    return f"{name}/config.yaml"


def test_twenty_kills_and_no_byte_differs_also_in_a_path_with_blanks(request, tmp_path):
    again = make_project(tmp_path / "my project folder")
    make_trial(again)
    config = yaml.safe_load((again.folder / "trial/config.yaml").read_text())
    config["metagenome"]["reads"] = {"keep": False}
    again.write("temporary.yaml", config)
    kills, texts, status = crash_through(
        project=again, arguments=["--configfile", "temporary.yaml"], kills=KILLS, seed=20, limit=5400
    )
    assert status == 0, texts[-1][-6000:]
    at_work = [one for one in kills if one.done]
    assert len(at_work) >= KILLS, kills
    assert not any("Traceback" in text for text in texts), "\n".join(texts)[-6000:]
    # jobs that outlived their Snakemake were found by the next start
    orphans = [process for one in kills for process in one.orphans]
    assert orphans and "have been ended" in "".join(texts)
    assert not [process for process in orphans if alive(process)]

    out = again.folder / OUT
    assert not list((out / "metagenome/reads").glob("*")), "with keep: false cleaned reads are temporary"
    left = [path for folder in (out, again.folder / "simulated") for path in folder.rglob(".*")]
    assert [path for path in left if path.name != ".snakemake_timestamp"] == [], "half-written files, locks"

    # comes last: meanwhile another process of the tests may have run it
    finished = request.getfixturevalue("finished")
    first = digests(finished.folder / OUT, apart=NOT_RESULTS)
    second = digests(out, apart=NOT_RESULTS)
    # the undisturbed run keeps its cleaned reads
    first = {name: digest for name, digest in first.items() if not name.startswith("metagenome/reads/")}
    assert len(first) > 600
    assert set(first) == set(second)
    assert [name for name in first if first[name] != second[name]] == []
    assert digests(finished.folder / "simulated") == digests(again.folder / "simulated")


def _words(process):
    """The command line of a process, empty of one that has ended meanwhile: Snakemake starts and ends helpers."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # a zombie too: ZombieProcess is a kind of it
        return ""


@pytest.fixture
def sleeper(project):
    """A run at work in results/study: its first job sleeps. Ended after the test; gives its process and its config."""
    config = study_of_tables(project)
    path = project.folder / "scripts/completeness.py"
    awake = path.read_text()
    path.write_text("import time\n\ntime.sleep(600)\n")
    command = [sys.executable, "-m", "snakemake", "--cores", "2", PAIRS, "--configfile", config]
    with open(project.folder / "sleeper.txt", "w") as sink:
        start = subprocess.Popen(command, cwd=project.folder, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
    process = psutil.Process(start.pid)
    deadline = time.monotonic() + 120
    while not [child for child in process.children(recursive=True) if "completeness" in _words(child)]:
        assert start.poll() is None and time.monotonic() < deadline, (project.folder / "sleeper.txt").read_text()
        time.sleep(0.2)
    family = [process, *process.children(recursive=True)]
    path.write_text(awake)
    yield start, config, family
    for member in family:
        if member.is_running():
            member.kill()
    start.wait()


def test_two_runs_at_once(sleeper, project):
    start, config, family = sleeper
    lock = project.folder / "results/study" / LOCK
    told = lock.read_text()
    second = project.run(PAIRS, "--configfile", config, check=False)
    assert second.returncode == 1
    assert re.search(
        rf"K01 results/study/{re.escape(LOCK)}: Another run works here: process {start.pid}, since 20", second.text
    )
    assert f"kill {start.pid}" in second.text and "No job was started" in second.text
    assert "Traceback" not in second.text
    assert lock.read_text() == told and all(alive(member) for member in family), "the first is not disturbed"
    # a plan may be made at any time, and another output is free
    assert project.planned("--configfile", config, "--cores", "2", PAIRS) == {"completeness": 1}
    other = study_of_tables(project, output="results/other", name="second")
    project.run("results/other/clinical/pairs.tsv", "--configfile", other)
    assert not (project.folder / "results/other" / LOCK).exists(), "released at the end"

    # Snakemake alone is killed: its job goes on as an orphan, and the same command ends it and makes the file
    start.kill()
    start.wait()
    orphans = [member for member in family[1:] if alive(member)]
    assert orphans and all(member.environ()[RUN] for member in orphans)
    done = project.run(PAIRS, "--configfile", config)
    assert f"an earlier run (process {start.pid}, " in done.text and "have been ended" in done.text
    assert not [one for one in orphans if alive(one)]
    assert (project.folder / PAIRS).exists() and not lock.exists()


def test_a_lock_of_another_machine_names_it_and_the_file(project):
    config = study_of_tables(project)
    lock = project.folder / "results/study" / LOCK
    lock.parent.mkdir(parents=True)
    text = json.dumps(asdict(replace(this_run(), host="login2")))
    lock.write_text(text)
    done = project.run(PAIRS, "--configfile", config, check=False)
    assert done.returncode == 1
    assert "K02" in done.text and "on login2" in done.text and f"remove results/study/{LOCK}" in done.text
    assert lock.read_text() == text


@pytest.fixture
def small_disk(tmp_path):
    """A function that makes a folder a file system of a given size, and then changes the size."""
    mounted = []

    def sized(folder, size):
        folder.mkdir(parents=True, exist_ok=True)
        options = f"size={size}" + (",remount" if folder in mounted else "")
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "gutaxis-test", str(folder)],
            text=True,
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
        mounted.append(folder)

    yield sized
    for folder in set(mounted):
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Digests of the layers of the study of tables, on a disk with room."""
    project = make_project(tmp_path_factory.mktemp("undisturbed") / "project")
    project.run("layers", "--configfile", study_of_tables(project))
    return digests(project.folder / "results/study")


@pytest.mark.parametrize("whole_project", [False, True])
def test_a_full_disk_is_named_and_nothing_half_written_is_trusted(tmp_path, small_disk, undisturbed, whole_project):
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting a small file system needs root")
    project = make_project(tmp_path / "project")
    config = study_of_tables(project)
    disk = project.folder / "results"
    small_disk(disk, "128k")
    if whole_project:  # Snakemake's records on the same file system
        (disk / "records").mkdir()
        (project.folder / ".snakemake").symlink_to("results/records")
    full = project.run("layers", "--configfile", config, check=False)
    assert full.returncode == 1
    words = full.text[full.text.rindex("A file system is full") :]
    assert re.search(rf"{re.escape(str(disk))}: 131 kB, \S+ \w+ free now; holds the results \(results/study\)", words)
    assert re.search(r"The whole run takes about \S+ .B \(`snakemake estimate`", words)
    assert "Nothing half-written is trusted" in words and "same command again" in words
    # what is there is whole: the same as without a full disk
    partly = digests(project.folder / "results/study")
    assert 0 < len(partly) < len(undisturbed)
    assert {name: undisturbed[name] for name in partly} == partly

    small_disk(disk, "64m")
    project.run("layers", "--configfile", config)
    assert digests(project.folder / "results/study") == undisturbed

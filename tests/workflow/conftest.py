"""Running Snakemake for real: a copy of the project in a folder of its own, a small simulated trial in it."""

import fcntl
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from gutaxis.simulate.__main__ import write_trial

ROOT = Path(__file__).parents[2]
#: Files that take long, the longest first: they start first, and the short ones fill the gaps.
LONGEST = ("test_end_to_end", "test_crashes", "test_slurm", "test_small_trial", "test_metagenome_tools", "test_s3",
           "test_published_cohorts")  # fmt: skip
#: Read what another file made: in the end, nothing waits for it.
LAST = ("test_report", "test_certificate")
#: Snakemake 9 looks for work once more a second for every job that ended, which by the end of a run takes a third of a
#: core: a longer timespan makes that rarer. The last timer is waited for, so a run ends up to so much later.
CALM = ("--max-jobs-per-timespan", "1000/5s")
PARTS = ("Snakefile", "pyproject.toml", "rules", "scripts", "envs", "config", "profiles", "resources")


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if item.path.parent == here:
            item.add_marker(pytest.mark.workflow)

    def place(item):
        if item.path.parent != here:
            return -1
        if item.path.stem in LAST:
            return len(LONGEST) + 1
        return LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST)

    items.sort(key=place)  # keeps the order of tests that share a place


@dataclass
class Project:
    """A copy of the project's code; ``run`` starts Snakemake in it."""

    folder: Path

    def run(self, *arguments, check=True, cores=2, timeout=2400):
        command = [sys.executable, "-m", "snakemake", "--cores", str(cores), *CALM, *map(str, arguments)]
        done = subprocess.run(
            command,
            check=False,
            cwd=self.folder,
            text=True,
            capture_output=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
        done.text = done.stdout + done.stderr
        if check:
            assert done.returncode == 0, done.text[-6000:]
        return done

    def planned(self, *arguments):
        """Return rule -> number of jobs of a dry-run; an empty dictionary if there is nothing to do."""
        text = self.run("--dry-run", "--quiet", "reason", *arguments).text
        if "Nothing to be done" in text:
            return {}
        table = text.split("Job stats:")[1].split("total")[0].splitlines()
        rows = [line.split() for line in table if len(line.split()) == 2]
        return {name: int(count) for name, count in rows if count.isdigit()}

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return path

    def config(self, name, **changes):
        """Write a config that is the trial's with some top-level keys replaced; return its path."""
        config = yaml.safe_load((self.folder / "trial" / "config.yaml").read_text())
        return self.write(name, {**config, **changes})


def make_project(folder):
    folder.mkdir(parents=True)
    # compiled modules are copied too: they stay valid, and no job has to compile the library anew
    ignore = shutil.ignore_patterns("databases", "simulated")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=ignore)
        else:
            shutil.copy(source, folder / part)
    (folder / ".tools").symlink_to(ROOT / ".tools")
    return Project(folder)


def make_trial(project, *, patients=2, seed=11, pairs=9000):
    """Write a small simulated trial: P01 (R, pre and post), P02 (NR, pre only), a mock, a blank; plasma."""
    before = Path.cwd()
    os.chdir(project.folder)
    try:
        write_trial(
            out=Path("trial"),
            data=Path("simulated"),
            patients=patients,
            seed=seed,
            pairs=pairs,
            output="results/trial",
            qcs=2,
            blanks=1,
            cells=150,
        )
    finally:
        os.chdir(before)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The small trial, run to its end, in a folder without blanks in its path. Tests must not change its results.

    One run for all processes of pytest-xdist: the first that needs it runs it, others wait. A failed run is told by
    each.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # of all processes
    folder = shared / "finished"
    with open(shared / "finished.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "done").exists():
            return Project(folder / "project")
        shutil.rmtree(folder, ignore_errors=True)  # of a run that failed in another process
        project = make_project(folder / "project")
        make_trial(project)
        project.run("--configfile", "trial/config.yaml")
        (folder / "done").touch()
    return project


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """What `make demo` prints, in the project itself as a newcomer runs it; one run for all processes, as above."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    printed = shared / "demo.txt"
    with open(shared / "demo.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not printed.exists():
            command = ["make", "demo"]
            done = subprocess.run(
                command, cwd=ROOT, text=True, capture_output=True, check=False, stdin=subprocess.DEVNULL
            )
            assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
            printed.write_text(done.stdout)
    return printed.read_text()


@pytest.fixture
def project(tmp_path):
    """A fresh copy of the project."""
    return make_project(tmp_path / "project")

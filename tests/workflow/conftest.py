"""Running Snakemake for real: a copy of the project in a folder of its own, a small simulated trial in it."""

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
PARTS = ("Snakefile", "rules", "scripts", "envs", "config", "profiles", "resources")


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.workflow)
    items.sort(key=lambda item: "test_end_to_end" in item.nodeid)  # the longest last; the sort keeps all other order


@dataclass
class Project:
    """A copy of the project's code; ``run`` starts Snakemake in it."""

    folder: Path

    def run(self, *arguments, check=True, cores=2, timeout=1500):
        command = [sys.executable, "-m", "snakemake", "--cores", str(cores), *map(str, arguments)]
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
    ignore = shutil.ignore_patterns("__pycache__", "databases", "simulated")
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
    """The small trial, run to its end, in a folder without blanks in its path. Tests must not change its results."""
    project = make_project(tmp_path_factory.mktemp("finished") / "project")
    make_trial(project)
    project.log = project.run("--configfile", "trial/config.yaml").text
    return project


@pytest.fixture
def project(tmp_path):
    """A fresh copy of the project."""
    return make_project(tmp_path / "project")

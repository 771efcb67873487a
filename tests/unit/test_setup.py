"""Set-up without root: it installs what it can and names each missing program with the way to get it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[2]
BASICS = ("bash", "cat", "cut", "dirname", "env", "ln", "mkdir", "rm", "sha256sum")


@pytest.fixture
def user(tmp_path):
    """A project whose environments are built, and a PATH without any bioinformatics program and without root."""
    if not (ROOT / ".tools/uv/.stamp").exists():
        pytest.skip("environments are not built by `make setup` (conda?)")
    project = tmp_path / "project"
    shutil.copytree(ROOT / "envs", project / "envs")
    (project / ".tools").mkdir()
    for name in ("metagenome", "multiqc", "uv"):
        (project / ".tools" / name).symlink_to(ROOT / ".tools" / name)
    (project / ".venv").symlink_to(ROOT / ".venv")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in BASICS:
        (programs / name).symlink_to(shutil.which(name))
    # the interpreter that built the environments, not the one of the environment
    base = Path(sys.base_prefix) / "bin" / "python3.11"
    for name, body in (("id", "echo 1000"), ("python3.11", f'exec "{base}" "$@"')):
        (programs / name).write_text(f"#!{shutil.which('bash')}\n{body}\n")
        (programs / name).chmod(0o755)

    def run(*extra):
        for name in extra:
            (programs / name).write_text("#!/bin/sh\n")
            (programs / name).chmod(0o755)
        return subprocess.run(
            [programs / "bash", "envs/setup.sh"],
            cwd=project,
            env={"PATH": str(programs), "HOME": str(tmp_path), "LANG": os.environ.get("LANG", "C")},
            text=True,
            capture_output=True,
            check=False,
        )

    run.project = project
    return run


def test_missing_programs_are_named_with_the_way_to_get_them(user):
    done = user()
    assert done.returncode == 1
    assert "bowtie2 (Debian package bowtie2)" in done.stderr
    assert "diamond (Debian package diamond-aligner)" in done.stderr
    assert "apt-get install bowtie2 diamond-aligner fastqc" in done.stderr
    assert "--sdm conda" in done.stderr
    # what can be done without root is done
    assert (user.project / ".tools/bin/humann").is_symlink()
    assert (user.project / ".tools/bin/kneaddata_trf_parallel").is_symlink()


def test_only_what_is_missing_is_named(user):
    done = user("bowtie2", "bowtie2-build", "fastqc", "glpsol", "java", "trf", "TrimmomaticPE", "dot")
    assert done.returncode == 1
    assert "diamond (Debian package diamond-aligner)" in done.stderr
    assert "fastqc" not in done.stderr


def test_complete_set_up_says_what_is_next(user):
    done = user("bowtie2", "bowtie2-build", "diamond", "fastqc", "glpsol", "java", "trf", "TrimmomaticPE", "dot")
    assert done.returncode == 0, done.stderr
    assert "make demo" in done.stdout
    assert "building" not in done.stdout, "a second run builds nothing"


def test_without_python_311_conda_is_named(user, tmp_path):
    (tmp_path / "programs/python3.11").unlink()
    done = user()
    assert done.returncode == 1
    assert "Python 3.11 was not found" in done.stderr
    assert "conda" in done.stderr

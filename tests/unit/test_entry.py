"""Entry scripts: a user's mistake is told without a traceback, a defect with one; both are in the log."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gutaxis.disk import FULL_STATUS
from gutaxis.entry import script
from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import atomic_write
from gutaxis.provenance.environment import COMMON_INSTRUCTIONS, common_instructions, prepare_environment

pytestmark = pytest.mark.unit


@pytest.fixture
def job(tmp_path):
    return SimpleNamespace(log=[str(tmp_path / "rule.log")], rule="check_reads")


def test_output_goes_to_the_log(job, capsys):
    with script(job):
        print("hello")
        print("oops", file=sys.stderr)
    assert open(job.log[0]).read() == "hello\noops\n"
    assert capsys.readouterr() == ("", "")


def test_mistake(job, capsys):
    problem = Problem("E08", "lesions.tsv", 14, "lesion_id", "T03", "12 mm", "15 mm or more", "Correct it")
    with pytest.raises(SystemExit) as caught, script(job):
        raise GutaxisError(problem)
    assert caught.value.code == 1
    told = capsys.readouterr().err
    assert "check_reads: E08 lesions.tsv:14 column=lesion_id value=T03: 12 mm. 15 mm or more. Correct it." in told
    assert "Traceback" not in told
    assert "E08" in open(job.log[0]).read()


def test_defect(job):
    with pytest.raises(ZeroDivisionError), script(job):
        _ = 1 / 0
    assert "Traceback" in open(job.log[0]).read()


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), GutaxisError("No space left on device")])
def test_a_full_file_system_has_a_status_of_its_own(job, capsys, tmp_path, error):
    job.output = [str(tmp_path / "out" / "t.tsv")]
    with pytest.raises(SystemExit) as caught, script(job):
        raise error
    assert caught.value.code == FULL_STATUS == errno.ENOSPC
    told = capsys.readouterr().err
    assert "K06 " in told and "check_reads: no space left on /" in told and "Traceback" not in told


def test_a_log_that_cannot_be_written_for_want_of_space(job, capsys):
    if not Path("/dev/full").exists():
        pytest.skip("the system has no /dev/full")
    job.log, job.output = ["/dev/full"], []
    with pytest.raises(SystemExit) as caught, script(job):
        print("hello")
    assert caught.value.code == FULL_STATUS
    assert "K06 " in capsys.readouterr().err


def test_a_folder_takes_the_place_of_a_folder_whole(tmp_path):
    target = tmp_path / "labels"
    for name in ("old", "new"):
        with atomic_write(target) as part:
            part.mkdir()
            (part / name).write_text(name)
    assert [path.name for path in target.iterdir()] == ["new"]
    with pytest.raises(RuntimeError), atomic_write(target) as part:
        part.mkdir()
        (part / "half").write_text("x")
        raise RuntimeError
    assert [path.name for path in target.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["labels"]


def test_nothing_half_written(tmp_path):
    target = tmp_path / "folder" / "table.tsv"
    with pytest.raises(RuntimeError), atomic_write(target) as part:
        part.write_text("half")
        raise RuntimeError
    assert list(target.parent.iterdir()) == []
    with atomic_write(target) as part:
        part.write_text("whole")
    assert [path.name for path in target.parent.iterdir()] == ["table.tsv"]


def test_environment_of_a_run(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/bin")
    monkeypatch.setenv("PYTHONPATH", "scripts")
    for name in ("OMP_NUM_THREADS", "PYTHONHASHSEED"):
        monkeypatch.delenv(name, raising=False)
    prepare_environment(base=tmp_path)
    prepare_environment(base=tmp_path)
    assert os.environ["PATH"] == f"{tmp_path / '.tools' / 'bin'}:/bin"
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert "PYTHONPATH" not in os.environ


@pytest.mark.parametrize(
    ("flags", "there"),
    [("fma sse avx2 avx512f", True), ("sse avx2", False), ("sse avx fma4 fma", False), ("avx2x fma", False)],
)
def test_one_arithmetic_where_the_processor_has_it(flags, there):
    text = f"processor\t: 0\nflags\t\t: {flags}\nbugs\t: none\n"
    found = common_instructions(cpuinfo=text)
    assert found == (COMMON_INSTRUCTIONS if there else {})
    assert common_instructions(cpuinfo="") == common_instructions(cpuinfo="Features\t: fp asimd\n") == {}


def test_the_libraries_take_the_names_of_the_instructions():
    if not common_instructions(cpuinfo=Path("/proc/cpuinfo").read_text()):
        pytest.skip("this processor has no AVX2 and FMA")
    code = (
        "import numpy, scipy.linalg, numba, threadpoolctl, numpy._core._multiarray_umath as u\n"
        "assert not u.__cpu_features__['X86_V4'] and u.__cpu_features__['X86_V3']\n"
        "found = {i['architecture'] for i in threadpoolctl.threadpool_info() if i['internal_api'] == 'openblas'}\n"
        "assert found == {'Haswell'}, found\n"
        "numba.njit(lambda x: x + 1)(1)\n"
        "assert numba.core.registry.cpu_target.target_context._internal_codegen._tm_features == ''\n"
    )
    environment = {**os.environ, **COMMON_INSTRUCTIONS}
    done = subprocess.run([sys.executable, "-W", "error::ImportWarning", "-c", code], env=environment, check=False)
    assert done.returncode == 0

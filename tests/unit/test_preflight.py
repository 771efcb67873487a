"""Preflight: programs that are right, another version, missing, silent, hanging; each with one clear message."""

import os
import sys
import time
from pathlib import Path

import pytest

from gutaxis.errors import GutaxisError
from gutaxis.provenance import preflight
from gutaxis.provenance.preflight import check_tools, read_tools

pytestmark = pytest.mark.unit

TOOLS = Path(__file__).parents[2] / "resources" / "tools.tsv"


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """A PATH with nothing but fake programs, and a table that describes them."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(preflight, "_search_path", lambda: str(folder))

    class Bench:
        path = folder
        rows = (preflight.COLUMNS,)

        def program(self, name, body):
            script = folder / name
            script.write_text(f"#!/bin/sh\n{body}\n")
            script.chmod(0o755)

        def row(self, program, version, command=None, debian="NA", environment="metagenome"):
            command = command or f"{program} --version"
            row = [program, version, command, r"version (\S+)", environment, debian, f"{program}={version}"]
            self.rows = (*self.rows, row)

        def check(self, **arguments):
            table = tmp_path / "tools.tsv"
            table.write_text("".join("\t".join(row) + "\n" for row in self.rows))
            return check_tools(table=table, environment="metagenome", **arguments)

    return Bench()


def test_right_versions(bench):
    bench.program("alpha", "echo alpha version 1.2")
    bench.program("beta", "echo beta version 3 >&2")
    bench.row("beta", "3")
    bench.row("alpha", "1.2")
    bench.row("other", "9", environment="multiqc")
    versions, problems = bench.check()
    assert problems == []
    assert versions.to_dict("list") == {
        "program": ["alpha", "beta"],
        "version": ["1.2", "3"],
        "pinned": ["1.2", "3"],
        "environment": ["metagenome"] * 2,
    }


def test_wrong_version_says_found_where_pinned_and_remedies(bench):
    bench.program("alpha", "echo alpha version 1.3")
    bench.row("alpha", "1.2", debian="alpha-package")
    versions, problems = bench.check()
    [message] = map(str, problems)
    assert message.startswith("T02 tools.tsv column=alpha value=1.3: ")
    for part in (str(bench.path / "alpha"), "1.3", "1.2", "make setup", "apt-get install alpha-package", "alpha=1.2"):
        assert part in message
    assert versions["version"].tolist() == ["1.3"]


def test_no_paths_in_the_table_that_goes_into_results(bench):
    bench.program("alpha", "echo alpha version 1.3")
    bench.row("alpha", "1.2")
    assert not versions_text(bench.check()[0]).count("/")


def versions_text(versions):
    return versions.to_csv(sep="\t", index=False)


def test_every_problem_at_once_and_missing_ones_named(bench):
    bench.program("alpha", "echo alpha version 1.3")
    bench.row("alpha", "1.2")
    bench.row("gone", "2", debian="gone-package")
    versions, problems = bench.check()
    assert [problem.code for problem in problems] == ["T02", "T01"]
    assert "gone was not found on PATH" in str(problems[1]) and "gone-package" in str(problems[1])
    assert versions["version"].isna().tolist() == [False, True]


def test_first_alternative_that_exists_is_asked(bench):
    bench.program("trimmo", "echo version 0.39")
    bench.row("trimmomatic", "0.39", command="TrimmomaticPE -version | trimmo -version")
    versions, problems = bench.check()
    assert not problems and versions["version"].tolist() == ["0.39"]


def test_no_alternative_exists(bench):
    bench.row("trimmomatic", "0.39", command="TrimmomaticPE -version | trimmo -version")
    [problem] = bench.check()[1]
    assert "TrimmomaticPE or trimmo was not found" in str(problem)


def test_hanging_program_is_ended_with_its_children(bench, tmp_path):
    bench.program("slow", f"/bin/sleep 60 & echo $! > {tmp_path}/child; wait")
    bench.row("slow", "1")
    started = time.monotonic()
    [problem] = bench.check(timeout=0.5)[1]
    assert time.monotonic() - started < 10
    assert problem.code == "T03" and "did not answer within 0.5 seconds" in str(problem)
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        state = Path(f"/proc/{child}/stat")
        if not state.exists() or state.read_text().split()[2] == "Z":
            break
        time.sleep(0.05)
    else:
        pytest.fail("the program's child is still running")


def test_crashing_program_is_quoted(bench):
    bench.program("broken", "echo 'error while loading shared libraries: libz.so.1' >&2; exit 127")
    bench.row("broken", "1")
    [problem] = bench.check()[1]
    assert problem.code == "T04"
    assert "exit status 127" in str(problem) and "libz.so.1" in str(problem)


def test_program_that_cannot_be_started(bench):
    (bench.path / "foreign").write_bytes(b"\x7fELF not for this machine")
    (bench.path / "foreign").chmod(0o755)
    bench.row("foreign", "1")
    [problem] = bench.check()[1]
    assert problem.code == "T01" and "cannot be started" in str(problem)


def test_programs_are_asked_at_the_same_time(bench):
    for name in ("one", "two", "three", "four"):
        bench.program(name, "/bin/sleep 1; echo version 1")
        bench.row(name, "1")
    started = time.monotonic()
    assert bench.check()[1] == []
    assert time.monotonic() - started < 3.5


def test_input_is_closed(bench):
    bench.program("asker", "read line; echo version 1")
    bench.row("asker", "1")
    assert bench.check(timeout=10)[1] == []


def test_programs_beside_the_interpreter_are_found(monkeypatch):
    monkeypatch.setenv("PATH", os.defpath)
    assert str(Path(sys.executable).parent) in preflight._search_path().split(os.pathsep)


def test_unknown_environment_and_damaged_table(tmp_path):
    with pytest.raises(GutaxisError, match="names no program of the environment 'nowhere'"):
        read_tools(table=TOOLS, environment="nowhere")
    table = tmp_path / "tools.tsv"
    table.write_text("program\tversion\nbowtie2\t2.5.0\n")
    with pytest.raises(GutaxisError, match="lacks the columns command, pattern, environment, debian, conda"):
        read_tools(table=table, environment="metagenome")


BANNERS = {
    "bowtie2": "/usr/bin/bowtie2-align-s version 2.5.0\n64-bit\n",
    "diamond": "diamond version 2.1.3.157\n",
    "fastqc": "FastQC v0.11.9\n",
    "glpsol": "GLPSOL--GLPK LP/MIP Solver 5.0\nCopyright (C) 2000-2020 Free Software Foundation, Inc.\n",
    "java": 'openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment (build 17.0.15+6)\n',
    "trf": "\nTandem Repeats Finder, Version 4.09\nCopyright (C) Dr. Gary Benson 1999-2012.\n",
    "trimmomatic": "0.39\n",
    "kneaddata": "kneaddata v0.12.4\n",
    "metaphlan": "MetaPhlAn version 4.1.1 (11 Mar 2024)\n",
    "humann": "humann v3.9\n",
    "multiqc": "multiqc, version 1.35\n",
    "snakemake": "9.27.1\n",
}


def test_patterns_read_what_the_pinned_programs_print(bench):
    tools = [
        tool for name in ("metagenome", "multiqc", "workflow") for tool in read_tools(table=TOOLS, environment=name)
    ]
    assert {tool.program for tool in tools} == set(BANNERS)
    for tool in tools:
        banner = bench.path / f"{tool.program}.txt"
        banner.write_text(BANNERS[tool.program])
        bench.program(tool.command.split()[0], f"/bin/cat {banner}")
    for name in ("metagenome", "multiqc", "workflow"):
        versions, problems = check_tools(table=TOOLS, environment=name)
        assert problems == []
        assert versions["version"].tolist() == versions["pinned"].tolist()

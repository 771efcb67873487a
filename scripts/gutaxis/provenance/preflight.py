"""Are the right programs there? Every program is asked for its version before the first job that needs it.

A missing or different program otherwise shows up hours into a run, or as numbers that nobody can reproduce.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gutaxis.errors import GutaxisError, Problem, raise_if_errors
from gutaxis.files import write_tsv

COLUMNS = ["program", "version", "command", "pattern", "environment", "debian", "conda"]
#: Python tools take seconds to start, more on a busy or networked file system.
TIMEOUT = 120


@dataclass(frozen=True)
class Tool:
    """One row of resources/tools.tsv.

    ``command`` prints the version; alternatives are parted by ``|`` and the first whose program exists is run.
    ``pattern`` is a regular expression whose first group is the version. ``debian`` is the package or None, ``conda``
    the pin in envs/<environment>.yaml (with ``==``: a pip package inside it).
    """

    program: str
    version: str
    command: str
    pattern: str
    environment: str
    debian: str | None
    conda: str

    def remedy(self) -> str:
        """Say how to get the pinned version."""
        package = f" or, on Debian 12, apt-get install {self.debian}," if self.debian else ""
        return f"Run make setup,{package} or let conda bring {self.conda}: snakemake --sdm conda"


def read_tools(*, table: Path | str, environment: str) -> list[Tool]:
    """Read the programs of one environment.

    Raises
    ------
    GutaxisError
        If the table lacks a column or has no program of this environment.
    """
    rows = pd.read_csv(table, sep="\t", dtype=str, keep_default_na=False)
    missing = [column for column in COLUMNS if column not in rows]
    if missing:
        raise GutaxisError(f"{Path(table).name} lacks the columns {', '.join(missing)}. Restore it from git")
    rows = rows[rows["environment"] == environment].sort_values("program")
    if rows.empty:
        raise GutaxisError(f"{Path(table).name} names no program of the environment {environment!r}")
    records = rows[COLUMNS].to_dict("records")
    return [Tool(**{**record, "debian": None if record["debian"] == "NA" else record["debian"]}) for record in records]


def check_tools(*, table: Path | str, environment: str, timeout: float = TIMEOUT) -> tuple[pd.DataFrame, list[Problem]]:
    """Ask every program of an environment for its version, several at a time.

    Parameters
    ----------
    table
        ``resources/tools.tsv``.
    environment
        ``metagenome``, ``multiqc`` or ``workflow``.
    timeout
        Seconds after which a program counts as not answering; it is then ended.

    Returns
    -------
    versions : DataFrame
        program, version (found, NA if none), pinned, environment; sorted. No paths: it goes into the results.
    problems : list of Problem
        T01 not found, T02 another version than the pin, T03 no answer in time, T04 an answer without a version.
    """
    tools = read_tools(table=table, environment=environment)
    with ThreadPoolExecutor(max_workers=4) as pool:
        answers = list(pool.map(lambda tool: _ask(tool=tool, timeout=timeout), tools))
    found = [version for version, _ in answers]
    versions = pd.DataFrame(
        {
            "program": [tool.program for tool in tools],
            "version": pd.Series(found, dtype=object),
            "pinned": [tool.version for tool in tools],
            "environment": environment,
        }
    )
    return versions, [problem for _, problem in answers if problem is not None]


def _ask(*, tool: Tool, timeout: float) -> tuple[str | None, Problem | None]:
    alternatives = [part.split() for part in tool.command.split(" | ")]
    command, path = alternatives[0], None
    for candidate in alternatives:
        path = shutil.which(candidate[0], path=_search_path())
        if path is not None:
            command = candidate
            break
    allowed = f"The pinned version is {tool.version}"
    if path is None:
        names = " or ".join(candidate[0] for candidate in alternatives)
        return None, _problem("T01", tool, None, f"{names} was not found on PATH", allowed, tool.remedy())
    try:
        status, text = _run(command=[path, *command[1:]], timeout=timeout)
    except subprocess.TimeoutExpired:
        wrong = f"`{' '.join(command)}` ({path}) did not answer within {timeout:g} seconds"
        mend = "Try it by hand; a slow file system or a program waiting for input are usual causes"
        return None, _problem("T03", tool, None, wrong, allowed, mend)
    except OSError as error:
        wrong = f"{path} cannot be started ({error.strerror or error})"
        return None, _problem("T01", tool, None, wrong, allowed, tool.remedy())
    match = re.search(tool.pattern, text, flags=re.MULTILINE)
    if match is None:
        lines = [line for line in text.splitlines() if line.strip()]
        said = f": {lines[-1].strip()[:200]}" if lines else ""
        wrong = f"`{' '.join(command)}` ({path}) told no version (exit status {status}){said}"
        return None, _problem("T04", tool, None, wrong, allowed, tool.remedy())
    if match[1] != tool.version:
        wrong = f"{path} is version {match[1]}"
        return match[1], _problem("T02", tool, match[1], wrong, allowed, tool.remedy())
    return match[1], None


def _run(*, command: list[str], timeout: float) -> tuple[int, str]:
    """Run a command in a session of its own, so that a hanging one is ended with all its children."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=_environment(),
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, output


def _search_path() -> str:
    # Snakemake may have been started by its full path, without its environment being activated
    return os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])


def _environment() -> Mapping[str, str]:
    # NO_COLOR and COLUMNS: nothing but text, on one line, from tools that draw on terminals
    return {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}


def _problem(code: str, tool: Tool, value: str | None, *sentences: str) -> Problem:
    wrong, allowed, mend = sentences
    return Problem(code, "tools.tsv", None, tool.program, value, wrong, allowed, mend)


def preflight(*, table: Path | str, environments: list[str], output: Path | str) -> None:
    """Compare every program of several environments with its pin and write the versions that were found.

    Parameters
    ----------
    table
        ``resources/tools.tsv``.
    environments
        Environments whose programs the run may start.
    output
        Table to write: program, version, pinned, environment.

    Raises
    ------
    GutaxisError
        All missing, different or silent programs together.
    """
    tables, problems = [], []
    for environment in environments:
        versions, found = check_tools(table=table, environment=environment)
        tables.append(versions)
        problems += found
    raise_if_errors(problems)
    write_tsv(pd.concat(tables), output)

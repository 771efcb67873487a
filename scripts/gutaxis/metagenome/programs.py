"""Running external programs: found or named as missing, their output logged, paths with spaces made safe."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gutaxis.disk import check_space
from gutaxis.errors import GutaxisError
from gutaxis.files import run_mark

#: Lines of a failed program's output that are repeated in the error message; the log has all of them.
TAIL = 12


def find_program(*, name: str) -> str:
    """Return the path of a program on PATH, or say how to get it.

    Raises
    ------
    GutaxisError
        If there is no such program.
    """
    path = shutil.which(name)
    if path is None:
        raise GutaxisError(f"{name} is not on PATH. Run `make setup`, or let conda bring it: snakemake --sdm conda ...")
    return path


def environment_of(*, program: str) -> dict[str, str]:
    """Return the process environment in which a Python tool finds its own interpreter and helper scripts.

    MetaPhlAn and KneadData start helpers through ``/usr/bin/env python`` and by bare name, so the folder in which the
    tool is really installed must come first on PATH. The tool must not see this project's modules, some of which share
    a tool's name.
    """
    home = Path(program).resolve().parent
    environment = {**os.environ, "PATH": f"{home}{os.pathsep}{os.environ['PATH']}", "PYTHONHASHSEED": "0"}
    environment.pop("PYTHONPATH", None)
    return environment


def run_program(*, command: Sequence[str | Path], what: str) -> None:
    """Run a program to its end; its output goes to standard output, which an entry script sends to the log.

    Parameters
    ----------
    command
        Program and arguments; never goes through a shell.
    what
        What is being done, for the error message, for example ``MetaPhlAn of sample P01_PRE``.

    Raises
    ------
    GutaxisError
        If the program is missing or ends with a status other than 0; the message has the end of its output.
    """
    program = find_program(name=str(command[0]))
    arguments = [program, *map(str, command[1:])]
    print("+", shlex.join(arguments), flush=True)
    tail: list[str] = []
    with subprocess.Popen(
        arguments,
        env=environment_of(program=program),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(line)
            tail = [*tail[-TAIL + 1 :], line.rstrip()]
    sys.stdout.flush()
    if process.returncode != 0:
        last = "\n  ".join(line for line in tail if line)
        raise GutaxisError(f"{what} failed ({arguments[0]} ended with status {process.returncode}):\n  {last}")


@contextmanager
def scratch_folder(*, beside: Path | str, name: str) -> Iterator[Path]:
    """Give an empty work folder beside an output and remove it afterwards, however the block ends.

    Programs that work in it may lose what they write to a full file system and say nothing: when the block succeeds
    and next to nothing is free, it fails after all (K06).

    Tools such as KneadData split option strings at blanks. If the folder's path holds a blank, a link without one is
    given instead, in the system's temporary folder.
    """
    parent = Path(beside).resolve().parent
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{name}.{run_mark()}", dir=parent))
    link_home = None
    try:
        if any(character.isspace() for character in str(folder)):
            link_home = Path(tempfile.mkdtemp(prefix=f"gutaxis-{run_mark()}"))
            link = link_home / "work"
            link.symlink_to(folder, target_is_directory=True)
            yield link
        else:
            yield folder
        check_space(folder=folder, what=name)
    finally:
        shutil.rmtree(folder)
        if link_home is not None:
            shutil.rmtree(link_home)


def linked(*, target: Path | str, folder: Path, name: str) -> Path:
    """Link a file or folder into a work folder under a safe name and return the link's path."""
    link = folder / name
    link.symlink_to(Path(target).resolve())
    return link


def linked_files(*, target: Path | str, folder: Path, name: str) -> Path:
    """Make a folder of links to the visible files of another one and return it.

    HUMAnN stops at any file in a database folder that it does not know, also at the hidden time stamp that Snakemake
    leaves in folders it made.
    """
    links = folder / name
    links.mkdir()
    for path in sorted(Path(target).resolve().iterdir()):
        if not path.name.startswith("."):
            (links / path.name).symlink_to(path)
    return links

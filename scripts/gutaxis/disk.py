"""A full file system: known as the cause of a failure, and told with its name, its size and the way out."""

import errno
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from gutaxis.errors import GutaxisError, Problem

#: Exit status of a job that failed because a file system is full: its log may not have taken the words.
FULL_STATUS = errno.ENOSPC
#: Less than this free after a program's work means that it may have lost what it wrote, whatever it says.
LEAST_FREE = 256 * 1024
_WORDS = re.compile(
    rf"\bK06 |No space left on device|Disk quota exceeded|errno = {errno.ENOSPC}\b|exit status {FULL_STATUS}\b",
    re.IGNORECASE,
)
_PATH = re.compile(r"(?:No space left on device|Disk quota exceeded)[:,]? '(?P<path>[^']+)'")


def tells_full(*, text: str) -> bool:
    """Return whether a text tells of a full file system or an exhausted quota."""
    return _WORDS.search(text) is not None


def is_full(error: BaseException | None) -> bool:
    """Return whether an error, or one that it came from, is that of a full file system or quota."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return True
        if isinstance(error, OSError | GutaxisError) and tells_full(text=str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def mount_point(path: Path | str) -> Path:
    """Return the root of the file system that holds a path, or would hold it."""
    place = Path(path).resolve()
    while not place.exists():
        place = place.parent
    while not place.is_mount():
        place = place.parent
    return place


def size_words(number: float) -> str:
    """Return bytes for people: ``12.3 MB``, ``1.20 TB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if abs(number) < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} TB"


def full_problem(*, folder: Path | str, what: str) -> Problem:
    """Return K06: what could not be written, on which file system, how to go on.

    Parameters
    ----------
    folder
        Where it was written; need not exist.
    what
        Begins the sentence, for example ``MetaPhlAn of P01_PRE``.
    """
    root = mount_point(folder)
    usage = shutil.disk_usage(root)
    return Problem(
        "K06",
        os.path.relpath(folder),
        None,
        None,
        None,
        f"{what}: no space left on {root} ({size_words(usage.total)}, {size_words(usage.free)} free now)",
        "What was being written is not kept",
        "Free space there, or name another output in the config, then give the same command again",
    )


def check_space(*, folder: Path | str, what: str) -> None:
    """Refuse the work of a program that filled its file system: not every program says so and fails.

    Raises
    ------
    GutaxisError
        K06: next to nothing is free.
    """
    if shutil.disk_usage(folder).free < LEAST_FREE:
        raise GutaxisError(full_problem(folder=folder, what=what))


def disk_words(*, text: str, places: Mapping[str, Path | str], needed_gb: float | None = None) -> list[str]:
    """Return which file system was full, what else the run writes to, and how to go on; nothing if none was.

    Parameters
    ----------
    text
        Snakemake's log and those of the failed jobs.
    places
        What is kept there -> a path.
    needed_gb
        What the whole run takes by the estimate.
    """
    if not tells_full(text=text):
        return []
    roots: dict[Path, list[str]] = {}
    for name, path in places.items():
        roots.setdefault(mount_point(path), []).append(f"{name} ({path})")
    named = {mount_point(match["path"]) for match in _PATH.finditer(text)} & set(roots)
    lines = ["A file system is full:" if named or len(roots) == 1 else "A file system is full, one of these:"]
    for root in sorted(named or roots):
        usage = shutil.disk_usage(root)
        lines.append(
            f"  {root}: {size_words(usage.total)}, {size_words(usage.free)} free now; holds {', '.join(roots[root])}"
        )
    if needed_gb is not None:
        lines.append(f"The whole run takes about {size_words(needed_gb * 1e9)} (`snakemake estimate` tells of what).")
    lines.append(
        "Nothing half-written is trusted. Free space there, or name another output in the config, and give the"
    )
    lines.append("same command again: finished work is kept.")
    return lines

"""A run begins: it locks its folders, and clears what a killed run left in them.

A job whose Snakemake was killed goes on by itself, and would write the files that the next run makes anew. Every
process of a run inherits the run's id (:data:`gutaxis.files.RUN`), so those of the dead one are found and ended before
the first job. Its temporary files and work folders have the id in their names.
"""

import atexit
import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Collection, Iterable
from pathlib import Path

import psutil

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import RUN, run_mark
from gutaxis.provenance.run_lock import Holder, RunLock, this_run

#: Seconds in which a process has to end that was sent SIGKILL; one that waits for a dead file server does not.
PATIENCE = 30.0


def start_run(*, folders: Iterable[Path | str], shared: Iterable[Path | str] = (), patience: float = PATIENCE) -> str:
    """Lock folders for this process until it ends, and end and clear what a killed run left at work there.

    Sets the environment variable :data:`gutaxis.files.RUN`, which the jobs inherit.

    Parameters
    ----------
    folders
        What the run writes to: its results, and shared folders that it will fill.
    shared
        Folders that it only reads: they stay free for other runs, but what a killed run left in them is cleared.
    patience
        Seconds to wait for the processes of a dead run to end.

    Returns
    -------
    str
        What was found of a killed run and cleared, one line for each folder; empty as a rule.

    Raises
    ------
    GutaxisError
        K01 to K04 of :meth:`RunLock.take`; K05 a process of a killed run that cannot be ended.
    """
    holder = this_run()
    words: list[str] = []
    told: set[str] = set()
    written = {Path(folder).resolve() for folder in folders}
    read = {Path(folder).resolve() for folder in shared} - written
    locks = [RunLock(folder=os.path.relpath(folder)) for folder in sorted(written)]
    for lock in locks:
        atexit.register(lock.release)
    try:
        for lock in locks:
            words.append(_take(lock=lock, holder=holder, patience=patience, told=told))
    except GutaxisError:
        for lock in locks:
            lock.release()
        raise
    for lock in (RunLock(folder=os.path.relpath(folder)) for folder in sorted(read)):
        if lock.is_stale():
            words.append(_take(lock=lock, holder=holder, patience=patience, told=told))
            lock.release()
    os.environ[RUN] = holder.run
    return "\n".join(filter(None, words))


def _take(*, lock: RunLock, holder: Holder, patience: float, told: set[str]) -> str:
    """Take a lock and clear; return what was found, nothing where a dead run is known and left nothing here."""
    dead = lock.take(holder=holder)
    if dead is None or lock.holder is None:
        return ""
    runs = lock.holder.before
    ended = end_jobs(runs=runs, patience=patience)
    removed = clear_leftovers(folder=lock.folder, runs=runs)
    lock.settle()
    parts = [
        f"{lock.folder}: an earlier run (process {dead.pid}, {dead.since}) was killed and ended without clearing up"
    ]
    if ended:
        parts.append(f"jobs of it were still at work and have been ended ({', '.join(ended)})")
    if removed:
        parts.append(f"half-written files or work folders of it have been removed ({removed})")
    known = dead.run in told and len(parts) == 1
    told.add(dead.run)
    return "" if known else "; ".join(parts) + ". Going on from there."


def end_jobs(*, runs: Collection[str], patience: float = PATIENCE) -> list[str]:
    """End every process of this user that inherited the id of one of the runs.

    Parameters
    ----------
    runs
        Ids of runs that are dead.
    patience
        Seconds to wait.

    Returns
    -------
    list of str
        Name and number of each process that was ended, sorted.

    Raises
    ------
    GutaxisError
        K05: a process does not end.
    """
    ended: dict[int, str] = {}
    deadline = time.monotonic() + patience
    while found := _processes(runs=runs):
        if time.monotonic() > deadline:
            names = ", ".join(f"{process.pid}" for process in found)
            wrong = f"Jobs of a killed run do not end (processes {names})"
            allowed = "Two jobs must not write the same files"
            mend = "One that waits for a file system cannot be ended: restore it, or start the machine anew"
            raise GutaxisError(Problem("K05", "processes", None, None, None, wrong, allowed, mend))
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                ended.setdefault(process.pid, f"{process.name()} {process.pid}")
                process.kill()
        time.sleep(0.05)  # what it started meanwhile is found by the next look
    return sorted(ended.values())


def _processes(*, runs: Collection[str]) -> list[psutil.Process]:
    wanted, found = set(runs), []
    own = psutil.Process()
    spared = {own.pid, *(parent.pid for parent in own.parents())}
    for process in psutil.process_iter():
        try:
            if process.pid in spared or process.uids().real != os.getuid():
                continue
            if process.environ().get(RUN) in wanted and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
            continue  # gone, or not ours to look at
    return found


def clear_leftovers(*, folder: Path | str, runs: Iterable[str]) -> int:
    """Remove temporary files and work folders of dead runs below a folder and in the system's temporary folder.

    Parameters
    ----------
    folder
        Results or shared data. Links are not followed.
    runs
        Ids of runs whose jobs have ended.

    Returns
    -------
    int
        Files and folders removed; what is in a folder is not counted.
    """
    marks = [run_mark(run) for run in runs]
    left = [
        path
        for path in Path(tempfile.gettempdir()).glob("gutaxis-*")
        if any(path.name.startswith(f"gutaxis-{mark}") for mark in marks)
    ]
    for parent, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            if name.startswith(".") and any(f".{mark}" in name for mark in marks):
                left.append(Path(parent) / name)
        folders[:] = [name for name in folders if Path(parent) / name not in left]
    for path in left:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return len(left)

"""Slurm jobs of a killed run: they outlive it on other machines, where no process of theirs can be seen from here."""

import shutil
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from gutaxis.errors import GutaxisError, Problem

#: Seconds that Slurm has to end jobs.
PATIENCE = 120.0
#: Seconds between two looks at the queue.
PAUSE = 2.0


def end_cluster_jobs(*, ids: Iterable[str], folder: Path | str, patience: float = PATIENCE) -> str:
    """Cancel the jobs of a dead run that are still in the queue of this user, and wait until they are gone.

    Parameters
    ----------
    ids
        Job ids that Snakemake noted for files which were never finished.
    folder
        Working directory of the run: a job of another folder that has one of the ids by now is left alone.
    patience
        Seconds to wait.

    Returns
    -------
    str
        What was done or has to be looked at; empty if there is nothing to say.

    Raises
    ------
    GutaxisError
        K07: jobs do not end, or Slurm does not answer.
    """
    wanted = set(ids)
    if not wanted:
        return ""
    if shutil.which("squeue") is None:
        return (
            f"Jobs of the killed run were on a cluster ({', '.join(sorted(wanted))}), whose queue cannot be seen from"
            " here: make sure that none of them is at work."
        )
    ended: set[str] = set()
    deadline = time.monotonic() + patience
    while live := _queued(wanted=wanted, folder=Path(folder)):
        if time.monotonic() > deadline:
            raise _problem(f"Jobs of a killed run do not end ({', '.join(sorted(live))})")
        for job in sorted(live - ended):
            _ask(["scancel", job])
        ended |= live
        time.sleep(PAUSE)
    if not ended:
        return ""
    return f"Slurm jobs of the killed run were still at work and have been cancelled: {', '.join(sorted(ended))}."


def _queued(*, wanted: set[str], folder: Path) -> set[str]:
    queue = _ask(["squeue", "--me", "--noheader", "--format=%i|%Z"])
    rows = [line.strip().partition("|") for line in queue.splitlines()]
    here = folder.resolve()
    return {job for job, _, place in rows if job in wanted and Path(place).resolve() == here}


def _ask(command: list[str]) -> str:
    done = subprocess.run(command, text=True, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise _problem(f"`{' '.join(command)}` failed: {done.stderr.strip()[-200:]}")
    return done.stdout


def _problem(wrong: str) -> GutaxisError:
    allowed = "Two jobs must not write the same files"
    mend = "Look at the queue (squeue --me), end the jobs of the killed run, then give the same command again"
    return GutaxisError(Problem("K07", "Slurm", None, None, None, wrong, allowed, mend))

"""Killing whole runs: SIGKILL to Snakemake and all it started, by recorded numbers, and the same command again."""

import contextlib
import hashlib
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

#: A line for a finished job (gutaxis/report/progress.py): how many are done, of how many.
PROGRESS = re.compile(r"^\d\d:\d\d:\d\d  (?P<done>\d+) of (?P<total>\d+)  ", re.MULTILINE)
#: Nobody can promise their bytes: what a tool said, with times in it, and how long a job took.
NOT_RESULTS = ("logs", "benchmarks")


@dataclass
class Kill:
    """One kill: jobs done and planned in that start, its seconds, if of Snakemake alone, who was killed or left."""

    done: int
    total: int
    seconds: float
    alone: bool
    killed: int
    orphans: list[psutil.Process] = field(default_factory=list)


def alive(process):
    """Whether a process is there and no zombie, which does nothing and waits to be counted by its parent."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def freeze(process):
    """Stop a process and all it started, and return them: what is stopped starts nothing more."""
    family = [process]
    for member in family:  # grows while it is walked
        with contextlib.suppress(psutil.NoSuchProcess):
            member.suspend()
            family += [child for child in member.children() if child not in family]
    return family


def kill(process, *, alone):
    """SIGKILL Snakemake alone or with everything it started; return how many were killed and who is left."""
    family = freeze(process)
    left = family[1:] if alone else []
    for member in family[:1] if alone else family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    for member in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.resume()
    return (1 if alone else len(family)), [member for member in left if alive(member)]


def crash_through(*, project, arguments, kills, seed, early=2, limit=1800):
    """Run the same command again and again, killed at random moments, and at last to its end.

    Moments are counted in jobs: every start gets some of them done before it is killed, a random while later, so that
    all kills hit a run at work and a long job is not killed for ever. `early` more kills hit runs that start.
    Every third kill is of Snakemake alone: its jobs go on as orphans.

    Returns the kills, and the output of all starts, in order.
    """
    chance = random.Random(seed)
    # which of the starts are killed early; the first start is not
    plan = [False] * kills
    for _ in range(early):
        plan.insert(chance.randint(1, len(plan)), True)
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--max-jobs-per-timespan", "1000/5s", *arguments]
    made, texts, total, began = [], [], None, time.monotonic()
    for number, soon in enumerate([*plan, None]):
        output = project.folder / f"start_{number}.txt"
        with open(output, "w") as sink:
            start = subprocess.Popen(
                command, cwd=project.folder, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
            )
        process, moment = psutil.Process(start.pid), time.monotonic()
        # jobs that this start may finish: its share of what is left, so that the last kills still hit a run at work
        left_over = (total or 0) - sum(one.done for one in made)
        share = max(1, left_over // (len(plan) - number + 1)) if total else 1
        wanted = 0 if soon else chance.randint(max(1, share // 2), share)
        delay = chance.uniform(0.3, 6) if soon else chance.uniform(0, 3)
        try:
            while start.poll() is None and soon is not None:
                assert time.monotonic() - began < limit, "the runs take too long"
                if len(PROGRESS.findall(output.read_text(errors="replace"))) >= wanted:
                    break
                time.sleep(0.1)
            with contextlib.suppress(subprocess.TimeoutExpired):
                start.wait(timeout=max(1.0, limit - (time.monotonic() - began)) if soon is None else delay)
            if soon is not None and start.poll() is None:
                killed, orphans = kill(process, alone=number % 3 == 2)
                start.wait(timeout=30)
                found = PROGRESS.findall(output.read_text(errors="replace"))
                total = total or (int(found[-1][1]) if found else None)
                planned = int(found[-1][1]) if found else 0
                seconds = time.monotonic() - moment
                made.append(Kill(len(found), planned, seconds, number % 3 == 2, killed, orphans))
        finally:
            if start.poll() is None:
                kill(process, alone=False)
                start.wait(timeout=30)
        texts.append(output.read_text(errors="replace"))
        if start.returncode != -signal.SIGKILL:
            break
    return made, texts, start.returncode


def digests(folder, *, apart=NOT_RESULTS):
    """Return sha256 of every file below a folder by its path, hidden ones too; first parts of paths can be left out."""
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file() or path.is_symlink())
    named = {path.relative_to(folder): path for path in files}
    return {
        str(name): hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in named.items()
        if name.parts[0] not in apart
    }

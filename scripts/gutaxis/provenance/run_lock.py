"""One folder takes one run at a time: who works in it, and whether that run still lives.

Snakemake's own lock stays behind when the run is killed, so that the same command is refused, and it goes for all runs
of a working directory when one of them ends. This one names its process: a lock whose process is gone is taken over.
"""

import contextlib
import fcntl
import json
import os
import shlex
import socket
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil

from gutaxis.errors import GutaxisError, Problem

LOCK = ".run.lock"
#: A lock that changes hands again and again is looked at this often before giving up.
ATTEMPTS = 20


@dataclass(frozen=True)
class Holder:
    """The run that holds a lock.

    Parameters
    ----------
    run
        Id of the run, which its jobs inherit (:data:`gutaxis.files.RUN`).
    host, boot, namespace
        Where its process number means something: name of the machine, its start, its process namespace (a container
        has one of its own). The last two are empty where the system has none.
    pid, birth
        The process and when it was born, so that another process with its number is not taken for it.
    since, command
        For people.
    before
        Ids of killed runs whose jobs and half-written files have not been cleared yet.
    """

    run: str
    host: str
    boot: str
    namespace: str
    pid: int
    birth: str
    since: str
    command: str
    before: tuple[str, ...] = ()

    def is_alive(self) -> bool | None:
        """Return whether the run goes on; None if it cannot be told from here."""
        here = _here()
        if self.host != here["host"]:
            return None
        if self.boot != here["boot"]:
            return False  # the machine was started anew
        if self.namespace != here["namespace"]:
            return None
        return self.birth == birth(pid=self.pid)


def birth(*, pid: int) -> str:
    """Return when a process was born, as a text to compare; empty if there is none or it has ended.

    In ticks since the machine started where /proc tells them: the time of day moves when the clock is set.
    """
    try:
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except FileNotFoundError:
        words = []
    except ProcessLookupError:
        return ""
    if words:
        return "" if words[0] in {"Z", "X"} else words[19]
    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.NoSuchProcess:
        return ""


def _here() -> dict[str, str]:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        boot = namespace = ""
    return {"host": socket.gethostname(), "boot": boot, "namespace": namespace}


def this_run(*, command: Iterable[str] = sys.argv) -> Holder:
    """Describe the run that this process is, with a new id."""
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    pid = os.getpid()
    return Holder(
        run=uuid.uuid4().hex, pid=pid, birth=birth(pid=pid), since=since, command=shlex.join(command), **_here()
    )


class RunLock:
    """The lock of one folder; :meth:`take` it before the first job, :meth:`release` it after the last."""

    def __init__(self, *, folder: Path | str) -> None:
        self.folder = Path(folder)
        self.path = self.folder / LOCK
        self.holder: Holder | None = None

    def take(self, *, holder: Holder) -> Holder | None:
        """Take the lock.

        Parameters
        ----------
        holder
            Of :func:`this_run`.

        Returns
        -------
        Holder or None
            The dead run that it was taken over from. It and those before it are then in ``before`` of the own entry
            until :meth:`settle`.

        Raises
        ------
        GutaxisError
            K01 another run works in the folder; K02 it may, on another machine or in another container; K03 no lock
            that can be read; K04 the lock cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for _ in range(ATTEMPTS):
                if self._create(holder=holder):
                    self._sweep()
                    return None
                with self._opened() as text:
                    if text is None:
                        continue  # it changed hands meanwhile
                    other = self._dead(text=text)
                    self._write(holder=replace(holder, before=(*other.before, other.run)))
                    self._sweep()
                    return other
        except OSError as error:
            wrong = f"The lock of this run cannot be written ({error.strerror or error})"
            allowed = "A run writes into its output folder"
            mend = "Free space, or permit writing there, or name another output in the config"
            raise GutaxisError(Problem("K04", str(self.path), None, None, None, wrong, allowed, mend)) from error
        raise self._refusal("K01", "Other runs take and leave this folder at the same moment", "Try again")

    def is_stale(self) -> bool:
        """Return whether there is a lock, and its run is known to be dead."""
        try:
            return read_holder(text=self.path.read_text(encoding="utf-8")).is_alive() is False
        except (OSError, ValueError):
            return False

    def settle(self) -> None:
        """Forget the dead runs: what they left has been cleared."""
        assert self.holder is not None
        self._write(holder=replace(self.holder, before=()))

    def release(self) -> None:
        """Remove the lock if this process holds it; a forked child does not.

        Where dead runs have not been cleared the lock stays, so that the next run knows of them.
        """
        if self.holder is not None and self.holder.pid == os.getpid() and not self.holder.before:
            with contextlib.suppress(FileNotFoundError, ValueError):
                if read_holder(text=self.path.read_text(encoding="utf-8")).run == self.holder.run:
                    self.path.unlink()
        self.holder = None

    def _create(self, *, holder: Holder) -> bool:
        """Put the lock there whole, or not at all if there is one."""
        with self._part(holder=holder) as part:
            try:
                os.link(part, self.path)
            except FileExistsError:
                return False
            except OSError:  # a file system without hard links
                if self.path.exists():
                    return False
                part.rename(self.path)
        self.holder = holder
        return True

    def _write(self, *, holder: Holder) -> None:
        with self._part(holder=holder) as part:
            part.replace(self.path)
        self.holder = holder

    @contextlib.contextmanager
    def _part(self, *, holder: Holder) -> Iterator[Path]:
        part = self.folder / f"{LOCK}.{holder.run}"
        try:
            part.write_text(json.dumps(asdict(holder), indent=1) + "\n", encoding="utf-8")
            yield part
        finally:
            part.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what a run left that was killed while it wrote its lock."""
        for part in self.folder.glob(f"{LOCK}.*"):
            with contextlib.suppress(OSError, ValueError):
                if read_holder(text=part.read_text(encoding="utf-8")).is_alive() is False:
                    part.unlink()

    @contextlib.contextmanager
    def _opened(self) -> Iterator[str | None]:
        """Give the text of the lock and keep others from taking it over; None if it is no longer there."""
        with contextlib.ExitStack() as stack:
            try:
                handle = stack.enter_context(open(self.path, encoding="utf-8", errors="replace"))
            except FileNotFoundError:
                yield None
                return
            with contextlib.suppress(OSError):  # a file system without locks: the moment between two steps stays open
                fcntl.flock(handle, fcntl.LOCK_EX)
            try:
                same = os.fstat(handle.fileno()).st_ino == self.path.stat().st_ino
            except FileNotFoundError:
                same = False
            yield handle.read() if same else None

    def _dead(self, *, text: str) -> Holder:
        """Return the holder if its run is dead, else refuse."""
        try:
            other = read_holder(text=text)
        except ValueError as error:
            wrong = f"This is no lock that can be read ({error})"
            mend = f"Make sure that no run works in {self.folder}, then remove the file"
            raise self._refusal("K03", wrong, mend) from error
        alive = other.is_alive()
        if alive:
            wrong = f"Another run works here: process {other.pid}, since {other.since}, `{other.command}`"
            mend = (
                f"Wait for it, or end it (`kill {other.pid}`: it stops after the jobs it is at), or name another output"
                " in the config"
            )
            raise self._refusal("K01", wrong, mend)
        if alive is None:
            place = f"on {other.host}" if other.host != _here()["host"] else f"in another container on {other.host}"
            wrong = (
                f"A run {place} works here, or was killed there: process {other.pid}, since {other.since},"
                f" `{other.command}`. From here this cannot be told"
            )
            mend = f"If it works, wait for it. If it is no more, give the same command there, or remove {self.path}"
            raise self._refusal("K02", wrong, mend)
        return other

    def _refusal(self, code: str, wrong: str, mend: str) -> GutaxisError:
        allowed = "One folder takes one run at a time"
        return GutaxisError(Problem(code, str(self.path), None, None, None, wrong, allowed, mend))


def read_holder(*, text: str) -> Holder:
    """Return the holder that a lock names.

    Raises
    ------
    ValueError
        If the text is no lock.
    """
    try:
        values = json.loads(text)
        holder = Holder(**{**values, "before": tuple(values["before"])})
    except (json.JSONDecodeError, TypeError, KeyError) as error:
        raise ValueError(f"not written by a run, or damaged: {error}") from error
    if not isinstance(holder.pid, int) or not isinstance(holder.run, str) or len(holder.run) != len(uuid.uuid4().hex):
        raise ValueError("process or run is not what a run writes")
    return holder

"""One large file over HTTP: resumed, verified, from a mirror where the first address fails. Standard library only.

A partial download ``FILE.part`` lives beside its target, with a note ``FILE.part.json`` of where it came from. It is
continued only if the server still has the same file (If-Range with its ETag or date) or a checksum will tell; it gets
its final name only after size and checksum agree. A file that fails is removed, never trusted.
"""

import errno
import hashlib
import http.client
import json
import re
import shutil
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gutaxis.errors import GutaxisError, Problem

BLOCK = 1 << 20
#: Answers that may be different a moment later; other 4xx answers are final.
PASSING_STATUS = (408, 416, 425, 429)
DIGEST_LENGTHS = {"md5": 32, "sha256": 64}
REPORT_SECONDS = 30


@dataclass(frozen=True)
class Fetched:
    """A file that is there and verified: its path, size, SHA-256, and the address (None: it was there already)."""

    path: Path
    size: int
    sha256: str
    address: str | None


class _InterruptedError(Exception):
    """The transfer ended early; what has arrived can be continued."""


class _RefusedError(Exception):
    """The address gives the wrong file; carries the problem to show."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def parse_checksum(checksum: str) -> tuple[str, str]:
    """Split ``sha256:<hex>`` or ``md5:<hex>`` into algorithm and lower-case digits; raise GutaxisError otherwise."""
    algorithm, _, digits = checksum.partition(":")
    if not re.fullmatch(rf"[0-9a-fA-F]{{{DIGEST_LENGTHS.get(algorithm, 0)}}}", digits) or not digits:
        raise GutaxisError(f"{checksum!r} is not a checksum. Write sha256:<64 digits> or md5:<32 digits>, or NA")
    return algorithm, digits.lower()


def file_digests(*, path: Path, algorithms: set[str]) -> dict[str, str]:
    """Return the digests of a file, read once."""
    digests = {name: hashlib.new(name, usedforsecurity=False) for name in sorted(algorithms)}
    with open(path, "rb") as handle:
        while block := handle.read(BLOCK):
            for digest in digests.values():
                digest.update(block)
    return {name: digest.hexdigest() for name, digest in digests.items()}


def check_space(*, folder: Path, needed: int, what: str) -> None:
    """Raise a :class:`GutaxisError` (D02) if the file system of a folder has less free space than needed."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        wrong = f"{what} needs {needed / 1e9:.1f} GB in {folder}, and {free / 1e9:.1f} GB are free"
        mend = "Free some space, or set metagenome.databases.directory to a larger file system; the download continues"
        raise GutaxisError(
            Problem("D02", what, None, None, None, wrong, "The disk must hold archive and content", mend)
        )


def fetch(
    *,
    url: str,
    mirror: str | None,
    target: Path,
    checksum: str | None = None,
    size: int | None = None,
    unpack_factor: float = 0.0,
    attempts: int = 4,
    wait: float = 5.0,
    timeout: float = 60.0,
) -> Fetched:
    """Download a file, or verify the one that is there.

    Parameters
    ----------
    url, mirror
        Addresses, tried in this order.
    target
        Where the file goes. A file that already stands there (brought by hand, say) is verified and kept.
    checksum
        ``sha256:...`` or ``md5:...``; None: only the size can be checked.
    size
        Bytes; None: what the server says.
    unpack_factor
        Space to keep free for the content, as a multiple of the file's size.
    attempts
        Attempts without any progress before an address is given up.
    wait
        Seconds before the second attempt, doubled at each further one.
    timeout
        Seconds without a byte after which a transfer counts as interrupted.

    Returns
    -------
    Fetched
        The verified file.

    Raises
    ------
    GutaxisError
        D02 too little space, D03 no address answers, D04 wrong size, D05 wrong checksum; for every address what was
        expected and what was found.
    """
    if checksum is not None:
        parse_checksum(checksum)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        return _verify(path=target, target=target, address=None, checksum=checksum, size=size)
    transfer = _Transfer(target=target, checksum=checksum, size=size, unpack_factor=unpack_factor, timeout=timeout)
    problems = []
    for address in [url, *([mirror] if mirror else [])]:
        try:
            return transfer.run(address=address, attempts=attempts, wait=wait)
        except _RefusedError as refused:
            print(f"{target.name}: {refused}", flush=True)
            problems.append(refused.problem)
    raise GutaxisError(problems)


def _verify(*, path: Path, target: Path, address: str | None, checksum: str | None, size: int | None) -> Fetched:
    """Compare a whole file with what is known of it."""
    place, found = address or str(target), path.stat().st_size
    again = "Try again later, or give another address in resources/databases.tsv" if address else f"Remove {target}"
    if size is not None and found != size:
        problem = _size_problem(target=target, place=place, found=found, size=size)
        raise _RefusedError(problem) if address else GutaxisError(problem)
    algorithm, expected = parse_checksum(checksum) if checksum else ("sha256", None)
    digests = file_digests(path=path, algorithms={"sha256", algorithm})
    if expected is not None and digests[algorithm] != expected:
        wrong = f"{place} has {algorithm} {digests[algorithm]}"
        problem = Problem("D05", target.name, None, None, None, wrong, f"Expected is {algorithm} {expected}", again)
        raise _RefusedError(problem) if address else GutaxisError(problem)
    return Fetched(path=target, size=found, sha256=digests["sha256"], address=address)


def _size_problem(*, target: Path, place: str, found: int, size: int) -> Problem:
    wrong, allowed = f"{place} has {found} bytes", f"Expected are {size}"
    mend = "If the publisher replaced the file, enter its new size and checksum in resources/databases.tsv"
    return Problem("D04", target.name, None, None, None, wrong, allowed, mend)


@dataclass(frozen=True)
class _Transfer:
    """What is known of a download, and how one address is asked for it."""

    target: Path
    checksum: str | None
    size: int | None
    unpack_factor: float
    timeout: float

    @property
    def part(self) -> Path:
        return self.target.with_name(f"{self.target.name}.part")

    @property
    def note(self) -> Path:
        return self.target.with_name(f"{self.target.name}.part.json")

    def have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def run(self, *, address: str, attempts: int, wait: float) -> Fetched:
        """Download from one address until the file is whole and verified; raise _RefusedError if that cannot be."""
        stuck, first_try = 0, True
        while True:
            before = self.have()
            resumed = before > 0
            try:
                if self.size is None or before != self.size:
                    resumed = self._receive(address=address)
                fetched = _verify(
                    path=self.part, target=self.target, address=address, checksum=self.checksum, size=self.size
                )
            except _RefusedError:
                self.forget()
                if not (resumed and first_try):
                    raise
                # The parts may stem from two editions of the file: one clean download decides.
                first_try = False
            except (_InterruptedError, OSError, http.client.HTTPException) as error:
                final = isinstance(error, urllib.error.HTTPError) and (
                    400 <= error.code < 500 and error.code not in PASSING_STATUS
                )
                stuck = 1 if self.have() > before else stuck + 1
                if final or stuck >= attempts:
                    wrong = f"{address} cannot be fetched: {error}"
                    kept = f"{self.have()} bytes have arrived and are kept in {self.part}"
                    allowed = kept if self.have() else "Nothing has arrived"
                    mend = f"Check the network and the address, or put the file by hand at {self.target}"
                    raise _RefusedError(
                        Problem("D03", self.target.name, None, None, None, wrong, allowed, mend)
                    ) from error
                print(f"{self.target.name}: {error}; {self.have()} bytes so far, trying again", flush=True)
                time.sleep(wait * 2 ** (stuck - 1))
            else:
                self.part.replace(self.target)
                self.note.unlink(missing_ok=True)
                return fetched

    def _request(self, *, address: str) -> tuple[urllib.request.Request, int]:
        """Return the request and the number of bytes it continues from."""
        note: dict[str, Any] = json.loads(self.note.read_text()) if self.note.exists() else {}
        request = urllib.request.Request(address, headers={"User-Agent": "GutAxis", "Accept-Encoding": "identity"})
        have = self.have()
        validator = note.get("validator") if note.get("address") == address else None
        if have and (validator or self.checksum):
            request.add_header("Range", f"bytes={have}-")
            if validator:
                request.add_header("If-Range", validator)
            return request, have
        return request, 0

    def _receive(self, *, address: str) -> bool:
        """Receive one answer into the partial file; return whether it continued an earlier part."""
        request, start = self._request(address=address)
        try:
            response = urllib.request.urlopen(request, timeout=self.timeout)
        except urllib.error.HTTPError as error:
            if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                self.forget()  # more bytes here than there: not the same file
            raise
        with response:
            if response.status != http.client.PARTIAL_CONTENT:
                start = 0
            elif not re.match(rf"bytes {start}-\d+/", response.headers.get("Content-Range", "")):
                self.forget()
                raise _InterruptedError("the server sent another range than the one asked for")
            length = response.headers.get("Content-Length")
            total = start + int(length) if length is not None else None
            if total is not None and self.size is not None and total != self.size:
                problem = _size_problem(target=self.target, place=address, found=total, size=self.size)
                raise _RefusedError(problem)
            expected = total or self.size or 0
            needed = expected - start + int(expected * self.unpack_factor)
            check_space(folder=self.target.parent, needed=needed, what=self.target.name)
            etag, date = response.headers.get("ETag"), response.headers.get("Last-Modified")
            validator = etag if etag and not etag.startswith("W/") else date
            if not start:
                self.part.write_bytes(b"")  # before the note: old bytes must never stand under a new validator
            self.note.write_text(json.dumps({"address": address, "validator": validator}))
            self._write(response=response, start=start, total=total)
        if total is not None and self.have() != total:
            raise _InterruptedError(f"the transfer ended after {self.have()} of {total} bytes")
        return start > 0

    def _write(self, *, response: http.client.HTTPResponse, start: int, total: int | None) -> None:
        reported = time.monotonic()
        try:
            with open(self.part, "ab" if start else "wb") as handle:
                while block := response.read1(BLOCK):  # what has arrived, so that a stall loses nothing
                    handle.write(block)
                    if time.monotonic() - reported > REPORT_SECONDS:
                        reported = time.monotonic()
                        of = f" of {total / 1e9:.2f}" if total else ""
                        print(f"{self.target.name}: {handle.tell() / 1e9:.2f}{of} GB", flush=True)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                wrong = f"The disk or quota of {self.target.parent} is full"
                mend = "Free some space and start again; the download continues"
                raise GutaxisError(Problem("D02", self.target.name, None, None, None, wrong, "", mend)) from error
            raise

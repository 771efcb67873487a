"""The production databases of resources/databases.tsv: fetched once, verified, unpacked, recorded.

A database folder holds::

    database.json      what it is: version, files, checksums and what they were verified against
    files              link to the content, given to the tools; nothing else may lie there, HUMAnN stops at stray files
    store/<version>/   the content; store/<version>.json lists every file of it with its size
    downloads/         archives on their way; a partial download is continued from here
    CHECKSUMS.sha256   SHA-256 of every archive at its first download; later downloads must equal it
"""

import fcntl
import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gutaxis.errors import GutaxisError, Problem, raise_if_errors
from gutaxis.files import atomic_write
from gutaxis.metagenome.archives import inventory, unpack
from gutaxis.metagenome.compatibility import read_rows
from gutaxis.metagenome.database_folders import (
    check_host_index,
    check_metaphlan_folder,
    check_nucleotide_folder,
    check_protein_folder,
)
from gutaxis.metagenome.download import Fetched, fetch, parse_checksum

COLUMNS = [
    "name",
    "version",
    "file",
    "url",
    "mirror",
    "size",
    "checksum",
    "checksum_url",
    "unpack",
    "licence",
    "source",
]
#: Content per byte of archive, rounded up, for the check of free space. Publishers do not tell it.
UNPACK_FACTORS = {"tar": 1.0, "tar.gz": 2.0, "none": 1.0}
#: What the tools will ask of the content.
CHECKS: dict[str, Callable[[Path, str], list[Problem]]] = {
    "host": lambda folder, version: check_host_index(path=folder),
    "metaphlan": lambda folder, version: check_metaphlan_folder(folder=folder, index=version),
    "nucleotide": lambda folder, version: check_nucleotide_folder(folder=folder, pattern=f"*{version}*"),
    "protein": lambda folder, version: check_protein_folder(folder=folder, pattern=f"*{version}*"),
}
VERIFIED = {
    "table": "verified against the checksum in resources/databases.tsv",
    "publisher": "verified against the publisher's checksum file",
    "lock": "equal to the first download (CHECKSUMS.sha256); the publisher gives no checksum",
    "first_download": "NOT VERIFIABLE: the publisher gives no checksum and this is the first download; its SHA-256 is "
    "now in CHECKSUMS.sha256, and later downloads must equal it",
}


@dataclass(frozen=True)
class DatabaseFile:
    """One row of resources/databases.tsv; None where it says NA."""

    name: str
    version: str
    file: str
    url: str
    mirror: str | None
    size: int | None
    checksum: str | None
    checksum_url: str | None
    unpack: str

    def agrees(self, *, entry: dict[str, Any]) -> bool:
        """Whether this row describes a file that was fetched earlier; its addresses may have changed."""
        return (
            (self.version, self.file) == (entry["version"], entry["file"])
            and self.size in (None, entry["size"])
            and self.checksum in (None, entry["checksum"], f"sha256:{entry['sha256']}")
        )


def database_files(*, name: str, table: Path | str) -> list[DatabaseFile]:
    """Read the rows of one database.

    Raises
    ------
    GutaxisError
        D01 if the database is not in the table or a row cannot be used.
    """
    rows = read_rows(table=table, columns=COLUMNS)
    mine = [row for row in rows if row["name"] == name]
    if not mine:
        known = ", ".join(sorted({row["name"] for row in rows}))
        wrong = "This database is not in the table"
        raise GutaxisError(
            Problem("D01", "databases.tsv", None, "name", name, wrong, f"Known are {known}", "Correct it")
        )
    files = []
    for row in mine:
        values = {key: None if row[key] == "NA" else row[key] for key in COLUMNS}
        size_known = values["size"] is not None
        web = all(row[key].startswith(("https://", "http://")) for key in ("url", "mirror") if values[key])
        if (
            row["unpack"] not in UNPACK_FACTORS
            or (size_known and not row["size"].isdigit())
            or not values["url"]
            or not web
        ):
            wrong = "`unpack`, `size`, `url` or `mirror` cannot be used"
            allowed = f"unpack is {', '.join(UNPACK_FACTORS)}; size is bytes or NA; addresses begin with http or https"
            raise GutaxisError(Problem("D01", "databases.tsv", None, "file", row["file"], wrong, allowed, "Correct it"))
        if values["checksum"]:
            parse_checksum(values["checksum"])
        values["size"] = int(row["size"]) if size_known else None
        files.append(DatabaseFile(**{key: values[key] for key in DatabaseFile.__dataclass_fields__}))
    if len({file.version for file in files}) > 1:
        wrong, allowed = "The rows of one database differ in version", "One version for all files of a database"
        raise GutaxisError(Problem("D01", "databases.tsv", None, "version", name, wrong, allowed, "Correct it"))
    return files


def fetch_database(
    *, name: str, table: Path | str, folder: Path, attempts: int = 4, wait: float = 5.0, timeout: float = 60.0
) -> Path:
    """Bring one database into its folder. What is there and whole is not fetched again.

    Parameters
    ----------
    name
        ``host``, ``metaphlan``, ``nucleotide``, ``protein`` or ``utility``.
    table
        ``resources/databases.tsv``.
    folder
        Folder of this database; see the head of this module.
    attempts, wait, timeout
        See :func:`gutaxis.metagenome.download.fetch`.

    Returns
    -------
    Path
        ``database.json``, written last.

    Raises
    ------
    GutaxisError
        D01 to D05 and D07 of the table, download and archives; D06 the publisher's checksum file cannot be used; D08
        a file differs from its first download; D09 what was unpacked earlier has changed; D20 to D27 the content is not
        what the tools need.
    """
    files = database_files(name=name, table=table)
    store = folder / "store" / files[0].version
    record_path = folder / "store" / f"{files[0].version}.json"
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder=folder):
        record = _usable_record(path=record_path, store=store, files=files)
        if record is None:
            if store.exists():
                wrong = f"{store} is there but not as it was unpacked: files are missing, changed or of other rows"
                mend = f"Remove {store} and start again"
                raise GutaxisError(Problem("D09", name, None, None, None, wrong, f"See {record_path.name}", mend))
            record = _build(name=name, files=files, folder=folder, store=store, retry=(attempts, wait, timeout))
            _write_json(path=record_path, content=record)
        check = CHECKS.get(name)
        raise_if_errors(check(store, files[0].version) if check else [])
        _link(link=folder / "files", store=store)
        summary = {key: value for key, value in record.items() if key != "content"}
        _write_json(path=folder / "database.json", content=summary)
    return folder / "database.json"


def _build(
    *, name: str, files: list[DatabaseFile], folder: Path, store: Path, retry: tuple[int, float, float]
) -> dict[str, Any]:
    fetched: list[Fetched] = []
    entries = []
    for file in files:
        checksum, evidence = _expected(file=file, folder=folder, timeout=retry[2])
        try:
            result = fetch(
                url=file.url,
                mirror=file.mirror,
                target=folder / "downloads" / file.file,
                checksum=checksum,
                size=file.size,
                unpack_factor=UNPACK_FACTORS[file.unpack],
                attempts=retry[0],
                wait=retry[1],
                timeout=retry[2],
            )
        except GutaxisError as error:
            if evidence != "lock" or not any(problem.code == "D05" for problem in error.problems):
                raise
            raise GutaxisError([*error.problems, _lock_problem(file=file, folder=folder)]) from error
        _lock(folder=folder, file=file.file, sha256=result.sha256)
        print(f"{file.file}: {VERIFIED[evidence]}", flush=True)
        fetched.append(result)
        known = {"version": file.version, "file": file.file, "size": result.size, "checksum": checksum}
        entries.append({**known, "sha256": result.sha256, "verified": evidence, "meaning": VERIFIED[evidence]})
    content = unpack(archives=[result.path for result in fetched], folder=store)
    for result in fetched:
        if result.address is not None:  # archives brought by hand stay
            result.path.unlink()
    return {
        "name": name,
        "version": files[0].version,
        "files": entries,
        "n_files": len(content),
        "bytes": sum(content.values()),
        "content": content,
    }


def _usable_record(*, path: Path, store: Path, files: list[DatabaseFile]) -> dict[str, Any] | None:
    """Return the record of a finished database if its rows are the same and every file has its size."""
    if not path.exists() or not store.is_dir():
        return None
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    entries = record["files"]
    same = len(entries) == len(files) and all(f.agrees(entry=e) for f, e in zip(files, entries, strict=True))
    return record if same and record["content"] == inventory(folder=store) else None


def _expected(*, file: DatabaseFile, folder: Path, timeout: float) -> tuple[str | None, str]:
    """Return the checksum that a file must have, and where it is known from (a key of VERIFIED)."""
    if file.checksum:
        return file.checksum, "table"
    if file.checksum_url:
        return _published(file=file, address=file.checksum_url, timeout=timeout), "publisher"
    locked = _locks(folder=folder).get(file.file)
    return (f"sha256:{locked}", "lock") if locked else (None, "first_download")


def _lock_problem(*, file: DatabaseFile, folder: Path) -> Problem:
    wrong = "The file is not the one of the first download, and the publisher gives no checksum to say which is right"
    allowed = f"The first download's SHA-256 stands in {folder / 'CHECKSUMS.sha256'}"
    mend = "If the publisher announces a new edition, remove that line; otherwise fetch again later"
    return Problem("D08", file.file, None, None, None, wrong, allowed, mend)


def _published(*, file: DatabaseFile, address: str, timeout: float) -> str:
    """Read a publisher's checksum file: lines of `<digits>  <file>`, or the digits alone."""
    allowed, mend = "A line with the md5 or sha256 of the file", "Try later, or enter the checksum in databases.tsv"
    try:
        with urllib.request.urlopen(address, timeout=timeout) as response:
            text = response.read(1 << 20).decode("utf-8", errors="replace")
    except OSError as error:
        wrong = f"The publisher's checksum file {address} cannot be read: {error}"
        raise GutaxisError(Problem("D06", file.file, None, None, None, wrong, allowed, mend)) from error
    lines = [line.split() for line in text.splitlines() if line.strip()]
    named = [words for words in lines if words[-1].lstrip("*").rpartition("/")[2] == file.file]
    for words in named or lines[:1]:
        algorithm = {32: "md5", 64: "sha256"}.get(len(words[0]))
        if algorithm and re.fullmatch(r"[0-9a-fA-F]+", words[0]):
            return f"{algorithm}:{words[0].lower()}"
    wrong = f"The publisher's checksum file {address} holds no checksum of this file"
    raise GutaxisError(Problem("D06", file.file, None, None, None, wrong, allowed, mend))


def _locks(*, folder: Path) -> dict[str, str]:
    path = folder / "CHECKSUMS.sha256"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {file: digits for digits, _, file in (line.partition("  ") for line in lines)}


def _lock(*, folder: Path, file: str, sha256: str) -> None:
    locks = {**_locks(folder=folder), file: sha256}
    with atomic_write(folder / "CHECKSUMS.sha256") as part:
        part.write_text("".join(f"{locks[name]}  {name}\n" for name in sorted(locks)), encoding="utf-8")


def _write_json(*, path: Path, content: dict[str, Any]) -> None:
    with atomic_write(path) as part:
        part.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _link(*, link: Path, store: Path) -> None:
    """Point ``files`` at the content. A link, so that nobody who cleans up or stamps outputs touches the content."""
    if link.is_dir() and not link.is_symlink():
        link.rmdir()  # an empty folder, made by the workflow engine
    with atomic_write(link) as part:
        part.symlink_to(store.relative_to(link.parent), target_is_directory=True)


@contextmanager
def _alone(*, folder: Path) -> Iterator[None]:
    """Wait until no other run works on this database: two would write into one partial download."""
    with open(folder / ".lock", "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            print(f"{folder}: this file system has no locks ({error}); do not fetch from two runs at once", flush=True)
        yield

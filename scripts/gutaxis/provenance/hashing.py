"""Checksums of files and folders, and names of files that tell nothing about the machine."""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

#: Name given to what lies outside the working directory on an absolute path.
OUTSIDE = "outside"


def sha256_of(*, path: Path) -> str:
    """Return the SHA-256 of a file's bytes, read in blocks: memory does not grow with the file."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def describe_files(*, paths: Iterable[Path], checksum: bool = True, threads: int = 1) -> list[dict[str, Any]]:
    """Return size and checksum of files, in the order given.

    Parameters
    ----------
    paths
        Files that exist.
    checksum
        Whether the content is read; else ``sha256`` is None and only the size is told.
    threads
        Files read at a time.

    Returns
    -------
    list of dict
        ``bytes`` and ``sha256`` of each.
    """

    def describe(path: Path) -> dict[str, Any]:
        return {"bytes": path.stat().st_size, "sha256": sha256_of(path=path) if checksum else None}

    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        return list(pool.map(describe, paths))


def visible_files(*, folder: Path) -> list[Path]:
    """Return the files below a folder, sorted by name; hidden files and folders are left out."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(
        (path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)),
        key=lambda path: path.relative_to(folder).as_posix(),
    )


def describe_folder(*, folder: Path, checksum: bool = True, threads: int = 1) -> dict[str, Any]:
    """Return number of files, bytes and one checksum of a folder: over names and contents, or names and sizes.

    Parameters
    ----------
    folder
        Folder, or link to one.
    checksum, threads
        As in :func:`describe_files`.

    Returns
    -------
    dict
        ``files``, ``bytes``, ``sha256``, ``covers`` (``names and contents`` or ``names and sizes``).
    """
    root = folder.resolve()
    paths = visible_files(folder=root)
    entries = describe_files(paths=paths, checksum=checksum, threads=threads)
    digest = hashlib.sha256()
    for path, entry in zip(paths, entries, strict=True):
        told = entry["sha256"] or entry["bytes"]
        digest.update(f"{path.relative_to(root).as_posix()}\t{told}\n".encode())
    return {
        "files": len(paths),
        "bytes": sum(entry["bytes"] for entry in entries),
        "sha256": digest.hexdigest(),
        "covers": "names and contents" if checksum else "names and sizes",
    }


def portable(*, path: str | Path, root: Path) -> str:
    """Return a path that says nothing about the machine.

    Parameters
    ----------
    path
        As a config or sheet gives it.
    root
        The working directory.

    Returns
    -------
    str
        Relative paths as they are; absolute ones below ``root`` relative to it; others as ``outside/<name>``.
    """
    given = Path(path)
    if not given.is_absolute():
        return PurePosixPath(given.as_posix()).as_posix()
    for base in (root, root.resolve()):
        if given.is_relative_to(base):
            return given.relative_to(base).as_posix()
    return f"{OUTSIDE}/{given.name}"


def portable_values(*, value: Any, root: Path) -> Any:
    """Return a config value in which every absolute path, at any depth, is made :func:`portable`."""
    if isinstance(value, dict):
        return {key: portable_values(value=item, root=root) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [portable_values(value=item, root=root) for item in value]
    if isinstance(value, str) and value.startswith("/"):
        return portable(path=value, root=root)
    return value

"""Unpacking of database archives: all or nothing, and nothing outside the target folder."""

import errno
import shutil
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from gutaxis.errors import GutaxisError, Problem


def unpack(*, archives: Sequence[Path], folder: Path) -> dict[str, int]:
    """Unpack tar archives, plain or compressed, into one new folder; other files are copied into it.

    The content is written to a temporary folder beside, which is renamed when all of it is there. If everything lies in
    one top folder, as in some releases, its content moves up.

    Parameters
    ----------
    archives
        Archives that together make a database.
    folder
        Folder to make; it must not exist.

    Returns
    -------
    dict
        Relative path -> size in bytes of every file, sorted.

    Raises
    ------
    GutaxisError
        D02 disk full, D07 a damaged archive, or a member that is neither file nor folder or leads out of the folder.
    """
    if folder.exists():
        raise GutaxisError(f"{folder} exists already. Remove it to unpack the database again")
    staging = folder.with_name(f".{folder.name}.unpacking")
    if staging.exists():
        shutil.rmtree(staging)  # left by a killed job
    staging.mkdir(parents=True)
    try:
        for archive in archives:
            try:
                _extract(archive=archive, folder=staging)
            except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
                raise GutaxisError(_read_problem(archive=archive, error=error)) from error
        entries = list(staging.iterdir())
        if len(entries) == 1 and entries[0].is_dir():
            entries[0].replace(folder)
        else:
            staging.replace(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return inventory(folder=folder)


def inventory(*, folder: Path) -> dict[str, int]:
    """Return relative path -> size of every file below a folder, sorted."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in paths}


def _extract(*, archive: Path, folder: Path) -> None:
    if not archive.name.endswith((".tar", ".tar.gz", ".tgz", ".tar.bz2")):
        shutil.copyfile(archive, folder / archive.name)
        return
    # Members are copied one by one, not with TarFile.extractall: Python's own filter for hostile archives is not in
    # every 3.11, and owners, modes and links of a publisher's machine are of no use here.
    with tarfile.open(archive) as tar:
        for member in tar:
            name = PurePosixPath(member.name)
            if name.is_absolute() or ".." in name.parts or not (member.isfile() or member.isdir()):
                kind = "leads out of the folder" if member.isfile() or member.isdir() else "is a link or device"
                wrong = f"Member {member.name} {kind}"
                mend = "Do not use this archive; tell its publisher"
                raise GutaxisError(
                    Problem("D07", archive.name, None, None, None, wrong, "Plain files and folders only", mend)
                )
            path = folder.joinpath(*name.parts)
            if member.isdir():
                path.mkdir(parents=True, exist_ok=True)
                continue
            if path.exists() and path.stat().st_size != member.size:
                wrong = f"Two archives bring different files called {member.name}"
                mend = "Check the rows of this database in resources/databases.tsv"
                raise GutaxisError(Problem("D07", archive.name, None, None, None, wrong, "", mend))
            path.parent.mkdir(parents=True, exist_ok=True)
            source = tar.extractfile(member)
            assert source is not None  # a regular file
            with source, open(path, "wb") as handle:
                shutil.copyfileobj(source, handle, 1 << 20)


def _read_problem(*, archive: Path, error: Exception) -> Problem:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        wrong = f"The disk filled up while {archive.name} was unpacked"
        mend = "Free some space, or set metagenome.databases.directory to a larger file system"
        return Problem("D02", archive.name, None, None, None, wrong, "The disk must hold archive and content", mend)
    wrong = f"The archive cannot be read: {error}"
    mend = f"Remove {archive} and fetch it again"
    return Problem("D07", archive.name, None, None, None, wrong, "A whole tar archive", mend)

"""Files: atomic writes, gzip-aware reading, deterministic tables."""

import gzip
import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from anndata import AnnData

#: Variable that every process of a run inherits: the id of the run.
RUN = "GUTAXIS_RUN"


def run_mark(run: str | None = None) -> str:
    """Return what the names of this run's temporary files hold, so that the next run knows what a killed one left.

    Parameters
    ----------
    run
        Id of another run; by default that of the process, and nothing outside a run.
    """
    run = os.environ.get(RUN, "") if run is None else run
    return f"{run[:12]}-" if run else ""


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def atomic_write(path: Path | str) -> Iterator[Path]:
    """Give a temporary path beside ``path`` and rename it into place only when the block succeeds.

    A killed job therefore leaves either the old file or none, never half of a new one. The block may make a folder
    there in place of a file: it then takes the place of an older folder.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{run_mark()}{os.getpid()}.part")
    try:
        yield temporary
        if temporary.is_dir() and not temporary.is_symlink() and target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)  # a folder cannot be renamed onto one that holds something
        temporary.replace(target)
    finally:
        _remove(temporary)


def open_text(path: Path | str) -> IO[str]:
    """Open a text file to read, through gzip if its name ends in ``.gz``."""
    if not str(path).endswith(".gz"):
        return open(path, encoding="utf-8")
    return gzip.open(path, "rt", encoding="utf-8")


def comments_above(*, path: Path | str) -> list[str]:
    """Return the lines of comment above a table's header, with their ``#``, without the line's end.

    A ``#`` within a cell is no comment, so tables are read with ``skiprows=len(comments_above(path=path))`` and not
    with ``comment="#"``.
    """
    with open_text(path) as handle:
        return [line.rstrip("\n") for line in takewhile(lambda line: line.startswith("#"), handle)]


@contextmanager
def _text_sink(path: Path, *, compress: bool) -> Iterator[IO[str]]:
    """Open a text file to write, LF line ends; the gzip header holds no name and no time, so that bytes repeat."""
    if not compress:
        with open(path, "w", encoding="utf-8", newline="\n") as handle:
            yield handle
        return
    with (
        open(path, "wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0, compresslevel=6) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as handle,
    ):
        yield handle


def write_tsv(
    table: pd.DataFrame, path: Path | str, *, index: bool = False, comment: str | None = None, digits: int = 10
) -> None:
    """Write a table as TSV: LF line ends, ``NA`` for missing, numbers to ``digits`` significant digits.

    Parameters
    ----------
    table
        Rows in their final order; the caller sorts.
    path
        Target, written atomically; gzipped if its name ends in ``.gz``.
    index
        Whether the index is written as the first column.
    comment
        Lines put above the header, each behind ``# ``.
    digits
        Significant digits of floating-point columns, so that two machines print the same bytes.
    """
    compress = str(path).endswith(".gz")
    with atomic_write(path) as part, _text_sink(part, compress=compress) as handle:
        for line in (comment or "").splitlines():
            handle.write(f"# {line}\n")
        table.to_csv(handle, sep="\t", index=index, na_rep="NA", lineterminator="\n", float_format=f"%.{digits}g")


def write_h5ad(*, adata: "AnnData", path: Path | str) -> None:
    """Write cells, atomically and compressed; the same content always gives the same bytes.

    Not with HDF5's LZF: its compressor reads a table that it never clears, so what it writes depends on what was in
    memory before. The content is the same, the bytes now and then are not.

    Parameters
    ----------
    adata
        What to write.
    path
        Target ``.h5ad``.
    """
    with atomic_write(path) as part:
        adata.write_h5ad(part, compression="gzip", compression_opts=1)

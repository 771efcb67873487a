"""Files: atomic writes, gzip-aware reading, deterministic tables."""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pandas as pd


@contextmanager
def atomic_write(path: Path | str) -> Iterator[Path]:
    """Give a temporary path beside ``path`` and rename it into place only when the block succeeds.

    A killed job therefore leaves either the old file or none, never half of a new one.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def open_text(path: Path | str, mode: str = "rt") -> IO[str]:
    """Open a text file, through gzip if its name ends in ``.gz``; written gzip carries no time stamp or name."""
    if not str(path).endswith(".gz"):
        return open(path, mode, encoding="utf-8")
    return gzip.open(path, mode, encoding="utf-8")


def write_tsv(
    table: pd.DataFrame, path: Path | str, *, index: bool = False, comment: str | None = None, digits: int = 10
) -> None:
    """Write a table as TSV: LF line ends, ``NA`` for missing, numbers to ``digits`` significant digits.

    Parameters
    ----------
    table
        Rows in their final order; the caller sorts.
    path
        Target, written atomically.
    index
        Whether the index is written as the first column.
    comment
        Lines put above the header, each behind ``# ``.
    digits
        Significant digits of floating-point columns, so that two machines print the same bytes.
    """
    with atomic_write(path) as part, open(part, "w", encoding="utf-8", newline="\n") as handle:
        for line in (comment or "").splitlines():
            handle.write(f"# {line}\n")
        table.to_csv(handle, sep="\t", index=index, na_rep="NA", lineterminator="\n", float_format=f"%.{digits}g")

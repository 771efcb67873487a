"""Tables of one layer, one per distance, put below each other as they stand."""

from collections.abc import Iterable
from pathlib import Path

from gutaxis.files import atomic_write, open_text


def stack_tables(*, paths: Iterable[Path | str], output: Path | str) -> None:
    """Write several tables as one: comment lines first, each once, then one header, then the rows of each table.

    The cells are copied as text: a number keeps its digits.

    Parameters
    ----------
    paths
        TSV files with the same header, comment lines (``# ``) above it.
    output
        Target.

    Raises
    ------
    ValueError
        If two headers differ.
    """
    comments: dict[str, None] = {}
    header, rows = None, []
    for path in paths:
        with open_text(path) as handle:
            lines = handle.read().splitlines()
        comments |= dict.fromkeys(line for line in lines if line.startswith("# "))
        first, *rest = [line for line in lines if not line.startswith("# ")]
        if header not in (None, first):
            raise ValueError(f"{path}: header {first!r}, but {header!r} in the tables before it")
        header = first
        rows += rest
    with atomic_write(output) as part:
        part.write_text("\n".join([*comments, header or "", *rows]) + "\n", encoding="utf-8")

"""The quality rows of all single-cell samples as one table."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gutaxis.files import write_tsv


def collect_quality(*, rows: Sequence[Path], output: Path) -> None:
    """Put the rows of all samples into one table, sorted by sample, and tell which samples are excluded.

    Parameters
    ----------
    rows
        ``samples/{sample}.qc.tsv`` of :func:`gutaxis.single_cell.sample.process_sample`.
    output
        Table to write.
    """
    tables = [pd.read_csv(path, sep="\t", comment="#", dtype=str, keep_default_na=False) for path in rows]
    table = pd.concat(tables, ignore_index=True).sort_values("sample_id", kind="stable", ignore_index=True)
    write_tsv(table, output)
    for row in table[table["status"] == "excluded"].itertuples():
        print(f"WARNING: {row.sample_id} is excluded: {row.reason}")

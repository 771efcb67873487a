"""Quality of all single-cell samples."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.single_cell.quality_table import collect_quality

with script(snakemake):
    collect_quality(rows=[Path(path) for path in snakemake.input], output=Path(snakemake.output[0]))

"""Simulated single-cell libraries."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.simulate.cells import write_libraries

with script(snakemake):
    write_libraries(truth=Path(snakemake.input.truth), paths=[Path(path) for path in snakemake.output])

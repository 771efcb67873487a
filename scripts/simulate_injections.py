"""Simulated plasma injections."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.simulate.metabolome import write_injections

with script(snakemake):
    write_injections(truth=Path(snakemake.input.truth), paths=[Path(path) for path in snakemake.output])

"""Simulated genomes and miniature databases."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.simulate.databases import simulate_databases

with script(snakemake):
    simulate_databases(
        threads=snakemake.threads,
        **{name: Path(folder) for name, folder in snakemake.output.items()},
    )

"""Simulated reads of one library."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.simulate.reads import simulate_reads

with script(snakemake):
    simulate_reads(
        truth=Path(snakemake.input.truth),
        library=snakemake.wildcards.library,
        genomes=Path(snakemake.input.genomes),
        mates_1=Path(snakemake.output.mates_1),
        mates_2=Path(snakemake.output.mates_2),
    )

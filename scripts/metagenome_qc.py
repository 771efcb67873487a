"""Quality tables of the metagenome arm."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.metagenome.quality import controls_table, quality_table

with script(snakemake):
    quality_table(
        samples=snakemake.params.samples,
        check=list(snakemake.input.check),
        clean=list(snakemake.input.clean),
        taxa=list(snakemake.input.taxa),
        functions=list(snakemake.input.functions),
        output=Path(snakemake.output.qc),
    )
    controls_table(
        profiles=list(snakemake.input.profiles),
        samples=snakemake.params.samples,
        output=Path(snakemake.output.controls),
    )

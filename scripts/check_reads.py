"""Read check of one sample."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.metagenome.check_reads import check_reads

with script(snakemake):
    check_reads(
        sample=snakemake.wildcards.sample,
        mates_1=list(snakemake.input.mates_1),
        mates_2=list(snakemake.input.mates_2),
        control=snakemake.params.control,
        output=Path(snakemake.output[0]),
    )

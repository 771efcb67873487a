"""FastQC of one sample."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.metagenome.fastqc import run_fastqc

with script(snakemake):
    run_fastqc(
        sample=snakemake.wildcards.sample,
        mates_1=list(snakemake.input.mates_1),
        mates_2=list(snakemake.input.mates_2),
        reads=Path(snakemake.input.reads),
        threads=snakemake.threads,
        output=Path(snakemake.output[0]),
    )

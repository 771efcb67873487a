"""MultiQC of the metagenome arm."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.metagenome.quality import run_multiqc

with script(snakemake):
    run_multiqc(
        qc=Path(snakemake.input.qc),
        fastqc=list(snakemake.input.fastqc),
        output=Path(snakemake.output[0]),
    )

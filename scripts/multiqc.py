"""MultiQC of all arms."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.report.multiqc import all_sections, run_multiqc

with script(snakemake):
    run_multiqc(
        sections=all_sections(tables=dict(snakemake.input.items())),
        fastqc=list(snakemake.input.fastqc),
        output=Path(snakemake.output[0]),
    )

"""MetaPhlAn of one sample."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.metagenome.metaphlan import profile_taxa

with script(snakemake):
    profile_taxa(
        sample=snakemake.wildcards.sample,
        reads=Path(snakemake.input.reads),
        database=Path(snakemake.input.database),
        index=snakemake.params.index,
        threads=snakemake.threads,
        output=Path(snakemake.output.profile),
        summary=Path(snakemake.output.summary),
    )

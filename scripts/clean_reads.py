"""KneadData of one sample."""

from pathlib import Path

import pandas as pd

from gutaxis.entry import script
from gutaxis.metagenome.kneaddata import clean_reads

with script(snakemake):
    clean_reads(
        sample=snakemake.wildcards.sample,
        mates_1=list(snakemake.input.mates_1),
        mates_2=list(snakemake.input.mates_2),
        reads=int(pd.read_csv(snakemake.input.check, sep="\t")["reads"].sum()),
        host=Path(snakemake.input.host),
        adapters=snakemake.params.adapters,
        trf=snakemake.params.trf,
        chunk_pairs=snakemake.params.chunk_pairs,
        min_pairs=snakemake.params.min_pairs,
        control=snakemake.params.control,
        threads=snakemake.threads,
        output=Path(snakemake.output.reads),
        counts=Path(snakemake.output.counts),
    )

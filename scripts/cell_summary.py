"""Fractions, sums of counts and programs of one sample."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.single_cell.summary import summarise_sample

with script(snakemake):
    sample = snakemake.wildcards.sample
    summarise_sample(
        sample=sample,
        counts=Path(snakemake.input.h5ad),
        labels=Path(snakemake.input.labels) / f"{sample}.tsv",
        programs=Path(snakemake.input.programs),
        fractions=Path(snakemake.output.fractions),
        pseudobulk=Path(snakemake.output.pseudobulk),
        scores=Path(snakemake.output.programs),
        min_cells=snakemake.params.min_cells,
    )

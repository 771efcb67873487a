"""Ligand-receptor scores between the cell types of one sample."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.single_cell.communication import communicate

with script(snakemake):
    sample = snakemake.wildcards.sample
    communicate(
        python=snakemake.params.python,
        sample=sample,
        counts=Path(snakemake.input.h5ad),
        labels=Path(snakemake.input.labels) / f"{sample}.tsv",
        output=Path(snakemake.output[0]),
        min_cells=snakemake.params.min_cells,
        seed=snakemake.params.seed,
    )

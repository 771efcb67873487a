"""Labels of one sample's cells by the user's CellTypist model."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.single_cell.celltypist_votes import celltypist_votes

with script(snakemake):
    celltypist_votes(
        python=snakemake.params.python,
        sample=snakemake.wildcards.sample,
        counts=Path(snakemake.input.h5ad),
        model=Path(snakemake.input.model),
        output=Path(snakemake.output[0]),
    )

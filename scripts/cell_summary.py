"""Fractions, sums of counts and programs of the samples of a part."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.single_cell.summary import summarise_samples

with script(snakemake):
    summarise_samples(
        counts=dict(zip(snakemake.params.samples, map(Path, snakemake.input.h5ad), strict=True)),
        labels=Path(snakemake.input.labels),
        programs=Path(snakemake.input.programs),
        output=Path(snakemake.output[0]),
        min_cells=snakemake.params.min_cells,
    )

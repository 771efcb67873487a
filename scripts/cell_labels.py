"""The label of every cell of a tissue."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.single_cell.labels import label_files

with script(snakemake):
    pairs = zip(map(Path, snakemake.input.subsets), map(Path, snakemake.input.states), strict=True)
    label_files(
        samples=snakemake.params.samples,
        embedding=Path(snakemake.input.embedding),
        clusters=Path(snakemake.input.clusters),
        subsets=dict(zip(snakemake.params.subsets, pairs, strict=True)),
        output=Path(snakemake.output[0]),
    )

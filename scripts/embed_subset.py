"""Clusters of the cells of one lineage."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.single_cell.embed_files import embed_files
from gutaxis.single_cell.embed_settings import EmbedSettings

with script(snakemake):
    embed_files(
        samples=dict(zip(snakemake.params.samples, map(Path, snakemake.input.h5ad), strict=True)),
        batches=snakemake.params.batches,
        reference=snakemake.params.reference,
        subset=snakemake.wildcards.subset,
        cells=Path(snakemake.input.cells),
        settings=EmbedSettings(**snakemake.params.settings, seed=snakemake.params.seed),
        embedding=Path(snakemake.output.embedding),
        hvg=Path(snakemake.output.hvg),
    )

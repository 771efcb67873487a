"""Clusters of all cells of a tissue."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.single_cell.embed_files import embed_files
from gutaxis.single_cell.embed_settings import EmbedSettings

with script(snakemake):
    samples = snakemake.params.samples
    embed_files(
        samples=dict(zip(samples, map(Path, snakemake.input.h5ad), strict=True)),
        hvg_tables=dict(zip(samples, map(Path, snakemake.input.hvg), strict=True)),
        batches=snakemake.params.batches,
        reference=snakemake.params.reference,
        settings=EmbedSettings(**snakemake.params.settings, seed=snakemake.params.seed),
        embedding=Path(snakemake.output.embedding),
        hvg=Path(snakemake.output.hvg),
    )

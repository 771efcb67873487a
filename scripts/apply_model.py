"""A locked model on a new batch."""

from gutaxis.entry import script
from gutaxis.predict.drift import apply_files

with script(snakemake):
    apply_files(
        model=snakemake.input.model,
        layers=dict(zip(snakemake.params.layers, snakemake.input.layers, strict=True)),
        batch=snakemake.params.batch,
        **dict(snakemake.output.items()),
    )

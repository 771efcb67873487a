"""The record of frozen and refit parts."""

from gutaxis.entry import script
from gutaxis.provenance.batch_choices import write_batch_choices

with script(snakemake):
    write_batch_choices(
        choices=snakemake.params.choices,
        samples=snakemake.params.samples,
        controls=snakemake.params.controls,
        responses=snakemake.input,
        output=snakemake.output[0],
    )

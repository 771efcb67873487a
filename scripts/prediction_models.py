"""Prediction of response and PFS2."""

from gutaxis.entry import script
from gutaxis.predict.files import prediction_files

with script(snakemake):
    given = snakemake.params
    prediction_files(
        layers=dict(zip(given.layers, snakemake.input.layers, strict=True)),
        outcomes=snakemake.input.outcomes,
        settings={**given.settings, "state": snakemake.wildcards.state},
        seed=given.seed,
        reference=given.reference,
        threads=snakemake.threads,
        **dict(snakemake.output.items()),
    )

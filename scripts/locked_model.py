"""One model, fitted to all patients and exported."""

from gutaxis.entry import script
from gutaxis.predict.locked import lock_model

with script(snakemake):
    given = snakemake.params
    lock_model(
        layers=dict(zip(given.layers, snakemake.input.layers, strict=True)),
        outcomes=snakemake.input.outcomes,
        settings={**given.settings, "state": snakemake.wildcards.state},
        model=snakemake.wildcards.model,
        output=snakemake.output[0],
        seed=given.seed,
        reference=given.reference,
    )

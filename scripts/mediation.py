"""Chains over the layers."""

from gutaxis.entry import script
from gutaxis.integrate.mediation_files import mediation_files

with script(snakemake):
    given = snakemake.params
    mediation_files(
        layers=dict(zip(given.layers, snakemake.input.layers, strict=True)),
        outcomes=snakemake.input.outcomes,
        states=given.states,
        covariates=given.covariates,
        chain={place: given.settings[place] for place in ("species", "metabolites", "immune")},
        panel=given.settings["panel"],
        literature=snakemake.input.literature,
        settings={**given.settings, **given.shared, "batch": given.statistics["batch"]},
        table=snakemake.output.table,
        panel_table=snakemake.output.panel,
        seed=given.seed,
    )

"""Associations between layers."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.integrate.associations import associations_files

with script(snakemake):
    given = snakemake.params
    associations_files(
        layers=dict(zip(given.layers, snakemake.input.layers, strict=True)),
        outcomes=snakemake.input.outcomes,
        state=snakemake.wildcards.state,
        covariates=given.covariates,
        settings={
            **given.settings,
            **given.shared,
            "declared": given.declared,
            **{name: given.statistics[name] for name in ("fdr", "batch")},
        },
        seed=given.seed,
        **{name: Path(path) for name, path in snakemake.output.items()},
    )

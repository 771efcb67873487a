"""Factors over all layers."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.integrate.factor_tests import FactorSettings, factors_files
from gutaxis.stats.inputs import roles

with script(snakemake):
    given = snakemake.params
    factors_files(
        layers=dict(zip(given.layers, snakemake.input.layers, strict=True)),
        outcomes=snakemake.input.outcomes,
        contrasts=roles(contrasts=given.contrasts),
        covariates=given.covariates,
        settings=FactorSettings(**given.settings, **given.shared, fdr=given.statistics["fdr"]),
        seed=given.seed,
        **{name: Path(path) for name, path in snakemake.output.items()},
    )

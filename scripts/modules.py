"""Supervised modules over layers."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.integrate.module_tests import modules_files
from gutaxis.integrate.modules import ModuleSettings

with script(snakemake):
    given = snakemake.params
    modules_files(
        layers=dict(zip(given.layers, snakemake.input.layers, strict=True)),
        outcomes=snakemake.input.outcomes,
        states=given.states,
        settings=ModuleSettings(**given.settings, **given.shared),
        seed=given.seed,
        **{name: Path(path) for name, path in snakemake.output.items()},
    )

"""Forced integration of one file."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.metabolome.forced import force_integrate
from gutaxis.metabolome.presets import preset_of

with script(snakemake):
    force_integrate(
        sample=snakemake.wildcards.sample,
        mode=snakemake.wildcards.mode,
        path=Path(snakemake.input.spectra),
        intake=Path(snakemake.input.row),
        consensus=Path(snakemake.input.consensus),
        transformations=Path(snakemake.input.transformations),
        preset=preset_of(instrument=snakemake.params.instrument, overrides=snakemake.params.parameters),
        output=Path(snakemake.output[0]),
    )

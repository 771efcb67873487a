"""Forced integration of the files of one part of a mode."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.metabolome.forced import force_integrate
from gutaxis.metabolome.presets import preset_of

with script(snakemake):
    samples = snakemake.params.samples
    force_integrate(
        files=dict(zip(samples, map(Path, snakemake.input.spectra), strict=True)),
        mode=snakemake.wildcards.mode,
        intake=dict(zip(samples, map(Path, snakemake.input.rows), strict=True)),
        consensus=Path(snakemake.input.consensus),
        transformations=Path(snakemake.input.transformations),
        preset=preset_of(instrument=snakemake.params.instrument, overrides=snakemake.params.parameters),
        output=Path(snakemake.output[0]),
    )

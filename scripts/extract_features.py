"""Intake and features of one injection."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.metabolome.features import extract_features
from gutaxis.metabolome.intake import intake
from gutaxis.metabolome.presets import preset_of

with script(snakemake):
    sample, mode = snakemake.wildcards.sample, snakemake.wildcards.mode
    path, row = Path(snakemake.input.spectra), Path(snakemake.output.row)
    preset = preset_of(instrument=snakemake.params.instrument, overrides=snakemake.params.parameters)
    intake(
        sample=sample,
        path=path,
        mode=mode,
        control=snakemake.params.control,
        standards=Path(snakemake.input.standards) if snakemake.input.get("standards") else None,
        rt_unit=snakemake.params.rt_unit.removesuffix("s"),
        search_ppm=2 * preset.trace_ppm,
        row=row,
        trace=Path(snakemake.output.trace),
        masses=Path(snakemake.output.masses),
    )
    extract_features(
        sample=sample, path=path, mode=mode, intake=row, preset=preset, output=Path(snakemake.output.features)
    )

"""Feature table of one mode."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.metabolome.forced import assemble_matrix

with script(snakemake):
    assemble_matrix(
        consensus=Path(snakemake.input.consensus),
        areas=Path(snakemake.input.areas),
        forced=map(Path, snakemake.input.forced),
        reference=snakemake.params.reference,
        **{name: Path(path) for name, path in snakemake.output.items()},
    )

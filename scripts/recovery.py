"""Planted against recovered in a simulated trial."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.simulate.recovery import measure_recovery

with script(snakemake):
    measure_recovery(
        truth=Path(snakemake.input.truth),
        taxa=Path(snakemake.input.taxa),
        pathways=Path(snakemake.input.pathways) if snakemake.input.pathways else None,
        host={Path(path).stem: Path(path) for path in snakemake.input.host},
        samples=Path(snakemake.output.samples),
        effects=Path(snakemake.output.effects),
    )

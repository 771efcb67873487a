"""Planted against recovered in the simulated metabolome."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.simulate.metabolome_recovery import measure_metabolome_recovery

with script(snakemake):
    modes = snakemake.params.modes
    measure_metabolome_recovery(
        truth=Path(snakemake.input.truth),
        features=dict(zip(modes, map(Path, snakemake.input.features), strict=True)),
        matrices=dict(zip(modes, map(Path, snakemake.input.matrices), strict=True)),
        normalised=Path(snakemake.input.normalised),
        state=Path(snakemake.input.state),
        **{name: Path(path) for name, path in snakemake.output.items()},
    )

"""A picture of the associations between layers."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.integrate.network import network_files

with script(snakemake):
    network_files(
        state=snakemake.wildcards.state,
        fdr=snakemake.params.fdr,
        seed=snakemake.params.seed,
        **{name: Path(path) for name, path in [*snakemake.input.items(), *snakemake.output.items()]},
    )

"""One single-cell library."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.single_cell.sample import SampleSettings, process_sample

with script(snakemake):
    given = snakemake.params
    process_sample(
        sample=snakemake.wildcards.sample,
        path=Path(snakemake.input.matrix),
        cycle=Path(snakemake.input.cycle),
        settings=SampleSettings.from_config(
            config=given.settings, override=given.override, genes=given.genes, seed=given.seed
        ),
        **{name: Path(path) for name, path in snakemake.output.items()},
    )

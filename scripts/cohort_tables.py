"""Write the checked sheets as tables."""

from pathlib import Path

from gutaxis.cohort.model import load_cohort
from gutaxis.cohort.tables import write_tables
from gutaxis.entry import script

with script(snakemake):
    write_tables(
        cohort=load_cohort(config=snakemake.params.config, root=Path.cwd()),
        files={name: Path(path) for name, path in snakemake.output.items()},
    )

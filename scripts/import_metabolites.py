"""Finished metabolite tables as a feature table."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.metabolome.tables.read import import_tables

with script(snakemake):
    import_tables(
        sources=snakemake.params.sources,
        **{f"path_{name}": Path(path) for name, path in snakemake.output.items()},
    )

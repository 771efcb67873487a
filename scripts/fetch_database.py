"""Fetch, verify and unpack one production database."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.metagenome.references import fetch_database

with script(snakemake):
    fetch_database(
        name=snakemake.wildcards.database,
        table=snakemake.params.table,
        folder=Path(snakemake.output.record).parent,
    )

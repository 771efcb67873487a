"""One row per injection."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.metabolome.intake import collect_intake

with script(snakemake):
    collect_intake(rows=[Path(path) for path in snakemake.input], output=Path(snakemake.output[0]))

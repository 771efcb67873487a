"""The tables that every file of a mode is integrated by."""

from gutaxis.entry import script
from gutaxis.metabolome.targets import copy_targets

with script(snakemake):
    for name in ("consensus", "transformations"):
        copy_targets(source=snakemake.input[name], target=snakemake.output[name])

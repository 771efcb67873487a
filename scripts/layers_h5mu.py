"""Write all layers into one MuData file."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.layers.mudata import combine_files

with script(snakemake):
    combine_files(
        paths={Path(path).stem: path for path in snakemake.input.layers},
        output=snakemake.output[0],
    )

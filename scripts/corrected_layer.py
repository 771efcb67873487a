"""Copy of a layer without batch effects, for pictures."""

from gutaxis.entry import script
from gutaxis.stats.batch import corrected_layer

with script(snakemake):
    corrected_layer(layer=snakemake.input.layer, output=snakemake.output[0])

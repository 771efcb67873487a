"""Draw the clinical figures."""

from gutaxis.clinical.draw import draw_figures
from gutaxis.entry import script

with script(snakemake):
    draw_figures(paths=list(snakemake.input), config=snakemake.params.config, files=dict(snakemake.output.items()))

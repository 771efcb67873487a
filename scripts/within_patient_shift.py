"""The shift within patients by every distance of a layer, in one table."""

from gutaxis.entry import script
from gutaxis.stats.shift_tables import stack_tables

with script(snakemake):
    stack_tables(paths=snakemake.input.shift, output=snakemake.output.shift)
    stack_tables(paths=snakemake.input.tests, output=snakemake.output.tests)

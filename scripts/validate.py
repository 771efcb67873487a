"""Print the completeness grid and the warnings of the sheets on the terminal."""

import sys

import pandas as pd

from gutaxis.cohort.completeness import render_grid
from gutaxis.entry import script

with script(snakemake):
    grid = render_grid(completeness=pd.read_csv(snakemake.input.completeness, sep="\t", dtype=str))
    for line in [grid, *snakemake.params.warnings]:
        print(line, file=sys.__stdout__)
        print(line)

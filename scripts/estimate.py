"""Estimate of time and disk, printed before a run."""

import sys
from pathlib import Path

from gutaxis.entry import script
from gutaxis.report.estimate import write_estimate

with script(snakemake):
    text = write_estimate(
        jobs=snakemake.params.jobs,
        rates=snakemake.input.rates,
        production=snakemake.params.production,
        cores=snakemake.params.cores,
        output=Path(snakemake.params.table),
    )
    print(text, file=sys.__stdout__)
    print(text)

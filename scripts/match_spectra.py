"""MS2 spectra of the features against the user's libraries."""

from pathlib import Path

import pandas as pd

from gutaxis.entry import script
from gutaxis.metabolome.intake_table import read_row
from gutaxis.metabolome.ms2 import match_spectra, ms2_files
from gutaxis.metabolome.reading import read_commented

with script(snakemake):
    samples = snakemake.params.samples
    queries = Path(snakemake.output.queries)
    rows = {sample: read_row(path=Path(path)) for sample, path in zip(samples, snakemake.input.rows, strict=True)}
    ms2_files(
        files=dict(zip(samples, map(Path, snakemake.input.spectra), strict=True)),
        features=read_commented(path=Path(snakemake.input.features)).set_index("feature"),
        mode=snakemake.wildcards.mode,
        ppm=snakemake.params.ppm,
        rt_tolerance=snakemake.params.rt_tolerance,
        path=queries,
        rt_factors={sample: float(row["rt_factor"]) for sample, row in rows.items()},
        knots=pd.read_csv(snakemake.input.transformations, sep="\t", dtype={"sample_id": str}),
    )
    match_spectra(
        python=snakemake.params.python,
        queries=queries,
        libraries=[Path(path) for path in snakemake.input.libraries],
        in_house=[Path(path) for path in snakemake.input.in_house],
        ppm=snakemake.params.ppm,
        tolerance=snakemake.params.tolerance,
        output=Path(snakemake.output.matches),
    )

"""Planted effects against the findings of the differential analysis."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.simulate.findings import measure_findings

with script(snakemake):
    measure_findings(
        truth=Path(snakemake.input.truth),
        results=dict(zip(map(tuple, snakemake.params.tables), map(Path, snakemake.input.results), strict=True)),
        features=dict(zip(snakemake.params.modes, map(Path, snakemake.input.features), strict=True)),
        fdr=snakemake.params.fdr,
        planted=Path(snakemake.output.planted),
        others=Path(snakemake.output.others),
        programs=Path(snakemake.input.programs),
    )

"""Planted against recovered in the simulated single cells."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.simulate.cell_recovery import measure_cells

with script(snakemake):
    tissues = snakemake.params.samples
    folders = zip(tissues, map(Path, snakemake.input.labels), strict=True)
    names = [sample for samples in tissues.values() for sample in samples]
    measure_cells(
        truth=Path(snakemake.input.truth),
        labels={sample: folder / f"{sample}.tsv" for tissue, folder in folders for sample in tissues[tissue]},
        cells=dict(zip(names, map(Path, snakemake.input.cells), strict=True)),
        output=Path(snakemake.output.scores),
        by_label=Path(snakemake.output.labels),
    )

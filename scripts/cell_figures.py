"""Figures of the cells of a tissue."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.single_cell.figures_all import cell_figures
from gutaxis.single_cell.summary_files import summary_files

with script(snakemake):
    given, samples = snakemake.input, snakemake.params.samples
    cell_figures(
        counts=dict(zip(samples, map(Path, given.h5ad), strict=True)),
        cells=dict(zip(samples, map(Path, given.cells), strict=True)),
        quality=dict(zip(samples, map(Path, given.quality), strict=True)),
        labels={sample: Path(given.labels) / f"{sample}.tsv" for sample in samples},
        fractions=summary_files(folders=given.summary, what="fractions"),
        programs=summary_files(folders=given.summary, what="programs"),
        embedding=Path(given.embedding),
        markers=Path(given.markers),
        outcomes=Path(given.outcomes),
        tissue=snakemake.wildcards.tissue,
        folder=Path(snakemake.output.map_svg).parent,
    )

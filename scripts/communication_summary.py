"""Ligand-receptor scores of all samples of a tissue."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.single_cell.communication import summarise_communication
from gutaxis.single_cell.figures_dynamics import write_pairs_figure

with script(snakemake):
    table = Path(snakemake.output.table)
    summarise_communication(
        tables=dict(zip(snakemake.params.samples, map(Path, snakemake.input), strict=True)), output=table
    )
    write_pairs_figure(
        summary=table,
        tissue=snakemake.wildcards.tissue,
        svg=Path(snakemake.output.svg),
        html=Path(snakemake.output.html),
    )

"""States of the clusters of one lineage."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.single_cell.annotate import AnnotationSettings, annotate_files

with script(snakemake):
    annotate_files(
        samples=dict(zip(snakemake.params.samples, map(Path, snakemake.input.h5ad), strict=True)),
        embedding=Path(snakemake.input.embedding),
        markers=Path(snakemake.input.markers),
        tissue=snakemake.wildcards.tissue,
        reference=snakemake.params.reference,
        subset=snakemake.wildcards.subset,
        clusters=Path(snakemake.output.clusters),
        sets=Path(snakemake.output.sets),
        settings=AnnotationSettings.from_config(snakemake.params.settings),
    )

"""Lineages of the clusters of a tissue."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.single_cell.annotate import AnnotationSettings, annotate_files
from gutaxis.single_cell.labels import write_lineages

with script(snakemake):
    embedding, clusters = Path(snakemake.input.embedding), Path(snakemake.output.clusters)
    annotate_files(
        samples=dict(zip(snakemake.params.samples, map(Path, snakemake.input.h5ad), strict=True)),
        embedding=embedding,
        markers=Path(snakemake.input.markers),
        tissue=snakemake.wildcards.tissue,
        reference=snakemake.params.reference,
        clusters=clusters,
        sets=Path(snakemake.output.sets),
        settings=AnnotationSettings.from_config(snakemake.params.settings),
        votes=[Path(path) for path in snakemake.input.votes],
        agreement=Path(snakemake.output.agreement) if snakemake.input.votes else None,
    )
    write_lineages(embedding=embedding, clusters=clusters, output=Path(snakemake.output.cells))

"""Pathways of a contrast's metabolites."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.metabolome.enrichment import EnrichmentSettings, enrichment_files

with script(snakemake):
    enrichment_files(
        **{f"path_{name}": Path(path) for name, path in snakemake.input.items()},
        settings=EnrichmentSettings(hit_q=snakemake.params.fdr),
        path_out=Path(snakemake.output[0]),
    )

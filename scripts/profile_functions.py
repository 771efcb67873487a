"""HUMAnN of one sample."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.metagenome.humann import profile_functions

with script(snakemake):
    profile_functions(
        sample=snakemake.wildcards.sample,
        reads=Path(snakemake.input.reads),
        profile=Path(snakemake.input.profile),
        nucleotide=Path(snakemake.input.nucleotide),
        protein=Path(snakemake.input.protein),
        pathways=Path(snakemake.input.pathways) if snakemake.input.pathways else None,
        joint_index=Path(snakemake.input.joint_index) if snakemake.input.get("joint_index") else None,
        threads=snakemake.threads,
        gene_families=Path(snakemake.output.gene_families),
        path_abundance=Path(snakemake.output.path_abundance),
        summary=Path(snakemake.output.summary),
    )

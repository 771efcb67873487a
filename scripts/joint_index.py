"""One nucleotide index for the study."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.metagenome.joint_index import build_joint_index

with script(snakemake):
    build_joint_index(
        profiles=[Path(path) for path in snakemake.input.profiles],
        nucleotide=Path(snakemake.input.nucleotide),
        threads=snakemake.threads,
        output=Path(snakemake.output[0]),
    )

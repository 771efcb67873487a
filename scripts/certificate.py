"""A run's manifest against a reference."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.provenance.certificate import write_certificate

with script(snakemake):
    write_certificate(
        manifest=snakemake.input.manifest,
        reference=snakemake.input.get("reference") or None,
        tolerances=snakemake.input.tolerances,
        certificate=Path(snakemake.output[0]),
    )

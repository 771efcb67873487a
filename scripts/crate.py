"""The run as a Workflow Run RO-Crate."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.provenance.crate import write_crate

with script(snakemake):
    write_crate(
        manifest=Path(snakemake.input.manifest),
        certificate=Path(snakemake.input.certificate),
        crate=Path(snakemake.output.crate),
        base=Path(snakemake.params.base),
        **{name: snakemake.params[name] for name in ("config", "sheets")},
    )

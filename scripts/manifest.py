"""What a run was made from and what it made."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.provenance.manifest import write_manifest

with script(snakemake):
    write_manifest(
        output=Path(snakemake.output[0]).parents[1],
        base=Path(snakemake.params.base),
        tolerances=snakemake.input.tolerances,
        threads=snakemake.threads,
        **{name: snakemake.params[name] for name in ("parts", "config", "sheets", "data", "databases")},
    )

"""Derive the clinical endpoints, or link a given response to the samples."""

from gutaxis.clinical.endpoints import write_endpoints
from gutaxis.entry import script

with script(snakemake):
    write_endpoints(paths=list(snakemake.input), config=snakemake.params.config, files=dict(snakemake.output.items()))

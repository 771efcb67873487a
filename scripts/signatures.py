"""Published scores of a stool profile."""

from pathlib import Path

import anndata as ad

from gutaxis.entry import script
from gutaxis.stats.signatures import toposcore, write_toposcore

with script(snakemake):
    table = toposcore(
        adata=ad.read_h5ad(snakemake.input.layer),
        signatures=Path(snakemake.input.first).parent,
    )
    write_toposcore(table=table, path=snakemake.output[0])

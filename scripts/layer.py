"""Assemble one layer."""

import pandas as pd

from gutaxis.entry import script
from gutaxis.layers.assemble import assemble_layer

with script(snakemake):
    fields = ("source", "sample_prefix", "sample_suffix", "rank", "orientation", "kind", "unit", "missing")
    assemble_layer(
        name=snakemake.wildcards.layer,
        paths=list(snakemake.input.tables),
        observations=pd.DataFrame(snakemake.params.observations).set_index("sample_id"),
        output_h5ad=snakemake.output.h5ad,
        output_tsv=snakemake.output.table,
        output_dropped=snakemake.output.dropped,
        **{name: snakemake.params[name] for name in fields if snakemake.params[name] is not None},
    )

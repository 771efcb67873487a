"""Write the rows by species of a layer made from HUMAnN tables."""

import pandas as pd

from gutaxis.entry import script
from gutaxis.layers.assemble import stratify_layer

with script(snakemake):
    stratify_layer(
        name=snakemake.wildcards.layer,
        paths=list(snakemake.input.tables),
        observations=pd.DataFrame(snakemake.params.observations).set_index("sample_id"),
        output=snakemake.output[0],
        **{name: snakemake.params[name] for name in ("sample_prefix", "sample_suffix", "missing")},
    )

"""Whether single-cell samples belong to their patients."""

from pathlib import Path

import pandas as pd

from gutaxis.entry import script
from gutaxis.single_cell.identity import identity_files

with script(snakemake):
    samples = pd.DataFrame(snakemake.params.samples)
    identity_files(
        samples=samples,
        pseudobulk=dict(zip(samples["sample_id"], map(Path, snakemake.input.pseudobulk), strict=True)),
        output=Path(snakemake.output[0]),
    )

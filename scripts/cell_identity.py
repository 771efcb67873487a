"""Whether single-cell samples belong to their patients."""

from pathlib import Path

import pandas as pd

from gutaxis.entry import script
from gutaxis.single_cell.identity import identity_files
from gutaxis.single_cell.summary_files import summary_files

with script(snakemake):
    identity_files(
        samples=pd.DataFrame(snakemake.params.samples),
        pseudobulk=summary_files(folders=snakemake.input.summary, what="pseudobulk"),
        output=Path(snakemake.output[0]),
    )

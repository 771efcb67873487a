"""Write the completeness and pair tables of the cohort."""

import pandas as pd

from gutaxis.entry import script
from gutaxis.files import write_tsv

with script(snakemake):
    write_tsv(pd.DataFrame(snakemake.params.completeness), snakemake.output.completeness)
    write_tsv(pd.DataFrame(snakemake.params.pairs), snakemake.output.pairs)

"""Write the report."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.report.report_page import report_page

with script(snakemake):
    report_page(
        files=list(snakemake.input.results),
        methods=Path(snakemake.input.methods),
        look=list(snakemake.input.look),
        output=Path(snakemake.output[0]),
        title=snakemake.params.title,
        layers=snakemake.params.layers,
        absent=snakemake.params.absent,
        settings=snakemake.params.settings,
    )

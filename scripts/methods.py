"""Methods text, references and checklist of a run."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.report.methods import write_methods
from gutaxis.report.methods_facts import Facts, pinned_versions

with script(snakemake):
    versions = pinned_versions(tools=snakemake.input.tools, requirements=snakemake.input.requirements)
    write_methods(
        facts=Facts(config=snakemake.params.config, run=snakemake.params.run, versions=versions),
        bibliography=snakemake.input.bibliography,
        checklist=snakemake.input.checklist,
        text=Path(snakemake.output.text),
        citations=Path(snakemake.output.citations),
        storms=Path(snakemake.output.storms),
    )

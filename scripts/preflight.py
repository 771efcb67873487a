"""Compare the version of every program of an environment with its pin."""

from gutaxis.entry import script
from gutaxis.errors import raise_if_errors
from gutaxis.files import write_tsv
from gutaxis.provenance.preflight import check_tools

with script(snakemake):
    versions, problems = check_tools(table=snakemake.input.tools, environment=snakemake.params.environment)
    print(versions.to_string(index=False))
    raise_if_errors(problems)
    write_tsv(versions, snakemake.output.versions)

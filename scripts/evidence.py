"""One table of the evidence for every feature."""

from gutaxis.entry import script
from gutaxis.integrate.evidence import evidence_files

with script(snakemake):
    given, found = snakemake.params, snakemake.input
    evidence_files(
        differential=found.differential,
        associations=dict(zip(given.associated, found.associations, strict=True)),
        importance=dict(zip(given.predicted, found.importance, strict=True)),
        performance=dict(zip(given.predicted, found.performance, strict=True)),
        modules=found.get("modules") or None,
        module_tests=found.get("module_tests") or None,
        chains=found.get("chains") or None,
        literature=found.literature,
        reliability=found.reliability,
        settings=given.settings,
        **dict(snakemake.output.items()),
    )

"""Planted effects, pairs and chains against the findings of the analyses."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.simulate.chain_recovery import measure_chains
from gutaxis.simulate.findings import measure_findings

with script(snakemake):
    given, found, made = snakemake.params, snakemake.input, snakemake.output
    shared = {
        "truth": Path(found.truth),
        "features": dict(zip(given.modes, map(Path, found.features), strict=True)),
        "fdr": given.fdr,
    }
    measure_findings(
        **shared,
        results=dict(zip(map(tuple, given.tables), map(Path, found.results), strict=True)),
        planted=Path(made.planted),
        others=Path(made.others),
        programs=Path(found.programs),
    )
    measure_chains(
        **shared,
        associations=dict(zip(given.states, map(Path, found.associations), strict=True)),
        mediation=Path(found.mediation) if given.states else None,
        pairs=Path(made.pairs),
        chains=Path(made.chains),
    )

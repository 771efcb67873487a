"""Every feature of one layer in one contrast."""

from gutaxis.entry import script
from gutaxis.stats.differential import DifferentialSettings, differential, write_differential
from gutaxis.stats.inputs import read_inputs

with script(snakemake):
    adata, outcomes = read_inputs(layer=snakemake.input.layer, outcomes=snakemake.input.outcomes)
    shared = {name: snakemake.params.statistics[name] for name in ("fdr", "batch", "pairs", "min_patients")}
    result = differential(
        adata=adata,
        outcomes=outcomes,
        contrast=snakemake.wildcards.contrast,
        role=snakemake.params.contrast["role"],
        covariates=tuple(snakemake.params.covariates),
        settings=DifferentialSettings(
            **shared, prevalence=snakemake.params.prevalence, families=snakemake.params.family
        ),
        seed=snakemake.params.seed,
    )
    write_differential(result=result, **dict(snakemake.output.items()))

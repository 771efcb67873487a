"""One distance of one layer, and every analysis that rests on it."""

from gutaxis.entry import script
from gutaxis.stats.beta import BetaSettings, beta_diversity, write_beta
from gutaxis.stats.inputs import read_inputs, roles
from gutaxis.stats.unifrac import read_tree

with script(snakemake):
    adata, outcomes = read_inputs(layer=snakemake.input.layer, outcomes=snakemake.input.outcomes)
    shared = {name: snakemake.params.statistics[name] for name in ("permutations", "batch", "min_patients")}
    result = beta_diversity(
        adata=adata,
        outcomes=outcomes,
        contrasts=roles(contrasts=snakemake.params.contrasts),
        covariates=snakemake.params.covariates,
        settings=BetaSettings(**shared),
        metric=snakemake.wildcards.metric,
        seed=snakemake.params.seed,
        tree=read_tree(path=snakemake.input.tree) if snakemake.input.get("tree") else None,
    )
    write_beta(result=result, outputs=dict(snakemake.output.items()))

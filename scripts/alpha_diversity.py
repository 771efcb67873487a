"""Alpha diversity of one layer and its tests."""

from gutaxis.entry import script
from gutaxis.stats.alpha_tests import AlphaSettings, alpha_diversity, write_alpha
from gutaxis.stats.inputs import read_inputs, roles
from gutaxis.stats.unifrac import read_tree

with script(snakemake):
    adata, outcomes = read_inputs(layer=snakemake.input.layer, outcomes=snakemake.input.outcomes)
    shared = {name: snakemake.params.statistics[name] for name in ("fdr", "batch", "pairs", "min_patients")}
    rarefaction = {"draws": snakemake.params.rarefaction_repeats, "depth": snakemake.params.rarefaction_depth}
    result = alpha_diversity(
        adata=adata,
        outcomes=outcomes,
        contrasts=roles(contrasts=snakemake.params.contrasts),
        covariates=snakemake.params.covariates,
        settings=AlphaSettings(**shared, **rarefaction),
        seed=snakemake.params.seed,
        tree=read_tree(path=snakemake.input.tree) if snakemake.input.get("tree") else None,
    )
    write_alpha(result=result, values=snakemake.output["values"], tests=snakemake.output.tests)

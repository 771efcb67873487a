"""Frozen or refit: the record of what was learned across samples, and from which batches.

Required: config section `batches`, the cohort. Gives: provenance/batch_choices.tsv. What is frozen is frozen where it is
made: link_features, feature_matrix, normalise_metabolites; embed_cells, label_lineages, embed_subset, label_states;
prediction_models, locked_model. Each takes the reference batches, or None, as a parameter.
"""

from gutaxis.provenance.batch_samples import learned_from

QCS = COHORT.samples.loc[COHORT.sample_ids(assay="METAB", control="POOL_QC"), "batch"].astype(str)
POOLED_QCS = {name: int(n) for name, n in sorted(QCS.value_counts().items())}


rule batch_choices:
    """Which parts are frozen, what they learned from which batches, and which samples were placed on it."""
    input:
        f"{OUT}/clinical/sample_response.tsv" if FROZEN["models"] else [],
    output:
        f"{OUT}/provenance/batch_choices.tsv",
    log:
        f"{OUT}/logs/batch_choices/batch_choices.log",
    benchmark:
        f"{OUT}/benchmarks/batch_choices/batch_choices.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(500),
        runtime=by_attempt(10),
    params:
        choices={key: config["batches"][key] for key in ("reference", "normalisation", "embedding", "models")},
        samples=learned_from(cohort=COHORT, layers=LAYERS, predicting=PREDICTING),
        controls=POOLED_QCS,
        code=code("batch_choices"),
    message:
        "Frozen or refit, by batch"
    script:
        "../scripts/batch_choices.py"

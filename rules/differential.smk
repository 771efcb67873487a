"""Differential abundance: every feature of every layer, every contrast of the config.

Required: layers/{layer}.h5ad and clinical/sample_response.tsv. Gives: differential/{layer}/{contrast}.tsv (one row per
feature), {contrast}.sensitivity.tsv (the same tests by other methods), {contrast}.dropped.tsv (what was left out and
why); layers/{layer}.corrected.h5ad on request, for pictures only.
"""


rule differential_abundance:
    """Test every feature of a layer in one contrast."""
    input:
        layer=f"{OUT}/layers/{{layer}}.h5ad",
        outcomes=f"{OUT}/clinical/sample_response.tsv",
    output:
        table=report(
            f"{OUT}/differential/{{layer}}/{{contrast}}.tsv",
            caption="../resources/captions/differential_abundance.rst",
            category="Differential abundance",
            subcategory="{layer}",
        ),
        sensitivity=f"{OUT}/differential/{{layer}}/{{contrast}}.sensitivity.tsv",
        dropped=f"{OUT}/differential/{{layer}}/{{contrast}}.dropped.tsv",
    log:
        f"{OUT}/logs/differential_abundance/{{layer}}.{{contrast}}.log",
    benchmark:
        f"{OUT}/benchmarks/differential_abundance/{{layer}}.{{contrast}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(60),
    params:
        contrast=contrast_params,
        covariates=list(COHORT.covariates),
        statistics=config["statistics"],
        prevalence=config["differential"]["prevalence"],
        family=layer_family,
        seed=config["seed"],
        code=code("differential_abundance"),
    message:
        "{wildcards.contrast} of {wildcards.layer}"
    script:
        "../scripts/differential_abundance.py"


rule corrected_layer:
    """A copy of a layer with batch effects removed, for pictures: no analysis reads it."""
    input:
        layer=f"{OUT}/layers/{{layer}}.h5ad",
    output:
        f"{OUT}/layers/{{layer}}.corrected.h5ad",
    log:
        f"{OUT}/logs/corrected_layer/{{layer}}.log",
    benchmark:
        f"{OUT}/benchmarks/corrected_layer/{{layer}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(30),
    params:
        covariates=list(COHORT.covariates),
        code=code("corrected_layer"),
    message:
        "Batch-corrected copy of {wildcards.layer}, for pictures"
    script:
        "../scripts/corrected_layer.py"

"""Diversity of every layer: alpha (compositional layers), beta, PERMANOVA, dispersion, shift within patients.

Required: layers/{layer}.h5ad and clinical/sample_response.tsv. Gives: diversity/{layer}/alpha_diversity.tsv,
alpha_tests.tsv, beta_{metric}.tsv, pcoa_{metric}.tsv, permanova_{metric}.tsv, dispersion_{metric}.tsv,
within_patient_shift.tsv, and for MetaPhlAn layers signatures.tsv (TOPOSCORE, Akkermansia class).
"""


rule alpha_diversity:
    """Alpha diversity of every sample, and its tests for every contrast."""
    input:
        layer=f"{OUT}/layers/{{layer}}.h5ad",
        outcomes=f"{OUT}/clinical/sample_response.tsv",
        tree=layer_tree,
    output:
        values=f"{OUT}/diversity/{{layer}}/alpha_diversity.tsv",
        tests=f"{OUT}/diversity/{{layer}}/alpha_tests.tsv",
    log:
        f"{OUT}/logs/alpha_diversity/{{layer}}.log",
    benchmark:
        f"{OUT}/benchmarks/alpha_diversity/{{layer}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(60),
    params:
        **ANALYSIS,
        rarefaction_repeats=config["diversity"]["rarefaction_repeats"],
        rarefaction_depth=config["diversity"]["rarefaction_depth"],
        code=code("alpha_diversity"),
    message:
        "Alpha diversity of {wildcards.layer}"
    script:
        "../scripts/alpha_diversity.py"


rule beta_diversity:
    """One distance: matrix, ordination, PERMANOVA, dispersion, and the shift within patients."""
    input:
        layer=f"{OUT}/layers/{{layer}}.h5ad",
        outcomes=f"{OUT}/clinical/sample_response.tsv",
        tree=layer_tree,
    output:
        distances=f"{OUT}/diversity/{{layer}}/beta_{{metric}}.tsv",
        pcoa=f"{OUT}/diversity/{{layer}}/pcoa_{{metric}}.tsv",
        permanova=report(
            f"{OUT}/diversity/{{layer}}/permanova_{{metric}}.tsv",
            caption="../resources/captions/permanova.rst",
            category="Diversity",
            subcategory="{layer}",
        ),
        dispersion=f"{OUT}/diversity/{{layer}}/dispersion_{{metric}}.tsv",
        shift=f"{OUT}/diversity/{{layer}}/shift/{{metric}}.tsv",
        shift_tests=f"{OUT}/diversity/{{layer}}/shift/{{metric}}_tests.tsv",
    log:
        f"{OUT}/logs/beta_diversity/{{layer}}.{{metric}}.log",
    benchmark:
        f"{OUT}/benchmarks/beta_diversity/{{layer}}.{{metric}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(60),
    params:
        **ANALYSIS,
        code=code("beta_diversity"),
    message:
        "{wildcards.metric} distances of {wildcards.layer}"
    script:
        "../scripts/beta_diversity.py"


rule within_patient_shift:
    """How far each patient moved between PRE and POST, by every distance of the layer, and its relation to response."""
    input:
        shift=shift_inputs("{metric}.tsv"),
        tests=shift_inputs("{metric}_tests.tsv"),
    output:
        shift=f"{OUT}/diversity/{{layer}}/within_patient_shift.tsv",
        tests=f"{OUT}/diversity/{{layer}}/within_patient_shift_tests.tsv",
    log:
        f"{OUT}/logs/within_patient_shift/{{layer}}.log",
    benchmark:
        f"{OUT}/benchmarks/within_patient_shift/{{layer}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(500),
        runtime=by_attempt(10),
    params:
        code=code("within_patient_shift"),
    message:
        "Shift within patients of {wildcards.layer}"
    script:
        "../scripts/within_patient_shift.py"


rule signatures:
    """Published scores of a stool profile: TOPOSCORE and the class of Akkermansia."""
    input:
        layer=f"{OUT}/layers/{{layer}}.h5ad",
        first=resource("signatures/toposcore_sig1.tsv"),
        second=resource("signatures/toposcore_sig2.tsv"),
    output:
        f"{OUT}/diversity/{{layer}}/signatures.tsv",
    log:
        f"{OUT}/logs/signatures/{{layer}}.log",
    benchmark:
        f"{OUT}/benchmarks/signatures/{{layer}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(10),
    params:
        code=code("signatures"),
    message:
        "Published signatures of {wildcards.layer}"
    script:
        "../scripts/signatures.py"

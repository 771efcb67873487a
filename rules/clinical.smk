"""The cohort: who gave which sample, what pairs up.

Required: the sheets of config `cohort`. Gives: clinical/completeness.tsv, clinical/pairs.tsv; `snakemake validate`
prints the grid. The sheets are no inputs: their sorted content is a parameter, so that reordered rows rerun nothing.
"""


rule completeness:
    """Patient x assay x material: what is there before and after ILDR, which pairs are kept or dropped and why."""
    output:
        completeness=f"{OUT}/clinical/completeness.tsv",
        pairs=f"{OUT}/clinical/pairs.tsv",
    log:
        f"{OUT}/logs/completeness/completeness.log",
    benchmark:
        f"{OUT}/benchmarks/completeness/completeness.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        completeness=COHORT.completeness.to_dict("list"),
        pairs=COHORT.pairs.to_dict("list"),
        code=code("completeness"),
    message:
        "Completeness of the cohort: patient x assay x timepoint"
    script:
        "../scripts/completeness.py"


rule validate:
    """Check config and sheets alone and print the completeness grid; sheet errors stop before this rule."""
    input:
        completeness=f"{OUT}/clinical/completeness.tsv",
        pairs=f"{OUT}/clinical/pairs.tsv",
    log:
        f"{OUT}/logs/validate/validate.log",
    benchmark:
        f"{OUT}/benchmarks/validate/validate.tsv"
    localrule: True
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        warnings=[str(warning) for warning in COHORT.warnings],
        code=code("validate"),
    message:
        "Config and sheets are sound"
    script:
        "../scripts/validate.py"

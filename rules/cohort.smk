"""The cohort: who gave which sample, what pairs up, and the checked sheets as files.

Required: the sheets of config `cohort`. Gives: clinical/completeness.tsv, clinical/pairs.tsv, clinical/cohort/{table}.tsv;
`snakemake validate` prints the grid. The sheets are no inputs: their sorted content (or its digest) is a parameter, so
that reordered rows rerun nothing.
"""

from gutaxis.cohort.tables import TABLES


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
        mem_mb=by_attempt(500),
        runtime=by_attempt(10),
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
        mem_mb=by_attempt(500),
        runtime=by_attempt(10),
    params:
        warnings=[str(warning) for warning in COHORT.warnings],
        code=code("validate"),
    message:
        "Config and sheets are sound"
    script:
        "../scripts/validate.py"


rule cohort_tables:
    """The checked sheets, sorted and typed, with days counted from ILDR: what the clinical arm reads."""
    output:
        **{table: f"{OUT}/clinical/cohort/{table}.tsv" for table in TABLES},
    log:
        f"{OUT}/logs/cohort_tables/cohort_tables.log",
    benchmark:
        f"{OUT}/benchmarks/cohort_tables/cohort_tables.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(10),
    params:
        config={name: config[name] for name in COHORT_KEYS},
        digest=COHORT.digest(),
        code=code("cohort_tables"),
    message:
        "Checked sheets as tables"
    script:
        "../scripts/cohort_tables.py"

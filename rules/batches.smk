"""Batches: what a run keeps of itself, and what the newest batch changes.

Required: the main results of `all`. Gives: batches/{set}/ with the snapshot of this set of batches (made by every run),
and, from `snakemake batch_report`, tables batch_*.tsv and the page batch_report.html. Earlier snapshots stay on disk.
"""


rule batch_snapshot:
    """Labels, main results and checksums by sample, to be compared with when the next batch comes."""
    input:
        samples=f"{OUT}/clinical/cohort/samples.tsv",
        outcomes=f"{OUT}/clinical/sample_response.tsv",
        layers=[f"{OUT}/layers/{layer}.h5ad" for layer in LAYERS],
        tables=main_tables,
    output:
        **{name: f"{BATCH_SET}/{name}.tsv" for name in SNAPSHOT},
    log:
        f"{OUT}/logs/batch_snapshot/batch_snapshot.log",
    benchmark:
        f"{OUT}/benchmarks/batch_snapshot/batch_snapshot.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(30),
    params:
        layers=list(LAYERS),
        code=code("batch_snapshot"),
    message:
        "Snapshot of batches"
    script:
        "../scripts/batch_snapshot.py"


rule batch_report:
    """What the newest batch changes: quality, drift, blanks, labels, main results, bytes of earlier samples."""
    input:
        unpack(batch_controls),
        snapshot=rules.batch_snapshot.output,
        quality=list(batch_quality().values()),
        layers=[f"{OUT}/layers/{layer}.h5ad" for layer in batch_layers()],
        distances=[f"{OUT}/diversity/{layer}/beta_{metric}.tsv" for layer, metric in batch_layers().items()],
        template=resource("report/batch.html.j2"),
        style=resource("report/page.css"),
    output:
        **{name: f"{BATCH_SET}/batch_{name}.tsv" for name in BATCH_TABLES},
        page=f"{BATCH_SET}/batch_report.html",
    log:
        f"{OUT}/logs/batch_report/batch_report.log",
    benchmark:
        f"{OUT}/benchmarks/batch_report/batch_report.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(60),
    params:
        assays=list(batch_quality()),
        metrics=batch_layers(),
        sheets=COHORT.batch_sheets,
        newest=config["batches"]["newest"],
        before=config["batches"]["before"],
        fdr=config["statistics"]["fdr"],
        permutations=config["statistics"]["permutations"],
        seed=config["seed"],
        code=code("batch_report"),
    message:
        "Batch report"
    script:
        "../scripts/batch_report.py"

"""What people look at: quality tables and MultiQC.

Required: per-sample tables of the metagenome arm; quality tables of the other arms. Gives:
metagenome/qc/metagenome_qc.tsv, metagenome/qc/controls.tsv, report/multiqc.html.
"""


rule metagenome_qc:
    """One row per sample and control: reads lost at each step, species, unclassified part, function yields."""
    input:
        check=expand(f"{MGX}/qc/check_reads/{{sample}}.tsv", sample=STOOL),
        clean=expand(f"{MGX}/qc/clean_reads/{{sample}}.tsv", sample=STOOL),
        taxa=expand(f"{MGX}/qc/profile_taxa/{{sample}}.tsv", sample=STOOL),
        functions=(
            expand(f"{MGX}/qc/profile_functions/{{sample}}.tsv", sample=FUNCTIONS)
            if config["metagenome"]["functions"]
            else []
        ),
        profiles=expand(f"{MGX}/profiles/{{sample}}.tsv", sample=sorted(set(STOOL) - set(FUNCTIONS))),
    output:
        qc=f"{MGX}/qc/metagenome_qc.tsv",
        controls=f"{MGX}/qc/controls.tsv",
    log:
        f"{OUT}/logs/metagenome_qc/metagenome_qc.log",
    benchmark:
        f"{OUT}/benchmarks/metagenome_qc/metagenome_qc.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(30),
    params:
        samples={sample: [COHORT.samples.at[sample, "batch"], COHORT.samples.at[sample, "control"]] for sample in STOOL},
        code=code("metagenome_qc"),
    message:
        "Quality table of the metagenome arm"
    script:
        "../scripts/metagenome_qc.py"


rule multiqc:
    """MultiQC of all arms: FastQC, and a section for what else tells of quality; an absent arm has none."""
    input:
        completeness=f"{OUT}/clinical/completeness.tsv",
        warnings=f"{OUT}/clinical/warnings.tsv" if RECIST else [],
        reads=f"{MGX}/qc/metagenome_qc.tsv" if METAGENOME_ARM else [],
        fastqc=(
            expand(f"{MGX}/qc/fastqc/{{sample}}", sample=STOOL)
            if METAGENOME_ARM and config["metagenome"]["reads"]["fastqc"]
            else []
        ),
        intake=[f"{MTB}/qc/intake_{mode}.tsv" for mode in MODES if METABOLOME_ARM and mode != "tables"],
        injections=f"{MTB}/normalised/injection_quality.tsv" if METABOLOME_ARM else [],
        batches=f"{MTB}/normalised/batches.tsv" if METABOLOME_ARM else [],
        cells=f"{CELLS}/quality.tsv" if TISSUES else [],
        identity=f"{CELLS}/identity.tsv" if TISSUES else [],
    output:
        report(f"{OUT}/report/multiqc.html", caption="../resources/captions/multiqc.rst", category="Quality"),
    log:
        f"{OUT}/logs/multiqc/multiqc.log",
    benchmark:
        f"{OUT}/benchmarks/multiqc/multiqc.tsv"
    conda:
        "../envs/multiqc.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(2000),
        runtime=by_attempt(60),
    params:
        code=code("multiqc"),
    message:
        "MultiQC report"
    script:
        "../scripts/multiqc.py"

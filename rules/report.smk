"""What people look at: quality tables and MultiQC.

Required: per-sample tables of the metagenome arm. Gives: metagenome/qc/metagenome_qc.tsv, metagenome/qc/controls.tsv,
report/multiqc.html.
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
        mem_mb=1000,
        runtime=30,
    params:
        samples={sample: [COHORT.samples.at[sample, "batch"], COHORT.samples.at[sample, "control"]] for sample in STOOL},
        code=code("metagenome_qc"),
    message:
        "Quality table of the metagenome arm"
    script:
        "../scripts/metagenome_qc.py"


rule multiqc:
    """MultiQC: FastQC of every sample, and KneadData, MetaPhlAn and HUMAnN yields as tables of their own."""
    input:
        qc=f"{MGX}/qc/metagenome_qc.tsv",
        fastqc=(expand(f"{MGX}/qc/fastqc/{{sample}}", sample=STOOL) if config["metagenome"]["reads"]["fastqc"] else []),
    output:
        f"{OUT}/report/multiqc.html",
    log:
        f"{OUT}/logs/multiqc/multiqc.log",
    benchmark:
        f"{OUT}/benchmarks/multiqc/multiqc.tsv"
    conda:
        "../envs/multiqc.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code("multiqc"),
    message:
        "MultiQC report"
    script:
        "../scripts/multiqc.py"

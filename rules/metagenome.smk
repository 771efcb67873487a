"""The metagenome arm: stool reads to species and pathways.

Required: samples with assay MGX and their FASTQ files; databases (rules/references.smk).
Gives, per sample: metagenome/qc/check_reads, clean_reads, fastqc; metagenome/profiles (MetaPhlAn);
metagenome/functions (HUMAnN). Layers `taxa`, `pathways`, `genes` are made from these in rules/layers.smk.
Steps: read check -> KneadData -> FastQC -> MetaPhlAn -> HUMAnN. Blanks and mocks stop after MetaPhlAn.
"""

# Kept by default: a change in a later step then starts from here. `metagenome.reads.keep: false` saves their disk.
CLEANED = f"{MGX}/reads/{{sample}}.fastq.gz"


rule check_reads:
    """Read every record of a sample's files once: gzip, record form, mate names, mate counts."""
    input:
        mates_1=mates(1),
        mates_2=mates(2),
    output:
        f"{MGX}/qc/check_reads/{{sample}}.tsv",
    log:
        f"{OUT}/logs/check_reads/{{sample}}.log",
    benchmark:
        f"{OUT}/benchmarks/check_reads/{{sample}}.tsv"
    conda:
        "../envs/metagenome.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(500),
        runtime=by_attempt(120),
    params:
        control=is_control,
        code=code("check_reads"),
    message:
        "Read check of {wildcards.sample}"
    script:
        "../scripts/check_reads.py"


rule clean_reads:
    """KneadData: cut adapters and low quality, remove tandem repeats and host reads."""
    input:
        mates_1=mates(1),
        mates_2=mates(2),
        check=f"{MGX}/qc/check_reads/{{sample}}.tsv",
        host=database_input("host"),
    output:
        reads=CLEANED if config["metagenome"]["reads"]["keep"] else temp(CLEANED),
        counts=f"{MGX}/qc/clean_reads/{{sample}}.tsv",
    log:
        f"{OUT}/logs/clean_reads/{{sample}}.log",
    benchmark:
        f"{OUT}/benchmarks/clean_reads/{{sample}}.tsv"
    retries: 1
    conda:
        "../envs/metagenome.yaml"
    threads: threads_up_to(4)
    resources:
        mem_mb=mem_mb_database("host"),
        runtime=by_attempt(720),
    params:
        control=is_control,
        adapters=config["metagenome"]["reads"]["adapters"],
        chunk_pairs=config["metagenome"]["reads"]["chunk_pairs"],
        min_pairs=config["metagenome"]["reads"]["min_pairs"],
        trf=config["metagenome"]["reads"]["trf"],
        code=code("clean_reads"),
    message:
        "KneadData of {wildcards.sample}"
    script:
        "../scripts/clean_reads.py"


rule fastqc:
    """FastQC of a sample's raw files and of its cleaned reads."""
    input:
        mates_1=mates(1),
        mates_2=mates(2),
        check=f"{MGX}/qc/check_reads/{{sample}}.tsv",
        reads=CLEANED,
    output:
        directory(f"{MGX}/qc/fastqc/{{sample}}"),
    log:
        f"{OUT}/logs/fastqc/{{sample}}.log",
    benchmark:
        f"{OUT}/benchmarks/fastqc/{{sample}}.tsv"
    conda:
        "../envs/metagenome.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_reads,
        runtime=by_attempt(240),
    params:
        code=code("fastqc"),
    message:
        "FastQC of {wildcards.sample}"
    script:
        "../scripts/fastqc.py"


rule profile_taxa:
    """MetaPhlAn: share of each species and SGB, the unclassified part estimated."""
    input:
        reads=CLEANED,
        database=database_input("metaphlan"),
    output:
        profile=f"{MGX}/profiles/{{sample}}.tsv",
        summary=f"{MGX}/qc/profile_taxa/{{sample}}.tsv",
    log:
        f"{OUT}/logs/profile_taxa/{{sample}}.log",
    benchmark:
        f"{OUT}/benchmarks/profile_taxa/{{sample}}.tsv"
    retries: 1
    conda:
        "../envs/metagenome.yaml"
    threads: threads_up_to(4)
    resources:
        mem_mb=mem_mb_database("metaphlan"),
        runtime=by_attempt(480),
    params:
        index=config["metagenome"]["index"],
        code=code("profile_taxa"),
    message:
        "MetaPhlAn of {wildcards.sample}"
    script:
        "../scripts/profile_taxa.py"


rule joint_index:
    """One nucleotide index of all species seen in any sample of the study (metagenome.nucleotide_index: joint)."""
    input:
        profiles=expand(f"{MGX}/profiles/{{sample}}.tsv", sample=FUNCTIONS),
        nucleotide=database_input("nucleotide"),
    output:
        directory(f"{MGX}/functions/joint_index"),
    log:
        f"{OUT}/logs/joint_index/joint_index.log",
    benchmark:
        f"{OUT}/benchmarks/joint_index/joint_index.tsv"
    conda:
        "../envs/metagenome.yaml"
    threads: threads_up_to(8)
    resources:
        mem_mb=mem_mb_database("nucleotide"),
        runtime=by_attempt(720),
    params:
        code=code("joint_index"),
    message:
        "Joint nucleotide index of the study"
    script:
        "../scripts/joint_index.py"


rule profile_functions:
    """HUMAnN: gene families and MetaCyc pathways, searched in the species of the sample's MetaPhlAn profile."""
    input:
        unpack(nucleotide_search),
        reads=CLEANED,
        profile=f"{MGX}/profiles/{{sample}}.tsv",
        nucleotide=database_input("nucleotide"),
        protein=database_input("protein"),
        pathways=database_input("pathways"),
    output:
        gene_families=f"{MGX}/functions/{{sample}}_genefamilies.tsv",
        path_abundance=f"{MGX}/functions/{{sample}}_pathabundance.tsv",
        summary=f"{MGX}/qc/profile_functions/{{sample}}.tsv",
    log:
        f"{OUT}/logs/profile_functions/{{sample}}.log",
    benchmark:
        f"{OUT}/benchmarks/profile_functions/{{sample}}.tsv"
    retries: 1
    conda:
        "../envs/metagenome.yaml"
    threads: threads_up_to(8)
    resources:
        mem_mb=mem_mb_database("protein"),
        disk_mb=disk_mb_humann,
        runtime=by_attempt(1440),
    params:
        code=code("profile_functions"),
    message:
        "HUMAnN of {wildcards.sample}"
    script:
        "../scripts/profile_functions.py"

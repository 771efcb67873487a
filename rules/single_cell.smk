"""The single-cell arm: from count matrices of blood and tumour to labelled cells.

Required: SCRNA samples in the sample sheets (file_1: .h5, .h5ad or the folder of the mtx files; material PBMC or TUMOR).
Gives, per sample: single_cell/samples (counts of the kept cells, every barcode with its verdict, quality); per tissue:
single_cell/{tissue} (embedding, clusters, labels). Genes of all cells are never in memory together: a tissue is embedded
on its most variable genes, and everything else is summed sample by sample. Response is read nowhere here.
"""

MARKERS = config["single_cell"]["annotation"]["markers"] or resource("markers/cell_markers.tsv")


rule cell_sample:
    """One library: read, checked, cells and doublets told apart, cell cycle, variable genes."""
    input:
        matrix=matrix_of,
        cycle=resource("markers/cell_cycle.tsv"),
    output:
        h5ad=f"{CELLS}/samples/{{sample}}.h5ad",
        cells=f"{CELLS}/samples/{{sample}}.cells.tsv.gz",
        qc=f"{CELLS}/samples/{{sample}}.qc.tsv",
        hvg=f"{CELLS}/samples/{{sample}}.hvg.tsv",
    log:
        f"{OUT}/logs/cell_sample/{{sample}}.log",
    benchmark:
        f"{OUT}/benchmarks/cell_sample/{{sample}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_cells,
        runtime=by_attempt(120),
    params:
        settings={key: config["single_cell"][key] for key in ("input", "quality", "doublets")},
        override=sample_override,
        genes=config["single_cell"]["embedding"]["genes"],
        seed=config["seed"],
        code=code("cell_sample"),
    message:
        "Cells of {wildcards.sample}"
    script:
        "../scripts/cell_sample.py"


rule embed_cells:
    """All cells of a tissue: variable genes by vote of the samples, components, samples brought together, clusters."""
    input:
        h5ad=of_samples(f"{CELLS}/samples/{{sample}}.h5ad"),
        hvg=of_samples(f"{CELLS}/samples/{{sample}}.hvg.tsv"),
    output:
        embedding=f"{CELLS}/{{tissue}}/embedding.h5ad",
        hvg=f"{CELLS}/{{tissue}}/hvg.tsv",
    log:
        f"{OUT}/logs/embed_cells/{{tissue}}.log",
    benchmark:
        f"{OUT}/benchmarks/embed_cells/{{tissue}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_embedding,
        runtime=by_attempt(600),
    params:
        samples=samples_of,
        batches=batches_of_tissue,
        reference=reference_of_tissue,
        settings=config["single_cell"]["embedding"],
        seed=config["seed"],
        code=code("embed_cells"),
    message:
        "Clusters of all cells, {wildcards.tissue}"
    script:
        "../scripts/embed_cells.py"


rule label_lineages:
    """A lineage for every cluster of a tissue, or `unresolved`."""
    input:
        h5ad=of_samples(f"{CELLS}/samples/{{sample}}.h5ad"),
        embedding=f"{CELLS}/{{tissue}}/embedding.h5ad",
        markers=MARKERS,
        votes=votes_of_tissue,
    output:
        clusters=f"{CELLS}/{{tissue}}/clusters.tsv",
        cells=f"{CELLS}/{{tissue}}/lineages.tsv.gz",
        sets=f"{CELLS}/{{tissue}}/marker_sets.tsv",
        agreement=[f"{CELLS}/{{tissue}}/celltypist.tsv"] if config["single_cell"]["annotation"]["celltypist"] else [],
    log:
        f"{OUT}/logs/label_lineages/{{tissue}}.log",
    benchmark:
        f"{OUT}/benchmarks/label_lineages/{{tissue}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_embedding,
        runtime=by_attempt(240),
    params:
        samples=samples_of,
        reference=reference_of_tissue,
        settings=config["single_cell"]["annotation"],
        code=code("label_lineages"),
    message:
        "Lineages, {wildcards.tissue}"
    script:
        "../scripts/label_lineages.py"


rule embed_subset:
    """T and NK cells, or myeloid cells, clustered again on the genes that vary among them."""
    input:
        h5ad=of_samples(f"{CELLS}/samples/{{sample}}.h5ad"),
        cells=f"{CELLS}/{{tissue}}/lineages.tsv.gz",
    output:
        embedding=f"{CELLS}/{{tissue}}/{{subset}}.h5ad",
        hvg=f"{CELLS}/{{tissue}}/{{subset}}.hvg.tsv",
    log:
        f"{OUT}/logs/embed_subset/{{tissue}}.{{subset}}.log",
    benchmark:
        f"{OUT}/benchmarks/embed_subset/{{tissue}}.{{subset}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_embedding,
        runtime=by_attempt(600),
    params:
        samples=samples_of,
        batches=batches_of_tissue,
        reference=reference_of_tissue,
        settings=config["single_cell"]["embedding"],
        seed=config["seed"],
        code=code("embed_subset"),
    message:
        "Clusters of {wildcards.subset} cells, {wildcards.tissue}"
    script:
        "../scripts/embed_subset.py"


rule label_states:
    """A state for every cluster of T and NK cells, or of myeloid cells."""
    input:
        h5ad=of_samples(f"{CELLS}/samples/{{sample}}.h5ad"),
        embedding=f"{CELLS}/{{tissue}}/{{subset}}.h5ad",
        markers=MARKERS,
    output:
        clusters=f"{CELLS}/{{tissue}}/{{subset}}.clusters.tsv",
        sets=f"{CELLS}/{{tissue}}/{{subset}}.marker_sets.tsv",
    log:
        f"{OUT}/logs/label_states/{{tissue}}.{{subset}}.log",
    benchmark:
        f"{OUT}/benchmarks/label_states/{{tissue}}.{{subset}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_embedding,
        runtime=by_attempt(240),
    params:
        samples=samples_of,
        reference=reference_of_tissue,
        settings=config["single_cell"]["annotation"],
        code=code("label_states"),
    message:
        "States of {wildcards.subset} cells, {wildcards.tissue}"
    script:
        "../scripts/label_states.py"


rule cell_labels:
    """The label of every cell, one table per sample."""
    input:
        embedding=f"{CELLS}/{{tissue}}/embedding.h5ad",
        clusters=f"{CELLS}/{{tissue}}/clusters.tsv",
        subsets=expand(f"{CELLS}/{{{{tissue}}}}/{{subset}}.h5ad", subset=SUBSETS),
        states=expand(f"{CELLS}/{{{{tissue}}}}/{{subset}}.clusters.tsv", subset=SUBSETS),
    output:
        directory(f"{CELLS}/{{tissue}}/labels"),
    log:
        f"{OUT}/logs/cell_labels/{{tissue}}.log",
    benchmark:
        f"{OUT}/benchmarks/cell_labels/{{tissue}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_embedding,
        runtime=by_attempt(120),
    params:
        samples=samples_of,
        subsets=SUBSETS,
        code=code("cell_labels"),
    message:
        "Labels of all cells, {wildcards.tissue}"
    script:
        "../scripts/cell_labels.py"

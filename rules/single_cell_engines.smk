"""Optional engines of the single-cell arm, in an environment of their own (`make extras`).

Required: single_cell/samples and labels. Gives: single_cell/celltypist (a second opinion on labels, config
`single_cell.annotation.celltypist`), single_cell/{tissue}/communication (ligand-receptor scores, config
`single_cell.communication`). Both are descriptive: no test compares cells of different patients.
"""


rule celltypist_votes:
    """Labels of one sample's cells by the user's CellTypist model."""
    input:
        h5ad=f"{CELLS}/samples/{{sample}}.h5ad",
        model=config["single_cell"]["annotation"]["celltypist"] or [],
        program=program("single_cell/celltypist_program.py"),
    output:
        f"{CELLS}/celltypist/{{sample}}.tsv.gz",
    log:
        f"{OUT}/logs/celltypist_votes/{{sample}}.log",
    benchmark:
        f"{OUT}/benchmarks/celltypist_votes/{{sample}}.tsv"
    conda:
        "../envs/liana.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_cells,
        runtime=by_attempt(60),
    params:
        python=LIANA_PYTHON,
        code=code("celltypist_votes"),
    message:
        "CellTypist, {wildcards.sample}"
    script:
        "../scripts/celltypist_votes.py"


rule cell_communication:
    """Ligand-receptor scores between the cell types of one sample."""
    input:
        h5ad=f"{CELLS}/samples/{{sample}}.h5ad",
        labels=f"{CELLS}/{{tissue}}/labels",
        program=program("single_cell/liana_program.py"),
    output:
        f"{CELLS}/{{tissue}}/communication/{{sample}}.tsv.gz",
    log:
        f"{OUT}/logs/cell_communication/{{tissue}}.{{sample}}.log",
    benchmark:
        f"{OUT}/benchmarks/cell_communication/{{tissue}}.{{sample}}.tsv"
    conda:
        "../envs/liana.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_cells,
        runtime=by_attempt(120),
    params:
        python=LIANA_PYTHON,
        min_cells=config["single_cell"]["min_cells"],
        seed=config["seed"],
        code=code("cell_communication"),
    message:
        "Ligands and receptors, {wildcards.sample}"
    script:
        "../scripts/cell_communication.py"


rule communication_summary:
    """The best pairs between every two cell types of every sample, counted, and a picture."""
    input:
        of_samples(f"{CELLS}/{{tissue}}/communication/{{sample}}.tsv.gz"),
    output:
        table=f"{CELLS}/{{tissue}}/communication.tsv",
        svg=f"{CELLS}/{{tissue}}/figures/communication.svg",
        html=f"{CELLS}/{{tissue}}/figures/communication.html",
    log:
        f"{OUT}/logs/communication_summary/{{tissue}}.log",
    benchmark:
        f"{OUT}/benchmarks/communication_summary/{{tissue}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(60),
    params:
        samples=samples_of,
        code=code("communication_summary"),
    message:
        "Ligands and receptors, {wildcards.tissue}"
    script:
        "../scripts/communication_summary.py"

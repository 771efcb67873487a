"""The single-cell arm: from labelled cells to what the layers are made of, identity, pictures, optional engines.

Required: single_cell/samples and single_cell/{tissue}/labels (single_cell.smk). Gives single_cell/{tissue}/summary
(fractions, pseudobulk, programs of each sample), single_cell/identity.tsv, single_cell/{tissue}/figures, and with
`make extras` single_cell/{tissue}/communication. No test compares cells of different patients: the patient is the unit.
"""

PROGRAMS = config["single_cell"]["annotation"]["programs"] or resource("markers/programs.tsv")
# What identity is judged by; the sheets' sex, never a response.
CELL_SAMPLES = {
    "sample_id": [sample for samples in TISSUES.values() for sample in samples],
    "tissue": [tissue for tissue, samples in TISSUES.items() for _ in samples],
}
CELL_SAMPLES |= {
    name: [None if value != value else str(value) for value in COHORT.samples.loc[CELL_SAMPLES["sample_id"], name]]
    for name in ("patient_id", "timepoint")
}
CELL_SAMPLES["sex"] = [sex_of(patient) for patient in CELL_SAMPLES["patient_id"]]
CELL_FIGURES = ("map", "quality", "dynamics", "programs", "markers")


rule cell_summary:
    """Samples of a part of a batch: fraction of each cell type, sums of counts by type, programs of genes."""
    input:
        h5ad=of_samples(f"{CELLS}/samples/{{sample}}.h5ad"),
        labels=f"{CELLS}/{{tissue}}/labels",
        programs=PROGRAMS,
    output:
        directory(f"{CELLS}/{{tissue}}/summary/{{part}}"),
    log:
        f"{OUT}/logs/cell_summary/{{tissue}}.{{part}}.log",
    benchmark:
        f"{OUT}/benchmarks/cell_summary/{{tissue}}.{{part}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_cell_part,
        runtime=by_attempt(240),
    params:
        samples=samples_of,
        min_cells=config["single_cell"]["min_cells"],
        code=code("cell_summary"),
    message:
        "Cell types of batch {wildcards.part}, {wildcards.tissue}"
    script:
        "../scripts/cell_summary.py"


rule cell_identity:
    """Whether samples belong to the patient that the sheets say: sex genes, and likeness within patients."""
    input:
        summary=[f"{CELLS}/{tissue}/summary/{part}" for tissue in TISSUES for part in SAMPLE_PARTS[tissue]],
    output:
        f"{CELLS}/identity.tsv",
    log:
        f"{OUT}/logs/cell_identity/cell_identity.log",
    benchmark:
        f"{OUT}/benchmarks/cell_identity/cell_identity.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(60),
    params:
        samples=CELL_SAMPLES,
        code=code("cell_identity"),
    message:
        "Identity of the single-cell samples"
    script:
        "../scripts/cell_identity.py"


rule cell_quality:
    """Quality of every single-cell sample in one table."""
    input:
        [f"{CELLS}/samples/{sample}.qc.tsv" for samples in TISSUES.values() for sample in samples],
    output:
        f"{CELLS}/quality.tsv",
    log:
        f"{OUT}/logs/cell_quality/cell_quality.log",
    benchmark:
        f"{OUT}/benchmarks/cell_quality/cell_quality.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(500),
        runtime=by_attempt(30),
    params:
        code=code("cell_quality"),
    message:
        "Quality of the single-cell samples"
    script:
        "../scripts/cell_quality.py"


rule cell_figures:
    """Map, quality, subset dynamics by response, markers of a tissue."""
    input:
        h5ad=of_samples(f"{CELLS}/samples/{{sample}}.h5ad"),
        cells=of_samples(f"{CELLS}/samples/{{sample}}.cells.tsv.gz"),
        embedding=f"{CELLS}/{{tissue}}/embedding.h5ad",
        labels=f"{CELLS}/{{tissue}}/labels",
        quality=of_samples(f"{CELLS}/samples/{{sample}}.qc.tsv"),
        summary=of_parts(f"{CELLS}/{{tissue}}/summary/{{part}}"),
        markers=MARKERS,
        outcomes=f"{OUT}/clinical/sample_response.tsv",
    output:
        **{
            f"{name}_svg": report(
                f"{CELLS}/{{tissue}}/figures/{name}.svg",
                caption="../resources/captions/cell_figures.rst",
                category="Single cells",
                subcategory="{tissue}",
            )
            for name in CELL_FIGURES
        },
        **{f"{name}_html": f"{CELLS}/{{tissue}}/figures/{name}.html" for name in CELL_FIGURES},
        dots=f"{CELLS}/{{tissue}}/figures/markers.tsv",
    log:
        f"{OUT}/logs/cell_figures/{{tissue}}.log",
    benchmark:
        f"{OUT}/benchmarks/cell_figures/{{tissue}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_embedding,
        runtime=by_attempt(240),
    params:
        samples=samples_of,
        code=code("cell_figures"),
    message:
        "Figures of the cells, {wildcards.tissue}"
    script:
        "../scripts/cell_figures.py"

"""Planted against recovered in a simulated trial: reads, compositions, metabolites, and the findings of the analyses.

Required: truth.json, and a finished run. Gives: simulate/recovery.tsv, recovery_effects.tsv, metabolome_recovery*.tsv,
findings.tsv, findings_others.tsv, findings_pairs.tsv, findings_chains.tsv.
"""

# Result tables that planted effects are looked for in.
SIMULATED_TABLES = [
    [layer, name]
    for layer in (
        "metabolites",
        "taxa",
        *(f"{tissue}_{part}" for tissue in TISSUES for part in ("cells", "programs", "expression")),
    )
    if layer in LAYERS
    for name in config["contrasts"]
]


rule count_host:
    """Host reads that are left after cleaning, counted by the origin in the simulated read names."""
    input:
        CLEANED,
    output:
        f"{OUT}/simulate/count_host/{{sample}}.txt",
    log:
        f"{OUT}/logs/count_host/{{sample}}.log",
    benchmark:
        f"{OUT}/benchmarks/count_host/{{sample}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(500),
        runtime=by_attempt(30),
    message:
        "Host reads left in {wildcards.sample}"
    shell:
        "(gzip -cd {input:q} | awk 'NR % 4 == 1 && /:host/ {{n++}} END {{print n + 0}}' > {output:q}.part"
        " && mv {output:q}.part {output:q}) 2> {log:q}"


rule recovery:
    """Planted against recovered: composition, pathways, host removal and effects of the simulated trial."""
    input:
        truth=SIMULATED["truth"],
        taxa=f"{OUT}/layers/taxa.tsv",
        pathways=f"{OUT}/layers/pathways.tsv" if config["metagenome"]["functions"] else [],
        host=expand(f"{OUT}/simulate/count_host/{{sample}}.txt", sample=FUNCTIONS),
    output:
        samples=f"{OUT}/simulate/recovery.tsv",
        effects=f"{OUT}/simulate/recovery_effects.tsv",
    log:
        f"{OUT}/logs/recovery/recovery.log",
    benchmark:
        f"{OUT}/benchmarks/recovery/recovery.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(30),
    params:
        code=code("recovery"),
    message:
        "Planted against recovered"
    script:
        "../scripts/recovery.py"


rule metabolome_recovery:
    """Planted against recovered in the simulated metabolome: features, effects, links to the microbiota."""
    input:
        truth=SIMULATED["truth"],
        features=expand(f"{MTB}/features/{{mode}}/features.tsv", mode=MODES),
        matrices=expand(f"{MTB}/features/{{mode}}/values.tsv", mode=MODES),
        normalised=f"{MTB}/normalised/values.tsv",
        state=f"{MTB}/normalised/state.tsv",
    output:
        scores=f"{OUT}/simulate/metabolome_recovery.tsv",
        effects=f"{OUT}/simulate/metabolome_recovery_effects.tsv",
        links=f"{OUT}/simulate/metabolome_recovery_links.tsv",
    log:
        f"{OUT}/logs/metabolome_recovery/metabolome_recovery.log",
    benchmark:
        f"{OUT}/benchmarks/metabolome_recovery/metabolome_recovery.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(30),
    params:
        modes=MODES,
        code=code("metabolome_recovery"),
    message:
        "Planted against recovered, metabolome"
    script:
        "../scripts/metabolome_recovery.py"


rule cell_recovery:
    """Planted against recovered in the simulated single cells: labels, doublets, dead cells."""
    input:
        truth=SIMULATED["truth"],
        labels=expand(f"{CELLS}/{{tissue}}/labels", tissue=list(TISSUES)),
        cells=[f"{CELLS}/samples/{sample}.cells.tsv.gz" for samples in TISSUES.values() for sample in samples],
    output:
        scores=f"{OUT}/simulate/cell_recovery.tsv",
        labels=f"{OUT}/simulate/cell_recovery_labels.tsv",
    log:
        f"{OUT}/logs/cell_recovery/cell_recovery.log",
    benchmark:
        f"{OUT}/benchmarks/cell_recovery/cell_recovery.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(30),
    params:
        samples=TISSUES,
        code=code("cell_recovery"),
    message:
        "Planted against recovered, single cells"
    script:
        "../scripts/cell_recovery.py"


rule findings:
    """Planted effects against the differential analysis, planted pairs and chains against the integration."""
    input:
        truth=SIMULATED["truth"],
        results=[f"{OUT}/differential/{layer}/{contrast}.tsv" for layer, contrast in SIMULATED_TABLES],
        features=expand(f"{MTB}/features/{{mode}}/features.tsv", mode=[mode for mode in MODES if METABOLOME_ARM]),
        programs=PROGRAMS,
        associations=[f"{INTEGRATION}/associations/{state}.tsv" for state in ASSOCIATED],
        mediation=f"{INTEGRATION}/mediation.tsv" if ASSOCIATED else [],
    output:
        planted=f"{OUT}/simulate/findings.tsv",
        others=f"{OUT}/simulate/findings_others.tsv",
        pairs=f"{OUT}/simulate/findings_pairs.tsv",
        chains=f"{OUT}/simulate/findings_chains.tsv",
    log:
        f"{OUT}/logs/findings/findings.log",
    benchmark:
        f"{OUT}/benchmarks/findings/findings.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(30),
    params:
        tables=SIMULATED_TABLES,
        states=ASSOCIATED,
        modes=[mode for mode in MODES if METABOLOME_ARM],
        fdr=config["statistics"]["fdr"],
        code=code("findings"),
    message:
        "Planted effects against findings"
    script:
        "../scripts/findings.py"

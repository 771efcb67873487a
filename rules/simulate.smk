"""The simulated trial: miniature databases and reads, from the truth file named in config `simulate`.

Required: truth.json and its sheets (python -m gutaxis.simulate). Gives: reads and databases in the folder that the
truth's sheets name, simulate/recovery.tsv (planted against recovered). Everything made here is simulated and says so.
"""

SIMULATED = config["simulate"] or {"truth": "none", "directory": "resources/simulated"}
# All files of the simulated metabolome; outside a simulated trial a name that nothing asks for.
SIMULATED_INJECTIONS = (
    [
        COHORT.files(sample_id=sample)[number][0]
        for number, mode in enumerate(MODE_SAMPLES)
        for sample in MODE_SAMPLES[mode]
    ]
    if config["simulate"]
    else []
) or ["resources/simulated/injections/none"]


rule simulate_databases:
    """Miniature databases in the real formats: host, MetaPhlAn, ChocoPhlAn, UniRef90, pathways; and the genomes."""
    output:
        genomes=directory(f"{SIMULATED['directory']}/genomes"),
        host=directory(f"{SIMULATED['directory']}/databases/host"),
        metaphlan=directory(f"{SIMULATED['directory']}/databases/metaphlan"),
        nucleotide=directory(f"{SIMULATED['directory']}/databases/nucleotide"),
        protein=directory(f"{SIMULATED['directory']}/databases/protein"),
        pathways=directory(f"{SIMULATED['directory']}/databases/pathways"),
    log:
        f"{OUT}/logs/simulate_databases/simulate_databases.log",
    benchmark:
        f"{OUT}/benchmarks/simulate_databases/simulate_databases.tsv"
    conda:
        "../envs/metagenome.yaml"
    threads: threads_up_to(2)
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        code=code("simulate_databases"),
    message:
        "Simulated databases"
    script:
        "../scripts/simulate_databases.py"


rule simulate_reads:
    """Simulated paired reads of one library."""
    input:
        truth=SIMULATED["truth"],
        genomes=f"{SIMULATED['directory']}/genomes",
    output:
        mates_1=f"{SIMULATED['directory']}/reads/{{library}}_R1.fastq.gz",
        mates_2=f"{SIMULATED['directory']}/reads/{{library}}_R2.fastq.gz",
    log:
        f"{OUT}/logs/simulate_reads/{{library}}.log",
    benchmark:
        f"{OUT}/benchmarks/simulate_reads/{{library}}.tsv"
    conda:
        "../envs/metagenome.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        code=code("simulate_reads"),
    message:
        "Simulated reads of {wildcards.library}"
    script:
        "../scripts/simulate_reads.py"


rule simulate_injections:
    """Simulated plasma injections, both modes: one job for all, since a file takes a tenth of a second."""
    input:
        truth=SIMULATED["truth"],
    output:
        SIMULATED_INJECTIONS,
    log:
        f"{OUT}/logs/simulate_injections/simulate_injections.log",
    benchmark:
        f"{OUT}/benchmarks/simulate_injections/simulate_injections.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        code=code("simulate_injections"),
    message:
        "Simulated plasma injections"
    script:
        "../scripts/simulate_injections.py"


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
        mem_mb=500,
        runtime=30,
    message:
        "Host reads left in {wildcards.sample}"
    shell:
        "(gzip -cd {input:q} | awk 'NR % 4 == 1 && /:host/ {{n++}} END {{print n + 0}}' > {output:q}) 2> {log:q}"


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
        mem_mb=1000,
        runtime=30,
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
        mem_mb=1000,
        runtime=30,
    params:
        modes=MODES,
        code=code("metabolome_recovery"),
    message:
        "Planted against recovered, metabolome"
    script:
        "../scripts/metabolome_recovery.py"

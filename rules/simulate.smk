"""The simulated trial: miniature databases and reads, from the truth file named in config `simulate`.

Required: truth.json and its sheets (python -m gutaxis.simulate). Gives: reads and databases in the folder that the
truth's sheets name; recovery.smk compares the results with what was planted. Everything made here is simulated and says so.
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

# Likewise all matrices of the simulated single cells.
SIMULATED_LIBRARIES = (
    [COHORT.files(sample_id=sample)[0][0] for samples in TISSUES.values() for sample in samples]
    if config["simulate"]
    else []
) or ["resources/simulated/cells/none"]


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
        mem_mb=by_attempt(1000),
        runtime=by_attempt(30),
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
        mem_mb=by_attempt(1000),
        runtime=by_attempt(30),
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
        mem_mb=by_attempt(1000),
        runtime=by_attempt(30),
    params:
        code=code("simulate_injections"),
    message:
        "Simulated plasma injections"
    script:
        "../scripts/simulate_injections.py"


rule simulate_cells:
    """Simulated single-cell libraries, 10x HDF5: one job for all, since a file takes a tenth of a second."""
    input:
        truth=SIMULATED["truth"],
    output:
        SIMULATED_LIBRARIES,
    log:
        f"{OUT}/logs/simulate_cells/simulate_cells.log",
    benchmark:
        f"{OUT}/benchmarks/simulate_cells/simulate_cells.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(30),
    params:
        code=code("simulate_cells"),
    message:
        "Simulated single-cell libraries"
    script:
        "../scripts/simulate_cells.py"

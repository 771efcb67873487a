"""Words of the run: the methods text with its references and checklist, and an estimate of time and disk.

Required: config and sheets alone, so both can be read before a run. Gives: provenance/methods.md, citations.bib,
storms.tsv (reporting checklist), estimate.tsv (`snakemake estimate`).
"""

from gutaxis.report.methods_facts import cohort_facts

# What the text may say of the run; paths of the sheets are not among it.
METHODS_KEYS = (
    "seed",
    "response",
    "visits",
    "clinical",
    "metagenome",
    "metabolome",
    "single_cell",
    "contrasts",
    "statistics",
    "diversity",
    "differential",
    "integration",
    "prediction",
    "batches",
)
METHODS_RUN = {
    **cohort_facts(cohort=COHORT),
    "layers": {
        name: {"kind": plan.kind, "source": plan.source, "arm": plan.arm, "metrics": list(layer_metrics(name))}
        for name, plan in LAYERS.items()
    },
    "tissues": list(TISSUES),
    "modes": [mode for mode in MODES if mode != "tables"],
    "recist": RECIST,
    "adverse_events": "adverse_events" in ENDPOINTS,
    "simulated": config["simulate"] is not None,
    "integrated": list(INTEGRATED),
    "predicting": list(PREDICTING),
    "multiqc": ARMS,
}

# Raw files of every job, by rule, for the estimate; a job that goes back to no file of its own has an empty list.
READS_OF = {sample: list(COHORT.files(sample_id=sample)[0] + COHORT.files(sample_id=sample)[1]) for sample in STOOL}
READS = list(READS_OF.values()) if METAGENOME_ARM else []
SPECTRA = {
    mode: [list(COHORT.files(sample_id=sample)[number]) for sample in MODE_SAMPLES[mode]]
    for number, mode in enumerate(("positive", "negative"))
    if METABOLOME_ARM and mode in MODES
}
OF_MODE = [sum(files, []) for files in SPECTRA.values()]
CELLS_OF = {tissue: [list(COHORT.files(sample_id=name)[0]) for name in names] for tissue, names in TISSUES.items()}
OF_TISSUE = [sum(files, []) for files in CELLS_OF.values()]
OF_SUBSET = [files for files in OF_TISSUE for _ in SUBSETS]
ONCE = [[]]
ESTIMATED = {
    **dict.fromkeys(("check_reads", "clean_reads", "profile_taxa"), READS),
    "fastqc": READS if config["metagenome"]["reads"]["fastqc"] else [],
    "profile_functions": [READS_OF[name] for name in FUNCTIONS if READS and config["metagenome"]["functions"]],
    "joint_index": ONCE if READS and config["metagenome"]["nucleotide_index"] == "joint" else [],
    "extract_features": sum(SPECTRA.values(), []),
    "force_integrate": of_each_part(SPECTRA, MODE_SAMPLES),
    **dict.fromkeys(("intake", "link_features", "feature_matrix"), OF_MODE),
    **dict.fromkeys(("normalise_metabolites", "annotate_metabolites"), ONCE * METABOLOME_ARM),
    "enrich_metabolites": ONCE * len(config["contrasts"]) * METABOLOME_ARM,
    "cell_sample": sum(CELLS_OF.values(), []),
    "cell_summary": of_each_part(CELLS_OF, TISSUES),
    **dict.fromkeys(("embed_cells", "label_lineages", "cell_labels", "cell_figures"), OF_TISSUE),
    **dict.fromkeys(("embed_subset", "label_states"), OF_SUBSET),
    "cell_communication": sum(CELLS_OF.values(), []) if config["single_cell"]["communication"] else [],
    **dict.fromkeys(("endpoints", "cohort_tables"), ONCE),
    "clinical_figures": ONCE * RECIST,
    "layer": ONCE * len(LAYERS),
    "alpha_diversity": ONCE * sum(plan.kind in ALPHA_KINDS for plan in LAYERS.values()),
    "beta_diversity": ONCE * sum(len(layer_metrics(name)) for name in LAYERS),
    "differential_abundance": ONCE * len(LAYERS) * len(config["contrasts"]),
    **dict.fromkeys(("associations", "network"), ONCE * len(ASSOCIATED)),
    **dict.fromkeys(("factors", "modules", "mediation"), ONCE * bool(ASSOCIATED)),
    "prediction_models": ONCE * len(PREDICTED),
    "evidence": ONCE * bool(LAYERS),
    "multiqc": ONCE * ARMS,
}


rule methods:
    """The methods text from config and versions, its references, and the STORMS checklist."""
    input:
        bibliography=resource("methods/citations.bib"),
        checklist=resource("methods/storms.tsv"),
        tools=resource("tools.tsv"),
        requirements=resource("../envs/workflow.requirements.txt"),
    output:
        text=f"{OUT}/provenance/methods.md",
        citations=f"{OUT}/provenance/citations.bib",
        storms=f"{OUT}/provenance/storms.tsv",
    log:
        f"{OUT}/logs/methods/methods.log",
    benchmark:
        f"{OUT}/benchmarks/methods/methods.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(500),
        runtime=by_attempt(10),
    params:
        config={key: config[key] for key in METHODS_KEYS},
        run=METHODS_RUN,
        code=code("methods"),
    message:
        "Methods text"
    script:
        "../scripts/methods.py"


rule estimate:
    """Print what a run will take, before it starts; the table is written beside the methods text.

    No output and no benchmark, which is one: whoever asks wants to be told again.
    """
    input:
        rates=resource("rates.tsv"),
    log:
        f"{OUT}/logs/estimate/estimate.log",
    localrule: True
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(500),
        runtime=by_attempt(10),
    params:
        table=f"{OUT}/provenance/estimate.tsv",
        jobs=ESTIMATED,
        production=config["simulate"] is None,
        cores=workflow.resource_settings.cores or 1,
        code=code("estimate"),
    message:
        "Estimate of time and disk"
    script:
        "../scripts/estimate.py"

"""What "done" means: the result files of every part, as input functions of the targets. No rule stands here."""

from itertools import chain


def clinical_files(wildcards):
    """Tables of the cohort, and what is derived from the RECIST measurements where they are the source."""
    names = ["completeness", "pairs", *(ENDPOINTS if RECIST else ["sample_response"])]
    files = [f"{OUT}/clinical/{name}.tsv" for name in names]
    if RECIST:
        files += [f"{OUT}/clinical/figures/{name}.svg" for name in FIGURES]
    return files


def layer_files(wildcards):
    """Every layer of this run and the container of all of them."""
    files = [f"{OUT}/layers/{layer}.h5ad" for layer in LAYERS]
    files += [f"{OUT}/layers/{name}.stratified.tsv" for name, layer in LAYERS.items() if layer.source == "humann"]
    return files + ([f"{OUT}/layers.h5mu"] if LAYERS else [])


def metagenome_files(wildcards):
    """Quality tables of the metagenome arm, where it has samples."""
    return [f"{OUT}/metagenome/qc/metagenome_qc.tsv"] if METAGENOME_ARM else []


def report_files(wildcards):
    """The page and the methods text of every run; MultiQC where an arm starts from raw files."""
    files = [f"{OUT}/report/index.html", f"{OUT}/provenance/methods.md", f"{OUT}/provenance/batch_choices.tsv"]
    return files + ([f"{OUT}/report/multiqc.html"] if ARMS else [])


def recovery_files(wildcards):
    """Planted against recovered, in a simulated trial."""
    if not config["simulate"]:
        return []
    arms = {
        "findings": bool(LAYERS),
        "recovery": METAGENOME_ARM,
        "metabolome_recovery": METABOLOME_ARM and MODES != ["tables"],
        "cell_recovery": bool(TISSUES),
    }
    return [f"{OUT}/simulate/{name}.tsv" for name, there in arms.items() if there]


def diversity_files(wildcards):
    """Alpha and beta diversity of every layer."""
    files = []
    for layer, plan in LAYERS.items():
        folder = f"{OUT}/diversity/{layer}"
        if plan.kind in ALPHA_KINDS:
            files += [f"{folder}/alpha_diversity.tsv", f"{folder}/alpha_tests.tsv"]
        metrics = layer_metrics(layer)
        tables = ("beta", "pcoa", "permanova", "dispersion")
        files += [f"{folder}/{table}_{metric}.tsv" for metric in metrics for table in tables]
        files += [f"{folder}/within_patient_shift.tsv"] if metrics else []
        files += [f"{folder}/signatures.tsv"] if plan.source == "metaphlan" else []
    return files


def differential_files(wildcards):
    """Every contrast of every layer; corrected copies of the layers where they are wanted."""
    files = [f"{OUT}/differential/{layer}/{contrast}.tsv" for layer in LAYERS for contrast in config["contrasts"]]
    if config["differential"]["corrected_layers"]:
        files += [f"{OUT}/layers/{layer}.corrected.h5ad" for layer in LAYERS]
    return files


def metabolome_files(wildcards):
    """Quality, names and pathways of the metabolome arm, where it has samples."""
    if not METABOLOME_ARM:
        return []
    names = ["normalised/injection_quality", "annotation/annotations", "annotation/coverage", "annotation/ratios"]
    files = [f"{MTB}/{name}.tsv" for name in names]
    files += [f"{MTB}/enrichment/{contrast}.tsv" for contrast in config["contrasts"]]
    modes = [mode for mode in MODES if mode != "tables"]
    if config["metabolome"]["second_engine"]:
        files += [f"{MTB}/features/{mode}/concordance.tsv" for mode in modes]
    return files + [f"{MTB}/qc/intake_{mode}.tsv" for mode in modes]


def single_cell_files(wildcards):
    """Quality, identity, labels and pictures of the single-cell arm, where it has samples."""
    if not TISSUES:
        return []
    files = [f"{CELLS}/quality.tsv", f"{CELLS}/identity.tsv"]
    files += [f"{CELLS}/{tissue}/figures/{name}.svg" for tissue in TISSUES for name in CELL_FIGURES]
    if config["single_cell"]["communication"]:
        files += [f"{CELLS}/{tissue}/communication.tsv" for tissue in TISSUES]
    return files


def integration_files(wildcards):
    """What the layers say together, and the evidence for every feature."""
    if not LAYERS:
        return []
    files = [f"{INTEGRATION}/{name}.tsv" for name in ("evidence", "candidates")]
    if ASSOCIATED:
        files += [f"{INTEGRATION}/factors/tests.tsv"]
        files += [f"{INTEGRATION}/associations/{state}.svg" for state in ASSOCIATED]
    return files


def prediction_files(wildcards):
    """Models of every state; locked models and their application where the config asks for them."""
    section = config["prediction"]
    files = [f"{PREDICTION}/{state}/performance.tsv" for state in PREDICTED]
    files += [f"{PREDICTION}/locked/{state}.{model}.json" for state in PREDICTED for model in section["lock"]]
    return files + ([f"{PREDICTION}/applied/verdicts.tsv"] if section["apply"] else [])


def report_inputs(wildcards):
    """Tables and interactive figures of this run; what an arm without samples would make is not among them."""
    diverse = {layer: metrics for layer in LAYERS if (metrics := layer_metrics(layer))}
    files = [expand(rules.cohort_tables.output), rules.completeness.output, rules.endpoints.output]
    files += [rules.clinical_figures.output] if RECIST else []
    files += [expand(rules.layer.output, layer=LAYERS)]
    files += [expand(rules.alpha_diversity.output, layer=[x for x, plan in LAYERS.items() if plan.kind in ALPHA_KINDS])]
    files += [expand(rules.beta_diversity.output, layer=x, metric=metrics) for x, metrics in diverse.items()]
    files += [expand(rules.within_patient_shift.output, layer=diverse)]
    files += [expand(rules.signatures.output, layer=[x for x, plan in LAYERS.items() if plan.source == "metaphlan"])]
    files += [expand(rules.differential_abundance.output, layer=LAYERS, contrast=config["contrasts"])]
    files += [metagenome_files(wildcards), metabolome_files(wildcards), single_cell_files(wildcards)]
    files += [rules.normalise_metabolites.output, rules.annotate_metabolites.output] if METABOLOME_ARM else []
    files += [expand(rules.cell_figures.output, tissue=TISSUES)]
    files += [rules.evidence.output] if LAYERS else []
    if ASSOCIATED:
        files += [rules.factors.output, rules.modules.output, rules.mediation.output]
        files += [expand(part.output, state=ASSOCIATED) for part in (rules.associations, rules.network)]
    files += [expand(rules.prediction_models.output, state=PREDICTED), prediction_files(wildcards)]
    return sorted({file for file in chain.from_iterable(files) if file.endswith((".tsv", ".html", ".json"))})

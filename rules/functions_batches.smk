"""Functions that the rules of batches take their inputs and params from. No rule stands here."""

from gutaxis.batches.plan import plan_batches

BATCH_PLAN = plan_batches(sheets=COHORT.batch_sheets, chosen=config["batches"]["newest"])
BATCH_SET = f"{OUT}/batches/{BATCH_PLAN.name}"
SNAPSHOT = ("labels", "results", "checksums")
BATCH_TABLES = (
    "quality",
    "drift",
    "shifts",
    "contamination",
    "plasma_blanks",
    "labels",
    "results",
    "summary",
    "outputs",
)


def batch_files(wildcards):
    """What every run with a layer keeps of itself for the next batch."""
    return [f"{BATCH_SET}/{name}.tsv" for name in SNAPSHOT] if LAYERS else []


def main_tables(wildcards):
    """Tables whose results are set side by side before and after a batch."""
    files = [f"{OUT}/differential/{layer}/{contrast}.tsv" for layer in LAYERS for contrast in config["contrasts"]]
    diversity = [
        file for file in diversity_files(wildcards) if Path(file).name.startswith(("alpha_tests", "permanova_"))
    ]
    files += diversity + [f"{PREDICTION}/{state}/performance.tsv" for state in PREDICTED]
    return files + ([f"{OUT}/clinical/response_rates.tsv"] if RECIST else [])


def batch_layers():
    """Layers that have a distance: the first of each."""
    return {layer: metrics[0] for layer in LAYERS if (metrics := layer_metrics(layer))}


def batch_quality():
    """Quality tables by assay, of the arms that this run has."""
    there = {"MGX": METAGENOME_ARM, "METAB": METABOLOME_ARM, "SCRNA": bool(TISSUES)}
    tables = {
        "MGX": f"{OUT}/metagenome/qc/metagenome_qc.tsv",
        "METAB": f"{MTB}/normalised/injection_quality.tsv",
        "SCRNA": f"{CELLS}/quality.tsv",
    }
    return {assay: path for assay, path in tables.items() if there[assay]}


def batch_controls(wildcards):
    """Input function: what the blanks hold, and the species of the samples, where there are stool samples."""
    if "taxa" not in LAYERS or LAYERS["taxa"].arm != "metagenome":
        return {}
    return {"controls": f"{OUT}/metagenome/qc/controls.tsv", "taxa": f"{OUT}/layers/taxa.tsv"}

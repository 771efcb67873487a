"""Config and sheets become one Cohort here, once.

Gives: config (validated, defaults filled), COHORT, OUT, LAYERS, code(), resource(), run_preflight().
"""

import gc
import os
import shutil
import sys
from pathlib import Path

BASE = Path(workflow.basedir)
sys.path.insert(0, str(BASE / "scripts"))

from gutaxis.cohort.checks_frozen import PARTS, check_frozen, reference_batches
from gutaxis.cohort.config import load_config
from gutaxis.cohort.model import load_cohort
from gutaxis.cohort.parts import sample_parts
from gutaxis.errors import GutaxisError
from gutaxis.layers.plan import injection_table, plan_layers, tissue_samples
from gutaxis.metagenome.compatibility import check_config
from gutaxis.metagenome.database_folders import host_folder
from gutaxis.metagenome.references import database_files
from gutaxis.provenance.code import code_digest
from gutaxis.provenance.environment import prepare_environment
from gutaxis.provenance.preflight import preflight
from gutaxis.stats.outputs import ALPHA_KINDS, metrics_for

# A plan makes millions of objects, and nearly all of them stay. At its usual threshold Python would look through them
# for garbage again and again: a tenth of the time of a plan of thousands of samples.
gc.set_threshold(50_000, 20, 50)
prepare_environment(base=BASE)
try:
    config = load_config(config=config, schema_path=BASE / "config/schemas/config.schema.json")
    COHORT = load_cohort(config=config, root=Path.cwd())
    check_frozen(config=config, cohort=COHORT)
    LAYERS = plan_layers(config=config, cohort=COHORT)
    METAGENOME_ARM = any(layer.arm == "metagenome" for layer in LAYERS.values())
    check_config(config=config, arm=METAGENOME_ARM, resources=BASE / "resources")
except GutaxisError as error:
    sys.exit(f"\n{error}\n\nNothing was run. Config and sheets are described in config/README.md.")

OUT = config["output"]
# Part -> batches that it learns from; None: all.
FROZEN = {part: reference_batches(config=config, part=part) for part in PARTS}
MGX = f"{OUT}/metagenome"
MTB = f"{OUT}/metabolome"
CELLS = f"{OUT}/single_cell"
DATABASES = config["metagenome"]["databases"]
# What reading the sheets depends on.
COHORT_KEYS = ("cohort", "covariates", "contrasts", "dates", "layers", "response", "simulate", "visits")
# Stool samples with files, controls among them; those of patients go on to HUMAnN.
STOOL = [sample for sample in COHORT.sample_ids(assay="MGX") if COHORT.files(sample_id=sample)[0]]
# Config keys of every analysis of a layer.
ANALYSIS = {key: config[key] for key in ("contrasts", "statistics", "seed")} | {"covariates": list(COHORT.covariates)}
FUNCTIONS = [sample for sample in STOOL if COHORT.samples.at[sample, "control"] == "N"]

# Injections of the metabolome, controls among them: what is known of each, and which files there are per mode.
PLASMA = COHORT.sample_ids(assay="METAB")
INJECTIONS = injection_table(cohort=COHORT)
MODE_SAMPLES = {
    mode: [sample for sample in PLASMA if COHORT.files(sample_id=sample)[number]]
    for number, mode in enumerate(("positive", "negative"))
}
# matchms needs an older scipy: with conda its environment's Python, else that of `make extras`.
MATCHMS_PYTHON = "python" if workflow.deployment_settings.deployment_method else ".tools/matchms/bin/python"
LIANA_PYTHON = "python" if workflow.deployment_settings.deployment_method else ".tools/liana/bin/python"
METABOLOME_ARM = any(layer.arm == "metabolome" for layer in LAYERS.values())
# Sources of feature tables: the modes that have files, or finished tables in their place.
MODES = ["tables"] if config["metabolome"]["tables"] else [mode for mode, samples in MODE_SAMPLES.items() if samples]
# Single-cell samples: tissue -> samples, and the parts of a tissue that are clustered again.
TISSUES = tissue_samples(cohort=COHORT)
SUBSETS = ("t_nk", "myeloid")
# Mode or tissue -> name of a part of a batch -> samples: for jobs that are short for one sample.
SAMPLE_PARTS = {
    group: sample_parts(cohort=COHORT, samples=samples)
    for group, samples in (MODE_SAMPLES | TISSUES).items()
    if samples
}
# Whether anything starts from raw files: such a run has a MultiQC page.
ARMS = METAGENOME_ARM or METABOLOME_ARM or bool(TISSUES)


wildcard_constraints:
    model=r"[a-z][a-z0-9_]*",
    state=r"baseline|post|change",
    tissue=r"blood|tumor",
    subset=r"t_nk|myeloid",
    mode=r"positive|negative",
    contrast=r"[a-z_]+",
    metric=r"[a-z_]+",
    sample=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    library=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    layer=r"[a-z][a-z0-9_]*",
    part=r"[A-Za-z0-9-]+\.\d+",
    database=r"[a-z]+",


def code(rule_name):
    """Digest of the code behind a rule's entry script: a changed library module reruns the rules that use it.

    A job on a node of a cluster reads all rules and runs few: it takes the digest of those alone.
    """
    script = BASE / "scripts" / f"{rule_name}.py"
    if workflow.is_main_process:
        return code_digest(script=script, store=True)
    return lambda wildcards: code_digest(script=script)


def resource(name):
    """Path of a tracked file in resources/, relative to the working directory."""
    return os.path.relpath(BASE / "resources" / name)


def program(name):
    """Path of a library module that another Python runs by its path, relative to the working directory."""
    return os.path.relpath(BASE / "scripts" / "gutaxis" / name)


def run_preflight():
    """Compare the programs on PATH with their pins and stop with one message; conda environments hold the pins."""
    if workflow.deployment_settings.deployment_method:
        return
    environments = ["workflow", *(["metagenome"] if METAGENOME_ARM else []), *(["multiqc"] if ARMS else [])]
    spectra, cells = config["metabolome"]["spectra"], config["single_cell"]
    wanted = {
        "asari": config["metabolome"]["second_engine"],
        MATCHMS_PYTHON: spectra["libraries"] or spectra["in_house"],
        LIANA_PYTHON: cells["communication"] or cells["annotation"]["celltypist"],
    }
    for program in [program for program, asked in wanted.items() if asked and shutil.which(program) is None]:
        sys.exit(f"\nThe config asks for {program}, which is not installed. Run `make extras`, or use --sdm conda.")
    try:
        preflight(table=resource("tools.tsv"), environments=environments, output=f"{OUT}/provenance/versions.tsv")
    except GutaxisError as error:
        sys.exit(f"\n{error}\n\nNo job was started.")

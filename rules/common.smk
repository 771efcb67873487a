"""Config and sheets become one Cohort here, once; helpers that every rule file uses.

Gives: config (validated, defaults filled), COHORT, OUT, LAYERS, code(), and the functions below.
"""

import os
import sys
from pathlib import Path

BASE = Path(workflow.basedir)
sys.path.insert(0, str(BASE / "scripts"))

from gutaxis.cohort.config import load_config
from gutaxis.cohort.model import load_cohort
from gutaxis.errors import GutaxisError
from gutaxis.layers.plan import plan_layers
from gutaxis.metagenome.compatibility import check_config
from gutaxis.metagenome.database_folders import host_folder
from gutaxis.metagenome.references import database_files
from gutaxis.provenance.code import code_digest
from gutaxis.provenance.environment import prepare_environment
from gutaxis.provenance.preflight import preflight

prepare_environment(base=BASE)
try:
    config = load_config(config=config, schema_path=BASE / "config/schemas/config.schema.json")
    COHORT = load_cohort(config=config, root=Path.cwd())
    LAYERS = plan_layers(config=config, cohort=COHORT)
    METAGENOME_ARM = any(layer.arm == "metagenome" for layer in LAYERS.values())
    check_config(config=config, arm=METAGENOME_ARM, resources=BASE / "resources")
except GutaxisError as error:
    sys.exit(f"\n{error}\n\nNothing was run. Config and sheets are described in config/README.md.")

OUT = config["output"]
MGX = f"{OUT}/metagenome"
DATABASES = config["metagenome"]["databases"]
# What reading the sheets depends on.
COHORT_KEYS = ("cohort", "covariates", "contrasts", "dates", "layers", "response", "simulate", "visits")
# Stool samples with files, controls among them; those of patients go on to HUMAnN.
STOOL = [sample for sample in COHORT.sample_ids(assay="MGX") if COHORT.files(sample_id=sample)[0]]
FUNCTIONS = [sample for sample in STOOL if COHORT.samples.at[sample, "control"] == "N"]


wildcard_constraints:
    sample=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    library=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    layer=r"[a-z][a-z0-9_]*",
    database=r"[a-z]+",


def code(rule_name):
    """Digest of the code behind a rule's entry script: a changed library module reruns the rules that use it."""
    return code_digest(script=BASE / "scripts" / f"{rule_name}.py")


def resource(name):
    """Path of a tracked file in resources/, relative to the working directory."""
    return os.path.relpath(BASE / "resources" / name)


def threads_up_to(limit):
    """Threads of one job: `limit` where half of the cores allow it, so that two jobs always fit."""
    cores = workflow.resource_settings.cores or 2 * limit
    return max(1, min(limit, cores // 2))


def mates(number):
    """Input function: a sample's FASTQ files of mate 1 or 2, one per lane; empty for mate 2 of single-end reads."""

    def files(wildcards):
        return list(COHORT.files(sample_id=wildcards.sample)[number - 1])

    return files


def is_control(wildcards):
    """Whether a sample is a blank, a mock or a pooled control: profiled, never analysed as a patient."""
    return COHORT.samples.at[wildcards.sample, "control"] != "N"


def mem_mb_reads(wildcards, input, attempt):
    """Memory of a job that streams reads: a base and a tenth of its input, more at every attempt."""
    return int((1500 + 0.1 * input.size_mb) * attempt)


def disk_mb_humann(wildcards, input):
    """Disk of HUMAnN's work folder: about 14 times the compressed reads (tests/benchmarks/bench_disk.py)."""
    return int(500 + 14 * Path(input.reads).stat().st_size / 1e6)


def mem_mb_database(name):
    """Memory of a job that loads a database: its size on disk and a base, more at every attempt."""

    def mem_mb(wildcards, attempt):
        folder = Path(database_path(name))
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
        return int((3000 + 1.1 * size) * attempt)

    return mem_mb


def run_preflight():
    """Compare the programs on PATH with their pins and stop with one message; conda environments hold the pins."""
    if workflow.deployment_settings.deployment_method:
        return
    environments = ["workflow", "metagenome", "multiqc"] if METAGENOME_ARM else ["workflow"]
    try:
        preflight(table=resource("tools.tsv"), environments=environments, output=f"{OUT}/provenance/versions.tsv")
    except GutaxisError as error:
        sys.exit(f"\n{error}\n\nNo job was started.")


def database_path(name):
    """Folder of a database: the one named in the config, else the one that is fetched. An input of the rules using it."""
    given = DATABASES[name]
    if given is None:
        return f"{DATABASES['directory']}/{name}/files"
    return str(host_folder(path=given)) if name == "host" else given


def database_input(name):
    """A database as a rule's input; none for `pathways` where the config names none.

    Only what this workflow does not make may be ancient(). When the job that makes an ancient file is due, Snakemake
    9.27 overlooks jobs further down whose own outputs are missing, and ends as if all were done.
    """
    if name == "pathways" and DATABASES[name] is None:
        return []
    made_here = DATABASES[name] is None or config["simulate"]
    return database_path(name) if made_here else ancient(database_path(name))


def database_rows(wildcards):
    """What decides whether a database has to be fetched anew: version and checksum of its files, not their addresses."""
    files = database_files(name=wildcards.database, table=resource("databases.tsv"))
    return [[file.file, file.version, file.checksum or "NA"] for file in files]


def layer_input(wildcards):
    """Input function: the files a layer is read from."""
    return LAYERS[wildcards.layer].paths


def layer_param(name):
    """Param function: one field of a layer's plan."""

    def value(wildcards):
        return getattr(LAYERS[wildcards.layer], name)

    return value


def layer_observations(wildcards):
    """Param function: the samples a layer may hold with patient, timepoint, batch, cohort and covariates."""
    return COHORT.observations(assay=LAYERS[wildcards.layer].assay).reset_index().to_dict("list")


def nucleotide_search(wildcards):
    """Input function: what HUMAnN searches first, the study's joint index or the sample's own profile."""
    if config["metagenome"]["nucleotide_index"] == "joint":
        return {"joint_index": f"{MGX}/functions/joint_index"}
    return {}


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
    """Quality tables and report of the metagenome arm, where it has samples."""
    if not METAGENOME_ARM:
        return []
    return [f"{OUT}/metagenome/qc/metagenome_qc.tsv", f"{OUT}/report/multiqc.html"]


def recovery_files(wildcards):
    """Planted against recovered, in a simulated trial."""
    return [f"{OUT}/simulate/recovery.tsv"] if config["simulate"] and METAGENOME_ARM else []

"""Functions that the rules of the certificate take their inputs and params from. No rule stands here."""

from gutaxis.provenance.manifest import code_of, read_manifest
from gutaxis.provenance.settings import named_files


def all_files(wildcards):
    """Everything that a run without a target makes, whatever `all` lists by now."""
    parts = [files(wildcards) if callable(files) else [files] for files in rules.all.input]
    return list(chain.from_iterable(parts))


def result_parts(wildcards):
    """Param function: files and folders right below the results that a rule makes something in."""
    made = [Path(path) for rule in workflow.rules for path in rule.output]
    return sorted({path.relative_to(OUT).parts[0] for path in made if path.is_relative_to(OUT)})


def named_sheets():
    """Sheets by their role, each a list of paths."""
    named = {role: [paths] if isinstance(paths, str) else paths for role, paths in config["cohort"].items()}
    return {role: list(paths) for role, paths in named.items() if paths}


def data_inputs(wildcards):
    """Param function: what the run reads beside sheets and databases: raw files, finished tables, files of the config."""
    files = chain.from_iterable(chain.from_iterable(COHORT.files(sample_id=name)) for name in COHORT.sample_ids())
    given = chain.from_iterable(plan.paths for plan in LAYERS.values() if plan.arm == "config")
    named = named_files(value={key: value for key, value in config.items() if key not in ("cohort", "certify")})
    return sorted({*files, *given, *named})


def used_databases():
    """Databases of this run by name: those of the metagenome arm, where it has samples."""
    if not METAGENOME_ARM:
        return {}
    names = ["host", "metaphlan", *(["nucleotide", "protein"] if config["metagenome"]["functions"] else [])]
    names += ["pathways"] if config["metagenome"]["functions"] and DATABASES["pathways"] else []
    return {name: database_path(name) for name in names}


def workflow_digest(wildcards):
    """Param function: checksum of the workflow's code, which the manifest holds."""
    return code_of(base=BASE)["sha256"]


def reference_manifest(wildcards):
    """Input function: the reference manifest, where the config names one. What is wrong with it is told before any job."""
    path = config["certify"]["reference"]
    if not path:
        return {}
    try:
        read_manifest(path=path)
    except GutaxisError as error:
        sys.exit(f"\n{error}\n\nNo job was started.")
    return {"reference": path}


def mem_mb_manifest(wildcards, input, attempt):
    """Memory of the manifest: tables are read one by one, the largest some times over."""
    largest = max((Path(path).stat().st_size for path in input if Path(path).is_file()), default=0)
    return int((1000 + 15 * largest / 1e6) * attempt)

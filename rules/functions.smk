"""Functions that rules take their inputs, params and resources from. No rule stands here."""


def threads_up_to(limit):
    """Threads of one job: on this machine `limit` where half of the cores allow it, so that two jobs always fit.

    A cluster gives each job cores of its own, and the job, which starts Snakemake again on its node, is to use them all.
    """

    def threads(wildcards):
        if workflow.remote_exec or workflow.non_local_exec:
            return limit
        cores = workflow.resource_settings.cores or 2 * limit
        return max(1, min(limit, cores // 2))

    return threads


def by_attempt(amount):
    """Resource of a job: twice the amount at the second attempt, three times at the third.

    A cluster ends jobs at their limits, and tells not always which limit it was: time grows as well as memory.
    """

    def resource(wildcards, attempt):
        return amount * attempt

    return resource


def raw_file(path):
    """A raw file as input: from its bucket where the sheet gives an s3:// address, else as it is."""
    return storage.s3(path) if path.startswith("s3://") else path


def mates(number):
    """Input function: a sample's FASTQ files of mate 1 or 2, one per lane; empty for mate 2 of single-end reads."""

    def files(wildcards):
        return [raw_file(path) for path in COHORT.files(sample_id=wildcards.sample)[number - 1]]

    return files


def is_control(wildcards):
    """Whether a sample is a blank, a mock or a pooled control: profiled, never analysed as a patient."""
    return COHORT.samples.at[wildcards.sample, "control"] != "N"


def input_mb(files):
    """Size of a job's inputs in MB. `size_mb` of local files starts an event loop for each job: a fifth of a plan."""
    if any(file.is_storage for file in files):
        return files.size_mb
    return sum(os.path.getsize(file) for file in files) / 2**20


def mem_mb_reads(wildcards, input, attempt):
    """Memory of a job that streams reads: a base and a tenth of its input, more at every attempt."""
    return int((1500 + 0.1 * input_mb(input)) * attempt)


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
    plan = LAYERS[wildcards.layer]
    table = COHORT.observations(assay=plan.assay)
    if plan.material is not None:
        table = table[table["material"] == plan.material]
    return table.reset_index().to_dict("list")


def nucleotide_search(wildcards):
    """Input function: what HUMAnN searches first, the study's joint index or the sample's own profile."""
    if config["metagenome"]["nucleotide_index"] == "joint":
        return {"joint_index": f"{MGX}/functions/joint_index"}
    return {}


def layer_tree(wildcards):
    """Input function: the tree of a layer's features, where the config names one."""
    return config["diversity"]["trees"].get(wildcards.layer, [])


def layer_metrics(layer):
    """Distances of a layer: those that fit its kind, of those the config wants."""
    tree = layer in config["diversity"]["trees"]
    return metrics_for(kind=LAYERS[layer].kind, tree=tree, chosen=config["diversity"]["metrics"])


def layer_family(wildcards):
    """Param function: the column that groups a layer's features into families, or None."""
    return config["differential"]["families"].get(wildcards.layer)


def shift_inputs(name):
    """Input function: one file per distance of a layer, from the jobs of the distances."""

    def files(wildcards):
        return [
            f"{OUT}/diversity/{wildcards.layer}/shift/{name.format(metric=metric)}"
            for metric in layer_metrics(wildcards.layer)
        ]

    return files


def contrast_params(wildcards):
    """Param function: name and role of a contrast."""
    return {"name": wildcards.contrast, "role": config["contrasts"][wildcards.contrast]["role"]}


def mem_mb_analysis(wildcards, input, attempt):
    """Memory of an analysis of one layer: the libraries and some tens of copies of the table."""
    return int((1500 + 30 * input_mb(input)) * attempt)


def mem_mb_pairs(wildcards, input, attempt):
    """Memory of all pairs of features of two layers, under the limit of `integration.associations.max_pairs`."""
    return int((2000 + 60 * config["integration"]["associations"]["max_pairs"] / 1e6 + 10 * input_mb(input)) * attempt)

"""Functions that the rules of the metabolome and single-cell arms take their inputs, params and resources from."""


def injection(wildcards):
    """Input function: the file of one metabolome sample in one mode."""
    return raw_file(COHORT.files(sample_id=wildcards.sample)[("positive", "negative").index(wildcards.mode)][0])


def group_of(wildcards):
    """What the samples of a job are of: a mode of the metabolome, or a tissue."""
    return wildcards.get("mode") or wildcards.tissue


def samples_of(wildcards):
    """Param function: the samples of a job on a part, or on all of a mode or tissue."""
    group = group_of(wildcards)
    if "part" in wildcards.keys():
        return SAMPLE_PARTS[group][wildcards.part]
    return (MODE_SAMPLES | TISSUES)[group]


def of_samples(pattern):
    """Input function: one file of every sample of a job, in the order of its samples."""

    def files(wildcards):
        return [pattern.format(sample=sample, **dict(wildcards.items())) for sample in samples_of(wildcards)]

    return files


def of_parts(pattern):
    """Input function: one file or folder of every part of a mode or tissue."""

    def files(wildcards):
        return [pattern.format(part=part, **dict(wildcards.items())) for part in SAMPLE_PARTS[group_of(wildcards)]]

    return files


def of_each_part(files, samples):
    """Raw files of each part: `files` and `samples` hold, by mode or tissue, those of its samples in one order."""
    parts = []
    for group, lists in files.items():
        own = dict(zip(samples[group], lists, strict=True))
        parts += [sum((own[sample] for sample in names), []) for names in SAMPLE_PARTS[group].values()]
    return parts


def spectra_of(wildcards):
    """Input function: the raw files of a part or of a mode, in the order of the job's samples."""
    number = ("positive", "negative").index(wildcards.mode)
    return [raw_file(COHORT.files(sample_id=sample)[number][0]) for sample in samples_of(wildcards)]


def reference_of_mode(wildcards):
    """Param function: the samples of a mode that a frozen normalisation is learned from; None: all, it is not frozen."""
    if FROZEN["normalisation"] is None:
        return None
    batch = COHORT.samples["batch"].astype(str)
    return [sample for sample in MODE_SAMPLES[wildcards.mode] if batch[sample] in FROZEN["normalisation"]]


def control_of(wildcards):
    """Param function: N for a patient's sample, or the kind of control."""
    return COHORT.samples.at[wildcards.sample, "control"]


def mem_mb_injection(wildcards, input, attempt):
    """Memory of a job on one file of spectra: the libraries, and some times the file as peaks in memory."""
    return int((700 + 4 * input_mb(input)) * attempt)


def largest_mb(files):
    """Size of the largest file of a job that goes through them one after the other, MB; of all where some are remote."""
    return input_mb(files) if any(file.is_storage for file in files) else max(input_mb([file]) for file in files)


def mem_mb_part(wildcards, input, attempt):
    """Memory of a job on the spectra of a part: that of the largest, and the tables of all."""
    return int((1000 + 4 * largest_mb(input.spectra)) * attempt)


def spectral_matches(wildcards):
    """Input function: MS2 matches of every mode, where the config names a library."""
    spectra = config["metabolome"]["spectra"]
    if MODES == ["tables"] or not (spectra["libraries"] or spectra["in_house"]):
        return []
    return [f"{MTB}/annotation/{mode}.matches.tsv" for mode in MODES]


def tissue_of(wildcards):
    """Param function: blood or tumor."""
    return next(tissue for tissue, samples in TISSUES.items() if wildcards.sample in samples)


def batches_of_tissue(wildcards):
    """Param function: sample -> batch of a tissue's samples."""
    return {sample: str(COHORT.samples.at[sample, "batch"]) for sample in TISSUES[wildcards.tissue]}


def reference_of_tissue(wildcards):
    """Param function: the samples of a tissue that a frozen embedding is learned from; None: all, it is not frozen."""
    if FROZEN["embedding"] is None:
        return None
    batches = batches_of_tissue(wildcards)
    return [sample for sample, batch in batches.items() if batch in FROZEN["embedding"]]


def matrix_of(wildcards):
    """Input function: the count matrix of a single-cell sample, a file or a folder."""
    return raw_file(COHORT.files(sample_id=wildcards.sample)[0][0])


def sample_override(wildcards):
    """Param function: what the config says otherwise for one single-cell sample."""
    return config["single_cell"]["samples"].get(wildcards.sample)


def votes_of_tissue(wildcards):
    """Input function: labels by the user's CellTypist model, where the config names one."""
    if config["single_cell"]["annotation"]["celltypist"] is None:
        return []
    return [f"{CELLS}/celltypist/{sample}.tsv.gz" for sample in TISSUES[wildcards.tissue]]


def mem_mb_cells(wildcards, input, attempt):
    """Memory of a job on one single-cell sample: the libraries, and the matrix some tens of times its packed size."""
    return int((1500 + 60 * input_mb(input)) * attempt)


def mem_mb_cell_part(wildcards, input, attempt):
    """Memory of a job on the single-cell samples of a part: that of the largest."""
    return int((1500 + 60 * largest_mb(input.h5ad)) * attempt)


def mem_mb_embedding(wildcards, input, attempt):
    """Memory of a job on the cells of a tissue: measured 3.9 GB at 480,000 cells (tests/benchmarks/bench_cells.py)."""
    return int((1500 + 2 * input_mb(input)) * attempt)


def sex_of(patient):
    """Sex of a patient as the sheet says it, or None."""
    if "sex" not in COHORT.patients:
        return None
    value = COHORT.patients.at[patient, "sex"]
    return None if value != value else str(value)

"""Functions that the rules of the metabolome and single-cell arms take their inputs, params and resources from."""


def injection(wildcards):
    """Input function: the file of one metabolome sample in one mode."""
    return raw_file(COHORT.files(sample_id=wildcards.sample)[("positive", "negative").index(wildcards.mode)][0])


def injected(pattern):
    """Input function: one file of every injection of a mode, in the order of the sample ids."""

    def files(wildcards):
        return [pattern.format(mode=wildcards.mode, sample=sample) for sample in MODE_SAMPLES[wildcards.mode]]

    return files


def mode_samples(wildcards):
    """Param function: the samples with a file in a mode."""
    return MODE_SAMPLES[wildcards.mode]


def group_of(wildcards):
    """What a part is of: the mode of a job on the metabolome, or the tissue of one on cells."""
    return wildcards.mode if "mode" in wildcards.keys() else wildcards.tissue


def part_samples(wildcards):
    """Param function: the samples of a part."""
    return SAMPLE_PARTS[group_of(wildcards)][wildcards.part]


def part_files(wildcards):
    """Input function: the raw files of a part of a mode, in the order of the sample ids."""
    number = ("positive", "negative").index(wildcards.mode)
    return [raw_file(COHORT.files(sample_id=sample)[number][0]) for sample in part_samples(wildcards)]


def of_part(pattern):
    """Input function: one file of every sample of a part, in the order of the sample ids."""

    def files(wildcards):
        return [pattern.format(sample=sample, **dict(wildcards)) for sample in part_samples(wildcards)]

    return files


def of_parts(pattern):
    """Input function: one file or folder of every part of a mode or tissue."""

    def files(wildcards):
        return [pattern.format(part=part, **dict(wildcards)) for part in SAMPLE_PARTS[group_of(wildcards)]]

    return files


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


def injected_files(wildcards):
    """Input function: the raw files of a mode, in the order of the sample ids."""
    number = ("positive", "negative").index(wildcards.mode)
    return [raw_file(COHORT.files(sample_id=sample)[number][0]) for sample in MODE_SAMPLES[wildcards.mode]]


def spectral_matches(wildcards):
    """Input function: MS2 matches of every mode, where the config names a library."""
    spectra = config["metabolome"]["spectra"]
    if MODES == ["tables"] or not (spectra["libraries"] or spectra["in_house"]):
        return []
    return [f"{MTB}/annotation/{mode}.matches.tsv" for mode in MODES]


def tissue_of(wildcards):
    """Param function: blood or tumor."""
    return next(tissue for tissue, samples in TISSUES.items() if wildcards.sample in samples)


def of_tissue(pattern):
    """Input function: one file of every sample of a tissue, in the order of the sample ids."""

    def files(wildcards):
        return [pattern.format(sample=sample, tissue=wildcards.tissue) for sample in TISSUES[wildcards.tissue]]

    return files


def samples_of_tissue(wildcards):
    """Param function: the samples of a tissue."""
    return TISSUES[wildcards.tissue]


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

"""MetaPhlAn of one sample: species and SGB shares, the unclassified part estimated, no path of the machine kept."""

from pathlib import Path

import pandas as pd

from gutaxis.errors import GutaxisError
from gutaxis.files import atomic_write, write_tsv
from gutaxis.metagenome.fastq import has_reads
from gutaxis.metagenome.programs import run_program, scratch_folder

HEADER = "#clade_name\tNCBI_tax_id\trelative_abundance\tadditional_species"


def empty_profile(*, sample: str, index: str) -> str:
    """Return the profile of a sample without reads (a clean blank): all of nothing is unclassified."""
    lines = [f"#{index}", "#metaphlan was not run: no reads", "#0 reads processed", f"#SampleID\t{sample}", HEADER]
    return "\n".join([*lines, "UNCLASSIFIED\t-1\t100.0\t"]) + "\n"


def without_paths(*, profile: str, index: str) -> str:
    """Replace MetaPhlAn's record of its command line, which holds paths of the machine, by the options that matter.

    Raises
    ------
    GutaxisError
        If the profile was made with another index than the configured one.
    """
    lines = profile.splitlines()
    if lines[0] != f"#{index}":
        raise GutaxisError(f"MetaPhlAn used index {lines[0].removeprefix('#')}, the config says {index}")
    lines[1] = f"#metaphlan --input_type fastq --index {index} --unclassified_estimation"
    return "\n".join(lines) + "\n"


def summarise_profile(*, sample: str, profile: str) -> dict[str, object]:
    """Return reads processed, number of species and unclassified percent of a profile's text."""
    reads, species, unclassified = 0, 0, float("nan")
    for line in profile.splitlines():
        fields = line.split("\t")
        if line.endswith(" reads processed"):
            reads = int(line.removeprefix("#").split()[0])
        elif fields[0] == "UNCLASSIFIED":
            unclassified = float(fields[2])
        elif fields[0].split("|")[-1].startswith("s__"):
            species += 1
    return {"sample_id": sample, "reads": reads, "species": species, "unclassified_percent": unclassified}


def profile_taxa(
    *, sample: str, reads: Path, database: Path, index: str, threads: int, output: Path, summary: Path
) -> None:
    """Run MetaPhlAn on the cleaned reads of a sample.

    Parameters
    ----------
    sample
        Sample id, written into the profile.
    reads
        Cleaned reads, gzip FASTQ.
    database
        Folder of the MetaPhlAn database.
    index
        Name of the index in it.
    threads
        Threads of bowtie2.
    output
        Profile to write.
    summary
        One row: reads, number of species, unclassified percent.

    Raises
    ------
    GutaxisError
        If MetaPhlAn fails or used another index.
    """
    if has_reads(path=reads):
        with scratch_folder(beside=output, name=f"metaphlan_{sample}") as work:
            raw = work / "profile.txt"
            command = ["metaphlan", reads.resolve(), "--input_type", "fastq", "--bowtie2db", database.resolve()]
            command += ["--index", index, "--offline", "--bowtie2out", work / "alignments.bz2", "--nproc", str(threads)]
            command += ["--sample_id", sample, "--unclassified_estimation", "--tmp_dir", work, "--output_file", raw]
            run_program(command=command, what=f"MetaPhlAn of sample {sample}")
            profile = without_paths(profile=raw.read_text(), index=index)
    else:
        profile = empty_profile(sample=sample, index=index)
    with atomic_write(output) as part:
        part.write_text(profile)
    write_tsv(pd.DataFrame([summarise_profile(sample=sample, profile=profile)]), summary)

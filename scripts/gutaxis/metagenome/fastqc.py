"""FastQC of one sample: raw files of every lane and the cleaned reads, under names that say which is which."""

import shutil
from pathlib import Path

from gutaxis.metagenome.fastq import has_reads
from gutaxis.metagenome.programs import linked, run_program, scratch_folder


def run_fastqc(*, sample: str, mates_1: list[str], mates_2: list[str], reads: Path, threads: int, output: Path) -> None:
    """Run FastQC and leave its zip and HTML files in a folder.

    Parameters
    ----------
    sample
        Sample id.
    mates_1, mates_2
        Raw FASTQ files by lane.
    reads
        Cleaned reads; left out if there are none, as in a clean blank.
    threads
        Files read at a time.
    output
        Folder to make.
    """
    with scratch_folder(beside=output, name=f"fastqc_{sample}") as work:
        files = []
        for mate, paths in enumerate((mates_1, mates_2), start=1):
            for lane, path in enumerate(paths, start=1):
                name = f"{sample}_raw_R{mate}" if len(paths) == 1 else f"{sample}_raw_L{lane}_R{mate}"
                ending = ".fastq.gz" if path.endswith(".gz") else ".fastq"
                files.append(linked(target=path, folder=work, name=name + ending))
        if has_reads(path=reads):
            files.append(linked(target=reads, folder=work, name=f"{sample}_clean.fastq.gz"))
        results = work / "results"
        results.mkdir()
        command = ["fastqc", "--quiet", "--threads", str(threads), "--outdir", results, "--dir", work, *files]
        run_program(command=command, what=f"FastQC of sample {sample}")
        shutil.rmtree(output, ignore_errors=True)
        shutil.move(results, output)

"""FastQC of one sample: raw files of every lane and the cleaned reads, under names that say which is which."""

import re
import zipfile
from pathlib import Path

from gutaxis.files import atomic_write
from gutaxis.metagenome.fastq import has_reads
from gutaxis.metagenome.programs import linked, run_program, scratch_folder

_DATE = re.compile(rb'(?<=<div id="header_filename">)[^<]*(?=<br/>)')


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
        for path in sorted(results.glob("*_fastqc.html")):
            path.write_bytes(without_date(page=path.read_bytes()))
        for path in sorted(results.glob("*_fastqc.zip")):
            pack_without_date(path=path)
        with atomic_write(output) as part:
            results.rename(part)


def without_date(*, page: bytes) -> bytes:
    """Return FastQC's page without the day on which it was made: the same reads give the same bytes."""
    return _DATE.sub(b"", page)


def pack_without_date(*, path: Path) -> None:
    """Pack FastQC's zip anew: members in order of their names, no times, the page in it without its day.

    The folder comes first, as FastQC has it: MultiQC takes the first member for the folder that holds the others.
    """
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in sorted(archive.namelist())}
    with atomic_write(path) as part, zipfile.ZipFile(part, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name)  # of 1980, the first day that a zip knows
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if name.endswith("/") else 0o644) << 16
            archive.writestr(entry, without_date(page=content) if name.endswith(".html") else content)

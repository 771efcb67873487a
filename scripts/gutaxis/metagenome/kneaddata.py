"""KneadData, chunk by chunk: adapters, low quality, tandem repeats and host reads are removed.

Every step of KneadData looks at one read pair at a time (Trimmomatic, TRF, bowtie2), so a sample may be cleaned in
chunks: the kept reads are the same, and the disk holds uncompressed copies of one chunk only, where KneadData would
hold four copies of the whole sample.
"""

import gzip
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path

import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import atomic_write, write_tsv
from gutaxis.metagenome.fastq import Record, read_fastq, read_pairs, split_name
from gutaxis.metagenome.programs import linked, run_program, scratch_folder

#: Debian's and bioconda's places of the Trimmomatic jar and adapters, relative to an installation prefix.
JAR_FOLDERS = ("share/java", "share/trimmomatic*")
ADAPTER_FOLDERS = ("share/trimmomatic", "share/trimmomatic*/adapters")
#: KneadData's own trimming steps with the adapter step between (KneadData 0.12.4, `config.py`).
TRIMMING = "MINLEN:60 ILLUMINACLIP:{adapters}:2:30:10:8:TRUE SLIDINGWINDOW:4:20 MINLEN:{half}"
TRIMMING_SINGLE = "MINLEN:60 ILLUMINACLIP:{adapters}:2:30:10 SLIDINGWINDOW:4:20 MINLEN:{half}"
#: Debian's TRF ends with a status other than 0 although it succeeded; KneadData takes that for a failure.
TRF_WRAPPER = """#!/usr/bin/env bash
message=$(mktemp)
{trf} "$@" 2>"$message"
status=$?
cat "$message" >&2
if grep -qi error "$message" || {{ [ $status -ge 128 ] && [ $status -lt 160 ]; }}; then rm -f "$message"; exit 1; fi
rm -f "$message"
"""
#: A sample is cut into at least this many chunks, unless they were smaller than MIN_CHUNK: KneadData's copies of one
#: chunk then stay below twice the compressed sample (tests/benchmarks/bench_disk.py measures it).
CHUNKS, MIN_CHUNK = 10, 50_000
#: How KneadData says that a step left no read; it then ends with status 1.
NOTHING_LEFT = "created empty output files"
COUNT = re.compile(r"READ COUNT: (\w+)(?: \S+)? (\w+) : .*: ([\d.]+)$")
REPEATS = re.compile(r"Total number of sequences with repeats removed from file .*: (\d+)$")
CONTAMINANTS = re.compile(r"Total contaminate sequences in file \( (.*) \) : ([\d.]+)$")


def find_share(*, pattern: str, folders: tuple[str, ...], what: str) -> Path:
    """Find a file that belongs to Trimmomatic under the prefix of its program (Debian or conda).

    Raises
    ------
    GutaxisError
        If no folder of the installation holds such a file.
    """
    launcher = shutil.which("TrimmomaticPE") or shutil.which("trimmomatic")
    prefix = Path(launcher).parent.parent if launcher else Path("/usr")
    for folder in folders:
        found = sorted(prefix.glob(f"{folder}/{pattern}"))
        if found:
            return found[0]
    raise GutaxisError(
        f"{what} was not found under {prefix} ({', '.join(folders)}). Install Debian's trimmomatic package "
        "(`make setup`) or use --sdm conda; config key metagenome.reads.adapters names the adapter set."
    )


def _rows(*, mates_1: list[str], mates_2: list[str]) -> Iterator[tuple[str, ...]]:
    """Give each read (pair) of all lanes as FASTQ text with a safe name, one string per mate."""
    for lane, mate_1 in enumerate(mates_1):
        prefix = f"L{lane + 1}:" if len(mates_1) > 1 else ""
        if mates_2:
            for stem, _, first, second in read_pairs(mates_1=mate_1, mates_2=mates_2[lane]):
                yield _named(first, name=f"{prefix}{stem}/1"), _named(second, name=f"{prefix}{stem}/2")
        else:
            for record in read_fastq(path=mate_1):
                yield (_named(record, name=f"{prefix}{split_name(name=record.name)[0]}"),)


def _named(record: Record, *, name: str) -> str:
    return f"@{name}\n{record.bases}\n+\n{record.quality}\n"


def chunks(*, mates_1: list[str], mates_2: list[str], size: int, folder: Path) -> Iterator[list[Path]]:
    """Write a sample's reads, lane after lane, as plain FASTQ chunks with safe names; give each chunk's files.

    Names become ``stem/1`` and ``stem/2``, the one form that all tools keep; with several lanes the lane leads the
    name, because lanes may repeat names. The files of a chunk are overwritten by the next one.

    Parameters
    ----------
    mates_1, mates_2
        Files by lane; no ``mates_2`` for single-end reads.
    size
        Reads (pairs) per chunk.
    folder
        Where the chunk files stand.
    """
    paths = [folder / "reads_1.fastq", folder / "reads_2.fastq"][: 2 if mates_2 else 1]
    rows = _rows(mates_1=mates_1, mates_2=mates_2)
    for first in rows:
        with ExitStack() as stack:
            handles = [stack.enter_context(open(path, "w", encoding="ascii")) for path in paths]
            for texts in chain([first], islice(rows, size - 1)):
                for handle, text in zip(handles, texts, strict=True):
                    handle.write(text)
        yield paths


def find_adapters(*, adapters: str, paired: bool) -> Path:
    """Return the FASTA file of an adapter set: a file of the user's, or Trimmomatic's set of that name.

    Raises
    ------
    GutaxisError
        If it is neither.
    """
    if Path(adapters).is_file():
        return Path(adapters)
    # NexteraPE-PE.fa and TruSeq3-PE.fa are for pairs; there is no single-end Nextera set, its paired one serves
    family = adapters.removesuffix("PE")
    pattern = f"{family}*PE.fa" if paired or family == "Nextera" else f"{family}*SE.fa"
    return find_share(pattern=pattern, folders=ADAPTER_FOLDERS, what=f"Adapter set {adapters}")


def chunk_size(*, reads: int, limit: int) -> int:
    """Return the reads (pairs) per chunk of a sample: a tenth of it, at least ``MIN_CHUNK``, at most ``limit``."""
    return min(limit, max(MIN_CHUNK, -(-reads // CHUNKS)))


def _half_length(*, path: Path) -> int:
    """Return half the length of the first read: KneadData's second MINLEN."""
    with open(path, encoding="ascii") as handle:
        handle.readline()
        return len(handle.readline().strip()) // 2


def parse_counts(*, log: str) -> Counter[str]:
    """Read the counts of one KneadData log.

    Returns
    -------
    Counter
        ``raw``, ``trimmed``, ``trimmed_orphans``, ``repeats``, ``host``, ``final`` and ``final_orphans``: numbers of
        reads over both mates.
    """
    counts: Counter[str] = Counter()
    for line in log.splitlines():
        if match := COUNT.search(line):
            stage, mate, number = match.group(1), match.group(2), int(float(match.group(3)))
            if stage != "decontaminated":
                counts[f"{stage}_orphans" if mate.startswith("orphan") else stage] += number
        elif match := REPEATS.search(line):
            counts["repeats"] += int(match.group(1))
        elif match := CONTAMINANTS.search(line):
            counts["host"] += int(float(match.group(2)))
    return counts


def clean_reads(
    *,
    sample: str,
    mates_1: list[str],
    mates_2: list[str],
    host: Path,
    reads: int,
    adapters: str,
    trf: bool,
    chunk_pairs: int,
    min_pairs: int,
    control: bool,
    threads: int,
    output: Path,
    counts: Path,
) -> None:
    """Run KneadData on a sample and write one gzip FASTQ of all kept reads and one row of counts.

    Parameters
    ----------
    sample
        Sample id.
    mates_1, mates_2
        FASTQ files by lane; ``mates_2`` is empty for single-end reads.
    host
        Folder with one bowtie2 index of the host genome.
    reads
        Reads (pairs) in all lanes, from the read check.
    adapters
        Trimmomatic adapter set, for example ``NexteraPE``, or a FASTA file.
    trf
        Whether tandem repeats are removed.
    chunk_pairs
        Most reads (pairs) cleaned at a time: bounds the disk that is used.
    min_pairs
        Fewest reads that must be left.
    control
        Whether the sample is a blank or mock, which may end empty.
    threads
        Threads of Trimmomatic and bowtie2.
    output, counts
        Files to write.

    Raises
    ------
    GutaxisError
        If KneadData fails, or fewer than ``min_pairs`` reads are left in a patient's sample.
    """
    total: Counter[str] = Counter()
    size = chunk_size(reads=reads, limit=chunk_pairs)
    with scratch_folder(beside=output, name=f"kneaddata_{sample}") as work, atomic_write(output) as part:
        jar = find_share(pattern="trimmomatic*.jar", folders=JAR_FOLDERS, what="The Trimmomatic jar")
        adapter_file = find_adapters(adapters=adapters, paired=bool(mates_2))
        jars = linked(target=jar.parent, folder=work, name="jars")
        adapter_link = linked(target=adapter_file, folder=work, name="adapters.fa")
        host_link = linked(target=host, folder=work, name="host")
        shims = work / "shims"
        shims.mkdir()
        wrapper = shims / "trf"
        wrapper.write_text(TRF_WRAPPER.format(trf=shutil.which("trf")))
        wrapper.chmod(0o755)
        with open(part, "wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0, compresslevel=4) as z:
            for files in chunks(mates_1=mates_1, mates_2=mates_2, size=size, folder=work):
                steps = (TRIMMING if mates_2 else TRIMMING_SINGLE).format(
                    adapters=adapter_link, half=_half_length(path=files[0])
                )
                folder = work / "kneaddata"
                reads = ["-i1", files[0], "-i2", files[1]] if mates_2 else ["-un", files[0]]
                command = ["kneaddata", *reads, "--reference-db", host_link, "--output", folder]
                command += ["--output-prefix", "chunk", "--threads", str(threads), "--processes", "1"]
                command += ["--trimmomatic", jars, "--trf", shims, "--sequencer-source", "none"]
                command += ["--trimmomatic-options", steps, "--reorder", "--remove-intermediate-output"]
                command += ["--decontaminate-pairs", "strict"] if mates_2 else []
                command += [] if trf else ["--bypass-trf"]
                try:
                    run_program(command=command, what=f"KneadData of sample {sample}")
                except GutaxisError as error:
                    # nothing is left of this chunk, as in a clean blank; the sample as a whole is judged below
                    if NOTHING_LEFT not in str(error):
                        raise
                total += parse_counts(log=(folder / "chunk.log").read_text())
                names = ["paired_1", "paired_2", "unmatched_1", "unmatched_2"]
                kept = [folder / f"chunk_{name}.fastq" for name in names] if mates_2 else [folder / "chunk.fastq"]
                for path in kept:
                    if path.exists():
                        with open(path, "rb") as handle:
                            shutil.copyfileobj(handle, z)
                shutil.rmtree(folder)
        kept_pairs = total["final"] // (2 if mates_2 else 1)
        if kept_pairs < min_pairs and not control:
            raise GutaxisError(
                Problem(
                    "R03",
                    mates_1[0],
                    None,
                    None,
                    str(kept_pairs),
                    f"sample {sample}: {kept_pairs} of {total['raw'] // (2 if mates_2 else 1)} "
                    f"{'pairs' if mates_2 else 'reads'} are left after quality control",
                    f"At least {min_pairs} (config metagenome.reads.min_pairs)",
                    "Look at the FastQC and KneadData figures; to go on without the sample set its qc to FAIL",
                )
            )
    columns = ["raw", "trimmed", "trimmed_orphans", "repeats", "host", "final", "final_orphans"]
    write_tsv(pd.DataFrame([{"sample_id": sample, **{name: total[name] for name in columns}}]), counts)

"""Read check: every record of a sample's files is read once, before any long job trusts them."""

from pathlib import Path

import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import write_tsv
from gutaxis.metagenome.fastq import read_fastq, read_pairs, split_name

COLUMNS = ["sample_id", "lane", "layout", "name_format", "reads", "bases", "length_min", "length_max", "quality_max"]


def check_lane(*, mates_1: str, mates_2: str | None) -> dict[str, object]:
    """Read one lane to the end and return its counts.

    Returns
    -------
    dict
        layout (paired, single), name_format, reads (per mate), bases, length_min, length_max, quality_max (Phred+33).

    Raises
    ------
    GutaxisError
        What :func:`gutaxis.metagenome.fastq.read_pairs` finds.
    """
    reads, bases, shortest, longest, formats, top = 0, 0, 0, 0, set(), 0
    if mates_2 is None:
        rows = ((split_name(name=record.name)[2], (record,)) for record in read_fastq(path=mates_1))
    else:
        rows = ((kind, (first, second)) for _, kind, first, second in read_pairs(mates_1=mates_1, mates_2=mates_2))
    for kind, records in rows:
        reads += 1
        formats.add(kind)
        for record in records:
            length = len(record.bases)
            bases += length
            longest = max(longest, length)
            shortest = length if shortest == 0 else min(shortest, length)
            top = max(top, max(map(ord, record.quality), default=33) - 33)
    return {
        "layout": "single" if mates_2 is None else "paired",
        "name_format": ",".join(sorted(formats)) or "none",
        "reads": reads,
        "bases": bases,
        "length_min": shortest,
        "length_max": longest,
        "quality_max": top,
    }


def check_reads(*, sample: str, mates_1: list[str], mates_2: list[str], control: bool, output: Path) -> None:
    """Check all lanes of a sample and write one row per lane.

    Parameters
    ----------
    sample
        Sample id.
    mates_1, mates_2
        FASTQ files, one per lane; ``mates_2`` is empty for single-end reads.
    control
        Whether the sample is a blank or mock: an empty blank is a good blank.
    output
        Table to write.

    Raises
    ------
    GutaxisError
        All lanes' problems together, or no read in any lane of a patient's sample.
    """
    rows, problems = [], []
    for lane, mate_1 in enumerate(mates_1):
        try:
            counts = check_lane(mates_1=mate_1, mates_2=mates_2[lane] if mates_2 else None)
        except GutaxisError as error:
            problems += error.problems
        else:
            rows.append({"sample_id": sample, "lane": lane + 1, **counts})
    if problems:
        raise GutaxisError(problems)
    if not control and not any(row["reads"] for row in rows):
        raise GutaxisError(
            Problem(
                "R02",
                mates_1[0],
                None,
                None,
                None,
                f"sample {sample} has no reads",
                "A patient's sample needs at least one read",
                "Correct the files, or set qc to FAIL for this sample in the sample sheet",
            )
        )
    write_tsv(pd.DataFrame(rows, columns=COLUMNS), output)

"""FASTQ files: read with named errors, mates matched by name, names made safe for the tools that follow."""

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from gutaxis.errors import GutaxisError, Problem

#: Mate marks at the end of a read name: ``/1`` (old Illumina), ``.1`` (fastq-dump -I), ``_1``, with the mate as group.
SUFFIX = re.compile(r"[/._]([12])$")
#: Second word of a Casava 1.8 name: ``1:N:0:ACGT``.
CASAVA = re.compile(r"^([12]):[YN]:\d+:")


@dataclass(frozen=True)
class Record:
    """One FASTQ record; ``name`` is the header without ``@``, ``line`` the 1-based line of the header."""

    name: str
    bases: str
    quality: str
    line: int


def problem(*, path: str, line: int | None, value: str | None, wrong: str, allowed: str, mend: str) -> GutaxisError:
    """Make the error for one FASTQ file; ``line`` and ``value`` where they are known."""
    return GutaxisError(Problem("R01", path, line, None, value, wrong, allowed, mend))


def read_fastq(*, path: str) -> Iterator[Record]:
    """Read a FASTQ file, plain or gzip, record by record.

    Raises
    ------
    GutaxisError
        Truncated or damaged gzip, a record that is cut short, a header without ``@``, bases and quality of unequal
        length, or a file that is no text.
    """
    source = Path(path)
    if not source.exists():
        raise problem(
            path=path,
            line=None,
            value=None,
            wrong="the file does not exist",
            allowed="file_1 and file_2 name FASTQ files relative to the sample sheet",
            mend="Correct the path in the sample sheet",
        )
    with open(source, "rb") as probe:
        compressed = probe.read(2) == b"\x1f\x8b"
    line = 0
    try:
        with gzip.open(source, "rt", encoding="ascii") if compressed else open(source, encoding="ascii") as handle:
            while header := handle.readline():
                bases, plus, quality = handle.readline(), handle.readline(), handle.readline()
                line += 4
                fault = _fault(header=header, bases=bases, plus=plus, quality=quality)
                if fault:
                    raise problem(
                        path=path,
                        line=line - 3,
                        value=header.strip()[:60],
                        wrong=fault,
                        allowed="A FASTQ record is four lines: @name, bases, +, one quality character per base",
                        mend="Copy the file again from its source and compare checksums",
                    )
                yield Record(header[1:].rstrip("\r\n"), bases.rstrip("\r\n"), quality.rstrip("\r\n"), line - 3)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise problem(
            path=path,
            line=line + 1,
            value=None,
            wrong=f"the gzip file is truncated or damaged ({error})",
            allowed="A complete gzip file: `gzip -t FILE` prints nothing",
            mend="Copy the file again from its source and compare checksums",
        ) from error
    except UnicodeDecodeError as error:
        raise problem(
            path=path,
            line=line + 1,
            value=None,
            wrong="the file is not text",
            allowed="FASTQ, plain or gzip",
            mend="Convert it to FASTQ, or correct the path in the sample sheet",
        ) from error


def _fault(*, header: str, bases: str, plus: str, quality: str) -> str | None:
    if not quality:
        return "the last record is cut short: the file is truncated"
    if not header.startswith("@"):
        return "the header line does not start with @"
    if not plus.startswith("+"):
        return "the third line of the record does not start with +"
    if len(bases.rstrip("\r\n")) != len(quality.rstrip("\r\n")):
        return "bases and quality differ in length"
    return None


def split_name(*, name: str) -> tuple[str, str | None, str]:
    """Split a read name into stem, mate (``1``, ``2`` or None) and the format it is written in.

    Returns
    -------
    tuple
        Format is ``slash``, ``dot``, ``underscore`` (mate at the end of the first word), ``casava`` (mate in the second
        word) or ``bare``. A trailing ``.1`` is a mate only if the partner's name agrees, which the caller checks.
    """
    first, _, rest = name.partition(" ")
    casava = CASAVA.match(rest)
    if casava:
        return first, casava.group(1), "casava"
    suffix = SUFFIX.search(first)
    if suffix:
        kind = {"/": "slash", ".": "dot", "_": "underscore"}[suffix.group(0)[0]]
        return first[: suffix.start()], suffix.group(1), kind
    return first, None, "bare"


def match_mates(*, first: Record, second: Record, paths: tuple[str, str]) -> tuple[str, str]:
    """Return the common stem of two mates and their name format.

    Raises
    ------
    GutaxisError
        If the names do not belong together, or the mates are swapped.
    """
    one, two = first.name.split(" ")[0], second.name.split(" ")[0]
    stem_1, mate_1, kind = split_name(name=first.name)
    stem_2, mate_2, _ = split_name(name=second.name)
    if one == two and kind in {"dot", "underscore"}:
        return one, "bare"  # `SRR1.5.1`-like ids that are equal in both files: the number is part of the id
    if stem_1 != stem_2:
        raise problem(
            path=paths[1],
            line=second.line,
            value=two,
            wrong=f"read names of the mates do not match: {one} in {paths[0]} stands against {two}",
            allowed="Mate files list the same reads in the same order",
            mend="Re-pair the files (for example with `repair.sh` of BBTools or `fastq_pair`) or fetch them again",
        )
    if (mate_1, mate_2) == ("2", "1"):
        raise problem(
            path=paths[0],
            line=first.line,
            value=one,
            wrong="the mates are swapped: file_1 holds the second mates, file_2 the first",
            allowed="file_1 holds mates 1, file_2 mates 2",
            mend="Exchange file_1 and file_2 of this sample in the sample sheet",
        )
    if mate_1 is not None and mate_1 == mate_2:
        raise problem(
            path=paths[1],
            line=second.line,
            value=two,
            wrong=f"file_1 and file_2 both hold mates {mate_1}",
            allowed="file_1 holds mates 1, file_2 mates 2",
            mend="Correct file_1 or file_2 of this sample in the sample sheet",
        )
    return stem_1, kind


def read_pairs(*, mates_1: str, mates_2: str) -> Iterator[tuple[str, str, Record, Record]]:
    """Read two mate files side by side; give stem, name format and both records of each pair.

    Raises
    ------
    GutaxisError
        As :func:`read_fastq` and :func:`match_mates`, and if one file has more reads than the other.
    """
    both = zip_longest(read_fastq(path=mates_1), read_fastq(path=mates_2))
    for count, (first, second) in enumerate(both):
        if first is None or second is None:
            short = mates_1 if first is None else mates_2
            raise problem(
                path=short,
                line=None,
                value=None,
                wrong=f"the file ends after {count} reads, its mate file goes on: mate counts are unequal",
                allowed="Mate files hold the same number of reads",
                mend="One file is probably truncated: copy both again and compare checksums",
            )
        yield *match_mates(first=first, second=second, paths=(mates_1, mates_2)), first, second


def has_reads(*, path: Path) -> bool:
    """Whether a gzip FASTQ file holds at least one read."""
    with gzip.open(path, "rb") as handle:
        return bool(handle.read(1))

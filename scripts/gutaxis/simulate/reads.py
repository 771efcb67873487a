"""Paired reads from simulated genomes: host, unknown DNA, adapter read-through, quality decay and its errors.

Read names carry their origin (``GSIM:7:host/1``), so that what the workflow keeps can be counted exactly.
"""

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from gutaxis.files import atomic_write
from gutaxis.simulate.genomes import BASES

READ_LENGTH = 125
FRAGMENT_MEAN, FRAGMENT_SD, FRAGMENT_MIN = 300.0, 30.0, 150
#: Share of fragments shorter than a read, whose 3' ends run into the adapter, and their length range.
SHORT_SHARE, SHORT_RANGE = 0.03, (70, 120)
#: Share of reads whose quality collapses over the last 40 bases.
DECAY_SHARE, DECAY_LENGTH = 0.05, 40
#: Transposase adapter of Nextera libraries, as in Trimmomatic's NexteraPE-PE.fa.
ADAPTERS = (b"CTGTCTCTTATACACATCTCCGAGCCCACGAGAC", b"CTGTCTCTTATACACATCTGACGCTGCCGACGA")
COMPLEMENT = np.zeros(256, dtype=np.uint8)
COMPLEMENT[list(b"ACGT")] = list(b"TGCA")


def read_genomes(*, folder: Path) -> dict[str, np.ndarray]:
    """Read the one-record FASTA files of a genome folder as arrays of bytes."""
    genomes = {}
    for path in sorted(folder.glob("*.fna")):
        sequence = "".join(path.read_text().splitlines()[1:])
        genomes[path.stem] = np.frombuffer(sequence.encode(), dtype=np.uint8)
    return genomes


def _fragments(*, rng: np.random.Generator, genome: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (n x read length) mates 1 and 2, adapters included, of fragments drawn from a circular genome."""
    lengths = np.maximum(rng.normal(FRAGMENT_MEAN, FRAGMENT_SD, n).astype(int), FRAGMENT_MIN)
    short = rng.random(n) < SHORT_SHARE
    lengths[short] = rng.integers(*SHORT_RANGE, size=int(short.sum()))
    starts = rng.integers(0, len(genome), n)
    offsets = np.arange(READ_LENGTH)
    forward = genome[(starts[:, None] + offsets) % len(genome)]
    backward = COMPLEMENT[genome[(starts[:, None] + lengths[:, None] - 1 - offsets) % len(genome)]]
    for mate, adapter in ((forward, ADAPTERS[0]), (backward, ADAPTERS[1])):
        tail = np.frombuffer(adapter.ljust(READ_LENGTH, b"G"), dtype=np.uint8)
        for row in np.flatnonzero(lengths < READ_LENGTH):
            mate[row, lengths[row] :] = tail[: READ_LENGTH - lengths[row]]
    swap = rng.random(n) < 0.5  # either strand can be read first
    forward[swap & ~short], backward[swap & ~short] = backward[swap & ~short], forward[swap & ~short].copy()
    return forward, backward, lengths


def _sequence(*, rng: np.random.Generator, mates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Add sequencing errors; return the bases and their Phred+33 qualities, both (n x read length)."""
    n = len(mates)
    quality = np.clip(rng.normal(np.linspace(37.5, 33, READ_LENGTH), 1.5, (n, READ_LENGTH)), 20, 40)
    decayed = np.flatnonzero(rng.random(n) < DECAY_SHARE)
    quality[decayed, -DECAY_LENGTH:] = np.linspace(25, 3, DECAY_LENGTH)
    quality = np.round(quality)
    wrong = rng.random((n, READ_LENGTH)) < 10.0 ** (-quality / 10.0)
    bases = mates.copy()
    bases[wrong] = rng.choice(BASES, size=int(wrong.sum()))
    return bases, quality.astype(np.uint8) + 33


def draw_counts(*, planted: dict[str, Any], lengths: dict[str, int], pairs: int) -> dict[str, int]:
    """Share read pairs out over origins: reads are proportional to genome copies times genome length.

    Returns
    -------
    dict
        Origin (a species, ``host`` or ``unknown``) -> number of pairs; the sum is ``pairs``.
    """
    host = round(pairs * planted["host_fraction"])
    unknown = round(pairs * planted["unknown_fraction"])
    weights = {name: share * lengths[name] for name, share in planted["composition"].items()}
    total = sum(weights.values())
    counts = {name: round((pairs - host - unknown) * weight / total) for name, weight in weights.items()}
    largest = max(counts, key=lambda name: counts[name])
    counts[largest] += pairs - host - unknown - sum(counts.values())
    return {**counts, "host": host, "unknown": unknown}


def simulate_reads(*, truth: Path, library: str, genomes: Path, mates_1: Path, mates_2: Path) -> None:
    """Write one library's paired FASTQ files; the same truth gives the same bytes.

    Parameters
    ----------
    truth
        The trial's ``truth.json``.
    library
        Library (sample and lane) to write.
    genomes
        Folder of simulated genomes.
    mates_1, mates_2
        Files to write, gzip.
    """
    trial = json.loads(truth.read_text())
    planted = next(sample for sample in trial["samples"].values() if library in sample["libraries"])
    pairs = planted["pairs"] // len(planted["libraries"])
    rng = np.random.default_rng([trial["seed"], zlib.crc32(library.encode())])
    sequences = read_genomes(folder=genomes)
    sequences["unknown"] = rng.choice(BASES, size=200_000)
    lengths = {name: len(sequence) for name, sequence in sequences.items()}
    first, second, origins = [], [], []
    for origin, n in draw_counts(planted=planted, lengths=lengths, pairs=pairs).items():
        forward, backward, _ = _fragments(rng=rng, genome=sequences[origin], n=n)
        first.append(forward)
        second.append(backward)
        origins += [origin] * n
    order = rng.permutation(len(origins))
    for number, (mates, target) in enumerate(((first, mates_1), (second, mates_2)), start=1):
        bases, quality = _sequence(rng=rng, mates=np.concatenate(mates)[order])
        # every second batch uses the other common read-name format, so that both stay tested
        suffix = f"/{number}" if planted["batch"] == "B1" else f" {number}:N:0:ACGTACGT"
        records = [
            f"@GSIM:{row}:{origins[source]}{suffix}\n{b.tobytes().decode()}\n+\n{q.tobytes().decode()}\n"
            for row, (source, b, q) in enumerate(zip(order, bases, quality, strict=True))
        ]
        with (
            atomic_write(target) as part,
            open(part, "wb") as raw,
            gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0, compresslevel=6) as handle,
        ):
            handle.write("".join(records).encode())

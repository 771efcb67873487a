"""Peak disk of KneadData and HUMAnN on one sample of the demo, relative to its compressed reads.

`make demo` first: it makes the reads and the databases. Both work folders are watched while the tools run. HUMAnN's
figure holds its index of the miniature pangenomes, a fixed 17 MB or so that a real sample does not notice.
"""

import io
import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

from gutaxis.metagenome.humann import profile_functions
from gutaxis.metagenome.kneaddata import clean_reads
from gutaxis.metagenome.metaphlan import profile_taxa
from gutaxis.provenance.environment import prepare_environment
from gutaxis.simulate.catalogue import INDEX

ROOT = Path(__file__).parents[2]
DATA = ROOT / "resources" / "simulated"
SAMPLE, PAIRS = "P02_PRE", 17_688


def size(*, folder: Path) -> int:
    """Return the bytes of all files below a folder; a file that vanishes meanwhile counts nothing."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(parent, name).lstat().st_size
            except FileNotFoundError:
                continue
    return total


def peak(*, folder: Path, step: Callable[[], None]) -> tuple[int, float]:
    """Return the largest size of a folder while a step runs, in bytes, and the seconds it took."""
    largest, done = 0, threading.Event()

    def watch() -> None:
        nonlocal largest
        while not done.wait(0.01):
            largest = max(largest, size(folder=folder))

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    try:
        with redirect_stdout(io.StringIO()):  # what the tools say would bury the figures
            step()
    finally:
        done.set()
        watcher.join()
    return largest, time.perf_counter() - start


def main() -> None:
    """Print the peak of each step."""
    if not (DATA / "databases").is_dir():
        raise SystemExit("resources/simulated is not there: run `make demo` first")
    prepare_environment(base=ROOT)
    mates = [str(DATA / "reads" / f"{SAMPLE}_R{mate}.fastq.gz") for mate in (1, 2)]
    raw = sum(Path(path).stat().st_size for path in mates)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reads, profile = folder / "reads.fastq.gz", folder / "profile.tsv"

        def clean(*, chunk_pairs: int) -> Callable[[], None]:
            return lambda: clean_reads(
                sample=SAMPLE,
                mates_1=mates[:1],
                mates_2=mates[1:],
                host=DATA / "databases" / "host",
                reads=PAIRS,
                adapters="NexteraPE",
                trf=True,
                chunk_pairs=chunk_pairs,
                min_pairs=1,
                control=False,
                threads=1,
                output=reads,
                counts=folder / "counts.tsv",
            )

        rows = [("KneadData, whole sample at once", *peak(folder=folder, step=clean(chunk_pairs=PAIRS)))]
        rows.append(("KneadData, ten chunks", *peak(folder=folder, step=clean(chunk_pairs=-(-PAIRS // 10)))))
        profile_taxa(
            sample=SAMPLE,
            reads=reads,
            database=DATA / "databases" / "metaphlan",
            index=INDEX,
            threads=1,
            output=profile,
            summary=folder / "taxa.tsv",
        )
        rows.append(
            (
                "HUMAnN",
                *peak(
                    folder=folder,
                    step=lambda: profile_functions(
                        sample=SAMPLE,
                        reads=reads,
                        profile=profile,
                        nucleotide=DATA / "databases" / "nucleotide",
                        protein=DATA / "databases" / "protein",
                        pathways=DATA / "databases" / "pathways",
                        joint_index=None,
                        threads=1,
                        gene_families=folder / "families.tsv",
                        path_abundance=folder / "pathways.tsv",
                        summary=folder / "functions.tsv",
                    ),
                ),
            )
        )
    for step, largest, seconds in rows:
        print(f"{step:<32} {largest / raw:5.1f} x the compressed reads   {seconds:6.1f} s", flush=True)


if __name__ == "__main__":
    main()

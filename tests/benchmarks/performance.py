"""Run the benchmarks one after the other and write what they print to docs/performance.md (``make bench``).

Each is a program of its own that prints its figures and fails beyond its limit; a failure is written into the page
and ends this run with a non-zero status. Machines are noisy: what is compared is compared in one run, and ratios are
what to look at. With names, those alone are run and take the place of their sections.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from gutaxis.files import atomic_write

HERE = Path(__file__).parent
PAGE = Path("docs/performance.md")


@dataclass(frozen=True)
class Bench:
    """A benchmark: its program ``bench_{name}.py``, what it shows, its arguments."""

    name: str
    title: str
    shows: str
    arguments: tuple[str, ...] = ()


BENCHES = (
    Bench("peer", "The metagenome arm against biobakery_workflows",
          "The same four simulated samples, miniature databases, tool versions and cores; see the program for what the "
          "peer's clock includes."),
    Bench("overhead", "What the workflow itself costs",
          "The demo: wall time times cores against the processor time of its jobs."),
    Bench("planning", "Planning",
          "`snakemake --dry-run` over all arms, before the first job of a run of so many samples."),
    Bench("integration", "Integration and prediction",
          "48 simulated patients, four layers of 300, 500, 50 and 30 features, defaults of the config."),
    Bench("permanova", "PERMANOVA", "Against vegan::adonis2: 96 samples, four terms, 9,999 permutations."),
    Bench("mixed", "Mixed models", "Random intercepts of 1,000 features and 96 samples, against R lmerTest."),
    Bench("unifrac", "UniFrac", "500 samples, 3,000 features, one core."),
    Bench("clinical", "Clinical endpoints", "RECIST and all endpoints of 10,000 simulated patients."),
    Bench("disk", "Disk", "Peak of the work folders of KneadData and HUMAnN on a sample of the demo."),
    Bench("report", "Report", "The page of 48 patients, four layers of 1,000 features, four contrasts."),
    Bench("metabolome", "Metabolome", "Features from simulated mzML, and asari on the same files."),
)  # fmt: skip


def machine() -> str:
    """Return one line on the machine; no name, no address."""
    memory = psutil.virtual_memory().total / 2**30
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.machine()}, Python "
        f"{platform.python_version()}, load {load:.1f} at the start"
    )


def run(*, bench: Bench) -> tuple[str, bool, float]:
    """Run one benchmark; return the lines that it prints itself, whether it passed, and its wall seconds.

    All that it and the tools below it print goes to the terminal.
    """
    start = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["scripts", "."])}
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures.txt"
        program = [str(HERE / f"bench_{bench.name}.py"), *bench.arguments]
        done = subprocess.run(
            [sys.executable, str(HERE / "figures.py"), str(figures), *program], check=False, env=environment
        )
        wall = time.perf_counter() - start
        lines = figures.read_text().replace(str(Path.cwd()), ".").splitlines()
    return "\n".join(line.rstrip() for line in lines if line.strip()), done.returncode == 0, wall


def page(*, results: Sequence[tuple[Bench, str, bool, float]], where: str) -> str:
    """Return the page."""
    parts = [
        "# Performance",
        "",
        "Written by `make bench`; every figure was printed by the program named with it, in one run, unless a part",
        f"says that it was run apart, on one machine: {where}.",
        "Everything here is simulated data. Ratios carry over to other machines, seconds do not.",
        "`make bench-cells` and `make calibrate` take longer and are apart: [calibration](calibration.md).",
    ]
    sections = [section(bench=bench, text=text, passed=passed, wall=wall) for bench, text, passed, wall in results]
    return "\n".join(parts) + "\n\n" + "\n".join(sections)


def section(*, bench: Bench, text: str, passed: bool, wall: float, where: str = "") -> str:
    """Return one part of the page; ``where``: the machine, for one that was measured apart from the others."""
    verdict = "" if passed else " **It failed, or missed its limit.**"
    apart = f", in a run of its own on {where}" if where else ""
    told = f"`tests/benchmarks/bench_{bench.name}.py`, {wall:.0f} s{apart}:"
    return f"## {bench.title}\n\n{bench.shows}{verdict}\n\n{told}\n\n```\n{text}\n```\n"


def replaced(*, old: str, new: Sequence[str]) -> str:
    """Return a page with some of its parts in place of the older ones of the same title.

    Raises
    ------
    SystemExit
        If the page has no such part: it is then written anew as a whole.
    """
    head, *parts = old.split("\n## ")
    titles = [part.split("\n", 1)[0] for part in parts]
    for text in new:
        title, rest = text.removeprefix("## ").split("\n", 1)
        if title not in titles:
            raise SystemExit(f"{PAGE} has no part {title!r}: run all benchmarks, which writes it")
        parts[titles.index(title)] = f"{title}\n{rest}"
    return "\n## ".join([head, *parts]).rstrip("\n") + "\n"


def main() -> None:
    """Run all, or those named, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="benchmarks, all by default; others keep their part of the page")
    names = parser.parse_args().names
    unknown = sorted(set(names) - {bench.name for bench in BENCHES})
    if unknown:
        raise SystemExit(f"no benchmark {', '.join(unknown)}; there are {', '.join(bench.name for bench in BENCHES)}")
    where, results = machine(), []
    for bench in BENCHES:
        if names and bench.name not in names:
            continue
        print(f"== {bench.name}", flush=True)
        text, passed, wall = run(bench=bench)
        results.append((bench, text, passed, wall))
    if names:
        new = [
            section(bench=bench, text=text, passed=fine, wall=wall, where=where) for bench, text, fine, wall in results
        ]
        written = replaced(old=PAGE.read_text(), new=new)
    else:
        written = page(results=results, where=where)
    with atomic_write(PAGE) as part:
        part.write_text(written)
    failed = [bench.name for bench, _, passed, _ in results if not passed]
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()

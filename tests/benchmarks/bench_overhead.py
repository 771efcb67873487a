"""What the workflow itself costs: the demo from nothing, wall time times cores against the CPU time of its jobs.

``make bench`` runs it. CPU time of the jobs is that of all processes below Snakemake; Snakemake's own is read from the
process while it runs, and counts as overhead, as does every second in which a core waits.
"""

import argparse
import resource
import subprocess
import sys
import time

import psutil

LIMIT = 1.25


def own_seconds(*, process: subprocess.Popen) -> float:
    """Wait for a process; return its own CPU seconds, without its children."""
    watched, used = psutil.Process(process.pid), 0.0
    while process.poll() is None:
        try:
            times = watched.cpu_times()
            used = times.user + times.system
        except psutil.NoSuchProcess:
            break
        time.sleep(0.5)
    return used


def main() -> None:
    """Run the demo again and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", type=int, default=2)
    cores = parser.parse_args().cores
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--forceall", "--quiet", "all"]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen([*command, "--max-jobs-per-timespan", "1000/5s"])
    own = own_seconds(process=process)
    wall = time.perf_counter() - start
    if process.wait():
        raise SystemExit("the demo failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    jobs = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime - own
    ratio = wall * cores / jobs
    print(f"demo on {cores} cores: {wall:.0f} s wall, {jobs:.0f} s CPU of jobs, {own:.0f} s CPU of Snakemake itself")
    print(f"wall x cores / CPU of jobs: {ratio:.2f} (limit {LIMIT})")
    if ratio > LIMIT:
        raise SystemExit("beyond the limit")


if __name__ == "__main__":
    main()

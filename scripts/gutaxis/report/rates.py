"""Rates of the jobs: processor time and disk, from the benchmarks of a finished run; what an estimate rests on.

    python -m gutaxis.report.rates results/demo resources/rates.tsv

With ``--config`` another run than the demo. Where the jobs of a rule go back to raw files whose sizes differ enough,
processor time is a base and a slope over the size, by least squares; elsewhere the mean. Snakemake's ``cpu_time`` is
looked at now and then, so programs that start and end between two looks are missed: too low, never too high.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from gutaxis.cohort.config import load_config
from gutaxis.cohort.model import Cohort, load_cohort
from gutaxis.cohort.parts import sample_parts
from gutaxis.errors import GutaxisError
from gutaxis.files import write_tsv
from gutaxis.layers.plan import tissue_samples

COLUMNS = ["rule", "jobs", "cpu_s", "cpu_s_per_gb", "disk_mb", "disk_mb_per_gb", "mean_gb", "largest_gb", "basis"]
#: Rules of a simulated trial only, for which no study pays, and rules that only print.
SIMULATED = ("simulate_", "count_host", "recovery", "metabolome_recovery", "cell_recovery", "findings")
PRINTING = ("validate",)
#: Rules whose files take room: rule -> files below the results folder.
KEPT = {
    "clean_reads": "metagenome/reads/*",
    "fastqc": "metagenome/qc/fastqc/*/*",
    "profile_taxa": "metagenome/profiles/*",
    "profile_functions": "metagenome/functions/*",
    "extract_features": "metabolome/features/*/*.featureXML",
    "force_integrate": "metabolome/features/*/forced/*",
    "cell_sample": "single_cell/samples/*",
    "cell_summary": "single_cell/*/summary/*/*",
    "embed_cells": "single_cell/*/embedding.h5ad",
}
#: Of these, the ones whose files grow with the raw files; the others are as large for any sample.
GROWING = ("clean_reads", "extract_features", "force_integrate", "cell_sample", "cell_summary")
#: A slope needs this many jobs, a largest file this many times the smallest, and this correlation of time with size.
FEWEST_JOBS, LEAST_SPREAD, LEAST_R = 5, 2.0, 0.7


def job_sizes(*, cohort: Cohort, root: Path) -> dict[str, float]:
    """Return name of a job -> GB of the raw files it goes back to; files that are not there count 0.

    Names are those of benchmarks: ``{sample}``; ``{mode}.{sample}``, ``{mode}.{part}`` and ``{mode}`` of the
    metabolome; ``{tissue}.{sample}``, ``{tissue}.{part}`` and ``{tissue}`` of the single cells.

    Parameters
    ----------
    cohort
        The cohort of the run.
    root
        Folder that paths of the sheets are relative to.
    """
    groups = {
        tissue: {name: cohort.files(sample_id=name)[0] for name in names}
        for tissue, names in tissue_samples(cohort=cohort).items()
    }
    for number, mode in enumerate(("positive", "negative")):
        files = {sample: cohort.files(sample_id=sample)[number] for sample in cohort.sample_ids(assay="METAB")}
        groups[mode] = {sample: names for sample, names in files.items() if names}
    sizes: dict[str, float] = {}
    for group, files in groups.items():
        own = {sample: total_gb(names, root=root) for sample, names in files.items()}
        sizes |= {f"{group}.{sample}": size for sample, size in own.items()}
        for part, samples in sample_parts(cohort=cohort, samples=list(own)).items():
            sizes[f"{group}.{part}"] = sum(own[sample] for sample in samples)
        if own:
            sizes[group] = sum(own.values())
    for sample in cohort.sample_ids():
        sizes[sample] = sum(total_gb(files, root=root) for files in cohort.files(sample_id=sample))
    return sizes


def total_gb(files: list[str], *, root: Path = Path()) -> float:
    """Return the size of files and folders together in GB; what is not there counts 0."""
    found = [root / file for file in files]
    found += [part for path in found if path.is_dir() for part in path.rglob("*")]
    return sum(path.stat().st_size for path in found if path.is_file()) / 1e9


def processor_seconds(path: Path) -> float:
    """Return the processor time of a benchmark file, seconds; that of the clock where none was measured."""
    row = pd.read_csv(path, sep="\t", na_values=["-"]).iloc[-1]
    return float(row["cpu_time"]) if row.get("cpu_time", 0) > 0 else float(row["s"])


def base_and_slope(*, gb: np.ndarray, seconds: np.ndarray) -> tuple[float, float] | None:
    """Return seconds a job costs whatever it reads, and seconds per GB; None where the sizes cannot tell.

    Parameters
    ----------
    gb, seconds
        Shape (jobs,): size of the raw files, processor time.
    """
    if len(gb) < FEWEST_JOBS or gb.min() <= 0 or gb.max() < LEAST_SPREAD * gb.min():
        return None
    if seconds.std() == 0 or np.corrcoef(gb, seconds)[0, 1] < LEAST_R:
        return None
    slope, base = np.polyfit(gb, seconds, 1)
    # through the origin where a line would start below 0
    return (float(base), float(slope)) if base >= 0 else (0.0, float(gb @ seconds / (gb @ gb)))


def rates(*, results: Path, sizes: Mapping[str, float]) -> pd.DataFrame:
    """Return one row per rule of a finished run.

    Parameters
    ----------
    results
        Its results folder.
    sizes
        Of :func:`job_sizes`.

    Returns
    -------
    pandas.DataFrame
        ``COLUMNS``: base per job (s, MB) and slope per GB of raw files (NA where sizes cannot tell; ``basis`` is then
        ``mean``), mean and largest raw files of a job in GB (NA where a job goes back to none of its own).
        The last row, ``others``, has the disk of everything else, per run.

    Raises
    ------
    GutaxisError
        If the folder has no benchmarks.
    """
    folders = sorted(
        path for path in (results / "benchmarks").glob("*") if not path.name.startswith((*SIMULATED, *PRINTING))
    )
    if not folders:
        raise GutaxisError(f"{results} has no benchmarks. Name the results folder of a run that came to its end")
    rows = [_rule_row(folder=folder, results=results, sizes=sizes) for folder in folders]
    files = [path for path in results.rglob("*") if path.is_file() and "simulate" not in path.parts]
    kept = {path for pattern in KEPT.values() for path in results.glob(pattern)}
    other = sum(path.stat().st_size for path in files if path not in kept) / 1e6
    rows.append({"rule": "others", "jobs": 1, "cpu_s": 0.0, "disk_mb": other, "basis": "mean"})
    return pd.DataFrame(rows, columns=COLUMNS)


def _rule_row(*, folder: Path, results: Path, sizes: Mapping[str, float]) -> dict[str, object]:
    paths = sorted(folder.glob("*.tsv"))
    seconds = np.array([processor_seconds(path) for path in paths])
    # a job on a part of a tissue ({tissue}.{subset}) goes back to all of its files
    gb = np.array([sizes.get(path.stem, sizes.get(path.stem.split(".")[0], np.nan)) for path in paths])
    disk = sum(path.stat().st_size for path in results.glob(KEPT.get(folder.name, "-")) if path.is_file()) / 1e6
    row = {"rule": folder.name, "jobs": len(paths), "cpu_s": float(seconds.mean()), "basis": "mean"}
    if np.isfinite(gb).all() and gb.sum() > 0:
        row |= {"mean_gb": float(gb.mean()), "largest_gb": float(gb.max())}
        fit = base_and_slope(gb=gb, seconds=seconds)
        if fit is not None:
            row |= {"cpu_s": fit[0], "cpu_s_per_gb": fit[1], "basis": "fit"}
    if disk and folder.name in GROWING and "mean_gb" in row:
        return row | {"disk_mb_per_gb": disk / gb.sum()}
    return row | ({"disk_mb": disk / len(paths)} if disk else {})


def main() -> None:
    """Write the table; see the module."""
    parser = argparse.ArgumentParser(prog="gutaxis.report.rates", description="Rates of a finished run's jobs.")
    parser.add_argument("results", type=Path, help="results folder of the run")
    parser.add_argument("output", type=Path, help="table to write")
    parser.add_argument("--config", type=Path, default=Path("config/config.yaml"), help="config of the run")
    given = parser.parse_args()
    schema = Path(__file__).parents[3] / "config/schemas/config.schema.json"
    try:
        config = load_config(config=yaml.safe_load(given.config.read_text(encoding="utf-8")), schema_path=schema)
        if Path(config["output"]) != given.results:
            raise GutaxisError(f"{given.config} is of {config['output']}, not of {given.results}. Give --config")
        cohort = load_cohort(config=config, root=Path.cwd())
        table = rates(results=given.results, sizes=job_sizes(cohort=cohort, root=Path.cwd()))
    except GutaxisError as error:
        raise SystemExit(str(error)) from None
    databases = "miniature databases" if config["simulate"] else "the databases of the config"
    about = (
        f"python -m gutaxis.report.rates {given.results} {given.output}\n{len(cohort.patients)} patients; {databases}"
    )
    write_tsv(table, given.output, comment=about, digits=4)


if __name__ == "__main__":
    main()

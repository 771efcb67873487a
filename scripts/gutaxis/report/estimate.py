"""What a run will take, told before it starts: processor hours and disk, from its files and measured rates.

Rough: good for a factor of two where the files are like those that were measured. Where sizes of the measured run could
not tell how time grows with size, there is a range, from no growth to growth in proportion. Where databases are larger
than those measured it is a lower bound, and says so.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError
from gutaxis.files import write_tsv
from gutaxis.report.methods_facts import number
from gutaxis.report.rates import total_gb

COLUMNS = ["rule", "jobs", "input_gb", "cpu_hours", "cpu_hours_high", "disk_gb", "note"]
#: Input beyond this many times the largest that was measured is told.
FAR = 3.0
#: Rules whose time goes with the size of a database as well.
DATABASES = ("clean_reads", "profile_taxa", "profile_functions", "joint_index")
#: Work folder of HUMAnN, times its compressed reads (tests/benchmarks/bench_disk.py).
HUMANN_WORK = 14
#: Rules that the words name.
SHOWN = 12
NO_RATE = "no rate: not counted"


def read_rates(*, path: Path | str) -> tuple[pd.DataFrame, str]:
    """Return the rates by rule, and what they were measured on.

    Raises
    ------
    GutaxisError
        If a column is missing.
    """
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    table = pd.read_csv(path, sep="\t", comment="#")
    missing = {"rule", "jobs", "cpu_s", "cpu_s_per_gb", "disk_mb", "disk_mb_per_gb", "mean_gb", "largest_gb"} - set(
        table
    )
    if missing:
        raise GutaxisError(f"{Path(path).name} lacks {', '.join(sorted(missing))}. Make it again: {__package__}.rates")
    about = "; ".join(line.removeprefix("# ") for line in lines if line.startswith("# "))
    return table.set_index("rule"), about


def estimate(*, jobs: Mapping[str, Sequence[Sequence[str]]], rates: pd.DataFrame, production: bool) -> pd.DataFrame:
    """Return what each rule of a run will take.

    Parameters
    ----------
    jobs
        Rule -> raw files of each of its jobs; an empty list for a job that reads none.
    rates
        Of :func:`read_rates`.
    production
        Whether the databases are others than the miniatures the rates may be measured with.

    Returns
    -------
    pandas.DataFrame
        ``COLUMNS``, the longest first; rules without a rate have none and say so. The last row is ``TOTAL``.
    """
    rows = [_row(rule, list(files), rates, production) for rule, files in jobs.items() if len(files)]
    table = pd.DataFrame(rows, columns=COLUMNS)
    table = table.sort_values(["cpu_hours_high", "rule"], ascending=[False, True])
    if "others" in rates.index:
        rest = {"rule": "others", "jobs": 0, "disk_gb": rates.at["others", "disk_mb"] / 1e3, "note": "tables and pages"}
        table = pd.concat([table, pd.DataFrame([rest])], ignore_index=True)
    total = {"rule": "TOTAL", "jobs": table["jobs"].sum(), "input_gb": np.nan, "note": ""}
    total |= {name: table[name].sum() for name in ("cpu_hours", "cpu_hours_high", "disk_gb")}
    return pd.concat([table, pd.DataFrame([total])], ignore_index=True)


def _row(rule: str, files: list[Sequence[str]], rates: pd.DataFrame, production: bool) -> dict[str, object]:
    sizes = np.array([total_gb(list(job)) for job in files])
    row: dict[str, object] = {"rule": rule, "jobs": len(files), "note": ""}
    row |= {"input_gb": float(sizes.sum())} if any(files) else {}
    if rule not in rates.index:
        return row | {"note": NO_RATE}
    rate = rates.loc[rule]
    notes = []
    unknown = np.array([bool(job) for job in files]) & (sizes == 0)
    if unknown.any() and np.isfinite(rate["mean_gb"]):
        # files that are still to be made, or a lane that is not copied yet
        sizes = np.where(unknown, rate["mean_gb"], sizes)
        notes.append(f"{unknown.sum()} not there yet, taken as {1e3 * rate['mean_gb']:.3g} MB")
    low = high = len(files) * rate["cpu_s"]
    if np.isfinite(rate["cpu_s_per_gb"]):
        low = high = low + sizes.sum() * rate["cpu_s_per_gb"]
    elif np.isfinite(rate["mean_gb"]):
        in_proportion = rate["cpu_s"] * sizes.sum() / rate["mean_gb"]
        low, high = sorted((low, in_proportion))
    disk = sizes.sum() * np.nan_to_num(rate["disk_mb_per_gb"]) + len(files) * np.nan_to_num(rate["disk_mb"])
    if np.isfinite(rate["largest_gb"]) and sizes.max() > FAR * rate["largest_gb"]:
        notes.append(f"files up to {sizes.max() / rate['largest_gb']:.0f} times what was measured")
    if production and rule in DATABASES:
        notes.append("more with large databases: measured with miniatures")
    hours = {"cpu_hours": low / 3600, "cpu_hours_high": high / 3600}
    return row | hours | {"disk_gb": disk / 1e3, "note": "; ".join(notes)}


def work_gb(*, jobs: Mapping[str, Sequence[Sequence[str]]], at_once: int) -> float:
    """Return the disk that HUMAnN needs while it runs, GB: 14 times the largest compressed reads, per job at once."""
    sizes = sorted((total_gb(list(job)) for job in jobs.get("profile_functions", [])), reverse=True)
    return HUMANN_WORK * sum(sizes[:at_once])


def disk_gb(*, jobs: Mapping[str, Sequence[Sequence[str]]], rates: Path | str, production: bool, at_once: int) -> float:
    """Return the disk that a whole run takes, GB: results and work folders.

    Parameters
    ----------
    jobs, production
        See :func:`estimate`.
    rates
        resources/rates.tsv.
    at_once
        HUMAnN jobs at a time.
    """
    table = estimate(jobs=jobs, rates=read_rates(path=rates)[0], production=production)
    return float(table["disk_gb"].iloc[-1]) + work_gb(jobs=jobs, at_once=at_once)


def words(*, table: pd.DataFrame, about: str, cores: int, work: float) -> str:
    """Return the estimate as text: totals, the longest rules, what it rests on."""
    total = table.iloc[-1]
    low, high = total["cpu_hours"], total["cpu_hours_high"]
    longest = table.iloc[:-1].dropna(subset=["cpu_hours"]).head(SHOWN)
    lines = [
        f"Processor time {_range(low, high)}: about {_range(low / cores, high / cores)} on {number(cores, 'core')}.",
        f"Disk: {total['disk_gb']:.3g} GB of results" + (f", and {work:.3g} GB while HUMAnN runs." if work else "."),
        "",
        *(
            f"  {row.rule:<24}{row.jobs:>6} jobs  {_range(row.cpu_hours, row.cpu_hours_high):<22}  {row.note}".rstrip()
            for row in longest.itertuples()
        ),
    ]
    none = table.loc[table["note"].eq(NO_RATE), "rule"]
    lines += [f"  not counted, no rate: {', '.join(none)}"] if len(none) else []
    return "\n".join(
        [
            *lines,
            "",
            "Rough: a factor of two where the files are like those that were measured, else see the notes.",
            f"Rates: {about}.",
            "Rates of your own machine, files and databases: see Rates in resources/README.md.",
        ]
    )


def _range(low: float, high: float) -> str:
    return _hours(high) if high < 1.1 * low else f"{_hours(low)} to {_hours(high)}"


def _hours(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.0f} min" if hours >= 1 / 60 else f"{3600 * hours:.0f} s"


def write_estimate(
    *, jobs: Mapping[str, Sequence[Sequence[str]]], rates: Path | str, production: bool, cores: int, output: Path
) -> str:
    """Write the table and return the words.

    Parameters
    ----------
    jobs, production
        See :func:`estimate`.
    rates
        resources/rates.tsv.
    cores
        Of the run.
    output
        Table to write.
    """
    known, about = read_rates(path=rates)
    table = estimate(jobs=jobs, rates=known, production=production)
    # threads of a HUMAnN job: eight, but half of the cores at most (rules/metagenome.smk)
    work = work_gb(jobs=jobs, at_once=cores // max(1, min(8, cores // 2)))
    text = words(table=table, about=about, cores=cores, work=work)
    write_tsv(table, output, comment=text, digits=4)
    return text

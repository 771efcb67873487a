"""The last words of a run: where the report is, or what failed and which log to read."""

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from gutaxis.disk import disk_words

#: Files a reader starts with, in the order in which they are named.
STARTING_POINTS = {
    "Report": "report/index.html",
    "Quality": "report/multiqc.html",
    "Methods": "provenance/methods.md",
    "Evidence": "integration/evidence.tsv",
}
#: Jobs whose own output is all there is to read.
BY_THEMSELVES = {"validate", "estimate"}
FINISHED = re.compile(r"^Finished jobid: (?P<job>\d+) \(Rule: (?P<rule>\w+)\)$", flags=re.MULTILINE)
STARTED = re.compile(r"^Job (?P<job>\d+): (?P<words>.+)$", flags=re.MULTILINE)
FAILED = re.compile(r"^Error in rule (?P<rule>\w+):\n(?P<body>(?:    .*\n)*)", flags=re.MULTILINE)
LINE = re.compile(r"^    (?P<name>jobid|log|output): (?P<value>.*)$", flags=re.MULTILINE)
TOLD = " (check log file(s) for error details)"


class Failure(NamedTuple):
    """A job that failed: its rule, what it was doing, its logs."""

    rule: str
    what: str
    logs: tuple[str, ...]


def failures(*, text: str) -> list[Failure]:
    """Return the jobs that failed and did not succeed at a later attempt, in the order of their last failure.

    Parameters
    ----------
    text
        Log of Snakemake with its own format (.snakemake/log).
    """
    last_success = {match["job"]: match.start() for match in FINISHED.finditer(text)}
    words = {match["job"]: match["words"] for match in STARTED.finditer(text)}
    found: dict[str, Failure] = {}
    for match in FAILED.finditer(text):
        lines = {line["name"]: line["value"] for line in LINE.finditer(match["body"])}
        job = lines.get("jobid", "")
        if last_success.get(job, -1) > match.start():
            continue
        logs = tuple(filter(None, lines.get("log", "").removesuffix(TOLD).split(", ")))
        found.pop(job, None)
        found[job] = Failure(match["rule"], words.get(job) or lines.get("output", ""), logs)
    return list(found.values())


def read_logs(paths: Iterable[str | Path]) -> str:
    """Return the text of Snakemake's logs; one that is gone is left out, the words then say less."""
    return "\n".join(Path(path).read_text(encoding="utf-8", errors="replace") for path in paths if Path(path).exists())


def success_words(*, output: Path | str, logs: Iterable[str | Path]) -> str:
    """Return where to start reading; nothing where no result was made.

    Parameters
    ----------
    output
        The run's results folder.
    logs
        Snakemake's log files of this run.
    """
    ran = {match["rule"] for match in FINISHED.finditer(read_logs(logs))}
    if not ran - BY_THEMSELVES:
        return ""
    there = {name: Path(output) / path for name, path in STARTING_POINTS.items() if (Path(output) / path).exists()}
    lines = [f"  {name + ':':<10}{path.as_posix()}" for name, path in there.items()]
    return "\n".join(["", "Done.", *lines, f"  {'All:':<10}{Path(output).as_posix()}", ""])


def failure_words(*, output: Path | str, logs: Iterable[str | Path], needed_gb: float | None = None) -> str:
    """Return which jobs failed, the log of each, which file system is full if that is why, and how to go on.

    Parameters
    ----------
    output
        The run's results folder.
    logs
        Snakemake's log files of this run.
    needed_gb
        Disk that the whole run takes by the estimate; told where a file system is full.
    """
    paths = [str(path) for path in logs]
    text = read_logs(paths)
    found = failures(text=text)
    places = {"the results": output, "Snakemake's records": ".snakemake", "temporary files": tempfile.gettempdir()}
    told = [text, read_logs(log for failure in found for log in failure.logs)]
    full = disk_words(text="\n".join(told), places=places, needed_gb=needed_gb)
    if not found:
        where = f" The whole log: {', '.join(paths)}" if paths else ""
        stopped = f"\nThe run stopped before the end; no job failed by itself. The reason stands above.{where}\n"
        return "\n".join([stopped, *full, ""] if full else [stopped])
    jobs = "1 job failed:" if len(found) == 1 else f"{len(found)} jobs failed:"
    lines = ["", jobs]
    for failure in found:
        lines.append(f"  {failure.rule}: {failure.what}" if failure.what else f"  {failure.rule}")
        lines += [f"    read {log}" for log in failure.logs]
    if full:
        return "\n".join([*lines, "", *full, ""])
    lines += [
        "",
        f"What did not depend on them is in {Path(output).as_posix()}. When the cause is mended, give the same command",
        "again: finished work is kept. One bad sample: set its qc to FAIL in its sheet, and the others go on without"
        " it.",
        "",
    ]
    return "\n".join(lines)

"""The last words of a run: where the report is, or what failed and which log to read."""

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from gutaxis.disk import disk_words
from gutaxis.report.cluster_log import FAILED, FINISHED, STARTED, read_log, unfinished, why, without_shown_logs

#: Files a reader starts with, in the order in which they are named.
STARTING_POINTS = {
    "Report": "report/index.html",
    "Quality": "report/multiqc.html",
    "Methods": "provenance/methods.md",
    "Evidence": "integration/evidence.tsv",
}
#: Jobs whose own output is all there is to read.
BY_THEMSELVES = {"validate", "estimate"}
LINE = re.compile(r"^    (?P<name>message|jobid|log|output): (?P<value>.*)$", flags=re.MULTILINE)
#: A group of jobs that shared one job of the cluster; Snakemake names them all.
GROUP = re.compile(
    r"^    message: Error in group (?P<group>\S+)\n(?:    log: (?P<log>.*)\n)?    jobs:\n(?P<jobs>(?:        .*\n)+)",
    flags=re.MULTILINE,
)
MEMBER = re.compile(r"^        rule (?P<rule>\w+):\n(?P<body>(?:            .*\n)+)", flags=re.MULTILINE)
#: Where memory or time was not enough, at the last attempt either.
LIMITS = (
    "Memory or time was not enough, at the last attempt either: give more with",
    "  --set-resources RULE:mem_mb=MEGABYTES RULE:runtime=MINUTES",
)
TOLD = " (check log file(s) for error details)"


class Failure(NamedTuple):
    """A job that failed: its rule, what it was doing, its logs, why a cluster ended it (else empty)."""

    rule: str
    what: str
    logs: tuple[str, ...]
    reason: str = ""


def failures(*, text: str) -> list[Failure]:
    """Return the jobs that failed and did not succeed at a later attempt, in the order of their last failure.

    Parameters
    ----------
    text
        Log of Snakemake with its own format (.snakemake/log).
    """
    text = without_shown_logs(text=text)
    last_success = {match["job"]: match.start() for match in FINISHED.finditer(text)}
    words = {match["job"]: match["words"] for match in STARTED.finditer(text)}
    found: dict[str, Failure] = {}
    matches = [*FAILED.finditer(text), *GROUP.finditer(text)]
    for match in sorted(matches, key=re.Match.start):
        failed = _of_group(match, words) if match.re is GROUP else _of_job(match, words)
        for job, failure in failed.items():
            if last_success.get(job, -1) < match.start():
                found.pop(job, None)
                found[job] = failure
    return list(found.values())


def _lines(body: str) -> dict[str, str]:
    return {line["name"]: line["value"].removesuffix(TOLD) for line in LINE.finditer(body)}


def _logs(value: str) -> tuple[str, ...]:
    return tuple(filter(None, value.split(", ")))


def _of_job(match: re.Match[str], words: dict[str, str]) -> dict[str, Failure]:
    lines = _lines(match["body"])
    logs, message = _logs(lines.get("log", "")), match["body"] if "message: SLURM" in match["body"] else ""
    # a cluster's log stands behind those of the rule
    reason = why(message=message, log=read_log(logs[-1]) if logs else "") if message else ""
    job = lines.get("jobid", "")
    return {job: Failure(match["rule"], words.get(job) or lines.get("output", ""), logs, reason)}


def _of_group(match: re.Match[str], words: dict[str, str]) -> dict[str, Failure]:
    """Jobs of a group that failed or were cut short; all of them where its log does not tell."""
    shared = _logs((match["log"] or "").removesuffix(TOLD))
    log = read_log(shared[-1]) if shared else ""
    failed, cut = unfinished(log=log)
    members = {}
    for member in MEMBER.finditer(match["jobs"]):
        lines = _lines(re.sub("^        ", "", member["body"], flags=re.MULTILINE))
        job, output = lines.get("jobid", ""), lines.get("output", "")
        members[job] = (member["rule"], words.get(job) or output, _logs(lines.get("log", "")), output.split(", ")[0])
    named = {job for job, (_, _, _, output) in members.items() if output in failed}
    named = named or {job for job, (_, what, _, _) in members.items() if what in cut} or set(members)
    reason = "" if failed else why(message="", log=log)
    return {
        job: Failure(rule, what, (*logs, *shared), reason)
        for job, (rule, what, logs, _) in members.items()
        if job in named
    }


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
        what = f"  {failure.rule}: {failure.what}" if failure.what else f"  {failure.rule}"
        lines.append(f"{what} ({failure.reason})" if failure.reason else what)
        lines += [f"    read {_here(log)}" for log in failure.logs if not failure.reason or Path(log).exists()]
    if full:
        return "\n".join([*lines, "", *full, ""])
    lines += [
        "",
        f"What did not depend on them is in {Path(output).as_posix()}. When the cause is mended, give the same command",
        "again: finished work is kept. One bad sample: set its qc to FAIL in its sheet, and the others go on without"
        " it.",
        *(LIMITS if any(failure.reason in {"out of memory", "time limit"} for failure in found) else ()),
        "",
    ]
    return "\n".join(lines)


def _here(path: str) -> str:
    """Return a path as seen from the working directory where it lies below."""
    folder = Path.cwd()
    return Path(path).relative_to(folder).as_posix() if Path(path).is_relative_to(folder) else path

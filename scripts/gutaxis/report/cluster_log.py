"""What a cluster says of a job that failed: why it ended, and which of a group's jobs it was."""

import re
from pathlib import Path

#: Begins the output of each Snakemake in the log of a Slurm job; the last of them ran the jobs.
HEADER = "SNAKEMAKE\n========="
STARTED = re.compile(r"^ *Job (?P<job>\d+): (?P<words>.+)$", flags=re.MULTILINE)
FINISHED = re.compile(r"^Finished jobid: (?P<job>\d+) \(Rule: (?P<rule>\w+)\)$", flags=re.MULTILINE)
FAILED = re.compile(r"^Error in rule (?P<rule>\w+):\n(?P<body>(?:    .*\n)*)", flags=re.MULTILINE)
OUTPUT = re.compile(r"^    output: (?P<files>.*)$", flags=re.MULTILINE)
SHOWN = re.compile(r"^ *Logfile .+:$")
BAR = re.compile(r"^ *(?P<bar>=+)$")

#: Words of Slurm's daemons in the log of a job, with and without control groups, and what they mean.
SAID = (
    (re.compile(r"exceeded (?:job )?memory limit|oom[-_ ]kill|out of memory", flags=re.IGNORECASE), "out of memory"),
    (re.compile(r"DUE TO TIME LIMIT"), "time limit"),
    (re.compile(r"DUE TO NODE FAILURE"), "its node failed"),
    (re.compile(r"DUE TO PREEMPTION"), "preempted"),
    (re.compile(r"\*\*\* (?:JOB|STEP) \S+ ON \S+ CANCELLED|task \d+: Killed"), "cancelled or killed"),
)
#: The state that the executor reports, where the log says nothing.
STATES = {
    "OUT_OF_MEMORY": "out of memory",
    "TIMEOUT": "time limit",
    "DEADLINE": "time limit",
    "NODE_FAIL": "its node failed",
    "BOOT_FAIL": "its node failed",
    "CANCELLED": "cancelled or killed",
}
STATE = re.compile(r"SLURM status is: '(?P<state>\w+)")
REFUSED = re.compile(r"SLURM sbatch failed\. The error message was '(?P<words>[^']*)")


def without_shown_logs(*, text: str) -> str:
    """Return Snakemake's log without the logs of failed jobs in it, which may be logs of Snakemake themselves.

    Parameters
    ----------
    text
        Log of a run with ``show-failed-logs``: each log stands between two bars of one length.
    """
    kept: list[str] = []
    opened: list[str] = []  # bars whose second has not come; a log may show logs
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        bar = BAR.match(line.rstrip("\n"))
        if bar and number and SHOWN.match(lines[number - 1].rstrip("\n")):
            opened.append(bar["bar"])
        elif bar and opened and bar["bar"] == opened[-1]:
            opened.pop()
        elif not opened:
            kept.append(line)
    # where a bar is missing, as after a crash, nothing is taken away: too much is better than nothing
    return text if opened else "".join(kept)


def why(*, message: str, log: str) -> str:
    """Return why the cluster ended a job, in a few words; empty where the job failed by itself.

    Parameters
    ----------
    message
        What the executor reported.
    log
        Text of the job's log on the cluster, empty if there is none.
    """
    refused = REFUSED.search(message)
    if refused:
        return f"not accepted by Slurm: {refused['words'].strip().splitlines()[-1]}" if refused["words"].strip() else ""
    for pattern, words in SAID:
        if pattern.search(log):
            return words
    state = STATE.search(message)
    return STATES.get(state["state"], "") if state else ""


def unfinished(*, log: str) -> tuple[set[str], set[str]]:
    """Return which jobs of a group failed, by their first output, and which were cut short, by their words.

    Parameters
    ----------
    log
        Text of the log of a Slurm job that ran a group of jobs.
    """
    text = without_shown_logs(text=log.rpartition(HEADER)[2])
    failed = {output["files"].split(", ")[0] for match in FAILED.finditer(text) if (output := OUTPUT.search(match[0]))}
    done = {match["job"] for match in FINISHED.finditer(text)}
    cut = {match["words"] for match in STARTED.finditer(text) if match["job"] not in done}
    return failed, cut


def read_log(path: str | Path) -> str:
    """Return the text of a log, empty if it is gone."""
    return Path(path).read_text(encoding="utf-8", errors="replace") if Path(path).is_file() else ""

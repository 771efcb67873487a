"""One line for each finished job, with the sample's name, where output goes to a file or a plain terminal.

Snakemake writes a block when a job starts and two more when it ends. Its logger plugins cannot live in a project's
folder, so the formatter of its own handler is replaced: the log file in .snakemake/log keeps every block, and errors,
warnings and the table of jobs stay as they are. Only attributes of the records are read; nothing of Snakemake is
imported.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

#: Name of Snakemake's own handler; it is absent where a plugin writes to the terminal.
HANDLER = "DefaultStreamHandler"
#: Said in every round of the scheduler.
ROUND = "Select jobs to execute..."


def event_of(record: logging.LogRecord) -> str:
    """Return what a record tells of, as a word; empty for plain text."""
    return str(getattr(record, "event", None) or "")


@dataclass
class Progress:
    """What runs: job id -> what it does, rule, time of start; and the jobs that ended since the last line."""

    running: dict[int, tuple[str, str, float]] = field(default_factory=dict)
    finished: list[int] = field(default_factory=list)

    def keep(self, record: logging.LogRecord) -> bool:
        """Note starts and ends, and return whether the record is shown at all."""
        event = event_of(record)
        if event == "job_info":
            rule = str(getattr(record, "rule_name", ""))
            words = str(getattr(record, "rule_msg", None) or rule)
            self.running[record.jobid] = (words, rule, time.monotonic())
        elif event == "job_finished":
            self.finished.append(record.job_id)
        return event not in {"job_info", "job_started", "job_finished"} and record.msg != ROUND

    def lines(self, record: logging.LogRecord) -> str:
        """Return one line for each job that ended, with the share of all jobs done."""
        ended, self.finished = self.finished, []
        return "\n".join(self._line(job, record.done, record.total) for job in ended)

    def _line(self, job: int, done: int, total: int) -> str:
        words, rule, started = self.running.pop(job, (f"job {job}", "", time.monotonic()))
        took = f"{time.monotonic() - started:.0f} s"
        return f"{time.strftime('%H:%M:%S')}  {done} of {total}  {words}  [{rule}, {took}]"


class OneLine(logging.Formatter):
    """Formats progress as lines of finished jobs, and anything else as ``other`` does."""

    def __init__(self, *, progress: Progress, other: logging.Formatter) -> None:
        super().__init__()
        self.progress, self.other = progress, other

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record; empty text is not written."""
        return self.progress.lines(record) if event_of(record) == "progress" else self.other.format(record)


def one_line_per_job(*, handlers: Iterable[logging.Handler]) -> bool:
    """Replace the blocks of Snakemake's own handler by one line for each finished job.

    Parameters
    ----------
    handlers
        Handlers of Snakemake's logger; those of other names are left alone.

    Returns
    -------
    bool
        Whether the handler was there.
    """
    found = [handler for handler in handlers if handler.name == HANDLER and handler.formatter is not None]
    for handler in found:
        progress = Progress()
        handler.addFilter(progress.keep)
        handler.setFormatter(OneLine(progress=progress, other=handler.formatter))
    return bool(found)

"""What every entry script shares: its log, and a user's mistake told without a traceback."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import IO, Any

from gutaxis.disk import FULL_STATUS, full_problem, is_full
from gutaxis.errors import GutaxisError


@contextmanager
def script(snakemake: Any) -> Iterator[None]:
    """Run the body of an entry script with its output in the rule's log.

    A :class:`GutaxisError` goes to the log and, short, to the terminal; the job then fails with status 1. A full file
    system is told on the terminal, since the log may not take the words, with a status of its own. Anything else is a
    defect: its traceback goes to both.
    """
    terminal = sys.stderr
    try:
        with _logged(snakemake=snakemake, terminal=terminal):
            yield
    except BaseException as error:
        if not is_full(error):
            raise
        folder = Path(snakemake.output[0] if snakemake.output else snakemake.log[0]).parent
        print(f"\n{full_problem(folder=folder, what=snakemake.rule)}\n", file=terminal)
        sys.exit(FULL_STATUS)


@contextmanager
def _logged(*, snakemake: Any, terminal: IO[str]) -> Iterator[None]:
    with open(snakemake.log[0], "w", encoding="utf-8", buffering=1) as log, redirect_stdout(log), redirect_stderr(log):
        try:
            yield
        except GutaxisError as error:
            print(error, file=log)
            print(f"\n{snakemake.rule}: {error}\n", file=terminal)
            sys.exit(1)
        except Exception:
            traceback.print_exc(file=log)
            raise

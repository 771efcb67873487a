"""What every entry script shares: its log, and a user's mistake told without a traceback."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

from gutaxis.errors import GutaxisError


@contextmanager
def script(snakemake: Any) -> Iterator[None]:
    """Run the body of an entry script with its output in the rule's log.

    A :class:`GutaxisError` goes to the log and, short, to the terminal; the job then fails with status 1. Anything
    else is a defect: its traceback goes to both.
    """
    terminal = sys.stderr
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

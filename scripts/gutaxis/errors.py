"""Errors a user can mend: what is wrong, where, what is allowed, how to mend it. Shown without a traceback."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One finding of a check.

    Parameters
    ----------
    code
        ``E..`` (sheet error), ``W..`` (warning), ``C..`` (config), ``R..`` (reads), ``D..`` (database),
        ``L..`` (layer), ``P..`` (public data),
        ``T..`` (tool), ``K..`` (the run itself: its lock, what a killed run left, a full file system).
    file, line, column, value
        Where it is: the file's name, its 1-based line, the column, the offending value; None where it does not apply.
    wrong, allowed, mend
        Three sentences without a final full stop.
    """

    code: str
    file: str
    line: int | None
    column: str | None
    value: str | None
    wrong: str
    allowed: str
    mend: str

    @property
    def is_warning(self) -> bool:
        """Whether the run may go on."""
        return self.code.startswith("W")

    def sort_key(self) -> tuple[str, int, str, str]:
        """Return the order in which problems are printed: by file, line, code, column."""
        return self.file, self.line or 0, self.code, self.column or ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        column = "" if self.column is None else f" column={self.column}"
        value = "" if self.value is None else f" value={self.value}"
        sentences = " ".join(f"{part}." for part in (self.wrong, self.allowed, self.mend) if part)
        return f"{self.code} {place}{column}{value}: {sentences}"


class GutaxisError(Exception):
    """A mistake in the user's input or set-up, told in full; entry points print it and exit with status 1."""

    def __init__(self, problems: str | Problem | Iterable[Problem]) -> None:
        if isinstance(problems, Problem):
            problems = [problems]
        self.problems: list[Problem] = [] if isinstance(problems, str) else sorted(problems, key=Problem.sort_key)
        super().__init__(problems if isinstance(problems, str) else "\n".join(map(str, self.problems)))


def raise_if_errors(problems: Iterable[Problem]) -> None:
    """Raise one :class:`GutaxisError` that names every error among the problems; warnings do not raise."""
    errors = [problem for problem in problems if not problem.is_warning]
    if errors:
        raise GutaxisError(errors)

"""How each result file is compared with a reference: resources/tolerances.tsv."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pandas as pd

from gutaxis.errors import GutaxisError, Problem, raise_if_errors

COLUMNS = ["pattern", "compare", "rtol", "atol", "through", "reason"]
#: ``bytes``: every byte. ``tolerance``: by fingerprint where bytes differ. ``through``: where bytes differ, other files
#: that hold the same numbers decide. ``none``: where bytes differ, nothing is said.
WAYS = ("bytes", "tolerance", "through", "none")


@dataclass(frozen=True)
class Way:
    """How files of a pattern are compared; see :data:`WAYS`. ``through`` is a pattern of files, or empty."""

    pattern: str
    compare: str
    rtol: float
    atol: float
    through: str
    reason: str

    def twins(self, *, path: str, outputs: list[str]) -> list[str]:
        """Return the outputs that decide over ``path``; ``{stem}`` in ``through`` is its name without the ending."""
        stem = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        return [name for name in outputs if fnmatchcase(name, self.through.replace("{stem}", stem))]


EVERY_BYTE = Way("*", "bytes", 0.0, 0.0, "", "every byte")


def read_tolerances(*, table: Path | str) -> list[Way]:
    """Read the table of comparisons, in its order.

    Raises
    ------
    GutaxisError
        V01 for a row that cannot be used.
    """
    rows = pd.read_csv(table, sep="\t", dtype=str, keep_default_na=False, comment="#")
    missing = [column for column in COLUMNS if column not in rows]
    if missing:
        raise GutaxisError(f"{Path(table).name} lacks the columns {', '.join(missing)}. Restore it from git")
    ways, problems = [], []
    for row in rows[COLUMNS].to_dict("records"):
        numbers = [0.0 if row[name] == "NA" else float(row[name]) for name in ("rtol", "atol")]
        through = "" if row["through"] == "NA" else row["through"]
        if (
            row["compare"] not in WAYS
            or (row["compare"] == "tolerance") != (min(numbers) > 0)
            or (row["compare"] == "through") != bool(through)
            or not row["reason"]
        ):
            wrong = "This row says no way to compare"
            allowed = (
                f"compare is {', '.join(WAYS)}; `tolerance` needs rtol and atol, `through` a pattern; each a reason"
            )
            problems.append(
                Problem("V01", Path(table).name, None, "pattern", row["pattern"], wrong, allowed, "Correct it")
            )
            continue
        ways.append(Way(row["pattern"], row["compare"], *numbers, through, row["reason"]))
    raise_if_errors(problems)
    return ways


def way_of(*, path: str, ways: list[Way]) -> Way:
    """Return the first row whose pattern fits an output's path; every byte where none does. ``*`` also spans ``/``."""
    return next((way for way in ways if fnmatchcase(path, way.pattern)), EVERY_BYTE)

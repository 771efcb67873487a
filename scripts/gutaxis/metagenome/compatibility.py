"""Which versions of the tools and databases work together, checked while the workflow is parsed.

The statements and their sources are rows of resources/compatibility.tsv; nothing is hard-wired here. Standard library
only: this runs before every dry run and has to take milliseconds.
"""

import csv
import operator
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from gutaxis.errors import GutaxisError, Problem, raise_if_errors
from gutaxis.metagenome.database_folders import (
    check_host_index,
    check_metaphlan_folder,
    check_nucleotide_folder,
    check_protein_folder,
    host_folder,
)

#: What a row can ask of: a database (compared by name pattern) or another tool (compared by version range).
DATABASES = ("index", "nucleotide", "protein")
COLUMNS = ["tool", "versions", "requires", "allowed", "recommended", "reason", "source"]
CODES = {"index": "D11", "nucleotide": "D12", "protein": "D13"}
CONFIG_KEYS = {
    "index": "metagenome.index",
    "nucleotide": "metagenome.databases.nucleotide",
    "protein": "metagenome.databases.protein",
}
COMPARISONS = {
    "==": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True)
class Statement:
    """One row of the table: the versions of ``tool`` need ``requires`` to be one of ``allowed``."""

    tool: str
    versions: str
    requires: str
    allowed: str
    recommended: str
    reason: str
    source: str

    def allows(self, value: str) -> bool:
        """Whether a database name, or a tool's version, satisfies the statement."""
        if self.requires in DATABASES:
            return any(fnmatch(value, pattern.strip()) for pattern in self.allowed.split(","))
        return in_range(version=value, ranges=self.allowed)


def read_rows(*, table: Path | str, columns: Iterable[str]) -> list[dict[str, str]]:
    """Read a small TSV of resources/ as dictionaries; raise a :class:`GutaxisError` if a column is missing."""
    with open(table, encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))
    missing = [column for column in columns if not rows or column not in rows[0]]
    if missing:
        allowed = f"Columns are {', '.join(columns)}"
        wrong = f"Columns are missing: {', '.join(missing)}"
        raise GutaxisError(Problem("D01", Path(table).name, 1, None, None, wrong, allowed, "Restore the file from git"))
    return rows


def _key(version: str) -> tuple[tuple[int, ...], int, int]:
    """Return a sort key: numbers without trailing zeros; an alpha, beta or candidate comes before its release."""
    match = re.match(r"v?(\d+(?:\.\d+)*)(?:\.?(?:a|b|rc)(\d+))?", version)
    if match is None:
        raise GutaxisError(f"{version!r} is not a version number such as 4.1.1")
    numbers = tuple(int(part) for part in match[1].split("."))
    while numbers and numbers[-1] == 0:
        numbers = numbers[:-1]
    return numbers, int(match[2] is None), int(match[2] or 0)


def in_range(*, version: str, ranges: str) -> bool:
    """Tell whether a version lies in ranges such as ``>=3.9,<3.10``.

    Parameters
    ----------
    version
        For example ``4.1.1`` or ``4.0.0a1``.
    ranges
        Comparisons with ``== != < <= > >=``, all of which must hold, separated by commas.
    """
    found = _key(version)
    for part in ranges.split(","):
        match = re.fullmatch(r"\s*(==|>=|<=|!=|>|<)\s*(\S+)\s*", part)
        if match is None:
            raise GutaxisError(f"{part!r} is not a version range such as >=3.9")
        if not COMPARISONS[match[1]](found, _key(match[2])):
            return False
    return True


def read_statements(*, table: Path | str) -> list[Statement]:
    """Read ``resources/compatibility.tsv``."""
    return [Statement(**{c: row[c] for c in COLUMNS}) for row in read_rows(table=table, columns=COLUMNS)]


def check_compatibility(
    *, tools: Mapping[str, str], index: str, nucleotide: str = "", protein: str = "", table: Path | str
) -> list[Problem]:
    """Compare tool versions and database names with the table of known combinations.

    Parameters
    ----------
    tools
        Program -> version, for example ``{"metaphlan": "4.1.1", "humann": "3.9"}``. Leave a program out and its
        statements are not asked.
    index, nucleotide, protein
        Name of the MetaPhlAn index, version tags of HUMAnN's databases. Empty: not used.
    table
        ``resources/compatibility.tsv``.

    Returns
    -------
    list of Problem
        D10 two tools do not fit, D11 index, D12 pangenomes, D13 proteins do not fit a tool, D14 nothing is known about
        this version of HUMAnN. Each names what would fit.
    """
    statements = read_statements(table=table)
    used = {"index": index, "nucleotide": nucleotide, "protein": protein, **tools}
    problems = []
    for statement in statements:
        version, value = tools.get(statement.tool), used.get(statement.requires)
        if version and value and in_range(version=version, ranges=statement.versions) and not statement.allows(value):
            problems.append(_misfit(statement=statement, version=version, value=value))
    if "humann" in tools:
        known = [s.versions for s in statements if s.tool == "humann"]
        if not any(in_range(version=tools["humann"], ranges=ranges) for ranges in known):
            wrong = f"Nothing is known about the databases that HUMAnN {tools['humann']} needs"
            mend = "Use a known version, or add a row with its source to resources/compatibility.tsv"
            allowed = f"Known versions are {', or '.join(sorted(set(known)))}"
            problems.append(Problem("D14", "tools.tsv", None, "humann", tools["humann"], wrong, allowed, mend))
    return problems


def _misfit(*, statement: Statement, version: str, value: str) -> Problem:
    about = f"{statement.tool} {version}"
    wrong = f"{statement.requires} {value} does not work with {about}: {statement.reason}"
    allowed = f"{about} works with {statement.requires} {statement.allowed} ({statement.source})"
    if statement.requires in DATABASES:
        key = CONFIG_KEYS[statement.requires]
        mend = f"Use {statement.recommended}"
        if statement.tool == "humann":
            mend += ", or set metagenome.functions to false"
        return Problem(CODES[statement.requires], "config", None, key, value, wrong, allowed, mend)
    mend = f"Install {statement.requires} {statement.recommended}"
    return Problem("D10", "tools.tsv", None, statement.requires, value, wrong, allowed, mend)


def pinned_versions(*, table: Path | str) -> dict[str, str]:
    """Return program -> pinned version from ``resources/tools.tsv``."""
    return {row["program"]: row["version"] for row in read_rows(table=table, columns=["program", "version"])}


def database_versions(*, table: Path | str) -> dict[str, str]:
    """Return database -> version from ``resources/databases.tsv``."""
    return {row["name"]: row["version"] for row in read_rows(table=table, columns=["name", "version"])}


def check_config(*, config: Mapping[str, Any], arm: bool, resources: Path) -> None:
    """Refuse a config whose tools and databases do not work together, before any job.

    Parameters
    ----------
    config
        The filled config; its section ``metagenome`` is read.
    arm
        Whether the metagenome arm runs at all. If it does not, nothing is checked.
    resources
        Folder of ``tools.tsv``, ``databases.tsv`` and ``compatibility.tsv``.

    Raises
    ------
    GutaxisError
        With every problem of :func:`check_compatibility` and, for database folders that exist already, of
        :mod:`gutaxis.metagenome.database_folders`. A folder that does not exist may still be made by the run.
    """
    if arm:
        raise_if_errors(_config_problems(metagenome=config["metagenome"], resources=resources))


def _config_problems(*, metagenome: Mapping[str, Any], resources: Path) -> Iterator[Problem]:
    folders, functions, index = metagenome["databases"], metagenome["functions"], metagenome["index"]
    tools = pinned_versions(table=resources / "tools.tsv")
    fetched = database_versions(table=resources / "databases.tsv")
    if not functions:
        tools.pop("humann", None)
    yield from check_compatibility(
        tools=tools,
        index=index,
        # a folder of the user's own is judged by the names in it, below
        nucleotide=fetched["nucleotide"] if functions and not folders["nucleotide"] else "",
        protein=fetched["protein"] if functions and not folders["protein"] else "",
        table=resources / "compatibility.tsv",
    )
    if not folders["metaphlan"] and index != fetched["metaphlan"]:
        wrong = f"No MetaPhlAn folder is given, and the index that can be fetched is {fetched['metaphlan']}"
        allowed = "An index of your own needs metagenome.databases.metaphlan"
        mend = f"Give its folder, or use {fetched['metaphlan']}"
        yield Problem("D15", "config", None, "metagenome.index", index, wrong, allowed, mend)
    # what is not there yet may be fetched or made by the run
    if folders["metaphlan"] and Path(folders["metaphlan"]).exists():
        yield from check_metaphlan_folder(folder=folders["metaphlan"], index=index)
    if folders["host"] and host_folder(path=folders["host"]).exists():
        yield from check_host_index(path=folders["host"])
    for statement in read_statements(table=resources / "compatibility.tsv"):
        check = {"nucleotide": check_nucleotide_folder, "protein": check_protein_folder}.get(statement.requires)
        version, folder = tools.get(statement.tool), folders.get(statement.requires)
        if (
            check
            and version
            and folder
            and Path(folder).exists()
            and in_range(version=version, ranges=statement.versions)
        ):
            yield from check(folder=folder, pattern=statement.allowed)

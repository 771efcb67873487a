"""Tables of marker genes and of programs: read, checked, turned into sets for one tissue and level.

The tracked tables are ``resources/markers/cell_markers.tsv`` and ``programs.tsv``; a lab may name its own of the same
form. Which lineages have states is said by the table: those that are the parent of one.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import open_text

MARKER_COLUMNS = ("level", "label", "parent", "gene", "sign", "tissue", "source")
PROGRAM_COLUMNS = ("program", "gene", "weight", "source", "scope")
LEVELS = ("lineage", "state")
TISSUES = ("blood", "tumor", "both")
UNRESOLVED = "unresolved"
#: Scope of a program over all kept cells of a sample.
EVERYTHING = "all"
_WORD = re.compile(r"[a-z][a-z0-9_]*")


class MarkerSets(NamedTuple):
    """Sets that can be scored, and what became of every set.

    Parameters
    ----------
    net
        source (set), target (gene), weight: measured genes of the sets that are used.
    coverage
        One row per set: set, label, n_genes (positive genes listed), n_measured, n_negative (measured), used (Y, N),
        missing (positive genes that the data lack, ``;`` between them), reason.
    labels
        Set -> label.
    """

    net: pd.DataFrame
    coverage: pd.DataFrame
    labels: dict[str, str]


def read_markers(*, path: Path) -> pd.DataFrame:
    """Read a table of marker genes; all mistakes are told together.

    Parameters
    ----------
    path
        Tab-separated: level (lineage, state), label, parent (NA for a lineage), gene, sign (1; -1: the gene speaks
        against the label), tissue (blood, tumor, both), source (key of the citation), and, if a label has several
        sets of genes, set. Lines that begin with ``#`` are comments.

    Returns
    -------
    pandas.DataFrame
        Those columns, sign as integer, set filled with the label where it is not given.

    Raises
    ------
    GutaxisError
        X30 a column is missing or the table is empty, X31 a cell cannot be used, X32 a gene twice in a set, or a state
        whose parent is no lineage of the table.
    """
    rows = [
        {**row, "set": row.get("set") or row["label"], "line": line}
        for line, row in _rows(path=path, required=MARKER_COLUMNS)
    ]
    problems = [problem for row in rows for problem in _wrong_marker(path=path, row=row)]
    lineages = {row["label"] for row in rows if row["level"] == "lineage"}
    seen: set[tuple[str, str, str, str]] = set()
    for row in rows:
        if row["level"] == "state" and row["parent"] not in lineages:
            problems.append(
                _problem(path, "X32", row["line"], ("parent", row["parent"]), "the parent is no lineage of this table",
                         f"One of: {', '.join(sorted(lineages))}", "Add rows of the lineage, or correct the parent")
            )  # fmt: skip
        # `both` and a tissue would meet in that tissue
        for tissue in ("blood", "tumor") if row["tissue"] == "both" else (row["tissue"],):
            key = (row["level"], row["set"], row["gene"], tissue)
            if key in seen:
                problems.append(
                    _problem(path, "X32", row["line"], ("gene", row["gene"]), f"twice in set {row['set']}",
                             "A gene once in a set and tissue", "Remove one of the rows")
                )  # fmt: skip
                break
            seen.add(key)
    if problems:
        raise GutaxisError(problems)
    table = pd.DataFrame(rows)[[*MARKER_COLUMNS, "set"]]
    return table.assign(sign=table["sign"].astype(int))


def read_programs(*, path: Path) -> pd.DataFrame:
    """Read a table of programs; all mistakes are told together.

    Parameters
    ----------
    path
        Tab-separated: program, gene, weight (above 0), source, scope (labels or lineages, ``;`` between them, or
        ``all``): the cells that the program is averaged over. One scope per program.

    Returns
    -------
    pandas.DataFrame
        Those columns, weight as float.

    Raises
    ------
    GutaxisError
        X30, X31, X32 as :func:`read_markers`; X32 too for a program with two scopes.
    """
    problems: list[Problem] = []
    rows = []
    seen: set[tuple[str, str]] = set()
    scopes: dict[str, str] = {}
    for line, row in _rows(path=path, required=PROGRAM_COLUMNS):
        rows.append(row)
        weight = _number(row["weight"])
        if weight is None or weight <= 0:
            problems.append(_problem(path, "X31", line, ("weight", row["weight"]), "no weight", "A number above 0",
                                     "Write 1 for a plain set"))  # fmt: skip
        for column in ("program", "gene", "scope"):
            if not row[column] or (column == "program" and not _WORD.fullmatch(row[column])):
                problems.append(_problem(path, "X31", line, (column, row[column]), "cannot be used as a name",
                                         "Lower case letters, digits and _ for a program; gene and scope not empty",
                                         "Correct the cell"))  # fmt: skip
        if (row["program"], row["gene"]) in seen or scopes.setdefault(row["program"], row["scope"]) != row["scope"]:
            problems.append(_problem(path, "X32", line, ("program", row["program"]), "a gene twice, or two scopes",
                                     "Each gene once, and the same scope in all rows of a program",
                                     "Remove or correct the row"))  # fmt: skip
        seen.add((row["program"], row["gene"]))
    if problems:
        raise GutaxisError(problems)
    table = pd.DataFrame(rows)[list(PROGRAM_COLUMNS)]
    return table.assign(weight=table["weight"].astype(float))


def marker_sets(
    *, markers: pd.DataFrame, tissue: str, level: str, parent: str | None, genes: pd.Index, min_genes: int
) -> MarkerSets:
    """Choose the sets of one tissue, level and parent, and say which cannot be scored.

    Parameters
    ----------
    markers
        From :func:`read_markers`.
    tissue
        blood or tumor.
    level, parent
        ``lineage`` and None, or ``state`` and the lineage.
    genes
        Measured genes.
    min_genes
        Positive genes that must be measured; sets with fewer are not scored, and their coverage row says so.
    """
    rows = markers[(markers["level"] == level) & markers["tissue"].isin([tissue, "both"])]
    if parent is not None:
        rows = rows[rows["parent"] == parent]
    measured = rows["gene"].isin(genes)
    coverage = []
    used = []
    for name, own in rows.groupby("set", sort=False):
        positive = own["sign"] > 0
        there = measured.loc[own.index]
        n_measured = int((positive & there).sum())
        enough = n_measured >= min_genes
        used += [name] if enough else []
        coverage.append(
            {
                "set": name, "label": own["label"].iloc[0], "n_genes": int(positive.sum()), "n_measured": n_measured,
                "n_negative": int((~positive & there).sum()), "used": "Y" if enough else "N",
                "missing": ";".join(own["gene"][positive & ~there]) or None,
                "reason": None if enough else f"fewer than {min_genes} of its genes are measured",
            }
        )  # fmt: skip
    columns = ["set", "label", "n_genes", "n_measured", "n_negative", "used", "missing", "reason"]
    chosen = rows[rows["set"].isin(used) & measured]
    return MarkerSets(
        net=chosen[["set", "gene", "sign"]].set_axis(["source", "target", "weight"], axis=1).reset_index(drop=True),
        coverage=pd.DataFrame(coverage, columns=columns),
        labels=dict(zip(rows["set"], rows["label"], strict=True)),
    )


def lineages_with_states(*, markers: pd.DataFrame) -> list[str]:
    """Return the lineages whose cells are clustered again, in the order of the table."""
    return list(dict.fromkeys(markers.loc[markers["level"] == "state", "parent"]))


def lineage_of(*, markers: pd.DataFrame) -> dict[str, str]:
    """Return label -> lineage for lineages, states and what is not resolved within a lineage."""
    first = markers.drop_duplicates("label")
    known = {row.label: row.parent if row.level == "state" else row.label for row in first.itertuples()}
    known |= {f"{parent}_{UNRESOLVED}": parent for parent in lineages_with_states(markers=markers)}
    return {**known, UNRESOLVED: UNRESOLVED}


def _wrong_marker(*, path: Path, row: dict[str, str]) -> Iterator[Problem]:
    """Yield what is wrong with the cells of a row."""
    lineage = row["level"] == "lineage"
    for column, allowed in (("level", LEVELS), ("tissue", TISSUES), ("sign", ("1", "-1"))):
        if row[column] not in allowed:
            yield _problem(path, "X31", row["line"], (column, row[column]), "unknown word", ", ".join(allowed),
                           "Use one of these")  # fmt: skip
    if not row["gene"]:
        yield _problem(path, "X31", row["line"], ("gene", ""), "no gene", "A gene symbol", "Add it")
    for column in ("label", "set", *(() if lineage else ("parent",))):
        if not _WORD.fullmatch(row[column]) or UNRESOLVED in row[column]:
            yield _problem(path, "X31", row["line"], (column, row[column]), "cannot be used as a label",
                           f"Lower case letters, digits and _, without `{UNRESOLVED}`", "Rename it")  # fmt: skip


def _number(text: str) -> float | None:
    """Return a finite number, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def _rows(*, path: Path, required: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and cells of each row; X30 if the file, a column or every row is missing."""
    if not path.is_file():
        raise GutaxisError(_problem(path, "X30", None, (None, None), "there is no such file", "A tab-separated table",
                                    "Correct the path in the config"))  # fmt: skip
    with open_text(path) as handle:
        lines = [(number, line) for number, line in enumerate(handle, start=1) if not line.startswith("#")]
    reader = csv.DictReader((line for _, line in lines), delimiter="\t")
    lacking = [name for name in required if name not in (reader.fieldnames or [])]
    if lacking or len(lines) < 2:
        raise GutaxisError(
            _problem(path, "X30", None, (lacking[0] if lacking else None, None),
                     f"column(s) missing: {', '.join(lacking)}" if lacking else "the table has no rows",
                     f"Columns {', '.join(required)}, and rows", "Compare with the table in resources/markers")
        )  # fmt: skip
    for (number, _), row in zip(lines[1:], reader, strict=False):
        yield number, {name: (cell or "").strip() for name, cell in row.items() if name is not None}


def _problem(path: Path, code: str, line: int | None, cell: tuple[str | None, str | None], *sentences: str) -> Problem:
    """Return a problem (column and value; wrong, allowed, mend) that names the file without its folder."""
    wrong, allowed, mend = sentences
    return Problem(code, path.name, line, *cell, wrong, allowed, mend)

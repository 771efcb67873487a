"""Compound measurements of Progenesis QI: three header rows, blocks of normalised and raw abundances side by side."""

import re
from pathlib import Path

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.tables.cells import Grid, column_of, need_column, problem, read_grid
from gutaxis.metabolome.tables.found import Found
from gutaxis.metabolome.tables.names import known_name
from gutaxis.metabolome.tables.options import Options

_BLOCKS = {
    "raw": re.compile(r"raw abundances?", re.I),
    "normalised": re.compile(r"normali[sz]ed abundances?", re.I),
}
#: Columns that may follow the last block.
AFTER = frozenset(
    {
        "accepted compound id", "accepted description", "adducts", "formula", "score", "fragmentation score",
        "mass error (ppm)", "isotope similarity", "retention time error (mins)", "compound link", "ccs", "dccs",
        "neutral mass (da)", "identifications", "",
    }
)  # fmt: skip
HEADS = 3


def read_progenesis(*, path: Path, options: Options) -> Found:
    """Read compound measurements: one block of abundances, retention times in minutes.

    Both blocks name the same samples; the option ``block`` chooses raw (default) or normalised.

    Raises
    ------
    GutaxisError
        M82 no such block, or blocks of different samples; M90 the end of the block cannot be told.
    """
    table = read_grid(path=path, sheet=options.sheet, delimiter=options.delimiter, heads=HEADS)
    top = next((at for at, row in enumerate(table.rows[: HEADS + 1]) if "Compound" in row), None)
    if not top:
        raise GutaxisError(
            problem(
                code="M82", file=table.file, line=table.lines[0], column="Compound",
                wrong="the three header rows of Progenesis are not there",
                allowed="Blocks, conditions, and a row with Compound, m/z, Retention time (min) and the samples",
                mend="Export the compound measurements again, with raw or normalised abundances",
            )
        )  # fmt: skip
    header, body = table.rows[top], table.rows[top + 1 :]
    where = {"file": table.file, "line": table.lines[top], "table_format": "progenesis"}
    key, mz, rt = (
        need_column(header=header, names=(name,), **where) for name in ("Compound", "m/z", "Retention time (min)")
    )
    samples = _block(table, top, options)
    features: dict[str, list[object]] = {
        "mz": [row[mz] for row in body],
        "rt": [row[rt] for row in body],
    }
    for column, source in (
        ("charge", "Charge"), ("name", "Accepted Description"), ("formula", "Formula"), ("adduct", "Adducts"),
        ("accepted_id", "Accepted Compound ID"), ("neutral_mass", "Neutral mass (Da)"),
    ):  # fmt: skip
        at = column_of(header=header, names=(source,))
        if at is not None:
            features[column] = [known_name(row[at]) if column == "name" else row[at] for row in body]
    return Found(
        rt_factor=options.seconds(default="minutes"),
        file=table.file, samples=[header[at] for at in samples], ids=[row[key] for row in body],
        cells=[[row[at] for at in samples] for row in body], lines=table.lines[top + 1 :], features=features,
        unit=f"{options.block} abundance", done=frozenset({"normalised"} if options.block == "normalised" else ()),
    )  # fmt: skip


def _block(table: Grid, top: int, options: Options) -> list[int]:
    """Return the columns of the chosen block."""
    header = table.rows[top]
    starts = sorted(
        (at, cell) for row in table.rows[:top] for at, cell in enumerate(row) if "abundance" in cell.lower()
    )
    chosen = [at for at, cell in starts if _BLOCKS[options.block].fullmatch(cell)]
    if not chosen:
        raise GutaxisError(
            problem(
                code="M82", file=table.file, line=table.lines[0], value=options.block,
                wrong="the table has no such block", mend="Set `block`, or export the table with this block",
                allowed=f"One of: {', '.join(cell for _, cell in starts) or 'Raw abundance, Normalised abundance'}",
            )
        )  # fmt: skip
    first = chosen[0]
    if options.samples:
        return [_named(table, top, first, name) for name in options.samples]
    others = [at for at, _ in starts if at != first]
    later = [at for at in others if at > first]
    if later:
        return list(range(first, later[0]))
    if others:  # the last block has as many samples as the one before it, under the same names
        size = first - others[-1]
        if header[others[-1] : first] == header[first : first + size]:
            return list(range(first, first + size))
        raise GutaxisError(
            problem(
                code="M82", file=table.file, line=table.lines[top], value=header[first],
                wrong="the blocks of the table name different samples", allowed="The same samples in each block",
                mend="Export the table again, or list the samples in `samples`",
            )
        )  # fmt: skip
    columns = []
    for at in range(first, len(header)):
        if header[at].lower() in AFTER:
            break
        columns.append(at)
    return columns


def _named(table: Grid, top: int, first: int, name: str) -> int:
    if name in table.rows[top][first:]:
        return table.rows[top].index(name, first)
    raise GutaxisError(
        problem(
            code="M82", file=table.file, line=table.lines[top], column=name,
            wrong="there is no such sample in the block", allowed="Names of the third header row",
            mend="Correct `samples` of the table",
        )
    )  # fmt: skip

"""HUMAnN 3 tables of gene families and pathways: one sample or joined, to copies per million (CPM) of the community.

Reference: humann_renorm_table (mode `community`, special rows kept): each value is divided by the sum of the
unstratified rows of its sample, UNMAPPED, UNINTEGRATED and UNGROUPED included, times one million.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError
from gutaxis.files import open_text
from gutaxis.layers.metaphlan import find_tables
from gutaxis.layers.names import problem, some, strip_affixes

SPECIAL = ("UNMAPPED", "UNINTEGRATED", "UNGROUPED")
MILLION = 1_000_000.0
_SUFFIX = re.compile(r"[_-](Abundance(-(RPKs|CPM|RELAB))?|Coverage)$", re.IGNORECASE)


@dataclass(frozen=True)
class Functions:
    """Functional profiles as read.

    Parameters
    ----------
    values
        Unstratified features x samples, without the special rows; in ``unit``.
    stratified
        ``feature|g__Genus.s__Species`` x samples, in the same unit.
    special
        UNMAPPED, UNINTEGRATED, UNGROUPED (those the tables have) x samples; NaN in samples whose table lacks the row.
    names
        Full name per feature, as in ``PWY-7208: superpathway of pyrimidine nucleobases salvage``.
    unit
        ``rpk``, ``cpm`` or ``relab``, from the column suffix; ``rpk`` if it says nothing.
    """

    values: pd.DataFrame
    stratified: pd.DataFrame
    special: pd.DataFrame
    names: pd.Series
    unit: str


def read_table(*, path: Path | str, sample_prefix: str = "", sample_suffix: str = "") -> Functions:
    """Read one HUMAnN table, per sample or joined.

    Parameters
    ----------
    path
        Table with the header ``# Pathway`` or ``# Gene Family``, one column per sample such as ``S1_Abundance-RPKs``.
    sample_prefix, sample_suffix
        Taken off the sample names after HUMAnN's own ``_Abundance...``.

    Returns
    -------
    Functions
        In the unit of the table.

    Raises
    ------
    GutaxisError
        L02 duplicate column or feature, L03 not a HUMAnN table or a coverage table, L04 a cell that is no abundance.
    """
    with open_text(path) as handle:
        header = handle.readline().lstrip("\ufeff").rstrip("\r\n").split("\t")
        if not header[0].startswith("#") or len(header) < 2:
            raise GutaxisError(
                problem(
                    code="L03", file=path, line=1, value=header[0],
                    wrong="this is no HUMAnN table", allowed="A header `# Pathway` or `# Gene Family`, then samples",
                    mend="For any other table use `source: table`",
                )
            )  # fmt: skip
        ends = {(_SUFFIX.search(column) or [""])[0].lstrip("_-").lower() for column in header[1:]}
        if "coverage" in ends or len(ends) > 1:
            raise GutaxisError(
                problem(
                    code="L03", file=path, line=1, column=some(header[1:], most=3),
                    wrong=f"columns hold {some(sorted(end or '(no suffix)' for end in ends))}",
                    allowed="Abundances in one unit; pathway coverage is no abundance",
                    mend="Give the pathabundance or genefamilies table",
                )
            )  # fmt: skip
        features, rows, seen = [], [], {}
        for line, raw in enumerate(handle, start=2):
            cells = raw.rstrip("\r\n").split("\t")
            if cells == [""]:
                continue
            if cells[0] in seen or len(cells) != len(header):
                wrong = f"feature {cells[0]} is in the table twice, first in line {seen.get(cells[0])}"
                if cells[0] not in seen:
                    wrong = f"the row has {len(cells)} cells, the header {len(header)}"
                raise GutaxisError(
                    problem(
                        code="L02" if cells[0] in seen else "L03", file=path, line=line, value=cells[0], wrong=wrong,
                        allowed="Each feature once, with one cell per sample",
                        mend="Join the tables again with humann_join_tables",
                    )
                )  # fmt: skip
            seen[cells[0]] = line
            features.append(cells[0])
            rows.append(_numbers(cells=cells, header=header, path=path, line=line))
    samples = [
        strip_affixes(name=_SUFFIX.sub("", column), prefix=sample_prefix, suffix=sample_suffix) for column in header[1:]
    ]
    twice = sorted({sample for sample in samples if samples.count(sample) > 1})
    if twice:
        raise GutaxisError(
            problem(
                code="L02", file=path, line=1, value=twice[0],
                wrong=f"sample column(s) {some(twice)} occur more than once", allowed="One column per sample",
                mend="Remove or rename the duplicate; check sample_prefix and suffix",
            )
        )  # fmt: skip
    end = next(iter(ends))
    unit = "cpm" if end.endswith("cpm") else "relab" if end.endswith("relab") else "rpk"
    table = pd.DataFrame(
        np.vstack(rows) if rows else np.zeros((0, len(samples))), index=pd.Index(features, dtype=object),
        columns=samples,
    )  # fmt: skip
    return _split(table=table, path=path, unit=unit)


def _numbers(*, cells: list[str], header: list[str], path: Path | str, line: int) -> np.ndarray:
    """Return the abundances of one row; ``-0``, which HUMAnN prints for rounded differences, is 0."""
    values = []
    for column, cell in zip(header[1:], cells[1:], strict=True):
        try:
            value = float(cell)
        except ValueError:
            value = np.nan
        if not 0 <= value < np.inf and not -1e-6 < value < 0:
            raise GutaxisError(
                problem(
                    code="L04", file=path, line=line, column=column, value=cell or "(empty)",
                    wrong="the cell is no abundance", allowed="Numbers of 0 or more",
                    mend="Join the tables again with humann_join_tables",
                )
            )  # fmt: skip
        values.append(max(value, 0.0) + 0.0)
    return np.array(values)


def _split(*, table: pd.DataFrame, path: Path | str, unit: str) -> Functions:
    """Part stratified, special and ordinary rows; take the id off the full name."""
    is_stratified = table.index.str.contains("|", regex=False)
    whole, stratified = table[~is_stratified], table[is_stratified]
    is_special = whole.index.isin(SPECIAL)
    special = whole[is_special].reindex([row for row in SPECIAL if row in whole.index])
    values = whole[~is_special]
    names = pd.Series(values.index, index=[name.partition(": ")[0] for name in values.index], dtype=object, name="name")
    twice = sorted(names.index[names.index.duplicated()].unique())
    if twice:
        raise GutaxisError(
            problem(
                code="L02", file=path, value=twice[0], wrong=f"one feature id under two names: {some(names[twice[0]])}",
                allowed="Each id once", mend="Name the table again with humann_rename_table",
            )
        )  # fmt: skip
    return Functions(values.set_axis(names.index, axis=0), stratified, special, names, unit)


def read_tables(*, paths: Sequence[Path | str], sample_prefix: str = "", sample_suffix: str = "") -> Functions:
    """Read several HUMAnN tables, or folders of them, as humann_join_tables would join them.

    Parameters
    ----------
    paths
        Files or folders.
    sample_prefix, sample_suffix
        Taken off the sample names.

    Returns
    -------
    Functions
        A feature that a table does not list is 0 in its samples; a special row it does not list is NaN.

    Raises
    ------
    GutaxisError
        L02 a sample in two files, L05 tables in different units or with and without UNMAPPED.
    """
    files = find_tables(paths=paths)
    tables = [read_table(path=path, sample_prefix=sample_prefix, sample_suffix=sample_suffix) for path in files]
    owner: dict[str, Path] = {}
    for path, table in zip(files, tables, strict=True):
        for sample in table.values.columns:
            if sample in owner:
                raise GutaxisError(
                    problem(
                        code="L02", file=path, value=sample,
                        wrong=f"sample {sample} is also in {owner[sample].name}", allowed="Each sample once",
                        mend="Remove one of the files from `path`",
                    )
                )  # fmt: skip
            owner[sample] = path
    units = sorted({table.unit for table in tables})
    unmapped = {"UNMAPPED" in table.special.index for table in tables}
    if len(units) > 1 or len(unmapped) > 1:
        what = f"units {', '.join(units)}" if len(units) > 1 else "some with and some without an UNMAPPED row"
        raise GutaxisError(
            problem(
                code="L05", file=files[0], wrong=f"the tables do not fit together: {what}",
                allowed="Tables made in one way", mend="Run humann_renorm_table on all of them, or on none",
            )
        )  # fmt: skip
    names = pd.concat([table.names for table in tables])
    values = pd.concat([table.values for table in tables], axis=1).fillna(0.0).sort_index().sort_index(axis=1)
    stratified = pd.concat([table.stratified for table in tables], axis=1).fillna(0.0).sort_index()
    special = pd.concat([table.special for table in tables], axis=1).reindex(columns=values.columns)
    special = special.reindex([row for row in SPECIAL if row in special.index])
    return Functions(
        values, stratified.reindex(columns=values.columns), special,
        names[~names.index.duplicated()].reindex(values.index), units[0],
    )  # fmt: skip


def cpm(*, functions: Functions) -> Functions:
    """Normalise to copies per million of the community, special rows counted in the total.

    Formula: ``x / sum(unstratified rows with UNMAPPED, UNINTEGRATED, UNGROUPED) * 1e6``; strata use the same total.
    The result equals ``humann_renorm_table --units cpm`` (its default mode); renormalising it changes nothing.

    Parameters
    ----------
    functions
        In any unit.

    Returns
    -------
    Functions
        Unit ``cpm``.

    Raises
    ------
    GutaxisError
        L07 a sample whose total is zero.
    """
    total = functions.values.sum() + functions.special.sum()
    zero = sorted(total.index[total <= 0])
    if zero:
        raise GutaxisError(
            problem(
                code="L07", file="HUMAnN tables", value=zero[0],
                wrong=f"sample(s) {some(zero)} have no abundance at all", allowed="A total above 0",
                mend="Run HUMAnN again, or mark the sample qc FAIL in samples.tsv",
            )
        )  # fmt: skip
    scale = MILLION / total
    return Functions(
        functions.values * scale, functions.stratified * scale, functions.special * scale, functions.names, "cpm"
    )


def of_samples(*, functions: Functions, samples: Sequence[str]) -> Functions:
    """Return the profiles of some samples only, in the given order."""
    chosen = list(samples)
    return replace(
        functions, values=functions.values[chosen], stratified=functions.stratified[chosen],
        special=functions.special[chosen],
    )  # fmt: skip

"""Any finished table: text to numbers with every cell accounted for, then the checks that go with its kind and unit."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import open_text
from gutaxis.layers.names import problem, refuse_outcomes, some, strip_affixes

ORIENTATIONS = ("features_by_samples", "samples_by_features")
KINDS = ("compositional", "log_intensity", "continuous", "counts")
WHOLE = {"fraction": 1.0, "percent": 100.0, "cpm": 1_000_000.0}  # what a complete sample sums to
MISSING = frozenset({"", "na", "nan", "n/a", "null", "none", "#n/a"})
SLACK = 0.01
NEAR_EMPTY = 0.1
LOG2_LIMIT = 64.0


def read_table(*, path: Path | str, orientation: str, sample_prefix: str = "", sample_suffix: str = "") -> pd.DataFrame:
    """Read a finished table of numbers.

    Parameters
    ----------
    path
        ``.csv`` (comma) or ``.tsv``, ``.txt``, ``.tab`` (tab), also gzipped; first column = ids, first row = names. A
        header one cell short (as R writes it) is understood. Lines before it that begin with ``#`` are comments.
    orientation
        ``samples_by_features`` or ``features_by_samples``.
    sample_prefix, sample_suffix
        Taken off the sample names.

    Returns
    -------
    pandas.DataFrame
        Samples x features, float64; empty cells, NA, NaN, null are NaN.

    Raises
    ------
    GutaxisError
        L01 no such file, L02 duplicate sample or feature, L03 shape, L04 text in a cell, L09 outcome as a feature.
    """
    if orientation not in ORIENTATIONS:
        raise GutaxisError(
            f"L03 orientation={orientation}: unknown orientation. Allowed: {', '.join(ORIENTATIONS)}. "
            "Correct `orientation` of the layer."
        )
    if not Path(path).is_file():
        raise GutaxisError(
            problem(
                code="L01", file=path, wrong="there is no such file", allowed="One .tsv or .csv file, also .gz",
                mend="Correct `path` of the layer; paths are relative to where snakemake is run",
            )
        )  # fmt: skip
    header, rows, lines = _cells(path=path)
    ids = [row[0].strip() for row in rows]
    affixes = {"prefix": sample_prefix, "suffix": sample_suffix}
    if orientation == "samples_by_features":
        ids = [strip_affixes(name=name, **affixes) for name in ids]
    else:
        header = [strip_affixes(name=name, **affixes) for name in header]
    for names, where in ((ids, "row"), (header, "column")):
        _refuse_duplicates(
            names=names, what=_what(where, orientation), path=path, lines=lines if where == "row" else None
        )
    data = np.empty((len(rows), len(header)))
    problems: list[Problem] = []
    for at, (row, line) in enumerate(zip(rows, lines, strict=True)):
        try:
            data[at] = row[1:]
        except ValueError:
            data[at], bad = _parse(row=row, header=header, path=path, line=line)
            problems += bad
    if problems:
        raise GutaxisError(problems[:20])
    infinite = np.argwhere(np.isinf(data))
    if len(infinite):
        at, column = infinite[0]
        raise GutaxisError(
            problem(
                code="L04", file=path, line=lines[at], column=header[column], value=data[at, column],
                wrong="the value is infinite", allowed="Finite numbers; NA where there is no value",
                mend="Look for a logarithm of 0 or a division by 0 upstream",
            )
        )  # fmt: skip
    table = pd.DataFrame(data, index=pd.Index(ids, dtype=object), columns=pd.Index(header, dtype=object))
    if orientation == "features_by_samples":
        table = table.T
    table.index.name, table.columns.name = "sample_id", "feature"
    refuse_outcomes(names=table.columns, file=path, what="feature")
    return table


def _what(where: str, orientation: str) -> str:
    """Return what rows or columns are."""
    return "sample" if (where == "row") == (orientation == "samples_by_features") else "feature"


def _cells(*, path: Path | str) -> tuple[list[str], list[list[str]], list[int]]:
    """Return the column names, the rows (id first) and their line numbers."""
    name = Path(path).name.removesuffix(".gz")
    csv.field_size_limit(2**24)
    with open_text(path) as handle:
        reader = csv.reader(handle, delimiter="," if name.endswith(".csv") else "\t")
        header: list[str] | None = None
        rows, lines = [], []
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if header is None and len(row) == 1 and row[0].lstrip("\ufeff").startswith("#"):
                continue
            if header is None:
                header = [cell.lstrip("\ufeff").strip() for cell in row]
                continue
            rows.append(row)
            lines.append(reader.line_num)
    if not header or not rows or len(rows[0]) < 2:
        raise GutaxisError(
            problem(
                code="L03", file=path, wrong="the table has no row or no column of values",
                allowed="A header and at least one row; tabs in .tsv and .txt, commas in .csv",
                mend="Check the file and that its extension fits its separator",
            )
        )  # fmt: skip
    columns = header if len(header) == len(rows[0]) - 1 else header[1:]
    ragged = [line for row, line in zip(rows, lines, strict=True) if len(row) != len(columns) + 1]
    if ragged:
        raise GutaxisError(
            problem(
                code="L03", file=path, line=ragged[0],
                wrong=f"{len(ragged)} row(s) are longer or shorter than the header",
                allowed=f"{len(columns) + 1} cells in each row", mend="Check the separator and unquoted separators",
            )
        )  # fmt: skip
    return columns, rows, lines


def _refuse_duplicates(*, names: list[str], what: str, path: Path | str, lines: list[int] | None) -> None:
    """Raise if a sample or feature is named twice or not at all."""
    first: dict[str, int] = {}
    problems = []
    for at, name in enumerate(names):
        if name and name not in first:
            first[name] = at
            continue
        where = f"lines {lines[first[name]]} and {lines[at]}" if lines and name else "the header"
        problems.append(
            problem(
                code="L02", file=path, line=lines[at] if lines else 1, value=name or "(empty)",
                wrong=f"{what} {name or 'without a name'} occurs more than once in {where}" if name
                else f"a {what} has no name",
                allowed=f"Each {what} once, by name", mend=f"Decide which {what} holds and remove the other",
            )
        )  # fmt: skip
    if problems:
        raise GutaxisError(problems[:20])


def _parse(*, row: list[str], header: list[str], path: Path | str, line: int) -> tuple[list[float], list[Problem]]:
    """Read a row cell by cell: missing values become NaN, text becomes a finding."""
    values, problems = [], []
    for column, cell in zip(header, row[1:], strict=True):
        text = cell.strip()
        try:
            values.append(np.nan if text.lower() in MISSING else float(text))
        except ValueError:
            values.append(np.nan)
            comma = ", with a point (not a comma) before the decimals" if "," in text else ""
            problems.append(
                problem(
                    code="L04", file=path, line=line, column=column, value=text, wrong="the cell holds text",
                    allowed=f"Numbers{comma}; empty or NA for a missing value",
                    mend="Correct the cell, or take columns that are not measurements out of the table",
                )
            )  # fmt: skip
    return values, problems


def check_values(*, values: pd.DataFrame, kind: str, unit: str, file: str) -> tuple[pd.DataFrame, str]:
    """Check that values are what their kind and unit say, and turn percent into fractions.

    Parameters
    ----------
    values
        Samples x features.
    kind
        ``compositional``, ``log_intensity``, ``continuous`` or ``counts``.
    unit
        ``fraction``, ``percent``, ``cpm``, ``rpk``, ``count``, ``log2`` or any other word.
    file
        Name for the messages.

    Returns
    -------
    tuple of (pandas.DataFrame, str)
        The values and their unit: fractions where percent were given, else unchanged. NaN is kept.

    Raises
    ------
    GutaxisError
        L10 values that do not fit the kind, L07 sums that do not fit the unit.
    """
    if kind not in KINDS:
        raise GutaxisError(f"L10 kind={kind}: unknown kind. Allowed: {', '.join(KINDS)}. Correct `kind` of the layer.")
    if kind == "compositional":
        _refuse_first(
            values=values, bad=values < 0, file=file, wrong="a composition has no negative values",
            mend="These may be logs or scaled values: declare kind continuous or log_intensity",
        )  # fmt: skip
        _check_sums(values=values, unit=unit, file=file)
        if unit == "percent":
            return values / 100.0, "fraction"
    elif kind == "counts":
        _check_counts(values=values, file=file)
    elif kind == "log_intensity":
        _refuse_first(
            values=values, bad=values > LOG2_LIMIT, file=file,
            wrong=f"log2 intensities do not exceed {LOG2_LIMIT:g}: these look like raw intensities",
            mend="Take log2 of the intensities first",
        )  # fmt: skip
    return values, unit


def _refuse_first(*, values: pd.DataFrame, bad: pd.DataFrame, file: str, wrong: str, mend: str) -> None:
    """Raise on the first value that is marked bad, naming sample and feature."""
    places = np.argwhere(bad.to_numpy())
    if len(places):
        row, column = places[0]
        sample, feature = values.index[row], values.columns[column]
        raise GutaxisError(
            problem(
                code="L10", file=file, column=feature, value=f"{values.iat[row, column]:.6g}",
                wrong=f"sample {sample}, feature {feature} ({len(places)} value(s) in all): {wrong}",
                allowed="Values that fit `kind`", mend=mend,
            )
        )  # fmt: skip


def _check_counts(*, values: pd.DataFrame, file: str) -> None:
    """Refuse what no counting gives: negatives, fractions of one, logs."""
    fractional = (values % 1 != 0) & values.notna()
    negative = values < 0
    logs = bool(fractional.to_numpy().any()) and float(np.nanmax(values.to_numpy())) < 30
    _refuse_first(
        values=values, bad=fractional | negative, file=file,
        wrong="counts are whole numbers of 0 or more" + (": these look like log values" if logs else ""),
        mend="Give the raw counts, or declare kind continuous (log_intensity for log2 values)",
    )  # fmt: skip


def _check_sums(*, values: pd.DataFrame, unit: str, file: str) -> None:
    """Compare each sample's sum with the whole of its unit and with the other samples."""
    sums = values.sum(axis=1)
    typical = float(sums.median())
    whole = WHOLE.get(unit)
    problems = []
    for sample, total in sums.items():
        if whole is not None and total > whole * (1 + SLACK):
            percents = unit == "fraction" and abs(typical - 100) <= 1
            hint = "these look like percent" if percents else "parts overlap, or the unit is another"
            mend = "Set `unit: percent`" if percents else "Correct `unit`, or for overlapping gates use kind continuous"
        elif unit == "percent" and typical > 0 and abs(typical - 1) <= SLACK:
            hint, mend = "these look like fractions", "Set `unit: fraction`"
        elif total <= 0 or total < NEAR_EMPTY * typical:
            hint = f"a near-empty sample (the median sum is {typical:.4g})"
            mend = f"Measure {sample} again, or mark it qc FAIL in samples.tsv"
        else:
            continue
        problems.append(
            problem(
                code="L07", file=file, value=f"{total:.6g}", wrong=f"sample {sample} sums to {total:.6g}: {hint}",
                allowed=f"Sums up to {whole:g} for unit {unit}" if whole else "Sums above 0", mend=mend,
            )
        )  # fmt: skip
    if problems:
        shown = problems[:10]
        if len(problems) > len(shown):
            names = some([p.wrong.split()[1] for p in problems[len(shown) :]])
            shown.append(
                problem(
                    code="L07", file=file, wrong=f"the same holds for {len(problems) - len(shown)} more: {names}",
                    allowed="", mend="",
                )
            )  # fmt: skip
        raise GutaxisError(shown)

"""Checks of one sheet by itself: E01 columns, E03 values, E04 dates, E23 ids, E24 and W13 unknown columns."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gutaxis.cohort.config import did_you_mean, needs_post
from gutaxis.cohort.dates import ILDR_STUDY_DAY, day_numbers
from gutaxis.cohort.vocabulary import EXPOSURES, ID_PATTERN, SHEETS, Column, day_column
from gutaxis.errors import Problem

#: Columns whose range has a code of its own.
RANGE_CODES = {"value_mm": "E11", "grade": "E14"}


def flag(
    rows: pd.DataFrame, *, code: str, column: str | None, wrong: str, allowed: str, mend: str, value: str | None = None
) -> list[Problem]:
    """Make one problem per row; the three sentences may name columns of the row in braces.

    Parameters
    ----------
    rows
        Offending rows, with ``_file`` and ``_line``.
    code, column, wrong, allowed, mend
        As in :class:`gutaxis.errors.Problem`.
    value
        The column whose cell is shown; ``column`` by default.
    """
    problems: list[Problem] = []
    if rows.empty:  # nearly always: a valid sheet should not pay for the messages
        return problems
    for row in rows.to_dict("records"):
        cell = row.get(value or column or "")
        shown = None if pd.isna(cell) else f"{cell:g}" if isinstance(cell, float) else str(cell)
        texts = [sentence.format_map(row) for sentence in (wrong, allowed, mend)]
        problems.append(Problem(code, row["_file"], row["_line"], column, shown, *texts))
    return problems


def recist_used(*, config: Mapping[str, Any]) -> bool:
    """Return whether lesions and measurements enter the analysis."""
    return config["response"]["source"] == "recist" or "survival" in config["contrasts"]


def check_columns(
    *, table: pd.DataFrame, sheet: str, config: Mapping[str, Any], position: int = 1
) -> tuple[pd.DataFrame, list[Problem]]:
    """Check a sheet's columns and cells and give them their types.

    Parameters
    ----------
    table
        From :func:`gutaxis.cohort.sheets.read_sheet`.
    sheet
        Its kind.
    config
        The filled config: it decides which columns are needed.
    position
        Place of a samples sheet in its list: its batch, if the column is absent.

    Returns
    -------
    tuple
        The table with every column of the vocabulary (NaN where absent; a cell that is no allowed value becomes NaN),
        floats for numbers, and absolute day numbers beside dates; and the problems.
    """
    problems = _missing_columns(table, sheet, config)
    problems += _unknown_columns(table, sheet, config, {problem.value for problem in problems})
    typed = table[["_file", "_line"]].copy()
    for column in SHEETS[sheet]:
        present = column.name in table
        cells = table[column.name].copy() if present else pd.Series(np.nan, table.index, dtype=object)
        if present:
            empty = table[cells.isna()] if _filled(column, config) else table.iloc[:0]
            problems += flag(
                empty,
                code="E04" if column.kind == "date" else "E03",
                column=column.name,
                wrong="The cell is empty",
                allowed=f"Every row needs this: {column.meaning[0].lower()}{column.meaning[1:]}",
                mend="Fill it",
            )
            bad, found = _check_cells(table, cells, column, config)
            problems += found
            cells = cells.mask(bad)
        if column.default is not None and not (present and column.filled):
            cells = cells.fillna(column.default)
        if column.kind in {"number", "integer"}:
            cells = pd.to_numeric(cells, errors="coerce").astype(float)
        typed[column.name] = cells
        if column.kind in {"date", "partial_date"}:
            partial, day = column.kind == "partial_date", day_column(name=column.name)
            typed[day] = day_numbers(cells=cells, dates=config["dates"], partial=partial)
            if partial:
                typed[f"{day}_last"] = day_numbers(cells=cells, dates=config["dates"], partial=True, last=True)
    if sheet == "patients":
        typed = typed.assign(**{name: _plain(table[name]) for name in _extra_covariates(table, config)})
    if sheet == "patients" and config["dates"] == "study_day":
        problems += flag(
            typed[typed["ildr_day"].notna() & (typed["ildr_day"] != ILDR_STUDY_DAY)],
            code="E04",
            column="ildr_date",
            wrong="With study days, ILDR is day 1 by definition",
            allowed="1",
            mend="Write 1, and count from there",
        )
        typed["ildr_day"] = float(ILDR_STUDY_DAY)
    if sheet == "samples":
        if "batch" not in table:
            typed["batch"] = str(position)
        if "timepoint" not in table:
            typed.loc[typed["control"] == "N", "timepoint"] = "PRE"
        problems += _sample_cells(table, typed)
    return typed, problems


def _needed(column: Column, sheet: str, table: pd.DataFrame, config: Mapping[str, Any]) -> str:
    """Return why the column is needed, or an empty string."""
    if sheet == "samples" and column.name == "timepoint" and needs_post(config=config):
        return "the contrasts change, response_change and post compare PRE with POST samples"
    if sheet == "samples" and column.name == "assay" and "file_1" in table and table["file_1"].notna().any():
        return "file_1 names raw files, and the assay says what to do with them"
    if column.needed == "recist" and recist_used(config=config):
        return "responses and progressions are computed from lesions (response.source: recist)"
    if column.needed == "given" and config["response"]["source"] == "given":
        return "the config says response.source: given"
    return "every row is known by it" if column.needed == "always" else ""


def _missing_columns(table: pd.DataFrame, sheet: str, config: Mapping[str, Any]) -> list[Problem]:
    problems = []
    name = table.attrs.get("file", sheet)
    header = [column for column in table if column not in {"_file", "_line"}]
    known = {column.name for column in SHEETS[sheet]}
    for column in SHEETS[sheet]:
        why = "" if column.name in header else _needed(column, sheet, table, config)
        if not why:
            continue
        close = did_you_mean(word=column.name, known=[word for word in header if word not in known])
        mend = f"Rename `{close}`, if that is the column" if close else "Add the column"
        if column.name == "timepoint":
            mend += ", or take these contrasts out of the config"
        text = f"The column is needed: {why}"
        shape = f"Values: {', '.join(column.allowed)}" if column.allowed else f"Example: {column.example}"
        problems.append(
            Problem("E01", name, 1, column.name, close or None, "The column is missing", f"{text}. {shape}", mend)
        )
    return problems


def _extra_covariates(table: pd.DataFrame, config: Mapping[str, Any]) -> list[str]:
    known = {column.name for column in SHEETS["patients"]} | set(EXPOSURES)
    return [name for name in config["covariates"] or [] if name in table and name not in known]


def _unknown_columns(
    table: pd.DataFrame, sheet: str, config: Mapping[str, Any], told: set[str | None]
) -> list[Problem]:
    problems = []
    known = [column.name for column in SHEETS[sheet]]
    extra = _extra_covariates(table, config) if sheet == "patients" else []
    name = table.attrs.get("file", sheet)
    for header in table.columns:
        if header in known or header in {"_file", "_line"} or header in told or header in extra:
            continue
        close = did_you_mean(word=header, known=[word for word in known if word not in table])
        if close:
            wrong, allowed = "The column is not known", "It looks like a misspelt name, and would be ignored"
            problems.append(Problem("E24", name, 1, header, None, wrong, allowed, f"Did you mean `{close}`"))
        else:
            wrong, mend = "The column is not known and is ignored", "Nothing needs to be done"
            where = "Columns of the patients sheet can be used when `covariates` names them"
            problems.append(Problem("W13", name, 1, header, None, wrong, where, mend))
    return problems


def _filled(column: Column, config: Mapping[str, Any]) -> bool:
    if column.needed == "recist":
        return column.filled and recist_used(config=config)
    return column.filled and column.needed != "given"


def _check_cells(
    table: pd.DataFrame, cells: pd.Series, column: Column, config: Mapping[str, Any]
) -> tuple[pd.Series, list[Problem]]:
    """Return which cells are no allowed value, and a problem for each."""
    given, told = cells.notna(), {"code": "E03", "column": column.name, "mend": "Correct it or leave it empty"}
    if column.kind == "id":
        bad = given & ~cells[given].map(lambda cell: bool(ID_PATTERN.fullmatch(cell))).reindex(
            cells.index, fill_value=True
        )
        allowed = "Letters, digits, dot, hyphen and underscore; a letter or digit first"
        told |= {"code": "E23", "wrong": "The id has a blank or another sign that is not allowed", "allowed": allowed}
        # The cell is kept, so that the same id elsewhere is not reported as unknown too.
        return pd.Series(data=False, index=cells.index), flag(table[bad], **told | {"mend": "Rename it in every sheet"})
    if column.kind == "word" and (column.name != "cohort" or config["response"]["source"] == "recist"):
        bad = given & ~cells.isin(column.allowed)
        told |= {
            "wrong": "The value is not in the vocabulary",
            "allowed": f"Allowed: {', '.join(column.allowed)}, or NA",
        }
        problems = []
        for word, rows in table[bad].groupby(column.name, sort=True):
            close = did_you_mean(word=str(word), known=list(column.allowed))
            problems += flag(rows, **told | ({"mend": f"Did you mean `{close}`"} if close else {}))
        return bad, problems
    if column.kind in {"number", "integer"}:
        numbers = pd.to_numeric(cells, errors="coerce").astype(float)
        bad = given & ~numbers.between(column.low, column.high)
        if column.kind == "integer":
            bad |= given & (numbers % 1 != 0)
        kind = "A whole number" if column.kind == "integer" else "A number, with a point as decimal sign,"
        told |= {"code": RANGE_CODES.get(column.name, "E03"), "wrong": "The value is not a number in the allowed range"}
        return bad, flag(table[bad], allowed=f"{kind} from {column.low:g} to {column.high:g}", **told)
    if column.kind in {"date", "partial_date"}:
        partial = column.kind == "partial_date"
        bad = given & day_numbers(cells=cells, dates=config["dates"], partial=partial).isna()
        if config["dates"] == "study_day":
            told |= {
                "wrong": "This is not a study day",
                "allowed": "Whole numbers: ILDR is 1, the day before -1; no day 0",
            }
        else:
            also = "; for adverse events also YYYY-MM" if partial else "; a date without the day is not enough here"
            told |= {"wrong": "This is not a full calendar date", "allowed": f"YYYY-MM-DD{also}"}
        return bad, flag(table[bad], **told | {"code": "E04"})
    return pd.Series(data=False, index=cells.index), []


def _sample_cells(table: pd.DataFrame, typed: pd.DataFrame) -> list[Problem]:
    """Cells that are needed only in some rows of the samples sheet."""
    problems, patient = [], typed["control"] == "N"
    if "timepoint" in table:
        problems += flag(
            table[patient & table["timepoint"].isna()],
            code="E03",
            column="timepoint",
            wrong="The cell is empty",
            allowed="PRE or POST for every patient's sample",
            mend="Fill it",
        )
    if "assay" in table and "file_1" in table:
        problems += flag(
            table[table["assay"].isna() & table["file_1"].notna()],
            code="E03",
            column="assay",
            wrong="The row names a file but no assay",
            allowed="MGX, METAB, SCRNA, FLOW, BULKRNA, ELISA",
            mend="Fill it",
        )
    return problems


def _plain(cells: pd.Series) -> pd.Series:
    """Return numbers if every cell is one."""
    numbers = pd.to_numeric(cells, errors="coerce")
    return numbers.astype(float) if numbers.notna().sum() == cells.notna().sum() else cells

"""Workbooks of Metabolon: the client data table (sheets by step of processing) and the older one (OrigScale ...).

Of the sample sheets only one column is read, and only if the user names it: they hold what the trial knows of patients.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.feature_table import DETECTED, IMPUTED
from gutaxis.metabolome.tables.cells import Grid, column_of, need_column, no_sheet, problem, read_workbook
from gutaxis.metabolome.tables.found import Found
from gutaxis.metabolome.tables.metabolon_old import OLD_SHEETS, read_old
from gutaxis.metabolome.tables.names import known_name, mode_of
from gutaxis.metabolome.tables.numbers import MISSING, TO_LOG2
from gutaxis.metabolome.tables.options import Options

ANNOTATION, SAMPLES, PARENT = "Chemical Annotation", "Sample Meta Data", "PARENT_SAMPLE_NAME"
LOGGED, COMPLETE = "Log Transformed Data", "Batch-norm Imputed Data"
#: Sheet -> what Metabolon did; in the order in which one is chosen if the user names none.
SHEETS: dict[str, frozenset[str]] = {
    "Batch-normalized Data": frozenset({"batch"}),
    "Peak Area Data": frozenset(),
    COMPLETE: frozenset({"batch", "imputed"}),
    LOGGED: frozenset({"batch", "imputed", "log2"}),
}
#: Imputed sheet -> the same values before imputation.
BEFORE = {COMPLETE: "Batch-normalized Data", LOGGED: "Batch-normalized Data"}
#: Column -> heading of the chemical annotation.
ABOUT = {
    "name": "CHEMICAL_NAME", "hmdb": "HMDB", "kegg": "KEGG", "pubchem": "PUBCHEM", "inchikey": "INCHIKEY",
    "smiles": "SMILES", "cas": "CAS", "super_pathway": "SUPER_PATHWAY", "sub_pathway": "SUB_PATHWAY",
    "platform": "PLATFORM", "chem_id": "CHEM_ID",
}  # fmt: skip
_CLOSE = 1e-3


def read_metabolon(*, path: Path, options: Options) -> Found:
    """Read a workbook of Metabolon: rows are samples, columns are CHEM_IDs; features are named by their chemical name.

    Without the option ``sheet``, batch-normalised values are taken, else peak areas. Where the sheet is an imputed one,
    cells that are empty before imputation get the state ``imputed``.

    Raises
    ------
    GutaxisError
        M80 no workbook; M82 a sheet or column is missing; M90 what was done to a sheet, or the base of its logarithm,
        is not known.
    """
    sheets = read_workbook(path=path)
    old = [name for name in sheets if name in OLD_SHEETS]
    if ANNOTATION not in sheets and old and options.sheet in (None, *OLD_SHEETS):
        return read_old(path=path, sheets=sheets, options=options)
    name = options.sheet or next((sheet for sheet in SHEETS if sheet in sheets), None)
    if missing := [sheet for sheet in (ANNOTATION, name) if sheet not in sheets]:
        raise GutaxisError(no_sheet(file=path.name, sheet=missing[0] or " or ".join(SHEETS), sheets=sheets))
    done = _done(name, path.name, options)
    table = sheets[name]
    log = options.log or (_base(sheets, path.name) if name == LOGGED else None)
    annotation = _annotation(sheets[ANNOTATION])
    header, body = table.rows[0], table.rows[1:]
    key = need_column(
        header=header, names=(PARENT,), file=table.file, line=table.lines[0], table_format="metabolon"
    )  # fmt: skip
    columns = [at for at, cell in enumerate(header) if at != key and cell]
    chem_ids = [_whole(header[at]) for at in columns]
    if unknown := [chem_id for chem_id in chem_ids if chem_id not in annotation]:
        raise GutaxisError(
            problem(
                code="M82", file=table.file, line=table.lines[0], column=unknown[0],
                wrong=f"{len(unknown)} columns have no row in the sheet {ANNOTATION}",
                allowed="Columns named by a CHEM_ID of that sheet",
                mend="Take other columns out of the sheet, or put the row back",
            )
        )  # fmt: skip
    features = {column: [annotation[one].get(heading) for one in chem_ids] for column, heading in ABOUT.items()}
    names = list(features["name"])
    features["name"] = [known_name(entry) for entry in names]
    features["mode"] = [mode_of(entry) for entry in features["platform"]]
    samples = [row[key] for row in body]
    notes = [f"Sheet {name} was read"]
    if unread := [sheet for sheet in SHEETS if sheet in sheets and sheet != name]:
        notes.append(f"Not read: {', '.join(unread)}")
    return Found(
        file=table.file, samples=_sample_names(samples, sheets, options),
        ids=[annotation[one].get(options.id_column) or one for one in chem_ids] if options.id_column
        else [entry or one for entry, one in zip(names, chem_ids, strict=True)],
        cells=[[row[at] for row in body] for at in columns], lines=table.lines[1:], rows_are_samples=True,
        features=features, state=_states(sheets.get(BEFORE.get(name, "")), samples, chem_ids), unit="peak area",
        done=done - {"log2"}, log=log, notes=tuple(notes),
    )  # fmt: skip


def _done(name: str, file: str, options: Options) -> frozenset[str]:
    if name in SHEETS:
        return SHEETS[name]
    if options.done:
        return frozenset()  # the user's own words are added later
    raise GutaxisError(
        problem(
            code="M90", file=f"{file}[{name}]", value=name, allowed=f"Without `done`: {', '.join(SHEETS)}",
            wrong="it is not known what was done to the values of this sheet",
            mend="State in `done` what was done to them: normalised, batch, imputed, log2, drift",
        )
    )  # fmt: skip


def _annotation(table: Grid) -> dict[str, dict[str, str | None]]:
    """Return CHEM_ID -> heading -> entry."""
    header = [cell.upper().replace(" ", "_") for cell in table.rows[0]]
    where = {"file": table.file, "line": table.lines[0], "table_format": "metabolon"}
    key = need_column(header=header, names=("CHEM_ID", "CHEMICAL_ID"), **where)
    need_column(header=header, names=("CHEMICAL_NAME",), **where)
    rows: dict[str, dict[str, str | None]] = {}
    for row, line in zip(table.rows[1:], table.lines[1:], strict=True):
        chem_id = _whole(row[key])
        if chem_id in rows:
            raise GutaxisError(
                problem(
                    code="M85", file=table.file, line=line, column=header[key], value=chem_id,
                    wrong=f"chemical {chem_id} occurs twice", allowed="Each CHEM_ID once", mend="Remove one of them",
                )
            )  # fmt: skip
        rows[chem_id] = {name: cell or None for name, cell in zip(header, row, strict=True)}
        rows[chem_id]["CHEM_ID"] = chem_id
    return rows


def _sample_names(samples: list[str], sheets: Mapping[str, Grid], options: Options) -> list[str]:
    """Return the parents' names, or what the sample sheet has for them in the column that the user names."""
    if not options.sample_column:
        return samples
    table = sheets.get(SAMPLES)
    if table is None:
        raise GutaxisError(no_sheet(file="the workbook", sheet=SAMPLES, sheets=sheets))
    header = table.rows[0]
    where = {"file": table.file, "line": table.lines[0], "table_format": "metabolon"}
    key = need_column(header=header, names=(PARENT,), **where)
    wanted = need_column(header=header, names=(options.sample_column,), **where)
    names = {row[key]: row[wanted] for row in table.rows[1:]}
    # Metabolon's own pooled and process controls have no name of the client's: they keep theirs.
    return [names.get(sample) or sample for sample in samples]


def _states(before: Grid | None, samples: list[str], chem_ids: list[str]) -> np.ndarray | None:
    """Return features x samples: imputed where the sheet before imputation is empty; None without that sheet."""
    if before is None:
        return None
    columns = {_whole(cell): at for at, cell in enumerate(before.rows[0])}
    key = column_of(header=before.rows[0], names=(PARENT,))
    rows = {row[key]: row for row in before.rows[1:]} if key is not None else {}
    return np.array(
        [
            [
                IMPUTED
                if sample in rows and one in columns and rows[sample][columns[one]].lower() in MISSING
                else DETECTED
                for sample in samples
            ]
            for one in chem_ids
        ],
        dtype=object,
    )


def _base(sheets: Mapping[str, Grid], file: str) -> str:
    """Find the base of the logged sheet by comparing it with the imputed one."""
    logged, complete = sheets[LOGGED], sheets.get(COMPLETE)
    pairs = _pairs(logged, complete) if complete is not None else []
    fitting = [
        log for log, factor in TO_LOG2.items()
        if pairs and np.allclose([one * factor for one, _ in pairs], np.log2([two for _, two in pairs]), atol=_CLOSE)
    ]  # fmt: skip
    if len(fitting) == 1:
        return fitting[0]
    raise GutaxisError(
        problem(
            code="M90", file=f"{file}[{LOGGED}]", wrong=f"the base of the logarithm cannot be found from {COMPLETE}",
            allowed="log: ln, log2 or log10", mend="Set `log` of the table, or read another sheet",
        )
    )  # fmt: skip


def _pairs(logged: Grid, complete: Grid) -> list[tuple[float, float]]:
    """Return logged and plain values of the same cells, of all samples both sheets have."""
    columns = {cell: at for at, cell in enumerate(complete.rows[0])}
    rows = {row[0]: row for row in complete.rows[1:]}
    pairs = []
    for row in logged.rows[1:]:
        for at, cell in enumerate(row[1:], start=1):
            other = rows.get(row[0], [])[columns[logged.rows[0][at]] :][:1] if logged.rows[0][at] in columns else []
            if other and re.fullmatch(r"-?[\d.]+(e-?\d+)?", cell) and re.fullmatch(r"[\d.]+(e-?\d+)?", other[0]):
                pairs.append((float(cell), float(other[0])))
    return [(one, two) for one, two in pairs if two > 0]


def _whole(cell: str) -> str:
    """Return an id that a spreadsheet may have stored as a number with decimals."""
    return cell.removesuffix(".0")

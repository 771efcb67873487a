"""Tables of XCMS and CAMERA: featureDefinitions with featureValues, peakTable, getPeaklist, diffreport, XCMS online."""

from pathlib import Path

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.tables.cells import Grid, column_of, need_column, problem, read_grid
from gutaxis.metabolome.tables.found import RAW_FILE, Found, left_out
from gutaxis.metabolome.tables.numbers import MISSING
from gutaxis.metabolome.tables.options import Options

MZ, RT = ("mzmed", "mz"), ("rtmed", "rt")
IDS = ("feature_id", "featureid", "feature", "row.names", "groupname", "name", "id", "")
#: Columns of XCMS that describe a feature.
OTHERS = frozenset(
    {
        "mzmin", "mzmax", "rtmin", "rtmax", "npeaks", "peakidx", "ms_level", "fold", "log2fold", "tstat", "pvalue",
        "anova", "qvalue", "updown", "metlin", "isotopes", "adduct", "pcgroup", "maxint", "dataset_mean", "x",
    }
)  # fmt: skip


def read_xcms(*, path: Path, options: Options) -> Found:
    """Read a table of XCMS: a row is a feature, retention times are in seconds, gaps are NA (or 0).

    Beside the samples, XCMS writes how often the feature was found in each class of samples; these columns are known by
    being whole numbers that nowhere exceed ``npeaks``, and are left out.

    Raises
    ------
    GutaxisError
        M82 no column of m/z or retention time; M90 columns that may be samples or classes.
    """
    table = read_grid(path=path, sheet=options.sheet, delimiter=options.delimiter)
    header, body = table.rows[0], table.rows[1:]
    where = {"file": table.file, "line": table.lines[0], "table_format": "xcms"}
    mz = need_column(header=header, names=MZ, **where)
    rt = need_column(header=header, names=RT, **where)
    wanted = (options.id_column,) if options.id_column else IDS
    key = (
        need_column(header=header, names=wanted, **where) if options.id_column else column_of(header=header, names=IDS)
    )
    described = {at for at, name in enumerate(header) if name.lower() in OTHERS} | {mz, rt, key}
    rest = [at for at, name in enumerate(header) if at not in described and name]
    samples, classes = _samples(table, rest, options)
    ids = [row[key] if key is not None else str(at) for at, row in enumerate(body, start=1)]
    features: dict[str, list[object]] = {
        "mz": [row[mz] for row in body],
        "rt": [row[rt] for row in body],
    }
    for column, source in (("adduct", "adduct"), ("isotope", "isotopes"), ("group", "pcgroup")):
        at = column_of(header=header, names=(source,))
        if at is not None:
            features[column] = [row[at] for row in body]
    return Found(
        rt_factor=options.seconds(default="seconds"),
        file=table.file, samples=[header[at] for at in samples], ids=ids, lines=table.lines[1:], features=features,
        cells=[[row[at] for at in samples] for row in body],
        notes=left_out(names=[header[at] for at in classes], what="columns that count peaks in classes of samples"),
    )  # fmt: skip


def _samples(table: Grid, rest: list[int], options: Options) -> tuple[list[int], list[int]]:
    """Tell the samples from the counts in classes."""
    header = table.rows[0]
    if options.samples:
        return [_named(table, name) for name in options.samples], []
    files = [at for at in rest if RAW_FILE.search(header[at])]
    if files:
        return files, [at for at in rest if at not in files]
    npeaks = column_of(header=header, names=("npeaks",))
    if npeaks is None:
        return rest, []
    counts = [at for at in rest if _counts(table, at, npeaks)]
    if any(not any(row[at] not in ("0", "0.0") for row in table.rows[1:]) for at in counts):
        unsure = next(at for at in counts if not any(row[at] not in ("0", "0.0") for row in table.rows[1:]))
        raise GutaxisError(
            problem(
                code="M90", file=table.file, column=header[unsure], line=table.lines[0],
                wrong="this column is 0 everywhere: an empty sample, or a class without peaks",
                allowed="Columns that are clearly one or the other", mend="List the sample columns in `samples`",
            )
        )  # fmt: skip
    return [at for at in rest if at not in counts], counts


def _counts(table: Grid, at: int, npeaks: int) -> bool:
    """Whether a column holds whole numbers of at most ``npeaks`` in every row."""
    for row in table.rows[1:]:
        cell, most = row[at], row[npeaks]
        if cell.lower() in MISSING or not cell.removesuffix(".0").isdigit() or not most.removesuffix(".0").isdigit():
            return False
        if int(cell.removesuffix(".0")) > int(most.removesuffix(".0")):
            return False
    return True


def _named(table: Grid, name: str) -> int:
    if name in table.rows[0]:
        return table.rows[0].index(name)
    raise GutaxisError(
        problem(
            code="M82", file=table.file, line=table.lines[0], column=name, wrong="there is no such sample column",
            allowed="Names of the header", mend="Correct `samples` of the table",
        )
    )  # fmt: skip

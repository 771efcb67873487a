"""What a user may say about a table: one set of options, of which each format takes some."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from gutaxis.errors import GutaxisError, Problem
from gutaxis.metabolome.feature_table import DONE, MODES

MINUTE = 60.0
LOGS = ("none", "log2", "ln", "log10")
ORIENTATIONS = ("features_by_samples", "samples_by_features")
#: Allowed words of the options that have few.
WORDS: dict[str, tuple[str, ...]] = {
    "mode": MODES,
    "log": LOGS,
    "decimal": (".", ","),
    "delimiter": ("comma", "semicolon", "tab"),
    "quantity": ("area", "height"),
    "block": ("raw", "normalised"),
    "section": ("small_molecule", "feature"),
    "orientation": ORIENTATIONS,
    "rt_unit": ("seconds", "minutes"),
}
_LISTS = frozenset({"done", "samples", "annotation"})
_ALL = frozenset({"mode", "unit", "done", "targeted", "log", "sample_prefix", "sample_suffix", "rename"})
_GRID = _ALL | {"decimal", "delimiter", "sheet"}
#: Format -> options it takes.
OPTIONS_OF: dict[str, frozenset[str]] = {
    "metabolon": (_ALL - {"mode"}) | {"sheet", "id_column", "sample_column"},
    "mwtab": _ALL,
    "mztab": _ALL | {"section"},
    "xcms": _GRID | {"id_column", "samples", "rt_unit"},
    "mzmine": _GRID | {"quantity", "rt_unit"},
    "msdial": _GRID | {"quantity", "rt_unit", "section"},
    "progenesis": _GRID | {"block", "samples", "rt_unit"},
    "metaboanalyst": _GRID | {"orientation", "rt_unit"},
    "plain": _GRID | {"orientation", "id_column", "annotation", "rt_unit"},
    "panel": _GRID | {"orientation", "id_column", "annotation", "rt_unit"},
}
FORMATS = tuple(OPTIONS_OF)
_FORMAT_MEND = "Correct the key `format` of the table"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a user says of a table; what is left out is taken from the file, or refused where that would be a guess.

    Parameters
    ----------
    mode
        Ionisation mode of all features. Feature ids then begin with ``POS_`` or ``NEG_``.
    unit
        Unit of the values, if the file does not tell or tells it wrongly.
    done
        What was done to the values, on top of what the file tells: log2, normalised, imputed, drift, batch.
    targeted
        Whether the values are quantities with a calibration.
    log
        Logarithm that the values are; turned into log2. ``none`` says that they are none.
    sample_prefix, sample_suffix
        Taken off the sample names. Extensions of raw files (.mzML, .raw ...) are taken off first, by themselves.
    rename
        Sample name in the table (without affixes) -> sample id; names that are not listed stay.
    decimal, delimiter
        Decimal sign, and what is between the cells (comma, semicolon, tab; found in the header if not given).
    sheet
        Worksheet of a workbook.
    id_column
        Column whose entries become the feature ids.
    sample_column
        Column of the workbook's sample sheet whose entries become the sample names (metabolon).
    quantity
        Area or height, where a table has both or does not say (mzmine, msdial).
    block
        Raw or normalised abundances (progenesis).
    section
        Rows of an mzTab-M file: small_molecule or feature.
    orientation
        What the rows are (plain, panel, metaboanalyst).
    samples
        The sample columns, where they cannot be told from others (xcms, progenesis).
    annotation
        Columns (or, if rows are samples: columns to leave out) that hold no values (plain, panel).
    rt_unit
        Unit of retention times, if it is not that of the format.
    """

    mode: str | None = None
    unit: str | None = None
    done: tuple[str, ...] = ()
    targeted: bool | None = None
    log: str | None = None
    sample_prefix: str = ""
    sample_suffix: str = ""
    rename: Mapping[str, str] = field(default_factory=dict)
    decimal: str = "."
    delimiter: str | None = None
    sheet: str | None = None
    id_column: str | None = None
    sample_column: str | None = None
    quantity: str | None = None
    block: str = "raw"
    section: str = "small_molecule"
    orientation: str | None = None
    samples: tuple[str, ...] = ()
    annotation: tuple[str, ...] = ()
    rt_unit: str | None = None

    def seconds(self, *, default: str) -> float:
        """Return how many seconds a unit of retention time has; ``default`` is the format's unit."""
        return MINUTE if (self.rt_unit or default) == "minutes" else 1.0


def check_options(*, table_format: str, given: Mapping[str, Any]) -> Options:
    """Return the options of a table.

    Parameters
    ----------
    table_format
        One of :data:`FORMATS`.
    given
        Option -> value; None counts as not given.

    Raises
    ------
    GutaxisError
        M81 an unknown format, an option that the format does not take, or a word it does not know.
    """
    if table_format not in OPTIONS_OF:
        raise GutaxisError(_refusal("format", table_format, "this format is unknown", FORMATS, _FORMAT_MEND))
    stated = {name: value for name, value in given.items() if value is not None}
    known = {entry.name for entry in fields(Options)}
    problems = []
    for name, value in stated.items():
        if name not in OPTIONS_OF[table_format]:
            why = f"format {table_format} does not take this option" if name in known else "this option is unknown"
            allowed = sorted(OPTIONS_OF[table_format])
            problems.append(_refusal(name, value, why, allowed, "Take the option out, or correct its name"))
        elif name in WORDS and value not in WORDS[name]:
            problems.append(_refusal(name, value, "this word is unknown", WORDS[name], "Correct the option"))
        elif name == "done" and (unknown := sorted(set(value) - set(DONE))):
            problems.append(_refusal(name, ", ".join(unknown), "this word is unknown", DONE, "Correct the option"))
    if problems:
        raise GutaxisError(problems)
    return Options(**{name: tuple(value) if name in _LISTS else value for name, value in stated.items()})


def _refusal(name: str, value: object, wrong: str, allowed: Any, mend: str) -> Problem:
    return Problem("M81", "config", None, name, str(value), wrong, f"One of: {', '.join(allowed)}", mend)

"""mwTab of Metabolomics Workbench, as text or JSON (the present form and the older one of the package mwtab).

Factors of the samples (treatment, outcome ...) are never read.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.tables.cells import problem, read_text
from gutaxis.metabolome.tables.found import Found
from gutaxis.metabolome.tables.names import known_name, mode_of
from gutaxis.metabolome.tables.options import Options

#: Blocks with values, the first that a file has is read.
BLOCKS = ("MS_METABOLITE_DATA", "NMR_METABOLITE_DATA", "NMR_BINNED_DATA")
FACTORS = "factors"
#: Column -> heading that laboratories use; Metabolomics Workbench lets them choose.
ABOUT = {
    "mz": ("moverz_quant", "m/z", "moverz", "mz", "quantitated m/z"),
    "ri": ("ri", "retention_index", "retention index"),
    "pubchem": ("pubchem_id", "pubchem", "pubchem id"), "inchikey": ("inchi_key", "inchikey", "inchi key"),
    "kegg": ("kegg_id", "kegg", "kegg id"), "hmdb": ("hmdb_id", "hmdb", "hmdb id"),
    "formula": ("formula", "molecular formula"), "chebi": ("chebi_id", "chebi", "chebi id"),
    "adduct": ("adduct",), "refmet": ("refmet_name", "refmet"),
}  # fmt: skip


@dataclass
class _Content:
    """What both forms of the file hold."""

    samples: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)
    lines: list[int | None] = field(default_factory=list)
    about: list[dict[str, str]] = field(default_factory=list)  # rows of METABOLITES; first entry = name
    unit: str | None = None
    ion_mode: str | None = None
    ms_type: str = ""


def read_mwtab(*, path: Path, options: Options) -> Found:
    """Read an mwTab file: metabolites x samples, unit kept, empty cells are missing.

    The block of metabolites writes names with commas where the data have underscores; rows are joined by letters and
    digits alone, where that is without doubt.

    Raises
    ------
    GutaxisError
        M82 no mwTab or no block of values; M88 a row of another length; M85 a metabolite twice, M86 a sample twice
        (JSON, where the later one would replace the earlier).
    """
    text = read_text(path=path)
    content = _json(text, path.name) if text.lstrip()[:1] in ("{", "[") else _text(text, path.name)
    rows, unmatched = _joined(content.ids, content.about)
    features: dict[str, list[object]] = {"name": [known_name(row.get("", name)) for name, row in rows]}
    mode = mode_of(content.ion_mode)
    for column, headings in ABOUT.items():
        # The m/z of electron impact is that of a fragment; without a mode, no m/z can be read as an ion.
        ion = column != "mz" or (
            (mode or options.mode) and not re.fullmatch(r"EI|GC.*", content.ms_type, re.IGNORECASE)
        )
        features[column if ion else "quant_mz"] = [
            next((row[key] for key in headings if row.get(key)), None) for _, row in rows
        ]
    notes = []
    if unmatched and content.about:
        notes.append(f"{unmatched} metabolites have no row, or no certain row, in the block METABOLITES")
    return Found(
        file=path.name, samples=content.samples, ids=content.ids, cells=content.cells, lines=content.lines,
        features=features, unit=content.unit, mode=mode, notes=tuple(notes),
        done=frozenset({"normalised"} if re.search(r"normali[sz]ed", content.unit or "", re.I) else ()),
    )  # fmt: skip


def _text(text: str, file: str) -> _Content:
    """Read the text form."""
    content = _Content()
    lines = text.split("\n")
    starts = [f"{block}_START" for block in BLOCKS]
    begin = next((at for start in starts for at, line in enumerate(lines) if line.strip() == start), None)
    if begin is None:
        raise _no_mwtab(file, "there is no block of values, such as MS_METABOLITE_DATA_START")
    block = lines[begin].strip().removesuffix("_START")
    for line in lines[:begin]:
        key, _, value = line.partition("\t")
        if key.strip() in (f"{block}:UNITS", "MS_METABOLITE_DATA:UNITS", "NMR_METABOLITE_DATA:UNITS"):
            content.unit = value.strip() or None
        elif key.strip() == "MS:ION_MODE":
            content.ion_mode = value.strip()
        elif key.strip() == "MS:MS_TYPE":
            content.ms_type = value.strip()
    header, body = _block(lines, begin, f"{block}_END", file)
    content.samples = header[1:]
    for line, row in body:
        if row[0].lower() == FACTORS:
            continue
        content.ids.append(row[0])
        content.cells.append(row[1:])
        content.lines.append(line)
    names = next((at for at, line in enumerate(lines) if line.strip() == "METABOLITES_START"), None)
    if names is not None:
        header, body = _block(lines, names, "METABOLITES_END", file, lax=True)
        content.about = [_lower(dict(zip(["", *header[1:]], row, strict=True))) for _, row in body]
    return content


def _block(
    lines: list[str], begin: int, end: str, file: str, *, lax: bool = False
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return header and numbered rows of a block; rows that lack cells at their end are refused, or filled if lax."""
    rows = []
    for at in range(begin + 1, len(lines)):
        if lines[at].strip() == end:
            break
        if lines[at].strip():
            rows.append((at + 1, [cell.strip() for cell in lines[at].split("\t")]))
    else:
        raise _no_mwtab(file, f"the line {end} is missing: the file was cut off")
    if len(rows) < 2:
        raise _no_mwtab(file, f"the block before {end} has no rows")
    header = rows[0][1]
    while len(header) > 1 and not header[-1]:
        header.pop()
    full = []
    for line, row in rows[1:]:
        if (len(row) < len(header) and not lax) or any(row[len(header) :]):
            raise GutaxisError(
                problem(
                    code="M88", file=file, line=line, value=row[0], wrong="the row does not fit the header",
                    allowed=f"{len(header)} cells", mend="Look for missing tabs; empty cells are allowed",
                )
            )  # fmt: skip
        full.append((line, [*row, *[""] * len(header)][: len(header)]))
    return header, full


def _json(text: str, file: str) -> _Content:
    """Read the JSON form."""
    try:
        data = json.loads(text, object_pairs_hook=_pairs)
    except json.JSONDecodeError as error:
        raise _no_mwtab(file, f"the file is no JSON, or more than one ({error})") from error
    block = next((data[name] for name in BLOCKS if isinstance(data, dict) and isinstance(data.get(name), dict)), None)
    if block is None:
        raise _no_mwtab(file, "there is no block of values, such as MS_METABOLITE_DATA")
    old = next((block[key] for key in block if key.endswith("_DATA_START")), None)
    rows = block.get("Data") if old is None else old.get("DATA")
    if not isinstance(rows, list) or not rows:
        raise _no_mwtab(file, "the block of values has no rows (Data)")
    content = _Content()
    content.unit = block.get("Units") or next((block[key] for key in block if key.endswith(":UNITS")), None)
    content.ion_mode, content.ms_type = (str((data.get("MS") or {}).get(key, "")) for key in ("ION_MODE", "MS_TYPE"))
    _refuse_repeats(rows, file)
    rows = [row for row in rows if str(next(iter(row.values()))).lower() != FACTORS]
    name = next(iter(rows[0]))
    content.samples = [key for key in rows[0] if key != name]
    for row in rows:
        if set(row) != {name, *content.samples}:
            raise GutaxisError(
                problem(
                    code="M88", file=file, value=str(row.get(name)), allowed="The same samples in each row of Data",
                    wrong="the metabolite has other samples than the first one",
                    mend="Write the file again; empty values are allowed",
                )
            )  # fmt: skip
        content.ids.append(str(row[name]))
        content.cells.append([_cell(row[sample]) for sample in content.samples])
        content.lines.append(None)
    about = block.get("Metabolites")
    if about is None:
        about = ((data.get("METABOLITES") or {}).get("METABOLITES_START") or {}).get("DATA", [])
    for entry in about:
        first, *others = entry
        content.about.append(_lower({"": _cell(entry[first]), **{key: _cell(entry[key]) for key in others}}))
    return content


class _Row(dict[str, Any]):
    """A JSON object that remembers which keys it was given twice."""

    repeated: tuple[str, ...] = ()


def _pairs(pairs: list[tuple[str, Any]]) -> _Row:
    row = _Row(pairs)
    row.repeated = tuple(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
    return row


def _refuse_repeats(rows: Sequence[_Row], file: str) -> None:
    for row in rows:
        if row.repeated:
            raise GutaxisError(
                problem(
                    code="M86", file=file, column=row.repeated[0], value=str(next(iter(row.values()))),
                    wrong="the metabolite has two values of this sample", allowed="Each sample once",
                    mend="Remove one of the two",
                )
            )  # fmt: skip


def _joined(ids: list[str], about: list[dict[str, str]]) -> tuple[list[tuple[str, dict[str, str]]], int]:
    """Return each metabolite with its row of METABOLITES, and how many have none."""
    exact = {row[""]: row for row in about}
    loose = {_key(row[""]): row for row in about}
    certain = {key for key, count in Counter(_key(row[""]) for row in about).items() if count == 1}
    certain &= {key for key, count in Counter(map(_key, ids)).items() if count == 1}
    rows = []
    for name in ids:
        row = exact.get(name) or (loose[_key(name)] if _key(name) in certain else None)
        rows.append((name, row or {}))
    return rows, sum(not row for _, row in rows)


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower())


def _lower(row: dict[str, str]) -> dict[str, str]:
    return {key.strip().lower(): value for key, value in row.items()}


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _no_mwtab(file: str, wrong: str) -> GutaxisError:
    return GutaxisError(
        problem(
            code="M82", file=file, wrong=wrong, allowed="One analysis of Metabolomics Workbench as mwTab text or JSON",
            mend="Download the file again, or correct the format",
        )
    )  # fmt: skip

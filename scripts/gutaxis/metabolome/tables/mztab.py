"""mzTab-M 2: small molecules or features with their abundances by assay.

pyteomics reads the metadata. The rows are split here: pyteomics fills up rows that were cut off, turns names such as
`123` into numbers, and forgets the lines, which messages need.
"""

import io
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
from pyteomics import mztab

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.tables.cells import problem, read_text
from gutaxis.metabolome.tables.found import Found, left_out
from gutaxis.metabolome.tables.names import chebi_of, doubt, known_name, mode_of, plain_adduct, shared
from gutaxis.metabolome.tables.options import Options

_ASSAY = re.compile(r"abundance_assay\[(\d+)\]")
#: Reliabilities that are identification levels 1 to 5; software may write codes of its own.
LEVEL_SCALES = ("MS:1002896", "MS:1002955")
SECTIONS = {"small_molecule": ("SMH", "SML"), "feature": ("SFH", "SMF")}
SEVERAL = "|"


@dataclass(frozen=True)
class _Section:
    header: list[str]
    rows: list[list[str]]
    lines: list[int]

    def column(self, name: str) -> list[str | None]:
        """Return the entries of a column; None for `null` and for a column that is not there."""
        if name not in self.header:
            return [None] * len(self.rows)
        at = self.header.index(name)
        return [None if row[at] in ("null", "") else row[at] for row in self.rows]


def read_mztab(*, path: Path, options: Options) -> Found:
    """Read an mzTab-M file.

    A small molecule gets m/z, retention time and charge of its most abundant feature. ``null`` is missing. The
    reliability becomes the identification level only where the file says that it is one.

    Raises
    ------
    GutaxisError
        M82 no mzTab-M, or no rows of the section; M88 a row of another length than its header.
    """
    text = read_text(path=path)
    metadata = _metadata(text, path.name)
    section = _section(text, options.section, path.name)
    if not section.rows:
        raise GutaxisError(
            problem(
                code="M82", file=path.name, value=options.section, wrong="the file has no rows of this section",
                allowed="SML rows for small_molecule, SMF rows for feature",
                mend="Correct `section`, or export the file with its quantities",
            )
        )  # fmt: skip
    columns = [(at, match.group(1)) for at, name in enumerate(section.header) if (match := _ASSAY.fullmatch(name))]
    small = options.section == "small_molecule"
    quantity = "small_molecule" if small else "small_molecule_feature"
    unit = _words(metadata.get(f"{quantity}-quantification_unit"))
    modes = [mode_of(_words(value)) for key, value in metadata.items() if "-scan_polarity[" in key]
    others = [name for name in section.header if name.startswith("abundance_") and not _ASSAY.fullmatch(name)]
    return Found(
        file=path.name, samples=[_assay_name(metadata, number) for _, number in columns],
        ids=[str(entry or "") for entry in section.column("SML_ID" if small else "SMF_ID")],
        cells=[[row[at] for at, _ in columns] for row in section.rows], lines=section.lines,
        features=_molecules(section, _section(text, "feature", path.name), metadata) if small else _places(section),
        unit=unit, done=frozenset({"normalised"} if unit and re.search(r"normali[sz]ed", unit, re.I) else ()),
        mode=shared(modes), notes=left_out(names=others, what="columns of study variables"),
    )  # fmt: skip


def _metadata(text: str, file: str) -> dict[str, object]:
    """Return the metadata as pyteomics reads them; refuse what is no mzTab-M."""
    lines = [line for line in text.split("\n") if line.startswith("MTD\t")]
    short = [line for line in lines if line.rstrip("\t ").count("\t") < 2]
    wrong = (
        "there are no metadata (MTD)" if not lines else f"the metadata line {short[0]!r} has no value" if short else ""
    )
    if not wrong and not any(line.startswith("MTD\tmzTab-version\t") for line in lines):
        wrong = "the metadata do not give the version of mzTab"
    if not wrong:
        found = mztab.MzTab(io.StringIO("\n".join(lines)))
        if found.variant == "M":
            return dict(found.metadata)
        wrong = f"version {found.version} of mzTab is not the one for metabolomics"
    raise GutaxisError(
        problem(
            code="M82", file=file, wrong=wrong, allowed="mzTab-version 2.0.0-M or later, with -M",
            mend="Export mzTab-M, or correct the format",
        )
    )  # fmt: skip


def _section(text: str, name: str, file: str) -> _Section:
    """Return header, rows and lines of a section; each row as long as the header."""
    head, body = SECTIONS[name]
    header: list[str] = []
    rows, lines = [], []
    for line, content in enumerate(text.split("\n"), start=1):
        if content.startswith(f"{head}\t"):
            header = [cell.strip() for cell in content.rstrip("\t ").split("\t")[1:]]
        elif content.startswith(f"{body}\t"):
            cells = [cell.strip() for cell in content.split("\t")[1:]]
            if len(cells) < len(header) or not header or any(cells[len(header) :]):
                raise GutaxisError(
                    problem(
                        code="M88", file=file, line=line, value=f"{len(cells)} cells",
                        wrong=f"this {body} row does not fit its header", allowed=f"{len(header)} cells after {body}",
                        mend="Look for a cut-off file; write null for what is missing",
                    )
                )  # fmt: skip
            rows.append(cells[: len(header)])
            lines.append(line)
    return _Section(header, rows, lines)


def _molecules(section: _Section, peaks: _Section, metadata: dict[str, object]) -> dict[str, list[object]]:
    """Return what is known of small molecules, with the place of their most abundant feature."""
    names = section.column("chemical_name")
    known: dict[str, list[object]] = {
        "name": [known_name(name) for name in names],
        "name_doubt": [doubt(name) for name in names],
        "formula": section.column("chemical_formula"),
        "smiles": section.column("smiles"),
        "inchi": section.column("inchi"),
        "chebi": [chebi_of(entry) for entry in section.column("database_identifier")],
        "adduct": [plain_adduct(entry) for entry in section.column("adduct_ions")],
    }
    if any(scale in _accession(metadata) for scale in LEVEL_SCALES):
        known["level"] = [_level(entry) for entry in section.column("reliability")]
    places = pd.DataFrame(_places(peaks), index=peaks.column("SMF_ID"))
    places = places[~places.index.duplicated()]
    strongest = [_strongest(entry, places, peaks) for entry in section.column("SMF_ID_REFS")]
    for column in ("mz", "rt", "charge"):
        known[column] = [None if best is None else places.at[best, column] for best in strongest]
    return known


def _places(peaks: _Section) -> dict[str, list[object]]:
    """Return m/z, retention time (s), charge and adduct of features."""
    return {
        "mz": peaks.column("exp_mass_to_charge"),
        "rt": peaks.column("retention_time_in_seconds"),
        "charge": peaks.column("charge"),
        "adduct": [plain_adduct(entry) for entry in peaks.column("adduct_ion")],
    }


def _strongest(references: str | None, places: pd.DataFrame, peaks: _Section) -> str | None:
    """Return the most abundant of the referenced features, in sum over assays; the first of equals."""
    named = [name.strip() for name in (references or "").split(SEVERAL) if name.strip() in places.index]
    if len(named) < 2:
        return named[0] if named else None
    columns = [at for at, name in enumerate(peaks.header) if _ASSAY.fullmatch(name)]
    rows = {row[peaks.header.index("SMF_ID")]: row for row in peaks.rows}
    totals = pd.DataFrame([[rows[name][at] for at in columns] for name in named], index=named)
    return str(totals.apply(pd.to_numeric, errors="coerce").sum(axis=1).idxmax())


def _assay_name(metadata: dict[str, object], number: str) -> str:
    """Return the name of an assay; without one, the file of its run."""
    name = metadata.get(f"assay[{number}]")
    if name is not None:
        return _words(name) or ""
    run = metadata.get(f"assay[{number}]-ms_run_ref")
    location = metadata.get(f"{run}-location")
    return unquote(str(location).rsplit("/", 1)[-1]) if location else f"assay[{number}]"


def _accession(metadata: dict[str, object]) -> str:
    """Return the accession of the scale of reliabilities; without it, the scale is that of the format."""
    scale = metadata.get("small_molecule-identification_reliability")
    return LEVEL_SCALES[0] if scale is None else str(getattr(scale, "accession", None) or "")


def _level(entry: str | None) -> str | None:
    """Return the level from `2`, or from `2a` and `2b`."""
    found = re.fullmatch(r"([1-5])[ab]?", entry or "")
    return found.group(1) if found else None


def _words(value: object) -> str | None:
    """Return a parameter of pyteomics as text."""
    if isinstance(value, tuple):
        return " ".join(str(part) for part in value)
    return None if value is None else str(value).strip()

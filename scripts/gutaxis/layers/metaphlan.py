"""MetaPhlAn 2, 3 and 4: one profile, many profiles or a merged table, to fractions of one rank.

Facts: a profile holds every rank, so one rank must be picked before any sum; abundances are percent; an UNCLASSIFIED
(4), UNKNOWN (3) or unclassified (2) row may stand beside the taxa; published tables often lack the index line.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError
from gutaxis.files import open_text
from gutaxis.layers.names import PLACEHOLDER_IDS, id_from_file, problem, some, strip_affixes

UNKNOWN_INDEX = "unknown"
_INDEX = re.compile(r"#\s*(mpa_v\S+|v\d+_CHOCOPhlAn\S*)\s*$", re.IGNORECASE)
_TAXID = frozenset({"ncbi_tax_id", "clade_taxid"})
_UNCLASSIFIED = frozenset({"unclassified", "unknown"})
_NOT_SAMPLES = _TAXID | {"additional_species"}


@dataclass(frozen=True)
class Profiles:
    """Profiles as read: all ranks, percent.

    Parameters
    ----------
    percent
        Clades (full lineage) x samples, 0-100.
    unclassified
        Percent without a clade per sample; NaN where the table has no such row.
    taxid
        NCBI taxonomy id (the lineage of ids, as given) per clade, empty where there is none.
    index
        MetaPhlAn database version from the header, or ``unknown``.
    origin
        File name per sample.
    """

    percent: pd.DataFrame
    unclassified: pd.Series
    taxid: pd.Series
    index: str
    origin: pd.Series


@dataclass
class _Layout:
    """Where the numbers of a table are: columns of the samples, column of the taxid, expected width."""

    samples: list[str]
    columns: list[int]
    taxid: int | None
    width: int | None


def read_profile(*, path: Path | str, sample_prefix: str = "", sample_suffix: str = "") -> Profiles:
    """Read one per-sample profile or one merged table of MetaPhlAn 2, 3 or 4.

    Parameters
    ----------
    path
        Profile (columns ``clade_name NCBI_tax_id relative_abundance ...``, also with read statistics, or two columns
        as in MetaPhlAn 2) or merged table (``clade_name`` or ``ID``, an optional taxid column, one column per sample);
        may be gzipped.
    sample_prefix, sample_suffix
        Taken off the sample names. A profile is named by its ``#SampleID`` line, else by its file.

    Returns
    -------
    Profiles
        All ranks, percent.

    Raises
    ------
    GutaxisError
        L02 duplicate sample or clade, L03 not a MetaPhlAn table, L04 a cell that is no percentage.
    """
    name, index, sample_id = Path(path).name, UNKNOWN_INDEX, ""
    layout: _Layout | None = None
    clades: dict[str, int] = {}
    rows: list[np.ndarray] = []
    taxids: list[str] = []
    unclassified: np.ndarray | None = None
    with open_text(path) as handle:
        for line, text, cells in _lines(handle):
            first = cells[0].strip()
            key = first.lstrip("#").strip().lower()
            if found := _INDEX.match(text):
                index = found.group(1)
            elif key == "sampleid" and len(cells) == 2 and layout is None:
                sample_id = cells[1].strip()
            elif layout is None and (key in {"clade_name", "id"} or (key == "sampleid" and len(cells) > 2)):
                layout = _layout(header=[cell.strip() for cell in cells], sample_id=sample_id, path=path)
            elif first.startswith("#"):
                continue
            else:
                if layout is None:
                    if len(cells) != 2 or not (first.startswith("k__") or key in _UNCLASSIFIED):
                        raise GutaxisError(_not_metaphlan(path=path, line=line))
                    layout = _Layout([_own_id(sample_id=sample_id, path=path)], [1], None, None)
                values = _numbers(cells=cells, layout=layout, path=path, line=line)
                if key in _UNCLASSIFIED:
                    unclassified = values
                    continue
                if first in clades:
                    raise GutaxisError(
                        problem(
                            code="L02", file=name, line=line, value=first,
                            wrong=f"clade {first} is in the table twice, first in line {clades[first]}",
                            allowed="One row per clade", mend="Merge the profiles again with merge_metaphlan_tables.py",
                        )
                    )  # fmt: skip
                clades[first] = line
                rows.append(values)
                taxids.append(cells[layout.taxid].strip() if layout.taxid is not None else "")
    if layout is None or (not rows and unclassified is None):
        raise GutaxisError(_not_metaphlan(path=path, line=None))
    samples = [strip_affixes(name=sample, prefix=sample_prefix, suffix=sample_suffix) for sample in layout.samples]
    twice = sorted({sample for sample in samples if samples.count(sample) > 1})
    if twice:
        raise GutaxisError(
            problem(
                code="L02", file=name, value=twice[0], wrong=f"sample column(s) {some(twice)} occur more than once",
                allowed="One column per sample", mend="Remove or rename the duplicate; check sample_prefix and suffix",
            )
        )  # fmt: skip
    data = np.vstack(rows) if rows else np.zeros((0, len(samples)))
    given = np.full(len(samples), np.nan) if unclassified is None else unclassified
    return Profiles(
        percent=pd.DataFrame(data, index=pd.Index(list(clades), name="clade_name", dtype=object), columns=samples),
        unclassified=pd.Series(given, index=samples, name="unclassified"),
        taxid=pd.Series(taxids, index=list(clades), name="taxid", dtype=object),
        index=index,
        origin=pd.Series(name, index=samples, name="file", dtype=object),
    )


def _lines(handle: Iterable[str]) -> Iterator[tuple[int, str, list[str]]]:
    """Yield line number, text and cells of the lines that are not blank."""
    for line, raw in enumerate(handle, start=1):
        text = raw.lstrip("\ufeff").rstrip("\r\n")
        if text.strip():
            # Some files of MetaPhlAn 3 mix blanks and tabs between header and rows.
            yield line, text, text.split("\t") if "\t" in text else text.split()


def _own_id(*, sample_id: str, path: Path | str) -> str:
    """Return the id a profile gives itself, or its file name where it has none or the tool's placeholder."""
    return sample_id if sample_id and sample_id not in PLACEHOLDER_IDS else id_from_file(path=path)


def _layout(*, header: list[str], sample_id: str, path: Path | str) -> _Layout:
    """Tell a per-sample profile from a merged table by its header."""
    lowered = [cell.lower() for cell in header]
    taxid = next((at for at, cell in enumerate(lowered) if cell in _TAXID), None)
    if "relative_abundance" in lowered:  # also the read-statistics shape, whose fourth column is a coverage
        return _Layout(
            [_own_id(sample_id=sample_id, path=path)], [lowered.index("relative_abundance")], taxid, None
        )  # fmt: skip
    columns = [at for at, cell in enumerate(lowered) if at > 0 and cell not in _NOT_SAMPLES]
    if not columns:
        raise GutaxisError(_not_metaphlan(path=path, line=None))
    return _Layout([header[at] for at in columns], columns, taxid, len(header))


def _numbers(*, cells: list[str], layout: _Layout, path: Path | str, line: int) -> np.ndarray:
    """Return the percentages of one row, or say which cell is none."""
    if len(cells) <= max(layout.columns) or (layout.width is not None and len(cells) > layout.width):
        wanted = layout.width or max(layout.columns) + 1
        raise GutaxisError(
            problem(
                code="L03", file=path, line=line, wrong=f"the row has {len(cells)} cells, the header {wanted}",
                allowed="As many cells in each row as in the header", mend="Was the table cut short or edited by hand",
            )
        )  # fmt: skip
    for sample, column in zip(layout.samples, layout.columns, strict=True):
        try:
            good = 0 <= float(cells[column]) < np.inf
        except ValueError:
            good = False
        if not good:
            raise GutaxisError(
                problem(
                    code="L04", file=path, line=line, column=sample, value=cells[column] or "(empty)",
                    wrong="the cell is no percentage", allowed="Numbers from 0 to 100; a clade not found is 0",
                    mend="Merge the profiles with merge_metaphlan_tables.py",
                )
            )  # fmt: skip
    return np.array([float(cells[column]) for column in layout.columns])


def _not_metaphlan(*, path: Path | str, line: int | None) -> object:
    """Return the finding about a file in another format."""
    return problem(
        code="L03", file=path, line=line, wrong="this is no MetaPhlAn profile or merged table",
        allowed="A header `clade_name` or `ID` and lineages such as k__Bacteria|p__Firmicutes",
        mend="For any other table use `source: table`; marker tables are not abundances",
    )  # fmt: skip


def find_tables(*, paths: Iterable[Path | str]) -> list[Path]:
    """Return the files named, and for a folder the tables in it, sorted by name; hidden and other files are left out.

    Raises
    ------
    GutaxisError
        L01 if a path does not exist or a folder holds no table.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        inside = sorted(p for p in path.iterdir() if _is_table(p)) if path.is_dir() else [path]
        if not inside or not path.exists():
            raise GutaxisError(
                problem(
                    code="L01", file=path, wrong="no table here: the path does not exist or the folder holds none",
                    allowed="A file, a list of files, or a folder of .txt, .tsv or .csv files (also .gz)",
                    mend="Correct `path` of the layer; paths are relative to where snakemake is run",
                )
            )  # fmt: skip
        found += inside
    return found


def _is_table(path: Path) -> bool:
    """Whether a file of a folder is taken for a table."""
    name = path.name.removesuffix(".gz")
    return path.is_file() and not name.startswith(".") and name.endswith((".txt", ".tsv", ".csv"))


def read_profiles(*, paths: Sequence[Path | str], sample_prefix: str = "", sample_suffix: str = "") -> Profiles:
    """Read any mix of profiles, merged tables and folders of them into one table.

    Parameters
    ----------
    paths
        Files or folders.
    sample_prefix, sample_suffix
        Taken off the sample names.

    Returns
    -------
    Profiles
        Clades in sorted order, samples in sorted order; a clade that a file does not list is 0 in its samples.

    Raises
    ------
    GutaxisError
        L02 a sample in two files, L05 profiles of different MetaPhlAn databases, and those of :func:`read_profile`.
    """
    tables = [
        read_profile(path=path, sample_prefix=sample_prefix, sample_suffix=sample_suffix)
        for path in find_tables(paths=paths)
    ]
    _refuse_mixed_index(tables=tables)
    origin = pd.concat([table.origin for table in tables])
    twice = sorted(origin.index[origin.index.duplicated()].unique())
    if twice:
        files = some(origin[twice[0]])
        raise GutaxisError(
            problem(
                code="L02", file=origin[twice[0]].iloc[0], value=twice[0],
                wrong=f"sample {twice[0]} is in more than one file: {files}", allowed="Each sample once",
                mend="Remove one of the files from `path`",
            )
        )  # fmt: skip
    percent = pd.concat([table.percent for table in tables], axis=1).fillna(0.0).sort_index().sort_index(axis=1)
    percent.index.name = "clade_name"
    taxid = pd.concat([table.taxid for table in tables])
    taxid = taxid[~taxid.index.duplicated()].reindex(percent.index)
    unclassified = pd.concat([table.unclassified for table in tables]).reindex(percent.columns)
    return Profiles(percent, unclassified, taxid, tables[0].index, origin.reindex(percent.columns))


def _refuse_mixed_index(*, tables: Sequence[Profiles]) -> None:
    """Raise if the profiles come from different databases: clade names change between them."""
    example = {table.index: table.origin.iloc[0] for table in reversed(tables)}
    if len(example) > 1:
        listed = "; ".join(f"{index} ({example[index]})" for index in sorted(example))
        raise GutaxisError(
            problem(
                code="L05", file=example[sorted(example)[1]],
                wrong=f"profiles of different MetaPhlAn databases: {listed}",
                allowed="One database version for all samples of a layer",
                mend="Profile all samples with one index; to a file without an index line add it as the first line",
            )
        )  # fmt: skip


def times_hundred(*, profiles: Profiles) -> Profiles:
    """Return profiles that were given as fractions in percent, so that one check of sums serves both."""
    return replace(profiles, percent=profiles.percent * 100.0, unclassified=profiles.unclassified * 100.0)

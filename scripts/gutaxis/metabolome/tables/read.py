"""Read a table of any known format into the canonical feature table; one or two of them are what is processed."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gutaxis.errors import GutaxisError
from gutaxis.files import write_tsv
from gutaxis.metabolome.feature_table import DONE, FeatureTable, join_modes, write_feature_table
from gutaxis.metabolome.tables.cells import problem
from gutaxis.metabolome.tables.found import Found, finish
from gutaxis.metabolome.tables.metaboanalyst import read_metaboanalyst
from gutaxis.metabolome.tables.metabolon import read_metabolon
from gutaxis.metabolome.tables.msdial import read_msdial
from gutaxis.metabolome.tables.mwtab import read_mwtab
from gutaxis.metabolome.tables.mzmine import read_mzmine
from gutaxis.metabolome.tables.mztab import read_mztab
from gutaxis.metabolome.tables.options import check_options
from gutaxis.metabolome.tables.plain import read_panel, read_plain
from gutaxis.metabolome.tables.progenesis import read_progenesis
from gutaxis.metabolome.tables.xcms import read_xcms

ADAPTERS: dict[str, Callable[..., Found]] = {
    "metabolon": read_metabolon,
    "mwtab": read_mwtab,
    "mztab": read_mztab,
    "xcms": read_xcms,
    "mzmine": read_mzmine,
    "msdial": read_msdial,
    "progenesis": read_progenesis,
    "metaboanalyst": read_metaboanalyst,
    "plain": read_plain,
    "panel": read_panel,
}
SUMMARY = (
    "file", "sha256", "format", "mode", "n_features", "n_samples", "n_missing", "n_zero", "n_below_limit", "unit",
    "targeted", "done", "notes",
)  # fmt: skip


def read_table(*, path: Path | str, format: str, **options: Any) -> FeatureTable:  # noqa: A002 (the config's own word)
    """Read a table of metabolites.

    Parameters
    ----------
    path
        The file.
    format
        One of :data:`gutaxis.metabolome.tables.options.FORMATS`.
    options
        Of :class:`gutaxis.metabolome.tables.options.Options`, as far as the format takes them.

    Returns
    -------
    FeatureTable
        Values as in the file (logarithms as log2), NaN = missing; zeros are kept. Retention times in seconds. ``done``
        says what the maker of the table did already.

    Raises
    ------
    GutaxisError
        M80 unreadable; M81 unknown format or option; M82 not of this format; M83 text, M84 a negative or infinite
        value; M85 a feature, M86 a sample twice; M87 two identical samples; M88 rows of different lengths; M89 empty;
        M90 what the file does not tell and the options have to; M91 another ionisation mode; M92 a panel without units;
        L09 an outcome.
    """
    return read_with_notes(path=path, format=format, **options)[0]


def read_with_notes(*, path: Path | str, format: str, **options: Any) -> tuple[FeatureTable, list[str]]:  # noqa: A002
    """Read a table as :func:`read_table`, and say in sentences what was understood and left out."""
    checked = check_options(table_format=format, given=options)
    return finish(found=ADAPTERS[format](path=Path(path), options=checked), options=checked)


def import_tables(
    *,
    sources: Sequence[Mapping[str, Any]],
    path_values: Path,
    path_state: Path,
    path_features: Path,
    path_summary: Path,
) -> None:
    """Read one table, or one of each ionisation mode, and write the feature table and a summary.

    Parameters
    ----------
    sources
        Each with ``path``, ``format`` and options; of two or more, each with its own ``mode``.
    path_values, path_state, path_features
        Of :func:`gutaxis.metabolome.feature_table.write_feature_table`.
    path_summary
        One row per source: :data:`SUMMARY`.

    Raises
    ------
    GutaxisError
        As :func:`read_table`; M93 tables that cannot be put together.
    """
    ordered = sorted(sources, key=lambda source: (str(source.get("mode") or ""), str(source["path"])))
    modes = [source.get("mode") for source in ordered]
    if len(ordered) > 1 and (None in modes or len(set(modes)) < len(modes)):
        raise _apart(ordered, "several tables are given, and not each has an ionisation mode of its own", "mode")
    tables, rows = [], []
    for source in ordered:
        table, notes = read_with_notes(**source)
        tables.append(table)
        rows.append(_summary(source, table, notes))
    first = tables[0]
    for name in ("unit", "targeted", "done"):
        if any(getattr(table, name) != getattr(first, name) for table in tables):
            raise _apart(ordered, f"the tables differ in `{name}`", name)
    joined = join_modes(tables=tables) if len(tables) > 1 else first
    write_feature_table(table=joined, path_values=path_values, path_state=path_state, path_features=path_features)
    write_tsv(pd.DataFrame(rows, columns=list(SUMMARY)), path_summary)


def _summary(source: Mapping[str, Any], table: FeatureTable, notes: Sequence[str]) -> dict[str, object]:
    path = Path(source["path"])
    below = table.features["n_below_limit"].sum() if "n_below_limit" in table.features else 0
    modes = sorted(table.features["mode"].dropna().unique()) if "mode" in table.features else []
    return {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "format": source["format"],
        "mode": ",".join(modes) or None,
        "n_features": table.values.shape[0],
        "n_samples": table.values.shape[1],
        "n_missing": int(table.values.isna().to_numpy().sum()),
        "n_zero": int((table.values == 0).to_numpy().sum()),
        "n_below_limit": int(below),
        "unit": table.unit,
        "targeted": table.targeted,
        "done": ",".join(word for word in DONE if word in table.done) or "nothing",
        "notes": ". ".join(notes) or None,
    }


def _apart(sources: Sequence[Mapping[str, Any]], wrong: str, column: str) -> GutaxisError:
    return GutaxisError(
        problem(
            code="M93", file=", ".join(Path(source["path"]).name for source in sources), column=column, wrong=wrong,
            allowed="Tables of the two ionisation modes, of the same unit, with the same things done to them",
            mend="Give each its `mode`; read the other alike, or process them as two layers",
        )
    )  # fmt: skip

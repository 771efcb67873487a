"""What publications report on a feature: looked up by name, shown beside results, never used to test or select them."""

import re
from collections.abc import Mapping, Sequence
from fnmatch import translate
from pathlib import Path

import pandas as pd

COLUMNS = ["layers", "pattern", "direction", "panel", "outcome", "setting", "citation", "doi", "note"]
#: What a higher level of the feature is reported to go with; context: both signs, or none.
DIRECTIONS = ("favourable", "unfavourable", "context")


def read_literature(*, path: Path | str) -> pd.DataFrame:
    """Return the panel with :data:`COLUMNS`, in the order of the file; NA is None.

    Parameters
    ----------
    path
        ``resources/literature.tsv`` or a table like it.

    Raises
    ------
    ValueError
        For other columns, or an unknown direction or panel.
    """
    table = pd.read_csv(path, sep="\t", comment="#", dtype=str, keep_default_na=False, na_values=["NA"])
    if list(table.columns) != COLUMNS:
        raise ValueError(f"{Path(path).name}: columns {', '.join(table.columns)}; expected {', '.join(COLUMNS)}")
    odd = sorted((set(table["direction"]) - set(DIRECTIONS)) | (set(table["panel"]) - {"Y", "N"}), key=str)
    if odd:
        raise ValueError(f"{Path(path).name}: direction or panel {odd}")
    return table.astype(object).where(table.notna(), None)


def plain_name(*, name: str) -> str:
    """Return a name as patterns see it: lower case, words apart by one space, nothing but letters and digits.

    ``Akkermansia_muciniphila`` and ``akkermansia muciniphila?`` become ``akkermansia muciniphila``.
    """
    return " ".join(re.findall(r"[^\W_]+", name.lower()))


def entries_for(
    *, literature: pd.DataFrame, layer: str, names: Mapping[str, Sequence[str | None]]
) -> dict[str, pd.DataFrame]:
    """Return the entries of features; a feature without any is not among the keys.

    Parameters
    ----------
    literature
        From :func:`read_literature`.
    layer
        Name of the layer.
    names
        Feature -> its names: the feature itself, its label. One that fits is enough.
    """
    plain = {
        feature: {plain_name(name=str(name)) for name in known if name is not None} for feature, known in names.items()
    }
    found: dict[str, list[int]] = {}
    for at, (layers, pattern) in enumerate(zip(literature["layers"], literature["pattern"], strict=True)):
        if not _pattern(str(layers)).fullmatch(layer.lower()):
            continue
        fits = _pattern(str(pattern))
        for feature, known in plain.items():
            if any(fits.fullmatch(name) for name in known):
                found.setdefault(feature, []).append(at)
    return {feature: literature.iloc[places] for feature, places in found.items()}


def _pattern(globs: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{translate(glob.strip())})" for glob in globs.split(";")))


def summary(*, entries: pd.DataFrame) -> dict[str, str | None]:
    """Return the entries of a feature in two cells.

    Parameters
    ----------
    entries
        From :func:`entries_for`.

    Returns
    -------
    dict
        ``literature_direction``: favourable, unfavourable, mixed, context, or None without an entry; ``literature``:
        direction, setting and citation of each entry that cites a publication.
    """
    cited = entries[entries["citation"].notna()]
    found = set(cited["direction"])
    signs = found - {"context"}
    direction = None if not found else "mixed" if len(signs) > 1 else next(iter(signs), "context")
    told = [
        f"{entry.direction}: {entry.outcome} ({entry.setting}); {entry.citation}"
        + (f", doi:{entry.doi}" if entry.doi else "")
        for entry in cited.itertuples()
    ]
    return {"literature_direction": direction, "literature": " | ".join(dict.fromkeys(told)) or None}

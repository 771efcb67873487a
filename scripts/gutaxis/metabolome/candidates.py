"""Candidates: which compounds a feature can be, by its m/z, by the name a table gave it, or by its MS2 spectrum.

Nothing is decided here and nothing is dropped: levels come from :mod:`gutaxis.metabolome.levels`.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from gutaxis.metabolome.masses import ADDUCTS, MODES, Adduct, ppm
from gutaxis.metabolome.panel import panel_ions

#: Where a candidate comes from: the mass alone, the name in the user's table, a library spectrum.
BY_MASS, BY_NAME, BY_SPECTRUM = "mass", "table", "library"
CANDIDATE_COLUMNS = [
    "feature", "name", "formula", "source", "adduct", "common", "expected_mz", "ppm", "adduct_agrees", "compared",
    "score", "matched", "in_house", "rt_standard", "rt_agrees",
]  # fmt: skip
_STEREO = re.compile(r"^(?:\(?[rs]\)?|dl|[dl]|\(\+/-\)|\([+-]\))-", re.IGNORECASE)


def mass_candidates(
    *, features: pd.DataFrame, panel: pd.DataFrame, tolerance: float, adducts: Sequence[Adduct] = ADDUCTS
) -> pd.DataFrame:
    """Return every compound and adduct within the mass tolerance of each feature.

    Parameters
    ----------
    features
        Index feature; mz, mode, and optionally ``charge`` (a known charge must fit), ``adduct`` and ``group`` (of the
        adduct grouping).
    panel
        Of :func:`gutaxis.metabolome.panel.read_panel`.
    tolerance
        In ppm of the expected m/z, both ways.
    adducts
        Ions that are looked for.

    Returns
    -------
    pandas.DataFrame
        :data:`CANDIDATE_COLUMNS`; ``adduct_agrees``: True or False where the adduct grouping found partners of the
        feature, else None: a feature without partners got its adduct by default.
    """
    agreed = _grouped_adducts(features)
    rows: list[dict[str, object]] = []
    for mode in MODES:
        ions = panel_ions(panel=panel, mode=mode, adducts=adducts)
        measured = features[(features["mode"] == mode) & features["mz"].notna()]
        mz = ions["mz"].to_numpy()
        first = np.searchsorted(mz, measured["mz"].to_numpy(float) / (1 + tolerance * 1e-6), side="left")
        last = np.searchsorted(mz, measured["mz"].to_numpy(float) / (1 - tolerance * 1e-6), side="right")
        charges = measured["charge"] if "charge" in measured else pd.Series(np.nan, index=measured.index)
        for (feature, value), low, high in zip(measured["mz"].items(), first, last, strict=True):
            size = charges[feature]
            for ion in ions.iloc[low:high].itertuples():
                if pd.isna(size) or size == 0 or abs(size) == abs(ion.charge):
                    found = agreed.get(feature)
                    rows.append({
                        "feature": feature, "name": ion.name, "formula": ion.formula, "source": BY_MASS,
                        "adduct": ion.adduct, "common": ion.common, "expected_mz": ion.mz,
                        "ppm": ppm(measured=value, expected=ion.mz),
                        "adduct_agrees": _agrees(found, ion.adduct),
                    })  # fmt: skip
    return pd.DataFrame(rows, columns=CANDIDATE_COLUMNS)


def name_candidates(*, features: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Return the panel compound that a table already names, by ChEBI id, InChIKey or name; others keep their name.

    Returns
    -------
    pandas.DataFrame
        :data:`CANDIDATE_COLUMNS`: one row per feature with a ``name``. Neither levels nor masses are touched.
    """
    if "name" not in features:
        return pd.DataFrame(columns=CANDIDATE_COLUMNS)
    keys = _panel_keys(panel)
    rows = []
    for feature, row in features[features["name"].notna()].iterrows():
        found = next((keys[key] for key in _identities(row) if key in keys), None)
        formula = panel.loc[found, "formula"] if found else row.get("formula")
        rows.append({"feature": feature, "name": found or str(row["name"]), "formula": formula, "source": BY_NAME})
    return pd.DataFrame(rows, columns=CANDIDATE_COLUMNS)


def spectrum_candidates(*, matches: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Return the compounds whose library spectra were compared with a feature's MS2 spectrum, each with its best score.

    Parameters
    ----------
    matches
        Of the spectral match: feature, compound, inchikey, formula, adduct, score, matched, in_house; one row per
        library spectrum that was compared, also of those that did not fit.
    panel
        Names of the panel are used for library compounds that are in it.

    Returns
    -------
    pandas.DataFrame
        :data:`CANDIDATE_COLUMNS`; a library compound without stereochemistry stands for every panel compound of its
        skeleton. ``in_house`` belongs to the best spectrum.
    """
    keys = _panel_keys(panel)
    blocks: dict[str, list[str]] = {}
    for name, inchikey in panel["inchikey"].dropna().items():
        blocks.setdefault(inchikey[:14], []).append(str(name))
    best: dict[tuple[str, str], dict[str, object]] = {}
    order = matches.sort_values(["feature", "score", "matched", "compound"], ascending=[True, False, False, True])
    for row in order.itertuples():
        names = _library_names(row.inchikey, row.compound, keys, blocks)
        for name in names:
            formula = panel.loc[name, "formula"] if name in panel.index else row.formula
            best.setdefault(
                (row.feature, name),
                {"feature": row.feature, "name": name, "formula": formula, "source": BY_SPECTRUM, "adduct": row.adduct,
                 "compared": True, "score": row.score, "matched": row.matched, "in_house": bool(row.in_house)},
            )  # fmt: skip
    return pd.DataFrame(best.values(), columns=CANDIDATE_COLUMNS)


def adduct_key(*, name: str) -> str:
    """Return one spelling per adduct: without blanks, its parts in order, ``M+Na;1+`` as ``[M+Na]+``."""
    text = name.replace(" ", "")
    if match := re.fullmatch(r"(\d*M[^;\[\]]*);(\d)([+-])", text):
        text = f"[{match[1]}]{match[2] if match[2] != '1' else ''}{match[3]}"
    head, _, tail = text.partition("]")
    core, *parts = re.findall(r"^\[\d*M|[+-][^+-]+", head) or [head]
    return "".join([core, *sorted(parts), "]", tail])


def name_key(*, name: str) -> str:
    """Return a spelling in which an acid and its salt, upper and lower case, with and without L- are the same."""
    text = _STEREO.sub("", name.strip().casefold())
    text = re.sub(r"ic acid\b", "ate", text)
    return re.sub(r"[\s_]+", " ", text)


def _grouped_adducts(features: pd.DataFrame) -> dict[str, str]:
    """Return the adduct of features that the grouping joined with at least one other ion of the same molecule."""
    if "adduct" not in features or "group" not in features:
        return {}
    members = features.groupby("group")["mz"].transform("size")
    known = features[features["adduct"].notna() & features["group"].notna() & (members > 1)]
    return {str(feature): adduct_key(name=str(name)) for feature, name in known["adduct"].items()}


def _agrees(found: str | None, adduct: str) -> bool | None:
    """Whether the grouping's adduct is the candidate's; a grouping knows no permanent cations and cannot deny them."""
    if found is None or adduct in ("[M]+", "[M]-"):
        return None
    return found == adduct_key(name=adduct)


def _panel_keys(panel: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return panel names by (kind, identity). A name that two compounds share names neither."""
    keys: dict[tuple[str, str], str] = {}
    shared: set[tuple[str, str]] = set()
    for row in panel.itertuples():
        for key in {*_keys(row.chebi, row.inchikey, row.Index), *_keys(None, None, row.chebi_name)}:
            if key in keys and keys[key] != row.Index:
                shared.add(key)
            keys[key] = str(row.Index)
    return {key: name for key, name in keys.items() if key not in shared}


def _identities(row: pd.Series) -> list[tuple[str, str]]:
    """Return what identifies a row of a table, the surest first."""
    given = [row.get(column) for column in ("chebi", "inchikey", "name")]
    return list(_keys(*[None if value is None or pd.isna(value) else str(value) for value in given]))


def _keys(chebi: str | None, inchikey: str | None, name: str | None) -> Iterator[tuple[str, str]]:
    if chebi:
        yield "chebi", chebi.upper().removeprefix("CHEBI:").strip().removesuffix(".0")
    if inchikey:
        yield "inchikey", inchikey.upper().strip()
    if name:
        yield "name", name_key(name=name)


def _library_names(
    inchikey: object, compound: object, keys: dict[tuple[str, str], str], blocks: dict[str, list[str]]
) -> list[str]:
    """Return the panel names of a library compound, else its own name."""
    if isinstance(inchikey, str) and len(inchikey) >= 14:
        exact = keys.get(("inchikey", inchikey.upper()))
        if exact:
            return [exact]
        # No stereochemistry in the key: the spectrum is of any stereoisomer.
        if inchikey[15:25] in ("", "UHFFFAOYSA") and inchikey[:14] in blocks:
            return blocks[inchikey[:14]]
        return [str(compound)]
    return [keys.get(("name", name_key(name=str(compound))), str(compound))]

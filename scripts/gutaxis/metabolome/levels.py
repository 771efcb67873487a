"""Identification levels: how much is known about each candidate, from 1 (proved) to 5 (a mass).

====== ================================================================================================================
level  what it takes
====== ================================================================================================================
1      MS2 spectrum and retention time of the lab's own reference standard, and no other candidate fits both
2      MS2 spectrum of a library, fitting this compound alone, after its isomers of the panel were compared too
3      tentative: the MS2 spectrum fits several compounds, or isomers were not in the library; or the retention time of
       the lab's own standard without MS2
4      formula: the adduct grouping found a second ion of the molecule, and all candidates that agree have one formula
5      a mass
====== ================================================================================================================

These are the levels of the Metabolomics Standards Initiative (Sumner 2007) in the five steps of Schymanski 2014, with
the stricter reading at each doubt. The mass with an adduct alone never gives more than 4. A candidate at whose time its
own standard did not come is contradicted: it stays listed, and names nothing. A retention time supports only ions that
are common or that the adduct grouping confirms: with rare ions too much agrees by chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from gutaxis.metabolome.candidates import BY_NAME, adduct_key

#: Evidence words, in the order in which they are written.
MZ, ADDUCT, RT, MS2, TABLE = "mz", "adduct", "rt", "ms2", "table"
#: Up to which rarity of an adduct (:class:`gutaxis.metabolome.masses.Adduct`) a retention time counts.
FREQUENT = 1


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How alike things must be.

    Parameters
    ----------
    ppm
        Largest error of the m/z, parts per million.
    rt_tolerance
        Largest distance from the retention time of a reference standard, seconds.
    min_score, min_matched
        Least cosine score and least number of common peaks of an MS2 match.
    score_margin
        Compounds whose scores are this close to the best fit alike.
    table_level
        Level of names in the user's table that states none; 5 = not known how they were found.
    """

    ppm: float = 5.0
    rt_tolerance: float = 10.0
    min_score: float = 0.7
    min_matched: int = 4
    score_margin: float = 0.05
    table_level: int = 5


def add_references(*, candidates: pd.DataFrame, features: pd.DataFrame, references: pd.DataFrame,
                   settings: Settings) -> pd.DataFrame:  # fmt: skip
    """Compare each candidate's retention time with the nearest reference of the same compound and mode.

    Parameters
    ----------
    candidates
        Rows of one or several features.
    features
        Index feature: mode, rt (seconds).
    references
        name, mode, rt, adduct (None = any ion).
    settings
        ``rt_tolerance``.

    Returns
    -------
    pandas.DataFrame
        The candidates with ``rt_standard`` (seconds) and ``rt_agrees``: True, False, or None without a reference.
    """
    known: dict[tuple[str, str], list[tuple[float, str | None]]] = {}
    for row in references.itertuples():
        adduct = None if pd.isna(row.adduct) else adduct_key(name=row.adduct)
        known.setdefault((row.name, row.mode), []).append((row.rt, adduct))
    times, agrees = [], []
    for row in candidates.itertuples():
        rt = features.at[row.feature, "rt"] if "rt" in features else None
        own = None if pd.isna(row.adduct) else adduct_key(name=row.adduct)
        all_times = known.get((row.name, features.at[row.feature, "mode"]), []) if pd.notna(rt) else []
        fitting = [time for time, adduct in all_times if adduct is None or own is None or adduct == own]
        nearest = min(fitting, key=lambda time: (abs(time - rt), time), default=None)
        times.append(nearest)
        agrees.append(None if nearest is None else abs(nearest - rt) <= settings.rt_tolerance)
    return candidates.assign(rt_standard=times, rt_agrees=pd.Series(agrees, index=candidates.index, dtype=object))


def grade(
    *, candidates: pd.DataFrame, isomers: Mapping[str, Sequence[str]], given_level: float | None, settings: Settings
) -> pd.DataFrame:
    """Give each candidate of one feature its level and its evidence.

    Parameters
    ----------
    candidates
        Merged rows of one feature: at most one per name and adduct.
    isomers
        Isomers of each compound; those of the panel must have been compared before MS2 proves anything.
    given_level
        Level that the user's table states for this feature, or None.
    settings
        Thresholds.

    Returns
    -------
    pandas.DataFrame
        The candidates with ``level`` (int), ``evidence`` (words of what supports it, joined by ``+``) and
        ``contradicted``.
    """
    rows = candidates.to_dict("records")
    contradicted = {row["name"] for row in rows if row["rt_agrees"] is False}
    contradicted -= {row["name"] for row in rows if row["rt_agrees"] is True}
    alike = _alike(rows, contradicted, settings)
    compared = {row["name"] for row in rows if row["compared"] is True}
    formulas = {row["formula"] for row in rows if row["adduct_agrees"] is True and row["name"] not in contradicted}
    levels, evidence = [], []
    for row in rows:
        name = row["name"]
        unseen = [other for other in isomers.get(name, []) if other in isomers and other not in compared | contradicted]
        level = 5
        if name not in contradicted:
            if row["adduct_agrees"] is True and len(formulas) == 1:
                level = 4
            if row["rt_agrees"] is True and _plausible(row):
                level = min(level, 3)
            if name in alike:
                level = min(level, _spectrum_level(row, alone=alike == {name}, unseen=bool(unseen)))
            if row["source"] == BY_NAME:
                level = min(level, settings.table_level if given_level is None else int(given_level))
        levels.append(level)
        evidence.append(_evidence(row, name in alike))
    flags = [name in contradicted for name in candidates["name"]]
    return candidates.assign(level=levels, evidence=evidence, contradicted=flags)


def _spectrum_level(row: Mapping[str, object], *, alone: bool, unseen: bool) -> int:
    """Return the level that an MS2 match gives: 1 needs the lab's own spectrum and time."""
    if not alone:
        return 3
    if row["in_house"] is True and row["rt_agrees"] is True:
        return 1
    return 3 if unseen else 2


def _plausible(row: Mapping[str, object]) -> bool:
    """Whether an ion is common enough for a retention time to mean something."""
    if row["adduct_agrees"] is not None and not pd.isna(row["adduct_agrees"]):
        return bool(row["adduct_agrees"])
    return bool(row["common"] <= FREQUENT)


def _alike(rows: Sequence[Mapping[str, object]], contradicted: set[str], settings: Settings) -> set[str]:
    """Return the compounds whose spectra fit, within the margin of the best; contradicted ones do not count."""
    fitting = {
        row["name"]: float(row["score"])
        for row in rows
        if row["compared"] is True
        and row["name"] not in contradicted
        and row["score"] >= settings.min_score
        and row["matched"] >= settings.min_matched
    }
    best = max(fitting.values(), default=0.0)
    return {name for name, score in fitting.items() if score >= best - settings.score_margin}


def _evidence(row: Mapping[str, object], fits: bool) -> str:
    words = {
        MZ: pd.notna(row["ppm"]),
        ADDUCT: row["adduct_agrees"] is True,
        RT: row["rt_agrees"] is True,
        MS2: fits,
        TABLE: row["source"] == BY_NAME,
    }
    return "+".join(word for word, holds in words.items() if holds)

"""Annotation: a name, a level from 1 to 5 and all candidates for each feature; isomers are listed, never hidden."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import write_tsv
from gutaxis.metabolome.candidates import (
    BY_MASS,
    BY_NAME,
    BY_SPECTRUM,
    CANDIDATE_COLUMNS,
    adduct_key,
    mass_candidates,
    name_candidates,
    spectrum_candidates,
)
from gutaxis.metabolome.coverage import panel_coverage
from gutaxis.metabolome.levels import MS2, Settings, add_references, grade
from gutaxis.metabolome.masses import ADDUCTS, MODES, Adduct
from gutaxis.metabolome.panel import isomers, read_panel, read_references
from gutaxis.metabolome.reading import read_commented

ANNOTATION_COLUMNS = [
    "label", "compound", "level", "names", "formula", "chebi", "inchikey", "class", "adduct", "ppm", "evidence",
    "isomers", "alternatives", "n_candidates", "note", "mode", "mz", "rt",
]  # fmt: skip
#: Source before source where the levels are equal: a mass has many names.
RANK = {BY_NAME: 0, BY_SPECTRUM: 0, BY_MASS: 1}
#: A mark at names that stand on a mass: nobody has seen that compound there.
UNPROVED = "?"
NO_REFERENCES = pd.DataFrame(columns=["name", "mode", "rt", "adduct"])
NO_MATCHES = pd.DataFrame(
    columns=["feature", "compound", "inchikey", "formula", "adduct", "score", "matched", "in_house"]
)


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """What the annotation gives.

    Parameters
    ----------
    annotations
        Index feature, in the order of the features: :data:`ANNOTATION_COLUMNS`; every feature has a row and a level.
    candidates
        All candidates of all features, the likeliest first, with level, evidence and whether they are contradicted.
    coverage
        One row per compound of the panel: found how, or not found, or not assayed.
    """

    annotations: pd.DataFrame
    candidates: pd.DataFrame
    coverage: pd.DataFrame


def annotate(
    *, features: pd.DataFrame, panel: pd.DataFrame, settings: Settings, references: pd.DataFrame = NO_REFERENCES,
    matches: pd.DataFrame = NO_MATCHES, adducts: Sequence[Adduct] = ADDUCTS,
) -> Annotation:  # fmt: skip
    """Name features by mass, adduct group, retention time of reference standards, MS2, and the names a table has.

    Parameters
    ----------
    features
        Index feature. Used as far as given: mz, mode, rt (seconds), charge, adduct, group; name, chebi, inchikey,
        formula, level (of a table that names its features).
    panel
        Of :func:`gutaxis.metabolome.panel.read_panel`.
    settings
        Tolerances and thresholds.
    references
        Of :func:`gutaxis.metabolome.panel.read_references`.
    matches
        Of the spectral match (:mod:`gutaxis.metabolome.spectral_match`).
    adducts
        Ions that are looked for.

    Returns
    -------
    Annotation

    Raises
    ------
    GutaxisError
        M65: a feature with an m/z has no ionisation mode, or a level in the table is not 1 to 5.
    """
    features = _complete(features)
    known = isomers(panel=panel)
    merged = _merge(
        by_mass=mass_candidates(features=features, panel=panel, tolerance=settings.ppm, adducts=adducts),
        by_name=name_candidates(features=features, panel=panel),
        by_spectrum=spectrum_candidates(matches=matches[matches["feature"].isin(features.index)], panel=panel),
    )
    merged = add_references(candidates=merged, features=features, references=references, settings=settings)
    graded = []
    for feature, rows in merged.groupby("feature", sort=False):
        given = features.at[feature, "level"]
        level = None if pd.isna(given) else float(given)
        graded.append(grade(candidates=rows, isomers=known, given_level=level, settings=settings))
    extra = ["level", "evidence", "contradicted"]
    candidates = pd.concat(graded) if graded else pd.DataFrame(columns=[*CANDIDATE_COLUMNS, *extra])
    candidates = _ordered(candidates, features)
    by_feature = dict(iter(candidates.groupby("feature", sort=False)))
    rows = [_name(features.loc[feature], by_feature.get(feature), panel, known) for feature in features.index]
    annotations = pd.DataFrame(rows, index=features.index, columns=ANNOTATION_COLUMNS)
    return Annotation(
        annotations=annotations,
        candidates=candidates.assign(isomers=[";".join(known.get(name, [])) or None for name in candidates["name"]]),
        coverage=panel_coverage(annotations=annotations, candidates=candidates, panel=panel),
    )


def annotate_files(
    *, path_features: Path, panels: Sequence[Path], references: Path | None, matches: Sequence[Path],
    settings: Settings, path_annotations: Path, path_candidates: Path, path_coverage: Path,
    adducts: Sequence[Adduct] = ADDUCTS,
) -> None:  # fmt: skip
    """Annotate the features file of a feature table; write annotations, candidates and the coverage of the panel."""
    panel = read_panel(paths=panels)
    result = annotate(
        features=read_commented(path=path_features).set_index("feature"),
        panel=panel,
        settings=settings,
        references=NO_REFERENCES if references is None else read_references(path=references, panel=panel),
        matches=pd.concat([read_commented(path=path) for path in matches]) if matches else NO_MATCHES,
        adducts=adducts,
    )
    write_tsv(result.annotations, path_annotations, index=True)
    write_tsv(result.candidates, path_candidates)
    write_tsv(result.coverage, path_coverage)


def _complete(features: pd.DataFrame) -> pd.DataFrame:
    """Return the features with all columns that are read here; refuse what cannot be read."""
    features = features.copy()
    features.index.name = "feature"
    for column in ("mz", "rt", "mode", "level"):
        if column not in features:
            features[column] = None if column == "mode" else float("nan")
    wrong = features["mz"].notna() & ~features["mode"].isin(MODES)
    levels = features["level"].notna() & ~features["level"].isin(range(1, 6))
    for bad, column, allowed in ((wrong, "mode", "positive or negative"), (levels, "level", "1 to 5, or NA")):
        if bad.any():
            feature = features.index[bad][0]
            raise GutaxisError(
                Problem(
                    code="M65", file="features", line=None, column=column, value=str(features.at[feature, column]),
                    wrong=f"Feature {feature} cannot be annotated with this {column}", allowed=f"It is {allowed}",
                    mend="Correct the table of features",
                )
            )  # fmt: skip
    return features


def _merge(*, by_mass: pd.DataFrame, by_name: pd.DataFrame, by_spectrum: pd.DataFrame) -> pd.DataFrame:
    """Join the three kinds of candidates: what a table or a spectrum names is added to the ion of that compound."""
    rows = by_mass.astype(object).where(by_mass.notna(), None).to_dict("records")
    places: dict[tuple[str, str], list[dict[str, object]]] = {}
    for row in rows:
        places.setdefault((row["feature"], row["name"]), []).append(row)
    for record in [*by_spectrum.astype(object).to_dict("records"), *by_name.astype(object).to_dict("records")]:
        row = {key: None if pd.isna(value) else value for key, value in record.items()}
        there = places.get((row["feature"], row["name"]))
        if not there:
            rows.append(row)
            places[row["feature"], row["name"]] = [row]
            continue
        target = min(there, key=lambda found, new=row: _distance(found, new))
        for key in ("compared", "score", "matched", "in_house"):
            target[key] = row[key] if row[key] is not None else target[key]
        # A table's name with an m/z that fits it is still the table's statement.
        target["source"] = BY_NAME if row["source"] == BY_NAME else target["source"]
    return pd.DataFrame(rows, columns=CANDIDATE_COLUMNS).astype(
        {"ppm": float, "expected_mz": float, "score": float, "matched": float, "common": float}
    )


def _distance(found: dict[str, object], new: dict[str, object]) -> tuple[bool, float, float]:
    """Return how far an ion is from what a spectrum or table says: another adduct, a rarer one, a larger error."""
    stated = new["adduct"]
    other = stated is not None and found["adduct"] is not None and adduct_key(name=stated) != adduct_key(
        name=found["adduct"]
    )  # fmt: skip
    return other, found["common"] or 0, abs(found["ppm"] or 0)


def _ordered(candidates: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """Sort by feature, then the likeliest first."""
    if candidates.empty:
        return candidates
    place = {feature: number for number, feature in enumerate(features.index)}
    keys = pd.DataFrame(
        {
            "feature": candidates["feature"].map(place),
            "contradicted": candidates["contradicted"],
            "level": candidates["level"],
            "source": candidates["source"].map(RANK),
            "agrees": candidates["adduct_agrees"].map({True: 0, False: 2}).fillna(1),
            "score": -candidates["score"].where(candidates["evidence"].str.contains(MS2)).fillna(0),
            "common": candidates["common"].fillna(0),
            "ppm": candidates["ppm"].abs().fillna(0),
            "name": candidates["name"],
        }
    )
    return candidates.loc[keys.sort_values(list(keys.columns)).index].reset_index(drop=True)


def _name(
    feature: pd.Series, rows: pd.DataFrame | None, panel: pd.DataFrame, known: dict[str, list[str]]
) -> dict[str, object]:
    """Return one row of the annotations; what is left out is None."""
    count = 0 if rows is None else rows["name"].nunique()
    place = {"mode": feature["mode"], "mz": feature["mz"], "rt": feature["rt"], "n_candidates": count}
    usable = rows[~rows["contradicted"]] if rows is not None else None
    if usable is None or usable.empty:
        note = "the retention time contradicts every candidate" if count else None
        return {**place, "label": _unknown(feature), "level": 5, "note": note}
    first = usable.iloc[0]
    tier = _tier(usable, first)
    names = list(dict.fromkeys(usable.loc[tier, "name"]))
    denied = set(rows.loc[rows["contradicted"], "name"])
    others = [other for name in names for other in known.get(name, []) if other not in denied.union(names)]
    less = usable[~usable["name"].isin([*names, *others])]
    ions = less["adduct"].fillna("")
    alternatives = [f"{name} {ion}".strip() for name, ion in zip(less["name"], ions, strict=True)]
    mark = UNPROVED if first["level"] > 3 and first["source"] == BY_MASS else ""
    in_panel = all(name in panel.index for name in names)
    return {
        **place,
        "label": " / ".join(names) + mark,
        "compound": names[0] if len(names) == 1 else None,
        "level": int(first["level"]),
        "names": ";".join(names),
        "formula": _joined(usable.loc[tier, "formula"]),
        **{column: _joined(panel.loc[names, column]) for column in ("chebi", "inchikey", "class") if in_panel},
        **{column: first[column] for column in ("adduct", "ppm", "evidence")},
        "isomers": _joined(pd.Series(others, dtype=object)),
        "alternatives": _joined(pd.Series(alternatives, dtype=object)),
        "note": _note(feature, first, panel),
    }


def _tier(usable: pd.DataFrame, first: pd.Series) -> pd.Series:
    """Return which candidates are as likely as the first; of masses, only those by an ion as common as its own."""
    tier = usable["level"] == first["level"]
    if first["level"] > 3:
        tier &= usable["source"].map(RANK) == RANK[first["source"]]
        agrees = usable["adduct_agrees"].eq(True)
        tier &= agrees == agrees.iloc[0]
        tier &= usable["common"].fillna(-1) == (-1 if pd.isna(first["common"]) else first["common"])
    return tier


def _joined(values: pd.Series) -> str | None:
    return ";".join(dict.fromkeys(values.dropna())) or None


def _note(feature: pd.Series, first: pd.Series, panel: pd.DataFrame) -> str | None:
    """Return a sentence where the table's name and the measured mass do not go together."""
    unlike = first["source"] == BY_NAME and pd.notna(feature["mz"]) and pd.isna(first["ppm"])
    if unlike and first["name"] in panel.index:
        return "the m/z fits no usual ion of the compound that the table names"
    return None


def _unknown(feature: pd.Series) -> str:
    """Return a label that says what is known of a feature without a name."""
    if pd.isna(feature["mz"]):
        return "unknown"
    time = "" if pd.isna(feature["rt"]) else f" at {feature['rt']:.0f} s"
    return f"unknown m/z {feature['mz']:.4f}{time}"

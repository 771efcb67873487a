"""Pathways of metabolites: Reactome by ChEBI id, and which features measure which compound of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gutaxis.metabolome.panel import table_rows

#: Adducts that stand for a compound before others do.
MAIN_ADDUCTS = ("[M+H]+", "[M-H]-", "[M]+")


@dataclass(frozen=True, kw_only=True)
class Pathways:
    """Reactome's compounds.

    Parameters
    ----------
    names
        Pathway id -> name.
    members
        Pathway id -> ChEBI ids (numbers as text) as Reactome writes them.
    forms
        Any ChEBI id -> the ids under which Reactome has that compound: another charge state or tautomer (Reactome has
        the zwitterion where a panel has the acid), a secondary id, or the compound without its stereochemistry. Ids
        that are not here and in no pathway are compounds that Reactome does not know.
    """

    names: Mapping[str, str]
    members: Mapping[str, frozenset[str]]
    forms: Mapping[str, frozenset[str]]

    def compound(self, *, chebi: str) -> frozenset[str]:
        """Return the ids under which Reactome may have a compound; itself if nothing else is known."""
        number = chebi.upper().removeprefix("CHEBI:").strip()
        return self.forms.get(number, frozenset([number]))


def read_pathways(*, path: Path, forms: Path) -> Pathways:
    """Read ``resources/metabolites/chebi_reactome.tsv.gz`` and ``chebi_forms.tsv.gz``.

    Raises
    ------
    GutaxisError
        M67: a column is missing.
    """
    names, members = {}, {}
    for _, row in table_rows(path=path, required=("pathway", "name", "chebi"), code="M67"):
        pathway = str(row["pathway"])
        names[pathway], members[pathway] = row["name"] or pathway, frozenset((row["chebi"] or "").split(";")) - {""}
    same = {
        str(row["chebi"]): frozenset((row["reactome"] or "").split(";"))
        for _, row in table_rows(path=forms, required=("chebi", "reactome"), code="M67")
    }
    return Pathways(names=names, members=members, forms=same)


def measured_compounds(*, annotations: pd.DataFrame, pathways: Pathways, max_level: int) -> pd.DataFrame:
    """Return the compounds that were measured: the background of an enrichment, one feature for each.

    Parameters
    ----------
    annotations
        Index feature; chebi (several joined by ``;``), level, adduct, ppm.
    pathways
        Of :func:`read_pathways`.
    max_level
        Features identified worse are left out.

    Returns
    -------
    pandas.DataFrame
        Index feature: ``compound`` (its ids, joined), ``pathways`` (frozenset; empty if Reactome does not know it).

    Notes
    -----
    A feature that can be one of several compounds is in the pathways that all of them share: whichever it is, it is
    there. Ions and modes of one compound count once; which feature stands for it is chosen by level, adduct, mass error
    and id, never by a test result.
    """
    known = annotations[annotations["chebi"].notna() & (annotations["level"] <= max_level)].copy()
    ids = [text.split(";") for text in known["chebi"].astype(str)]
    of: dict[str, set[str]] = {}
    for pathway, members in pathways.members.items():
        for member in members:
            of.setdefault(member, set()).add(pathway)
    known["compound"] = [_key(pathways, group) for group in ids]
    known["pathways"] = [frozenset.intersection(*[_of(pathways, of, chebi) for chebi in group]) for group in ids]
    order = pd.DataFrame(
        {
            "compound": known["compound"],
            "level": known["level"],
            "adduct": [adduct not in MAIN_ADDUCTS for adduct in known["adduct"]],
            "ppm": known["ppm"].abs().fillna(float("inf")),
            "feature": known.index,
        }
    ).reset_index(drop=True)
    first = order.sort_values(["compound", "level", "adduct", "ppm", "feature"]).drop_duplicates("compound")
    return known.loc[sorted(first["feature"]), ["compound", "pathways"]]


def _key(pathways: Pathways, group: list[str]) -> str:
    """Return the same text for the same compounds, whatever their charge state."""
    return ";".join(sorted({"+".join(sorted(pathways.compound(chebi=chebi))) for chebi in group}))


def _of(pathways: Pathways, of: Mapping[str, set[str]], chebi: str) -> frozenset[str]:
    """Return the pathways of a compound under any of its ids."""
    return frozenset().union(*[of.get(number, set()) for number in pathways.compound(chebi=chebi)])

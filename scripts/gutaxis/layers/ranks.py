"""One rank of MetaPhlAn profiles as fractions, with the lineage of each feature and a check of every sample's sum."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.layers.metaphlan import Profiles
from gutaxis.layers.names import problem, some

LEVELS = {
    "k": "kingdom", "p": "phylum", "c": "class", "o": "order", "f": "family", "g": "genus", "s": "species", "t": "sgb",
}  # fmt: skip
RANKS = {"species": "s", "sgb": "t"}
TOLERANCE = 1.0  # percentage points: profiles are printed with five digits, sums of 2,000 species stay far inside


@dataclass(frozen=True)
class Taxa:
    """Relative abundance at one rank.

    Parameters
    ----------
    values
        Samples x features, fraction 0-1.
    var
        Per feature: kingdom, phylum, class, order, family, genus, species, sgb, taxid, label, lineage.
    unclassified
        Fraction without a clade per sample; NaN where the table does not say.
    denominator
        ``all reads`` (taxa and unclassified sum to 1) or ``classified reads`` (taxa alone do).
    empty
        Samples in which no taxon was found although the profile is complete; they are not in ``values``.
    """

    values: pd.DataFrame
    var: pd.DataFrame
    unclassified: pd.Series
    denominator: str
    empty: list[str]


def lineage_table(*, clades: Sequence[str]) -> pd.DataFrame:
    """Split lineages such as ``k__Bacteria|p__Firmicutes`` into one column per level.

    Parameters
    ----------
    clades
        Full lineages.

    Returns
    -------
    pandas.DataFrame
        Indexed by lineage; columns kingdom ... sgb without the ``x__`` marks, empty where the lineage stops;
        ``depth`` is the letter of the deepest level, empty if the name is no lineage.
    """
    rows = []
    for clade in clades:
        parts = [part.partition("__") for part in clade.split("|")]
        known = {letter: name for letter, mark, name in parts if mark and letter in LEVELS}
        row = {LEVELS[letter]: known.get(letter, "") for letter in LEVELS}
        rows.append(row | {"depth": parts[-1][0] if parts[-1][0] in LEVELS and parts[-1][1] else ""})
    return pd.DataFrame(rows, index=pd.Index(clades, dtype=object), columns=[*LEVELS.values(), "depth"])


def taxa_of_rank(*, profiles: Profiles, rank: str, samples: Sequence[str] | None = None) -> Taxa:
    """Take one rank out of profiles, check the sums and turn percent into fractions.

    The taxa of a sample sum to 100 %, alone or together with its UNCLASSIFIED row, within 1 percentage point; ranks
    between kingdom and species need not (some lineages skip them), so only the rank in use is checked.

    Parameters
    ----------
    profiles
        From :func:`gutaxis.layers.metaphlan.read_profiles`.
    rank
        ``species`` or ``sgb``.
    samples
        Samples in use; others are neither checked nor returned. All by default.

    Returns
    -------
    Taxa
        Features named without their mark (``Akkermansia_muciniphila``, ``SGB9226``).

    Raises
    ------
    GutaxisError
        L06 no clade of this rank, L02 one name under two lineages, L07 sums, L08 samples with and without
        unclassified estimation.
    """
    if rank not in RANKS:
        raise GutaxisError(f"L06 rank={rank}: unknown rank. Allowed: {', '.join(RANKS)}. Correct `rank` of the layer.")
    chosen = list(profiles.percent.columns) if samples is None else list(samples)
    lineages = lineage_table(clades=list(profiles.percent.index))
    lineages = lineages[lineages["depth"] == RANKS[rank]]
    file = profiles.origin.iloc[0]
    no_taxa = profiles.percent.empty  # profiles with an UNCLASSIFIED row and nothing else
    if lineages.empty and not no_taxa:
        raise GutaxisError(_no_rank(profiles=profiles, rank=rank, file=file))
    names = lineages[rank]
    if rank == "sgb" and not no_taxa and not names.str.match(r"(SGB|EUK|VDB)").any():
        raise GutaxisError(_no_rank(profiles=profiles, rank=rank, file=file))
    twice = sorted(names[names.duplicated()].unique())
    if twice:
        raise GutaxisError(
            problem(
                code="L02", file=file, value=twice[0],
                wrong=f"one {rank} under two lineages: {some(names.index[names == twice[0]])}",
                allowed="Each name once", mend="Profile all samples with the same MetaPhlAn database",
            )
        )  # fmt: skip
    percent = profiles.percent.loc[lineages.index, chosen]
    unclassified = profiles.unclassified.loc[chosen]
    empty, denominator = _check_sums(profiles=profiles, percent=percent, unclassified=unclassified)
    kept = [sample for sample in chosen if sample not in set(empty)]
    values = (percent[kept] / 100.0).T
    values.columns = pd.Index(names.to_numpy(dtype=object), name="feature")
    values.index.name = "sample_id"
    return Taxa(
        values=values.sort_index(axis=1),
        var=_var(lineages=lineages, rank=rank, taxid=profiles.taxid).sort_index(),
        unclassified=(unclassified[kept] / 100.0).rename("unclassified"),
        denominator=denominator,
        empty=empty,
    )


def _var(*, lineages: pd.DataFrame, rank: str, taxid: pd.Series) -> pd.DataFrame:
    """Return the feature table: levels, taxid, a readable label, the full lineage."""
    var = lineages.drop(columns="depth").copy()
    if rank == "species":
        var = var.drop(columns="sgb")
    var["taxid"] = taxid.reindex(lineages.index).fillna("").to_numpy(dtype=object)
    label = lineages["species"].str.replace("_", " ")
    var["label"] = label if rank == "species" else label + " (" + lineages["sgb"] + ")"
    var["lineage"] = lineages.index.to_numpy(dtype=object)
    var.index = pd.Index(lineages[rank].to_numpy(dtype=object), name="feature")
    return var


def _no_rank(*, profiles: Profiles, rank: str, file: str) -> Problem:
    """Return the finding about a table that does not hold the rank."""
    return problem(
        code="L06", file=file, value=rank,
        wrong=f"the table holds no clade of rank {rank}; its first rows are {some(profiles.percent.index, most=3)}",
        allowed="Lineages down to s__ (species) or t__SGB (sgb, MetaPhlAn 4 only)",
        mend="Choose the other `rank`, or for bare species names use `source: table`",
    )  # fmt: skip


def _check_sums(*, profiles: Profiles, percent: pd.DataFrame, unclassified: pd.Series) -> tuple[list[str], str]:
    """Return the samples without any taxon and what the percentages are of; raise if a sum is wrong."""
    problems: list[Problem] = []
    empty: list[str] = []
    of_all: list[str] = []
    of_classified: list[str] = []
    for sample in percent.columns:
        taxa, rest = float(percent[sample].sum()), float(unclassified[sample])
        # NaN (no such row) compares false: the taxa then have to sum to 100 alone.
        fits_all, fits_classified = abs(taxa + rest - 100) <= TOLERANCE, abs(taxa - 100) <= TOLERANCE
        if taxa == 0 and fits_all:
            empty.append(sample)
        elif fits_all and not fits_classified:
            of_all.append(sample)
        elif fits_classified and not fits_all:
            of_classified.append(sample)
        elif not fits_all:
            problems.append(_wrong_sum(profiles=profiles, sample=sample, taxa=taxa, rest=rest))
        # else next to nothing is unclassified: either reading holds
    if problems:
        raise GutaxisError(problems)
    if of_all and of_classified:
        raise GutaxisError(
            problem(
                code="L08", file=profiles.origin[of_classified[0]], value=of_classified[0],
                wrong=f"taxa are fractions of all reads in {some(of_all, most=3)} but of the classified reads in "
                f"{some(of_classified, most=3)}",
                allowed="One denominator for all samples of a layer",
                mend="Profile all samples with, or all without, the estimation of unclassified reads",
            )
        )  # fmt: skip
    return empty, "classified reads" if of_classified else "all reads"


def _wrong_sum(*, profiles: Profiles, sample: str, taxa: float, rest: float) -> Problem:
    """Say what a wrong sum most likely means."""
    top = profiles.percent[sample][[("|" not in str(clade)) for clade in profiles.percent.index]].sum()
    total = taxa + (0.0 if np.isnan(rest) else rest)
    if taxa > 0 and abs(total - 1) <= 0.02:
        hint, mend = "these look like fractions", "Set `unit: fraction` for this layer"
    elif total > 100 + TOLERANCE:
        hint = "more than one rank is counted, or rows were added"
        mend = "Give the table as MetaPhlAn wrote it, each clade once with its full lineage"
    elif taxa == 0 and abs(top - 100) <= TOLERANCE:
        hint, mend = "the profile has no row of this rank", "Profile with `--tax_lev a`, or choose the other `rank`"
    else:
        hint = "a near-empty or cut profile, or rows were filtered out"
        mend = f"Profile {sample} again, or mark it qc FAIL in samples.tsv"
    return problem(
        code="L07", file=profiles.origin[sample], column=sample, value=f"{total:.4g}",
        wrong=f"the taxa of sample {sample} sum to {taxa:.4g} %"
        + ("" if np.isnan(rest) else f", with unclassified {total:.4g} %") + f": {hint}",
        allowed="100 % within 1 point at the rank in use", mend=mend,
    )  # fmt: skip

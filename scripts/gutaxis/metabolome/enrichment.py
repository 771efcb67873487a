"""Pathway enrichment of metabolites against what was measured: Fisher over-representation and a rank test.

Both tests are exploratory: compounds of one pathway rise and fall together, so their p values are too small where they
are small, as those of every test that shuffles compounds and not patients.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from gutaxis.files import write_tsv
from gutaxis.metabolome.pathways import Pathways, measured_compounds, read_pathways
from gutaxis.metabolome.reading import read_commented
from gutaxis.stats.results import adjust

ORA, RANKS = "fisher_ora", "rank_sum"
COLUMNS = [
    "layer", "contrast", "method", "pathway", "name", "n_background", "n_pathway", "n_hits", "n_hits_pathway",
    "estimate", "p", "q", "members", "same_members", "reason",
]  # fmt: skip
#: Up to this many steps the rank distribution is counted out; beyond, the normal approximation is close.
EXACT_STEPS = 20_000_000


@dataclass(frozen=True, kw_only=True)
class EnrichmentSettings:
    """What is tested.

    Parameters
    ----------
    max_level
        Worst identification level of a feature that counts as measured.
    min_size
        Least number of measured compounds of a pathway.
    hit_q
        Features with q up to this are the hits of the over-representation.
    """

    max_level: int = 5
    min_size: int = 3
    hit_q: float = 0.1


def enrich(
    *, results: pd.DataFrame, annotations: pd.DataFrame, pathways: Pathways, settings: EnrichmentSettings
) -> pd.DataFrame:
    """Test every pathway with both tests.

    Parameters
    ----------
    results
        Result rows of one layer and contrast: layer, contrast, feature, statistic, q.
    annotations
        Of :func:`gutaxis.metabolome.annotate.annotate`; index feature.
    pathways
        Of :func:`gutaxis.metabolome.pathways.read_pathways`.
    settings
        Thresholds.

    Returns
    -------
    pandas.DataFrame
        :data:`COLUMNS`, by method, then p. ``estimate`` is the odds ratio (over-representation; conditional on nothing,
        0.5 added to each cell where one is empty) or the chance that a compound of the pathway has a higher statistic
        than another compound (rank test; 0.5 = no difference). Pathways whose measured members are the same are one
        test, named after the smallest of them; ``same_members`` names the others. ``reason`` says why a test has no p.

    Notes
    -----
    The background is the measured, identified and tested compounds that Reactome knows in any pathway, not the
    database: what could not have been a hit must not count as a miss.
    """
    results = results[results["statistic"].notna()]
    tested = annotations.loc[annotations.index.intersection(results["feature"], sort=False)]
    compounds = measured_compounds(annotations=tested, pathways=pathways, max_level=settings.max_level)
    background = compounds[compounds["pathways"].map(len) > 0]
    own = results.set_index("feature").loc[background.index]
    sets = _sets(background, pathways, settings.min_size)
    rows = []
    hit = (own["q"] <= settings.hit_q).to_numpy(bool)
    statistic = own["statistic"].to_numpy(float)
    layer, contrast = _single(results, "layer"), _single(results, "contrast")
    for inside, pathway, same in sets:
        shared = {
            "layer": layer, "contrast": contrast, "pathway": pathway, "name": pathways.names[pathway],
            "n_background": len(background), "n_pathway": int(inside.sum()),
            "members": ";".join(background.index[inside]), "same_members": ";".join(same) or None,
        }  # fmt: skip
        both = int((hit & inside).sum())
        counts = (both, int(inside.sum()), int(hit.sum()), len(background))
        none = None if hit.any() else "no hits"
        rows.append({
            **shared, "method": ORA, "n_hits": int(hit.sum()), "n_hits_pathway": both,
            "estimate": np.nan if none else odds_ratio(counts=counts),
            "p": np.nan if none else over_representation(counts=counts), "reason": none,
        })  # fmt: skip
        chance, p = rank_sum(values=statistic, inside=inside)
        rows.append({**shared, "method": RANKS, "estimate": chance, "p": p})
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"p": float, "estimate": float})
    for method in (ORA, RANKS):
        chosen = table["method"] == method
        table.loc[chosen, "q"] = adjust(p=table.loc[chosen, "p"].to_numpy(float))
    return table.sort_values(["method", "p", "pathway"], ignore_index=True)


def over_representation(*, counts: tuple[int, int, int, int]) -> float:
    """Return Fisher's one-sided p: at least so many hits in a pathway, if hits were drawn without regard to it.

    Parameters
    ----------
    counts
        Hits in the pathway k, size of the pathway K, hits n, background N.

    Notes
    -----
    Formula: P(X >= k) = sum_{x >= k} C(K, x) C(N - K, n - x) / C(N, n), in whole numbers, so nothing is lost to
    rounding. Oracle: ``scipy.stats.fisher_exact(alternative="greater")`` and counting all draws.
    """
    hits, size, drawn, total = counts
    most = min(size, drawn)
    ways = sum(math.comb(size, x) * math.comb(total - size, drawn - x) for x in range(hits, most + 1))
    return ways / math.comb(total, drawn)


def odds_ratio(*, counts: tuple[int, int, int, int]) -> float:
    """Return the odds of being a hit inside a pathway over those outside (sample odds ratio, with Haldane's 0.5)."""
    hits, size, drawn, total = counts
    cells = np.array([hits, size - hits, drawn - hits, total - size - drawn + hits], float)
    if (cells == 0).any():
        cells += 0.5
    return float(cells[0] * cells[3] / (cells[1] * cells[2]))


def rank_sum(*, values: np.ndarray, inside: np.ndarray) -> tuple[float, float]:
    """Compare the values inside a set with those outside by their ranks (Wilcoxon, Mann and Whitney), two-sided.

    Parameters
    ----------
    values
        Shape (n,), finite.
    inside
        Shape (n,), bool; at least one of each.

    Returns
    -------
    chance : float
        (W - K (K + 1) / 2) / (K (n - K)), W the rank sum inside, K its size: the chance that a value inside is the
        higher one.
    p : float
        Exact: the distribution of W over all C(n, K) choices of the set, also with ties; 2 min(P(W <= w), P(W >= w)),
        at most 1. Where counting takes too long, normal with variance K (n - K) / 12 (n + 1 - sum(t^3 - t) /
        (n (n - 1))), t the sizes of the groups of ties.

    Notes
    -----
    Oracle: ``scipy.stats.mannwhitneyu`` (exact without ties, asymptotic), and all choices listed (with ties).
    """
    n, size = len(values), int(inside.sum())
    ranks = stats.rankdata(values)
    observed = float(ranks[inside].sum())
    chance = (observed - size * (size + 1) / 2) / (size * (n - size))
    if not inside.all() and np.ptp(values) == 0:
        return chance, 1.0
    doubled = np.rint(2 * ranks).astype(int)  # mid-ranks of ties are halves
    small = min(size, n - size)
    if n * small * int(np.sort(doubled)[-small:].sum()) <= EXACT_STEPS:
        return chance, _exact(doubled, doubled[inside] if size == small else doubled[~inside])
    ties = np.unique(values, return_counts=True)[1].astype(float)
    variance = size * (n - size) / 12 * (n + 1 - float((ties**3 - ties).sum()) / (n * (n - 1)))
    z = (observed - size * (n + 1) / 2) / math.sqrt(variance)
    return chance, float(2 * stats.norm.sf(abs(z)))


def enrichment_files(
    *, path_results: Path, path_annotations: Path, path_pathways: Path, path_forms: Path, settings: EnrichmentSettings,
    path_out: Path,
) -> None:  # fmt: skip
    """Test the pathways of one result table (result schema); write a table, without rows if none was tested."""
    results = read_commented(path=path_results)
    annotations = read_commented(path=path_annotations).set_index("feature")
    pathways = read_pathways(path=path_pathways, forms=path_forms)
    table = enrich(results=results, annotations=annotations, pathways=pathways, settings=settings)
    comment = (
        "Background: measured compounds that Reactome knows. Exploratory: compounds of a pathway are correlated.\n"
        "Pathways: Reactome release 78 (CC0). Compound forms: ChEBI (CC BY 4.0)."
    )
    write_tsv(table, path_out, comment=comment)


def _exact(ranks: np.ndarray, chosen: np.ndarray) -> float:
    """Return the two-sided p of a rank sum among all choices of so many ranks."""
    share = _rank_sums(tuple(np.sort(ranks).tolist()), len(chosen))
    observed = int(chosen.sum())
    return float(min(1.0, 2 * min(share[: observed + 1].sum(), share[observed:].sum())))


@lru_cache(maxsize=64)
def _rank_sums(ranks: tuple[int, ...], size: int) -> np.ndarray:
    """Return the shares of the choices of ``size`` ranks by their sum; all pathways of one size share them."""
    top = sum(sorted(ranks)[-size:])
    ways = np.zeros((size + 1, top + 1))
    ways[0, 0] = 1.0
    for rank in ranks:
        # The right side is copied first, so that each rank is used once.
        ways[1:, rank:] += ways[:-1, : top + 1 - rank].copy()
    return ways[size] / ways[size].sum()


def _sets(background: pd.DataFrame, pathways: Pathways, min_size: int) -> list[tuple[np.ndarray, str, list[str]]]:
    """Return the distinct sets of measured compounds, each with its pathway and the others that have the same."""
    members: dict[str, list[int]] = {}
    for place, names in enumerate(background["pathways"]):
        for pathway in names:
            members.setdefault(pathway, []).append(place)
    groups: dict[tuple[int, ...], list[str]] = {}
    for pathway, places in members.items():
        if min_size <= len(places) < len(background):
            groups.setdefault(tuple(places), []).append(pathway)
    sets = []
    for places, names in groups.items():
        first, *rest = sorted(names, key=lambda pathway: (len(pathways.members[pathway]), pathway))
        inside = np.zeros(len(background), bool)
        inside[list(places)] = True
        sets.append((inside, first, rest))
    return sorted(sets, key=lambda item: item[1])


def _single(results: pd.DataFrame, column: str) -> str | None:
    values = results[column].unique() if column in results else []
    return str(values[0]) if len(values) == 1 else None

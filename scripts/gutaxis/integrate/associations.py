"""Which features of different layers go together over the patients: pairs of features, and of their clusters."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from pathlib import Path
from typing import Any

import anndata as ad
import pandas as pd

from gutaxis.files import write_tsv
from gutaxis.integrate.association_ranks import (
    MIN_DF,
    Adjustment,
    Residuals,
    adjustment,
    residual_ranks,
)
from gutaxis.integrate.association_rows import COLUMNS, LayerPair, pair_rows
from gutaxis.integrate.association_tests import pair_tests
from gutaxis.integrate.blocks import Block, Blocks, read_blocks
from gutaxis.integrate.clusters import CLUSTER_COLUMNS, Clusters, cluster_features, cluster_scores, cluster_table
from gutaxis.integrate.mediation_panel import declared_features

#: Arms whose layers are computed from the same raw data.
MEASURED = ("metagenome", "metabolome", "single_cell")


@dataclass(frozen=True, kw_only=True)
class AssociationSettings:
    """Choices of the analysis.

    Parameters
    ----------
    prevalence, max_features, min_patients
        See :func:`gutaxis.integrate.blocks.read_blocks`; ``min_patients`` also of a pair of features.
    max_pairs
        Most pairs of features of two layers: a matrix of that many fits into memory (20 bytes a pair). Beyond it the
        layers keep their most variable features.
    permutations
        Of whole patients within cohorts.
    cluster_cut
        See :func:`gutaxis.integrate.clusters.cluster_features`.
    batch
        covariate, stratum or ignore: see :func:`gutaxis.integrate.association_ranks.adjustment`.
    rows
        Pairs written for each pair of layers, the best by p; all below ``fdr`` always are.
    fdr
        Level of q of what is always written.
    layer_pairs
        Pairs of layers to compare; None: all.
    declared
        Layer -> features (names, labels, patterns) that the config declared before results were seen: the pairs of two
        of them have ``q_declared``, and are always written.
    """

    prevalence: float = 0.1
    max_features: int | None = None
    min_patients: int = 8
    max_pairs: int = 1_000_000
    permutations: int = 999
    cluster_cut: float = 0.5
    batch: str = "covariate"
    rows: int = 2000
    fdr: float = 0.1
    layer_pairs: Sequence[Sequence[str]] | None = None
    declared: Mapping[str, Sequence[str]] | None = None

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> "AssociationSettings":
        """Take the keys that belong here from a section of the config."""
        names = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in settings.items() if name in names})


@dataclass(frozen=True, kw_only=True)
class Associations:
    """Result of :func:`associations`.

    Parameters
    ----------
    table
        Columns :data:`gutaxis.integrate.association_rows.COLUMNS`: the best pairs of every pair of layers, sorted by
        layers, p and names.
    clusters
        Columns of :func:`gutaxis.integrate.clusters.cluster_table`: every feature of every layer.
    counts
        layer_a layer_b patients tested below: pairs tested, and those at p < .05.
    notes
        Sentences: what was compared, and what could not be.
    """

    table: pd.DataFrame
    clusters: pd.DataFrame
    counts: pd.DataFrame
    notes: list[str]


def associations(
    *, blocks: Blocks, covariates: Sequence[str], settings: AssociationSettings, seed: int
) -> Associations:  # fmt: skip
    """Test every feature of every layer against every feature of the other layers, and their clusters likewise.

    Parameters
    ----------
    blocks
        Layers of one state.
    covariates
        By falling importance; the cohort is always adjusted for.
    settings
        Choices.
    seed
        Each pair of layers draws from it and its own names, so that a new layer changes no other result but
        ``q_study``.

    Returns
    -------
    Associations
        ``q`` and ``q_cluster`` are BH within a pair of layers, ``q_max_t`` is the familywise p of the pair of layers,
        ``q_study`` and ``q_cluster_study`` are over all pairs of layers
        (:func:`gutaxis.integrate.association_tests.study_q`), ``q_declared`` over the declared pairs of two layers
        (:meth:`gutaxis.integrate.association_rows.LayerPair.q_declared`).
    """
    left_out = blocks.dropped[blocks.dropped["what"] == "layer"]
    notes = [f"{row.name.split(': ')[0]}: left out, {row.reason}" for row in left_out.itertuples()]
    kept, cut = _within_memory(blocks, settings)
    notes += cut
    clusters: dict[str, Clusters] = {}
    for name, block in kept.items():
        adjusted, ranks = _ranks(block, blocks.patients.loc[block.values.index], covariates, settings)
        clusters[name] = cluster_features(ranks=ranks, df=_df(adjusted), cut=settings.cluster_cut)
    made: list[LayerPair] = []
    for a, b in _layer_pairs(kept, settings):
        pair, reason = _test(kept[a], kept[b], (clusters[a], clusters[b]), (blocks, covariates, settings, seed))
        if pair is None:
            notes.append(f"{a} x {b}: not tested, {reason}")
        else:
            made.append(pair)
    if not made:
        notes.insert(0, "no result: no pair of layers could be tested")
    tables, more = pair_rows(made=made, rows=settings.rows, fdr=settings.fdr)
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)
    described = [
        cluster_table(layer=name, clusters=clusters[name], labels=block.labels) for name, block in kept.items()
    ]
    return Associations(
        table=table,
        clusters=pd.concat(described, ignore_index=True) if described else pd.DataFrame(columns=CLUSTER_COLUMNS),
        counts=pd.DataFrame(
            [
                (pair.a.layer, pair.b.layer, len(pair.adjusted.patients), pair.features.tested, pair.features.below)
                for pair in made
            ],
            columns=["layer_a", "layer_b", "patients", "tested", "below"],
        ),
        notes=[*more, *notes],
    )


def _layer_pairs(kept: Mapping[str, Block], settings: AssociationSettings) -> list[tuple[str, str]]:
    """Return the pairs of layers to compare that are there, each in the order of the names."""
    pairs = list(combinations(sorted(kept), 2))
    if settings.layer_pairs is None:
        return pairs
    wanted = {tuple(sorted(pair)) for pair in settings.layer_pairs}
    return [pair for pair in pairs if pair in wanted]


def _within_memory(blocks: Blocks, settings: AssociationSettings) -> tuple[dict[str, Block], list[str]]:
    """Return layers small enough that no two make more pairs than allowed: the most variable features are kept."""
    sizes = sorted((block.values.shape[1] for block in blocks.blocks.values()), reverse=True)
    if len(sizes) < 2 or sizes[0] * sizes[1] <= settings.max_pairs:
        return dict(blocks.blocks), []
    root = int(settings.max_pairs**0.5)
    most = max(1, settings.max_pairs // sizes[1] if sizes[1] <= root else root)
    kept, notes = {}, []
    for name, block in blocks.blocks.items():
        total = block.values.shape[1]
        if total <= most:
            kept[name] = block
            continue
        spread = block.values.std(ddof=1).sort_values(ascending=False, kind="stable")
        chosen = sorted(spread.index[:most])
        kept[name] = Block(
            layer=name, kind=block.kind, unit=block.unit, values=block.values[chosen], labels=block.labels[chosen],
            samples=block.samples,
        )  # fmt: skip
        notes.append(
            f"{name}: the {most} most variable of {total} features; more would make above {settings.max_pairs} pairs"
        )
    return kept, notes


def _ranks(
    block: Block, people: pd.DataFrame, covariates: Sequence[str], settings: AssociationSettings
) -> tuple[Adjustment, Residuals]:
    adjusted = adjustment(people=people, covariates=covariates, batch=settings.batch)
    values = block.values.loc[adjusted.patients].to_numpy(dtype=float)
    return adjusted, residual_ranks(values=values, columns=adjusted.columns)


def _df(adjusted: Adjustment) -> int:
    return len(adjusted.patients) - adjusted.columns.shape[1] - 1


def _test(
    a: Block, b: Block, clusters: tuple[Clusters, Clusters], how: tuple[Blocks, Sequence[str], AssociationSettings, int]
) -> tuple[LayerPair | None, str]:
    """Return the tests of two layers, or why there are none."""
    blocks, covariates, settings, seed = how
    shared = a.values.index.intersection(b.values.index).sort_values()
    if len(shared) < settings.min_patients:
        return None, f"{len(shared)} shared patients, at least {settings.min_patients} are needed"
    adjusted, left = _ranks(a, blocks.patients.loc[shared], covariates, settings)
    if _df(adjusted) < MIN_DF:
        used = ", ".join(adjusted.used)
        return None, f"{len(adjusted.patients)} patients leave {_df(adjusted)} degrees of freedom adjusted for {used}"
    if len(set(adjusted.cohorts)) == len(adjusted.cohorts):
        return None, "no patient has another of the same cohort to change places with"
    right = residual_ranks(values=b.values.loc[adjusted.patients].to_numpy(dtype=float), columns=adjusted.columns)
    own = [seed, zlib.crc32(f"{a.layer} x {b.layer}".encode())]
    how_tested = {
        "adjusted": adjusted, "permutations": settings.permutations, "seed": own, "min_patients": settings.min_patients,
    }  # fmt: skip
    sides = [cluster_scores(ranks=side, clusters=of) for side, of in zip((left, right), clusters, strict=True)]
    wanted = settings.declared or {}
    named = [
        block.values.columns.isin(declared_features(block=block, declared=wanted.get(block.layer, ())))
        for block in (a, b)
    ]
    return LayerPair(
        a=a, b=b, clusters=clusters, adjusted=adjusted, declared=(named[0], named[1]),
        features=pair_tests(a=left, b=right, **how_tested), scores=pair_tests(a=sides[0], b=sides[1], **how_tested),
    ), ""  # fmt: skip


def associations_files(
    *, layers: Mapping[str, Path | str], outcomes: Path | str, state: str, covariates: Sequence[str],
    settings: Mapping[str, Any], table: Path | str, clusters: Path | str, seed: int,
) -> None:  # fmt: skip
    """Write the associations between layers, and the clusters of features they are counted by.

    Parameters
    ----------
    layers
        Name -> ``layers/{layer}.h5ad``.
    outcomes
        ``clinical/sample_response.tsv``: which samples come after progression. No outcome is correlated.
    state
        baseline, post or change.
    covariates
        Columns of the layers' ``obs`` to adjust for, by falling importance.
    settings
        Keys of :class:`AssociationSettings`; others are ignored.
    table, clusters
        Targets.
    seed
        Of the permutations.
    """
    chosen = AssociationSettings.from_mapping(settings)
    blocks = read_blocks(
        layers=layers, outcomes=outcomes, state=state, covariates=covariates, prevalence=chosen.prevalence,
        max_features=chosen.max_features, min_patients=chosen.min_patients,
    )  # fmt: skip
    result = associations(blocks=blocks, covariates=covariates, settings=chosen, seed=seed)
    arms = {name: str(ad.read_h5ad(path, backed="r").uns["arm"]) for name, path in sorted(layers.items())}
    pairs = combinations(sorted(blocks.blocks), 2)
    alike = [f"{a} x {b}" for a, b in pairs if arms[a] == arms[b] and arms[a] in MEASURED]
    text = [
        f"associations between layers over patients, state: {state}; seed {seed}. Exploratory: an association is no "
        "effect of one feature on the other, and its direction is not known",
        "rho: partial Spearman correlation of patients with both values; interval: Bonett and Wright, 95 %",
        "p: permutation of whole patients within cohort, against the pooled null of all pairs of the two layers; "
        "p_pair: of the pair's own permutations; q: Benjamini-Hochberg within a pair of layers; q_max_t: familywise p "
        "(max T)",
        "q_study: over all pairs of layers (Benjamini-Bogomolov); cluster_a, cluster_b: medoids of the clusters "
        f"(average linkage, mean |rho| of {1 - chosen.cluster_cut:g} or more, and more than chance gives); "
        "rho_cluster, p_cluster, q_cluster: of their mean scores",
        "q_declared: Benjamini-Hochberg of p_pair over the pairs that the config declares (integration."
        f"mediation.panel), within the two layers{'' if chosen.declared else ': it declares none'}",
        *([f"of one arm, so that features may go together by construction: {', '.join(alike)}"] if alike else []),
        *result.notes,
    ]
    write_tsv(result.table, table, comment="\n".join(text))
    shown = "clusters of features within a layer; a cluster is named by its medoid; rho_medoid: adjusted correlation"
    write_tsv(
        result.clusters, clusters, comment=f"{shown}; state: {state}; cut at mean |rho| {1 - chosen.cluster_cut:g}"
    )

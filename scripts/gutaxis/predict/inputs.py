"""Cohort and target become arrays with one row per patient, and the list of models that are compared."""

from dataclasses import dataclass

import numpy as np
from sklearn.pipeline import Pipeline

from gutaxis.predict.matrices import Cohort, Matrix, clinical_matrix
from gutaxis.predict.models import ElasticNet, Forest
from gutaxis.predict.settings import CLINICAL, EARLY, ELASTIC_NET, LATE, RIDGE_COX, Settings
from gutaxis.predict.survival import RidgeCox
from gutaxis.predict.targets import PFS2, Target
from gutaxis.predict.transforms import Blocks, LayerScaler, Screen, prepare

#: A model of one layer.
SINGLE = "none"


@dataclass(frozen=True, kw_only=True)
class Block:
    """One layer for the rows of a target.

    Parameters
    ----------
    layer, kind
        Of the layer.
    paired
        Whether ``values`` holds PRE and POST side by side.
    values
        Shape (n, p) or (n, 2 p), prepared; a row of NaN is a patient without the layer.
    present
        Shape (n,).
    features, labels
        p names.
    batches
        By row.
    """

    layer: str
    kind: str
    paired: bool
    values: np.ndarray
    present: np.ndarray
    features: list[str]
    labels: list[str]
    batches: list[tuple[str, ...]]


@dataclass(frozen=True, kw_only=True, order=True)
class Spec:
    """A model that is judged: which learner, of which layers, joined how (none, early, late, clinical)."""

    learner: str
    fusion: str
    layers: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name in tables: ``elastic_net``, ``elastic_net_early``, ..."""
        return self.learner if self.fusion == SINGLE else f"{self.learner}_{self.fusion}"

    @property
    def shown(self) -> str:
        """Layers in tables: ``metabolites+taxa``."""
        return "+".join(self.layers)


def make_block(*, matrix: Matrix, rows: np.ndarray) -> Block:
    """Return the block of a layer for the patients ``rows`` (ids, in order)."""
    tables = [matrix.values] if matrix.post is None else [matrix.values, matrix.post]
    parts = []
    for table in tables:
        made = np.full((len(rows), table.shape[1]), np.nan)
        place = table.index.get_indexer(rows)
        made[place >= 0] = prepare(values=table, kind=matrix.kind)[place[place >= 0]]
        parts.append(made)
    values = np.hstack(parts)
    batches = matrix.batches.reindex(rows)
    return Block(
        layer=matrix.layer, kind=matrix.kind, paired=matrix.post is not None, values=values,
        present=~np.isnan(values).all(axis=1), features=[str(name) for name in matrix.values.columns],
        labels=[str(matrix.labels.get(name, name)) for name in matrix.values.columns],
        batches=[row if isinstance(row, tuple) else () for row in batches],
    )  # fmt: skip


def make_blocks(*, cohort: Cohort, target: Target, settings: Settings) -> tuple[dict[str, Block], dict[str, str]]:
    """Return layer -> block, ``clinical`` among them, and layer -> why it cannot be used.

    A layer that fewer than half of the patients with an outcome have, or too few of a class, is left out.
    """
    blocks, reasons = {}, {}
    for name, matrix in sorted(cohort.matrices.items()):
        block = make_block(matrix=matrix, rows=target.names)
        has, total = int(block.present.sum()), target.n
        short = shortage(target=target, rows=np.flatnonzero(block.present), settings=settings)
        if short:
            reasons[name] = short
        elif has < total / 2:
            reasons[name] = f"{has} of {total} patients with an outcome have the layer, fewer than half"
        else:
            blocks[name] = block
    covariates = clinical_matrix(patients=cohort.patients.reindex(target.names), columns=settings.clinical)
    if covariates is None and settings.clinical:
        reasons[CLINICAL] = "no covariate is known"
    elif covariates is not None:
        blocks[CLINICAL] = make_block(matrix=covariates, rows=target.names)
    return blocks, reasons


def shortage(*, target: Target, rows: np.ndarray, settings: Settings) -> str | None:
    """Return why the rows are too few for a model, or None."""
    one = len(np.unique(target.groups[rows][target.classes[rows] == 1]))
    zero = len(np.unique(target.groups[rows][target.classes[rows] == 0]))
    least = settings.min_responders
    if target.outcome == PFS2:
        return None if one >= least else f"{one} events of PFS2, fewer than {least}"
    if min(one, zero) >= least:
        return None
    return f"{one} responders and {zero} non-responders, at least {least} of each are needed"


def make_specs(*, blocks: dict[str, Block], target: Target, settings: Settings) -> list[Spec]:
    """Return the models of the blocks: each layer, early and late fusion of two or more, the clinical baseline."""
    layers = tuple(sorted(set(blocks) - {CLINICAL}))
    specs = []
    for learner in (RIDGE_COX,) if target.outcome == PFS2 else settings.models:
        specs += [Spec(learner=learner, fusion=SINGLE, layers=(layer,)) for layer in layers]
        if len(layers) > 1:
            specs += [
                Spec(learner=learner, fusion=how, layers=layers) for how in (EARLY, LATE) if how in settings.fusion
            ]
        if CLINICAL in blocks and learner in {ELASTIC_NET, RIDGE_COX}:
            specs.append(Spec(learner=learner, fusion=CLINICAL, layers=(CLINICAL,)))
    return specs


def make_pipeline(*, learner: str, blocks: list[Block], settings: Settings, seed: int = 0) -> Pipeline:
    """Return the unfitted pipeline of one block, or of several side by side: everything that learns is in it.

    Parameters
    ----------
    learner
        elastic_net, random_forest or ridge_cox. Only the first is screened: it is the one whose cost grows with every
        feature, and the last has no classes to screen by.
    blocks
        One (its ``values`` are the input) or several (their values side by side).
    settings
        Filters.
    seed
        Of a forest.
    """
    screened = learner == ELASTIC_NET
    model = {ELASTIC_NET: ElasticNet, RIDGE_COX: RidgeCox}[learner]() if learner != "random_forest" else Forest(seed)
    parts = [
        (
            LayerScaler(
                block.kind, paired=block.paired, prevalence=settings.prevalence, max_missing=settings.max_missing,
                max_features=settings.max_features,
            ),
            Screen(settings.screen) if screened else None,
        )
        for block in blocks
    ]  # fmt: skip
    if len(blocks) > 1:
        return Pipeline([("blocks", Blocks(parts, [block.values.shape[1] for block in blocks])), ("model", model)])
    scaler, screen = parts[0]
    return Pipeline([("scale", scaler), *([("screen", screen)] if screen is not None else []), ("model", model)])

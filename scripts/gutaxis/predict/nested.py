"""Cross-validation of all models at once: the same outer folds, everything learned inside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gutaxis.predict.folds import Fold, leave_out, stratified_folds
from gutaxis.predict.fusion import Tuned, fit_tuned, fusion_weights, late_scores
from gutaxis.predict.inputs import Block, Spec, make_pipeline
from gutaxis.predict.metrics import PairCounter
from gutaxis.predict.settings import CLINICAL, COHORT_OUT, EARLY, LATE, NESTED, Settings
from gutaxis.predict.targets import PFS2, Target


@dataclass(kw_only=True)
class Run:
    """What became of one model in one scheme.

    Parameters
    ----------
    counter
        Comparisons within test folds.
    scores
        Test rows and their log odds (log hazards), fold by fold.
    fits
        Columns, weights and use of the model of each fold, if asked for; columns are those of the blocks side by side.
    skipped
        Test folds without a model or without a comparison.
    """

    counter: PairCounter
    scores: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    fits: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    skipped: int = 0


def cross_validate(
    *, blocks: Mapping[str, Block], target: Target, specs: Sequence[Spec], settings: Settings, seed: Sequence[int],
    details: bool = False,
) -> dict[tuple[Spec, str], Run]:  # fmt: skip
    """Run every scheme of every model.

    Parameters
    ----------
    blocks
        Layer -> block.
    target
        Observed or shuffled outcomes of their rows.
    specs
        Models.
    settings
        Schemes, folds, repeats.
    seed
        Numbers; the same numbers give the same folds.
    details
        Whether to keep what each fold's model uses.

    Returns
    -------
    dict
        (model, scheme) -> run. Schemes that leave out one label have no run where there are fewer than two labels.
    """
    runs: dict[tuple[Spec, str], Run] = {}
    for scheme, repeat, folds, some in _plan(blocks, target, specs, settings, seed):
        for spec in some:
            runs.setdefault((spec, scheme), Run(counter=PairCounter(above=target.above)))
        rng = np.random.default_rng([*seed, 1, repeat, len(runs)])
        for train, test in folds:
            inner = [
                (train[a], train[b])
                for a, b in stratified_folds(
                    classes=target.classes[train], groups=target.groups[train],
                    folds=settings.inner_folds, rng=rng,
                    both=target.time is None,
                )
            ]  # fmt: skip
            study = _Study(blocks=blocks, target=target, settings=settings, details=details)
            _fold(study, {spec: runs[spec, scheme] for spec in some}, train, test, inner)
    return runs


def _plan(
    blocks: Mapping[str, Block], target: Target, specs: Sequence[Spec], settings: Settings, seed: Sequence[int]
) -> list[tuple[str, int, list[Fold], list[Spec]]]:
    """Return scheme, repeat, outer folds and the models they are for."""
    plan: list[tuple[str, int, list[Fold], list[Spec]]] = []
    for scheme in settings.schemes:
        if scheme == NESTED:
            for repeat in range(settings.repeats):
                folds = stratified_folds(
                    classes=target.classes, groups=target.groups, folds=settings.folds, both=target.time is None,
                    rng=np.random.default_rng([*seed, 0, repeat]),
                )  # fmt: skip
                plan.append((scheme, repeat, folds, list(specs)))
        elif scheme == COHORT_OUT:
            folds = leave_out(labels=[(str(name),) if str(name) else () for name in target.strata])
            plan.append((scheme, 0, [(train, test) for _, train, test in folds], list(specs) if folds else []))
        else:
            # each layer has batches of its own; a fused model must not know any layer of a batch that is left out
            for layers in sorted({spec.layers for spec in specs}):
                named = sorted(set(blocks) - {CLINICAL}) if layers == (CLINICAL,) else layers
                labels = [
                    tuple(sorted({name for layer in named for name in blocks[layer].batches[row]}))
                    for row in range(target.n)
                ]
                folds = leave_out(labels=labels)
                some = [spec for spec in specs if spec.layers == layers] if folds else []
                plan.append((scheme, 0, [(train, test) for _, train, test in folds], some))
    return [item for item in plan if item[3]]


@dataclass(frozen=True, kw_only=True)
class _Study:
    blocks: Mapping[str, Block]
    target: Target
    settings: Settings
    details: bool


def _fold(study: _Study, runs: Mapping[Spec, Run], train: np.ndarray, test: np.ndarray, inner: list[Fold]) -> None:
    """Fit every model to one training set and score its test set."""
    blocks, target, settings = study.blocks, study.target, study.settings
    tuned: dict[tuple[str, str], Tuned | None] = {}
    for spec, run in runs.items():
        if spec.fusion == LATE:
            scores = np.full((len(test), len(spec.layers)), np.nan)
            parts = []
            for at, layer in enumerate(spec.layers):
                key = (spec.learner, layer)
                if key not in tuned:
                    tuned[key] = fit_layer(
                        learner=spec.learner, blocks=[blocks[layer]], target=target, rows=train, inner=inner,
                        settings=settings,
                    )  # fmt: skip
                model = tuned[key]
                here = blocks[layer].present[test]
                if model is not None and here.any():
                    scores[here, at] = model.score(values=blocks[layer].values[test[here]])
                parts.append(model)
            weights = fusion_weights(skills=np.array([np.nan if part is None else part.skill for part in parts]))
            spreads = np.array([np.nan if part is None else part.spread for part in parts])
            score = late_scores(scores=scores, weights=weights, spreads=spreads, survival=target.outcome == PFS2)
            score[~enough_layers(blocks=[blocks[layer] for layer in spec.layers])[test]] = np.nan
        else:
            used = [blocks[layer] for layer in spec.layers]
            model = fit_layer(
                learner=spec.learner, blocks=used, target=target, rows=train, inner=inner, settings=settings
            )
            if spec.fusion != EARLY:
                tuned[spec.learner, spec.layers[0]] = model
            here = enough_layers(blocks=used)[test]
            score = np.full(len(test), np.nan)
            if model is not None and here.any():
                score[here] = model.score(values=side_by_side(blocks=used)[test[here]])
                if study.details:
                    run.fits.append(model.coefficients())
        known = np.isfinite(score)
        before = run.counter.counts.sum()
        run.counter.add(rows=test, scores=score)
        run.scores.append((test[known], score[known]))
        run.skipped += int(run.counter.counts.sum() == before)


def fit_layer(
    *, learner: str, blocks: list[Block], target: Target, rows: np.ndarray, inner: list[Fold], settings: Settings
) -> Tuned | None:
    """Fit one block, or several side by side, to the training rows that have it; None if they are too few."""
    used = rows[enough_layers(blocks=blocks)[rows]]
    if not target.enough(rows=used):
        return None
    return fit_tuned(
        make=lambda: make_pipeline(learner=learner, blocks=blocks, settings=settings),
        values=side_by_side(blocks=blocks), target=target, rows=used, inner=inner,
    )  # fmt: skip


def enough_layers(*, blocks: Sequence[Block]) -> np.ndarray:
    """Return which rows have at least half of the layers, shape (n,)."""
    return np.mean([block.present for block in blocks], axis=0) >= 0.5


def side_by_side(*, blocks: Sequence[Block]) -> np.ndarray:
    """Return the values of the blocks side by side."""
    return blocks[0].values if len(blocks) == 1 else np.hstack([block.values for block in blocks])

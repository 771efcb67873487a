"""A tuned model of one training set, and the late fusion of several."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from sklearn.pipeline import Pipeline

from gutaxis.predict.folds import Fold
from gutaxis.predict.metrics import PairCounter, concordance
from gutaxis.predict.models import Maker, features_of, fit_pipeline, path_scores
from gutaxis.predict.targets import Target
from gutaxis.predict.transforms import Blocks


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """A pipeline fitted to a training set, its penalty chosen by inner cross-validation.

    Parameters
    ----------
    pipeline
        Fitted to the whole training set.
    setting
        Place of the chosen setting in the grid.
    skill
        Concordance of the inner held-out scores (one half is chance); NaN without inner folds.
    spread
        Standard deviation of the inner held-out scores.
    """

    pipeline: Pipeline
    setting: int
    skill: float
    spread: float

    def score(self, *, values: np.ndarray) -> np.ndarray:
        """Return log odds or log hazards of prepared rows."""
        return path_scores(pipeline=self.pipeline, values=values)[:, self.setting]

    def coefficients(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return columns of the input that reach the model, their weights, and which of them it uses.

        Weights are per training standard deviation of the feature.
        """
        model = self.pipeline.steps[-1][1]
        weights = model.weights(setting=self.setting)
        first = self.pipeline.steps[0][1]
        if isinstance(first, Blocks) and hasattr(model, "coef_"):
            weights = weights * first.weights_
        return features_of(pipeline=self.pipeline), weights, model.chosen(setting=self.setting)


def fit_tuned(*, make: Maker, values: np.ndarray, target: Target, rows: np.ndarray, inner: list[Fold]) -> Tuned:
    """Fit a pipeline to training rows; the inner folds choose the setting with the least held-out loss.

    Parameters
    ----------
    make
        Returns a fresh pipeline.
    values
        All prepared rows, shape (n, p).
    target
        Of all rows.
    rows
        Training rows that have the block.
    inner
        Folds of row numbers; those not in ``rows`` are left out. An inner fold whose training part is too small is
        skipped; without any the middle of the grid is taken.
    """
    loss, held = None, []
    member = np.zeros(target.n, dtype=bool)
    member[rows] = True
    for fold_train, fold_test in inner:
        train, test = (part[member[part]] for part in (fold_train, fold_test))
        if not len(test) or not target.enough(rows=train):
            continue
        pipeline = fit_pipeline(pipeline=make(), values=values[train], target=target.labels(rows=train))
        # a partial likelihood compares those held out with those trained on
        used = test if target.time is None else np.concatenate([train, test])
        scores = path_scores(pipeline=pipeline, values=values[used])
        here = np.arange(len(used)) >= len(used) - len(test)
        part = target.held_out_loss(scores=scores, rows=used, test=here)
        loss = part if loss is None else loss + part
        held.append((test, scores[here]))
    fitted = fit_pipeline(pipeline=make(), values=values[rows], target=target.labels(rows=rows))
    if loss is None:
        setting = path_scores(pipeline=fitted, values=values[rows[:1]]).shape[1] // 2
        return Tuned(pipeline=fitted, setting=setting, skill=float("nan"), spread=float("nan"))
    # equally good settings: the first, which is the most penalised
    setting = int(np.argmin(np.round(loss, 9)))
    counter = PairCounter(above=target.above)
    for test, scores in held:
        counter.add(rows=test, scores=scores[:, setting])
    every = np.concatenate([scores[:, setting] for _, scores in held])
    return Tuned(
        pipeline=fitted, setting=setting, skill=concordance(pairs=counter.pairs), spread=float(np.std(every))
    )  # fmt: skip


def fusion_weights(*, skills: np.ndarray) -> np.ndarray:
    """Return weights of layers: what their inner concordance is above one half; equal where none is.

    A layer that predicts nothing inside the training set has no say. Stacking with free weights would fit as many
    numbers as there are layers to a dozen responders.
    """
    gain = np.maximum(np.nan_to_num(np.asarray(skills, dtype=float), nan=0.5) - 0.5, 0.0)
    return gain / gain.sum() if gain.sum() > 0 else np.full(len(gain), 1 / max(len(gain), 1))


def late_scores(*, scores: np.ndarray, weights: np.ndarray, spreads: np.ndarray, survival: bool) -> np.ndarray:
    """Return the weighted mean of the layers' scores for each row, over the layers it has.

    response: log odds of the weighted mean probability. pfs2: weighted mean of log hazards, each divided by its spread.

    Parameters
    ----------
    scores
        Shape (n, layers), NaN where a row lacks the layer.
    weights, spreads
        Shape (layers,).
    survival
        Whether scores are log hazards.

    Returns
    -------
    numpy.ndarray
        Shape (n,). A row whose layers all have weight 0 gets their plain mean; one without any layer NaN.
    """
    known = np.isfinite(scores)
    parts = scores / np.where(np.nan_to_num(spreads) > 0, spreads, 1.0) if survival else expit(scores)
    weight = np.where(known, weights, 0.0)
    weight = np.where(weight.sum(axis=1, keepdims=True) > 0, weight, known.astype(float))
    total = weight.sum(axis=1)
    mean = np.divide(
        (np.where(known, parts, 0.0) * weight).sum(axis=1), total, out=np.full(len(scores), np.nan), where=total > 0
    )
    return mean if survival else logit(np.clip(mean, 1e-6, 1 - 1e-6))

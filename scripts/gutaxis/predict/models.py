"""Classifiers that fit a small grid of their settings at once, so that an inner fold costs one fit."""

from collections.abc import Callable

import numba
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline

#: Share of the L1 penalty, and penalty as a share of the smallest one that sets every coefficient to zero. A grid
#: without that empty model: it would score every patient alike.
L1_RATIOS, STRENGTHS = (0.1, 0.5), (0.6, 0.3, 0.15, 0.07)
#: Largest change of any coefficient in a sweep, and of the outer turns, that counts as none.
TOLERANCE, SWEEPS, TURNS = 1e-4, 1000, 25
#: Shares of features a forest's split looks at, beside the square root.
FOREST_FEATURES, TREES, LEAF = ("sqrt", 0.2), 100, 2
#: A forest uses every feature; those with the largest impurity importance count as chosen.
FOREST_CHOSEN = 20


@numba.njit(error_model="numpy")
def _shift(x: np.ndarray, step: float, weight: np.ndarray, residual: np.ndarray, eta: np.ndarray) -> None:
    """Move a coefficient by a step: eta follows, and the weighted working residual."""
    for i in range(len(eta)):
        residual[i] -= weight[i] * x[i] * step
        eta[i] += x[i] * step


@numba.njit(error_model="numpy")
def _soft(s: float, l1: float) -> float:
    """Return s pulled towards 0 by l1."""
    if s > l1:
        return s - l1
    return s + l1 if s < -l1 else 0.0


@numba.njit(error_model="numpy")
def _descend(x: np.ndarray, y: np.ndarray, penalty: tuple[float, float], beta: np.ndarray, tolerance: float) -> None:
    """Coordinate descent on quadratic approximations of the logistic loss; beta is changed.

    x: (p + 1, n), features contiguous, the last one 1 throughout; its coefficient, the intercept, has no penalty.
    """
    p, n = len(x) - 1, len(y)
    l1, l2 = penalty
    eta = np.zeros(n)
    for j in range(p + 1):
        if beta[j] != 0.0:
            eta += x[j] * beta[j]
    for _ in range(TURNS):
        mu = 1.0 / (1.0 + np.exp(-eta))
        weight, residual = np.maximum(mu * (1.0 - mu), 1e-5) / n, (y - mu) / n
        curve = (x * x) @ weight
        moved, everywhere = 0.0, True
        for _ in range(SWEEPS):
            largest = 0.0
            for j in range(p + 1):
                if not everywhere and beta[j] == 0.0:
                    continue
                s = np.dot(x[j], residual) + curve[j] * beta[j]
                new = s / curve[j] if j == p else _soft(s, l1) / (curve[j] + l2)
                step = new - beta[j]
                if step != 0.0:
                    beta[j] = new
                    _shift(x[j], step, weight, residual, eta)
                    largest = max(largest, abs(step))
            moved = max(moved, largest)
            # features in use are brought to rest between sweeps over all of them
            if largest < tolerance and everywhere:
                break
            everywhere = largest < tolerance
        if moved < tolerance * 10:
            break


class ElasticNet(BaseEstimator):
    r"""Logistic regression with an elastic-net penalty, for every pair of ``l1_ratios`` and ``strengths``.

    Minimises :math:`\frac1n \sum_i \log(1 + e^{\eta_i}) - y_i \eta_i + \lambda (\alpha |\beta|_1 + \frac{1 - \alpha}{2}
    |\beta|_2^2)`, :math:`\eta = b + X \beta`, the intercept free; :math:`\lambda` is a strength times the smallest
    penalty without any coefficient, :math:`\max_j |x_j' (y - \bar y)| / (n \alpha)`.

    Parameters
    ----------
    l1_ratios, strengths
        The grid; strengths fall, each fit starts from the one before.
    tolerance
        Largest change of a coefficient that counts as none.

    Attributes
    ----------
    coef_, intercept_
        Shape (C, p) and (C,), in the order of the grid.

    Notes
    -----
    Source: Friedman J, Hastie T, Tibshirani R, J Stat Softw 2010;33:1-22 (coordinate descent). Oracle: scikit-learn
    ``LogisticRegression(penalty="elasticnet", solver="saga")`` with ``C = 1 / (n lambda)``.
    """

    def __init__(
        self, l1_ratios: tuple[float, ...] = L1_RATIOS, strengths: tuple[float, ...] = STRENGTHS,
        tolerance: float = TOLERANCE,
    ) -> None:  # fmt: skip
        self.l1_ratios = l1_ratios
        self.strengths = strengths
        self.tolerance = tolerance

    def fit(self, X: np.ndarray, y: np.ndarray) -> "ElasticNet":  # noqa: N803
        """Fit the grid to centred features, shape (n, p), and labels 0 or 1."""
        labels = np.asarray(y, dtype=float)
        # vstack keeps the order of a transposed table, in which a feature is not contiguous
        x = np.ascontiguousarray(np.vstack([np.asarray(X, dtype=float).T, np.ones(len(labels))]))
        mean = labels.mean()
        gradient = np.abs(x[:-1] @ (labels - mean)).max(initial=0.0) / len(labels)
        fits, self.penalties_ = [], []
        for ratio in self.l1_ratios:
            beta = np.zeros(len(x))
            beta[-1] = np.log(mean / (1 - mean))
            for strength in self.strengths:
                penalty = strength * gradient / ratio
                _descend(x, labels, (penalty * ratio, penalty * (1 - ratio)), beta, self.tolerance)
                fits.append(beta.copy())
                self.penalties_.append(penalty)
        self.coef_, self.intercept_ = np.array(fits)[:, :-1], np.array(fits)[:, -1]
        return self

    def path(self, X: np.ndarray) -> np.ndarray:  # noqa: N803
        """Return log odds by setting, shape (n, C)."""
        return X @ self.coef_.T + self.intercept_

    def weights(self, *, setting: int) -> np.ndarray:
        """Return the coefficients of a setting, shape (p,)."""
        return self.coef_[setting]

    def chosen(self, *, setting: int) -> np.ndarray:
        """Return which features the setting uses."""
        return self.coef_[setting] != 0


class Forest(BaseEstimator):
    """Random forest: 100 trees, at least 2 samples a leaf, for two shares of features per split.

    Parameters
    ----------
    seed
        Of the trees.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, X: np.ndarray, y: np.ndarray) -> "Forest":  # noqa: N803
        """Fit to features, shape (n, p), and labels 0 or 1."""
        self.width_ = X.shape[1]
        self.forests_ = [
            RandomForestClassifier(
                n_estimators=TREES, min_samples_leaf=LEAF, max_features=share, random_state=self.seed
            ).fit(X, np.asarray(y, dtype=int))
            for share in FOREST_FEATURES
        ] if self.width_ else []  # fmt: skip
        self.mean_ = float(np.mean(y))
        return self

    def path(self, X: np.ndarray) -> np.ndarray:  # noqa: N803
        """Return log odds by setting, shape (n, 2); votes of 0 and 1 are pulled in by half a tree."""
        if not self.forests_:
            return np.full((len(X), 1), np.log(self.mean_ / (1 - self.mean_)))
        share = np.column_stack([forest.predict_proba(X)[:, 1] for forest in self.forests_])
        share = np.clip(share, 0.5 / TREES, 1 - 0.5 / TREES)
        return np.log(share / (1 - share))

    def weights(self, *, setting: int) -> np.ndarray:
        """Return impurity importances, shape (p,): they have no sign."""
        return self.forests_[setting].feature_importances_ if self.forests_ else np.zeros(0)

    def chosen(self, *, setting: int) -> np.ndarray:
        """Return the 20 features with the largest importance."""
        weight = self.weights(setting=setting)
        made = np.zeros(len(weight), dtype=bool)
        made[np.argsort(-weight, kind="stable")[:FOREST_CHOSEN]] = True
        return made & (weight > 0)


#: Makes an unfitted pipeline: transformer(s), then a model with ``path``, ``weights``, ``chosen``.
Maker = Callable[[], Pipeline]


def path_scores(*, pipeline: Pipeline, values: np.ndarray) -> np.ndarray:
    """Return the scores of a fitted pipeline by setting, shape (n, C)."""
    for _, step in pipeline.steps[:-1]:
        values = step.transform(values)
    return pipeline.steps[-1][1].path(values)


def fit_pipeline(*, pipeline: Pipeline, values: np.ndarray, target: np.ndarray) -> Pipeline:
    """Fit a pipeline; the same as ``Pipeline.fit`` without its clones and checks."""
    for _, step in pipeline.steps[:-1]:
        values = step.fit_transform(values, target)
    pipeline.steps[-1][1].fit(values, target)
    return pipeline


def features_of(*, pipeline: Pipeline) -> np.ndarray:
    """Return the columns of the input that reach the model."""
    columns = pipeline.steps[0][1].features_
    return columns[pipeline.steps[1][1].columns_] if len(pipeline.steps) > 2 else columns

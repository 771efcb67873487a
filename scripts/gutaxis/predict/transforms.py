"""What is learned of features inside a training fold: filters, stand-ins for zeros and gaps, centre, scale, choice.

:func:`prepare` is done once before any fold: it looks at one sample at a time, so a sample's numbers do not depend on
who else is in the table. Everything that looks at several samples is a scikit-learn transformer.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from gutaxis.stats.pseudobulk import log_cpm

#: Scaled values further out than this are pulled in, so that one strange sample cannot decide a score.
CLIP = 5.0
#: Standard deviation below which a feature is constant.
FLAT = 1e-9


def prepare(*, values: pd.DataFrame, kind: str) -> np.ndarray:
    """Return values sample by sample on the scale of the model.

    compositional: log2 of the share of the sample's sum, -inf for a zero; counts: log2 counts per million of the cell
    type (:func:`gutaxis.stats.pseudobulk.log_cpm`), -inf for a zero; others as they are. NaN stays.

    Parameters
    ----------
    values
        Samples x features, raw.
    kind
        Of the layer.

    Returns
    -------
    numpy.ndarray
        Same shape.
    """
    table = values.to_numpy(dtype=float)
    if kind == "compositional":
        total = np.nansum(table, axis=1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log2(np.where(total > 0, table / total, np.nan))
    if kind == "counts":
        logs = log_cpm(counts=values).to_numpy()
        return np.where(table > 0, logs, np.where(np.isnan(table), np.nan, -np.inf))
    return table.copy()


def _medians(table: np.ndarray) -> np.ndarray:
    """Return column medians of the values that are there; ``nanmedian`` of a small table takes ten times as long."""
    ordered = np.sort(table, axis=0)
    count = (~np.isnan(table)).sum(axis=0)
    low, high = (np.take_along_axis(ordered, (at // 2)[None], axis=0)[0] for at in (np.maximum(count - 1, 0), count))
    return (low + high) / 2


class LayerScaler(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Learn one layer from training samples, apply it to any.

    In this order: features above zero in fewer than ``prevalence`` of the training samples (compositional, counts), or
    with more than ``max_missing`` gaps, leave; zeros become half the smallest training value of the feature, a value
    missing in a log intensity as well (below detection), any other gap the training median; compositions are centred by
    their mean over the kept features (CLR); the ``max_features`` features with the largest training standard deviation
    stay; each is centred, divided by its standard deviation and pulled into +-5.

    Parameters
    ----------
    kind
        compositional, counts, log_intensity, continuous or clinical.
    paired
        X holds the PRE values and then the POST values side by side; the result is POST - PRE.
    prevalence, max_missing, max_features
        See above.

    Attributes
    ----------
    kept_
        Columns that pass the filters; a composition is centred over them.
    fill_
        Stands for a zero or a gap below detection, shape (kept,); ``median_`` for other gaps.
    chosen_
        Places in ``kept_`` of the features that come out.
    center_, scale_
        Of the features that come out.
    """

    def __init__(
        self, kind: str, *, paired: bool = False, prevalence: float = 0.1, max_missing: float = 0.5,
        max_features: int = 1000,
    ) -> None:  # fmt: skip
        self.kind = kind
        self.paired = paired
        self.prevalence = prevalence
        self.max_missing = max_missing
        self.max_features = max_features

    def _stacked(self, X: np.ndarray) -> np.ndarray:  # noqa: N803 (scikit-learn's name)
        if not self.paired:
            return X
        half = X.shape[1] // 2
        return np.vstack([X[:, :half], X[:, half:]])

    def fit(self, X: np.ndarray, y: np.ndarray | None = None) -> "LayerScaler":  # noqa: N803
        """Learn from prepared training samples, shape (n, p) or (n, 2 p) where paired; y is not looked at."""
        self._learn(X)
        return self

    def fit_transform(self, X: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:  # noqa: N803
        """Return what ``fit(X).transform(X)`` does, without filling the same table twice."""
        return self._scaled(self._learn(X))

    def _learn(self, X: np.ndarray) -> np.ndarray:  # noqa: N803
        """Learn, and return the filled table of the kept features."""
        rows = self._stacked(np.asarray(X, dtype=float))
        finite = np.isfinite(rows)
        count = finite.sum(axis=0)
        keep = count > 0
        gaps = np.isnan(rows).any()
        if gaps:
            keep &= np.isnan(rows).mean(axis=0) <= self.max_missing
        if self.kind in {"compositional", "counts"}:
            keep &= count >= max(self.prevalence * len(rows) - 1e-9, 1)
        self.kept_ = np.flatnonzero(keep)
        rows = rows[:, self.kept_]
        self.fill_ = np.where(finite[:, self.kept_], rows, np.inf).min(axis=0, initial=np.inf) - 1.0
        self.median_ = np.zeros(len(self.kept_))
        if gaps and len(self.kept_):
            self.median_ = _medians(np.where(np.isneginf(rows), self.fill_, rows))
        table = self._differences(self._filled(rows))
        center = table.mean(axis=0)
        spread = np.sqrt(((table - center) ** 2).sum(axis=0) / max(len(table) - 1, 1))
        varies = np.flatnonzero(spread > FLAT)
        if len(varies) > self.max_features:
            varies = np.sort(varies[np.argsort(-spread[varies], kind="stable")[: self.max_features]])
        self.chosen_ = varies
        self.center_, self.scale_ = center[varies], spread[varies]
        return table

    def learn_medians(self, X: np.ndarray) -> None:  # noqa: N803
        """Learn the training medians of all kept features, also of those without a gap in training."""
        rows = self._stacked(np.asarray(X, dtype=float))[:, self.kept_]
        self.median_ = _medians(np.where(np.isneginf(rows), self.fill_, rows))

    def transform(self, X: np.ndarray) -> np.ndarray:  # noqa: N803
        """Return scaled values, shape (n, chosen)."""
        rows = self._stacked(np.asarray(X, dtype=float))[:, self.kept_]
        return self._scaled(self._differences(self._filled(rows)))

    def _scaled(self, table: np.ndarray) -> np.ndarray:
        table = table if len(self.chosen_) == table.shape[1] else table[:, self.chosen_]
        return np.clip((table - self.center_) / self.scale_, -CLIP, CLIP)

    @property
    def features_(self) -> np.ndarray:
        """Columns of the layer that come out."""
        return self.kept_[self.chosen_]

    def _filled(self, rows: np.ndarray) -> np.ndarray:
        gap = self.fill_ if self.kind == "log_intensity" else self.median_
        # without a zero or a gap, as in most layers, there is nothing to fill
        if np.isfinite(rows).all():
            table = rows
        else:
            table = np.where(np.isneginf(rows), self.fill_, rows)
            table = np.where(np.isnan(table), gap, table)
        if self.kind == "compositional" and table.shape[1]:
            table = table - table.mean(axis=1, keepdims=True)
        return table

    def _differences(self, table: np.ndarray) -> np.ndarray:
        if not self.paired:
            return table
        half = len(table) // 2
        return table[half:] - table[:half]


class Screen(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Keep the ``most`` features with the largest absolute t statistic of the training labels (pooled variance).

    Parameters
    ----------
    most
        Features to keep.

    Attributes
    ----------
    columns_
        Columns that are kept, sorted.
    """

    def __init__(self, most: int = 100) -> None:
        self.most = most

    def fit(self, X: np.ndarray, y: np.ndarray) -> "Screen":  # noqa: N803
        """Choose from scaled training samples and their labels (0, 1)."""
        if X.shape[1] <= self.most:
            self.columns_ = np.arange(X.shape[1])
            return self
        one = np.asarray(y) == 1
        difference = X[one].mean(axis=0) - X[~one].mean(axis=0)
        within = X[one].var(axis=0) * one.sum() + X[~one].var(axis=0) * (~one).sum()
        t = np.abs(difference) / np.sqrt(within + 1e-12)
        self.columns_ = np.sort(np.argsort(-t, kind="stable")[: self.most])
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:  # noqa: N803
        """Return the chosen columns."""
        return X[:, self.columns_]


class Blocks(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Early fusion: every block scaled and screened by itself, divided by the root of its number of features.

    A patient without a layer (a row of NaN) teaches that block nothing and gets the training mean, 0, in it.

    Parameters
    ----------
    parts
        Scaler and screen (or None) of each block, unfitted.
    widths
        Columns of each block in X.

    Attributes
    ----------
    columns_
        For every column that comes out: its column in X.
    weights_
        For every column that comes out: what its scaled value is multiplied by.
    """

    def __init__(self, parts: Sequence[tuple[LayerScaler, Screen | None]], widths: Sequence[int]) -> None:
        self.parts = parts
        self.widths = widths

    def _blocks(self, X: np.ndarray) -> list[np.ndarray]:  # noqa: N803
        return np.split(X, np.cumsum(self.widths)[:-1], axis=1)

    def fit(self, X: np.ndarray, y: np.ndarray) -> "Blocks":  # noqa: N803
        """Learn every block from the training patients that have it."""
        columns, weights, start = [], [], 0
        self.outputs_ = []
        for (scaler, screen), block, width in zip(self.parts, self._blocks(X), self.widths, strict=True):
            here = ~np.isnan(block).all(axis=1)
            labels = np.asarray(y)[here]
            # a block that no training patient, or only one class, has cannot be screened
            usable = here.sum() >= 2 and (screen is None or len(np.unique(labels)) == 2)
            chosen = np.zeros(0, dtype=int)
            if usable:
                scaled = scaler.fit_transform(block[here])
                if screen is not None:
                    screen.fit(scaled, labels)
                places = np.arange(scaled.shape[1]) if screen is None else screen.columns_
                chosen = scaler.features_[places]
            self.outputs_.append(len(chosen))
            columns.append(chosen + start)
            weights.append(np.full(len(chosen), 1 / np.sqrt(max(len(chosen), 1))))
            start += width
        self.columns_, self.weights_ = np.concatenate(columns), np.concatenate(weights)
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:  # noqa: N803
        """Return all blocks side by side."""
        made = []
        for (scaler, screen), block, count in zip(self.parts, self._blocks(X), self.outputs_, strict=True):
            out = np.zeros((len(block), count))
            here = ~np.isnan(block).all(axis=1)
            if count and here.any():
                scaled = scaler.transform(block[here])
                out[here] = (scaled if screen is None else screen.transform(scaled)) / np.sqrt(count)
            made.append(out)
        return np.hstack(made)

    @property
    def features_(self) -> np.ndarray:
        """Columns of X that come out."""
        return self.columns_

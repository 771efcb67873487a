"""Leaks are refused by name: outcomes among the features, one profile under two patients, and worse."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import gammaln

from gutaxis.errors import GutaxisError, Problem
from gutaxis.layers.names import outcome_like, some

#: A correlation with an outcome above this is the outcome itself, written differently.
EQUAL = 0.999
#: A likeness is refused only if chance makes one in fewer than 1 of 100 studies of this size.
CHANCE = 0.01
#: Two patients whose distance is below this share of the usual distance have the same sample.
SAME = 0.01
#: Fewest varying features of a layer in which likeness means anything, and fewest patients of a comparison.
FEWEST_FEATURES, FEWEST_PATIENTS = 5, 6


def _problem(*, code: str, layer: str, column: str | None, said: tuple[str, str, str]) -> Problem:
    return Problem(code, f"layer {layer}", None, column, None, *said)


def refuse_outcome_names(*, layer: str, features: Iterable[object], observations: Iterable[object] = ()) -> None:
    """Raise if a feature or a covariate reads like an outcome.

    Raises
    ------
    GutaxisError
        I20, one problem per column.
    """
    found = [*outcome_like(names=features), *outcome_like(names=observations)]
    if found:
        raise GutaxisError(
            _problem(
                code="I20", layer=layer, column=name,
                said=(f"`{name}` reads like a response or an outcome",
                "No outcome may be among the values that a model reads",
                "Take the column out of the layer, or rename a real measurement"),
            )
            for name in found
        )  # fmt: skip


def refuse_equal_to_outcome(*, layer: str, values: pd.DataFrame, outcomes: pd.DataFrame) -> None:
    """Raise if a feature is an outcome under another name: same order, same groups, or a constant of one group.

    Compared are Pearson's correlation of the values and of their ranks, ``|r| > 0.999``, with every outcome (a recoding
    changes the values but not the order); and, for outcomes of two groups, a value other than 0 that all patients
    of one group have and nobody of the other. Zero is left out: a species may well be absent from one group.

    Parameters
    ----------
    layer
        Named in the message.
    values
        Patients x features, raw.
    outcomes
        Same patients; every outcome as numbers, NaN = unknown.

    Raises
    ------
    GutaxisError
        I21, one problem per feature.

    Notes
    -----
    ``n! / prod(ties!)`` arrangements of an outcome are equally likely under independence, so a feature equals it by
    chance with at most 2 over that number. A study so small that some feature would do so with p > 0.01 is not refused:
    four responders among six patients are found by many an innocent feature. Names are looked at in any case.
    """
    found: dict[str, str] = {}
    matrix = values.to_numpy(dtype=float)
    for name in outcomes:
        y = outcomes[name].to_numpy(dtype=float)
        known = np.isfinite(y)
        if known.sum() < FEWEST_PATIENTS or len(np.unique(y[known])) < 2:
            continue
        for column, how in _likeness(matrix[known], y[known]):
            found.setdefault(str(values.columns[column]), f"{how} {name}")
    if found:
        raise GutaxisError(
            _problem(
                code="I21", layer=layer, column=feature,
                said=(f"`{feature}` {how} of the patients",
                "No feature may be an outcome, whatever its name and its code",
                "Take the column out of the layer; a real measurement does not agree with an outcome this closely"),
            )
            for feature, how in sorted(found.items())
        )  # fmt: skip


def _likeness(matrix: np.ndarray, y: np.ndarray) -> list[tuple[int, str]]:
    """Return columns that are too much like y, and how."""
    made = []
    known = np.isfinite(matrix)
    full = known.all(axis=0)
    two = np.unique(y)
    rank = stats.rankdata(y)
    # the many complete features at once, the few others one by one
    candidates = set()
    if full.any():
        columns = np.flatnonzero(full)
        for target, table in ((y, matrix[:, columns]), (rank, stats.rankdata(matrix[:, columns], axis=0))):
            candidates |= set(columns[np.abs(_correlation(table, target)) > EQUAL].tolist())
        if len(two) == 2:
            candidates |= set(columns[_constant(matrix[:, columns], y == two[1])].tolist())
    candidates |= set(np.flatnonzero(~full & (known.sum(axis=0) >= FEWEST_PATIENTS)).tolist())
    for column in sorted(candidates):
        rows = known[:, column]
        x, part = matrix[rows, column], y[rows]
        values, counts = np.unique(part, return_counts=True)
        arrangements = gammaln(len(part) + 1) - gammaln(counts + 1).sum()
        if len(values) < 2 or np.log(2 * matrix.shape[1]) - arrangements > np.log(CHANCE):
            continue
        pearson = abs(_correlation(x[:, None], part)[0])
        ranks = abs(_correlation(stats.rankdata(x)[:, None], stats.rankdata(part))[0])
        if max(pearson, ranks) > EQUAL:
            made.append((column, "is a copy (another code or scale at most) of the outcome"))
        elif len(values) == 2 and _constant(x[:, None], part == values[1])[0]:
            made.append((column, "has one value in a whole group, and in nobody else, of the outcome"))
    return made


def _correlation(table: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return Pearson's r of each column with the target; 0 for a constant."""
    x, y = table - table.mean(axis=0), target - target.mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.sqrt((x**2).sum(axis=0) * (y**2).sum())
        return np.where(scale > 0, (x * y[:, None]).sum(axis=0) / scale, 0.0)


def _constant(table: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return which columns have one value other than 0 in a whole group of five or more and nowhere else."""
    made = np.zeros(table.shape[1], dtype=bool)
    for inside in (group, ~group):
        if inside.sum() < 5 or inside.all():
            continue
        value = table[inside][0]
        made |= (table[inside] == value).all(axis=0) & (table[~inside] != value).all(axis=0) & (value != 0)
    return made


def refuse_same_profiles(*, layer: str, values: pd.DataFrame, patients: pd.Series, kind: str) -> None:
    """Raise if two patients have the same sample, or nearly so.

    Each feature is put on a log scale (compositions, counts: zeros at half the smallest value) and divided by its
    standard deviation; ``d`` is the root mean square difference of two samples over the features both have. Samples of
    different patients with ``d`` below 1 % of the median ``d`` are the same: technical replicates differ by more.

    Parameters
    ----------
    layer, kind
        Of the layer.
    values
        Samples x features, raw.
    patients
        Same samples.

    Raises
    ------
    GutaxisError
        I22, one problem per pair of samples.
    """
    table = values.to_numpy(dtype=float)
    if kind in {"compositional", "counts"} and (table > 0).any():
        with np.errstate(invalid="ignore", divide="ignore"):
            low = np.nanmin(np.where(table > 0, table, np.nan))
            table = np.log2(np.where(table > 0, table, np.where(np.isnan(table), np.nan, low / 2)))
    known = np.isfinite(table)
    enough = known.sum(axis=0) >= 3
    table, known = table[:, enough], known[:, enough]
    centre = np.where(known, table, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, table - centre, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / np.maximum(known.sum(axis=0) - 1, 1))
    varies = spread > 1e-12
    if varies.sum() < FEWEST_FEATURES or len(table) < 3:
        return
    z, weight = centred[:, varies] / spread[varies], known[:, varies].astype(float)
    shared = weight @ weight.T
    square = (z**2) @ weight.T
    # differences would lose digits if they were made from products: candidates come from the product, then are checked
    gross = np.maximum(square + square.T - 2 * z @ z.T, 0) / np.maximum(shared, 1)
    first, second = np.triu_indices(len(z), 1)
    usable = shared[first, second] >= FEWEST_FEATURES
    first, second = first[usable], second[usable]
    who = patients.astype(str).to_numpy()
    other = who[first] != who[second]
    if not other.any():
        return
    limit = SAME * np.sqrt(np.median(gross[first, second][other]))
    close = other & (np.sqrt(gross[first, second]) < 2 * limit + 1e-6)
    names = values.index.astype(str)
    found = []
    for a, b in zip(first[close], second[close], strict=True):
        both = (weight[a] * weight[b]) > 0
        if np.sqrt(((z[a] - z[b])[both] ** 2).mean()) < limit:
            found.append((names[a], who[a], names[b], who[b]))
    if found:
        raise GutaxisError(
            _problem(
                code="I22", layer=layer, column=None,
                said=(f"samples {a} (patient {one}) and {b} (patient {two}) have the same or nearly the same profile",
                "Each profile belongs to one patient: a copy in training and test is a leak",
                "Find the swapped, repeated or mislabelled sample and take it out"),
            )
            for a, one, b, two in found
        )  # fmt: skip


def pure_by_chance(*, sizes: Sequence[int], responders: int) -> float:
    """Return the probability that labels dealt at random leave every batch with one class only.

    The number of sets of batches whose sizes add up to the responders, over C(n, responders).
    """
    ways = np.zeros(sum(sizes) + 1)
    ways[0] = 1.0
    for size in sizes:
        ways[size:] += ways[: len(ways) - size].copy()
    n = sum(sizes)
    total = gammaln(n + 1) - gammaln(responders + 1) - gammaln(n - responders + 1)
    return float(np.exp(np.log(max(ways[responders], 1e-300)) - total))


def refuse_batch_is_response(*, layer: str, batches: pd.Series, response: pd.Series) -> None:
    """Raise if the batch gives the response away: every batch has responders only or non-responders only.

    Refused if chance does this with p < 0.01, so that many batches of one patient each are not.

    Parameters
    ----------
    layer
        Named in the message.
    batches, response
        By patient; R, NR or None.

    Raises
    ------
    GutaxisError
        I23.
    """
    table = pd.DataFrame({"batch": batches, "response": response}).dropna()
    table = table[table["response"].isin(["R", "NR"])]
    kinds = table.groupby("batch")["response"].nunique()
    if len(kinds) < 2 or table["response"].nunique() < 2 or kinds.max() > 1:
        return
    sizes = table.groupby("batch").size().tolist()
    if pure_by_chance(sizes=sizes, responders=int((table["response"] == "R").sum())) > CHANCE:
        return
    only = table.groupby("response")["batch"].unique()
    raise GutaxisError(
        _problem(
            code="I23", layer=layer, column="batch",
            said=(f"the batch is the response: responders are in {some(sorted(only['R']))}, "
            f"non-responders in {some(sorted(only['NR']))}",
            "At least one batch with both; otherwise a difference between batches is predicted, not a response",
            "Measure the samples again in mixed batches, or leave the layer out of prediction"),
        )
    )  # fmt: skip


def refuse_post_progression(*, layer: str, samples: Sequence[str], after_pd: pd.Series | None) -> None:
    """Raise if a sample of a model was taken after progression: it carries the outcome.

    Raises
    ------
    GutaxisError
        I24, one problem per sample.
    """
    if after_pd is None:
        return
    late = [sample for sample in samples if after_pd.get(sample) == "Y"]
    if late:
        raise GutaxisError(
            _problem(
                code="I24", layer=layer, column="after_pd",
                said=(f"sample {sample} was taken after progression",
                "Models read samples from before progression only", "Leave the sample out"),
            )
            for sample in late
        )  # fmt: skip

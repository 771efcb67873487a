"""Repeated rarefaction of alpha diversity: the same depth for all samples, averaged over many draws.

Rarefaction is a sensitivity analysis of alpha diversity here (Schloss 2024), never a step before a differential test
(McMurdie and Holmes 2014). One draw throws data away at random; the mean over many draws does not depend on which.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from skbio import TreeNode

from gutaxis.stats.alpha import alpha_values

#: numpy's sampler of the multivariate hypergeometric distribution refuses totals of 1e9 and more.
LARGEST_TOTAL = 999_999_999
#: A depth below this says more about the draw than about the sample.
SMALLEST_DEPTH = 100


@dataclass(frozen=True, kw_only=True)
class Rarefied:
    """Alpha diversity at a common depth.

    Parameters
    ----------
    values
        Samples x metrics, means over the draws; NaN for samples that are not as deep as ``depth``. None if there is no
        rarefaction.
    depth
        Number of reads or cells drawn from every sample; 0 if there is no rarefaction.
    reason
        Why there is no rarefaction, or None.
    """

    values: pd.DataFrame | None
    depth: int
    reason: str | None


def count_table(*, table: pd.DataFrame, kind: str, totals: pd.Series | None) -> tuple[pd.DataFrame | None, str | None]:
    """Return the counts behind a layer, or why they are not known.

    Parameters
    ----------
    table
        Samples x features.
    kind
        Of the layer. ``counts`` are taken as they are. For ``compositional`` a sample's shares times its number of
        reads or cells, rounded, stand in for counts. They are no raw counts: a profiler that normalises by genome or
        marker length has changed the ratio between species, so depth is equalised, but approximately.
    totals
        Reads or cells per sample, same index; None or NaN where not known.

    Returns
    -------
    tuple
        Integer counts, samples with a known depth only; and None. Or None and the reason.
    """
    amounts = table.fillna(0.0)
    if kind == "counts":
        return amounts.round().astype(np.int64), None
    if kind != "compositional":
        return None, f"values of kind {kind} are no amounts"
    if totals is None:
        return None, "relative abundances without the number of reads or cells per sample cannot be rarefied"
    known = totals.reindex(table.index).astype(float)
    known = known[known > 0]
    if known.empty:
        return None, "no sample has a number of reads or cells"
    amounts = amounts.loc[known.index]
    sums = amounts.sum(axis=1)
    # closed to 1 first: percent, fractions and CPM then give the same counts
    shares = amounts.div(sums.where(sums > 0, 1.0), axis=0)
    return shares.mul(known.clip(upper=LARGEST_TOTAL), axis=0).round().astype(np.int64), None


def sample_generator(*, seed: int, sample: str) -> np.random.Generator:
    """Return a generator of its own for one sample, so that adding a sample changes no other.

    Parameters
    ----------
    seed
        Of the config.
    sample
        Name of the sample; it enters through SHA-256, which is the same on every machine (``hash`` is not).
    """
    digest = hashlib.sha256(sample.encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])


def rarefy(
    *,
    counts: pd.DataFrame,
    seed: int,
    draws: int = 100,
    depth: int | None = None,
    tree: TreeNode | None = None,
    tips: Mapping[str, str] | None = None,
) -> Rarefied:
    """Draw every sample to one depth, without replacement, and average its alpha diversity over the draws.

    Parameters
    ----------
    counts
        Samples x features, integers of 0 or more.
    seed
        Each sample draws from its own stream of this seed, over its features in sorted order. At a fixed ``depth`` a
        sample's numbers do not depend on the other samples, nor on the order of rows or columns.
    draws
        Repeats, 1 or more.
    depth
        Reads per sample. None takes the smallest total of the samples with at least 100 reads; samples below that
        are left out rather than dragging all others down.
    tree, tips
        As :func:`gutaxis.stats.alpha.alpha_values`.

    Returns
    -------
    Rarefied
        Means over the draws. Oracle: at depth n the expected number of observed features is
        ``sum_j 1 - C(N - N_j, n) / C(N, n)`` (Hurlbert 1971).

    Notes
    -----
    Schloss PD (2024) mSphere 9:e00355-23, doi 10.1128/msphere.00355-23.
    """
    totals = counts.sum(axis=1)
    if depth is None:
        deep = totals[totals >= SMALLEST_DEPTH]
        if deep.empty:
            return Rarefied(values=None, depth=0, reason=f"no sample has {SMALLEST_DEPTH} reads or cells")
        depth = int(deep.min())
    counts = counts[sorted(counts.columns)]
    rows = {}
    for sample in counts.index[totals >= depth]:
        numbers = counts.loc[sample].to_numpy(dtype=np.int64)
        present = np.flatnonzero(numbers)
        generator = sample_generator(seed=seed, sample=str(sample))
        drawn = generator.multivariate_hypergeometric(numbers[present], depth, size=draws, method="marginals")
        draw = pd.DataFrame(drawn, columns=counts.columns[present])
        rows[sample] = alpha_values(table=draw, tree=tree, tips=tips).mean()
    if not rows:
        return Rarefied(values=None, depth=depth, reason=f"no sample has {depth} reads or cells")
    return Rarefied(values=pd.DataFrame(rows).T.reindex(counts.index), depth=depth, reason=None)

"""Alpha diversity: how many features a sample holds and how evenly, one row per sample.

All metrics are scale invariant apart from ``observed``: fractions, CPM and counts give the same number. What counts as
present is a value above zero. On relative abundances ``observed`` and Faith's PD therefore depend on the depth of
sequencing and on the profiler's own threshold; the rarefied columns (:mod:`gutaxis.stats.rarefaction`) are there to
show what of a difference is depth.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from skbio import TreeNode
from skbio.diversity import alpha_diversity as skbio_alpha

#: Our name -> name in scikit-bio, label with unit.
METRICS: Mapping[str, tuple[str, str]] = {
    "observed": ("observed_features", "observed features (number)"),
    "shannon": ("shannon", "Shannon index (nats)"),
    "inverse_simpson": ("inv_simpson", "inverse Simpson index (effective number of features)"),
    "pielou": ("pielou_e", "Pielou evenness (0 to 1)"),
    "faith_pd": ("faith_pd", "Faith's phylogenetic diversity (branch length)"),
}
#: Kinds of layers whose values are amounts that add up; diversity means nothing for the others.
KINDS = ("compositional", "counts")


def alpha_values(
    *, table: pd.DataFrame, tree: TreeNode | None = None, tips: Mapping[str, str] | None = None
) -> pd.DataFrame:
    r"""Return every alpha metric of every sample.

    With :math:`p_j` the share of feature j among the S features above zero of a sample:

    * observed: S
    * shannon: :math:`H = -\sum p_j \ln p_j`, natural logarithm, in nats
    * inverse_simpson: :math:`1 / \sum p_j^2`
    * pielou: :math:`H / \ln S`; not defined for S = 1
    * faith_pd: sum of the branches of a rooted tree that lead to the features present, the root included

    Parameters
    ----------
    table
        Samples x features, non-negative amounts (fractions, CPM or counts); NaN counts as absent.
    tree
        Rooted tree with branch lengths (:func:`gutaxis.stats.unifrac.read_tree`). None leaves Faith's PD out.
    tips
        Feature -> tip, for features that have one (:func:`gutaxis.stats.unifrac.match_tips`); the others take no part
        in Faith's PD. None: tips are named like the features.

    Returns
    -------
    pandas.DataFrame
        Samples x metrics. A sample without any feature above zero has 0 observed features and NaN elsewhere.

    Raises
    ------
    ValueError
        If a value is negative: a CLR or log table is no abundance.

    Notes
    -----
    Shannon CE (1948) Bell Syst Tech J 27:379; Simpson EH (1949) Nature 163:688; Pielou EC (1966) J Theor Biol 13:131;
    Faith DP (1992) Biol Conserv 61:1. Oracle: the formulas above, written out in the test.
    """
    amounts = np.nan_to_num(table.to_numpy(dtype=np.float64), nan=0.0)
    if (amounts < 0).any():
        raise ValueError("alpha diversity needs amounts of zero or more; the table holds negative values")
    samples = [str(name) for name in table.index]
    columns: dict[str, np.ndarray] = {}
    for name, (theirs, _) in METRICS.items():
        if name == "faith_pd":
            if tree is not None:
                columns[name] = _faith(
                    present=amounts > 0, features=table.columns, samples=samples, tree=tree, tips=tips
                )
            continue
        columns[name] = skbio_alpha(theirs, amounts, ids=samples).to_numpy(dtype=np.float64)
    values = pd.DataFrame(columns, index=table.index)
    # scikit-bio calls one feature alone perfectly even (0/0); it has no evenness
    values.loc[values["observed"] <= 1, "pielou"] = np.nan
    values.loc[values["observed"] == 0, values.columns != "observed"] = np.nan
    return values


def _faith(
    *, present: np.ndarray, features: pd.Index, samples: list[str], tree: TreeNode, tips: Mapping[str, str] | None
) -> np.ndarray:
    """Return Faith's PD of each sample over the features that have a tip; features that share one count once."""
    known = {str(tip.name) for tip in tree.tips()}
    columns: dict[str, list[int]] = {}
    for at, feature in enumerate(features):
        tip = str(feature) if tips is None else tips.get(str(feature))
        if tip in known:
            columns.setdefault(str(tip), []).append(at)
    if not columns:
        return np.full(len(samples), np.nan)
    at_tip = np.column_stack([present[:, own].any(axis=1) for own in columns.values()]).astype(np.int64)
    diversity = skbio_alpha("faith_pd", at_tip, ids=samples, taxa=list(columns), tree=tree)
    return diversity.to_numpy(dtype=np.float64)

r"""UniFrac distances of many samples at once, and how features find their tips in a tree.

With :math:`l_b` the length of branch b and :math:`p_{ib}` the share of sample i below it,

* unweighted: :math:`\sum_b l_b\,[\text{one of the two has the branch}] \,/\, \sum_b l_b\,[\text{either has it}]`,
  0 to 1 (Lozupone and Knight 2005, Appl Environ Microbiol 71:8228);
* weighted: :math:`\sum_b l_b |p_{ib} - p_{jb}|`, in branch length, not normalised by the depth of the tree (Lozupone
  2007, Appl Environ Microbiol 73:1576; the ``weighted_unifrac`` of QIIME 2 and scikit-bio).

The first is one matrix product, the second one city-block distance. Branches above the last common ancestor count, as
in scikit-bio, and so does a length of the root itself. Oracle: ``skbio.diversity.beta_diversity``.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.spatial.distance import pdist, squareform

from gutaxis.errors import GutaxisError, Problem

if TYPE_CHECKING:
    from skbio import TreeNode


def read_tree(*, path: Path | str) -> "TreeNode":
    """Read a Newick tree, rooted: one with three or more branches at its top is rooted at its midpoint.

    Parameters
    ----------
    path
        Newick file. A missing branch length becomes 0.

    Raises
    ------
    GutaxisError
        L14 if it cannot be read, or has no branch lengths.
    """
    from skbio import TreeNode  # noqa: PLC0415  (two seconds, and only the two UniFracs need it)
    from skbio.io import FileFormatError, NewickFormatError, UnrecognizedFormatError  # noqa: PLC0415

    def problem(wrong: str) -> GutaxisError:
        return GutaxisError(
            Problem(
                code="L14", file=Path(path).name, line=None, column=None, value=None, wrong=wrong,
                allowed="A Newick tree with branch lengths whose tips are named like the features",
                mend="Correct the file, or leave the tree out: all distances but UniFrac are made without it",
            )
        )  # fmt: skip

    try:
        tree = TreeNode.read(str(path), format="newick", convert_underscores=False, verify=False)
    except (OSError, UnicodeDecodeError, FileFormatError, NewickFormatError, UnrecognizedFormatError) as error:
        raise problem(f"the tree cannot be read: {error}") from error
    lengths = [node.length for node in tree.traverse(include_self=False)]
    if not any(lengths):
        raise problem("the tree has no branch lengths")
    for node in tree.traverse(include_self=False):
        node.length = node.length or 0.0
    return tree.root_at_midpoint() if len(tree.children) > 2 else tree


def match_tips(*, var: pd.DataFrame, tree: "TreeNode") -> tuple[list[str | None], str | None]:
    """Find the tip of each feature.

    Names are compared as they are, then without case of spelling: the last part of a lineage, without ``s__`` or
    ``t__``, blanks and underscores alike, ``SGB4285`` and ``SGB4285_group`` as ``4285`` (as in MetaPhlAn's trees). The
    feature's name is tried first, then every text column of ``var``; the one that finds most tips is used for all.

    Parameters
    ----------
    var
        Index feature.
    tree
        From :func:`read_tree`.

    Returns
    -------
    tuple
        Tip name per feature or None; the name of the column used (``feature`` for the index), None if none fits.
    """
    tips = [str(tip.name) for tip in tree.tips() if tip.name is not None]
    exact = set(tips)
    plain: dict[str, str | None] = {}
    for tip in tips:
        key = _plain(tip)
        # a name that two tips share once simplified says nothing
        plain[key] = None if key in plain and plain[key] != tip else tip
    candidates = {"feature": [str(name) for name in var.index]}
    for column in var.columns:
        if not pd.api.types.is_numeric_dtype(var[column]):
            candidates[str(column)] = ["" if pd.isna(cell) else str(cell) for cell in var[column]]
    best: tuple[int, list[str | None], str | None] = (0, [None] * len(var), None)
    for column, names in candidates.items():
        found = [name if name in exact else plain.get(_plain(name)) if _plain(name) else None for name in names]
        hits = sum(tip is not None for tip in found)
        if hits > best[0]:
            best = (hits, found, column)
    return best[1], best[2]


def unifrac(*, amounts: np.ndarray, tips: list[str], tree: "TreeNode", weighted: bool) -> np.ndarray:
    """Return UniFrac distances, shape (n, n).

    Parameters
    ----------
    amounts
        Shape (n, m), >= 0, each row with something above zero: counts or fractions. Rows are closed to 1.
    tips
        Tip of each feature; several features may share one.
    tree
        Rooted, with lengths.
    weighted
        Which of the two.
    """
    shares = amounts / amounts.sum(axis=1, keepdims=True)
    values: dict[int, np.ndarray] = {}
    at_tip: dict[str, np.ndarray] = {}
    for tip, column in zip(tips, shares.T, strict=True):
        at_tip[tip] = at_tip[tip] + column if tip in at_tip else column
    branches, lengths = [], []
    for node in tree.postorder():
        own = at_tip.get(str(node.name)) if node.is_tip() else values.pop(id(node), None)
        if own is None:
            continue
        branches.append(own)
        lengths.append(node.length or 0.0)
        if node is tree:
            continue
        above = values.get(id(node.parent))
        values[id(node.parent)] = own if above is None else above + own
    # pdist is six times slower on the transposed memory layout
    below, length = np.ascontiguousarray(np.array(branches).T), np.array(lengths, dtype=float)
    if weighted:
        return squareform(pdist(below * length, "cityblock"))
    present = (below > 0).astype(float)
    shared = (present * length) @ present.T
    own = np.diagonal(shared)
    either = own[:, None] + own[None, :] - shared
    with np.errstate(invalid="ignore", divide="ignore"):
        distances = np.where(either > 0, (either - shared) / either, 0.0)
    np.fill_diagonal(distances, 0.0)
    return np.clip((distances + distances.T) / 2, 0.0, 1.0)


def _plain(name: str) -> str:
    """Return a tip's or feature's name without what differs between programs."""
    short = name.strip(" '\"").rsplit("|", 1)[-1]
    short = re.sub(r"^[kpcofgst]__", "", short)
    short = re.sub(r"^SGB(\d+)(_group)?$", r"\1", short)
    return re.sub(r"[ _]+", "_", short).strip("_")

"""What the analyses of a layer write: light, because every job of a run loads it while rules are read."""

from collections.abc import Iterable

#: Distances that make sense for a kind of layer; the two UniFracs need a tree.
METRICS = {
    "compositional": (
        "braycurtis",
        "jaccard",
        "aitchison",
        "robust_aitchison",
        "weighted_unifrac",
        "unweighted_unifrac",
    ),
    "log_intensity": ("euclidean",),
    "continuous": ("euclidean",),
    "counts": ("logcpm",),
}
TREE_METRICS = frozenset({"weighted_unifrac", "unweighted_unifrac"})
#: Kinds of layer with an alpha diversity: parts of a whole.
ALPHA_KINDS = frozenset({"compositional"})


def metrics_for(*, kind: str, tree: bool, chosen: Iterable[str] | None = None) -> tuple[str, ...]:
    """Return the distances of a layer.

    Parameters
    ----------
    kind
        Kind of the layer.
    tree
        Whether its features are tips of a tree.
    chosen
        Metrics the user wants; None: all that fit.
    """
    fitting = [name for name in METRICS[kind] if tree or name not in TREE_METRICS]
    return tuple(name for name in fitting if chosen is None or name in set(chosen))

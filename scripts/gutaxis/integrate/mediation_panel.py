"""The features whose chains are tested: declared before anyone looks, and chosen without looking at any arrow."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

import pandas as pd

from gutaxis.integrate.blocks import Block
from gutaxis.integrate.literature import entries_for, plain_name

#: Why a feature is in the panel.
DECLARED, LITERATURE, SPREAD = "config", "literature panel", "spread between patients"
PANEL_COLUMNS = ["state", "place", "layer", "feature", "label", "why"]


def choose_panel(
    *, block: Block, declared: Sequence[str] | None, literature: pd.DataFrame | None, size: int
) -> pd.DataFrame:
    """Return the features of a layer whose chains are tested.

    Parameters
    ----------
    block
        Of the layer.
    declared
        Names, labels or globs on them, as in the config; they alone are the panel. None: the rule below.
    literature
        From :func:`gutaxis.integrate.literature.read_literature`, or None.
    size
        Most features.

    Returns
    -------
    pandas.DataFrame
        Columns feature, label, why; in the order of choice.

    Notes
    -----
    Without a declared panel: first the features that the literature panel names (``panel`` is Y), in its order; then
    those with the largest standard deviation between patients. Neither looks at the response, nor at a correlation with
    another layer, so that no arrow of a chain has been chosen for being strong: p values need no further correction.
    """
    names = list(block.values.columns)
    labels = {name: str(block.labels.get(name, name)) for name in names}
    if declared is not None:
        chosen = declared_features(block=block, declared=declared)
        rows = [(name, labels[name], DECLARED) for name in chosen[:size]]
        return pd.DataFrame(rows, columns=["feature", "label", "why"])
    known = [] if literature is None else _known(names, labels, block.layer, literature)
    spread = block.values.std(ddof=1).sort_index().sort_values(ascending=False, kind="stable").index
    rest = [name for name in spread if name not in set(known)]
    rows = [(name, labels[name], LITERATURE) for name in known] + [(name, labels[name], SPREAD) for name in rest]
    return pd.DataFrame(rows[:size], columns=["feature", "label", "why"])


def declared_features(*, block: Block, declared: Sequence[str]) -> list[str]:
    """Return the features of a layer that declared names, labels or globs fit, in the order they were declared."""
    names = sorted(block.values.columns)
    labels = {name: str(block.labels.get(name, name)) for name in names}
    found: dict[str, None] = {}
    for pattern in declared:
        for name in names:
            plain = {plain_name(name=name), plain_name(name=labels[name])}
            exact = pattern in {name, labels[name]} or plain_name(name=pattern) in plain
            if exact or fnmatchcase(name, pattern) or fnmatchcase(labels[name], pattern):
                found[name] = None
    return list(found)


def _known(names: list[str], labels: dict[str, str], layer: str, literature: pd.DataFrame) -> list[str]:
    """Return the features that the literature panel names, in its order."""
    panel = literature[literature["panel"] == "Y"]
    known = entries_for(literature=panel, layer=layer, names={name: [name, labels[name]] for name in names})
    return sorted(known, key=lambda name: (int(known[name].index.min()), name))

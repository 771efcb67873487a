"""A user's predictions for cells (a CellTypist model, say): the majority of each cluster, and how far both agree."""

from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import open_text

VOTE_COLUMNS = ["vote", "vote_share", "vote_cells"]


def read_votes(*, path: Path) -> pd.DataFrame:
    """Read predictions of cells.

    Parameters
    ----------
    path
        Tab-separated, also .gz: cell, label, probability (the last may be absent). The words are the model's.

    Returns
    -------
    pandas.DataFrame
        Index cell; label, probability. Cells without a label are left out.

    Raises
    ------
    GutaxisError
        X33: a column is missing, or a cell occurs twice.
    """
    with open_text(path) as handle:
        table = pd.read_csv(
            handle,
            sep="\t",
            comment="#",
            dtype={"cell": str, "label": str},
            keep_default_na=False,
            na_values=["NA", ""],
        )
    lacking = [name for name in ("cell", "label") if name not in table]
    twice = [] if lacking else table.loc[table["cell"].duplicated(), "cell"].tolist()
    if lacking or twice:
        raise GutaxisError(
            Problem(
                "X33", path.name, None, "cell" if twice else lacking[0], twice[0] if twice else None,
                f"{len(twice)} cell(s) occur twice" if twice else f"no column {', '.join(lacking)}",
                "Columns cell, label, probability; each cell once",
                "Predict every sample once, with cells named sample_barcode",
            )
        )  # fmt: skip
    table = table.dropna(subset=["label"]).set_index("cell")
    return table.assign(probability=table.get("probability", np.nan))[["label", "probability"]]


def cluster_votes(*, votes: pd.DataFrame, clusters: pd.Series) -> pd.DataFrame:
    """Return by cluster the most frequent prediction, its share of the predicted cells, and their number.

    Parameters
    ----------
    votes
        From :func:`read_votes`.
    clusters
        Cluster by cell id. Cells that are in one of the two only are left out. Ties go to the first word by alphabet.
    """
    joined = pd.DataFrame({"cluster": clusters, "label": votes["label"].reindex(clusters.index)}).dropna()
    counts = pd.crosstab(joined["cluster"], joined["label"]).sort_index(axis=1)
    table = pd.DataFrame(index=pd.Index(counts.index, dtype=object), columns=VOTE_COLUMNS)
    if not counts.empty:
        total = counts.sum(axis=1)
        table = pd.DataFrame(
            {"vote": counts.idxmax(axis=1), "vote_share": counts.max(axis=1) / total, "vote_cells": total}
        )
    return table


def concordance(*, labels: pd.Series, votes: pd.Series) -> tuple[pd.DataFrame, str]:
    """Count cells by label of the markers and by prediction, and say how far the two partitions agree.

    The words of a model are its own, so agreement is measured without translating them: the adjusted Rand index
    ``(S - E) / ((A + B) / 2 - E)``, S pairs of cells that are together in both, A and B those together in one of them,
    ``E = A B / pairs``. 1: the same partition; about 0: no more than chance.

    Parameters
    ----------
    labels, votes
        By cell id. Cells that are in one of the two only are left out.

    Returns
    -------
    tuple
        label, vote, n_cells, share (of the label's cells), sorted by label, then n_cells down; a sentence.

    Notes
    -----
    Source: Hubert L, Arabie P, Journal of Classification 1985;2:193-218. Oracle:
    ``sklearn.metrics.adjusted_rand_score`` (``tests/unit/test_label_lineages.py``).
    """
    joined = pd.DataFrame({"label": labels, "vote": votes.reindex(labels.index)}).dropna()
    counts = pd.crosstab(joined["label"], joined["vote"])
    table = counts.stack().rename("n_cells").reset_index().query("n_cells > 0") if len(joined) else pd.DataFrame(
        columns=["label", "vote", "n_cells"]
    )  # fmt: skip
    table = table.assign(share=table["n_cells"] / table.groupby("label")["n_cells"].transform("sum"))
    table = table.sort_values(["label", "n_cells", "vote"], ascending=[True, False, True], ignore_index=True)

    def pairs(numbers: np.ndarray) -> float:
        return float((numbers * (numbers - 1.0) / 2).sum())

    cells = counts.to_numpy(dtype=float)
    together, first, second = pairs(cells), pairs(cells.sum(axis=1)), pairs(cells.sum(axis=0))
    every = pairs(np.array([len(joined)]))
    expected = first * second / every if every else 0.0
    room = (first + second) / 2 - expected
    index = (together - expected) / room if room else 1.0
    sentence = f"{len(joined)} of {len(labels)} cells have a prediction; adjusted Rand index {index:.4f}"
    return table, sentence

"""Programs of genes as one number per sample: mean expression over the cells that a program is meant for."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from gutaxis.single_cell.markers import EVERYTHING
from gutaxis.single_cell.matrix import SampleCounts, log_normalised

#: Share of a program's genes (by weight) that must be measured.
MIN_MEASURED = 0.5
PROGRAM_COLUMNS = ["program", "value", "n_cells", "unit", "reason"]
EXPRESSION = "mean ln(1 + CP10k)"
TREG, CD8, RATIO = "treg", "cd8_", "treg_cd8_log2_ratio"
M1, M2, DIFFERENCE = "m1_like", "m2_like", "m1_m2_difference"


class _Value(NamedTuple):
    """A number or the reason why there is none."""

    value: float
    n_cells: int
    unit: str
    reason: str | None


def program_scores(
    *, counts: SampleCounts, labels: pd.DataFrame, programs: pd.DataFrame, min_cells: int
) -> pd.DataFrame:
    """Score every program in one sample.

    Value of a program: ``sum_g w_g mean_c y_cg / sum_g w_g`` over its measured genes g with weight w and the cells c of
    its scope, ``y = ln(1 + 10,000 x / t)`` (x counts of the gene, t of all genes of the cell). No genes are taken off
    as a control and nothing is scaled by other samples: the number depends on this sample alone, and a mean over cells
    is the same whatever other cells there are, except for programs with scope ``all``, which follow composition too.
    Besides: ``treg_cd8_log2_ratio = log2((Treg + 0.5) / (CD8 + 0.5))`` of numbers of cells, CD8 all labels that begin
    with ``cd8_``; ``m1_m2_difference`` of the two scores, if the table has them.

    Parameters
    ----------
    counts
        Kept cells of the sample.
    labels
        Index cell id, the same cells; lineage, label.
    programs
        From :func:`gutaxis.single_cell.markers.read_programs`.
    min_cells
        Fewest cells in scope; below it the value is missing.

    Returns
    -------
    pandas.DataFrame
        ``PROGRAM_COLUMNS``, programs in the order of the table, then the two derived numbers. value NaN with a reason
        where there are too few cells or genes.

    Notes
    -----
    Assumption: cells of one scope are captured at comparable depth in all samples; ln(1 + CP10k) of rare genes grows
    with depth. Oracle: by hand on a dense matrix (``tests/unit/test_cell_summary.py``).
    """
    labels = labels.loc[counts.cells]
    columns = counts.genes.get_indexer(pd.Index(programs["gene"].unique()))
    measured = np.full(len(counts.genes), -1)
    measured[columns[columns >= 0]] = np.arange((columns >= 0).sum())
    genes = counts.genes[columns[columns >= 0]]
    data, indices, lengths = log_normalised(counts=counts.counts, columns=measured)
    shape = (len(counts.cells), len(genes))
    values = sparse.csr_matrix((data, indices, np.concatenate([[0], np.cumsum(lengths)])), shape=shape)
    found: dict[str, _Value] = {}
    for name, own in programs.groupby("program", sort=False):
        inside = in_scope(labels=labels, scope=own["scope"].iloc[0])
        found[str(name)] = _score(values=values[inside], genes=genes, own=own, min_cells=min_cells)
    found[RATIO] = _treg_cd8(labels=labels, min_cells=min_cells)
    if M1 in found and M2 in found:
        first, second = found[M1], found[M2]
        reason = first.reason or second.reason
        found[DIFFERENCE] = _Value(first.value - second.value, first.n_cells, f"difference of {EXPRESSION}", reason)
    rows = [(name, *value) for name, value in found.items()]
    return pd.DataFrame(rows, columns=PROGRAM_COLUMNS)


def in_scope(*, labels: pd.DataFrame, scope: str) -> np.ndarray:
    """Return which cells a scope names: ``all``, or labels and lineages with ``;`` between them."""
    if scope == EVERYTHING:
        return np.ones(len(labels), dtype=bool)
    words = [word.strip() for word in scope.split(";")]
    return (labels["label"].isin(words) | labels["lineage"].isin(words)).to_numpy()


def _score(*, values: sparse.csr_matrix, genes: pd.Index, own: pd.DataFrame, min_cells: int) -> _Value:
    """Return the weighted mean of one program over the cells given."""
    n = values.shape[0]
    places = genes.get_indexer(pd.Index(own["gene"]))
    weights = own["weight"].to_numpy(dtype=float)
    there = places >= 0
    if n < min_cells:
        return _Value(np.nan, n, EXPRESSION, f"{n} cells in scope, fewer than {min_cells}")
    if weights[there].sum() < MIN_MEASURED * weights.sum():
        return _Value(np.nan, n, EXPRESSION, f"{int(there.sum())} of {len(own)} genes measured")
    means = np.asarray(values[:, places[there]].mean(axis=0), dtype=float).ravel()
    return _Value(float(means @ weights[there] / weights[there].sum()), n, EXPRESSION, None)


def _treg_cd8(*, labels: pd.DataFrame, min_cells: int) -> _Value:
    """Return log2 of regulatory T cells to CD8 T cells, half a cell added to both."""
    treg, cd8 = int((labels["label"] == TREG).sum()), int(labels["label"].str.startswith(CD8).sum())
    if treg + cd8 < min_cells:
        return _Value(np.nan, treg + cd8, "log2 ratio", f"{treg + cd8} cells in scope, fewer than {min_cells}")
    return _Value(float(np.log2((treg + 0.5) / (cd8 + 0.5))), treg + cd8, "log2 ratio", None)

"""Planted against recovered: labels, doublets and dead cells of the simulated single-cell libraries."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from gutaxis.files import write_tsv
from gutaxis.simulate.cells_catalogue import LINEAGES
from gutaxis.simulate.cells_matrix import cell_truth

BY_LABEL = ["tissue", "level", "label", "n_true", "n_called", "precision", "recall", "f1"]


def f1_by_label(*, true: pd.Series, called: pd.Series) -> pd.DataFrame:
    """Return how well each label that the truth holds was called.

    ``precision = tp / called``, ``recall = tp / true``, ``f1 = 2 tp / (called + true)``. A label that is called but not
    in the truth has no row of its own: it takes cells from the recall of others. Oracle: ``sklearn.metrics.f1_score``.

    Parameters
    ----------
    true, called
        Labels of the same cells, shape (n,).

    Returns
    -------
    pandas.DataFrame
        label, n_true, n_called, precision (missing where nothing was called so), recall, f1; sorted by label.
    """
    rows = []
    for label in sorted(true.unique()):
        n_true, n_called = int((true == label).sum()), int((called == label).sum())
        right = int(((true == label) & (called == label)).sum())
        precision = right / n_called if n_called else np.nan
        rows.append((label, n_true, n_called, precision, right / n_true, 2 * right / (n_true + n_called)))
    return pd.DataFrame(rows, columns=BY_LABEL[2:])


def auc_within(*, score: np.ndarray, positive: np.ndarray, group: np.ndarray) -> float:
    """Return the chance that a positive scores above a negative of the same group; ties count half.

    The mean of the groups' areas under the ROC curve, weighted by their numbers of pairs: scores of different samples
    are not compared. Oracle for one group: ``sklearn.metrics.roc_auc_score``.

    Parameters
    ----------
    score, positive, group
        Shape (n,): number (missing ones are left out), bool, name of the sample.

    Returns
    -------
    float
        NaN if no group has both a positive and a negative.
    """
    above = pairs = 0.0
    for name in np.unique(group[np.isfinite(score)]):
        inside = (group == name) & np.isfinite(score)
        mine, n = positive[inside], int(positive[inside].sum())
        if n and n < len(mine):
            above += rankdata(score[inside])[mine].sum() - n * (n + 1) / 2
            pairs += n * (len(mine) - n)
    return above / pairs if pairs else np.nan


def fraction_error(*, true: pd.DataFrame, called: pd.DataFrame) -> float:
    """Return how far the label fractions of a sample are from the planted ones: half the sum of absolute differences.

    The mean over the samples that have called cells; 0 is perfect, 1 is nothing in common.

    Parameters
    ----------
    true, called
        Columns sample_id and label, one row per cell.
    """
    errors = []
    for sample_id, mine in called.groupby("sample_id"):
        shares = [cells["label"].value_counts(normalize=True) for cells in (true[true["sample_id"] == sample_id], mine)]
        errors.append(shares[0].sub(shares[1], fill_value=0.0).abs().sum() / 2)
    return float(np.mean(errors)) if errors else np.nan


def match_cells(
    *, truth: dict[str, Any], labels: Mapping[str, Path], cells: Mapping[str, Path], tissue: str
) -> pd.DataFrame:
    """Return the barcodes of a tissue with what they are and what was made of them.

    Parameters
    ----------
    truth
        The trial's truth with ``cells``.
    labels, cells
        As in :func:`measure_cells`.
    tissue
        ``blood`` or ``tumor``.

    Returns
    -------
    pandas.DataFrame
        Columns of :func:`gutaxis.simulate.cells_matrix.cell_truth`, sample_id, kept (bool), doublet_score,
        called_label and called_lineage (missing where there is none). An excluded sample keeps no cell.

    Raises
    ------
    ValueError
        If a table has other cells than the truth.
    """
    parts = []
    for sample_id, planned in truth["cells"]["samples"].items():
        if planned["tissue"] != tissue or sample_id not in cells:
            continue
        known = cell_truth(truth=truth, sample_id=sample_id).assign(sample_id=sample_id).set_index("cell")
        seen = pd.read_csv(cells[sample_id], sep="\t", comment="#", index_col="cell")
        if set(seen.index) != set(known.index):
            raise ValueError(f"{cells[sample_id].name} does not hold the simulated cells of {sample_id}")
        known["kept"] = (seen["kept"] == "Y").reindex(known.index)
        known["doublet_score"] = pd.to_numeric(seen["doublet_score"]).reindex(known.index)
        found = pd.DataFrame(columns=["label", "lineage"], dtype=object)
        if sample_id in labels:
            found = pd.read_csv(labels[sample_id], sep="\t", comment="#", index_col="cell")
        if not set(found.index) <= set(known.index[known["kept"]]):
            raise ValueError(f"{labels[sample_id].name} labels cells of {sample_id} that were not kept")
        known["called_label"] = found["label"].reindex(known.index)
        known["called_lineage"] = found["lineage"].reindex(known.index)
        parts.append(known.reset_index())
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def score_tissue(*, matched: pd.DataFrame, tissue: str) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the scores of one tissue and those of its labels.

    Labels are scored on the kept cells that are alive and alone in their droplet: a doublet or a dead cell has no right
    label. A cell of which only the lineage was called has a wrong label and, if so, a right lineage.

    Parameters
    ----------
    matched
        From :func:`match_cells`, not empty.
    tissue
        Written into the rows.

    Returns
    -------
    tuple
        One row: tissue, n_samples, n_cells, n_scored, macro_f1, lineage_f1 (means of f1 over the labels and lineages of
        the truth), unresolved (share of scored cells without a label of their own), fraction_error, doublet_auc (score
        of living cells, within samples), doublet_auc_neotypic (without doublets of two cells of one type, which no
        method tells from singlets by their profile), doublets_removed, dead_removed, singlets_kept (shares). And a
        table ``BY_LABEL``.
    """
    single = ~matched["doublet"] & ~matched["dead"]
    scored = matched[single & matched["kept"]].copy()
    lineage = scored["label"].map(LINEAGES)
    # what an annotation left out is not right either
    label_called, lineage_called = (scored[f"called_{level}"].fillna("unresolved") for level in ("label", "lineage"))
    by_label = f1_by_label(true=scored["label"], called=label_called)
    by_lineage = f1_by_label(true=lineage, called=lineage_called)
    alive = matched[~matched["dead"]]
    neotypic = alive[~(alive["doublet"] & (alive["label"] == alive["label_2"]))]
    row = {
        "tissue": tissue,
        "n_samples": matched["sample_id"].nunique(),
        "n_cells": len(matched),
        "n_scored": len(scored),
        "macro_f1": by_label["f1"].mean(),
        "lineage_f1": by_lineage["f1"].mean(),
        "unresolved": label_called.str.endswith("unresolved").mean(),
        "fraction_error": fraction_error(
            true=matched[single],
            called=matched.loc[matched["called_label"].notna(), ["sample_id", "called_label"]].rename(
                columns={"called_label": "label"}
            ),
        ),
        "doublet_auc": _auc(alive),
        "doublet_auc_neotypic": _auc(neotypic),
        "doublets_removed": 1 - matched.loc[matched["doublet"], "kept"].mean(),
        "dead_removed": 1 - matched.loc[matched["dead"], "kept"].mean(),
        "singlets_kept": matched.loc[single, "kept"].mean(),
    }
    both = [by_label.assign(level="label"), by_lineage.assign(level="lineage")]
    return row, pd.concat(both, ignore_index=True).assign(tissue=tissue)[BY_LABEL]


def measure_cells(
    *, truth: Path, labels: Mapping[str, Path], cells: Mapping[str, Path], output: Path, by_label: Path
) -> None:
    """Compare the cells of a finished simulated run with its truth.

    Parameters
    ----------
    truth
        The trial's ``truth.json``.
    labels
        Sample -> label table (cell, lineage, label); a sample that was excluded may be missing.
    cells
        Sample -> table of every barcode (cell, doublet_score, kept).
    output
        Table to write: one row per tissue, see :func:`score_tissue`.
    by_label
        Table to write, ``BY_LABEL``: one row per tissue, level (label, lineage) and label of the truth.

    Raises
    ------
    ValueError
        If the truth holds no single-cell library of the tables, or other cells than they do.
    """
    trial = json.loads(truth.read_text())
    rows, tables = [], []
    for tissue in trial.get("cells", {}).get("types", {}):
        matched = match_cells(truth=trial, labels=labels, cells=cells, tissue=tissue)
        if len(matched):
            row, table = score_tissue(matched=matched, tissue=tissue)
            rows.append(row)
            tables.append(table)
    if not rows:
        raise ValueError("no table belongs to a single-cell library of the simulated trial")
    write_tsv(pd.DataFrame(rows), output, digits=6)
    write_tsv(pd.concat(tables, ignore_index=True), by_label, digits=6)


def _auc(cells: pd.DataFrame) -> float:
    return auc_within(
        score=cells["doublet_score"].to_numpy(dtype=float),
        positive=cells["doublet"].to_numpy(),
        group=cells["sample_id"].to_numpy(),
    )

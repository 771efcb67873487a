"""Cell types of one sample by a CellTypist model of the user. A program of its own, run by another Python.

CellTypist fits one scikit-learn only, so nothing of gutaxis is imported here, and nothing of gutaxis imports this file.
:func:`gutaxis.single_cell.celltypist_votes.celltypist_votes` runs it::

    python celltypist_program.py --counts S1.h5ad --model my_model.pkl --output predictions.tsv

A model is a pickle: whoever loads one runs what it holds. Nothing is downloaded: the model is opened by its path, and
CellTypist gets an empty folder of its own in place of the one it would make in the user's home.
"""

import argparse
import os
import pickle
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

PARTS = ("Model", "Scaler_", "description")
#: Counts per cell after scaling; CellTypist was trained on this.
TARGET = 1e4


class UserError(Exception):
    """A mistake in the input or set-up, told in one line."""


def read_model(*, path: Path, models: Any) -> Any:
    """Return the CellTypist model of a pickle that the user trusts."""
    try:
        with open(path, "rb") as handle:
            parts = pickle.load(handle)  # models exist in no other form
    except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, ValueError) as error:
        raise UserError(
            f"X51 {path.name}: no CellTypist model can be read ({type(error).__name__}: {error})"
        ) from error
    if not isinstance(parts, dict) or any(part not in parts for part in PARTS):
        raise UserError(f"X51 {path.name}: a pickle, but no CellTypist model, which has {', '.join(PARTS)}")
    return models.Model(*(parts[part] for part in PARTS))


def read_counts(*, path: Path) -> ad.AnnData:
    """Return cells of which ln(1 + 10,000 x / total) was taken."""
    adata = ad.read_h5ad(path)
    matrix = sparse.csr_matrix(adata.X, dtype=np.float32)
    totals = np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()
    matrix = (sparse.diags((TARGET / np.where(totals > 0, totals, 1)).astype(np.float32)) @ matrix).tocsr()
    matrix.data = np.log1p(matrix.data)
    return ad.AnnData(
        X=matrix, obs=pd.DataFrame(index=adata.obs_names), var=pd.DataFrame(index=adata.var_names.astype(str))
    )


def check_genes(*, adata: ad.AnnData, features: Sequence[str], share: float, name: str) -> None:
    """Print how many of the model's genes the data has; raise if it is less than a share of them."""
    genes = np.asarray(features).astype(str)
    shared = int(np.isin(genes, adata.var_names).sum())
    print(f"{shared} of {len(genes)} genes of the model are in the data")
    if shared == 0 or shared < share * len(genes):
        raise UserError(
            f"X53 {name}: {shared} of {len(genes)} genes of the model are in the data, too few. "
            "The model must be of the same organism and use the same names"
        )


def predict(*, adata: ad.AnnData, model: Any, annotate: Any) -> pd.DataFrame:
    """Return cell, label, probability: the model's best label of each cell, and the probability it gives it."""
    if adata.n_obs == 0:
        return pd.DataFrame(columns=["cell", "label", "probability"])
    found = annotate(adata, model=model, majority_voting=False, mode="best match")
    labels = found.predicted_labels["predicted_labels"].astype(str)
    best = found.probability_matrix.max(axis=1)
    return pd.DataFrame({"cell": adata.obs_names, "label": labels.to_numpy(), "probability": best.to_numpy(float)})


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, predict, write the table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--min-genes", type=float, default=0.1, help="smallest share of the model's genes in the data")
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="gutaxis-celltypist-") as folder:
        os.environ["CELLTYPIST_FOLDER"] = folder  # read while the package is imported
        try:
            import celltypist  # noqa: PLC0415
        except ModuleNotFoundError as error:
            print(f"X50 {sys.executable} has no {error.name}: run `make extras`", file=sys.stderr)
            return 1
        try:
            model = read_model(path=given.model, models=celltypist.models)
            adata = read_counts(path=given.counts)
            check_genes(adata=adata, features=model.features, share=given.min_genes, name=given.counts.name)
        except UserError as error:
            print(error, file=sys.stderr)
            return 1
        table = predict(adata=adata, model=model, annotate=celltypist.annotate)
    table.to_csv(given.output, sep="\t", index=False, na_rep="NA", lineterminator="\n", float_format="%.6g")
    return 0


if __name__ == "__main__":
    sys.exit(main())

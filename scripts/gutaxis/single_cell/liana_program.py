"""Ligand-receptor scores between the cell types of one sample by LIANA. A program of its own, run by another Python.

LIANA brings packages that the rest of the workflow does not need, so nothing of gutaxis is imported here, and nothing
of gutaxis imports this file. :func:`gutaxis.single_cell.communication.communicate` runs it::

    python liana_program.py --counts S1.h5ad --cells cells.tsv --resource consensus --output pairs.tsv

Counts are scaled to 10,000 per cell over all genes and ln(1 + x) is taken. LIANA's rank_aggregate (Dimitrov et al.
2022, doi:10.1038/s41467-022-30755-0) joins the ranks of CellPhoneDB, Connectome, log2FC, NATMI and SingleCellSignalR
by robust rank aggregation (Kolde et al. 2012, doi:10.1093/bioinformatics/btr709).
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

RENAMED = {"ligand_complex": "ligand", "receptor_complex": "receptor"}
KEYS = ["source", "target", "ligand", "receptor"]
RANKS = ["magnitude_rank", "specificity_rank"]
#: Counts per cell after scaling.
TARGET = 1e4


class UserError(Exception):
    """A mistake in the input or set-up, told in one line."""


def read_cells(*, counts: Path, cells: Path) -> ad.AnnData:
    """Return the log-normalised cells that have a type; obs.cell_type is a category in alphabetical order."""
    adata = ad.read_h5ad(counts)
    types = pd.read_csv(cells, sep="\t", dtype=str, keep_default_na=False).set_index("cell")["label"]
    lost = types.index.difference(adata.obs_names)
    if len(lost):
        raise UserError(f"X53 {counts.name}: {len(lost)} labelled cells have no counts, for example {lost[0]}")
    matrix = sparse.csr_matrix(adata.X, dtype=np.float32)
    totals = np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()
    matrix = (sparse.diags((TARGET / np.where(totals > 0, totals, 1)).astype(np.float32)) @ matrix).tocsr()
    matrix.data = np.log1p(matrix.data)
    rows = adata.obs_names.get_indexer(types.index)
    # categories keep the level of a type out of the reach of other cells' order
    obs = pd.DataFrame({"cell_type": pd.Categorical(types)}, index=types.index)
    return ad.AnnData(X=matrix[rows], obs=obs, var=pd.DataFrame(index=adata.var_names.astype(str)))


def usable_pairs(*, adata: ad.AnnData, pairs: pd.DataFrame, share: float) -> tuple[pd.DataFrame, int]:
    """Return the pairs whose genes are all in the data, and how many of them some two types express.

    Parameters
    ----------
    adata
        Cells with obs.cell_type.
    pairs
        ligand, receptor; subunits of a complex are joined by ``_``.
    share
        Smallest share of a type's cells that express each subunit.
    """
    genes = set(adata.var_names)
    present = [all(unit in genes for unit in _units(row)) for row in pairs.itertuples(index=False)]
    kept = pairs[present].drop_duplicates(["ligand", "receptor"])
    codes = adata.obs["cell_type"].cat.codes.to_numpy()
    member = sparse.csr_matrix((np.ones(len(codes)), (codes, np.arange(len(codes)))))
    found = (member @ (adata.X > 0).astype(np.float64)).toarray() / np.bincount(codes)[:, None]
    place = {gene: number for number, gene in enumerate(adata.var_names)}

    def somewhere(name: str) -> bool:
        return bool((found[:, [place[unit] for unit in name.split("_")]].min(axis=1) >= share).any())

    expressed = sum(somewhere(row.ligand) and somewhere(row.receptor) for row in kept.itertuples(index=False))
    return kept[["ligand", "receptor"]].reset_index(drop=True), expressed


def _units(row: Any) -> list[str]:
    return [*row.ligand.split("_"), *row.receptor.split("_")]


def resource_pairs(*, resource: str, liana: Any) -> pd.DataFrame:
    """Return ligand and receptor symbols: of a table of the user (a path that ends in .tsv), or shipped with LIANA."""
    if resource.endswith(".tsv"):
        table = pd.read_csv(resource, sep="\t", dtype=str, keep_default_na=False, comment="#")
        lacking = [name for name in ("ligand", "receptor") if name not in table]
        if lacking:
            raise UserError(f"X52 {Path(resource).name}: no column {' and '.join(lacking)}")
        return table
    known = sorted(liana.rs.show_resources())
    if resource not in known:
        raise UserError(f"X52 LIANA has no resource {resource}. It has: {', '.join(known)}")
    return liana.rs.select_resource(resource)


def communicate(*, adata: ad.AnnData, pairs: pd.DataFrame, share: float, permutations: int, seed: int, liana: Any
                ) -> pd.DataFrame:  # fmt: skip
    """Return LIANA's scores, the best first; ties in alphabetical order."""
    found = liana.mt.rank_aggregate(
        adata, groupby="cell_type", resource=pairs, expr_prop=share, min_cells=1, use_raw=False, n_perms=permutations,
        seed=seed, n_jobs=1, inplace=False, verbose=False,
    )  # fmt: skip
    found = found.rename(columns=RENAMED)
    found[KEYS] = found[KEYS].astype(str)
    rest = sorted(set(found.columns) - {*KEYS, *RANKS})
    return found[[*KEYS, *RANKS, *rest]].sort_values([*RANKS, *KEYS], ignore_index=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, score, write the table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=Path, required=True)
    parser.add_argument("--cells", type=Path, required=True)
    parser.add_argument("--resource", default="consensus")
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--permutations", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args(arguments)
    try:
        import liana  # noqa: PLC0415  (a missing package is told in one line, and --help needs none)
    except ModuleNotFoundError as error:
        print(f"X50 {sys.executable} has no {error.name}: run `make extras`", file=sys.stderr)
        return 1
    try:
        adata = read_cells(counts=given.counts, cells=given.cells)
        pairs = resource_pairs(resource=given.resource, liana=liana)
        usable, expressed = usable_pairs(adata=adata, pairs=pairs, share=given.share)
        if usable.empty:
            raise UserError(
                f"X53 {given.counts.name}: no pair of {given.resource} has all its genes here. "
                "The resource must use the symbols of the counts"
            )
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(usable)} of {len(pairs)} pairs of {given.resource} have all their genes in the data")
    table = pd.DataFrame(columns=[*KEYS, *RANKS])
    if expressed:
        table = communicate(adata=adata, pairs=usable, share=given.share, permutations=given.permutations,
                            seed=given.seed, liana=liana)  # fmt: skip
    table.to_csv(given.output, sep="\t", index=False, na_rep="NA", lineterminator="\n", float_format="%.10g")
    return 0


if __name__ == "__main__":
    sys.exit(main())

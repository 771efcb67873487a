"""The counts of one sample: read from any common format, checked, with unique human gene symbols."""

from collections.abc import Sequence
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from anndata.utils import make_index_unique
from scipy import sparse

from gutaxis.errors import GutaxisError, Problem, raise_if_errors
from gutaxis.single_cell.genes import ENSEMBL, ID_COLUMNS, ensembl_share, foreign_species, symbol_column
from gutaxis.single_cell.matrices import read_matrix
from gutaxis.single_cell.matrix_parts import Matrix, problem

#: A logarithm of normalised counts is not larger: log(1 + 1e6) is 13.8.
LOG_LARGEST = 14.0
#: Rows are called equal in sum if these vary by less than this share of their mean.
EQUAL_SUMS = 0.01
STORE = 'Store the counts in X or in layers["counts"]'
NONE = "none"


def read_counts(*, path: Path, genome: str | None = None, ambient: str = NONE) -> anndata.AnnData:
    """Read the counts of one sample and refuse what is none.

    Parameters
    ----------
    path
        10x HDF5 (v2 or v3, also of several genomes), folder with the mtx files (Cell Ranger, STARsolo), or h5ad.
    genome
        Which genome of a file of several; None if there is one.
    ambient
        Program that has taken ambient RNA off (SoupX, DecontX, CellBender, ...) or ``none``. Such programs leave
        fractions, which are rounded to whole counts, half to even; without a program named fractions are refused.

    Returns
    -------
    anndata.AnnData
        ``X``: barcodes x genes, counts, float32 CSR with sorted indices. ``obs``: index barcode, no columns (what an
        h5ad says of its cells is not taken over). ``var``: index unique symbol, ``gene_id`` (NA if not given).
        ``uns["reading"]``: format, genome, source (matrix, X, layers[counts], raw), ambient, n_duplicated_symbols,
        share_rounded, notes (list).

    Raises
    ------
    GutaxisError
        X01-X05, X11 of :func:`gutaxis.single_cell.matrices.read_matrix`; X06 another species; X07 no symbols; X08
        empty; X09 fractions without a program named; X10 negative, infinite or missing values; X12 barcodes that are
        missing or repeated; X13 normalised values although a program is named.
    """
    matrix = read_matrix(path=path, genome=genome)
    source, adata = _counts_of(matrix=matrix, path=path, ambient=ambient)
    var, notes = _names(var=adata.var, path=path)
    barcodes = [str(name) for name in adata.obs_names]
    raise_if_errors(_barcode_problems(barcodes=barcodes, path=path))
    values = sparse.csr_matrix(adata.X, dtype=np.float32)
    fractions = int((values.data != np.rint(values.data)).sum())
    share = fractions / max(len(values.data), 1)
    if fractions:
        values = values.copy()
        values.data = np.rint(values.data)
        notes.append(f"{share:.1%} of the values were fractions ({ambient}), rounded to whole counts")
    values.sum_duplicates()
    values.eliminate_zeros()
    values.indices, values.indptr = values.indices.astype(np.int32), values.indptr.astype(np.int32)
    if not values.nnz:
        raise GutaxisError(_empty(path=path, shape=values.shape))
    symbols = make_index_unique(pd.Index(var["symbol"], dtype=object), join="-")
    repeated = int((symbols != pd.Index(var["symbol"], dtype=object)).sum())
    if repeated:
        notes.append(f"{repeated} repeated symbols were made unique (-1, -2, ...)")
    made = anndata.AnnData(
        values,
        obs=pd.DataFrame(index=pd.Index(barcodes, dtype=object)),
        var=pd.DataFrame({"gene_id": var["gene_id"].to_numpy()}, index=symbols),
    )
    made.uns["reading"] = {
        "format": matrix.kind,
        "genome": matrix.genome,
        "source": source,
        "ambient": ambient,
        "n_duplicated_symbols": repeated,
        "share_rounded": share,
        "notes": notes,
    }
    return made


def _counts_of(*, matrix: Matrix, path: Path, ambient: str) -> tuple[str, anndata.AnnData]:
    """Return the first place that holds counts; raise what is wrong with the first one if none does."""
    first: Problem | None = None
    for name, adata in matrix.candidates.items():
        found = _value_problem(adata=adata, place=name, path=path, ambient=ambient)
        if found is None:
            return name, adata
        first = first or found
    raise GutaxisError([first] if first else [])


def _empty(*, path: Path, shape: tuple[int, int]) -> Problem:
    return problem(
        code="X08",
        path=path,
        value=f"{shape[0]} x {shape[1]}",
        wrong=f"The matrix is empty: {shape[0]} barcodes, {shape[1]} genes, no count",
        allowed="At least one gene with a count in one cell",
        mend="Look at the alignment's report, or take the sample off the sample sheet",
    )


def _value_problem(*, adata: anndata.AnnData, place: str, path: Path, ambient: str) -> Problem | None:
    """Return why a matrix does not hold counts, or None."""
    rows = adata.X if sparse.issparse(adata.X) else sparse.csr_matrix(adata.X)
    data = rows.data
    if not np.any(data):
        return _empty(path=path, shape=adata.shape)
    odd = ~np.isfinite(data) | (data < 0)
    if odd.any():
        return problem(
            code="X10",
            path=path,
            value=f"{data[odd][0]:.6g}",
            wrong=f"{place} holds negative, infinite or missing values: scaled or damaged, no counts",
            allowed="Counts: whole numbers from 0",
            mend=STORE,
        )
    fractions = data != np.rint(data)
    normalised = _normalised(rows=rows) if fractions.any() else None
    corrected = ambient != NONE
    if not fractions.any() or (corrected and not normalised):
        return None
    named = corrected or normalised
    return problem(
        code="X13" if corrected else "X09",
        path=path,
        value=f"{data[fractions][0]:.6g}",
        wrong=f"{place} holds {normalised or 'fractions'}, not {'corrected ' if corrected else ''}counts",
        allowed="The counts that the program leaves, before normalisation" if corrected else "Whole numbers from 0",
        mend=STORE
        if named
        else f"{STORE}; if ambient RNA was taken off, name the program in single_cell.input.ambient",
    )


def _normalised(*, rows: sparse.spmatrix) -> str | None:
    """Name what fractions are: values of equal row sums, or of a size that only logarithms have; None if neither."""
    rows = sparse.csr_matrix(rows, dtype=np.float64)
    filled = np.diff(rows.indptr) > 0
    if rows.data.max() <= LOG_LARGEST:
        unlogged = rows.copy()
        unlogged.data = np.expm1(unlogged.data)
        sums = np.asarray(unlogged.sum(axis=1)).ravel()[filled]
        return (
            f"log-normalised values ({sums.mean():.6g} per cell)" if _equal(sums) else "values as small as logarithms"
        )
    sums = np.asarray(rows.sum(axis=1)).ravel()[filled]
    return f"values normalised to {sums.mean():.6g} per cell" if _equal(sums) else None


def _equal(sums: np.ndarray) -> bool:
    """Whether the sums of at least two rows are the same but for rounding."""
    return len(sums) > 1 and float(np.std(sums)) < EQUAL_SUMS * float(np.mean(sums))


def _names(*, var: pd.DataFrame, path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Return symbol and gene_id of each gene, and what has to be said about it; raise X06, X07."""
    index = [str(name) for name in var.index]
    ids = next((var[name].astype(object).to_numpy() for name in ID_COLUMNS if name in var.columns), None)
    notes: list[str] = []
    column = symbol_column(var=var) if ensembl_share(names=index) > 0.5 else ""
    if column is None:
        species = foreign_species(symbols=[], ids=index)
        raise GutaxisError(_foreign(path=path, species=species, index=index) if species else _unnamed(path, index))
    if column:
        symbols = var[column].astype(object).to_numpy()
        ids = np.array(index, dtype=object)
        notes.append(f"gene symbols were taken from the column {column}: the index holds Ensembl ids")
    else:
        symbols = np.array(index, dtype=object)
    if ids is None:
        ids = np.full(len(index), "NA", dtype=object)
    ids = np.where(pd.isna(ids), "NA", ids).astype(str)
    blank = pd.isna(symbols) | (symbols == "")
    symbols = np.where(blank, np.where(ids == "NA", np.array(index, dtype=object), ids), symbols).astype(str)
    species = foreign_species(symbols=list(symbols), ids=list(ids))
    if species:
        raise GutaxisError(_foreign(path=path, species=species, index=list(symbols)))
    return pd.DataFrame({"symbol": symbols.astype(object), "gene_id": ids.astype(object)}), notes


def _foreign(*, path: Path, species: str, index: Sequence[str]) -> Problem:
    return problem(
        code="X06",
        path=path,
        value=", ".join(index[:3]),
        wrong=f"The genes are those of another species ({species})",
        allowed="Human genes: symbols such as CD3E, Ensembl ids that begin with ENSG",
        mend="Align to a human reference; in a file of two genomes set single_cell.input.genome",
    )


def _unnamed(path: Path, index: Sequence[str]) -> Problem:
    return problem(
        code="X07",
        path=path,
        value=next(name for name in index if ENSEMBL.match(name)),
        wrong="The genes are named by Ensembl ids, and no column holds their symbols: markers could not be found",
        allowed="Gene symbols as names, or an h5ad with a column gene_symbols in var",
        mend="Make the reference with gene_name in its GTF, or add the column from that GTF",
    )


def _barcode_problems(*, barcodes: Sequence[str], path: Path) -> list[Problem]:
    """Return X12 where barcodes do not name cells one by one."""
    counts = pd.Series(barcodes, dtype=object).value_counts()
    repeated = sorted(counts.index[counts > 1])
    if not repeated and "" not in counts.index:
        return []
    return [
        problem(
            code="X12",
            path=path,
            value=", ".join(repeated[:3]) or "''",
            wrong=f"{len(repeated)} barcodes occur more than once" if repeated else "A barcode is empty",
            allowed="One library per file, each barcode once",
            mend="Give each library its own file and its own line in the sample sheet",
        )
    ]

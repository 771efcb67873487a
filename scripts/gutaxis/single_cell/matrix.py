"""Log-normalised matrix of a few genes over many samples: one full sample in memory at a time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from anndata.io import read_elem
from scipy import sparse

from gutaxis.errors import GutaxisError, Problem

TARGET_SUM = 1e4  # counts a cell is scaled to
LEAST_SHARED = 0.25  # of the voted genes; fewer means other names, not another annotation of the same genome


@dataclass(frozen=True, kw_only=True)
class SampleCounts:
    """Counts of (some) cells of one sample.

    Parameters
    ----------
    counts
        Cells x genes, float32 CSR.
    cells, genes
        Names of rows and columns.
    """

    counts: sparse.csr_matrix
    cells: pd.Index
    genes: pd.Index


@dataclass(frozen=True, kw_only=True)
class LogMatrix:
    """Cells of all samples x chosen genes.

    Parameters
    ----------
    values
        log1p of counts per 10,000, float32 CSR.
    cells
        Cell ids, samples in sorted order.
    sample
        Position of each cell's sample among the sorted samples.
    """

    values: sparse.csr_matrix
    cells: pd.Index
    sample: np.ndarray


def read_sample(*, path: Path, cells: pd.Index | None = None) -> SampleCounts:
    """Read the counts of one sample, or of those of its cells that are among ``cells``, in the order of the file."""
    with h5py.File(path) as file:
        names = pd.Index(read_elem(file["obs"][file["obs"].attrs["_index"]]))
        genes = pd.Index(read_elem(file["var"][file["var"].attrs["_index"]]))
        if cells is None:
            return SampleCounts(counts=sparse.csr_matrix(read_elem(file["X"])), cells=names, genes=genes)
        wanted = cells.get_indexer(names) >= 0
        if not wanted.any():  # nothing to read
            none = sparse.csr_matrix((0, len(genes)), dtype=np.float32)
            return SampleCounts(counts=none, cells=names[wanted], genes=genes)
        counts = sparse.csr_matrix(read_elem(file["X"]))
    return SampleCounts(counts=counts[wanted], cells=names[wanted], genes=genes)


def read_samples(*, samples: Mapping[str, Path], cells: pd.Index | None = None) -> Iterator[tuple[str, SampleCounts]]:
    """Read one sample after the other, sorted by id, and leave out those without a cell of ``cells``.

    Raises
    ------
    GutaxisError
        X20: a wanted cell is in no sample, so labels and counts are not of the same run.
    """
    found = []
    for sample in sorted(samples):
        read = read_sample(path=samples[sample], cells=cells)
        if len(read.cells):
            found += [] if cells is None else [read.cells]
            yield sample, read
    if cells is None or sum(map(len, found)) == len(cells):
        return
    lost = cells.difference(found[0].append(found[1:])) if found else cells
    raise GutaxisError(
        Problem(
            code="X20",
            file="labels of cells",
            line=None,
            column="cell",
            value=str(lost[0]),
            wrong=f"{len(lost)} of {len(cells)} labelled cells are in no sample",
            allowed="Labels name cells that passed quality control in the same run, as SAMPLE_BARCODE",
            mend="Remove the labels and let the workflow make them again, or correct your own cell ids",
        )
    )


def log_normalised(*, counts: sparse.csr_matrix, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return data, indices and row lengths of log1p(count / total of the cell x 10,000) in chosen columns.

    Parameters
    ----------
    counts
        Cells x genes; the total of a cell is over all of them.
    columns
        For each gene its column in the result, or -1.
    """
    totals = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    scale = np.divide(TARGET_SUM, totals, out=np.zeros_like(totals), where=totals > 0).astype(np.float32)
    target = columns[counts.indices]
    kept = target >= 0
    before = np.concatenate([[0], np.cumsum(kept)])[counts.indptr]
    lengths = np.diff(before)
    data = counts.data[kept].astype(np.float32, copy=False)
    data *= np.repeat(scale, lengths)
    np.log1p(data, out=data)
    return data, target[kept], lengths


def log_matrix(*, samples: Mapping[str, Path], genes: pd.Index, cells: pd.Index | None = None) -> LogMatrix:
    """Fill the matrix of chosen genes, one sample at a time.

    Peak memory is the result (8 bytes for each value that is not zero) and one full sample. A gene that a sample lacks
    counts as 0 there.

    Parameters
    ----------
    samples
        Sample to its file of counts.
    genes
        Columns of the result.
    cells
        Cells to read, unique; None: all. The size of a cell is its total over all genes in any case.

    Raises
    ------
    GutaxisError
        X20 as :func:`read_samples`; X21: a sample has hardly any of the genes by name.
    """
    data, indices = np.empty(0, dtype=np.float32), np.empty(0, dtype=np.int32)
    lengths, names, codes, problems = [], [], [], []
    order = {sample: code for code, sample in enumerate(sorted(samples))}
    for sample, read in read_samples(samples=samples, cells=cells):
        columns = genes.get_indexer(read.genes).astype(np.int32)
        shared = int((columns >= 0).sum())
        if len(read.cells) and shared < LEAST_SHARED * len(genes):
            problems.append(_other_names(path=samples[sample], genes=genes, read=read, shared=shared))
            continue
        values, where, row_lengths = log_normalised(counts=read.counts, columns=columns)
        start = len(data)
        # In place: the block grows without a second copy of it, and the new part is written at once.
        data.resize(start + len(values), refcheck=False)
        indices.resize(start + len(values), refcheck=False)
        data[start:], indices[start:] = values, where
        lengths.append(row_lengths)
        names.append(read.cells.to_numpy(dtype=object))
        codes.append(np.full(len(read.cells), order[sample], dtype=np.int32))
    if problems:
        raise GutaxisError(problems)
    ends = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]) if lengths else np.zeros(1, dtype=np.int64)
    # 32-bit row ends wherever they fit: SciPy would copy the column numbers to 64 bits beside 64-bit row ends.
    indptr = ends.astype(np.int32 if ends[-1] < np.iinfo(np.int32).max else np.int64)
    return LogMatrix(
        values=sparse.csr_matrix((data, indices, indptr), shape=(len(ends) - 1, len(genes))),
        cells=pd.Index(np.concatenate(names) if names else [], dtype=object),
        sample=np.concatenate(codes) if codes else np.empty(0, dtype=np.int32),
    )


def _other_names(*, path: Path, genes: pd.Index, read: SampleCounts, shared: int) -> Problem:
    """Return X21: the genes of a sample have other names than those of the others."""
    return Problem(
        code="X21",
        file=path.name,
        line=None,
        column=None,
        value=str(read.genes[0]) if len(read.genes) else None,
        wrong=f"This sample has only {shared} of the {len(genes)} most variable genes of the study by name",
        allowed="All samples of a tissue name their genes in the same way, by human symbols of similar annotations",
        mend="Count this sample against the same reference as the others, or rename its genes",
    )

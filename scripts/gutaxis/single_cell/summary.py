"""What of a labelled sample goes on: fraction of each cell type, sums of counts by type, programs."""

from collections.abc import Mapping
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from anndata.io import read_elem
from scipy import sparse

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import atomic_write, write_h5ad, write_tsv
from gutaxis.single_cell.labels import read_labels
from gutaxis.single_cell.markers import UNRESOLVED, read_programs
from gutaxis.single_cell.matrix import SampleCounts, read_sample
from gutaxis.single_cell.programs import program_scores
from gutaxis.single_cell.summary_files import ENDINGS

FRACTION_COLUMNS = ["label", "lineage", "n_cells", "fraction"]


def summarise_samples(
    *, counts: Mapping[str, Path], labels: Path, programs: Path, output: Path, min_cells: int = 10
) -> None:
    """Write the three summaries of some samples, one after the other, into one folder.

    Parameters
    ----------
    counts
        Sample -> h5ad of its kept cells.
    labels
        Folder of labels, a table for each sample.
    programs, min_cells
        As of :func:`summarise_sample`.
    output
        Folder to make: ``{sample}`` with each ending of ``ENDINGS``. It appears when all of them are there.

    Raises
    ------
    GutaxisError
        As :func:`summarise_sample`.
    """
    with atomic_write(output) as part:
        part.mkdir()
        for sample, path in counts.items():
            fractions, pseudobulk, scores = (part / f"{sample}{ENDINGS[what]}" for what in ENDINGS)
            summarise_sample(
                sample=sample, counts=path, labels=labels / f"{sample}.tsv", programs=programs, fractions=fractions,
                pseudobulk=pseudobulk, scores=scores, min_cells=min_cells,
            )  # fmt: skip


def summarise_sample(
    *, sample: str, counts: Path, labels: Path, programs: Path, fractions: Path, pseudobulk: Path, scores: Path,
    min_cells: int = 10,
) -> None:  # fmt: skip
    """Write the three summaries of one sample.

    Parameters
    ----------
    sample
        Sample id.
    counts
        h5ad of the kept cells, cells x genes.
    labels
        Table of :func:`gutaxis.single_cell.labels.label_files`, one row for each of these cells.
    programs
        Table of programs.
    fractions
        Target: ``FRACTION_COLUMNS`` for every label that occurs; fraction of all kept cells, those unresolved included.
    pseudobulk
        Target h5ad: cell types x genes, sums of counts (int32 CSR), ``obs.n_cells``, ``var.gene_id``. Types with fewer
        than ``min_cells`` cells and cells that are not resolved are not in it.
    scores
        Target: see :func:`gutaxis.single_cell.programs.program_scores`.
    min_cells
        Fewest cells of a type (pseudobulk) or scope (programs).

    Raises
    ------
    GutaxisError
        X34: counts and labels do not hold the same cells. X30-X32: the table of programs.
    """
    read = read_sample(path=counts)
    known = read_labels(path=labels)
    table = read_programs(path=programs)
    unlike = read.cells.symmetric_difference(known.index)
    if len(unlike) or known.index.has_duplicates:
        raise GutaxisError(
            Problem(
                "X34", labels.name, None, "cell", str(unlike[0]) if len(unlike) else None,
                f"{sample}: {len(unlike)} cells have counts or a label but not both, or a label twice",
                "One label for each kept cell, from the same run",
                "Remove the folder of labels and run again; your own labels of cells go in as a table of labels",
            )
        )  # fmt: skip
    known = known.loc[read.cells]
    write_tsv(fraction_table(labels=known), fractions, comment=f"{sample}: {len(known)} kept cells")
    bulk = pseudobulk_sums(counts=read, labels=known["label"], min_cells=min_cells)
    bulk.var["gene_id"] = _gene_ids(path=counts)
    write_h5ad(adata=bulk, path=pseudobulk)
    scored = program_scores(counts=read, labels=known, programs=table, min_cells=min_cells)
    write_tsv(scored, scores, comment=f"{sample}: programs, see resources/markers/README.md")
    print(f"{sample}: {len(known)} cells, {known['label'].nunique()} labels, {bulk.n_obs} types summed")


def fraction_table(*, labels: pd.DataFrame) -> pd.DataFrame:
    """Count the cells of each label; ``FRACTION_COLUMNS``, sorted by label.

    Parameters
    ----------
    labels
        lineage and label of every kept cell.
    """
    counted = labels.groupby(["label", "lineage"], sort=True).size().rename("n_cells").reset_index()
    return counted.assign(fraction=counted["n_cells"] / max(len(labels), 1))[FRACTION_COLUMNS]


def pseudobulk_sums(*, counts: SampleCounts, labels: pd.Series, min_cells: int) -> ad.AnnData:
    """Sum the counts of the cells of each type: types (sorted) x genes, obs.n_cells.

    Parameters
    ----------
    counts
        Cells of a sample.
    labels
        Label of each, in the same order.
    min_cells
        Types with fewer are left out; so is what is not resolved: it is no type.
    """
    sizes = labels[~labels.str.endswith(UNRESOLVED)].value_counts()
    types = sorted(sizes.index[sizes >= min_cells])
    codes = pd.Categorical(labels, categories=types).codes
    cells = np.flatnonzero(codes >= 0)
    member = sparse.csr_matrix((np.ones(len(cells)), (codes[cells], cells)), shape=(len(types), len(labels)))
    # sums in float64 are exact up to 2^53
    sums = sparse.csr_matrix(np.rint((member @ counts.counts.astype(np.float64)).toarray()).astype(np.int32))
    return ad.AnnData(
        X=sums,
        obs=pd.DataFrame(
            {"n_cells": sizes.reindex(types).to_numpy(dtype=np.int64)}, index=pd.Index(types, dtype=object)
        ),
        var=pd.DataFrame(index=pd.Index(counts.genes.astype(str), dtype=object)),
    )


def _gene_ids(*, path: Path) -> np.ndarray:
    """Return the identifiers of the genes, `NA` where the file has none."""
    with h5py.File(path) as file:
        var = read_elem(file["var"])
    return var["gene_id"].astype(str).to_numpy(dtype=object) if "gene_id" in var else np.full(len(var), "NA", object)

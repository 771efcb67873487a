"""How strongly and in how many cells of each label the marker genes are expressed: the numbers of the dot plot."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from anndata.io import read_elem
from scipy import sparse

from gutaxis.files import write_tsv
from gutaxis.single_cell.labels import read_labels
from gutaxis.single_cell.markers import UNRESOLVED, read_markers
from gutaxis.single_cell.matrix import SampleCounts, log_normalised, read_samples

COLUMNS = ["label", "gene", "marker_of", "mean", "share", "n_cells"]


def chosen_genes(
    *, markers: pd.DataFrame, tissue: str, found: Sequence[str], genes: frozenset[str], per_set: int
) -> pd.DataFrame:
    """Choose the genes that are drawn: the first markers of every label that occurs, and of its lineage.

    Parameters
    ----------
    markers
        Of :func:`gutaxis.single_cell.markers.read_markers`; within a set the best first.
    tissue
        blood or tumor; markers of the other one are left out.
    found
        Labels that occur in the tissue. If the table knows none of them (a user's own labels), the markers of all
        lineages are taken.
    genes
        Genes that the data has.
    per_set
        Genes of a set; a label has one set or more.

    Returns
    -------
    pandas.DataFrame
        gene, marker_of (the first label that a gene marks), in the order of the table.
    """
    own = markers[markers["tissue"].isin([tissue, "both"]) & (markers["sign"] > 0) & markers["gene"].isin(genes)]
    # a state that is not sure still shows what its lineage was called by
    wanted = {label.removesuffix(f"_{UNRESOLVED}") for label in found}
    wanted |= set(markers.loc[markers["label"].isin(found) & (markers["level"] == "state"), "parent"])
    known = own["label"].isin(wanted)
    own = own[known if known.any() else own["level"] == "lineage"].drop_duplicates("gene")
    own = own.groupby(["label", "set"], sort=False).head(per_set)
    return own[["gene", "label"]].rename(columns={"label": "marker_of"}).reset_index(drop=True)


def marker_dots(
    *, counts: Mapping[str, Path], labels: Mapping[str, Path], markers: Path, tissue: str, output: Path,
    per_set: int = 3,
) -> None:  # fmt: skip
    """Write mean expression and share of expressing cells of the marker genes, for every label of a tissue.

    Samples are read one after the other, so that memory is that of the largest sample. The mean is over all cells of a
    label, whatever their sample, of ``ln(1 + 10,000 x / t)`` with the count x of the gene and t of all genes of the
    cell; the share is of the cells with x > 0. Oracle: by hand on a dense matrix
    (``tests/unit/test_marker_dots.py``). It describes labels and is no comparison of patients.

    Parameters
    ----------
    counts
        ``samples/{sample}.h5ad`` by sample id.
    labels
        ``labels/{sample}.tsv`` by sample id; cells without a row are left out.
    markers
        resources/markers/cell_markers.tsv or a table like it.
    tissue
        blood or tumor.
    output
        TSV with :data:`COLUMNS`; labels in the order of the markers table and then of the alphabet, genes likewise.
        A gene that a sample lacks counts 0 in its cells.
    per_set
        Genes of a set of markers.

    Raises
    ------
    GutaxisError
        X20: labelled cells have no counts; X30 to X32: the table of markers.
    """
    table = read_markers(path=markers)
    types = {sample: read_labels(path=labels[sample])["label"].dropna() for sample in sorted(counts)}
    seen = sorted({label for own in types.values() for label in own})
    genes = frozenset(gene for sample in types for gene in _genes(counts[sample]))
    chosen = chosen_genes(markers=table, tissue=tissue, found=seen, genes=genes, per_set=per_set)
    place = {label: number for number, label in enumerate(dict.fromkeys(table["label"]))}
    seen.sort(key=lambda label: (place.get(label.removesuffix(f"_{UNRESOLVED}"), len(place)), label))
    sums = np.zeros((2, len(seen), len(chosen)))
    sizes = np.zeros(len(seen), dtype=np.int64)
    by_cell = pd.concat(types.values()) if types else pd.Series(dtype=object)
    for _, read in read_samples(samples=counts, cells=by_cell.index):
        codes = pd.Categorical(by_cell.loc[read.cells], categories=seen).codes
        sizes += np.bincount(codes, minlength=len(seen))
        sums += _sums(read=read, codes=codes, genes=pd.Index(chosen["gene"]), n_labels=len(seen))
    rows = [
        (label, gene, marker_of, *(sums[:, row, column] / sizes[row]), sizes[row])
        for row, label in enumerate(seen)
        for column, (gene, marker_of) in enumerate(chosen.itertuples(index=False))
    ]
    write_tsv(pd.DataFrame(rows, columns=COLUMNS), output, digits=6)


def _genes(path: Path) -> np.ndarray:
    """Return the genes of a sample; its matrix stays on disk."""
    with h5py.File(path) as file:
        return np.asarray(read_elem(file["var"][file["var"].attrs["_index"]]), dtype=object)


def _sums(*, read: SampleCounts, codes: np.ndarray, genes: pd.Index, n_labels: int) -> np.ndarray:
    """Return sums of log expression and numbers of expressing cells of a sample: 2 x labels x genes."""
    columns = genes.get_indexer(read.genes)
    data, indices, lengths = log_normalised(counts=read.counts, columns=columns)
    shape = (len(codes), len(genes))
    values = sparse.csr_matrix(
        (data.astype(np.float64), indices, np.concatenate([[0], np.cumsum(lengths)])), shape=shape
    )
    member = sparse.csr_matrix((np.ones(len(codes)), (codes, np.arange(len(codes)))), shape=(n_labels, len(codes)))
    return np.stack([(member @ values).toarray(), (member @ (values > 0).astype(np.float64)).toarray()])

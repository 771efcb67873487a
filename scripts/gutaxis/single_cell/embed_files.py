"""Embedding of a tissue, or of a subset of its cells, from the samples' files: one call for the rule."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import atomic_write, write_tsv
from gutaxis.single_cell.embed import Embedding, embed_components, principal_components
from gutaxis.single_cell.embed_settings import EmbedSettings
from gutaxis.single_cell.hvg import count_votes, read_votes, sample_votes
from gutaxis.single_cell.maps import map_coordinates
from gutaxis.single_cell.matrix import log_matrix, read_samples


def labelled_cells(*, tables: Sequence[Path], subset: str) -> pd.Index:
    """Return the cells whose lineage is ``subset``, from tables of labels (``cell lineage``, more is ignored).

    Raises
    ------
    GutaxisError
        X22: a table lacks a column.
    """
    found, problems = [], []
    for path in tables:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, comment="#")
        missing = [column for column in ("cell", "lineage") if column not in table]
        if missing:
            problems.append(
                Problem(
                    code="X22",
                    file=path.name,
                    line=1,
                    column=missing[0],
                    value=None,
                    wrong=f"The table of labels has no column {' and no column '.join(missing)}",
                    allowed="One row per cell, with the columns cell and lineage",
                    mend="Add the column, or remove the file and let the workflow make it again",
                )
            )
        else:
            found.append(table.loc[table["lineage"] == subset, "cell"])
    if problems:
        raise GutaxisError(problems)
    return pd.Index(pd.concat(found).unique() if found else [], dtype=object)


def fresh_votes(
    *, samples: Mapping[str, Path], cells: pd.Index | None, settings: EmbedSettings
) -> dict[str, pd.DataFrame]:
    """Return the votes of every sample with enough of the cells; where none has enough, of all the cells as one.

    Then the cells are few: less than ``hvg_min_cells`` a sample.
    """
    votes, few = {}, []
    for sample, read in read_samples(samples=samples, cells=cells):
        if len(read.cells) >= settings.hvg_min_cells:
            votes[sample] = sample_votes(counts=read.counts, genes=read.genes, n_top=settings.genes)
        elif not votes:
            few.append(read)
    if votes or not few:
        return votes
    genes = few[0].genes
    for read in few[1:]:
        genes = genes.union(read.genes, sort=False)
    aligned = [_on_genes(counts=read.counts, columns=genes.get_indexer(read.genes), n_genes=len(genes)) for read in few]
    pooled = sparse.vstack(aligned, format="csr")
    return {"all": sample_votes(counts=pooled, genes=genes, n_top=settings.genes)}


def _on_genes(*, counts: sparse.csr_matrix, columns: np.ndarray, n_genes: int) -> sparse.csr_matrix:
    """Return the same counts in the columns of a larger list of genes."""
    return sparse.csr_matrix((counts.data, columns[counts.indices], counts.indptr), shape=(counts.shape[0], n_genes))


def embed_files(
    *,
    samples: Mapping[str, Path],
    batches: Mapping[str, str],
    settings: EmbedSettings,
    embedding: Path,
    hvg: Path,
    hvg_tables: Mapping[str, Path] | None = None,
    subset: str | None = None,
    cells: Path | Mapping[str, Path] | None = None,
) -> None:
    """Embed and cluster the cells of a tissue, or of a subset.

    Variable genes are voted by the samples; their log-normalised matrix is filled sample by sample and given up as soon
    as its principal components are known; Harmony evens out samples or batches; then neighbours, Leiden, and a map.

    Parameters
    ----------
    samples
        Sample to its counts (h5ad). Without cells (an excluded sample): it takes no part.
    batches
        Sample to its batch, for ``integrate: batch``.
    settings
        Choices.
    embedding
        h5ad to write, without X: obs ``sample_id cluster``; obsm ``X_pca``, ``X_harmony`` and, with a map, ``X_umap``
        (NaN for cells not on it); uns: settings and, in words, ``integration``, ``map`` and ``reason``.
    hvg
        Table to write: ``gene n_samples dispersions_norm``, best first.
    hvg_tables
        Sample to its votes. None, or a subset: the votes are made here from the counts of the cells in question.
    subset
        Lineage to embed; None: all cells.
    cells
        With a subset: table of labels (columns ``cell lineage``) of all samples, or one for each sample.

    Raises
    ------
    GutaxisError
        X20 to X22 of :mod:`gutaxis.single_cell.matrix` and :func:`labelled_cells`.
    """
    if (subset is None) != (cells is None):
        raise ValueError("a subset needs labels of cells, and only a subset does")
    chosen = None
    if cells is not None:
        tables = [cells[sample] for sample in sorted(cells)] if isinstance(cells, Mapping) else [cells]
        chosen = labelled_cells(tables=tables, subset=subset)
    if hvg_tables is None or chosen is not None:
        votes = fresh_votes(samples=samples, cells=chosen, settings=settings)
    else:
        votes = {sample: read_votes(path=path) for sample, path in hvg_tables.items()}
    n_voters = sum(len(table) > 0 for table in votes.values())
    voted = count_votes(tables=votes, n_top=settings.genes, exclude_receptors=settings.hvg_exclude_receptors)
    write_tsv(voted, hvg)
    loaded = log_matrix(samples=samples, genes=pd.Index(voted["gene"]), cells=chosen)
    cell_ids, sample = loaded.cells, loaded.sample
    print(f"{len(cell_ids)} cells of {len(np.unique(sample))} samples, {len(voted)} genes of {n_voters} votes")
    pca = principal_components(values=loaded.values, n_components=settings.components, seed=settings.seed)
    del loaded  # by far the largest thing here; from now on a cell is its components
    names = sorted(samples)
    made = embed_components(
        pca=pca,
        levels=_levels(sample=sample, names=names, batches=batches, what=settings.integrate),
        settings=settings,
        resolution=settings.resolution if subset is None else settings.subset_resolution,
    )
    placed, shown = map_coordinates(
        coordinates=made.harmony,
        groups=sample,
        graph=made.graph,
        neighbors=made.neighbors,
        n_cells=settings.umap_cells if settings.umap else settings.map_cells,
        seed=settings.seed,
    )
    words = {"subset": subset or "", "integration": made.integration, "map": shown, "reason": made.reason}
    for name, value in words.items():
        print(f"{name}: {value or '-'}")
    adata = _as_anndata(made=made, cells=cell_ids, sample=sample, names=names)
    if shown != "none":
        adata.obsm["X_umap"] = placed
    adata.uns = words | {"settings": settings.plain(), "n_neighbors": made.neighbors, "n_voters": n_voters}
    with atomic_write(embedding) as part:
        adata.write_h5ad(part, compression="lzf")


def _levels(*, sample: np.ndarray, names: list[str], batches: Mapping[str, str], what: str) -> np.ndarray:
    """Return the number of each cell's level of the factor to even out."""
    if what != "batch":
        return sample
    known = sorted({batches[name] for name in names})
    return np.array([known.index(batches[name]) for name in names], dtype=np.int32)[sample]


def _as_anndata(*, made: Embedding, cells: pd.Index, sample: np.ndarray, names: list[str]) -> ad.AnnData:
    """Return the embedding as AnnData without X."""
    clusters = [str(number) for number in range(made.cluster.max() + 1 if len(cells) else 0)]
    obs = pd.DataFrame(
        {
            "sample_id": pd.Categorical.from_codes(sample, categories=names),
            "cluster": pd.Categorical.from_codes(made.cluster, categories=clusters),
        },
        index=cells.astype(str),
    )
    return ad.AnnData(obs=obs, obsm={"X_pca": made.pca, "X_harmony": made.harmony})

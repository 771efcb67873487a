"""Embedding of a tissue, or of a subset of its cells, from the samples' files: one call for the rule."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import write_h5ad, write_tsv
from gutaxis.single_cell.embed import Components, Embedding, embed_components, principal_components
from gutaxis.single_cell.embed_place import Placed, place
from gutaxis.single_cell.embed_settings import EmbedSettings
from gutaxis.single_cell.hvg import count_votes, read_votes, sample_votes
from gutaxis.single_cell.maps import map_coordinates
from gutaxis.single_cell.matrix import log_matrix, read_samples


def labelled_cells(*, tables: Sequence[Path], subset: str, samples: Collection[str] | None = None) -> pd.Index:
    """Return the cells whose lineage is ``subset``, from tables of labels (``cell lineage``, more is ignored).

    With ``samples``, only the cells of these; the tables then need a column ``sample_id`` too.

    Raises
    ------
    GutaxisError
        X22: a table lacks a column.
    """
    found, problems = [], []
    for path in tables:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, comment="#")
        needed = ("cell", "lineage") if samples is None else ("cell", "lineage", "sample_id")
        missing = [column for column in needed if column not in table]
        if missing:
            problems.append(
                Problem(
                    code="X22",
                    file=path.name,
                    line=1,
                    column=missing[0],
                    value=None,
                    wrong=f"The table of labels has no column {' and no column '.join(missing)}",
                    allowed=f"One row per cell, with the columns {' and '.join(needed)}",
                    mend="Add the column, or remove the file and let the workflow make it again",
                )
            )
        else:
            wanted = table["lineage"] == subset
            found.append(table.loc[wanted if samples is None else wanted & table["sample_id"].isin(samples), "cell"])
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
    reference: Collection[str] | None = None,
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
        (NaN for cells not on it); uns: settings and, in words, ``integration``, ``map`` and ``reason``. With a
        reference also obs ``neighbour_share`` (see :class:`gutaxis.single_cell.embed_place.Placed`; NaN: the cell
        taught) and uns ``reference``; cells of the reference come first.
    hvg
        Table to write: ``gene n_samples dispersions_norm``, best first.
    hvg_tables
        Sample to its votes. None, or a subset: the votes are made here from the counts of the cells in question.
    subset
        Lineage to embed; None: all cells.
    cells
        With a subset: table of labels (columns ``cell lineage``, with a reference also ``sample_id``) of all samples,
        or one for each sample.
    reference
        Samples that everything is learned from, as if there were no others; cells of the others are placed on it, those
        of a subset only if the reference has cells of it. None: all.

    Raises
    ------
    GutaxisError
        X20 to X22 of :mod:`gutaxis.single_cell.matrix` and :func:`labelled_cells`; X23: no cell of the reference.
    """
    if (subset is None) != (cells is None):
        raise ValueError("a subset needs labels of cells, and only a subset does")
    teaching = {sample: path for sample, path in samples.items() if reference is None or sample in reference}
    chosen = _chosen(cells=cells, subset=subset, samples=None if reference is None else set(teaching))
    if hvg_tables is None or chosen is not None:
        votes = fresh_votes(samples=teaching, cells=chosen, settings=settings)
    else:
        votes = {sample: read_votes(path=hvg_tables[sample]) for sample in teaching}
    n_voters = sum(len(table) > 0 for table in votes.values())
    voted = count_votes(tables=votes, n_top=settings.genes, exclude_receptors=settings.hvg_exclude_receptors)
    write_tsv(voted, hvg)
    genes = pd.Index(voted["gene"])
    loaded = log_matrix(samples=teaching, genes=genes, cells=chosen)
    cell_ids, sample = loaded.cells, loaded.sample
    if reference is not None and subset is None and not len(cell_ids):
        raise GutaxisError(_no_cells(samples=teaching))
    print(f"{len(cell_ids)} cells of {len(np.unique(sample))} samples, {len(voted)} genes of {n_voters} votes")
    components = principal_components(values=loaded.values, n_components=settings.components, seed=settings.seed)
    del loaded  # by far the largest thing here; from now on a cell is its components
    names = sorted(teaching)
    made = embed_components(
        pca=components.scores,
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
    if reference is not None:
        words["reference"] = ";".join(names)
        if shown != "none" and len(teaching) < len(samples):
            words["map"] = f"{shown}; cells of later batches at the mean of their neighbours"
    for name, value in words.items():
        print(f"{name}: {value or '-'}")
    adata = _as_anndata(made=made, cells=cell_ids, sample=sample, names=names)
    if shown != "none":
        adata.obsm["X_umap"] = placed
    if reference is not None:
        adata.obs["neighbour_share"] = np.nan
        later = {name: path for name, path in samples.items() if name not in teaching}
        adata = _with_later(
            adata=adata, made=made, components=components, umap=placed, genes=genes, samples=later, batches=batches,
            settings=settings, cells=_chosen(cells=cells, subset=subset, samples=set(later)),
        )  # fmt: skip
    adata.uns = words | {"settings": settings.plain(), "n_neighbors": made.neighbors, "n_voters": n_voters}
    write_h5ad(adata=adata, path=embedding)


def _chosen(
    *, cells: Path | Mapping[str, Path] | None, subset: str | None, samples: Collection[str] | None
) -> pd.Index | None:
    """Return the cells of a subset, of some samples or of all; None: there is no subset."""
    if cells is None:
        return None
    if isinstance(cells, Mapping):
        tables = [cells[sample] for sample in sorted(cells) if samples is None or sample in samples]
        return labelled_cells(tables=tables, subset=subset)
    return labelled_cells(tables=[cells], subset=subset, samples=samples)


def _no_cells(*, samples: Collection[str]) -> Problem:
    """Return X23: what should teach has no cell."""
    return Problem(
        code="X23", file="config", line=None, column="batches.reference", value=None,
        wrong=f"No cell of the reference batches passed quality control ({', '.join(sorted(samples))})",
        allowed="A frozen embedding is learned from cells of the reference batches",
        mend="Look at single_cell/quality.tsv, name other batches, or set `batches.embedding: refit`",
    )  # fmt: skip


def _with_later(
    *, adata: ad.AnnData, made: Embedding, components: Components, umap: np.ndarray, genes: pd.Index,
    samples: Mapping[str, Path], batches: Mapping[str, str], settings: EmbedSettings, cells: pd.Index | None,
) -> ad.AnnData:  # fmt: skip
    """Return the embedding of the reference with the cells of later samples below it."""
    if not adata.n_obs or not samples:
        return adata
    loaded = log_matrix(samples=samples, genes=genes, cells=cells)
    names = sorted(samples)
    found: Placed = place(
        values=loaded.values, sample=loaded.sample,
        levels=_levels(sample=loaded.sample, names=names, batches=batches, what=settings.integrate),
        components=components, made=made, umap=umap, neighbors=settings.neighbors,
    )  # fmt: skip
    shares = f", median share of votes {np.median(found.share):.2f}" if np.isfinite(found.share).any() else ""
    print(f"{len(loaded.cells)} cells of {len(np.unique(loaded.sample))} later samples placed{shares}")
    categories = list(adata.obs["cluster"].cat.categories)
    every = sorted([*adata.obs["sample_id"].cat.categories, *names])
    obs = pd.DataFrame(
        {
            "sample_id": pd.Categorical([*adata.obs["sample_id"], *(names[code] for code in loaded.sample)], every),
            "cluster": pd.Categorical([*adata.obs["cluster"], *map(str, found.cluster)], categories),
            "neighbour_share": np.concatenate([adata.obs["neighbour_share"], found.share]),
        },
        index=adata.obs_names.append(loaded.cells.astype(str)),
    )
    obsm = {"X_pca": np.vstack([made.pca, found.pca]), "X_harmony": np.vstack([made.harmony, found.harmony])}
    if "X_umap" in adata.obsm:
        obsm["X_umap"] = np.vstack([umap, found.umap])
    return ad.AnnData(obs=obs, obsm=obsm)


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

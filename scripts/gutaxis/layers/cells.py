"""Layers of the single-cell arm: fractions, programs and sums of counts of many samples, read into one table each."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

from gutaxis.errors import GutaxisError
from gutaxis.layers.names import problem
from gutaxis.stats.pseudobulk import SEPARATOR

NO_CELLS = "no cell passed quality control"
DROPPED_COLUMNS = ["what", "name", "reason"]


class Fractions(NamedTuple):
    """Samples x labels: share of the kept cells, and number of cells; samples without any cell (sample_id, reason)."""

    values: pd.DataFrame
    counts: pd.DataFrame
    dropped: pd.DataFrame


class Programs(NamedTuple):
    """Samples x programs (NaN where not known); unit by program; what was left out (what, name, reason)."""

    values: pd.DataFrame
    units: pd.Series
    dropped: pd.DataFrame


class Pseudobulk(NamedTuple):
    """Samples x ``type|gene`` counts; by feature cell_type, gene, label; what was left out (what, name, reason)."""

    counts: pd.DataFrame
    var: pd.DataFrame
    dropped: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class PseudobulkSettings:
    """Which types and genes can be compared between samples; no outcome is looked at.

    Parameters
    ----------
    min_samples
        Samples that must have a type, and fewest samples in which a gene must be expressed.
    min_count
        A gene counts as expressed in a sample if its CPM is at least that of this many counts in a sample of median
        depth.
    min_share
        Share of the samples with the type in which a gene must be expressed.
    min_total
        Smallest sum of a gene over all samples.
    max_genes
        Most genes of a type, those of largest mean CPM; None for all. A model takes 15-50 ms per gene.
    """

    min_samples: int = 3
    min_count: float = 10.0
    min_share: float = 0.3
    min_total: float = 15.0
    max_genes: int | None = 3000


def fractions_of(*, counts: pd.DataFrame) -> Fractions:
    """Return the shares of each sample's cells; samples without cells are listed."""
    counts = counts.rename_axis(index=None, columns=None).sort_index().sort_index(axis=1).astype(float)
    totals = counts.sum(axis=1)
    empty = [str(name) for name in counts.index[totals == 0]]
    counts = counts[totals > 0]
    counts.index = counts.index.astype(str)
    return Fractions(
        values=counts.div(counts.sum(axis=1), axis=0),
        counts=counts,
        dropped=pd.DataFrame([(name, NO_CELLS) for name in empty], columns=["sample_id", "reason"], dtype=object),
    )


def read_fractions(*, paths: Mapping[str, Path], level: str = "label") -> Fractions:
    """Read the fractions of many samples.

    Parameters
    ----------
    paths
        ``{sample}.fractions.tsv`` by sample id.
    level
        ``label`` (states), or ``lineage``: their states put together.

    Returns
    -------
    Fractions
        Every label of any sample; 0 where a sample has none of it.

    Raises
    ------
    GutaxisError
        L13 if no sample has a cell.
    """
    counts = {}
    for sample in sorted(paths):
        table = pd.read_csv(
            paths[sample], sep="\t", comment="#", dtype={"label": str, "lineage": str}, keep_default_na=False
        )
        counts[sample] = table.groupby(level)["n_cells"].sum() if len(table) else pd.Series(dtype=float)
    made = fractions_of(counts=pd.DataFrame(counts).T.fillna(0.0))
    if made.values.empty:
        raise _nothing(what="cells", paths=paths)
    return made


def read_programs(*, paths: Mapping[str, Path]) -> Programs:
    """Read the programs of many samples.

    Parameters
    ----------
    paths
        ``{sample}.programs.tsv`` by sample id.

    Returns
    -------
    Programs
        Programs that no sample has a value for, and samples without any value, are left out and listed.

    Raises
    ------
    GutaxisError
        L13 if there is no value at all.
    """
    values, units = {}, {}
    for sample in sorted(paths):
        table = pd.read_csv(paths[sample], sep="\t", comment="#", keep_default_na=False, na_values=["NA"])
        values[sample] = table.set_index("program")["value"].astype(float)
        units |= dict(zip(table["program"], table["unit"], strict=True))
    table = pd.DataFrame(values).T.sort_index(axis=1).rename_axis(index=None, columns=None)
    absent = table.columns[table.isna().all()]
    bare = table.index[table.isna().all(axis=1)]
    dropped = [("feature", name, "no sample has enough cells and genes for it") for name in absent]
    dropped += [("sample", name, "no program has enough cells and genes") for name in bare]
    table = table.drop(index=bare, columns=absent)
    if table.empty:
        raise _nothing(what="values of programs", paths=paths)
    return Programs(
        values=table,
        units=pd.Series(units, dtype=object).reindex(table.columns),
        dropped=pd.DataFrame(dropped, columns=DROPPED_COLUMNS, dtype=object),
    )


def read_pseudobulk(*, paths: Mapping[str, Path], settings: PseudobulkSettings | None = None) -> Pseudobulk:
    """Read sums of counts by cell type of many samples, and choose types and genes that can be compared.

    The rule for genes is that of edgeR's filterByExpr without groups: a gene of a type is kept if its CPM (of the
    type's own sum) is at least ``min_count / median sum x 10^6`` in at least ``max(min_samples, min_share n)`` of the n
    samples with the type, and its total at least ``min_total``.

    Parameters
    ----------
    paths
        ``{sample}.pseudobulk.h5ad`` by sample id.
    settings
        See :class:`PseudobulkSettings`.

    Returns
    -------
    Pseudobulk
        Features ``cell_type|gene``, sorted; whole numbers. A sample without a type (too few cells of it) has zeros
        there: :func:`gutaxis.stats.counts.deseq2` leaves it out of that type. Types in too few samples or without a
        gene that passes, and samples without any type, are listed.

    Raises
    ------
    GutaxisError
        L13 if no type can be compared.

    Notes
    -----
    Source of the rule: Chen Y, Lun ATL, Smyth GK, F1000Research 2016;5:1438. Oracle: its definition, by hand
    (``tests/unit/test_layers_cells.py``).
    """
    settings = settings or PseudobulkSettings()
    rows: dict[str, dict[str, tuple[sparse.csr_matrix, pd.Index]]] = {}
    bare = []
    for sample in sorted(paths):
        adata = ad.read_h5ad(paths[sample])
        if not adata.n_obs:
            bare.append(("sample", sample, "no cell type has enough cells"))
        matrix = sparse.csr_matrix(adata.X)
        for place, name in enumerate(adata.obs_names):
            rows.setdefault(str(name), {})[sample] = (matrix[place], adata.var_names)
    parts, dropped = [], bare
    for name in sorted(rows):
        if len(rows[name]) < settings.min_samples:
            reason = f"in {len(rows[name])} samples, fewer than {settings.min_samples}"
            dropped.append(("cell type", name, reason))
            continue
        table = dense_rows(rows=rows[name])
        kept = expressed_genes(counts=table, settings=settings)
        if kept.empty:
            dropped.append(("cell type", name, "no gene has enough counts in enough samples"))
            continue
        parts.append(table[kept].add_prefix(f"{name}{SEPARATOR}"))
    if not parts:
        raise _nothing(what=f"cell types with {settings.min_samples} samples", paths=paths)
    counts = pd.concat(parts, axis=1).fillna(0.0).sort_index().sort_index(axis=1)
    names = [feature.split(SEPARATOR, 1) for feature in counts.columns]
    var = pd.DataFrame(
        {
            "cell_type": [own for own, _ in names],
            "gene": [gene for _, gene in names],
            "label": [f"{gene} in {own}" for own, gene in names],
        },
        index=counts.columns,
    )
    return Pseudobulk(counts=counts, var=var, dropped=pd.DataFrame(dropped, columns=DROPPED_COLUMNS, dtype=object))


def expressed_genes(*, counts: pd.DataFrame, settings: PseudobulkSettings) -> pd.Index:
    """Return the genes of one type that pass the filter, sorted; see :func:`read_pseudobulk`.

    Parameters
    ----------
    counts
        Samples with the type x genes.
    settings
        See :class:`PseudobulkSettings`.
    """
    totals = counts.sum(axis=1).to_numpy(dtype=float)
    cpm = counts.to_numpy(dtype=float) / np.maximum(totals, 1)[:, None] * 1e6
    cutoff = settings.min_count / max(float(np.median(totals)), 1.0) * 1e6
    fewest = max(settings.min_samples, int(np.ceil(settings.min_share * len(counts))))
    # as edgeR: a tolerance, so that equality survives rounding
    enough = (cpm >= cutoff * (1 - 1e-14)).sum(axis=0) >= fewest
    kept = np.flatnonzero(enough & (counts.sum(axis=0).to_numpy() >= settings.min_total))
    if settings.max_genes is not None and len(kept) > settings.max_genes:
        order = sorted(kept, key=lambda place: (-cpm[:, place].mean(), counts.columns[place]))
        kept = np.array(order[: settings.max_genes])
    return counts.columns[kept].sort_values()


def dense_rows(*, rows: Mapping[str, tuple[sparse.csr_matrix, pd.Index]]) -> pd.DataFrame:
    """Return samples x genes of one type from one row and its genes per sample; a gene that a sample lacks is 0."""
    genes = pd.Index(sorted(set().union(*(names for _, names in rows.values()))), dtype=object)
    values = np.zeros((len(rows), len(genes)))
    for place, (row, names) in enumerate(rows.values()):
        values[place, genes.get_indexer(names)] = row.toarray().ravel()
    return pd.DataFrame(values, index=list(rows), columns=genes)


def _nothing(*, what: str, paths: Mapping[str, Path]) -> GutaxisError:
    first = next(iter(sorted(paths)), "no sample")
    return GutaxisError(
        problem(
            code="L13", file=Path(paths[first]).name if paths else first,
            wrong=f"{len(paths)} samples without {what}", allowed="At least one sample with cells of a known type",
            mend="Look at single_cell/samples/*.qc.tsv for why cells were dropped, and at the table of clusters",
        )
    )  # fmt: skip

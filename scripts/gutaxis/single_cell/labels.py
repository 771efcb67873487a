"""Labels of cells out of the labels of their clusters: lineage first, then the state within it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from gutaxis.files import atomic_write, write_tsv
from gutaxis.single_cell.markers import UNRESOLVED
from gutaxis.single_cell.profiles import read_clusters, read_shares

LABEL_COLUMNS = ["cell", "lineage", "label", "score", "margin", "cluster", "subcluster"]
#: Behind them where the embedding is frozen: share of the reference neighbours that voted for cluster and subcluster.
SHARE_COLUMNS = ["neighbour_share", "subcluster_share"]
LINEAGE_COLUMNS = ["cell", "sample_id", "lineage", "score", "margin", "cluster"]
_TEXT = {"cell": str, "lineage": str, "label": str, "cluster": str, "subcluster": str}


def read_cluster_table(*, path: Path) -> pd.DataFrame:
    """Return label, score, margin by cluster (text) of a table that :func:`annotate_files` wrote."""
    table = pd.read_csv(
        path, sep="\t", comment="#", dtype={"cluster": str, "label": str}, keep_default_na=False, na_values=["NA"]
    )
    return table.set_index("cluster")[["label", "score", "margin"]]


def cell_labels(*, embedding: Path, clusters: Path, subsets: Mapping[str, tuple[Path, Path]]) -> pd.DataFrame:
    """Return the label of every cell of an embedding.

    Parameters
    ----------
    embedding, clusters
        All cells: embedding, and the table of its clusters.
    subsets
        Lineage -> its own embedding and table of clusters. A cell of such a lineage without a state is
        ``{lineage}_unresolved``; a cell of any other lineage is called by its lineage.

    Returns
    -------
    pandas.DataFrame
        Index cell, in the order of the embedding: sample_id, lineage, label, score and margin (of the label: of the
        state where there is one), cluster, subcluster (None outside the subsets).

    Raises
    ------
    KeyError
        If a cluster is not in the table of its embedding: they are of two runs.
    """
    cells = read_clusters(embedding=embedding)
    known = read_cluster_table(path=clusters)
    own = known.loc[cells["cluster"]]
    table = cells.assign(
        lineage=own["label"].to_numpy(dtype=object), label=own["label"].to_numpy(dtype=object),
        score=own["score"].to_numpy(dtype=float), margin=own["margin"].to_numpy(dtype=float),
        subcluster=pd.Series(None, index=cells.index, dtype=object),
    )  # fmt: skip
    for lineage, (path, states) in subsets.items():
        inside = read_clusters(embedding=path)
        inside = inside[inside.index.isin(table.index[table["lineage"] == lineage])]
        found = read_cluster_table(path=states).loc[inside["cluster"]]
        table.loc[table["lineage"] == lineage, "label"] = f"{lineage}_{UNRESOLVED}"
        for column in ("label", "score", "margin"):
            table.loc[inside.index, column] = found[column].to_numpy()
        table.loc[inside.index, "subcluster"] = inside["cluster"].to_numpy()
    return table[["sample_id", "lineage", "label", "score", "margin", "cluster", "subcluster"]]


def label_files(
    *, samples: Sequence[str], embedding: Path, clusters: Path, subsets: Mapping[str, tuple[Path, Path]], output: Path
) -> None:
    """Write ``{sample}.tsv`` with ``LABEL_COLUMNS`` for every sample; a header alone for one without cells.

    Where the embedding is frozen, ``SHARE_COLUMNS`` follow: NA for cells that taught.

    Parameters
    ----------
    samples
        Sample ids of the tissue.
    embedding, clusters, subsets
        See :func:`cell_labels`.
    output
        Folder.
    """
    table = cell_labels(embedding=embedding, clusters=clusters, subsets=subsets)
    columns, share = LABEL_COLUMNS, read_shares(embedding=embedding)
    if share is not None:
        inside = [found for path, _ in subsets.values() if (found := read_shares(embedding=path)) is not None]
        own = pd.concat(inside) if inside else pd.Series(dtype=float)
        values = (share.reindex(table.index), own.reindex(table.index))
        table = table.assign(**dict(zip(SHARE_COLUMNS, values, strict=True)))
        columns = [*LABEL_COLUMNS, *SHARE_COLUMNS]
    groups = {str(name): own for name, own in table.groupby("sample_id", sort=True)}
    with atomic_write(output) as part:
        part.mkdir()
        for sample in sorted(samples):
            own = groups.get(sample, table.iloc[:0])
            write_tsv(own.rename_axis("cell").reset_index()[columns], part / f"{sample}.tsv", digits=6)


def write_lineages(*, embedding: Path, clusters: Path, output: Path) -> None:
    """Write the lineage of every cell of a tissue, one table: ``LINEAGE_COLUMNS``."""
    table = cell_labels(embedding=embedding, clusters=clusters, subsets={})
    write_tsv(table.rename_axis("cell").reset_index()[LINEAGE_COLUMNS], output, digits=6)


def read_labels(*, path: Path) -> pd.DataFrame:
    """Return the labels of one sample by cell id, text as text."""
    table = pd.read_csv(path, sep="\t", comment="#", dtype=_TEXT, keep_default_na=False, na_values=["NA"])
    return table.set_index("cell")

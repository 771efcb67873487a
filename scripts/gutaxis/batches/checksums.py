"""What was made of each sample, as checksums: files of a sample, and its row of every layer."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd

from gutaxis.provenance.hashing import sha256_of

COLUMNS = ["sample_id", "assay", "what", "name", "sha256"]
#: Files that belong to one sample alone: assay -> what they are -> pattern below the results folder.
FILES = {
    "MGX": {
        "taxonomic profile": "metagenome/profiles/{sample}.tsv",
        "pathways": "metagenome/functions/{sample}_pathabundance.tsv",
        "gene families": "metagenome/functions/{sample}_genefamilies.tsv",
    },
    "METAB": {
        "intake, positive mode": "metabolome/intake/positive/{sample}.tsv",
        "intake, negative mode": "metabolome/intake/negative/{sample}.tsv",
        "features, positive mode": "metabolome/features/positive/{sample}.featureXML",
        "features, negative mode": "metabolome/features/negative/{sample}.featureXML",
    },
    "SCRNA": {
        "verdict on every barcode": "single_cell/samples/{sample}.cells.tsv.gz",
        "quality": "single_cell/samples/{sample}.qc.tsv",
    },
}
#: Kinds of layers in which a feature that a sample does not have is zero.
AMOUNTS = frozenset({"compositional", "counts"})
#: A row of a layer rests on all samples where something is learned across them; said so in the table.
LAYER_ROW = "row of layer"


def sample_checksums(*, root: Path, samples: pd.DataFrame, layers: Mapping[str, Path | str]) -> pd.DataFrame:
    """Return a checksum of everything that belongs to one sample.

    Parameters
    ----------
    root
        Results folder.
    samples
        Columns sample_id, assay: those of patients. The files of controls may come later than the layers.
    layers
        Name -> ``layers/{layer}.h5ad``.

    Returns
    -------
    pandas.DataFrame
        ``COLUMNS``, sorted. ``name`` is a path below the results folder, or a layer.
        Files that a run does not make are not there. A row of a layer is hashed by its values and the names of their
        features, so that features that only other samples have change nothing: see :func:`row_digests`.
    """
    rows = []
    assays = dict(zip(samples["sample_id"].astype(str), samples["assay"], strict=True))
    for sample, assay in assays.items():
        for what, pattern in FILES.get(str(assay), {}).items():
            name = pattern.format(sample=sample)
            if (root / name).is_file():
                rows.append((sample, assay, what, name, sha256_of(path=root / name)))
    for layer, path in layers.items():
        for sample, digest in row_digests(adata=ad.read_h5ad(path)).items():
            rows.append((sample, assays.get(sample), LAYER_ROW, layer, digest))
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values(["sample_id", "what", "name"], kind="stable", ignore_index=True)


def row_digests(*, adata: ad.AnnData) -> dict[str, str]:
    """Return sample -> SHA-256 of its values that are there, with the names of their features.

    A missing value is not there. Nor is a zero of a composition or of counts: a new sample adds features, which the
    others then hold as zeros. On other scales a zero is a value.

    Parameters
    ----------
    adata
        A layer, samples x features; ``uns["kind"]``.
    """
    amounts = str(adata.uns["kind"]) in AMOUNTS
    names = np.array(adata.var_names.astype(str))
    order = np.argsort(names, kind="stable")
    names, values = names[order], np.asarray(adata.X, dtype=np.float64)[:, order]
    found = {}
    for sample, row in zip(adata.obs_names.astype(str), values, strict=True):
        there = np.isfinite(row) & ((row != 0) | (not amounts))
        digest = hashlib.sha256("\n".join(names[there]).encode())
        digest.update(row[there].astype("<f8").tobytes())
        found[sample] = digest.hexdigest()
    return found

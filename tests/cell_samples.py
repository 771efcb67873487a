"""Counts of cells for tests and benchmarks of the embedding: types, effects of samples, h5ad files."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

NAMES = tuple(f"S{number:02d}" for number in range(1, 100))


def profiles(*, n_types: int, n_genes: int, n_markers: int, strength: float = 2.0, seed: int = 1) -> np.ndarray:
    """Return what share of its counts each type gives to each gene, types x genes; markers of a type are random."""
    rng = np.random.default_rng(seed)
    base = rng.gamma(0.4, size=n_genes) + 1e-3
    shares = np.tile(base, (n_types, 1))
    for row in shares:
        row[rng.choice(n_genes, n_markers, replace=False)] *= np.exp(strength)
    return shares / shares.sum(axis=1, keepdims=True)


def draw_counts(
    *, shares: np.ndarray, types: np.ndarray, depth: float, rng: np.random.Generator, effect: float = 0.2
) -> sparse.csr_matrix:
    """Draw cells x genes: a lognormal total per cell, genes by the shares of its type times an effect of the sample."""
    shifted = shares * np.exp(rng.normal(0, effect, shares.shape[1]))
    edges = np.cumsum(shifted / shifted.sum(axis=1, keepdims=True), axis=1)
    totals = np.maximum(rng.lognormal(np.log(depth), 0.3, len(types)).astype(int), 20)
    rows, genes = np.repeat(np.arange(len(types)), totals), np.empty(totals.sum(), dtype=np.int32)
    for number in range(len(shares)):
        drawn = np.repeat(types == number, totals)
        genes[drawn] = np.searchsorted(edges[number], rng.random(int(drawn.sum())) * edges[number, -1])
    counts = sparse.csr_matrix(
        (np.ones(len(rows), dtype=np.float32), (rows, genes)), shape=(len(types), shares.shape[1])
    )
    counts.sum_duplicates()
    return counts


def write_sample(*, path: Path, sample: str, counts: sparse.csr_matrix, genes: list[str], types: np.ndarray) -> Path:
    """Write one sample as the per-sample step does."""
    cells = [f"{sample}_{number:05d}" for number in range(counts.shape[0])]
    obs = pd.DataFrame({"sample_id": sample, "type": types.astype(str)}, index=pd.Index(cells, dtype=object))
    ad.AnnData(counts, obs=obs, var=pd.DataFrame(index=genes)).write_h5ad(path, compression="lzf")
    return path


def write_samples(
    *,
    folder: Path,
    sizes: list[int],
    n_types: int = 4,
    n_genes: int = 300,
    n_markers: int = 25,
    depth: float = 400,
    seed: int = 1,
    effect: float = 0.2,
) -> dict[str, Path]:
    """Write one file per size; types are drawn at random in every sample."""
    shares = profiles(n_types=n_types, n_genes=n_genes, n_markers=n_markers)
    genes = [f"GENE{number}" for number in range(n_genes)]
    files = {}
    for sample, size in zip(NAMES, sizes, strict=False):
        rng = np.random.default_rng([seed, len(files)])
        types = rng.integers(0, n_types, size)
        counts = draw_counts(shares=shares, types=types, depth=depth, rng=rng, effect=effect)
        path = folder / f"{sample}.h5ad"
        files[sample] = write_sample(path=path, sample=sample, counts=counts, genes=genes, types=types)
    return files

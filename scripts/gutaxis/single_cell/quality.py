"""Quality of cells: four figures of each barcode, and which of them are too far from those of the other barcodes."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import anndata
import numpy as np
import pandas as pd

from gutaxis.single_cell.genes import mitochondrial

METRICS = ["total_counts", "n_genes", "pct_mito", "pct_top20"]
REASONS = ["low_counts", "low_genes", "mito", "top20"]
TOP = 20
#: Barcodes that a median absolute deviation needs; with fewer the absolute guards decide alone.
MIN_FOR_MAD = 30


@dataclass(frozen=True, kw_only=True)
class QualitySettings:
    """Choices of the config.

    Parameters
    ----------
    min_counts, min_genes
        A barcode with fewer counts or genes is no cell, whatever the others have.
    max_mito
        Largest mitochondrial share, percent, whatever the others have.
    mad_counts, mad_genes
        How many median absolute deviations below the median log(1 + counts), log(1 + genes) are allowed; None: no rule.
    mad_top20
        How many above the median percentage of counts in the 20 highest genes; acts only above ``guard_top20`` percent.
    mad_mito
        How many above the median mitochondrial percentage; acts only above ``guard_mito`` percent.
    guard_top20, guard_mito
        See above.
    min_cells
        A sample with fewer cells left is excluded, and the run goes on.
    """

    min_counts: int = 300
    min_genes: int = 200
    max_mito: float = 25.0
    mad_counts: float | None = 5.0
    mad_genes: float | None = 5.0
    mad_top20: float | None = 5.0
    mad_mito: float | None = 3.0
    guard_top20: float = 80.0
    guard_mito: float = 8.0
    min_cells: int = 50

    @classmethod
    def from_config(cls, *, config: Mapping[str, Any]) -> "QualitySettings":
        """Take the settings of this class out of a larger mapping; other keys are none of its business."""
        return cls(**{field.name: config[field.name] for field in fields(cls) if field.name in config})


@dataclass(frozen=True)
class Flags:
    """What is wrong with each barcode, and the bounds.

    Parameters
    ----------
    table
        One row per barcode; boolean columns :data:`REASONS`.
    bounds
        min_counts, min_genes, max_mito, max_top20: what a barcode had to keep to; NA (nan) where there is no bound.
    """

    table: pd.DataFrame
    bounds: dict[str, float]


def quality_metrics(*, adata: anndata.AnnData) -> pd.DataFrame:
    """Count what each barcode holds.

    As ``scanpy.pp.calculate_qc_metrics``, which compiles code for this for half a minute in every job.

    Parameters
    ----------
    adata
        Barcodes x genes, counts, CSR without stored zeros; ``var_names`` are symbols.

    Returns
    -------
    pandas.DataFrame
        Index as ``adata.obs``: total_counts, n_genes, pct_mito (percent; NA in a matrix without mitochondrial genes,
        for no such gene is not a share of zero), pct_top20 (percent in the 20 highest genes, in all of fewer).
        Percentages of a barcode without counts are NA.
    """
    matrix = adata.X
    counts = np.asarray(matrix.sum(axis=1, dtype=float)).ravel()
    mito = mitochondrial(symbols=adata.var_names)
    of_mito = np.asarray(matrix[:, mito].sum(axis=1, dtype=float)).ravel()
    of_top = np.zeros(adata.n_obs)
    for row, (start, end) in enumerate(pairwise(matrix.indptr)):
        values = matrix.data[start:end]
        of_top[row] = (np.partition(values, len(values) - TOP)[-TOP:] if len(values) > TOP else values).sum(dtype=float)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NA
        return pd.DataFrame(
            {
                "total_counts": counts,
                "n_genes": np.diff(matrix.indptr).astype(int),
                "pct_mito": 100 * of_mito / counts if mito.any() else np.nan,
                "pct_top20": 100 * of_top / counts,
            },
            index=adata.obs_names,
        )


def quality_flags(*, metrics: pd.DataFrame, settings: QualitySettings) -> Flags:
    """Flag barcodes that are no intact cell.

    With m the median and d the median of ``abs(x - m)`` (not scaled to a normal's standard deviation), both over the
    barcodes that keep to ``min_counts`` and ``min_genes``, so that empty droplets do not widen what is allowed:

    * low_counts: counts < min_counts, or log(1 + counts) < m - mad_counts d;
    * low_genes: likewise;
    * mito: percent > max_mito, or percent > m + mad_mito d and percent > guard_mito;
    * top20: percent > m + mad_top20 d and percent > guard_top20.

    Five and three deviations, and 8 percent, are those of Heumos et al. 2023 (Nat Rev Genet 24:550-572), who also
    remove the upper tail of counts and genes and the lower tail of top20. Here the upper tail is left to the doublet
    score, for it also holds plasma cells, proliferating cells and tumour cells, and top20 acts only above
    ``guard_top20``, for the few genes of plasma cells, platelets and erythrocytes are no damage.

    Small samples: with fewer than 30 barcodes above the absolute guards, or with d = 0 (half of them equal or more), a
    deviation says nothing, and the absolute guards decide alone.

    Parameters
    ----------
    metrics
        From :func:`quality_metrics`, n barcodes; NA in a percentage flags nothing.
    settings
        Bounds.

    Returns
    -------
    Flags
        Oracle: the formulas by hand in ``tests/unit/test_cell_quality.py``.
    """
    counts, genes = metrics["total_counts"].to_numpy(dtype=float), metrics["n_genes"].to_numpy(dtype=float)
    mito, top = metrics["pct_mito"].to_numpy(dtype=float), metrics["pct_top20"].to_numpy(dtype=float)
    droplet = (counts >= settings.min_counts) & (genes >= settings.min_genes)
    low_counts = _bound(values=np.log1p(counts[droplet]), deviations=settings.mad_counts, side=-1)
    low_genes = _bound(values=np.log1p(genes[droplet]), deviations=settings.mad_genes, side=-1)
    mito_mad = _bound(values=mito[droplet], deviations=settings.mad_mito, side=1)
    top_mad = _bound(values=top[droplet], deviations=settings.mad_top20, side=1)
    bounds = {
        "min_counts": _larger(settings.min_counts, np.expm1(low_counts)),
        "min_genes": _larger(settings.min_genes, np.expm1(low_genes)),
        "max_mito": min(settings.max_mito, _larger(settings.guard_mito, mito_mad) if np.isfinite(mito_mad) else np.inf),
        "max_top20": _larger(settings.guard_top20, top_mad) if np.isfinite(top_mad) else np.nan,
    }
    if not np.isfinite(mito).any():
        bounds["max_mito"] = np.nan
    with np.errstate(invalid="ignore"):  # NA is beyond no bound
        table = pd.DataFrame(
            {
                "low_counts": counts < bounds["min_counts"],
                "low_genes": genes < bounds["min_genes"],
                "mito": mito > bounds["max_mito"],
                "top20": top > bounds["max_top20"],
            },
            index=metrics.index,
        )
    return Flags(table=table, bounds=bounds)


def _larger(first: float, second: float) -> float:
    """Return the larger number; NA is the smallest."""
    return float(np.fmax(first, second))


def _bound(*, values: np.ndarray, deviations: float | None, side: int) -> float:
    """Return median + side * deviations * MAD, or NA where the values are too few or too equal to say it."""
    known = values[np.isfinite(values)]
    if deviations is None or len(known) < MIN_FOR_MAD:
        return np.nan
    centre = float(np.median(known))
    spread = float(np.median(np.abs(known - centre)))
    return centre + side * deviations * spread if spread > 0 else np.nan


def reasons(*, flags: pd.DataFrame) -> pd.Series:
    """Join the names of the true columns of each row by ``;``; NA where none is true."""
    names = np.array(flags.columns)
    joined = [";".join(names[row]) or None for row in flags.to_numpy(dtype=bool)]
    return pd.Series(joined, index=flags.index, dtype=object)

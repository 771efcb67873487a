"""Doublets: droplets with two cells, found among their simulated likes by Scrublet."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import anndata
import numpy as np
import pandas as pd
import scanpy as sc
from scipy import sparse
from skimage.filters import threshold_minimum

#: Doublets per 1,000 cells of a 10x lane, and the range in which the rate that follows is believed.
RATE_PER_THOUSAND, RATE_RANGE = 0.008, (0.01, 0.2)
#: Genes of uneven expression without which cells cannot be told apart.
MIN_GENES = 15
#: Simulated doublets to aim at, and the range of their number per cell. Scrublet's own ratio is 2; below 2,000 cells it
#: leaves so few that the valley of their scores is not found. 400 simulated cells with 6 % doublets: a sixth of them is
#: called by a ratio of 2 and 10 neighbours, a third by 10 and 10, three fifths by 10 and 8; of the others under 0.5 %.
#: In the simulated trial, whose types shade into each other, 1.4 % of the others are called, 2.9 % with 5 neighbours.
SIMULATED, RATIO_RANGE = 4000, (2.0, 10.0)
#: Neighbours are the root of the number of cells divided by this, at least so many. Scrublet's own divisor is 2.
NEIGHBOUR_DIVISOR, MIN_NEIGHBOURS = 2.5, 5
#: Cells per principal component, and the range of the latter; Scrublet's own number is 30.
CELLS_PER_COMPONENT, COMPONENTS_RANGE = 25, (10, 30)
#: An automatic threshold is believed if it calls at least this share of the simulated doublets, and of the cells at
#: most CALLED_AT_MOST, or CALLED_FOLD times the expected share if that is more.
DETECTED_AT_LEAST, CALLED_AT_MOST, CALLED_FOLD = 0.2, 0.15, 3.0
AUTO, CONFIG, FALLBACK, NONE = "auto", "config", "fallback", "none"


@dataclass(frozen=True, kw_only=True)
class DoubletSettings:
    """Choices of the config.

    Parameters
    ----------
    remove
        Whether doublets are scored and removed at all.
    threshold
        Score above which a cell is a doublet; None: where the simulated scores have their valley. Scores scale with
        ``expected_rate``: fix both or none.
    expected_rate
        Share of doublets among the cells; None: 0.8 % per 1,000 cells, at least 1 %, at most 20 %.
    min_cells
        Cells without which doublets are not looked for.
    """

    remove: bool = True
    threshold: float | None = None
    expected_rate: float | None = None
    min_cells: int = 100

    @classmethod
    def from_config(cls, *, config: Mapping[str, Any]) -> "DoubletSettings":
        """Take the settings of this class out of a larger mapping; other keys are none of its business."""
        return cls(**{field.name: config[field.name] for field in fields(cls) if field.name in config})


@dataclass(frozen=True)
class Doublets:
    """What Scrublet said.

    Parameters
    ----------
    scores
        One per cell, 0 to 1; NA where it was not run.
    called
        Which cells are doublets.
    threshold
        Scores above it are doublets; None where it was not run.
    source
        Where the threshold is from: auto, config, fallback, none.
    note
        Why a fallback was taken or nothing was run; None otherwise.
    """

    scores: pd.Series
    called: pd.Series
    threshold: float | None
    source: str
    note: str | None


def expected_rate(*, n_cells: int) -> float:
    """Return the share of doublets to expect: 0.8 % per 1,000 cells (user guides of 10x Genomics), from 1 to 20 %."""
    return float(np.clip(RATE_PER_THOUSAND * n_cells / 1000, *RATE_RANGE))


def find_doublets(*, adata: anndata.AnnData, settings: DoubletSettings, seed: int) -> Doublets:
    """Score each cell by the share of simulated doublets among its nearest neighbours, and call the high ones.

    Scrublet (Wolock et al. 2019, Cell Syst 8:281-291), as ``scanpy.pp.scrublet`` has it, with three choices:

    * neighbours are exact, which is 7 times cheaper than the approximate search up to 15,000 points;
    * components by truncated SVD of the variance-scaled, uncentred matrix (``mean_center=False``), which stays sparse:
      the same AUC on simulated samples at 0.4 times the memory;
    * small samples get more simulated doublets, and fewer neighbours and components (:data:`SIMULATED`,
      :data:`NEIGHBOUR_DIVISOR`, :data:`CELLS_PER_COMPONENT`).

    With k neighbours, r simulated doublets per cell, expected rate p, and n_d simulated ones among the k' = k (1 + r)
    neighbours: q = (n_d + 1) / (k' + 2), score = q p / r / (1 - p - q (1 - p - p / r)).

    The threshold is the config's; else the minimum between the two modes of the simulated scores; else, if there are
    not two, or if it calls hardly any simulated doublet or a share of the cells that no experiment has, the fallback:
    the score that at most the expected share of the cells exceeds. Doublets of two cells of one type cannot be seen.

    Parameters
    ----------
    adata
        Cells x genes, counts, CSR; cells of one library that passed quality control. Not changed.
    settings
        Choices.
    seed
        Of simulation and components.

    Returns
    -------
    Doublets
        Oracle: ``scanpy.pp.scrublet`` in one call (``tests/unit/test_cell_doublets.py``).
    """
    if not settings.remove:
        return _none(adata=adata, note=None)
    if adata.n_obs < settings.min_cells:
        return _none(adata=adata, note=f"doublets not looked for: {adata.n_obs} cells, fewer than {settings.min_cells}")
    genes = _uneven_genes(adata=adata)
    if genes.sum() < MIN_GENES:
        return _none(adata=adata, note=f"doublets not looked for: {genes.sum()} genes vary, fewer than {MIN_GENES}")
    rate = settings.expected_rate or expected_rate(n_cells=adata.n_obs)
    observed, simulated = _scores(adata=adata, genes=genes, rate=rate, seed=seed)
    scores = pd.Series(observed, index=adata.obs_names)
    if settings.threshold is not None:
        return _call(scores=scores, threshold=settings.threshold, source=CONFIG)
    threshold, note = _valley(observed=observed, simulated=simulated, rate=rate)
    if threshold is not None:
        return _call(scores=scores, threshold=threshold, source=AUTO)
    threshold = float(np.quantile(observed, 1 - rate))
    note = f"{note}: at most the highest {rate:.1%} are called"
    return _call(scores=scores, threshold=threshold, source=FALLBACK, note=note)


def _none(*, adata: anndata.AnnData, note: str | None) -> Doublets:
    """Return what is said where Scrublet was not run."""
    return Doublets(
        scores=pd.Series(np.nan, index=adata.obs_names),
        called=pd.Series(False, index=adata.obs_names),
        threshold=None,
        source=NONE,
        note=note,
    )


def _call(*, scores: pd.Series, threshold: float, source: str, note: str | None = None) -> Doublets:
    return Doublets(scores=scores, called=scores > threshold, threshold=threshold, source=source, note=note)


def _uneven_genes(*, adata: anndata.AnnData) -> np.ndarray:
    """Return the genes that Scrublet takes: seen in 3 cells, and variable by scanpy's default bounds."""
    seen = np.asarray((adata.X > 0).sum(axis=0)).ravel() >= 3
    genes = np.zeros(adata.n_vars, dtype=bool)
    if seen.sum() < MIN_GENES:
        return genes
    logged = anndata.AnnData(adata.X[:, seen])
    sc.pp.normalize_total(logged)
    sc.pp.log1p(logged)
    sc.pp.highly_variable_genes(logged)
    genes[np.flatnonzero(seen)[logged.var["highly_variable"].to_numpy()]] = True
    return genes


def _scores(*, adata: anndata.AnnData, genes: np.ndarray, rate: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores of the cells and of simulated doublets."""
    n_cells = adata.n_obs
    cells = anndata.AnnData(sparse.csr_matrix(adata.X[:, genes]), obs=pd.DataFrame(index=adata.obs_names))
    made = sc.pp.scrublet_simulate_doublets(
        cells, sim_doublet_ratio=float(np.clip(SIMULATED / n_cells, *RATIO_RANGE)), random_seed=seed
    )
    made.X = sparse.csr_matrix(made.X)
    sc.pp.normalize_total(cells, target_sum=1e6)
    sc.pp.normalize_total(made, target_sum=1e6)
    components = int(np.clip(n_cells // CELLS_PER_COMPONENT, *COMPONENTS_RANGE))
    sc.pp.scrublet(
        cells,
        adata_sim=made,
        expected_doublet_rate=rate,
        mean_center=False,
        n_prin_comps=min(components, int(genes.sum()) - 1, n_cells - 1),
        n_neighbors=max(MIN_NEIGHBOURS, round(np.sqrt(n_cells) / NEIGHBOUR_DIVISOR)),
        use_approx_neighbors=False,
        threshold=0.0,  # ours is found below: scanpy does not say why it finds none
        verbose=False,
        random_state=seed,
    )
    return cells.obs["doublet_score"].to_numpy(dtype=float), cells.uns["scrublet"]["doublet_scores_sim"]


def _valley(*, observed: np.ndarray, simulated: np.ndarray, rate: float) -> tuple[float | None, str | None]:
    """Return the minimum between the two modes of the simulated scores, or why it is not believed."""
    try:
        threshold = float(threshold_minimum(simulated))
    except RuntimeError:  # what scikit-image raises if smoothing never leaves two modes
        return None, "the scores of simulated doublets have no two modes"
    detected, called = float((simulated > threshold).mean()), float((observed > threshold).mean())
    if detected < DETECTED_AT_LEAST:
        return None, f"the automatic threshold {threshold:.3g} finds {detected:.0%} of the simulated doublets"
    if called > max(CALLED_AT_MOST, CALLED_FOLD * rate):
        return None, f"the automatic threshold {threshold:.3g} calls {called:.0%} of the cells"
    return threshold, None

"""One sample: counts read and checked, cells kept or dropped with a reason, cell cycle, variable genes; four files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anndata
import numba
import numpy as np
import pandas as pd
import scanpy as sc
import sklearn.neighbors  # noqa: F401 - threads are limited of libraries that are loaded
from scipy import sparse
from threadpoolctl import threadpool_limits

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import write_h5ad, write_tsv
from gutaxis.single_cell.doublets import Doublets, DoubletSettings, find_doublets
from gutaxis.single_cell.genes import PHASES, read_cycle_genes, score_cycle
from gutaxis.single_cell.inputs import NONE, read_counts
from gutaxis.single_cell.quality import METRICS, Flags, QualitySettings, quality_flags, quality_metrics, reasons

CELL_COLUMNS = ["cell", "barcode", *METRICS, "doublet_score", "phase", "kept", "reason"]
QC_COLUMNS = [
    "sample_id", "file", "format", "genome", "ambient", "n_barcodes", "n_genes", "n_kept", "n_low", "n_mito",
    "n_doublets", "doublet_threshold", "threshold_source", "median_counts", "median_genes", "median_pct_mito", "status",
    "reason", "n_top20", "min_counts", "min_genes", "max_mito", "max_top20", "n_duplicated_symbols", "source", "notes",
]  # fmt: skip
HVG_COLUMNS = ["gene", "highly_variable", "dispersions_norm"]
OBS_COLUMNS = ["sample_id", "barcode", *METRICS, "doublet_score", "s_score", "g2m_score", "phase"]
MEDIANS = {"median_counts": "total_counts", "median_genes": "n_genes", "median_pct_mito": "pct_mito"}
OK, EXCLUDED = "ok", "excluded"
SECTIONS = ("input", "quality", "doublets")


@dataclass(frozen=True, kw_only=True)
class SampleSettings:
    """Choices of the config for one sample.

    Parameters
    ----------
    genome
        Which genome of a file of several, or None.
    ambient
        Program that has taken ambient RNA off, or ``none``.
    quality, doublets
        What is a cell; what is a doublet.
    genes
        Highly variable genes that the sample calls.
    seed
        Of every random step.
    """

    genome: str | None = None
    ambient: str = NONE
    quality: QualitySettings = field(default_factory=QualitySettings)
    doublets: DoubletSettings = field(default_factory=DoubletSettings)
    genes: int = 2000
    seed: int = 0

    @classmethod
    def from_config(
        cls, *, config: Mapping[str, Any], override: Mapping[str, Any] | None = None, genes: int = 2000, seed: int = 0
    ) -> "SampleSettings":
        """Take the settings of one sample out of the config.

        Parameters
        ----------
        config
            ``single_cell`` of the config: sections input (genome, ambient), quality, doublets; others are left alone.
        override
            What is otherwise in this sample: the same sections, with the keys that differ.
        genes, seed
            Highly variable genes; seed.

        Raises
        ------
        GutaxisError
            X14: an override names a section or a key that there is not.
        """
        merged = {name: {**config.get(name, {}), **(override or {}).get(name, {})} for name in SECTIONS}
        allowed = {
            "input": {"genome", "ambient"},
            "quality": set(QualitySettings.__dataclass_fields__),
            "doublets": set(DoubletSettings.__dataclass_fields__),
        }
        unknown = [name for name in (override or {}) if name not in SECTIONS]
        unknown += [f"{n}.{key}" for n in SECTIONS for key in (override or {}).get(n, {}) if key not in allowed[n]]
        if unknown:
            raise GutaxisError(
                Problem(
                    code="X14",
                    file="config",
                    line=None,
                    column="single_cell.samples",
                    value=", ".join(sorted(unknown)),
                    wrong="A sample overrides what is no setting of a sample",
                    allowed=", ".join(f"{name}.{key}" for name in SECTIONS for key in sorted(allowed[name])),
                    mend="Correct the key",
                )
            )
        given = merged["input"]
        return cls(
            genome=given.get("genome"),
            ambient=given.get("ambient") or NONE,
            quality=QualitySettings.from_config(config=merged["quality"]),
            doublets=DoubletSettings.from_config(config=merged["doublets"]),
            genes=genes,
            seed=seed,
        )


def process_sample(
    *,
    sample: str,
    path: Path,
    cycle: Path,
    settings: SampleSettings,
    h5ad: Path,
    cells: Path,
    qc: Path,
    hvg: Path,
) -> None:
    """Turn the matrix of one library into the counts of its cells, and say what became of every barcode.

    Read and check; quality flags of every barcode; doublets among those without a flag; cell cycle and highly variable
    genes of the cells that are left. One thread throughout, for sums of several threads come in another order.

    Parameters
    ----------
    sample
        Sample id; a cell is called ``{sample}_{barcode}``.
    path
        File or folder of counts, see :func:`gutaxis.single_cell.inputs.read_counts`.
    cycle
        resources/markers/cell_cycle.tsv.
    settings
        Choices.
    h5ad
        To write: ``X`` counts of the kept cells x all genes, float32 CSR; ``obs`` :data:`OBS_COLUMNS`; ``var.gene_id``.
        Without cells for an excluded sample.
    cells
        To write, .tsv.gz: one row per barcode in the order of the file, :data:`CELL_COLUMNS`. doublet_score is NA for
        what quality dropped, phase for what is not kept. Cells of an excluded sample have the reason
        ``sample_excluded``.
    qc
        To write: one row, :data:`QC_COLUMNS`. Medians are over the cells that passed all checks, also in an excluded
        sample; min_ and max_ are the bounds that acted.
    hvg
        To write: genes with counts in the kept cells, in the order of the matrix; NA where a gene's bin has no spread.

    Raises
    ------
    GutaxisError
        X01-X13 of :func:`gutaxis.single_cell.inputs.read_counts`, X15 of
        :func:`gutaxis.single_cell.genes.read_cycle_genes`. Too few cells are no error: the status says ``excluded``.
    """
    launched = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            _process(sample=sample, path=path, cycle=cycle, settings=settings, h5ad=h5ad, cells=cells, qc=qc, hvg=hvg)
    finally:
        numba.set_num_threads(launched)


def _process(
    *, sample: str, path: Path, cycle: Path, settings: SampleSettings, h5ad: Path, cells: Path, qc: Path, hvg: Path
) -> None:
    """Do what :func:`process_sample` says."""
    phases = read_cycle_genes(path=cycle)
    adata = read_counts(path=path, genome=settings.genome, ambient=settings.ambient)
    reading = adata.uns.pop("reading")
    notes = list(reading["notes"])
    metrics = quality_metrics(adata=adata)
    flags = quality_flags(metrics=metrics, settings=settings.quality)
    if metrics["pct_mito"].isna().all():
        notes.append("no mitochondrial genes (MT-) in the matrix: damaged cells are not told by them")
    sound = ~flags.table.any(axis=1).to_numpy()
    found = find_doublets(adata=adata[sound].copy(), settings=settings.doublets, seed=settings.seed)
    notes += [found.note] if found.note else []
    table = flags.table.assign(doublet=found.called.reindex(adata.obs_names, fill_value=False).to_numpy())
    passed = ~table.any(axis=1).to_numpy()
    enough = passed.sum() >= settings.quality.min_cells
    kept = passed & enough
    counts = adata[kept].copy()
    cycles, variable = _expression(counts=counts, phases=phases, settings=settings, notes=notes)
    every = metrics.assign(
        doublet_score=found.scores.reindex(adata.obs_names),
        phase=cycles["phase"].reindex(adata.obs_names),
        kept=np.where(kept, "Y", "N"),
        reason=reasons(flags=table.assign(sample_excluded=passed & ~enough)),
        barcode=adata.obs_names,
        cell=[f"{sample}_{barcode}" for barcode in adata.obs_names],
    )
    row = {
        "sample_id": sample,
        "file": path.name,
        **{name: reading[name] for name in ("format", "genome", "ambient", "source", "n_duplicated_symbols")},
        **_figures(metrics=metrics, table=table, passed=passed, kept=kept, found=found, flags=flags),
        "status": OK if enough else EXCLUDED,
        "reason": None if enough else _why(table=table, passed=passed, fewest=settings.quality.min_cells),
        "notes": "; ".join(notes) or None,
        "n_genes": adata.n_vars,
    }
    observed = every.loc[kept].assign(sample_id=sample).join(cycles[["s_score", "g2m_score"]])
    _write_counts(counts=counts, observed=observed, path=h5ad)
    write_tsv(every[CELL_COLUMNS], cells)
    write_tsv(variable, hvg)
    write_tsv(pd.DataFrame([row], columns=QC_COLUMNS), qc)
    print(f"{sample}: {row['n_kept']} of {row['n_barcodes']} barcodes kept, {row['status']}")
    for note in notes:
        print(note)


def _expression(
    *, counts: anndata.AnnData, phases: pd.DataFrame, settings: SampleSettings, notes: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return cell cycle and highly variable genes of the kept cells, from one log-normalised copy."""
    if not counts.n_obs:
        cycles = pd.DataFrame({"s_score": [], "g2m_score": [], "phase": []}, index=counts.obs_names)
        return cycles, pd.DataFrame(columns=HVG_COLUMNS)
    expressed = np.asarray((counts.X > 0).sum(axis=0)).ravel() > 0
    logged = counts[:, expressed].copy()
    sc.pp.normalize_total(logged, target_sum=1e4)
    sc.pp.log1p(logged)
    cycles, why = score_cycle(adata=logged, cycle=phases, seed=settings.seed)
    notes += [why] if why else []
    sc.pp.highly_variable_genes(logged, flavor="seurat", n_top_genes=min(settings.genes, logged.n_vars))
    variable = pd.DataFrame(
        {
            "gene": logged.var_names,
            "highly_variable": logged.var["highly_variable"].to_numpy().astype(int),
            "dispersions_norm": logged.var["dispersions_norm"].to_numpy(dtype=float),
        }
    )
    return cycles, variable


def _figures(
    *, metrics: pd.DataFrame, table: pd.DataFrame, passed: np.ndarray, kept: np.ndarray, found: Doublets, flags: Flags
) -> dict[str, Any]:
    """Return the numbers of the quality row."""
    cells = metrics.loc[passed]
    return {
        "n_barcodes": len(metrics),
        "n_kept": int(kept.sum()),
        "n_low": int((table["low_counts"] | table["low_genes"]).sum()),
        "n_mito": int(table["mito"].sum()),
        "n_top20": int(table["top20"].sum()),
        "n_doublets": int(table["doublet"].sum()),
        "doublet_threshold": found.threshold,
        "threshold_source": found.source,
        **{name: _median(cells[column]) for name, column in MEDIANS.items()},
        **flags.bounds,
    }


def _median(values: pd.Series) -> float | None:
    """Return the median of what is known; NA where nothing is."""
    known = values.dropna()
    return float(known.median()) if len(known) else None


def _why(*, table: pd.DataFrame, passed: np.ndarray, fewest: int) -> str:
    """Say why a sample is excluded: how many cells passed, and what the others failed by."""
    failed = table.sum()
    words = ", ".join(f"{name} {int(failed[name])}" for name in table.columns if failed[name])
    said = f"{int(passed.sum())} of {len(table)} barcodes are cells, fewer than {fewest}"
    return f"{said} (failed: {words})" if words else said


def _write_counts(*, counts: anndata.AnnData, observed: pd.DataFrame, path: Path) -> None:
    """Write the kept cells, the same bytes for the same cells."""
    obs = observed[OBS_COLUMNS].set_axis(pd.Index(observed["cell"].to_numpy(dtype=object)), axis=0)
    obs["sample_id"] = obs["sample_id"].astype("category")
    obs["phase"] = pd.Categorical(obs["phase"], categories=PHASES)
    obs = obs.astype({"total_counts": float, "n_genes": int, "barcode": object, "doublet_score": float})
    made = anndata.AnnData(sparse.csr_matrix(counts.X, dtype=np.float32), obs=obs, var=counts.var[["gene_id"]])
    write_h5ad(adata=made, path=path)

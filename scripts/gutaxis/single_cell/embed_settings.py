"""The choices of the embedding, in one frozen record."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

INTEGRATE = ("sample", "batch", "none")


@dataclass(frozen=True, kw_only=True)
class EmbedSettings:
    """Choices of the config.

    Parameters
    ----------
    genes
        Highly variable genes: what each sample calls, and what the vote keeps.
    hvg_min_cells
        Cells that a sample needs in order to vote. Where no sample of a subset has so many, their cells vote as one.
    hvg_exclude_receptors
        Leave V, D and J segments of T and B cell receptors out of the voted genes.
    components
        Principal components; fewer for fewer cells or genes.
    integrate
        What Harmony evens out: ``sample``, ``batch`` (of the sample sheet) or ``none``.
    neighbors
        Neighbours of a cell, itself included, in the graph.
    resolution, subset_resolution
        Of Leiden's modularity, for all cells and for a subset; higher gives more clusters.
    umap
        Whether all cells up to ``umap_cells`` get map coordinates.
    umap_cells
        Largest number of cells on the map with ``umap``.
    map_cells
        Number of cells on the map without ``umap``; 0: no map.
    seed
        Of every random step.
    """

    genes: int = 2000
    hvg_min_cells: int = 30
    hvg_exclude_receptors: bool = True
    components: int = 30
    integrate: str = "sample"
    neighbors: int = 15
    resolution: float = 1.0
    subset_resolution: float = 1.0
    umap: bool = False
    umap_cells: int = 100_000
    map_cells: int = 20_000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.integrate not in INTEGRATE:
            raise ValueError(f"integrate={self.integrate}: one of {INTEGRATE}")
        for name, least in (("genes", 10), ("hvg_min_cells", 2), ("components", 2), ("neighbors", 2), ("map_cells", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}={getattr(self, name)}: {least} or more")

    @classmethod
    def from_config(cls, *, config: Mapping[str, Any]) -> "EmbedSettings":
        """Take the settings of this class out of a larger mapping; other keys are none of its business."""
        return cls(**{field.name: config[field.name] for field in fields(cls) if field.name in config})

    def plain(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return asdict(self)

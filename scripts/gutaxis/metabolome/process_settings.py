"""The choices of quality control and normalisation that a reviewer may question, in one frozen record."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from gutaxis.metabolome.drift import FEWEST_QCS
from gutaxis.metabolome.impute import NEIGHBOURS

IMPUTATIONS = ("mechanism", "none")


@dataclass(frozen=True, kw_only=True)
class ProcessSettings:
    """Choices of the config.

    Parameters
    ----------
    blank_ratio_max
        A feature goes if the blanks' mean is more than this share of the pooled QCs' mean; None: no blank filter.
    min_detection
        Least share of detected (not forced) cells in at least one group of study samples; groups are timepoints.
    drift, min_qc
        Whether drift is corrected within batches, and how many QC values of a feature a batch needs for it (5 or more).
    align_batches
        Whether steps between batches are taken off.
    pqn
        Whether dilution is taken off by probabilistic quotients; never in a targeted table.
    rsd_max
        Largest relative SD of the held-out QCs, a fraction; None: no filter.
    dratio_max
        Largest D-ratio of the held-out QCs; None: told, not filtered.
    min_sample_values
        A study sample with values in less than this share of the kept features is left out.
    imputation, neighbours
        ``mechanism`` or ``none``; neighbours for values that do not miss for being too low.
    """

    blank_ratio_max: float | None = 0.2
    min_detection: float = 0.5
    drift: bool = True
    min_qc: int = FEWEST_QCS
    align_batches: bool = True
    pqn: bool = True
    rsd_max: float | None = 0.3
    dratio_max: float | None = None
    min_sample_values: float = 0.2
    imputation: str = "mechanism"
    neighbours: int = NEIGHBOURS

    def __post_init__(self) -> None:
        if self.imputation not in IMPUTATIONS:
            raise ValueError(f"imputation={self.imputation}: one of {IMPUTATIONS}")
        if self.min_qc < FEWEST_QCS:
            raise ValueError(f"min_qc={self.min_qc}: {FEWEST_QCS} or more")

    @classmethod
    def from_config(cls, *, config: Mapping[str, Any]) -> "ProcessSettings":
        """Take the settings of this class out of a larger mapping; other keys are none of its business."""
        return cls(**{field.name: config[field.name] for field in fields(cls) if field.name in config})

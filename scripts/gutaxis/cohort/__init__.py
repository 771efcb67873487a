"""The cohort: config and sheets, read and checked once; patients, samples, files, pairs."""

from gutaxis.cohort.completeness import render_grid
from gutaxis.cohort.config import load_config
from gutaxis.cohort.model import Cohort, Sample, load_cohort

__all__ = ["Cohort", "Sample", "load_cohort", "load_config", "render_grid"]

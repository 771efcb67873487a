"""The completeness table and its grid."""

import pandas as pd
import pytest

from gutaxis.cohort import render_grid
from gutaxis.cohort.completeness import COLUMNS, completeness_table

pytestmark = pytest.mark.unit
PAIRS = pd.DataFrame(
    [
        ("P01", "MGX", "STOOL", "A", "B", "P01.MGX.STOOL", "PAIRED", ""),
        ("P01", "METAB", "PLASMA", "C", None, "P01.METAB.PLASMA", "PRE_ONLY", "no POST sample"),
        ("P02", "MGX", "STOOL", None, "D", "P02.MGX.STOOL", "POST_ONLY", "no PRE sample"),
        ("P02", "METAB", "PLASMA", None, None, "P02.METAB.PLASMA", "NONE", "no sample"),
        ("P10", "MGX", "STOOL", None, None, "P10.MGX.STOOL", "FAILED_QC", "PRE sample E has qc FAIL"),
        ("P10", "METAB", "PLASMA", None, None, "P10.METAB.PLASMA", "NONE", "PRE sample F is 60 days before ILDR"),
    ],
    columns=["patient_id", "assay", "material", "pre", "post", "pair_id", "pair_status", "reason"],
)
GRID = """\
patient    MGX/STOOL  METAB/PLASMA
----------------------------------
P01            #           <
P02            >           .
P10            x           .
----------------------------------
PAIRED         1           0
PRE_ONLY       0           1
POST_ONLY      1           0
NONE           0           2
FAILED_QC      1           0

Legend: # PRE and POST, < PRE only, > POST only, . no usable sample, x no sample passed
Pairs kept: 1. Dropped: 4. No sample at all: 1.
  P01 METAB/PLASMA PRE_ONLY: no POST sample
  P02 MGX/STOOL POST_ONLY: no PRE sample
  P10 MGX/STOOL FAILED_QC: PRE sample E has qc FAIL
  P10 METAB/PLASMA NONE: PRE sample F is 60 days before ILDR
"""


def test_columns():
    table = completeness_table(pairs=PAIRS.assign(response="R"))
    assert list(table.columns) == COLUMNS == ["patient_id", "assay", "material", "pre", "post", "status", "reason"]


def test_grid():
    assert render_grid(completeness=completeness_table(pairs=PAIRS)) == GRID


def test_grid_of_a_cohort_without_assays():
    table = completeness_table(pairs=PAIRS.head(1).assign(assay="ANY", material="ANY"))
    assert render_grid(completeness=table).startswith("patient  ANY\n")


def test_grid_without_samples():
    assert render_grid(completeness=completeness_table(pairs=PAIRS.head(0))) == "No patient's samples in the sheets.\n"

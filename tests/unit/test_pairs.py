"""Which PRE and POST sample make a pair."""

import numpy as np
import pandas as pd
import pytest

from gutaxis.cohort.pairs import COLUMNS, STATUSES, make_pairs

pytestmark = pytest.mark.unit
VISITS = {"baseline_window_days": 28, "post_target_day": 21, "post_window_days": [7, 63]}


def pairs(*rows: tuple, patients=("P1",), visits=VISITS) -> pd.DataFrame:
    names = ["sample_id", "patient_id", "timepoint", "collect_day", "qc", "control", "assay", "material"]
    filler = ("PASS", "N", "MGX", "STOOL")
    table = pd.DataFrame([(*row, *filler[len(row) - 4 :]) for row in rows], columns=names).set_index("sample_id")
    table["collect_day"] = table["collect_day"].astype(float)
    return make_pairs(samples=table, patients=pd.DataFrame(index=list(patients)), visits=visits)


def one(*rows: tuple, **keys) -> tuple:
    row = pairs(*rows, **keys).iloc[0]
    return row["pre"], row["post"], row["pair_status"]


@pytest.mark.parametrize(
    ("pre_days", "chosen"),
    [
        ([-20, -3, -10], "-3"), ([0, -1], "0"), ([-28], "-28"), ([-29], None), ([-40, -28], "-28"), ([np.nan], "nan"),
        ([np.nan, -20], "-20"), ([np.nan, -40], "nan"),
    ],
)  # fmt: skip
def test_pre_is_the_last_sample_on_or_before_ildr_in_the_window(pre_days, chosen):
    rows = [(f"S{day}", "P1", "PRE", day) for day in pre_days]
    pre = one(*rows)[0]
    assert (pre == f"S{chosen}") if chosen else pd.isna(pre)


@pytest.mark.parametrize(
    ("post_days", "chosen"),
    [
        ([10, 25, 40], "25"), ([7], "7"), ([6], None), ([63], "63"), ([64], None), ([17, 25], "17"), ([np.nan], "nan"),
        ([np.nan, 60], "60"),
    ],
)  # fmt: skip
def test_post_is_the_sample_nearest_to_the_target_day(post_days, chosen):
    rows = [(f"S{day}", "P1", "POST", day) for day in post_days]
    post = one(*rows)[1]
    assert (post == f"S{chosen}") if chosen else pd.isna(post)


@pytest.mark.parametrize(
    ("rows", "status", "reason"),
    [
        ([("A", "P1", "PRE", -1), ("B", "P1", "POST", 21)], "PAIRED", ""),
        ([("A", "P1", "PRE", -1)], "PRE_ONLY", "no POST sample"),
        ([("B", "P1", "POST", 21)], "POST_ONLY", "no PRE sample"),
        ([("A", "P1", "PRE", -1, "FAIL"), ("B", "P1", "POST", 21)], "POST_ONLY", "PRE sample A has qc FAIL"),
        ([("A", "P1", "PRE", -1, "FAIL"), ("B", "P1", "POST", 21, "PENDING")], "FAILED_QC", "sample B has qc PENDING"),
        ([("A", "P1", "PRE", -60)], "NONE", "PRE sample A is 60 days before ILDR, outside -28 to 0 days"),
        ([("A", "P1", "PRE", -1), ("B", "P1", "POST", 70)], "PRE_ONLY", "70 days after ILDR, outside 7 to 63 days"),
        ([("A", "P1", "PRE", -1), ("C", "P1", "PRE", -9)], "PRE_ONLY", "PRE sample C is extra"),
        ([("A", "P2", "PRE", -1)], "NONE", "no sample"),
    ],
)  # fmt: skip
def test_status_and_reason(rows, status, reason):
    row = pairs(*rows, patients=("P1", "P2")).set_index("patient_id").loc["P1"]
    assert (row["pair_status"], status in STATUSES) == (status, True)
    assert reason in row["reason"]


def test_without_dates_the_labels_decide():
    assert one(("A", "P1", "PRE", np.nan), ("B", "P1", "POST", np.nan)) == ("A", "B", "PAIRED")


def test_ties_end_with_the_sample_id():
    assert one(("B", "P1", "PRE", -1), ("A", "P1", "PRE", -1))[0] == "A"


def test_windows_come_from_the_config():
    visits = {"baseline_window_days": 90, "post_target_day": 84, "post_window_days": [60, 120]}
    rows = [("A", "P1", "PRE", -80), ("B", "P1", "POST", 21), ("C", "P1", "POST", 100)]
    assert one(*rows, visits=visits) == ("A", "C", "PAIRED")


def test_every_assay_and_material_has_a_row_per_patient():
    table = pairs(
        ("A", "P1", "PRE", -1),
        ("B", "P2", "PRE", -1, "PASS", "N", "METAB", "PLASMA"),
        ("Q", None, None, np.nan, "PASS", "POOL_QC", "METAB", "SERUM"),
        patients=("P2", "P1"),
    )
    assert list(table.columns) == COLUMNS
    assert list(table["pair_id"]) == ["P1.METAB.PLASMA", "P1.MGX.STOOL", "P2.METAB.PLASMA", "P2.MGX.STOOL"]
    assert list(table["pair_status"]) == ["NONE", "PRE_ONLY", "PRE_ONLY", "NONE"]

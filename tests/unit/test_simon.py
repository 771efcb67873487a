"""Simon's two-stage designs: the published ones, their exact properties, the decision at each stage."""

import numpy as np
import pytest

from gutaxis.clinical.simon import (
    COLUMNS,
    Design,
    decision,
    find_designs,
    operating_characteristics,
    simon_table,
)

pytestmark = pytest.mark.unit
COHORT = Design(n1=12, r1=0, n=16, r=2)


def test_sixteen_per_cohort_is_the_minimax_design_for_5_against_25_percent():
    assert find_designs(p0=0.05, p1=0.25)["minimax"] == COHORT
    null, real = (operating_characteristics(design=COHORT, p=p) for p in (0.05, 0.25))
    assert null.reject == pytest.approx(0.0427, abs=5e-5)
    assert real.reject == pytest.approx(0.801, abs=5e-4)
    assert null.stop_early == pytest.approx(0.54, abs=5e-4)


@pytest.mark.parametrize(
    ("p0", "p1", "power", "optimal", "minimax"),
    [  # Simon 1989, tables 1 and 2
        (0.05, 0.25, 0.80, (9, 0, 17, 2), (12, 0, 16, 2)),
        (0.10, 0.30, 0.80, (10, 1, 29, 5), (15, 1, 25, 5)),
        (0.20, 0.40, 0.80, (13, 3, 43, 12), (18, 4, 33, 10)),
        (0.05, 0.25, 0.90, (9, 0, 30, 3), (15, 0, 25, 3)),
    ],
)
def test_published_designs(p0, p1, power, optimal, minimax):
    found = find_designs(p0=p0, p1=p1, power=power, max_n=50)
    assert found == {"optimal": Design(*optimal), "minimax": Design(*minimax)}


@pytest.mark.parametrize("design", [COHORT, Design(10, 1, 29, 5), Design(5, 3, 9, 4), Design(8, 1, 10, 1)])
@pytest.mark.parametrize("p", [0.0, 0.05, 0.3, 0.7, 1.0])
def test_characteristics_equal_a_count_of_all_outcomes(design, p):
    n1, r1, n, r = design
    reject = stop = 0.0
    for outcome in range(2**n) if n <= 10 else ():
        bits = np.array([outcome >> place & 1 for place in range(n)])
        chance = np.prod(np.where(bits == 1, p, 1 - p))
        if bits[:n1].sum() <= r1:
            stop += chance
        elif bits.sum() > r:
            reject += chance
    found = operating_characteristics(design=design, p=p)
    if n <= 10:
        assert (found.reject, found.stop_early) == pytest.approx((reject, stop), abs=1e-12)
    assert found.expected_n == pytest.approx(n1 + (1 - found.stop_early) * (n - n1))
    assert -1e-12 <= found.reject <= 1


def test_the_table_names_its_columns():
    table = simon_table(p0=0.05, p1=0.25, max_n=20)
    assert list(table.columns) == COLUMNS
    assert table["design"].tolist() == ["minimax", "optimal"]
    assert (table["alpha"] <= 0.05).all()
    assert (table["power"] >= 0.8).all()


@pytest.mark.parametrize(
    ("n", "k", "expected"),
    [
        (8, 0, "first stage"), (12, 0, "stopped"), (12, 1, "second stage"), (14, 2, "second stage"),
        (16, 2, "p0 not rejected"), (16, 3, "p0 rejected"), (10, 3, "p0 rejected"),
    ],
)  # fmt: skip
def test_where_a_cohort_stands(n, k, expected):
    assert decision(design=COHORT, n=n, k=k) == expected


def test_impossible_requests_are_refused():
    with pytest.raises(ValueError, match="p0 < p1"):
        find_designs(p0=0.3, p1=0.1)
    with pytest.raises(ValueError, match="no design up to n=10"):
        find_designs(p0=0.1, p1=0.15, max_n=10)
    with pytest.raises(ValueError, match="no two-stage design"):
        operating_characteristics(design=Design(12, 0, 12, 2), p=0.1)

"""Fingerprints of tables: what they find, against a comparison of every cell."""

import numpy as np
import pandas as pd
import pytest

from gutaxis.files import write_tsv
from gutaxis.provenance.fingerprints import PROJECTIONS, WIDEST, compare, fingerprint, limit

pytestmark = pytest.mark.unit

RTOL, ATOL = 1e-6, 1e-9


def table(rows=200, seed=1):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "feature": [f"f{number}" for number in range(rows)],
            "estimate": rng.normal(0, 3, rows),
            "p": 10.0 ** rng.uniform(-12, 0, rows),
            "intensity": 10.0 ** rng.uniform(2, 9, rows),
            "n": rng.integers(1, 40, rows),
            "q": np.where(rng.random(rows) < 0.3, np.nan, rng.random(rows)),
        }
    )


def told(path, frame, *, digits=10, comment="effects, log2"):
    write_tsv(frame, path, comment=comment, digits=digits)
    return fingerprint(path=path, rtol=RTOL, atol=ATOL)


def agree(mine, other):
    """The oracle: every cell, one by one."""
    numbers = mine.select_dtypes("number").columns
    inside = [np.isclose(mine[name], other[name], rtol=RTOL, atol=ATOL, equal_nan=True).all() for name in numbers]
    return all(inside)


def changed(frame, *, row, column, times):
    other = frame.copy()
    other[column] = other[column].astype(float)
    other.loc[row, column] += times * (ATOL + RTOL * abs(other.loc[row, column]))
    return other


def test_equal_tables_agree_and_repeat(tmp_path):
    first = told(tmp_path / "a.tsv", table())
    assert compare(here=first, there=told(tmp_path / "b.tsv", table())) == []
    assert first["rows"] == 200
    assert set(first["text"]) == {"feature"}
    assert set(first["numbers"]) == {"estimate", "p", "intensity", "n", "q"}
    assert all(len(entry) == 2 + PROJECTIONS for entry in first["numbers"].values())


@pytest.mark.parametrize("column", ["estimate", "p", "intensity", "n", "q"])
@pytest.mark.parametrize("times", [1.01, 10, 1000, -1.01, -10])
def test_one_cell_outside_the_tolerance_is_always_found(tmp_path, column, times):
    frame = table().fillna(0.5)
    here = told(tmp_path / "a.tsv", frame, digits=17)
    for row in (0, 67, 199):
        other = changed(frame, row=row, column=column, times=times)
        assert not agree(other, frame), "the oracle does not see it"
        found = compare(here=told(tmp_path / "b.tsv", other, digits=17), there=here)
        assert [entry["column"] for entry in found] == [column], (row, found)
        # the weight of the cell is between 0.5 and 1.5, and the limit is half the tolerance
        assert found[0]["times_tolerance"] >= 0.99 * min(abs(times), 1e5)


@pytest.mark.parametrize("digits", [10, 12])
def test_rounding_at_the_tenth_digit_passes(tmp_path, digits):
    frame = table(rows=20000)
    exact, rounded = told(tmp_path / "a.tsv", frame, digits=17), told(tmp_path / "b.tsv", frame, digits=digits)
    assert exact["numbers"] != rounded["numbers"], "rounding has to change something for this test to say anything"
    assert compare(here=rounded, there=exact) == []


def test_noise_of_another_processor_passes_and_noise_at_the_tolerance_does_not(tmp_path):
    frame, rng = table(rows=5000).fillna(0.5), np.random.default_rng(5)
    here = told(tmp_path / "a.tsv", frame, digits=17)
    for size, passes in ((1e-12, True), (1e-5, False)):
        other = frame.copy()
        for name in ("estimate", "p", "intensity", "q"):
            other[name] *= 1 + size * rng.standard_normal(len(other))
        assert (compare(here=told(tmp_path / "b.tsv", other, digits=17), there=here) == []) == passes


def test_differences_of_many_cells_do_not_cancel(tmp_path):
    # equal and opposite differences in pairs of cells, on top of each other as far as any sum of them goes
    frame, rng = table().fillna(0.5), np.random.default_rng(6)
    here, missed, trials = told(tmp_path / "a.tsv", frame, digits=17), 0, 60
    for _ in range(trials):
        other = frame.copy()
        first, second = rng.choice(200, size=2, replace=False)
        other.loc[[first, second], "estimate"] = frame.loc[[first, second], "estimate"] + np.array([1, -1]) * 10 * RTOL
        missed += not compare(here=told(tmp_path / "b.tsv", other, digits=17), there=here)
    assert missed == 0, "the chance to overlook one is below 1.3e-4 where cells are 10 times the tolerance away"


@pytest.mark.parametrize(
    ("change", "column", "word"),
    [
        (lambda frame: frame.iloc[::-1], "feature", "another order"),
        (lambda frame: frame.iloc[:-1], None, "199 rows, 200"),
        (lambda frame: frame.rename(columns={"p": "p_value"}), "p_value", "not in the reference"),
        (lambda frame: frame.assign(p="low"), "p", "text here, numbers in the reference"),
        (lambda frame: frame.assign(feature=["other", *frame["feature"][1:]]), "feature", "text differs"),
        (lambda frame: frame.assign(p=frame["p"].where(frame.index != 3)), "p", "missing values differ: 1, 0"),
        (lambda frame: frame[["p", *frame.columns.drop("p")]], None, "order of columns"),
    ],
)
def test_other_differences_are_told(tmp_path, change, column, word):
    here, there = told(tmp_path / "a.tsv", change(table())), told(tmp_path / "b.tsv", table())
    found = compare(here=here, there=there)
    assert any(entry["column"] == column and word in entry["why"] for entry in found), found


def test_a_missing_value_in_another_place_is_found(tmp_path):
    values = [1.0, np.nan, 3.0, 4.0], [1.0, 3.0, np.nan, 4.0]
    here, there = (
        told(tmp_path / f"{number}.tsv", pd.DataFrame({"x": column})) for number, column in enumerate(values)
    )
    assert [entry["column"] for entry in compare(here=here, there=there)] == ["x"]


def test_wide_tables_are_told_in_groups_and_a_cell_is_found(tmp_path):
    frame = pd.DataFrame(np.random.default_rng(2).random((30, 500)), columns=[f"g{number}" for number in range(500)])
    here = told(tmp_path / "a.tsv", frame, digits=17)
    assert len(here["numbers"]) <= WIDEST
    other = changed(frame, row=4, column="g250", times=2)
    found = compare(here=told(tmp_path / "b.tsv", other, digits=17), there=here)
    assert len(found) == 1
    first, _, last = found[0]["column"].partition("..")
    assert int(first[1:]) <= 250 <= int(last[1:])


def test_comments_and_tolerances_are_compared(tmp_path):
    here = told(tmp_path / "a.tsv", table())
    assert compare(here=here, there=told(tmp_path / "b.tsv", table(), comment="effects, ln"))
    loose = fingerprint(path=tmp_path / "a.tsv", rtol=1e-3, atol=1e-3)
    assert "different tolerances" in compare(here=here, there=loose)[0]["why"]


def test_empty_and_packed_tables(tmp_path):
    empty = told(tmp_path / "a.tsv", table().iloc[:0])
    assert empty["rows"] == 0
    assert compare(here=empty, there=told(tmp_path / "b.tsv", table().iloc[:0])) == []
    (tmp_path / "nothing.tsv").write_text("")
    assert fingerprint(path=tmp_path / "nothing.tsv", rtol=RTOL, atol=ATOL)["rows"] == 0
    assert told(tmp_path / "a.tsv.gz", table()) == told(tmp_path / "c.tsv", table())


def test_infinite_values_are_text(tmp_path):
    here = told(tmp_path / "a.tsv", pd.DataFrame({"x": [1.0, np.inf]}))
    assert set(here["text"]) == {"x"}
    assert limit(rtol=RTOL) == pytest.approx(RTOL / 2, rel=1e-5)

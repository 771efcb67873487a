"""Quality of the newest samples against the earlier ones, and what the newest blanks hold."""

import numpy as np
import pandas as pd
import pytest

from gutaxis.batches.quality import BLANK_COLUMNS, QUALITY_COLUMNS, compare_quality, contamination

pytestmark = pytest.mark.unit
EARLIER = [10.0, 12.0, 11.0, 14.0, 13.0]


def table(*new, earlier=EARLIER, **columns):
    values = [*earlier, *new]
    made = pd.DataFrame(
        {
            "sample_id": [f"S{at}" for at in range(len(values))],
            "batch": ["B1"] * len(earlier) + ["B2"] * len(new),
            "material": "STOOL",
            "reads": values,
        }
    )
    return made.assign(**columns)


def compared(*tables, **named):
    named = named or {"MGX": tables[0]}
    return compare_quality(tables=named, newest=["B2"])


def test_robust_z_by_hand_and_its_limit():
    # median 12, MAD 1: 3.5 * 1.4826 = 5.1891 away is the limit
    found = compared(table(12.0, 17.18, 17.20, 6.0)).set_index("sample_id")
    assert found["robust_z"].tolist() == pytest.approx([0, 5.18 / 1.4826, 5.20 / 1.4826, -6 / 1.4826])
    assert found["flag"].tolist() == ["N", "N", "Y", "Y"]
    assert found.loc["S5", ["earlier_n", "earlier_median", "earlier_low", "earlier_high"]].tolist() == [5, 12, 10, 14]


def test_only_the_newest_are_judged_and_the_earlier_alone_are_the_measure():
    found = compared(table(1e6, 1e6, 1e6, 1e6, 1e6, 1e6))
    assert set(found["batch"]) == {"B2"} and len(found) == 6
    assert (found["earlier_median"] == 12).all() and (found["flag"] == "Y").all()


def test_fewer_than_five_earlier_values_judge_nobody():
    found = compared(table(1e6, earlier=[10.0, 11.0, 12.0, 13.0, np.nan]))
    assert found["earlier_n"].item() == 4
    assert np.isnan(found["robust_z"].item()) and found["flag"].item() == "N"


def test_where_most_earlier_values_are_equal_only_what_lies_outside_is_flagged():
    same = compared(table(7.0, 8.0, earlier=[7.0] * 6))
    assert same["flag"].tolist() == ["N", "Y"] and same["robust_z"].isna().all()
    most = compared(table(1.0, 2.0, 3.0, earlier=[0.0, 0.0, 0.0, 0.0, 2.0]))
    assert most["flag"].tolist() == ["N", "N", "Y"] and most["robust_z"].isna().all()


def test_cells_as_text_count_as_numbers_and_missing_ones_are_no_zero():
    text = table(12.0, np.nan)
    text["reads"] = [None if pd.isna(value) else f"{value:g}" for value in text["reads"]]
    found = compared(text)
    assert found["robust_z"].tolist()[0] == 0
    assert found["value"].isna().tolist() == [False, True] and found["flag"].tolist() == ["N", "N"]


def test_names_bounds_and_words_are_no_measures():
    odd = table(12.0, patient_id=[str(at) for at in range(6)], kept="True", run_order="9", max_mito="20", reason=None)
    assert set(compared(odd)["measure"]) == {"reads"}


def test_modes_and_materials_are_compared_within_themselves():
    both = pd.concat(
        [table(12.0, mode="positive"), table(1012.0, earlier=[1000.0 + x for x in EARLIER], mode="negative")]
    )
    found = compared(METAB=both.reset_index(drop=True)).set_index("measure")
    assert list(found.index) == ["reads, negative", "reads, positive"]
    assert (found["robust_z"] == 0).all()
    tissues = pd.concat(
        [table(12.0, material="PBMC"), table(1012.0, earlier=[1000.0 + x for x in EARLIER], material="TUMOR")]
    )
    assert (compared(SCRNA=tissues.reset_index(drop=True))["robust_z"] == 0).all()


def test_nothing_new_and_no_table_are_empty_tables():
    assert list(compare_quality(tables={}, newest=["B2"]).columns) == QUALITY_COLUMNS
    assert compare_quality(tables={"MGX": table()}, newest=["B2"]).empty


def controls(*rows):
    return pd.DataFrame(rows, columns=["sample_id", "batch", "control", "species", "percent"]).astype({"percent": str})


TAXA = pd.DataFrame(
    {"old1": [0.5, 0.0, 0.2], "old2": [0.1, 0.0, np.nan], "new1": [0.0, 0.03, 0.1], "new2": [0.0, 0.01, 0.3]},
    index=["Gut_one", "Kit_one", "Gut_two"],
)
BATCHES = pd.Series({"old1": "B1", "old2": "B1", "new1": "B2", "new2": "B2", "BL1": "B1", "BL2": "B2"})


def blanks(*rows):
    return contamination(controls=controls(*rows), taxa=TAXA, batches=BATCHES, newest=["B2"])


def test_species_of_the_newest_blanks_and_where_else_they_are():
    found = blanks(
        ("BL1", "B1", "BLANK", "Gut_two", 70.0),
        ("BL1", "B1", "BLANK", "Gut_one", 30.0),
        ("BL2", "B2", "BLANK", "Kit_one", 80.0),
        ("BL2", "B2", "BLANK", "Gut_two", 15.0),
        ("BL2", "B2", "BLANK", "Nowhere", 5.0),
        ("BL2", "B2", "BLANK", "Absent", 0.0),
        ("BL2", "B2", "BLANK", "UNCLASSIFIED", 5.0),
        ("M2", "B2", "MOCK", "Mock_one", 50.0),
    ).set_index("species")
    assert list(found.index) == ["Gut_two", "Kit_one", "Nowhere"], "most in the samples first; no mock, no zero"
    assert found["in_earlier_blanks"].tolist() == ["Y", "N", "N"]
    kit = found.loc["Kit_one"]
    assert kit[["samples", "samples_with", "earlier_samples_with"]].tolist() == [2, 2, 0]
    assert kit[["blank_percent", "mean_percent", "max_percent"]].tolist() == pytest.approx([80, 2, 3])
    assert found.at["Gut_two", "earlier_samples_with"] == 1, "a missing value is no species"
    assert found.at["Nowhere", "mean_percent"] == 0


def test_without_an_earlier_blank_it_is_not_known_whether_a_species_was_there():
    found = blanks(("BL2", "B2", "BLANK", "Kit_one", 80.0))
    assert found["in_earlier_blanks"].isna().all()
    clean = blanks(("BL1", "B1", "BLANK", "UNCLASSIFIED", 100.0), ("BL2", "B2", "BLANK", "Kit_one", 80.0))
    assert clean["in_earlier_blanks"].tolist() == ["N"], "an earlier blank without a species is a blank"


def test_no_blank_gives_the_columns_alone():
    for found in (blanks(), blanks(("BL1", "B1", "BLANK", "Gut_one", 30.0))):
        assert found.empty and list(found.columns) == BLANK_COLUMNS


def test_a_new_batch_of_blanks_alone_has_no_percentages():
    found = contamination(
        controls=controls(("BL2", "B2", "BLANK", "Gut_one", 80.0)), taxa=TAXA[["old1", "old2"]], batches=BATCHES,
        newest=["B2"],
    )  # fmt: skip
    assert found["samples"].item() == 0 and np.isnan(found["mean_percent"].item())
    assert found["earlier_mean_percent"].item() == pytest.approx(30)

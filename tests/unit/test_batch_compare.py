"""Before and after a batch: results, labels, what was made of the earlier samples, batches of one class."""

import numpy as np
import pandas as pd
import pytest

from gutaxis.batches.checksums import LAYER_ROW
from gutaxis.batches.compare import (
    LABEL_COLUMNS,
    OUTPUT_COLUMNS,
    RESULT_COLUMNS,
    SUMMARY_COLUMNS,
    compare_labels,
    compare_outputs,
    compare_results,
    one_class_batches,
    summarise_results,
)

pytestmark = pytest.mark.unit


def results(*rows, table="differential", contrast="baseline"):
    """Rows of feature, estimate, q; every cell as text, as a file gives it."""
    made = [
        {"table": table, "layer": "taxa", "contrast": contrast, "feature": feature, "label": f"the {feature}",
         "n": "12", "estimate": estimate, "ci_low": None, "ci_high": None, "p": q, "q": q}
        for feature, estimate, q in rows
    ]  # fmt: skip
    columns = ["table", "layer", "contrast", "feature", "label", "n", "estimate", "ci_low", "ci_high", "p", "q"]
    return pd.DataFrame(made, columns=columns).astype(object)


BEFORE = results(
    ("stays", "1.0", "0.01"), ("left", "-1.0", "0.05"), ("entered", "-0.5", "0.3"), ("not", "0.1", "0.9"),
    ("gone", "2.0", "0.02"), ("gone not", "0.0", "0.8"), ("no p", "1.0", None), ("at level", "1", "0.1"),
)  # fmt: skip
AFTER = results(
    ("stays", "1.1", "0.02"), ("left", "1.0", "0.2"), ("entered", "-0.7", "0.04"), ("not", "0.0", "0.8"),
    ("new", "3.0", "0.001"), ("new not", "1.0", "0.7"), ("no p", None, None), ("at level", "1", "0.1"),
)  # fmt: skip


def test_what_entered_left_stayed_and_was_not_tested_on_a_side():
    found = compare_results(before=BEFORE, after=AFTER, fdr=0.1)
    assert list(found.columns) == RESULT_COLUMNS
    status = found.set_index("feature")["status"].to_dict()
    assert status == {
        "stays": "stays found", "left": "left", "entered": "entered", "not": "not found", "gone": "left",
        "new": "entered", "gone not": "only before", "new not": "only after", "no p": "not found",
        "at level": "not found",
    }  # fmt: skip
    sign = found.set_index("feature")["sign"]
    assert sign[["stays", "left", "entered", "not"]].tolist() == ["same", "changed", "same", "same"]
    assert sign[["new", "gone", "no p"]].isna().all()
    assert found["feature"].tolist()[:4] == ["new", "entered", "left", "gone"], "moved ones first, then by q after"
    assert found["feature"].iloc[4] == "stays"
    assert found.set_index("feature").at["gone", "label"] == "the gone"
    numbers = ["estimate_before", "estimate_after", "q_before", "q_after", "n_before"]
    assert found.set_index("feature").loc["stays", numbers].tolist() == [1.0, 1.1, 0.01, 0.02, 12]


def test_p_stands_for_q_only_where_a_kind_of_table_has_none():
    without_q = {"q": None}
    before = results(("response", "0.2", "0.5"), table="permanova").assign(**without_q)
    after = results(("response", "0.3", "0.01"), table="permanova").assign(**without_q)
    found = compare_results(before=before, after=after, fdr=0.1)
    assert found["status"].item() == "entered" and found["sign"].isna().all()
    tested = results(("F", "1", "0.01"))
    assert compare_results(before=tested, after=tested.assign(**without_q), fdr=0.1)["status"].item() == "left"


def test_the_summary_counts_what_the_table_says():
    compared = compare_results(before=BEFORE, after=AFTER, fdr=0.1)
    row = summarise_results(compared=compared).iloc[0]
    assert list(row.index) == SUMMARY_COLUMNS
    assert row["features"] == 10
    q = [pd.to_numeric(side["q"]) for side in (BEFORE, AFTER)]
    assert (row["found_before"], row["found_after"]) == ((q[0] < 0.1).sum(), (q[1] < 0.1).sum()) == (3, 3)
    assert (row["entered"], row["left"]) == (2, 2)
    assert row["found_before"] - row["left"] + row["entered"] == row["found_after"]
    both = compared.dropna(subset=["estimate_before", "estimate_after"])
    assert row["correlation"] == pytest.approx(np.corrcoef(both["estimate_before"], both["estimate_after"])[0, 1])
    assert row["same_sign"] == pytest.approx(4 / 5)


def test_too_few_or_constant_estimates_have_no_correlation():
    for rows in ([("a", "1", "1"), ("b", "2", "1")], [("a", "1", "1"), ("b", "1", "1"), ("c", "1", "1")]):
        compared = compare_results(before=results(*rows), after=results(*rows), fdr=0.1)
        assert np.isnan(summarise_results(compared=compared)["correlation"].item())


def test_a_side_without_results_and_none_at_all():
    nothing = results()
    assert compare_results(before=nothing, after=nothing, fdr=0.1).empty
    assert list(summarise_results(compared=compare_results(before=nothing, after=nothing, fdr=0.1))) == SUMMARY_COLUMNS
    found = compare_results(before=nothing, after=AFTER, fdr=0.1)
    assert found["status"].value_counts().to_dict() == {"only after": 5, "entered": 3}
    row = summarise_results(compared=found).iloc[0]
    assert np.isnan(row["n_before"]) and np.isnan(row["same_sign"]) and row["found_before"] == 0


def labels(*rows, **columns):
    """Rows of sample, patient, batch, response."""
    made = pd.DataFrame(rows, columns=["sample_id", "patient_id", "batch", "response"])
    return made.assign(**{"cohort": "LUNG", "os_days": "100", "control": "N", **columns})


def test_new_patients_and_changed_outcomes_are_told_once_per_patient():
    before = labels(
        ("S1", "P1", "B1", "R"), ("S2", "P1", "B1", "R"), ("S3", "P2", "B1", None), ("S4", "P3", "B1", "NR"),
        ("S5", "P4", "B1", None), ("BL", None, "B1", None), ("S9", "P9", "B1", "R"),
    )  # fmt: skip
    after = labels(
        ("S1", "P1", "B1", "NR"), ("S2", "P1", "B1", "NR"), ("S3", "P2", "B1", "R"), ("S4", "P3", "B1", "NR"),
        ("S5", "P4", "B1", None), ("S0", "P1", "B2", "NR"), ("S6", "P5", "B2", "R"), ("BL2", None, "B2", None),
    )  # fmt: skip
    after.loc[after["patient_id"] == "P3", "os_days"] = "140"
    found = compare_labels(before=before, after=after, outcomes=["response", "os_days", "dcb"])
    assert list(found.columns) == LABEL_COLUMNS
    assert found.drop(columns="cohort").astype(object).where(found.notna(), None).to_numpy().tolist() == [
        ["P1", "B1 B2", "response", "R", "NR"],
        ["P2", "B1", "response", None, "R"],
        ["P3", "B1", "os_days", "100", "140"],
        ["P5", "B2", "new patient", None, "R"],
        ["P9", None, "patient gone", "R", None],
    ]
    same = compare_labels(before=before, after=before, outcomes=["response", "os_days"])
    assert same.empty and list(same.columns) == LABEL_COLUMNS


def test_a_batch_of_one_class_is_named_with_its_class_and_size():
    known = labels(
        ("S1", "P1", "B1", "R"), ("S2", "P2", "B1", "NR"), ("S3", "P3", "B2", "NR"), ("S4", "P3", "B2", "NR"),
        ("S5", "P4", "B2", "NR"), ("S6", "P5", "B2", None), ("S7", "P6", "B3", "R"), ("S8", "P7", "B4", None),
        ("BL", None, "B5", None),
    )  # fmt: skip
    assert one_class_batches(labels=known) == [("B2", "NR", 2), ("B3", "R", 1)]


def test_a_study_of_one_class_names_no_batch():
    assert one_class_batches(labels=labels(("S1", "P1", "B1", "R"), ("S2", "P2", "B2", "R"))) == []
    assert one_class_batches(labels=labels(("S1", "P1", "B1", None))) == []


def checksums(*rows):
    return pd.DataFrame(rows, columns=["sample_id", "assay", "what", "name", "sha256"])


def test_what_became_of_each_earlier_sample():
    before = checksums(
        ("S1", "MGX", LAYER_ROW, "taxa", "a"), ("S1", "MGX", "taxonomic profile", "S1.tsv", "b"),
        ("S2", "MGX", "taxonomic profile", "S2.tsv", "c"), ("S3", "MGX", "taxonomic profile", "S3.tsv", "d"),
    )  # fmt: skip
    after = checksums(
        ("S1", "MGX", LAYER_ROW, "taxa", "a2"), ("S1", "MGX", "taxonomic profile", "S1.tsv", "b"),
        ("S2", "MGX", "taxonomic profile", "S2.tsv", "c2"), ("S4", "MGX", "taxonomic profile", "S4.tsv", "e"),
    )  # fmt: skip
    batches = pd.Series({"S1": "B1", "S2": "B1", "S3": "B1", "S4": "B2"})
    found = compare_outputs(before=before, after=after, batches=batches)
    assert list(found.columns) == OUTPUT_COLUMNS
    assert found[["sample_id", "batch", "what", "state"]].to_numpy().tolist() == [
        ["S1", "B1", "taxonomic profile", "unchanged"],
        ["S2", "B1", "taxonomic profile", "changed"],
        ["S3", "B1", "taxonomic profile", "gone"],
        ["S4", "B2", "taxonomic profile", "new"],
        ["S1", "B1", LAYER_ROW, "changed"],
    ]
    assert compare_outputs(before=checksums(), after=checksums(), batches=batches).empty

"""Candidates in the report: counts of the evidence, ranks in words, support, stability."""

import pandas as pd
import pytest
from tests.report_folder import HOSTILE, charts, checked_page, put, results_of, tables, words

from gutaxis.integrate.evidence import CANDIDATES as RANKED_COLUMNS
from gutaxis.integrate.evidence import COLUMNS as EVIDENCE_COLUMNS
from gutaxis.integrate.strength import SUPPORT
from gutaxis.report.candidates import CANDIDATES, COLUMNS, EVIDENCE
from gutaxis.report.items import Absent
from gutaxis.report.statements import Narrow

pytestmark = pytest.mark.unit

(ITEM,) = CANDIDATES
HEAD = ("candidates, each by its best contrast; not corrected for choosing it", "7 rows are demonstrated",
        "weak: a discovery over all tables", "strong is meant within this study")  # fmt: skip


def folder_of(root, strengths):
    """Write one feature per strength in one layer, ranked in that order."""
    rows = [
        {**dict.fromkeys(EVIDENCE_COLUMNS), "layer": "taxa", "contrast": "baseline", "feature": f"00{at}",
         "label": HOSTILE, "n": None if strength == "not tested" else 10 + at, "n_r": 5, "strength": strength,
         "role": "primary", "selection_frequency": 0.5, "module_frequency": None, "support_model": at == 0,
         **{name: False for name in SUPPORT if name != "support_model"}}
        for at, strength in enumerate(strengths)
    ]  # fmt: skip
    put(root, EVIDENCE, pd.DataFrame(rows, columns=EVIDENCE_COLUMNS), *HEAD[1:])
    tested = [row for row in rows if row["strength"] != "not tested"]
    ranked = [
        {"rank": at + 1, "layer": "taxa", "feature": row["feature"], "label": HOSTILE, "contrast": "baseline",
         "strength": row["strength"], "estimate": 1.5, "ci_low": 0.5, "ci_high": 2.5, "q": 0.01, "n": row["n"],
         "n_r": 5, "agreement": 0.8, "supports": 1, "words": f"{row['strength'].capitalize()}. Higher: 1.5.",
         "literature": None}
        for at, row in enumerate(tested)
    ]  # fmt: skip
    put(root, "integration/candidates.tsv", pd.DataFrame(ranked, columns=RANKED_COLUMNS), *HEAD)
    return results_of(root)


FOUND = ["strong", "weak", "weak", "not demonstrated", "not tested"]


def test_evidence_is_counted_from_its_rows(tmp_path):
    said = words(ITEM.build(folder_of(tmp_path, FOUND)).findings)
    assert "Of 4 tests" in said[0] and "3 are discoveries at a false discovery rate of 0.1 over all tables" in said[0]
    assert "1 strong, 0 moderate, 2 weak. 1 more could not be tested." in said[0]


def test_first_ranks_are_said_as_their_table_says_them(tmp_path):
    said = words(ITEM.build(folder_of(tmp_path, FOUND)).findings)
    assert said[1] == f"Rank 1: {HOSTILE} (000) (taxa). Strong. Higher: 1.5."
    assert len(said) == 4


def test_no_discovery_is_a_finding_and_draws_no_bars(tmp_path):
    made = ITEM.build(folder_of(tmp_path, ["not demonstrated", "not demonstrated", "not tested"]))
    said = words(made.findings)[0]
    assert said.startswith("No feature is demonstrated at a false discovery rate of 0.1 over all tables, of 2 tests")
    assert list(charts(made)) == ["What supports each candidate"]


def test_stability_and_support_stand_beside_each_candidate(tmp_path):
    made = ITEM.build(folder_of(tmp_path, FOUND))
    table = tables(made)["Candidates by rank"]
    assert list(table["Folds whose model uses it (share)"]) == [0.5] * 4
    assert list(table["Name in the tables"]) == ["000", "001", "002", "003"]
    assert "Subsamples whose module holds it (share)" not in table  # nobody has one: no empty column
    spec = charts(made)["What supports each candidate"].to_dict()
    held = [row for rows in spec["datasets"].values() for row in rows if row["held"] == "yes"]
    assert [(row["rank"], row["kind"]) for row in held] == [(1, SUPPORT["support_model"])]


def test_the_large_table_is_read_with_few_columns(tmp_path):
    narrow = Narrow.of(results=folder_of(tmp_path, FOUND), large=EVIDENCE, columns=COLUMNS)
    assert set(narrow.table(EVIDENCE).columns) == set(COLUMNS) < set(EVIDENCE_COLUMNS)
    assert narrow.table(EVIDENCE)["feature"].tolist()[0] == "000"


def test_nothing_tested_and_no_file(tmp_path):
    made = ITEM.build(folder_of(tmp_path, ["not tested"]))
    assert words(made.findings) == ["No feature of any layer could be tested."] and made.blocks == []
    empty = ITEM.build(results_of(tmp_path / "nowhere"))
    assert isinstance(empty, Absent) and empty.why == "This run does not make it."


def test_every_number_of_the_page_stands_in_its_table(tmp_path):
    checked_page(folder_of(tmp_path, FOUND), CANDIDATES, tmp_path)

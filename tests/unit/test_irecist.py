"""iRECIST: unconfirmed progression, each way it is confirmed, and the bar that is reset."""

import numpy as np
import pandas as pd
import pytest
from tests.recist_tables import patients_of, read

from gutaxis.clinical.irecist import BEST_COLUMNS, COLUMNS, irecist_best, irecist_timepoints
from gutaxis.clinical.settings import ClinicalSettings

pytestmark = pytest.mark.unit
SETTINGS = ClinicalSettings(irecist=True)


def layer(scans: dict, **more) -> pd.DataFrame:
    found = read(scans, **more)
    table = irecist_timepoints(timepoints=found.timepoints, cells=found.cells, settings=SETTINGS)
    assert list(table.columns) == COLUMNS
    return table


def answers(scans: dict, **more) -> list[str]:
    return layer(scans, **more)["irecist_response"].tolist()


@pytest.mark.parametrize(
    ("scans", "expected"),
    [
        # the target sum: 5 mm more confirm, less does not
        ({"T01": [20, 30, 35]}, ["iUPD", "iCPD"]),
        ({"T01": [20, 30, 34.9]}, ["iUPD", "iUPD"]),
        ({"T01": [20, 30, 34.9, 39.9]}, ["iUPD", "iUPD", "iCPD"]),
        ({"T01": [20, 30, 20]}, ["iUPD", "iSD"]),
        ({"T01": [20, 30, 14]}, ["iUPD", "iPR"]),
        ({"T01": [20, 30, "absent"]}, ["iUPD", "iCR"]),
        # the bar is reset: progression starts anew
        ({"T01": [20, 30, 20, 26, 32]}, ["iUPD", "iSD", "iUPD", "iCPD"]),
        ({"T01": [20, 30, 20, 26, 20]}, ["iUPD", "iSD", "iUPD", "iSD"]),
        # after confirmation all is progression
        ({"T01": [20, 30, 40, 10]}, ["iUPD", "iCPD", "iCPD"]),
        # non-target lesions
        ({"T01": [20, 20, 20], "NT01": ["there", "worse", "worse"]}, ["iUPD", "iCPD"]),
        ({"T01": [20, 20, 20], "NT01": ["there", "worse", "there"]}, ["iUPD", "iSD"]),
        ({"NT01": ["there", "worse", "there"]}, ["iUPD", "NON-iCR/NON-iUPD"]),
        # new lesions: size, number, none of both
        ({"T01": [20, 20, 20], "N01": [None, 10, 15]}, ["iUPD", "iCPD"]),
        ({"T01": [20, 20, 20], "N01": [None, 10, 14.9]}, ["iUPD", "iUPD"]),
        ({"T01": [20, 20, 20], "N01": [None, "there", "there"], "N02": [None, None, "there"]}, ["iUPD", "iCPD"]),
        ({"T01": [20, 20, 14], "N01": [None, 10, 10]}, ["iUPD", "iPR"]),
        ({"T01": [20, 20, 14], "N01": [None, 10, "absent"]}, ["iUPD", "iPR"]),
        ({"T01": [20, 20, 20], "N01": [None, 10, "absent"]}, ["iUPD", "iSD"]),
        # another kind of lesion progresses
        ({"T01": [20, 30, 30], "N01": [None, None, "there"]}, ["iUPD", "iCPD"]),
        ({"T01": [20, 20, 30], "N01": [None, "there", "there"]}, ["iUPD", "iCPD"]),
        # not evaluated: the question stays open
        ({"T01": [20, 30, "?"]}, ["iUPD", "iNE"]),
        ({"T01": [20, 20, 10]}, ["iSD", "iPR"]),
    ],
)
def test_progression_and_its_confirmation(scans, expected):
    assert answers(scans) == expected


@pytest.mark.parametrize(("every", "expected"), [(27, "iUPD"), (28, "iCPD"), (63, "iCPD"), (64, "iUPD")])
def test_confirmation_is_4_to_8_weeks_later_and_one_visit_window(every, expected):
    assert answers({"T01": [20, 30, 40]}, every=every)[1] == expected


def test_after_a_scan_that_tells_nothing_the_next_one_may_confirm():
    assert answers({"T01": [20, 30, "?", 40]}, every=28) == ["iUPD", "iNE", "iCPD"]


@pytest.mark.parametrize(
    ("scans", "why"),
    [
        ({"T01": [20, 30, 35]}, "target"),
        ({"T01": [20, 20, 20], "NT01": ["there", "worse", "worse"]}, "nontarget"),
        ({"T01": [20, 20, 20], "N01": [None, 10, 15]}, "new_size"),
        ({"T01": [20, 20, 20], "N01": [None, 10, 10], "N02": [None, None, 5]}, "new_number"),
        ({"T01": [20, 30, 30], "N01": [None, None, "there"]}, "other_kind"),
    ],
)
def test_the_table_says_what_confirmed(scans, why):
    assert layer(scans)["worse"].tolist() == ["", why]


def test_two_new_lesions_per_organ_are_followed():
    # the organ is the lesion's name in these tables: nodes alone share one
    scans = {"T01": [20, 20, 20], **{f"N0{place}": [None, 15 - place, 15 - place] for place in range(3)}}
    scans["N02"] = [None, 13, 30]
    assert answers(scans) == ["iUPD", "iCPD"]
    assert answers(scans, nodes=["N00", "N01", "N02"]) == ["iUPD", "iUPD"]


def test_progression_is_dated_with_the_first_iupd_of_the_confirmed_block():
    found = layer({"T01": [20, 30, 20, 26, 27, 33]})
    assert found["irecist_response"].tolist() == ["iUPD", "iSD", "iUPD", "iUPD", "iCPD"]
    best = irecist_best(irecist=found, patients=patients_of())
    assert list(best.columns) == BEST_COLUMNS
    assert best.iloc[0].tolist() == ["P1", "INVESTIGATOR", "iSD", 42, 126, 210]


def test_progression_that_is_not_confirmed_has_no_day():
    best = irecist_best(irecist=layer({"T01": [20, 30, 12]}), patients=patients_of()).iloc[0]
    assert (best["ibor"], best["iupd_day"]) == ("iPR", 42)
    assert np.isnan(best["icpd_day"])


def test_what_follows_the_next_treatment_does_not_count():
    found = layer({"T01": [20, 30, 10]})
    best = irecist_best(irecist=found, patients=patients_of(new_therapy_day=60.0)).iloc[0]
    assert best["ibor"] == "iUPD"


def test_no_assessments():
    found = layer({"T01": [20]})
    assert found.empty
    assert irecist_best(irecist=found, patients=patients_of()).empty

"""Which batches are new, and what their set is called."""

import re

import pytest

from gutaxis.batches.plan import MAX_NAME, plan_batches, set_name

pytestmark = pytest.mark.unit


def test_the_last_sheet_brings_the_newest_batches():
    plan = plan_batches(sheets=[["B2", "B1"], ["B3", "B1"], ["B5", "B4"]], chosen=None)
    assert plan.batches == ("B1", "B2", "B3", "B4", "B5")
    assert plan.newest == ("B4", "B5")
    assert plan.earlier == ("B1", "B2", "B3")


def test_a_single_sheet_or_a_sheet_without_a_batch_of_its_own_gives_the_last_batch():
    assert plan_batches(sheets=[["B3", "B1", "B2"]], chosen=None).newest == ("B3",)
    assert plan_batches(sheets=[["B1", "B2"], ["B1"]], chosen=None).newest == ("B2",)


def test_one_batch_is_the_newest_and_nothing_is_earlier():
    plan = plan_batches(sheets=[["B1"]], chosen=None)
    assert (plan.newest, plan.earlier, plan.name) == (("B1",), (), "B1")


def test_the_config_may_choose_any_batch():
    plan = plan_batches(sheets=[["B1", "B2"], ["B3"]], chosen=["B3", "B1"])
    assert (plan.newest, plan.earlier) == (("B1", "B3"), ("B2",))
    assert plan.name == plan_batches(sheets=[["B1", "B2"], ["B3"]], chosen=None).name, "the set is that of the sheets"


def test_no_batch_at_all():
    plan = plan_batches(sheets=[], chosen=None)
    assert (plan.batches, plan.newest, plan.earlier, plan.name) == ((), (), (), "none")


def test_plain_names_are_joined_and_reordered_sheets_are_the_same_set():
    assert set_name(batches=["B1", "B2", "2025-11"]) == "2025-11_B1_B2"
    assert set_name(batches=["B2", "B1"]) == set_name(batches=["B1", "B2"]) == "B1_B2"


@pytest.mark.parametrize(
    "batches",
    [["B1_B2"], ["B 1"], ["B/1"], ["../x"], ["Größe"], ["{B}"], [f"B{at:02d}" for at in range(30)], ["x" * 200]],
)
def test_odd_or_many_names_make_a_safe_folder_of_their_own(batches):
    name = set_name(batches=batches)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name), name
    assert len(name) <= MAX_NAME
    assert re.search(r"_[0-9a-f]{8}$", name), "a digest says which set it is"


def test_sets_that_read_alike_have_different_names():
    sets = [["B1", "B2"], ["B1_B2"], ["B 1"], ["B/1"], ["B-1"], [f"B{at}" for at in range(30)],
            [f"B{at}" for at in range(31)]]  # fmt: skip
    assert len({set_name(batches=batches) for batches in sets}) == len(sets)

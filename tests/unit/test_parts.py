"""Parts of a batch: which samples one job goes through."""

import pytest

from gutaxis.cohort.parts import LARGEST, parts_of

pytestmark = pytest.mark.unit


def test_every_sample_is_in_one_part_and_no_part_goes_across_batches():
    batches = {f"S{number:03d}": "AB"[number % 2] for number in range(2 * LARGEST + 2)}
    parts = parts_of(batches=batches)
    assert sorted(sample for samples in parts.values() for sample in samples) == sorted(batches)
    assert all(len({batches[sample] for sample in samples}) == 1 for samples in parts.values())
    sizes = {name: len(samples) for name, samples in parts.items()}
    assert sizes == {"A.1": LARGEST, "A.2": 1, "B.1": LARGEST, "B.2": 1}


def test_a_new_batch_leaves_the_parts_of_others_alone_wherever_it_sorts():
    old = {f"S{number:03d}": "B2" for number in range(30)}
    before = parts_of(batches=old)
    after = parts_of(batches={"A000": "B1", **old, "Z000": "B3"})
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"B1.1", "B3.1"}


def test_names_are_safe_in_a_path_and_batches_of_one_safe_name_lose_nothing():
    parts = parts_of(batches={"a": "run 1/b", "b": "run-1-b", "c": ""})
    assert parts == {"none.1": ["c"], "run-1-b.1": ["a", "b"]}


def test_the_order_of_the_sheet_does_not_matter():
    batches = {f"S{number}": "B" for number in range(45)}
    assert parts_of(batches=dict(reversed(batches.items()))) == parts_of(batches=batches)

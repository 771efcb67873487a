"""Arrangements: all of them where they are few, valid and reproducible where they are drawn."""

from itertools import permutations as all_orders
from itertools import product

import numpy as np
import pytest

from gutaxis.stats.permutations import p_value, permute_patients, permute_rows, swap_within_patient

pytestmark = pytest.mark.unit


def test_swaps_of_few_pairs_are_all_swaps():
    found = swap_within_patient(pairs=4, permutations=15, seed=1)
    expected = set(product((1, -1), repeat=4)) - {(1, 1, 1, 1)}
    assert {tuple(row) for row in found.signs.tolist()} == expected
    assert (found.count, found.exact, found.order) == (15, True, None)
    assert not swap_within_patient(pairs=4, permutations=14, seed=1).exact


def test_random_swaps_depend_on_the_seed_alone():
    first, again, other = (swap_within_patient(pairs=30, permutations=500, seed=seed) for seed in (7, 7, 8))
    assert np.array_equal(first.signs, again.signs)
    assert not np.array_equal(first.signs, other.signs)
    assert set(np.unique(first.signs)) == {-1, 1}
    assert abs(first.signs.mean()) < 0.05
    assert (first.count, first.exact) == (500, False)


def test_rows_stay_in_their_block_and_every_order_comes_equally_often():
    blocks = np.array(["a", "b", "a", "b", "a", "b", "b"])
    found = permute_rows(blocks=blocks, permutations=143, seed=1)
    assert (found.count, found.exact) == (143, True)  # 3! x 4! - 1
    assert (blocks[found.order] == blocks).all()
    assert len({tuple(row) for row in found.order.tolist()}) == 143
    assert tuple(range(7)) not in {tuple(row) for row in found.order.tolist()}
    drawn = permute_rows(blocks=np.zeros(4), permutations=23, seed=1)
    assert {tuple(row) for row in drawn.order.tolist()} == set(all_orders(range(4))) - {(0, 1, 2, 3)}


def test_drawn_rows_are_uniform_over_the_orders():
    found = permute_rows(blocks=np.zeros(7), permutations=5000, seed=3)
    assert not found.exact
    assert (np.sort(found.order, axis=1) == np.arange(7)).all()
    counts = np.array([np.bincount(found.order[:, place], minlength=7) for place in range(7)])
    assert np.abs(counts - 5000 / 7).max() < 5 * np.sqrt(5000 / 7)


def test_equal_rows_are_interchangeable():
    """Five against five patients: 252 arrangements, not 10!; with a second column fewer rows are equal."""
    response = np.repeat([0.0, 1.0], 5)[:, None]
    found = permute_rows(blocks=np.zeros(10), permutations=251, seed=1, design=response)
    labels = {tuple(response[row, 0]) for row in found.order}
    assert (found.count, found.exact, len(labels)) == (251, True, 251)
    assert tuple(response[:, 0]) not in labels
    both = np.column_stack([response[:, 0], [0, 0, 1, 0, 0, 0, 0, 1, 0, 0]])
    assert permute_rows(blocks=np.zeros(10), permutations=6299, seed=1, design=both).count == 6299  # 10!/(4! 4!) - 1
    assert not permute_rows(blocks=np.zeros(10), permutations=6298, seed=1, design=both).exact


def test_nothing_can_be_permuted():
    found = permute_rows(blocks=np.arange(5), permutations=99, seed=1)
    assert (found.count, found.exact) == (0, True)
    assert p_value(observed=3.0, permuted=np.array([])) == 1.0


def test_patients_keep_their_samples_together():
    patients = np.array(["A", "A", "B", "B", "C", "D", "D", "E"])
    blocks = np.array([1, 1, 1, 1, 1, 2, 2, 1])
    found = permute_patients(patients=patients, blocks=blocks, permutations=99, seed=1)
    # A and B have two samples each in block 1, C and E one each, D is alone in its block
    expected = {(2, 3, 0, 1, 4, 5, 6, 7), (0, 1, 2, 3, 7, 5, 6, 4), (2, 3, 0, 1, 7, 5, 6, 4)}
    assert {tuple(row) for row in found.order.tolist()} == expected
    assert found.exact
    with pytest.raises(ValueError, match="splits a patient"):
        permute_patients(patients=patients, blocks=np.arange(8), permutations=9, seed=1)


def test_p_counts_ties_and_the_data_themselves():
    permuted = np.array([1.0, 2.0, 2.0 - 1e-13, 3.0, -4.0])
    assert p_value(observed=2.0, permuted=permuted) == 4 / 6
    assert p_value(observed=2.0, permuted=permuted, tail="less") == 5 / 6
    assert p_value(observed=-2.0, permuted=permuted, tail="two-sided") == 5 / 6
    assert p_value(observed=2.0, permuted=np.array([np.nan, 0.0])) == 2 / 3
    assert np.isnan(p_value(observed=np.nan, permuted=permuted))
    with pytest.raises(ValueError, match="tail"):
        p_value(observed=1.0, permuted=permuted, tail="both")

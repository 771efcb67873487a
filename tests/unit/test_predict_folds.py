"""Folds keep patients together and classes spread; shuffles keep the cohort."""

import numpy as np
import pytest

from gutaxis.predict.folds import leave_out, shuffled, stratified_folds

pytestmark = pytest.mark.unit


def folds(classes, groups=None, k=5, seed=0):
    groups = np.arange(len(classes)) if groups is None else groups
    return stratified_folds(classes=np.asarray(classes), groups=groups, folds=k, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("n_r", [6, 12, 13])
def test_every_row_is_tested_once_and_classes_are_spread(n_r):
    classes = (np.arange(48) < n_r).astype(float)
    made = folds(classes)
    assert sorted(np.concatenate([test for _, test in made])) == list(range(48))
    for train, test in made:
        assert not set(train) & set(test)
        assert len(train) + len(test) == 48
    assert np.ptp([classes[test].sum() for _, test in made]) <= 1
    assert np.ptp([len(test) for _, test in made]) <= 1


def test_a_patient_is_never_in_training_and_test():
    groups = np.repeat(np.arange(17), 3)
    classes = np.tile([0.0, 0.0, 1.0], 17)
    made = folds(classes, groups=groups, k=17)
    assert len(made) == 17
    for train, test in made:
        assert not set(groups[train]) & set(groups[test])
        assert len(test) == 3


def test_folds_shrink_to_the_rarer_class_and_stop_at_one_patient():
    assert len(folds([1.0] * 3 + [0.0] * 20)) == 3
    assert folds([1.0] + [0.0] * 20) == []
    assert folds([0.0] * 20) == []


def test_equal_seeds_give_equal_folds():
    classes = (np.arange(30) < 9).astype(float)
    for one, two in zip(folds(classes, seed=4), folds(classes, seed=4), strict=True):
        np.testing.assert_array_equal(one[1], two[1])
    assert any(not np.array_equal(a[1], b[1]) for a, b in zip(folds(classes), folds(classes, seed=1), strict=True))


def test_labels_of_one_test_fold_are_exchangeable():
    """Any two patients share a fold as often whether or not they are of one class: no order of rows is favoured."""
    classes = (np.arange(12) < 4).astype(float)
    together = np.zeros((12, 12))
    for seed in range(4000):
        for _, test in folds(classes, k=2, seed=seed):
            together[np.ix_(test, test)] += 1
    off = together / 4000
    assert np.ptp(off[:4, 4:]) < 0.06
    assert np.ptp(off[4:, 4:][~np.eye(8, dtype=bool)]) < 0.06


def test_leaving_out_a_batch_leaves_no_trace_of_it_in_training():
    labels = [("B1",), ("B2",), ("B1", "B2"), (), ("B3",)]
    found = {name: (train.tolist(), test.tolist()) for name, train, test in leave_out(labels=labels)}
    assert found == {"B1": ([1, 3, 4], [0, 2]), "B2": ([0, 3, 4], [1, 2]), "B3": ([0, 1, 2, 3], [4])}
    assert leave_out(labels=[("B1",)] * 4) == []


def test_shuffles_stay_inside_the_cohort_and_move_whole_patients():
    groups = np.repeat(np.arange(12), 3)
    strata = np.repeat(np.array(["A", "B"] * 6, dtype=object), 3)
    source = shuffled(groups=groups, strata=strata, rng=np.random.default_rng(1))
    assert sorted(source) == list(range(36))
    assert (strata[source] == strata).all()
    assert (source.reshape(12, 3) % 3 == [0, 1, 2]).all()
    assert (source != np.arange(36)).any()


def test_patients_with_other_numbers_of_rows_do_not_swap():
    groups = np.array([0, 0, 1, 2, 2, 3])
    for seed in range(20):
        source = shuffled(groups=groups, strata=np.zeros(6, dtype=object), rng=np.random.default_rng(seed))
        assert {source[0], source[1]} in ({0, 1}, {3, 4})
        assert {source[2], source[5]} == {2, 5}

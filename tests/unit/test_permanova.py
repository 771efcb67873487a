"""PERMANOVA against its definition; on Euclidean distances it is the analysis of variance."""

from itertools import product

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import pdist, squareform

from gutaxis.stats.permanova import difference_gram, gower, permanova, residual_gram
from gutaxis.stats.permutations import Arrangements, permute_rows, swap_within_patient

pytestmark = pytest.mark.unit


def none(rows: int) -> Arrangements:
    return Arrangements(order=np.zeros((0, rows), dtype=int), signs=None, exact=True, scheme="none")


def hat(columns: np.ndarray) -> np.ndarray:
    return columns @ np.linalg.pinv(columns)


def test_one_feature_gives_the_f_of_analysis_of_variance():
    rng = np.random.default_rng(0)
    groups = np.repeat([0, 1, 2], [5, 7, 4])
    values = rng.normal(size=16) + groups
    matrix = np.column_stack([np.ones(16), groups == 1, groups == 2]).astype(float)
    gram = gower(distances=np.abs(values[:, None] - values[None, :]))
    table = permanova(gram=gram, matrix=matrix, terms={"group": (1, 2)}, arrangements=none(16))
    expected = stats.f_oneway(*(values[groups == level] for level in range(3)))
    assert table.loc[0, "f"] == pytest.approx(expected.statistic, rel=1e-10)
    assert table["df"].tolist() == [2, 13, 15]
    assert table["ss"].iloc[-1] == pytest.approx(((values - values.mean()) ** 2).sum(), rel=1e-12)
    assert table["r2"].iloc[:2].sum() == pytest.approx(1, rel=1e-12)
    assert np.isnan(table.loc[0, "p"])


@pytest.mark.parametrize("permute", ["raw", "reduced"])
def test_every_arrangement_against_projections_written_out(permute):
    """The p value from dense hat matrices and one permuted matrix at a time, blocks and covariates included."""
    rng = np.random.default_rng(1)
    blocks = np.repeat([0, 1], [4, 5])
    matrix = np.column_stack([np.ones(9), blocks, rng.normal(size=9), rng.integers(0, 2, 9)]).astype(float)
    gram = gower(distances=squareform(pdist(rng.gamma(0.5, size=(9, 6)), "braycurtis")))
    arrangements = permute_rows(blocks=blocks, permutations=60, seed=2)
    terms = {"block": (1,), "age": (2,), "group": (3,)}
    table = permanova(gram=gram, matrix=matrix, terms=terms, arrangements=arrangements, permute=permute)
    for number, (name, (own,)) in enumerate(terms.items()):
        rest = hat(np.delete(matrix, own, axis=1))
        full = hat(matrix)
        moved = gram if permute == "raw" else (np.eye(9) - rest) @ gram @ (np.eye(9) - rest)

        def f(inner, rest=rest, full=full):
            return np.trace((full - rest) @ inner) / (np.trace((np.eye(9) - full) @ inner) / 5)

        observed = f(gram)
        permuted = []
        for order in arrangements.order:
            back = np.argsort(order)
            permuted.append(f(moved[np.ix_(back, back)]))
        assert table.loc[number, "term"] == name
        assert table.loc[number, "f"] == pytest.approx(observed, rel=1e-9)
        expected = (np.sum(np.array(permuted) >= observed - 1e-9) + 1) / 61
        assert table.loc[number, "p"] == pytest.approx(expected, abs=1e-12)


def test_sign_flips_are_swaps_of_the_samples():
    """Flipping changes C G C' is the same as swapping PRE and POST in the model ~ patient + time."""
    rng = np.random.default_rng(3)
    pairs = 6
    distances = squareform(pdist(rng.gamma(0.5, size=(12, 5)) + 0.1, "braycurtis"))
    gram = gower(distances=distances)
    pre, post = np.arange(pairs), np.arange(pairs, 12)
    changes = difference_gram(gram=gram, pre=pre, post=post) / 2
    flips = swap_within_patient(pairs=pairs, permutations=100, seed=1)
    mine = permanova(
        gram=changes, matrix=np.ones((pairs, 1)), terms={"time": (0,)}, arrangements=flips, permute="reduced"
    )
    patient = np.tile(np.eye(pairs), (2, 1))
    matrix = np.column_stack([patient, np.repeat([0.0, 1.0], pairs)])
    swaps = permute_rows(blocks=np.tile(pre, 2), permutations=100, seed=1)
    theirs = permanova(gram=gram, matrix=matrix, terms={"time": (pairs,)}, arrangements=swaps)
    assert mine.loc[0, ["df", "ss", "f", "p"]].tolist() == pytest.approx(theirs.loc[0, ["df", "ss", "f", "p"]].tolist())
    assert mine.loc[0, "permutations"] == 63
    assert mine.loc[1, "df"] == theirs.loc[1, "df"] == 5
    by_hand = []
    for signs in product((1, -1), repeat=pairs):
        mean = np.array(signs) @ changes @ np.array(signs) / pairs
        by_hand.append(mean / ((np.trace(changes) - mean) / 5))
    assert mine.loc[0, "p"] == pytest.approx(np.mean(np.array(by_hand) >= by_hand[0] - 1e-9))


def test_changes_are_inner_products_of_differences():
    rng = np.random.default_rng(4)
    points = rng.normal(size=(10, 4))
    gram = gower(distances=squareform(pdist(points)))
    found = difference_gram(gram=gram, pre=np.arange(5), post=np.arange(5, 10))
    change = points[5:] - points[:5]
    assert found == pytest.approx(change @ change.T, abs=1e-12)
    design = np.column_stack([np.ones(5), [0, 0, 1, 1, 0]])
    left = (np.eye(5) - hat(design)) @ change
    assert residual_gram(gram=found, matrix=design) == pytest.approx(left @ left.T, abs=1e-12)


def test_the_order_of_samples_and_the_coding_of_a_term_do_not_matter():
    rng = np.random.default_rng(5)
    distances = squareform(pdist(rng.gamma(0.5, size=(12, 6)), "braycurtis"))
    group = np.repeat([0, 1, 2], 4)
    one = np.column_stack([np.ones(12), group == 1, group == 2]).astype(float)
    two = np.column_stack([np.ones(12), 3.0 * (group == 0) - 1, (group == 2) * 2.0 + (group == 0)])
    order = rng.permutation(12)
    tables = [
        permanova(gram=gower(distances=d), matrix=m, terms={"g": (1, 2)}, arrangements=none(12))
        for d, m in ((distances, one), (distances, two), (distances[np.ix_(order, order)], one[order]))
    ]
    for table in tables[1:]:
        assert table["ss"].tolist() == pytest.approx(tables[0]["ss"].tolist(), rel=1e-10)


def test_refuses_what_makes_no_sense():
    gram = gower(distances=1 - np.eye(4))
    matrix = np.column_stack([np.ones(4), [0, 0, 1, 1], [1, 1, 0, 0]])
    with pytest.raises(ValueError, match="depend on each other"):
        permanova(gram=gram, matrix=matrix, terms={"a": (1,)}, arrangements=none(4))
    with pytest.raises(ValueError, match="terms with raw"):
        permanova(
            gram=gram, matrix=matrix[:, :2], terms={"a": (1,)}, arrangements=none(4), by="terms", permute="reduced"
        )


def test_nothing_left_over_gives_no_f():
    """As many columns as rows; and all samples of a group in one point."""
    gram = gower(distances=1 - np.eye(3))
    full = permanova(gram=gram, matrix=np.eye(3), terms={"a": (1,)}, arrangements=none(3))
    assert np.isnan(full.loc[0, "f"])
    apart = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]], dtype=float)
    matrix = np.column_stack([np.ones(4), [0, 0, 1, 1]])
    free = permute_rows(blocks=np.zeros(4), permutations=99, seed=1, design=matrix)
    table = permanova(gram=gower(distances=apart), matrix=matrix, terms={"a": (1,)}, arrangements=free)
    assert np.isnan(table.loc[0, "f"])
    assert np.isnan(table.loc[0, "p"])
    assert table.loc[0, "r2"] == pytest.approx(1)

"""UniFrac against scikit-bio; how features find their tips; trees that cannot be used."""

import numpy as np
import pandas as pd
import pytest
from skbio import TreeNode
from skbio.diversity import beta_diversity

from gutaxis.errors import GutaxisError
from gutaxis.stats.unifrac import match_tips, read_tree, unifrac

pytestmark = pytest.mark.unit


def random_tree(tips: int, seed: int) -> TreeNode:
    rng = np.random.default_rng(seed)
    nodes = [TreeNode(name=f"f{number}", length=rng.random()) for number in range(tips)]
    while len(nodes) > 1:
        first, second = (nodes.pop(int(rng.integers(len(nodes)))) for _ in range(2))
        nodes.append(TreeNode(children=[first, second], length=rng.random()))
    return nodes[0]


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("seed", [1, 2])
def test_as_scikit_bio(weighted, seed):
    rng = np.random.default_rng(seed)
    tree = random_tree(60, seed)
    # only half of the tips are in the table: the trunk above them counts all the same
    tips = [f"f{number}" for number in rng.permutation(60)[:30]]
    counts = np.where(rng.random((15, 30)) < 0.4, rng.integers(1, 99, (15, 30)), 0) + np.eye(15, 30, dtype=int)
    found = unifrac(amounts=counts.astype(float), tips=tips, tree=tree, weighted=weighted)
    metric = "weighted_unifrac" if weighted else "unweighted_unifrac"
    expected = beta_diversity(metric, counts, taxa=tips, tree=tree).data
    assert found == pytest.approx(expected, abs=1e-12)


def test_features_of_one_tip_are_added():
    tree = TreeNode.read(["((a:1,b:2):1,c:3);"])
    amounts = np.array([[1, 1, 2, 0], [0, 2, 0, 2.0], [1, 0, 0, 0]])
    split = unifrac(amounts=amounts, tips=["a", "a", "b", "c"], tree=tree, weighted=True)
    joined = np.column_stack([amounts[:, :2].sum(axis=1), amounts[:, 2:]])
    assert split == pytest.approx(unifrac(amounts=joined, tips=["a", "b", "c"], tree=tree, weighted=True))


def test_tips_by_the_name_that_fits_most():
    tree = TreeNode.read(["((4285:1,15286:1):1,(1871:1,'9999':1):1);"])
    var = pd.DataFrame(
        {"sgb": ["SGB4285", "SGB15286_group", "SGB7", ""], "genus": ["Dorea", "Blautia", "1871", ""],
         "prevalence": 1.0},
        index=["k__Bacteria|t__SGB4285", "x", "y", "z"],
    )  # fmt: skip
    assert match_tips(var=var, tree=tree) == (["4285", "15286", None, None], "sgb")
    assert match_tips(var=var[["genus"]], tree=tree) == (["4285", None, None, None], "feature")
    assert match_tips(var=var.iloc[2:][["prevalence"]], tree=tree) == ([None, None], None)


def test_spelling_that_differs_between_programs():
    tree = TreeNode.read(
        ["(('Dorea longicatena':1,s__Blautia_wexlerae:1):1,('A b':1,A_b:1):1);"], convert_underscores=False
    )
    var = pd.DataFrame(index=["s__Dorea_longicatena", "k__B|s__Blautia_wexlerae", "A_b", "A__b"])
    # A_b is a tip by its exact name; A__b could be either of two
    assert match_tips(var=var, tree=tree)[0] == ["Dorea longicatena", "s__Blautia_wexlerae", "A_b", None]


def test_trees_are_rooted_and_have_lengths(tmp_path):
    path = tmp_path / "tree.nwk"
    path.write_text("(a_1:1,b:1,(c:5,d):1);")
    tree = read_tree(path=path)
    assert len(tree.children) == 2
    assert {tip.name for tip in tree.tips()} == {"a_1", "b", "c", "d"}
    assert sum(node.length for node in tree.traverse(include_self=False)) == pytest.approx(8)
    path.write_text("((a:1,b:1):1,c:2);")
    assert {tip.name: tip.length for tip in read_tree(path=path).tips()} == {"a": 1, "b": 1, "c": 2}


@pytest.mark.parametrize(
    ("text", "told"),
    [("(a,b);", "no branch lengths"), ("not a tree at all", "cannot be read"), ("((a:1,b:1);", "cannot be read")],
)
def test_trees_that_cannot_be_used_are_told(tmp_path, text, told):
    path = tmp_path / "tree.nwk"
    path.write_text(text)
    with pytest.raises(GutaxisError, match=told) as error:
        read_tree(path=path)
    assert str(error.value).startswith("L14 tree.nwk")
    with pytest.raises(GutaxisError, match="L14"):
        read_tree(path=tmp_path / "absent.nwk")

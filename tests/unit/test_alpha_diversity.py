"""Alpha metrics against their formulas, and what is not defined."""

import io

import numpy as np
import pandas as pd
import pytest
from skbio import TreeNode

from gutaxis.stats.alpha import alpha_values

pytestmark = pytest.mark.unit
TABLE = pd.DataFrame(
    [[0.5, 0.5, 0.0, 0.0], [0.1, 0.2, 0.3, 0.4], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]],
    index=["two", "four", "one", "none"], columns=list("abcd"),
)  # fmt: skip
TREE = "((a:1,b:2):1,(c:1,d:1):1);"


def read(newick):
    return TreeNode.read(io.StringIO(newick))


def test_formulas():
    values = alpha_values(table=TABLE)
    shares = TABLE.loc["four"].to_numpy()
    entropy = -(shares * np.log(shares)).sum()
    assert values["observed"].tolist() == [2, 4, 1, 0]
    assert values.loc["four", "shannon"] == pytest.approx(entropy, rel=1e-12)
    assert values.loc["two", "shannon"] == pytest.approx(np.log(2)), "natural logarithm"
    assert values.loc["four", "inverse_simpson"] == pytest.approx(1 / (shares**2).sum(), rel=1e-12)
    assert values.loc["four", "pielou"] == pytest.approx(entropy / np.log(4), rel=1e-12)


def test_one_feature_has_no_evenness_and_an_empty_sample_no_diversity():
    values = alpha_values(table=TABLE, tree=read(TREE))
    assert np.isnan(values.loc["one", "pielou"])
    assert values.loc["one", "shannon"] == 0
    assert values.loc["none", "observed"] == 0
    assert values.loc["none"].drop("observed").isna().all()


def test_scale_does_not_matter_but_negative_values_do():
    pd.testing.assert_frame_equal(alpha_values(table=TABLE), alpha_values(table=TABLE * 1e6))
    with pytest.raises(ValueError, match="negative"):
        alpha_values(table=TABLE - 0.2)


def test_missing_values_count_as_absent():
    holes = TABLE.replace(0.0, np.nan)
    pd.testing.assert_frame_equal(alpha_values(table=TABLE), alpha_values(table=holes))


def test_faith_adds_the_branches_down_to_the_root():
    values = alpha_values(table=TABLE, tree=read(TREE))
    assert values["faith_pd"].tolist()[:3] == [4.0, 7.0, 2.0]


def test_faith_leaves_out_features_without_a_tip_and_tips_without_a_feature():
    tree = read("((a:1,b:2):1,(c:1,x:1):1);")
    assert alpha_values(table=TABLE, tree=tree)["faith_pd"].tolist()[:3] == [4.0, 6.0, 2.0]
    assert alpha_values(table=TABLE, tree=read("((x:1,y:1):1,z:1);"))["faith_pd"].isna().all()


def test_features_that_share_a_tip_count_once():
    tips = {"a": "a", "b": "a", "c": "c", "d": "d"}
    values = alpha_values(table=TABLE, tree=read(TREE), tips=tips)["faith_pd"]
    assert values.tolist()[:3] == [2.0, 5.0, 2.0]

"""Doublets: planted ones score high, thresholds have a source, small or uniform samples are told."""

import numpy as np
import pytest
import scanpy as sc
from sklearn.metrics import roc_auc_score
from tests.cell_files import sample

from gutaxis.single_cell import doublets
from gutaxis.single_cell.doublets import DoubletSettings, expected_rate, find_doublets

pytestmark = pytest.mark.unit
MIXED = sample(n_cells=500, n_genes=700, doublets=0.06, seed=4)


def found(adata=MIXED, seed=0, **settings):
    return find_doublets(adata=adata, settings=DoubletSettings(**settings), seed=seed)


def test_planted_doublets_score_high_and_are_called():
    result = found()
    planted = MIXED.obs["doublet"].to_numpy()
    assert roc_auc_score(planted, result.scores) > 0.95
    assert result.source == "auto"
    assert result.called[planted].mean() > 0.5
    assert result.called[~planted].mean() < 0.01
    assert result.note is None


def test_seeds_decide_and_the_input_is_left_alone():
    before = MIXED.X.copy()
    first, again, other = found(), found(), found(seed=1)
    assert (first.scores == again.scores).all()
    assert first.threshold == again.threshold
    assert (first.scores != other.scores).any()
    assert (abs(MIXED.X - before) > 0).nnz == 0
    assert "doublet_score" not in MIXED.obs


@pytest.mark.oracle
def test_scores_are_those_of_scanpy_in_one_call():
    theirs = MIXED.copy()
    sc.pp.scrublet(
        theirs,
        sim_doublet_ratio=8.0,
        expected_doublet_rate=expected_rate(n_cells=500),
        mean_center=False,
        n_prin_comps=20,
        n_neighbors=9,
        use_approx_neighbors=False,
        random_state=0,
    )
    ours = found().scores
    # scanpy normalises twice, which rounds otherwise: a neighbour on the edge may change.
    assert (abs(ours - theirs.obs["doublet_score"]) < 1e-9).mean() > 0.9
    assert np.corrcoef(ours, theirs.obs["doublet_score"])[0, 1] > 0.999


def test_a_sample_without_doublets_keeps_its_cells():
    assert found(sample(n_cells=500, n_genes=700, seed=6)).called.mean() < 0.01


def test_the_config_has_the_last_word():
    result = found(threshold=0.05)
    assert (result.threshold, result.source) == (0.05, "config")
    assert (result.called == (result.scores > 0.05)).all()
    off = found(remove=False)
    assert (off.source, off.threshold, off.note, off.called.any()) == ("none", None, None, False)
    assert off.scores.isna().all()


def test_scores_follow_the_expected_rate_and_their_order_does_not():
    low, high = found(expected_rate=0.02), found(expected_rate=0.1)
    assert (high.scores > low.scores).all()
    assert (low.scores.rank() == high.scores.rank()).all()


def test_expected_rates_grow_with_the_cells_within_bounds():
    assert expected_rate(n_cells=5000) == pytest.approx(0.04)
    assert (expected_rate(n_cells=100), expected_rate(n_cells=90_000)) == (0.01, 0.2)


def test_too_few_cells_or_genes_are_told():
    few = found(sample(n_cells=99))
    assert (few.source, few.called.any(), few.scores.isna().all()) == ("none", False, True)
    assert few.note == "doublets not looked for: 99 cells, fewer than 100"
    assert found(sample(n_cells=0)).source == "none"
    poor = found(sample(n_cells=150, n_genes=16, umi=50))
    assert (poor.source, len(poor.scores)) == ("none", 150)
    assert "genes vary, fewer than 15" in poor.note


@pytest.mark.parametrize(
    ("simulated", "observed", "words"),
    [
        (np.repeat([0.1, 0.2], [600, 300]), np.repeat([0.1, 0.2], [870, 30]), None),
        (np.full(900, 0.1), np.linspace(0, 0.2, 900), "no two modes"),
        (np.repeat([0.1, 0.2], [765, 135]), np.repeat([0.1, 0.2], [890, 10]), "finds 15% of the simulated"),
        (np.repeat([0.1, 0.9], [450, 450]), np.repeat([0.1, 0.9], [600, 300]), "calls 33% of the cells"),
    ],
)
def test_absurd_thresholds_are_not_believed(simulated, observed, words):
    noise = np.random.default_rng(0).normal(0, 0.004, 900)
    simulated = simulated + (noise if words != "no two modes" else 0)
    threshold, note = doublets._valley(observed=observed, simulated=simulated, rate=0.04)
    if words is None:
        assert 0.1 < threshold < 0.2
        assert note is None
    else:
        assert threshold is None
        assert words in note


def test_the_fallback_calls_at_most_the_expected_share(monkeypatch):
    same = sample(n_cells=600, n_genes=700, types=1, seed=3)
    result = found(same, expected_rate=0.05)  # all cells are alike: no score is far from the others
    assert result.source == "fallback"
    assert result.called.mean() <= 0.05
    assert result.note.endswith("at most the highest 5.0% are called")
    monkeypatch.setattr(doublets, "_valley", lambda **_: (None, "no valley"))
    result = found(expected_rate=0.05)
    assert (result.source, result.note) == ("fallback", "no valley: at most the highest 5.0% are called")
    assert 0.03 < result.called.mean() <= 0.05
    assert MIXED.obs["doublet"][result.called.to_numpy()].mean() > 0.8

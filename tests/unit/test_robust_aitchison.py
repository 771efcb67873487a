"""Robust CLR and low-rank completion."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from skbio.stats.composition import clr, rclr

from gutaxis.stats.robust_aitchison import complete, robust_clr

pytestmark = pytest.mark.unit


def test_robust_clr_as_scikit_bio():
    rng = np.random.default_rng(0)
    amounts = rng.gamma(1, size=(6, 9)) * (rng.random((6, 9)) < 0.7) + np.eye(6, 9)
    assert robust_clr(amounts=amounts) == pytest.approx(rclr(amounts), nan_ok=True, abs=1e-12)


def test_hidden_cells_of_a_low_rank_matrix_are_found():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(40, 3)) @ rng.normal(size=(3, 60))
    values = np.where(rng.random(truth.shape) < 0.5, truth, np.nan)
    assert np.abs(complete(values=values, ridge=0.0) - truth).max() < 1e-3
    shrunk = complete(values=values)
    hidden = np.isnan(values)
    # the ridge costs some of the size and keeps the pattern
    assert np.corrcoef(shrunk[hidden], truth[hidden])[0, 1] > 0.95


def test_without_zeros_rank_limit_or_ridge_it_is_the_aitchison_distance():
    amounts = np.random.default_rng(2).gamma(1, size=(7, 5)) + 0.01
    full = complete(values=robust_clr(amounts=amounts), rank=5, ridge=0.0)
    assert pdist(full) == pytest.approx(pdist(clr(amounts)), rel=1e-6)


def test_unseen_cells_do_not_run_away():
    """A tenth of the cells seen, noise only: predictions stay within the range of what was seen."""
    rng = np.random.default_rng(3)
    values = np.where(rng.random((30, 300)) < 0.1, rng.normal(size=(30, 300)), np.nan)
    values[:, 0] = rng.normal(size=30)
    values[0] = rng.normal(size=300)
    assert np.abs(complete(values=values)).max() < 1.5 * np.nanmax(np.abs(values))


def test_samples_with_one_feature_have_a_place():
    amounts = np.vstack([np.eye(3, 6), np.random.default_rng(4).gamma(1, size=(5, 6))])
    found = complete(values=robust_clr(amounts=amounts))
    assert np.isfinite(found).all()
    assert found[0] == pytest.approx(np.zeros(6))


def test_nothing_but_single_features():
    assert (complete(values=robust_clr(amounts=np.eye(4))) == 0).all()

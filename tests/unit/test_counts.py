"""Count models: paired matrices, cell types on their own, samples without cells, log CPM."""

import numpy as np
import pandas as pd
import pytest

from gutaxis.stats.counts import deseq2, reference_features
from gutaxis.stats.design import contrast_design
from gutaxis.stats.pseudobulk import feature_groups, log_cpm

pytestmark = pytest.mark.unit


def observations(n=12):
    rows = [
        (f"s{i:02d}{point}", f"p{i:02d}", point, "R" if i % 3 == 0 else "NR", "AB"[i % 2])
        for i in range(n)
        for point in ("PRE", "POST")
    ]
    names = ["sample_id", "patient_id", "timepoint", "response", "cohort"]
    return pd.DataFrame(rows, columns=names).set_index("sample_id")


def counts(obs, m=40, seed=1):
    """Genes of two cell types; T|g00 to T|g02 are three times as high POST; B has ten times more cells POST."""
    rng = np.random.default_rng(seed)
    patients = pd.factorize(obs["patient_id"])[0]
    mean = np.exp(rng.normal(4, 0.8, m)) * np.exp(rng.normal(0, 0.3, (patients.max() + 1, m)))[patients]
    post = (obs["timepoint"] == "POST").to_numpy()
    mean[np.ix_(post, range(3))] *= 3
    mean[np.ix_(post, range(m // 2, m))] *= 10
    mean *= np.exp(rng.normal(0, 0.2, (len(obs), 1)))
    values = rng.negative_binomial(8, 8 / (8 + mean))
    names = [f"{'T' if j < m // 2 else 'B'}|g{j:02d}" for j in range(m)]
    return pd.DataFrame(values, index=obs.index, columns=names)


def paired(obs, contrast="change", **kwargs):
    return contrast_design(contrast=contrast, observations=obs, pairs="differences", batch="ignore", **kwargs)


@pytest.mark.filterwarnings("ignore:The dispersion trend")
def test_more_cells_of_a_type_are_no_expression_and_patients_are_paired():
    obs = observations()
    table = counts(obs)
    fits = deseq2(counts=table, design=paired(obs))
    assert fits.estimate[:3] == pytest.approx(np.log2(3), abs=0.6)
    assert (fits.p[:3] < 0.001).all()
    assert abs(np.median(fits.estimate[20:])) < 0.3  # not log2(10)
    assert (np.abs(fits.estimate[20:]) < 1.2).all()
    assert (fits.n == 12).all()
    assert (fits.df[np.isfinite(fits.p)] >= 24 - 13).all()  # residual, and what the shrinkage of dispersions adds
    assert fits.df.max() > 24 - 13 + 3
    # the size of a patient's counts does not matter: the patient is in the model
    louder = table.mul(np.where(obs["patient_id"] == "p03", 5, 1), axis=0)
    again = deseq2(counts=louder, design=paired(obs))
    assert again.estimate == pytest.approx(fits.estimate, abs=0.25)


def risen(share, m=60, n=24, seed=3):
    """Counts before and after of n patients: a share of the genes is 2.5 times as high after."""
    rng = np.random.default_rng(seed)
    mean = np.exp(rng.normal(5, 0.8, m)) * np.exp(rng.normal(0, 0.3, (n, m)))
    after = mean.copy()
    after[:, : round(share * m)] *= 2.5
    values = rng.negative_binomial(6, 6 / (6 + np.vstack([mean, after])))
    matrix = np.column_stack([np.tile(np.eye(n), (2, 1)), np.repeat([0.0, 1.0], n)])
    return values, matrix


def test_genes_that_rise_do_not_set_the_size_factors():
    values, matrix = risen(share=0.3)
    kept = reference_features(counts=values, matrix=matrix, tested=matrix.shape[1] - 1)
    assert not kept[:18].any()
    assert kept[18:].mean() > 0.9
    obs = pd.DataFrame(
        [(f"s{i:02d}{point}", f"p{i:02d}", point) for point in ("PRE", "POST") for i in range(24)],
        columns=["sample_id", "patient_id", "timepoint"],
    ).set_index("sample_id")
    table = pd.DataFrame(values, index=obs.index, columns=[f"T|g{j:02d}" for j in range(60)])
    fits = deseq2(counts=table, design=paired(obs))
    # the median of ratios over all genes puts those that did not change at -0.40
    assert abs(np.median(fits.estimate[18:])) < 0.06


def test_without_a_majority_every_gene_is_reference():
    values, matrix = risen(share=0.4)
    values[24:, 24:48] = values[24:, 24:48] // 3  # two fifths up, two fifths down
    kept = reference_features(counts=values, matrix=matrix, tested=matrix.shape[1] - 1)
    assert kept.all()
    few = reference_features(counts=values[:, :3], matrix=matrix, tested=matrix.shape[1] - 1)
    assert few.all(), "no mode of three"


@pytest.mark.filterwarnings("ignore:The dispersion trend")
def test_samples_without_cells_leave_their_group_with_their_patient():
    obs = observations()
    table = counts(obs)
    table.loc["s04POST", table.columns[:20]] = 0
    fits = deseq2(counts=table, design=paired(obs, "response_change", covariates=("cohort",)))
    assert (fits.n[:20] == 11).all()
    assert (fits.n[20:] == 12).all()
    assert np.isfinite(fits.p).mean() > 0.9
    assert all(why is not None for why in fits.reason[~np.isfinite(fits.p)])


@pytest.mark.filterwarnings("ignore:The dispersion trend")
def test_too_few_samples_and_no_counts_have_a_reason():
    obs = observations(6)
    table = counts(obs)
    table.iloc[:, 25] = 0
    table.iloc[4:, :20] = 0
    fits = deseq2(counts=table, design=paired(obs))
    assert set(fits.reason[:20]) == {"4 samples with counts for 3 columns of the model"}
    assert fits.reason[25] == "no counts"
    assert np.isfinite(fits.p[20:25]).all()
    post_only = counts(obs)
    post_only.loc[obs["timepoint"] == "PRE", post_only.columns[:20]] = 0
    fits = deseq2(counts=post_only, design=paired(obs))
    assert "0 samples" in fits.reason[0]


def test_wrong_input():
    obs = observations()
    with pytest.raises(ValueError, match="whole numbers"):
        deseq2(counts=counts(obs) + 0.5, design=paired(obs))
    mixed = contrast_design(contrast="change", observations=obs, pairs="mixed")
    with pytest.raises(ValueError, match="complete pairs"):
        deseq2(counts=counts(obs), design=mixed)


def test_groups_and_log_cpm():
    assert feature_groups(features=["T|a", "T|b", "B|a|x"]).tolist() == ["T", "T", "B"]
    assert feature_groups(features=["T|a", "b"]).tolist() == ["", ""]
    table = pd.DataFrame([[9, 0, 4], [0, 0, 5]], columns=["T|a", "T|b", "B|a"], dtype=float)
    found = log_cpm(counts=table).to_numpy()
    assert found[0] == pytest.approx(np.log2([9.5 / 10 * 1e6, 0.5 / 10 * 1e6, 4.5 / 5 * 1e6]))
    assert np.isnan(found[1, :2]).all()
    assert found[1, 2] == pytest.approx(np.log2(5.5 / 6 * 1e6))

"""What is known of public data comes out: alpha diversity without a difference, species of dysbiosis by a mixed model.

The numbers were computed independently from the same files; p values of rank tests, so they are met closely.
"""

import numpy as np
import pandas as pd
import pytest

from gutaxis.stats.alpha import alpha_values
from gutaxis.stats.alpha_tests import AlphaSettings, alpha_diversity
from gutaxis.stats.composition import clr
from gutaxis.stats.mixed import random_intercept

pytestmark = pytest.mark.realdata
#: R against NR of each data set's own labels, Mann-Whitney on Shannon.
SHANNON = {"lee_2022": 0.35, "frankel_2017": 0.76, "matson_2018": 0.99, "peters_2019": 0.18}


@pytest.mark.parametrize("name", SHANNON)
def test_no_shannon_difference_at_baseline(runs, name):
    cohort, layer, _ = runs[name]
    layer = layer[layer.obs["pair_status"].isin(["PAIRED", "PRE_ONLY"])].copy()
    response = layer.obs["patient_id"].astype(str).map(cohort.patients["response"])
    result = alpha_diversity(
        adata=layer,
        outcomes=pd.DataFrame({"response": response.to_numpy()}, index=layer.obs_names.astype(str)),
        contrasts={"baseline": "primary"},
        covariates=[],
        settings=AlphaSettings(draws=0, batch="ignore"),
        seed=1,
    )
    shannon = result.tests[result.tests["feature"] == "shannon"].set_index("method")
    assert shannon.loc["mann_whitney", "p"] >= 0.14
    if name in {"matson_2018", "peters_2019"}:  # where the label is the one of the published figure
        assert shannon.loc["mann_whitney", "p"] == pytest.approx(SHANNON[name], abs=0.01)
    assert shannon.loc["ols", "p"] > 0.05
    assert (shannon["ci_low"] < 0).all()
    assert (shannon["ci_high"] > 0).all()


def test_kostic_shannon_rises_with_age(public_data):
    folder = public_data / "microbiome_metabolome/KOSTIC_INFANTS_DIABETES_2015"
    genera = pd.read_csv(folder / "genera.tsv", sep="\t", index_col="Sample")
    age = pd.read_csv(folder / "metadata.tsv", sep="\t", index_col="Sample")["Age"]
    shannon = alpha_values(table=genera)["shannon"]
    assert shannon.corr(age.loc[shannon.index], method="spearman") == pytest.approx(0.39, abs=0.01)


def test_hmp2_dysbiosis_by_a_mixed_model(public_data):
    """1-26 samples per subject: a subject is one draw, so the model has an intercept for each."""
    folder = public_data / "hmp2"
    taxa = pd.read_csv(folder / "HMP2_taxonomy.tsv", sep="\t", index_col=0)
    about = pd.read_csv(folder / "HMP2_metadata.tsv", sep="\t", index_col=0).loc[taxa.index]
    keep = (about["diagnosis"] == "CD") & about["dysbiosis_binary"].notna() & (taxa.sum(axis=1) > 0.5)
    taxa, about = taxa[keep], about[keep]
    matrix = np.column_stack([np.ones(len(about)), (about["dysbiosis_binary"] == "Yes").astype(float)])
    species = ["Faecalibacterium prausnitzii", "Escherichia coli"]
    values = clr(table=taxa)[species].to_numpy()
    fits = random_intercept(values=values, matrix=matrix, patients=about["subject"].to_numpy(), tested=1)
    assert fits.ci_high[0] < 0 < fits.ci_low[1]
    assert (fits.df < len(about) - 2).all()

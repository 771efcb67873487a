"""Beta diversity on published stool profiles: distances to the donor (Baruch 2021), pairs in time (Derosa 2024)."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from gutaxis.stats.beta import BetaSettings, beta_diversity
from gutaxis.stats.distances import distance_matrix

pytestmark = pytest.mark.realdata


def species(path) -> pd.DataFrame:
    """Samples x species, fractions."""
    table = pd.read_csv(path, sep="\t", index_col=0).select_dtypes("number")
    table = table[[("|s__" in clade) and ("|t__" not in clade) for clade in table.index]]
    return (table / 100).T.rename(index=lambda name: name.removeprefix("metaphlan_"))


def layer(values: pd.DataFrame, obs: pd.DataFrame) -> AnnData:
    return AnnData(
        values.to_numpy(), obs=obs.loc[values.index], var=pd.DataFrame(index=values.columns),
        uns={"kind": "compositional", "name": "taxa"},
    )  # fmt: skip


def test_baruch_patients_come_nearer_to_their_donor(public_data):
    values = species(public_data / "ici_metagenome" / "Baruch_merged_table.txt")
    about = pd.read_csv(public_data / "ici_metagenome" / "BaruchEN_2021.tsv", sep="\t").set_index("ncbi_accession")
    distances = distance_matrix(adata=layer(values, about), metric="braycurtis").values
    run_of = {name: run for run, name in about["sample_id"].items()}
    patients = about[about["fmt_role"].notna()]
    to_donor = pd.Series({run: distances.at[run, run_of[row["fmt_role"]]] for run, row in patients.iterrows()})
    medians = to_donor.groupby(patients["days_from_first_collection"]).median()
    # from DETAILS.md of the data, computed there without this project
    assert medians.loc[[0, 7, 31, 65]].to_list() == pytest.approx([0.694, 0.601, 0.550, 0.589], abs=6e-4)


@pytest.mark.parametrize("metric", ["braycurtis", "jaccard", "aitchison", "robust_aitchison"])
def test_toposcore_pairs_are_nearer_than_other_patients(public_data, metric):
    table = pd.read_csv(public_data / "toposcore" / "DS6_longitudinal_microbiome_data.csv").set_index("Sample_id")
    values = table.select_dtypes("number") / 100
    clinical = pd.read_csv(public_data / "toposcore" / "DS5_longitudinal_clinical_data.csv")
    rows = [
        (row[f"Sample_id_{visit}"], str(row["Patient_id"]), point)
        for _, row in clinical.iterrows()
        for visit, point in (("V0", "PRE"), ("V3", "POST"))
        if pd.notna(row[f"Sample_id_{visit}"])
    ]
    obs = pd.DataFrame(rows, columns=["sample_id", "patient_id", "timepoint"]).set_index("sample_id")
    adata = layer(values.loc[obs.index], obs)
    result = beta_diversity(
        adata=adata, outcomes=pd.DataFrame(index=obs.index), contrasts={"change": "primary"}, covariates=[],
        settings=BetaSettings(permutations=999), metric=metric, seed=1,
    )  # fmt: skip
    assert len(result.shift) == 32
    assert result.shift_tests.loc[0, ["method", "p"]].to_list() == ["pairing_permutation", 0.001]
    assert np.median(result.shift["percentile"]) < 20
    table = result.permanova.set_index("term")
    # whose stool it is explains more than the weeks between
    assert table.loc["patient", "r2"] > 10 * table.loc["time", "r2"]

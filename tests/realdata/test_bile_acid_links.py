"""Stool genera and metabolites of 96 people: links of bile acids that are known come out, adjusted for the group."""

import pytest

from gutaxis.cohort.published_omics import study_sheets
from gutaxis.integrate.associations import associations_files
from gutaxis.integrate.network import read_associations
from gutaxis.layers.build import build_layer, write_layer

pytestmark = pytest.mark.realdata
KINDS = {"genera": ("compositional", "fraction"), "metabolites": ("log_intensity", "log2")}


@pytest.fixture(scope="module")
def erawijantari(public_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("erawijantari")
    sheets = study_sheets(data=public_data, study="erawijantari_2020")
    patients = sheets["patients"].set_index("patient_id")
    obs = sheets["samples"].set_index("sample_id")[["patient_id", "timepoint", "batch"]]
    # gastrectomy changes bile acids and genera alike: both the adjustment and the permutations stay inside the groups
    group = patients["response"].map({"R": "gastrectomy", "NR": "healthy"}).reindex(obs["patient_id"])
    obs = obs.assign(cohort=group.to_numpy(), sex=patients["sex"].reindex(obs["patient_id"]).to_numpy())
    layers = {}
    for name, (kind, unit) in KINDS.items():
        layers[name] = folder / f"{name}.h5ad"
        adata = build_layer(values=sheets[name], observations=obs, name=name, arm="table", kind=kind, unit=unit)
        write_layer(adata=adata, path=layers[name])
    obs[["patient_id"]].assign(after_pd="N").to_csv(folder / "outcomes.tsv", sep="\t")
    associations_files(
        layers=layers, outcomes=folder / "outcomes.tsv", state="baseline", covariates=["sex"], seed=1,
        settings={"prevalence": 0.5, "max_features": 500, "permutations": 499}, table=folder / "table.tsv",
        clusters=folder / "clusters.tsv",
    )  # fmt: skip
    return read_associations(path=folder / "table.tsv")


def test_primary_and_secondary_bile_acids_go_with_clostridia_in_opposite_directions(erawijantari):
    """Clostridia turn cholate into deoxycholate (7-alpha-dehydroxylation)."""
    table = erawijantari
    cholate = table[(table["feature_b"] == "C00695_Cholate") & (table["q"] < 0.05)]
    against = cholate[cholate["rho"] < 0]
    assert len(against) >= 10
    assert against["feature_a"].str.contains("c__Clostridia").mean() >= 0.8
    assert (cholate["q_max_t"] < 0.05).any()
    assert (cholate["n"] == 96).all()
    deoxycholate = table[(table["feature_b"] == "C04483_DCA") & (table["q"] < 0.1)]
    clostridia = deoxycholate[deoxycholate["feature_a"].str.contains("c__Clostridia")]
    assert len(clostridia) >= 1
    assert (clostridia["rho"] > 0).all()


def test_conjugated_bile_acids_go_the_way_of_cholate(erawijantari):
    table = erawijantari.set_index("feature_a")
    signs = {
        name: table.loc[table["feature_b"] == name, "rho"]
        for name in ("C00695_Cholate", "C01921_Glycocholate", "C05122_Taurocholate")
    }
    for name in ("C01921_Glycocholate", "C05122_Taurocholate"):
        both = signs["C00695_Cholate"].to_frame("cholate").join(signs[name].rename("conjugated"), how="inner")
        assert len(both) >= 10
        assert (both["cholate"] * both["conjugated"] > 0).mean() >= 0.95

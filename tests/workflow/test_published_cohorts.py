"""Published cohorts through the workflow as config/examples/README.md says: to the layer, or to the last table."""

import subprocess
import sys

import anndata as ad
import pandas as pd
import pytest
import yaml

from tests.workflow.conftest import ROOT

pytestmark = pytest.mark.realdata
#: cohort -> samples, species, samples left out; tests/realdata reads all six, four of which end in a run below
COHORTS = {"lee_2022": (164, 2006, 1), "peters_2019": (27, 1231, 20)}


@pytest.mark.parametrize("cohort", COHORTS)
def test_published_cohort_to_the_taxa_layer(public_data, project, cohort):
    (project.folder / "public").symlink_to(public_data)
    command = [sys.executable, "-m", "gutaxis.cohort.published", "--data", "public", "--cohort", cohort]
    environment = {"PYTHONPATH": str(ROOT / "scripts")}
    subprocess.run([*command, "--out", f"sheets/{cohort}"], cwd=project.folder, env=environment, check=True)
    project.run("layers", "clinical", "--configfile", f"config/examples/{cohort}.yaml")
    layers = project.folder / "results" / cohort / "layers"
    adata = ad.read_h5ad(layers / "taxa.h5ad")
    samples, species, dropped = COHORTS[cohort]
    assert adata.shape == (samples, species)
    assert len(pd.read_csv(layers / "taxa.dropped.tsv", sep="\t")) == dropped
    assert not [name for name in adata.obs if "response" in name]
    pairs = pd.read_csv(project.folder / "results" / cohort / "clinical/pairs.tsv", sep="\t")
    paired = int((pairs["pair_status"] == "PAIRED").sum())
    assert paired == 0


def table(project, study, name):
    return pd.read_csv(project.folder / "results" / study / name, sep="\t", comment="#")


def run_all(project, public_data, study, module):
    (project.folder / "public").symlink_to(public_data)
    option = "--study" if module.endswith("omics") else "--cohort"
    command = [sys.executable, "-m", module, "--data", "public", option, study, "--out", f"sheets/{study}"]
    environment = {"PYTHONPATH": str(ROOT / "scripts")}
    subprocess.run(command, cwd=project.folder, env=environment, check=True, capture_output=True)
    config = yaml.safe_load((project.folder / f"config/examples/{study}.yaml").read_text())
    path = project.write(f"{study}.yaml", {**config, "statistics": {"permutations": 999}})
    project.run("diversity", "differential", "--configfile", path)


def test_baruch_day_0_against_day_31(public_data, project):
    run_all(project, public_data, "baruch_2021", "gutaxis.cohort.published")
    change = table(project, "baruch_2021", "differential/taxa/change.tsv")
    barnesiella = change.set_index("feature").loc["Barnesiella_intestinihominis"]
    assert barnesiella["n"] == 10
    assert barnesiella["q"] < 0.1
    assert barnesiella["ci_low"] > 0
    shift = table(project, "baruch_2021", "diversity/taxa/within_patient_shift.tsv")
    assert shift.groupby("metric").size().eq(10).all()


def test_toposcore_pairs_do_not_change(public_data, project):
    run_all(project, public_data, "toposcore", "gutaxis.cohort.published")
    permanova = table(project, "toposcore", "diversity/taxa/permanova_braycurtis.tsv").set_index("term")
    assert permanova.loc["time", "n"] == 32
    assert permanova.loc["time", "r2"] < 0.02
    alpha = table(project, "toposcore", "diversity/taxa/alpha_tests.tsv")
    shannon = alpha[alpha["feature"] == "shannon"].set_index("method")["p"]
    assert shannon["wilcoxon_signed_rank"] == pytest.approx(0.69, abs=0.005)
    assert shannon.min() > 0.3
    change = table(project, "toposcore", "differential/taxa/change.tsv")
    assert len(change) > 300
    assert (change["q"] < 0.1).sum() == 0
    shift = table(project, "toposcore", "diversity/taxa/within_patient_shift.tsv")
    own = shift[shift["metric"] == "braycurtis"]["distance"]
    assert len(own) == 32
    assert own.median() == pytest.approx(0.43, abs=0.02)


def test_he_infants_57_pairs(public_data, project):
    run_all(project, public_data, "he_infants_2019", "gutaxis.cohort.published_omics")
    alpha = table(project, "he_infants_2019", "diversity/genera/alpha_tests.tsv")
    shannon = alpha[alpha["feature"] == "shannon"].set_index("method")
    assert shannon.loc["wilcoxon_signed_rank", "p"] < 1e-9
    assert (shannon["estimate"] > 0.7).all()
    values = table(project, "he_infants_2019", "diversity/genera/alpha_diversity.tsv")
    pairs = values.pivot_table(index="patient_id", columns="timepoint", values="shannon").dropna()
    assert len(pairs) == 57
    assert pairs["PRE"].median() == pytest.approx(1.58, abs=0.05)
    assert pairs["POST"].median() == pytest.approx(2.54, abs=0.05)
    for layer in ("genera", "metabolites"):
        change = table(project, "he_infants_2019", f"differential/{layer}/change.tsv")
        assert (change["q"] < 0.1).mean() > 1 / 3, "a year of life changes much of an infant's gut"


def test_erawijantari_after_gastrectomy(public_data, project):
    run_all(project, public_data, "erawijantari_2020", "gutaxis.cohort.published_omics")
    genera = table(project, "erawijantari_2020", "differential/genera/baseline.tsv")
    genera.index = genera["feature"].str.split("g__").str[-1]
    assert (genera.loc[["Streptococcus", "Veillonella"], "ci_low"] > 0).all()
    metabolites = table(project, "erawijantari_2020", "differential/metabolites/baseline.tsv").set_index("feature")
    assert metabolites.loc["C04483_DCA", "ci_low"] > 0
    assert metabolites.loc["C00695_Cholate", "ci_high"] < 0
    assert (metabolites.loc[["C04483_DCA", "C00695_Cholate"], "q"] < 0.01).all()

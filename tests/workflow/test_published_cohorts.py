"""Published cohorts through the workflow as config/examples/README.md says, to the taxa layer."""

import subprocess
import sys

import anndata as ad
import pandas as pd
import pytest

from tests.workflow.conftest import ROOT

pytestmark = pytest.mark.realdata
#: cohort -> samples, species, samples left out
COHORTS = {
    "lee_2022": (164, 2006, 1),
    "frankel_2017": (39, 1412, 0),
    "matson_2018": (38, 1119, 1),
    "peters_2019": (27, 1231, 20),
    "baruch_2021": (40, 1010, 2),
    "toposcore": (97, 2039, 0),
}


@pytest.mark.parametrize("cohort", COHORTS)
def test_published_cohort_to_the_taxa_layer(public_data, project, cohort):
    (project.folder / "public").symlink_to(public_data)
    command = [sys.executable, "-m", "gutaxis.cohort.published", "--data", "public", "--cohort", cohort]
    environment = {"PYTHONPATH": str(ROOT / "scripts")}
    subprocess.run([*command, "--out", f"sheets/{cohort}"], cwd=project.folder, env=environment, check=True)
    project.run("--configfile", f"config/examples/{cohort}.yaml")
    layers = project.folder / "results" / cohort / "layers"
    adata = ad.read_h5ad(layers / "taxa.h5ad")
    samples, species, dropped = COHORTS[cohort]
    assert adata.shape == (samples, species)
    assert len(pd.read_csv(layers / "taxa.dropped.tsv", sep="\t")) == dropped
    assert not [name for name in adata.obs if "response" in name]
    pairs = pd.read_csv(project.folder / "results" / cohort / "clinical/pairs.tsv", sep="\t")
    paired = int((pairs["pair_status"] == "PAIRED").sum())
    assert paired == {"baruch_2021": 10, "toposcore": 32}.get(cohort, 0)

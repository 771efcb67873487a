"""The demo as a newcomer runs it: `make demo`, in the project itself."""

import gzip
import json
import re

import anndata as ad
import pandas as pd

from tests.workflow.conftest import ROOT

OUT = ROOT / "results/demo"


def test_demo_prints_planted_against_recovered(demo):
    found, planted = map(int, re.search(r"planted pathways found +(\d+) of (\d+)", demo).groups())
    assert found == planted > 200
    assert "Report:  results/demo/report/index.html" in demo
    assert (OUT / "report/multiqc.html").stat().st_size > 100_000


def test_layers_hold_every_sample(demo):
    sheets = [pd.read_csv(ROOT / f"config/demo/samples_{batch}.tsv", sep="\t") for batch in ("B1", "B2")]
    sheet = pd.concat(sheets).query("control == 'N'")
    for layer, assay in (("taxa", "MGX"), ("pathways", "MGX"), ("metabolites", "METAB")):
        samples = sheet.loc[sheet["assay"] == assay, "sample_id"]
        assert len(samples) == 23
        adata = ad.read_h5ad(OUT / f"layers/{layer}.h5ad")
        assert sorted(adata.obs_names) == sorted(samples)
        assert adata.X.min() >= 0


def test_every_sample_is_recovered(demo):
    recovery = pd.read_csv(OUT / "simulate/recovery.tsv", sep="\t", keep_default_na=False)
    assert len(recovery) == 23
    assert recovery["bray_curtis"].max() <= 0.10
    assert set(recovery["pathways_missing"]) == {"none"}
    assert recovery["host_removed_percent"].min() >= 99


def test_planted_effects_have_the_right_sign(demo):
    effects = pd.read_csv(OUT / "simulate/recovery_effects.tsv", sep="\t")
    assert len(effects) == 4
    assert (effects["planted"] * effects["recovered"] > 0).all()


def test_planted_effects_are_found_and_little_else(demo):
    planted = pd.read_csv(OUT / "simulate/findings.tsv", sep="\t", keep_default_na=False, na_values=["NA"])
    genes = planted["layer"].str.endswith("_expression")
    assert (~genes).sum() == 16
    assert (planted.loc[~genes, "q"] < 0.1).all()
    # a gene of one cell type in eleven pairs, among thousands: not every one can be found
    assert (planted.loc[genes, "q"] < 0.1).mean() > 0.8
    assert set(planted["direction"]) == {"right"}
    others = pd.read_csv(OUT / "simulate/findings_others.tsv", sep="\t", keep_default_na=False).set_index("layer")
    assert others.loc["taxa", "tested"].sum() > 20
    assert others.loc["taxa", "found"].sum() == 0
    # several features are ions of one compound: a compound that changed by chance counts more than once
    assert others.loc["metabolites", "found"].sum() <= 0.05 * others.loc["metabolites", "tested"].sum()


def test_metabolome_is_recovered(demo):
    scores = pd.read_csv(OUT / "simulate/metabolome_recovery.tsv", sep="\t").set_index("mode")
    assert set(scores.index) == {"positive", "negative"}
    assert scores["recall"].min() >= 0.95
    assert scores["precision"].min() >= 0.98
    assert scores["median_r"].min() >= 0.99
    assert (scores["error_normalised"] < 0.5 * scores["error_raw"]).all()
    links = pd.read_csv(OUT / "simulate/metabolome_recovery_links.tsv", sep="\t")
    assert (links["rank"] == 1).all()


def test_cells_are_recovered(demo):
    scores = pd.read_csv(OUT / "simulate/cell_recovery.tsv", sep="\t").set_index("tissue")
    assert set(scores.index) == {"blood", "tumor"}
    assert scores["macro_f1"].min() >= 0.90
    assert scores["doublet_auc"].min() >= 0.9
    identity = pd.read_csv(OUT / "single_cell/identity.tsv", sep="\t", comment="#")
    assert len(identity) == 44
    assert not (identity["verdict"] == "mismatch").any()
    others = pd.read_csv(OUT / "simulate/findings_others.tsv", sep="\t", keep_default_na=False).set_index("layer")
    for layer in ("blood_cells", "tumor_cells"):
        assert others.loc[layer, "tested"].sum() > 20
        assert others.loc[layer, "found"].sum() == 0, "a subset without a planted shift"


def test_planted_chain_is_among_the_first_five(demo):
    chains = pd.read_csv(OUT / "simulate/findings_chains.tsv", sep="\t", comment="#").set_index("state")
    chain = chains.loc["baseline"]
    named = chain[["species", "compound", "subset"]].tolist()
    assert named == ["Akkermansia_muciniphila", "inosine", "cd8_effector_memory"]
    assert chain["rank"] <= 5
    assert chain["listed"] > 50, "a rank among few chains says little"
    assert chain["direction"] == "right"
    assert re.search(r"planted chain, baseline: Akk.*inosine -> cd8_effector_memory: rank [1-5] of \d+", demo)


def test_planted_pairs_of_the_chain_are_found_among_the_declared(demo):
    pairs = pd.read_csv(OUT / "simulate/findings_pairs.tsv", sep="\t", comment="#")
    assert len(pairs) == 2 * 5
    baseline = pairs[pairs["state"] == "baseline"].set_index(["name_b", "name_a"])
    chain = [("Akkermansia_muciniphila", "inosine"), ("inosine", "cd8_effector_memory")]
    assert (baseline.loc[chain, "q_declared"] < 0.1).all()
    assert (baseline.loc[chain, "declared_pairs"] > 20).all()
    assert (baseline["direction"] == "right").all()
    panel = pd.read_csv(OUT / "integration/mediation_panel.tsv", sep="\t", comment="#")
    assert set(panel["why"]) == {"config"}, "q_declared is over features that the config names, and no other"


def test_integration_and_prediction_say_what_twelve_patients_can_show(demo):
    evidence = pd.read_csv(OUT / "integration/evidence.tsv", sep="\t", comment="#")
    assert len(evidence) > 1000
    assert not (evidence["strength"] == "strong").any(), "twelve patients make nothing strong"
    performance = pd.read_csv(OUT / "prediction/baseline/performance.tsv", sep="\t", comment="#")
    assert {"model", "layers", "auc", "ci_low", "ci_high", "p_null", "scheme"} <= set(performance)
    for name in ("factors/tests", "module_tests", "mediation", "associations/baseline", "associations/change"):
        assert (OUT / f"integration/{name}.tsv").read_text().startswith("#")


def test_mock_is_even(demo):
    controls = pd.read_csv(OUT / "metagenome/qc/controls.tsv", sep="\t")
    mock = controls[(controls["control"] == "MOCK") & (controls["species"] != "UNCLASSIFIED")]
    assert len(mock) == 10
    assert mock["percent"].between(6, 14).all()


def test_no_host_read_is_left(demo):
    for sample in ("P01_PRE", "P12_PRE"):
        reads = gzip.decompress((OUT / f"metagenome/reads/{sample}.fastq.gz").read_bytes())
        assert reads.count(b"GSIM:") > 10_000
        assert b":host" not in reads


def test_every_sample_carries_its_planted_response(demo):
    truth = json.loads((ROOT / "config/demo/truth.json").read_text())["patients"]
    status = pd.read_csv(OUT / "clinical/sample_response.tsv", sep="\t", keep_default_na=False)
    assert len(status) == 90
    for row in status.itertuples(index=False):
        assert row.response == truth[row.patient_id]["response"]
    for figure in ("waterfall", "swimmer", "survival_pfs2"):
        assert (OUT / f"clinical/figures/{figure}.svg").read_text().startswith("<svg")

"""Beta diversity of a layer: every table, what was dropped, refusals, and the files."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from skbio import TreeNode
from tests.paired_trials import trial

from gutaxis.stats.beta import BetaSettings, beta_diversity, write_beta

pytestmark = pytest.mark.unit
CONTRASTS = {"baseline": "primary", "change": "primary", "response_change": "secondary", "survival": "exploratory"}
OUTPUTS = ("distances", "pcoa", "pcoa_axes", "permanova", "dispersion", "shift", "shift_tests", "dropped")


def run(layer, outcomes, *, metric="braycurtis", contrasts=CONTRASTS, tree=None, permutations=99, seed=1):
    return beta_diversity(
        adata=layer, outcomes=outcomes, contrasts=contrasts, covariates=["cohort"],
        settings=BetaSettings(permutations=permutations), metric=metric, seed=seed, tree=tree,
    )  # fmt: skip


def write(result, folder):
    paths = {name: folder / f"{name}.tsv" for name in OUTPUTS}
    write_beta(result=result, outputs=paths)
    return {name: path.read_text() for name, path in paths.items()}


def test_all_tables_of_a_layer(tmp_path):
    layer, outcomes = trial(time=1.5)
    result = run(layer, outcomes)
    assert result.permanova["contrast"].drop_duplicates().tolist() == list(CONTRASTS)
    assert result.dispersion["contrast"].drop_duplicates().tolist() == list(CONTRASTS)
    assert len(result.shift) == 18
    assert list(result.pcoa.columns)[:6] == ["sample_id", "patient_id", "timepoint", "cohort", "batch", "axis_1"]
    assert result.permanova.set_index(["contrast", "term"]).loc[("change", "time"), "p"] == 0.01
    texts = write(result, tmp_path)
    assert all("NaN" not in text and "nan" not in text.lower().replace("nan_", "") for text in texts.values())
    assert texts["permanova"].startswith("# layer taxa; braycurtis\n")
    read = pd.read_csv(tmp_path / "permanova.tsv", sep="\t", comment="#")
    assert list(read.columns)[:10] == [
        "contrast", "term", "df", "ss", "r2", "f", "p", "permutations", "scheme", "n",
    ]  # fmt: skip
    square = pd.read_csv(tmp_path / "distances.tsv", sep="\t", comment="#", index_col=0)
    assert list(square.index) == list(square.columns) == sorted(layer.obs_names)
    assert "response" not in pd.read_csv(tmp_path / "pcoa.tsv", sep="\t", comment="#").columns


def test_two_runs_give_the_same_bytes_whatever_the_order_of_rows(tmp_path):
    layer, outcomes = trial(missing_post=3)
    order = np.random.default_rng(0).permutation(layer.n_obs)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = write(run(layer, outcomes), tmp_path / "a")
    again = write(run(layer[order].copy(), outcomes.iloc[::-1]), tmp_path / "b")
    assert first == again


def test_adding_a_contrast_changes_no_other():
    layer, outcomes = trial()
    alone = run(layer, outcomes, contrasts={"change": "primary"}).permanova
    among = run(layer, outcomes).permanova
    among = among[among["contrast"] == "change"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, among, check_dtype=False)


def test_a_wrong_response_column_in_the_layer_is_not_used():
    layer, outcomes = trial()
    spoiled = layer.copy()
    spoiled.obs["response"] = "R"
    pd.testing.assert_frame_equal(run(layer, outcomes).permanova, run(spoiled, outcomes).permanova)


def test_empty_samples_cost_their_pair_and_are_named(tmp_path):
    layer, outcomes = trial()
    layer.X[:, 5:12] = 0
    layer.X[20] = 0  # POST of P02
    result = run(layer, outcomes)
    assert ("all", "sample", "P02_post", "every value is zero") in set(
        result.dropped.itertuples(index=False, name=None)
    )
    assert "P02" not in set(result.shift["patient_id"])
    assert result.permanova.set_index(["contrast", "term"]).loc[("change", "time"), "n"] == 17
    text = write(result, tmp_path)["permanova"]
    assert "# left out of all: sample P02_post: every value is zero\n" in text
    assert "# left out of all: 7 features: zero in every sample\n" in text
    assert "# left out of change: patient P02: no POST sample\n" in text


def test_a_missing_covariate_costs_no_pair_where_it_is_not_needed():
    layer, outcomes = trial()
    cohort = layer.obs["cohort"].astype(object)
    cohort[["P03_pre", "P03_post"]] = None
    layer.obs["cohort"] = cohort
    result = run(layer, outcomes)
    numbers = result.permanova.groupby("contrast")["n"].first()
    assert numbers.to_dict() == {"baseline": 17, "change": 18, "response_change": 17, "survival": 17}
    assert len(result.shift) == 18


def test_pair_status_comes_from_the_layer_or_the_outcomes():
    layer, outcomes = trial()
    status = pd.Series("PAIRED", index=outcomes.index)
    status["P00_post"] = "NONE"
    mine = run(layer, outcomes.assign(pair_status=status))
    assert len(mine.shift) == 17
    layer.obs["pair_status"] = "PAIRED"
    assert len(run(layer, outcomes.assign(pair_status=status)).shift) == 18


@pytest.mark.parametrize("change", ["one class", "two pairs", "no distances", "no response"])
def test_bad_input_gives_tables_that_say_why(tmp_path, change):
    layer, outcomes = trial(patients=6, missing_post=4 if change == "two pairs" else 0)
    if change == "one class":
        outcomes["response"] = "R"
    if change == "no response":
        outcomes = outcomes.drop(columns=["response", "pfs2_days", "pfs2_cnsr"])
    if change == "no distances":
        layer.X[1:] = 0
    result = run(layer, outcomes)
    texts = write(result, tmp_path)
    reasons = {
        contrast: rows["reason"].dropna().tolist()
        for contrast, rows in result.permanova.groupby("contrast", sort=False)
    }
    assert list(reasons) == list(CONTRASTS)
    if change == "one class":
        assert "6 responders and 0 non-responders" in reasons["baseline"][0]
        assert not reasons["change"]
        assert result.shift_tests["method"].tolist() == ["pairing_permutation"]
        assert "# no result: response_change" in texts["shift_tests"]
    elif change == "two pairs":
        assert "2 complete pairs" in reasons["change"][0]
        assert len(result.shift) == 2
    elif change == "no distances":
        assert all("1 samples with" in found[0] for found in reasons.values())
        assert texts["pcoa"].startswith("# no result: 1 samples")
        assert result.shift.empty
    else:
        assert reasons["baseline"]
        assert reasons["survival"]
        assert not reasons["change"]


def test_unifrac_and_other_kinds():
    layer, outcomes = trial(features=4)
    tree = TreeNode.read(["((f00:1,f01:1):1,(f02:2,f03:1):0.5);"])
    result = run(layer, outcomes, metric="weighted_unifrac", tree=tree)
    assert result.permanova["p"].notna().any()
    values = np.log2(layer.X)
    values[3, 1] = np.nan
    logs = AnnData(values, obs=layer.obs, var=layer.var, uns={"kind": "log_intensity", "name": "metabolites"})
    result = run(logs, outcomes, metric="euclidean")
    assert result.permanova["p"].notna().any()
    assert result.shift_tests["layer"].unique().tolist() == ["metabolites"]
    counts = AnnData(np.round(layer.X * 5000), obs=layer.obs, var=layer.var, uns={"kind": "counts", "name": "x"})
    assert run(counts, outcomes, metric="logcpm").permanova["p"].notna().any()


def test_unknown_outputs_are_refused(tmp_path):
    layer, outcomes = trial(patients=6)
    with pytest.raises(ValueError, match="clusters: one of"):
        write_beta(result=run(layer, outcomes), outputs={"clusters": tmp_path / "x.tsv"})

"""Studies of several layers: what is planted is there, what is not planted is not, and a seed says everything."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from gutaxis.integrate.blocks import read_blocks
from gutaxis.layers.names import refuse_outcomes
from gutaxis.simulate.multilayer import PROFILES, simulate_study

pytestmark = pytest.mark.unit


def test_planted_links_and_responders_are_found_in_values_and_changes(tmp_path: Path) -> None:
    study = simulate_study(n=240, seed=3, profile="detectable")
    written = study.write(tmp_path)
    for state in ("baseline", "change"):
        blocks = read_blocks(**written, state=state, covariates=["antibiotics"])
        for pair in study.pairs.itertuples():
            values = pd.concat(
                [
                    blocks.blocks[pair.layer_a].values[pair.feature_a],
                    blocks.blocks[pair.layer_b].values[pair.feature_b],
                ],
                axis=1,
                join="inner",
            )
            found = values.corr(method="spearman").iloc[0, 1]
            assert np.sign(found) == np.sign(pair.rho)
            assert abs(found) > 0.7 * abs(pair.rho), pair
    baseline = read_blocks(**written, state="baseline")
    for planted in study.responders.itertuples():
        values = baseline.blocks[planted.layer].values[planted.feature]
        response = baseline.patients["response"].reindex(values.index)
        r, nr = values[response == "R"], values[response == "NR"]
        found = (r.mean() - nr.mean()) / np.sqrt((r.var() + nr.var()) / 2)
        # 60 against 180: the standard error of d is about .16
        assert abs(found - planted.d) < 0.6, planted


def test_chain_has_the_strength_of_the_profile() -> None:
    for profile in ("detectable", "realistic"):
        study = simulate_study(seed=1, profile=profile)
        assert set(study.chain) == {"taxa", "metabolites", "blood_cells"}
        assert study.chain["blood_cells"] == "CD8_TEM"
        assert study.pairs["rho"].iloc[0] == PROFILES[profile].chain
        low, high = PROFILES[profile].responder
        assert study.responders["d"].iloc[1:].abs().between(low - 1e-3, high + 1e-3).all()
    nothing = simulate_study(seed=1, profile="null")
    assert not nothing.chain
    assert nothing.pairs.empty
    assert nothing.responders.empty
    assert nothing.changes.empty


def test_null_outcomes_do_not_go_with_features_or_cohort(tmp_path: Path) -> None:
    p = []
    for seed in range(6):
        study = simulate_study(seed=seed, profile="null", sizes={"metabolites": 200, "blood_cells": 50})
        blocks = read_blocks(**study.write(tmp_path / str(seed)), state="baseline")
        response = (blocks.patients["response"] == "R").astype(float)
        for block in blocks.blocks.values():
            table = block.values.fillna(block.values.mean())
            r = table.corrwith(response.reindex(table.index))
            p.append((np.abs(r) > 0.285).mean())
    # |r| > .285 is p < .05 at n = 48
    assert 0.02 < np.mean(p) < 0.09


def test_same_seed_same_files_other_seed_other_values(tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        simulate_study(n=24, seed=seed, sizes={"taxa": 40, "metabolites": 40, "blood_cells": 24}).write(tmp_path / name)
    for file in sorted(path.name for path in (tmp_path / "a").iterdir()):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
        assert (tmp_path / "a" / file).read_bytes() != (tmp_path / "c" / file).read_bytes()


def test_layers_hold_samples_of_their_own_and_no_outcome(tmp_path: Path) -> None:
    study = simulate_study(seed=2, missing=0.3)
    written = study.write(tmp_path)
    outcomes = pd.read_csv(written["outcomes"], sep="\t")
    assert outcomes["sample_id"].is_unique
    patients = outcomes.groupby("patient_id")
    assert (patients[["response", "pfs2_days", "cohort"]].nunique() == 1).all().all()
    assert (patients["response"].first() == "R").sum() == 12
    for name, path in written["layers"].items():
        layer = ad.read_h5ad(path)
        refuse_outcomes(names=layer.obs.columns, file=name, what="observation")
        assert set(layer.obs_names) <= set(outcomes["sample_id"])
        share = 1 - (layer.obs["timepoint"] == "POST").sum() / 48
        assert 0.1 < share < 0.5
    late = outcomes[outcomes["after_pd"] == "Y"]
    assert ((late["pfs2_days"] < late["days_from_ildr"]) & (late["timepoint"] == "POST")).all()


def test_layers_can_be_left_out_and_nonsense_is_refused() -> None:
    study = simulate_study(seed=2, sizes={"taxa": 40, "blood_programs": 24})
    assert set(study.layers) == {"taxa", "blood_programs"}
    assert set(study.pairs["layer_a"]) | set(study.pairs["layer_b"]) == {"taxa", "blood_programs"}
    for wrong in ({"sizes": {"urine": 50}}, {"sizes": {"taxa": 10}}, {"profile": "wishful"}):
        with pytest.raises(ValueError, match="unknown"):
            simulate_study(seed=1, **wrong)

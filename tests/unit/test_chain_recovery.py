"""Planted pairs and chains against the integration: best ion, q of all and of the declared pairs, rank, direction."""

import json

import numpy as np
import pandas as pd
import pytest

from gutaxis.simulate.chain_recovery import (
    CHAINS,
    PAIRS,
    measure_chains,
    planted_pairs,
    score_chains,
    score_pairs,
)

pytestmark = pytest.mark.unit
TRIAL = {
    "metabolome": {"links": [{"species": "Akkermansia_muciniphila", "compound": "inosine", "slope": 0.8}]},
    "cells": {
        "links": [{"tissue": "blood", "compound": "inosine", "label": "cd8", "slope": 0.7}],
        "chains": [{"taxa": "Akkermansia_muciniphila", "metabolites": "inosine", "blood_cells": "cd8"}],
    },
}
IONS = {"POS_1": "inosine", "NEG_1": "inosine", "POS_2": "urea"}


def associations(*rows):
    columns = ["layer_a", "feature_a", "layer_b", "feature_b", "rho", "p", "q", "p_pair", "q_declared"]
    return pd.DataFrame(rows, columns=columns).assign(n=12)


TABLE = associations(
    ("blood_cells", "cd8", "metabolites", "POS_1", 0.9, 0.004, 0.4, 0.002, 0.03),
    ("blood_cells", "cd8", "metabolites", "NEG_1", 0.8, 0.006, 0.5, 0.001, 0.03),
    ("blood_cells", "treg", "metabolites", "POS_1", -0.2, 0.5, 0.9, 0.6, 0.6),
    ("blood_cells", "nk", "metabolites", "POS_1", 0.9, 0.001, 0.3, 0.001, np.nan),
    ("blood_cells", "cd8", "metabolites", "POS_2", 0.99, 0.0001, 0.05, 0.001, np.nan),
    ("metabolites", "POS_1", "taxa", "Akkermansia_muciniphila", -0.9, 0.0001, 0.03, 0.001, np.nan),
)


def test_planted_pairs_are_in_the_order_of_the_table():
    assert planted_pairs(trial=TRIAL) == [
        {"layer_a": "metabolites", "name_a": "inosine", "layer_b": "taxa", "name_b": "Akkermansia_muciniphila",
         "slope": 0.8},
        {"layer_a": "blood_cells", "name_a": "cd8", "layer_b": "metabolites", "name_b": "inosine", "slope": 0.7},
    ]  # fmt: skip
    assert planted_pairs(trial={}) == []


def test_pairs_are_scored_by_their_best_ion_and_the_sign_of_the_slope():
    found = score_pairs(trial=TRIAL, state="baseline", table=TABLE, ions=IONS, fdr=0.1)
    assert list(found) == PAIRS
    species, cells = found.to_dict("records")
    assert (species["found"], species["direction"], species["q"]) == ("all", "wrong", 0.03)
    assert (cells["feature_b"], cells["found"], cells["direction"]) == ("POS_1", "declared", "right")
    assert (cells["q"], cells["declared_pairs"], cells["name_b"]) == (0.4, 3, "inosine")
    without = score_pairs(trial=TRIAL, state="baseline", table=TABLE.assign(q_declared=np.nan), ions=IONS, fdr=0.1)
    assert without["found"].tolist() == ["all", "no"]
    assert without["declared_pairs"].eq(0).all()
    missing = score_pairs(trial=TRIAL, state="baseline", table=TABLE[:0], ions=IONS, fdr=0.1)
    assert missing["found"].tolist() == ["no", "no"]
    assert missing["rho"].isna().all()


def chains(*rows):
    columns = ["state", "x", "m", "y", "outcome", "rank", "a", "b", "p_joint", "q"]
    layers = {"x_layer": "taxa", "m_layer": "metabolites", "y_layer": "blood_cells"}
    return pd.DataFrame(rows, columns=columns).assign(**layers)


def test_chain_has_the_best_rank_of_its_ions_in_every_state():
    table = chains(
        ("baseline", "Akkermansia_muciniphila", "POS_2", "cd8", "subset", 1, 1.0, 1.0, 0.001, 0.01),
        ("baseline", "Akkermansia_muciniphila", "POS_1", "treg", "subset", 2, 1.0, 1.0, 0.002, 0.02),
        ("baseline", "Akkermansia_muciniphila", "NEG_1", "cd8", "subset", 3, 1.0, 0.5, 0.003, 0.03),
        ("baseline", "Akkermansia_muciniphila", "POS_1", "cd8", "subset", 4, 1.0, 0.5, 0.004, 0.04),
        ("baseline", "Akkermansia_muciniphila", "POS_1", "cd8", "response", 1, 1.0, 0.5, 0.004, 0.04),
        ("change", "Akkermansia_muciniphila", "POS_1", "cd8", "subset", 1, 1.0, -0.5, 0.2, 0.9),
        ("post", "Roseburia_intestinalis", "POS_1", "cd8", "subset", 1, 1.0, 0.5, 0.2, 0.9),
    )
    found = score_chains(trial=TRIAL, table=table, ions=IONS).set_index("state")
    assert found.loc["baseline", ["rank", "listed", "m", "direction", "p_joint"]].tolist() == [
        3, 4, "NEG_1", "right", 0.003,
    ]  # fmt: skip
    assert found.loc["change", ["rank", "direction"]].tolist() == [1, "wrong"]
    assert np.isnan(found.loc["post", "rank"])
    elsewhere = score_chains(trial=TRIAL, table=table.assign(y_layer="tumor_cells"), ions=IONS)
    assert elsewhere["rank"].isna().all(), "the label of another tissue is another feature"


def test_files_of_a_run_with_and_without_integration(tmp_path):
    (tmp_path / "truth.json").write_text(json.dumps(TRIAL))
    TABLE.to_csv(tmp_path / "baseline.tsv", sep="\t", index=False)
    table = chains(("baseline", "Akkermansia_muciniphila", "POS_1", "cd8", "subset", 1, 1.0, 1.0, 0.001, 0.01))
    (tmp_path / "mediation.tsv").write_text("# a comment\n" + table.to_csv(sep="\t", index=False))
    shared = {"truth": tmp_path / "truth.json", "features": {}, "fdr": 0.1}
    made = {"pairs": tmp_path / "p.tsv", "chains": tmp_path / "c.tsv"}
    measure_chains(
        **shared, **made, associations={"baseline": tmp_path / "baseline.tsv"}, mediation=tmp_path / "mediation.tsv",
    )  # fmt: skip
    read = {name: pd.read_csv(path, sep="\t", comment="#") for name, path in made.items()}
    # no feature of the plasma was given: no feature is known to be an ion
    assert read["pairs"]["found"].tolist() == ["no", "no"]
    assert read["chains"][["state", "compound", "listed"]].values.tolist() == [["baseline", "inosine", 1]]
    measure_chains(**shared, **made, associations={}, mediation=None)
    for name, columns in (("pairs", PAIRS), ("chains", CHAINS)):
        empty = pd.read_csv(made[name], sep="\t", comment="#")
        assert list(empty) == columns
        assert empty.empty

"""Leaks are refused by name: each of them, and nothing that only looks a little like one."""

import numpy as np
import pandas as pd
import pytest
from tests.predict_cases import composition, noise, people, write_study

from gutaxis.errors import GutaxisError
from gutaxis.predict import guards
from gutaxis.predict.files import predict
from gutaxis.predict.matrices import outcome_codes, read_cohort
from gutaxis.predict.settings import Settings

pytestmark = pytest.mark.unit
PATIENTS = people(n=36)


def outcomes(patients=PATIENTS):
    known = patients.rename_axis("sample_id")
    return outcome_codes(known=known, samples=pd.Series(patients.index, index=patients.index))


@pytest.mark.parametrize("name", ["response", "OS", "pfs2_days", "Death", "bor"])
def test_an_outcome_by_name(name):
    with pytest.raises(GutaxisError, match=f"I20 .*{name}"):
        guards.refuse_outcome_names(layer="taxa", features=["Akkermansia", name])


def test_an_outcome_by_name_among_the_covariates_of_a_file(tmp_path):
    study = write_study(
        folder=tmp_path, patients=PATIENTS, tables={"taxa": ("compositional", composition(patients=PATIENTS))}
    )
    import anndata as ad

    layer = ad.read_h5ad(study["layers"]["taxa"])
    layer.obs["os_days"] = 1.0
    layer.write_h5ad(study["layers"]["taxa"])
    with pytest.raises(GutaxisError, match=r"I20 .*os_days"):
        read_cohort(**study)


def code(name, patients=PATIENTS):
    rng = np.random.default_rng(3)
    responder = (patients["response"] == "R").to_numpy()
    return {
        "response as 0 and 1": responder.astype(float),
        "response as 5 and -2.5": np.where(responder, -2.5, 5.0),
        "response with rounding noise": responder + 1e-6 * rng.normal(size=len(responder)),
        "log of PFS2": np.log(patients["pfs2_days"].to_numpy()),
        "PFS2 turned round": -(patients["pfs2_days"].to_numpy() ** 2),
        "censoring": patients["pfs2_cnsr"].to_numpy() * 3.0,
        "a constant of responders": np.where(responder, 1.25, rng.normal(size=len(responder))),
    }[name]


@pytest.mark.parametrize(
    "name",
    [
        "response as 0 and 1", "response as 5 and -2.5", "response with rounding noise", "log of PFS2",
        "PFS2 turned round", "censoring", "a constant of responders",
    ],
)  # fmt: skip
@pytest.mark.parametrize("missing", [0, 4])
def test_a_feature_that_equals_an_outcome(name, missing):
    table = noise(patients=PATIENTS, m=200).assign(M117=code(name))
    table.iloc[:missing, -1] = np.nan
    with pytest.raises(GutaxisError, match="I21 layer metabolites column=M117"):
        guards.refuse_equal_to_outcome(layer="metabolites", values=table, outcomes=outcomes())


def test_an_honest_strong_feature_and_an_absent_species_pass():
    table = noise(patients=PATIENTS, m=200, effect=6.0)
    table["absent"] = np.where(PATIENTS["response"] == "R", np.random.default_rng(1).random(36) + 0.1, 0.0)
    guards.refuse_equal_to_outcome(layer="taxa", values=table, outcomes=outcomes())


def test_a_coincidence_in_a_tiny_study_is_no_leak():
    few = people(n=6, share=0.5)
    table = noise(patients=few, m=300)
    table["same"] = (few["response"] == "R").astype(float)
    guards.refuse_equal_to_outcome(layer="taxa", values=table, outcomes=outcomes(few)[["response"]])


@pytest.mark.parametrize("kind", ["compositional", "continuous"])
@pytest.mark.parametrize("change", [0.0, 1e-4])
def test_one_profile_under_two_patients(kind, change):
    make = composition if kind == "compositional" else noise
    table = make(patients=PATIENTS, m=40)
    table.loc["P007"] = table.loc["P020"] * (1 + change)
    with pytest.raises(GutaxisError, match=r"I22 .*P007.*P020") as error:
        guards.refuse_same_profiles(
            layer="taxa", values=table, patients=pd.Series(table.index, index=table.index), kind=kind
        )
    assert len(error.value.problems) == 1


def test_technical_replicates_and_samples_of_one_patient_pass():
    rng = np.random.default_rng(5)
    table = noise(patients=PATIENTS, m=40)
    table.loc["P007"] = table.loc["P020"] + 0.05 * rng.normal(size=40)
    who = pd.Series(table.index, index=table.index)
    guards.refuse_same_profiles(layer="x", values=table, patients=who, kind="continuous")
    table.loc["P001"] = table.loc["P002"]
    who["P001"] = who["P002"]
    guards.refuse_same_profiles(layer="x", values=table, patients=who, kind="continuous")


def test_a_profile_with_gaps_is_compared_where_both_are_known():
    table = noise(patients=PATIENTS, m=40)
    table.loc["P007"] = table.loc["P020"]
    table.iloc[7, :10] = np.nan
    with pytest.raises(GutaxisError, match="I22"):
        guards.refuse_same_profiles(
            layer="x", values=table, patients=pd.Series(table.index, index=table.index), kind="continuous"
        )


def test_a_batch_that_is_the_response(tmp_path):
    batches = PATIENTS["response"].map({"R": "B1", "NR": "B2"})
    study = write_study(
        folder=tmp_path,
        patients=PATIENTS,
        tables={"programs": ("continuous", noise(patients=PATIENTS))},
        batches=batches,
    )
    with pytest.raises(GutaxisError, match=r"I23 layer programs .*responders are in B1"):
        predict(cohort=read_cohort(**study), settings=Settings(permutations=0), seed=1)


def test_batches_that_are_mixed_or_of_one_patient_each_pass():
    response = PATIENTS["response"]
    mixed = response.map({"R": "B1", "NR": "B2"})
    mixed.iloc[np.flatnonzero(response == "R")[0]] = "B2"
    guards.refuse_batch_is_response(layer="x", batches=mixed, response=response)
    alone = pd.Series([f"B{at}" for at in range(36)], index=response.index)
    guards.refuse_batch_is_response(layer="x", batches=alone, response=response)


@pytest.mark.parametrize(("sizes", "responders"), [((3, 3), 3), ((2, 2, 2), 2), ((1, 1, 4), 2), ((2, 4), 3)])
def test_chance_of_pure_batches_by_enumeration(sizes, responders):
    from itertools import combinations

    batch = np.repeat(np.arange(len(sizes)), sizes)
    pure = [
        all(len({at in some for at in np.flatnonzero(batch == name)}) == 1 for name in range(len(sizes)))
        for some in map(set, combinations(range(sum(sizes)), responders))
    ]
    assert guards.pure_by_chance(sizes=sizes, responders=responders) == pytest.approx(np.mean(pure), abs=1e-12)


def test_samples_after_progression_are_refused_and_files_leave_them_out(tmp_path):
    with pytest.raises(GutaxisError, match=r"I24 .*S2"):
        guards.refuse_post_progression(layer="x", samples=["S1", "S2"], after_pd=pd.Series({"S1": "N", "S2": "Y"}))
    table = noise(patients=PATIENTS)
    study = write_study(
        folder=tmp_path, patients=PATIENTS, tables={"programs": ("continuous", table)},
        post={"programs": table + noise(patients=PATIENTS, seed=4)}, after_pd=["P003_POST_programs"],
    )  # fmt: skip
    found = read_cohort(**study, state="change")
    assert "P003" not in found.matrices["programs"].values.index
    assert len(found.matrices["programs"].values) == 35
    assert found.dropped["name"].tolist() == ["programs: P003_POST_programs"]

"""The table-level simulator and the implants: what they plant is there, what they call null is null."""

import numpy as np
import pandas as pd
import pytest

from gutaxis.simulate.implants import RealTable, implant
from gutaxis.simulate.tables import TableSettings, null, simulate_table

pytestmark = pytest.mark.unit
KINDS = ("compositional", "log_intensity", "continuous", "counts")


def log2_of(table):
    return np.log2(table.values + 0.5) if table.kind == "counts" else table.values


def halves(table):
    pre, post = (table.values.index[table.observations["timepoint"] == point] for point in ("PRE", "POST"))
    return pre, post


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_is_a_sound_layer_without_outcomes(kind):
    table = simulate_table(settings=TableSettings(kind=kind, missing_post=0.2, changed=0.1, effect=1.0), seed=1)
    layer = table.layer()
    assert layer.uns["kind"] == kind
    assert not {"response", "pfs2_days"} & set(layer.obs)
    assert table.values.index.equals(table.outcomes.index)
    assert table.truth["changed"].sum() == 10
    assert (table.truth["effect"] != 0).equals(table.truth["changed"])
    status = table.observations.groupby("patient_id").agg(n=("timepoint", "size"), status=("pair_status", "first"))
    assert (status["status"].eq("PAIRED") == status["n"].eq(2)).all()
    assert 0 < status["n"].eq(1).sum() < 24
    if kind == "compositional":
        assert np.allclose(table.values.sum(axis=1), 1.0)
    if kind == "log_intensity":
        assert 0.01 < table.values.isna().mean().mean() < 0.06


def test_the_same_seed_gives_the_same_table_and_another_seed_another():
    settings = TableSettings(patients=12, features=10)
    first, again, other = (simulate_table(settings=settings, seed=seed) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(first.values, again.values)
    assert not first.values.equals(other.values)


@pytest.mark.parametrize("estimand", ["baseline", "post", "change", "response_change"])
def test_the_planted_effect_is_where_the_truth_says(estimand):
    settings = TableSettings(
        kind="continuous", patients=2000, features=8, estimand=estimand, changed=0.5, effect=1.0, nuisance=0.0
    )
    table = simulate_table(settings=settings, seed=2)
    pre, post = halves(table)
    responder = (table.outcomes.loc[pre, "response"] == "R").to_numpy()
    before, after = table.values.loc[pre].to_numpy(), table.values.loc[post].to_numpy()
    quantity = {"baseline": before, "post": after}.get(estimand, after - before)
    found = quantity.mean(axis=0)
    if estimand != "change":
        found = quantity[responder].mean(axis=0) - quantity[~responder].mean(axis=0)
    assert np.allclose(found, table.truth["effect"], atol=0.2)
    assert np.allclose(quantity[~responder].std(axis=0), table.truth["sd"], rtol=0.08)


def test_hazard_rises_with_a_planted_feature():
    settings = TableSettings(
        kind="continuous", patients=1000, features=5, estimand="survival", changed=0.2, effect=1.0, nuisance=0.0
    )
    table = simulate_table(settings=settings, seed=2)
    pre, _ = halves(table)
    planted = table.truth.index[table.truth["changed"]][0]
    rho = table.values.loc[pre].corrwith(table.outcomes.loc[pre, "pfs2_days"], method="spearman")
    assert rho[planted] * np.sign(table.truth.loc[planted, "effect"]) < -0.3
    assert rho.drop(planted).abs().max() < 0.1


def test_a_species_that_a_patient_lacks_is_absent_in_both_samples():
    table = simulate_table(settings=TableSettings(depth=1e9, zeros=0.4), seed=5)
    pre, post = halves(table)
    absent = table.values.loc[pre].to_numpy() == 0, table.values.loc[post].to_numpy() == 0
    assert absent[0].mean() > 0.2
    assert (absent[0] == absent[1]).mean() > 0.97


def test_null_keeps_the_nuisance():
    settings = TableSettings(changed=0.3, effect=1.0, time_effect=0.5)
    assert (null(settings).changed, null(settings).effect, null(settings).time_effect) == (0.0, 0.0, 0.5)


def real(kind="compositional", patients=30):
    generator = np.random.default_rng(8)
    index = [f"S{number}" for number in range(2 * patients)]
    log2 = generator.normal(0, 2, (2 * patients, 30))
    values = pd.DataFrame(2.0**log2 * (generator.random(log2.shape) > 0.3), index=index, columns=list(range(30)))
    values.columns = [f"F{name}" for name in values]
    if kind != "compositional":
        values = np.log2(values.where(values > 0))
    about = pd.DataFrame({"patient_id": [f"P{number // 2}" for number in range(2 * patients)], "cohort": "A"}, index)
    return RealTable(name="made", kind=kind, values=values, observations=about)


@pytest.mark.parametrize("kind", ["compositional", "log_intensity"])
def test_an_implant_multiplies_what_is_there_and_nothing_else(kind):
    common = {"real": real(kind), "seed": 4, "patients": 20, "features": 20, "estimand": "change"}
    before, after = implant(**common), implant(**common, changed=0.2, effect=1.5)
    assert after.truth["changed"].sum() == 4
    pre, post = halves(after)
    logs = [np.log2(part.values.where(part.values > 0)) if kind == "compositional" else part.values
            for part in (before, after)]  # fmt: skip
    moved = logs[1] - logs[0]
    if kind == "compositional":  # up to the closure of each sample
        moved = moved.sub(moved.loc[:, ~after.truth["changed"]].mean(axis=1), axis=0)
    assert np.allclose(moved.loc[pre].fillna(0), 0)
    shift = moved.loc[post]
    assert np.allclose(shift.fillna(after.truth["effect"]), after.truth["effect"])


def test_labels_of_an_implant_do_not_come_from_the_table():
    first, second = (implant(real=real(), seed=seed, patients=30) for seed in (1, 2))
    same = first.outcomes["response"].reindex(second.outcomes.index) == second.outcomes["response"]
    assert 0.2 < same.mean() < 0.8
    source = [part.values.loc["P3_PRE"] for part in (first, second)]
    assert set(first.observations["timepoint"]) == {"PRE", "POST"}
    assert len(source) == 2

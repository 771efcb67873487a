"""Cross-validation: noise stays noise, effects are found, nothing of a test patient reaches its model."""

import numpy as np
import pandas as pd
import pytest
from tests.predict_cases import cohort, composition, matrix, noise, people, quick

from gutaxis.predict.folds import stratified_folds
from gutaxis.predict.fusion import fit_tuned, fusion_weights, late_scores
from gutaxis.predict.inputs import make_blocks, make_pipeline, make_specs
from gutaxis.predict.metrics import concordance
from gutaxis.predict.nested import cross_validate
from gutaxis.predict.null import shuffled_runs
from gutaxis.predict.targets import pfs2_target, response_target

pytestmark = pytest.mark.unit


def judged(*, patients, matrices, seed=1, target=None, details=False, **settings):
    chosen = quick(**settings)
    study = cohort(patients=patients, matrices=matrices)
    target = response_target(patients=patients) if target is None else target
    blocks, reasons = make_blocks(cohort=study, target=target, settings=chosen)
    specs = make_specs(blocks=blocks, target=target, settings=chosen)
    runs = cross_validate(blocks=blocks, target=target, specs=specs, settings=chosen, seed=[seed], details=details)
    return {(spec.fusion, spec.shown, scheme): run for (spec, scheme), run in runs.items()}, reasons


def value(run):
    return concordance(pairs=run.counter.pairs)


def test_noise_is_worth_one_half_also_where_cohorts_differ_by_chance():
    """The clinical baseline knows the cohort: folds that balanced cohorts by response made it 0.58 here."""
    found = []
    for seed in range(120):
        patients = people(n=36, seed=seed)
        runs, _ = judged(
            patients=patients, matrices=[matrix(values=noise(patients=patients, m=10, seed=seed))], seed=seed,
            clinical=["cohort", "sex"], folds=4,
        )  # fmt: skip
        found.append([value(runs["none", "programs", "nested_cv"]), value(runs["clinical", "clinical", "nested_cv"])])
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / np.sqrt(len(found))
    assert (np.abs(mean - 0.5) < np.maximum(0.03, 2.6 * error)).all(), (mean, error)
    assert (error < 0.015).all()


def test_a_planted_effect_is_found_by_its_layer_and_by_both_fusions():
    patients = people(n=48)
    layers = [
        matrix(values=composition(patients=patients, m=30, effect=2.5, zeros=0.05), layer="taxa", kind="compositional"),
        matrix(values=noise(patients=patients, m=40, seed=3)),
    ]
    runs, _ = judged(patients=patients, matrices=layers, repeats=2, schemes=["nested_cv", "leave_one_cohort_out"])
    for scheme in ("nested_cv", "leave_one_cohort_out"):
        assert value(runs["none", "taxa", scheme]) > 0.85
        assert value(runs["none", "programs", scheme]) < value(runs["none", "taxa", scheme]) - 0.1
        for how in ("early", "late"):
            assert value(runs[how, "programs+taxa", scheme]) > 0.8


def test_values_of_test_patients_do_not_reach_the_model():
    """Every value of the test fold may be changed: models of that fold, and scores of other folds, stay the same."""
    patients = people(n=30)
    values = noise(patients=patients, m=30, effect=1.0)
    target = response_target(patients=patients)
    first, _ = judged(patients=patients, matrices=[matrix(values=values)], details=True, clinical=[])
    test = stratified_folds(
        classes=target.classes, groups=target.groups, folds=3, rng=np.random.default_rng([1, 0, 0])
    )[0][1]
    changed = values.copy()
    changed.iloc[test] = np.random.default_rng(1).normal(size=(len(test), 30)) * 50
    second, _ = judged(patients=patients, matrices=[matrix(values=changed)], details=True, clinical=[])
    key = ("none", "programs", "nested_cv")
    np.testing.assert_array_equal(first[key].scores[0][0], test)
    for one, two in zip(first[key].fits[0], second[key].fits[0], strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first[key].fits[1][1], second[key].fits[1][1])


def test_labels_of_test_patients_do_not_reach_their_scores():
    patients = people(n=30)
    target = response_target(patients=patients)
    study = cohort(patients=patients, matrices=[matrix(values=noise(patients=patients))])
    settings = quick(clinical=[])
    blocks, _ = make_blocks(cohort=study, target=target, settings=settings)
    train, test = np.arange(20), np.arange(20, 30)
    scores = []
    for flip in (False, True):
        moved = target.moved(source=np.concatenate([train, test[::-1]])) if flip else target
        model = fit_tuned(
            make=lambda: make_pipeline(learner="elastic_net", blocks=[blocks["programs"]], settings=settings),
            values=blocks["programs"].values, target=moved, rows=train, inner=[(train[:10], train[10:])],
        )  # fmt: skip
        scores.append(model.score(values=blocks["programs"].values[test]))
    np.testing.assert_array_equal(*scores)


@pytest.mark.oracle
def test_the_penalty_is_chosen_by_the_inner_deviance():
    patients = people(n=36)
    values = noise(patients=patients, m=25, effect=0.7)
    target = response_target(patients=patients)
    settings = quick(clinical=[])
    blocks, _ = make_blocks(
        cohort=cohort(patients=patients, matrices=[matrix(values=values)]), target=target, settings=settings
    )
    inner = stratified_folds(classes=target.classes, groups=target.groups, folds=3, rng=np.random.default_rng(5))

    def make():
        return make_pipeline(learner="elastic_net", blocks=[blocks["programs"]], settings=settings)

    x, y = values.to_numpy(), target.classes
    found = fit_tuned(make=make, values=x, target=target, rows=np.arange(36), inner=inner)
    loss = np.zeros(8)
    for train, test in inner:
        pipeline = make().fit(x[train], y[train])
        p = 1 / (1 + np.exp(-pipeline.steps[-1][1].path(pipeline[:-1].transform(x[test]))))
        loss += -2 * np.where(y[test][:, None] == 1, np.log(p), np.log(1 - p)).sum(axis=0)
    assert found.setting == int(np.argmin(loss))


def test_equal_seeds_give_equal_runs():
    patients = people(n=30)
    layers = [matrix(values=noise(patients=patients))]
    one, two = (judged(patients=patients, matrices=layers)[0] for _ in range(2))
    for key in one:
        for (_, first), (_, second) in zip(one[key].scores, two[key].scores, strict=True):
            np.testing.assert_array_equal(first, second)


def test_a_patient_without_a_layer_is_scored_by_the_others():
    patients = people(n=40)
    whole = noise(patients=patients, m=20, effect=1.2)
    part = noise(patients=patients, m=20, seed=9).iloc[8:]
    runs, reasons = judged(patients=patients, matrices=[matrix(values=whole), matrix(values=part, layer="taxa")])
    assert reasons == {}
    scored = {how: len({row for rows, _ in runs[how, name, "nested_cv"].scores for row in rows})
              for how, name in (("none", "taxa"), ("early", "programs+taxa"), ("late", "programs+taxa"))}  # fmt: skip
    assert scored == {"none": 32, "early": 40, "late": 40}


def test_a_layer_that_most_patients_lack_is_left_out_with_a_reason():
    patients = people(n=60, share=0.5)
    few = noise(patients=patients).iloc[:25]
    _, reasons = judged(
        patients=patients, matrices=[matrix(values=noise(patients=patients)), matrix(values=few, layer="taxa")]
    )
    assert reasons == {"taxa": "25 of 60 patients with an outcome have the layer, fewer than half"}


def test_a_cohort_or_batch_of_one_class_is_skipped_and_counted():
    patients = people(n=36)
    patients.loc[patients["cohort"] == "OTHER", "response"] = "NR"
    patients.loc[(patients["cohort"] == "LUNG"), "response"] = ["R"] * 7 + ["NR"] * 5
    runs, _ = judged(
        patients=patients, matrices=[matrix(values=noise(patients=patients))], schemes=["leave_one_cohort_out"]
    )
    run = runs["none", "programs", "leave_one_cohort_out"]
    assert run.skipped == 1
    assert np.isfinite(value(run))


def test_one_cohort_has_no_cohort_to_leave_out():
    patients = people(n=30).assign(cohort="LUNG")
    runs, _ = judged(
        patients=patients, matrices=[matrix(values=noise(patients=patients))],
        schemes=["nested_cv", "leave_one_cohort_out"],
    )  # fmt: skip
    assert {scheme for _, _, scheme in runs} == {"nested_cv"}


def test_batches_are_those_of_the_layer():
    patients = people(n=36)
    one = pd.Series([(f"S{at % 2}",) for at in range(36)], index=patients.index, dtype=object)
    other = pd.Series([("P1",)] * 36, index=patients.index, dtype=object)
    runs, _ = judged(
        patients=patients, schemes=["leave_one_batch_out"], clinical=[],
        matrices=[matrix(values=noise(patients=patients), layer="taxa", batches=one),
                  matrix(values=noise(patients=patients, seed=2), layer="plasma", batches=other)],
    )  # fmt: skip
    # all plasma was measured in one batch: nothing can be left out of it, and the fused test sets have every plasma
    assert ("none", "plasma", "leave_one_batch_out") not in runs
    assert len(runs["none", "taxa", "leave_one_batch_out"].scores) == 2


def test_repeated_rows_of_a_patient_stay_together():
    """Three rows of each of 17 women, the last the case: leave-one-woman-out, and no woman teaches about herself."""
    women = np.repeat(np.arange(17), 3)
    names = np.array(
        [f"W{at:02d}_{time}" for at, time in zip(women, np.tile([1, 2, 3], 17), strict=True)], dtype=object
    )
    rng = np.random.default_rng(2)
    table = pd.DataFrame(rng.normal(size=(51, 30)) + np.repeat(rng.normal(size=(17, 30)) * 3, 3, axis=0), index=names)
    table.iloc[2::3, :4] += 3.0
    patients = pd.DataFrame({"response": np.tile(["NR", "NR", "R"], 17), "cohort": "A"}, index=names)
    target = response_target(patients=patients)
    object.__setattr__(target, "groups", women)
    runs, _ = judged(
        patients=patients, matrices=[matrix(values=table.rename(columns=str))], target=target, folds=17, clinical=[]
    )
    run = runs["none", "programs", "nested_cv"]
    assert [len(set(women[rows])) for rows, _ in run.scores] == [1] * 17
    assert value(run) > 0.8


def test_pfs2_is_predicted_by_hazard():
    patients = people(n=48)
    values = noise(patients=patients, m=20, seed=5)
    rng = np.random.default_rng(3)
    patients["pfs2_days"] = np.ceil(100 * rng.exponential(size=48) * np.exp(-1.5 * values.iloc[:, 0]))
    patients["pfs2_cnsr"] = 0.0
    target = pfs2_target(patients=patients)
    runs, _ = judged(patients=patients, matrices=[matrix(values=values)], target=target, repeats=2)
    assert value(runs["none", "programs", "nested_cv"]) > 0.6
    assert {fusion for fusion, _, _ in runs} == {"none", "clinical"}


def test_layers_without_skill_have_no_say_in_late_fusion():
    assert fusion_weights(skills=np.array([0.9, 0.4, np.nan])).tolist() == [1, 0, 0]
    assert fusion_weights(skills=np.array([0.3, 0.4])).tolist() == [0.5, 0.5]
    scores = np.array([[2.0, -2.0], [np.nan, -2.0], [np.nan, np.nan]])
    made = late_scores(scores=scores, weights=np.array([1.0, 0.0]), spreads=np.ones(2), survival=False)
    assert made[:2] == pytest.approx([2, -2])
    assert np.isnan(made[2])


def test_shuffled_runs_do_not_depend_on_the_number_of_threads():
    patients = people(n=24, share=0.5)
    study = cohort(patients=patients, matrices=[matrix(values=noise(patients=patients, m=8))])
    settings = quick(permutations=6, clinical=[])
    target = response_target(patients=patients)
    blocks, _ = make_blocks(cohort=study, target=target, settings=settings)
    specs = make_specs(blocks=blocks, target=target, settings=settings)
    one, two = (
        shuffled_runs(blocks=blocks, target=target, specs=specs, settings=settings, seed=3, threads=threads)
        for threads in (1, 2)
    )
    assert set(one) == set(two)
    for key in one:
        np.testing.assert_array_equal(one[key].estimates, two[key].estimates)
        assert len(np.unique(one[key].estimates)) > 1
        assert one[key].p_value(observed=2.0) == pytest.approx(1 / 7)
        assert one[key].p_value(observed=-1.0) == 1

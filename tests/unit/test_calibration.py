"""The calibration judges right: its counts on tests whose errors are known, its page, and that a defect shows."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gutaxis.simulate import calibration
from gutaxis.simulate.calibration import FEWEST_JUDGED, RESULTS, Plan, main, plans, run, summary, tasks_of
from gutaxis.simulate.calibration_report import write_report
from gutaxis.simulate.calibration_run import COUNTED, Answer, Scenario, Shipped, Task, counted, make_table, run_task
from gutaxis.simulate.calibration_tests import shipped_tests
from gutaxis.stats.design import contrast_design
from gutaxis.stats.differential_methods import primary_fits

pytestmark = pytest.mark.unit
TRUTH = pd.DataFrame(
    {"changed": [True, True, False, False], "effect": [1.0, -1.0, 0.0, 0.0]}, index=list("abcd")
)  # fmt: skip


def judged(p_of, *, tables, primary=True):
    """What is said of a test whose p values come from a generator, over null tables of 20 features."""
    truth = pd.DataFrame({"changed": False, "effect": 0.0}, index=range(20))
    generator = np.random.default_rng(1)
    counts = [counted(tested=Answer(p=p_of(generator), features=range(20)), truth=truth, null=True)
              for _ in range(tables)]  # fmt: skip
    shipped = replace(shipped_tests()["moderated_t baseline between"], primary=primary)
    rows = pd.DataFrame(summary(shipped=shipped, scenario=Scenario(), counts=np.array(counts)), columns=RESULTS)
    return rows.set_index("measure").loc["type_i"]


def test_counts_of_one_table():
    tested = Answer(
        p=np.array([0.001, 0.9, 0.002, np.nan]), features=list("abcd"),
        ci_low=np.array([0.5, -0.5, 0.1, np.nan]), ci_high=np.array([1.5, 0.5, 0.2, np.nan]),
    )  # fmt: skip
    found = dict(zip(COUNTED, counted(tested=tested, truth=TRUTH, null=False), strict=True))
    assert found["type_i"] == 1.0, "c is the only unchanged feature with a p value"
    assert found["fdp"] == 0.5
    assert found["power"] == 0.5
    assert found["coverage"] == pytest.approx(1 / 3)
    assert np.isnan(found["any_hit"])


def test_a_permutation_p_of_exactly_the_level_is_a_rejection():
    tested = Answer(p=np.array([1 / 20, 11 / 200]))
    assert counted(tested=tested, truth=TRUTH, null=True)[COUNTED.index("type_i")] == 0.5


def test_a_changed_feature_without_a_result_is_missed():
    tested = Answer(p=np.array([0.001]), features=["a"])
    assert counted(tested=tested, truth=TRUTH, null=False)[COUNTED.index("power")] == 0.5


def test_uniform_p_values_meet_the_target_and_liberal_ones_miss_it():
    sound = judged(lambda generator: generator.random(20), tables=400)
    assert sound["verdict"] == "met"
    assert sound["mc_low"] < 0.05 < sound["mc_high"]
    liberal = judged(lambda generator: generator.random(20) ** 1.5, tables=400)
    assert liberal["value"] == pytest.approx(0.05 ** (1 / 1.5), abs=0.02)
    assert liberal["verdict"] == "MISSED"


def test_nothing_is_judged_from_few_tables_nor_for_sensitivity_analyses():
    def tiny(generator):
        return generator.random(20) * 0.01

    assert judged(tiny, tables=FEWEST_JUDGED - 1)["verdict"] == ""
    assert judged(tiny, tables=FEWEST_JUDGED, primary=False)["verdict"] == ""
    assert judged(tiny, tables=FEWEST_JUDGED)["verdict"] == "MISSED"


def test_neither_the_cut_into_tasks_nor_the_other_tests_change_a_data_set():
    tests = shipped_tests()
    own, other = "moderated_t change difference", "ranks, log_intensity change difference"

    def done(start, stop, **counts):
        named = tuple((key, counts[name]) for name, key in (("other", other), ("own", own)) if name in counts)
        task = Task(counts=named, scenario=Scenario(), start=start, stop=stop, seed=7, data=None)
        return run_task(tests=tests, task=task)

    whole = done(0, 4, own=4)[own]
    parts = [done(0, 2, own=4, other=1), done(2, 4, own=4)]
    assert np.array_equal(whole, np.concatenate([part[own] for part in parts]), equal_nan=True)
    assert parts[0][other].shape == (1, len(COUNTED)), "a test gets no more data sets than it asks for"


def test_every_primary_test_gets_a_thousand_null_tables():
    for plan in plans(sources=["lee", "hmp2", "mtbls79"]):
        if plan.shipped.primary:
            nulls = sum(
                count
                for scenario, count in plan.scenarios
                if scenario.null and scenario.source == "simulated" and scenario.patients == 48
            )
            assert nulls >= 1000, plan.shipped.key
    assert max(task.stop - task.start for task in tasks_of(plan=plans(sources=[]), data=None, seed=1)) <= 25


def test_keys_are_unique_and_every_contrast_has_a_primary_test():
    tests = shipped_tests()
    assert all(key == shipped.key for key, shipped in tests.items())
    primary = {shipped.contrast for shipped in tests.values() if shipped.primary and not shipped.whole}
    assert primary == {"baseline", "post", "change", "response_change", "survival"}


def test_a_primary_test_is_the_method_a_run_would_use():
    for shipped in shipped_tests().values():
        if not shipped.primary or shipped.whole or shipped.kind == "counts":  # counts: seconds, same path
            continue
        small = replace(shipped, features=12)
        table = make_table(shipped=small, scenario=Scenario(patients=24), seed=[1], data=None)
        pairs = {"difference": "differences", "mixed": "mixed"}.get(shipped.scheme, "auto")
        design = contrast_design(contrast=shipped.contrast, observations=table.joined(), pairs=pairs)
        assert design.scheme == shipped.scheme
        method = primary_fits(table=table.values, kind=table.kind, design=design).method
        assert method == shipped.name.split(",")[0], shipped.key


def test_a_planted_defect_is_called_by_name(tmp_path, monkeypatch):
    """The check of the check: a moderated t whose p values are too small is missed, and said so."""
    sound = shipped_tests()["moderated_t baseline between"]

    def broken(table, design, seed):
        tested = sound.run(table, design, seed)
        return Answer(p=tested.p * 0.4, features=tested.features)

    shipped = Shipped(**{**vars(sound), "run": broken, "features": 30})
    monkeypatch.setattr(calibration, "shipped_tests", lambda: {shipped.key: shipped})
    results = run(plan=[Plan(shipped=shipped, scenarios=((Scenario(patients=48), FEWEST_JUDGED),))], data=None)
    write_report(results=results, out=tmp_path / "part.md", quick=False, seed=1, sources=[], share=0.2)
    assert "Not the full run: 0.2 of its data sets" in (tmp_path / "part.md").read_text()
    write_report(results=results, out=tmp_path / "page.md", quick=False, seed=1, sources=[])
    assert "Not the full run" not in (tmp_path / "page.md").read_text()
    assert "- moderated_t, baseline (between), 0% changed: type_i 0.1" in (tmp_path / "page.md").read_text()


def test_the_command_writes_page_figures_and_numbers(tmp_path, capsys):
    main(["--out", str(tmp_path / "calibration.md"), "--quick", "--only", "moderated_t", "--cores", "1", "--data", ""])
    results = pd.read_csv(tmp_path / "calibration" / "results.tsv", sep="\t")
    assert list(results.columns) == RESULTS
    assert set(results["test"]) == {"moderated_t"}
    page = (tmp_path / "calibration.md").read_text()
    assert "A quick run" in page
    for name in ("type_i", "fdp", "coverage", "power"):
        assert f"calibration/{name}.svg" in page
        assert (tmp_path / "calibration" / f"{name}.svg").read_text().startswith("<svg")
    assert "targets met" in capsys.readouterr().out

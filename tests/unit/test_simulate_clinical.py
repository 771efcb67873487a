"""The rich clinical trial: valid sheets, every branch, same seed same bytes, and the clinical arm finds the truth."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml

from gutaxis.clinical.abscopal import abscopal_effect
from gutaxis.clinical.adverse_events import adverse_events_long
from gutaxis.clinical.best_response import best_response
from gutaxis.clinical.follow_up import cut_days
from gutaxis.clinical.recist import assess
from gutaxis.clinical.response_rates import landmarks
from gutaxis.clinical.settings import ClinicalSettings
from gutaxis.clinical.time_to_event import time_to_event
from gutaxis.cohort import Cohort, load_cohort, load_config
from gutaxis.simulate.clinical_course import read_scan
from gutaxis.simulate.clinical_courses import RICH
from gutaxis.simulate.clinical_rich import write_rich_trial

pytestmark = pytest.mark.unit
SCHEMA = Path(__file__).parents[2] / "config" / "schemas" / "config.schema.json"


@dataclass
class Trial:
    """A trial as loaded, what was planted, and what the clinical arm finds."""

    cohort: Cohort
    truth: dict
    found: SimpleNamespace


def analyse(root: Path) -> Trial:
    config = load_config(config=yaml.safe_load((root / "config.yaml").read_text()), schema_path=SCHEMA)
    cohort = load_cohort(config=config, root=root)
    settings = ClinicalSettings.from_config(config)
    patients = cohort.patients
    cut = cut_days(
        patients=patients,
        measurements=cohort.measurements,
        adverse_events=cohort.adverse_events,
        data_cut=config["clinical"]["data_cut"],
        dates=config["dates"],
    )
    recist = assess(lesions=cohort.lesions, measurements=cohort.measurements, settings=settings)
    common = {"patients": patients, "timepoints": recist.timepoints, "settings": settings}
    best = best_response(**common, follow_up=cut).table
    found = SimpleNamespace(
        best=best.set_index(["patient_id", "reader"]),
        marks=landmarks(**common, best=best, follow_up=cut).set_index(["patient_id", "reader", "week"]),
        times=time_to_event(**common, progressions=cohort.progressions, cut=cut, dates="iso").set_index(
            ["patient_id", "paramcd"]
        ),
        abscopal=abscopal_effect(**common, lesions=cohort.lesions, cells=recist.cells, cut=cut).patients.set_index(
            ["patient_id", "week"]
        ),
        events=adverse_events_long(adverse_events=cohort.adverse_events, patients=patients),
        timepoints=recist.timepoints,
    )
    return Trial(cohort, json.loads((root / "truth.json").read_text())["patients"], found)


@pytest.fixture(scope="module", params=[("rich", 48, 20250926), ("rich", 100, 5), ("realistic", 300, 3)], ids=str)
def trial(request, tmp_path_factory):
    profile, patients, seed = request.param
    root = tmp_path_factory.mktemp("trial")
    write_rich_trial(out=root, patients=patients, seed=seed, profile=profile)
    return analyse(root)


@pytest.fixture(scope="module")
def rich(tmp_path_factory):
    root = tmp_path_factory.mktemp("rich")
    write_rich_trial(out=root)
    return analyse(root)


# --- the acceptance test: planted truth against the clinical arm ---


def test_every_reader_finds_the_planted_responses(trial):
    planted = {
        (patient, reader): (item["bor"], item["cbor"], item["response"])
        for patient, truth in trial.truth.items()
        for reader, item in truth["readers"].items()
    }
    rows = trial.found.best.loc[list(planted), ["bor", "cbor", "response"]]
    assert dict(zip(rows.index, rows.itertuples(index=False, name=None), strict=True)) == planted


def test_pending_responses(trial):
    pending = trial.found.best.xs("INVESTIGATOR", level="reader")["pending"]
    assert dict(pending == "Y") == {patient: truth["pending"] for patient, truth in trial.truth.items()}


@pytest.mark.parametrize("endpoint", ["pfs2", "os", "css"])
def test_times_and_censoring(trial, endpoint):
    rows = trial.found.times.xs(endpoint.upper(), level="paramcd")
    found = {
        patient: (int(days), int(cnsr > 0))
        for patient, days, cnsr in zip(rows.index, rows["aval_days"], rows["cnsr"], strict=True)
    }
    planted = {
        patient: (truth[endpoint]["aval_days"], truth[endpoint]["cnsr"]) for patient, truth in trial.truth.items()
    }
    assert found == planted


@pytest.mark.parametrize("column", ["abscopal", "abscopal_confirmed"])
def test_abscopal_effect_by_week(trial, column):
    planted = {
        (patient, int(week)): value for patient, truth in trial.truth.items() for week, value in truth[column].items()
    }
    assert trial.found.abscopal[column].to_dict() == planted


def test_objective_response_by_week(trial):
    planted = {
        (patient, int(week)): value for patient, truth in trial.truth.items() for week, value in truth["orr"].items()
    }
    assert trial.found.marks.xs("INVESTIGATOR", level="reader")["orr"].to_dict() == planted


def test_treatment_related_events_by_week(trial):
    events = trial.found.events
    related = events[(events["trtemfl"] == "Y") & (events["arel"] != "NOT RELATED")]
    for patient, truth in trial.truth.items():
        for week, planted in truth["treatment_related"].items():
            own = related[(related["patient_id"] == patient) & (related["astdy"] <= 7 * int(week))]
            found = {
                "any": "Y" if len(own) else "N",
                "grade_3_or_more": "Y" if (own["grade"] >= 3).any() else "N",
            }
            assert found == planted, (patient, week)


# --- what the rich trial holds ---


def test_three_cohorts_of_sixteen(rich):
    assert rich.cohort.patients["cohort"].value_counts().to_dict() == {"LUNG": 16, "ESOPHAGEAL": 16, "OTHER": 16}
    assert len({course.name for courses in RICH.values() for course in courses}) == 48


def test_every_best_response_occurs(rich):
    values = {"CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE", "MISSING"}
    assert {truth["bor"] for truth in rich.truth.values()} == values
    assert {truth["cbor"] for truth in rich.truth.values()} == values
    assert {truth["response"] for truth in rich.truth.values()} == {"R", "NR", "NA"}
    assert [truth["pending"] for truth in rich.truth.values()].count(True) == 1
    assert any(truth["bor"] == "PR" and truth["cbor"] == "SD" for truth in rich.truth.values())


def test_every_finding_of_a_lesion_occurs(rich):
    rows = rich.cohort.measurements
    states = {"MEASURED", "ABSENT", "TOO SMALL", "NOT EVALUATED", "PRESENT", "UNEQUIVOCAL PROGRESSION", "EQUIVOCAL"}
    assert set(rows["state"]) == states
    assert set(rows["reader"]) == {"INVESTIGATOR", "IRC"}
    lesions = rich.cohort.lesions
    assert set(lesions["irradiated"]) == {"Y", "N", "U"}
    assert set(lesions["category"]) == {"TARGET", "NON-TARGET", "NEW"}


def test_readers_disagree_on_response_and_on_progression(rich):
    pairs = {
        tuple(item["bor"] for item in truth["readers"].values())
        for truth in rich.truth.values()
        if len(truth["readers"]) == 2
    }
    assert {("SD", "PD"), ("PR", "SD")} <= pairs


def test_every_event_and_censoring_occurs(rich):
    pfs2 = rich.found.times.xs("PFS2", level="paramcd")
    assert set(pfs2["cnsr"]) == {0, 1, 2, 3}
    assert {"IMAGING", "SYMPTOM", "PSA", "COMBINED"} <= set("+".join(pfs2["sources"].dropna()).split("+"))
    assert "Y" in set(pfs2["late_event"])
    assert {truth["death_cause"] for truth in rich.truth.values()} == {"CANCER", "OTHER", "TREATMENT", "UNKNOWN", None}
    assert set(rich.cohort.progressions["source"]) == {"IMAGING", "SYMPTOM", "PSA", "COMBINED"}
    assert "N" in set(rich.cohort.progressions["confirmed"])
    assert {week["24"] for week in (truth["abscopal"] for truth in rich.truth.values())} == {"Y", "N", "NE"}


def test_new_equivocal_and_returning_lesions(rich):
    course = {truth["course"]: patient for patient, truth in rich.truth.items()}
    rows = rich.found.timepoints[rich.found.timepoints["reader"] == "INVESTIGATOR"].set_index("patient_id")

    def responses(name: str) -> list[str]:
        return rows.loc[[course[name]], "overall_response"].tolist()

    assert responses("equivocal new lesion, confirmed later: dated back")[0] == "PD"
    assert set(responses("equivocal new lesion that went away")) == {"SD"}
    assert responses("a lesion comes back after complete response") == ["PR", "CR", "CR", "PD"]
    assert responses("progression although a target was not evaluated") == ["PD"]
    assert responses("not confirmed over two scans without a target") == ["PR", "NE", "NE", "PR"]


def test_adverse_events_of_every_kind(rich):
    events = rich.cohort.adverse_events
    assert set(events["grade"].dropna()) == {1, 2, 3, 4, 5}
    assert events["grade"].isna().any()
    for column in ("rel_ildr", "rel_ici"):
        assert {"RELATED", "NOT RELATED", "UNKNOWN"} <= set(events[column].dropna())
        assert events[column].isna().any()
    assert events["start_date"].str.fullmatch(r"\d{4}-\d{2}").any()
    assert (events["start_day"] < 0).any()
    assert set(events["irae"]) == {"Y", "N"}


def test_doses_deviations_and_warnings(rich):
    patients = rich.cohort.patients
    assert set(patients.loc[patients["study_source"] == "ILDR-01", "ildr_dose_gy"]) == {1, 3}
    assert {truth["deviation"] for truth in rich.truth.values()} - {None} == {
        "prior_pelvic_rt",
        "ecog",
        "active_infection",
        "life_exp_ge3mo",
        "ici_first_day",
    }
    codes = {problem.code for problem in rich.cohort.warnings}
    assert {"W01", "W02", "W03", "W04", "W06", "W09", "W11", "W14"} <= codes


def test_samples_make_pairs_and_some_are_late(rich):
    assert {"PAIRED", "PRE_ONLY", "POST_ONLY"} <= set(rich.cohort.pairs["pair_status"])
    assert set(rich.cohort.samples["collect_day"]) == {-2, 21, 55}


# --- the generator ---


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("profile", ["rich", "realistic"])
def test_same_seed_same_bytes(tmp_path, profile):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_rich_trial(out=tmp_path / name, patients=30, seed=seed, profile=profile)
    assert written(tmp_path / "a") == written(tmp_path / "b")
    assert written(tmp_path / "a") != written(tmp_path / "c")


@pytest.mark.parametrize("patients", [1, 7])
def test_few_patients_are_spread_over_the_courses(tmp_path, patients):
    write_rich_trial(out=tmp_path, patients=patients)
    trial = analyse(tmp_path)
    assert len(trial.cohort.patients) == patients
    if patients == 7:
        assert trial.cohort.patients["cohort"].nunique() == 3


def test_realistic_rates(tmp_path):
    write_rich_trial(out=tmp_path, patients=1500, seed=11, profile="realistic")
    truth = list(json.loads((tmp_path / "truth.json").read_text())["patients"].values())

    def share(found) -> float:
        return sum(map(found, truth)) / len(truth)

    assert 0.19 <= share(lambda item: item["cbor"] in {"CR", "PR"}) <= 0.26
    assert 0.48 <= share(lambda item: item["cbor"] in {"CR", "PR", "SD"}) <= 0.60
    assert 0.20 <= share(lambda item: item["abscopal"]["24"] == "Y") <= 0.30
    assert 0.06 <= share(lambda item: item["treatment_related"]["48"]["grade_3_or_more"] == "Y") <= 0.13
    medians = {
        name: pd.Series([item[name]["aval_days"] for item in truth if item[name]["cnsr"] == 0]).median()
        for name in ("pfs2", "os")
    }
    # events only: a lower bound of the Kaplan-Meier median
    assert medians["pfs2"] < 122
    assert medians["os"] > 120


@pytest.mark.parametrize(
    ("choice", "message"), [({"profile": "other"}, "profile is one of"), ({"patients": 0}, "at least 1 patient")]
)
def test_wrong_choices_are_refused(tmp_path, choice, message):
    with pytest.raises(ValueError, match=message):
        write_rich_trial(out=tmp_path, **choice)


def test_notation_of_a_scan():
    scan = read_scan(text="42: 36.5 0 s - . P ~- U +E")
    assert scan.day == 42
    assert scan.found == {
        "T01": ("TARGET", 36.5, "MEASURED"),
        "T02": ("TARGET", None, "ABSENT"),
        "T03": ("TARGET", None, "TOO SMALL"),
        "T04": ("TARGET", None, "NOT EVALUATED"),
        "NT01": ("NON-TARGET", None, "PRESENT"),
        "NT02": ("NON-TARGET", None, "NOT EVALUATED"),
        "NT03": ("NON-TARGET", None, "UNEQUIVOCAL PROGRESSION"),
        "N01": ("NEW", None, "EQUIVOCAL"),
    }

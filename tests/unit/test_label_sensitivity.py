"""The label under each documented choice: planted changes, and only those."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml

from gutaxis.clinical.follow_up import cut_days
from gutaxis.clinical.label_sensitivity import SUMMARY_COLUMNS, label_sensitivity, switches
from gutaxis.clinical.recist import assess
from gutaxis.clinical.settings import ClinicalSettings
from gutaxis.cohort import load_cohort, load_config
from gutaxis.simulate.clinical_courses import RICH
from gutaxis.simulate.clinical_rich import write_rich_trial

pytestmark = pytest.mark.unit
SCHEMA = Path(__file__).parents[2] / "config" / "schemas" / "config.schema.json"
NAMES = [course.name for courses in RICH.values() for course in courses]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    root = tmp_path_factory.mktemp("rich")
    write_rich_trial(out=root)
    config = load_config(config=yaml.safe_load((root / "config.yaml").read_text()), schema_path=SCHEMA)
    cohort = load_cohort(config=config, root=root)
    settings = ClinicalSettings()
    cut = cut_days(
        patients=cohort.patients,
        measurements=cohort.measurements,
        adverse_events=cohort.adverse_events,
        data_cut=None,
        dates="iso",
    )
    return {
        "patients": cohort.patients,
        "lesions": cohort.lesions,
        "recist": assess(lesions=cohort.lesions, measurements=cohort.measurements, settings=settings),
        "progressions": cohort.progressions,
        "cut": cut,
        "settings": settings,
        "dates": "iso",
    }


@pytest.fixture(scope="module")
def result(inputs):
    return label_sensitivity(**inputs)


def changed(result, switch: str) -> set[str]:
    ids = result.summary.set_index("switch").loc[switch, "patients"]
    return set() if pd.isna(ids) else {NAMES[int(patient[1:]) - 1] for patient in ids.split(" ")}


def test_shape(result, inputs):
    assert result.table["patient_id"].tolist() == sorted(inputs["patients"].index)
    assert list(result.summary.columns) == SUMMARY_COLUMNS
    assert set(result.summary["switch"]) <= set(result.table.columns)
    assert not result.table.isna().to_numpy().any()


@pytest.mark.parametrize(
    ("switch", "names"),
    [
        (
            "unconfirmed_response",
            {
                "partial response, then progression: not confirmed",
                "partial response too close to the data cut",
                "seen again one day too early",
                "not confirmed over two scans without a target",
                "partial after complete response: a query to the reader",
            },
        ),
        ("max_ne_between_0", {"confirmed over one scan without a target"}),
        ("reader_IRC", {"readers disagree: response or stable"}),
        ("css_unknown_other", {"death of unknown cause"}),
        (
            "abscopal_confirmed_yes",
            {
                "partial response, then progression: not confirmed",
                "partial response too close to the data cut",
                "seen again one day too early",
                "a lesion shrinks while a new one appears",
            },
        ),
        (
            "abscopal_without_pd_yes",
            {
                "partial response, then progression: not confirmed",
                "seen again one day too early",
                "progression from the smallest sum, far below baseline",
                "a lesion comes back after complete response",
                "a lesion shrinks while a new one appears",
            },
        ),
    ],
)
def test_only_the_planted_patients_change(result, switch, names):
    assert changed(result, switch) == names


def test_disease_control_turns_stable_patients_into_responders(result):
    table = result.table.set_index("patient_id")
    assert (table["disease_control"] == "R").sum() > (table["response_configured"] == "R").sum()
    assert set(table.loc[table["disease_control"] == "NR", "response_configured"]) == {"NR"}


def test_a_longer_minimum_for_stable_disease_gives_na_and_never_nr(result):
    names = changed(result, "sd_min_days_42")
    assert "stable on the first day that counts, data cut soon after" in names
    table = result.table.set_index("patient_id")
    moved = table["sd_min_days_42"] != table["response_configured"]
    assert set(table.loc[moved, "response_configured"]) == {"NR"}
    assert set(table.loc[moved, "sd_min_days_42"]) == {"NA"}


def test_sum_rule_and_second_progression_have_their_patients(result):
    assert "a lesion shrinks while a new one appears" in changed(result, "abscopal_sum")
    assert "one lesion outside the field shrinks, the patient is stable" in changed(result, "abscopal_sum")
    assert "progression of targets at the first scan" in changed(result, "pfs2_second_after_ildr")


def test_patients_not_read_by_the_other_reader_are_no_change(result):
    table, row = result.table, result.summary.set_index("switch").loc["reader_IRC"]
    assert row["n"] == (table["reader_IRC"] != "NOT_READ").sum() < len(table)


def test_flags_agree_with_the_summary(result):
    ids = {patient for cell in result.summary["patients"].dropna() for patient in cell.split(" ")}
    table = result.table.set_index("patient_id")
    assert set(table.index[table["changes"] == "Y"]) == ids
    assert set(table["changes_response"]) == {"Y", "N"}
    assert (
        result.summary["n_changed"] == result.summary["patients"].map(lambda c: 0 if pd.isna(c) else len(c.split()))
    ).all()


def test_switches_follow_the_configured_choice():
    settings = replace(ClinicalSettings(), sd_min_days=42, response_definition="disease_control", abscopal_rule="sum")
    names = {switch.column for switch in switches(settings=settings, readers={"INVESTIGATOR"})}
    assert {"sd_min_days_35", "confirmed_response", "unconfirmed_response", "abscopal_any_lesion"} <= names
    assert not names & {"sd_min_days_42", "disease_control", "abscopal_sum", "reader_IRC", "reader_INVESTIGATOR"}


def test_nothing_depends_on_the_order_of_rows(inputs, result):
    turned = {
        **inputs,
        "patients": inputs["patients"].iloc[::-1],
        "lesions": inputs["lesions"].iloc[::-1],
        "progressions": inputs["progressions"].iloc[::-1],
    }
    again = label_sensitivity(**turned)
    pd.testing.assert_frame_equal(again.table, result.table)
    pd.testing.assert_frame_equal(again.summary, result.summary)

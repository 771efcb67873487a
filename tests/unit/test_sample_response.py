"""Every sample with its patient's outcomes: columns, missing stays missing, samples after progression, exposures."""

import numpy as np
import pandas as pd
import pytest

from gutaxis.clinical.progression import progression_days
from gutaxis.clinical.sample_response import COLUMNS, durable_benefit, sample_response
from gutaxis.clinical.settings import ClinicalSettings
from gutaxis.clinical.time_to_event import time_to_event
from gutaxis.cohort.pairs import make_pairs
from gutaxis.cohort.vocabulary import PATIENTS

pytestmark = pytest.mark.unit
SETTINGS = ClinicalSettings()
DAYS = ["new_therapy_day", "last_alive_day", "death_day", "ici_first_day"]
VISITS = {"baseline_window_days": 28, "post_target_day": 21, "post_window_days": [7, 63]}


def people(**cells) -> pd.DataFrame:
    names = [column.name for column in PATIENTS if column.name not in {"patient_id", "response"}]
    row = dict.fromkeys([*names, *DAYS], np.nan) | {"ildr_date": "2026-01-01", "ildr_day": 0.0, "cohort": "LUNG"}
    row |= {"last_alive_day": 300.0, "age": 60.0, "sex": "F", "study_source": "ILDR-02"} | cells
    table = pd.DataFrame([row], index=pd.Index(["P1"], name="patient_id"))
    return table.astype(dict.fromkeys(DAYS, float))


def scans(*rows: tuple) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["day", "overall_response"]).astype({"day": float})
    return table.assign(
        patient_id="P1", reader="INVESTIGATOR", date="x", sum_mm=50.0, targets_missing=0, new_lesion="N",
        nontarget_response="NONE",
    )  # fmt: skip


def best(cbor="SD", response="NR", pending="N", reader="INVESTIGATOR") -> pd.DataFrame:
    row = {"patient_id": "P1", "reader": reader, "bor": cbor, "cbor": cbor, "response": response, "pending": pending}
    return pd.DataFrame([row])


def link(seen=(), *, found=None, patients=None, medications=None, cut=400.0, rows=(), abscopal=("Y", "Y", "Y")):
    patients = people() if patients is None else patients
    defaults = [("S1", "P1", "PRE", -2.0, "N"), ("S2", "P1", "POST", 21.0, "N"), ("S3", "P1", "POST", 84.0, "N"),
                ("QC", np.nan, np.nan, np.nan, "POOL_QC")]  # fmt: skip
    samples = pd.DataFrame(list(rows) or defaults, columns=["sample_id", "patient_id", "timepoint", "collect_day",
                                                            "control"]).set_index("sample_id")  # fmt: skip
    samples = samples.assign(assay="MGX", material="STOOL", qc="PASS", batch="1", depth_or_cells=1e6, replicate=np.nan)
    timepoints, end = scans(*seen), pd.Series({"P1": cut})
    arguments = {"patients": patients, "timepoints": timepoints, "progressions": None, "settings": SETTINGS}
    landmarks = pd.DataFrame({"patient_id": "P1", "week": [6, 12, 24], "orr": ["N", "PENDING", "NOT_YET"],
                              "orr_unconfirmed": "Y", "dcr": "NE", "reader": "INVESTIGATOR"})  # fmt: skip
    effect = pd.DataFrame({"patient_id": "P1", "week": [6, 12, 24], "abscopal": abscopal})
    return sample_response(
        samples=samples, patients=patients, pairs=make_pairs(samples=samples, patients=patients, visits=VISITS),
        medications=medications, best_response=pd.concat([best(reader="IRC"), best() if found is None else found]),
        landmarks=landmarks, abscopal=effect, times=time_to_event(**arguments, cut=end, dates="iso"),
        timepoints=timepoints,
        progression=progression_days(**arguments), cut=end, settings=SETTINGS, data_cut="2027-01-01",
    ).set_index("sample_id")  # fmt: skip


def test_columns_and_values_of_each_sample():
    table = link([(42, "SD"), (84, "PD")])
    assert list(table.index) == ["S1", "S2", "S3"]  # no control
    assert list(table.reset_index().columns[: len(COLUMNS)]) == COLUMNS
    row = table.loc["S2"]
    assert row[["pair_status", "bor", "response", "pfs2_days", "pfs2_cnsr", "os_days", "os_cnsr"]].tolist() == [
        "PAIRED", "SD", "NR", 85, 0, 301, 1,
    ]  # fmt: skip
    assert row[["orr_w6", "orr_w12", "orr_w24", "dcr_w6"]].tolist() == ["N", "PENDING", "NOT_YET", "NE"]
    assert row[["days_from_ildr", "age", "study_source", "label_locked_at"]].tolist() == [
        21, 60, "ILDR-02", "2027-01-01",
    ]  # fmt: skip
    assert table["pair_status"].tolist() == ["PAIRED", "PAIRED", "EXTRA"]


def test_samples_on_and_after_progression_are_flagged():
    assert link([(42, "SD"), (84, "PD")])["after_pd"].tolist() == ["N", "N", "Y"]
    assert link([(42, "SD"), (85, "PD")])["after_pd"].tolist() == ["N", "N", "N"]
    assert link([(20, "PD")])["after_pd"].tolist() == ["N", "Y", "Y"]
    assert link([(84, "PD")], cut=80.0)["after_pd"].tolist() == ["N", "N", "N"]
    unknown = [("S1", "P1", "PRE", np.nan, "N"), ("S2", "P1", "POST", np.nan, "N")]
    found = link([(42, "PD")], rows=unknown)["after_pd"]
    assert found["S1"] == "N"
    assert pd.isna(found["S2"])


def test_missing_never_becomes_non_responder():
    for cbor in ("NE", "MISSING"):
        table = link(found=best(cbor, "NA"))
        assert table["response"].isna().all()
        assert table["dcb"].isna().all()
        assert set(table["cbor"]) == {cbor}
    nobody = link(patients=people(ildr_date=np.nan), found=best(reader="OTHER"))
    assert nobody[["bor", "cbor", "response", "dcb", "pfs2_days", "os_days"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("values", "expected"), [(("Y", "Y", "Y"), "Y"), (("N", "N", "NE"), "N"), (("NE", "NE", "NE"), "NE")]
)
def test_abscopal_is_that_of_the_last_week_known(values, expected):
    assert set(link(abscopal=values)["abscopal"]) == {expected}


def test_exposure_is_that_before_the_sample():
    drugs = pd.DataFrame({"patient_id": ["P1"], "class": ["ANTIBIOTIC"], "start_day": [5.0], "end_day": [10.0]})
    table = link(medications=drugs, patients=people(ppi_30d="Y"))
    assert table["antibiotics"].tolist() == ["N", "Y", "N"]  # day 84 is 74 days after the course
    assert set(table["ppi"]) == {"Y"}
    assert link()["antibiotics"].isna().all()


@pytest.mark.parametrize(
    ("cbor", "pending", "seen", "cells", "expected"),
    [
        ("PR", "N", [(42, "PR"), (84, "PD")], {}, "DCB"),
        ("SD", "N", [(42, "SD"), (161, "SD")], {}, "DCB"),  # within the window of week 24
        ("SD", "N", [(42, "SD"), (160, "SD")], {}, None),
        ("NON-CR/NON-PD", "N", [(168, "NON-CR/NON-PD")], {}, "DCB"),
        ("SD", "N", [(42, "SD"), (168, "PD")], {}, "NDB"),
        ("SD", "N", [(42, "SD"), (168, "SD"), (169, "PD")], {}, "DCB"),
        ("SD", "N", [(42, "SD")], {"death_day": 100.0}, "NDB"),
        ("SD", "N", [(42, "SD"), (168, "SD")], {"new_therapy_day": 100.0}, None),
        ("SD", "Y", [(42, "PR")], {}, None),
        ("PD", "N", [(42, "PD")], {}, "NDB"),
        ("NE", "N", [(42, "NE")], {"death_day": 100.0}, None),
        ("MISSING", "N", [], {}, None),
    ],
)
def test_durable_clinical_benefit(cbor, pending, seen, cells, expected):
    patients, timepoints = people(**cells), scans(*seen)
    found = durable_benefit(
        best=best(cbor, pending=pending).set_index("patient_id"), patients=patients, timepoints=timepoints,
        progression=progression_days(
            patients=patients, timepoints=timepoints, progressions=None, settings=SETTINGS
        ),
        cut=pd.Series({"P1": 400.0}), settings=SETTINGS,
    )["P1"]  # fmt: skip
    assert found == expected if expected else pd.isna(found)

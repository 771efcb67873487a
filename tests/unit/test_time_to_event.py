"""PFS2, OS and CSS: which event, which censoring, on which day; one small case per rule."""

import numpy as np
import pandas as pd
import pytest

from gutaxis.clinical.progression import progression_days, progression_problems
from gutaxis.clinical.settings import ClinicalSettings
from gutaxis.clinical.time_to_event import competing_causes, sensitivity_times, time_to_event

pytestmark = pytest.mark.unit
SECOND = ClinicalSettings(pfs2_event="second_after_ildr")


def patients(**cells) -> pd.DataFrame:
    row = {"ildr_date": "2026-01-01", "ildr_day": 0.0, "new_therapy_day": np.nan, "last_alive_day": 300.0,
           "death_day": np.nan, "death_cause": np.nan, "tumor_type": "prostate cancer", "cohort": "OTHER"}  # fmt: skip
    return pd.DataFrame([row | cells], index=pd.Index(["P1"], name="patient_id"))


def scans(*rows: tuple, reader="INVESTIGATOR") -> pd.DataFrame:
    """Rows: day, overall response, and if it matters sum, nontarget, new."""
    names = ["day", "overall_response", "sum_mm", "nontarget_response", "new_lesion"]
    filler = (0, "SD", 50.0, "NON-CR/NON-PD", "N")
    table = pd.DataFrame([(*row, *filler[len(row) :]) for row in rows], columns=names)
    return table.assign(patient_id="P1", reader=reader, targets_missing=0, day=table["day"].astype(float))


def others(*rows: tuple) -> pd.DataFrame:
    table = pd.DataFrame([(*row, *("Y",)[len(row) - 2 :]) for row in rows], columns=["day", "source", "confirmed"])
    return table.assign(patient_id="P1", date="2026-02-01", psa_ng_ml=np.nan, day=table["day"].astype(float))


def run(seen=None, found=None, cut=400.0, settings=None, function=time_to_event, **cells) -> pd.DataFrame:
    table = function(
        patients=patients(**cells), timepoints=seen, progressions=found, cut=pd.Series({"P1": cut}),
        settings=settings or ClinicalSettings(), dates="iso",
    )  # fmt: skip
    return table.set_index("paramcd")


def pfs2(*arguments, **keys) -> tuple:
    row = run(*arguments, **keys).loc["PFS2"]
    return row["aval_days"], row["cnsr"], row["evntdesc"], row["cnsdtdsc"] if row["cnsr"] else ""


LAST = "LAST ADEQUATE ASSESSMENT"
STOPPED = "NEW ANTITUMOUR THERAPY"


@pytest.mark.parametrize(
    ("seen", "found", "cells", "expected"),
    [
        ([(42, "SD"), (84, "PD")], None, {}, (85, 0, "PROGRESSION: IMAGING", "")),
        ([(42, "PD"), (84, "PD")], None, {}, (43, 0, "PROGRESSION: IMAGING", "")),  # first scan, not confirmation
        ([(42, "SD"), (84, "PD")], [(60, "SYMPTOM")], {}, (61, 0, "PROGRESSION: SYMPTOM", "")),
        ([(42, "SD")], [(60, "PSA")], {}, (61, 0, "PROGRESSION: PSA", "")),
        ([(42, "SD"), (60, "PD")], [(60, "PSA")], {}, (61, 0, "PROGRESSION: IMAGING+PSA", "")),
        ([(42, "SD")], [(60, "COMBINED")], {}, (61, 0, "PROGRESSION: COMBINED", "")),
        ([(42, "SD")], [(60, "PSA", "N")], {}, (43, 1, "NO EVENT", LAST)),  # not confirmed
        ([(42, "SD")], [(60, "PSA", None)], {}, (61, 0, "PROGRESSION: PSA", "")),
        ([(42, "SD")], [(60, "PSA")], {"tumor_type": "NSCLC"}, (43, 1, "NO EVENT", LAST)),  # prostate only
        ([(42, "SD")], [(-30, "SYMPTOM"), (0, "SYMPTOM")], {}, (43, 1, "NO EVENT", LAST)),  # the one before ILDR
        ([(42, "SD")], None, {"death_day": 70.0}, (71, 0, "DEATH", "")),
        ([(42, "PD")], None, {"death_day": 42.0}, (43, 0, "PROGRESSION: IMAGING", "")),
        ([(42, "PD")], None, {"death_day": 70.0}, (43, 0, "PROGRESSION: IMAGING", "")),
        ([(42, "SD"), (84, "NE")], None, {}, (43, 1, "NO EVENT", LAST)),  # what cannot be evaluated proves nothing
        ([(42, "NON-CR/NON-PD")], None, {}, (43, 1, "NO EVENT", LAST)),
        ([(42, "SD"), (84, "SD"), (126, "PD")], None, {"new_therapy_day": 90.0},
         (85, 2, STOPPED, LAST + " BEFORE NEW THERAPY")),
        ([(42, "SD"), (84, "SD")], None, {"new_therapy_day": 84.0}, (43, 2, STOPPED, LAST + " BEFORE NEW THERAPY")),
        ([(42, "SD"), (84, "PD")], None, {"new_therapy_day": 84.0}, (85, 0, "PROGRESSION: IMAGING", "")),
        ([(42, "SD")], None, {"new_therapy_day": 50.0, "death_day": 60.0},
         (43, 2, STOPPED, LAST + " BEFORE NEW THERAPY")),
        ([(42, "SD")], None, {"new_therapy_day": 20.0}, (1, 2, STOPPED, "DAY OF ILDR")),
        ([], None, {}, (1, 3, "NO ASSESSMENT AFTER ILDR", "DAY OF ILDR")),
        ([(42, "NE")], None, {}, (1, 3, "NO ASSESSMENT AFTER ILDR", "DAY OF ILDR")),
        ([], None, {"death_day": 30.0}, (31, 0, "DEATH", "")),
        ([], None, {"death_day": 0.0}, (1, 0, "DEATH", "")),
    ],
)  # fmt: skip
def test_pfs2_first(seen, found, cells, expected):
    assert pfs2(scans(*seen), others(*found) if found else None, **cells) == expected


def test_nothing_after_the_end_of_follow_up_has_happened():
    seen = scans((42, "SD"), (84, "SD"), (126, "PD"))
    assert pfs2(seen, cut=100.0, death_day=130.0) == (85, 1, "NO EVENT", LAST)
    assert run(seen, cut=100.0, death_day=130.0).loc["OS", ["aval_days", "cnsr", "cnsdtdsc"]].tolist() == [
        101, 1, "END OF FOLLOW-UP",
    ]  # fmt: skip
    assert pfs2(seen, cut=100.0, new_therapy_day=110.0)[1] == 1


def test_only_the_configured_reader_counts():
    both = pd.concat([scans((42, "SD")), scans((42, "PD"), reader="IRC")])
    assert pfs2(both)[:2] == (43, 1)
    assert pfs2(both, settings=ClinicalSettings(reader="IRC"))[:2] == (43, 0)


@pytest.mark.parametrize(
    ("seen", "found", "cells", "expected"),
    [
        ([(42, "PD")], None, {}, (43, 1, "NO EVENT")),
        ([(42, "PD", 60.0), (84, "PD", 60.0)], None, {}, (85, 1, "NO EVENT")),  # still the first progression
        ([(42, "PD", 60.0), (84, "PD", 72.0)], None, {}, (85, 0, "SECOND PROGRESSION: IMAGING")),
        ([(42, "PD", 60.0), (84, "PD", 71.9)], None, {}, (85, 1, "NO EVENT")),
        ([(42, "PD", 20.0), (84, "PD", 24.0)], None, {}, (85, 1, "NO EVENT")),  # 20 % but 4 mm
        ([(42, "PD", 60.0), (84, "PD", 50.0), (126, "PD", 60.0)], None, {}, (127, 0, "SECOND PROGRESSION: IMAGING")),
        ([(42, "PD"), (84, "PD", 50.0, "SD", "Y")], None, {}, (85, 0, "SECOND PROGRESSION: IMAGING")),
        ([(42, "PD", 50.0, "SD", "Y"), (84, "PD", 50.0, "SD", "Y")], None, {}, (85, 1, "NO EVENT")),
        ([(42, "PD"), (84, "PD", 50.0, "PD")], None, {}, (85, 0, "SECOND PROGRESSION: IMAGING")),
        ([(42, "SD"), (84, "PD")], [(60, "SYMPTOM")], {}, (85, 0, "SECOND PROGRESSION: IMAGING")),
        ([(42, "PD")], [(60, "SYMPTOM")], {}, (61, 0, "SECOND PROGRESSION: SYMPTOM")),
        ([(42, "PD")], [(60, "SYMPTOM")], {"new_therapy_day": 50.0}, (61, 0, "SECOND PROGRESSION: SYMPTOM")),
        ([(42, "SD"), (84, "PD")], None, {"new_therapy_day": 50.0}, (43, 2, STOPPED)),
        ([(42, "PD")], None, {"death_day": 70.0}, (71, 0, "DEATH")),
    ],
)  # fmt: skip
def test_pfs2_second(seen, found, cells, expected):
    assert pfs2(scans(*seen), others(*found) if found else None, settings=SECOND, **cells)[:3] == expected


def test_progression_days_give_both():
    row = progression_days(
        patients=patients(), timepoints=scans((42, "PD", 60.0), (84, "PD", 80.0)), progressions=others((42, "SYMPTOM")),
        settings=ClinicalSettings(),
    ).iloc[0]  # fmt: skip
    assert row.tolist() == ["P1", 42, "IMAGING+SYMPTOM", 84, "IMAGING"]
    none = progression_days(patients=patients(), timepoints=None, progressions=None, settings=ClinicalSettings())
    assert none.loc[0, ["first_day", "second_day"]].isna().all()


@pytest.mark.parametrize(
    ("confirmed", "tumour", "code"),
    [("N", "prostate", "W32"), (None, "mCRPC", "W33"), ("Y", "NSCLC", "W31"), ("Y", "prostate", None)],
)
def test_doubtful_psa_progressions_are_named(confirmed, tumour, code):
    found = progression_problems(patients=patients(tumor_type=tumour), progressions=others((60, "PSA", confirmed)))
    assert [problem.code for problem in found] == ([code] if code else [])


@pytest.mark.parametrize(("day", "late"), [(140, "N"), (141, "Y")])
def test_an_event_after_two_missed_scans_is_flagged_and_censored_in_the_sensitivity(day, late):
    seen = scans((42, "SD"), (day, "PD"))
    assert run(seen).loc["PFS2", ["aval_days", "cnsr", "late_event"]].tolist() == [day + 1, 0, late]
    row = run(seen, function=sensitivity_times).loc["PFS2_MISSED"]
    assert (row["aval_days"], row["cnsr"]) == ((43, 4) if late == "Y" else (day + 1, 0))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"death_day": 99.0}, (100, 0, "DEATH")),
        ({"death_day": 99.0, "new_therapy_day": 50.0}, (100, 0, "DEATH")),
        ({"last_alive_day": 200.0}, (201, 1, "LAST KNOWN ALIVE")),
        ({"last_alive_day": 500.0}, (401, 1, "END OF FOLLOW-UP")),
        ({"last_alive_day": np.nan}, (43, 1, "LAST CONTACT")),  # the scan, not the data cut
    ],
)
def test_os(cells, expected):
    row = run(scans((42, "SD")), **cells).loc["OS"]
    assert (row["aval_days"], row["cnsr"], row["cnsdtdsc"] if row["cnsr"] else row["evntdesc"]) == expected


def test_os_without_any_contact_ends_on_day_one():
    assert run(None, last_alive_day=np.nan).loc["OS", ["aval_days", "cnsr", "cnsdtdsc"]].tolist() == [
        1, 1, "DAY OF ILDR",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cause", "cnsr", "other_way"),
    [("CANCER", 0, 0), ("UNKNOWN", 0, 2), (np.nan, 0, 2), ("OTHER", 2, 2), ("TREATMENT", 2, 2)],
)
def test_css_and_its_sensitivity(cause, cnsr, other_way):
    cells = {"death_day": 99.0, "death_cause": cause}
    row = run(None, **cells).loc["CSS"]
    assert (row["aval_days"], row["cnsr"]) == (100, cnsr)
    assert run(None, function=sensitivity_times, **cells).loc["CSS_UNKNOWN", "cnsr"] == other_way
    assert run(None, settings=ClinicalSettings(css_unknown="other"), **cells).loc["CSS", "cnsr"] == other_way
    causes = competing_causes(times=run(None, **cells).reset_index())
    assert causes["cause"].tolist() == [1 if cnsr == 0 else 2]


def test_dates_duration_and_study_days():
    row = run(scans((42, "PD"))).loc["PFS2"]
    assert (row["start_date"], row["adt"], row["aval_days"]) == ("2026-01-01", "2026-02-12", 43)
    table = time_to_event(
        patients=patients(ildr_date="1"), timepoints=scans((42, "PD")), progressions=None,
        cut=pd.Series({"P1": 99.0}), settings=ClinicalSettings(), dates="study_day",
    )  # fmt: skip
    assert table.set_index("paramcd").loc["PFS2", "adt"] == "43"


def test_patients_without_ildr_have_no_times_and_order_is_fixed():
    two = pd.concat([patients(), patients(ildr_date=np.nan).rename(index={"P1": "P0"})])
    table = time_to_event(
        patients=two, timepoints=scans(), progressions=None, cut=pd.Series(dtype=float), settings=ClinicalSettings(),
        dates="iso",
    )  # fmt: skip
    assert table[["patient_id", "paramcd"]].to_numpy().tolist() == [["P1", name] for name in ("PFS2", "OS", "CSS")]

"""Figures of the clinical arm: same bytes, no network, nothing executed, no empty plot, and the numbers they say."""

import json
import re

import pandas as pd
import pytest

from gutaxis.clinical import figures
from gutaxis.clinical.figure_frame import RESPONSE_COLORS
from gutaxis.clinical.figure_page import read_spec
from gutaxis.clinical.settings import ClinicalSettings
from gutaxis.clinical.survival import number_at_risk

pytestmark = pytest.mark.unit
SETTINGS = ClinicalSettings()
NASTY = """<script>alert("x")</script> & 'P' </script><img src=x onerror=alert(1)>"""


def patients(*names: str, **columns) -> pd.DataFrame:
    return pd.DataFrame({"new_therapy_day": float("nan"), **columns}, index=pd.Index(names, name="patient_id"))


def best(**bor: str) -> pd.DataFrame:
    return pd.DataFrame({"patient_id": list(bor), "reader": "INVESTIGATOR", "bor": list(bor.values())})


def courses(*rows: tuple[str, str, str, float, float, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["patient_id", "lesion_id", "field", "day", "tenths", "base"])
    return table.assign(pct_change=100 * (table["tenths"] - table["base"]) / table["base"])


def timepoints(*rows: tuple[str, float, float, str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["patient_id", "day", "pct_change_baseline", "overall_response"])
    return table.assign(reader="INVESTIGATOR", targets_missing=0)


def times(paramcd: str, **rows: tuple[int, int]) -> pd.DataFrame:
    return pd.DataFrame(
        [(patient, paramcd, days, cnsr) for patient, (days, cnsr) in rows.items()],
        columns=["patient_id", "paramcd", "aval_days", "cnsr"],
    )


def events(*rows: tuple[str, str, float | None, int, str, str]) -> pd.DataFrame:
    names = ["patient_id", "term", "grade", "start_day", "rel_ildr", "rel_ici"]
    return pd.DataFrame(rows, columns=names).assign(trtemfl="Y")


LESIONS = courses(
    ("P1", "T1", "N", 42, 200, 400),
    ("P1", "T2", "Y", 42, 150, 200),
    ("P2", "T1", "N", 42, 500, 400),
    ("P3", "T1", "U", 42, 400, 400),
)
BEST = best(P1="PR", P2="PD", P3="SD", P4="MISSING")
POINTS = timepoints(("P1", 42, -40.0, "PR"), ("P1", 84, -50.0, "PR"), ("P2", 42, 25.0, "PD"))
OS = times("OS", P1=(200, 1), P2=(80, 0), P3=(150, 0), P4=(30, 1))
ALL_TIMES = pd.concat(
    [
        OS,
        times("CSS", P1=(200, 1), P2=(80, 0), P3=(150, 2), P4=(30, 1)),
        times("PFS2", P1=(85, 1), P2=(43, 0), P3=(150, 0), P4=(1, 3)),
    ]
)
EVENTS = events(
    ("P1", "Diarrhea", 1, 3, "RELATED", "NOT RELATED"),
    ("P1", "Diarrhea", 3, 20, "RELATED", "NOT RELATED"),
    ("P2", "Diarrhea", None, 5, "RELATED", "RELATED"),
    ("P2", "Fatigue", 2, 5, "NOT RELATED", "NOT RELATED"),
    ("P3", "Colitis", 4, 300, "NOT RELATED", "RELATED"),
)
ABSCOPAL = pd.DataFrame(
    [
        ("P1", "T1", "LIVER", "Y", "Y", -50.0),
        ("P2", "T1", "LUNG", "Y", "N", 25.0),
        ("P3", "T1", "LUNG", "N", "NE", 0.0),
    ],
    columns=["patient_id", "lesion_id", "organ", "evaluable", "responding", "best_pct_change"],
)
FOUR = patients("P1", "P2", "P3", "P4")

CHARTS = {
    "waterfall": lambda: figures.waterfall(courses=LESIONS, best_response=BEST, settings=SETTINGS),
    "spider": lambda: figures.spider(patients=FOUR, timepoints=POINTS, best_response=BEST, settings=SETTINGS),
    "swimmer": lambda: figures.swimmer(
        patients=FOUR, timepoints=POINTS, best_response=BEST, time_to_event=ALL_TIMES, settings=SETTINGS
    ),
    "pfs2": lambda: figures.survival_figure(time_to_event=ALL_TIMES, paramcd="PFS2", settings=SETTINGS),
    "os": lambda: figures.survival_figure(
        time_to_event=ALL_TIMES,
        paramcd="OS",
        settings=SETTINGS,
        groups=pd.Series({"P1": "LUNG", "P2": "LUNG", "P3": "OTHER", "P4": "OTHER"}),
    ),
    "incidence": lambda: figures.incidence_figure(time_to_event=ALL_TIMES),
    "abscopal": lambda: figures.abscopal_figure(lesions=ABSCOPAL, patients=FOUR, settings=SETTINGS),
    "adverse_events": lambda: figures.adverse_events_figure(events=EVENTS, safety=list(FOUR.index), week=24),
}
EMPTY_CHARTS = {
    "waterfall": lambda: figures.waterfall(courses=LESIONS[:0], best_response=BEST, settings=SETTINGS),
    "spider": lambda: figures.spider(patients=FOUR, timepoints=POINTS[:0], best_response=BEST, settings=SETTINGS),
    "swimmer": lambda: figures.swimmer(
        patients=FOUR, timepoints=POINTS, best_response=BEST, time_to_event=ALL_TIMES[:0], settings=SETTINGS
    ),
    "pfs2": lambda: figures.survival_figure(time_to_event=OS, paramcd="PFS2", settings=SETTINGS),
    "incidence": lambda: figures.incidence_figure(time_to_event=OS),
    "abscopal": lambda: figures.abscopal_figure(lesions=ABSCOPAL[2:], patients=FOUR, settings=SETTINGS),
    "adverse_events": lambda: figures.adverse_events_figure(events=EVENTS[:0], safety=["P1"], week=24),
    "nobody_treated": lambda: figures.adverse_events_figure(events=EVENTS, safety=[], week=24),
}


def text_of(chart) -> str:
    title = figures.chart_spec(chart=chart)["title"]
    return " | ".join([title["text"], *title.get("subtitle", [])])


def data_of(chart) -> list[dict]:
    return [row for rows in figures.chart_spec(chart=chart)["datasets"].values() for row in rows]


@pytest.mark.parametrize("name", CHARTS)
def test_same_table_same_bytes_and_no_network(tmp_path, name):
    for turn in ("a", "b"):
        figures.save_figure(chart=CHARTS[name](), svg=tmp_path / f"{turn}.svg", html=tmp_path / f"{turn}.html")
    for kind in ("svg", "html"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    page = (tmp_path / "a.html").read_text()
    assert "default-src 'none'" in page
    markup = re.sub(r"(<script[^>]*>).*?</script>", r"\1", page, flags=re.DOTALL)
    assert not re.search(r"\b(src|href)=", markup)
    assert not re.search(r"\b(import|from)\s*[\"']https?:", page)
    assert page.count("</script") == 4
    drawn = figures.chart_spec(chart=CHARTS[name]())
    assert json.loads(json.dumps(read_spec(html=tmp_path / "a.html"))) == json.loads(json.dumps(drawn))
    svg = (tmp_path / "a.svg").read_text()
    assert svg.startswith("<svg")
    assert len(re.findall(r"<path|<line|<text", svg)) > 15
    assert "NaN" not in svg


@pytest.mark.parametrize("name", CHARTS)
def test_every_figure_says_how_many_it_shows(name):
    assert "n = " in text_of(CHARTS[name]())


@pytest.mark.parametrize("name", EMPTY_CHARTS)
def test_an_empty_figure_says_why(tmp_path, name):
    chart = EMPTY_CHARTS[name]()
    figures.save_figure(chart=chart, svg=tmp_path / "a.svg", html=tmp_path / "a.html")
    assert "Nothing to show: " in (tmp_path / "a.svg").read_text()


def test_data_are_shown_and_never_run(tmp_path):
    nasty = events(("P1", NASTY, 2, 3, "RELATED", "RELATED"))
    chart = figures.adverse_events_figure(events=nasty, safety=["P1"], week=12)
    figures.save_figure(chart=chart, svg=tmp_path / "a.svg", html=tmp_path / "a.html")
    svg, page = (tmp_path / "a.svg").read_text(), (tmp_path / "a.html").read_text()
    assert "<script" not in svg
    assert "<img" not in svg
    assert "&lt;script&gt;" in svg
    assert "<img src=x" not in page
    assert 'alert("x")' not in page
    assert page.count("</script") == 4
    assert any(row.get("term") == NASTY for row in data_of(chart))


def test_waterfall_keeps_the_fields_apart_and_names_the_missing():
    chart = CHARTS["waterfall"]()
    spec = figures.chart_spec(chart=chart)
    assert [panel["title"]["text"] for panel in spec["hconcat"]] == [
        "Outside the field",
        "In the field of ILDR",
        "Field not known",
    ]
    assert "n = 3 of 4 patients. Not shown: 1 without a target lesion" in text_of(chart)


def test_field_changes_need_every_lesion_of_the_field():
    table = courses(
        ("P1", "T1", "N", 42, 100, 200),
        ("P1", "T2", "N", 42, 300, 200),
        ("P1", "T1", "N", 84, 10, 200),  # T2 was not measured: the sum would look far too small
        ("P1", "T3", "Y", 42, 150, 200),
    )
    found = figures.field_changes(courses=table)
    assert found["field"].tolist() == ["N", "Y"]
    assert found["best_pct_change"].tolist() == [0.0, -25.0]
    assert found["n_lesions"].tolist() == [2, 1]


def test_lesion_courses_stop_at_the_next_therapy():
    lesions = pd.DataFrame(
        {
            "patient_id": "P1",
            "lesion_id": ["T1", "NT1"],
            "category": ["TARGET", "NON-TARGET"],
            "is_node": "N",
            "organ": "LUNG",
            "irradiated": [None, "N"],
        }
    )
    rows = [("T1", -5, 40.0), ("T1", 42, 30.0), ("T1", 84, 10.0), ("NT1", 42, 10.0)]
    measurements = pd.DataFrame(rows, columns=["lesion_id", "assess_day", "value_mm"]).assign(
        patient_id="P1", state="MEASURED", axis="LDIAM", reader="INVESTIGATOR"
    )
    measurements["assess_date"] = measurements["assess_day"].astype(str)
    found = figures.lesion_courses(
        patients=patients("P1", new_therapy_day=84.0), lesions=lesions, measurements=measurements, settings=SETTINGS
    )
    assert found[["lesion_id", "field", "day", "pct_change"]].to_numpy().tolist() == [["T1", "U", 42.0, -25.0]]


def test_swimmer_marks_progression_and_death_once():
    rows = [row for row in data_of(CHARTS["swimmer"]()) if "what" in row]
    found = sorted((row["patient_id"], row["what"]) for row in rows)
    assert found == [
        ("P1", "Alive at last contact"),
        ("P1", "Response"),
        ("P2", "Death"),
        ("P2", "Progression"),
        ("P3", "Death"),  # PFS2 ended with the death: no progression
        ("P4", "Alive at last contact"),
    ]


def test_numbers_at_risk_and_median_are_those_of_the_table():
    chart = CHARTS["pfs2"]()
    risk = {row["weeks"]: row["n"] for row in data_of(chart) if "n" in row}
    at = [0.0, 6.0, 12.0]
    expected = number_at_risk(time=[85, 43, 150, 1], at=[week * 7 + 1 for week in at])
    assert [risk[week] for week in at] == expected.tolist() == [4, 3, 2]
    assert "All: n = 4, 2 events, median" in text_of(chart)


def test_incidence_counts_deaths_by_cause():
    assert "Deaths from cancer: 1, of other causes: 1" in text_of(CHARTS["incidence"]())


def test_abscopal_counts_evaluable_lesions_only():
    text = text_of(CHARTS["abscopal"]())
    assert "n = 2 of 4 patients. Not shown: 2 without an evaluable lesion" in text
    assert "1 of 2 lesions in 1 patients shrank by 30 % or more" in text


def test_adverse_events_count_each_patient_once_at_the_worst_grade():
    chart = CHARTS["adverse_events"]()
    rows = {(row["component"], row["term"], row["grade"]): row["k"] for row in data_of(chart)}
    assert rows == {
        ("Related to ILDR", "Diarrhea", "3"): 1,
        ("Related to ILDR", "Diarrhea", "not recorded"): 1,
        ("Related to the antibody", "Diarrhea", "not recorded"): 1,
    }
    assert "Grade 3 or more in 1 (25.0 %)" in text_of(chart)


def test_a_figure_of_thousands_is_drawn(tmp_path):
    names = [f"P{number}" for number in range(2000)]
    table = courses(*((name, "T1", "N", 42, 300 + place % 300, 400) for place, name in enumerate(names)))
    chart = figures.waterfall(courses=table, best_response=best(**dict.fromkeys(names, "SD")), settings=SETTINGS)
    figures.save_figure(chart=chart, svg=tmp_path / "a.svg", html=tmp_path / "a.html")
    assert "n = 2000 of 2000 patients" in (tmp_path / "a.svg").read_text()


def test_colors_are_distinct_and_leave_the_data_alone():
    assert len(set(RESPONSE_COLORS.values())) == len(RESPONSE_COLORS)
    before = LESIONS.copy()
    json.dumps(figures.chart_spec(chart=CHARTS["waterfall"]()))
    pd.testing.assert_frame_equal(LESIONS, before)

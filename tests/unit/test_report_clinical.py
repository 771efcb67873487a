"""Who was treated, did it work, is it safe: sentences equal the tables, what is missing is said, names are words."""

import dataclasses
import json

import altair as alt
import pandas as pd
import pytest
import vl_convert
from tests.report_folder import HOSTILE, charts, checked_page, put, results_of, tables, words

from gutaxis.clinical.figure_frame import chart_spec, empty_figure
from gutaxis.clinical.figure_page import SPEC_OPEN, script_json
from gutaxis.clinical.intervals import clopper_pearson
from gutaxis.clinical.outputs import FIGURES
from gutaxis.report.items import Absent
from gutaxis.report.safe import SAFE
from gutaxis.report.treated import TREATED
from gutaxis.report.worked import WORKED

pytestmark = pytest.mark.unit

IDS = ["P1", "P2", "P3", "P4", "P5", "007"]
COHORT = dict.fromkeys(IDS[:3], "LUNG") | dict.fromkeys(IDS[3:], HOSTILE)
READER = {"reader": "INVESTIGATOR"}
WEEKS = (6, 12)
NOT_DRAWN = "This run does not make it."


def rate(k, n):
    found = clopper_pearson(k=k, n=n)
    return {"rate": k / n if n else None, "ci_low": found.low if n else None, "ci_high": found.high if n else None}


def sheets(root):
    patients = pd.DataFrame({
        "patient_id": IDS, "cohort": [COHORT[one] for one in IDS], "age": [50, 60, 70, 55, None, 65],
        "sex": ["F", "M", "F", None, "M", "M"], "bmi": [20.5, 21.5, 22.5, 23.5, 24.5, 25.5], "ecog": [0, 1, 1, 0, 2, 1],
        "tumor_type": [HOSTILE, *["NSCLC"] * 5], "liver_mets": list("YNYNNN"), "smoking": [None] * 6,
        "new_therapy_day": [None, 40, *[None] * 4],
    })  # fmt: skip
    put(root, "clinical/cohort/patients.tsv", patients)
    grid = [
        {"patient_id": one, "assay": assay, "material": material, "pre": "a", "post": "b",
         "status": "PRE_ONLY" if one == "P2" else "PAIRED", "reason": HOSTILE if one == "P2" else None}
        for one in IDS for assay, material in (("MGX", "STOOL"), ("METAB", "ANY"))
    ]  # fmt: skip
    put(root, "clinical/completeness.tsv", pd.DataFrame(grid))
    samples = [{"sample_id": f"{one}_S", "control": "N", "qc": "FAIL" if one == "P3" else "PASS"} for one in IDS]
    samples.append({"sample_id": "BLANK", "control": "BLANK", "qc": "PASS"})
    put(root, "clinical/cohort/samples.tsv", pd.DataFrame(samples))


def sets(root):
    rows = pd.DataFrame({"patient_id": IDS, "SAF": "Y", "FAS": "Y", "EVAL": "Y", "PP": "Y"})
    rows["reason_SAF"] = rows["reason_FAS"] = rows["reason_EVAL"] = rows["reason_PP"] = None
    rows.loc[5, ["FAS", "reason_FAS"]] = ["N", "ILDR dose: 2 Gy"]
    rows.loc[5, ["EVAL", "reason_EVAL", "PP", "reason_PP"]] = ["N", "not in FAS", "N", "not in FAS"]
    put(root, "clinical/analysis_sets.tsv", rows)
    criteria = [(one, "PRIOR_ICB", "N" if one == "P4" else "Y") for one in IDS] + [("P1", "NO_INFECTION", "NA")]
    put(root, "clinical/eligibility.tsv", pd.DataFrame(criteria, columns=["patient_id", "criterion", "met"]))


def rates(root):
    own = {"analysis_set": "FAS", "pending": 0, "n_ne": 1, "ci_method": "Clopper-Pearson 95%", **READER}
    rows = [
        {"endpoint": endpoint, "week": week, "cohort": cohort, "n": n, "n_reached": n, "k": k, **rate(k, n), **own}
        for endpoint in ("ORR", "DCR") for week in WEEKS
        for cohort, k, n in (("LUNG", 1, 3), (HOSTILE, 0, 2), ("ALL", 1, 5))
    ]  # fmt: skip
    put(root, "clinical/response_rates.tsv", pd.DataFrame(rows))
    abscopal = [
        {"endpoint": endpoint, "week": week, "cohort": cohort, "n": n, "k": k, **rate(k, n), "pending": 0,
         "ci_method": "exact", "n_patients": n, "n_reached": 5}
        for endpoint in ("ABSCOPAL", "LESION") for week in WEEKS for cohort, k, n in (("LUNG", 2, 3), ("ALL", 2, 3))
    ]  # fmt: skip
    put(root, "clinical/abscopal_rates.tsv", pd.DataFrame(abscopal))
    put(root, "clinical/best_response.tsv", pd.DataFrame({
        "patient_id": IDS, "bor": ["PR", "SD", "PD", "PD", "NE", "SD"], "cbor": ["PR", "SD", "PD", "PD", "NE", "SD"],
        "response": ["R", "NR", "NR", "NR", None, "NR"], "reason": HOSTILE, **READER,
    }))  # fmt: skip
    put(root, "clinical/recist_timepoints.tsv", pd.DataFrame([
        {"patient_id": one, "day": day, "pct_change_baseline": change, "targets_missing": missing, **READER}
        for one, day, change, missing in (("P1", 42, -40.0, 0), ("P2", 42, 10.0, 0), ("P3", 42, 30.0, 1))
    ]))  # fmt: skip


def lesions(root, *, evaluable="Y"):
    put(root, "clinical/abscopal_lesions.tsv", pd.DataFrame({
        "patient_id": ["P1", "P1", "P2"], "lesion_id": ["T01", "T02", HOSTILE], "organ": ["LIVER", HOSTILE, "LUNG"],
        "category": "TARGET", "irradiated": ["N", "Y", "N"], "evaluable": [evaluable, "N", evaluable],
        "responding": ["Y", "NE", "N"], "confirmed": ["Y", "NE", "N"], "best_pct_change": [-45.25, -20.0, 12.5],
        "reason": [None, "IRRADIATED", None],
    }))  # fmt: skip


def survival(root, *, known=True):
    days = [30, 60, 90, 120, None, 150] if known else [None] * 6
    put(root, "clinical/time_to_event.tsv", pd.DataFrame([
        {"patient_id": one, "paramcd": name, "aval_days": day, "cnsr": 0 if one == "P1" and known else 1}
        for name in ("PFS2", "OS", "CSS") for one, day in zip(IDS, days, strict=True)
    ]))  # fmt: skip
    low, high = {"ci_low": 0.1, "ci_high": 0.9}, {"ci_low": None, "ci_high": None}
    last = {"median_ci_low": None, "median_ci_high": None, "follow_up_median": 100}
    put(root, "clinical/survival_rates.tsv", pd.DataFrame([
        {"paramcd": name, "week": week, "cohort": "ALL", "n_at_risk": 4 - place, "n": 5, "n_events": 1,
         "rate": None if place else 0.8, **(high if place else low), "median": None if name == "OS" else 88, **last,
         **({"median_ci_low": 30} if name == "PFS2" else {})}
        for name in ("PFS2", "PFS2_MISSED", "OS", "CSS", "CSS_UNKNOWN") for place, week in enumerate((6, 48))
    ]))  # fmt: skip
    put(root, "clinical/cumulative_incidence.tsv", pd.DataFrame([
        {"paramcd": "CSS", "cause": cause, "week": 24, "cohort": "ALL", "n_at_risk": 3, "n": 5, "n_events": 1,
         "incidence": 0.2, **low} for cause in ("CANCER", "OTHER")
    ]))  # fmt: skip
    put(root, "clinical/survival_curves.tsv", pd.DataFrame([
        {"paramcd": name, "cohort": cohort, "time": time, "survival": 1 - time / 100, "ci_low": None, "ci_high": None,
         "n_risk": 5, "n_event": 1, "n_censor": 1}
        for name in ("PFS2", "OS", "CSS") for cohort in ("LUNG", HOSTILE, "ALL") for time in (30, 60)
    ]))  # fmt: skip


def events(root):
    own = {"cohort": "ALL", "n": 6, "ci_method": "exact", "n_reached": 5}
    rows = [
        {"week": week, "component": component, "level": "OVERALL", "soc": None, "term": None, "category": category,
         "k": 2 if category == "ANY_GRADE" else 0, **rate(2 if category == "ANY_GRADE" else 0, 6), **own}
        for week in (12, 24) for component in ("ANY", "ILDR", "ICI", "ALL_CAUSES")
        for category in ("ANY_GRADE", "GRADE_GE3", "SERIOUS", "IRAE", "GRADE_1")
    ]  # fmt: skip
    rows += [
        {"week": 24, "component": "ANY", "level": "TERM", "soc": soc, "term": term, "category": category, "k": k,
         **rate(k, 6), **own}
        for soc, term, category, k in (
            ("GI", HOSTILE, "ANY_GRADE", 2), ("GI", HOSTILE, "GRADE_2", 2), (None, "Rash", "ANY_GRADE", 1),
        )
    ]  # fmt: skip
    put(root, "clinical/adverse_events.tsv", pd.DataFrame(rows))
    put(root, "clinical/adverse_events_long.tsv", pd.DataFrame({
        "patient_id": ["P1", "P2", "P3"], "term": HOSTILE, "grade": [2, 2, None], "trtemfl": ["Y", "Y", "N"],
        "fatal": "N",
    }))  # fmt: skip


def figures(root, *, empty=()):
    """Draw the pages of the arm with one point, or with the words of an empty figure."""
    point = alt.Chart(pd.DataFrame({"x": [1.23456789]})).mark_point().encode(x="x:Q")
    for name in FIGURES:
        chart = empty_figure(title=name, reason="nobody was measured") if name in empty else point
        path = root / f"clinical/figures/{name}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        # a page of save_figure without its megabyte of JavaScript
        path.write_text(f"{SPEC_OPEN}{script_json(value=chart_spec(chart=chart))}</script>", encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "results"
    for make in (sheets, sets, rates, lesions, survival, events, figures):
        make(root)
    return root


def results(root):
    found = results_of(root, layers=())
    return dataclasses.replace(found, settings={**found.settings, **READER})


def built(root, key):
    item = next(one for one in (*TREATED, *WORKED, *SAFE) if one.key == key)
    return item.build(results(root))


def said(made):
    return words([*made.findings, *made.counted])


def test_every_number_of_the_page_stands_in_its_table_and_names_are_only_words(folder, tmp_path):
    page = checked_page(results(folder), [*TREATED, *WORKED, *SAFE], tmp_path)
    assert [item.key for item in (*TREATED, *WORKED, *SAFE)] == ["T1", "T2", "T3", "F1", "F2", "F3", "F4", "F5", "T4"]
    assert page.count("data-item=") >= 9


def test_every_new_chart_is_drawn(folder):
    drawn = 0
    for item in (*TREATED, *WORKED, *SAFE):
        for title, chart in charts(item.build(results(folder))).items():
            if not isinstance(chart, dict):
                assert "<svg" in vl_convert.vegalite_to_svg(json.dumps(chart_spec(chart=chart))), title
                drawn += 1
    assert drawn == 6  # flow, grid, rates, PFS2 and OS by cohort, events by week


def test_flow_says_who_is_left_out_and_why(folder):
    lines = said(built(folder, "T1"))
    assert lines[0].startswith("Of 6 patients in the sheets, 6 received ILDR (safety set), 5 at the dose of the trial")
    assert "METAB: 5 of 6 patients have a sample before and after treatment; 1 with PRE only." in lines
    assert "Not in FAS: 1 (ILDR dose: 2 Gy)." in lines
    assert "6 samples of patients, 1 of them did not pass quality control; 1 controls." in lines
    assert any(line.startswith("Criteria of eligibility: 1 violations in 1 patients; 1 answers") for line in lines)
    assert set(tables(built(folder, "T1"))["Patients without a pair of samples"]["Patient"]) == {"P2"}


def test_given_response_has_no_sets_and_no_endpoint_and_says_why(tmp_path):
    root = tmp_path / "results"
    sheets(root)
    assert f"6 patients are in the sheets. {NOT_DRAWN}" in said(built(root, "T1"))
    for key in ("T3", "F1", "F2", "F3", "F4", "F5", "T4"):
        made = built(root, key)
        assert isinstance(made, Absent), key
        assert made.why == NOT_DRAWN


def test_baseline_counts_only_what_is_known(folder):
    made = built(folder, "T2")
    lines = said(made)
    assert "Age: median 60 years (50 to 70)." in lines
    assert "Of the patients of whom it is known: women 2 of 5 and liver metastases 2 of 6." in lines
    assert "Not recorded for anybody: Smoking." in lines
    rows = next(iter(tables(made).values())).set_index(["Property", "Level"])
    assert rows.loc[("Age in years", "median [range]"), "All patients (n = 6)"] == "60 [50 to 70]"
    assert rows.loc[("Age in years", "not known"), f"{HOSTILE} (n = 3)"] == "1 (33 %)"
    assert rows.loc[("Sex", "F"), "LUNG (n = 3)"] == "2 (67 %)"
    assert rows.loc[("Sex", "not known"), "All patients (n = 6)"] == "1 (17 %)"
    assert rows.loc[("Liver metastases", "yes"), "LUNG (n = 3)"] == "2 (67 %)"
    assert rows.loc[("ECOG performance status", "1"), "All patients (n = 6)"] == "3 (50 %)"


def test_baseline_of_one_cohort_without_a_name_has_one_column(tmp_path):
    root = tmp_path / "results"
    put(root, "clinical/cohort/patients.tsv", pd.DataFrame({"patient_id": IDS, "cohort": 1, "age": range(50, 56)}))
    rows = next(iter(tables(built(root, "T2")).values()))
    assert list(rows.columns) == ["Property", "Level", "All patients (n = 6)"]


def test_rates_are_told_with_exact_interval_denominator_and_cohorts(folder):
    lines = said(built(folder, "T3"))
    low, high = (f"{100 * rate(1, 5)[name]:.0f} %" for name in ("ci_low", "ci_high"))
    part = f"1 of 5 (20 %, 95 % interval {low} to {high})"
    assert f"Objective response (primary endpoint), all patients: week 6: {part}; week 12: {part}." in lines
    assert any("by cohort in the last week: from 0 % to 33 %" in line for line in lines)
    assert any(
        line.startswith("Week 6: 5 of 5 patients of the primary set were followed so long; 1 of") for line in lines
    )
    table = tables(built(folder, "T3"))["Rates at the landmark weeks"]
    assert HOSTILE in set(table["Cohort"])
    assert table.loc[(table["Endpoint"] == "Abscopal effect") & (table["Cohort"] == "All patients"), "Of"].tolist() == [
        3,
        3,
    ]


def test_rates_of_nobody_are_refused_with_a_reason(folder):
    for name in ("response_rates", "abscopal_rates"):
        path = folder / f"clinical/{name}.tsv"
        path.write_text(path.read_text().splitlines()[0] + "\n")
    assert "there is no rate" in built(folder, "T3").why


def test_waterfall_says_best_responses_and_both_fields(folder):
    lines = said(built(folder, "F1"))
    assert "Best response of 6 patients, confirmed or not: PR in 1, SD in 2, PD in 2 and NE in 1." in lines
    minus = "\N{MINUS SIGN}20"
    inside = f"Target lesions in the field of ILDR: best change median {minus} % ({minus} to {minus}) in 1 lesions"
    assert any(line.startswith(inside) for line in lines)
    assert "2 of 6 patients have a target lesion measured before and after ILDR." in lines


def test_an_empty_figure_is_words_and_no_plot(folder):
    figures(folder, empty=("waterfall", "spider", "swimmer"))
    made = built(folder, "F1")
    assert charts(made) == {}
    assert any("nobody was measured" in line for line in said(made))
    assert "nobody was measured" in built(folder, "F2").why


def test_courses_leave_out_incomplete_scans_and_name_the_next_therapy(folder):
    lines = said(built(folder, "F2"))
    assert lines[0].startswith("2 scans after ILDR: change of the sum median \N{MINUS SIGN}15 %")
    assert "2 of 6 patients have a scan after ILDR that shows every target lesion." in lines
    assert any("scans from then on are not drawn: 1." in line for line in lines)


def test_survival_says_what_nobody_reached(folder):
    pfs2 = said(built(folder, "F3"))
    assert pfs2[0].endswith(
        "week 6: 80 % (95 % interval 10 % to 90 %; 4 at risk); week 48: nobody was followed so long."
    )
    assert pfs2[1] == "PFS2: events 1, patients 5; median 88 days (95 % interval 30 days to not reached)."
    assert any(line.startswith("n = 5 patients with a known time; 1 without; 4 censored.") for line in pfs2)
    other = said(built(folder, "F4"))
    assert "OS: events 1, patients 5; median not reached (no interval can be estimated)." in other
    assert any(line.startswith("Deaths from cancer, cumulative incidence: week 24: 20 %") for line in other)
    survival(folder, known=False)
    assert isinstance(built(folder, "F3"), Absent)
    assert isinstance(built(folder, "F4"), Absent)


def test_curves_start_at_one_in_week_zero_for_every_cohort(folder):
    chart = charts(built(folder, "F3"))["By cohort (the interval stands in the tooltip)"]
    rows = pd.DataFrame(next(iter(chart_spec(chart=chart)["datasets"].values())))
    start = rows[rows["weeks"] == 0]
    assert sorted(start["cohort"]) == sorted(["LUNG", HOSTILE, "All patients"])
    assert (start["survival"] == 1).all()


def test_lesions_count_lesions_patients_and_why_others_are_not_evaluable(folder):
    lines = said(built(folder, "F5"))
    assert lines[0].startswith("1 of 2 evaluable lesions outside the field shrank")
    assert "in 1 of 2 patients with such a lesion" in lines[0]
    assert "n = 3 lesions; not evaluable: 1 irradiated." in lines
    assert any(line.endswith("interval: exact.") for line in lines)
    lesions(folder, evaluable="N")
    assert "No lesion outside the field" in built(folder, "F5").why


def test_adverse_events_tell_shares_terms_and_lower_bounds(folder):
    made = built(folder, "T4")
    lines = said(made)
    assert "week 12: 2 of 6 (33 %, 95 % interval 4 % to 78 %)" in lines[0]
    assert f"Most frequent of 2 related terms: {HOSTILE} (2 patients) and Rash (1 patients)." in lines
    assert any("began before ILDR are not counted: 1" in line and "lower bounds" in line for line in lines)
    table = tables(made)["Adverse events by term and worst grade, by week 24"].set_index("Term")
    assert table.loc[HOSTILE, "Grade 2, patients"] == 2
    assert table.loc["Rash", "System organ class"] == "NOT CODED"

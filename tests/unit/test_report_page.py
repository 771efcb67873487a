"""The frame of the report: numbers that say where they come from, tables, charts, nothing executed."""

import json
import re

import altair as alt
import pandas as pd
import pytest
from markupsafe import Markup
from selenium.webdriver.common.keys import Keys
from tests import browser
from tests.report_numbers import check_numbers, loose_digits
from tests.workflow.conftest import ROOT

from gutaxis.report import numbers
from gutaxis.report.absence import absence_reasons
from gutaxis.report.items import SECTIONS, Absent, Content, Figure, Item, Table
from gutaxis.report.page import Look, write_page
from gutaxis.report.sources import Results, layer_room, relative_names

pytestmark = pytest.mark.unit

HOSTILE = "<script>window.bad = 1</script>\"Ünïcode\" & 'q'"
LOOK = Look(**{name: ROOT / f"resources/report/page.{end}" for name, end in
               (("template", "html.j2"), ("style", "css"), ("script", "js"))})  # fmt: skip


@pytest.fixture
def results(tmp_path):
    table = pd.DataFrame(
        {
            "feature": ["007", HOSTILE, "c"],
            "estimate": [0.5, -1.25, None],
            "q": [0.02, 0.3, None],
            "n": [12, 12, 0],
        }
    )
    path = tmp_path / "differential/taxa/change.tsv"
    path.parent.mkdir(parents=True)
    path.write_text("# a comment\n# another\n" + table.to_csv(sep="\t", index=False, na_rep="NA"))
    return Results(
        root=tmp_path,
        files=relative_names(root=tmp_path, paths=[path]),
        absent={"clinical/*": "No scans.", "*": "Not made."},
        settings={"simulated": True},
    )


SOURCE = "differential/taxa/change.tsv"


def content(results):
    found = numbers.sentence(
        "{n} of {all} features; {name}: {estimate} (q {q}).",
        n=numbers.total(results=results, source=SOURCE, where=[("q", "<", 0.1)]),
        all=numbers.total(results=results, source=SOURCE),
        name=HOSTILE,
        estimate=numbers.cell(
            results=results, source=SOURCE, where=[("feature", "==", HOSTILE)], column="estimate", style="signed"
        ),
        q=numbers.cell(results=results, source=SOURCE, where=[("feature", "==", "007")], column="q", style="p"),
    )
    rows = results.table(SOURCE)
    chart = alt.Chart(rows).mark_point().encode(x="estimate:Q", y="feature:N", tooltip=["feature:N"])
    return Content(
        findings=[found],
        counted=[
            numbers.sentence("{n} patients.", n=numbers.total(results=results, source=SOURCE, what="max", column="n"))
        ],
        blocks=[
            Figure(title=f"Effects of {HOSTILE}", chart=chart, source=SOURCE),
            Table(title="Features", rows=rows, source=SOURCE, filters=["feature"]),
        ],
    )  # fmt: skip


def page_of(results, tmp_path, build=content):
    output = tmp_path / "report/index.html"
    items = [
        Item(key="F1", title="A figure", section="worked", build=build),
        Item(key="T1", title="A table", section="treated", build=lambda found: Absent(why=found.why("clinical/x.tsv"))),
    ]
    methods = tmp_path / "methods.md"
    methods.write_text("# Methods\n\nWords <b>raw</b> and `code`.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    write_page(results=results, items=items, look=LOOK, output=output, title=f"T {HOSTILE}", methods=methods)
    return output


def test_numbers_carry_their_place_and_are_checked_against_the_table(results, tmp_path):
    page = page_of(results, tmp_path)
    assert check_numbers(page=page, root=tmp_path) == 5
    # a table that says something else is noticed
    path = tmp_path / SOURCE
    path.write_text(path.read_text().replace("-1.25", "-1.35"))
    with pytest.raises(AssertionError, match=r"1\.25"):
        check_numbers(page=page, root=tmp_path)


def test_a_digit_without_a_source_is_found(results, tmp_path):
    assert loose_digits(page=page_of(results, tmp_path)) == []
    typed = page_of(
        results, tmp_path, build=lambda found: Content(findings=[Markup("We saw 17 species.")], counted=[], blocks=[])
    )
    assert loose_digits(page=typed) == ["We saw 17 species."]


def test_same_results_give_the_same_bytes(results, tmp_path):
    assert page_of(results, tmp_path).read_bytes() == page_of(results, tmp_path).read_bytes()


def test_words_of_the_data_are_shown_and_not_executed(results, tmp_path):
    text = page_of(results, tmp_path).read_text()
    assert "<script>window.bad" not in text
    assert "<b>raw</b>" not in text
    assert "&lt;script&gt;window.bad = 1" in text


def test_absent_items_say_why_in_place(results, tmp_path):
    text = page_of(results, tmp_path).read_text()
    block = re.search(r'data-item="T1".*?</article>', text, re.DOTALL)[0]
    assert "Not shown." in block and "No scans." in block
    assert "<figure>" not in block


def test_ids_stay_text_and_missing_values_are_na(results):
    table = results.table(SOURCE)
    assert table["feature"].tolist()[0] == "007"
    assert numbers.formatted(value=table["q"].iloc[2], style="p") == "not estimable"
    assert results.header(SOURCE) == ["a comment", "another"]
    with pytest.raises(KeyError, match="no source"):
        results.table("other.tsv")


def test_conditions_that_do_not_single_out_one_row_are_refused(results):
    with pytest.raises(ValueError, match="3 rows"):
        numbers.cell(results=results, source=SOURCE, where=[], column="q", style="p")


@pytest.mark.parametrize(
    ("value", "style", "text"),
    [
        (0.00001, "p", "< 0.001"), (0.0123, "p", "0.012"), (0.256, "percent", "26 %"), (-0.004, "two", "\u22120.00"),
        (-1.256, "signed", "\u22121.26"), (1234.4, "integer", "1,234"), ("CR", "text", "CR"),
        (None, "two", "not estimable"),
    ],
)  # fmt: skip
def test_styles(value, style, text):
    assert numbers.formatted(value=value, style=style) == text


def test_totals(results):
    rows = results.table(SOURCE)
    assert numbers.total_value(rows=rows, what="distinct", column="n") == 2
    assert numbers.total_value(rows=rows, what="median", column="estimate") == pytest.approx(-0.375)
    with pytest.raises(ValueError, match="none of"):
        numbers.total_value(rows=rows, what="mean", column="n")


def test_enumerations_are_escaped():
    assert numbers.listed(["a", "b<", "c"]).striptags() == "a, b< and c"
    assert numbers.listed(["a"]) == Markup('<span class="name">a</span>')
    assert numbers.listed([]) == Markup("")


def test_a_bare_number_has_no_place_in_a_sentence():
    with pytest.raises(TypeError, match="17 is no word"):
        numbers.sentence("{n} species", n=17)


def test_every_layer_has_a_room():
    assert layer_room(name="blood_cells", arm="single_cell", source="cell_fractions", assay="SCRNA") == "blood"
    assert layer_room(name="tumor_programs", arm="single_cell", source="cell_programs", assay="SCRNA") == "tumor"
    assert layer_room(name="metabolites", arm="metabolome", source="metabolome", assay="METAB") == "plasma"
    assert layer_room(name="x", arm="config", source="metaphlan", assay=None) == "gut"
    assert layer_room(name="cytometry", arm="config", source="table", assay="FLOW") == "other"


def test_reasons_of_absence():
    full = {
        "recist": True, "adverse_events": True, "metagenome": True, "functions": True, "metabolome": True,
        "finished_tables": False, "tissues": ["blood", "tumor"], "layers": 9, "survival": True,
        "predicted": ["baseline"],
    }  # fmt: skip

    def why(name, **changes):
        return Results(root=None, files=frozenset(), absent=absence_reasons(**full | changes)).why(name)

    assert "RECIST" not in why("clinical/best_response.tsv")
    assert "lesion measurements" in why("clinical/best_response.tsv", recist=False)
    assert "adverse events" in why("clinical/adverse_events.tsv", adverse_events=False)
    assert "MGX" in why("metagenome/qc/metagenome_qc.tsv", metagenome=False)
    assert "TUMOR" in why("single_cell/tumor/figures/map.html", tissues=["blood"])
    assert "survival" in why("differential/taxa/survival.tsv", survival=False)
    assert "baseline" in why("prediction/post/performance.tsv")
    assert "Fewer than two" in why("integration/associations/baseline.tsv", layers=1)


@pytest.mark.browser
def test_page_in_a_browser(results, tmp_path):
    browser.need_browser()
    page = page_of(results, tmp_path)
    driver = browser.start_browser()
    try:
        browser.resize(driver, width=1280)
        driver.get(browser.address(page))
        browser.draw_all(driver)
        assert driver.execute_script("return window.bad") is None
        assert driver.execute_script("return document.querySelectorAll('.chart svg').length") == 1
        assert browser.console_errors(driver) == []
        assert browser.grave_faults(driver) == []
        rows = "[...document.querySelectorAll('#F1-2 tbody tr')]"
        shown = f"return {rows}.filter((row) => !row.hidden).map((row) => row.cells[0].textContent)"
        assert driver.execute_script(shown) == ["007", HOSTILE, "c"]
        estimate = driver.find_elements("css selector", "#F1-2 th button")[1]
        estimate.send_keys(Keys.ENTER)
        assert driver.execute_script(shown) == [HOSTILE, "007", "c"]
        estimate.send_keys(Keys.ENTER)
        assert driver.execute_script(shown) == ["007", HOSTILE, "c"]  # the missing value stays last
        driver.find_element("css selector", "#F1-2 input[type=search]").send_keys("ünï")
        assert driver.execute_script(shown) == [HOSTILE]
        for width in (1280, 390):
            browser.resize(driver, width=width)
            assert driver.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        driver.quit()


def test_sections_are_named_once():
    names = [name for name, _, _ in SECTIONS]
    assert len(names) == len(set(names)) == 11
    json.dumps(SECTIONS)

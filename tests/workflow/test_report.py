"""The report of the demo as its readers see it: in a browser without a network, on a desk and on a phone."""

import re
import time

import pytest

from tests import browser
from tests.report_numbers import check_numbers, loose_digits
from tests.workflow.conftest import ROOT

FIGURES = [f"F{number}" for number in range(1, 16)]
TABLES = [f"T{number}" for number in range(1, 7)]
OUT = ROOT / "results/demo"
PAGE = OUT / "report/index.html"


@pytest.fixture(scope="module")
def driver(demo):
    browser.need_browser()
    driver = browser.start_browser()
    yield driver
    driver.quit()


def test_every_figure_and_table_is_there_with_its_source(demo):
    text = PAGE.read_text(encoding="utf-8")
    for key in FIGURES + TABLES:
        block = re.search(rf'data-item="{key}".*?</article>', text, re.DOTALL)
        assert block, key
        assert "Not shown." not in block[0], key
        assert "<figure>" in block[0] or "<table>" in block[0], key
        links = re.findall(r'<a href="\.\./([^"]+)">Source', block[0])
        assert links, key
        for link in links:
            assert (OUT / link).exists(), (key, link)
        assert re.search(r'<p class="finding">.*?<data', block[0], re.DOTALL), key
        assert '<p class="counted">' in block[0], key


def test_every_number_of_a_sentence_equals_its_table(demo):
    assert check_numbers(page=PAGE, root=OUT) > 300
    assert loose_digits(page=PAGE) == []


def test_page_is_small_and_says_that_the_data_are_simulated(demo):
    assert PAGE.stat().st_size <= 12_000_000
    text = PAGE.read_text(encoding="utf-8")
    assert "Simulated data." in text
    assert str(ROOT) not in text


@pytest.mark.browser
def test_page_opens_without_a_network_and_without_complaints(driver):
    browser.resize(driver, width=1280)
    browser.console_errors(driver)
    seconds = []
    for _ in range(3):  # the quickest: other tests use the same cores
        start = time.perf_counter()
        driver.get(browser.address(PAGE))
        assert driver.execute_script("return window.pageReady") is True
        seconds.append(time.perf_counter() - start)
    assert min(seconds) <= 3, seconds
    browser.draw_all(driver)
    assert browser.console_errors(driver) == []
    assert set(browser.requests(driver)) == {browser.address(PAGE)}
    charts = driver.execute_script("return document.querySelectorAll('.chart').length")
    drawn = "return [...document.querySelectorAll('.chart')].filter((chart) => chart.querySelector('svg path')).length"
    assert driver.execute_script(drawn) == charts > 20


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(driver, width):
    browser.resize(driver, width=width)
    driver.get(browser.address(PAGE))
    browser.draw_all(driver)
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_grave_fault_of_accessibility(driver, theme):
    browser.resize(driver, width=1280)
    driver.get(browser.address(PAGE))
    browser.draw_all(driver)
    driver.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    # rows are alike: what holds for four of a table holds for five hundred; marks of a chart are hidden from readers
    driver.execute_script("document.querySelectorAll('tbody tr:nth-child(n+5)').forEach((row) => row.remove())")
    driver.execute_script("document.querySelectorAll('.chart svg').forEach((svg) => svg.replaceChildren())")
    assert browser.grave_faults(driver) == []


@pytest.mark.browser
def test_tables_sort_and_filter(driver):
    browser.resize(driver, width=1280)
    driver.get(browser.address(PAGE))
    rows = "[...document.querySelectorAll('[data-item=T5] .table tbody tr')].filter((row) => !row.hidden)"
    before = driver.execute_script(f"return {rows}.length")
    assert before > 5
    search = driver.find_element("css selector", "[data-item=T5] .table input[type=search]")
    search.send_keys("taxa")
    texts = driver.execute_script(f"return {rows}.map((row) => row.textContent.toLowerCase())")
    assert 0 < len(texts) < before
    assert all("taxa" in text for text in texts)
    search.clear()
    search.send_keys(" ")
    button = driver.find_element("css selector", "[data-item=T5] .table th:nth-child(2) button")
    order = f"return {rows}.map((row) => row.cells[1].textContent)"
    driver.execute_script("arguments[0].click()", button)
    rising = driver.execute_script(order)
    driver.execute_script("arguments[0].click()", button)
    falling = driver.execute_script(order)
    assert sorted(rising) == sorted(falling)
    assert rising != falling

"""Debian's Chromium without a network, to look at pages as a reader does."""

import json
import shutil
from pathlib import Path

import pytest
from axe_core_python.selenium import Axe
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

PROGRAMS = ("chromium", "chromedriver")
#: What axe-core calls a fault that keeps readers out.
GRAVE = {"serious", "critical"}


def need_browser():
    """Skip, and say which package is missing."""
    for program in PROGRAMS:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (envs/debian-test.txt)")


def start_browser():
    """Return a headless Chromium that resolves no name and keeps the messages of its console."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_script_timeout(110)
    return driver


def resize(driver, *, width, height=900):
    """Give the page a width in CSS pixels, also one below the smallest window."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
    )


def draw_all(driver):
    """Draw every chart of the report and wait for the last."""
    error = driver.execute_async_script(
        "const done = arguments[0]; window.drawAll().then(() => done(null), (error) => done(String(error)));"
    )
    assert error is None, error


def console_errors(driver):
    """Return what the console complained of since it was last read."""
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] in {"SEVERE", "WARNING"}]


def requests(driver):
    """Return the addresses the page asked for since the log was last read, without the page's own data."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    found = [
        message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"
    ]
    return [address for address in found if not address.startswith(("data:", "blob:"))]


def grave_faults(driver):
    """Return axe-core's serious and critical findings, a line each."""
    found = Axe().run(driver)
    return [
        f"{fault['id']} ({fault['impact']}): {node['target']} {node['html'][:160]}"
        for fault in found["violations"]
        if fault["impact"] in GRAVE
        for node in fault["nodes"][:5]
    ]


def address(path):
    """Return the file:// address of a path."""
    return Path(path).resolve().as_uri()

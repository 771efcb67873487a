"""One version of every tool, wherever it is written: conda files, pip locks, Debian list, preflight table."""

import csv
import re
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
ENVS = ROOT / "envs"
NAMES = sorted(path.stem for path in ENVS.glob("*.yaml"))
PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]+\])?==(?P<version>[^\s;]+)(?:\s*;[^\\]+)?\s*\\")
#: Programs of debian.txt that no job needs: they draw or build something for people.
NOT_CHECKED = {"dot"}


def tools():
    with open(ROOT / "resources" / "tools.tsv", encoding="utf-8") as handle:
        return list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))


def dependencies(name):
    """Conda pins and pip pins of an environment file."""
    entries = yaml.safe_load((ENVS / f"{name}.yaml").read_text())["dependencies"]
    return [e for e in entries if isinstance(e, str)], [p for e in entries if isinstance(e, dict) for p in e["pip"]]


def locked(name):
    """Package -> version of a lock file; names as pip compares them."""
    text = (ENVS / f"{name}.requirements.txt").read_text()
    return {normal(m["name"]): m["version"] for m in PIN.finditer(text)}


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def debian():
    lines = (ENVS / "debian.txt").read_text().splitlines()
    return {line.split()[0]: line.split()[1:] for line in lines if line and not line.startswith("#")}


@pytest.mark.parametrize("name", NAMES)
def test_conda_pins_are_exact(name):
    conda, pip = dependencies(name)
    for pin in conda:
        assert pin == "pip" or re.fullmatch(r"[a-z0-9._-]+=\d+(\.\d+)*", pin), pin
    for pin in pip:
        assert re.fullmatch(r"[A-Za-z0-9._-]+(\[[a-z]+\])?==[^=*]+", pin), pin
    assert "python=3.11" in conda


@pytest.mark.parametrize("name", NAMES)
def test_lock_holds_the_pins_of_the_conda_file(name):
    lock = locked(name)
    for pin in dependencies(name)[1]:
        package, _, version = pin.partition("==")
        package = package.partition("[")[0]
        assert lock.get(normal(package)) == version, f"{pin}: run `make lock`"


@pytest.mark.parametrize("path", sorted(ENVS.glob("*.requirements.txt")), ids=lambda path: path.name)
def test_every_line_of_a_lock_is_exact_and_hashed(path):
    text = path.read_text()
    assert "://" not in text and "--index" not in text and "--extra" not in text and "--find-links" not in text
    for entry in re.split(r"(?<!\\)\n", text.strip()):
        if entry.startswith("#"):
            continue
        lines = [line.strip() for line in entry.split("\\\n")]
        assert PIN.fullmatch(f"{lines[0]} \\"), lines[0]
        assert len(lines) > 1, f"{lines[0]} has no hash"
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", line) for line in lines[1:]), lines[0]


def test_shared_packages_of_venv_have_one_version():
    workflow, develop = locked("workflow"), locked("develop")
    assert {k: v for k, v in develop.items() if k in workflow} == {k: workflow[k] for k in develop if k in workflow}


@pytest.mark.parametrize("tool", tools(), ids=lambda tool: tool["program"])
def test_tool_versions_are_the_pins(tool):
    conda, pip = dependencies(tool["environment"])
    assert tool["conda"] in (pip if "==" in tool["conda"] else conda)
    pinned = tool["conda"].rpartition("=")[2]
    # a program may print less than its package's version: TRF 4.09.1 says 4.09
    assert pinned == tool["version"] or pinned.startswith(f"{tool['version']}.")
    assert re.compile(tool["pattern"]).groups == 1
    assert tool["debian"] == "NA" or tool["debian"] in debian()


def test_every_pinned_program_is_checked():
    checked = {tool["conda"] for tool in tools()}
    for name in {tool["environment"] for tool in tools()} - {"workflow"}:
        conda, pip = dependencies(name)
        libraries = set(dependencies("workflow")[1])  # what entry scripts import has no version to ask for
        assert set(conda) - {"pip", "python=3.11"} | set(pip) - libraries <= checked


def test_every_debian_package_is_checked_or_for_people():
    packages = {tool["debian"] for tool in tools()}
    for package, programs in debian().items():
        assert package in packages or set(programs) <= NOT_CHECKED, package
        commands = {alternative.split()[0] for t in tools() if t["debian"] == package for alternative in [t["command"]]}
        assert commands <= set(programs) or not commands


def test_pip_tools_come_from_pip_and_programs_from_debian():
    for tool in tools():
        assert ("==" in tool["conda"]) == (tool["debian"] == "NA"), tool["program"]
